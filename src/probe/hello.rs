//! Hand-made TLS ClientHellos and the first flight that answers them. No cryptography: a version and a suite are offered,
//! and the server's first words say whether it would have gone on. Needed because no maintained library offers the
//! versions that must be refused.

use rustls::CipherSuite;
use serde::Serialize;

/// A version of the protocol, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
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
    pub const ALL: [Self; 5] = [Self::Ssl3, Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// The name people use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ssl3 => "SSL 3.0",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        }
    }

    fn wire(self) -> u16 {
        match self {
            Self::Ssl3 => 0x0300,
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }

    fn from_wire(wire: u16) -> Option<Self> {
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

/// The suites to offer for `version` when nothing special is asked.
pub(crate) fn usual_suites(version: Version) -> &'static [u16] {
    match version {
        Version::Tls13 => SUITES_13,
        _ => SUITES_OLD,
    }
}

/// The name of a suite as IANA registers it, or its number.
pub(crate) fn suite_name(number: u16) -> String {
    // The library knows a part of the register, and prints the numbers of the rest in its own way.
    let name = format!("{:?}", CipherSuite::from(number));
    if name.starts_with("TLS") {
        name
    } else {
        format!("0x{number:04X}")
    }
}

/// A whole ClientHello record that offers exactly `version`.
pub(crate) fn client_hello(version: Version, name: &str, suites: &[u16], random: &[u8; 64]) -> Vec<u8> {
    let mut body = Vec::with_capacity(512);
    put16(&mut body, version.wire().min(0x0303));
    body.extend_from_slice(&random[..32]);
    match version {
        // Middleboxes want a session id in TLS 1.3 (RFC 8446 D.4).
        Version::Tls13 => counted8(&mut body, &random[32..]),
        _ => counted8(&mut body, &[]),
    }
    let mut list = Vec::new();
    for suite in suites {
        put16(&mut list, *suite);
    }
    // TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746), without which some servers refuse to talk.
    put16(&mut list, 0x00ff);
    counted16(&mut body, &list);
    counted8(&mut body, &[0]);
    if version != Version::Ssl3 {
        counted16(&mut body, &extensions(version, name));
    }

    let mut handshake = vec![1, 0];
    counted16(&mut handshake, &body);
    let mut record = vec![22];
    put16(&mut record, if version == Version::Ssl3 { 0x0300 } else { 0x0301 });
    counted16(&mut record, &handshake);
    record
}

fn extensions(version: Version, name: &str) -> Vec<u8> {
    let mut all = Vec::new();
    let mut entry = vec![0];
    counted16(&mut entry, name.as_bytes());
    let mut server_name = Vec::new();
    counted16(&mut server_name, &entry);
    extension(&mut all, 0, &server_name);
    // x25519, P-256, P-384, P-521, ffdhe2048.
    extension(&mut all, 10, &list16(&[0x001d, 0x0017, 0x0018, 0x0019, 0x0100]));
    extension(&mut all, 11, &[1, 0]);
    if version >= Version::Tls12 {
        // ECDSA, RSA-PSS, PKCS#1 and the SHA-1 forms that old servers still ask for.
        let algorithms = [
            0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201, 0x0202,
        ];
        extension(&mut all, 13, &list16(&algorithms));
    }
    if version == Version::Tls13 {
        extension(&mut all, 43, &[2, 0x03, 0x04]);
        extension(&mut all, 45, &[1, 1]);
        // An empty key share makes the server name suite and group in a HelloRetryRequest (RFC 8446 4.1.4).
        extension(&mut all, 51, &[0, 0]);
    }
    all
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

/// The first words of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It would go on with this version and suite.
    Hello { version: Option<Version>, suite: u16 },
    /// An alert with this description (RFC 8446 6).
    Alert(u8),
    /// Something that is not TLS.
    Foreign,
}

/// Reads the beginning of a server's flight; `None` while more bytes are needed.
pub(crate) fn read_answer(bytes: &[u8]) -> Option<Answer> {
    let kind = *bytes.first()?;
    if kind != 21 && kind != 22 {
        return Some(Answer::Foreign);
    }
    if *bytes.get(1)? != 3 {
        return Some(Answer::Foreign);
    }
    let payload = handshake_bytes(bytes, kind);
    if kind == 21 {
        return payload.get(1).map(|description| Answer::Alert(*description));
    }
    let header = payload.get(..4)?;
    if header[0] != 2 {
        return Some(Answer::Foreign);
    }
    let length = usize::from(header[1]) << 16 | usize::from(header[2]) << 8 | usize::from(header[3]);
    let body = payload.get(4..4 + length)?;
    Some(read_server_hello(body).unwrap_or(Answer::Foreign))
}

/// The payloads of the leading records of one kind, joined.
fn handshake_bytes(mut bytes: &[u8], kind: u8) -> Vec<u8> {
    let mut joined = Vec::new();
    while let [first, _, _, high, low, rest @ ..] = bytes {
        if *first != kind {
            break;
        }
        let length = usize::from(*high) << 8 | usize::from(*low);
        joined.extend_from_slice(&rest[..length.min(rest.len())]);
        if rest.len() < length {
            break;
        }
        bytes = &rest[length..];
    }
    joined
}

fn read_server_hello(body: &[u8]) -> Option<Answer> {
    let legacy = u16::from_be_bytes([*body.first()?, *body.get(1)?]);
    let session = usize::from(*body.get(34)?);
    let rest = body.get(35 + session..)?;
    let suite = u16::from_be_bytes([*rest.first()?, *rest.get(1)?]);
    let chosen = rest.get(5..).and_then(selected_version).unwrap_or(legacy);
    Some(Answer::Hello {
        version: Version::from_wire(chosen),
        suite,
    })
}

/// The `supported_versions` extension of a ServerHello, which names TLS 1.3.
fn selected_version(mut extensions: &[u8]) -> Option<u16> {
    while let [k1, k2, l1, l2, rest @ ..] = extensions {
        let length = usize::from(*l1) << 8 | usize::from(*l2);
        let data = rest.get(..length)?;
        if [*k1, *k2] == [0, 43] {
            return Some(u16::from_be_bytes([*data.first()?, *data.get(1)?]));
        }
        extensions = &rest[length..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hello_is_a_complete_record_of_its_version() {
        for version in Version::ALL {
            let hello = client_hello(version, "telemed.example.com", usual_suites(version), &[7; 64]);
            let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
            assert_eq!(length + 5, hello.len(), "{version:?}");
            assert!(usual_suites(version).len() < 127);
            let named = hello.windows(19).any(|part| part == b"telemed.example.com");
            assert_eq!(named, version != Version::Ssl3, "SSL 3.0 has no extensions");
        }
    }

    #[test]
    fn an_answer_is_awaited_until_it_is_whole_and_garbage_is_foreign() {
        assert_eq!(read_answer(&[]), None);
        assert_eq!(read_answer(&[21, 3, 1, 0, 2, 2]), None);
        assert_eq!(read_answer(&[21, 3, 1, 0, 2, 2, 70]), Some(Answer::Alert(70)));
        assert_eq!(read_answer(b"HTTP/1.1 400 Bad Request"), Some(Answer::Foreign));
        assert_eq!(read_answer(b"SSH-2.0-OpenSSH_9.2p1"), Some(Answer::Foreign));
    }

    #[test]
    fn a_server_hello_cut_anywhere_is_never_misread() {
        let mut body = vec![3, 3];
        body.extend([1; 32]);
        body.extend([0, 0xc0, 0x2f, 0]);
        let mut record = vec![22, 3, 3, 0, 42, 2, 0, 0, 38];
        record.extend(&body);
        for cut in 0..record.len() {
            assert_eq!(read_answer(&record[..cut]), None, "cut at {cut}");
        }
        let whole = Answer::Hello {
            version: Some(Version::Tls12),
            suite: 0xc02f,
        };
        assert_eq!(read_answer(&record), Some(whole));
        assert_eq!(suite_name(0xc02f), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
        assert_eq!(suite_name(0xc015), "0xC015");
    }
}
