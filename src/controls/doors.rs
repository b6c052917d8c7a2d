//! The two public XMPP endpoints at every address: walks them for the access controls, and puts answers in words.

use serde::Serialize;

use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::case::no_address;
use crate::probe::DoorView;
use crate::probe::XmppView;
use crate::probe::xmpp::link::Transport;
use crate::seen::Seen;

/// Judges each endpoint at each address.
pub(crate) fn each_door(case: &Case, expected: &str, judge: impl Fn(&DoorView) -> Vec<Verdict>) -> Vec<Verdict> {
    each_door_beside(case, expected, |_, door| judge(door))
}

/// The same, beside all that was seen of XMPP at that address.
pub(crate) fn each_door_beside(
    case: &Case,
    expected: &str,
    judge: impl Fn(&XmppView, &DoorView) -> Vec<Verdict>,
) -> Vec<Verdict> {
    each_view(case, "the XMPP endpoints", expected, |view| {
        // One door left out would be one left unlocked.
        let doors = Transport::ALL.into_iter().map(|transport| {
            let door = view.doors.iter().find(|door| door.transport == transport);
            door.map_or_else(
                || {
                    let why = "it was not tried";
                    vec![case.unseen_outside(&format!("the XMPP endpoint /{}", transport.path()), expected, why)]
                },
                |door| judge(view, door),
            )
        });
        doors.flatten().collect()
    })
}

/// Judges XMPP at each address. Nothing judged is unverified.
pub(crate) fn each_view(
    case: &Case,
    what: &str,
    expected: &str,
    judge: impl Fn(&XmppView) -> Vec<Verdict>,
) -> Vec<Verdict> {
    match case.outside {
        Seen::Unknown(why) => vec![case.unseen_outside(what, expected, why)],
        Seen::Known(sightings) if sightings.xmpp.is_empty() => {
            vec![case.unseen_outside(what, expected, &no_address(sightings))]
        }
        Seen::Known(sightings) => sightings.xmpp.iter().flat_map(judge).collect(),
    }
}

/// What was seen, as a short line: `refused, error not-allowed, text …` from the shape's own field names.
pub(crate) fn words(seen: &impl Serialize) -> String {
    let value = serde_json::to_value(seen).expect("sightings hold strings, numbers and lists");
    flat(&value)
}

fn flat(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "nothing".to_owned(),
        // Names of variants read as words; whatever a server sent stays as it came.
        serde_json::Value::String(text) if text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
            text.replace('_', " ")
        }
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) if items.is_empty() => "none".to_owned(),
        serde_json::Value::Array(items) => items.iter().map(flat).collect::<Vec<_>>().join(" "),
        serde_json::Value::Object(fields) => fields
            .iter()
            .filter(|(_, field)| !field.is_null())
            .map(|(name, field)| format!("{} {}", name.replace('_', " "), flat(field)))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_read_as_words() {
        assert_eq!(
            words(&json!({"refused": {"condition": "not-allowed", "text": null}})),
            "refused condition not-allowed"
        );
        assert_eq!(words(&json!("not_ready")), "not ready");
        assert_eq!(words(&json!({"jid": "a@b/P0_x"})), "jid a@b/P0_x");
    }
}
