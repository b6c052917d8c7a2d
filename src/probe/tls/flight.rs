//! Reads a server's first flight: ServerHello, Certificate, ServerKeyExchange, or what came in their place. Pure, and made
//! for bytes that lie: every length is checked, and what is cut short is waited for.

use std::collections::BTreeMap;

use super::hello::Version;

/// Most certificates of a chain that are read.
const CERTIFICATES: usize = 16;

/// The random of a ServerHello that is a HelloRetryRequest (RFC 8446 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a server has said so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Flight {
    /// Its first word; `None` while more bytes are needed.
    pub(crate) answer: Option<Answer>,
    /// More of the ServerHello.
    pub(crate) details: Option<Details>,
    /// The certificates in DER, leaf first.
    pub(crate) chain: Option<Vec<Vec<u8>>>,
    /// The key exchange, where the suite has a message for it.
    pub(crate) exchange: Option<Exchanged>,
    /// A status of the certificate came along.
    pub(crate) stapled: bool,
    /// Nothing more will come before the client speaks.
    pub(crate) done: bool,
}

impl Flight {
    /// Whether its suite brings a prime.
    pub(crate) fn has_prime(&self) -> bool {
        let dhe = |suite| super::suite::Suite(suite).exchange() == super::suite::Exchange::Dhe;
        matches!(self.answer, Some(Answer::Hello { suite, .. }) if dhe(suite))
    }
}

/// The first words of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It would go on with this version and suite.
    Hello { version: Option<Version>, suite: u16 },
    /// A fatal alert with this description (RFC 8446 6).
    Alert(u8),
    /// Something that is not TLS.
    Foreign,
}

/// The parts of a ServerHello that say how it would go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) compression: u8,
    pub(crate) extensions: BTreeMap<u16, Vec<u8>>,
    pub(crate) retry: bool,
    /// The group of TLS 1.3.
    pub(crate) group: Option<u16>,
}

/// A ServerKeyExchange.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Exchanged {
    /// The curve (RFC 8422).
    pub(crate) group: Option<u16>,
    /// The prime of finite-field Diffie-Hellman, without leading zeroes.
    pub(crate) prime: Option<Vec<u8>>,
    /// The signature scheme, which TLS 1.2 names.
    pub(crate) scheme: Option<u16>,
}

/// Reads the beginning of a server's flight.
pub(crate) fn read(bytes: &[u8]) -> Flight {
    if let Some(flight) = ssl2(bytes) {
        return flight;
    }
    let mut flight = Flight::default();
    let mut handshake = Vec::new();
    let mut rest = bytes;
    while let [kind, major, _, high, low, payload @ ..] = rest {
        let length = usize::from(*high) << 8 | usize::from(*low);
        if !(20..=23).contains(kind) || *major != 3 {
            return foreign(flight);
        }
        let whole = payload.len() >= length;
        let payload = &payload[..length.min(payload.len())];
        match kind {
            22 => handshake.extend_from_slice(payload),
            21 if whole || payload.len() >= 2 => match payload {
                // A warning, such as that of a name that is not known, is no answer. Closing is.
                [1, description, ..] if *description != 0 => {}
                [_, description, ..] => {
                    messages(&handshake, &mut flight);
                    flight.answer.get_or_insert(Answer::Alert(*description));
                    flight.done = true;
                    return flight;
                }
                _ => return foreign(flight),
            },
            // What follows is encrypted.
            20 | 23 if whole => {
                messages(&handshake, &mut flight);
                flight.done = true;
                if flight.answer.is_none() {
                    return foreign(flight);
                }
                return flight;
            }
            _ => {}
        }
        if !whole {
            break;
        }
        rest = &rest[5 + length..];
    }
    if let ([kind, ..], true) = (rest, rest.len() < 5)
        && (!(20..=23).contains(kind) || rest.get(1).is_some_and(|major| *major != 3))
    {
        return foreign(flight);
    }
    messages(&handshake, &mut flight);
    flight
}

fn foreign(mut flight: Flight) -> Flight {
    flight.answer.get_or_insert(Answer::Foreign);
    flight.done = true;
    flight
}

