//! STUN and TURN messages (RFC 8489, RFC 8656, RFC 6062): built, signed and read. Knows no sockets and judges nothing.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

use ring::hmac;

/// RFC 8489 5: what every message of this protocol holds.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// Bytes before the attributes.
pub(crate) const HEADER: usize = 20;

/// Longest message that is read. Real ones are a few hundred bytes.
pub(crate) const LONGEST: usize = 4096;

/// Identifies a request and its answer.
pub(crate) type Transaction = [u8; 12];

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Method {
    Binding = 0x001,
    Allocate = 0x003,
    Refresh = 0x004,
    Send = 0x006,
    Data = 0x007,
    CreatePermission = 0x008,
    ChannelBind = 0x009,
    Connect = 0x00a,
}

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Class {
    Request = 0x000,
    Indication = 0x010,
    Success = 0x100,
    Error = 0x110,
}

/// Attributes by their registered numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Kind {
    Username = 0x0006,
    MessageIntegrity = 0x0008,
    ErrorCode = 0x0009,
    ChannelNumber = 0x000c,
    Lifetime = 0x000d,
    XorPeerAddress = 0x0012,
    Data = 0x0013,
    Realm = 0x0014,
    Nonce = 0x0015,
    XorRelayedAddress = 0x0016,
    RequestedAddressFamily = 0x0017,
    RequestedTransport = 0x0019,
    XorMappedAddress = 0x0020,
    Priority = 0x0024,
    Software = 0x8022,
    Fingerprint = 0x8028,
    IceControlled = 0x8029,
}

/// Bytes of a MESSAGE-INTEGRITY with its head (RFC 8489 14.5).
const INTEGRITY: usize = 24;
/// Bytes of a FINGERPRINT with its head (RFC 8489 14.7).
const FINGERPRINT: usize = 8;

/// The numbers of the methods take four bits, which lie below those of the class.
fn number(method: Method, class: Class) -> u16 {
    method as u16 | class as u16
}

/// A message on its way to the server.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    number: u16,
    transaction: Transaction,
    attributes: Vec<u8>,
}

impl Draft {
    /// A message without attributes.
    pub(crate) fn new(method: Method, class: Class, transaction: Transaction) -> Self {
        Self {
            number: number(method, class),
            transaction,
            attributes: Vec::new(),
        }
    }

    /// Adds an attribute, padded to four bytes.
    #[must_use]
    pub(crate) fn with(mut self, kind: Kind, value: &[u8]) -> Self {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        let value = &value[..usize::from(length)];
        self.attributes.extend((kind as u16).to_be_bytes());
        self.attributes.extend(length.to_be_bytes());
        self.attributes.extend(value);
        self.attributes.resize(self.attributes.len().next_multiple_of(4), 0);
        self
    }

    /// Adds an address, hidden from routers that would rewrite it (RFC 8489 14.2).
    #[must_use]
    pub(crate) fn with_address(self, kind: Kind, address: SocketAddr) -> Self {
        let mut value = match address {
            SocketAddr::V4(_) => vec![0, 1],
            SocketAddr::V6(_) => vec![0, 2],
        };
        value.extend((address.port() ^ u16::from_be_bytes([COOKIE[0], COOKIE[1]])).to_be_bytes());
        let octets = match address.ip() {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        value.extend(octets.iter().zip(self.mask()).map(|(byte, mask)| byte ^ mask));
        self.with(kind, &value)
    }

    /// The bytes to send.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.head(self.attributes.len())
    }

    /// Adds a proof that we hold the key (RFC 8489 14.5).
    #[must_use]
    pub(crate) fn signed(self, key: &[u8]) -> Self {
        // The length counts the proof, while it does not cover itself.
        let covered = self.head(self.attributes.len() + INTEGRITY);
        let proof = hmac::sign(&sha1_key(key), &covered);
        self.with(Kind::MessageIntegrity, proof.as_ref())
    }

    /// Adds what tells STUN from other protocols on one port (RFC 8489 14.7); nothing may follow it.
    #[must_use]
    pub(crate) fn fingerprinted(self) -> Self {
        let covered = self.head(self.attributes.len() + FINGERPRINT);
        let check = crc32fast::hash(&covered) ^ 0x5354_554e;
        self.with(Kind::Fingerprint, &check.to_be_bytes())
    }

    fn head(&self, length: usize) -> Vec<u8> {
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        let mut bytes = self.number.to_be_bytes().to_vec();
        bytes.extend(length.to_be_bytes());
        bytes.extend(COOKIE);
        bytes.extend(self.transaction);
        bytes.extend(&self.attributes);
        bytes
    }

    fn mask(&self) -> impl Iterator<Item = u8> + use<> {
        COOKIE.into_iter().chain(self.transaction)
    }
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// Too few bytes for a header, or another protocol.
    #[error("it is not STUN")]
    NotStun,
    /// The header promises another length than there is.
    #[error("its header names a length of {named} bytes where there are {there}")]
    Length {
        /// In the header.
        named: usize,
        /// After the header.
        there: usize,
    },
    /// An attribute reaches beyond the end of the message.
    #[error("its attribute {0:#06x} reaches beyond its end")]
    Attribute(u16),
}

/// A message as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// Method and class.
    pub(crate) number: u16,
    /// Whose answer it is.
    pub(crate) transaction: Transaction,
    attributes: Vec<(u16, Vec<u8>)>,
    /// What a proof of the key covers, where there is one.
    covered: Option<Vec<u8>>,
}

