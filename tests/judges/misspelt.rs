//! A misspelt setting is caught: every rendered key is one that the upstream version knows.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use anteroom::render::render;

use crate::keys;
use crate::language::Language;
use crate::lua;
use crate::specs;

/// Path, text and the modules beside it, of every distinct file of every case.
struct Files {
    texts: BTreeSet<(String, String)>,
    modules: Vec<(String, String)>,
}

fn rendered() -> Files {
    let mut texts = BTreeSet::new();
    let mut modules = BTreeMap::new();
    for (_, spec) in specs::cases() {
        let wanted = render(&spec, &spec.hosts[0]).unwrap();
        for (path, text) in keys::texts(&wanted) {
            texts.insert((path.to_owned(), text.to_owned()));
            let name = path.rsplit("/mod_").next().and_then(|name| name.strip_suffix(".lua"));
            if let (Language::LuaModule, Some(name)) = (Language::of(path), name) {
                modules.insert(name.to_owned(), text.to_owned());
            }
        }
    }
    Files {
        texts,
        modules: modules.into_iter().collect(),
    }
}

#[test]
fn every_rendered_key_is_known_upstream() {
    if !lua::installed() {
        return;
    }
    let files = rendered();
    let mut unknown = BTreeSet::new();
    for (path, text) in &files.texts {
        for key in keys::unknown(path, text, &files.modules) {
            unknown.insert(format!("{path}: {key}"));
        }
    }
    assert!(unknown.is_empty(), "not known upstream: {unknown:#?}");
}

#[test]
fn one_misspelt_key_in_each_language_is_caught() {
    if !lua::installed() {
        return;
    }
    let files = rendered();
    let mut caught = BTreeSet::new();
    for (language, right, wrong) in [
        (Language::AptPreferences, "Pin-Priority: 990", "Pin-Priorty: 990"),
        (Language::AptSources, "Signed-By:", "Signed-by-key:"),
        (Language::Coturn, "stale-nonce", "stale-nonces"),
        (Language::Environment, "JAVA_SYS_PROPS", "JAVA_SYS_PROP"),
        (Language::Hocon, "enable-auto-owner", "enable-auto-owners"),
        (Language::Hocon, "redact-remote-addresses", "redact-remote-adresses"),
        (
            Language::JavaScript,
            "\"disableThirdPartyRequests\"",
            "\"disableThirdPartyRequest\"",
        ),
        (
            Language::AptConf,
            "Unattended-Upgrade::Automatic-Reboot",
            "Unattended-Upgrade::Automatic-Reboots",
        ),
        (Language::Chrony, "cmdport", "cmd-port"),
        (Language::Sysctl, "net.ipv4.tcp_syncookies", "net.ipv4.tcp_syncookie"),
        (Language::Logrotate, "maxage", "max-age"),
        (Language::Prosody, "restrict_room_creation", "restrict_rooms_creation"),
        (Language::Prosody, "allow_empty_token", "allow_empty_tokens"),
        (Language::Prosody, "c2s = { rate", "c2s = { rates"),
        (Language::Prosody, "anteroom_admits", "anteroom_admit"),
        (Language::Prosody, "\"muc_hide_all\";", "\"muc_hide_al\";"),
        (
            Language::Prosody,
            "authentication = \"token\"",
            "authentication = \"tokens\"",
        ),
        (Language::Sshd, "MaxAuthTries", "MaxAuthTry"),
        (Language::SystemdDaemon, "MaxRetentionSec", "MaxRetentionSecs"),
        (Language::SystemdUnit, "NoNewPrivileges", "NoNewPrivilege"),
    ] {
        let mut tried = 0;
        for (path, text) in &files.texts {
            if Language::of(path) != language || !text.contains(right) {
                continue;
            }
            tried += 1;
            let bad = text.replace(right, wrong);
            let good = keys::unknown(path, text, &files.modules);
            let unknown = keys::unknown(path, &bad, &files.modules);
            assert!(unknown.len() > good.len(), "{path}: {wrong} was not caught");
            caught.insert(language);
        }
        assert!(tried > 0, "{right} is in no file; choose another key");
    }
    let rendered: BTreeSet<Language> = files.texts.iter().map(|(path, _)| Language::of(path)).collect();
    // These have no keys, or a program of their own that refuses what it does not know: see tests/judges/hosts.rs.
    let others = [
        Language::Certificate,
        Language::GroupFile,
        Language::Limits,
        Language::LuaModule,
        Language::Needrestart,
        Language::Nft,
        Language::Nginx,
    ];
    let silent: Vec<_> = rendered
        .difference(&caught)
        .filter(|one| !others.contains(one))
        .collect();
    assert!(silent.is_empty(), "nothing was misspelt in {silent:?}");
}
