//! What Anteroom uses of AWS: regions that AWS itself runs and services that its business associate addendum covers, each
//! from a list of a day. It knows what its sources said then, not what is true today.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil::Date;

/// Days after which a list has to be read anew.
const STALE_DAYS: i64 = 365;

/// Both lists.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lists {
    /// Regions.
    pub regions: Regions,
    /// Services.
    pub services: Services,
}

/// Regions in which machines may be made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regions {
    /// The day on which the source was read.
    pub as_of: Date,
    /// Where it is from.
    pub source: String,
    /// Their names.
    pub names: BTreeSet<String>,
}

/// Services that are used.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Services {
    /// The day on which the source was read.
    pub as_of: Date,
    /// Where it is from.
    pub source: String,
    /// Services through which patients' data could pass, by their short name.
    pub eligible: BTreeMap<String, String>,
    /// Services that see nothing of a deployment, by their short name, and why.
    pub exempt: BTreeMap<String, String>,
}

static LISTS: LazyLock<Lists> =
    LazyLock::new(|| toml::from_str(include_str!("aws.toml")).expect("the embedded lists are parsed by a test"));

/// The lists.
pub fn lists() -> &'static Lists {
    &LISTS
}

impl Lists {
    /// The day on which the older list was read, where that is too long ago to rely on.
    pub fn stale(&self, today: Date) -> Option<Date> {
        let oldest = self.regions.as_of.min(self.services.as_of);
        (oldest.saturating_add(STALE_DAYS.days()) < today).then_some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_regions_are_those_of_one_partition_and_both_lists_say_where_they_are_from() {
        let Lists { regions, services } = lists();
        assert!(!regions.source.is_empty() && !services.source.is_empty());
        assert_eq!(regions.names.len(), 34);
        let others = ["cn-", "us-gov-", "us-iso", "eusc-"];
        let foreign = |name: &&String| others.iter().any(|prefix| name.starts_with(prefix));
        assert_eq!(regions.names.iter().find(foreign), None);
    }

    #[test]
    fn a_list_that_was_read_long_ago_is_stale() {
        let oldest = lists().services.as_of;
        assert_eq!(lists().stale(oldest.saturating_add(365.days())), None);
        assert_eq!(lists().stale(oldest.saturating_add(366.days())), Some(oldest));
    }

    /// The services whose calls stand in a source file, as in `"ec2:RunInstances"`.
    fn called(text: &str) -> BTreeSet<String> {
        let quoted = text.split('"').skip(1).step_by(2);
        let call = |quoted: &str| {
            let (service, call) = quoted.split_once(':')?;
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            let named = call.starts_with(|c: char| c.is_ascii_uppercase()) && call.chars().all(|c| c.is_alphanumeric());
            (named && !service.is_empty() && service.chars().all(word)).then(|| service.to_owned())
        };
        quoted.filter_map(call).collect()
    }

    #[test]
    fn every_service_that_is_called_is_eligible_or_sees_nothing_of_a_deployment() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/remote/aws");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        // The list of permissions names what AWS asks for, too, and not only what is called.
        let files = files.filter(|path| path.is_file() && !path.ends_with("permissions.rs"));
        let used: BTreeSet<String> = files
            .flat_map(|file| called(&fs::read_to_string(file).unwrap()))
            .collect();
        let Services { eligible, exempt, .. } = &lists().services;
        for service in &used {
            let listed = eligible.contains_key(service) || exempt.contains_key(service);
            assert!(listed, "{service} is called and is on no list");
        }
        let needless: Vec<&String> = exempt.keys().filter(|service| !used.contains(*service)).collect();
        assert_eq!(needless, Vec::<&String>::new(), "exempt and never called");
        assert!(
            used.contains("ec2") && used.contains("kms") && used.contains("route53"),
            "{used:?}"
        );
    }
}
