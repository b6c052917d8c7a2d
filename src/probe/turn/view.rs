//! What was seen of a relay: which doors it has, whom it lets in, and whom it carries to. Plain data.

use std::net::IpAddr;
use std::net::SocketAddr;

use serde::Serialize;

use crate::probe::sighting::Sighting;
use crate::seen::Seen;

use super::client::Denial;
use super::credential::Holder;
use super::wire::Door;

/// One door of a relay, at one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RelayView {
    /// Where it would be.
    pub address: SocketAddr,
    /// How it was spoken to.
    pub door: Door,
    /// A relay asked for without a credential.
    pub stranger: Sighting<Allocation>,
    /// A relay asked for with a made-up credential. Its control is the holder's.
    pub made_up: Sighting<Allocation>,
    /// A relay asked for with a credential that the server's own secret signed and that ended an hour ago; unknown
    /// where nobody gave us the secret.
    pub ended: Sighting<Allocation>,
    /// The same with one that has not ended: the control of the one that has.
    pub signed: Sighting<Allocation>,
    /// The name and version that it gave itself in any answer; unknown where it answered nothing.
    pub software: Sighting<Option<String>>,
    /// What the holder of a credential can do; the reason where there is none.
    pub holder: Seen<HolderView>,
}

/// What came of asking for a relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Allocation {
    /// We had one, and gave it back.
    Granted {
        /// Where it was.
        relay: Option<SocketAddr>,
        /// For how many seconds.
        lifetime: Option<u32>,
    },
    /// The server said no.
    Refused(Denial),
    /// Nobody listens there.
    Absent(String),
}

/// What a credential opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HolderView {
    /// Whose credential it was.
    pub holder: Holder,
    /// A relay of IPv4. It is the control of the refused credentials: where the honest one is refused, theirs prove
    /// nothing.
    pub v4: Sighting<Reach>,
    /// A relay of IPv6.
    pub v6: Sighting<Reach>,
    /// A relay of TCP connections (RFC 6062) of IPv4.
    pub tcp: Sighting<TcpReach>,
    /// A relay of TCP connections of IPv6.
    pub tcp_v6: Sighting<TcpReach>,
}

/// What came of a relay of datagrams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// There is none.
    Refused(Denial),
    /// There is one, and these peers were asked for.
    Peers(Peers),
}

/// The peers that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Peers {
    /// Where the relay was.
    pub relay: Option<SocketAddr>,
    /// The deployment's own addresses, where the bridge is. With the stranger's they are the control of the others:
    /// where none is permitted, a refusal may mean that nothing works.
    pub own: Vec<Tried>,
    /// A stranger on the internet, to whom nothing is sent.
    pub elsewhere: Tried,
    /// Those that must be refused.
    pub forbidden: Vec<Tried>,
}

/// One peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// Its address.
    pub peer: IpAddr,
    /// What it stands for.
    pub what: String,
    /// By CreatePermission.
    pub permission: Seen<PeerAnswer>,
    /// By ChannelBind.
    pub channel: Seen<PeerAnswer>,
    /// By a Send indication; only to peers that are the server itself, where an answer would show.
    pub sent: Option<Seen<Echo>>,
}

/// A relay's word on a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerAnswer {
    /// It carries there.
    Granted,
    /// It said no.
    Refused(Denial),
}

/// What came back from a peer that was sent a STUN request through the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Echo {
    /// An answer, so the relay carried the request there.
    Answer,
    /// Nothing, which alone proves nothing.
    Nothing,
}

/// What came of a relay of TCP connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TcpReach {
    /// There is none.
    Refused(Denial),
    /// There is one, and these connections were asked for.
    Connects(Connects),
    /// Not asked for: TCP relays are for doors with a connection (RFC 6062 4.1).
    NotHere,
}

/// The TCP connections that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Connects {
    /// To the deployment's own addresses, up to the first that was not refused. They are the control of the others.
    pub own: Vec<(IpAddr, Seen<PeerAnswer>)>,
    /// To those that must be refused, up to the first that was not.
    pub forbidden: Vec<(IpAddr, Seen<PeerAnswer>)>,
}
