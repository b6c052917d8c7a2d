//! XMPP through the two public endpoints of a Jitsi site, as browsers speak it: what strangers, guests, forgers and
//! clinicians can do there.

pub mod burst;
pub mod clinician;
pub mod deeds;
pub mod foreign;
pub mod forge;
pub mod forgery;
pub mod guest;
pub mod hosts;
pub mod impostor;
pub mod link;
pub mod listing;
pub mod live;
pub mod relays;
pub mod session;
pub mod stanza;
pub mod stranger;

mod answers;
mod bosh;
mod entry;
#[cfg(test)]
mod hostile;
mod keyless;
mod login;
mod stay;
mod transcript;
mod websocket;

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::sighting::Sighting;

use super::target::Target;
use super::trust;

use burst::Burst;
use clinician::ClinicianView;
use clinician::Knocking;
use clinician::Visitors;
use guest::Guest;
use hosts::Hosts;
use impostor::ForgedLogin;
use impostor::Guess;
use impostor::HonestLogin;
use link::Endpoint;
use link::Transport;
use stranger::Stranger;

/// One address's XMPP seen from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct XmppView {
    /// The address.
    pub address: IpAddr,
    /// What strangers and guests met, by each transport.
    pub doors: Vec<DoorView>,
    /// What a clinician met; `None` where the probe had no credential.
    pub clinician: Option<ClinicianView>,
    /// An honest login at each door, right before the impostors'.
    pub honest: Vec<HonestLogin>,
    /// What became of forged tokens at each door; empty where the server's token terms are not known.
    pub forgeries: Vec<ForgedLogin>,
    /// What became of wrong passwords at each door; empty where the server takes tokens.
    pub guesses: Vec<Guess>,
    /// What became of a burst of requests; `None` where none was asked for.
    pub burst: Option<Sighting<Burst>>,
}

/// One public XMPP endpoint seen from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DoorView {
    /// The transport.
    pub transport: Transport,
    /// A stranger's view.
    pub stranger: Stranger,
    /// A guest's view.
    pub guest: Guest,
}

/// Longest time in which conversations with one address are begun. An honest server needs a tenth of it.
const BUDGET: Duration = Duration::from_secs(600);

/// Visits the XMPP endpoints at `address`, one visitor after another: servers limit logins per address.
pub(crate) async fn look(
    target: &Target,
    address: IpAddr,
    visitors: &Visitors,
    progress: &(dyn Fn(&str) + Sync),
) -> XmppView {
    let hosts = Hosts::of(target, address, visitors.naming).await;
    let until = Instant::now() + BUDGET;
    let endpoint = |transport| Endpoint {
        until,
        domain: target.domain.as_str().to_owned(),
        hosts: hosts.clone(),
        address: target.https(address),
        transport,
        tls: trust::any_certificate(),
    };
    let mut doors = Vec::new();
    for transport in Transport::ALL {
        let door = endpoint(transport);
        progress(&format!(
            "visiting /{} of {address} as a stranger and as a guest",
            transport.path()
        ));
        doors.push(DoorView {
            transport,
            stranger: stranger::visit(&door).await,
            guest: guest::visit(&door).await,
        });
    }
    let mut view = XmppView {
        address,
        doors,
        clinician: None,
        honest: Vec::new(),
        forgeries: Vec::new(),
        guesses: Vec::new(),
        burst: None,
    };
    if visitors.clinician.is_some() || visitors.tokens.is_some() {
        with_credentials(&mut view, endpoint, target, visitors, progress).await;
    }
    if visitors.knocking == Knocking::InABurst {
        // Last, since the server may shut us out after it.
        progress(&format!("knocking at {address} in a burst"));
        view.burst = Some(burst::look(&endpoint(Transport::WebSocket)).await);
    }
    view
}

async fn with_credentials(
    view: &mut XmppView,
    endpoint: impl Fn(Transport) -> Endpoint,
    target: &Target,
    visitors: &Visitors,
    progress: &(dyn Fn(&str) + Sync),
) {
    let open = endpoint(Transport::WebSocket);
    // What carries a credential speaks only to a server that shows a trusted certificate. Where this computer has no
    // roots at all, nothing is trusted and every look with a credential fails with that reason.
    let tls = match trust::credential_safe(&target.trust) {
        Ok(tls) => tls,
        Err(error) => {
            view.clinician = Some(clinician::untrusted(&open, visitors, &error.to_string()));
            return;
        }
    };
    let strict = Transport::ALL.map(|transport| Endpoint {
        tls: tls.clone(),
        ..endpoint(transport)
    });
    progress(&format!("visiting {} as a clinician", view.address));
    view.clinician = clinician::visit(&open, &strict[0], visitors).await;
    progress(&format!(
        "showing forged tokens and wrong passwords to {}",
        view.address
    ));
    let seen = impostor::visit(&strict, visitors).await;
    view.honest = seen.honest;
    view.forgeries = seen.forgeries;
    view.guesses = seen.guesses;
}
