//! What an SSH server says before anyone logs in: its banner, the algorithms it offers (RFC 4253 4.2, 7.1), and the ways
//! in which strangers may log in.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::remote;
use crate::seen::Seen;

use super::reach;
use super::reach::ReachError;
use super::sighting::Sighting;
use super::sighting::Vantage;

/// Most bytes read before giving up.
const LIMIT: usize = 64 * 1024;

/// Longest wait for one step of the conversation about logins.
const LOGIN_PATIENCE: Duration = Duration::from_secs(6);

/// Whom strangers try first.
const USER: &str = "root";

/// OpenSSH's mark of a key exchange that cannot be shortened (PROTOCOL, 1.10).
const STRICT: &str = "kex-strict-s-v00@openssh.com";

/// An SSH port seen from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SshView {
    /// A server answered.
    Speaks(SshOffer),
    /// The host says that nothing listens.
    Refused,
    /// Nobody answered.
    Filtered,
}

/// What an SSH server offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SshOffer {
    /// The version line.
    pub banner: String,
    /// Key exchange methods.
    pub key_exchange: Vec<String>,
    /// Host key algorithms.
    pub host_keys: Vec<String>,
    /// Ciphers, in either direction.
    pub ciphers: Vec<String>,
    /// Message authentication codes, in either direction.
    pub macs: Vec<String>,
    /// Ways in which a stranger may log in.
    pub logins: Seen<Vec<String>>,
}

impl SshOffer {
    /// Offers that a man in the middle can cut short unnoticed (Terrapin, CVE-2023-48795): ChaCha20-Poly1305, or CBC with
    /// encrypt-then-MAC, where the key exchange is not strict.
    pub fn cut_short_by_terrapin(&self) -> Vec<&str> {
        if self.key_exchange.iter().any(|name| name == STRICT) {
            return Vec::new();
        }
        let etm = self.macs.iter().any(|name| name.contains("-etm@"));
        self.ciphers
            .iter()
            .map(String::as_str)
            .filter(|name| name.starts_with("chacha20-poly1305") || etm && name.contains("-cbc"))
            .collect()
    }
}

/// Looks at the SSH port at `address`.
pub(crate) async fn look(address: SocketAddr, name: &str) -> Sighting<SshView> {
    let vantage = Vantage::now(format!("tcp://{name}:{} ssh", address.port()), Some(address));
    let result = match timeout(reach::STEP, listen(address)).await {
        Ok(Ok(mut offer)) => {
            offer.logins = logins(address).await;
            Ok(SshView::Speaks(offer))
        }
        Ok(Err(SshError::Reach(ReachError::Refused(_)))) => Ok(SshView::Refused),
        Ok(Err(SshError::Reach(ReachError::Filtered(..)))) => Ok(SshView::Filtered),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("{address} did not finish its greeting in time")),
    };
    let line = match &result {
        Ok(SshView::Speaks(offer)) => format!("<< {}; logins of {USER}: {:?}", offer.banner, offer.logins),
        other => format!("<< {other:?}"),
    };
    vantage.saw(vec![line], Seen::from(result))
}

/// The ways in which a stranger may log in as the superuser.
async fn logins(address: SocketAddr) -> Seen<Vec<String>> {
    let asked = tokio::task::spawn_blocking(move || remote::login_methods(address, USER, LOGIN_PATIENCE));
    match timeout(reach::STEP * 3, asked).await {
        Ok(Ok(methods)) => methods.into(),
        Ok(Err(error)) => Seen::unknown(format!("the look broke: {error}")),
        Err(_) => Seen::unknown("the server did not say in time how to log in"),
    }
}

