//! A guest, as a patient's browser is one: logs in on the guest host and tries what only hosts and bridges may.

use serde::Serialize;

use crate::probe::sighting::Sighting;
use crate::secret::Secret;
use crate::seen::Seen;

use super::foreign;
use super::foreign::Foreign;
use super::hosts::Hosts;
use super::link::Endpoint;
use super::link::Pass;
use super::link::XmppError;
use super::listing;
use super::login::refused_by_hanging_up;
use super::relays;
use super::relays::RelayService;
use super::session::Entry;
use super::session::Login;
use super::session::Mechanism;
use super::session::Session;
use super::stanza::Element;
use super::stanza::Refused;
use super::stanza::escape;
use super::stranger::fresh_room;
use super::stranger::vantage;

/// What a guest met at one endpoint. Where the login was refused, the other looks are unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guest {
    /// The anonymous login on `guest.<domain>`.
    pub login: Sighting<Login>,
    /// The rooms that the conference service lists to anyone (XEP-0030 items).
    pub rooms: Sighting<Vec<String>>,
    /// What the site's other hosts and services list.
    pub parts: Vec<Sighting<Vec<String>>>,
    /// A question to a foreign server.
    pub foreign: Sighting<Foreign>,
    /// Entering a room that nobody has opened.
    pub new_room: Sighting<Entry>,
    /// Asking the focus to open a new room.
    pub focus: Sighting<FocusAnswer>,
    /// Entering the room the focus was asked for, which no host has entered.
    pub before_host: Sighting<Entry>,
    /// Entering a room the focus was asked for, with a made-up token in the endpoint's address. Nobody checks tokens on
    /// the guest host, and whoever has one is taken for a host where the server does not drop it.
    pub made_up_token: Sighting<Entry>,
    /// Entering the room where the bridges gather. Whoever is in it can pose as one.
    pub brewery: Sighting<Entry>,
    /// The relays that a guest is handed (XEP-0215), with credentials.
    pub relays: Sighting<Vec<RelayService>>,
}

/// The focus's answer to a request to open a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FocusAnswer {
    /// The room is open (`ready='true'`).
    Ready {
        /// The focus's address.
        focus: Option<String>,
    },
    /// The focus took the request and asks to come again (`ready='false'`).
    NotReady,
    /// It said no.
    Refused(Refused),
    /// Nobody answers at the focus's address, with the condition: jicofo is not connected. Says nothing of access.
    Absent(Refused),
}

/// Visits one endpoint as a guest.
pub(crate) async fn visit(endpoint: &Endpoint) -> Guest {
    let view = vantage(endpoint, "guest login");
    let host = &endpoint.hosts.guests;
    let mut session = match Session::open(endpoint, host, None).await {
        Ok(session) => session,
        Err(error) => {
            let line = vec![format!(">> open to {host}"), format!("<< {error}")];
            let login = refused_by_hanging_up(Err(error));
            return kept_out(endpoint, view.saw(line, login.into()));
        }
    };
    let login = refused_by_hanging_up(session.log_in(Mechanism::Anonymous).await);
    let admitted = matches!(login, Ok(Login::Admitted { .. }));
    let login = view.saw(session.transcript_since(), login.into());
    if !admitted {
        session.close().await;
        return kept_out(endpoint, login);
    }
    let conference = &endpoint.hosts.rooms;
    let look = vantage(endpoint, "room list");
    let rooms = listing::list(&mut session, conference).await;
    let rooms = look.saw(session.transcript_since(), rooms.into());
    let mut parts = Vec::new();
    for part in listing::parts(&endpoint.hosts) {
        parts.push(listing::look(endpoint, &mut session, &part).await);
    }
    let foreign = foreign::look(endpoint, &mut session, "guest").await;

    let new_room = enter_fresh(endpoint, &mut session, "new room", None).await;

    let look = vantage(endpoint, "conference request");
    let room = fresh_room(endpoint.address.ip()).map(|name| format!("{name}@{conference}"));
    let focus = match &room {
        Ok(room) => ask_focus(&mut session, &endpoint.hosts.focus, room).await.into(),
        Err(why) => Seen::unknown(why),
    };
    let focus = look.saw(session.transcript_since(), focus);
    let before_host = enter_fresh(endpoint, &mut session, "room without host", Some(room)).await;

    let brewery = enter_brewery(endpoint, &mut session).await;

    let look = vantage(endpoint, "relays for a guest");
    let handed = relays::ask(&mut session, host, &endpoint.hosts.site).await;
    let relays = look.saw(session.transcript_since(), handed.into());
    session.close().await;
    let made_up_token = bear_token(endpoint, host).await;
    Guest {
        login,
        rooms,
        parts,
        foreign,
        new_room,
        focus,
        before_host,
        made_up_token,
        brewery,
        relays,
    }
}

