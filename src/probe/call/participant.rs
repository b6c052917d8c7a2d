//! The signalling of a call: the patient at the door, the clinician's entry, the invitations of both, their acceptances.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::probe::xmpp::clinician;
use crate::probe::xmpp::clinician::Clinician;
use crate::probe::xmpp::clinician::Credential;
use crate::probe::xmpp::clinician::Visitors;
use crate::probe::xmpp::forge;
use crate::probe::xmpp::guest::FocusAnswer;
use crate::probe::xmpp::guest::ask_focus;
use crate::probe::xmpp::link::Endpoint;
use crate::probe::xmpp::session::Entry;
use crate::probe::xmpp::session::Login;
use crate::probe::xmpp::session::Mechanism;
use crate::probe::xmpp::session::Room;
use crate::probe::xmpp::session::Session;
use crate::seen::Seen;

use super::jingle;
use super::jingle::Offer;
use super::leg::Leg;
use super::leg::random;
use super::media;
use super::media::Party;
use super::view::CallView;
use super::view::LegView;
use super::view::Waiting;

/// Longest wait for the focus's invitation once both are in the room.
const INVITED: Duration = Duration::from_secs(20);

/// The names of the looks, as they stand in reports.
const WAIT: &str = "patient at the door";
const OFFERS: [&str; 2] = ["clinician's invitation", "patient's invitation"];
const PATHS: [&str; 2] = ["clinician's path to the bridge", "patient's path to the bridge"];
const CHECKS: &str = "wrong ICE credentials";
const MEDIA: &str = "media";

fn vantage(domain: &str, what: &str, to: Option<SocketAddr>) -> Vantage {
    Vantage::now(format!("call {domain} {what}"), to)
}

/// The view of a call that did not come about.
pub(super) fn unseen(domain: &str, to: Option<SocketAddr>, why: &str) -> CallView {
    fn nothing<T>(domain: &str, what: &str, to: Option<SocketAddr>, why: &str) -> Sighting<T> {
        vantage(domain, what, to).saw(Vec::new(), Seen::unknown(why))
    }
    let leg = |which: usize| LegView {
        offer: nothing(domain, OFFERS[which], to, why),
        secured: nothing(domain, PATHS[which], to, why),
    };
    CallView {
        waiting: nothing(domain, WAIT, to, why),
        clinician: leg(0),
        patient: leg(1),
        ice: nothing(domain, CHECKS, to, why),
        media: nothing(domain, MEDIA, to, why),
    }
}

/// Makes the call.
pub(super) async fn call(open: &Endpoint, strict: &Endpoint, visitors: &Visitors) -> CallView {
    let blank = |why: &str| unseen(&open.domain, Some(open.address), why);
    let (room, credential) = match clinician::credential(open, visitors) {
        Some(Ok(pair)) => pair,
        Some(Err(why)) => return blank(&why),
        None => return blank("there were no clinician's credentials"),
    };
    let room = format!("{room}@{}", open.hosts.rooms);
    let mut patient = match arrive(open).await {
        Ok(session) => session,
        Err(why) => return blank(&why),
    };
    let look = vantage(&open.domain, WAIT, Some(open.address));
    let before = knock(&mut patient, &open.hosts.focus, &room).await;
    let mut clinician = match enter_as_clinician(strict, &credential, &room).await {
        Ok(session) => session,
        Err(why) => {
            patient.close().await;
            return blank(&why);
        }
    };
    let after = patient.enter(&room).await.map_err(|error| error.to_string());
    let inside = matches!(after, Ok(Entry::Entered { .. }));
    let waiting = before.and_then(|before| match before {
        // Whoever had it open last may have left a moment ago.
        Entry::Entered {
            room: Room::Existing, ..
        } if has_own_room(visitors) => {
            Err("the token's room was open before anybody came, which shows nothing of a patient's wait".to_owned())
        }
        before => Ok(Waiting { before, after: after? }),
    });
    let mut view = match &waiting {
        Err(why) => blank(why),
        Ok(_) => blank("the patient did not get into the room after the clinician"),
    };
    view.waiting = look.saw(patient.transcript_since(), waiting.into());
    if inside {
        invited(&mut view, &open.domain, [&mut clinician, &mut patient]).await;
    }
    for mut session in [clinician, patient] {
        // Closing the session leaves the room too, so a failed farewell is no failure of the look.
        let _ = session.leave(&room).await;
        session.close().await;
    }
    view
}

/// Whether the clinician's room is one that a given token names, and not a new one.
fn has_own_room(visitors: &Visitors) -> bool {
    match &visitors.clinician {
        Some(Clinician::Token(token)) => forge::room_of(token).is_some(),
        _ => false,
    }
}

