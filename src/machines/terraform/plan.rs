//! A plan that was made and saved, and what it says. The saved file holds the state's values, so it lies in a folder of the
//! operator's own and goes when it is dropped.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use super::error::TerraformError;
use super::events::Change;
use crate::digest;

/// What a plan is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent<'a> {
    /// To build what the spec asks for.
    Build,
    /// To lift the protection against deletion of these resources.
    Unlock(&'a [String]),
    /// To remove everything.
    Remove,
}

/// A plan that was saved.
#[derive(Debug)]
pub struct Planned {
    /// What would be done, in Terraform's order.
    pub changes: Vec<Change>,
    /// What somebody else changed since the last run.
    pub drift: Vec<Change>,
    /// Warnings.
    pub warnings: Vec<String>,
    /// Whether there is something to apply; where no resource changes, it is outputs.
    pub pending: bool,
    pub(super) folder: PrivateFolder,
}

impl Planned {
    /// The plan as lines, for people and scripts.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.changes.iter().map(ToString::to_string).collect();
        if self.pending && lines.is_empty() {
            lines.push("~ outputs: change".to_owned());
        }
        lines
    }

    /// Where the plan is.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("plan")
    }
}

/// A folder that only this user can enter, and that goes when it is dropped.
#[derive(Debug)]
pub(super) struct PrivateFolder(PathBuf);

impl PrivateFolder {
    pub(super) fn make() -> Result<Self, TerraformError> {
        let mut random = [0_u8; 16];
        let path = std::env::temp_dir();
        let failed = |path: &Path, source| TerraformError::Private {
            path: path.to_owned(),
            source,
        };
        getrandom::fill(&mut random).map_err(|error| failed(&path, std::io::Error::other(error.to_string())))?;
        let path = path.join(format!("anteroom-terraform-{}", digest::hex(&random)));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|source| failed(&path, source))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // What cannot be removed is still closed to others.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    resource_changes: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    address: String,
    change: RowChange,
}

#[derive(Deserialize)]
struct RowChange {
    actions: Vec<String>,
    before: Option<Protected>,
}

/// The two names that clouds have for the protection, as far as Terraform enforces it.
#[derive(Default, Deserialize)]
struct Protected {
    #[serde(default)]
    disable_api_termination: Option<bool>,
    #[serde(default)]
    deletion_protection: Option<bool>,
}

/// The resources of a plan that would go and are protected against it, from what `terraform show -json` prints of it.
pub(super) fn protected(text: &str) -> Result<Vec<String>, String> {
    let shown: Shown = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let is_protected = |row: &Row| {
        let before = row.change.before.as_ref();
        let on = before.is_some_and(|before| {
            before.disable_api_termination == Some(true) || before.deletion_protection == Some(true)
        });
        on && row.change.actions.iter().any(|action| action == "delete")
    };
    let rows = shown.resource_changes.into_iter().filter(is_protected);
    Ok(rows.map(|row| row.address).collect())
}
