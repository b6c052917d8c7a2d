//! One participant's way to the bridge: a UDP socket, ICE checks, the DTLS handshake, and marked RTP packets. Knows no
//! signalling; what it receives it counts, and nothing more.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::digest;
use crate::probe::stun::message::Class;
use crate::probe::stun::message::Message;
use crate::probe::stun::message::Method;
use crate::probe::stun::message::Transaction;
use crate::secret::Secret;

use super::dtls::Dtls;
use super::dtls::Identity;
use super::dtls::Side;
use super::ice;
use super::jingle::Offer;
use super::jingle::Own;
use super::srtp::Keys;
use super::srtp::Profile;
use super::view::Secured;
use super::view::Vouching;

/// Most addresses of one bridge that are tried.
const MOST_PATHS: usize = 8;
/// The wait after the first round of checks; each further one waits twice as long, up to `SLOWEST`.
const ROUND: Duration = Duration::from_millis(120);
const SLOWEST: Duration = Duration::from_secs(1);
/// What one participant's packets hold, so that nobody else's are counted.
pub(super) type Mark = [u8; 16];

/// What a packet was sent for; its letter stands in the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Sealed, until the bridge forwards anything.
    Warm = b'w' as isize,
    /// Sealed and counted.
    Sealed = b's' as isize,
    /// As RTP without protection.
    Plain = b'p' as isize,
}

impl Kind {
    fn of(letter: u8) -> Option<Self> {
        [Self::Warm, Self::Sealed, Self::Plain]
            .into_iter()
            .find(|kind| *kind as u8 == letter)
    }
}

/// What has come from the other participant: kind and number of each packet.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// In packets that proved themselves.
    pub(super) opened: BTreeSet<(Kind, u16)>,
    /// In datagrams that anybody could have read.
    pub(super) clear: BTreeSet<(Kind, u16)>,
}

impl Heard {
    /// Takes note of what a datagram holds of the other participant's packets, as it came and as the keys open it.
    fn take(&mut self, datagram: &[u8], receive: Option<&Keys>, theirs: &Mark) {
        if let Some(found) = marked(datagram, theirs) {
            self.clear.insert(found);
        }
        let opened = receive.and_then(|keys| keys.open(datagram));
        if let Some(found) = opened.and_then(|payload| marked(&payload, theirs)) {
            self.opened.insert(found);
        }
    }

    /// How many different ones of a kind came in protected packets.
    pub(super) fn opened(&self, kind: Kind) -> u32 {
        count(&self.opened, kind)
    }

    /// How many different ones, sent with protection, came so that anybody on the way could read them.
    pub(super) fn readable(&self) -> u32 {
        count(&self.clear, Kind::Sealed)
    }

    /// How many different ones of a kind came in either way.
    pub(super) fn at_all(&self, kind: Kind) -> u32 {
        let both: BTreeSet<(Kind, u16)> = self.opened.union(&self.clear).copied().collect();
        count(&both, kind)
    }
}

/// The mark of the other participant's packet, wherever it stands, and what follows it.
fn marked(bytes: &[u8], theirs: &Mark) -> Option<(Kind, u16)> {
    let at = bytes.windows(theirs.len()).position(|part| part == theirs)?;
    let [letter, high, low] = *bytes.get(at + theirs.len()..)?.first_chunk::<3>()?;
    Some((Kind::of(letter)?, u16::from_be_bytes([high, low])))
}

fn count(set: &BTreeSet<(Kind, u16)>, kind: Kind) -> u32 {
    let found = set.iter().filter(|(of, _)| *of == kind).count();
    u32::try_from(found).unwrap_or(u32::MAX)
}

/// One participant's way to the bridge.
pub(super) struct Leg {
    socket: UdpSocket,
    paths: Vec<SocketAddr>,
    /// Where a check was answered.
    pub(super) path: Option<SocketAddr>,
    ufrag: String,
    password: Secret,
    payload: u8,
    pub(super) own: Own,
    pending: Vec<(Transaction, SocketAddr)>,
    answers: u32,
    dtls: Dtls,
    keys: Option<(Keys, Keys)>,
    mark: Mark,
    theirs: Mark,
    sequence: u16,
    pub(super) heard: Heard,
}

/// Random bytes of this computer.
pub(super) fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| format!("this computer gave no random bytes: {error}"))?;
    Ok(bytes)
}

