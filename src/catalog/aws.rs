//! What AWS's business associate addendum covers, as far as Anteroom uses it, from a list of a day.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eligible {
    /// The day on which its source was read.
    pub as_of: String,
    /// Where it is from.
    pub source: String,
    /// Regions in which machines may be made.
    pub regions: BTreeSet<String>,
    /// Services through which patients' data could pass, by their short name.
    pub services: BTreeMap<String, String>,
}

static ELIGIBLE: LazyLock<Eligible> =
    LazyLock::new(|| toml::from_str(include_str!("aws.toml")).expect("the embedded list is parsed by a test"));

/// The list.
pub fn eligible() -> &'static Eligible {
    &ELIGIBLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_dated_and_names_no_region_that_others_run() {
        assert!(eligible().as_of.parse::<jiff::civil::Date>().is_ok());
        assert!(eligible().regions.len() > 25);
        assert!(!eligible().regions.iter().any(|region| region.starts_with("cn-")));
        let services: Vec<&str> = eligible().services.keys().map(String::as_str).collect();
        assert_eq!(services, ["cloudtrail", "ebs", "ec2", "kms", "route53", "s3"]);
    }
}
