//! The primes of finite-field Diffie-Hellman that a listener shows before TLS 1.3. A server may have several: by who signs, by
//! the strength of the suite, by version, by whether a published group was offered.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::probe::sighting::Sighting;

use super::enumerate;
use super::enumerate::Found;
use super::flight::Answer;
use super::flight::Exchanged;
use super::group;
use super::hello;
use super::hello::Hello;
use super::hello::Version;
use super::line::Echo;
use super::line::Line;
use super::line::Until;
use super::suite::Exchange;
use super::suite::Suite;
use super::survey::Prime;
use super::survey::newest_old;
use super::survey::part;

/// Groups of elliptic curves, and none of finite fields (RFC 7919 2).
const CURVES_ALONE: &[u16] = &[0x001d, 0x0017, 0x0018, 0x0019];

/// The prime that came with each suite while the suites of a version were asked for.
pub(super) type Shown = BTreeMap<Version, Vec<Prime>>;

/// Suites that servers have one prime for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// For export.
    Export,
    /// Signed by a key, whose strength the prime may follow.
    Signed,
    /// Signed by nobody, with a cipher of 128 bits or less. OpenSSL's automatic prime follows the cipher here.
    Anonymous,
    /// Signed by nobody, with a cipher of 256 bits.
    AnonymousLong,
}

impl Kind {
    /// `None` where the suite has no prime.
    fn of(suite: Suite) -> Option<Self> {
        if suite.exchange() != Exchange::Dhe {
            return None;
        }
        let long = suite.name().contains("_256_");
        Some(match (suite.export(), suite.anonymous()) {
            (true, _) => Self::Export,
            (false, false) => Self::Signed,
            (false, true) if long => Self::AnonymousLong,
            (false, true) => Self::Anonymous,
        })
    }
}

/// What is shown by the suites that were found, each with its own key exchange.
pub(super) fn shown(found: &Found) -> Vec<Prime> {
    let primes = found.exchanges.iter().filter_map(|(suite, exchange)| {
        let prime = exchange.prime.as_ref()?;
        Some(read(prime, Suite(*suite)))
    });
    primes.collect()
}

pub(super) async fn primes(
    line: &Line<'_>,
    subject: &str,
    known: &BTreeMap<Version, Vec<Suite>>,
    shown: &Shown,
) -> Sighting<Vec<Prime>> {
    let subject = format!("{subject} Diffie-Hellman primes");
    part(line, subject, list(line, known, shown, Unshown::Fault)).await
}

