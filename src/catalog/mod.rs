//! Data that outlives code, as embedded TOML: controls and their citations, keys of the real package repositories.

pub mod policy;

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
    /// How bad a failure is.
    pub severity: Severity,
    /// The duties behind it.
    pub citations: Vec<String>,
    /// NIST SP 800-53 Rev. 5 control ids.
    pub nist: Vec<String>,
    /// What to do about a failure.
    pub remediation: String,
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
    fn every_control_has_its_heading_in_the_docs_and_no_heading_is_left_over() {
        let docs = include_str!("../../docs/controls.md");
        let headings: BTreeSet<&str> = docs.lines().filter_map(|line| line.strip_prefix("### ")).collect();
        let ids: BTreeSet<&str> = controls().iter().map(|control| control.id.as_str()).collect();
        assert_eq!(headings, ids);
    }

    #[test]
    fn an_unknown_key_has_no_known_origin() {
        assert_eq!(origin_of_key("0000000000000000000000000000000000000000"), None);
        assert_eq!(origin_of_key("66A9CD0595D6AFA247290D3BEF8B479E2DC1389C"), Some("Jitsi"));
    }
}
