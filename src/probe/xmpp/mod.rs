//! XMPP through the two public endpoints of a Jitsi site, as browsers speak it: what strangers, guests, forgers and
//! clinicians can do there.

pub mod clinician;
pub mod forge;
pub mod guest;
pub mod link;
pub mod session;
pub mod stanza;
pub mod stranger;

mod bosh;
mod websocket;

use std::net::IpAddr;

use serde::Serialize;

use super::target::Target;
use super::trust;

use clinician::ClinicianView;
use clinician::ForgedLogin;
use clinician::Visitors;
use guest::Guest;
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
    /// What became of forged tokens; empty where the server's token terms are not known.
    pub forgeries: Vec<ForgedLogin>,
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

/// Visits the XMPP endpoints at `address`, one visitor after another: servers limit logins per address.
pub(crate) async fn look(
    target: &Target,
    address: IpAddr,
    visitors: &Visitors,
    progress: &(dyn Fn(&str) + Sync),
) -> XmppView {
    let endpoint = |transport| Endpoint {
        domain: target.domain.as_str().to_owned(),
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
    let open = endpoint(Transport::WebSocket);
    let mut view = XmppView {
        address,
        doors,
        clinician: None,
        forgeries: Vec::new(),
    };
    if visitors.clinician.is_none() && visitors.tokens.is_none() {
        return view;
    }
    // What carries a credential speaks only to a server that shows a trusted certificate. Where this computer has no
    // roots at all, nothing is trusted and every look with a credential fails with that reason.
    let tls = trust::credential_safe(&target.trust);
    let strict = match tls {
        Ok(tls) => Endpoint { tls, ..open.clone() },
        Err(error) => {
            view.clinician = Some(clinician::untrusted(&open, visitors, &error.to_string()));
            return view;
        }
    };
    progress(&format!("visiting {address} as a clinician"));
    view.clinician = clinician::visit(&open, &strict, visitors).await;
    if let Some(terms) = &visitors.tokens {
        progress(&format!("showing forged tokens to {address}"));
        view.forgeries = clinician::show_forgeries(&open, &strict, terms).await;
    }
    view
}
