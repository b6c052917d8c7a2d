//! Which files, folders and links must be put or deleted. Compares with slots masked, so it never needs a secret.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::digest;
use crate::facts::HostFacts;
use crate::facts::OwnedPath;
use crate::facts::PathState;
use crate::plan::Change;
use crate::plan::DriftKind;
use crate::plan::DriftRow;
use crate::plan::UnknownFact;
use crate::plan::diff::describe;
use crate::plan::diff::describe_entry;
use crate::plan::drift::unknown;
use crate::plan::made::certificate_paths;
use crate::render::Entry;
use crate::render::FileContent;
use crate::render::Wanted;
use crate::spec::RemotePath;

/// Where what stood at a path before us is kept until we go.
const BEFORE: &str = "/var/lib/anteroom/before";

/// When a path takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Before package lists are read.
    Apt,
    /// Under the dead man's switch.
    Guarded,
    /// With everything else.
    Rest,
}

/// The decided file changes, by when they take effect.
#[derive(Debug, Default)]
pub(crate) struct FileChanges {
    pub(crate) apt: Vec<Change>,
    pub(crate) guarded: Vec<Change>,
    pub(crate) rest: Vec<Change>,
    /// Paths whose content, kind or access really changes.
    pub(crate) changed: BTreeSet<RemotePath>,
}

/// SHA-256 of a file's wanted content, slots unfilled, in lower-case hexadecimal.
pub fn content_sha256(content: &FileContent) -> String {
    let bytes = match content {
        FileContent::Text(text) => text.as_bytes(),
        FileContent::Hidden(secret) => secret.expose().as_bytes(),
    };
    digest::sha256(bytes)
}

/// Whether a change only stands guard: nothing differs now, but a package's scripts may touch the path in this run.
pub fn is_guard(change: &Change) -> bool {
    match change {
        Change::Put {
            entry,
            before,
            keep: None,
            ..
        } => satisfies(before, entry),
        Change::Delete {
            before: PathState::Absent,
            restore: None,
            ..
        } => true,
        _ => false,
    }
}

/// Whether what was seen is what is wanted.
pub(crate) fn satisfies(state: &PathState, entry: &Entry) -> bool {
    match (state, entry) {
        (
            PathState::File {
                owner,
                group,
                mode,
                sha256,
                ..
            },
            Entry::File(file),
        ) => {
            let access = &file.access;
            *owner == access.owner
                && *group == access.group
                && *mode == access.mode
                && *sha256 == content_sha256(&file.content)
        }
        (PathState::Dir { owner, group, mode }, Entry::Dir(access)) => {
            *owner == access.owner && *group == access.group && *mode == access.mode
        }
        (PathState::Link { target }, Entry::Link { target: wanted }) => target == wanted,
        _ => false,
    }
}

/// Where the thing that stands at a path now is to be kept, when it is not ours. What the manifest names may still be
/// somebody else's, where a run was cut short before it came to it; what is kept already is never kept again.
pub(crate) fn keep_place(path: &RemotePath, state: &PathState, owned: &[OwnedPath]) -> Option<RemotePath> {
    if *state == PathState::Absent {
        return None;
    }
    match owned.iter().find(|own| own.path == *path) {
        Some(own) => own.before.clone(),
        None => Some(before_place(path)),
    }
}

fn before_place(path: &RemotePath) -> RemotePath {
    format!("{BEFORE}{path}")
        .parse()
        .expect("an absolute path after a constant absolute path is one")
}

/// The group of each path of a tree.
pub(crate) fn group(path: &RemotePath, wanted: &Wanted) -> Group {
    let text = path.as_str();
    if text.starts_with("/etc/apt/") {
        return Group::Apt;
    }
    match wanted.tree.get(path) {
        Some(Entry::File(file)) if file.hardening => Group::Guarded,
        Some(Entry::Dir(_)) if holds(path, wanted, |_, entry| matches!(entry, Entry::File(f) if f.hardening)) => {
            Group::Guarded
        }
        _ => Group::Rest,
    }
}

fn holds(folder: &RemotePath, wanted: &Wanted, which: impl Fn(&RemotePath, &Entry) -> bool) -> bool {
    wanted
        .tree
        .iter()
        .any(|(path, entry)| below(path, folder) && which(path, entry))
}

/// Whether a path is inside a folder, or is it.
pub(crate) fn below(path: &RemotePath, folder: &RemotePath) -> bool {
    path.as_str()
        .strip_prefix(folder.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What one path is, or why that is not known.
pub(crate) fn seen<'a>(path: &RemotePath, facts: &'a HostFacts) -> Result<&'a PathState, UnknownFact> {
    match facts.files.get(path).map(|state| state.known()) {
        Some(Ok(state)) => Ok(state),
        Some(Err(why)) => Err(unknown(DriftKind::File, path.as_str(), why)),
        None => Err(unknown(DriftKind::File, path.as_str(), "it was not looked at")),
    }
}