#[derive(Debug, thiserror::Error)]
enum SshError {
    #[error(transparent)]
    Reach(#[from] ReachError),
    #[error("the connection broke: {0}")]
    Broken(#[from] std::io::Error),
    #[error("the port does not speak SSH: {0}")]
    Foreign(String),
}

async fn listen(address: SocketAddr) -> Result<SshOffer, SshError> {
    let mut stream = reach::connect(address, reach::CONNECT).await?;
    stream.write_all(b"SSH-2.0-anteroom\r\n").await?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let count = stream.read(&mut buffer).await?;
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(offer) = read(&bytes)? {
            return Ok(offer);
        }
        if count == 0 || bytes.len() > LIMIT {
            return Err(SshError::Foreign("no key exchange followed".to_owned()));
        }
    }
}

/// Reads a server's greeting; `None` while more bytes are needed.
fn read(bytes: &[u8]) -> Result<Option<SshOffer>, SshError> {
    let mut rest = bytes;
    let banner = loop {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return Ok(None);
        };
        // RFC 4253 4.2 ends a version line after 255 characters.
        let line: String = String::from_utf8_lossy(&rest[..end])
            .trim_end()
            .chars()
            .take(255)
            .collect();
        rest = &rest[end + 1..];
        if line.starts_with("SSH-") {
            break line;
        }
        if line.starts_with("HTTP/") {
            return Err(SshError::Foreign(line));
        }
    };
    let [a, b, c, d, padding, payload @ ..] = rest else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([*a, *b, *c, *d]);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > LIMIT || length < usize::from(*padding) + 1 {
        return Err(SshError::Foreign(format!("impossible packet length {length}")));
    }
    if payload.len() < length - 1 {
        return Ok(None);
    }
    let packet = &payload[..length - 1 - usize::from(*padding)];
    // SSH_MSG_KEXINIT and a 16 byte cookie come before the name lists.
    let [20, lists @ ..] = packet else {
        return Err(SshError::Foreign("the first packet is not a key exchange".to_owned()));
    };
    let names = lists.get(16..).and_then(name_lists);
    let Some(names) = names else {
        return Err(SshError::Foreign("the key exchange is cut short".to_owned()));
    };
    let [key_exchange, host_keys, ciphers_in, ciphers, macs_in, macs] = names;
    Ok(Some(SshOffer {
        banner,
        key_exchange,
        host_keys,
        ciphers: either(ciphers, ciphers_in),
        macs: either(macs, macs_in),
        logins: Seen::unknown("nobody asked yet"),
    }))
}

fn either(mut one: Vec<String>, other: Vec<String>) -> Vec<String> {
    let more: Vec<String> = other.into_iter().filter(|name| !one.contains(name)).collect();
    one.extend(more);
    one
}

fn name_lists(mut bytes: &[u8]) -> Option<[Vec<String>; 6]> {
    let mut lists: [Vec<String>; 6] = Default::default();
    for list in &mut lists {
        let (count, rest) = bytes.split_at_checked(4)?;
        let count = u32::from_be_bytes(count.try_into().ok()?);
        let (names, rest) = rest.split_at_checked(usize::try_from(count).ok()?)?;
        *list = String::from_utf8_lossy(names).split(',').map(str::to_owned).collect();
        bytes = rest;
    }
    Some(lists)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first bytes of Debian 12's OpenSSH 9.2, as captured.
    const DEBIAN: &[u8] = include_bytes!("../../tests/fixtures/probe/ssh-debian12.bin");

    #[test]
    fn the_greeting_of_a_debian_host_is_read() {
        let offer = read(DEBIAN).unwrap().unwrap();
        assert!(offer.banner.starts_with("SSH-2.0-OpenSSH_9.2p1"), "{}", offer.banner);
        assert!(offer.key_exchange.contains(&"curve25519-sha256".to_owned()));
        assert!(offer.host_keys.contains(&"ssh-ed25519".to_owned()));
        assert!(offer.ciphers.contains(&"aes256-gcm@openssh.com".to_owned()));
        assert!(offer.macs.contains(&"hmac-sha2-256-etm@openssh.com".to_owned()));
    }

    #[test]
    fn a_greeting_cut_anywhere_waits_for_more() {
        for cut in 0..DEBIAN.len() - 20 {
            assert!(read(&DEBIAN[..cut]).unwrap().is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn a_web_server_is_not_ssh() {
        assert!(read(b"HTTP/1.1 400 Bad Request\r\n\r\n").is_err());
    }

    #[test]
    fn terrapin_needs_a_key_exchange_that_is_not_strict() {
        let mut offer = read(DEBIAN).unwrap().unwrap();
        assert!(offer.cut_short_by_terrapin().is_empty(), "Debian's is mended");
        offer.key_exchange.retain(|name| name != STRICT);
        assert_eq!(offer.cut_short_by_terrapin(), ["chacha20-poly1305@openssh.com"]);
        offer.ciphers = vec!["aes256-cbc".to_owned(), "aes256-ctr".to_owned()];
        assert_eq!(offer.cut_short_by_terrapin(), ["aes256-cbc"]);
        offer.macs = vec!["hmac-sha2-256".to_owned()];
        assert!(offer.cut_short_by_terrapin().is_empty());
    }

    proptest::proptest! {
        #[test]
        fn a_spoiled_greeting_is_read_without_a_panic(
            at in proptest::prelude::any::<proptest::sample::Index>(),
            with in proptest::collection::vec(proptest::prelude::any::<u8>(), 1..8),
        ) {
            let mut bytes = DEBIAN.to_vec();
            let at = at.index(bytes.len());
            for (place, byte) in bytes[at..].iter_mut().zip(with) {
                *place = byte;
            }
            let _ = read(&bytes);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
        ) {
            let _ = read(&bytes);
            let _ = read(&[b"SSH-2.0-x\r\n".as_slice(), &bytes].concat());
        }
    }
}
