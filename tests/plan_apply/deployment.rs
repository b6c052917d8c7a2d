//! A small deployment of real Debian packages: nginx with a site, Prosody with an account, our firewall, an sshd
//! drop-in. And the facts of a fresh lab host.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use anteroom::facts::AccountSeen;
use anteroom::facts::CertificateFacts;
use anteroom::facts::FirewallFacts;
use anteroom::facts::HostFacts;
use anteroom::facts::ListenerSeen;
use anteroom::facts::Os;
use anteroom::facts::PackageState;
use anteroom::facts::PasswordSeen;
use anteroom::facts::PathState;
use anteroom::facts::UnitFacts;
use anteroom::plan::BuildContext;
use anteroom::plan::Change;
use anteroom::plan::build;
use anteroom::plan::content_sha256;
use anteroom::plan::trust_place;
use anteroom::render::Access;
use anteroom::render::AccountWanted;
use anteroom::render::Check;
use anteroom::render::Effect;
use anteroom::render::Entry;
use anteroom::render::FileContent;
use anteroom::render::GeneratedCertificate;
use anteroom::render::Listener;
use anteroom::render::PackageWanted;
use anteroom::render::Preseed;
use anteroom::render::RenderedFile;
use anteroom::render::RenderedTree;
use anteroom::render::Scope;
use anteroom::render::SecretName;
use anteroom::render::Transport;
use anteroom::render::UnitState;
use anteroom::render::UnitWanted;
use anteroom::render::Wanted;
use anteroom::render::included_folders;
use anteroom::seen::Seen;
use anteroom::spec::RemotePath;

pub(crate) fn path(text: &str) -> RemotePath {
    text.parse().unwrap()
}

pub(crate) fn access(owner: &str, group: &str, mode: u32) -> Access {
    Access {
        owner: owner.into(),
        group: group.into(),
        mode,
    }
}

pub(crate) fn text(content: &str, group: &str, mode: u32) -> Entry {
    file(content, group, mode, false)
}

fn hardening(content: &str, mode: u32) -> Entry {
    file(content, "root", mode, true)
}

fn file(content: &str, group: &str, mode: u32, hardening: bool) -> Entry {
    Entry::File(RenderedFile {
        access: access("root", group, mode),
        content: FileContent::Text(content.into()),
        hardening,
    })
}

pub(crate) fn context() -> BuildContext {
    BuildContext {
        deployment: "clinic-test".parse().unwrap(),
        domain: "telemed.example.com".parse().unwrap(),
        tool_version: "0.1.0".into(),
    }
}

const PROSODY: &str = r#"
admins = { }
modules_enabled = { "roster", "saslauth", "tls", "disco", "posix" }
modules_disabled = { "s2s" }
c2s_require_encryption = true
c2s_interfaces = { "127.0.0.1" }
authentication = "internal_hashed"
log = { info = "*syslog" }
pidfile = "/run/prosody/prosody.pid"
certificates = "certs"
-- the secret is used somewhere: <secret:focus>
VirtualHost "auth.telemed.example.com"
    ssl = { certificate = "/etc/prosody/certs/auth.telemed.example.com.crt", key = "/etc/prosody/certs/auth.telemed.example.com.key" }
"#;

const FIREWALL: &str = "table inet anteroom {}\ndelete table inet anteroom\ntable inet anteroom {\n  chain input {\n    \
                        type filter hook input priority 0; policy drop;\n    iif lo accept\n    ct state \
                        established,related accept\n    icmp type echo-request accept\n    tcp dport { 22, 80 } \
                        accept\n  }\n}\n";

const FIREWALL_UNIT: &str = "[Unit]\nDescription=Firewall\nBefore=network-pre.target\nWants=network-pre.target\n\n\
                             [Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/sbin/nft -f \
                             /etc/anteroom/firewall.nft\nExecReload=/usr/sbin/nft -f /etc/anteroom/firewall.nft\n\n\
                             [Install]\nWantedBy=multi-user.target\n";

