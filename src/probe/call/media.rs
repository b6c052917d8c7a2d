//! The experiment once both participants are invited: ICE, DTLS, marked packets both ways, and beside them what a bridge
//! must not take: plain RTP and wrong ICE credentials. Bounded to some hundred small packets and a few seconds.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::probe::reach;
use crate::probe::stun::message::Class;
use crate::probe::stun::message::Message;
use crate::probe::stun::message::Method;
use crate::probe::stun::message::Transaction;

use super::ice;
use super::jingle::Offer;
use super::leg::Kind;
use super::leg::Leg;
use super::leg::random;
use super::view::Flow;
use super::view::IceAnswer;
use super::view::IceView;
use super::view::MediaView;
use super::view::Secured;

/// Longest wait for an answer to ICE checks, and for a handshake.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest wait until the bridge forwards anything: it is told of the streams by the focus, and later than we begin.
const WARM_UP: Duration = Duration::from_secs(15);
/// Between two packets while warming up, and while counting.
const SLOW: Duration = Duration::from_millis(60);
const PACE: Duration = Duration::from_millis(20);
/// Protected packets that are counted, each way.
const SEALED: u16 = 30;
/// Every so many, a plain one is sent beside it.
const BETWEEN: u16 = 3;
/// Plain packets sent before there are any keys.
const EARLY: u16 = 3;
/// Longest wait for protected packets that are still on their way, and then for plain ones.
const LATE: Duration = Duration::from_secs(5);
const TAIL: Duration = Duration::from_millis(400);
/// Wait for an answer to a wrong check, how often it is sent, and the wait after the last time.
const SILENCE: Duration = Duration::from_millis(250);
const TRIES: usize = 3;
const LAST_SILENCE: Duration = Duration::from_secs(2);

/// One participant, invited.
pub(super) struct Party {
    pub(super) offer: Offer,
    pub(super) leg: Leg,
}

/// What came of the experiment; each step's failure is told where it happened and again in what rests on it.
pub(super) struct Outcome {
    pub(super) clinician: Result<Secured, String>,
    pub(super) patient: Result<Secured, String>,
    pub(super) ice: Result<IceView, String>,
    pub(super) media: Result<MediaView, String>,
}

/// Runs it.
pub(super) async fn run(clinician: &mut Party, patient: &mut Party) -> Outcome {
    let (one, two) = tokio::join!(connect(clinician), connect(patient));
    let ice = match &one {
        Ok(secured) => {
            let path = secured.path;
            wrong_checks(&clinician.offer, path).await
        }
        Err(why) => Err(why.clone()),
    };
    let media = match (&one, &two) {
        (Ok(_), Ok(_)) => talk(&mut clinician.leg, &mut patient.leg).await,
        (Err(why), _) | (_, Err(why)) => Err(why.clone()),
    };
    let ice = match ice {
        Ok(answers) => honest(&mut clinician.leg, answers).await,
        Err(why) => Err(why),
    };
    Outcome {
        clinician: one,
        patient: two,
        ice,
        media,
    }
}

/// ICE, a few plain packets in the gap before the keys, DTLS.
async fn connect(party: &mut Party) -> Result<Secured, String> {
    party.leg.reach(Instant::now() + PATIENCE).await?;
    for number in 0..EARLY {
        party.leg.send(Kind::Plain, number).await?;
    }
    party.leg.secure(&party.offer, Instant::now() + PATIENCE).await
}

