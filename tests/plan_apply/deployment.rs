//! A small deployment of real Debian packages: nginx with a site, Prosody with an account, our firewall, an sshd
//! drop-in.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use anteroom::plan::BuildContext;
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

pub(crate) fn hardening(content: &str, mode: u32) -> Entry {
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
        settings: Vec::new(),
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
