//! The lab's own records, one JSON file each, written whole or not at all.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::LabError;

/// How far the making of a host has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// Its address is taken; the rest may or may not be there.
    Making,
    /// It has answered once and may be started again.
    Made,
}

/// What is remembered of one host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct HostRecord {
    /// Last number of its address.
    pub(super) octet: u8,
    /// Read-only layers below its own changes, the topmost first.
    pub(super) layers: Vec<PathBuf>,
    /// `SHA256:…` of its SSH host key.
    pub(super) host_key_fingerprint: String,
    pub(super) created: Timestamp,
    pub(super) stage: Stage,
}

/// What is remembered of one snapshot; its own layer lies beside the record, in `upper`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SnapshotRecord {
    /// The snapshot's own layer and all below it, the topmost first.
    pub(super) layers: Vec<PathBuf>,
    pub(super) created: Timestamp,
}

/// Reads a record; `None` where there is no such file.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, LabError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(LabError::file("read", path)(source)),
    };
    serde_json::from_str(&text).map(Some).map_err(|error| LabError::Record {
        path: path.to_owned(),
        why: error.to_string(),
    })
}

/// Writes a record beside its place and renames it, so that a reader never sees half of it.
pub(super) fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), LabError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| LabError::Record {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    let new = path.with_extension("new");
    fs::write(&new, text).map_err(LabError::file("write", &new))?;
    fs::rename(&new, path).map_err(LabError::file("put in place", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_and_a_missing_one_is_none() {
        let folder = tempfile::tempdir().expect("temp folder");
        let path = folder.path().join("host.json");
        assert!(read::<HostRecord>(&path).expect("no error").is_none());
        let record = HostRecord {
            octet: 10,
            layers: vec![PathBuf::from("/base")],
            host_key_fingerprint: "SHA256:x".to_owned(),
            created: Timestamp::UNIX_EPOCH,
            stage: Stage::Made,
        };
        write(&path, &record).expect("writes");
        let back = read::<HostRecord>(&path).expect("reads").expect("is there");
        assert_eq!((back.octet, back.stage), (10, Stage::Made));
    }

    #[test]
    fn a_record_cut_short_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().expect("temp folder");
        let path = folder.path().join("host.json");
        fs::write(&path, "{\"octet\": 1").expect("writes");
        let error = read::<HostRecord>(&path).expect_err("cut short");
        assert!(error.to_string().contains("host.json"), "{error}");
    }
}
