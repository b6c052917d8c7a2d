//! What dpkg and apt say of packages.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::facts::PackageState;

/// `dpkg-query -W` with name, status and version, the names on hold, and `apt-cache policy` of our packages.
pub(crate) fn packages(dpkg: &str, holds: &str, policy: &str) -> Result<BTreeMap<String, PackageState>, String> {
    let held: BTreeSet<&str> = holds
        .lines()
        .map(|name| name.split(':').next().unwrap_or(name))
        .collect();
    let origins = origins(policy);
    let mut packages = BTreeMap::new();
    for line in dpkg.lines() {
        let mut fields = line.split('\t');
        let (Some(name), Some(status), Some(version)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(format!("packages: dpkg-query printed {line:?}"));
        };
        // `un`: dpkg only remembers the name.
        if status.trim().is_empty() || status.starts_with("un") {
            continue;
        }
        let state = PackageState {
            version: version.to_owned(),
            // Wanted: install or hold; state: installed; no error flag in the third place.
            installed: matches!(status.trim_end(), "ii" | "hi"),
            held: held.contains(name),
            origins: origins.get(name).cloned().unwrap_or_default(),
        };
        // The same package of a second architecture does not hide the first.
        let known: &mut PackageState = packages.entry(name.to_owned()).or_insert_with(|| state.clone());
        if state.installed && !known.installed {
            *known = state;
        }
    }
    Ok(packages)
}

/// Package → URIs of the sources that offer the installed version, which the version table marks by `***`.
fn origins(policy: &str) -> BTreeMap<&str, Vec<String>> {
    let mut origins: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut package = None;
    let mut installed = false;
    for line in policy.lines() {
        let indent = line.len() - line.trim_start().len();
        let text = line.trim();
        if indent == 0 {
            package = text.strip_suffix(':');
            installed = false;
        } else if text.starts_with("*** ") {
            installed = true;
        } else if indent < 8 {
            // Another version, or one of the lines above the table.
            installed = false;
        } else if let (true, Some(package)) = (installed, package) {
            // Priority, URI, suite, architecture; dpkg's own status file is no source.
            let uri = text.split_whitespace().nth(1).unwrap_or_default();
            if uri.contains(':') {
                origins.entry(package).or_default().push(uri.to_owned());
            }
        }
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: &str = include_str!("../../../tests/fixtures/facts/apt-cache-policy");

    #[test]
    fn an_installed_package_has_the_sources_of_its_version_only() {
        let all = packages(
            "nginx\tii \t1.22.1-9+deb12u7\ncoturn\thi \t4.6.1-1\nother\tii \t1\n",
            "coturn\n",
            POLICY,
        )
        .unwrap();
        let nginx = &all["nginx"];
        assert!(nginx.installed && !nginx.held);
        assert_eq!(nginx.origins, ["http://deb.debian.org/debian-security"]);
        assert!(all["coturn"].held && all["coturn"].installed);
        assert_eq!(all["coturn"].origins, ["http://deb.debian.org/debian"]);
        assert!(all["other"].origins.is_empty());
    }

    #[test]
    fn a_version_that_no_source_offers_has_no_origin() {
        let policy = "local:\n  Installed: 2\n  Candidate: 2\n  Version table:\n *** 2 100\n        \
            100 /var/lib/dpkg/status\n     1 500\n        500 http://x.example/debian bookworm/main amd64 Packages\n";
        assert!(
            packages("local\tii \t2\n", "", policy).unwrap()["local"]
                .origins
                .is_empty()
        );
    }

    #[test]
    fn half_done_packages_are_seen_as_such() {
        let all = packages("a\tiU \t1\nb\trc \t2\nc\tun \t\nd\tiiR\t4\ne\tiF \t5\n", "", "").unwrap();
        let installed: Vec<(&str, bool)> = all
            .iter()
            .map(|(name, state)| (name.as_str(), state.installed))
            .collect();
        assert_eq!(installed, [("a", false), ("b", false), ("d", false), ("e", false)]);
        assert!(packages("garbage", "", "").is_err());
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in "((ii |hi |iU |\\*\\*\\* | {8}|:)?(.|\t|\n)){0,80}") {
            if let Ok(all) = packages(&text, &text, &text) {
                prop_assert!(all.len() <= text.lines().count());
            }
        }
    }
}