/// Comes as a guest with a text that is no token, and tries to enter a room before its host.
async fn bear_token(endpoint: &Endpoint, host: &str) -> Sighting<Entry> {
    let look = vantage(endpoint, "guest with a made-up token");
    let room = match fresh_room(endpoint.address.ip()) {
        Ok(room) => room,
        Err(why) => return look.saw(Vec::new(), Seen::Unknown(why)),
    };
    let pass = Pass {
        room: room.clone(),
        token: Secret::new("made-up"),
    };
    let mut session = match Session::open(endpoint, host, Some(&pass)).await {
        Ok(session) => session,
        Err(error) => return look.saw(vec![format!("<< {error}")], Seen::unknown(error)),
    };
    let entry = enter_with_token(&mut session, &endpoint.hosts, &room).await;
    look.saw(session.close().await, entry.into())
}

async fn enter_with_token(session: &mut Session, hosts: &Hosts, room: &str) -> Result<Entry, XmppError> {
    match refused_by_hanging_up(session.log_in(Mechanism::Anonymous).await)? {
        Login::Refused(refused) => Ok(Entry::Refused(refused)),
        Login::Unbound(refused) => Err(XmppError::Unexpected {
            question: "a guest's login by success, and the resource binding".to_owned(),
            answer: refused.condition,
        }),
        Login::Admitted { .. } => {
            let room = format!("{room}@{}", hosts.rooms);
            ask_focus(session, &hosts.focus, &room).await?;
            visit_room(session, &room).await
        }
    }
}

/// The view of a guest who could not log in.
fn kept_out(endpoint: &Endpoint, login: Sighting<Login>) -> Guest {
    fn unseen<T>(endpoint: &Endpoint, what: &str) -> Sighting<T> {
        vantage(endpoint, what).saw(Vec::new(), Seen::unknown("no guest could log in"))
    }
    Guest {
        login,
        rooms: unseen(endpoint, "room list"),
        parts: listing::parts(&endpoint.hosts)
            .iter()
            .map(|part| listing::unseen(endpoint, part, "no guest could log in"))
            .collect(),
        foreign: unseen(endpoint, "guest's question to a foreign server"),
        new_room: unseen(endpoint, "new room"),
        focus: unseen(endpoint, "conference request"),
        before_host: unseen(endpoint, "room without host"),
        made_up_token: unseen(endpoint, "guest with a made-up token"),
        brewery: unseen(endpoint, "bridges' room"),
        relays: unseen(endpoint, "relays for a guest"),
    }
}

/// Tries to enter a room (a fresh one where none is given) and leaves it at once.
async fn enter_fresh(
    endpoint: &Endpoint,
    session: &mut Session,
    what: &str,
    room: Option<Result<String, String>>,
) -> Sighting<Entry> {
    let look = vantage(endpoint, what);
    let room = room
        .unwrap_or_else(|| fresh_room(endpoint.address.ip()).map(|name| format!("{name}@{}", endpoint.hosts.rooms)));
    let entry = match room {
        Ok(room) => visit_room(session, &room).await.map_err(|error| error.to_string()),
        Err(why) => Err(why),
    };
    look.saw(session.transcript_since(), entry.into())
}

