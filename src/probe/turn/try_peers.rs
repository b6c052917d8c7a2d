//! Asks a relay to carry to peers: to the deployment's own, which it may, and to those that it must refuse.

use std::net::IpAddr;
use std::net::SocketAddr;

use crate::probe::sighting::Sighting;
use crate::probe::stun::message::Kind;
use crate::seen::Seen;

use super::Place;
use super::client::Answer;
use super::client::Client;
use super::client::Family;
use super::client::Relayed;
use super::credential::Credential;
use super::notice;
use super::peers;
use super::view::Connects;
use super::view::Echo;
use super::view::PeerAnswer;
use super::view::Peers;
use super::view::Reach;
use super::view::TcpReach;
use super::view::Tried;
use super::wire::Door;
use super::wire::WireError;

/// The discard port (RFC 863), where nobody listens.
const DISCARD: u16 = 9;

/// The first channel (RFC 8656 12).
const FIRST_CHANNEL: u16 = 0x4000;

/// Most of the deployment's own addresses that a TCP connection is asked to.
const MOST_OWN: usize = 4;

/// A relay that leaves so many questions without an answer is asked no more.
const MOST_SILENCES: usize = 3;

/// Tries the peers of one family over a relay of datagrams.
pub(super) async fn datagrams(
    place: &Place<'_>,
    credential: &Credential,
    family: Family,
    software: &mut Option<String>,
) -> Sighting<Reach> {
    let look = place.vantage(match family {
        Family::V4 => "IPv4 peers",
        Family::V6 => "IPv6 peers",
    });
    let mut client = match place.open().await {
        Ok(client) => client,
        Err(error) => return look.saw(vec![format!("<< {error}")], Seen::unknown(error)),
    };
    let reach = match client.allocate(Relayed::Udp, family, Some(credential)).await {
        Err(error) => Seen::unknown(error),
        Ok(Answer::Refused(denial)) => Seen::Known(Reach::Refused(denial)),
        Ok(Answer::Success(message)) => {
            let relay = message.address(Kind::XorRelayedAddress);
            let seen = try_all(place, &mut client, credential, family, relay).await;
            client.release(Some(credential)).await;
            Seen::Known(Reach::Peers(seen))
        }
    };
    notice(&client, software);
    look.saw(client.transcript(), reach)
}

async fn try_all(
    place: &Place<'_>,
    client: &mut Client,
    credential: &Credential,
    family: Family,
    relay: Option<SocketAddr>,
) -> Peers {
    let (list, elsewhere) = match family {
        Family::V4 => (peers::V4, peers::ELSEWHERE_V4),
        Family::V6 => (peers::V6, peers::ELSEWHERE_V6),
    };
    let mut trial = Trial {
        client,
        credential,
        stun: place.stun,
        channel: FIRST_CHANNEL,
        silences: 0,
    };
    let mut own = Vec::new();
    for address in place.own {
        if address.is_ipv4() == (family == Family::V4) {
            own.push(trial.peer(*address, "the deployment's own", SendTo::Yes).await);
        }
    }
    let (stranger, what) = peers::parsed(&elsewhere);
    let elsewhere = trial.peer(stranger, what, SendTo::No).await;
    let mut forbidden = Vec::new();
    for (address, what) in peers::but(list, place.own) {
        let send = if peers::is_itself(what) {
            SendTo::Yes
        } else {
            SendTo::No
        };
        forbidden.push(trial.peer(address, what, send).await);
    }
    Peers {
        relay,
        own,
        elsewhere,
        forbidden,
    }
}

/// Whether a request is sent to a peer through the relay: only where the peer is the server itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SendTo {
    Yes,
    No,
}

/// One allocation, and what has been tried with it.
struct Trial<'a> {
    client: &'a mut Client,
    credential: &'a Credential,
    stun: u16,
    channel: u16,
    silences: usize,
}

