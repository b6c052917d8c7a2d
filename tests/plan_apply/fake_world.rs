//! Everything that a fake host holds: every file with owner, mode and content, running units, the firewall. Read from
//! this computer, so that neither the engine nor our own look has a part in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::fake_host::FakeHost;

/// What is no state of the host: this computer's programs, kernel interfaces, the doubles' own clock and processes.
const NOT_STATE: &[&str] = &[
    "/machine",
    "/proc",
    "/dev",
    "/run/double/uptime",
    "/run/double/transient",
    "/run/double/network",
    "/run/mount",
    "/run/anteroom/lock",
    "/tmp",
    "/usr/share/double",
    "/var/lib/double/synced",
];

/// A host at one moment: path → what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct World(BTreeMap<String, String>);

impl World {
    /// Reads a whole host.
    pub(crate) fn of(host: &FakeHost) -> Self {
        let mut found = BTreeMap::new();
        read(&host.view(), "", &mut found);
        assert!(found.len() > 100, "the look was cut short");
        Self(found)
    }

    /// The same without what is kept of runs until they are forgotten.
    pub(crate) fn without_record(mut self) -> Self {
        self.0.retain(|path, _| {
            let folder = path == "/var/lib/anteroom" || path == "/run/anteroom";
            !folder && !path.starts_with("/var/lib/anteroom/run") && !path.starts_with("/run/anteroom/")
        });
        self
    }

    /// The same, but for what no two runs have in common: secrets by name, made certificates and keys without content, and
    /// the order in which folders were made, and how often after an undo that failed.
    pub(crate) fn without_chance(mut self) -> Self {
        let secrets = self.0.get("/etc/anteroom/secrets").cloned().unwrap_or_default();
        let secrets: Vec<(&str, &str)> = secrets.lines().filter_map(|line| line.split_once('=')).collect();
        for (path, state) in &mut self.0 {
            let made = path.ends_with(".crt") || path.ends_with(".key");
            if made && path != "/usr/local/share/ca-certificates/theirs.crt" {
                state.truncate(state.find('\n').unwrap_or(state.len()));
            }
            if path == "/var/lib/anteroom/parents" {
                let mut lines: Vec<&str> = state.lines().collect();
                lines.sort_unstable();
                lines.dedup();
                *state = lines.join("\n");
            }
            for (name, value) in secrets.iter().filter(|(_, value)| value.len() == 64) {
                *state = state.replace(value, &format!("<{name}>"));
            }
        }
        Self(self.0)
    }

    /// Whether there is something at a path.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// One line for each difference.
    pub(crate) fn differences(&self, later: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, before) in &self.0 {
            match later.0.get(path) {
                None => lines.push(format!("gone: {path}")),
                Some(after) if after != before => lines.push(format!("changed: {path}: {before:?} -> {after:?}")),
                Some(_) => {}
            }
        }
        let new = later.0.iter().filter(|(path, _)| !self.0.contains_key(*path));
        lines.extend(new.map(|(path, after)| format!("new: {path}: {after:?}")));
        lines
    }
}

fn read(root: &Path, below: &str, found: &mut BTreeMap<String, String>) {
    let folder = root.join(below.trim_start_matches('/'));
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}/{}", entry.file_name().to_string_lossy());
        if NOT_STATE.contains(&path.as_str()) {
            continue;
        }
        let meta = entry.path().symlink_metadata().unwrap();
        let access = format!("{}:{} {:o}", meta.uid(), meta.gid(), meta.mode());
        if meta.is_dir() {
            found.insert(path.clone(), access);
            read(root, &path, found);
        } else if meta.is_symlink() {
            let target = fs::read_link(entry.path()).unwrap();
            // Links into this computer's own programs say nothing of the host.
            if !target.starts_with("/machine") {
                found.insert(path, format!("-> {}", target.display()));
            }
        } else {
            // Of a unit that runs, its process and the time of its start are chance.
            let content = if below == "/run/double/active" {
                Vec::new()
            } else {
                fs::read(entry.path()).unwrap()
            };
            // A name of which dpkg has nothing is nothing.
            if below == "/var/lib/double/packages" && content.starts_with(b"un ") {
                continue;
            }
            found.insert(path, format!("{access}\n{}", String::from_utf8_lossy(&content)));
        }
    }
}
