//! The register of TLS suites, and what a suite's registered name says of it. Judges nothing.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;
use serde::Serializer;

/// A suite by its registered number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Suite(pub u16);

/// How a suite agrees on keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// Elliptic curves, fresh for each session.
    Ecdhe,
    /// Finite fields, fresh for each session.
    Dhe,
    /// The client sends a secret under the server's RSA key.
    Rsa,
    /// TLS 1.3, whose suites do not say.
    Tls13,
    /// Anything else: fixed keys, shared secrets, passwords.
    Other,
}

/// Whose key signs the key exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signs {
    /// An RSA key.
    Rsa,
    /// An ECDSA key.
    Ecdsa,
    /// Another kind of key, nobody, or the suite does not say.
    Other,
}

static NAMES: LazyLock<BTreeMap<u16, &'static str>> = LazyLock::new(|| {
    include_str!("suites.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (number, name) = line.split_once(' ')?;
            Some((u16::from_str_radix(number, 16).ok()?, name))
        })
        .collect()
});

/// Every suite of the register that `tls13` takes or does not take.
pub(crate) fn all(tls13: bool) -> Vec<u16> {
    let new = |number: u16| Suite(number).exchange() == Exchange::Tls13;
    NAMES.keys().copied().filter(|number| new(*number) == tls13).collect()
}

impl Suite {
    /// The suite with this registered name.
    pub fn named(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(_, known)| **known == name)
            .map(|(number, _)| Self(*number))
    }

    /// Its registered name, or its number where it has none.
    pub fn name(self) -> String {
        NAMES
            .get(&self.0)
            .map_or_else(|| format!("0x{:04X}", self.0), |name| (*name).to_owned())
    }

    fn registered(self) -> &'static str {
        NAMES.get(&self.0).copied().unwrap_or_default()
    }

    fn parts(self) -> (&'static str, &'static str) {
        self.registered()
            .split_once("_WITH_")
            .unwrap_or(("", self.registered()))
    }

    /// How it agrees on keys.
    pub fn exchange(self) -> Exchange {
        match self.parts().0 {
            // The two of RFC 9150 protect nothing but integrity, and belong to TLS 1.3 too.
            "" if !self.registered().is_empty() => Exchange::Tls13,
            name if name.starts_with("TLS_ECDHE_") || name == "TLS_ECDH_anon" => Exchange::Ecdhe,
            name if name.starts_with("TLS_DHE_") || name.starts_with("TLS_DH_anon") => Exchange::Dhe,
            name if name == "TLS_RSA" || name.starts_with("TLS_RSA_EXPORT") => Exchange::Rsa,
            _ => Exchange::Other,
        }
    }

    /// Whose key signs the key exchange.
    pub fn signs(self) -> Signs {
        match self.parts().0 {
            name if name.starts_with("TLS_RSA") && !name.contains("PSK") => Signs::Rsa,
            "TLS_ECDHE_RSA" | "TLS_DHE_RSA" | "TLS_DHE_RSA_EXPORT" => Signs::Rsa,
            "TLS_ECDHE_ECDSA" => Signs::Ecdsa,
            _ => Signs::Other,
        }
    }

    /// Whether a stolen server key opens recorded sessions no further.
    pub fn forward_secret(self) -> bool {
        let anonymous = self.anonymous();
        matches!(self.exchange(), Exchange::Ecdhe | Exchange::Dhe | Exchange::Tls13) && !anonymous
    }

    /// Nobody is authenticated.
    pub fn anonymous(self) -> bool {
        self.parts().0.contains("_anon")
    }

    /// Keys of 40, 56 or 512 bits for export.
    pub fn export(self) -> bool {
        self.parts().0.contains("_EXPORT") || self.parts().1.contains("_40_")
    }

    /// The stream cipher RC4.
    pub fn rc4(self) -> bool {
        self.parts().1.starts_with("RC4")
    }

    /// Blocks of 64 bits: DES, 3DES, IDEA, RC2 and GOST's old cipher.
    pub fn small_blocks(self) -> bool {
        ["DES", "3DES", "IDEA", "RC2", "28147", "MAGMA"]
            .iter()
            .any(|cipher| self.parts().1.starts_with(cipher))
    }

    /// Cipher block chaining, authenticated before it is encrypted.
    pub fn chained_blocks(self) -> bool {
        self.parts().1.contains("_CBC_")
    }

    /// No encryption, no authentication, export keys, RC4, DES, IDEA or 64-bit blocks: one of those that a hello offers
    /// alone.
    pub fn weak(self) -> bool {
        super::hello::WEAK.contains(&self.0)
    }
}

impl Serialize for Suite {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_suite_is() {
        let suite = |name: &str| Suite::named(name).unwrap();
        let good = suite("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
        assert_eq!(
            (good.0, good.exchange(), good.signs()),
            (0xc02f, Exchange::Ecdhe, Signs::Rsa)
        );
        assert!(good.forward_secret() && !good.chained_blocks() && !good.small_blocks());
        let old = suite("TLS_RSA_WITH_3DES_EDE_CBC_SHA");
        assert!(!old.forward_secret() && old.chained_blocks() && old.small_blocks() && !old.export());
        let export = suite("TLS_RSA_EXPORT_WITH_RC4_40_MD5");
        assert!(export.export() && export.rc4() && export.exchange() == Exchange::Rsa);
        assert!(suite("TLS_DH_anon_WITH_AES_128_CBC_SHA").anonymous());
        assert!(!suite("TLS_DH_anon_WITH_AES_128_CBC_SHA").forward_secret());
        assert_eq!(suite("TLS_AES_128_GCM_SHA256").exchange(), Exchange::Tls13);
        assert_eq!(Suite(0xfafa).name(), "0xFAFA");
        assert_eq!(Suite(0xfafa).exchange(), Exchange::Other);
        assert!(all(false).len() > 300 && all(true).contains(&0x1303) && !all(false).contains(&0x1303));
    }
}
