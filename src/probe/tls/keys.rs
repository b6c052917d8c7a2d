//! How a listener would agree on keys: its groups, and what it signs them with.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::probe::sighting::Sighting;

use super::enumerate::Found;
use super::enumerate::Question;
use super::enumerate::Unasked;
use super::flight::Answer;
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
use super::survey::newest_old;
use super::survey::part;
use super::survey::told;

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
        (Ok(found), Some(Ok(more))) => Found::of([found, more]),
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
        unasked: match version {
            Version::Tls13 => Unasked::Fault,
            _ => Unasked::ItsOwn,
        },
    };
    question.ask_in_groups(all, 8, 3, 16).await.map(Found::of)
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
            unasked: Unasked::Fault,
        };
        return match question.ask_in_groups(&all, all.len(), 3, 3).await.map(Found::of) {
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
    use super::super::doubles::Policy;
    use super::super::line::Entrance;
    use super::*;

    #[tokio::test]
    async fn the_groups_of_a_server_that_goes_its_own_way_where_it_knows_none_are_found() {
        let address = doubles::listener(|heard| Policy::default().reply_in_its_own_group(heard)).await;
        let line = Line::new(address, "t.example.com", Entrance::Direct);
        let (_, groups) = group_list(&line, Version::Tls12, vec![0xc02f], group::groups(false)).await;
        assert_eq!(groups, Ok(vec![Group(0x001d), Group(0x0017)]));
    }
}
