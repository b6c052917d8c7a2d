//! The control groups of one host: how its processes are found, even when the supervisor and nspawn are gone.
//!
//! Each host has its own group with two children: `keeper` holds the supervisor, `guest` holds nspawn and the host.
//! The kernel's lists of members are the truth: no process id is ever remembered, so none can be stale.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use super::error::LabError;
use super::program;

/// Which of the host's processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The supervisor.
    Keeper,
    /// nspawn and everything inside the host.
    Guest,
    /// All of them.
    All,
}

/// One host's group, in every hierarchy that tracks processes.
#[derive(Debug, Clone)]
pub(super) struct Group {
    dirs: Vec<PathBuf>,
}

impl Group {
    /// The group of that name; it need not exist.
    pub(super) fn of(name: &str) -> Result<Self, LabError> {
        let mounts = Path::new("/proc/self/mounts");
        let text = fs::read_to_string(mounts).map_err(LabError::file("read", mounts))?;
        let dirs = hierarchies(&text).into_iter().map(|top| top.join(name)).collect();
        Ok(Self { dirs })
    }

    /// Makes the group. On a machine that has only cgroup v2 the controllers are handed down, so that limits set
    /// inside the host are enforced.
    pub(super) fn make(&self) -> Result<(), LabError> {
        for dir in &self.dirs {
            for part in ["keeper", "guest"] {
                let dir = dir.join(part);
                fs::create_dir_all(&dir).map_err(LabError::file("make", &dir))?;
            }
            for controller in ["cpu", "io", "memory", "pids"] {
                // A controller that this kernel does not offer here is simply not enforced inside the host.
                let _not_offered = fs::write(dir.join("cgroup.subtree_control"), format!("+{controller}"));
            }
        }
        Ok(())
    }

    /// The folders of one part, one for each hierarchy.
    pub(super) fn dirs(&self, part: Part) -> Vec<PathBuf> {
        self.dirs.iter().map(|dir| dir.join(part.below())).collect()
    }

    /// Process ids of a part, as this computer counts them.
    pub(super) fn pids(&self, part: Part) -> BTreeSet<u32> {
        let mut pids = BTreeSet::new();
        for dir in self.dirs(part) {
            collect(&dir, &mut pids);
        }
        pids
    }

    /// nspawn itself: what is in `guest` but not in the host's own `payload`.
    pub(super) fn nspawn(&self) -> BTreeSet<u32> {
        let mut pids = BTreeSet::new();
        for dir in self.dirs(Part::Guest) {
            members(&dir, &mut pids);
            collect(&dir.join("supervisor"), &mut pids);
        }
        let mut inside = BTreeSet::new();
        for dir in self.dirs(Part::Guest) {
            collect(&dir.join("payload"), &mut inside);
        }
        &pids - &inside
    }

    /// Waits until a part has no process.
    pub(super) fn wait_empty(&self, part: Part, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        loop {
            if self.pids(part).is_empty() {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends a part at once, as a power cut would. True when no process is left.
    pub(super) fn kill(&self, part: Part, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        loop {
            for dir in self.dirs(part) {
                // Only cgroup v2 (Linux 5.14) has this file; elsewhere the signals below do it.
                let _elsewhere = fs::write(dir.join("cgroup.kill"), "1");
            }
            let pids = self.pids(part);
            if pids.is_empty() {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            signal("KILL", &pids);
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Removes the group's folders, deepest first. Gone already is success.
    pub(super) fn remove(&self) -> Result<(), LabError> {
        for dir in &self.dirs {
            remove_tree(dir).map_err(LabError::file("remove", dir))?;
        }
        Ok(())
    }

    /// The folders that exist.
    pub(super) fn present(&self) -> Vec<PathBuf> {
        self.dirs.iter().filter(|dir| dir.exists()).cloned().collect()
    }
}

impl Part {
    fn below(self) -> &'static str {
        match self {
            Self::Keeper => "keeper",
            Self::Guest => "guest",
            Self::All => "",
        }
    }
}

/// Sends a signal. A process that has just ended is not an error.
pub(super) fn signal(signal: &str, pids: &BTreeSet<u32>) {
    if pids.is_empty() {
        return;
    }
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"-s", &signal];
    args.extend(pids.iter().map(|pid| pid as &dyn AsRef<std::ffi::OsStr>));
    let _gone_already = program::run("kill", &args);
}

/// Mount points of the hierarchies that track processes: cgroup v2, and on older layouts systemd's own v1 hierarchy.
/// Members in either are enough to find a process, and systemd inside the host uses the same ones.
pub(super) fn hierarchies(mounts: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for line in mounts.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [_, place, kind, options, ..] = fields[..] else {
            continue;
        };
        let systemd = kind == "cgroup" && options.split(',').any(|option| option == "name=systemd");
        if place.starts_with("/sys/fs/cgroup") && (kind == "cgroup2" || systemd) {
            found.push(PathBuf::from(place));
        }
    }
    found
}

/// Whether any cgroup v2 hierarchy is mounted.
pub(super) fn has_v2(mounts: &str) -> bool {
    mounts.lines().any(|line| line.split(' ').nth(2) == Some("cgroup2"))
}

fn members(dir: &Path, pids: &mut BTreeSet<u32>) {
    // A group that has just gone has no members.
    let text = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    pids.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
}

fn collect(dir: &Path, pids: &mut BTreeSet<u32>) {
    members(dir, pids);
    for child in children(dir) {
        collect(&child, pids);
    }
}

fn children(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

fn remove_tree(dir: &Path) -> io::Result<()> {
    for child in children(dir) {
        remove_tree(&child)?;
    }
    // The kernel frees a group a moment after its last process: try again for half a minute.
    let mut tries = 0;
    loop {
        match fs::remove_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && tries < 1500 => {
                tries += 1;
                thread::sleep(Duration::from_millis(20));
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_machine_has_one_hierarchy() {
        let mounts = include_str!("../../../tests/fixtures/lab/mounts-v2");
        assert_eq!(hierarchies(mounts), [PathBuf::from("/sys/fs/cgroup")]);
        assert!(has_v2(mounts));
    }

    #[test]
    fn a_machine_with_both_layouts_has_two() {
        let mounts = include_str!("../../../tests/fixtures/lab/mounts-hybrid");
        assert_eq!(
            hierarchies(mounts),
            [
                PathBuf::from("/sys/fs/cgroup/systemd"),
                PathBuf::from("/sys/fs/cgroup/unified")
            ]
        );
        assert!(has_v2(mounts));
    }

    #[test]
    fn the_mounts_of_other_things_are_not_taken_for_hierarchies() {
        assert!(
            hierarchies("cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\nsysfs /sys sysfs rw 0 0\n\n").is_empty()
        );
    }
}
