//! What is at each path: `find -printf` records, digests and contents.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::digest;
use crate::facts::PathState;
use crate::seen::Seen;
use crate::spec::RemotePath;

/// The sections of a reply that speak of files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileSections<'a> {
    /// Paths with nothing there, one a line.
    pub(crate) missing: &'a str,
    /// `find` records: path, type, owner, group, mode, time, link target; each ends with a NUL.
    pub(crate) stats: &'a [u8],
    /// Path and the file read in its place (itself, or a masked copy), one pair a line.
    pub(crate) sources: &'a str,
    /// `sha256sum -z` of the files read.
    pub(crate) digests: &'a [u8],
    /// Size and name of the files whose content follows, one a line.
    pub(crate) sizes: &'a str,
    /// Their contents, one behind the other.
    pub(crate) contents: &'a [u8],
}

/// Every path that any section speaks of. A path that none speaks of is not in the map.
pub(crate) fn files(sections: &FileSections<'_>) -> BTreeMap<RemotePath, Seen<PathState>> {
    let mut found = BTreeMap::new();
    for path in sections.missing.lines() {
        if let Ok(path) = path.parse() {
            found.insert(path, Seen::Known(PathState::Absent));
        }
    }
    let sources: BTreeMap<&str, &str> = sections
        .sources
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect();
    let digests = digests(sections.digests);
    let contents = contents(sections.sizes, sections.contents);
    let stats = String::from_utf8_lossy(sections.stats);
    for record in stats.split_terminator('\0') {
        let Some((path, rest)) = record.split_once('\t') else {
            continue;
        };
        let Ok(name) = path.parse::<RemotePath>() else { continue };
        let read = sources.get(path).copied();
        let digest = read.and_then(|source| digests.get(source));
        let content = read.and_then(|source| contents.get(source).copied());
        let state = state(rest, digest.map(String::as_str), content).map_err(|why| format!("{path}: {why}"));
        found.insert(name, state.into());
    }
    found
}

fn state(rest: &str, digest: Option<&str>, content: Option<&[u8]>) -> Result<PathState, String> {
    let mut fields = rest.splitn(6, '\t');
    let mut next = || fields.next().ok_or_else(|| "find left a field out".to_owned());
    let (kind, owner, group, mode, time, target) = (next()?, next()?, next()?, next()?, next()?, next()?);
    let owner = owner.to_owned();
    let group = group.to_owned();
    let mode = u32::from_str_radix(mode, 8).map_err(|_| format!("a mode of {mode:?}"))?;
    Ok(match kind {
        "f" => {
            let sha256 = digest
                .ok_or("it was not hashed; perhaps it changed while it was looked at")?
                .to_owned();
            PathState::File {
                owner,
                group,
                mode,
                content: content.map(|bytes| checked(bytes, &sha256)).transpose()?.flatten(),
                sha256,
                modified: seconds(time)?,
            }
        }
        "d" => PathState::Dir { owner, group, mode },
        "l" => PathState::Link {
            target: target.to_owned(),
        },
        _ => PathState::Other,
    })
}

/// The content as text, if it is text. Sizes and contents were read one after the other, so the digest decides whether
/// these bytes are this file.
fn checked(bytes: &[u8], sha256: &str) -> Result<Option<String>, String> {
    if digest::sha256(bytes) != sha256 {
        return Err("it changed while it was read".to_owned());
    }
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    Ok(text.map(str::to_owned))
}

/// `seconds.fraction`, rounded down.
fn seconds(text: &str) -> Result<i64, String> {
    let whole = text.split('.').next().unwrap_or(text);
    whole.parse().map_err(|_| format!("a time of {text:?}"))
}

fn digests(bytes: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(bytes);
    let records = text.split_terminator('\0').filter_map(|record| record.split_once("  "));
    records
        .map(|(digest, name)| (name.to_owned(), digest.to_owned()))
        .collect()
}

fn contents<'a>(sizes: &'a str, mut bytes: &'a [u8]) -> BTreeMap<&'a str, &'a [u8]> {
    let mut found = BTreeMap::new();
    for line in sizes.lines() {
        let Some((size, name)) = line.split_once('\t') else {
            break;
        };
        let Some((content, rest)) = size.parse().ok().and_then(|size| bytes.split_at_checked(size)) else {
            break;
        };
        found.insert(name, content);
        bytes = rest;
    }
    found
}

/// The paths that were asked for and that nothing was said of.
pub(crate) fn unanswered(asked: &[RemotePath], found: &BTreeMap<RemotePath, Seen<PathState>>) -> BTreeSet<RemotePath> {
    asked
        .iter()
        .filter(|path| !found.contains_key(*path))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            text in "(/a|f|d|l|0644|[0-9]{1,20}|\t|\n|.){0,80}",
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let records = text.replace('\n', "\0");
            let found = files(&FileSections {
                sources: &text,
                missing: &text,
                stats: records.as_bytes(),
                digests: &bytes,
                sizes: &text,
                contents: &bytes,
            });
            prop_assert!(found.len() <= 2 * (text.len() + 1));
        }
    }
}
