//! A bridge for tests: ICE-lite, DTLS and SRTP between two participants on one loopback socket, with faults on demand. It
//! shares the codecs with the code under test; those are held to the standards' own vectors in their files.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio::time::timeout_at;

use super::dtls::Dtls;
use super::dtls::Identity;
use super::dtls::Side;
use super::ice;
use super::jingle;
use super::jingle::Offer;
use super::jingle::Own;
use super::srtp;
use super::srtp::Keys;
use super::srtp::Profile;
use crate::probe::stun::message::Class;
use crate::probe::stun::message::Draft;
use crate::probe::stun::message::Kind;
use crate::probe::stun::message::Message;
use crate::probe::stun::message::Method;
use crate::probe::xmpp::stanza::Element;

/// What is wrong with a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Nothing,
    /// Plain RTP is forwarded as it is.
    ForwardsPlain,
    /// Plain RTP is protected and forwarded, as if it had proved itself.
    SealsPlain,
    /// Media leaves without protection.
    SendsReadable,
    /// Every check is answered, whoever asks.
    AnswersAnyone,
    /// Checks with a wrong password are refused by a word, as ice4j does.
    RefusesLoudly,
    /// No check is answered.
    AnswersNobody,
    /// Media is swallowed.
    Swallows,
    /// Media goes back to its sender.
    Echoes,
    /// Only the old profile is agreed on.
    OldProfile,
    /// The certificate is announced by SHA-1.
    WeakFingerprint,
    /// Another certificate is announced.
    OtherFingerprint,
    /// An internal address is told.
    PrivateCandidate,
}

/// The bridge's side of one participant.
struct Member {
    ufrag: String,
    password: String,
    own: Option<Own>,
    address: Option<SocketAddr>,
    dtls: Dtls,
    keys: Option<(Keys, Keys)>,
}

/// A bridge that has not begun.
pub(super) struct Bridge {
    fault: Fault,
    socket: UdpSocket,
    members: Vec<Member>,
    fingerprint: (String, String),
}

impl Bridge {
    pub(super) async fn with(fault: Fault) -> Self {
        let identity = Identity::made().unwrap();
        let fingerprint = match fault {
            Fault::WeakFingerprint => {
                let digest = openssl::hash::MessageDigest::sha1();
                ("sha-1".to_owned(), identity.fingerprint_by(digest))
            }
            Fault::OtherFingerprint => ("sha-256".to_owned(), Identity::made().unwrap().fingerprint().unwrap()),
            _ => ("sha-256".to_owned(), identity.fingerprint().unwrap()),
        };
        let profiles = match fault {
            Fault::OldProfile => "SRTP_AES128_CM_SHA1_80",
            _ => "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80",
        };
        let member = |number: u8| Member {
            ufrag: format!("bridge{number}"),
            password: format!("a-password-of-the-bridge-{number}"),
            own: None,
            address: None,
            dtls: Dtls::new(&identity, Side::Server, profiles).unwrap(),
            keys: None,
        };
        Self {
            fault,
            socket: UdpSocket::bind("127.0.0.1:0").await.unwrap(),
            members: vec![member(0), member(1)],
            fingerprint,
        }
    }

    /// The invitation of one participant, read.
    pub(super) fn offer(&self, which: usize) -> Offer {
        let iq = format!("<iq type='set' from='r@c.d/focus'>{}</iq>", self.invitation(which));
        jingle::read(&Element::parse(&iq).unwrap()).unwrap()
    }

    /// The invitation of one participant, as the focus would send it.
    pub(super) fn invitation(&self, which: usize) -> String {
        let (member, at) = (&self.members[which], self.socket.local_addr().unwrap());
        let private = match self.fault {
            Fault::PrivateCandidate => "<candidate type='host' protocol='udp' ip='192.168.7.7' port='9'/>",
            _ => "",
        };
        format!(
            "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s' \
             initiator='f'><content name='audio'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>\
             <payload-type id='111' name='opus'/></description><transport \
             xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='{}' pwd='{}'><fingerprint \
             xmlns='urn:xmpp:jingle:apps:dtls:0' hash='{}' setup='actpass'>{}</fingerprint>{private}<candidate \
             type='host' protocol='udp' ip='{}' port='{}'/></transport></content></jingle>",
            member.ufrag,
            member.password,
            self.fingerprint.0,
            self.fingerprint.1,
            at.ip(),
            at.port()
        )
    }