/// A SERVER-HELLO of SSL 2.0, or its error.
fn ssl2(bytes: &[u8]) -> Option<Flight> {
    let [high, low, kind, ..] = bytes else {
        return None;
    };
    if high & 0x80 == 0 {
        return None;
    }
    let length = usize::from(high & 0x7f) << 8 | usize::from(*low);
    let answer = match kind {
        4 if length >= 11 => {
            let version = u16::from_be_bytes([*bytes.get(5)?, *bytes.get(6)?]);
            // Kinds of its own, three bytes each; the first is named by its number.
            let certificate = usize::from(u16::from_be_bytes([*bytes.get(7)?, *bytes.get(8)?]));
            let kind = bytes.get(13 + certificate..15 + certificate);
            match (version, kind) {
                (2, Some([high, low])) => Answer::Hello {
                    version: Some(Version::Ssl2),
                    suite: u16::from_be_bytes([*high, *low]),
                },
                (2, _) if bytes.len() < 2 + length => return None,
                (2, _) => Answer::Hello {
                    version: Some(Version::Ssl2),
                    suite: 0,
                },
                _ => Answer::Foreign,
            }
        }
        // An error message: none of the kinds is common.
        0 if length == 3 => Answer::Alert(40),
        _ => Answer::Foreign,
    };
    Some(Flight {
        answer: Some(answer),
        done: true,
        ..Flight::default()
    })
}

/// Walks the handshake messages that are whole.
fn messages(mut bytes: &[u8], flight: &mut Flight) {
    while let [kind, a, b, c, rest @ ..] = bytes {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        if flight.details.is_none() && *kind != 2 {
            flight.answer.get_or_insert(Answer::Foreign);
            flight.done = true;
            return;
        }
        let Some(body) = rest.get(..length) else {
            return;
        };
        match kind {
            2 => match server_hello(body) {
                Some((answer, details)) => {
                    flight.done |= details.retry;
                    flight.answer.get_or_insert(answer);
                    flight.details.get_or_insert(details);
                }
                None => {
                    flight.answer.get_or_insert(Answer::Foreign);
                    flight.done = true;
                    return;
                }
            },
            11 => flight.chain = flight.chain.take().or_else(|| certificates(body)),
            12 => flight.exchange = flight.exchange.take().or_else(|| key_exchange(body, flight)),
            14 => flight.done = true,
            22 => flight.stapled = true,
            _ => {}
        }
        bytes = &rest[length..];
    }
}

fn server_hello(body: &[u8]) -> Option<(Answer, Details)> {
    let legacy = be16(body)?;
    let random = body.get(2..34)?;
    let session = usize::from(*body.get(34)?);
    let rest = body.get(35 + session..)?;
    let suite = be16(rest)?;
    let compression = *rest.get(2)?;
    let mut extensions = BTreeMap::new();
    let mut list = rest.get(5..).unwrap_or_default();
    while let [k1, k2, l1, l2, data @ ..] = list {
        let length = usize::from(u16::from_be_bytes([*l1, *l2]));
        let Some(value) = data.get(..length) else {
            break;
        };
        extensions.insert(u16::from_be_bytes([*k1, *k2]), value.to_vec());
        list = &data[length..];
    }
    // `supported_versions` names TLS 1.3, whose field of old says 1.2.
    let chosen = extensions.get(&43).and_then(|value| be16(value)).unwrap_or(legacy);
    let answer = Answer::Hello {
        version: Version::from_wire(chosen),
        suite,
    };
    let details = Details {
        compression,
        group: extensions.get(&51).and_then(|value| be16(value)),
        retry: random == RETRY,
        extensions,
    };
    Some((answer, details))
}

fn certificates(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let length = be24(body)?;
    let mut list = body.get(3..3 + length)?;
    let mut chain = Vec::new();
    while !list.is_empty() && chain.len() < CERTIFICATES {
        let length = be24(list)?;
        chain.push(list.get(3..3 + length)?.to_vec());
        list = &list[3 + length..];
    }
    Some(chain)
}

/// Which form it has depends on the suite: a named curve begins with 3, a prime with its length, which is never so large.
fn key_exchange(body: &[u8], flight: &Flight) -> Option<Exchanged> {
    let Some(Answer::Hello { version, suite }) = flight.answer else {
        return None;
    };
    let names_scheme = version == Some(Version::Tls12);
    match super::suite::Suite(suite).exchange() {
        super::suite::Exchange::Ecdhe => {
            let [3, high, low, point, rest @ ..] = body else {
                return None;
            };
            let signature = rest.get(usize::from(*point)..)?;
            Some(Exchanged {
                group: Some(u16::from_be_bytes([*high, *low])),
                prime: None,
                scheme: names_scheme.then(|| be16(signature)).flatten(),
            })
        }
        super::suite::Exchange::Dhe => {
            let (prime, rest) = counted16(body)?;
            let (_, rest) = counted16(rest)?;
            let (_, signature) = counted16(rest)?;
            let start = prime.iter().position(|byte| *byte != 0).unwrap_or(prime.len());
            Some(Exchanged {
                group: None,
                prime: Some(prime[start..].to_vec()),
                scheme: names_scheme.then(|| be16(signature)).flatten(),
            })
        }
        _ => None,
    }
}

