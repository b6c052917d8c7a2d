//! What a server tells of others to who asks: its parts, its rooms, and who is in a room (XEP-0030, XEP-0045 6).

use serde::Serialize;

use crate::probe::sighting::Sighting;
use crate::seen::Seen;

use super::link::Endpoint;
use super::link::XmppError;
use super::session::Session;
use super::stanza::Element;
use super::stanza::Refused;
use super::stanza::escape;
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
pub(crate) fn parts(domain: &str) -> Vec<String> {
    let below = ["guest", "auth", "lobby", "breakout", "internal.auth"];
    std::iter::once(domain.to_owned())
        .chain(below.iter().map(|part| format!("{part}.{domain}")))
        .collect()
}

/// Asks one address for its items.
pub(crate) async fn look(endpoint: &Endpoint, session: &mut Session, address: &str) -> Sighting<Vec<String>> {
    let look = vantage(endpoint, &format!("items of {address}"));
    let items = list(session, address).await;
    look.saw(session.transcript_since(), items.into())
}

/// The items of an address; none where it refuses to tell or is not there.
pub(crate) async fn list(session: &mut Session, address: &str) -> Result<Vec<String>, String> {
    let answer = session.ask("get", Some(address), DISCO_ITEMS).await;
    read_items(&answer.map_err(|error| error.to_string())?, address)
}

/// As a stranger who has not logged in. A stream that ends at the question has told nothing.
pub(crate) async fn list_unasked(session: &mut Session, address: &str) -> Result<Vec<String>, String> {
    match session.ask("get", Some(address), DISCO_ITEMS).await {
        Ok(answer) => read_items(&answer, address),
        Err(XmppError::Ended { .. }) => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}

fn read_items(answer: &Element, address: &str) -> Result<Vec<String>, String> {
    if answer.attribute("type") == Some("error") {
        return match answer.refusal().condition.as_str() {
            "forbidden"
            | "not-allowed"
            | "not-authorized"
            | "service-unavailable"
            | "item-not-found"
            | "feature-not-implemented"
            | "remote-server-not-found" => Ok(Vec::new()),
            other => Err(format!("{address} answered the request for its items by {other}")),
        };
    }
    let query = answer.child("query");
    let items = query.map(|query| query.named("item").filter_map(|item| item.attribute("jid")));
    Ok(items.map_or_else(Vec::new, |items| items.take(ITEMS).map(str::to_owned).collect()))
}

/// Asks a room about itself and its occupants, from outside of it.
pub(crate) async fn ask_room(session: &mut Session, room: &str) -> Result<RoomInfo, XmppError> {
    let info = read_info(&session.ask("get", Some(room), DISCO_INFO).await?);
    let occupants = session.ask("get", Some(room), DISCO_ITEMS).await?;
    let occupants = read_items(&occupants, &escape(room)).unwrap_or_default();
    Ok(match info {
        RoomInfo::Refused(refused) if occupants.is_empty() => RoomInfo::Refused(refused),
        RoomInfo::Refused(_) => RoomInfo::Told { fields: occupants },
        RoomInfo::Told { mut fields } => {
            fields.extend(occupants);
            RoomInfo::Told { fields }
        }
    })
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

    fn items(xml: &str) -> Result<Vec<String>, String> {
        read_items(&Element::parse(xml).unwrap(), "conference.d")
    }

    #[test]
    fn a_refused_list_is_empty_and_an_unfit_answer_is_none() {
        let listed = "<iq type='result'><query xmlns='http://jabber.org/protocol/disco#items'>\
            <item jid='room@conference.d' name='room'/><item/></query></iq>";
        assert_eq!(items(listed), Ok(vec!["room@conference.d".to_owned()]));
        let no = |condition: &str| {
            format!(
                "<iq type='error'><error type='cancel'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
            )
        };
        assert_eq!(items(&no("forbidden")), Ok(Vec::new()));
        assert!(items(&no("internal-server-error")).is_err());
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
}