/// The UDP addresses of an invitation that can be spoken to.
fn paths(offer: &Offer) -> Vec<SocketAddr> {
    let mut paths = Vec::new();
    for candidate in offer.offered.candidates.iter().filter(|one| one.protocol == "udp") {
        let Ok(ip) = candidate.address.parse::<IpAddr>() else {
            continue;
        };
        let path = SocketAddr::new(ip, candidate.port);
        let usable = path.port() != 0 && !ip.is_unspecified() && !ip.is_multicast();
        if usable && !paths.contains(&path) && paths.len() < MOST_PATHS {
            paths.push(path);
        }
    }
    paths
}

/// A socket that reaches both families where this computer can.
async fn socket(paths: &[SocketAddr]) -> io::Result<UdpSocket> {
    let any: SocketAddr = match paths.iter().any(SocketAddr::is_ipv4) {
        true => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        false => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    UdpSocket::bind(any).await
}

impl Leg {
    /// Makes ready to answer an invitation; nothing is sent yet.
    /// Packets are sent with `mark`, and those with `theirs` are listened for.
    pub(super) async fn prepare(offer: &Offer, mark: Mark, theirs: Mark) -> Result<Self, String> {
        let mut paths = paths(offer);
        if paths.is_empty() {
            return Err("the invitation names no UDP address of a bridge".to_owned());
        }
        let socket = socket(&paths)
            .await
            .map_err(|error| format!("this computer opens no UDP socket: {error}"))?;
        if paths.iter().any(SocketAddr::is_ipv4) {
            paths.retain(SocketAddr::is_ipv4);
        }
        let identity = Identity::made().map_err(|error| error.to_string())?;
        let noise = random::<24>()?;
        let [s1, s2, s3, s4, q1, q2, ..] = random::<8>()?;
        Ok(Self {
            socket,
            paths,
            path: None,
            ufrag: offer.ufrag.clone(),
            password: offer.password.clone(),
            payload: offer.audio,
            own: Own {
                ufrag: digest::hex(&noise[..4]),
                password: Secret::new(digest::hex(&noise[4..])),
                fingerprint: identity.fingerprint().map_err(|error| error.to_string())?,
                ssrc: u32::from_be_bytes([s1, s2, s3, s4]),
            },
            pending: Vec::new(),
            answers: 0,
            dtls: Dtls::new(&identity, Side::Client, Profile::OFFERED).map_err(|error| error.to_string())?,
            keys: None,
            mark,
            theirs,
            // Low, so that it does not roll over within one call.
            sequence: u16::from_be_bytes([q1, q2]) >> 2,
            heard: Heard::default(),
        })
    }

    /// Sends one round of checks.
    async fn check(&mut self) -> Result<(), String> {
        let name = format!("{}:{}", self.ufrag, self.own.ufrag);
        for path in self.path.map_or_else(|| self.paths.clone(), |path| vec![path]) {
            let transaction = random()?;
            let request = ice::request(transaction, &name, self.password.expose());
            self.pending.push((transaction, path));
            // An address that this computer has no way to is one that does not answer.
            let _ = self.socket.send_to(&request, path).await;
        }
        Ok(())
    }

    /// Checks until the bridge answers.
    pub(super) async fn reach(&mut self, deadline: Instant) -> Result<SocketAddr, String> {
        let mut pause = ROUND;
        while Instant::now() < deadline {
            self.check().await?;
            let round = Instant::now() + pause;
            while self.path.is_none() && self.receive(round).await {}
            if let Some(path) = self.path {
                return Ok(path);
            }
            pause = SLOWEST.min(pause * 2);
        }
        let list: Vec<String> = self.paths.iter().map(ToString::to_string).collect();
        Err(format!("no ICE check was answered at {}", list.join(", ")))
    }

    /// Whether a check with the right credentials is answered now.
    pub(super) async fn still_answers(&mut self) -> Result<bool, String> {
        let before = self.answers;
        for _ in 0..3 {
            self.check().await?;
            let round = Instant::now() + SLOWEST / 2;
            while self.answers == before && self.receive(round).await {}
            if self.answers != before {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Carries the handshake to its end.
    pub(super) async fn secure(&mut self, offer: &Offer, deadline: Instant) -> Result<Secured, String> {
        let path = self.path.ok_or("no path to the bridge was found")?;
        while !self.dtls.step()? {
            self.flush(path).await;
            if Instant::now() >= deadline {
                return Err(format!("{path} did not end the DTLS handshake"));
            }
            self.receive(deadline.min(Instant::now() + ROUND)).await;
        }
        self.flush(path).await;
        let agreed = self.dtls.agreed();
        if let Some(profile) = agreed.profile.as_deref().and_then(Profile::named) {
            self.keys = Some(self.dtls.keys(profile).map_err(|error| error.to_string())?);
        }
        Ok(Secured {
            path,
            version: agreed.version,
            suite: agreed.suite,
            profile: agreed.profile,
            certificate: self.vouched(offer),
        })
    }

    /// Whether every announced digest that can be computed here is that of the certificate.
    fn vouched(&self, offer: &Offer) -> Vouching {
        let told = offer.offered.fingerprints.iter();
        let known: Vec<bool> = told
            .filter_map(|one| self.dtls.announced_as(&one.hash, &one.value))
            .collect();
        match known.as_slice() {
            [] => Vouching::Nothing,
            all if all.iter().all(|same| *same) => Vouching::AsAnnounced,
            _ => Vouching::Another,
        }
    }

    async fn flush(&mut self, path: SocketAddr) {
        for datagram in self.dtls.outbound() {
            // What is lost here is sent again by the handshake's own timer.
            let _ = self.socket.send_to(&datagram, path).await;
        }
    }

    /// Takes in whatever comes until then.
    pub(super) async fn listen(&mut self, until: Instant) {
        while self.receive(until).await {}
    }

    /// One datagram; `false` where none came in time.
    async fn receive(&mut self, until: Instant) -> bool {
        let mut buffer = [0; 2048];
        match timeout_at(until, self.socket.recv_from(&mut buffer)).await {
            Err(_) => return false,
            // ICMP's word on an address that did not take a check.
            Ok(Err(_)) => tokio::time::sleep(Duration::from_millis(1)).await,
            Ok(Ok((size, from))) => self.take(&buffer[..size], from).await,
        }
        Instant::now() < until
    }

    async fn take(&mut self, datagram: &[u8], from: SocketAddr) {
        match datagram.first() {
            Some(0..=3) => self.take_check(datagram, from).await,
            Some(20..=63) if self.path == Some(from) => {
                self.dtls.take(datagram);
                // After the handshake this answers what the bridge sends again; before, `secure` steps.
                if self.keys.is_some() {
                    let _ = self.dtls.step();
                    self.flush(from).await;
                }
            }
            Some(128..=191) => self.hear(datagram),
            _ => {}
        }
    }

    async fn take_check(&mut self, datagram: &[u8], from: SocketAddr) {
        let Ok(message) = Message::read(datagram) else {
            return;
        };
        if message.is(Method::Binding, Class::Request) {
            let password = self.own.password.expose();
            if ice::is_honest(&message, &self.own.ufrag, password) {
                let answer = ice::success(message.transaction, from, password);
                let _ = self.socket.send_to(&answer, from).await;
            }
        } else if message.is(Method::Binding, Class::Success)
            && message.is_signed_with(self.password.expose().as_bytes())
            && self.pending.contains(&(message.transaction, from))
        {
            self.answers += 1;
            self.path.get_or_insert(from);
        }
    }

    fn hear(&mut self, datagram: &[u8]) {
        let receive = self.keys.as_ref().map(|(_, receive)| receive);
        self.heard.take(datagram, receive, &self.theirs);
    }

    /// An RTP packet of our stream that holds the call's mark.
    pub(super) fn packet(&mut self, kind: Kind, number: u16) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut packet = vec![0x80, self.payload];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend((u32::from(self.sequence) * 960).to_be_bytes());
        packet.extend(self.own.ssrc.to_be_bytes());
        packet.extend(self.mark);
        packet.push(kind as u8);
        packet.extend(number.to_be_bytes());
        // About the size of speech.
        packet.resize(80, 0);
        packet
    }

    /// Sends one packet to the bridge: sealed, or as it is where it is to be plain.
    pub(super) async fn send(&mut self, kind: Kind, number: u16) -> Result<(), String> {
        let path = self.path.ok_or("no path to the bridge was found")?;
        let packet = self.packet(kind, number);
        let datagram = match kind {
            Kind::Plain => packet,
            Kind::Warm | Kind::Sealed => {
                let (keys, _) = self.keys.as_ref().ok_or("no SRTP keys were agreed on")?;
                keys.seal(&packet).ok_or("a packet could not be sealed")?
            }
        };
        self.socket
            .send_to(&datagram, path)
            .await
            .map(drop)
            .map_err(|error| format!("this computer could not send to {path}: {error}"))
    }
}

#[cfg(test)]
#[path = "leg_tests.rs"]
mod tests;
