//! Looks whether anything of a lab is left on this computer. It asks the kernel, not the lab's records.

use std::fs;
use std::path::Path;

use super::cgroup;
use super::layout::Layout;
use super::overlay;
use super::program;
use super::program::Args;

/// Everything found; a look that failed is listed too, since it proves nothing.
pub(super) fn look(layout: &Layout) -> Vec<String> {
    let mut left = Vec::new();
    let id = layout.id.as_str();
    let unit = format!("anteroom-{id}-");

    let looks: [(&str, &str, Args<'_>); 3] = [
        ("network link", "ip", &[&"-br", &"link"]),
        ("network namespace", "ip", &[&"netns", &"list"]),
        ("nft table", "nft", &[&"list", &"tables"]),
    ];
    for (what, program, args) in looks {
        match program::run(program, args) {
            Ok(printed) => left.extend(lines_with(&printed, id).map(|line| format!("{what} {line}"))),
            Err(error) => left.push(format!("unknown {what}s: failed to {error}")),
        }
    }
    match overlay::mounted_below(&layout.hosts()) {
        Ok(places) => left.extend(places.iter().map(|place| format!("mount {}", place.display()))),
        Err(error) => left.push(format!("unknown mounts: failed to {error}")),
    }
    match fs::read_to_string("/proc/self/mounts") {
        Ok(mounts) => {
            for top in cgroup::hierarchies(&mounts) {
                left.extend(entries(&top, &unit).map(|path| format!("cgroup {path}")));
            }
        }
        Err(error) => left.push(format!("unknown cgroups: failed to read /proc/self/mounts: {error}")),
    }
    left.extend(processes(&unit));
    for folder in [layout.hosts(), layout.snapshots()] {
        left.extend(entries(&folder, "").map(|path| format!("folder {path}")));
    }
    let nspawn = Path::new("/run/systemd/nspawn");
    for folder in ["propagate", "unix-export"] {
        left.extend(entries(&nspawn.join(folder), &unit).map(|path| format!("folder {path}")));
    }
    let registered = Path::new("/run/anteroom-lab/labs").join(format!("{id}.json"));
    if registered.exists() {
        left.push(format!("registration {}", registered.display()));
    }
    left
}

fn lines_with<'a>(text: &'a str, id: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().map(str::trim).filter(move |line| line.contains(id))
}

fn entries(folder: &Path, start: &str) -> impl Iterator<Item = String> {
    // A folder that is not there holds nothing.
    let found: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(start))
        .map(|entry| entry.path().display().to_string())
        .collect();
    found.into_iter()
}

/// Processes that the kernel counts to one of the lab's hosts.
fn processes(unit: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir("/proc") else {
        return vec!["unknown processes: failed to read /proc".to_owned()];
    };
    for entry in entries.filter_map(Result::ok) {
        let groups = fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        // A zombie has ended; it only waits for its parent to take note.
        let ended = status.lines().any(|line| line.starts_with("State:\tZ"));
        if groups.contains(unit) && !ended {
            found.push(format!("process {}", entry.file_name().to_string_lossy()));
        }
    }
    found
}
