//! A stream of XMPP elements over one of the two public endpoints of a Jitsi site. Knows framing, not meaning.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use serde::Serialize;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::probe::reach;
use crate::probe::trust::TlsError;
use crate::secret::Secret;

use super::bosh::Bosh;
use super::hosts::Hosts;
use super::stanza::Element;
use super::websocket::WebSocket;

/// Largest message that is read.
pub(crate) const MESSAGE: usize = 256 * 1024;

/// How a client speaks XMPP through the web server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// `/xmpp-websocket` (RFC 7395).
    WebSocket,
    /// `/http-bind` (XEP-0124, XEP-0206).
    Bosh,
}

impl Transport {
    /// Both.
    pub const ALL: [Self; 2] = [Self::WebSocket, Self::Bosh];

    /// The path of the endpoint.
    pub fn path(self) -> &'static str {
        match self {
            Self::WebSocket => "xmpp-websocket",
            Self::Bosh => "http-bind",
        }
    }
}

/// One public XMPP endpoint, and the TLS terms on which it is spoken to.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// The name that the web server goes by.
    pub(crate) domain: String,
    /// What the hosts of XMPP behind it are called.
    pub(crate) hosts: Hosts,
    pub(crate) address: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) tls: Arc<ClientConfig>,
    /// When no further conversation is begun, so that a server that answers nothing cannot hold the whole look up.
    pub(crate) until: Instant,
}

impl Endpoint {
    /// `domain` or `domain:port`.
    pub(crate) fn authority(&self) -> String {
        match self.address.port() {
            443 => self.domain.clone(),
            port => format!("{}:{port}", self.domain),
        }
    }

    /// Path and query; a token goes where the client puts it, into the query.
    pub(crate) fn path(&self, entry: Option<&Pass>) -> String {
        let path = self.transport.path();
        match entry {
            Some(Pass { room, token }) => format!("/{path}?room={room}&token={}", token.expose()),
            None => format!("/{path}"),
        }
    }
}

/// A token and the room it is shown for.
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    pub(crate) room: String,
    pub(crate) token: Secret,
}

/// Why a conversation ended without an answer.
#[derive(Debug, thiserror::Error)]
pub enum XmppError {
    /// No TLS connection.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The web server does not lead to XMPP.
    #[error("{path} was answered with HTTP status {status}")]
    Http {
        /// Path without query.
        path: String,
        /// Status code.
        status: u16,
    },
    /// The connection broke or spoke another protocol.
    #[error("the XMPP connection broke: {0}")]
    Broken(String),
    /// The server ended the stream and said why.
    #[error("the server ended the stream: {condition}{}", said(.text))]
    Ended {
        /// The condition (RFC 6120 4.9.3), or what BOSH gave (XEP-0124 17.2).
        condition: String,
        /// The server's own words.
        text: Option<String>,
    },
    /// No answer in time.
    #[error("no answer to {0} within {secs} s", secs = reach::STEP.as_secs())]
    Silent(String),
    /// Earlier conversations took so long that this one was not begun.
    #[error("there was no time left for it: the server was slow to answer what was asked before")]
    OutOfTime,
    /// An answer that does not fit the question.
    #[error("the server answered {question} by {answer}")]
    Unexpected {
        /// What was asked.
        question: String,
        /// What came, shortened.
        answer: String,
    },
}

impl XmppError {
    /// A stream that ended without a word.
    pub(crate) fn ended() -> Self {
        Self::Ended {
            condition: "without a reason".to_owned(),
            text: None,
        }
    }
}

pub(super) fn said(text: &Option<String>) -> String {
    text.as_ref().map(|text| format!(" ({text})")).unwrap_or_default()
}

/// An open stream.
#[derive(Debug)]
pub(crate) enum Link {
    WebSocket(Box<WebSocket>),
    Bosh(Box<Bosh>),
}

impl Link {
    /// Opens a stream to the XMPP host `to`; the first elements that come are its features.
    pub(crate) async fn open(endpoint: &Endpoint, to: &str, pass: Option<&Pass>) -> Result<Self, XmppError> {
        match endpoint.transport {
            Transport::WebSocket => Ok(Self::WebSocket(Box::new(WebSocket::open(endpoint, to, pass).await?))),
            Transport::Bosh => Ok(Self::Bosh(Box::new(Bosh::open(endpoint, to, pass).await?))),
        }
    }

    /// Opens the stream again, as is done after a login.
    pub(crate) async fn restart(&mut self, to: &str) -> Result<(), XmppError> {
        match self {
            Self::WebSocket(link) => link.start(to).await,
            Self::Bosh(link) => link.restart(to).await,
        }
    }

    /// Sends one element.
    pub(crate) async fn send(&mut self, xml: &str) -> Result<(), XmppError> {
        match self {
            Self::WebSocket(link) => link.send(xml).await,
            Self::Bosh(link) => link.send(xml).await,
        }
    }

    /// The next element, or `None` where none came before the deadline. A BOSH request that is under way is waited for,
    /// since what it brings would be lost.
    pub(crate) async fn next(&mut self, deadline: Instant) -> Result<Option<Element>, XmppError> {
        match self {
            Self::WebSocket(link) => match timeout_at(deadline, link.next()).await {
                Ok(element) => element.map(Some),
                Err(_) => Ok(None),
            },
            Self::Bosh(link) => link.next(deadline).await,
        }
    }

    /// Ends the stream in good order, so that no ghost stays in a room.
    pub(crate) async fn close(&mut self) {
        let goodbye = async {
            match self {
                Self::WebSocket(link) => link.close().await,
                Self::Bosh(link) => link.close().await,
            }
        };
        // A server that does not say goodbye drops the session by itself after a while.
        let _ = tokio::time::timeout(reach::CONNECT, goodbye).await;
    }
}
