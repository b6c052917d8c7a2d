//! What visitors of a locked site meet at both doors: strangers, guests, forgers, and a clinician in a room.

use crate::probe::DoorView;
use crate::probe::Entry;
use crate::probe::FocusAnswer;
use crate::probe::HostOffer;
use crate::probe::Login;
use crate::probe::Registration;
use crate::probe::xmpp::clinician::ClinicianView;
use crate::probe::xmpp::deeds::Answer;
use crate::probe::xmpp::deeds::Attempt;
use crate::probe::xmpp::deeds::Deed;
use crate::probe::xmpp::foreign::Foreign;
use crate::probe::xmpp::forgery::Forgery;
use crate::probe::xmpp::guest::Guest;
use crate::probe::xmpp::impostor::ForgedLogin;
use crate::probe::xmpp::impostor::Guess;
use crate::probe::xmpp::impostor::HonestLogin;
use crate::probe::xmpp::impostor::Wrong;
use crate::probe::xmpp::link::Transport;
use crate::probe::xmpp::listing::RoomInfo;
use crate::probe::xmpp::live::Live;
use crate::probe::xmpp::live::Lobby;
use crate::probe::xmpp::session::Room;
use crate::probe::xmpp::stranger::Stranger;

use super::relay;
use super::sightings::admitted;
use super::sightings::in_a_new_room;
use super::sightings::no;
use super::sightings::saw;

pub(super) fn door(name: &str, transport: Transport) -> DoorView {
    let subject = |what: &str| format!("https://{name}/{} {what}", transport.path());
    DoorView {
        transport,
        stranger: Stranger {
            mechanisms: saw(subject("login methods"), vec!["ANONYMOUS".to_owned()]),
            anonymous: saw(subject("anonymous login"), Login::Refused(no())),
            registration: saw(subject("registration"), Registration::Refused(no())),
            guest_registration: saw(subject("registration on the guests' host"), Registration::Refused(no())),
            rooms: saw(subject("room list without a login"), Vec::new()),
            accounts_host: saw(subject("accounts host"), HostOffer::Answers { mechanisms: Vec::new() }),
        },
        guest: Guest {
            login: saw(subject("guest login"), admitted()),
            rooms: saw(subject("room list"), Vec::new()),
            parts: vec![saw(
                subject("items of telemed.example.com"),
                vec![format!("conference.{name}"), format!("focus.{name}")],
            )],
            foreign: saw(
                subject("guest's question to a foreign server"),
                Foreign::NotCarried(no()),
            ),
            new_room: saw(subject("new room"), Entry::Refused(no())),
            focus: saw(subject("conference request"), FocusAnswer::NotReady),
            before_host: saw(subject("room without host"), Entry::Lobby { lobby: None }),
            made_up_token: saw(subject("guest with a made-up token"), Entry::Lobby { lobby: None }),
            brewery: saw(subject("bridges' room"), Entry::Ignored(no())),
            relays: saw(subject("relays for a guest"), relay::handed()),
        },
    }
}

pub(super) fn clinician(name: &str) -> ClinicianView {
    let subject = |what: &str| format!("wss://{name}/xmpp-websocket {what}");
    ClinicianView {
        login: saw(subject("clinician login"), admitted()),
        focus: saw(
            subject("clinician conference request"),
            FocusAnswer::Ready { focus: None },
        ),
        guest_before_host: saw(subject("guest before host"), Entry::Lobby { lobby: None }),
        wrong_room: Some(saw(subject("token for another room"), Entry::Refused(no()))),
        entry: saw(subject("clinician entry"), in_a_new_room()),
        relays: saw(subject("relays for a clinician"), relay::handed()),
        live: live(name),
        foreign: saw(
            subject("clinician's question to a foreign server"),
            Foreign::NotCarried(no()),
        ),
    }
}

pub(super) fn honest(name: &str, transport: Transport) -> HonestLogin {
    let subject = |what: &str| format!("https://{name}/{} {what}", transport.path());
    HonestLogin {
        transport,
        login: saw(subject("honest login"), admitted()),
        again: Some(saw(subject("honest login after the forged ones"), admitted())),
    }
}

pub(super) fn forged(name: &str, transport: Transport, forgery: Forgery) -> ForgedLogin {
    let subject = format!("https://{name}/{} forged token ({forgery:?})", transport.path());
    ForgedLogin {
        transport,
        forgery,
        login: saw(subject, Login::Refused(no())),
    }
}

pub(super) fn guess(name: &str, transport: Transport, wrong: Wrong) -> Guess {
    let subject = format!("https://{name}/{} login ({wrong:?} wrong)", transport.path());
    Guess {
        transport,
        wrong,
        login: saw(subject, Login::Refused(no())),
    }
}

fn live(name: &str) -> Live {
    let subject = |what: &str| format!("wss://{name}/xmpp-websocket {what}");
    let held = |what: &str| saw(subject(what), Entry::Lobby { lobby: None });
    let attempt = |deed| Attempt {
        deed,
        answer: saw(subject(&format!("guest's try ({deed:?})")), Answer::Refused(no())),
    };
    Live {
        rooms: saw(subject("room list while a room is open"), Vec::new()),
        room_info: saw(subject("question to an open room"), RoomInfo::Refused(no())),
        guest_entry: saw(subject("guest's entry beside the host"), beside_the_host()),
        attempts: Deed::ALL.map(attempt).into(),
        lobby: Lobby {
            switched: saw(subject("host's switch of the lobby"), Answer::Granted),
            knock: held("guest's knock"),
            self_invited: held("guest who invites himself"),
            from_lobby: held("guest in the lobby"),
            admitted: saw(subject("guest whom the host admits"), beside_the_host()),
        },
    }
}

/// In a room that somebody else opened.
pub(super) fn beside_the_host() -> Entry {
    Entry::Entered {
        room: Room::Existing,
        affiliation: "none".to_owned(),
        role: "participant".to_owned(),
    }
}
