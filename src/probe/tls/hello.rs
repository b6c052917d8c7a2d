//! Hand-made ClientHellos. No cryptography: a version and suites are offered, and the server's first words say whether it
//! would have gone on. Needed because no maintained library offers the versions that must be refused.

use serde::Serialize;

use super::group;
use super::suite;

/// A version of the protocol, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    /// SSL 2.0, prohibited by RFC 6176.
    Ssl2,
    /// SSL 3.0, prohibited by RFC 7568.
    Ssl3,
    /// TLS 1.0, prohibited by RFC 8996.
    Tls10,
    /// TLS 1.1, prohibited by RFC 8996.
    Tls11,
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Self; 6] = [
        Self::Ssl2,
        Self::Ssl3,
        Self::Tls10,
        Self::Tls11,
        Self::Tls12,
        Self::Tls13,
    ];

    /// The name people use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ssl2 => "SSL 2.0",
            Self::Ssl3 => "SSL 3.0",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        }
    }

    pub(crate) fn wire(self) -> u16 {
        match self {
            Self::Ssl2 => 0x0002,
            Self::Ssl3 => 0x0300,
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }

    pub(crate) fn from_wire(wire: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.wire() == wire)
    }
}

/// The suites of TLS 1.3 (RFC 8446 B.4).
const SUITES_13: &[u16] = &[0x1301, 0x1302, 0x1303, 0x1304, 0x1305];

/// What clients of the last twenty years offered up to TLS 1.2; below 128, where old stacks break.
const SUITES_OLD: &[u16] = &[
    0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9, 0xccaa, 0x009e, 0x009f, 0xc0ac, 0xc0ad, 0xc09e, 0xc09f, 0xc023,
    0xc024, 0xc027, 0xc028, 0x0067, 0x006b, 0xc009, 0xc00a, 0xc013, 0xc014, 0x0033, 0x0039, 0x0032, 0x0038, 0x009c,
    0x009d, 0xc09c, 0xc09d, 0x003c, 0x003d, 0x002f, 0x0035, 0x0041, 0x0084, 0x0045, 0x0088, 0x0096, 0x009a, 0x0007,
    0x000a, 0x0013, 0x0016, 0xc008, 0xc012, 0x0004, 0x0005, 0xc007, 0xc011, 0x0009, 0x0015, 0x0012, 0x0003, 0x0006,
    0x0008, 0x0014, 0x0011, 0x0001, 0x0002, 0x003b, 0xc006, 0xc010, 0x0018, 0x001b, 0x0034, 0x003a, 0x006c, 0x006d,
    0x00a6, 0x00a7, 0xc015, 0xc016, 0xc017, 0xc018, 0xc019, 0xc060, 0xc061, 0xc050, 0xc051,
];

/// Suites without encryption, without authentication, with export keys, RC4, DES, IDEA or 64-bit blocks (IANA numbers).
pub(crate) const WEAK: &[u16] = &[
    0x0001, 0x0002, 0x003b, 0x0004, 0x0005, 0x0018, 0xc007, 0xc011, 0xc016, 0x0003, 0x0006, 0x0008, 0x000b, 0x000e,
    0x0011, 0x0014, 0x0017, 0x0019, 0x0009, 0x000c, 0x000f, 0x0012, 0x0015, 0x001a, 0x0007, 0x000a, 0x000d, 0x0010,
    0x0013, 0x0016, 0x001b, 0xc003, 0xc008, 0xc00d, 0xc012, 0xc017, 0x0034, 0x003a, 0x006c, 0x006d, 0x00a6, 0x00a7,
    0xc015, 0xc018, 0xc019, 0xc001, 0xc006, 0xc00b, 0xc010,
];

/// The cipher kinds of SSL 2.0, three bytes each.
const KINDS_SSL2: &[[u8; 3]] = &[
    [1, 0, 0x80],
    [2, 0, 0x80],
    [3, 0, 0x80],
    [4, 0, 0x80],
    [5, 0, 0x80],
    [6, 0, 0x40],
    [7, 0, 0xc0],
];

/// Groups that are offered where the question is another.
const USUAL_GROUPS: &[u16] = &[0x001d, 0x0017, 0x0018, 0x0019, 0x0100];

/// The generators of P-256 and P-384 (SEC 2): the public keys of the secret 1, which any server has to take for valid.
const GENERATOR_P256: &[u8] = &[
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03,
    0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe,
    0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce,
    0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];

