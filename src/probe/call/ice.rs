//! STUN as ICE uses it (RFC 8489, RFC 8445): requests and answers signed with the passwords of the signalling. Pure.

use std::net::IpAddr;
use std::net::SocketAddr;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

/// RFC 8489 5.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Bytes before the attributes.
const HEADER: usize = 20;
/// A length of 20 and its attribute header.
const INTEGRITY_SIZE: usize = 24;
const FINGERPRINT_SIZE: usize = 8;

/// A binding request.
pub(crate) const REQUEST: u16 = 0x0001;
/// The yes to one.
pub(crate) const SUCCESS: u16 = 0x0101;
/// The no to one.
pub(crate) const REFUSAL: u16 = 0x0111;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;

/// Names one question and its answer.
pub(crate) type Transaction = [u8; 12];

/// A connectivity check of the controlled side, signed with `password`.
pub(crate) fn request(transaction: Transaction, username: &str, password: &str) -> Result<Vec<u8>, ErrorStack> {
    let mut message = begun(REQUEST, transaction);
    put(&mut message, USERNAME, username.as_bytes());
    // Peer-reflexive preference, as RFC 8445 5.1.2 computes it for one component.
    put(&mut message, PRIORITY, &0x6e7f_ffff_u32.to_be_bytes());
    put(&mut message, ICE_CONTROLLED, &transaction[..8]);
    signed(message, password)
}

/// The yes to a check that came from `mapped`.
pub(crate) fn success(transaction: Transaction, mapped: SocketAddr, password: &str) -> Result<Vec<u8>, ErrorStack> {
    let mut message = begun(SUCCESS, transaction);
    let port = mapped.port() ^ u16::from_be_bytes([COOKIE[0], COOKIE[1]]);
    let mut value = vec![0, if mapped.is_ipv4() { 1 } else { 2 }];
    value.extend(port.to_be_bytes());
    let mask = COOKIE.iter().chain(&transaction);
    match mapped.ip() {
        IpAddr::V4(ip) => value.extend(ip.octets().iter().zip(mask).map(|(a, b)| a ^ b)),
        IpAddr::V6(ip) => value.extend(ip.octets().iter().zip(mask).map(|(a, b)| a ^ b)),
    }
    put(&mut message, XOR_MAPPED_ADDRESS, &value);
    signed(message, password)
}

fn begun(kind: u16, transaction: Transaction) -> Vec<u8> {
    let mut message = kind.to_be_bytes().to_vec();
    message.extend([0, 0]);
    message.extend(COOKIE);
    message.extend(transaction);
    message
}

