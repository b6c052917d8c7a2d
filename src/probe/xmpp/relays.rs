//! The relays that a server hands out to whoever is logged in (XEP-0215), with the credentials for them.

use jiff::Timestamp;
use serde::Serialize;

use crate::probe::turn::credential;
use crate::probe::turn::credential::Credential;
use crate::probe::turn::credential::Holder;
use crate::secret::Secret;

use super::link::XmppError;
use super::session::Session;
use super::stanza::Element;

/// Most services that are kept.
const MOST: usize = 32;

/// One service as handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RelayService {
    /// `stun`, `turn` or `turns`.
    pub kind: String,
    /// Where it is.
    pub host: String,
    /// Its port.
    pub port: Option<u16>,
    /// `udp` or `tcp`.
    pub transport: Option<String>,
    /// The user's name, where there is a credential. It holds a time and nothing that is secret.
    pub user: Option<String>,
    /// The password; never shown.
    #[serde(skip)]
    pub password: Option<Secret>,
    /// When the server says that it ends.
    pub expires: Option<Timestamp>,
}

impl RelayService {
    /// When the credential ends: what the server says, and what stands in the user's name; the later one counts.
    pub fn end(&self) -> Option<Timestamp> {
        let named = self.user.as_deref().and_then(credential::end_of);
        named.max(self.expires)
    }
}

/// Asks for the services, as the web client does before it enters a room: the host that one is logged in to, else the main
/// domain.
pub(crate) async fn ask(session: &mut Session, host: &str, domain: &str) -> Result<Vec<RelayService>, XmppError> {
    let question = "<services xmlns='urn:xmpp:extdisco:2'/>";
    let mut answer = session.ask("get", Some(host), question).await?;
    if answer.attribute("type") == Some("error") && host != domain {
        answer = session.ask("get", Some(domain), question).await?;
    }
    if answer.attribute("type") == Some("error") {
        let refused = answer.refusal();
        return match refused.condition.as_str() {
            // It has none to hand out, or none for us.
            "service-unavailable" | "feature-not-implemented" | "forbidden" | "not-allowed" | "item-not-found" => {
                Ok(Vec::new())
            }
            _ => Err(XmppError::Unexpected {
                question: "a request for relays".to_owned(),
                answer: refused.condition,
            }),
        };
    }
    Ok(read(&answer))
}

fn read(answer: &Element) -> Vec<RelayService> {
    let Some(services) = answer.child("services") else {
        return Vec::new();
    };
    let one = |service: &Element| {
        let text = |name: &str| {
            let value = service.attribute(name)?;
            Some(value.chars().take(200).collect::<String>()).filter(|text| !text.is_empty())
        };
        RelayService {
            kind: text("type").unwrap_or_default(),
            host: text("host").unwrap_or_default(),
            port: service.attribute("port").and_then(|port| port.parse().ok()),
            transport: text("transport"),
            user: text("username"),
            password: service.attribute("password").map(Secret::new),
            expires: service.attribute("expires").and_then(|time| time.parse().ok()),
        }
    };
    services.named("service").take(MOST).map(one).collect()
}

/// The first credential for a relay among the services.
pub(crate) fn credential(services: &[RelayService], holder: Holder) -> Option<Credential> {
    services
        .iter()
        .find_map(|service| match (&service.user, &service.password) {
            (Some(user), Some(password)) if service.kind.starts_with("turn") => Some(Credential {
                user: user.clone(),
                password: password.clone(),
                holder,
            }),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Captured from Prosody (fixtures/README.md).
    const HANDED: &str = include_str!("fixtures/services.xml");
    const PASSWORD: &str = "AAECAwQFBgcICQoLDA0ODxAREhM=";

    #[test]
    fn services_are_read_with_their_end_and_the_password_is_not_shown() {
        let element = Element::parse(HANDED).unwrap();
        let services = read(&element);
        let kinds: Vec<&str> = services.iter().map(|service| service.kind.as_str()).collect();
        assert_eq!(kinds, ["stun", "turn", "turns"]);
        assert_eq!(services[1].end().unwrap().as_second(), 1_764_504_000);
        let credential = credential(&services, Holder::Guest).unwrap();
        assert_eq!(credential.password.expose(), PASSWORD);
        let evidence = serde_json::to_string(&services).unwrap() + &element.shown() + &format!("{services:?}");
        assert!(!evidence.contains(PASSWORD), "{evidence}");
    }

    #[test]
    fn the_later_of_two_ends_counts() {
        let later = HANDED.replace("2025-11-30T12", "2035-11-30T12");
        assert!(read(&Element::parse(&later).unwrap())[1].end().unwrap().as_second() > 2_000_000_000);
    }

    proptest! {
        #[test]
        fn no_attribute_makes_the_reader_panic(port in ".{0,8}", user in ".{0,30}", end in ".{0,30}") {
            let escape = super::super::stanza::escape;
            let text = format!(
                "<iq><services><service type='turn' port='{}' username='{}' expires='{}'/></services></iq>",
                escape(&port), escape(&user), escape(&end)
            );
            if let Ok(element) = Element::parse(&text) {
                for service in read(&element) {
                    let _ = service.end();
                }
            }
        }
    }
}
