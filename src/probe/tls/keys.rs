//! How a listener would agree on keys: its groups, its primes, and what it signs them with.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::probe::sighting::Sighting;

use super::enumerate;
use super::enumerate::Found;
use super::enumerate::Question;
use super::flight::Answer;
use super::flight::Exchanged;
use super::flight::Flight;
use super::group;
use super::group::Group;
use super::group::Scheme;
use super::hello;
use super::hello::Hello;
use super::hello::Version;
use super::line::Echo;
use super::line::Line;
use super::line::Until;
use super::suite::Exchange;
use super::suite::Signs;
use super::suite::Suite;
use super::survey::Prime;
use super::survey::newest_old;
use super::survey::part;
use super::survey::told;

/// Groups of elliptic curves, and none of finite fields (RFC 7919 2).
const CURVES_ALONE: &[u16] = &[0x001d, 0x0017, 0x0018, 0x0019];

/// Curves that keys of certificates are on.
const CERTIFICATE_CURVES: &[u16] = &[0x0017, 0x0018, 0x0019];

pub(super) async fn groups(
    line: &Line<'_>,
    subject: &str,
    known: &BTreeMap<Version, Vec<Suite>>,
) -> BTreeMap<Version, Sighting<Vec<Group>>> {
    let old = newest_old(known, on_a_curve);
    let new = known.get(&Version::Tls13).map(|list| {
        let numbers = list.iter().map(|suite| suite.0).collect();
        (Version::Tls13, numbers)
    });
    let looks = [old, new].into_iter().flatten().map(|(version, suites)| async move {
        let look = group_list(line, version, suites, group::groups(version == Version::Tls13));
        let seen = part(line, format!("{subject} {} groups", version.name()), look).await;
        (version, seen)
    });
    join_all(looks).await.into_iter().collect()
}

/// Whether a suite's group can be asked for. Java picks its own for anonymous suites, whatever was offered.
pub(super) fn on_a_curve(suite: &Suite) -> bool {
    suite.exchange() == Exchange::Ecdhe && !suite.anonymous()
}

/// Which of the groups are taken with these suites.
pub(super) async fn group_list(
    line: &Line<'_>,
    version: Version,
    suites: Vec<u16>,
    all: Vec<u16>,
) -> (Vec<String>, Result<Vec<Group>, String>) {
    let (alone, beside) = tokio::join!(ask_groups(line, version, &suites, &all, &[]), async {
        // A server whose only key is on a curve signs for clients alone that name this curve, too.
        let ecdsa = version != Version::Tls13 && suites.iter().all(|suite| Suite(*suite).signs() == Signs::Ecdsa);
        match ecdsa {
            true => Some(ask_groups(line, version, &suites, &all, CERTIFICATE_CURVES).await),
            false => None,
        }
    });
    let found = match (alone, beside) {
        (Ok(found), None) => found,
        (Ok(mut found), Some(Ok(more))) => {
            found.hellos += more.hellos;
            let new: Vec<u16> = more
                .taken
                .into_iter()
                .filter(|group| !found.taken.contains(group))
                .collect();
            found.taken.extend(new);
            found
        }
        (Err(why), _) | (_, Some(Err(why))) => return (vec![format!("<< {why}")], Err(why)),
    };
    let line = told(&found, all.len(), |number| Group(number).name());
    (vec![line], Ok(found.taken.into_iter().map(Group).collect()))
}

async fn ask_groups(
    line: &Line<'_>,
    version: Version,
    suites: &[u16],
    all: &[u16],
    beside: &[u16],
) -> Result<Found, String> {
    let question = Question {
        line,
        offer: |offered: &[u16]| {
            let more = beside.iter().filter(|group| !offered.contains(group));
            Hello {
                groups: offered.iter().chain(more).copied().collect(),
                ..Hello::new(version, line.named, suites)
            }
        },
        picked: |flight: &Flight| match version {
            Version::Tls13 => flight.details.as_ref()?.group,
            _ => flight.exchange.as_ref()?.group,
        },
        until: if version == Version::Tls13 {
            Until::Hello
        } else {
            Until::Flight
        },
        beside,
    };
    question.ask_in_groups(all, 8, 3, 16).await
}

