//! Asks UDP ports by a STUN binding request (RFC 8489). Silence proves nothing: a healthy video bridge answers no
//! stranger, so it looks like a firewall that drops.

pub(crate) mod message;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

use super::reach;
use super::sighting::Sighting;
use super::sighting::Vantage;

use message::Class;
use message::Draft;
use message::Kind;
use message::Message;
use message::Method;
use message::Transaction;

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
    let socket = reach::udp(address).await?;
    let transaction = message::transaction()?;
    let request = Draft::new(Method::Binding, Class::Request, transaction).bytes();
    let mut buffer = [0; 1500];
    for _ in 0..TRIES {
        match socket.send(&request).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(UdpAnswer::Closed),
            sent => sent?,
        };
        match timeout(PATIENCE, socket.recv(&mut buffer)).await {
            Ok(Ok(length)) => return Ok(read(&buffer[..length], transaction)),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(UdpAnswer::Closed),
            Ok(Err(error)) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(UdpAnswer::Silent)
}

fn read(datagram: &[u8], transaction: Transaction) -> UdpAnswer {
    match Message::read(datagram) {
        Ok(message) if message.transaction == transaction => UdpAnswer::Stun {
            kind: message.number,
            software: message.text(Kind::Software),
        },
        _ => UdpAnswer::Other { length: datagram.len() },
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;

    use super::*;
    use crate::seen::Seen;

    #[test]
    fn only_the_answer_to_our_own_request_counts_as_stun() {
        let ours = [5; 12];
        let answer = Draft::new(Method::Binding, Class::Success, ours)
            .with(Kind::Software, b"Coturn")
            .bytes();
        let expected = UdpAnswer::Stun {
            kind: 0x0101,
            software: Some("Coturn".to_owned()),
        };
        assert_eq!(read(&answer, ours), expected);
        assert_eq!(read(&answer, [6; 12]), UdpAnswer::Other { length: 32 });
        assert_eq!(read(b"x", ours), UdpAnswer::Other { length: 1 });
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
