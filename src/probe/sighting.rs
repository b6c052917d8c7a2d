//! `Sighting`: one outside observation with where it was made from, when, and what was sent and seen.
//! It knows no protocol and judges nothing.

use std::net::IpAddr;
use std::net::SocketAddr;

use jiff::Timestamp;
use serde::Serialize;

use crate::seen::Seen;

/// Longest kept line of a transcript, in characters; longer ones end in an ellipsis.
const LINE: usize = 400;

/// Most lines kept of one transcript.
const LINES: usize = 60;

/// One observation of a server from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sighting<T> {
    /// What was looked at, such as `tcp://telemed.example.com:443`.
    pub subject: String,
    /// When the look began.
    pub at: Timestamp,
    /// The local address the look was made from, where known: an admin's address sees ports that a stranger's does not.
    pub from: Option<IpAddr>,
    /// The address that was spoken to.
    pub to: Option<SocketAddr>,
    /// What was sent (`>>`) and seen (`<<`), shortened, passwords and tokens masked.
    pub transcript: Vec<String>,
    /// What was seen, or why nothing was.
    pub result: Seen<T>,
}

impl<T> Sighting<T> {
    /// The observed value, or the reason why there is none.
    ///
    /// # Errors
    /// With the reason, where the look failed.
    pub fn known(&self) -> Result<&T, &str> {
        self.result.known()
    }
}

/// The circumstances of a look; turns what it brought back into a `Sighting`.
#[derive(Debug, Clone)]
pub(crate) struct Vantage {
    subject: String,
    at: Timestamp,
    to: Option<SocketAddr>,
}

impl Vantage {
    /// A look at `subject` that begins now.
    pub(crate) fn now(subject: impl Into<String>, to: Option<SocketAddr>) -> Self {
        Self {
            subject: subject.into(),
            at: Timestamp::now(),
            to,
        }
    }

    /// The finished observation.
    pub(crate) fn saw<T>(self, transcript: Vec<String>, result: Seen<T>) -> Sighting<T> {
        let transcript = transcript.into_iter().take(LINES).map(|line| shorten(&line)).collect();
        Sighting {
            subject: self.subject,
            at: self.at,
            from: self.to.and_then(|to| local_address(to.ip())),
            to: self.to,
            transcript,
            result,
        }
    }
}

/// The address this computer would use to speak to `to`; connecting a UDP socket sends nothing.
pub(crate) fn local_address(to: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match to {
        IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = std::net::UdpSocket::bind((any, 0)).ok()?;
    socket.connect((to, 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// A line on one line, without control characters, of bounded length.
fn shorten(line: &str) -> String {
    let clean: String = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LINE + 1)
        .collect();
    if clean.chars().count() <= LINE {
        return clean;
    }
    let mut short: String = clean.chars().take(LINE).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transcripts_are_bounded_and_hold_no_control_characters() {
        let long = "x".repeat(LINE * 2);
        let seen =
            Vantage::now("tcp://a.example:1", None).saw(vec!["a\r\nb\u{1b}[31m".to_owned(), long], Seen::Known(1));
        assert_eq!(seen.transcript[0], "a  b [31m");
        assert_eq!(seen.transcript[1].chars().count(), LINE + 1);
    }

    #[test]
    fn the_vantage_of_a_loopback_look_is_loopback() {
        let loopback: IpAddr = std::net::Ipv4Addr::LOCALHOST.into();
        assert_eq!(local_address(loopback), Some(loopback));
    }
}
