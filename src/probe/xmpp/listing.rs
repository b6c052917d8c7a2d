//! What a server tells of others to who asks: its parts, its rooms, and who is in a room (XEP-0030, XEP-0045 6).

use serde::Serialize;

use crate::probe::sighting::Sighting;
use crate::seen::Seen;

use super::hosts::Hosts;
use super::link::Endpoint;
use super::link::XmppError;
use super::link::said;
use super::session::Session;
use super::stanza::Element;
use super::stanza::Refused;
use super::stranger::vantage;

/// Most items that are kept of one list.
const ITEMS: usize = 50;

const DISCO_ITEMS: &str = "<query xmlns='http://jabber.org/protocol/disco#items'/>";
const DISCO_INFO: &str = "<query xmlns='http://jabber.org/protocol/disco#info'/>";

/// What a room told somebody who is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomInfo {
    /// That it is there, with the names of its form's fields, such as `muc#roominfo_occupants`.
    Told {
        /// Field names, and the addresses of occupants where it listed them.
        fields: Vec<String>,
    },
    /// Nothing.
    Refused(Refused),
}

/// Everything of a site that may list something, but for the conference service.
pub(crate) fn parts(hosts: &Hosts) -> Vec<String> {
    let below = ["auth", "lobby", "breakout", "internal.auth"];
    [hosts.site.clone(), hosts.guests.clone()]
        .into_iter()
        .chain(below.iter().map(|part| format!("{part}.{}", hosts.site)))
        .collect()
}

/// Asks one address for its items; a part that a site does not have lists none, and neither does one that drops the question.
pub(crate) async fn look(endpoint: &Endpoint, session: &mut Session, address: &str) -> Sighting<Vec<String>> {
    let look = vantage(endpoint, &format!("items of {address}"));
    let answer = session.ask_or_dropped("get", Some(address), DISCO_ITEMS).await;
    let items = answer.and_then(|answer| match answer {
        Some(answer) => read_items(&answer, address, Absent::Empty),
        None => Ok(Vec::new()),
    });
    look.saw(session.transcript_since(), items.into())
}

/// The items of an address that must be there; none where it refuses to tell.
pub(crate) async fn list(session: &mut Session, address: &str) -> Result<Vec<String>, XmppError> {
    let answer = session.ask("get", Some(address), DISCO_ITEMS).await?;
    read_items(&answer, address, Absent::Unknown)
}

