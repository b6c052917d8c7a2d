//! The journal: its effective settings, its files, and what it says of the look itself.

use std::collections::BTreeMap;

use crate::facts::SudoTrail;
use crate::facts::TrailSeen;
use crate::facts::parse::out_of_place::fields;
use crate::facts::parse::out_of_place::odd;

/// `systemd-analyze cat-config`: every file in the order in which it is read. What comes last counts; an empty value is
/// the default.
pub(crate) fn settings(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    let mut ours = false;
    let mut any = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            ours = line == "[Journal]";
            any |= ours;
        } else if !line.starts_with(['#', ';'])
            && ours
            && let Some((key, value)) = line.split_once('=')
        {
            let (key, value) = (key.trim().to_owned(), value.trim());
            if value.is_empty() {
                all.remove(&key);
            } else {
                all.insert(key, value.to_owned());
            }
        }
    }
    if any {
        Ok(all)
    } else {
        Err("journal-settings: no file has a section [Journal]".to_owned())
    }
}

/// `inode<tab>bytes<tab>path` lines.
pub(crate) fn log_ends(text: &str) -> Result<BTreeMap<(u64, String), u64>, String> {
    let end = |line: &str| {
        let [inode, bytes, path] = fields(line)?;
        Some(((inode.parse().ok()?, path.to_owned()), bytes.parse().ok()?))
    };
    text.lines()
        .map(|line| end(line).ok_or_else(|| odd("log-ends", line)))
        .collect()
}

/// How many files there are, one name a line.
pub(crate) fn files(text: &str) -> usize {
    text.lines().count()
}

/// `login<tab>line`, `sudo<tab>line` and `nosudo`.
pub(crate) fn trail(text: &str) -> Result<TrailSeen, String> {
    let mut seen = TrailSeen::default();
    for line in text.lines() {
        match line.split_once('\t') {
            Some(("login", said)) => seen.login = Some(said.to_owned()),
            Some(("sudo", said)) => seen.sudo = Some(SudoTrail::Told(said.to_owned())),
            None if line == "nosudo" => seen.sudo = Some(SudoTrail::Silent),
            _ => return Err(format!("audit-trail: {line:?} is no such line")),
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SETTINGS: &str = include_str!("../../../tests/fixtures/facts/journal-settings");
    const LOG_ENDS: &str = include_str!("../../../tests/fixtures/facts/log-ends");
    const TRAIL: &str = include_str!("../../../tests/fixtures/facts/audit-trail");

    #[test]
    fn every_logs_end_is_told_by_inode_and_path() {
        let ends = log_ends(LOG_ENDS).unwrap();
        assert_eq!(ends.len(), LOG_ENDS.lines().count());
        assert!(
            ends.iter()
                .any(|((_, path), bytes)| path == "/var/log/nginx/access.log" && *bytes > 0),
            "{ends:?}"
        );
        assert!(log_ends("1\t2\n").is_err() && log_ends("x\t2\t/a\n").is_err() && log_ends("1\t\t/a\n").is_err());
    }

    #[test]
    fn the_last_word_counts_and_comments_do_not() {
        let all = settings(SETTINGS).unwrap();
        assert_eq!(all["Storage"], "persistent");
        assert_eq!(all["MaxRetentionSec"], "30day");
        assert!(!all.contains_key("LineMax"), "{all:?}");
        let later = format!("{SETTINGS}\n# /etc/x.conf\n[Journal]\nStorage=volatile\nSeal=\n");
        let all = settings(&later).unwrap();
        assert_eq!(all["Storage"], "volatile");
        assert!(!all.contains_key("Seal"));
        let other = settings(&format!("{SETTINGS}\n[Upload]\nStorage=none\n")).unwrap();
        assert_eq!(other["Storage"], "persistent");
        assert!(settings("").is_err());
    }

    #[test]
    fn a_login_and_a_right_are_told_or_missed() {
        let seen = trail(TRAIL).unwrap();
        assert!(seen.login.unwrap().starts_with("Accepted publickey for root from "));
        assert_eq!(seen.sudo, None);
        let silent = trail("nosudo\n").unwrap();
        assert_eq!((silent.login, silent.sudo), (None, Some(SudoTrail::Silent)));
        let told = trail("sudo\tann : TTY=unknown ; PWD=/home/ann ; USER=root ;\n").unwrap();
        assert!(matches!(told.sudo, Some(SudoTrail::Told(_))));
        assert!(trail("else\n").is_err());
        assert_eq!(files("a.journal\nb.journal\n"), 2);
    }

    proptest! {
        #[test]
        fn no_answer_makes_them_panic(text in "(.|\t|\n|\\[Journal\\]){0,120}") {
            let _ = (settings(&text), trail(&text), log_ends(&text));
        }
    }
}
