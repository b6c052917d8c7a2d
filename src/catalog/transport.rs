//! What a server may offer to agree on keys: TLS profiles and SSH algorithms, from their public sources.

use std::sync::LazyLock;

/// What a TLS server may offer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsProfile {
    /// The name that spec and command line use.
    pub name: String,
    /// The document that says so.
    pub source: String,
    /// Where it is.
    pub url: String,
    /// When it was published.
    pub published: String,
    /// When this copy was last held against it.
    pub checked: String,
    /// Versions by name.
    pub versions: Vec<String>,
    /// Suites by their IANA names.
    pub suites: Vec<String>,
    /// Groups by their IANA names.
    pub groups: Vec<String>,
    /// Groups that the source does not name and that are no weaker.
    pub stronger_groups: Vec<String>,
    /// Groups with a post-quantum part.
    pub hybrids: Vec<String>,
    /// The shortest prime of finite-field Diffie-Hellman.
    pub least_prime_bits: usize,
    /// Whether the source asks for the extended master secret (RFC 7627).
    pub extended_master_secret: Duty,
    /// Certificates.
    pub certificate: CertificateProfile,
}

/// How strongly a source asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duty {
    /// It says "shall".
    Must,
    /// It leaves it open.
    May,
}

/// What a certificate may be made of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateProfile {
    /// Keys.
    pub keys: Vec<String>,
    /// Keys that the source does not name and that are no weaker.
    pub stronger_keys: Vec<String>,
    /// The shortest RSA key.
    pub least_rsa_bits: usize,
    /// Signature algorithms.
    pub signatures: Vec<String>,
    /// Signature algorithms that the source does not name and that are no weaker.
    pub stronger_signatures: Vec<String>,
}

/// What an SSH server may offer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshAlgorithms {
    /// The documents that say so.
    pub source: String,
    /// When this copy was last held against them.
    pub checked: String,
    /// Key exchange methods.
    pub key_exchange: Vec<String>,
    /// Host key algorithms.
    pub host_keys: Vec<String>,
    /// Ciphers.
    pub ciphers: Vec<String>,
    /// Message authentication codes.
    pub macs: Vec<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfilesFile {
    profile: Vec<TlsProfile>,
}

static PROFILES: LazyLock<Vec<TlsProfile>> = LazyLock::new(|| {
    let file: ProfilesFile =
        toml::from_str(include_str!("tls_profiles.toml")).expect("the embedded profiles are parsed by a test");
    file.profile
});

static SSH: LazyLock<SshAlgorithms> = LazyLock::new(|| {
    toml::from_str(include_str!("ssh_algorithms.toml")).expect("the embedded algorithms are parsed by a test")
});

/// Every TLS profile, in the order of the catalog file.
pub fn tls_profiles() -> &'static [TlsProfile] {
    &PROFILES
}

/// The TLS profile with this name.
pub fn tls_profile(name: &str) -> Option<&'static TlsProfile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

/// What an SSH server without a spec may offer.
pub fn ssh_algorithms() -> &'static SshAlgorithms {
    &SSH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_profiles_are_there_with_source_and_date() {
        let names: Vec<&str> = tls_profiles().iter().map(|profile| profile.name.as_str()).collect();
        assert_eq!(names, ["intermediate", "modern", "fips"]);
        for profile in tls_profiles() {
            assert!(profile.url.starts_with("https://") && !profile.source.is_empty());
            for day in [&profile.published, &profile.checked] {
                assert!(day.parse::<jiff::civil::Date>().is_ok(), "{day}");
            }
        }
        assert!(tls_profile("old").is_none());
    }

    #[test]
    fn no_profile_takes_a_broken_algorithm() {
        for profile in tls_profiles() {
            for suite in &profile.suites {
                let broken = ["RC4", "3DES", "NULL", "EXPORT", "_anon_", "MD5"]
                    .iter()
                    .any(|word| suite.contains(word));
                assert!(!broken, "{suite}");
            }
        }
        let all = ssh_algorithms();
        for list in [&all.key_exchange, &all.ciphers, &all.macs] {
            assert!(
                list.iter()
                    .all(|name| !name.ends_with("-sha1") && !name.contains("cbc"))
            );
        }
    }
}