/// Group whose key share a hello can carry without any arithmetic, in order of preference.
pub(crate) const SHAREABLE: &[u16] = &[0x001d, 0x0017];

/// The suites to offer for `version` when nothing special is asked.
pub(crate) fn usual_suites(version: Version) -> &'static [u16] {
    match version {
        Version::Tls13 => SUITES_13,
        _ => SUITES_OLD,
    }
}

/// Every suite that `version` could take, the usual first.
pub(crate) fn every_suite(version: Version) -> Vec<u16> {
    let usual = usual_suites(version);
    let rare = suite::all(version == Version::Tls13);
    let rare = rare.into_iter().filter(|number| !usual.contains(number));
    usual.iter().copied().chain(rare).collect()
}

/// What is offered beside version, name and suites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extras {
    /// Nothing.
    None,
    /// Whatever a server may agree to or should not: compression, heartbeat, extended master secret, encrypt-then-MAC,
    /// tickets, a stapled status.
    All,
    /// That this is a second try in an older version (RFC 7507).
    Fallback,
    /// That a status of the certificate is welcome (RFC 6066 8).
    Status,
}

/// One ClientHello.
#[derive(Debug, Clone)]
pub(crate) struct Hello<'a> {
    pub(crate) version: Version,
    pub(crate) name: Option<&'a str>,
    pub(crate) suites: Vec<u16>,
    /// Empty: the usual.
    pub(crate) groups: Vec<u16>,
    /// Empty: the usual.
    pub(crate) schemes: Vec<u16>,
    /// A key share, one of `SHAREABLE`; without one the server names suite and group in a HelloRetryRequest.
    pub(crate) share: Option<u16>,
    pub(crate) extras: Extras,
}

impl<'a> Hello<'a> {
    /// A hello with nothing special in it.
    pub(crate) fn new(version: Version, name: Option<&'a str>, suites: &[u16]) -> Self {
        Self {
            version,
            name,
            suites: suites.to_vec(),
            groups: Vec::new(),
            schemes: Vec::new(),
            share: None,
            extras: Extras::None,
        }
    }

    /// The whole record.
    pub(crate) fn bytes(&self, random: &[u8; 64]) -> Vec<u8> {
        if self.version == Version::Ssl2 {
            return ssl2(&random[..16]);
        }
        let mut body = Vec::with_capacity(640);
        put16(&mut body, self.version.wire().min(0x0303));
        body.extend_from_slice(&random[..32]);
        match self.version {
            // Middleboxes want a session id in TLS 1.3 (RFC 8446 D.4).
            Version::Tls13 => counted8(&mut body, &random[32..]),
            _ => counted8(&mut body, &[]),
        }
        let mut list = Vec::new();
        for suite in &self.suites {
            put16(&mut list, *suite);
        }
        if self.extras == Extras::Fallback {
            put16(&mut list, 0x5600);
        }
        // TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746), without which some servers refuse to talk.
        put16(&mut list, 0x00ff);
        counted16(&mut body, &list);
        match self.extras {
            // DEFLATE (RFC 3749), then none.
            Extras::All => counted8(&mut body, &[1, 0]),
            Extras::None | Extras::Fallback | Extras::Status => counted8(&mut body, &[0]),
        }
        if self.version != Version::Ssl3 {
            let mut extensions = self.extensions(&random[32..]);
            pad(&mut extensions, body.len() + 2 + 4);
            counted16(&mut body, &extensions);
        }
        let mut handshake = vec![1, 0];
        counted16(&mut handshake, &body);
        let mut record = vec![22];
        put16(&mut record, if self.version == Version::Ssl3 { 0x0300 } else { 0x0301 });
        counted16(&mut record, &handshake);
        record
    }

    fn extensions(&self, random: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        if let Some(name) = self.name {
            let mut entry = vec![0];
            counted16(&mut entry, name.as_bytes());
            let mut server_name = Vec::new();
            counted16(&mut server_name, &entry);
            extension(&mut all, 0, &server_name);
        }
        let groups = if self.groups.is_empty() {
            USUAL_GROUPS
        } else {
            &self.groups
        };
        extension(&mut all, 10, &list16(groups));
        extension(&mut all, 11, &[1, 0]);
        if self.version >= Version::Tls12 {
            let usual;
            let schemes = if self.schemes.is_empty() {
                usual = group::schemes(false);
                &usual
            } else {
                &self.schemes
            };
            extension(&mut all, 13, &list16(schemes));
        }
        if matches!(self.extras, Extras::All | Extras::Status) {
            extension(&mut all, 5, &[1, 0, 0, 0, 0]);
        }
        if self.extras == Extras::All {
            extension(&mut all, 15, &[1]);
            extension(&mut all, 22, &[]);
            extension(&mut all, 23, &[]);
            extension(&mut all, 35, &[]);
        }
        if self.version == Version::Tls13 {
            extension(&mut all, 43, &[2, 0x03, 0x04]);
            extension(&mut all, 45, &[1, 1]);
            extension(&mut all, 51, &self.key_share(random));
        }
        all
    }

