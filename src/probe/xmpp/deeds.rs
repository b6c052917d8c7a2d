//! What a guest inside a room tries that is its host's alone: each until it is decided, with the answer.

use std::time::Duration;

use serde::Serialize;

use crate::probe::sighting::Sighting;

use super::link::Endpoint;
use super::link::XmppError;
use super::session::Session;
use super::stanza::Element;
use super::stanza::Refused;
use super::stanza::escape;
use super::stranger::vantage;

const ADMIN: &str = "http://jabber.org/protocol/muc#admin";
const OWNER: &str = "http://jabber.org/protocol/muc#owner";
const CONFIG: &str = "http://jabber.org/protocol/muc#roomconfig";

/// How often a server that could not decide is asked, and the pause before it is asked again. jicofo knows who is in a room
/// only some time after he came in, and has an internal error for him before.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// Something that only a host may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Read the room's settings (XEP-0045 10.2).
    ReadSettings,
    /// Grant himself the role of a moderator (XEP-0045 9.6).
    BecomeModerator,
    /// Make himself an owner (XEP-0045 10.3).
    BecomeOwner,
    /// Switch the lobby on.
    SetLobby,
    /// Set a password.
    SetPassword,
    /// Mute the host, through the focus (`http://jitsi.org/jitmeet/audio`).
    MuteHost,
    /// Switch the host's camera off, through the focus.
    MuteVideo,
    /// Start a recording, through the focus (`jibri`).
    Record,
    /// Start a live stream.
    Stream,
    /// Call somebody by telephone (`rayo`). The number is nobody's.
    Dial,
    /// Put the host out of the room (XEP-0045 8.2).
    KickHost,
    /// Ban the host (XEP-0045 9.1).
    BanHost,
    /// End the room (XEP-0045 10.9).
    Destroy,
}

impl Deed {
    /// All of them, those that end something last.
    pub const ALL: [Self; 13] = [
        Self::ReadSettings,
        Self::BecomeModerator,
        Self::BecomeOwner,
        Self::SetLobby,
        Self::SetPassword,
        Self::MuteHost,
        Self::MuteVideo,
        Self::Record,
        Self::Stream,
        Self::Dial,
        Self::KickHost,
        Self::BanHost,
        Self::Destroy,
    ];
}

/// The room's or the focus's word on a deed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Done.
    Granted,
    /// No.
    Refused(Refused),
}

/// One try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// What was tried.
    pub deed: Deed,
    /// What came of it.
    pub answer: Sighting<Answer>,
}

/// Who tries, and on whom.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    /// The room's bare address.
    pub(crate) room: &'a str,
    /// The nick of who tries.
    pub(crate) nick: &'a str,
    /// His bare address.
    pub(crate) jid: &'a str,
    /// The host's nick.
    pub(crate) host: &'a str,
    /// The host's bare address.
    pub(crate) host_jid: &'a str,
}

/// Tries everything.
pub(crate) async fn try_all(endpoint: &Endpoint, session: &mut Session, stage: &Stage<'_>) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for deed in Deed::ALL {
        let look = vantage(endpoint, &format!("guest's try ({deed:?})"));
        let answer = attempt(session, stage, deed).await;
        let answer = look.saw(session.transcript_since(), answer.into());
        attempts.push(Attempt { deed, answer });
    }
    attempts
}

async fn attempt(session: &mut Session, stage: &Stage<'_>, deed: Deed) -> Result<Answer, XmppError> {
    let (kind, to, content) = request(stage, deed);
    let mut answer = session.ask(kind, Some(&to), &content).await?;
    for _ in 1..TRIES {
        if !in_trouble(&answer) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        answer = session.ask(kind, Some(&to), &content).await?;
    }
    read(deed, &answer)
}

fn in_trouble(answer: &Element) -> bool {
    answer.attribute("type") == Some("error") && answer.refusal().is_trouble()
}

/// Switches the lobby, as a host does.
pub(crate) async fn switch_lobby(session: &mut Session, room: &str, on: Switch) -> Result<Answer, XmppError> {
    let value = match on {
        Switch::On => "1",
        Switch::Off => "0",
    };
    let content = configure("muc#roomconfig_membersonly", value);
    let answer = session.ask("set", Some(room), &content).await?;
    read(Deed::SetLobby, &answer)
}

/// Whether something is to be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
}

