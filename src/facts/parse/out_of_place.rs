//! What lies where it should not: secrets' values, keys, files that anybody may write, programs that run as root, what
//! Prosody keeps, hosts of others in settings.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::facts::Exposed;
use crate::facts::LooseFile;
use crate::facts::Place;
use crate::facts::PlaceKind;

/// `kind<tab>secrets<tab>place` lines, and a last one that says how many files were read.
pub(crate) fn exposed(text: &str) -> Result<Exposed, String> {
    let mut seen = Exposed::default();
    let mut whole = false;
    for line in text.lines() {
        let [kind, secrets, place] = fields(line).ok_or_else(|| odd("exposed", line))?;
        let kind = match kind {
            "file" => PlaceKind::File,
            "log" => PlaceKind::Log,
            "debconf" => PlaceKind::Debconf,
            "history" => PlaceKind::History,
            "cmdline" => PlaceKind::Arguments,
            "environ" => PlaceKind::Environment,
            "read" => {
                seen.read = place.trim().parse().map_err(|_| odd("exposed", line))?;
                whole = true;
                continue;
            }
            _ => return Err(odd("exposed", line)),
        };
        seen.places.push(Place {
            kind,
            place: place.to_owned(),
            secrets: secrets.to_owned(),
        });
    }
    if whole {
        Ok(seen)
    } else {
        Err("exposed: the search did not come to its end".to_owned())
    }
}

/// `mode<tab>owner<tab>group<tab>path` lines.
pub(crate) fn loose(text: &str) -> Result<Vec<LooseFile>, String> {
    text.lines()
        .map(|line| {
            let [mode, owner, group, path] = fields(line).ok_or_else(|| odd("loose-files", line))?;
            Ok(LooseFile {
                mode: u32::from_str_radix(mode, 8).map_err(|_| odd("loose-files", line))?,
                owner: owner.to_owned(),
                group: group.to_owned(),
                path: path.to_owned(),
            })
        })
        .collect()
}

/// `package<tab>path` lines; no package: none brought it.
pub(crate) fn setuid(text: &str) -> Result<BTreeMap<String, Option<String>>, String> {
    text.lines()
        .map(|line| {
            let [package, path] = fields(line).ok_or_else(|| odd("setuid-programs", line))?;
            Ok((path.to_owned(), (!package.is_empty()).then(|| package.to_owned())))
        })
        .collect()
}

/// `count<tab>virtual host<tab>kind` lines, written as Prosody names its folders.
pub(crate) fn kept(text: &str) -> Result<BTreeMap<(String, String), usize>, String> {
    text.lines()
        .map(|line| {
            let [count, host, kind] = fields(line).ok_or_else(|| odd("kept", line))?;
            let count = count.parse().map_err(|_| odd("kept", line))?;
            Ok(((plain(host), kind.to_owned()), count))
        })
        .collect()
}

/// `file<tab>host` lines.
pub(crate) fn upstream(text: &str) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines() {
        let [file, host] = fields(line).ok_or_else(|| odd("upstream-hosts", line))?;
        all.entry(file.to_owned()).or_default().insert(host.to_owned());
    }
    Ok(all)
}

/// Exactly so many fields with tabs between; the last one may hold tabs.
pub(crate) fn fields<const N: usize>(line: &str) -> Option<[&str; N]> {
    let all: Vec<&str> = line.splitn(N, '\t').collect();
    all.try_into().ok()
}

pub(crate) fn odd(section: &str, line: &str) -> String {
    format!("{section}: {line:?} is no such line")
}

/// Prosody writes every other byte than a letter or digit as %xx.
fn plain(name: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = name.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match code
            .and_then(|two| u8::from_str_radix(two, 16).ok())
            .filter(|_| first == b'%')
        {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXPOSED: &str = include_str!("../../../tests/fixtures/facts/exposed");
    const LOOSE: &str = include_str!("../../../tests/fixtures/facts/loose-files");
    const SETUID: &str = include_str!("../../../tests/fixtures/facts/setuid-programs");
    const KEPT: &str = include_str!("../../../tests/fixtures/facts/kept");

    #[test]
    fn a_secret_is_told_by_its_name_and_place() {
        let seen = exposed(EXPOSED).unwrap();
        let kinds: Vec<PlaceKind> = seen.places.iter().map(|place| place.kind).collect();
        assert!(
            kinds.contains(&PlaceKind::File) && kinds.contains(&PlaceKind::Arguments),
            "{kinds:?}"
        );
        assert!(
            kinds.contains(&PlaceKind::Environment) && kinds.contains(&PlaceKind::History),
            "{kinds:?}"
        );
        assert!(kinds.contains(&PlaceKind::Log), "{kinds:?}");
        assert!(
            seen.places
                .iter()
                .all(|place| !place.secrets.is_empty() && !place.place.is_empty())
        );
        assert!(seen.read > 50);
        // Cut off before its end it says nothing.
        let cut: String = EXPOSED.lines().filter(|line| !line.starts_with("read")).collect();
        assert!(exposed(&cut).is_err() && exposed("").is_err() && exposed("else\ta\tb\n").is_err());
    }

    #[test]
    fn loose_files_and_programs_that_run_as_root_are_told_with_their_owners() {
        let files = loose(LOOSE).unwrap();
        assert!(files.iter().any(|file| file.mode & 0o002 != 0), "{files:?}");
        assert!(loose("0777\troot\n").is_err() && loose("rwx\ta\tb\t/c\n").is_err());
        let programs = setuid(SETUID).unwrap();
        assert_eq!(programs["/usr/bin/su"].as_deref(), Some("util-linux"));
        assert!(programs.values().any(Option::is_none), "{programs:?}");
        assert!(setuid("no tab\n").is_err());
    }

    #[test]
    fn what_prosody_keeps_is_told_by_host_and_kind() {
        let all = kept(KEPT).unwrap();
        let key = ("auth.telemed.example.com".to_owned(), "accounts".to_owned());
        assert_eq!(all[&key], 2);
        assert_eq!(plain("a%2eb%"), "a.b%");
        assert!(kept("x\ty\tz\n").is_err());
        let hosts = upstream("/etc/a\tmeet.jit.si\n/etc/a\t8x8.vc\n").unwrap();
        assert_eq!(hosts["/etc/a"].len(), 2);
        assert!(upstream("/etc/a\n").is_err());
    }

    proptest! {
        #[test]
        fn no_answer_makes_them_panic(text in "(.|\t|\n){0,200}") {
            let _ = (exposed(&text), loose(&text), setuid(&text), kept(&text), upstream(&text));
        }
    }
}
