//! One conversation with a relay: challenges, credentials, allocations, peers. Keeps a transcript, in which no password and
//! no proof of one ever stands. Judges nothing.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::probe::stun::message;
use crate::probe::stun::message::Class;
use crate::probe::stun::message::Draft;
use crate::probe::stun::message::Kind;
use crate::probe::stun::message::Message;
use crate::probe::stun::message::Method;

use super::credential::Credential;
use super::wire::Door;
use super::wire::Heard;
use super::wire::Wire;
use super::wire::WireError;

/// A relay's no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denial {
    /// The code (RFC 8489 14.8), such as 401 or 403.
    pub code: u16,
    /// The server's own words.
    pub reason: String,
}

impl Denial {
    /// The code and the words.
    pub fn words(&self) -> String {
        format!("{} {}", self.code, self.reason).trim_end().to_owned()
    }

    /// Whether it tried to connect and could not (RFC 6062 5.2), so that the peer is permitted.
    pub fn is_failure_to_connect(&self) -> bool {
        self.code == 447
    }
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Success(Message),
    Refused(Denial),
}

/// The transport that a relay is asked for (RFC 8656 14.7), by its protocol number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relayed {
    Udp = 17,
    /// RFC 6062.
    Tcp = 6,
}

/// The addresses that a relay is asked for (RFC 8656 14.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4 = 1,
    V6 = 2,
}

/// What a server wants a credential to be proved for.
#[derive(Debug, Clone)]
struct Challenge {
    realm: String,
    nonce: Vec<u8>,
}

/// The wait for what a relay passes on from a peer.
const ECHO: Duration = Duration::from_millis(600);

/// Longest name of a program that is kept.
const LONGEST_NAME: usize = 200;

/// A conversation over one line. What is allocated in it ends with it.
pub(crate) struct Client {
    wire: Wire,
    learnt: Learnt,
    transcript: Vec<String>,
}

/// What a server told of itself in its answers so far.
#[derive(Debug, Default)]
struct Learnt {
    challenge: Option<Challenge>,
    software: Option<String>,
}

impl Client {
    /// Opens a line.
    pub(crate) async fn open(door: Door, address: SocketAddr, name: &str) -> Result<Self, WireError> {
        Ok(Self {
            wire: Wire::open(door, address, name).await?,
            learnt: Learnt::default(),
            transcript: Vec::new(),
        })
    }

    /// What was said.
    pub(crate) fn transcript(&mut self) -> Vec<String> {
        std::mem::take(&mut self.transcript)
    }

    /// The name that the server gave itself in any answer.
    pub(crate) fn software(&self) -> Option<&str> {
        self.learnt.software.as_deref()
    }

    /// Asks for a relay.
    pub(crate) async fn allocate(
        &mut self,
        relayed: Relayed,
        family: Family,
        credential: Option<&Credential>,
    ) -> Result<Answer, WireError> {
        let mut parts = vec![(Kind::RequestedTransport, vec![relayed as u8, 0, 0, 0])];
        if family == Family::V6 {
            parts.push((Kind::RequestedAddressFamily, vec![family as u8, 0, 0, 0]));
        }
        let what = format!("Allocate {relayed:?} {family:?}");
        if credential.is_some() && self.learnt.challenge.is_none() {
            // The first answer only tells the realm and the nonce.
            let first = self.ask(Method::Allocate, &what, &parts, None, None).await?;
            if self.learnt.challenge.is_none() {
                return Ok(first);
            }
        }
        self.ask(Method::Allocate, &what, &parts, None, credential).await
    }

    /// Asks that a peer may be spoken to. Nothing is sent to the peer.
    pub(crate) async fn permit(&mut self, peer: IpAddr, credential: &Credential) -> Result<Answer, WireError> {
        let what = format!("CreatePermission {peer}");
        let at = Some(SocketAddr::new(peer, 0));
        self.ask(Method::CreatePermission, &what, &[], at, Some(credential))
            .await
    }

