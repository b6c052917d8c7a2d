//! Messages to and from a relay over UDP, TCP or TLS. Every read is bounded in time and size.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::UdpSocket;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::probe::reach;
use crate::probe::reach::ReachError;
use crate::probe::stun::message::HEADER;
use crate::probe::stun::message::Malformed;
use crate::probe::stun::message::Message;
use crate::probe::trust;
use crate::probe::trust::TlsError;

/// UDP may lose a request, so it is sent this often.
const TRIES: u32 = 3;

/// Wait for an answer to each try by UDP.
const PATIENCE: Duration = Duration::from_millis(700);

/// Most messages that are read while the answer to one request is awaited.
const STRAY: usize = 64;

/// Numbers of channels (RFC 8656 12), and what stands before what is sent over one.
const CHANNELS: RangeInclusive<u16> = 0x4000..=0x4fff;
const CHANNEL_HEADER: usize = 4;

/// How a relay is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// `turn:` over UDP.
    Udp,
    /// `turn:` over TCP.
    Tcp,
    /// `turns:` over TLS.
    Tls,
}

impl Door {
    /// As in a URL.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Udp => "turn+udp",
            Self::Tcp => "turn+tcp",
            Self::Tls => "turns",
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Nobody listens there, as the host or a firewall says.
    #[error("nothing listens there: {0}")]
    Absent(String),
    /// Nothing came back. Says nothing of what listens.
    #[error("no answer, though asked {TRIES} times")]
    Silent,
    /// No answer in time over a connection.
    #[error("no answer within {secs} s", secs = reach::STEP.as_secs())]
    Late,
    /// The connection broke, or could not be made.
    #[error("{0}")]
    Broken(String),
    /// What came back is no TURN.
    #[error("the answer is no TURN: {0}")]
    Foreign(String),
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            return Self::Absent(error.to_string());
        }
        Self::Broken(error.to_string())
    }
}

impl From<Malformed> for WireError {
    fn from(malformed: Malformed) -> Self {
        Self::Foreign(malformed.to_string())
    }
}

impl From<ReachError> for WireError {
    fn from(error: ReachError) -> Self {
        match error {
            ReachError::Refused(_) | ReachError::Filtered(..) => Self::Absent(error.to_string()),
            ReachError::Local(..) => Self::Broken(error.to_string()),
        }
    }
}

impl From<TlsError> for WireError {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::Reach(error) => error.into(),
            other => Self::Broken(other.to_string()),
        }
    }
}

/// A connection's bytes.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

enum Line {
    Datagrams(UdpSocket),
    Stream(Box<dyn Stream>),
}

/// What a relay sends.
pub(crate) enum Heard {
    /// A message of STUN.
    Message(Message),
    /// What a peer said, over this channel (RFC 8656 12.4): so it comes once a channel is bound, whatever the request was sent by.
    Channel(u16),
}

/// A relay at the other end. What answers no request waits in `strays`.
pub(crate) struct Wire {
    line: Line,
    strays: VecDeque<Heard>,
}

