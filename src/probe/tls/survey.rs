//! The closer look at a listener that answers: every suite, group and signature scheme it takes, its primes, and what it
//! agrees to beside them. All of it rests on first flights; no key exchange is ever completed.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::seen::Seen;

use super::enumerate::Found;
use super::enumerate::Question;
use super::enumerate::Unasked;
use super::flight::Answer;
use super::flight::Flight;
use super::group::Group;
use super::group::Scheme;
use super::hello;
use super::hello::Hello;
use super::hello::Version;
use super::keys;
use super::line::Line;
use super::line::Until;
use super::order;
use super::primes;
use super::primes::Shown;
use super::session;
use super::suite::Suite;

/// Longest time for one part of the closer look.
const PART: Duration = Duration::from_secs(120);

/// The whole order of suites is asked for up to this many, in the versions of today; beyond that, whose order it is.
const ORDERED: usize = 24;

/// How many suites are offered at once, of the usual and of the rare ones; old stacks break beyond 127. A group is one wait
/// after the other, and ends in a refusal: the versions of today are asked for the short wait, the others for few hellos.
const TODAY: (usize, usize) = (12, 110);
const OLD: (usize, usize) = (27, 110);

/// The closer look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// Suites, for each version that is accepted. SSL 2.0 has its own kinds, which are not counted.
    pub suites: BTreeMap<Version, Sighting<SuiteList>>,
    /// Groups of elliptic curves and of finite fields, for TLS 1.3 and for the newest older version.
    pub groups: BTreeMap<Version, Sighting<Vec<Group>>>,
    /// Primes of finite-field Diffie-Hellman before TLS 1.3.
    pub primes: Sighting<Vec<Prime>>,
    /// Signature schemes of the key exchange, for TLS 1.2 and 1.3.
    pub schemes: BTreeMap<Version, Sighting<Vec<Scheme>>>,
    /// What a session before TLS 1.3 would have.
    pub session: Sighting<SessionView>,
    /// Whether a second try in an older version is taken for an attack.
    pub fallback: Sighting<Fallback>,
}

/// The suites of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SuiteList {
    /// What is accepted; in TLS 1.2 and 1.3 in the server's order, where it has one and the list is short.
    pub accepted: Vec<Suite>,
    /// What was answered by an alert that says nothing about suites.
    pub undecided: Vec<Suite>,
    /// Whose order decides.
    pub order: Order,
}

/// Whose order of suites decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The server's.
    Server,
    /// The client's.
    Client,
    /// There are fewer than two suites, or it could not be seen.
    Open,
}

impl Order {
    fn words(self) -> &'static str {
        match self {
            Self::Server => "the server's order decides",
            Self::Client => "the client's order decides",
            Self::Open => "it was not seen whose order decides",
        }
    }
}

/// A prime of finite-field Diffie-Hellman.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prime {
    /// Its length.
    pub bits: usize,
    /// Where it is published, if it is one that many servers share.
    pub published: Option<&'static str>,
    /// The suite that it was seen with.
    pub suite: Suite,
}

/// What a session before TLS 1.3 would have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionView {
    /// Nothing older than TLS 1.3 is spoken, which has done away with all of this.
    OnlyTls13,
    /// What was agreed to.
    Older(Session),
}

/// What a server agreed to when it was offered everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// The version it was asked in, the newest before TLS 1.3.
    pub version: Version,
    /// Renegotiation is bound to the session (RFC 5746).
    pub secure_renegotiation: bool,
    /// Keys are bound to the handshake (RFC 7627).
    pub extended_master_secret: bool,
    /// CBC suites are encrypted before they are authenticated (RFC 7366); `None` where it has none.
    pub encrypt_then_mac: Option<bool>,
    /// The compression method; 0 is none.
    pub compression: u8,
    /// It would answer heartbeats (RFC 6520).
    pub heartbeat: bool,
    /// It gives out tickets (RFC 5077).
    pub tickets: bool,
    /// It staples a status to its certificate.
    pub stapled: bool,
}

/// What became of a second try in an older version (RFC 7507).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// It is refused as a downgrade.
    Refused,
    /// It is accepted.
    Accepted,
    /// There is no older version to fall back to.
    NoOlderVersion,
}

