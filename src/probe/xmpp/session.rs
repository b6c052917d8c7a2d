//! One visitor's conversation: login, binding, questions, rooms. Keeps a transcript; passwords and tokens never enter it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use tokio::time::Instant;

use crate::probe::marker;
use crate::probe::reach;
use crate::secret::Secret;

use super::answers;
use super::answers::Manner;
use super::entry::read_entry;
use super::entry::read_self_ping;
use super::link::Endpoint;
use super::link::Link;
use super::link::Pass;
use super::link::XmppError;
use super::login;
use super::stanza::Element;
use super::stanza::Refused;
use super::stanza::escape;
use super::stay::Stay;
use super::transcript::Transcript;

/// Sessions are opened no faster than this: Jitsi's rate limit allows three logins a second from one address.
const PACE: Duration = Duration::from_millis(350);

/// Most invitations that are kept.
const INVITATIONS: usize = 4;

/// A room answers our presence, and a service our question, within this, or drops it.
const PRESENCE: Duration = Duration::from_secs(4);

/// What came of a login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Login {
    /// The server let us in.
    Admitted {
        /// The address we were given.
        jid: String,
    },
    /// The server took the login and then gave us no address, with this error. The credential opened the door.
    Unbound(Refused),
    /// The server said no.
    Refused(Refused),
}

/// What came of entering a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// We were in it (status 110, XEP-0045).
    Entered {
        /// Whether the room was made by our entering it (status 201).
        room: Room,
        /// Our affiliation, such as `owner`.
        affiliation: String,
        /// Our role, such as `moderator`.
        role: String,
    },
    /// The room sent us to its lobby to wait.
    Lobby {
        /// The lobby's address, where the room named it.
        lobby: Option<String>,
    },
    /// The server said no.
    Refused(Refused),
    /// The server dropped the request without a word, as Jitsi's filter of the bridges' room does. Asked by a ping
    /// whether we are in the room (XEP-0410), it said no with this.
    Ignored(Refused),
}

/// Whether a room was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Room {
    /// Made by us.
    Created,
    /// There before.
    Existing,
}

/// How to log in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mechanism<'a> {
    Anonymous,
    Plain { user: &'a str, password: &'a Secret },
}

/// An open stream of one visitor.
#[derive(Debug)]
pub(crate) struct Session {
    link: Link,
    to: String,
    features: Element,
    jid: String,
    counter: u32,
    stay: Stay,
    transcript: Transcript,
    manner: Manner,
    invitations: Vec<Element>,
}

impl Session {
    /// Opens a stream to the XMPP host `to` and reads its features.
    pub(crate) async fn open(endpoint: &Endpoint, to: &str, pass: Option<&Pass>) -> Result<Self, XmppError> {
        tokio::time::sleep(PACE).await;
        if Instant::now() > endpoint.until {
            return Err(XmppError::OutOfTime);
        }
        let shown = match pass {
            Some(_) => "?room=…&token=…",
            None => "",
        };
        let mut session = Self {
            link: Link::open(endpoint, to, pass).await?,
            to: to.to_owned(),
            features: Element::default(),
            jid: String::new(),
            counter: 0,
            stay: Stay::default(),
            transcript: Transcript::default(),
            manner: Manner::Declines,
            invitations: Vec::new(),
        };
        let path = endpoint.transport.path();
        session.transcript.push(&format!(">> open /{path}{shown} to {to}"));
        session.features = session.await_named("features").await?;
        Ok(session)
    }

    /// The SASL mechanisms on offer.
    pub(crate) fn mechanisms(&self) -> Vec<String> {
        self.features
            .child("mechanisms")
            .map(|list| list.named("mechanism").map(|one| one.text.clone()).collect())
            .unwrap_or_default()
    }

    /// Whether the stream offers in-band registration (XEP-0077).
    pub(crate) fn offers_registration(&self) -> bool {
        self.features.child("register").is_some()
    }

    /// What was said since the last time this was asked.
    pub(crate) fn transcript_since(&mut self) -> Vec<String> {
        self.transcript.take()
    }

