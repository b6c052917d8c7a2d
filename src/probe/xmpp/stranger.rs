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
use super::login::refused_by_hanging_up;
use super::session::Login;
use super::session::Mechanism;
use super::session::Session;
use super::stanza::Element;
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
    /// The same on the guests' host.
    pub guest_registration: Sighting<Registration>,
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
        /// The host that was asked for.
        host: String,
        /// The condition, such as `host-unknown`.
        condition: String,
    },
}

/// Visits one endpoint as a stranger.
pub(crate) async fn visit(endpoint: &Endpoint) -> Stranger {
    let (mechanisms, anonymous) = knock(endpoint).await;
    let hosts = &endpoint.hosts;
    Stranger {
        mechanisms,
        anonymous,
        registration: register(endpoint, &hosts.site, "registration").await,
        guest_registration: register(endpoint, &hosts.guests, "registration on the guests' host").await,
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
    let mut session = match Session::open(endpoint, &endpoint.hosts.site, None).await {
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

async fn register(endpoint: &Endpoint, host: &str, what: &str) -> Sighting<Registration> {
    let vantage = vantage(endpoint, what);
    let mut session = match Session::open(endpoint, host, None).await {
        Ok(session) => session,
        Err(error) => {
            let line = vec![format!(">> open to {host}"), format!("<< {error}")];
            return vantage.saw(
                line,
                nowhere(error, host == endpoint.hosts.site || endpoint.hosts.guessed).into(),
            );
        }
    };
    if session.offers_registration() {
        return vantage.saw(session.close().await, Seen::Known(Registration::Offered));
    }
    // Only ever `get`: a `set` would make an account.
    let form = session
        .ask("get", Some(host), "<query xmlns='jabber:iq:register'/>")
        .await;
    let result = form.map_or_else(hung_up, |answer| read_form(&answer));
    vantage.saw(session.close().await, result.into())
}

/// Nobody has an account on a guests' host that is not there; a site whose own host is not there, or whose hosts' names
/// are a guess, was not seen.
fn nowhere(error: XmppError, is_doubtful: bool) -> Result<Registration, XmppError> {
    match error {
        XmppError::Ended { condition, text } if condition == "host-unknown" && !is_doubtful => {
            Ok(Registration::Refused(Refused { condition, text }))
        }
        other => Err(other),
    }
}

fn hung_up(error: XmppError) -> Result<Registration, XmppError> {
    match error {
        XmppError::Ended { condition, text } if condition == "not-authorized" => {
            Ok(Registration::Refused(Refused { condition, text }))
        }
        other => Err(other),
    }
}

fn read_form(answer: &Element) -> Result<Registration, XmppError> {
    if answer.attribute("type") != Some("error") {
        return Ok(Registration::Offered);
    }
    let refused = answer.refusal();
    match refused.is_trouble() {
        true => Err(XmppError::Unexpected {
            question: "a request for the form of a registration".to_owned(),
            answer: refused.condition,
        }),
        false => Ok(Registration::Refused(refused)),
    }
}

async fn rooms(endpoint: &Endpoint) -> Sighting<Vec<String>> {
    let vantage = vantage(endpoint, "room list without a login");
    let mut session = match Session::open(endpoint, &endpoint.hosts.site, None).await {
        Ok(session) => session,
        Err(error) => return vantage.saw(vec![format!("<< {error}")], Seen::unknown(error)),
    };
    let rooms = listing::list_unasked(&mut session, &endpoint.hosts.rooms).await;
    vantage.saw(session.close().await, rooms.into())
}

async fn accounts_host(endpoint: &Endpoint) -> Sighting<HostOffer> {
    let vantage = vantage(endpoint, "accounts host");
    let host = format!("auth.{}", endpoint.hosts.site);
    match Session::open(endpoint, &host, None).await {
        Ok(session) => {
            let mechanisms = session.mechanisms();
            vantage.saw(session.close().await, Seen::Known(HostOffer::Answers { mechanisms }))
        }
        Err(XmppError::Ended { condition, .. })
            if matches!(condition.as_str(), "host-unknown" | "improper-addressing" | "host-gone") =>
        {
            let line = vec![format!(">> open to {host}"), format!("<< {condition}")];
            vantage.saw(line, Seen::Known(HostOffer::NotServed { host, condition }))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(condition: &str) -> XmppError {
        XmppError::Ended {
            condition: condition.to_owned(),
            text: None,
        }
    }

    #[test]
    fn a_form_is_refused_by_a_server_that_has_none_and_not_by_one_in_trouble() {
        let read = |condition: &str| {
            let xml = format!(
                "<iq type='error'><error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
            );
            read_form(&Element::parse(&xml).unwrap())
        };
        assert!(matches!(read("service-unavailable"), Ok(Registration::Refused(_))));
        assert!(read("internal-server-error").is_err());
        let form = Element::parse("<iq type='result'><query xmlns='jabber:iq:register'/></iq>").unwrap();
        assert!(matches!(read_form(&form), Ok(Registration::Offered)));
    }

    #[test]
    fn nobody_registers_where_no_guests_host_is_but_a_site_that_is_not_there_is_unseen() {
        assert!(matches!(
            nowhere(ended("host-unknown"), false),
            Ok(Registration::Refused(_))
        ));
        assert!(nowhere(ended("host-unknown"), true).is_err());
        assert!(nowhere(ended("policy-violation"), false).is_err());
        assert!(hung_up(ended("not-authorized")).is_ok() && hung_up(ended("policy-violation")).is_err());
    }
}
