//! Groups of the key exchange, signature schemes, and the primes that everybody knows, by their registered numbers.

use serde::Serialize;
use serde::Serializer;

use crate::digest;

/// A named group of the key exchange (IANA "TLS Supported Groups").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group(pub u16);

/// A signature scheme (IANA "TLS SignatureScheme"); before TLS 1.3 a pair of hash and signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scheme(pub u16);

/// Number, name, and the symmetric strength in bits that breaking it is worth at most (SP 800-57 part 1, table 2).
const GROUPS: &[(u16, &str, u16)] = &[
    (0x001d, "x25519", 128),
    (0x0017, "secp256r1", 128),
    (0x001e, "x448", 224),
    (0x0018, "secp384r1", 192),
    (0x0019, "secp521r1", 256),
    (0x11ec, "X25519MLKEM768", 192),
    (0x11eb, "SecP256r1MLKEM768", 192),
    (0x11ed, "SecP384r1MLKEM1024", 256),
    (0x6399, "X25519Kyber768Draft00", 128),
    (0x0200, "MLKEM512", 128),
    (0x0201, "MLKEM768", 192),
    (0x0202, "MLKEM1024", 256),
    (0x0100, "ffdhe2048", 112),
    (0x0101, "ffdhe3072", 128),
    (0x0102, "ffdhe4096", 152),
    (0x0103, "ffdhe6144", 176),
    (0x0104, "ffdhe8192", 200),
    (0x001f, "brainpoolP256r1tls13", 128),
    (0x0020, "brainpoolP384r1tls13", 192),
    (0x0021, "brainpoolP512r1tls13", 256),
    (0x001a, "brainpoolP256r1", 128),
    (0x001b, "brainpoolP384r1", 192),
    (0x001c, "brainpoolP512r1", 256),
    (0x0029, "curveSM2", 128),
    (0x0001, "sect163k1", 80),
    (0x0002, "sect163r1", 80),
    (0x0003, "sect163r2", 80),
    (0x0004, "sect193r1", 96),
    (0x0005, "sect193r2", 96),
    (0x0006, "sect233k1", 112),
    (0x0007, "sect233r1", 112),
    (0x0008, "sect239k1", 112),
    (0x0009, "sect283k1", 128),
    (0x000a, "sect283r1", 128),
    (0x000b, "sect409k1", 192),
    (0x000c, "sect409r1", 192),
    (0x000d, "sect571k1", 256),
    (0x000e, "sect571r1", 256),
    (0x000f, "secp160k1", 80),
    (0x0010, "secp160r1", 80),
    (0x0011, "secp160r2", 80),
    (0x0012, "secp192k1", 96),
    (0x0013, "secp192r1", 96),
    (0x0014, "secp224k1", 112),
    (0x0015, "secp224r1", 112),
    (0x0016, "secp256k1", 128),
];

/// What a server is asked to sign with, the usual first.
const SCHEMES: &[(u16, &str)] = &[
    (0x0403, "ecdsa_secp256r1_sha256"),
    (0x0503, "ecdsa_secp384r1_sha384"),
    (0x0603, "ecdsa_secp521r1_sha512"),
    (0x0804, "rsa_pss_rsae_sha256"),
    (0x0805, "rsa_pss_rsae_sha384"),
    (0x0806, "rsa_pss_rsae_sha512"),
    (0x0401, "rsa_pkcs1_sha256"),
    (0x0501, "rsa_pkcs1_sha384"),
    (0x0601, "rsa_pkcs1_sha512"),
    (0x0807, "ed25519"),
    (0x0808, "ed448"),
    (0x0809, "rsa_pss_pss_sha256"),
    (0x080a, "rsa_pss_pss_sha384"),
    (0x080b, "rsa_pss_pss_sha512"),
    (0x0301, "rsa_pkcs1_sha224"),
    (0x0303, "ecdsa_sha224"),
    (0x0201, "rsa_pkcs1_sha1"),
    (0x0203, "ecdsa_sha1"),
    (0x0202, "dsa_sha1"),
    (0x0101, "rsa_pkcs1_md5"),
];

/// SHA-256 of primes that many servers share, as unsigned big-endian numbers. Made from the formulas of the RFCs.
const PRIMES: &[(&str, &str)] = &[
    (
        "b52ba6a3026520a6c49d37e4587601801bee500123b3259b6bf03e7cecc3e63d",
        "RFC 2409 group 1",
    ),
    (
        "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0",
        "RFC 2409 group 2",
    ),
    (
        "64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b",
        "RFC 3526 group 5",
    ),
    (
        "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e",
        "RFC 3526 group 14",
    ),
    (
        "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c",
        "RFC 3526 group 15",
    ),
    (
        "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33",
        "RFC 3526 group 16",
    ),
    (
        "d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd",
        "RFC 3526 group 17",
    ),
    (
        "39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf",
        "RFC 3526 group 18",
    ),
    (
        "9cd3b7f336872f46c09428d1bbc19877a4d440512cda8d1c1cf0cd6e33698966",
        "RFC 7919 ffdhe2048",
    ),
    (
        "0eaf67db3a839156d5013494a5318a772b5697d270d721f37f092efc69ea5a17",
        "RFC 7919 ffdhe3072",
    ),
    (
        "4648414224ac881b3d0dc59b466f96d06a558278776807797ecf1f66ff397b3e",
        "RFC 7919 ffdhe4096",
    ),
    (
        "227ac9066b3ddd9e193670cda2388fa884f65ba0cf98b742d1fe77a6687c79c7",
        "RFC 7919 ffdhe6144",
    ),
    (
        "770b14efaf6f049929c523113b3fa99a8d11dab1b18af3609590122075d19833",
        "RFC 7919 ffdhe8192",
    ),
];