/// A hello with suites of finite-field Diffie-Hellman.
struct Question {
    version: Version,
    suites: Vec<u16>,
    /// Empty: the usual, with one of finite fields among them.
    groups: &'static [u16],
    /// What it means where no prime is shown.
    unshown: Unshown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unshown {
    /// The look failed: a hello like this one was accepted before.
    Fault,
    /// There is no further prime, where the server says no.
    None,
}

/// Every prime that the server shows: those that came with its suites, and what else it has. One that takes a published group
/// where it is offered may have another prime for those who offer none (RFC 7919 4), and may take the suites from those
/// alone. `usual`: what it means where suites of `known` bring none.
pub(super) async fn list(
    line: &Line<'_>,
    known: &BTreeMap<Version, Vec<Suite>>,
    shown: &Shown,
    usual: Unshown,
) -> (Vec<String>, Result<Vec<Prime>, String>) {
    let questions = questions(known, shown, usual);
    let asked = questions.iter().map(|question| async move {
        let hello = Hello {
            groups: question.groups.to_vec(),
            ..Hello::new(question.version, line.named, &question.suites)
        };
        (question, line.ask(&hello, Until::Flight).await)
    });
    let (mut primes, mut transcript) = (Vec::new(), Vec::new());
    for (version, seen) in shown.iter().rev().filter(|(_, seen)| !seen.is_empty()) {
        transcript.push(told(*version, seen));
        seen.iter().for_each(|prime| add(&mut primes, prime.clone()));
    }
    for (question, echo) in join_all(asked).await {
        let beside = match question.groups.is_empty() {
            true => "",
            false => ", and no group of finite fields",
        };
        let count = question.suites.len();
        transcript.push(format!(">> {count} suites with DHE{beside}; << {}", echo.describe()));
        match answer(question, &echo) {
            Ok(prime) => prime.into_iter().for_each(|prime| add(&mut primes, prime)),
            Err(why) => return (transcript, Err(why)),
        }
    }
    (transcript, Ok(primes))
}

/// A prime is told once. Of those that nobody has published, one of each length: a server may make new ones all the time.
fn add(primes: &mut Vec<Prime>, new: Prime) {
    let same = |prime: &Prime| (prime.bits, prime.published) == (new.bits, new.published);
    if !primes.iter().any(same) {
        primes.push(new);
    }
}

fn told(version: Version, seen: &[Prime]) -> String {
    let lengths: BTreeSet<usize> = seen.iter().map(|prime| prime.bits).collect();
    let lengths: Vec<String> = lengths.iter().map(ToString::to_string).collect();
    format!(
        ">> {} suites with DHE of {}, one after the other; << primes of {} bits",
        seen.len(),
        version.name(),
        lengths.join(", ")
    )
}

fn questions(known: &BTreeMap<Version, Vec<Suite>>, shown: &Shown, usual: Unshown) -> Vec<Question> {
    let mut questions = Vec::new();
    for kind in [Kind::Signed, Kind::Anonymous, Kind::AnonymousLong, Kind::Export] {
        let unseen = known.iter().map(|(version, suites)| {
            let seen = shown.get(version).map(Vec::as_slice).unwrap_or_default();
            let unseen = |suite: &&Suite| seen.iter().all(|prime| prime.suite != **suite);
            (*version, suites.iter().filter(unseen).copied().collect())
        });
        let of_kind = |suite: &Suite| Kind::of(*suite) == Some(kind);
        let asked = [
            (newest_old(&unseen.collect(), of_kind), &[] as &[u16], usual),
            (newest_old(known, of_kind), CURVES_ALONE, Unshown::None),
        ];
        for (suites, groups, unshown) in asked {
            questions.extend(suites.map(|(version, suites)| Question {
                version,
                suites,
                groups,
                unshown,
            }));
        }
    }
    if questions.is_empty()
        && let Some((version, _)) = newest_old(known, |_| true)
    {
        let all = hello::usual_suites(version).iter();
        questions.push(Question {
            version,
            suites: all.copied().filter(|suite| Kind::of(Suite(*suite)).is_some()).collect(),
            groups: CURVES_ALONE,
            unshown: Unshown::None,
        });
    }
    questions
}

/// The prime of an answer; `None` where the server has none for this question.
fn answer(question: &Question, echo: &Echo) -> Result<Option<Prime>, String> {
    let refused = match echo {
        Echo::Answer(flight) => match (&flight.exchange, flight.answer) {
            (Some(Exchanged { prime: Some(prime), .. }), Some(Answer::Hello { suite, .. })) => {
                return Ok(Some(read(prime, Suite(suite))));
            }
            (_, Some(Answer::Hello { version, .. })) => version != Some(question.version),
            (_, Some(Answer::Alert(code))) => enumerate::REFUSALS.contains(&code),
            _ => false,
        },
        Echo::HungUp => true,
        Echo::Silence | Echo::Nothing(_) => false,
    };
    match refused && question.unshown == Unshown::None {
        true => Ok(None),
        false => Err("the server did not show its prime".to_owned()),
    }
}

fn read(prime: &[u8], suite: Suite) -> Prime {
    Prime {
        bits: bits(prime),
        published: group::known_prime(prime),
        suite,
    }
}

fn bits(prime: &[u8]) -> usize {
    prime.first().map_or(0, |first| {
        prime.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::super::doubles;
    use super::super::doubles::Heard;
    use super::super::doubles::Policy;
    use super::super::group::Group;
    use super::super::line::Entrance;
    use super::super::survey;
    use super::*;

    /// Primes of a listener whose prime has so many bytes for who offers a group of finite fields, and so many for others;
    /// 0 where it takes no suite with one.
    async fn primes_of(offered: usize, otherwise: usize, known: &[u16]) -> Result<Vec<usize>, String> {
        let address = doubles::listener(move |heard: &Heard| {
            let published = heard.groups.iter().any(|group| Group(*group).finite_field());
            match if published { offered } else { otherwise } {
                0 => doubles::alert(40),
                prime => Policy {
                    suites: vec![0x009e],
                    prime,
                    ..Policy::default()
                }
                .reply(heard),
            }
        })
        .await;
        let line = Line::new(address, "t.example.com", Entrance::Direct);
        let known = BTreeMap::from([(Version::Tls12, known.iter().copied().map(Suite).collect())]);
        let (_, primes) = list(&line, &known, &Shown::new(), Unshown::Fault).await;
        primes.map(|primes| primes.iter().map(|prime| prime.bits).collect())
    }

    #[tokio::test]
    async fn a_short_prime_behind_a_published_group_is_found() {
        assert_eq!(primes_of(256, 128, &[0x009e]).await, Ok(vec![2048, 1024]));
        assert_eq!(primes_of(0, 128, &[0xc02f]).await, Ok(vec![1024]));
    }

    #[tokio::test]
    async fn a_short_prime_of_anonymous_suites_is_found_beside_that_of_the_signed_ones() {
        let address = doubles::listener(|heard: &Heard| {
            let policy = |suites: &[u16], prime| Policy {
                suites: suites.to_vec(),
                prime,
                ..Policy::default()
            };
            match heard.suites.iter().any(|suite| [0x009e, 0x009f].contains(suite)) {
                true => policy(&[0x009f, 0x009e], 256).reply(heard),
                false => policy(
                    &[0x00a7, 0x00a6],
                    if heard.suites.contains(&0x00a7) { 384 } else { 128 },
                )
                .reply(heard),
            }
        })
        .await;
        let line = Line::new(address, "t.example.com", Entrance::Direct);
        let suites = survey::suites(&line, "tcp://t", &[Version::Tls12]).await;
        let known = BTreeMap::from([(Version::Tls12, [0x009f, 0x009e, 0x00a7, 0x00a6].map(Suite).to_vec())]);
        for shown in [&suites.primes, &Shown::new()] {
            let (transcript, primes) = list(&line, &known, shown, Unshown::Fault).await;
            let bits: BTreeSet<usize> = primes.unwrap().iter().map(|prime| prime.bits).collect();
            assert_eq!(bits, BTreeSet::from([1024, 2048, 3072]), "{transcript:?}");
        }
    }

    #[tokio::test]
    async fn one_prime_for_everybody_is_told_once_and_none_is_no_fault() {
        assert_eq!(primes_of(256, 256, &[0x009e]).await, Ok(vec![2048]));
        assert_eq!(primes_of(256, 0, &[0x009e]).await, Ok(vec![2048]));
        assert_eq!(primes_of(0, 0, &[0xc02f]).await, Ok(Vec::new()));
        let why = primes_of(0, 256, &[0x009e]).await.unwrap_err();
        assert!(why.contains("did not show"), "{why}");
    }
}
