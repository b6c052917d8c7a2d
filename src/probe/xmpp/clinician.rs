//! A clinician: logs in, has the focus open a fresh room, enters it, stays while `live` plays, and leaves. While the room
//! is open and empty, a guest and a clinician with a token for another room try to enter it.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::probe::call::Calling;
use crate::probe::sighting::Sighting;
use crate::probe::turn::RelayTerms;
use crate::secret::Secret;
use crate::seen::Seen;

use super::foreign;
use super::foreign::Foreign;
use super::forge;
use super::forge::TokenTerms;
use super::guest::FocusAnswer;
use super::guest::ask_focus;
use super::guest::visit_room;
use super::hosts::Naming;
use super::link::Endpoint;
use super::link::Pass;
use super::link::XmppError;
use super::live;
use super::live::Live;
use super::login::refused_by_hanging_up;
use super::relays;
use super::relays::RelayService;
use super::session::Entry;
use super::session::Login;
use super::session::Mechanism;
use super::session::Session;
use super::stanza::Refused;
use super::stranger::fresh_room;
use super::stranger::vantage;

/// Who the probe may pose as.
#[derive(Debug, Clone, Default)]
pub struct Visitors {
    /// A clinician's credential. Without one, and with a shared secret in `tokens`, the probe signs its own token.
    pub clinician: Option<Clinician>,
    /// The terms on which the server takes tokens; `None` where it has accounts.
    pub tokens: Option<TokenTerms>,
    /// What is known of the relay.
    pub relay: RelayTerms,
    /// Whose names for the site's hosts are used.
    pub naming: Naming,
    /// Whether the rate limits are tried at the end.
    pub knocking: Knocking,
    /// Whether two of them call each other.
    pub call: Calling,
}

/// How often the probe knocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Knocking {
    /// Never faster than the server is to allow.
    #[default]
    Politely,
    /// At the end in one burst, too, that is bounded and stops itself.
    InABurst,
}

/// A clinician's credential.
#[derive(Debug, Clone)]
pub enum Clinician {
    /// A token from the clinic; the room it names is used.
    Token(Secret),
    /// An account of the main domain.
    Account {
        /// The local part.
        user: String,
        /// Its password.
        password: Secret,
    },
}

/// What a clinician met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClinicianView {
    /// The login. It is the control of the forged tokens: where the honest one is refused, theirs prove nothing.
    pub login: Sighting<Login>,
    /// The focus's answer to the request for a fresh room.
    pub focus: Sighting<FocusAnswer>,
    /// A guest's try to enter that room before the clinician does.
    pub guest_before_host: Sighting<Entry>,
    /// Another clinician's try to enter it with a token for another room; `None` where the server has accounts.
    pub wrong_room: Option<Sighting<Entry>>,
    /// The clinician's own entry. It is the control of the two tries above.
    pub entry: Sighting<Entry>,
    /// The relays that a clinician is handed (XEP-0215), with credentials.
    pub relays: Sighting<Vec<RelayService>>,
    /// What guests can do while the clinician is in the room.
    pub live: Live,
    /// The clinician's question to a foreign server.
    pub foreign: Sighting<Foreign>,
}

/// How often a focus that is away, or asks to come again, is asked.
const TRIES: u32 = 12;

/// Between two questions. A focus whose server was restarted needs some seconds to log in again.
const PAUSE: Duration = Duration::from_secs(2);

/// Asks the focus until it says yes or no, as Jitsi's own client does.
pub(crate) async fn ask_patiently(session: &mut Session, focus: &str, room: &str) -> Result<FocusAnswer, XmppError> {
    let mut answer = ask_focus(session, focus, room).await?;
    for _ in 1..TRIES {
        if !matches!(answer, FocusAnswer::Absent(_) | FocusAnswer::NotReady) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        answer = ask_focus(session, focus, room).await?;
    }
    Ok(answer)
}

/// The focus's nick in every room (jicofo's `xmpp.client.username`, which Jitsi's clients know it by).
pub(crate) const FOCUS: &str = "focus";

/// How often a focus that left a room is asked back into it.
const RETURNS: u32 = 2;

/// The focus makes a host an owner of the room within this.
const MADE_OWNER: Duration = Duration::from_secs(5);