impl Wire {
    /// Opens the line; by UDP nothing is sent yet.
    pub(crate) async fn open(door: Door, address: SocketAddr, name: &str) -> Result<Self, WireError> {
        let line = match door {
            Door::Udp => Line::Datagrams(reach::udp(address).await?),
            Door::Tcp => Line::Stream(Box::new(reach::connect(address, reach::CONNECT).await?)),
            Door::Tls => Line::Stream(Box::new(
                trust::handshake(address, name, trust::any_certificate()).await?,
            )),
        };
        Ok(Self {
            line,
            strays: VecDeque::new(),
        })
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Message, WireError> {
        let asked = request.get(8..HEADER).unwrap_or_default().to_vec();
        match &self.line {
            Line::Stream(_) => {
                self.say(request).await?;
                let answer = self.await_answer(&asked, Instant::now() + reach::STEP).await?;
                answer.ok_or(WireError::Late)
            }
            Line::Datagrams(_) => {
                for _ in 0..TRIES {
                    self.say(request).await?;
                    if let Some(answer) = self.await_answer(&asked, Instant::now() + PATIENCE).await? {
                        return Ok(answer);
                    }
                }
                Err(WireError::Silent)
            }
        }
    }

    /// Sends what has no answer.
    pub(crate) async fn say(&mut self, message: &[u8]) -> Result<(), WireError> {
        match &mut self.line {
            Line::Datagrams(socket) => socket.send(message).await.map(drop)?,
            Line::Stream(stream) => {
                stream.write_all(message).await?;
                stream.flush().await?;
            }
        }
        Ok(())
    }

    /// The next that answers nothing we asked, or `None` where nothing comes before the deadline.
    pub(crate) async fn overhear(&mut self, deadline: Instant) -> Result<Option<Heard>, WireError> {
        match self.strays.pop_front() {
            Some(stray) => Ok(Some(stray)),
            None => self.next(deadline).await,
        }
    }

    async fn await_answer(&mut self, transaction: &[u8], deadline: Instant) -> Result<Option<Message>, WireError> {
        for _ in 0..STRAY {
            match self.next(deadline).await? {
                None => return Ok(None),
                // Requests have neither bit of the answers' class.
                Some(Heard::Message(message))
                    if message.transaction[..] == *transaction && message.number & 0x100 != 0 =>
                {
                    return Ok(Some(message));
                }
                Some(stray) if self.strays.len() < STRAY => self.strays.push_back(stray),
                Some(_) => {}
            }
        }
        Err(WireError::Foreign("it talks and does not answer".to_owned()))
    }

    async fn next(&mut self, deadline: Instant) -> Result<Option<Heard>, WireError> {
        match &mut self.line {
            Line::Datagrams(socket) => {
                let mut buffer = [0; 2048];
                match timeout_at(deadline, socket.recv(&mut buffer)).await {
                    Err(_) => Ok(None),
                    Ok(length) => {
                        let datagram = &buffer[..length?];
                        match channel(datagram) {
                            Some((number, _)) => Ok(Some(Heard::Channel(number))),
                            None => Ok(Some(Heard::Message(Message::read(datagram)?))),
                        }
                    }
                }
            }
            Line::Stream(stream) => match timeout_at(deadline, one_of(stream)).await {
                Err(_) => Ok(None),
                Ok(message) => message.map(Some),
            },
        }
    }
}

async fn one_of(stream: &mut Box<dyn Stream>) -> Result<Heard, WireError> {
    let mut bytes = vec![0; CHANNEL_HEADER];
    stream.read_exact(&mut bytes).await?;
    if let Some((number, length)) = channel(&bytes) {
        // Over a stream it is padded (RFC 8656 12.5).
        bytes.resize(CHANNEL_HEADER + length.next_multiple_of(4), 0);
        stream.read_exact(&mut bytes[CHANNEL_HEADER..]).await?;
        return Ok(Heard::Channel(number));
    }
    bytes.resize(HEADER, 0);
    stream.read_exact(&mut bytes[CHANNEL_HEADER..]).await?;
    let head: &[u8; HEADER] = bytes.first_chunk().ok_or(Malformed::NotStun)?;
    bytes.resize(HEADER + Message::length(head)?, 0);
    stream.read_exact(&mut bytes[HEADER..]).await?;
    Ok(Heard::Message(Message::read(&bytes)?))
}

/// Number and length of ChannelData, whose first two bits tell it from STUN.
fn channel(bytes: &[u8]) -> Option<(u16, usize)> {
    let [a, b, c, d] = *bytes.first_chunk()?;
    let number = u16::from_be_bytes([a, b]);
    CHANNELS
        .contains(&number)
        .then(|| (number, u16::from_be_bytes([c, d]).into()))
}
