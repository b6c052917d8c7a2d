//! The files that a spec names: certificates and keys. Paths count from the spec's folder; `~/` is the operator's home.

use std::io;
use std::path::Path;
use std::path::PathBuf;

/// How the files that a spec names are found and read. Tests hand over a `read` that needs no disk.
pub struct Files<'a> {
    /// The folder that relative paths count from.
    pub folder: &'a Path,
    /// What `~/` stands for.
    pub home: Option<&'a Path>,
    /// Reads a whole file.
    pub read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
}

impl Files<'_> {
    /// The path that the spec's text means.
    pub(crate) fn resolve(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.folder.join(text),
        }
    }
}
