//! What is known of software by its version: until when a distribution mends its releases, and in which version a known
//! weakness was mended. Both lists carry the day on which they were looked through.

use std::sync::LazyLock;

use jiff::civil::Date;

/// When distributions stop mending their releases.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Systems {
    /// The day on which the list was looked through.
    #[serde(deserialize_with = "day")]
    pub as_of: Date,
    /// Where the days come from.
    pub source: String,
    /// The releases.
    pub system: Vec<System>,
}

/// One release of a distribution.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// `ID` of /etc/os-release.
    pub id: String,
    /// `VERSION_ID` there.
    pub version: String,
    /// In words.
    pub name: String,
    /// The last day of security fixes.
    #[serde(deserialize_with = "day")]
    pub until: Date,
}

/// Known weaknesses.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisories {
    /// The day on which the list was looked through.
    #[serde(deserialize_with = "day")]
    pub as_of: Date,
    /// One row for each weakness and release.
    pub advisory: Vec<Advisory>,
}

/// A known weakness of a package.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisory {
    /// Its names, commas between.
    pub id: String,
    /// The package.
    pub package: String,
    /// `ID VERSION_ID` of the release that this row is about; `None`: any.
    pub system: Option<String>,
    /// The first version without it.
    pub fixed: String,
    /// What it lets somebody do.
    pub title: String,
    /// Where this is written.
    pub source: String,
    /// A line of a file that keeps it out.
    pub unless: Option<Line>,
}

/// A line of a file.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The file.
    pub path: String,
    /// The whole line.
    pub line: String,
}

/// A date as TOML writes it.
fn day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let day: toml::value::Datetime = serde::Deserialize::deserialize(deserializer)?;
    day.to_string().parse().map_err(serde::de::Error::custom)
}

static SYSTEMS: LazyLock<Systems> =
    LazyLock::new(|| toml::from_str(include_str!("systems.toml")).expect("the embedded list is parsed by a test"));

static ADVISORIES: LazyLock<Advisories> =
    LazyLock::new(|| toml::from_str(include_str!("advisories.toml")).expect("the embedded list is parsed by a test"));

/// When distributions stop mending their releases.
pub fn systems() -> &'static Systems {
    &SYSTEMS
}

/// Known weaknesses.
pub fn advisories() -> &'static Advisories {
    &ADVISORIES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lists_are_read_and_name_their_sources() {
        assert!(systems().system.len() > 4 && !systems().source.is_empty());
        for advisory in &advisories().advisory {
            let known = ["CVE-", "JSA-"].iter().any(|kind| advisory.id.starts_with(kind));
            assert!(known, "{}", advisory.id);
            assert!(
                !advisory.source.is_empty() && !advisory.title.ends_with('.'),
                "{}",
                advisory.id
            );
            if let Some(system) = &advisory.system {
                let known = systems().system.iter();
                let known = known.map(|system| format!("{} {}", system.id, system.version));
                assert!(known.into_iter().any(|name| name == *system), "{system}");
            }
        }
    }

    #[test]
    fn a_line_that_keeps_a_weakness_out_is_one_that_we_render() {
        let rendered = include_str!("../../tests/golden/token-shared-secret/etc/turnserver.conf");
        for line in advisories()
            .advisory
            .iter()
            .filter_map(|advisory| advisory.unless.as_ref())
        {
            assert!(rendered.lines().any(|one| one == line.line), "{}", line.line);
        }
    }
}
