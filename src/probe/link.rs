//! What a link may change in the page: jitsi-meet takes `#config.a.b=x` and `#interfaceConfig.A=x` of its address for its
//! settings, as far as a list in its script allows. Knows how such links are written; judges nothing.

use std::collections::BTreeSet;

use serde::Serialize;

/// Names of settings that the page takes from its address.
const ROOTS: [&str; 2] = ["config", "interfaceConfig"];

/// Settings that a hostile link would change; sent where the site's own list is not known.
const SAMPLES: [&str; 5] = [
    "p2p.enabled",
    "disableThirdPartyRequests",
    "gravatar.disabled",
    "localRecording.disable",
    "prejoinConfig.enabled",
];

/// A hostile link, and what of it reaches the page's app after the page's settings have run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostileLink {
    /// The settings that the link would change.
    pub sent: BTreeSet<String>,
    /// Those that are still in the page's address afterwards.
    pub left: BTreeSet<String>,
}

/// The fragment of a link that would change these settings, or some well-known ones, in every way of writing it.
pub(crate) fn hostile(keys: Option<&BTreeSet<String>>) -> String {
    let mut parts: Vec<String> = SAMPLES.iter().map(|key| format!("config.{key}=true")).collect();
    parts.extend(keys.into_iter().flatten().map(|key| format!("config.{key}=true")));
    parts.push("config=%7B%22p2p%22%3A%7B%22enabled%22%3Atrue%7D%7D".to_owned());
    parts.push("interfaceConfig.APP_NAME=%22x%22".to_owned());
    parts.push("userInfo.displayName=%22x%22".to_owned());
    parts.dedup();
    format!("#{}", parts.join("&"))
}

/// The settings that an address changes: `a.b` of `config.a.b=x`; a root alone stands for all below it. Written in
/// jitsi-meet's parseURLParams.ts.
pub(crate) fn overriding(link: &str) -> BTreeSet<String> {
    let Some((_, fragment)) = link.split_once('#') else {
        return BTreeSet::new();
    };
    let parts = fragment.split('&').filter_map(|part| part.split('=').next());
    parts
        .filter(|key| ROOTS.contains(&key.split('.').next().unwrap_or_default()))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hostile_link_tries_every_way_of_writing_a_setting() {
        let keys = BTreeSet::from(["whiteboard.enabled".to_owned()]);
        let tried = overriding(&hostile(Some(&keys)));
        for key in [
            "config",
            "config.p2p.enabled",
            "config.whiteboard.enabled",
            "interfaceConfig.APP_NAME",
        ] {
            assert!(tried.contains(key), "{key}");
        }
        assert!(!tried.iter().any(|key| key.starts_with("userInfo")));
        assert_eq!(overriding("?config.a=1#userInfo.x=1&configured=1"), BTreeSet::new());
        assert_eq!(overriding("?config.a=1"), BTreeSet::new());
    }

    proptest! {
        #[test]
        fn no_link_breaks_the_reader(link in "\\PC{0,80}") {
            let _ = overriding(&link);
        }
    }
}
