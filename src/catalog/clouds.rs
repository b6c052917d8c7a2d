//! Who owns computers and signs a business associate agreement for them, and what of that a program can prove. It knows
//! what its sources said on a day, not what is true today.

use std::sync::LazyLock;

use crate::catalog::nearest::Found;
use crate::catalog::nearest::nearest;
use crate::catalog::platforms::Confidence;

/// What is known of one owner of computers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cloud {
    /// Its name.
    pub name: String,
    /// What else people call it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Who signs, and how.
    pub agreement: String,
    /// How an operator makes sure of it.
    pub verify: String,
    /// How much of it a program can prove.
    pub proof: Proof,
    /// What the API says.
    pub api: String,
    /// Where that is from.
    pub source: String,
    /// How good the source is.
    pub confidence: Confidence,
    /// The day on which the source was read.
    pub as_of: String,
}

/// How much of an agreement a program can prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// An API says that this account has an agreement in force.
    Api,
    /// An API says something that goes along with an agreement.
    Proxy,
    /// The signed paper, recorded in `[baa]`.
    Document,
}

impl Proof {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Api => "an API shows the agreement",
            Self::Proxy => "an API shows only what goes along with it; the paper has to be recorded in [baa]",
            Self::Document => "none; the paper has to be recorded in [baa]",
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cloud: Vec<Cloud>,
}

static CLOUDS: LazyLock<Vec<Cloud>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("clouds.toml")).expect("the embedded list is parsed by a test");
    file.cloud
});

/// Every owner of computers, in the order of the file.
pub fn clouds() -> &'static [Cloud] {
    &CLOUDS
}

/// The one that a name means.
pub fn cloud(name: &str) -> Found<&'static Cloud> {
    nearest(name, &CLOUDS, |cloud| {
        let aliases = cloud.aliases.iter().map(String::as_str);
        std::iter::once(cloud.name.as_str()).chain(aliases).collect()
    })
}

/// The name of the row that is AWS.
pub const AWS: &str = "Amazon Web Services";

/// Whether a name is that of one owner of computers, or what else people call it; a misspelt one is not.
pub fn is_called(owner: &str, name: &str) -> bool {
    matches!(cloud(name), Found::Exactly(row) if row.name == owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_is_known_by_its_names_and_by_no_other() {
        for name in ["Amazon Web Services", "AWS", "aws", "Amazon Web Services, Inc."] {
            assert!(is_called(AWS, name), "{name}");
        }
        for name in ["Google Cloud", "Amazon Web Servces", "ourselves", ""] {
            assert!(!is_called(AWS, name), "{name}");
        }
    }

    #[test]
    fn every_cloud_says_who_signs_how_it_is_verified_and_what_an_api_proves() {
        assert_eq!(clouds().len(), 9);
        for row in clouds() {
            assert!(row.as_of.parse::<jiff::civil::Date>().is_ok(), "{}", row.name);
            let texts = [&row.agreement, &row.verify, &row.api, &row.source];
            assert!(texts.iter().all(|text| !text.is_empty()), "{}", row.name);
            for name in std::iter::once(&row.name).chain(&row.aliases) {
                assert_eq!(cloud(name), Found::Exactly(row), "{name}");
            }
        }
        let proven: Vec<&str> = clouds()
            .iter()
            .filter(|row| row.proof == Proof::Api)
            .map(|row| row.name.as_str())
            .collect();
        assert_eq!(proven, ["Amazon Web Services"]);
    }
}