fn counted16(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(be16(bytes)?);
    bytes.get(2..)?.split_at_checked(length)
}

fn be16(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]))
}

fn be24(bytes: &[u8]) -> Option<usize> {
    let [a, b, c, ..] = bytes else {
        return None;
    };
    Some(usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A ServerHello, Certificate, ServerKeyExchange and ServerHelloDone of OpenSSL 3.0.19, as captured.
    const DHE: &[u8] = include_bytes!("../../../tests/fixtures/probe/tls12-dhe-flight.bin");
    const ECDHE: &[u8] = include_bytes!("../../../tests/fixtures/probe/tls12-ecdhe-flight.bin");
    /// A HelloRetryRequest of the same.
    const RETRIED: &[u8] = include_bytes!("../../../tests/fixtures/probe/tls13-retry.bin");

    #[test]
    fn an_answer_is_awaited_until_it_is_whole_and_garbage_is_foreign() {
        assert_eq!(read(&[]).answer, None);
        assert_eq!(read(&[21, 3, 1, 0, 2, 2]).answer, None);
        assert_eq!(read(&[21, 3, 1, 0, 2, 2, 70]).answer, Some(Answer::Alert(70)));
        assert_eq!(read(&[21, 3, 1, 0, 2, 1, 112]).answer, None, "a warning is no answer");
        assert_eq!(read(b"HTTP/1.1 400 Bad Request").answer, Some(Answer::Foreign));
        assert_eq!(read(b"SSH-2.0-OpenSSH_9.2p1").answer, Some(Answer::Foreign));
    }

    #[test]
    fn a_whole_flight_of_tls_1_2_says_curve_prime_and_scheme() {
        let flight = read(ECDHE);
        assert!(flight.done, "{flight:?}");
        assert_eq!(flight.chain.as_ref().map(Vec::len), Some(1));
        let exchange = flight.exchange.unwrap();
        assert_eq!((exchange.group, exchange.scheme), (Some(0x001d), Some(0x0804)));
        let details = flight.details.unwrap();
        assert!(details.extensions.contains_key(&0xff01) && !details.retry);

        let prime = read(DHE).exchange.unwrap().prime.unwrap();
        assert_eq!(prime.len() * 8, 2048);
    }

    #[test]
    fn a_hello_retry_request_names_suite_and_group() {
        let flight = read(RETRIED);
        let details = flight.details.unwrap();
        assert!(details.retry && flight.done);
        assert_eq!(details.group, Some(0x001d));
        let answer = Answer::Hello {
            version: Some(Version::Tls13),
            suite: 0x1302,
        };
        assert_eq!(flight.answer, Some(answer));
    }

    #[test]
    fn a_flight_cut_anywhere_is_never_misread() {
        for whole in [DHE, ECDHE, RETRIED] {
            let full = read(whole);
            for cut in 0..whole.len() {
                let part = read(&whole[..cut]);
                assert!(part.answer.is_none() || part.answer == full.answer, "cut at {cut}");
                assert!(part.chain.is_none() || part.chain == full.chain, "cut at {cut}");
                assert!(
                    part.exchange.is_none() || part.exchange == full.exchange,
                    "cut at {cut}"
                );
            }
        }
    }

    #[test]
    fn ssl_2_answers_in_its_own_form() {
        let mut answer = vec![0x80, 0, 4, 0, 1, 0, 2, 0, 2, 0, 3, 0, 1, 0xaa, 0xbb, 1, 0, 0x80, 0xcc];
        answer[1] = u8::try_from(answer.len() - 2).unwrap();
        let hello = Answer::Hello {
            version: Some(Version::Ssl2),
            suite: 0x0100,
        };
        assert_eq!(read(&answer).answer, Some(hello));
        assert_eq!(read(&[0x80, 3, 0, 0, 1]).answer, Some(Answer::Alert(40)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
            let _ = read(&bytes);
        }

        #[test]
        fn a_spoiled_flight_is_read_without_a_panic(
            at in any::<proptest::sample::Index>(),
            with in proptest::collection::vec(any::<u8>(), 1..8),
            which in 0..3usize,
        ) {
            let mut bytes = [DHE, ECDHE, RETRIED][which].to_vec();
            let at = at.index(bytes.len());
            for (place, byte) in bytes[at..].iter_mut().zip(with) {
                *place = byte;
            }
            let flight = read(&bytes);
            prop_assert!(flight.chain.is_none_or(|chain| chain.len() <= CERTIFICATES));
        }
    }
}