impl Trial<'_> {
    async fn peer(&mut self, peer: IpAddr, what: &str, send: SendTo) -> Tried {
        if self.silences >= MOST_SILENCES {
            let why = "the relay had stopped answering";
            return tried(peer, what, (Seen::unknown(why), Seen::unknown(why)), None);
        }
        let permission = self.client.permit(peer, self.credential).await;
        let permission = self.answer(permission);
        let socket = SocketAddr::new(peer, self.stun);
        let number = self.channel;
        let channel = self.client.bind(number, socket, self.credential).await;
        let channel = self.answer(channel);
        self.channel += 1;
        let sent = match send {
            SendTo::No => None,
            SendTo::Yes => {
                let came = self.client.echo(socket, number).await;
                let echo = came.map(|came| if came { Echo::Answer } else { Echo::Nothing });
                Some(echo.into())
            }
        };
        tried(peer, what, (permission, channel), sent)
    }

    fn answer(&mut self, answer: Result<Answer, WireError>) -> Seen<PeerAnswer> {
        if answer.is_err() {
            self.silences += 1;
        }
        word(answer)
    }
}

fn word(answer: Result<Answer, WireError>) -> Seen<PeerAnswer> {
    match answer {
        Ok(Answer::Success(_)) => Seen::Known(PeerAnswer::Granted),
        Ok(Answer::Refused(denial)) => Seen::Known(PeerAnswer::Refused(denial)),
        Err(error) => Seen::unknown(error),
    }
}

fn tried(
    peer: IpAddr,
    what: &str,
    (permission, channel): (Seen<PeerAnswer>, Seen<PeerAnswer>),
    sent: Option<Seen<Echo>>,
) -> Tried {
    Tried {
        peer,
        what: what.to_owned(),
        permission,
        channel,
        sent,
    }
}

/// Tries TCP connections of one family: to the deployment itself, which may be, and to those that must not.
pub(super) async fn connections(
    place: &Place<'_>,
    credential: &Credential,
    family: Family,
    software: &mut Option<String>,
) -> Sighting<TcpReach> {
    let look = place.vantage(match family {
        Family::V4 => "IPv4 TCP peers",
        Family::V6 => "IPv6 TCP peers",
    });
    if place.door == Door::Udp {
        return look.saw(Vec::new(), Seen::Known(TcpReach::NotHere));
    }
    let mut client = match place.open().await {
        Ok(client) => client,
        Err(error) => return look.saw(vec![format!("<< {error}")], Seen::unknown(error)),
    };
    let reach = match client.allocate(Relayed::Tcp, family, Some(credential)).await {
        Err(error) => Seen::unknown(error),
        Ok(Answer::Refused(denial)) => Seen::Known(TcpReach::Refused(denial)),
        Ok(Answer::Success(_)) => {
            let connects = connect_all(place, &mut client, credential, family).await;
            client.release(Some(credential)).await;
            Seen::Known(TcpReach::Connects(connects))
        }
    };
    notice(&client, software);
    look.saw(client.transcript(), reach)
}

async fn connect_all(place: &Place<'_>, client: &mut Client, credential: &Credential, family: Family) -> Connects {
    let list = match family {
        Family::V4 => peers::TCP_V4,
        Family::V6 => peers::TCP_V6,
    };
    let own = place.own.iter().filter(|own| own.is_ipv4() == (family == Family::V4));
    // The door itself takes connections.
    let door = own.map(|own| SocketAddr::new(*own, place.address.port()));
    let forbidden = peers::but(list, place.own).into_iter();
    let forbidden = forbidden.map(|(peer, _)| SocketAddr::new(peer, DISCARD));
    Connects {
        own: connect_until(client, credential, door.take(MOST_OWN)).await,
        forbidden: connect_until(client, credential, forbidden).await,
    }
}

/// A relay that carries TCP really connects, so the first connection that is not refused is the last one.
async fn connect_until(
    client: &mut Client,
    credential: &Credential,
    peers: impl Iterator<Item = SocketAddr>,
) -> Vec<(IpAddr, Seen<PeerAnswer>)> {
    let mut asked = Vec::new();
    for peer in peers {
        let word = word(client.connect(peer, credential).await);
        let refused = matches!(&word, Seen::Known(PeerAnswer::Refused(denial)) if !denial.is_failure_to_connect());
        asked.push((peer.ip(), word));
        if !refused {
            break;
        }
    }
    asked
}
