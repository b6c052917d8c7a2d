//! Video platforms that a clinic may think of: whether anyone signs for them, and what became of them. It knows what its
//! sources said on a day, not what is true today.

use std::sync::LazyLock;

pub use crate::catalog::nearest::Found;
use crate::catalog::nearest::nearest;

/// What is known of one platform.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// Its name.
    pub name: String,
    /// What else people call it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Whether a business associate agreement can be had.
    pub baa: Agreement,
    /// Whether it is meant for an audience; such platforms were barred even while enforcement was relaxed.
    pub public_facing: bool,
    /// What became of it.
    pub status: String,
    /// Whether it may carry a visit.
    pub verdict: Fitness,
    /// What to do.
    pub next: String,
    /// Where that is from.
    pub source: String,
    /// How good the source is.
    pub confidence: Confidence,
    /// The day on which the source was read.
    pub as_of: String,
}

/// Whether a business associate agreement can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// The vendor signs none, or none is known.
    None,
    /// With some plans.
    SomePlans,
    /// The vendor says so; ask for the signed paper.
    Said,
    /// The vendor signs.
    Offered,
    /// There is no vendor: whoever owns the computer signs, and everyone else who handles visits.
    OwnHosting,
}

impl Agreement {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "none known",
            Self::SomePlans => "with some plans",
            Self::Said => "said to be offered; not confirmed",
            Self::Offered => "offered",
            Self::OwnHosting => "no vendor: with the owner of the computer, and every further processor",
        }
    }
}

/// Whether a platform may carry a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fitness {
    /// It is meant for an audience.
    Barred,
    /// No agreement comes with it.
    Unfit,
    /// It is no longer offered.
    Ended,
    /// Not before an agreement is signed.
    WithAgreement,
}

impl Fitness {
    /// Whether it must not carry a visit, whatever is signed.
    pub fn must_not_be_used(self) -> bool {
        self != Self::WithAgreement
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Barred => "must not be used: it is public-facing",
            Self::Unfit => "must not be used: no agreement comes with it",
            Self::Ended => "must not be used: it is no longer offered",
            Self::WithAgreement => "only after an agreement is signed",
        }
    }
}

/// How good a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// The vendor's or an authority's own words.
    Primary,
    /// Somebody else's.
    Secondary,
    /// Common knowledge without a source at hand.
    Unconfirmed,
}

impl Confidence {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Primary => "the vendor's or an authority's own words",
            Self::Secondary => "secondary: confirm it with the vendor",
            Self::Unconfirmed => "not confirmed by a source: ask the vendor",
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    platform: Vec<Platform>,
}

static PLATFORMS: LazyLock<Vec<Platform>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("platforms.toml")).expect("the embedded list is parsed by a test");
    file.platform
});

/// Every platform, in the order of the file.
pub fn platforms() -> &'static [Platform] {
    &PLATFORMS
}

/// The platform that a name means.
pub fn platform(name: &str) -> Found<&'static Platform> {
    nearest(name, &PLATFORMS, |platform| {
        let aliases = platform.aliases.iter().map(String::as_str);
        std::iter::once(platform.name.as_str()).chain(aliases).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_has_what_an_operator_asks_for_and_a_day() {
        assert_eq!(platforms().len(), 21);
        for row in platforms() {
            assert!(row.as_of.parse::<jiff::civil::Date>().is_ok(), "{}", row.name);
            assert!(
                !row.status.is_empty() && !row.next.is_empty() && !row.source.is_empty(),
                "{}",
                row.name
            );
            assert!(!row.public_facing || row.verdict == Fitness::Barred, "{}", row.name);
            assert!(
                row.baa != Agreement::None || row.verdict.must_not_be_used(),
                "{}",
                row.name
            );
            for name in std::iter::once(&row.name).chain(&row.aliases) {
                assert_eq!(platform(name), Found::Exactly(row), "{name}");
            }
        }
    }

    #[test]
    fn no_name_of_a_barred_platform_is_taken_for_one_that_may_be_used() {
        for name in [
            "facetme",
            "what's ap",
            "skyp",
            "twich",
            "facebook liv",
            "tik-tok",
            "google hangout",
            "jit.si",
        ] {
            match platform(name) {
                Found::Exactly(row) | Found::TakenFor(row) => assert!(row.verdict.must_not_be_used(), "{name}"),
                Found::Unknown(_) => {}
            }
        }
    }
}
