//! A clinician: logs in, has the focus open a fresh room, enters and leaves it. While the room is open and empty, a guest
//! and a clinician with a token for another room try to enter it.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::secret::Secret;
use crate::seen::Seen;

use super::forge;
use super::forge::Forgery;
use super::forge::TokenTerms;
use super::guest::FocusAnswer;
use super::guest::ask_focus;
use super::guest::visit_room;
use super::link::Endpoint;
use super::link::Pass;
use super::link::XmppError;
use super::session::Entry;
use super::session::Login;
use super::session::Mechanism;
use super::session::Session;
use super::stranger::fresh_room;
use super::stranger::refused_by_hanging_up;
use super::stranger::vantage;

/// Who the probe may pose as.
#[derive(Debug, Clone, Default)]
pub struct Visitors {
    /// A clinician's credential. Without one, and with a shared secret in `tokens`, the probe signs its own token.
    pub clinician: Option<Clinician>,
    /// The terms on which the server takes tokens; `None` where it has accounts.
    pub tokens: Option<TokenTerms>,
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
}

/// A forged token and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForgedLogin {
    /// What is wrong with the token.
    pub forgery: Forgery,
    /// The login with it.
    pub login: Sighting<Login>,
}

/// How often a focus that is away, or asks to come again, is asked.
const TRIES: u32 = 12;

/// Between two questions. A focus whose server was restarted needs some seconds to log in again.
const PAUSE: Duration = Duration::from_secs(2);

/// Asks the focus until it says yes or no, as Jitsi's own client does.
async fn ask_patiently(session: &mut Session, domain: &str, room: &str) -> Result<FocusAnswer, XmppError> {
    let mut answer = ask_focus(session, domain, room).await?;
    for _ in 1..TRIES {
        if !matches!(answer, FocusAnswer::Absent(_) | FocusAnswer::NotReady) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        answer = ask_focus(session, domain, room).await?;
    }
    Ok(answer)
}

/// How the clinician of one run comes in.
enum Credential {
    Pass(Pass),
    Account { user: String, password: Secret },
}

/// Visits as a clinician; `None` where no credential is known and none can be made.
pub(crate) async fn visit(endpoint: &Endpoint, strict: &Endpoint, visitors: &Visitors) -> Option<ClinicianView> {
    let tokens = visitors.tokens.as_ref();
    let fresh = fresh_room(endpoint.address.ip());
    let (room, credential) = match (&visitors.clinician, tokens, fresh) {
        (None, None, _) => return None,
        (_, _, Err(why)) => return Some(shut_out(endpoint, tokens, unseen(endpoint, "clinician login", &why))),
        (Some(Clinician::Token(token)), _, Ok(fresh)) => {
            let room = forge::room_of(token).unwrap_or(fresh);
            let pass = Pass {
                room: room.clone(),
                token: token.clone(),
            };
            (room, Credential::Pass(pass))
        }
        (Some(Clinician::Account { user, password }), _, Ok(fresh)) => {
            let account = Credential::Account {
                user: user.clone(),
                password: password.clone(),
            };
            (fresh, account)
        }
        (None, Some(terms), Ok(fresh)) => match forge::honest(terms, &endpoint.domain, &fresh, now()) {
            Ok(token) => {
                let room = fresh.clone();
                (fresh, Credential::Pass(Pass { room, token }))
            }
            Err(_) => return None,
        },
    };
    Some(open_room(endpoint, strict, tokens, &room, &credential).await)
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
    let room = format!("{room}@conference.{}", endpoint.domain);
    let look = vantage(endpoint, "clinician conference request");
    let answer = ask_patiently(&mut session, &endpoint.domain, &room).await;
    let focus = look.saw(session.transcript_since(), answer.into());

    let guest_before_host = guest_tries(endpoint, &room).await;
    let wrong_room = match tokens {
        Some(terms) => Some(other_token_tries(endpoint, strict, terms, &room).await),
        None => None,
    };

    let look = vantage(endpoint, "clinician entry");
    let mut entry = visit_room(&mut session, &room).await;
    if matches!(
        (&entry, &focus.result),
        (Ok(Entry::Refused(_)), Seen::Known(FocusAnswer::Ready { .. }))
    ) {
        // The focus closes a room that nobody has entered for some seconds (jicofo's `conference.initial-timeout`), and
        // the tries in between may have taken longer. A client would ask for it anew, too.
        entry = match ask_patiently(&mut session, &endpoint.domain, &room).await {
            Ok(_) => visit_room(&mut session, &room).await,
            Err(error) => Err(error),
        };
    }
    let entry = look.saw(session.transcript_since(), entry.into());
    session.close().await;
    ClinicianView {
        login,
        focus,
        guest_before_host,
        wrong_room,
        entry,
    }
}

async fn log_in(strict: &Endpoint, credential: &Credential) -> Result<(Session, Login), String> {
    let pass = match credential {
        Credential::Pass(pass) => Some(pass),
        Credential::Account { .. } => None,
    };
    let mut session = Session::open(strict, &strict.domain, pass)
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
    Ok((session, login))
}

async fn guest_tries(endpoint: &Endpoint, room: &str) -> Sighting<Entry> {
    let look = vantage(endpoint, "guest before host");
    let host = format!("guest.{}", endpoint.domain);
    let mut session = match Session::open(endpoint, &host, None).await {
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
    let mut session = match Session::open(strict, &strict.domain, Some(&pass)).await {
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
        Seen::Unknown(why) => Seen::Unknown(why),
    }
}

/// Shows each forged token once.
pub(crate) async fn show_forgeries(endpoint: &Endpoint, strict: &Endpoint, terms: &TokenTerms) -> Vec<ForgedLogin> {
    let mut all = Vec::new();
    for forgery in Forgery::ALL {
        let look = vantage(endpoint, &format!("forged token ({forgery:?})"));
        let room = match fresh_room(endpoint.address.ip()) {
            Ok(room) => room,
            Err(why) => {
                let login = look.saw(Vec::new(), Seen::Unknown(why));
                all.push(ForgedLogin { forgery, login });
                continue;
            }
        };
        let Some(token) = forge::forged(forgery, terms, &endpoint.domain, &room, now()) else {
            continue;
        };
        let login = match token {
            Ok(token) => show(strict, look, &Pass { room, token }).await,
            Err(why) => look.saw(Vec::new(), Seen::Unknown(why)),
        };
        all.push(ForgedLogin { forgery, login });
    }
    all
}

async fn show(strict: &Endpoint, look: Vantage, pass: &Pass) -> Sighting<Login> {
    let mut session = match Session::open(strict, &strict.domain, Some(pass)).await {
        Ok(session) => session,
        Err(error) => return look.saw(vec![format!("<< {error}")], Seen::unknown(error)),
    };
    let login = refused_by_hanging_up(session.log_in(Mechanism::Anonymous).await);
    look.saw(session.close().await, login.into())
}

fn now() -> i64 {
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
