//! One visitor's conversation: login, binding, questions, rooms. Keeps a transcript; passwords and tokens never enter it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use tokio::time::Instant;

use crate::probe::reach;
use crate::secret::Secret;

use super::link::Endpoint;
use super::link::Link;
use super::link::Pass;
use super::link::XmppError;
use super::stanza::Element;
use super::stanza::Refused;
use super::stanza::escape;

/// Sessions are opened no faster than this: Jitsi's rate limit allows three logins a second from one address.
const PACE: Duration = Duration::from_millis(350);

/// A room answers our presence within this, or drops it.
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
    transcript: Vec<String>,
}

impl Session {
    /// Opens a stream to the XMPP host `to` and reads its features.
    pub(crate) async fn open(endpoint: &Endpoint, to: &str, pass: Option<&Pass>) -> Result<Self, XmppError> {
        tokio::time::sleep(PACE).await;
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
            transcript: vec![format!(">> open /{}{shown} to {to}", endpoint.transport.path())],
        };
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
        std::mem::take(&mut self.transcript)
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
        self.transcript.push(format!(">> <auth mechanism='{name}'>…</auth>"));
        self.link.send(&auth).await?;
        let deadline = Instant::now() + reach::STEP;
        loop {
            let element = self.next_until(deadline, "a login").await?;
            match element.name.as_str() {
                "success" => break,
                "failure" => return Ok(Login::Refused(element.refusal())),
                _ => {}
            }
        }
        let to = self.to.clone();
        self.link.restart(&to).await?;
        self.features = self.await_named("features").await?;
        let bound = self
            .ask("set", None, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
            .await?;
        if bound.attribute("type") == Some("error") {
            return Ok(Login::Refused(bound.refusal()));
        }
        let jid = bound
            .child("bind")
            .and_then(|bind| bind.child("jid"))
            .map(|jid| jid.text.clone());
        match jid {
            Some(jid) => {
                self.jid.clone_from(&jid);
                Ok(Login::Admitted { jid })
            }
            None => Err(XmppError::Unexpected {
                question: "a resource binding".to_owned(),
                answer: bound.shown().chars().take(200).collect(),
            }),
        }
    }

    /// Sends an IQ and waits for its result or error.
    pub(crate) async fn ask(&mut self, kind: &str, to: Option<&str>, content: &str) -> Result<Element, XmppError> {
        self.counter += 1;
        let id = format!("p{}", self.counter);
        let addressed = to.map(|to| format!(" to='{}'", escape(to))).unwrap_or_default();
        self.send(&format!(
            "<iq xmlns='jabber:client' type='{kind}' id='{id}'{addressed}>{content}</iq>"
        ))
        .await?;
        let deadline = Instant::now() + reach::STEP;
        loop {
            let element = self.next_until(deadline, "a question").await?;
            let answers = matches!(element.attribute("type"), Some("result" | "error"));
            if element.name == "iq" && answers && element.attribute("id") == Some(id.as_str()) {
                return Ok(element);
            }
        }
    }

