//! Reply → facts. Puts the parsers to the sections; decides nothing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::facts::AccountSeen;
use crate::facts::Asked;
use crate::facts::CertificateFacts;
use crate::facts::FirewallFacts;
use crate::facts::FolderItem;
use crate::facts::HostFacts;
use crate::facts::ListenerSeen;
use crate::facts::PackageState;
use crate::facts::PathState;
use crate::facts::Request;
use crate::facts::Superusers;
use crate::facts::SystemFacts;
use crate::facts::UnitFacts;
use crate::facts::after;
use crate::facts::frame::Reply;
use crate::facts::inside_answer::inside;
use crate::facts::parse::accounts;
use crate::facts::parse::apt_key;
use crate::facts::parse::certificate;
use crate::facts::parse::files;
use crate::facts::parse::folder;
use crate::facts::parse::host;
use crate::facts::parse::network;
use crate::facts::parse::packages;
use crate::facts::parse::superusers;
use crate::facts::parse::system;
use crate::facts::parse::units;
use crate::seen::Seen;
use crate::spec::RemotePath;

/// Reads a reply to the script, which came between the two moments of `asked`.
///
/// # Errors
/// Where the reply does not even begin: then nothing was looked at.
pub fn facts(reply: &[u8], request: &Request, asked: Asked) -> Result<HostFacts, String> {
    let reply = Reply::parse(reply);
    Ok(HostFacts {
        at: reply.text("time")?.trim().to_owned(),
        asked,
        os: reply.text("os").and_then(|text| system::os(&text)).into(),
        init: reply.text("init").map(|text| text.trim().to_owned()).into(),
        manifest: optional(&reply, "manifest", system::manifest),
        lock: optional(&reply, "lock", |text| Ok(system::lock_holder(text))),
        files: path_states(&reply, request),
        packages: package_states(&reply).into(),
        apt_keys: apt_keys(&reply, request),
        units: unit_states(&reply, request),
        listeners: listeners(&reply).into(),
        firewall: firewall(&reply).into(),
        media_packets: optional(&reply, "media-packets", after::media_packets),
        sshd: reply.text("sshd").and_then(|text| system::sshd(&text)).into(),
        sshd_as: reply.text("sshd-as").and_then(|text| system::sshd_as(&text)).into(),
        sshd_blocks: reply.text("sshd-blocks").map(|text| lines(&text)).into(),
        folders: folders(&reply, request),
        superusers: superusers(&reply).into(),
        unfinished: reply.text("unfinished").map(|text| lines(&text)).into(),
        access_lists: access_lists(&reply).into(),
        accounts: account_states(&reply).into(),
        secrets: optional(&reply, "secrets", system::secret_lengths).map(Option::unwrap_or_default),
        certificates: certificates(&reply, request),
        addresses: reply
            .text("addresses")
            .and_then(|text| network::addresses(&text))
            .into(),
        system: SystemFacts {
            container: reply.text("container").map(|text| host::container(&text)).into(),
            kernel: reply.text("kernel").and_then(|text| host::kernel(&text)).into(),
            properties: reply.text("properties").and_then(|text| host::properties(&text)).into(),
            apt: reply
                .text("apt-settings")
                .and_then(|text| host::apt_settings(&text))
                .into(),
            clock: optional(&reply, "clock", host::clock),
            swap: reply.text("swap").and_then(|text| host::swap(&text)).into(),
        },
        inside: inside(&reply),
    })
}