    fn key_share(&self, random: &[u8]) -> Vec<u8> {
        let mut shares = Vec::new();
        if let Some(group) = self.share {
            put16(&mut shares, group);
            match group {
                0x0017 => counted16(&mut shares, GENERATOR_P256),
                // Any 32 bytes are a public key of x25519.
                _ => counted16(&mut shares, &random[..32]),
            }
        }
        let mut list = Vec::new();
        counted16(&mut list, &shares);
        list
    }
}

/// Some boxes break on hellos of 256 to 511 bytes (RFC 7685).
fn pad(extensions: &mut Vec<u8>, before: usize) {
    let length = extensions.len() + before;
    if (256..512).contains(&length) {
        let missing = 512 - length;
        extension(extensions, 21, &vec![0; missing.saturating_sub(4)]);
    }
}

/// SSL 2.0 has its own header of two bytes and its own hello.
fn ssl2(challenge: &[u8]) -> Vec<u8> {
    let mut body = vec![1, 0, 2];
    let kinds: Vec<u8> = KINDS_SSL2.concat();
    put16(&mut body, u16::try_from(kinds.len()).expect("seven kinds are 21 bytes"));
    put16(&mut body, 0);
    put16(&mut body, 16);
    body.extend_from_slice(&kinds);
    body.extend_from_slice(challenge);
    let mut message = Vec::new();
    let length = u16::try_from(body.len()).expect("this hello is 46 bytes");
    put16(&mut message, length | 0x8000);
    message.extend_from_slice(&body);
    message
}

fn extension(all: &mut Vec<u8>, kind: u16, data: &[u8]) {
    put16(all, kind);
    counted16(all, data);
}

fn list16(values: &[u16]) -> Vec<u8> {
    let mut items = Vec::new();
    for value in values {
        put16(&mut items, *value);
    }
    let mut list = Vec::new();
    counted16(&mut list, &items);
    list
}

fn put16(bytes: &mut Vec<u8>, value: u16) {
    bytes.extend_from_slice(&value.to_be_bytes());
}

fn counted8(bytes: &mut Vec<u8>, data: &[u8]) {
    bytes.push(u8::try_from(data.len()).expect("our fields of this kind hold at most 32 bytes"));
    bytes.extend_from_slice(data);
}

fn counted16(bytes: &mut Vec<u8>, data: &[u8]) {
    put16(
        bytes,
        u16::try_from(data.len()).expect("a hello of ours is far below 64 KiB"),
    );
    bytes.extend_from_slice(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hello_is_a_complete_record_of_its_version() {
        for version in Version::ALL {
            for extras in [Extras::None, Extras::All, Extras::Fallback, Extras::Status] {
                let mut hello = Hello::new(version, Some("telemed.example.com"), usual_suites(version));
                hello.extras = extras;
                hello.share = Some(0x0017);
                let hello = hello.bytes(&[7; 64]);
                if version == Version::Ssl2 {
                    assert_eq!(usize::from(hello[1]) + 2, hello.len());
                    continue;
                }
                let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
                assert_eq!(length + 5, hello.len(), "{version:?}");
                assert!(
                    !(256..512).contains(&length) || version == Version::Ssl3,
                    "{version:?} {length}"
                );
                let named = hello.windows(19).any(|part| part == b"telemed.example.com");
                assert_eq!(named, version != Version::Ssl3, "SSL 3.0 has no extensions");
            }
            assert!(usual_suites(version).len() < 127);
        }
    }

    #[test]
    fn every_suite_is_offered_once_and_the_weak_are_among_them() {
        let all = every_suite(Version::Tls12);
        let once: std::collections::BTreeSet<u16> = all.iter().copied().collect();
        assert_eq!(once.len(), all.len());
        assert!(WEAK.iter().all(|weak| once.contains(weak)));
        assert!(every_suite(Version::Tls13).starts_with(SUITES_13));
    }
}
