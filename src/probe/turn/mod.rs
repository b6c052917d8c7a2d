//! A relay (TURN) as a stranger, an impostor and the holder of a credential meet it. Judges nothing.
//!
//! Nothing is sent to any host but the one that is looked at. Permissions and channels send nothing to the peer. The
//! one request that is sent through the relay goes to the server itself, on its own STUN port; the TCP connections that a
//! relay could be asked to make go to the deployment's own addresses, at the door's port, and to the discard port of others,
//! once, and stop at the first that is not refused.

pub mod client;
pub mod credential;
pub mod view;
pub mod wire;

mod peers;
mod try_peers;

use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use jiff::Timestamp;
use tokio::time::timeout;

use crate::digest;
use crate::probe::stun::message::Kind;
use crate::secret::Secret;
use crate::seen::Seen;

use super::sighting::Sighting;
use super::sighting::Vantage;
use super::target::Target;

use client::Answer;
use client::Client;
use client::Family;
use client::Relayed;
use credential::Credential;
use view::Allocation;
use view::HolderView;
use view::RelayView;
use wire::Door;
use wire::WireError;

/// Longest look at one door. Some hundred requests, each answered within a round trip, take a few seconds.
const LONGEST: Duration = Duration::from_secs(90);

/// What the probe is told of a relay by who runs it.
#[derive(Debug, Clone, Default)]
pub struct RelayTerms {
    /// The secret that signs credentials.
    pub secret: Option<Secret>,
    /// Where the bridges are, next to the addresses that are looked at.
    pub bridges: Vec<IpAddr>,
}

/// A door, what it is called, and the deployment's own addresses.
struct Place<'a> {
    door: Door,
    address: SocketAddr,
    name: &'a str,
    own: &'a [IpAddr],
    /// The server's STUN port by UDP.
    stun: u16,
}

impl Place<'_> {
    fn vantage(&self, what: &str) -> Vantage {
        let subject = format!("{}://{}:{} {what}", self.door.scheme(), self.name, self.address.port());
        Vantage::now(subject, Some(self.address))
    }

    async fn open(&self) -> Result<Client, WireError> {
        Client::open(self.door, self.address, self.name).await
    }
}

/// Looks at every door of the relay at `ip`. `handed`: a credential that the deployment hands out.
pub(crate) async fn look(
    target: &Target,
    ip: IpAddr,
    all: &[IpAddr],
    terms: &RelayTerms,
    handed: Option<&Credential>,
) -> Vec<RelayView> {
    let mut own = vec![ip];
    own.extend(all.iter().chain(&terms.bridges).filter(|other| **other != ip));
    // Of IPv6, the relay carries to what the spec names; a host may have further addresses in DNS.
    let named = |own: &IpAddr| own.is_ipv4() || terms.bridges.is_empty() || terms.bridges.contains(own);
    own.retain(named);
    let relays = target.ports.relays();
    let stun = relays.first().map_or(3478, |(_, port)| *port);
    let doors = relays.into_iter().map(|(door, port)| Place {
        door,
        address: SocketAddr::new(ip, port),
        name: target.domain.as_str(),
        own: &own,
        stun,
    });
    join_all(doors.map(|place| async move { look_at(&place, terms, handed).await })).await
}

async fn look_at(place: &Place<'_>, terms: &RelayTerms, handed: Option<&Credential>) -> RelayView {
    let mut software = None;
    let (stranger, answered) = stranger(place, &mut software).await;
    let made_up = match made_up() {
        Ok(credential) => credential,
        Err(why) => return unseen(place, stranger, &why),
    };
    if !answered {
        let why = stranger
            .known()
            .map_or_else(str::to_owned, |_| "there is no relay".to_owned());
        return unseen(place, stranger, &why);
    }
    let made_up = with(place, "made-up credential", &made_up, &mut software).await;
    let own = terms.secret.as_ref().map(|secret| lasting(secret, 10));
    let (ended, signed) = match (&terms.secret, &own) {
        (Some(secret), Some(own)) => (
            with(place, "ended credential", &lasting(secret, -60), &mut software).await,
            with(place, "signed credential", own, &mut software).await,
        ),
        _ => {
            let unknown = |what| {
                let why = "the relay's secret is not known here";
                place.vantage(what).saw(Vec::new(), Seen::unknown(why))
            };
            (unknown("ended credential"), unknown("signed credential"))
        }
    };
    let holder = match handed.or(own.as_ref()) {
        None => Seen::unknown("no credential was handed out or given"),
        Some(credential) => match timeout(LONGEST, hold(place, credential, &mut software)).await {
            Ok(view) => Seen::Known(view),
            Err(_) => Seen::unknown(format!("the look did not end within {} s", LONGEST.as_secs())),
        },
    };
    let software = place.vantage("software name").saw(
        vec![format!("<< SOFTWARE {software:?} in any answer")],
        Seen::Known(software),
    );
    RelayView {
        address: place.address,
        door: place.door,
        stranger,
        made_up,
        ended,
        signed,
        software,
        holder,
    }
}