impl Group {
    /// Its registered name, or its number where it has none.
    pub fn name(self) -> String {
        match GROUPS.iter().find(|(number, ..)| *number == self.0) {
            Some((_, name, _)) => (*name).to_owned(),
            None => format!("0x{:04X}", self.0),
        }
    }

    /// The symmetric strength in bits that it is worth; 0 where it is not known.
    pub fn strength(self) -> u16 {
        GROUPS
            .iter()
            .find(|(number, ..)| *number == self.0)
            .map_or(0, |(.., strength)| *strength)
    }

    /// Whether it stays secret from a quantum computer.
    pub fn post_quantum(self) -> bool {
        self.name().contains("MLKEM") || self.name().contains("Kyber")
    }

    /// Finite fields (RFC 7919).
    pub fn finite_field(self) -> bool {
        (0x0100..0x0200).contains(&self.0)
    }
}

impl Scheme {
    /// Its registered name, or its number where it has none.
    pub fn name(self) -> String {
        match SCHEMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => (*name).to_owned(),
            None => format!("0x{:04X}", self.0),
        }
    }

    /// Signs a hash that can be forged: SHA-1 or MD5.
    pub fn forgeable(self) -> bool {
        matches!(self.0 >> 8, 1 | 2)
    }
}

/// The groups that `tls13` or older versions can use.
pub(crate) fn groups(tls13: bool) -> Vec<u16> {
    let old_only = |number: u16| (0x0001..=0x0016).contains(&number) || (0x001a..=0x001c).contains(&number);
    let new_only = |number: u16| (0x001f..=0x0029).contains(&number) || number >= 0x0100;
    let usable = |number: u16| match tls13 {
        true => !old_only(number),
        false => !new_only(number),
    };
    GROUPS
        .iter()
        .map(|(number, ..)| *number)
        .filter(|number| usable(*number))
        .collect()
}

/// The schemes that `tls13` or older versions can use.
pub(crate) fn schemes(tls13: bool) -> Vec<u16> {
    let old_only = |number: u16| matches!(number & 0xff, 1..=3) && (number >> 8 <= 3 || number & 0xff == 1);
    SCHEMES
        .iter()
        .map(|(number, _)| *number)
        .filter(|number| !tls13 || !old_only(*number))
        .collect()
}

/// Where a prime is published, if it is one that many servers share.
pub(crate) fn known_prime(prime: &[u8]) -> Option<&'static str> {
    let digest = digest::sha256(prime);
    PRIMES.iter().find(|(known, _)| *known == digest).map(|(_, name)| *name)
}

macro_rules! serialized_by_name {
    ($kind:ty) => {
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.name())
            }
        }
    };
}

serialized_by_name!(Group);
serialized_by_name!(Scheme);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_schemes_belong_to_their_versions() {
        assert!(groups(true).contains(&0x11ec) && !groups(true).contains(&0x000f));
        assert!(groups(false).contains(&0x000f) && !groups(false).contains(&0x0100));
        assert!(groups(true).contains(&0x0017) && groups(false).contains(&0x0017));
        assert!(schemes(true).contains(&0x0403) && !schemes(true).contains(&0x0401));
        assert!(schemes(false).contains(&0x0201) && !schemes(true).contains(&0x0203));
        assert!(schemes(true).contains(&0x0603) && schemes(true).contains(&0x0804));
    }

    #[test]
    fn names_and_strengths_are_known() {
        assert_eq!(Group(0x001d).name(), "x25519");
        assert!(Group(0x11ec).post_quantum() && !Group(0x001d).post_quantum());
        assert_eq!(Group(0x7777).strength(), 0);
        assert!(Scheme(0x0201).forgeable() && !Scheme(0x0804).forgeable() && !Scheme(0x0401).forgeable());
    }

    #[test]
    fn the_second_oakley_group_is_recognised() {
        let prime = hex(include_str!("../../../tests/fixtures/probe/oakley-group2.txt"));
        assert_eq!(known_prime(&prime), Some("RFC 2409 group 2"));
        assert_eq!(known_prime(&prime[1..]), None);
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        digits
            .chunks_exact(2)
            .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
            .collect()
    }
}