/// Looks closer at a listener that accepts `versions`.
pub(crate) async fn look(line: &Line<'_>, subject: &str, versions: &[Version]) -> Survey {
    let Suites { suites, primes } = suites(line, subject, versions).await;
    let known: BTreeMap<Version, Vec<Suite>> = suites
        .iter()
        .filter_map(|(version, seen)| Some((*version, seen.known().ok()?.accepted.clone())))
        .collect();
    let (groups, primes, schemes, session, fallback) = tokio::join!(
        keys::groups(line, subject, &known),
        primes::primes(line, subject, &known, &primes),
        keys::schemes(line, subject, &known),
        session::agreed(line, subject, versions, &known),
        session::fallback(line, subject, versions, &known),
    );
    Survey {
        suites,
        groups,
        primes,
        schemes,
        session,
        fallback,
    }
}

/// The closer look at a listener that answered nothing.
pub(crate) fn none(line: &Line<'_>, subject: &str, why: &str) -> Survey {
    let part = |what: &str| Vantage::now(format!("{subject} {what}"), Some(line.address));
    Survey {
        suites: BTreeMap::new(),
        groups: BTreeMap::new(),
        primes: part("Diffie-Hellman primes").saw(Vec::new(), Seen::unknown(why)),
        schemes: BTreeMap::new(),
        session: part("session").saw(Vec::new(), Seen::unknown(why)),
        fallback: part("fallback").saw(Vec::new(), Seen::unknown(why)),
    }
}

/// One part, within its time.
pub(super) async fn part<T>(
    line: &Line<'_>,
    subject: String,
    look: impl Future<Output = (Vec<String>, Result<T, String>)>,
) -> Sighting<T> {
    let vantage = Vantage::now(subject, Some(line.address));
    let (transcript, result) = within(look).await;
    vantage.saw(transcript, result)
}

/// What came of one part within its time.
pub(super) async fn within<T>(look: impl Future<Output = (Vec<String>, Result<T, String>)>) -> (Vec<String>, Seen<T>) {
    match timeout(PART, look).await {
        Ok((transcript, result)) => (transcript, result.into()),
        Err(_) => {
            let why = format!("the answers took longer than {} s", PART.as_secs());
            (Vec::new(), Seen::unknown(why))
        }
    }
}

fn chosen_suite(flight: &Flight) -> Option<u16> {
    match flight.answer {
        Some(Answer::Hello { suite, .. }) => Some(suite),
        _ => None,
    }
}

/// The suites of each version, and the primes that came with them.
pub(super) struct Suites {
    pub(super) suites: BTreeMap<Version, Sighting<SuiteList>>,
    pub(super) primes: Shown,
}

pub(super) async fn suites(line: &Line<'_>, subject: &str, versions: &[Version]) -> Suites {
    let asked = versions.iter().filter(|version| **version != Version::Ssl2);
    let looks = asked.map(|version| async move {
        let vantage = Vantage::now(format!("{subject} {} suites", version.name()), Some(line.address));
        let (transcript, seen) = within(one_list(line, *version)).await;
        let (list, primes) = match seen {
            Seen::Known((list, primes)) => (Seen::Known(list), primes),
            Seen::Unknown(why) => (Seen::Unknown(why), Vec::new()),
        };
        (*version, vantage.saw(transcript, list), primes)
    });
    let mut all = Suites {
        suites: BTreeMap::new(),
        primes: Shown::new(),
    };
    for (version, list, primes) in futures_util::future::join_all(looks).await {
        all.suites.insert(version, list);
        all.primes.insert(version, primes);
    }
    all
}

type Listed = (SuiteList, Vec<Prime>);

async fn one_list(line: &Line<'_>, version: Version) -> (Vec<String>, Result<Listed, String>) {
    let question = Question {
        line,
        offer: |offered: &[u16]| Hello::new(version, line.named, offered),
        picked: chosen_suite,
        until: Until::Prime,
        beside: &[],
        unasked: Unasked::Fault,
    };
    let all = hello::every_suite(version);
    let usual = hello::usual_suites(version).len();
    let today = version >= Version::Tls12;
    let (first, rest) = if today { TODAY } else { OLD };
    let groups = match question.ask_in_groups(&all, usual, first, rest).await {
        Ok(groups) => groups,
        Err(why) => return (vec![format!("<< {why}")], Err(why)),
    };
    let order = order::decides(line, version, &all, &groups).await;
    let found = Found::of(groups.clone());
    let short = found.taken.len() <= ORDERED && found.undecided.is_empty();
    let sequence = match today && short && order == Order::Server {
        true => order::sequence(&question, &groups).await,
        false => None,
    };
    let transcript = vec![
        told(&found, all.len(), |number| Suite(number).name()),
        format!("<< by its picks {}", order.words()),
    ];
    let primes = primes::shown(&found);
    let list = SuiteList {
        accepted: sequence.unwrap_or(found.taken).into_iter().map(Suite).collect(),
        undecided: found.undecided.into_iter().map(Suite).collect(),
        order,
    };
    (transcript, Ok((list, primes)))
}

