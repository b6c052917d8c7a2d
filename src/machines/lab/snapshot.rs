//! Snapshots: a host's changes set aside as a read-only layer that further hosts stand on. Deploy once, clone often.

use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;

use super::Removal;
use super::error::LabError;
use super::gone;
use super::layout;
use super::layout::Layout;
use super::locked::Locked;
use super::overlay;
use super::record;
use super::record::HostRecord;
use super::record::SnapshotRecord;
use crate::spec::HostName;

/// The layers of a snapshot, the topmost first.
pub(super) fn layers(layout: &Layout, snapshot: &HostName) -> Result<Vec<PathBuf>, LabError> {
    record::read::<SnapshotRecord>(&record_path(layout, snapshot))?
        .map(|record| record.layers)
        .ok_or_else(|| LabError::NoSnapshot(snapshot.clone()))
}

/// All snapshots of a lab.
pub(super) fn names(layout: &Layout) -> Result<Vec<HostName>, LabError> {
    layout::names_in(&layout.snapshots())
}

pub(super) fn refuse_taken(layout: &Layout, snapshot: &HostName) -> Result<(), LabError> {
    if layout.snapshot(snapshot).exists() {
        return Err(LabError::SnapshotExists(snapshot.clone()));
    }
    Ok(())
}

/// Makes a snapshot of a host that is switched off. Its changes are moved, not copied: the host gets an empty layer
/// above them. The lock is the lab's.
pub(super) fn take(locked: &Locked, layout: &Layout, name: &HostName, snapshot: &HostName) -> Result<(), LabError> {
    refuse_taken(layout, snapshot)?;
    let host = layout.host(name);
    let mut record: HostRecord = record::read(&host.record())?.ok_or_else(|| LabError::NoHost(name.clone()))?;
    overlay::unmount(&host.root())?;
    let dir = layout.snapshot(snapshot);
    fs::create_dir_all(&dir).map_err(LabError::file("make", &dir))?;
    let layer = dir.join("upper");
    record.layers.insert(0, layer.clone());
    let kept = SnapshotRecord {
        layers: record.layers.clone(),
        created: Timestamp::now(),
    };
    record::write(&record_path(layout, snapshot), &kept)?;
    fs::rename(host.upper(), &layer).map_err(LabError::file("set aside", &host.upper()))?;
    record::write(&host.record(), &record)?;
    // The kernel keeps marks about the old layer in there.
    gone::tree(&host.work())?;
    overlay::mount(locked, &host, &record.layers)
}

/// Removes a snapshot that nothing stands on.
pub(super) fn remove(layout: &Layout, snapshot: &HostName) -> Result<Removal, LabError> {
    let dir = layout.snapshot(snapshot);
    if !dir.exists() {
        return Ok(Removal::WasNotThere);
    }
    let mut users = Vec::new();
    for name in layout::names_in(&layout.hosts())? {
        let record: Option<HostRecord> = record::read(&layout.host(&name).record())?;
        if record.is_some_and(|record| stands_on(&record.layers, &dir)) {
            users.push(name);
        }
    }
    for name in names(layout)?.into_iter().filter(|name| name != snapshot) {
        let record: Option<SnapshotRecord> = record::read(&record_path(layout, &name))?;
        if record.is_some_and(|record| stands_on(&record.layers, &dir)) {
            users.push(name);
        }
    }
    if !users.is_empty() {
        return Err(LabError::SnapshotInUse {
            snapshot: snapshot.clone(),
            hosts: users,
        });
    }
    erase(layout, snapshot)?;
    Ok(Removal::Removed)
}

/// Removes a snapshot's folder. Gone already is success.
pub(super) fn erase(layout: &Layout, snapshot: &HostName) -> Result<(), LabError> {
    gone::tree(&layout.snapshot(snapshot))
}

fn record_path(layout: &Layout, snapshot: &HostName) -> PathBuf {
    layout.snapshot(snapshot).join("snapshot.json")
}

fn stands_on(layers: &[PathBuf], dir: &std::path::Path) -> bool {
    layers.iter().any(|layer| layer.starts_with(dir))
}
