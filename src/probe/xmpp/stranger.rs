//! A stranger at the door: no account, no token, no invitation. Tries what must be refused, once each.

use std::net::IpAddr;

use serde::Serialize;

use crate::digest;
use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::seen::Seen;

use super::link::Endpoint;
use super::link::Transport;
use super::link::XmppError;
use super::listing;
use super::session::Login;
use super::session::Mechanism;
use super::session::Session;
use super::stanza::Refused;

/// What a stranger met at one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stranger {
    /// The SASL mechanisms that the main domain offers. With token auth ANONYMOUS is offered, since tokens ride on it.
    pub mechanisms: Sighting<Vec<String>>,
    /// An anonymous login to the main domain without a token.
    pub anonymous: Sighting<Login>,
    /// In-band registration (XEP-0077) on the main domain.
    pub registration: Sighting<Registration>,
    /// The rooms that the conference service lists to who has not logged in.
    pub rooms: Sighting<Vec<String>>,
    /// What the accounts' host, `auth.<domain>`, offers through the public endpoint. A login offered there lets
    /// anyone guess the passwords of the focus and the bridges.
    pub accounts_host: Sighting<HostOffer>,
}

/// Whether accounts can be made by anyone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// The stream announces it, or the form was handed out.
    Offered,
    /// The server said no.
    Refused(Refused),
}

/// What an XMPP host offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HostOffer {
    /// It answers, with these SASL mechanisms.
    Answers {
        /// Mechanism names; none means that nobody can log in.
        mechanisms: Vec<String>,
    },
    /// It is not served here, with the stream's condition.
    NotServed {
        /// The condition, such as `host-unknown`.
        condition: String,
    },
}

/// Visits one endpoint as a stranger.
pub(crate) async fn visit(endpoint: &Endpoint) -> Stranger {
    let (mechanisms, anonymous) = knock(endpoint).await;
    Stranger {
        mechanisms,
        anonymous,
        registration: register(endpoint).await,
        rooms: rooms(endpoint).await,
        accounts_host: accounts_host(endpoint).await,
    }
}

/// The subject of a look through one endpoint.
pub(crate) fn subject(endpoint: &Endpoint, what: &str) -> String {
    let scheme = match endpoint.transport {
        Transport::WebSocket => "wss",
        Transport::Bosh => "https",
    };
    format!(
        "{scheme}://{}/{} {what}",
        endpoint.authority(),
        endpoint.transport.path()
    )
}

/// The circumstances of a look through one endpoint.
pub(crate) fn vantage(endpoint: &Endpoint, what: &str) -> Vantage {
    Vantage::now(subject(endpoint, what), Some(endpoint.address))
}

async fn knock(endpoint: &Endpoint) -> (Sighting<Vec<String>>, Sighting<Login>) {
    let offers = vantage(endpoint, "login offers");
    let login = vantage(endpoint, "anonymous login");
    let mut session = match Session::open(endpoint, &endpoint.domain, None).await {
        Ok(session) => session,
        Err(error) => {
            let line = vec![format!("<< {error}")];
            return (
                offers.saw(line.clone(), Seen::unknown(&error)),
                login.saw(line, Seen::unknown(&error)),
            );
        }
    };
    let mechanisms = offers.saw(session.transcript_since(), Seen::Known(session.mechanisms()));
    let outcome = session.log_in(Mechanism::Anonymous).await;
    (
        mechanisms,
        login.saw(session.close().await, refused_by_hanging_up(outcome).into()),
    )
}

/// A server that ends the stream instead of refusing has refused too, but only with a reason that says so.
pub(crate) fn refused_by_hanging_up(outcome: Result<Login, XmppError>) -> Result<Login, XmppError> {
    match outcome {
        Err(XmppError::Ended { condition, text })
            if matches!(
                condition.as_str(),
                "not-authorized" | "policy-violation" | "host-unknown" | "improper-addressing"
            ) =>
        {
            Ok(Login::Refused(Refused { condition, text }))
        }
        other => other,
    }
}

async fn register(endpoint: &Endpoint) -> Sighting<Registration> {
    let vantage = vantage(endpoint, "registration");
    let mut session = match Session::open(endpoint, &endpoint.domain, None).await {
        Ok(session) => session,
        Err(error) => return vantage.saw(vec![format!("<< {error}")], Seen::unknown(error)),
    };
    if session.offers_registration() {
        return vantage.saw(session.close().await, Seen::Known(Registration::Offered));
    }
    // Only ever `get`: a `set` would make an account.
    let form = session
        .ask("get", Some(&endpoint.domain), "<query xmlns='jabber:iq:register'/>")
        .await;
    let result = match form {
        Ok(answer) if answer.attribute("type") == Some("error") => Ok(Registration::Refused(answer.refusal())),
        Ok(_) => Ok(Registration::Offered),
        Err(XmppError::Ended { condition, text }) if condition == "not-authorized" => {
            Ok(Registration::Refused(Refused { condition, text }))
        }
        Err(error) => Err(error),
    };
    vantage.saw(session.close().await, result.into())
}

async fn rooms(endpoint: &Endpoint) -> Sighting<Vec<String>> {
    let vantage = vantage(endpoint, "room list without a login");
    let mut session = match Session::open(endpoint, &endpoint.domain, None).await {
        Ok(session) => session,
        Err(error) => return vantage.saw(vec![format!("<< {error}")], Seen::unknown(error)),
    };
    let rooms = listing::list_unasked(&mut session, &format!("conference.{}", endpoint.domain)).await;
    vantage.saw(session.close().await, rooms.into())
}

async fn accounts_host(endpoint: &Endpoint) -> Sighting<HostOffer> {
    let vantage = vantage(endpoint, "accounts host");
    let host = format!("auth.{}", endpoint.domain);
    match Session::open(endpoint, &host, None).await {
        Ok(session) => {
            let mechanisms = session.mechanisms();
            vantage.saw(session.close().await, Seen::Known(HostOffer::Answers { mechanisms }))
        }
        Err(XmppError::Ended { condition, .. })
            if matches!(condition.as_str(), "host-unknown" | "improper-addressing" | "host-gone") =>
        {
            let line = vec![format!(">> open to {host}"), format!("<< {condition}")];
            vantage.saw(line, Seen::Known(HostOffer::NotServed { condition }))
        }
        // Prosody's words where a host has no login to offer on this transport.
        Err(XmppError::Ended { condition, text }) if text.as_deref() == Some("No stream features to proceed with") => {
            let line = vec![format!(">> open to {host}"), format!("<< {condition}")];
            let mechanisms = Vec::new();
            vantage.saw(line, Seen::Known(HostOffer::Answers { mechanisms }))
        }
        Err(error) => vantage.saw(
            vec![format!(">> open to {host}"), format!("<< {error}")],
            Seen::unknown(error),
        ),
    }
}

/// A room name that nobody can guess or already uses (128 random bits).
pub(crate) fn fresh_room(at: IpAddr) -> Result<String, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random room name for {at}: {error}"))?;
    Ok(format!("probe-{}", digest::hex(&bytes)))
}
