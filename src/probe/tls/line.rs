//! One hello to one listener, and what it brought. Bounded in time and size; knows how to get to TLS where a listener speaks
//! something else first.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::probe::reach;

use super::flight;
use super::flight::Answer;
use super::flight::Flight;
use super::hello::Hello;
use super::hello::Version;
use super::starttls;
use super::suite::Suite;

/// Most bytes of a server's first flight that are read; a chain of certificates is a few thousand.
const FLIGHT: usize = 96 * 1024;

/// Wait for the answer to one hello. A listener answers its own versions within a round trip or two.
pub(crate) const SILENCE: Duration = Duration::from_secs(4);

/// Wait for more of a flight after each part of it, where only a prime is still wanted.
const PRIME: Duration = Duration::from_millis(500);

/// Most connections to one listener at a time.
const AT_ONCE: usize = 32;

/// The type of the record that a ServerHello comes in.
const HANDSHAKE: u8 = 22;

/// What a listener speaks before TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Entrance {
    /// Nothing: TLS from the first byte.
    Direct,
    /// XMPP for clients, and STARTTLS in it (RFC 6120 5).
    Xmpp,
}

/// A listener and the way to it.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) name: &'a str,
    pub(crate) entrance: Entrance,
    /// The name in hellos; `None` for a client that names no host.
    pub(crate) named: Option<&'a str>,
    slots: Semaphore,
}

/// How much of an answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The ServerHello, or what came in its place.
    Hello,
    /// The ServerHello, and the prime where its suite has one and it comes soon.
    Prime,
    /// The whole first flight.
    Flight,
}

impl Until {
    /// Whether there is more to wait for.
    fn satisfied(self, flight: &Flight) -> bool {
        let enough = match self {
            Self::Hello => true,
            Self::Prime => flight.exchange.is_some() || !flight.has_prime(),
            Self::Flight => false,
        };
        flight.answer.is_some() && (flight.done || enough)
    }
}

/// What one hello brought, before it is known whether the listener is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Echo {
    Answer(Flight),
    HungUp,
    /// Connected, and then not a byte within the wait.
    Silence,
    Nothing(String),
}

impl Echo {
    /// The first words.
    pub(crate) fn answer(&self) -> Option<Answer> {
        match self {
            Self::Answer(flight) => flight.answer,
            _ => None,
        }
    }

    /// In words, for a transcript.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Answer(flight) => match flight.answer {
                Some(Answer::Hello { version, suite }) => {
                    let version = version.map_or("an unknown version", Version::name);
                    format!("ServerHello: {version}, {}", Suite(suite).name())
                }
                Some(Answer::Alert(code)) => format!("alert {code}"),
                Some(Answer::Foreign) | None => "bytes that are not TLS".to_owned(),
            },
            Self::HungUp => "connection closed".to_owned(),
            Self::Silence => format!("no answer within {} s, twice", SILENCE.as_secs()),
            Self::Nothing(why) => why.clone(),
        }
    }
}

impl<'a> Line<'a> {
    pub(crate) fn new(address: SocketAddr, name: &'a str, entrance: Entrance) -> Self {
        Self {
            address,
            name,
            entrance,
            named: Some(name),
            slots: Semaphore::new(AT_ONCE),
        }
    }

    /// The same listener for a client that names no host.
    pub(crate) fn without_name(&self) -> Self {
        Self {
            named: None,
            ..Self::new(self.address, self.name, self.entrance)
        }
    }

    /// Sends one hello; a silent server is asked once more.
    pub(crate) async fn ask(&self, hello: &Hello<'_>, until: Until) -> Echo {
        match self.ask_once(hello, until).await {
            Echo::Nothing(_) | Echo::Silence => self.ask_once(hello, until).await,
            echo => echo,
        }
    }

    /// Sends one hello.
    pub(crate) async fn ask_once(&self, hello: &Hello<'_>, until: Until) -> Echo {
        let Ok(_slot) = self.slots.acquire().await else {
            return Echo::Nothing("the look was given up".to_owned());
        };
        let mut random = [0; 64];
        if let Err(error) = getrandom::fill(&mut random) {
            return Echo::Nothing(format!("this computer gave no random bytes: {error}"));
        }
        let mut stream = match self.open().await {
            Ok(stream) => stream,
            Err(why) => return Echo::Nothing(why),
        };
        talk(&mut stream, &hello.bytes(&random), until).await
    }

    /// A connection on which TLS may begin.
    pub(crate) async fn open(&self) -> Result<TcpStream, String> {
        let mut stream = reach::connect(self.address, reach::CONNECT)
            .await
            .map_err(|error| error.to_string())?;
        match self.entrance {
            Entrance::Direct => {}
            Entrance::Xmpp => starttls::upgrade(&mut stream, self.name).await?,
        }
        Ok(stream)
    }
}

async fn talk(stream: &mut TcpStream, hello: &[u8], until: Until) -> Echo {
    let mut heard = Vec::new();
    let mut flight = Flight::default();
    let listen = async {
        if stream.write_all(hello).await.is_err() {
            return Some(Echo::Nothing(
                "the connection broke before the hello was sent".to_owned(),
            ));
        }
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let more = stream.read(&mut buffer);
            let more = match until == Until::Prime && flight.answer.is_some() {
                true => timeout(PRIME, more).await.unwrap_or(Ok(0)),
                false => more.await,
            };
            match more {
                Ok(0) | Err(_) if flight.answer.is_some() => return None,
                // Who begins to say yes has not said no.
                Ok(0) | Err(_) if heard.first() == Some(&HANDSHAKE) => {
                    return Some(Echo::Nothing(
                        "the server hung up in the middle of its hello".to_owned(),
                    ));
                }
                Ok(0) | Err(_) => return Some(Echo::HungUp),
                Ok(count) => heard.extend_from_slice(&buffer[..count]),
            }
            flight = flight::read(&heard);
            if until.satisfied(&flight) {
                return None;
            }
            if heard.len() > FLIGHT {
                flight.answer.get_or_insert(Answer::Foreign);
                return None;
            }
        }
    };
    match timeout(SILENCE, listen).await {
        Ok(None) => Echo::Answer(flight),
        // What was said before counts.
        _ if flight.answer.is_some() => Echo::Answer(flight),
        Ok(Some(echo)) => echo,
        Err(_) if heard.is_empty() => Echo::Silence,
        // Who speaks slowly is not silent.
        Err(_) => Echo::Nothing(format!(
            "{} bytes of an answer came within {} s, and not its end",
            heard.len(),
            SILENCE.as_secs()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::hello;
    use super::*;

    /// What a hello brings from a listener that says this and hangs up.
    async fn echo_of(said: &'static [u8]) -> Echo {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(said).await;
        });
        let line = Line::new(address, "t.example.com", Entrance::Direct);
        let hello = Hello::new(Version::Tls12, line.named, hello::usual_suites(Version::Tls12));
        line.ask_once(&hello, Until::Hello).await
    }

    #[tokio::test]
    async fn hanging_up_in_the_middle_of_a_hello_is_no_refusal() {
        assert_eq!(echo_of(b"").await, Echo::HungUp);
        assert_eq!(
            echo_of(b"\x15\x03\x03\x00\x02\x01\x70").await,
            Echo::HungUp,
            "a warning"
        );
        let cut = echo_of(b"\x16\x03\x03\x00\x2a\x02\x00").await;
        assert!(matches!(cut, Echo::Nothing(_)), "{cut:?}");
    }
}
