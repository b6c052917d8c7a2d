//! Removing files and folders, where gone already is success.

use std::fs;
use std::io;
use std::path::Path;

use super::error::LabError;

/// Removes a file.
pub(super) fn file(path: &Path) -> Result<(), LabError> {
    unless_gone(fs::remove_file(path), path)
}

/// Removes an empty folder.
pub(super) fn folder(path: &Path) -> Result<(), LabError> {
    unless_gone(fs::remove_dir(path), path)
}

/// Removes a folder and all that is in it. The caller makes sure that nothing is mounted there.
pub(super) fn tree(path: &Path) -> Result<(), LabError> {
    unless_gone(fs::remove_dir_all(path), path)
}

fn unless_gone(removed: io::Result<()>, path: &Path) -> Result<(), LabError> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LabError::file("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gone_already_is_success_and_anything_else_names_the_path() {
        let folder_there = tempfile::tempdir().expect("temp folder");
        let path = folder_there.path().join("a");
        file(&path).expect("gone");
        tree(&path).expect("gone");
        folder(&path).expect("gone");
        fs::write(&path, "").expect("writes");
        let error = folder(&path).expect_err("a file is no folder");
        assert!(
            error.to_string().starts_with(&format!("remove {}: ", path.display())),
            "{error}"
        );
    }
}
