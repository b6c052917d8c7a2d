//! What the files of one host are made from: the spec, the names derived from the domain, the host's addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;

use crate::catalog::policy::Component;
use crate::render::RenderError;
use crate::render::SecretName;
use crate::render::auth::AuthView;
use crate::render::given;
use crate::render::settings;
use crate::render::settings::Given;
use crate::render::settings::Sections;
use crate::spec::HostSpec;
use crate::spec::Spec;

/// The relay ports of TURN: 256, enough for 128 relayed visits, and few enough for a firewall to name.
pub(crate) const RELAY_PORTS: (u16, u16) = (49152, 49407);

/// The bridge's only media port.
pub(crate) const MEDIA_PORT: u16 = 10000;

/// What everything is rendered from.
pub(crate) struct Inputs<'a> {
    /// The spec.
    pub(crate) spec: &'a Spec,
    /// The host.
    pub(crate) host: &'a HostSpec,
    /// Names below the domain.
    pub(crate) names: Names,
    /// Who may enter.
    pub(crate) auth: AuthView,
    /// What the policy's rows are chosen and filled by.
    pub(crate) given: Given,
}

impl<'a> Inputs<'a> {
    /// Derives what several files need alike.
    pub(crate) fn of(spec: &'a Spec, host: &'a HostSpec) -> Self {
        let names = Names::of(spec.deployment.domain.as_str());
        let auth = AuthView::of(&spec.security);
        let addresses = Addresses::of(host);
        Self {
            given: given::of(spec, host, &names, &auth, &addresses),
            spec,
            host,
            auth,
            names,
        }
    }

    /// The policy's rows of a component that hold for this host, by section of the file.
    pub(crate) fn sections(&self, component: Component) -> Result<Sections, RenderError> {
        settings::sections(component, &self.given)
    }

    /// A slot for the host's own secret.
    pub(crate) fn slot(name: &str) -> String {
        SecretName(name.to_owned()).slot()
    }

    /// The port that sshd listens on, as far as the spec says.
    pub(crate) fn ssh_port(&self) -> u16 {
        self.host.ssh.as_ref().and_then(|ssh| ssh.port).unwrap_or(22)
    }
}

/// Names of XMPP hosts and accounts, all below the deployment's domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Names {
    /// The domain itself: clinicians' XMPP host.
    pub(crate) domain: String,
    /// Patients' XMPP host; anonymous.
    pub(crate) guest: String,
    /// The XMPP host of the services' accounts.
    pub(crate) auth: String,
    /// The rooms.
    pub(crate) conference: String,
    /// Waiting rooms.
    pub(crate) lobby: String,
    /// The room component where bridges meet the focus.
    pub(crate) internal: String,
    /// Proxy to the focus.
    pub(crate) focus: String,
    /// Speaker statistics.
    pub(crate) speakerstats: String,
    /// "End meeting for all".
    pub(crate) endconference: String,
    /// Moderators' control of microphones and cameras.
    pub(crate) avmoderation: String,
    /// Room metadata; carries TURN credentials since Jitsi Meet 2.0.10978.
    pub(crate) metadata: String,
    /// The focus' account.
    pub(crate) focus_jid: String,
    /// The bridge's account.
    pub(crate) bridge_jid: String,
    /// The room where bridges meet the focus.
    pub(crate) brewery_jid: String,
}

impl Names {
    fn of(domain: &str) -> Self {
        let below = |label: &str| format!("{label}.{domain}");
        Self {
            domain: domain.to_owned(),
            guest: below("guest"),
            auth: below("auth"),
            conference: below("conference"),
            lobby: below("lobby"),
            internal: below("internal.auth"),
            focus: below("focus"),
            speakerstats: below("speakerstats"),
            endconference: below("endconference"),
            avmoderation: below("avmoderation"),
            metadata: below("metadata"),
            focus_jid: below("focus@auth"),
            bridge_jid: below("jvb@auth"),
            brewery_jid: below("jvbbrewery@internal.auth"),
        }
    }
}

/// What is known of the host's addresses. Nothing may be known; then nothing is opened for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// The address that clients reach, when the spec tells.
    pub(crate) public: Option<IpAddr>,
    /// The host's own address.
    pub(crate) own: Option<IpAddr>,
}

impl Addresses {
    fn of(host: &HostSpec) -> Self {
        let reached = host.ssh.as_ref().and_then(|ssh| ssh.address.parse().ok());
        Self {
            public: host.public_address,
            own: host.private_address.or(reached),
        }
    }

    /// Every address that media of this host's bridge may be sent to.
    pub(crate) fn all(&self) -> BTreeSet<IpAddr> {
        self.public.into_iter().chain(self.own).collect()
    }

    /// The pair (own, public) where they differ: the host is behind NAT.
    pub(crate) fn translated(&self) -> Option<(IpAddr, IpAddr)> {
        match (self.own, self.public) {
            (Some(own), Some(public)) if own != public => Some((own, public)),
            _ => None,
        }
    }

    /// Whether the host is only reached on a private network, so that its bridge must offer a private address.
    pub(crate) fn is_private_only(&self) -> bool {
        self.public.is_none() && self.own.is_some_and(is_private)
    }
}

/// RFC 1918 and RFC 4193.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}