    /// What a participant accepted with.
    pub(super) fn accepted(&mut self, which: usize, own: &Own) {
        self.members[which].own = Some(own.clone());
    }

    /// Serves until the task is aborted or a minute is over.
    pub(super) fn run(mut self) -> JoinHandle<()> {
        tokio::spawn(async move {
            let end = Instant::now() + Duration::from_secs(60);
            let mut buffer = [0; 2048];
            while Instant::now() < end {
                let soon = Instant::now() + Duration::from_millis(20);
                if let Ok(Ok((size, from))) = timeout_at(soon, self.socket.recv_from(&mut buffer)).await {
                    self.take(&buffer[..size], from).await;
                }
                self.step().await;
            }
        })
    }

    async fn take(&mut self, datagram: &[u8], from: SocketAddr) {
        if let Some(0..=3) = datagram.first() {
            return self.check(datagram, from).await;
        }
        let Some(which) = self.members.iter().position(|member| member.address == Some(from)) else {
            return;
        };
        match datagram.first() {
            Some(20..=63) => self.members[which].dtls.take(datagram),
            Some(128..=191) => self.forward(datagram, which).await,
            _ => {}
        }
    }

    async fn check(&mut self, datagram: &[u8], from: SocketAddr) {
        let Ok(message) = Message::read(datagram) else {
            return;
        };
        let name = message.text(Kind::Username).unwrap_or_default();
        let known = self
            .members
            .iter()
            .position(|member| name.starts_with(&format!("{}:", member.ufrag)));
        if self.fault == Fault::AnswersNobody {
            return;
        }
        let honest = known.filter(|which| message.is_signed_with(self.members[*which].password.as_bytes()));
        if let Some(which) = honest {
            // The first address stays; a later check from elsewhere is only answered.
            self.members[which].address.get_or_insert(from);
        }
        let answerer = match (honest, self.fault) {
            (Some(which), _) => which,
            (None, Fault::AnswersAnyone) => 0,
            (None, Fault::RefusesLoudly) if known.is_some() => {
                let refusal =
                    Draft::new(Method::Binding, Class::Error, message.transaction).with(Kind::ErrorCode, &[0, 0, 4, 1]);
                self.socket.send_to(&refusal.bytes(), from).await.unwrap();
                return;
            }
            _ => return,
        };
        let answer = ice::success(message.transaction, from, &self.members[answerer].password);
        self.socket.send_to(&answer, from).await.unwrap();
    }

    async fn step(&mut self) {
        for member in &mut self.members {
            let Some(address) = member.address else { continue };
            let done = member.dtls.step().unwrap_or(false);
            for datagram in member.dtls.outbound() {
                self.socket.send_to(&datagram, address).await.unwrap();
            }
            if done && member.keys.is_none() {
                let own = member.own.as_ref().unwrap();
                assert_eq!(member.dtls.announced_as("sha-256", &own.fingerprint), Some(true));
                let profile = member.dtls.agreed().profile.unwrap();
                member.keys = Some(member.dtls.keys(Profile::named(&profile).unwrap()).unwrap());
            }
        }
    }

    async fn forward(&mut self, datagram: &[u8], from: usize) {
        let other = 1 - from;
        let to = match self.fault {
            Fault::Swallows => return,
            Fault::Echoes => from,
            _ => other,
        };
        let Some(address) = self.members[to].address else {
            return;
        };
        let sealing = self.members[to].keys.as_ref().map(|(send, _)| send);
        let opened = self.members[from]
            .keys
            .as_ref()
            .and_then(|(_, keys)| keys.open(datagram));
        let packet = opened.map(|payload| {
            let header = &datagram[..srtp::header_size(datagram).unwrap()];
            [header, &payload].concat()
        });
        let out = match (packet, self.fault) {
            (Some(packet), Fault::SendsReadable) => Some(packet),
            (Some(packet), _) => sealing.and_then(|keys| keys.seal(&packet)),
            (None, Fault::ForwardsPlain) => Some(datagram.to_vec()),
            (None, Fault::SealsPlain) => sealing.and_then(|keys| keys.seal(datagram)),
            (None, _) => None,
        };
        if let Some(out) = out {
            self.socket.send_to(&out, address).await.unwrap();
        }
    }
}
