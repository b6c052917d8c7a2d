//! Names of what `preflight` makes to try things out, and the removal of what a killed run left of it.

use std::fs;
use std::path::Path;
use std::process;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use super::cgroup;
use super::cgroup::Group;
use super::error::LabError;
use super::gone;
use super::layout::Layout;
use super::locked;
use super::locked::Locked;
use super::overlay;
use super::program;

/// A name that no other trial has, in this process or another.
pub(super) fn name(layout: &Layout) -> String {
    static TRIALS: AtomicU32 = AtomicU32::new(0);
    let number = TRIALS.fetch_add(1, Ordering::Relaxed);
    format!("{}{}-{number}", start(layout), process::id())
}

/// Waits for the lock that trials are made under.
pub(super) fn lock(layout: &Layout) -> Result<Locked, LabError> {
    locked::lock(&layout.home.join("trials.lock"))
}

/// Removes the trials of processes that have ended.
pub(super) fn clear_abandoned(layout: &Layout) -> Result<(), LabError> {
    if !layout.home.exists() {
        return Ok(());
    }
    let _locked = lock(layout)?;
    for name in names_in(Path::new("/run/netns"), layout) {
        // Another run may be faster.
        let _gone_already = program::run("ip", &[&"netns", &"del", &name]);
    }
    for name in names_in(&layout.home, layout) {
        let folder = layout.home.join(name);
        overlay::unmount(&folder)?;
        gone::tree(&folder)?;
    }
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    for top in cgroup::hierarchies(&mounts) {
        for name in names_in(&top, layout) {
            Group::of(&name)?.remove()?;
        }
    }
    Ok(())
}

fn start(layout: &Layout) -> String {
    format!("anteroom-{}-trial-", layout.id)
}

/// Abandoned trials among a folder's entries. A folder that is not there has none.
fn names_in(folder: &Path, layout: &Layout) -> Vec<String> {
    let start = start(layout);
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.strip_prefix(&start).is_some_and(abandoned))
        .collect()
}

fn abandoned(rest: &str) -> bool {
    let pid = rest.split('-').next().unwrap_or_default();
    !Path::new("/proc").join(pid).exists()
}
