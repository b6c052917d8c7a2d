//! What a look finds on hosts for the small deployment: a fresh one, and one where everything is as wanted.

use crate::deployment::context;
use crate::deployment::text;
use anteroom::facts::AccountSeen;
use anteroom::facts::Asked;
use anteroom::facts::CertificateFacts;
use anteroom::facts::FirewallFacts;
use anteroom::facts::HostFacts;
use anteroom::facts::InsideFacts;
use anteroom::facts::ListenerSeen;
use anteroom::facts::Os;
use anteroom::facts::PackageState;
use anteroom::facts::PasswordSeen;
use anteroom::facts::PathState;
use anteroom::facts::Superusers;
use anteroom::facts::SystemFacts;
use anteroom::facts::UnitFacts;
use anteroom::plan::Change;
use anteroom::plan::build;
use anteroom::plan::content_sha256;
use anteroom::plan::trust_place;
use anteroom::render::AccountWanted;
use anteroom::render::Entry;
use anteroom::render::FileContent;
use anteroom::render::PackageWanted;
use anteroom::render::RenderedFile;
use anteroom::render::Scope;
use anteroom::render::Wanted;
use anteroom::render::included_folders;
use anteroom::seen::Seen;
use anteroom::spec::RemotePath;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

pub(crate) fn unit_facts(load: &str, active: &str, enabled: &str) -> UnitFacts {
    UnitFacts {
        load: load.into(),
        active: active.into(),
        sub: String::new(),
        enabled: enabled.into(),
        started: 1000,
        restarts: 0,
        fragment: "/lib/systemd/system/x.service".to_owned(),
        drop_ins: Vec::new(),
        runs: Vec::new(),
    }
}

/// A fresh Debian 12 with nftables and sshd, where everything was seen and nothing is ours.
pub(crate) fn fresh_facts(wanted: &Wanted) -> HostFacts {
    let mut files: BTreeMap<RemotePath, Seen<PathState>> = BTreeMap::new();
    for path in wanted.tree.keys().chain(&wanted.forbidden) {
        files.insert(path.clone(), Seen::Known(PathState::Absent));
    }
    let installed = PackageState {
        version: "1.0".into(),
        installed: true,
        held: false,
        origins: Vec::new(),
    };
    let units = wanted.units.iter().map(|unit| {
        let facts = if unit.name == "ssh.service" {
            unit_facts("loaded", "active", "enabled")
        } else {
            unit_facts("not-found", "inactive", "")
        };
        (unit.name.clone(), Seen::Known(facts))
    });
    HostFacts {
        at: "2026-11-22T10:00:00Z".into(),
        asked: Asked {
            began: "2026-11-22T09:59:59Z".parse().unwrap(),
            ended: "2026-11-22T10:00:02Z".parse().unwrap(),
        },
        os: Seen::Known(Os {
            id: "debian".into(),
            version: "12".into(),
            pretty: "Debian GNU/Linux 12 (bookworm)".into(),
        }),
        init: Seen::Known("systemd".into()),
        manifest: Seen::Known(None),
        lock: Seen::Known(None),
        files,
        packages: Seen::Known(BTreeMap::from([("nftables".into(), installed)])),
        apt_keys: BTreeMap::new(),
        units: units.collect(),
        listeners: Seen::Known(Vec::new()),
        firewall: Seen::Known(FirewallFacts {
            running: None,
            on_disk: None,
        }),
        media_packets: Seen::Known(None),
        sshd: Seen::Known(BTreeMap::from([("passwordauthentication".into(), "yes".into())])),
        sshd_as: Seen::Known(BTreeMap::from([(
            "user=root,host=203.0.113.7,addr=203.0.113.7".to_owned(),
            wanted.sshd.clone(),
        )])),
        sshd_blocks: Seen::Known(Vec::new()),
        folders: included_folders(wanted)
            .into_iter()
            .map(|folder| (folder, Seen::Known(BTreeMap::new())))
            .collect(),
        superusers: Seen::Known(Superusers {
            login: "root".into(),
            accounts: BTreeMap::new(),
            root_keys: Vec::new(),
        }),
        unfinished: Seen::Known(Vec::new()),
        access_lists: Seen::Known(BTreeSet::new()),
        accounts: Seen::Known(BTreeMap::new()),
        secrets: Seen::Known(BTreeMap::new()),
        certificates: wanted
            .certificates
            .iter()
            .map(|made| (made.certificate.clone(), Seen::Known(None)))
            .collect(),
        addresses: Seen::Known(Vec::new()),
        system: SystemFacts {
            container: Seen::Known(None),
            kernel: Seen::Known(BTreeMap::new()),
            ..SystemFacts::default()
        },
        inside: InsideFacts::default(),
    }
}