pub(super) async fn primes(
    line: &Line<'_>,
    subject: &str,
    known: &BTreeMap<Version, Vec<Suite>>,
) -> Sighting<Vec<Prime>> {
    let subject = format!("{subject} Diffie-Hellman primes");
    part(line, subject, prime_list(line, known, Unshown::Fault)).await
}

/// A hello with suites of finite-field Diffie-Hellman.
struct PrimeQuestion {
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

/// Every prime that the server shows. One that takes a published group where it is offered may have another prime for those
/// who offer none (RFC 7919 4), and may take the suites from those alone. `unshown`: what it means where the suites of `known`
/// bring none.
pub(super) async fn prime_list(
    line: &Line<'_>,
    known: &BTreeMap<Version, Vec<Suite>>,
    unshown: Unshown,
) -> (Vec<String>, Result<Vec<Prime>, String>) {
    let questions = prime_questions(known, unshown);
    let asked = questions.iter().map(|question| async move {
        let hello = Hello {
            groups: question.groups.to_vec(),
            ..Hello::new(question.version, line.named, &question.suites)
        };
        (question, line.ask(&hello, Until::Flight).await)
    });
    let (mut primes, mut transcript) = (Vec::new(), Vec::new());
    for (question, echo) in join_all(asked).await {
        let beside = match question.groups.is_empty() {
            true => "",
            false => ", and no group of finite fields",
        };
        let count = question.suites.len();
        transcript.push(format!(">> {count} suites with DHE{beside}; << {}", echo.describe()));
        match shown(question, &echo) {
            Ok(Some(prime)) if !primes.contains(&prime) => primes.push(prime),
            Ok(_) => {}
            Err(why) => return (transcript, Err(why)),
        }
    }
    (transcript, Ok(primes))
}

fn prime_questions(known: &BTreeMap<Version, Vec<Suite>>, usual: Unshown) -> Vec<PrimeQuestion> {
    let mut questions = Vec::new();
    // Export suites have a prime of their own.
    for export in [false, true] {
        let asked = newest_old(known, |suite| {
            suite.exchange() == Exchange::Dhe && suite.export() == export
        });
        let Some((version, suites)) = asked else {
            continue;
        };
        for (groups, unshown) in [(&[] as &[u16], usual), (CURVES_ALONE, Unshown::None)] {
            questions.push(PrimeQuestion {
                version,
                suites: suites.clone(),
                groups,
                unshown,
            });
        }
    }
    if questions.is_empty()
        && let Some((version, _)) = newest_old(known, |_| true)
    {
        let all = hello::usual_suites(version).iter();
        questions.push(PrimeQuestion {
            version,
            suites: all
                .copied()
                .filter(|suite| Suite(*suite).exchange() == Exchange::Dhe)
                .collect(),
            groups: CURVES_ALONE,
            unshown: Unshown::None,
        });
    }
    questions
}

/// The prime of an answer; `None` where the server has none for this question.
fn shown(question: &PrimeQuestion, echo: &Echo) -> Result<Option<Prime>, String> {
    let refused = match echo {
        Echo::Answer(flight) => match (&flight.exchange, flight.answer) {
            (Some(Exchanged { prime: Some(prime), .. }), Some(Answer::Hello { suite, .. })) => {
                return Ok(Some(Prime {
                    bits: bits(prime),
                    published: group::known_prime(prime),
                    suite: Suite(suite),
                }));
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

fn bits(prime: &[u8]) -> usize {
    prime.first().map_or(0, |first| {
        prime.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(0)
    })
}

pub(super) async fn schemes(
    line: &Line<'_>,
    subject: &str,
    known: &BTreeMap<Version, Vec<Suite>>,
) -> BTreeMap<Version, Sighting<Vec<Scheme>>> {
    let old = newest_old(known, signed).filter(|(version, _)| *version == Version::Tls12);
    let new = known.get(&Version::Tls13).map(|list| {
        let numbers = list.iter().map(|suite| suite.0).collect();
        (Version::Tls13, numbers)
    });
    let looks = [old, new].into_iter().flatten().map(|(version, suites)| async move {
        let look = scheme_list(line, version, suites, group::schemes(version == Version::Tls13));
        let seen = part(line, format!("{subject} {} signatures", version.name()), look).await;
        (version, seen)
    });
    join_all(looks).await.into_iter().collect()
}

/// Whether a suite's key exchange is signed in clear.
pub(super) fn signed(suite: &Suite) -> bool {
    suite.forward_secret() && suite.exchange() != Exchange::Tls13
}

/// Which of the schemes are taken with these suites.
pub(super) async fn scheme_list(
    line: &Line<'_>,
    version: Version,
    suites: Vec<u16>,
    all: Vec<u16>,
) -> (Vec<String>, Result<Vec<Scheme>, String>) {
    if version == Version::Tls12 {
        let question = Question {
            line,
            offer: |offered: &[u16]| Hello {
                schemes: offered.to_vec(),
                ..Hello::new(version, line.named, &suites)
            },
            picked: |flight: &Flight| flight.exchange.as_ref()?.scheme,
            until: Until::Flight,
            beside: &[],
        };
        return match question.ask_in_groups(&all, all.len(), 3, 3).await {
            Ok(found) => {
                let line = told(&found, all.len(), |number| Scheme(number).name());
                (vec![line], Ok(found.taken.into_iter().map(Scheme).collect()))
            }
            Err(why) => (vec![format!("<< {why}")], Err(why)),
        };
    }
    // TLS 1.3 encrypts what it picked, so each is asked for alone, with a key share that lets the server go on.
    let share = share(line, &suites).await;
    let Some(share) = share else {
        let why = "the server takes no group whose key share can be made without arithmetic";
        return (Vec::new(), Err(why.to_owned()));
    };
    let asked = all.iter().map(|scheme| {
        let hello = Hello {
            groups: vec![share],
            schemes: vec![*scheme],
            share: Some(share),
            ..Hello::new(version, line.named, &suites)
        };
        async move { (*scheme, line.ask(&hello, Until::Hello).await) }
    });
    let mut taken = Vec::new();
    for (scheme, echo) in join_all(asked).await {
        match echo {
            Echo::Answer(flight) => match flight.answer {
                Some(Answer::Hello { version: seen, .. }) if seen == Some(version) => taken.push(Scheme(scheme)),
                Some(Answer::Hello { .. } | Answer::Alert(_)) => {}
                Some(Answer::Foreign) | None => {
                    return (
                        Vec::new(),
                        Err("the server answered in something that is not TLS".to_owned()),
                    );
                }
            },
            Echo::HungUp => {}
            Echo::Silence | Echo::Nothing(_) => {
                return (Vec::new(), Err("the server left a hello unanswered, twice".to_owned()));
            }
        }
    }
    let names: Vec<String> = taken.iter().map(|scheme| scheme.name()).collect();
    let line = format!(
        ">> {} hellos, one scheme each; << accepted: {}",
        all.len(),
        names.join(", ")
    );
    (vec![line], Ok(taken))
}

/// A group that the server takes and whose key share is a constant or random bytes.
async fn share(line: &Line<'_>, suites: &[u16]) -> Option<u16> {
    let hello = Hello {
        groups: hello::SHAREABLE.to_vec(),
        ..Hello::new(Version::Tls13, line.named, suites)
    };
    match line.ask(&hello, Until::Hello).await {
        Echo::Answer(flight) => flight.details?.group,
        _ => None,
    }
    .filter(|group| hello::SHAREABLE.contains(group))
}

#[cfg(test)]
mod tests {
    use super::super::doubles;
    use super::super::doubles::Heard;
    use super::super::doubles::Policy;
    use super::super::line::Entrance;
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
        let (_, primes) = prime_list(&line, &known, Unshown::Fault).await;
        primes.map(|primes| primes.iter().map(|prime| prime.bits).collect())
    }

    #[tokio::test]
    async fn a_short_prime_behind_a_published_group_is_found() {
        assert_eq!(primes_of(256, 128, &[0x009e]).await, Ok(vec![2048, 1024]));
        assert_eq!(primes_of(0, 128, &[0xc02f]).await, Ok(vec![1024]));
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
