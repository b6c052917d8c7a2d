//! What a removal left: the plan's own list against a second look, which shares nothing with the first but the names.

use std::fmt;

use crate::facts::HostFacts;
use crate::facts::PathState;
use crate::facts::Request;
use crate::plan::Change;
use crate::plan::Extent;
use crate::plan::Plan;
use crate::plan::UnitAction;
use crate::plan::diff::describe;
use crate::plan::manifest::PATH as MANIFEST;

/// Something that should be gone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Leftover {
    /// What.
    pub subject: String,
    /// What was seen there, or why nobody knows.
    pub observed: String,
}

impl fmt::Display for Leftover {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.subject, self.observed)
    }
}

const SECRETS: &str = "/etc/anteroom/secrets";

/// What to look at after a removal was carried out.
pub fn request_after(plan: &Plan) -> Request {
    let mut request = Request::default();
    for change in &plan.changes {
        match change {
            Change::Delete { path, .. } => request.paths.push(path.clone()),
            Change::Residue { paths, .. } => request.paths.extend(paths.iter().cloned()),
            Change::Unit { name, action, .. } if *action == UnitAction::Stop => request.units.push(name.clone()),
            Change::Forget(_) => request
                .paths
                .extend([SECRETS, MANIFEST].iter().filter_map(|path| path.parse().ok())),
            _ => {}
        }
    }
    request
}

/// Everything that the plan should have removed and that is still there, or that could not be seen.
pub fn leftovers(plan: &Plan, after: &HostFacts) -> Vec<Leftover> {
    let mut left = Vec::new();
    for change in &plan.changes {
        match change {
            Change::Delete {
                path, restore: None, ..
            } => still_there(path.as_str(), after, &mut left),
            Change::Delete {
                path, restore: Some(_), ..
            } => match state(path.as_str(), after) {
                Ok(PathState::Absent) => push(&mut left, path, "what stood here before is not back"),
                Ok(_) => {}
                Err(why) => push(&mut left, path, why),
            },
            Change::Residue { paths, .. } => {
                for path in paths {
                    still_there(path.as_str(), after, &mut left);
                }
            }
            Change::Purge { packages, .. } => purged(packages, after, &mut left),
            Change::RemoveAccount { jid } => match after.accounts.known() {
                Ok(accounts) if accounts.contains_key(jid) => push(&mut left, jid, "the account is there"),
                Ok(_) => {}
                Err(why) => push(&mut left, jid, why),
            },
            Change::Unit { name, action, .. } if *action == UnitAction::Stop => {
                match after.units.get(name).map(|seen| seen.known()) {
                    Some(Ok(seen)) if seen.active == "active" => push(&mut left, name, "it runs"),
                    Some(Ok(_)) => {}
                    Some(Err(why)) => push(&mut left, name, why),
                    None => push(&mut left, name, "it was not looked at"),
                }
            }
            Change::Forget(extent) => {
                still_there(SECRETS, after, &mut left);
                if *extent == Extent::All {
                    still_there(MANIFEST, after, &mut left);
                }
            }
            _ => {}
        }
    }
    left
}

fn purged(packages: &[String], after: &HostFacts, left: &mut Vec<Leftover>) {
    match after.packages.known() {
        Ok(seen) => {
            for name in packages.iter().filter(|name| seen.contains_key(*name)) {
                push(
                    left,
                    format!("package {name}"),
                    "it is installed, or its configuration is",
                );
            }
        }
        Err(why) => push(left, "installed packages", why),
    }
}

fn still_there(path: &str, after: &HostFacts, left: &mut Vec<Leftover>) {
    match state(path, after) {
        Ok(PathState::Absent) => {}
        Ok(state) => push(left, path, &describe(state)),
        Err(why) => push(left, path, why),
    }
}

fn state<'a>(path: &str, after: &'a HostFacts) -> Result<&'a PathState, &'a str> {
    let found = after.files.iter().find(|(key, _)| key.as_str() == path);
    match found {
        Some((_, seen)) => seen.known(),
        None => Err("it was not looked at"),
    }
}

fn push(left: &mut Vec<Leftover>, subject: impl ToString, observed: &str) {
    left.push(Leftover {
        subject: subject.to_string(),
        observed: observed.to_owned(),
    });
}
