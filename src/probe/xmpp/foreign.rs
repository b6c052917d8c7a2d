//! Whether a server carries anything to addresses of other servers (RFC 6120 10.4): asked by a ping to a name that is
//! nobody's, and judged by how it comes back.

use serde::Serialize;

use crate::probe::sighting::Sighting;

use super::link::Endpoint;
use super::link::XmppError;
use super::session::Session;
use super::stanza::Element;
use super::stanza::Refused;
use super::stranger::vantage;

/// A host that can never exist (RFC 2606 2), so that nobody is bothered.
const NOBODY: &str = "anteroom-probe.invalid";

/// What became of a question to a foreign server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Foreign {
    /// The server refused to carry it.
    NotCarried(Refused),
    /// The server tried: its error tells of a lookup or a connection.
    Tried(Refused),
    /// The server neither carried it nor said no in time, as one does that waits for a connection.
    Waited,
}

/// Asks through an open session.
pub(crate) async fn look(endpoint: &Endpoint, session: &mut Session, who: &str) -> Sighting<Foreign> {
    let look = vantage(endpoint, &format!("{who}'s question to a foreign server"));
    let answer = session.ask("get", Some(NOBODY), "<ping xmlns='urn:xmpp:ping'/>").await;
    let seen = match answer {
        Ok(answer) => read(&answer),
        Err(XmppError::Silent(_)) => Ok(Foreign::Waited),
        Err(error) => Err(error),
    };
    look.saw(session.transcript_since(), seen.into())
}

fn read(answer: &Element) -> Result<Foreign, XmppError> {
    if answer.attribute("type") != Some("error") {
        return Err(XmppError::Unexpected {
            question: format!("a ping to {NOBODY}"),
            answer: answer.shown().chars().take(200).collect(),
        });
    }
    let refused = answer.refusal();
    let text = refused.text.as_deref().unwrap_or_default().to_lowercase();
    let tells = [
        "dns",
        "resolution",
        "connection",
        "connect ",
        "timed out",
        "timeout",
        "unreachable",
    ];
    let tried = match refused.condition.as_str() {
        "remote-server-timeout" => true,
        "remote-server-not-found" => tells.iter().any(|word| text.contains(word)),
        _ => false,
    };
    Ok(match tried {
        true => Foreign::Tried(refused),
        false => Foreign::NotCarried(refused),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::probe::xmpp::hostile::any_element;

    #[test]
    fn a_server_that_looked_the_name_up_has_tried() {
        let no = |condition: &str, text: &str| {
            let xml = format!(
                "<iq type='error'><error type='cancel'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
                 <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>{text}</text></error></iq>"
            );
            read(&Element::parse(&xml).unwrap()).unwrap()
        };
        let off = no("not-allowed", "Communication with remote domains is not enabled");
        assert!(matches!(off, Foreign::NotCarried(_)));
        assert!(matches!(no("remote-server-not-found", ""), Foreign::NotCarried(_)));
        let looked_up = no(
            "remote-server-not-found",
            "Server-to-server connection failed: DNS resolution failed",
        );
        assert!(matches!(looked_up, Foreign::Tried(_)));
        assert!(matches!(no("remote-server-timeout", ""), Foreign::Tried(_)));
        assert!(read(&Element::parse("<iq type='result'/>").unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic_or_is_told_without_end(answer in any_element()) {
            if let Err(XmppError::Unexpected { answer, .. }) = read(&answer) {
                prop_assert!(answer.chars().count() <= 200);
            }
        }
    }
}