/// The same host once everything is as wanted: what a look finds after a good apply.
pub(crate) fn satisfied_facts(wanted: &Wanted) -> HostFacts {
    let mut facts = fresh_facts(wanted);
    let plan = build(wanted, &facts, &context()).unwrap();
    let Some(Change::Manifest { content }) = plan.changes.last() else {
        panic!("a build ends with the manifest")
    };
    facts.manifest = Seen::Known(Some(serde_json::from_str(content).unwrap()));
    for (path, entry) in &wanted.tree {
        facts.files.insert(path.clone(), Seen::Known(as_wanted(entry)));
    }
    let installed = |package: &PackageWanted| PackageState {
        version: package.version.clone().unwrap_or_else(|| "1.0".into()),
        installed: true,
        held: package.held,
        origins: package.origin.clone().into_iter().collect(),
    };
    let packages = wanted
        .packages
        .iter()
        .map(|package| (package.name.clone(), installed(package)));
    facts.packages = Seen::Known(packages.collect());
    for unit in &wanted.units {
        facts.units.insert(
            unit.name.clone(),
            Seen::Known(unit_facts("loaded", "active", "enabled")),
        );
    }
    for key in &wanted.apt_keys {
        facts
            .apt_keys
            .insert(key.path.clone(), Seen::Known(vec![key.fingerprint.clone()]));
    }
    facts.listeners = Seen::Known(
        wanted
            .listeners
            .iter()
            .map(|listener| ListenerSeen {
                transport: listener.transport,
                address: match listener.scope {
                    Scope::Loopback => "127.0.0.1".parse().unwrap(),
                    Scope::Public | Scope::Admins => "0.0.0.0".parse().unwrap(),
                },
                port: listener.port,
                processes: Vec::new(),
                units: BTreeSet::from([listener.unit.clone()]),
            })
            .collect(),
    );
    let table = || Some("table inet anteroom {}".to_owned());
    facts.firewall = Seen::Known(FirewallFacts {
        running: table(),
        on_disk: table(),
    });
    facts.sshd = Seen::Known(wanted.sshd.clone());
    let matches = |account: &AccountWanted| {
        (
            account.jid.clone(),
            AccountSeen {
                password: PasswordSeen::Matches,
            },
        )
    };
    facts.accounts = Seen::Known(wanted.accounts.iter().map(matches).collect());
    facts.secrets = Seen::Known(wanted.secrets.iter().map(|name| (name.clone(), 64)).collect());
    for made in &wanted.certificates {
        let certificate = CertificateFacts {
            names: made.names.clone(),
            not_after: 1_900_000_000,
            key_matches: true,
        };
        facts
            .certificates
            .insert(made.certificate.clone(), Seen::Known(Some(certificate)));
        let places = [Some(made.certificate.clone()), trust_place(made)];
        for place in places.into_iter().flatten() {
            let entry = text(&made.names.concat(), "root", 0o644);
            facts.files.insert(place, Seen::Known(as_wanted(&entry)));
        }
        let key = Entry::File(RenderedFile {
            access: made.key_access.clone(),
            content: FileContent::Text("a key".into()),
            hardening: false,
        });
        facts.files.insert(made.key.clone(), Seen::Known(as_wanted(&key)));
    }
    facts
}

/// A path that is as an entry wants it, last changed before every unit started.
pub(crate) fn as_wanted(entry: &Entry) -> PathState {
    match entry {
        Entry::File(file) => PathState::File {
            owner: file.access.owner.clone(),
            group: file.access.group.clone(),
            mode: file.access.mode,
            sha256: content_sha256(&file.content),
            content: None,
            modified: 999,
        },
        Entry::Dir(access) => PathState::Dir {
            owner: access.owner.clone(),
            group: access.group.clone(),
            mode: access.mode,
        },
        Entry::Link { target } => PathState::Link { target: target.clone() },
    }
}
