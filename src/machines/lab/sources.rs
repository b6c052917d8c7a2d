//! Which package sources and apt settings of this computer a Debian 12 image may use. Pure parsers.

use std::collections::BTreeSet;

/// The release that lab hosts run.
pub(super) const SUITE: &str = "bookworm";

/// Debian's own archive, for a computer whose sources are for another release.
const FALLBACK: [(&str, &str); 3] = [
    ("http://deb.debian.org/debian", "bookworm"),
    ("http://deb.debian.org/debian", "bookworm-updates"),
    ("http://deb.debian.org/debian-security", "bookworm-security"),
];

/// The keyring of Debian's archive; it is part of the package that every image has.
pub(super) const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Settings about reaching a mirror and about the clock. Others (caches, hooks) belong to this computer alone.
const SETTINGS: [&str; 6] = [
    "Acquire::http::",
    "Acquire::https::",
    "Acquire::Check-Valid-Until ",
    "Acquire::Check-Date ",
    "Acquire::ForceIPv4 ",
    "Acquire::Retries ",
];

/// One line of a `sources.list`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    pub(super) uri: String,
    pub(super) suite: String,
    pub(super) keyring: String,
}

impl Source {
    /// In one-line form, component main.
    pub(super) fn line(&self) -> String {
        format!("deb [signed-by={}] {} {} main\n", self.keyring, self.uri, self.suite)
    }
}

/// The usable sources among this computer's files, or Debian's own archive where there is no main suite among them.
///
/// `lists` are one-line files (`.list`), `stanzas` are deb822 files (`.sources`).
pub(super) fn usable(lists: &[String], stanzas: &[String]) -> Vec<Source> {
    let mut found = BTreeSet::new();
    for text in lists {
        found.extend(text.lines().filter_map(one_line));
    }
    for text in stanzas {
        for stanza in text.split("\n\n") {
            found.extend(deb822(stanza));
        }
    }
    if !found.iter().any(|source| source.suite == SUITE) {
        return FALLBACK.iter().map(|(uri, suite)| source(uri, suite, None)).collect();
    }
    found.into_iter().collect()
}

/// The lines of `apt-config dump` that an image needs to reach the same mirrors.
pub(super) fn settings(dump: &str) -> String {
    dump.lines()
        .filter(|line| SETTINGS.iter().any(|start| line.starts_with(start)))
        // Files that these name are this computer's own.
        .filter(|line| {
            !["Cert", "Key", "CaInfo", "CaPath", "CAInfo"]
                .iter()
                .any(|part| line.contains(part))
        })
        // apt prints every group once with an empty value.
        .filter(|line| !line.ends_with("\"\";"))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn source(uri: &str, suite: &str, keyring: Option<&str>) -> Source {
    Source {
        uri: uri.to_owned(),
        suite: suite.to_owned(),
        keyring: keyring.unwrap_or(KEYRING).to_owned(),
    }
}

fn one_line(line: &str) -> Option<Source> {
    let rest = line.trim().strip_prefix("deb ")?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?, words.next()?);
    let keyring = options
        .split_whitespace()
        .find_map(|option| option.strip_prefix("signed-by="));
    (ours(uri, suite) && words.any(|component| component == "main")).then(|| source(uri, suite, keyring))
}

fn deb822(stanza: &str) -> Vec<Source> {
    let field = |name: &str| {
        stanza.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    };
    let words = |name| field(name).unwrap_or_default().split_whitespace();
    let disabled = field("Enabled").is_some_and(|value| value == "no");
    if disabled || !words("Types").any(|kind| kind == "deb") || !words("Components").any(|one| one == "main") {
        return Vec::new();
    }
    // A key written into the stanza itself has no path; Debian's suites are signed by Debian's keyring anyway.
    let keyring = field("Signed-By").filter(|value| value.starts_with('/'));
    let mut sources = Vec::new();
    for uri in words("URIs") {
        for suite in words("Suites").filter(|suite| ours(uri, suite)) {
            sources.push(source(uri, suite, keyring));
        }
    }
    sources
}

/// Whether it is Debian 12 itself: other vendors also call their suites `bookworm`, but not their archives `debian`.
fn ours(uri: &str, suite: &str) -> bool {
    let named = suite == SUITE
        || suite == format!("{SUITE}-updates")
        || suite == format!("{SUITE}-security")
        || suite == format!("{SUITE}/updates");
    let path = uri.trim_end_matches('/');
    named && (path.ends_with("/debian") || path.ends_with("/debian-security"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_suites_of_a_deb822_file_are_taken() {
        let text = include_str!("../../../tests/fixtures/lab/debian.sources").to_owned();
        let suites: Vec<String> = usable(&[], &[text]).into_iter().map(|source| source.suite).collect();
        assert_eq!(suites, ["bookworm", "bookworm-updates", "bookworm-security"]);
    }

    #[test]
    fn other_vendors_and_disabled_lines_are_left_out() {
        let list = "# deb http://old.example/debian bookworm main\n\
                    deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://mirror.example/debian bookworm main contrib\n\
                    deb-src https://mirror.example/debian bookworm main\n\
                    deb https://vendor.example/apt bookworm main\n";
        let sources = usable(&[list.to_owned()], &[]);
        assert_eq!(sources.len(), 1);
        assert_eq!(
            sources[0].line(),
            "deb [signed-by=/usr/share/keyrings/x.gpg] https://mirror.example/debian bookworm main\n"
        );
    }

    #[test]
    fn a_computer_with_another_release_gets_debians_own_archive() {
        let list = "deb http://archive.ubuntu.com/ubuntu noble main\n".to_owned();
        let lines: Vec<String> = usable(&[list], &[]).iter().map(Source::line).collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with(&format!(
            "deb [signed-by={KEYRING}] http://deb.debian.org/debian bookworm "
        )));
    }

    #[test]
    fn only_settings_about_reaching_mirrors_are_copied() {
        let dump = include_str!("../../../tests/fixtures/lab/apt-config-dump");
        assert_eq!(
            settings(dump),
            "Acquire::Check-Valid-Until \"false\";\nAcquire::Check-Date \"false\";\n\
             Acquire::http::Proxy \"http://192.0.2.7:3142\";\n"
        );
    }
}
