//! Whom the probe looks at: a domain, its addresses and its ports. Resolves names where no address was given.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::SocketAddr;

use serde::Serialize;

use crate::seen::Seen;
use crate::spec::Domain;

use super::reach;
use super::turn::wire::Door;

/// A server to look at from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The name that is asked for: SNI, `Host`, XMPP `to`.
    pub domain: Domain,
    /// Where to connect; empty means: what DNS says for the domain.
    pub addresses: Vec<IpAddr>,
    /// Where the services listen.
    pub ports: Ports,
    /// Whom credentials may be shown to.
    pub trust: Trust,
}

/// Ports of the services that are looked at by name. All others are found by the port scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports {
    /// The site, and XMPP through it.
    pub https: u16,
    /// The redirect to https.
    pub http: u16,
    /// Further TLS listeners to judge, such as 5349 for TURN.
    pub tls: Vec<u16>,
    /// Where SSH would answer.
    pub ssh: u16,
    /// Where XMPP would answer clients directly.
    pub xmpp: u16,
    /// UDP ports that are asked by a STUN binding request: TURN's and the bridge's.
    pub stun: Vec<u16>,
}

/// Where the bridge takes media. It is no relay, and silent towards strangers.
pub(crate) const MEDIA: u16 = 10_000;

impl Ports {
    /// The doors at which a relay is looked for: by UDP and TCP where STUN is asked, but for the bridge's port, and by TLS
    /// on the further TLS listeners.
    pub(crate) fn relays(&self) -> Vec<(Door, u16)> {
        let clear = self.stun.iter().filter(|port| **port != MEDIA);
        let clear = clear.flat_map(|port| [(Door::Udp, *port), (Door::Tcp, *port)]);
        clear.chain(self.tls.iter().map(|port| (Door::Tls, *port))).collect()
    }
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            https: 443,
            http: 80,
            tls: vec![5349],
            ssh: 22,
            xmpp: 5222,
            stun: vec![3478, MEDIA],
        }
    }
}

/// What a server must show before a password or token is sent to it. Looks without credentials take any certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// A certificate for the domain that this computer's roots vouch for.
    Roots,
    /// Exactly this leaf certificate: SHA-256 of its DER in lower-case hexadecimal.
    Leaf(String),
    /// Anything. Only for test deployments, whose credentials open nothing that patients use.
    Anything,
}

/// Which TCP ports are scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortPlan {
    /// All 65535.
    Everything,
    /// These.
    Only(BTreeSet<u16>),
    /// None; the scan is left out.
    Nothing,
}

/// How the target's addresses were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Addresses {
    /// By the caller.
    Given(Vec<IpAddr>),
    /// By this computer's resolver.
    Resolved(Vec<IpAddr>),
}

impl Addresses {
    /// The addresses, sorted, each once.
    pub fn list(&self) -> &[IpAddr] {
        match self {
            Self::Given(list) | Self::Resolved(list) => list,
        }
    }
}

impl Target {
    /// A target with the usual ports whose addresses DNS knows.
    pub fn of(domain: Domain) -> Self {
        Self {
            domain,
            addresses: Vec::new(),
            ports: Ports::default(),
            trust: Trust::Roots,
        }
    }

    /// The given addresses, or all that the resolver names (A and AAAA).
    pub async fn resolve(&self) -> Seen<Addresses> {
        if !self.addresses.is_empty() {
            return Seen::Known(Addresses::Given(sorted(self.addresses.iter().copied())));
        }
        let lookup = tokio::net::lookup_host((self.domain.as_str(), self.ports.https));
        match tokio::time::timeout(reach::STEP, lookup).await {
            Err(_) => Seen::unknown(format!("the resolver did not answer for {} in time", self.domain)),
            Ok(Err(error)) => Seen::unknown(format!("the resolver knows no address of {}: {error}", self.domain)),
            Ok(Ok(found)) => Seen::Known(Addresses::Resolved(sorted(found.map(|address| address.ip())))),
        }
    }

    /// The site's address at `ip`.
    pub(crate) fn https(&self, ip: IpAddr) -> SocketAddr {
        SocketAddr::new(ip, self.ports.https)
    }
}

fn sorted(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    addresses.collect::<BTreeSet<_>>().into_iter().collect()
}
