//! Impostors at the door: forged tokens and wrong passwords, each beside an honest login at the same door in the same run.
//! Gives up on a door that answers nothing.

use serde::Serialize;

use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::secret::Secret;
use crate::seen::Seen;

use super::clinician::Clinician;
use super::clinician::Visitors;
use super::clinician::now;
use super::forge;
use super::forge::TokenTerms;
use super::forgery;
use super::forgery::Forgery;
use super::keyless;
use super::link::Endpoint;
use super::link::Pass;
use super::link::Transport;
use super::login::refused_by_hanging_up;
use super::session::Login;
use super::session::Mechanism;
use super::session::Session;
use super::stranger::fresh_room;
use super::stranger::vantage;

/// After so many looks in a row that brought nothing, the rest of a door's are left out.
const PATIENCE: usize = 3;

/// The honest login at a door, without which no refusal there means anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HonestLogin {
    /// The door.
    pub transport: Transport,
    /// What came of it.
    pub login: Sighting<Login>,
    /// The same once more after the forged tokens: a door that had closed to everybody by then has refused none of them.
    /// `None` where none were shown, or the first one was not let in.
    pub again: Option<Sighting<Login>>,
}

/// A forged token and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForgedLogin {
    /// The door.
    pub transport: Transport,
    /// What is wrong with the token.
    pub forgery: Forgery,
    /// The login with it.
    pub login: Sighting<Login>,
}

/// A login with a password that is not the account's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guess {
    /// The door.
    pub transport: Transport,
    /// What is wrong with it.
    pub wrong: Wrong,
    /// What came of it.
    pub login: Sighting<Login>,
}

/// What is wrong with a name and a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// An account's name with another password.
    Password,
    /// An account's name with none.
    NoPassword,
    /// A name that nobody has.
    Name,
    /// A guest's own name, with the host that guests are on.
    GuestsName,
}

impl Wrong {
    /// All of them. Each is tried once a door, so that no account is locked out.
    pub const ALL: [Self; 4] = [Self::Password, Self::NoPassword, Self::Name, Self::GuestsName];
}

/// What happened at all doors.
#[derive(Debug, Default)]
pub(crate) struct Impostors {
    pub(crate) honest: Vec<HonestLogin>,
    pub(crate) forgeries: Vec<ForgedLogin>,
    pub(crate) guesses: Vec<Guess>,
}

/// Visits every door, which must be ones that credentials may be shown at.
pub(crate) async fn visit(doors: &[Endpoint], visitors: &Visitors) -> Impostors {
    let mut all = Impostors::default();
    for door in doors {
        match (&visitors.tokens, &visitors.clinician) {
            (None, Some(Clinician::Account { user, password })) => {
                let login = by_account(door, "honest login", user, password).await;
                all.honest.push(HonestLogin {
                    transport: door.transport,
                    login,
                    again: None,
                });
                guess(door, user, &mut all.guesses).await;
            }
            (terms, clinician) => with_tokens(door, terms.as_ref(), clinician.as_ref(), &mut all).await,
        }
    }
    all
}

/// Forged tokens between two honest ones.
async fn with_tokens(door: &Endpoint, terms: Option<&TokenTerms>, clinician: Option<&Clinician>, all: &mut Impostors) {
    let login = honest(door, "honest token", terms, clinician).await;
    match (terms, clinician) {
        (Some(terms), _) => {
            let made = |forgery, room: String| {
                let token = forgery::forged(forgery, terms, &door.domain, &room, now())?;
                Some(token.map(|token| Pass { room, token }))
            };
            show_forgeries(door, made, &mut all.forgeries).await;
        }
        (None, Some(Clinician::Token(given))) => {
            let made = |forgery, fresh: String| {
                let room = forge::room_of(given).unwrap_or(fresh);
                let token = keyless::from_given(forgery, given)?;
                Some(token.map(|token| Pass { room, token }))
            };
            show_forgeries(door, made, &mut all.forgeries).await;
        }
        _ => {}
    }
    let Some(login) = login else { return };
    let again = match login.known() {
        Ok(Login::Admitted { .. }) => honest(door, "honest token after the forged ones", terms, clinician).await,
        _ => None,
    };
    all.honest.push(HonestLogin {
        transport: door.transport,
        login,
        again,
    });
}

