//! XMPP over BOSH (XEP-0124, XEP-0206): elements wrapped in HTTP requests, one in flight.

use std::collections::VecDeque;

use reqwest::Client;
use tokio::time::Instant;
use tokio::time::timeout;

use crate::probe::reach;
use crate::probe::web;

use super::link::Endpoint;
use super::link::MESSAGE;
use super::link::Pass;
use super::link::XmppError;
use super::stanza::Element;
use super::stanza::Refused;
use super::stanza::escape;

/// Seconds the server may hold a request that it has nothing to say to. Short, since one is never given up.
const WAIT: u32 = 2;

/// An open BOSH session.
#[derive(Debug)]
pub(crate) struct Bosh {
    client: Client,
    url: String,
    to: String,
    session: String,
    request: u64,
    waiting: VecDeque<Element>,
}

impl Bosh {
    pub(crate) async fn open(endpoint: &Endpoint, to: &str, pass: Option<&Pass>) -> Result<Self, XmppError> {
        let client = web::client(&endpoint.domain, endpoint.address, &endpoint.tls).map_err(XmppError::Broken)?;
        let mut link = Self {
            client,
            url: format!("https://{}{}", endpoint.authority(), endpoint.path(pass)),
            to: to.to_owned(),
            session: String::new(),
            request: first_request()?,
            waiting: VecDeque::new(),
        };
        let extra = format!(
            "to='{}' xml:lang='en' wait='{WAIT}' hold='1' ver='1.6' content='text/xml; charset=utf-8' \
             xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'",
            escape(to)
        );
        let body = link.post(&extra, "").await?;
        link.session = match body.attribute("sid") {
            Some(sid) => sid.to_owned(),
            None => {
                return Err(XmppError::Unexpected {
                    question: "the first BOSH request".to_owned(),
                    answer: body.shown().chars().take(200).collect(),
                });
            }
        };
        link.take(body)?;
        Ok(link)
    }

    pub(crate) async fn restart(&mut self, to: &str) -> Result<(), XmppError> {
        let extra = format!("to='{}' xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh'", escape(to));
        let body = self.post(&extra, "").await?;
        self.take(body)
    }

    pub(crate) async fn send(&mut self, xml: &str) -> Result<(), XmppError> {
        let body = self.post("", xml).await?;
        self.take(body)
    }

    pub(crate) async fn next(&mut self, deadline: Instant) -> Result<Option<Element>, XmppError> {
        loop {
            if let Some(element) = self.waiting.pop_front() {
                return Ok(Some(element));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            let body = self.post("", "").await?;
            self.take(body)?;
        }
    }

    /// Without this the occupant would stay for a minute (measured).
    pub(crate) async fn close(&mut self) {
        let _ = self.post("type='terminate'", "").await;
    }

    /// Keeps the elements of a body, or ends with the body's reason.
    fn take(&mut self, body: Element) -> Result<(), XmppError> {
        let condition = body.attribute("condition").map(str::to_owned);
        let ended = body.attribute("type") == Some("terminate");
        let stream_error = body
            .children
            .iter()
            .find(|child| child.name == "error" && child.namespace == "http://etherx.jabber.org/streams")
            .map(Element::refusal);
        self.waiting
            .extend(body.children.into_iter().filter(|child| child.name != "error"));
        if ended {
            return Err(match (stream_error, condition) {
                (Some(Refused { condition, text }), _) => XmppError::Ended { condition, text },
                (None, Some(condition)) => XmppError::Ended { condition, text: None },
                (None, None) => XmppError::ended(),
            });
        }
        Ok(())
    }

    async fn post(&mut self, attributes: &str, content: &str) -> Result<Element, XmppError> {
        self.request += 1;
        let session = if self.session.is_empty() {
            String::new()
        } else {
            format!(" sid='{}'", escape(&self.session))
        };
        let body = format!(
            "<body xmlns='http://jabber.org/protocol/httpbind' rid='{}'{session} {attributes}>{content}</body>",
            self.request
        );
        let exchange = async {
            let mut response = self
                .client
                .post(&self.url)
                .header("content-type", "text/xml; charset=utf-8")
                .body(body)
                .send()
                .await?;
            let status = response.status().as_u16();
            let mut bytes = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > MESSAGE {
                    break;
                }
            }
            Ok::<_, reqwest::Error>((status, bytes))
        };
        let (status, bytes) = match timeout(reach::STEP, exchange).await {
            // The address holds the token, so it is left out of the error.
            Ok(outcome) => outcome.map_err(|error| XmppError::Broken(web::chain_of(&error.without_url())))?,
            Err(_) => return Err(XmppError::Silent(format!("a BOSH request to {}", self.to))),
        };
        if status != 200 {
            return Err(XmppError::Http {
                path: "/http-bind".to_owned(),
                status,
            });
        }
        let text = String::from_utf8_lossy(&bytes);
        let body = Element::parse(&text).map_err(|error| XmppError::Broken(error.to_string()))?;
        if body.name == "body" {
            return Ok(body);
        }
        Err(XmppError::Unexpected {
            question: "a BOSH request".to_owned(),
            answer: body.shown().chars().take(200).collect(),
        })
    }
}

/// An unguessable number with room to count up (XEP-0124 14.1 keeps it below 2^53).
fn first_request() -> Result<u64, XmppError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| XmppError::Broken(error.to_string()))?;
    Ok(u64::from_le_bytes(bytes) >> 12)
}