/// Decides every path. `stale` paths are files whose slots are about to be filled with new secrets; `guard` says that
/// packages will be installed, whose scripts may rewrite what is right now.
pub(crate) fn decide(
    wanted: &Wanted,
    facts: &HostFacts,
    owned: &[OwnedPath],
    new_secrets: &BTreeSet<String>,
    guard: bool,
    rows: &mut Vec<DriftRow>,
    missing: &mut Vec<UnknownFact>,
) -> FileChanges {
    let mut changes = FileChanges::default();
    for (path, entry) in &wanted.tree {
        let before = match seen(path, facts) {
            Ok(before) => before,
            Err(look) => {
                missing.push(look);
                continue;
            }
        };
        let right = satisfies(before, entry) && !has_new_secret(entry, new_secrets);
        let keep = keep_place(path, before, owned);
        let group = group(path, wanted);
        if !right {
            rows.push(row(path, entry, before));
            changes.changed.insert(path.clone());
        }
        // What is right already and nobody's yet becomes ours.
        let new = keep.is_some() && !owned.iter().any(|own| own.path == *path);
        if !right || new || (guard && group == Group::Rest) {
            let change = Change::Put {
                path: path.clone(),
                entry: entry.clone(),
                before: before.clone(),
                keep,
            };
            changes.push(group, change);
        }
    }
    for path in &wanted.forbidden {
        match seen(path, facts) {
            Ok(PathState::Absent) if !guard => {}
            Ok(before) => {
                if *before != PathState::Absent {
                    rows.push(DriftRow::new(DriftKind::File, path, "absent", describe(before)));
                    changes.changed.insert(path.clone());
                }
                let change = Change::Delete {
                    path: path.clone(),
                    before: before.clone(),
                    keep: keep_place(path, before, owned),
                    restore: None,
                };
                changes.push(group(path, wanted), change);
            }
            Err(look) => missing.push(look),
        }
    }
    no_longer_wanted(wanted, facts, owned, &mut changes, rows, missing);
    changes
}

impl FileChanges {
    fn push(&mut self, group: Group, change: Change) {
        match group {
            Group::Apt => self.apt.push(change),
            Group::Guarded => self.guarded.push(change),
            Group::Rest => self.rest.push(change),
        }
    }
}

/// Paths that an earlier spec wanted: gone, or back to what stood there before us. Deepest first.
fn no_longer_wanted(
    wanted: &Wanted,
    facts: &HostFacts,
    owned: &[OwnedPath],
    changes: &mut FileChanges,
    rows: &mut Vec<DriftRow>,
    missing: &mut Vec<UnknownFact>,
) {
    let still = still_owned(wanted);
    for own in owned.iter().rev() {
        if still.contains_key(&own.path) || wanted.forbidden.contains(&own.path) {
            continue;
        }
        match seen(&own.path, facts) {
            Ok(PathState::Absent) if own.before.is_none() => {}
            Ok(before) => {
                let expected = if own.before.is_some() { "as before us" } else { "absent" };
                rows.push(DriftRow::new(DriftKind::File, &own.path, expected, describe(before)));
                changes.changed.insert(own.path.clone());
                let group = match own.path.as_str() {
                    text if text.starts_with("/etc/apt/") => Group::Apt,
                    _ if own.hardening => Group::Guarded,
                    _ => Group::Rest,
                };
                let change = Change::Delete {
                    path: own.path.clone(),
                    before: before.clone(),
                    keep: None,
                    restore: own.before.clone(),
                };
                changes.push(group, change);
            }
            Err(look) => missing.push(look),
        }
    }
}

/// Every path that is ours once the host is as wanted, and whether it is hardening.
pub(crate) fn still_owned(wanted: &Wanted) -> BTreeMap<RemotePath, bool> {
    let mut paths = BTreeMap::new();
    for (path, entry) in &wanted.tree {
        let hardening = matches!(entry, Entry::File(file) if file.hardening);
        paths.insert(path.clone(), hardening);
    }
    for key in &wanted.apt_keys {
        paths.insert(key.path.clone(), false);
    }
    for made in &wanted.certificates {
        for path in certificate_paths(made) {
            paths.insert(path, false);
        }
    }
    paths
}

fn has_new_secret(entry: &Entry, new_secrets: &BTreeSet<String>) -> bool {
    match entry {
        Entry::File(file) => match &file.content {
            FileContent::Text(text) => new_secrets.iter().any(|slot| text.contains(slot)),
            FileContent::Hidden(_) => false,
        },
        _ => false,
    }
}

fn row(path: &RemotePath, entry: &Entry, before: &PathState) -> DriftRow {
    let mut expected = describe_entry(entry);
    let mut observed = describe(before);
    if let (Entry::File(file), PathState::File { sha256, .. }) = (entry, before) {
        let wanted = content_sha256(&file.content);
        if wanted != *sha256 {
            expected.push_str(&format!(" sha256 {}", &wanted[..12]));
            observed.push_str(&format!(" sha256 {}", sha256.get(..12).unwrap_or(sha256)));
        }
    }
    DriftRow::new(DriftKind::File, path, expected, observed)
}