/// Enters a room that the focus has opened. It closes one that nobody has entered for some seconds (jicofo's
/// `conference.initial-timeout`), and what was tried in between may have taken longer. Then the room is shut, or, where the
/// clinician may open one himself, it is without the focus, which may also be about to leave when he enters: then nobody
/// makes him an owner. A client would ask for it anew, too.
pub(crate) async fn enter_opened(session: &mut Session, focus: &str, room: &str) -> Result<Entry, XmppError> {
    let mut entry = session.enter(room).await?;
    for _ in 0..RETURNS {
        let shut = match &entry {
            Entry::Refused(_) => true,
            Entry::Entered { .. } if session.becomes_owner(MADE_OWNER).await? => break,
            Entry::Entered { .. } => false,
            _ => break,
        };
        ask_patiently(session, focus, room).await?;
        if shut {
            entry = session.enter(room).await?;
        }
    }
    Ok(entry)
}

/// How the clinician of one run comes in.
pub(crate) enum Credential {
    Pass(Pass),
    Account { user: String, password: Secret },
}

/// Visits as a clinician; `None` where no credential is known and none can be made.
pub(crate) async fn visit(endpoint: &Endpoint, strict: &Endpoint, visitors: &Visitors) -> Option<ClinicianView> {
    let tokens = visitors.tokens.as_ref();
    match credential(endpoint, visitors)? {
        Ok((room, credential)) => Some(open_room(endpoint, strict, tokens, &room, &credential).await),
        Err(why) => Some(shut_out(endpoint, tokens, unseen(endpoint, "clinician login", &why))),
    }
}

/// A credential and the room it opens; `None` where none is known and none can be made.
pub(crate) fn credential(endpoint: &Endpoint, visitors: &Visitors) -> Option<Result<(String, Credential), String>> {
    if visitors.clinician.is_none() && visitors.tokens.is_none() {
        return None;
    }
    let fresh = match fresh_room(endpoint.address.ip()) {
        Ok(fresh) => fresh,
        Err(why) => return Some(Err(why)),
    };
    Some(Ok(match (&visitors.clinician, visitors.tokens.as_ref()) {
        (Some(Clinician::Token(token)), _) => {
            let room = forge::room_of(token).unwrap_or(fresh);
            let pass = Pass {
                room: room.clone(),
                token: token.clone(),
            };
            (room, Credential::Pass(pass))
        }
        (Some(Clinician::Account { user, password }), _) => {
            let account = Credential::Account {
                user: user.clone(),
                password: password.clone(),
            };
            (fresh, account)
        }
        (None, terms) => {
            let token = forge::honest(terms?, &endpoint.domain, &fresh, now()).ok()?;
            let room = fresh.clone();
            (fresh, Credential::Pass(Pass { room, token }))
        }
    }))
}

async fn open_room(
    endpoint: &Endpoint,
    strict: &Endpoint,
    tokens: Option<&TokenTerms>,
    room: &str,
    credential: &Credential,
) -> ClinicianView {
    let look = vantage(endpoint, "clinician login");
    let (mut session, login) = match log_in(strict, credential).await {
        Ok(pair) => pair,
        Err(why) => {
            let line = vec![format!("<< {why}")];
            return shut_out(endpoint, tokens, look.saw(line, Seen::Unknown(why)));
        }
    };
    let admitted = matches!(login, Login::Admitted { .. });
    let login = look.saw(session.transcript_since(), Seen::Known(login));
    if !admitted {
        session.close().await;
        return shut_out(endpoint, tokens, login);
    }
    let room = format!("{room}@{}", endpoint.hosts.rooms);
    let look = vantage(endpoint, "clinician conference request");
    let answer = ask_patiently(&mut session, &endpoint.hosts.focus, &room).await;
    let focus = look.saw(session.transcript_since(), answer.into());

    let guest_before_host = guest_tries(endpoint, &room).await;
    let wrong_room = match tokens {
        Some(terms) => Some(other_token_tries(endpoint, strict, terms, &room).await),
        None => None,
    };

    let foreign = foreign::look(endpoint, &mut session, "clinician").await;

    let look = vantage(endpoint, "clinician entry");
    let entry = match &focus.result {
        Seen::Known(FocusAnswer::Ready { .. }) => enter_opened(&mut session, &endpoint.hosts.focus, &room).await,
        _ => session.enter(&room).await,
    };
    let inside = matches!(entry, Ok(Entry::Entered { .. }));
    let entry = look.saw(session.transcript_since(), entry.into());

    let look = vantage(endpoint, "relays for a clinician");
    let handed = relays::ask(&mut session, &endpoint.hosts.site, &endpoint.hosts.site).await;
    let relays = look.saw(session.transcript_since(), handed.into());
    let live = if inside {
        let live = live::play(endpoint, &mut session, &room).await;
        let _ = session.leave(&room).await;
        live
    } else {
        live::unseen(endpoint, "the clinician did not get into the room")
    };
    session.close().await;
    ClinicianView {
        login,
        focus,
        guest_before_host,
        wrong_room,
        entry,
        relays,
        live,
        foreign,
    }
}

