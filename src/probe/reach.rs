//! Bounded TCP connections that say how they failed: refused, filtered, or something of our own.

use std::io;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Longest wait for a TCP connection.
pub(crate) const CONNECT: Duration = Duration::from_secs(4);

/// Longest wait for one step of a conversation.
pub(crate) const STEP: Duration = Duration::from_secs(15);

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReachError {
    /// The host answered that nothing listens (RST).
    #[error("{0} refused the connection: nothing listens there")]
    Refused(SocketAddr),
    /// No answer, or a router or firewall answered for it.
    #[error("{0} gave no answer: {1}")]
    Filtered(SocketAddr, String),
    /// This computer could not even ask.
    #[error("this computer could not connect to {0}: {1}")]
    Local(SocketAddr, String),
}

/// A UDP socket that hears `peer` only.
pub(crate) async fn udp(peer: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match peer {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(peer).await?;
    Ok(socket)
}

/// A TCP connection to `address` within `patience`.
pub(crate) async fn connect(address: SocketAddr, patience: Duration) -> Result<TcpStream, ReachError> {
    match timeout(patience, TcpStream::connect(address)).await {
        // On one computer a socket can meet itself when the port it was given is the one it asks for.
        Ok(Ok(stream)) if stream.local_addr().ok() == stream.peer_addr().ok() => Err(ReachError::Refused(address)),
        Ok(Ok(stream)) => {
            // Small questions and answers; a failure only costs time.
            let _ = stream.set_nodelay(true);
            Ok(stream)
        }
        Ok(Err(error)) => Err(classify(address, &error)),
        Err(_) => Err(ReachError::Filtered(
            address,
            format!("no answer within {} ms", patience.as_millis()),
        )),
    }
}

fn classify(address: SocketAddr, error: &io::Error) -> ReachError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ReachError::Refused(address),
        io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::ConnectionReset => {
            ReachError::Filtered(address, error.to_string())
        }
        _ => ReachError::Local(address, error.to_string()),
    }
}
