//! Removes everything of a lab from this computer by what the kernel shows, not by the lab's records: for records that
//! were lost or damaged.

use std::fs;
use std::path::Path;

use super::cgroup;
use super::error::LabError;
use super::layout;
use super::layout::Layout;
use super::network;
use super::overlay;
use super::program;
use super::trial;
use super::wiring::Wiring;

/// Ends all processes of the lab's hosts, takes their wiring and mounts away, then the network.
pub(super) fn all(layout: &Layout) -> Result<(), LabError> {
    let mut seen = program::run("ip", &[&"-br", &"link"])?;
    seen.push_str(&program::run("ip", &[&"netns", &"list"])?);
    seen.push_str(&groups()?);
    for octet in layout::octets_in(layout, &seen) {
        Wiring::of(layout, octet)?.cut()?;
    }
    trial::clear_abandoned(layout)?;
    overlay::unmount(&layout.hosts())?;
    network::remove(layout)
}

/// Names of all top groups, one a line.
fn groups() -> Result<String, LabError> {
    let mounts = Path::new("/proc/self/mounts");
    let text = fs::read_to_string(mounts).map_err(LabError::file("read", mounts))?;
    let mut names = String::new();
    for top in cgroup::hierarchies(&text) {
        for entry in fs::read_dir(&top).map_err(LabError::file("read", &top))? {
            let entry = entry.map_err(LabError::file("read", &top))?;
            names.push_str(&entry.file_name().to_string_lossy());
            names.push('\n');
        }
    }
    Ok(names)
}