/// With the token that was given, or with one that the probe signs. `None` where neither is there.
async fn honest(
    door: &Endpoint,
    what: &str,
    terms: Option<&TokenTerms>,
    clinician: Option<&Clinician>,
) -> Option<Sighting<Login>> {
    let look = vantage(door, what);
    let fresh = fresh_room(door.address.ip());
    let pass = match (clinician, terms, fresh) {
        (_, _, Err(why)) => Err(why),
        (Some(Clinician::Token(token)), _, Ok(fresh)) => Ok(Pass {
            room: forge::room_of(token).unwrap_or(fresh),
            token: token.clone(),
        }),
        (_, Some(terms), Ok(room)) => {
            forge::honest(terms, &door.domain, &room, now()).map(|token| Pass { room, token })
        }
        (_, None, Ok(_)) => return None,
    };
    Some(match pass {
        Ok(pass) => show(door, look, &pass).await,
        Err(why) => look.saw(Vec::new(), Seen::Unknown(why)),
    })
}

/// Shows every forgery that `made` can make.
async fn show_forgeries(
    door: &Endpoint,
    made: impl Fn(Forgery, String) -> Option<Result<Pass, String>>,
    all: &mut Vec<ForgedLogin>,
) {
    let mut silent = 0;
    for forgery in Forgery::ALL {
        let look = vantage(door, &format!("forged token ({forgery:?})"));
        let pass = match fresh_room(door.address.ip()) {
            Err(why) => Err(why),
            Ok(room) => match made(forgery, room) {
                None => continue,
                Some(pass) => pass,
            },
        };
        let login = match pass {
            Err(why) => look.saw(Vec::new(), Seen::Unknown(why)),
            Ok(_) if silent >= PATIENCE => look.saw(Vec::new(), given_up()),
            Ok(pass) => {
                let login = show(door, look, &pass).await;
                silent = if login.known().is_ok() { 0 } else { silent + 1 };
                login
            }
        };
        all.push(ForgedLogin {
            transport: door.transport,
            forgery,
            login,
        });
    }
}

async fn show(door: &Endpoint, look: Vantage, pass: &Pass) -> Sighting<Login> {
    let mut session = match Session::open(door, &door.hosts.site, Some(pass)).await {
        Ok(session) => session,
        Err(error) => {
            let line = vec![format!("<< {error}")];
            return look.saw(line, refused_by_hanging_up(Err(error)).into());
        }
    };
    let login = refused_by_hanging_up(session.log_in(Mechanism::Anonymous).await);
    look.saw(session.close().await, login.into())
}

async fn guess(door: &Endpoint, user: &str, all: &mut Vec<Guess>) {
    let mut silent = 0;
    for wrong in Wrong::ALL {
        let what = format!("login ({wrong:?} wrong)");
        let login = match (guessed(wrong, user, &door.domain), silent >= PATIENCE) {
            (_, true) => vantage(door, &what).saw(Vec::new(), given_up()),
            (Err(why), _) => vantage(door, &what).saw(Vec::new(), Seen::Unknown(why)),
            (Ok((user, password)), _) => by_account(door, &what, &user, &password).await,
        };
        silent = if login.known().is_ok() { 0 } else { silent + 1 };
        all.push(Guess {
            transport: door.transport,
            wrong,
            login,
        });
    }
}

/// A name and a password that do not belong together. The password is random: nobody's is tried by accident.
fn guessed(wrong: Wrong, user: &str, domain: &str) -> Result<(String, Secret), String> {
    let mut noise = [0; 24];
    getrandom::fill(&mut noise).map_err(|error| format!("this computer gave no random bytes: {error}"))?;
    let random = crate::digest::hex(&noise);
    let (name, password) = match wrong {
        Wrong::Password => (user.to_owned(), random),
        Wrong::NoPassword => (user.to_owned(), String::new()),
        Wrong::Name => (format!("nobody-{}", &random[..8]), random),
        Wrong::GuestsName => (format!("{}@guest.{domain}", &random[..8]), random),
    };
    Ok((name, Secret::new(password)))
}

async fn by_account(door: &Endpoint, what: &str, user: &str, password: &Secret) -> Sighting<Login> {
    let look = vantage(door, what);
    let mut session = match Session::open(door, &door.hosts.site, None).await {
        Ok(session) => session,
        Err(error) => return look.saw(vec![format!("<< {error}")], Seen::unknown(error)),
    };
    if !session.mechanisms().iter().any(|name| name == "PLAIN") {
        let why = "the server does not offer PLAIN here";
        return look.saw(session.close().await, Seen::unknown(why));
    }
    let login = refused_by_hanging_up(session.log_in(Mechanism::Plain { user, password }).await);
    look.saw(session.close().await, login.into())
}

fn given_up() -> Seen<Login> {
    Seen::unknown(format!(
        "not tried: {PATIENCE} looks before it at this door brought nothing"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_is_never_the_accounts_own_password() {
        for wrong in Wrong::ALL {
            let (name, password) = guessed(wrong, "dr.jones", "d.example").unwrap();
            assert_ne!(password.expose(), "dr.jones");
            assert_eq!(name == "dr.jones", matches!(wrong, Wrong::Password | Wrong::NoPassword));
        }
    }
}
