//! What one visitor knows of the room that he entered last: who else is in it, and what he is there himself.

use std::collections::BTreeSet;

use super::entry::read_entry;
use super::session::Entry;
use super::stanza::Element;

/// Most occupants that are remembered.
const OCCUPANTS: usize = 100;

/// A visitor's place in a room; by default in none.
#[derive(Debug, Default)]
pub(super) struct Stay {
    room: String,
    nick: String,
    others: BTreeSet<String>,
    owner: bool,
}

impl Stay {
    /// In a room that tells nothing yet, as `room/nick`.
    pub(super) fn at(place: &str) -> Self {
        let (room, nick) = place.split_once('/').unwrap_or_default();
        Self {
            room: room.to_owned(),
            nick: nick.to_owned(),
            ..Self::default()
        }
    }

    /// The nicks of those who are there.
    pub(super) fn others(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(String::as_str)
    }

    /// Whether the visitor is an owner of the room.
    pub(super) fn is_owner(&self) -> bool {
        self.owner
    }

    /// Takes note of a stanza; only presences from the room tell anything.
    pub(super) fn note(&mut self, element: &Element) {
        let from = element.attribute("from").unwrap_or_default();
        let Some((room, nick)) = from.split_once('/') else {
            return;
        };
        if element.name != "presence" || !room.eq_ignore_ascii_case(&self.room) {
            return;
        }
        if nick.eq_ignore_ascii_case(&self.nick) {
            if let Some(Entry::Entered { affiliation, .. }) = read_entry(element, &self.room) {
                self.owner = affiliation == "owner";
            }
            return;
        }
        match element.attribute("type") {
            None if self.others.len() < OCCUPANTS => {
                self.others.insert(nick.to_owned());
            }
            Some("unavailable") => {
                self.others.remove(nick);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured from Prosody with Jitsi's modules (fixtures/README.md).
    const OWN: &str = include_str!("fixtures/own-presence.xml");
    const ROOM: &str = "visit@conference.telemed.example.test";

    fn noted(stay: &mut Stay, xml: &str) {
        stay.note(&Element::parse(xml).unwrap());
    }

    #[test]
    fn others_come_and_go_and_no_other_room_counts() {
        let mut stay = Stay::at(&format!("{ROOM}/7d4b1a2c"));
        for room in [ROOM, "other@conference.telemed.example.test"] {
            for nick in ["focus", "7D4B1A2C", "ann"] {
                noted(&mut stay, &format!("<presence from='{room}/{nick}'/>"));
            }
            noted(&mut stay, &format!("<presence from='{room}/ann' type='unavailable'/>"));
            noted(&mut stay, &format!("<message from='{room}/bea'/>"));
            assert_eq!(stay.others().collect::<Vec<_>>(), ["focus"]);
        }
        for number in 0..2 * OCCUPANTS {
            noted(&mut stay, &format!("<presence from='{ROOM}/n{number}'/>"));
        }
        assert_eq!(stay.others().count(), OCCUPANTS);
    }

    #[test]
    fn an_owner_is_who_the_room_last_called_one() {
        let mut stay = Stay::at(&format!("{ROOM}/7d4b1a2c"));
        let owner = OWN.replace("affiliation='none'", "affiliation='owner'");
        for (presence, is) in [(OWN, false), (&owner, true), (OWN, false)] {
            noted(&mut stay, presence);
            assert_eq!(stay.is_owner(), is);
        }
        noted(&mut stay, &owner.replace("/7d4b1a2c'", "/another1'"));
        assert!(!stay.is_owner());
    }
}