/// Sends both ways at the same time and counts what arrives.
async fn talk(one: &mut Leg, two: &mut Leg) -> Result<MediaView, String> {
    let begun = Instant::now();
    let mut number = 0;
    while begun.elapsed() < WARM_UP && (one.heard.opened(Kind::Warm) == 0 || two.heard.opened(Kind::Warm) == 0) {
        both(one, two, Kind::Warm, number).await?;
        listen(one, two, SLOW).await;
        number += 1;
    }
    let mut plain = EARLY;
    for number in 0..SEALED {
        both(one, two, Kind::Sealed, number).await?;
        // In the middle of the stream: the same source, payload type and running number as what the bridge takes.
        if number % BETWEEN == 1 {
            both(one, two, Kind::Plain, plain).await?;
            plain += 1;
        }
        listen(one, two, PACE).await;
    }
    let late = Instant::now() + LATE;
    let all = u32::from(SEALED);
    while Instant::now() < late && [&one, &two].iter().any(|leg| leg.heard.opened(Kind::Sealed) < all) {
        listen(one, two, SLOW).await;
    }
    listen(one, two, TAIL).await;
    let flow = |to: &Leg| Flow {
        sent: SEALED.into(),
        arrived: to.heard.opened(Kind::Sealed),
        readable: to.heard.readable(),
        plain_sent: plain.into(),
        plain_arrived: to.heard.at_all(Kind::Plain),
    };
    Ok(MediaView {
        to_patient: flow(two),
        to_clinician: flow(one),
    })
}

async fn both(one: &mut Leg, two: &mut Leg, kind: Kind, number: u16) -> Result<(), String> {
    one.send(kind, number).await?;
    two.send(kind, number).await
}

async fn listen(one: &mut Leg, two: &mut Leg, time: Duration) {
    let until = Instant::now() + time;
    tokio::join!(one.listen(until), two.listen(until));
}

/// Checks under a wrong name and with a wrong password, from an address that the bridge does not know.
async fn wrong_checks(offer: &Offer, path: SocketAddr) -> Result<IceView, String> {
    let noise = random::<8>()?;
    let wrong = crate::digest::hex(&noise);
    let unknown = format!("{wrong}:{wrong}");
    let known = format!("{}:{wrong}", offer.ufrag);
    let (unknown_user, wrong_password) = tokio::join!(
        ask_wrongly(path, &unknown, offer.password.expose()),
        ask_wrongly(path, &known, &wrong),
    );
    Ok(IceView {
        unknown_user: unknown_user?,
        wrong_password: wrong_password?,
        honest_answered: false,
    })
}

async fn honest(leg: &mut Leg, answers: IceView) -> Result<IceView, String> {
    Ok(IceView {
        honest_answered: leg.still_answers().await?,
        ..answers
    })
}

async fn ask_wrongly(path: SocketAddr, name: &str, password: &str) -> Result<IceAnswer, String> {
    let fault = |error: std::io::Error| format!("this computer could not ask {path}: {error}");
    let socket = reach::udp(path).await.map_err(fault)?;
    let mut sent = Vec::new();
    let mut other = IceAnswer::Silent;
    for round in 1..=TRIES {
        let transaction = random()?;
        sent.push(transaction);
        let request = ice::request(transaction, name, password);
        socket.send(&request).await.map_err(fault)?;
        let wait = if round == TRIES { LAST_SILENCE } else { SILENCE };
        let until = Instant::now() + wait;
        let mut buffer = [0; 2048];
        while let Ok(received) = timeout_at(until, socket.recv(&mut buffer)).await {
            let size = received.map_err(fault)?;
            match answer(&buffer[..size], &sent) {
                // Something else may come before the answer.
                IceAnswer::Other if Instant::now() < until => other = IceAnswer::Other,
                answer => return Ok(answer),
            }
        }
    }
    Ok(other)
}

/// An answer may be one to an earlier try.
fn answer(datagram: &[u8], sent: &[Transaction]) -> IceAnswer {
    match Message::read(datagram) {
        Ok(message) if !sent.contains(&message.transaction) => IceAnswer::Other,
        Ok(message) if message.is(Method::Binding, Class::Success) => IceAnswer::Accepted,
        Ok(message) if message.is(Method::Binding, Class::Error) => {
            IceAnswer::Refused(message.error().map_or(0, |(code, _)| code))
        }
        _ => IceAnswer::Other,
    }
}
