//! One call as a clinician and a patient make it: into a fresh room, invited by the focus, over ICE and DTLS to the bridge,
//! with marked packets both ways. What a bridge must not take is tried beside what it must.

mod dtls;
mod ice;
pub mod jingle;
mod leg;
mod media;
mod participant;
mod srtp;
pub mod view;

#[cfg(test)]
mod double;
#[cfg(test)]
mod site;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod whole_calls;

pub use view::CallView;

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::target::Target;
use super::trust;
use super::xmpp::clinician::Visitors;
use super::xmpp::hosts::Hosts;
use super::xmpp::link::Endpoint;
use super::xmpp::link::Transport;

/// Whether a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Calling {
    /// None is to be made.
    #[default]
    NotAsked,
    /// One call, over the target's first address.
    Once,
}

/// In which conversations of a call are begun.
const BUDGET: Duration = Duration::from_secs(180);

/// Makes the call that is to be made.
pub(crate) async fn look(
    target: &Target,
    address: Option<IpAddr>,
    visitors: &Visitors,
    progress: &(dyn Fn(&str) + Sync),
) -> Option<CallView> {
    if visitors.call == Calling::NotAsked {
        return None;
    }
    let name = target.domain.as_str();
    let Some(address) = address else {
        return Some(participant::unseen(name, None, "the domain has no address"));
    };
    let open = Endpoint {
        domain: name.to_owned(),
        hosts: Hosts::of(target, address, visitors.naming).await,
        address: target.https(address),
        transport: Transport::WebSocket,
        tls: trust::any_certificate(),
        until: Instant::now() + BUDGET,
    };
    let strict = match trust::credential_safe(&target.trust) {
        Ok(tls) => Endpoint { tls, ..open.clone() },
        Err(error) => return Some(participant::unseen(name, Some(open.address), &error.to_string())),
    };
    progress(&format!("calling through {address} as a clinician and a patient"));
    Some(participant::call(&open, &strict, visitors).await)
}