pub(super) fn told(found: &Found, asked: usize, name: impl Fn(u16) -> String) -> String {
    let names: Vec<String> = found.taken.iter().map(|number| name(*number)).collect();
    let (hellos, count) = (found.hellos, names.len());
    format!(
        ">> {hellos} hellos offering {asked} values; << {count} accepted: {}",
        names.join(", ")
    )
}

/// The newest version before TLS 1.3 that takes suites for which `wanted` holds, and these suites.
pub(super) fn newest_old(
    known: &BTreeMap<Version, Vec<Suite>>,
    wanted: impl Fn(&Suite) -> bool,
) -> Option<(Version, Vec<u16>)> {
    known
        .iter()
        .rev()
        .filter(|(version, _)| **version != Version::Tls13)
        .map(|(version, list)| {
            let chosen = list.iter().filter(|suite| wanted(suite)).take(120);
            (*version, chosen.map(|suite| suite.0).collect::<Vec<_>>())
        })
        .find(|(_, list)| !list.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::doubles;
    use super::super::doubles::Policy;
    use super::super::line::Entrance;
    use super::*;

    #[tokio::test]
    async fn whose_order_decides_stands_in_the_transcript() {
        let policy = Policy {
            suites: vec![0xc030, 0xc02f],
            ..Policy::default()
        };
        let address = doubles::listener(move |heard| policy.reply(heard)).await;
        let line = Line::new(address, "t.example.com", Entrance::Direct);
        let suites = suites(&line, "tcp://t", &[Version::Tls12]).await.suites;
        let seen = &suites[&Version::Tls12];
        assert_eq!(seen.known().unwrap().order, Order::Server);
        assert_eq!(seen.transcript[1], "<< by its picks the server's order decides");
    }
    /// What a listener of these suites is found to take, and whose order decides.
    async fn listed(suites: &[u16], order: Order) -> (Vec<u16>, Order) {
        let policy = Policy {
            suites: suites.to_vec(),
            ..Policy::default()
        };
        let address = doubles::listener(move |heard| {
            let mut policy = policy.clone();
            if order == Order::Client {
                let place = |suite: &u16| heard.suites.iter().position(|other| other == suite);
                policy.suites.sort_by_key(place);
            }
            policy.reply(heard)
        })
        .await;
        let line = Line::new(address, "t.example.com", Entrance::Direct);
        let suites = super::suites(&line, "tcp://t", &[Version::Tls12]).await.suites;
        let list = suites[&Version::Tls12].known().unwrap().clone();
        (list.accepted.iter().map(|suite| suite.0).collect(), list.order)
    }

    #[tokio::test]
    async fn the_order_of_a_server_is_put_together_from_the_groups_of_suites_that_were_offered() {
        // One after the other as they are offered; back to front; and mixed, with rare ones among them.
        for suites in [
            vec![0xc02b, 0xc02f, 0x0033, 0x0039, 0x009c, 0x002f, 0xc061, 0xc077],
            vec![0xc077, 0xc061, 0x002f, 0x009c, 0x0039, 0x0033, 0xc02f, 0xc02b],
            vec![0x002f, 0xc02f, 0xc077, 0x0033, 0xc02b, 0x009c, 0xc061, 0x0039],
        ] {
            assert_eq!(listed(&suites, Order::Server).await, (suites, Order::Server));
        }
    }

    #[tokio::test]
    async fn a_server_that_follows_its_clients_has_no_order() {
        let (mut suites, order) = listed(&[0xc077, 0x002f, 0xc02b, 0xc02f], Order::Client).await;
        suites.sort_unstable();
        assert_eq!((suites, order), (vec![0x002f, 0xc02b, 0xc02f, 0xc077], Order::Client));
        assert_eq!(listed(&[0xc02f], Order::Server).await, (vec![0xc02f], Order::Open));
    }
}
