//! Data that outlives code, as embedded TOML: controls, the rule's safeguards, the policy, TLS profiles, advisories, video
//! platforms, owners of computers, keys of the real package repositories.

pub mod aws;
pub mod clouds;
mod nearest;
pub mod platforms;
pub mod policy;
pub mod safeguards;
pub mod software;
pub mod transport;

pub use transport::TlsProfile;
pub use transport::ssh_algorithms;
pub use transport::tls_profile;
pub use transport::tls_profiles;

use std::sync::LazyLock;

/// Families of control ids, the part before the slash.
pub const FAMILIES: &[&str] = &[
    "encryption",
    "access",
    "leakage",
    "exposure",
    "logging",
    "integrity",
    "availability",
    "administrative",
    "disposal",
];

/// Everything there is to say of a control before anyone looks.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// `family/kebab-name`.
    pub id: String,
    /// One line, as a statement that holds when the control passes.
    pub title: String,
    /// What an attacker or an accident makes of a failure.
    pub why: String,
    /// How bad a failure is.
    pub severity: Severity,
    /// The duties behind it.
    pub citations: Vec<String>,
    /// NIST SP 800-53 Rev. 5 control ids.
    pub nist: Vec<String>,
    /// What to do about a failure.
    pub remediation: String,
    /// Where the control looks.
    pub stages: Vec<Stage>,
    /// What a report keeps of the look.
    pub evidence: String,
}

impl Control {
    /// Whether a person's document may stand for what was not seen.
    pub fn may_be_attested(&self) -> bool {
        self.stages.contains(&Stage::Document)
    }

    /// Whether nothing but documents shows it.
    pub fn rests_on_documents(&self) -> bool {
        self.stages == [Stage::Document]
    }
}

/// Where a control looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The spec.
    Spec,
    /// The rendered files.
    Render,
    /// The cloud's API.
    Cloud,
    /// The host, over SSH.
    Host,
    /// The network, from outside.
    Network,
    /// A live session: a stranger, a guest, a clinician.
    Session,
    /// A document or a person's statement.
    Document,
}

impl Stage {
    /// The word used in the catalog.
    pub fn word(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::Render => "render",
            Self::Cloud => "cloud",
            Self::Host => "host",
            Self::Network => "network",
            Self::Session => "session",
            Self::Document => "document",
        }
    }
}

/// How bad a failure is, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Weakens a defence.
    Medium,
    /// Opens a way in, or lets one be opened unseen.
    High,
    /// Patients' data is open.
    Critical,
}

impl Severity {
    /// The word used in reports and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ControlsFile {
    control: Vec<Control>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct OriginsFile {
    origin: Vec<Origin>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Origin {
    name: String,
    fingerprints: Vec<String>,
}

static CONTROLS: LazyLock<Vec<Control>> = LazyLock::new(|| {
    let file: ControlsFile =
        toml::from_str(include_str!("controls.toml")).expect("the embedded catalog is parsed by a test");
    file.control
});

static ORIGINS: LazyLock<Vec<Origin>> = LazyLock::new(|| {
    let file: OriginsFile =
        toml::from_str(include_str!("origins.toml")).expect("the embedded origins are parsed by a test");
    file.origin
});

/// Every control, in the order of the catalog file.
pub fn controls() -> &'static [Control] {
    &CONTROLS
}

/// The control with this id.
pub fn control(id: &str) -> Option<&'static Control> {
    CONTROLS.iter().find(|control| control.id == id)
}

/// Who signs with this OpenPGP fingerprint, when it is the key of a real package repository.
pub fn origin_of_key(fingerprint: &str) -> Option<&'static str> {
    ORIGINS
        .iter()
        .find(|origin| origin.fingerprints.iter().any(|known| known == fingerprint))
        .map(|o| o.name.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_control_has_a_known_family_a_unique_id_and_a_citation() {
        let mut ids = BTreeSet::new();
        for control in controls() {
            let (family, name) = control.id.split_once('/').expect("an id is family/name");
            assert!(FAMILIES.contains(&family), "{}", control.id);
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{name}"
            );
            assert!(ids.insert(&control.id), "{} stands twice", control.id);
            assert!(
                control.citations.iter().all(|c| c.starts_with("45 CFR 164.")),
                "{}",
                control.id
            );
            assert!(
                !control.citations.is_empty() && !control.nist.is_empty(),
                "{}",
                control.id
            );
        }
    }

    #[test]
    fn every_control_says_why_it_is_where_it_looks_and_what_is_kept() {
        for control in controls() {
            assert!(control.why.trim().len() > 20, "{} has no why", control.id);
            assert!(!control.stages.is_empty(), "{} has no stages", control.id);
            assert!(!control.evidence.trim().is_empty(), "{} has no evidence", control.id);
            assert!(!control.remediation.trim().is_empty(), "{} has no remedy", control.id);
        }
    }

    #[test]
    fn every_control_has_its_heading_in_the_docs_and_no_heading_is_left_over() {
        let docs = include_str!("../../docs/controls.md");
        let headings: BTreeSet<&str> = docs.lines().filter_map(|line| line.strip_prefix("### ")).collect();
        let ids: BTreeSet<&str> = controls().iter().map(|control| control.id.as_str()).collect();
        assert_eq!(headings, ids);
    }

    #[test]
    fn the_docs_give_every_control_the_title_severity_and_citations_of_the_catalog() {
        let docs = include_str!("../../docs/controls.md");
        for control in controls() {
            let severity = match control.severity {
                Severity::Low => "Low",
                Severity::Medium => "Medium",
                Severity::High => "High",
                Severity::Critical => "Critical",
            };
            let line = format!(
                "### {}\n\n{}. {severity}. {}.\n\n",
                control.id,
                control.title,
                control.citations.join(", ")
            );
            assert!(docs.contains(&line), "docs/controls.md does not say:\n{line}");
        }
    }

    #[test]
    fn the_record_of_proposed_controls_names_none_that_is_not_there() {
        let record = include_str!("../../docs/decisions/0011-what-became-of-each-proposed-control.md");
        let named: BTreeSet<&str> = record
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|code| FAMILIES.iter().any(|family| code.starts_with(&format!("{family}/"))))
            .collect();
        assert!(named.len() > 50, "{named:?}");
        for id in named {
            assert!(control(id).is_some(), "record 11 names {id}");
        }
    }

    #[test]
    fn an_unknown_key_has_no_known_origin() {
        assert_eq!(origin_of_key("0000000000000000000000000000000000000000"), None);
        assert_eq!(origin_of_key("66A9CD0595D6AFA247290D3BEF8B479E2DC1389C"), Some("Jitsi"));
    }
}
