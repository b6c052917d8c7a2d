//! What a session says by itself: answers to the questions that servers and the focus put. Pure.

use super::stanza::Element;
use super::stanza::escape;

/// What a session makes of an invitation to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// It declines, as it declines every other question.
    Declines,
    /// It says what it can and takes the invitation.
    TakesCalls,
}

/// What one needs to be invited by jicofo. Sources in JSON and rewritten ones are left out: they only cost a translation.
const FEATURES: [&str; 9] = [
    "urn:xmpp:jingle:1",
    "urn:xmpp:jingle:apps:rtp:1",
    "urn:xmpp:jingle:apps:rtp:audio",
    "urn:xmpp:jingle:apps:rtp:video",
    "urn:xmpp:jingle:transports:ice-udp:1",
    "urn:xmpp:jingle:apps:dtls:0",
    "urn:ietf:rfc:5761",
    "urn:ietf:rfc:5888",
    "http://jitsi.org/source-name",
];

/// Whether a question is an invitation to a call.
pub(super) fn invites(question: &Element) -> bool {
    let action = question.child("jingle").and_then(|jingle| jingle.attribute("action"));
    action == Some("session-initiate")
}

/// Our answer to a question: what a caller can, or a client with no features, for service discovery; a receipt for what
/// concerns a call; a polite no to all else.
pub(super) fn answer_to(question: &Element, manner: Manner) -> String {
    let attribute = |name: &str| escape(question.attribute(name).unwrap_or_default());
    let (id, from) = (attribute("id"), attribute("from"));
    if manner == Manner::TakesCalls && question.child("jingle").is_some() {
        return format!("<iq xmlns='jabber:client' type='result' id='{id}' to='{from}'/>");
    }
    let discovery = "http://jabber.org/protocol/disco#info";
    if question.children.iter().any(|child| child.namespace == discovery) {
        let told: &[&str] = match manner {
            Manner::Declines => &[],
            Manner::TakesCalls => &FEATURES,
        };
        let features: String = told.iter().map(|name| format!("<feature var='{name}'/>")).collect();
        return format!(
            "<iq xmlns='jabber:client' type='result' id='{id}' to='{from}'><query xmlns='{discovery}'>\
             <identity category='client' type='bot' name='anteroom'/>{features}</query></iq>"
        );
    }
    format!(
        "<iq xmlns='jabber:client' type='error' id='{id}' to='{from}'><error type='cancel'>\
         <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::probe::xmpp::hostile::any_element;

    #[test]
    fn only_a_caller_tells_what_it_can() {
        let question = Element::parse(
            "<iq type='get' id='1' from='f'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
        )
        .unwrap();
        assert!(!answer_to(&question, Manner::Declines).contains("jingle"));
        assert!(
            Element::parse(&answer_to(&question, Manner::TakesCalls))
                .unwrap()
                .shown()
                .contains("jingle:1")
        );
    }

    proptest! {
        #[test]
        fn whatever_is_asked_the_answer_is_one_element(question in any_element()) {
            let _ = invites(&question);
            for manner in [Manner::Declines, Manner::TakesCalls] {
                prop_assert!(Element::parse(&answer_to(&question, manner)).is_ok());
            }
        }
    }
}
