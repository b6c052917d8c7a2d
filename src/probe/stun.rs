//! Asks UDP ports by a STUN binding request (RFC 8489). Silence proves nothing: a healthy video bridge answers no
//! stranger, so it looks like a firewall that drops.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::sighting::Sighting;
use super::sighting::Vantage;

/// RFC 8489 5.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// The request is sent this often, since UDP may lose it.
const TRIES: u32 = 3;

/// Wait for an answer to each try.
const PATIENCE: Duration = Duration::from_millis(700);

/// What a UDP port made of a binding request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UdpAnswer {
    /// A STUN response to our request.
    Stun {
        /// Message type: 0x0101 is success, 0x0111 an error.
        kind: u16,
        /// The SOFTWARE attribute, when the server names itself.
        software: Option<String>,
    },
    /// Some other datagram.
    Other {
        /// Its length in bytes.
        length: usize,
    },
    /// The host says that nothing listens (ICMP port unreachable).
    Closed,
    /// Nothing came back, so the port is open or filtered.
    Silent,
}

/// Asks the UDP port at `address`.
pub(crate) async fn look(address: SocketAddr, name: &str) -> Sighting<UdpAnswer> {
    let vantage = Vantage::now(format!("udp://{name}:{}", address.port()), Some(address));
    let outcome = ask(address).await;
    let line = match &outcome {
        Ok(answer) => format!(">> STUN binding request; << {answer:?}"),
        Err(error) => format!(">> STUN binding request; << {error}"),
    };
    let result = outcome.map_err(|error| format!("this computer could not ask {address}: {error}"));
    vantage.saw(vec![line], result.into())
}

async fn ask(address: SocketAddr) -> io::Result<UdpAnswer> {
    let any: SocketAddr = if address.is_ipv4() {
        (std::net::Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(address).await?;
    let mut transaction = [0; 12];
    getrandom::fill(&mut transaction).map_err(|error| io::Error::other(error.to_string()))?;
    let request = binding_request(&transaction);
    let mut buffer = [0; 1500];
    for _ in 0..TRIES {
        match socket.send(&request).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(UdpAnswer::Closed),
            sent => sent?,
        };
        match timeout(PATIENCE, socket.recv(&mut buffer)).await {
            Ok(Ok(length)) => return Ok(read(&buffer[..length], &transaction)),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(UdpAnswer::Closed),
            Ok(Err(error)) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(UdpAnswer::Silent)
}

fn binding_request(transaction: &[u8; 12]) -> Vec<u8> {
    let mut request = vec![0, 1, 0, 0];
    request.extend(COOKIE);
    request.extend(transaction);
    request
}

fn read(datagram: &[u8], transaction: &[u8; 12]) -> UdpAnswer {
    let other = UdpAnswer::Other { length: datagram.len() };
    let Some((header, attributes)) = datagram.split_at_checked(20) else {
        return other;
    };
    if header[4..8] != COOKIE || header[8..20] != transaction[..] {
        return other;
    }
    UdpAnswer::Stun {
        kind: u16::from_be_bytes([header[0], header[1]]),
        software: software(attributes),
    }
}

/// The SOFTWARE attribute (0x8022) of a message.
fn software(mut attributes: &[u8]) -> Option<String> {
    while let [k1, k2, l1, l2, rest @ ..] = attributes {
        let length = usize::from(u16::from_be_bytes([*l1, *l2]));
        let value = rest.get(..length)?;
        if [*k1, *k2] == [0x80, 0x22] {
            return Some(String::from_utf8_lossy(value).into_owned());
        }
        attributes = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seen::Seen;

    #[test]
    fn only_the_answer_to_our_own_request_counts_as_stun() {
        let ours = [5; 12];
        let mut answer = vec![1, 1, 0, 12];
        answer.extend(COOKIE);
        answer.extend(ours);
        answer.extend([0x80, 0x22, 0, 6]);
        answer.extend(b"Coturn\0\0");
        let expected = UdpAnswer::Stun {
            kind: 0x0101,
            software: Some("Coturn".to_owned()),
        };
        assert_eq!(read(&answer, &ours), expected);
        assert_eq!(read(&answer, &[6; 12]), UdpAnswer::Other { length: 32 });
        assert_eq!(read(b"x", &ours), UdpAnswer::Other { length: 1 });
    }

    #[tokio::test]
    async fn a_silent_socket_is_silent_and_a_missing_one_is_closed() {
        let quiet = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let seen = look(quiet.local_addr().unwrap(), "a.example").await;
        assert_eq!(seen.result, Seen::Known(UdpAnswer::Silent));
        let gone = quiet.local_addr().unwrap();
        drop(quiet);
        assert_eq!(look(gone, "a.example").await.result, Seen::Known(UdpAnswer::Closed));
    }
}
