//! How a room's answers to our presence read: inside, sent to the lobby, refused, or dropped without a word.

use super::link::XmppError;
use super::session::Entry;
use super::session::Room;
use super::stanza::Element;

/// What an element says about our entering `room`; `None` where it is about something else.
pub(super) fn read_entry(element: &Element, room: &str) -> Option<Entry> {
    let from = element.attribute("from")?;
    let bare = from.split('/').next().unwrap_or_default();
    if element.name != "presence" || !bare.eq_ignore_ascii_case(room) {
        return None;
    }
    if element.attribute("type") == Some("error") {
        let refused = element.refusal();
        if refused.condition == "registration-required" {
            let inside = element.child("error").and_then(|error| error.child("lobbyroom"));
            let lobby = inside.or_else(|| element.child("lobbyroom"));
            return Some(Entry::Lobby {
                lobby: lobby.map(|lobby| lobby.text.clone()).filter(|text| !text.is_empty()),
            });
        }
        return Some(Entry::Refused(refused));
    }
    if element.attribute("type").is_some() {
        return None;
    }
    let user = element
        .named("x")
        .find(|x| x.namespace == "http://jabber.org/protocol/muc#user")?;
    let has = |code: &str| {
        user.named("status")
            .any(|status| status.attribute("code") == Some(code))
    };
    if !has("110") {
        return None;
    }
    let item = |name: &str| {
        let value = user.child("item").and_then(|item| item.attribute(name));
        value.unwrap_or("none").to_owned()
    };
    Some(Entry::Entered {
        room: if has("201") { Room::Created } else { Room::Existing },
        affiliation: item("affiliation"),
        role: item("role"),
    })
}

/// What a ping to our own place in a room says after our presence went unanswered. Only the answers that mean "you are
/// not in it" count; anything else is no answer.
pub(super) fn read_self_ping(answer: &Element) -> Result<Entry, XmppError> {
    let refused = answer.refusal();
    let outside = matches!(
        refused.condition.as_str(),
        "not-acceptable" | "item-not-found" | "forbidden" | "not-allowed"
    );
    if answer.attribute("type") == Some("error") && outside {
        return Ok(Entry::Ignored(refused));
    }
    Err(XmppError::Unexpected {
        question: "entering a room by silence, then a ping into the room".to_owned(),
        answer: answer.shown().chars().take(200).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured from Prosody with Jitsi's modules (fixtures/README.md).
    const OWN: &str = include_str!("fixtures/own-presence.xml");
    const SENT_AWAY: &str = include_str!("fixtures/sent-to-lobby.xml");
    const ROOM: &str = "visit@conference.telemed.example.test";

    fn entry(xml: &str, room: &str) -> Option<Entry> {
        read_entry(&Element::parse(xml).unwrap(), room)
    }

    #[test]
    fn an_entry_needs_our_own_presence_from_that_room() {
        let entered = |room: Room| Entry::Entered {
            room,
            affiliation: "none".to_owned(),
            role: "participant".to_owned(),
        };
        assert_eq!(entry(OWN, ROOM), Some(entered(Room::Existing)));
        let made = OWN.replace("<status code='110'/>", "<status code='110'/><status code='201'/>");
        assert_eq!(entry(&made, ROOM), Some(entered(Room::Created)));
        assert_eq!(entry(OWN, "other@conference.telemed.example.test"), None);
        assert_eq!(entry(&OWN.replace("<status code='110'/>", ""), ROOM), None);
    }

    #[test]
    fn a_lobby_is_neither_entry_nor_refusal() {
        let lobby = Entry::Lobby {
            lobby: Some("visit@lobby.telemed.example.test".to_owned()),
        };
        assert_eq!(entry(SENT_AWAY, ROOM), Some(lobby));
    }

    proptest::proptest! {
        #[test]
        fn no_presence_makes_the_reader_panic(
            kind in "(|error|unavailable|\\PC{0,4})",
            from in "(r@conference.d|r@conference.d/p|\\PC{0,12})",
            inside in "(<x/>|<error/>|<x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/><item/></x>|<error><registration-required/></error>|<lobbyroom>a</lobbyroom>){0,3}",
        ) {
            let escaped = super::super::stanza::escape;
            let xml = format!("<presence from='{}' type='{}'>{inside}</presence>", escaped(&from), escaped(&kind));
            if let Ok(element) = Element::parse(&xml) {
                let _ = (read_entry(&element, "r@conference.d"), read_self_ping(&element));
            }
        }
    }
}