/// What the small deployment wants.
pub(crate) fn wanted() -> Wanted {
    let mut tree = RenderedTree::new();
    tree.insert(path("/etc/anteroom/firewall.nft"), hardening(FIREWALL, 0o600));
    tree.insert(
        path("/etc/systemd/system/anteroom-firewall.service"),
        hardening(FIREWALL_UNIT, 0o644),
    );
    tree.insert(
        path("/etc/ssh/sshd_config.d/00-anteroom.conf"),
        hardening("PasswordAuthentication no\n", 0o644),
    );
    tree.insert(
        path("/etc/apt/preferences.d/anteroom"),
        text("# no pins\n", "root", 0o644),
    );
    tree.insert(path("/etc/prosody/prosody.cfg.lua"), text(PROSODY, "prosody", 0o640));
    tree.insert(
        path("/etc/nginx/sites-available/telemed.conf"),
        text(
            "server { listen 80 default_server; return 301 https://$host$request_uri; }\n",
            "root",
            0o644,
        ),
    );
    tree.insert(
        path("/etc/nginx/sites-enabled/telemed.conf"),
        Entry::Link {
            target: "../sites-available/telemed.conf".into(),
        },
    );
    tree.insert(path("/etc/jitsi/meet"), Entry::Dir(access("root", "root", 0o755)));
    tree.insert(
        path("/etc/jitsi/meet/config.js"),
        text("var config = {};\n", "root", 0o644),
    );
    let listener = |port, scope, unit: &str| Listener {
        transport: Transport::Tcp,
        port,
        last_port: port,
        scope,
        unit: unit.into(),
        always: true,
    };
    Wanted {
        host: "core".parse().unwrap(),
        tree,
        forbidden: BTreeSet::from([path("/etc/nginx/sites-enabled/default")]),
        secrets: BTreeSet::from([SecretName("focus".into())]),
        apt_keys: Vec::new(),
        packages: vec![
            package("nftables"),
            package("nginx"),
            PackageWanted {
                held: true,
                ..package("prosody")
            },
        ],
        preseeds: vec![Preseed {
            package: "prosody".into(),
            question: "prosody/anteroom-test".into(),
            kind: "string".into(),
            value: "<throwaway>".into(),
        }],
        certificates: vec![GeneratedCertificate {
            certificate: path("/etc/prosody/certs/auth.telemed.example.com.crt"),
            key: path("/etc/prosody/certs/auth.telemed.example.com.key"),
            key_access: access("prosody", "prosody", 0o600),
            names: vec!["auth.telemed.example.com".into()],
            trusted: true,
        }],
        accounts: vec![AccountWanted {
            jid: "focus@auth.telemed.example.com".into(),
            password: SecretName("focus".into()),
        }],
        clinicians: None,
        units: vec![
            unit(
                "anteroom-firewall.service",
                &[
                    "/etc/anteroom/firewall.nft",
                    "/etc/systemd/system/anteroom-firewall.service",
                ],
                Effect::Reload,
            ),
            unit("ssh.service", &["/etc/ssh/sshd_config.d"], Effect::Reload),
            unit("prosody.service", &["/etc/prosody"], Effect::Restart),
            unit("nginx.service", &["/etc/nginx"], Effect::Reload),
        ],
        listeners: vec![
            listener(22, Scope::Admins, "ssh.service"),
            listener(80, Scope::Public, "nginx.service"),
            listener(5222, Scope::Loopback, "prosody.service"),
        ],
        checks: BTreeSet::from([Check::Nft, Check::Sshd, Check::Nginx, Check::Prosody]),
        sshd: BTreeMap::from([("passwordauthentication".into(), "no".into())]),
    }
}

pub(crate) fn package(name: &str) -> PackageWanted {
    PackageWanted {
        name: name.into(),
        version: None,
        held: false,
        origin: None,
    }
}

fn unit(name: &str, inputs: &[&str], effect: Effect) -> UnitWanted {
    UnitWanted {
        name: name.into(),
        state: UnitState::Running,
        inputs: inputs.iter().map(|input| path(input)).collect(),
        effect,
    }
}

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
