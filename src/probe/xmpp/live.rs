//! A room with its host in it: what a guest finds out, what he can do there that is the host's alone, and whether the
//! lobby holds him. Everything happens in a room that the probe opened and that holds nobody else.

use serde::Serialize;

use crate::probe::sighting::Sighting;
use crate::seen::Seen;

use super::clinician::FOCUS;
use super::deeds;
use super::deeds::Answer;
use super::deeds::Attempt;
use super::deeds::Stage;
use super::deeds::Switch;
use super::link::Endpoint;
use super::link::XmppError;
use super::listing;
use super::listing::RoomInfo;
use super::session::Entry;
use super::session::Login;
use super::session::Mechanism;
use super::session::Session;
use super::stanza::escape;
use super::stranger::vantage;

/// The lobby asks for a name.
const NAME: &str = "<nick xmlns='http://jabber.org/protocol/nick'>Anteroom probe</nick>";

/// What a guest met around and in the host's room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Live {
    /// The conference service's list of rooms while the room is open, as a guest outside of it sees it.
    pub rooms: Sighting<Vec<String>>,
    /// What the room tells a guest who is not in it.
    pub room_info: Sighting<RoomInfo>,
    /// A guest's entry beside the host. It is what the tries below rest on.
    pub guest_entry: Sighting<Entry>,
    /// What he tried there.
    pub attempts: Vec<Attempt>,
    /// The lobby, by a second guest.
    pub lobby: Lobby,
}

/// The lobby of the host's room. The host switches it on; the guest must wait until the host admits him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lobby {
    /// The host's switch. It shows, too, that what guests are refused is granted to a host.
    pub switched: Sighting<Answer>,
    /// The guest knocks.
    pub knock: Sighting<Entry>,
    /// He invites himself and makes himself a member, and tries to enter.
    pub self_invited: Sighting<Entry>,
    /// He does the same from inside the lobby, and tries to enter.
    pub from_lobby: Sighting<Entry>,
    /// He enters after the host has admitted him: the lobby holds, and the room is not simply broken.
    pub admitted: Sighting<Entry>,
}

/// Plays all of it. The host is in the room and stays.
pub(crate) async fn play(endpoint: &Endpoint, host: &mut Session, room: &str) -> Live {
    let others = host.met().filter(|nick| *nick != FOCUS).count();
    // What the host heard so far belongs to no look below.
    host.transcript_since();
    if others > 0 {
        let why = format!("{others} others are in the room, and they are not to be disturbed");
        return unseen(endpoint, &why);
    }
    let mut live = among(endpoint, host, room).await;
    live.lobby = lobby(endpoint, host, room).await;
    live
}

async fn guest(endpoint: &Endpoint) -> Result<Session, String> {
    let session = Session::open(endpoint, &endpoint.hosts.guests, None).await;
    let mut session = session.map_err(|error| format!("no guest could log in: {error}"))?;
    match session.log_in(Mechanism::Anonymous).await {
        Ok(Login::Admitted { .. }) => Ok(session),
        Ok(Login::Refused(refused) | Login::Unbound(refused)) => {
            session.close().await;
            Err(format!("no guest could log in: {}", refused.condition))
        }
        Err(error) => Err(format!("no guest could log in: {error}")),
    }
}

/// A guest outside, then inside. The lobby is left to its own look.
async fn among(endpoint: &Endpoint, host: &Session, room: &str) -> Live {
    let mut session = match guest(endpoint).await {
        Ok(session) => session,
        Err(why) => return unseen(endpoint, &why),
    };
    // jicofo judges nobody whose invitation failed: it has forgotten him.
    session.take_calls();
    session.transcript_since();
    let look = vantage(endpoint, "room list while a room is open");
    let rooms = listing::list(&mut session, &endpoint.hosts.rooms).await;
    let rooms = look.saw(session.transcript_since(), rooms.into());
    let look = vantage(endpoint, "question to an open room from outside of it");
    let info = listing::ask_room(&mut session, room).await;
    let room_info = look.saw(session.transcript_since(), info.into());

    let look = vantage(endpoint, "guest's entry beside the host");
    let entry = session.enter_with(room, NAME).await;
    let inside = matches!(entry, Ok(Entry::Entered { .. }));
    let guest_entry = look.saw(session.transcript_since(), entry.into());
    let attempts = if inside {
        let (nick, jid, host_nick) = (session.nick(), session.bare_jid().to_owned(), host.nick());
        let stage = Stage {
            room,
            nick: &nick,
            jid: &jid,
            host: &host_nick,
            host_jid: host.bare_jid(),
        };
        deeds::try_all(endpoint, &mut session, &stage).await
    } else {
        Vec::new()
    };
    session.close().await;
    Live {
        rooms,
        room_info,
        guest_entry,
        attempts,
        lobby: no_lobby(endpoint, "it was not tried"),
    }
}

