//! The policy as data: every setting whose safe value is not the operator's to choose, with its reason and the duty
//! behind it. Rendering writes these rows into files, validation refuses specs that speak against them, and the controls
//! judge hosts by them. Knows nothing of how a file is written.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Map;
use serde_json::Value;

/// A file, or a kind of file, that has rows here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// What keeps memory from being written to files.
    CoreDumps,
    /// coturn's turnserver.conf.
    Coturn,
    /// jicofo.conf.
    Jicofo,
    /// systemd's journal.
    Journal,
    /// The kernel's settings.
    Kernel,
    /// The public site in nginx, and what its servers share.
    Nginx,
    /// The page's config.js.
    Page,
    /// The page's interface_config.js.
    PageInterface,
    /// Prosody as a whole.
    Prosody,
    /// The deployment's own XMPP hosts.
    ProsodySite,
    /// The services' sandboxes.
    Sandbox,
    /// sshd's drop-in.
    Sshd,
    /// chrony's drop-in.
    Time,
    /// Security upgrades and when they come.
    Upgrades,
    /// jvb.conf.
    Videobridge,
}

impl std::str::FromStr for Component {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = COMPONENTS.iter().find(|(_, name, _)| *name == text);
        found.map(|(component, _, _)| *component).ok_or_else(|| {
            let names: Vec<&str> = COMPONENTS.iter().map(|(_, name, _)| *name).collect();
            format!("known are {}", names.join(", "))
        })
    }
}

/// Every component with the name that the command line takes, and its rows.
const COMPONENTS: &[(Component, &str, &str)] = &[
    (
        Component::CoreDumps,
        "core-dumps",
        include_str!("policy/core-dumps.toml"),
    ),
    (Component::Coturn, "coturn", include_str!("policy/coturn.toml")),
    (Component::Jicofo, "jicofo", include_str!("policy/jicofo.toml")),
    (Component::Journal, "journal", include_str!("policy/journal.toml")),
    (Component::Kernel, "kernel", include_str!("policy/kernel.toml")),
    (Component::Nginx, "nginx", include_str!("policy/nginx.toml")),
    (Component::Page, "page", include_str!("policy/page.toml")),
    (
        Component::PageInterface,
        "page-interface",
        include_str!("policy/page-interface.toml"),
    ),
    (Component::Prosody, "prosody", include_str!("policy/prosody.toml")),
    (
        Component::ProsodySite,
        "prosody-site",
        include_str!("policy/prosody-site.toml"),
    ),
    (Component::Sandbox, "sandbox", include_str!("policy/sandbox.toml")),
    (Component::Sshd, "sshd", include_str!("policy/sshd.toml")),
    (Component::Time, "time", include_str!("policy/time.toml")),
    (Component::Upgrades, "upgrades", include_str!("policy/upgrades.toml")),
    (
        Component::Videobridge,
        "videobridge",
        include_str!("policy/videobridge.toml"),
    ),
];

/// The rows of one component.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What the software is called.
    pub title: String,
    /// Where the file is on the host; `<domain>` stands for the deployment's.
    pub file: String,
    /// Where the keys and the upstream defaults are documented, with the version that was read.
    pub source: String,
    /// The rows, in the order of the file.
    #[serde(rename = "group")]
    pub groups: Vec<Group>,
}

/// Settings that have one reason.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The part of the file, as the template names it.
    #[serde(default = "whole")]
    pub section: String,
    /// All of these must hold of the deployment; none: always.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// The key of `[features]` that would ask for the opposite.
    #[serde(default)]
    pub feature: Option<String>,
    /// Why, in full sentences.
    pub reason: String,
    /// The duties behind it.
    pub citations: Vec<String>,
    /// Key → safe value. Text in angle brackets names a value of the deployment, such as `<domain>`. A key that ends in
    /// `+` adds to a list that other groups add to as well.
    pub set: Map<String, Value>,
    /// Key → what the software does by itself, or as its packages configure it, where that is not safe.
    #[serde(default)]
    pub upstream: BTreeMap<String, String>,
}

fn whole() -> String {
    "whole".to_owned()
}

/// Something that holds of a deployment, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Room tokens open rooms.
    Token,
    /// The clinic's tokens are judged by keys that an identity provider publishes.
    Jwks,
    /// The clinic's tokens are judged by one fixed key or secret.
    FixedKey,
    /// Clinicians' accounts open rooms.
    Internal,
    /// TLS 1.2 and 1.3.
    Intermediate,
    /// TLS 1.3 only.
    Modern,
    /// No patients.
    Test,
    /// The host has another address outside than its own.
    BehindNat,
    /// It is known to which addresses relayed media may go.
    KnownPeers,
}

static POLICIES: LazyLock<BTreeMap<Component, Policy>> = LazyLock::new(|| {
    COMPONENTS
        .iter()
        .map(|(component, _, text)| {
            let policy = toml::from_str(text).expect("the embedded policy is parsed by a test");
            (*component, policy)
        })
        .collect()
});

/// The rows of every component.
pub fn policies() -> &'static BTreeMap<Component, Policy> {
    &POLICIES
}

/// The rows of one component.
pub fn policy(component: Component) -> &'static Policy {
    POLICIES.get(&component).expect("a test finds every component's rows")
}

/// The groups that speak against a feature of the spec.
pub fn against_feature(feature: &str) -> impl Iterator<Item = &'static Group> {
    policies()
        .values()
        .flat_map(|policy| &policy.groups)
        .filter(move |group| group.feature.as_deref() == Some(feature))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_has_a_reason_a_duty_and_a_source() {
        for (component, policy) in policies() {
            assert!(policy.file.starts_with('/'), "{component:?}");
            assert!(!policy.source.is_empty() && !policy.groups.is_empty(), "{component:?}");
            for group in &policy.groups {
                let at = format!("{component:?}: {}", group.reason);
                assert!(group.reason.ends_with('.') && !group.reason.contains('\n'), "{at}");
                assert!(!group.citations.is_empty(), "{at}");
                assert!(group.citations.iter().all(|c| c.starts_with("45 CFR 164.")), "{at}");
                assert!(!group.set.is_empty(), "{at}");
                for key in group.upstream.keys() {
                    assert!(group.set.contains_key(key), "{at}: {key} is not set here");
                }
            }
        }
    }

    #[test]
    fn no_setting_of_a_section_stands_twice_under_the_same_conditions() {
        for (component, policy) in policies() {
            let mut seen = BTreeSet::new();
            for group in &policy.groups {
                for key in group.set.keys().filter(|key| !key.ends_with('+')) {
                    let row = (&group.section, &group.when, key);
                    assert!(seen.insert(row), "{component:?}: {row:?} stands twice");
                }
            }
        }
    }
}