    /// Asks for a channel to a peer. Nothing is sent to the peer.
    pub(crate) async fn bind(
        &mut self,
        channel: u16,
        peer: SocketAddr,
        credential: &Credential,
    ) -> Result<Answer, WireError> {
        let [high, low] = channel.to_be_bytes();
        let parts = [(Kind::ChannelNumber, vec![high, low, 0, 0])];
        let what = format!("ChannelBind {peer}");
        self.ask(Method::ChannelBind, &what, &parts, Some(peer), Some(credential))
            .await
    }

    /// Asks for a TCP connection to a peer (RFC 6062 4.3). A relay that allows it connects.
    pub(crate) async fn connect(&mut self, peer: SocketAddr, credential: &Credential) -> Result<Answer, WireError> {
        let what = format!("Connect {peer}");
        self.ask(Method::Connect, &what, &[], Some(peer), Some(credential))
            .await
    }

    /// Has a STUN binding request sent to a peer, and says whether anything came back from there. A relay that allows
    /// it sends the request, and a STUN server answers it; over `channel`, where that was bound to the peer.
    pub(crate) async fn echo(&mut self, peer: SocketAddr, channel: u16) -> Result<bool, WireError> {
        let ping = Draft::new(Method::Binding, Class::Request, message::transaction()?).bytes();
        let send = Draft::new(Method::Send, Class::Indication, message::transaction()?)
            .with_address(Kind::XorPeerAddress, peer)
            .with(Kind::Data, &ping);
        self.wire.say(&send.bytes()).await?;
        let deadline = Instant::now() + ECHO;
        let mut came = false;
        while let Some(heard) = self.wire.overhear(deadline).await? {
            came = match heard {
                Heard::Message(message) => message.is(Method::Data, Class::Indication),
                Heard::Channel(number) => number == channel,
            };
            if came {
                break;
            }
        }
        let heard = if came { "an answer" } else { "nothing" };
        self.transcript
            .push(format!(">> Send {peer} a STUN binding request; << {heard}"));
        Ok(came)
    }

    /// Gives an allocation back. What is not given back ends by itself after its lifetime.
    pub(crate) async fn release(&mut self, credential: Option<&Credential>) {
        let parts = [(Kind::Lifetime, vec![0; 4])];
        let _ = self.ask(Method::Refresh, "Refresh 0", &parts, None, credential).await;
    }

    async fn ask(
        &mut self,
        method: Method,
        what: &str,
        parts: &[(Kind, Vec<u8>)],
        peer: Option<SocketAddr>,
        credential: Option<&Credential>,
    ) -> Result<Answer, WireError> {
        let as_whom = if credential.is_some() { " with a credential" } else { "" };
        // A nonce that has become old is no answer; with the new one there is a second try and no third.
        for attempt in 0..2 {
            let request = self.request(method, parts, peer, credential)?;
            let answer = match self.wire.ask(&request).await {
                Ok(message) => self.learnt.read(method, message),
                Err(error) => Err(error),
            };
            let heard = match &answer {
                Ok(Answer::Success(message)) => said(message),
                Ok(Answer::Refused(denial)) => denial.words(),
                Err(error) => error.to_string(),
            };
            self.transcript.push(format!(">> {what}{as_whom}; << {heard}"));
            let stale = matches!(&answer, Ok(Answer::Refused(denial)) if denial.code == 438);
            if !(stale && attempt == 0 && credential.is_some()) {
                return answer;
            }
        }
        Err(WireError::Foreign("it calls every nonce old".to_owned()))
    }

    fn request(
        &self,
        method: Method,
        parts: &[(Kind, Vec<u8>)],
        peer: Option<SocketAddr>,
        credential: Option<&Credential>,
    ) -> Result<Vec<u8>, WireError> {
        let mut draft = Draft::new(method, Class::Request, message::transaction()?);
        for (kind, value) in parts {
            draft = draft.with(*kind, value);
        }
        if let Some(peer) = peer {
            draft = draft.with_address(Kind::XorPeerAddress, peer);
        }
        let (Some(credential), Some(challenge)) = (credential, &self.learnt.challenge) else {
            return Ok(draft.bytes());
        };
        Ok(draft
            .with(Kind::Username, credential.user.as_bytes())
            .with(Kind::Realm, challenge.realm.as_bytes())
            .with(Kind::Nonce, &challenge.nonce)
            .signed(&credential.key(&challenge.realm))
            .bytes())
    }
}

