//! Which language a rendered file is written in, by its path. A file of no known language fails the tests, so that no
//! new kind of file goes unjudged.

/// A configuration language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Language {
    AptConf,
    AptPreferences,
    AptSources,
    Certificate,
    Chrony,
    Coturn,
    Environment,
    GroupFile,
    Hocon,
    JavaScript,
    Limits,
    Logrotate,
    LuaModule,
    Needrestart,
    Nft,
    Nginx,
    Prosody,
    Sshd,
    Sysctl,
    SystemdDaemon,
    SystemdUnit,
    Tmpfiles,
}

/// How a path begins and ends, and the language of such files. The first row that fits counts.
const BY_PATH: &[(&str, &str, Language)] = &[
    ("/etc/prosody/", "groups.txt", Language::GroupFile),
    ("/etc/prosody/", ".lua", Language::Prosody),
    ("/usr/share/anteroom/prosody-plugins/", ".lua", Language::LuaModule),
    ("/etc/jitsi/", ".conf", Language::Hocon),
    ("/etc/jitsi/", "/config", Language::Environment),
    ("/etc/jitsi/meet/", "config.js", Language::JavaScript),
    ("/etc/jitsi/meet/", ".crt", Language::Certificate),
    ("/etc/default/", "", Language::Environment),
    ("/etc/nginx/", ".conf", Language::Nginx),
    ("/etc/turnserver.conf", "", Language::Coturn),
    ("/etc/", ".nft", Language::Nft),
    ("/etc/apt/sources.list.d/", ".sources", Language::AptSources),
    ("/etc/apt/preferences.d/", "", Language::AptPreferences),
    ("/etc/apt/apt.conf.d/", "", Language::AptConf),
    ("/etc/logrotate.d/", "", Language::Logrotate),
    ("/etc/systemd/journald.conf.d/", ".conf", Language::SystemdDaemon),
    ("/etc/systemd/coredump.conf.d/", ".conf", Language::SystemdDaemon),
    ("/etc/systemd/system.conf.d/", ".conf", Language::SystemdDaemon),
    ("/etc/needrestart/conf.d/", ".conf", Language::Needrestart),
    ("/etc/systemd/system/", "", Language::SystemdUnit),
    ("/etc/ssh/sshd_config.d/", ".conf", Language::Sshd),
    ("/etc/sysctl.d/", ".conf", Language::Sysctl),
    ("/etc/chrony/", "", Language::Chrony),
    ("/etc/security/limits.d/", ".conf", Language::Limits),
    ("/etc/tmpfiles.d/", ".conf", Language::Tmpfiles),
];

impl Language {
    /// The language of the file at a path.
    #[track_caller]
    pub(crate) fn of(path: &str) -> Self {
        let row = BY_PATH
            .iter()
            .find(|(start, end, _)| path.starts_with(start) && path.ends_with(end));
        match row {
            Some((.., language)) => *language,
            None => panic!("{path} is of no known language: add a row to tests/judges/language.rs"),
        }
    }
}
