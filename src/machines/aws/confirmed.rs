//! What an operator agreed to, and what may follow from it.

use std::collections::BTreeSet;

use crate::machines::aws::change::Change;
use crate::machines::aws::error::CloudError;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::inventory::Kind;

/// The changes that were agreed to, and what was there before any of them was made.
pub(super) struct Confirmed<'a> {
    changes: &'a [Change],
    before: BTreeSet<String>,
}

impl<'a> Confirmed<'a> {
    /// Agreed to with this in sight.
    pub(super) fn new(changes: &'a [Change], seen: &Inventory) -> Self {
        let things = seen.things().into_iter().map(|(_, id, _)| id.to_owned());
        let keys = seen.disk_keys.iter().map(|key| key.arn.clone());
        Self {
            changes,
            before: things.chain(keys).collect(),
        }
    }

    /// Refuses a list that holds anything else than what was agreed to, or the removal of something that this run made.
    pub(super) fn refuse_others(&self, changes: &[Change]) -> Result<(), CloudError> {
        let other =
            |change: &&Change| !self.changes.iter().any(|agreed| agreed.covers(change)) && !self.is_ours(change);
        let others: Vec<String> = changes.iter().filter(other).map(ToString::to_string).collect();
        if others.is_empty() {
            return Ok(());
        }
        Err(CloudError::Changed(others.join("; ")))
    }

    /// A second one that came about since. A machine is never one: its token keeps it from being made twice.
    fn is_ours(&self, change: &Change) -> bool {
        match change {
            Change::RemoveExtra(Kind::Instance, _) => false,
            Change::RemoveExtra(_, id) => !self.before.contains(id),
            _ => false,
        }
    }
}
