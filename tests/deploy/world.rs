//! All of a host that lasts: files with owner, mode and content, packages, users, units, firewall. Read by `find` and
//! the like, so that what the program under test believes has no part in it.

use std::collections::BTreeMap;

use crate::host::TestHost;

/// Prints `kind subject<TAB>state` lines. Larger files are known by their size: they are downloads and libraries.
const LOOK: &str = r#"
find / -xdev \( -path /proc -o -path /sys -o -path /run \) -prune -o -type f -printf 'file %p\t%m %u:%g %s\n' \
    -o -printf 'file %p\t%y %m %u:%g %l\n'
find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /var/cache/apt -o -path /var/lib/apt/lists \) -prune \
    -o -type f -size -4096k -print0 | xargs -0 sha256sum | sed 's/^\([0-9a-f]*\)  \(.*\)/sum \2\t\1/'
dpkg-query -W -f 'package ${Package}\t${Version} ${Status}\n'
getent passwd | sed 's/^\([^:]*\)/user \1\t/'
getent group | sed 's/^\([^:]*\)/group \1\t/'
systemctl list-unit-files --no-legend --plain --type=service,timer,socket | awk '{ print "unit " $1 "\t" $2 }'
systemctl list-units --no-legend --plain --type=service,timer,socket --state=active |
    awk '$1 !~ /^(user|session|run|systemd-)/ && $1 !~ /^user-runtime/ { print "active " $1 "\t" $4 }'
# A table that is loaded again comes last; its place among the others means nothing.
nft list tables 2>/dev/null | sort | while read -r table; do nft list $table; done 2>/dev/null | sed 's/^/firewall\t/'
ls -A /run/anteroom 2>/dev/null | sed '/^lock$/d; s/^/run &\t/'
ls -A /run/systemd/transient | sed 's/^/transient &\t/; /session-/d'
"#;

/// What changes on any host by itself, or is a log. Everything else counts.
const NOISE: &[(&str, &str)] = &[
    ("/var/log/", "logs are written to"),
    (
        "/var/lib/systemd/",
        "timers, the random seed and the clock write stamps",
    ),
    (
        "/var/lib/apt/lists/",
        "package lists are a cache that every update renews",
    ),
    ("/var/cache/apt/", "downloads and indexes are a cache"),
    ("/var/lib/dpkg/lock", "empty lock files"),
    ("/etc/.pwd.lock", "an empty lock file of the user tools"),
    (
        "/var/lib/apt/extended_states",
        "apt forgets and notes marks of automatic installation",
    ),
    ("/var/lib/apt/periodic", "stamps of apt's timer"),
    ("/var/lib/apt/daily_lock", "a lock file of apt's timer"),
    ("/var/lib/logrotate/status", "stamps of its timer"),
    ("/var/backups/", "copies that a timer makes each day"),
    ("/root/.", "histories and caches of the login"),
    ("/tmp/", "temporary files of systemd's private folders"),
    ("/var/tmp/", "temporary files of systemd's private folders"),
];

/// A host at one moment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct World(BTreeMap<String, String>);

impl World {
    pub(crate) fn of(host: &TestHost<'_>) -> Self {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for line in host.run(LOOK).lines() {
            let (key, value) = line.split_once('\t').unwrap_or((line, ""));
            let entry = seen.entry(key.to_owned()).or_default();
            entry.push_str(value);
            entry.push('\n');
        }
        assert!(seen.len() > 5000, "the look was cut short");
        seen.retain(|key, _| !NOISE.iter().any(|(start, _)| path(key).starts_with(start)));
        Self(seen)
    }

    /// One line for each difference.
    pub(crate) fn differences(&self, later: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (key, before) in &self.0 {
            match later.0.get(key) {
                None => lines.push(format!("gone: {key}")),
                Some(after) if after != before => {
                    lines.push(format!("changed: {key}: {} -> {}", before.trim(), after.trim()));
                }
                Some(_) => {}
            }
        }
        let new = later.0.iter().filter(|(key, _)| !self.0.contains_key(*key));
        lines.extend(new.map(|(key, after)| format!("new: {key}: {}", after.trim())));
        lines
    }

    /// Fails the test unless the host is as it was, but for what is allowed: pairs of a difference's beginning and the
    /// reason for it.
    #[track_caller]
    pub(crate) fn expect_same(&self, later: &Self, allowed: &[(&str, &str)]) {
        let lines = self.differences(later);
        let wrong: Vec<&String> = lines
            .iter()
            .filter(|line| !allowed.iter().any(|(start, _)| line.starts_with(start)))
            .collect();
        assert!(wrong.is_empty(), "the host is not as it was: {wrong:#?}");
    }
}

/// The path in a key, or the key.
fn path(key: &str) -> &str {
    key.split_once(' ').map_or(key, |(_, path)| path)
}