    /// Logs in and binds a resource.
    pub(crate) async fn log_in(&mut self, how: Mechanism<'_>) -> Result<Login, XmppError> {
        let (name, answer) = match how {
            Mechanism::Anonymous => ("ANONYMOUS", String::new()),
            Mechanism::Plain { user, password } => {
                let plain = zeroize::Zeroizing::new(format!("\0{user}\0{}", password.expose()));
                ("PLAIN", STANDARD.encode(plain.as_bytes()))
            }
        };
        let auth = format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{name}'>{answer}</auth>");
        self.transcript.push(&format!(">> <auth mechanism='{name}'>…</auth>"));
        self.link.send(&auth).await?;
        let deadline = Instant::now() + reach::STEP;
        loop {
            let element = self.next_until(deadline, "a login").await?;
            match element.name.as_str() {
                "success" => break,
                "failure" => return login::read_failure(element.refusal()),
                _ => {}
            }
        }
        let bound = self.bind().await.map_err(login::after_success)?;
        let login = login::read_binding(&bound)?;
        if let Login::Admitted { jid } = &login {
            self.jid.clone_from(jid);
        }
        Ok(login)
    }

    async fn bind(&mut self) -> Result<Element, XmppError> {
        let to = self.to.clone();
        self.link.restart(&to).await?;
        self.features = self.await_named("features").await?;
        self.ask("set", None, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
            .await
    }

    /// Sends an IQ and waits for its result or error.
    pub(crate) async fn ask(&mut self, kind: &str, to: Option<&str>, content: &str) -> Result<Element, XmppError> {
        let question = self.put(kind, to, content).await?;
        self.answer(&[&question], Instant::now() + reach::STEP).await
    }

    /// The same where the question may be dropped without a word, as Jitsi's lobby drops most: `None` where nothing came,
    /// and the server answered a ping that was sent after it.
    pub(crate) async fn ask_or_dropped(
        &mut self,
        kind: &str,
        to: Option<&str>,
        content: &str,
    ) -> Result<Option<Element>, XmppError> {
        let question = self.put(kind, to, content).await?;
        match self.answer(&[&question], Instant::now() + PRESENCE).await {
            Err(XmppError::Silent(_)) => {}
            answer => return answer.map(Some),
        }
        let ping = self.put("get", None, "<ping xmlns='urn:xmpp:ping'/>").await?;
        let answer = self.answer(&[&question, &ping], Instant::now() + reach::STEP).await?;
        Ok(Some(answer).filter(|answer| answer.attribute("id") == Some(question.as_str())))
    }

    /// Sends an IQ; its number.
    async fn put(&mut self, kind: &str, to: Option<&str>, content: &str) -> Result<String, XmppError> {
        self.counter += 1;
        let id = format!("p{}", self.counter);
        let addressed = to.map(|to| format!(" to='{}'", escape(to))).unwrap_or_default();
        self.send(&format!(
            "<iq xmlns='jabber:client' type='{kind}' id='{id}'{addressed}>{content}</iq>"
        ))
        .await?;
        Ok(id)
    }

    /// The first answer to one of some questions.
    async fn answer(&mut self, questions: &[&str], deadline: Instant) -> Result<Element, XmppError> {
        loop {
            let element = self.next_until(deadline, "a question").await?;
            let answers = matches!(element.attribute("type"), Some("result" | "error"));
            let known = element.attribute("id").is_some_and(|id| questions.contains(&id));
            if element.name == "iq" && answers && known {
                return Ok(element);
            }
        }
    }

    /// The address we were given at the login; empty before.
    pub(crate) fn jid(&self) -> &str {
        &self.jid
    }

    /// The same without the resource.
    pub(crate) fn bare_jid(&self) -> &str {
        self.jid.split('/').next().unwrap_or_default()
    }

    /// The nick that we enter rooms with.
    pub(crate) fn nick(&self) -> String {
        nick(&self.jid)
    }

    /// Tries to enter a room, and leaves it again only when `leave` is called.
    pub(crate) async fn enter(&mut self, room: &str) -> Result<Entry, XmppError> {
        self.enter_with(room, "").await
    }

    /// The same with more elements in the presence, such as a name for the lobby.
    pub(crate) async fn enter_with(&mut self, room: &str, more: &str) -> Result<Entry, XmppError> {
        let place = format!("{room}/{}", nick(&self.jid));
        self.send(&format!(
            "<presence xmlns='jabber:client' to='{}'><x xmlns='http://jabber.org/protocol/muc'/>\
             <nick xmlns='http://jabber.org/protocol/nick'>{}</nick>{more}</presence>",
            escape(&place),
            escape(marker())
        ))
        .await?;
        self.stay = Stay::at(&place);
        let deadline = Instant::now() + PRESENCE;
        loop {
            match self.next_until(deadline, "entering a room").await {
                Ok(element) => {
                    if let Some(entry) = read_entry(&element, room) {
                        return Ok(entry);
                    }
                }
                Err(XmppError::Silent(_)) => break,
                Err(error) => return Err(error),
            }
        }
        let ping = self.ask("get", Some(&place), "<ping xmlns='urn:xmpp:ping'/>").await?;
        read_self_ping(&ping)
    }

    /// The nicks of those who are in the room that was entered last.
    pub(crate) fn met(&self) -> impl Iterator<Item = &str> {
        self.stay.others()
    }

    /// Whether we are an owner of the room that was entered last, or become one within this time.
    pub(crate) async fn becomes_owner(&mut self, patience: Duration) -> Result<bool, XmppError> {
        let deadline = Instant::now() + patience;
        while !self.stay.is_owner() {
            match self.next_until(deadline, "becoming an owner").await {
                Ok(_) => {}
                Err(XmppError::Silent(_)) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(self.stay.is_owner())
    }

    /// Leaves a room that was entered.
    pub(crate) async fn leave(&mut self, room: &str) -> Result<(), XmppError> {
        let place = format!("{room}/{}", nick(&self.jid));
        self.send(&format!(
            "<presence xmlns='jabber:client' type='unavailable' to='{}'/>",
            escape(&place)
        ))
        .await?;
        let deadline = Instant::now() + reach::STEP;
        loop {
            let element = self.next_until(deadline, "leaving a room").await?;
            let from = element.attribute("from").unwrap_or_default();
            let gone = element.name == "presence" && element.attribute("type") == Some("unavailable");
            if gone && from.eq_ignore_ascii_case(&place) {
                return Ok(());
            }
        }
    }

    /// From now on, invitations to calls are taken.
    pub(crate) fn take_calls(&mut self) {
        self.manner = Manner::TakesCalls;
    }

    /// The first invitation to a call, which may have come long ago.
    pub(crate) async fn invitation(&mut self, deadline: Instant) -> Result<Element, XmppError> {
        while self.invitations.is_empty() {
            self.next_until(deadline, "waiting for an invitation to a call").await?;
        }
        Ok(self.invitations.remove(0))
    }

    /// Ends the conversation and hands the transcript over.
    pub(crate) async fn close(mut self) -> Vec<String> {
        self.link.close().await;
        self.transcript.take()
    }

    /// Sends something that is not answered.
    pub(crate) async fn send(&mut self, xml: &str) -> Result<(), XmppError> {
        self.transcript.push(&format!(">> {xml}"));
        self.link.send(xml).await
    }

    async fn await_named(&mut self, name: &str) -> Result<Element, XmppError> {
        let deadline = Instant::now() + reach::STEP;
        loop {
            let element = self.next_until(deadline, "the opening of a stream").await?;
            if element.name == name {
                return Ok(element);
            }
        }
    }

    /// The next element before the deadline. Questions put to us are answered on the way: the focus waits for them.
    async fn next_until(&mut self, deadline: Instant, question: &str) -> Result<Element, XmppError> {
        // A server that never stops talking would always be read before the time is looked at.
        let next = match Instant::now() < deadline {
            true => self.link.next(deadline).await?,
            false => None,
        };
        let Some(element) = next else {
            return Err(XmppError::Silent(question.to_owned()));
        };
        self.transcript.push(&format!("<< {}", element.shown()));
        self.stay.note(&element);
        if element.name == "iq" && matches!(element.attribute("type"), Some("get" | "set")) {
            self.send(&answers::answer_to(&element, self.manner)).await?;
            if self.manner == Manner::TakesCalls && answers::invites(&element) && self.invitations.len() < INVITATIONS {
                self.invitations.push(element.clone());
            }
        }
        Ok(element)
    }
}

/// Jitsi wants the first eight characters of the local part, letters and digits only, as the nick.
fn nick(jid: &str) -> String {
    let local = jid.split('@').next().unwrap_or_default();
    let nick: String = local.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    if nick.is_empty() { "probe".to_owned() } else { nick }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nick_is_what_jitsi_accepts() {
        assert_eq!(nick("9-jkl5ju_abcdef@guest.d/x"), "9jkl5jua");
        assert_eq!(nick("6ba7b810-9dad-11d1@d"), "6ba7b810");
        assert_eq!(nick("---@d"), "probe");
    }
}