pub(crate) async fn log_in(strict: &Endpoint, credential: &Credential) -> Result<(Session, Login), String> {
    let pass = match credential {
        Credential::Pass(pass) => Some(pass),
        Credential::Account { .. } => None,
    };
    let mut session = Session::open(strict, &strict.hosts.site, pass)
        .await
        .map_err(|error| error.to_string())?;
    let mechanism = match credential {
        Credential::Pass(_) => Mechanism::Anonymous,
        Credential::Account { user, password } => {
            let offered = session.mechanisms();
            if !offered.iter().any(|name| name == "PLAIN") {
                session.close().await;
                return Err(format!(
                    "the server does not offer PLAIN ({}); it does not regard this connection as encrypted",
                    offered.join(", ")
                ));
            }
            Mechanism::Plain { user, password }
        }
    };
    let login = refused_by_hanging_up(session.log_in(mechanism).await).map_err(|error| error.to_string())?;
    if let Login::Unbound(refused) = login {
        session.close().await;
        return Err(unbound(&refused));
    }
    Ok((session, login))
}

async fn guest_tries(endpoint: &Endpoint, room: &str) -> Sighting<Entry> {
    let look = vantage(endpoint, "guest before host");
    let mut session = match Session::open(endpoint, &endpoint.hosts.guests, None).await {
        Ok(session) => session,
        Err(error) => return look.saw(vec![format!("<< {error}")], Seen::unknown(error)),
    };
    let result = enter_after(session.log_in(Mechanism::Anonymous).await.into(), &mut session, room).await;
    look.saw(session.close().await, result)
}

async fn other_token_tries(endpoint: &Endpoint, strict: &Endpoint, terms: &TokenTerms, room: &str) -> Sighting<Entry> {
    let look = vantage(endpoint, "token for another room");
    let other = fresh_room(endpoint.address.ip());
    let pass = other.and_then(|other| {
        let token = forge::honest(terms, &endpoint.domain, &other, now())?;
        Ok(Pass { room: other, token })
    });
    let pass = match pass {
        Ok(pass) => pass,
        Err(why) => return look.saw(Vec::new(), Seen::Unknown(why)),
    };
    let mut session = match Session::open(strict, &strict.hosts.site, Some(&pass)).await {
        Ok(session) => session,
        Err(error) => return look.saw(vec![format!("<< {error}")], Seen::unknown(error)),
    };
    let result = enter_after(session.log_in(Mechanism::Anonymous).await.into(), &mut session, room).await;
    look.saw(session.close().await, result)
}

/// Enters a room after a login; a failed login leaves the entry unknown.
async fn enter_after(login: Seen<Login>, session: &mut Session, room: &str) -> Seen<Entry> {
    match login {
        Seen::Known(Login::Admitted { .. }) => visit_room(session, room).await.into(),
        Seen::Known(Login::Refused(refused)) => {
            Seen::unknown(format!("the login before it was refused: {}", refused.condition))
        }
        Seen::Known(Login::Unbound(refused)) => Seen::Unknown(unbound(&refused)),
        Seen::Unknown(why) => Seen::Unknown(why),
    }
}

fn unbound(refused: &Refused) -> String {
    format!("the login succeeded, but no address was bound: {}", refused.condition)
}

pub(super) fn now() -> i64 {
    Timestamp::now().as_second()
}

fn unseen<T>(endpoint: &Endpoint, what: &str, why: &str) -> Sighting<T> {
    vantage(endpoint, what).saw(Vec::new(), Seen::unknown(why))
}

/// The view of a clinician who could not log in.
fn shut_out(endpoint: &Endpoint, tokens: Option<&TokenTerms>, login: Sighting<Login>) -> ClinicianView {
    let why = "the clinician could not log in";
    ClinicianView {
        login,
        focus: unseen(endpoint, "clinician conference request", why),
        guest_before_host: unseen(endpoint, "guest before host", why),
        wrong_room: tokens.map(|_| unseen(endpoint, "token for another room", why)),
        entry: unseen(endpoint, "clinician entry", why),
        relays: unseen(endpoint, "relays for a clinician", why),
        live: live::unseen(endpoint, why),
        foreign: unseen(endpoint, "clinician's question to a foreign server", why),
    }
}

/// The view where no credential may be sent, because nothing is trusted.
pub(crate) fn untrusted(endpoint: &Endpoint, visitors: &Visitors, why: &str) -> ClinicianView {
    shut_out(
        endpoint,
        visitors.tokens.as_ref(),
        unseen(endpoint, "clinician login", why),
    )
}