impl Learnt {
    /// What an answer to `method` says.
    fn read(&mut self, method: Method, message: Message) -> Result<Answer, WireError> {
        if let Some(name) = message.text(Kind::Software).filter(|name| !name.is_empty()) {
            self.software = Some(name.chars().take(LONGEST_NAME).collect());
        }
        if message.is(method, Class::Success) {
            return Ok(Answer::Success(message));
        }
        if !message.is(method, Class::Error) {
            return Err(WireError::Foreign(format!(
                "it answers another request ({:#06x})",
                message.number
            )));
        }
        let nonce = message.attribute(Kind::Nonce).map(<[u8]>::to_vec);
        if let (Some(realm), Some(nonce)) = (message.text(Kind::Realm), nonce) {
            self.challenge = Some(Challenge { realm, nonce });
        }
        let (code, reason) = message
            .error()
            .ok_or_else(|| WireError::Foreign("an error without a code".to_owned()))?;
        Ok(Answer::Refused(Denial { code, reason }))
    }
}

fn said(message: &Message) -> String {
    match message.address(Kind::XorRelayedAddress) {
        Some(relay) => format!("success, relay at {relay}"),
        None => "success".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Attributes that an answer is read for, and one that it is not.
    const KINDS: [Kind; 6] = [
        Kind::ErrorCode,
        Kind::Realm,
        Kind::Nonce,
        Kind::Software,
        Kind::XorRelayedAddress,
        Kind::Priority,
    ];
    const METHODS: [Method; 3] = [Method::Allocate, Method::CreatePermission, Method::Connect];
    const CLASSES: [Class; 4] = [Class::Request, Class::Indication, Class::Success, Class::Error];

    proptest! {
        #[test]
        fn an_answer_is_read_for_no_more_than_it_says(
            asked in 0..METHODS.len(),
            answered in 0..METHODS.len(),
            class in 0..CLASSES.len(),
            parts in proptest::collection::vec((0..KINDS.len(), proptest::collection::vec(any::<u8>(), 0..600)), 0..6),
        ) {
            let mut draft = Draft::new(METHODS[answered], CLASSES[class], [3; 12]);
            for (kind, value) in &parts {
                draft = draft.with(KINDS[*kind], value);
            }
            let mut learnt = Learnt::default();
            let answer = learnt.read(METHODS[asked], Message::read(&draft.bytes()).unwrap());
            match &answer {
                Ok(Answer::Success(message)) => {
                    prop_assert!(asked == answered && CLASSES[class] == Class::Success);
                    prop_assert!(said(message).starts_with("success"));
                }
                Ok(Answer::Refused(denial)) => {
                    prop_assert!(asked == answered && CLASSES[class] == Class::Error);
                    prop_assert!(denial.words().chars().count() <= 110);
                }
                Err(_) => prop_assert!(asked != answered || CLASSES[class] != Class::Success),
            }
            prop_assert!(learnt.software.is_none_or(|name| (1..=LONGEST_NAME).contains(&name.chars().count())));
            prop_assert!(learnt.challenge.is_none() || CLASSES[class] == Class::Error);
        }

        #[test]
        fn a_spoiled_answer_is_read_without_a_panic(
            at in any::<proptest::sample::Index>(),
            with in proptest::collection::vec(any::<u8>(), 1..8),
        ) {
            let refusal = Draft::new(Method::Allocate, Class::Error, [3; 12])
                .with(Kind::ErrorCode, b"\0\0\x04\x01Unauthorized")
                .with(Kind::Realm, b"t.example.com")
                .with(Kind::Nonce, b"nonce")
                .with(Kind::Software, b"Coturn-4.6.1");
            let mut bytes = refusal.bytes();
            let at = at.index(bytes.len());
            for (place, byte) in bytes[at..].iter_mut().zip(with) {
                *place = byte;
            }
            if let Ok(message) = Message::read(&bytes) {
                let _ = Learnt::default().read(Method::Allocate, message);
            }
        }
    }
}