    /// Tries to enter a room, and leaves it again only when `leave` is called.
    pub(crate) async fn enter(&mut self, room: &str) -> Result<Entry, XmppError> {
        let place = format!("{room}/{}", nick(&self.jid));
        self.send(&format!(
            "<presence xmlns='jabber:client' to='{}'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
            escape(&place)
        ))
        .await?;
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

    /// Ends the conversation and hands the transcript over.
    pub(crate) async fn close(mut self) -> Vec<String> {
        self.link.close().await;
        self.transcript
    }

    async fn send(&mut self, xml: &str) -> Result<(), XmppError> {
        self.transcript.push(format!(">> {xml}"));
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
        let Some(element) = self.link.next(deadline).await? else {
            return Err(XmppError::Silent(question.to_owned()));
        };
        self.transcript.push(format!("<< {}", element.shown()));
        if element.name == "iq" && matches!(element.attribute("type"), Some("get" | "set")) {
            let answer = answer_to(&element);
            self.send(&answer).await?;
        }
        Ok(element)
    }
}

/// Our answer to a question: a client with no features for service discovery, a polite no to all else.
fn answer_to(question: &Element) -> String {
    let attribute = |name: &str| escape(question.attribute(name).unwrap_or_default());
    let (id, from) = (attribute("id"), attribute("from"));
    let discovery = "http://jabber.org/protocol/disco#info";
    if question.children.iter().any(|child| child.namespace == discovery) {
        return format!(
            "<iq xmlns='jabber:client' type='result' id='{id}' to='{from}'><query xmlns='{discovery}'>\
             <identity category='client' type='bot' name='anteroom'/></query></iq>"
        );
    }
    format!(
        "<iq xmlns='jabber:client' type='error' id='{id}' to='{from}'><error type='cancel'>\
         <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    )
}

/// Jitsi wants the first eight characters of the local part, letters and digits only, as the nick.
fn nick(jid: &str) -> String {
    let local = jid.split('@').next().unwrap_or_default();
    let nick: String = local.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    if nick.is_empty() { "probe".to_owned() } else { nick }
}

/// What an element says about our entering `room`; `None` where it is about something else.
fn read_entry(element: &Element, room: &str) -> Option<Entry> {
    let from = element.attribute("from")?;
    let bare = from.split('/').next().unwrap_or_default();
    if element.name != "presence" || !bare.eq_ignore_ascii_case(room) {
        return None;
    }
    if element.attribute("type") == Some("error") {
        let refused = element.refusal();
        if refused.condition == "registration-required" {
            let inside = element.child("error").and_then(|error| error.child("lobbyroom"));
            let lobby = inside.or_else(|| element.child("lobbyroom"));
            return Some(Entry::Lobby {
                lobby: lobby.map(|lobby| lobby.text.clone()).filter(|text| !text.is_empty()),
            });
        }
        return Some(Entry::Refused(refused));
    }
    if element.attribute("type").is_some() {
        return None;
    }
    let user = element
        .named("x")
        .find(|x| x.namespace == "http://jabber.org/protocol/muc#user")?;
    let has = |code: &str| {
        user.named("status")
            .any(|status| status.attribute("code") == Some(code))
    };
    if !has("110") {
        return None;
    }
    let item = |name: &str| {
        let value = user.child("item").and_then(|item| item.attribute(name));
        value.unwrap_or("none").to_owned()
    };
    Some(Entry::Entered {
        room: if has("201") { Room::Created } else { Room::Existing },
        affiliation: item("affiliation"),
        role: item("role"),
    })
}

/// What a ping to our own place in a room says after our presence went unanswered. Only the answers that mean "you are
/// not in it" count; anything else is no answer.
fn read_self_ping(answer: &Element) -> Result<Entry, XmppError> {
    let refused = answer.refusal();
    let outside = matches!(
        refused.condition.as_str(),
        "not-acceptable" | "item-not-found" | "forbidden" | "not-allowed"
    );
    if answer.attribute("type") == Some("error") && outside {
        return Ok(Entry::Ignored(refused));
    }
    Err(XmppError::Unexpected {
        question: "entering a room by silence, then a ping into the room".to_owned(),
        answer: answer.shown().chars().take(200).collect(),
    })
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

    #[test]
    fn an_entry_needs_our_own_presence_from_that_room() {
        let own = "<presence from='r@conference.d/p'><x xmlns='http://jabber.org/protocol/muc#user'>\
            <status code='201'/><item affiliation='owner' role='moderator'/><status code='110'/></x></presence>";
        let element = Element::parse(own).unwrap();
        let entered = Entry::Entered {
            room: Room::Created,
            affiliation: "owner".to_owned(),
            role: "moderator".to_owned(),
        };
        assert_eq!(read_entry(&element, "r@conference.d"), Some(entered));
        assert_eq!(read_entry(&element, "other@conference.d"), None);
        let another = own.replace("<status code='110'/>", "");
        assert_eq!(read_entry(&Element::parse(&another).unwrap(), "r@conference.d"), None);
    }

    #[test]
    fn a_lobby_is_neither_entry_nor_refusal() {
        let sent_away = "<presence from='r@conference.d' type='error'><error type='auth'>\
            <registration-required xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
            <lobbyroom xmlns='http://jitsi.org/jitmeet'>r@lobby.d</lobbyroom></error></presence>";
        let element = Element::parse(sent_away).unwrap();
        let lobby = Entry::Lobby {
            lobby: Some("r@lobby.d".to_owned()),
        };
        assert_eq!(read_entry(&element, "r@conference.d"), Some(lobby));
    }
}