/// The view of a door behind which nobody answered.
fn unseen(place: &Place<'_>, stranger: Sighting<Allocation>, why: &str) -> RelayView {
    RelayView {
        address: place.address,
        door: place.door,
        stranger,
        made_up: place.vantage("made-up credential").saw(Vec::new(), Seen::unknown(why)),
        ended: place.vantage("ended credential").saw(Vec::new(), Seen::unknown(why)),
        signed: place.vantage("signed credential").saw(Vec::new(), Seen::unknown(why)),
        software: place.vantage("software name").saw(Vec::new(), Seen::unknown(why)),
        holder: Seen::unknown(why),
    }
}

/// Asks without a credential; also whether a relay answered at all.
async fn stranger(place: &Place<'_>, software: &mut Option<String>) -> (Sighting<Allocation>, bool) {
    let look = place.vantage("without a credential");
    let (lines, result) = ask(place, None, software).await;
    let answered = matches!(result, Seen::Known(Allocation::Granted { .. } | Allocation::Refused(_)));
    (look.saw(lines, result), answered)
}

async fn with(
    place: &Place<'_>,
    what: &str,
    credential: &Credential,
    software: &mut Option<String>,
) -> Sighting<Allocation> {
    let look = place.vantage(what);
    let (lines, result) = ask(place, Some(credential), software).await;
    look.saw(lines, result)
}

/// Asks for a relay and gives it back at once.
async fn ask(
    place: &Place<'_>,
    credential: Option<&Credential>,
    software: &mut Option<String>,
) -> (Vec<String>, Seen<Allocation>) {
    let mut client = match place.open().await {
        Ok(client) => client,
        Err(error) => return (vec![format!("<< {error}")], absent_or_unknown(error)),
    };
    let answer = client.allocate(Relayed::Udp, Family::V4, credential).await;
    if matches!(answer, Ok(Answer::Success(_))) {
        client.release(credential).await;
    }
    notice(&client, software);
    let result = match answer {
        Ok(Answer::Success(message)) => Seen::Known(Allocation::Granted {
            relay: message.address(Kind::XorRelayedAddress),
            lifetime: message.number_of(Kind::Lifetime),
        }),
        Ok(Answer::Refused(denial)) => Seen::Known(Allocation::Refused(denial)),
        Err(error) => absent_or_unknown(error),
    };
    (client.transcript(), result)
}

fn absent_or_unknown(error: WireError) -> Seen<Allocation> {
    match error {
        WireError::Absent(why) => Seen::Known(Allocation::Absent(why)),
        other => Seen::unknown(other),
    }
}

fn notice(client: &Client, software: &mut Option<String>) {
    if let Some(name) = client.software() {
        *software = Some(name.to_owned());
    }
}

/// What the holder of a credential can do, a line of its own for each kind of relay.
async fn hold(place: &Place<'_>, credential: &Credential, software: &mut Option<String>) -> HolderView {
    HolderView {
        holder: credential.holder,
        v4: try_peers::datagrams(place, credential, Family::V4, software).await,
        v6: try_peers::datagrams(place, credential, Family::V6, software).await,
        tcp: try_peers::connections(place, credential, Family::V4, software).await,
        tcp_v6: try_peers::connections(place, credential, Family::V6, software).await,
    }
}

/// A credential that nobody signed, with a name as long as an honest one lasts.
fn made_up() -> Result<Credential, String> {
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random password: {error}"))?;
    let secret = Secret::new(digest::hex(&bytes));
    Ok(lasting(&secret, 60))
}

/// A credential that ends in so many minutes, or ended so many ago.
fn lasting(secret: &Secret, minutes: i64) -> Credential {
    let end = Timestamp::now().saturating_add(SignedDuration::from_mins(minutes));
    Credential::signed(secret, end.unwrap_or(Timestamp::MAX))
}