fn put(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    // Our own values are short: a user name of at most 512 bytes is the longest.
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    message.extend(kind.to_be_bytes());
    message.extend(length.to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// The header counts what follows it, up to and with the attribute that is computed next.
fn counted(message: &mut [u8], further: usize) {
    let length = u16::try_from(message.len() - HEADER + further).unwrap_or(u16::MAX);
    message[2..4].copy_from_slice(&length.to_be_bytes());
}

fn signed(mut message: Vec<u8>, password: &str) -> Result<Vec<u8>, ErrorStack> {
    counted(&mut message, INTEGRITY_SIZE);
    let tag = sha1_tag(password.as_bytes(), &message)?;
    put(&mut message, MESSAGE_INTEGRITY, &tag);
    counted(&mut message, FINGERPRINT_SIZE);
    let check = crc32(&message) ^ 0x5354_554e;
    put(&mut message, FINGERPRINT, &check.to_be_bytes());
    Ok(message)
}

/// HMAC-SHA1.
pub(crate) fn sha1_tag(key: &[u8], data: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let key = PKey::hmac(key)?;
    Signer::new(MessageDigest::sha1(), &key)?.sign_oneshot_to_vec(data)
}

/// The checksum of Ethernet and zip.
fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

/// A STUN message as it came.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// `REQUEST`, `SUCCESS`, `REFUSAL`, or something else.
    pub(crate) kind: u16,
    /// Which question it belongs to.
    pub(crate) transaction: Transaction,
    bytes: &'a [u8],
    attributes: Vec<(u16, usize, &'a [u8])>,
}

impl<'a> Message<'a> {
    /// Reads a datagram; `None` where it is no STUN message.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let header: &[u8; HEADER] = bytes.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if header[0] > 3 || header[4..8] != COOKIE || length % 4 != 0 || bytes.len() != HEADER + length {
            return None;
        }
        let mut attributes = Vec::new();
        let mut at = HEADER;
        while at < bytes.len() {
            let head = bytes.get(at..at + 4)?;
            let size = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = bytes.get(at + 4..at + 4 + size)?;
            attributes.push((u16::from_be_bytes([head[0], head[1]]), at, value));
            at += 4 + size.next_multiple_of(4);
        }
        Some(Self {
            kind: u16::from_be_bytes([header[0], header[1]]),
            transaction: header[8..].first_chunk().copied()?,
            bytes,
            attributes,
        })
    }

    fn value(&self, kind: u16) -> Option<&'a [u8]> {
        let found = self.attributes.iter().find(|(name, _, _)| *name == kind);
        found.map(|(_, _, value)| *value)
    }

    /// Whom a check claims to come from and to.
    pub(crate) fn username(&self) -> Option<&'a str> {
        self.value(USERNAME).and_then(|name| std::str::from_utf8(name).ok())
    }

    /// The number of a refusal, such as 401.
    pub(crate) fn code(&self) -> Option<u16> {
        let value = self.value(ERROR_CODE)?;
        let (class, number) = (value.get(2)?, value.get(3)?);
        Some(u16::from(class & 7) * 100 + u16::from(*number))
    }

    /// Whether the message is signed with this password.
    pub(crate) fn is_signed_with(&self, password: &str) -> bool {
        let found = self.attributes.iter().find(|(name, _, _)| *name == MESSAGE_INTEGRITY);
        let Some((_, at, tag)) = found else { return false };
        let mut covered = self.bytes[..*at].to_vec();
        counted(&mut covered, INTEGRITY_SIZE);
        sha1_tag(password.as_bytes(), &covered)
            .is_ok_and(|expected| expected.len() == tag.len() && openssl::memcmp::eq(&expected, tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The sample request of RFC 5769 2.1, byte for byte.
    const SAMPLE: &str = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74\
        002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020\
        000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";

    fn sample() -> Vec<u8> {
        let digits = SAMPLE.as_bytes().chunks(2);
        digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn the_sample_of_the_standard_is_read_and_its_signature_holds() {
        let bytes = sample();
        let message = Message::read(&bytes).unwrap();
        assert_eq!((message.kind, message.username()), (REQUEST, Some("evtj:h6vY")));
        assert!(message.is_signed_with("VOkJxbRl1RmTxUk/WvJxBt"));
        assert!(!message.is_signed_with("VOkJxbRl1RmTxUk/WvJxBT"));
        let check = crc32(&bytes[..bytes.len() - 8]) ^ 0x5354_554e;
        assert_eq!(check.to_be_bytes(), bytes[bytes.len() - 4..]);
    }

    #[test]
    fn our_own_messages_are_read_back() {
        let bytes = request([7; 12], "them:us", "secret").unwrap();
        let message = Message::read(&bytes).unwrap();
        assert_eq!((message.transaction, message.username()), ([7; 12], Some("them:us")));
        assert!(message.is_signed_with("secret") && !message.is_signed_with("other"));
        let bytes = success([7; 12], "192.0.2.1:9".parse().unwrap(), "secret").unwrap();
        let message = Message::read(&bytes).unwrap();
        assert!(message.kind == SUCCESS && message.is_signed_with("secret"));
    }

    proptest! {
        #[test]
        fn any_datagram_is_read_without_a_crash(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(message) = Message::read(&bytes) {
                let _ = (message.username(), message.code(), message.is_signed_with("x"));
            }
        }

        #[test]
        fn a_damaged_message_is_read_without_a_crash(at in 0_usize..108, byte in any::<u8>()) {
            let mut bytes = sample();
            bytes[at] = byte;
            if let Some(message) = Message::read(&bytes) {
                let _ = (message.username(), message.code(), message.is_signed_with("x"));
            }
        }
    }
}
