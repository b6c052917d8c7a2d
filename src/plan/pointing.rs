//! Whether a domain leads to a host: the addresses that a resolver names against those that are the host's.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::facts::HostFacts;
use crate::seen::Seen;
use crate::spec::HostSpec;

/// The addresses of a host, and whether there may be more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    /// What is known.
    pub addresses: BTreeSet<IpAddr>,
    /// Why the host's own addresses are not known; then there may be more.
    pub unseen: Option<String>,
}

/// Where a domain leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pointing {
    /// Every address is the host's.
    Here,
    /// It has no address.
    Nowhere,
    /// These addresses are somebody else's. One is enough: whoever gets it is sent there.
    Elsewhere(Vec<IpAddr>),
    /// Not known, and why.
    Unseen(String),
}

/// The host's addresses: those it has, and those that the spec says it is reached at.
pub fn ours(host: &HostSpec, facts: &HostFacts) -> Ours {
    let reached = host.ssh.as_ref().and_then(|target| target.address.parse().ok());
    let mut addresses: BTreeSet<IpAddr> = host.public_address.into_iter().chain(reached).collect();
    let unseen = match facts.addresses.known() {
        Ok(own) => {
            addresses.extend(own);
            None
        }
        Err(why) => Some(why.to_owned()),
    };
    Ours { addresses, unseen }
}

/// Where a domain with these addresses leads.
pub fn pointing(resolved: &Seen<Vec<IpAddr>>, ours: &Ours) -> Pointing {
    let resolved = match resolved.known() {
        Ok(resolved) => resolved,
        Err(why) => return Pointing::Unseen(why.to_owned()),
    };
    let others: Vec<IpAddr> = resolved
        .iter()
        .filter(|address| !ours.addresses.contains(&address.to_canonical()))
        .copied()
        .collect();
    match (resolved.as_slice(), others.as_slice(), &ours.unseen) {
        ([], _, _) => Pointing::Nowhere,
        (_, [], _) => Pointing::Here,
        (_, _, Some(why)) => Pointing::Unseen(format!("the host's own addresses are not known: {why}")),
        (_, _, None) => Pointing::Elsewhere(others),
    }
}