/// A section that may have found nothing.
fn optional<T>(reply: &Reply, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Seen<Option<T>> {
    let found = reply.find(name).and_then(|text| text.as_deref().map(parse).transpose());
    found.into()
}

fn path_states(reply: &Reply, request: &Request) -> BTreeMap<RemotePath, Seen<PathState>> {
    let read = || -> Result<_, String> {
        Ok(files::files(&files::FileSections {
            sources: &reply.text("sources")?,
            missing: &reply.text("missing")?,
            stats: reply.bytes("stats")?.unwrap_or_default(),
            digests: reply.bytes("digests")?.unwrap_or_default(),
            sizes: &reply.text("sizes")?,
            contents: reply.bytes("contents")?.unwrap_or_default(),
        }))
    };
    let (mut found, why) = match read() {
        Ok(found) => (found, "the host did not answer for it".to_owned()),
        Err(why) => (BTreeMap::new(), why),
    };
    for path in files::unanswered(&request.paths, &found) {
        found.insert(path, Seen::unknown(&why));
    }
    found
}

fn package_states(reply: &Reply) -> Result<BTreeMap<String, PackageState>, String> {
    packages::packages(&reply.text("packages")?, &reply.text("holds")?, &reply.text("origins")?)
}

fn apt_keys(reply: &Reply, request: &Request) -> BTreeMap<RemotePath, Seen<Vec<String>>> {
    let keys = (0..).zip(&request.apt_keys);
    keys.map(|(index, path): (usize, _)| {
        let found = optional(reply, &format!("apt-key/{index}"), apt_key::fingerprints);
        (path.clone(), found.map(Option::unwrap_or_default))
    })
    .collect()
}

fn unit_states(reply: &Reply, request: &Request) -> BTreeMap<String, Seen<UnitFacts>> {
    let mut asked: Vec<&str> = request.units.iter().map(String::as_str).collect();
    let further = reply.text("further-units");
    asked.extend(further.iter().flat_map(|text| text.lines()));
    if asked.is_empty() {
        return BTreeMap::new();
    }
    let answer = further.clone().and(reply.text("units"));
    match answer.and_then(|text| units::units(&text, &asked)) {
        Ok(units) => units.into_iter().map(|(name, unit)| (name, unit.into())).collect(),
        Err(why) => asked
            .into_iter()
            .map(|name| (name.to_owned(), Seen::unknown(&why)))
            .collect(),
    }
}

fn folders(reply: &Reply, request: &Request) -> BTreeMap<RemotePath, Seen<BTreeMap<String, FolderItem>>> {
    let folders = (0..).zip(&request.folders);
    folders
        .map(|(index, path): (usize, _)| {
            let found = optional(reply, &format!("folder/{index}"), folder::items);
            (path.clone(), found.map(Option::unwrap_or_default))
        })
        .collect()
}

fn access_lists(reply: &Reply) -> Result<BTreeSet<RemotePath>, String> {
    reply
        .text("access-lists")?
        .lines()
        .map(|line| line.parse().map_err(|_| format!("access-lists: {line:?} is no path")))
        .collect()
}

fn listeners(reply: &Reply) -> Result<Vec<ListenerSeen>, String> {
    network::listeners(&reply.text("listeners")?, &reply.text("socket-units")?)
}

fn superusers(reply: &Reply) -> Result<Superusers, String> {
    superusers::superusers(&superusers::Answers {
        login: &reply.text("login")?,
        users: &reply.text("users")?,
        groups: &reply.text("groups")?,
        sudoers: reply.find("sudoers")?.as_deref(),
        root_keys: reply.find("root-keys")?.as_deref(),
    })
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn firewall(reply: &Reply) -> Result<FirewallFacts, String> {
    Ok(FirewallFacts {
        running: reply.find("firewall-running")?,
        on_disk: reply.find("firewall-on-disk")?,
    })
}

fn account_states(reply: &Reply) -> Result<BTreeMap<String, AccountSeen>, String> {
    let found = reply.find("accounts")?;
    found.map_or_else(|| Ok(BTreeMap::new()), |text| accounts::accounts(&text))
}

fn certificates(reply: &Reply, request: &Request) -> BTreeMap<RemotePath, Seen<Option<CertificateFacts>>> {
    let read = |index: usize| -> Result<Option<CertificateFacts>, String> {
        let Some(pem) = reply.bytes(&format!("certificate/{index}"))? else {
            return Ok(None);
        };
        let key = reply.bytes(&format!("certificate-key/{index}"))?;
        // What came over whole and is no certificate was seen: it names nobody, and no key is its own.
        Ok(Some(certificate::certificate(pem, key).unwrap_or_default()))
    };
    let paths = (0..).zip(request.certificates.keys());
    paths.map(|(index, path)| (path.clone(), read(index).into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::PasswordSeen;
    use crate::render::SecretName;
    use proptest::prelude::*;

    /// A real Debian 12 host's answer to `asked`, with prosody, nginx and coturn installed and an apply under way.
    const REPLY: &[u8] = include_bytes!("../../tests/fixtures/facts/core.reply");

    fn path(text: &str) -> RemotePath {
        text.parse().unwrap()
    }

    fn asked() -> Request {
        let shown = [
            "/etc/anteroom/t.crt",
            "/etc/turnserver.conf",
            "/etc/nginx/sites-enabled/default",
            "/etc/nginx/nginx.conf",
            "/etc/anteroom",
            "/etc/nothing here",
            "/dev/null",
            "/usr/bin/nginx-none/x",
            "/var/log/wtmp",
        ];
        let hashed = [
            "/etc/prosody/prosody.cfg.lua",
            "/etc/anteroom/t.key",
            "/etc/anteroom/secrets",
        ];
        let secret = |name: &str| SecretName(name.to_owned());
        Request {
            paths: shown.iter().chain(&hashed).map(|text| path(text)).collect(),
            hash_only: hashed.iter().map(|text| path(text)).collect(),
            apt_keys: ["/etc/apt/keyrings/a.gpg", "/etc/apt/keyrings/none.gpg", "/etc/hosts"]
                .map(path)
                .to_vec(),
            units: ["nginx", "ssh", "nosuch", "cron", "systemd-sysctl"]
                .map(|name| format!("{name}.service"))
                .to_vec(),
            packages: ["nginx", "coturn", "prosody", "jicofo"].map(str::to_owned).to_vec(),
            accounts: [("focus", "focus"), ("jvb", "jvb"), ("none", "turn")]
                .map(|(user, name)| (format!("{user}@auth.telemed.example.com"), secret(name)))
                .into(),
            certificates: [
                (path("/etc/anteroom/t.crt"), path("/etc/anteroom/t.key")),
                (path("/etc/none.crt"), path("/etc/none.key")),
            ]
            .into(),
            folders: BTreeSet::new(),
            ..Request::default()
        }
    }

    fn moment() -> Asked {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        Asked { began: now, ended: now }
    }

    fn known<T: std::fmt::Debug>(seen: &Seen<T>) -> &T {
        seen.known().unwrap()
    }

    #[test]
    fn a_real_hosts_answer_becomes_facts() {
        let facts = facts(REPLY, &asked(), moment()).unwrap();
        assert!(facts.at.starts_with("2026-") && facts.at.ends_with('Z'), "{}", facts.at);
        assert_eq!(known(&facts.os).id, "debian");
        assert_eq!(known(&facts.init), "systemd");
        assert_eq!(known(&facts.manifest).as_ref().unwrap().deployment, "clinic-east");
        assert_eq!(known(&facts.lock).as_ref().unwrap().who, "ann@laptop");
        assert!(known(&facts.packages)["coturn"].held);
        assert!(!known(&facts.packages).contains_key("jicofo"));
        assert_eq!(known(&facts.units["nginx.service"]).enabled, "enabled");
        assert_eq!(known(&facts.units["nosuch.service"]).load, "not-found");
        assert!(known(&facts.listeners).len() > 5);
        assert!(known(&facts.listeners).iter().all(|socket| socket.units.len() == 1));
        assert_eq!(known(&facts.superusers).root_keys.len(), 1);
        let firewall = known(&facts.firewall);
        assert!(firewall.running.is_some() && firewall.running == firewall.on_disk);
        assert_eq!(known(&facts.sshd)["port"], "22");
        assert_eq!(known(&facts.secrets)[&SecretName("turn".to_owned())], 64);
        assert_eq!(known(&facts.addresses).len(), 1);
    }

    #[test]
    fn files_are_seen_with_their_secrets_masked() {
        let facts = facts(REPLY, &asked(), moment()).unwrap();
        let file = |name: &str| known(&facts.files[&path(name)]).clone();
        let PathState::File {
            group, mode, content, ..
        } = file("/etc/turnserver.conf")
        else {
            panic!("no file");
        };
        assert_eq!((group.as_str(), mode), ("turnserver", 0o640));
        assert_eq!(content.as_deref(), Some("static-auth-secret=<secret:turn>\nrealm=x"));
        // Only the digest of what was not to be read, and of what is no text, and of what only the manifest names.
        for name in [
            "/etc/anteroom/t.key",
            "/etc/anteroom/secrets",
            "/var/log/wtmp",
            "/etc/hostname",
        ] {
            assert!(matches!(file(name), PathState::File { content: None, .. }), "{name}");
        }
        assert_eq!(file("/etc/nothing here"), PathState::Absent);
        assert_eq!(file("/usr/bin/nginx-none/x"), PathState::Absent);
        assert_eq!(file("/dev/null"), PathState::Other);
        assert!(matches!(file("/etc/anteroom"), PathState::Dir { mode: 0o755, .. }));
        let target = "/etc/nginx/sites-available/default".to_owned();
        assert_eq!(file("/etc/nginx/sites-enabled/default"), PathState::Link { target });
    }

    #[test]
    fn accounts_keys_and_certificates_are_compared() {
        let facts = facts(REPLY, &asked(), moment()).unwrap();
        let accounts = known(&facts.accounts);
        let of = |user: &str| accounts[&format!("{user}@auth.telemed.example.com")].password;
        assert_eq!(of("focus"), PasswordSeen::Matches);
        assert_eq!(of("jvb"), PasswordSeen::Differs);
        assert_eq!(of("dr.house"), PasswordSeen::NotCompared);
        assert_eq!(accounts.len(), 3);
        let seen = known(&facts.certificates[&path("/etc/anteroom/t.crt")])
            .as_ref()
            .unwrap();
        assert!(seen.key_matches && seen.names.len() == 2);
        assert_eq!(known(&facts.certificates[&path("/etc/none.crt")]), &None);
        assert!(known(&facts.apt_keys[&path("/etc/apt/keyrings/a.gpg")]).len() > 5);
        assert!(known(&facts.apt_keys[&path("/etc/apt/keyrings/none.gpg")]).is_empty());
        assert!(matches!(facts.apt_keys[&path("/etc/hosts")], Seen::Unknown(_)));
    }

    #[test]
    fn an_answer_cut_anywhere_leaves_unknowns_and_never_other_facts() {
        let request = asked();
        let whole = facts(REPLY, &request, moment()).unwrap();
        for length in (0..REPLY.len()).step_by(97) {
            let Ok(cut) = facts(&REPLY[..length], &request, moment()) else {
                continue;
            };
            assert!(cut.files.len() >= request.paths.len());
            for (path, state) in &cut.files {
                assert!(
                    matches!(state, Seen::Unknown(_)) || whole.files.get(path) == Some(state),
                    "{path} at {length}"
                );
            }
            for (name, unit) in &cut.units {
                assert!(matches!(unit, Seen::Unknown(_)) || &whole.units[name] == unit);
            }
            for (path, keys) in &cut.apt_keys {
                assert!(matches!(keys, Seen::Unknown(_)) || &whole.apt_keys[path] == keys);
            }
            for (path, seen) in &cut.certificates {
                assert!(matches!(seen, Seen::Unknown(_)) || &whole.certificates[path] == seen);
            }
            assert!(matches!(cut.accounts, Seen::Unknown(_)) || cut.accounts == whole.accounts);
            assert!(matches!(cut.packages, Seen::Unknown(_)) || cut.packages == whole.packages);
            assert!(matches!(cut.firewall, Seen::Unknown(_)) || cut.firewall == whole.firewall);
            assert!(matches!(cut.secrets, Seen::Unknown(_)) || cut.secrets == whole.secrets);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn no_answer_makes_it_panic(at in any::<proptest::sample::Index>(), with in proptest::collection::vec(any::<u8>(), 1..40)) {
            let mut reply = REPLY.to_vec();
            let at = at.index(reply.len());
            let end = reply.len().min(at + with.len());
            reply[at..end].copy_from_slice(&with[..end - at]);
            if let Ok(seen) = facts(&reply, &asked(), moment()) {
                prop_assert!(seen.files.len() >= asked().paths.len());
            }
        }
    }
}