impl Message {
    /// Reads one whole message.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let (head, body) = bytes.split_first_chunk::<HEADER>().ok_or(Malformed::NotStun)?;
        let [n1, n2, l1, l2, c1, c2, c3, c4, transaction @ ..] = *head;
        if n1 & 0xc0 != 0 || [c1, c2, c3, c4] != COOKIE {
            return Err(Malformed::NotStun);
        }
        let named = usize::from(u16::from_be_bytes([l1, l2]));
        if named != body.len() || named % 4 != 0 {
            let there = body.len();
            return Err(Malformed::Length { named, there });
        }
        let attributes = attributes(body)?;
        Ok(Self {
            number: u16::from_be_bytes([n1, n2]),
            transaction,
            covered: covered(bytes, &attributes),
            attributes,
        })
    }

    /// Whether it proves that its sender holds the key (RFC 8489 14.5).
    pub(crate) fn is_signed_with(&self, key: &[u8]) -> bool {
        let proof = self.attribute(Kind::MessageIntegrity);
        let pair = self.covered.as_ref().zip(proof);
        pair.is_some_and(|(covered, proof)| hmac::verify(&sha1_key(key), covered, proof).is_ok())
    }

    /// How many bytes follow the header of a message that begins so.
    pub(crate) fn length(head: &[u8; HEADER]) -> Result<usize, Malformed> {
        let named = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if head[0] & 0xc0 != 0 || head[4..8] != COOKIE {
            return Err(Malformed::NotStun);
        }
        if named > LONGEST || named % 4 != 0 {
            return Err(Malformed::Length { named, there: 0 });
        }
        Ok(named)
    }

    /// Whether it is this kind of message.
    pub(crate) fn is(&self, method: Method, class: Class) -> bool {
        self.number == number(method, class)
    }

    /// An attribute's bytes; the first where it stands more than once.
    pub(crate) fn attribute(&self, kind: Kind) -> Option<&[u8]> {
        let found = self.attributes.iter().find(|(number, _)| *number == kind as u16)?;
        Some(&found.1)
    }

    /// An attribute as text.
    pub(crate) fn text(&self, kind: Kind) -> Option<String> {
        let bytes = self.attribute(kind)?;
        // Software names are padded by zeroes within their length by some servers.
        let text = String::from_utf8_lossy(bytes);
        Some(text.trim_end_matches('\0').to_owned())
    }

    /// The code and the words of an error.
    pub(crate) fn error(&self) -> Option<(u16, String)> {
        match self.attribute(Kind::ErrorCode)? {
            [_, _, class, number, reason @ ..] => {
                let code = u16::from(class & 0x07) * 100 + u16::from(*number);
                let reason: String = String::from_utf8_lossy(reason).chars().take(100).collect();
                Some((code, reason.trim_end_matches('\0').to_owned()))
            }
            _ => None,
        }
    }

    /// An address that was sent hidden.
    pub(crate) fn address(&self, kind: Kind) -> Option<SocketAddr> {
        let [_, family, p1, p2, octets @ ..] = self.attribute(kind)? else {
            return None;
        };
        let port = u16::from_be_bytes([p1 ^ COOKIE[0], p2 ^ COOKIE[1]]);
        let mask = COOKIE.into_iter().chain(self.transaction);
        let clear: Vec<u8> = octets.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
        let ip: IpAddr = match (family, octets.len()) {
            (1, 4) => Ipv4Addr::from(<[u8; 4]>::try_from(clear).ok()?).into(),
            (2, 16) => Ipv6Addr::from(<[u8; 16]>::try_from(clear).ok()?).into(),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    /// An attribute of four bytes as a number.
    pub(crate) fn number_of(&self, kind: Kind) -> Option<u32> {
        Some(u32::from_be_bytes(self.attribute(kind)?.try_into().ok()?))
    }
}

fn sha1_key(key: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key)
}

/// Everything before the first proof, with a length that counts it.
fn covered(bytes: &[u8], attributes: &[(u16, Vec<u8>)]) -> Option<Vec<u8>> {
    let is_proof = |(number, _): &(u16, Vec<u8>)| *number == Kind::MessageIntegrity as u16;
    let before = &attributes[..attributes.iter().position(is_proof)?];
    let size: usize = before
        .iter()
        .map(|(_, value)| 4 + value.len().next_multiple_of(4))
        .sum();
    let mut covered = bytes.get(..HEADER + size)?.to_vec();
    let length = u16::try_from(size + INTEGRITY).ok()?;
    covered[2..4].copy_from_slice(&length.to_be_bytes());
    Some(covered)
}

fn attributes(mut body: &[u8]) -> Result<Vec<(u16, Vec<u8>)>, Malformed> {
    let mut found = Vec::new();
    while let [k1, k2, l1, l2, rest @ ..] = body {
        let number = u16::from_be_bytes([*k1, *k2]);
        let length = usize::from(u16::from_be_bytes([*l1, *l2]));
        let value = rest.get(..length).ok_or(Malformed::Attribute(number))?;
        found.push((number, value.to_vec()));
        body = rest
            .get(length.next_multiple_of(4)..)
            .ok_or(Malformed::Attribute(number))?;
    }
    Ok(found)
}

/// A fresh transaction.
pub(crate) fn transaction() -> std::io::Result<Transaction> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
