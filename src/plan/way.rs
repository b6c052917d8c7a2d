//! What has to come first. Where a file, a folder or a link of ours is to be and something of another kind is, packages' own
//! scripts stumble over it, and so they do over a spoiled certificate; a folder has to be one before a certificate is made
//! in it; apt cannot read our source yet.

use crate::facts::HostFacts;
use crate::plan::Change;
use crate::plan::Entry;
use crate::plan::PathState;
use crate::plan::file::below;
use crate::plan::made;
use crate::plan::package;
use crate::render::Wanted;
use crate::spec::RemotePath;

/// A deletion for each change that puts an entry where something of another kind is now. The change itself stays: it
/// puts the entry in place later, and finds nothing there or what a package made.
pub(crate) fn make_way(puts: &[Change]) -> Vec<Change> {
    let blocked = puts.iter().filter_map(|change| match change {
        Change::Put {
            path,
            entry,
            before,
            keep,
        } if another_kind(entry, before) => Some(Change::Delete {
            path: path.clone(),
            before: before.clone(),
            keep: keep.clone(),
            restore: None,
        }),
        _ => None,
    });
    let mut away: Vec<Change> = blocked.collect();
    // What lies in a folder goes before the folder.
    away.reverse();
    away
}

fn another_kind(entry: &Entry, before: &PathState) -> bool {
    !matches!(
        (entry, before),
        (_, PathState::Absent)
            | (Entry::File(_), PathState::File { .. })
            | (Entry::Dir(_), PathState::Dir { .. })
            | (Entry::Link { .. }, PathState::Link { .. })
    )
}

/// Whether certificates are made before packages come: one is none at all, prosodyctl reads every file of its folder and
/// dies of it, and the packages' scripts with it. Where what makes them is yet to come, they wait for that.
pub(crate) fn certificates_first(certificates: &[Change], wanted: &Wanted, facts: &HostFacts) -> bool {
    let spoiled = |change: &Change| {
        let Change::Certificate(made) = change else {
            return false;
        };
        let seen = facts.certificates.get(&made.certificate).map(|seen| seen.known());
        matches!(seen, Some(Ok(Some(seen))) if seen.names.is_empty())
    };
    let makers = ["openssl", "prosody"];
    certificates.iter().any(spoiled) && !makers.iter().any(|maker| package::missing(wanted, facts, maker))
}

/// Whether a change makes a folder that a certificate is going to lie in.
pub(crate) fn holds_one_of(change: &Change, certificates: &[Change]) -> bool {
    let Change::Put {
        path,
        entry: Entry::Dir(_),
        ..
    } = change
    else {
        return false;
    };
    certificates.iter().any(|made| match made {
        Change::Certificate(made) => made::certificate_paths(made).iter().any(|file| below(file, path)),
        _ => false,
    })
}

/// Tools come before the key that they check, and before the firewall that lets a new repository through.
pub(crate) fn own_sources(wanted: &Wanted) -> Vec<RemotePath> {
    let paths = wanted.tree.keys();
    let sources = paths.filter(|path| path.as_str().starts_with("/etc/apt/sources.list.d/"));
    sources.cloned().collect()
}