/// Tries the room where the bridges gather: as packages and this project name its service, or else as containers do.
async fn enter_brewery(endpoint: &Endpoint, session: &mut Session) -> Sighting<Entry> {
    let room = |service: &str| Some(Ok(format!("jvbbrewery@{service}.{}", endpoint.hosts.site)));
    let first = enter_fresh(endpoint, session, "bridges' room", room("internal.auth")).await;
    let absent = |seen: &Sighting<Entry>| matches!(seen.known(), Ok(Entry::Refused(no)) if no.decides_nothing());
    if !absent(&first) {
        return first;
    }
    let other = enter_fresh(endpoint, session, "bridges' room (internal-muc)", room("internal-muc")).await;
    if absent(&other) { first } else { other }
}

/// Enters a room and leaves it again.
pub(crate) async fn visit_room(session: &mut Session, room: &str) -> Result<Entry, XmppError> {
    let entry = session.enter(room).await?;
    if matches!(entry, Entry::Entered { .. }) {
        // Closing the session leaves the room too, so a failed farewell is no failure of the look.
        let _ = session.leave(room).await;
    }
    Ok(entry)
}

/// Asks the focus to open `room`, as the web client does before it enters one.
pub(crate) async fn ask_focus(session: &mut Session, focus: &str, room: &str) -> Result<FocusAnswer, XmppError> {
    let machine = room
        .bytes()
        .filter(u8::is_ascii_hexdigit)
        .map(char::from)
        .take(32)
        .collect::<String>();
    let request = format!(
        "<conference xmlns='http://jitsi.org/protocol/focus' room='{}' machine-uid='{machine}'/>",
        escape(room)
    );
    let answer = session.ask("set", Some(focus), &request).await?;
    read_focus(&answer)
}

fn read_focus(answer: &Element) -> Result<FocusAnswer, XmppError> {
    if answer.attribute("type") == Some("error") {
        let refused = answer.refusal();
        return Ok(match refused.condition.as_str() {
            "service-unavailable" | "remote-server-timeout" | "remote-server-not-found" | "item-not-found" => {
                FocusAnswer::Absent(refused)
            }
            _ => FocusAnswer::Refused(refused),
        });
    }
    let conference = answer.child("conference").ok_or_else(|| XmppError::Unexpected {
        question: "a conference request".to_owned(),
        answer: answer.shown().chars().take(200).collect(),
    })?;
    Ok(match conference.attribute("ready") {
        Some("true") => FocusAnswer::Ready {
            focus: conference.attribute("focusjid").map(str::to_owned),
        },
        _ => FocusAnswer::NotReady,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::probe::xmpp::hostile::any_element;

    fn focus(xml: &str) -> FocusAnswer {
        read_focus(&Element::parse(xml).unwrap()).unwrap()
    }

    #[test]
    fn a_focus_that_says_no_is_told_from_one_that_is_not_there() {
        let no = "<iq type='error'><error type='auth'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
            </error></iq>";
        assert!(matches!(focus(no), FocusAnswer::Refused(_)));
        let gone = no.replace("not-authorized", "remote-server-timeout");
        assert!(matches!(focus(&gone), FocusAnswer::Absent(_)));
        // Captured from jicofo (fixtures/README.md).
        let ready = include_str!("fixtures/conference.xml");
        assert!(
            matches!(focus(ready), FocusAnswer::Ready { focus: Some(jid) } if jid == "focus@auth.telemed.example.test")
        );
        let later = focus(&ready.replace("ready='true'", "ready='false'"));
        assert_eq!(later, FocusAnswer::NotReady);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic_or_is_told_without_end(answer in any_element()) {
            if let Err(XmppError::Unexpected { answer, .. }) = read_focus(&answer) {
                prop_assert!(answer.chars().count() <= 200);
            }
        }
    }
}