async fn lobby(endpoint: &Endpoint, host: &mut Session, room: &str) -> Lobby {
    let look = vantage(endpoint, "host's switch of the lobby");
    let answer = deeds::switch_lobby(host, room, Switch::On).await;
    let on = matches!(answer, Ok(Answer::Granted));
    let switched = look.saw(host.transcript_since(), answer.into());
    if !on {
        return Lobby {
            switched,
            ..no_lobby(endpoint, "the host could not switch the lobby on")
        };
    }
    let mut session = match guest(endpoint).await {
        Ok(session) => session,
        Err(why) => {
            return Lobby {
                switched,
                ..no_lobby(endpoint, &why)
            };
        }
    };
    session.transcript_since();
    let look = vantage(endpoint, "guest's knock at a closed room");
    let entry = session.enter_with(room, NAME).await;
    let waiting = match &entry {
        Ok(Entry::Lobby { lobby: Some(lobby) }) => Some(lobby.clone()),
        _ => None,
    };
    let knock = look.saw(session.transcript_since(), entry.into());

    let look = vantage(endpoint, "guest who invites himself");
    let entry = help_himself(&mut session, room, &[room]).await;
    let self_invited = look.saw(session.transcript_since(), entry.into());

    let look = vantage(endpoint, "guest who helps himself in the lobby");
    let entry = match &waiting {
        Some(waiting) => from_inside(&mut session, room, waiting).await.into(),
        None => Seen::unknown("the room named no lobby to wait in"),
    };
    let from_lobby = look.saw(session.transcript_since(), entry);

    let look = vantage(endpoint, "guest whom the host admits");
    let entry = admit(host, &mut session, room).await;
    let mut transcript = host.transcript_since();
    transcript.extend(session.transcript_since());
    let admitted = look.saw(transcript, entry.into());
    session.close().await;
    // The room ends with the host's visit; whoever came meanwhile finds it as it was.
    let _ = deeds::switch_lobby(host, room, Switch::Off).await;
    host.transcript_since();
    Lobby {
        switched,
        knock,
        self_invited,
        from_lobby,
        admitted,
    }
}

/// An invitation in one's own name, and one's own word on one's own affiliation; then the door.
async fn help_himself(session: &mut Session, room: &str, ask: &[&str]) -> Result<Entry, XmppError> {
    let (jid, bare) = (session.jid().to_owned(), session.bare_jid().to_owned());
    for place in ask {
        session.send(&invitation(place, &jid)).await?;
        let member = format!(
            "<query xmlns='http://jabber.org/protocol/muc#admin'><item jid='{}' affiliation='member'/></query>",
            escape(&bare)
        );
        // The answer does not matter, and a lobby gives none: it is the door that tells.
        session.ask_or_dropped("set", Some(place), &member).await?;
    }
    session.enter_with(room, NAME).await
}

async fn from_inside(session: &mut Session, room: &str, waiting: &str) -> Result<Entry, XmppError> {
    match session.enter_with(waiting, NAME).await? {
        Entry::Entered { .. } => help_himself(session, room, &[waiting, room]).await,
        other => Err(XmppError::Unexpected {
            question: "entering the lobby".to_owned(),
            answer: format!("{other:?}"),
        }),
    }
}

/// What a host's client sends when he lets somebody in.
async fn admit(host: &mut Session, session: &mut Session, room: &str) -> Result<Entry, XmppError> {
    host.send(&invitation(room, session.jid())).await?;
    // A question to the room is answered after the invitation was taken.
    let place = format!("{room}/{}", host.nick());
    host.ask("get", Some(&place), "<ping xmlns='urn:xmpp:ping'/>").await?;
    session.enter_with(room, NAME).await
}

fn invitation(room: &str, to: &str) -> String {
    format!(
        "<message xmlns='jabber:client' to='{}'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='{}'/></x>\
         </message>",
        escape(room),
        escape(to)
    )
}

fn not_seen<T>(endpoint: &Endpoint, what: &str, why: &str) -> Sighting<T> {
    vantage(endpoint, what).saw(Vec::new(), Seen::unknown(why))
}

/// The view where nothing of it could be played.
pub(crate) fn unseen(endpoint: &Endpoint, why: &str) -> Live {
    Live {
        rooms: not_seen(endpoint, "room list while a room is open", why),
        room_info: not_seen(endpoint, "question to an open room from outside of it", why),
        guest_entry: not_seen(endpoint, "guest's entry beside the host", why),
        attempts: Vec::new(),
        lobby: no_lobby(endpoint, why),
    }
}

fn no_lobby(endpoint: &Endpoint, why: &str) -> Lobby {
    Lobby {
        switched: not_seen(endpoint, "host's switch of the lobby", why),
        knock: not_seen(endpoint, "guest's knock at a closed room", why),
        self_invited: not_seen(endpoint, "guest who invites himself", why),
        from_lobby: not_seen(endpoint, "guest who helps himself in the lobby", why),
        admitted: not_seen(endpoint, "guest whom the host admits", why),
    }
}