/// The patient's session: a guest, as everybody with a link is.
async fn arrive(open: &Endpoint) -> Result<Session, String> {
    let mut session = Session::open(open, &open.hosts.guests, None)
        .await
        .map_err(|error| error.to_string())?;
    match session.log_in(Mechanism::Anonymous).await {
        Ok(Login::Admitted { .. }) => {
            session.take_calls();
            Ok(session)
        }
        Ok(Login::Refused(refused) | Login::Unbound(refused)) => {
            Err(format!("the patient's login was refused: {}", refused.condition))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// The patient comes first, as patients do.
async fn knock(patient: &mut Session, focus: &str, room: &str) -> Result<Entry, String> {
    // The focus's own word is another control's matter.
    ask_focus(patient, focus, room)
        .await
        .map_err(|error| error.to_string())?;
    let entry = patient.enter(room).await.map_err(|error| error.to_string())?;
    if matches!(entry, Entry::Entered { .. }) {
        patient.leave(room).await.map_err(|error| error.to_string())?;
    }
    Ok(entry)
}

async fn enter_as_clinician(strict: &Endpoint, credential: &Credential, room: &str) -> Result<Session, String> {
    let (mut session, login) = clinician::log_in(strict, credential).await?;
    if let Login::Refused(refused) = login {
        session.close().await;
        return Err(format!("the clinician's login was refused: {}", refused.condition));
    }
    session.take_calls();
    let entered = match clinician::ask_patiently(&mut session, &strict.hosts.focus, room).await {
        Ok(FocusAnswer::Ready { .. }) => clinician::enter_opened(&mut session, &strict.hosts.focus, room).await,
        Ok(other) => {
            session.close().await;
            return Err(format!("the focus did not open the room for the clinician: {other:?}"));
        }
        Err(error) => Err(error),
    };
    match entered {
        Ok(Entry::Entered { .. }) => Ok(session),
        Ok(other) => {
            session.close().await;
            Err(format!("the clinician did not get into the room: {other:?}"))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Waits for both invitations, accepts them and lets the media run.
async fn invited(view: &mut CallView, domain: &str, sessions: [&mut Session; 2]) {
    let [one, two] = sessions;
    let deadline = Instant::now() + INVITED;
    let looks = OFFERS.map(|what| vantage(domain, what, None));
    let (first, second) = tokio::join!(offer(one, deadline), offer(two, deadline));
    let [look, other] = looks;
    view.clinician.offer = look.saw(one.transcript_since(), told(&first));
    view.patient.offer = other.saw(two.transcript_since(), told(&second));
    let begun = Instant::now();
    let ran = match (first, second) {
        (Ok(first), Ok(second)) => accepted([(&mut *one, first), (&mut *two, second)]).await,
        (Err(why), _) | (_, Err(why)) => Err(why),
    };
    let outcome = match ran {
        Ok(outcome) => outcome,
        Err(why) => media::Outcome {
            clinician: Err(why.clone()),
            patient: Err(why.clone()),
            ice: Err(why.clone()),
            media: Err(why),
        },
    };
    let path = outcome.clinician.as_ref().map(|secured| secured.path).ok();
    let other = outcome.patient.as_ref().map(|secured| secured.path).ok();
    let spent = begun.elapsed();
    view.clinician.secured = saw(domain, PATHS[0], path, spent, outcome.clinician);
    view.patient.secured = saw(domain, PATHS[1], other, spent, outcome.patient);
    view.ice = saw(domain, CHECKS, path, spent, outcome.ice);
    view.media = saw(domain, MEDIA, path, spent, outcome.media);
}

async fn offer(session: &mut Session, deadline: Instant) -> Result<Offer, String> {
    let invitation = session.invitation(deadline).await.map_err(|error| error.to_string())?;
    jingle::read(&invitation)
}

fn told(offer: &Result<Offer, String>) -> Seen<jingle::Offered> {
    match offer {
        Ok(offer) => Seen::Known(offer.offered.clone()),
        Err(why) => Seen::unknown(why),
    }
}

async fn accepted(invited: [(&mut Session, Offer); 2]) -> Result<media::Outcome, String> {
    let (mine, theirs) = (random()?, random()?);
    let mut parties = Vec::new();
    for ((session, offer), [own, other]) in invited.into_iter().zip([[mine, theirs], [theirs, mine]]) {
        let leg = Leg::prepare(&offer, own, other).await?;
        let acceptance = jingle::accept(&offer, &leg.own, session.jid(), &session.nick());
        let answer = session.ask("set", Some(&offer.from), &acceptance).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.attribute("type") == Some("error") {
            let why = answer.refusal().condition;
            return Err(format!(
                "the focus did not take the acceptance of its invitation: {why}"
            ));
        }
        parties.push(Party { offer, leg });
    }
    match parties.as_mut_slice() {
        [clinician, patient] => Ok(media::run(clinician, patient).await),
        _ => Err("a call needs two".to_owned()),
    }
}

/// A look at the bridge, with what it brought back as its transcript.
fn saw<T: Serialize>(
    domain: &str,
    what: &str,
    path: Option<SocketAddr>,
    spent: Duration,
    result: Result<T, String>,
) -> Sighting<T> {
    let line = match &result {
        Ok(seen) => serde_json::to_string(seen).unwrap_or_else(|error| error.to_string()),
        Err(why) => why.clone(),
    };
    let lines = vec![format!("<< {line} (within {} ms)", spent.as_millis())];
    vantage(domain, what, path).saw(lines, result.into())
}