/// The question that a deed is: type, address, content.
fn request(stage: &Stage<'_>, deed: Deed) -> (&'static str, String, String) {
    let room = stage.room.to_owned();
    let focus = format!("{room}/focus");
    let item = |who: &str, change: &str| format!("<query xmlns='{ADMIN}'><item {who} {change}/></query>");
    let nick = |name: &str| format!("nick='{}'", escape(name));
    let jid = |address: &str| format!("jid='{}'", escape(address));
    let victim = escape(&format!("{room}/{}", stage.host));
    let jibri = |mode: &str, extra: &str| {
        format!("<jibri xmlns='http://jitsi.org/protocol/jibri' action='start' recording_mode='{mode}' {extra}/>")
    };
    match deed {
        Deed::ReadSettings => ("get", room, format!("<query xmlns='{OWNER}'/>")),
        Deed::BecomeModerator => ("set", room, item(&nick(stage.nick), "role='moderator'")),
        Deed::BecomeOwner => ("set", room, item(&jid(stage.jid), "affiliation='owner'")),
        Deed::SetLobby => ("set", room, configure("muc#roomconfig_membersonly", "1")),
        Deed::SetPassword => ("set", room, configure("muc#roomconfig_roomsecret", "anteroom-probe")),
        Deed::MuteHost => (
            "set",
            focus,
            format!("<mute xmlns='http://jitsi.org/jitmeet/audio' jid='{victim}'>true</mute>"),
        ),
        Deed::MuteVideo => (
            "set",
            focus,
            format!("<mute xmlns='http://jitsi.org/jitmeet/video' jid='{victim}'>true</mute>"),
        ),
        Deed::Record => ("set", focus, jibri("file", "app_data='{}'")),
        Deed::Stream => ("set", focus, jibri("stream", "streamid='anteroom-probe'")),
        Deed::Dial => (
            "set",
            focus,
            format!(
                "<dial xmlns='urn:xmpp:rayo:1' to='anteroom-probe@anteroom-probe.invalid' from='fromnumber'>\
                 <header name='JvbRoomName' value='{}'/></dial>",
                escape(stage.room)
            ),
        ),
        Deed::KickHost => ("set", room, item(&nick(stage.host), "role='none'")),
        Deed::BanHost => ("set", room, item(&jid(stage.host_jid), "affiliation='outcast'")),
        Deed::Destroy => ("set", room, format!("<query xmlns='{OWNER}'><destroy/></query>")),
    }
}

fn configure(field: &str, value: &str) -> String {
    format!(
        "<query xmlns='{OWNER}'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>\
         <value>{CONFIG}</value></field><field var='{field}'><value>{value}</value></field></x></query>"
    )
}

/// A focus or room that is not there has refused nothing. Where nobody does what was asked for, nobody can be made to.
fn read(deed: Deed, answer: &Element) -> Result<Answer, XmppError> {
    if answer.attribute("type") != Some("error") {
        return Ok(Answer::Granted);
    }
    let refused = answer.refusal();
    let unoffered = match (deed, refused.condition.as_str()) {
        (Deed::Record | Deed::Stream | Deed::Dial, "service-unavailable") => true,
        // So says a focus that knows no recorder; a room that lacks the focus says it in words.
        (Deed::Record | Deed::Stream, "item-not-found") => refused.text.is_none(),
        _ => false,
    };
    match refused.decides_nothing() && !unoffered {
        true => Err(XmppError::Unexpected {
            question: format!("a guest's try ({deed:?})"),
            answer: refused.condition,
        }),
        false => Ok(Answer::Refused(refused)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::probe::xmpp::hostile::any_element;

    fn no(condition: &str) -> Element {
        let xml =
            format!("<iq type='error'><error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
        Element::parse(&xml).unwrap()
    }

    #[test]
    fn an_absent_focus_refuses_nothing_but_an_absent_recorder_records_nothing() {
        assert!(matches!(read(Deed::KickHost, &no("forbidden")), Ok(Answer::Refused(_))));
        assert!(read(Deed::MuteHost, &no("item-not-found")).is_err());
        assert!(read(Deed::MuteHost, &no("service-unavailable")).is_err());
        assert!(matches!(
            read(Deed::Record, &no("service-unavailable")),
            Ok(Answer::Refused(_))
        ));
        // As jicofo answered where no recorder is known to it, and as Prosody does for an occupant that is not there.
        let unknown = |text: &str| {
            let xml = format!(
                "<iq type='error' from='r@conference.d/focus'><error type='cancel'><item-not-found \
                 xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>{text}</error></iq>"
            );
            Element::parse(&xml).unwrap()
        };
        let absent = unknown("<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>Recipient not in room</text>");
        for deed in [Deed::Record, Deed::Stream] {
            assert!(matches!(read(deed, &unknown("")), Ok(Answer::Refused(_))));
            assert!(read(deed, &absent).is_err());
        }
        assert!(read(Deed::Dial, &unknown("")).is_err());
        assert!(in_trouble(&no("internal-server-error")));
        assert!(!in_trouble(&no("not-allowed")) && !in_trouble(&unknown("")));
        let done = Element::parse("<iq type='result'/>").unwrap();
        assert_eq!(read(Deed::Destroy, &done).unwrap(), Answer::Granted);
    }

    #[test]
    fn every_deed_is_well_formed_and_names_the_room() {
        let stage = Stage {
            room: "r@conference.d",
            nick: "guest",
            jid: "g@guest.d",
            host: "ho'st",
            host_jid: "h@d",
        };
        for deed in Deed::ALL {
            let (_, to, content) = request(&stage, deed);
            assert!(to.starts_with("r@conference.d"));
            assert!(Element::parse(&content).is_ok(), "{deed:?}: {content}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(answer in any_element()) {
            let refused = answer.attribute("type") == Some("error");
            for deed in Deed::ALL {
                prop_assert_eq!(matches!(read(deed, &answer), Ok(Answer::Granted)), !refused);
            }
        }
    }
}
