//! Where software comes from: Jitsi's repository with its one signing key, what may come from it, the packages, and
//! the answers to their questions.

use serde::Serialize;

use crate::render::AptKey;
use crate::render::PackageWanted;
use crate::render::Preseed;
use crate::render::RenderError;
use crate::render::inputs::Inputs;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;
use crate::render::tree::path;

const SOURCES: Template = template!("etc/apt/sources.list.d/anteroom-jitsi.sources.tera");
const PREFERENCES: Template = template!("etc/apt/preferences.d/anteroom.tera");

/// The armored key of Jitsi's repository.
const KEYRING: &str = "/etc/apt/keyrings/anteroom-jitsi.asc";

/// What may come from Jitsi's repository, and nothing else may. Not among them: jitsi-meet-tokens, which opens the
/// server when it is removed; jitsi-meet-web-config and jitsi-meet-turnserver, which write what we render.
const JITSI: &[&str] = &["jicofo", "jitsi-meet-prosody", "jitsi-meet-web", "jitsi-videobridge2"];

/// From the distribution. What Jitsi's packages only recommend is listed: nothing is installed for being recommended.
const DISTRIBUTION: &[&str] = &[
    "ca-certificates",
    "chrony",
    "coturn",
    "gnupg",
    "iproute2",
    "jq",
    "logrotate",
    "lua-basexx",
    "lua-cjson",
    "lua-inspect",
    "lua-luaossl",
    "lua-sec",
    "lua-unbound",
    // The compiler that judges Prosody's configuration.
    "lua5.4",
    "nftables",
    "nginx",
    "openssl",
    "procps",
    "prosody",
    "ruby-hocon",
    "unattended-upgrades",
];

#[derive(Serialize)]
struct View<'a> {
    uri: &'a str,
    suite: &'a str,
    components: &'a [String],
    keyring: &'static str,
    /// The repository's host name, by which apt pins; empty for a local one.
    site: &'a str,
    packages: &'static [&'static str],
}

/// Puts the source and its pin.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let source = &inputs.spec.packages.jitsi;
    let view = View {
        uri: &source.uri,
        suite: &source.suite,
        components: &source.components,
        keyring: KEYRING,
        site: site(&source.uri),
        packages: JITSI,
    };
    let open = || access("root:root", 0o644);
    tree.file("/etc/apt/sources.list.d/anteroom-jitsi.sources", open(), SOURCES, &view)?;
    tree.file("/etc/apt/preferences.d/anteroom", open(), PREFERENCES, &view)
}

/// The host name in a repository's URI, without user and port, as `Pin: origin` wants it.
fn site(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') {
        return host.split_inclusive(']').next().unwrap_or_default();
    }
    host.split(':').next().unwrap_or_default()
}

/// The key.
pub(crate) fn apt_keys(inputs: &Inputs<'_>) -> Result<Vec<AptKey>, RenderError> {
    let source = &inputs.spec.packages.jitsi;
    Ok(vec![AptKey {
        path: path(KEYRING)?,
        fingerprint: source.fingerprint.clone(),
        source: source.key.clone(),
    }])
}

/// Every package, the distribution's first.
pub(crate) fn packages(inputs: &Inputs<'_>) -> Vec<PackageWanted> {
    let wanted = &inputs.spec.packages;
    let package = |name: &&str, origin: Option<&str>| PackageWanted {
        name: (*name).to_owned(),
        version: wanted.versions.get(*name).cloned(),
        held: origin.is_some(),
        origin: origin.map(str::to_owned),
    };
    DISTRIBUTION
        .iter()
        .map(|name| package(name, None))
        .chain(JITSI.iter().map(|name| package(name, Some(&wanted.jitsi.uri))))
        .collect()
}

/// Stands for a value that the host makes up and nobody knows. The packages write it into files and accounts that are
/// all replaced; a real secret among debconf's answers could be read by everybody on the host.
const THROWAWAY: &str = "<throwaway>";

/// Answers to every question of Jitsi's packages; a missing answer makes their scripts fail, or sign us up for a
/// service.
pub(crate) fn preseeds(inputs: &Inputs<'_>) -> Vec<Preseed> {
    let domain = inputs.names.domain.clone();
    [
        ("jitsi-videobridge2", "jitsi-videobridge/jvb-hostname", "string", domain),
        (
            "jitsi-videobridge2",
            "jitsi-videobridge/jvbsecret",
            "password",
            THROWAWAY.to_owned(),
        ),
        ("jicofo", "jicofo/jicofo-authpassword", "password", THROWAWAY.to_owned()),
        (
            "jitsi-meet-prosody",
            "jitsi-meet-prosody/turn-secret",
            "string",
            THROWAWAY.to_owned(),
        ),
        (
            "jitsi-meet-prosody",
            "jitsi-meet/cert-choice",
            "select",
            "Generate a new self-signed certificate".to_owned(),
        ),
        (
            "jitsi-meet-prosody",
            "jitsi-meet/jaas-choice",
            "boolean",
            "false".to_owned(),
        ),
    ]
    .into_iter()
    .map(|(package, question, kind, value)| Preseed {
        package: package.to_owned(),
        question: question.to_owned(),
        kind: kind.to_owned(),
        value,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_names_the_repositorys_host_without_user_and_port() {
        for (uri, host) in [
            ("https://download.jitsi.org", "download.jitsi.org"),
            ("https://download.jitsi.org/debian/", "download.jitsi.org"),
            ("http://user:pass@mirror.example:8081/x", "mirror.example"),
            ("http://10.77.0.1:8088", "10.77.0.1"),
            ("http://[fd00::1]:80/", "[fd00::1]"),
            ("file:/srv/repository", ""),
            ("file:///srv/repository", ""),
        ] {
            assert_eq!(site(uri), host, "{uri}");
        }
    }
}
