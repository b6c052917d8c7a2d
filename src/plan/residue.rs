//! What the packages of a deployment leave behind even when they are purged: data folders, logs, system users.
//! Source: the packages' own `postrm` scripts in Debian 12 and Jitsi's packages; data, not code.

/// The leavings of one package.
pub(crate) struct Residue {
    pub(crate) package: &'static str,
    /// Files and whole folders.
    pub(crate) paths: &'static [&'static str],
    /// Folders that go once they are empty: somebody else may have put something there.
    pub(crate) folders: &'static [&'static str],
    /// System users, and groups of the same name.
    pub(crate) users: &'static [&'static str],
}

/// Looked at only for packages that we installed ourselves.
pub(crate) const RESIDUE: &[Residue] = &[
    Residue {
        package: "prosody",
        paths: &[
            "/etc/prosody",
            "/var/lib/prosody",
            "/var/log/prosody",
            "/var/spool/prosody",
        ],
        folders: &[],
        users: &["prosody"],
    },
    Residue {
        package: "uuid-runtime",
        paths: &[],
        folders: &[],
        users: &["uuidd"],
    },
    Residue {
        package: "ssl-cert",
        paths: &[],
        folders: &[],
        users: &["ssl-cert"],
    },
    Residue {
        package: "nginx",
        paths: &[
            "/etc/nginx",
            "/var/log/nginx",
            "/var/lib/nginx",
            "/var/cache/nginx",
            "/var/www/html/index.nginx-debian.html",
        ],
        folders: &["/var/www/html", "/var/www"],
        users: &[],
    },
    Residue {
        package: "coturn",
        paths: &["/etc/coturn", "/var/lib/turn", "/var/log/turnserver"],
        folders: &[],
        users: &["turnserver"],
    },
    Residue {
        package: "unattended-upgrades",
        paths: &["/var/log/unattended-upgrades"],
        folders: &[],
        users: &[],
    },
    Residue {
        package: "jicofo",
        paths: &["/etc/jitsi/jicofo", "/var/log/jitsi/jicofo.log", "/usr/share/jicofo"],
        folders: &[],
        users: &["jicofo"],
    },
    Residue {
        package: "jitsi-videobridge2",
        paths: &["/etc/jitsi", "/var/log/jitsi", "/usr/share/jitsi-videobridge"],
        folders: &[],
        users: &["jvb", "jitsi"],
    },
    Residue {
        package: "jitsi-meet-prosody",
        paths: &["/usr/share/jitsi-meet/prosody-plugins"],
        folders: &[],
        users: &[],
    },
    Residue {
        package: "jitsi-meet-web",
        paths: &["/usr/share/jitsi-meet"],
        folders: &[],
        users: &[],
    },
];

/// The table as the engine reads it: package, `path`, `folder` or `user`, and which, one a line.
pub fn residue_table() -> String {
    let mut lines = String::new();
    for residue in RESIDUE {
        for path in residue.paths {
            lines.push_str(&format!("{} path {path}\n", residue.package));
        }
        for folder in residue.folders {
            lines.push_str(&format!("{} folder {folder}\n", residue.package));
        }
        for user in residue.users {
            lines.push_str(&format!("{} user {user}\n", residue.package));
        }
    }
    lines
}