/// As a stranger who has not logged in. A stream that ends at the question has told nothing, and so has a server that knows
/// no service before a login.
pub(crate) async fn list_unasked(session: &mut Session, address: &str) -> Result<Vec<String>, XmppError> {
    match session.ask("get", Some(address), DISCO_ITEMS).await {
        Ok(answer) => read_items(&answer, address, Absent::Empty),
        Err(XmppError::Ended { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// What an address says that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    /// It lists nothing: whether it is there is not asked.
    Empty,
    /// Nothing was seen: what it should list may be elsewhere.
    Unknown,
}

fn read_items(answer: &Element, address: &str, absent: Absent) -> Result<Vec<String>, XmppError> {
    if answer.attribute("type") == Some("error") {
        let refused = answer.refusal();
        let told = match refused.condition.as_str() {
            _ if refused.is_elsewhere() => absent == Absent::Empty,
            "forbidden" | "not-allowed" | "not-authorized" | "feature-not-implemented" => true,
            "service-unavailable" | "item-not-found" | "remote-server-not-found" => absent == Absent::Empty,
            _ => false,
        };
        return match told {
            true => Ok(Vec::new()),
            false => Err(XmppError::Unexpected {
                question: format!("the request for the items of {address}"),
                answer: format!("{}{}", refused.condition, said(&refused.text)),
            }),
        };
    }
    let query = answer.child("query");
    let items = query.map(|query| query.named("item").filter_map(|item| item.attribute("jid")));
    Ok(items.map_or_else(Vec::new, |items| items.take(ITEMS).map(str::to_owned).collect()))
}

/// Asks a room about itself and its occupants, from outside of it.
pub(crate) async fn ask_room(session: &mut Session, room: &str) -> Result<RoomInfo, XmppError> {
    let info = session.ask("get", Some(room), DISCO_INFO).await?;
    let occupants = session.ask("get", Some(room), DISCO_ITEMS).await?;
    read_room(&info, &occupants, room)
}

/// A room that tells something has told it, whatever else was not answered. A room that is not there refuses nothing.
fn read_room(info: &Element, occupants: &Element, room: &str) -> Result<RoomInfo, XmppError> {
    let occupants = read_items(occupants, room, Absent::Unknown);
    match (read_info(info), occupants) {
        (RoomInfo::Told { mut fields }, occupants) => {
            fields.extend(occupants.unwrap_or_default());
            Ok(RoomInfo::Told { fields })
        }
        (RoomInfo::Refused(_), Ok(fields)) if !fields.is_empty() => Ok(RoomInfo::Told { fields }),
        (RoomInfo::Refused(refused), _) if refused.decides_nothing() => Err(XmppError::Unexpected {
            question: format!("a question to {room}"),
            answer: format!("{}{}", refused.condition, said(&refused.text)),
        }),
        (info, Ok(_)) => Ok(info),
        (_, Err(why)) => Err(why),
    }
}

fn read_info(answer: &Element) -> RoomInfo {
    if answer.attribute("type") == Some("error") {
        return RoomInfo::Refused(answer.refusal());
    }
    let form = answer.child("query").and_then(|query| query.child("x"));
    let fields = form.map(|form| form.named("field").filter_map(|field| field.attribute("var")));
    RoomInfo::Told {
        fields: fields.map_or_else(Vec::new, |fields| fields.take(ITEMS).map(str::to_owned).collect()),
    }
}

/// A list that was not asked for, and why.
pub(crate) fn unseen(endpoint: &Endpoint, address: &str, why: &str) -> Sighting<Vec<String>> {
    vantage(endpoint, &format!("items of {address}")).saw(Vec::new(), Seen::unknown(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::probe::xmpp::hostile::any_element;

    const LISTED: &str = "<iq type='result'><query xmlns='http://jabber.org/protocol/disco#items'>\
        <item jid='room@conference.d' name='room'/><item/></query></iq>";
    const NOTHING: &str = "<iq type='result'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>";

    fn items(xml: &str, absent: Absent) -> Option<Vec<String>> {
        read_items(&Element::parse(xml).unwrap(), "conference.d", absent).ok()
    }

    fn no(condition: &str, text: &str) -> String {
        format!(
            "<iq type='error'><error type='cancel'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
             <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>{text}</text></error></iq>"
        )
    }

    #[test]
    fn a_refused_list_is_empty_and_an_unfit_answer_is_none() {
        let room = vec!["room@conference.d".to_owned()];
        assert_eq!(items(LISTED, Absent::Unknown), Some(room));
        assert_eq!(items(&no("forbidden", ""), Absent::Unknown), Some(Vec::new()));
        assert_eq!(items(&no("internal-server-error", ""), Absent::Empty), None);
    }

    #[test]
    fn a_service_that_is_not_there_lists_nothing_only_where_it_need_not_be_there() {
        let elsewhere = no("not-allowed", "Communication with remote domains is not enabled");
        for gone in [
            elsewhere,
            no("service-unavailable", ""),
            no("remote-server-not-found", ""),
        ] {
            assert_eq!(items(&gone, Absent::Empty), Some(Vec::new()), "{gone}");
            assert_eq!(items(&gone, Absent::Unknown), None, "{gone}");
        }
    }

    #[test]
    fn a_room_keeps_quiet_only_where_it_is_there_to_do_so() {
        let room = |info: &str, occupants: &str| {
            let [info, occupants] = [info, occupants].map(|xml| Element::parse(xml).unwrap());
            read_room(&info, &occupants, "room@conference.d").ok()
        };
        let forbidden = no("forbidden", "");
        assert!(matches!(room(&forbidden, NOTHING), Some(RoomInfo::Refused(_))));
        assert!(matches!(room(&forbidden, LISTED), Some(RoomInfo::Told { .. })));
        assert_eq!(room(&no("item-not-found", ""), NOTHING), None);
        assert_eq!(room(&forbidden, &no("internal-server-error", "")), None);
        let told = "<iq type='result'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>";
        assert!(matches!(
            room(told, &no("internal-server-error", "")),
            Some(RoomInfo::Told { .. })
        ));
    }

    #[test]
    fn what_a_room_tells_is_named_by_its_fields() {
        let told = "<iq type='result'><query xmlns='http://jabber.org/protocol/disco#info'><x xmlns='jabber:x:data'>\
            <field var='FORM_TYPE'/><field var='muc#roominfo_occupants'><value>2</value></field></x></query></iq>";
        let RoomInfo::Told { fields } = read_info(&Element::parse(told).unwrap()) else {
            panic!("it told")
        };
        assert_eq!(fields, ["FORM_TYPE", "muc#roominfo_occupants"]);
    }

    proptest! {
        #[test]
        fn no_answer_makes_them_panic_or_list_without_end(answer in any_element()) {
            if let Ok(items) = read_items(&answer, "conference.d", Absent::Unknown) {
                prop_assert!(items.len() <= ITEMS);
            }
            if let RoomInfo::Told { fields } = read_info(&answer) {
                prop_assert!(fields.len() <= ITEMS);
            }
        }
    }
}
