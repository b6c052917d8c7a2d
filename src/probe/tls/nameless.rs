//! The same listener for a client that names no host: the default server must not be weaker than the named one.

use std::collections::BTreeMap;
use std::future::Future;

use futures_util::future::join_all;
use serde::Serialize;

use crate::probe::certificate;
use crate::probe::certificate::Certificate;
use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::probe::trust;
use crate::probe::trust::Keys;
use crate::seen::Seen;

use super::Offer;
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
use super::keys;
use super::line::Echo;
use super::line::Line;
use super::line::Until;
use super::offers::Pulse;
use super::offers::judge_echo;
use super::primes;
use super::primes::Shown;
use super::primes::Unshown;
use super::session;
use super::suite::Suite;
use super::survey::Prime;
use super::survey::SessionView;
use super::survey::Survey;
use super::survey::within;

/// Versions whose hello can name a host.
const NAMED: [Version; 4] = [Version::Tls10, Version::Tls11, Version::Tls12, Version::Tls13];

/// A listener, met without a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Nameless {
    /// What became of an offer of each version that can name a host.
    pub versions: BTreeMap<Version, Seen<Offer>>,
    /// Suites that are accepted without a name and not with it, for each version that is accepted.
    pub beyond: BTreeMap<Version, Seen<Vec<Suite>>>,
    /// The closer look; `None` where no version is accepted.
    pub closer: Option<Closer>,
    /// The leaf certificate, where one was served.
    pub leaf: Seen<Option<Certificate>>,
}

/// How a listener would agree on keys and what a session would have, without a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Closer {
    /// Groups that are taken without a name and not with it, for each version that they were asked for in with it.
    pub groups: BTreeMap<Version, Seen<Vec<Group>>>,
    /// Signature schemes, likewise.
    pub schemes: BTreeMap<Version, Seen<Vec<Scheme>>>,
    /// Every prime of finite-field Diffie-Hellman before TLS 1.3.
    pub primes: Seen<Vec<Prime>>,
    /// What a session before TLS 1.3 would have.
    pub session: Seen<SessionView>,
}

/// Looks without a name, knowing what is accepted with it: `survey`, and `control`, a version of today.
pub(crate) async fn look(
    with_name: &Line<'_>,
    subject: &str,
    survey: &Survey,
    control: Option<Version>,
) -> Sighting<Nameless> {
    let line = &with_name.without_name();
    let vantage = Vantage::now(format!("{subject} without a name"), Some(line.address));
    let (echoes, leaf) = tokio::join!(
        join_all(NAMED.map(|version| async move {
            let hello = Hello::new(version, None, hello::usual_suites(version));
            (version, line.ask(&hello, Until::Hello).await)
        })),
        leaf(line),
    );
    // A server may refuse everybody who names no host; then an unrelated alert is a refusal as well.
    let answers = echoes.iter().any(|(_, echo)| echo.answer().is_some());
    let silent = echoes.iter().any(|(_, echo)| *echo == Echo::Silence);
    let pulse = Pulse::taken(with_name, answers, silent, control).await;
    let mut transcript: Vec<String> = echoes
        .iter()
        .map(|(version, echo)| format!(">> {} hello without a name; << {}", version.name(), echo.describe()))
        .collect();
    let versions: BTreeMap<Version, Seen<Offer>> = echoes
        .iter()
        .map(|(version, echo)| {
            let offer = match echo.answer() {
                // unrecognized_name.
                Some(Answer::Alert(112)) => Seen::Known(Offer::Refused(super::Refusal::Alert(112))),
                _ => judge_echo(*version, echo, pulse),
            };
            (*version, offer)
        })
        .collect();
    let accepted: Vec<Version> = versions
        .iter()
        .filter(|(_, offer)| matches!(offer, Seen::Known(Offer::Accepted { .. })))
        .map(|(version, _)| *version)
        .collect();
    let asked = accepted.iter();
    let beyond = join_all(asked.map(|version| async move { (*version, beyond(line, *version, survey).await) })).await;
    let beyond: BTreeMap<Version, Seen<Vec<Suite>>> = beyond.into_iter().collect();
    let closer = match accepted.as_slice() {
        [] => None,
        accepted => {
            let (lines, closer) = closer(line, survey, accepted, &suites(survey, &beyond)).await;
            transcript.extend(lines);
            Some(closer)
        }
    };
    let found = Nameless {
        versions,
        beyond,
        closer,
        leaf,
    };
    vantage.saw(transcript, Seen::Known(found))
}

/// What is accepted in each version, with a name or without.
fn suites(survey: &Survey, beyond: &BTreeMap<Version, Seen<Vec<Suite>>>) -> BTreeMap<Version, Vec<Suite>> {
    let both = beyond.iter().map(|(version, more)| {
        let named = survey.suites.get(version).and_then(|list| list.known().ok());
        let named = named.map(|list| list.accepted.clone()).unwrap_or_default();
        let more = more.known().map(Vec::as_slice).unwrap_or_default();
        (*version, named.into_iter().chain(more.iter().copied()).collect())
    });
    both.collect()
}

async fn closer(
    line: &Line<'_>,
    survey: &Survey,
    accepted: &[Version],
    known: &BTreeMap<Version, Vec<Suite>>,
) -> (Vec<String>, Closer) {
    let usable = |version: Version, wanted: fn(&Suite) -> bool| {
        let list = known.get(&version).into_iter().flatten();
        let chosen = list
            .filter(|suite| version == Version::Tls13 || wanted(suite))
            .take(120);
        chosen.map(|suite| suite.0).collect::<Vec<u16>>()
    };
    let groups = survey.groups.iter().map(|(version, named)| async move {
        let rest = left(group::groups(*version == Version::Tls13), named, |group| group.0);
        let suites = usable(*version, keys::on_a_curve);
        asked(*version, rest, suites, |suites, rest| async move {
            let (lines, list) = keys::group_list(line, *version, suites, rest).await;
            // Where it knows none of these it may go on with one that it takes from everybody.
            let new = |group: &Group| named.known().is_ok_and(|named| !named.contains(group));
            (lines, list.map(|list| list.into_iter().filter(new).collect()))
        })
        .await
    });
    let schemes = survey.schemes.iter().map(|(version, named)| async move {
        let rest = left(group::schemes(*version == Version::Tls13), named, |scheme| scheme.0);
        let suites = usable(*version, keys::signed);
        asked(*version, rest, suites, |suites, rest| {
            keys::scheme_list(line, *version, suites, rest)
        })
        .await
    });
    let unshown = Shown::new();
    let (groups, schemes, (primes_told, primes), (session_told, session)) = tokio::join!(
        join_all(groups),
        join_all(schemes),
        // What is taken with a name may be refused without one.
        within(primes::list(line, known, &unshown, Unshown::None)),
        within(session::ask(line, accepted, known)),
    );
    let mut transcript = [primes_told, session_told].concat();
    let closer = Closer {
        groups: gathered(groups, accepted, &mut transcript),
        schemes: gathered(schemes, accepted, &mut transcript),
        primes,
        session,
    };
    (transcript, closer)
}

/// What came of asking for what is left in one version.
type Part<T> = (Version, Vec<String>, Seen<Vec<T>>);

/// The values that are not taken with a name.
fn left<T>(all: Vec<u16>, named: &Sighting<Vec<T>>, number: impl Fn(&T) -> u16) -> Result<Vec<u16>, String> {
    let named: Vec<u16> = named.known()?.iter().map(number).collect();
    Ok(all.into_iter().filter(|value| !named.contains(value)).collect())
}

async fn asked<T, F>(
    version: Version,
    rest: Result<Vec<u16>, String>,
    suites: Vec<u16>,
    ask: impl FnOnce(Vec<u16>, Vec<u16>) -> F,
) -> Part<T>
where
    F: Future<Output = (Vec<String>, Result<Vec<T>, String>)>,
{
    match rest {
        Err(why) => (version, Vec::new(), Seen::Unknown(why)),
        // No suite, no question.
        Ok(_) if suites.is_empty() => (version, Vec::new(), Seen::Known(Vec::new())),
        Ok(rest) => {
            let (lines, seen) = within(ask(suites, rest)).await;
            (version, lines, seen)
        }
    }
}

fn gathered<T>(
    parts: Vec<Part<T>>,
    accepted: &[Version],
    transcript: &mut Vec<String>,
) -> BTreeMap<Version, Seen<Vec<T>>> {
    let mut all = BTreeMap::new();
    for (version, lines, seen) in parts {
        if accepted.contains(&version) {
            transcript.extend(lines);
            all.insert(version, seen);
        }
    }
    all
}

/// What is accepted in a version beyond what the survey found.
async fn beyond(line: &Line<'_>, version: Version, survey: &Survey) -> Seen<Vec<Suite>> {
    let known: Vec<u16> = match survey.suites.get(&version).map(Sighting::known) {
        Some(Ok(list)) => list.accepted.iter().map(|suite| suite.0).collect(),
        Some(Err(why)) => return Seen::unknown(why),
        None => Vec::new(),
    };
    let rest: Vec<u16> = hello::every_suite(version)
        .into_iter()
        .filter(|number| !known.contains(number))
        .collect();
    let question = Question {
        line,
        offer: |offered: &[u16]| Hello::new(version, None, offered),
        picked: |flight: &Flight| match flight.answer {
            Some(Answer::Hello { suite, .. }) => Some(suite),
            _ => None,
        },
        until: Until::Hello,
        beside: &[],
        unasked: Unasked::Fault,
    };
    let asked = async {
        let found = question.ask_in_groups(&rest, 0, 1, 110).await;
        (Vec::new(), found.map(Found::of))
    };
    match within(asked).await {
        (_, Seen::Unknown(why)) => Seen::Unknown(why),
        (_, Seen::Known(found)) => match (found.taken.is_empty(), found.undecided.first()) {
            (true, Some(suite)) => Seen::unknown(format!(
                "without a name the server answered neither yes nor no to {}",
                Suite(*suite).name()
            )),
            _ => Seen::Known(found.taken.into_iter().map(Suite).collect()),
        },
    }
}

async fn leaf(line: &Line<'_>) -> Seen<Option<Certificate>> {
    let served = match line.open().await {
        Ok(stream) => trust::served(stream, line.address, None, Keys::Any).await,
        Err(why) => return Seen::unknown(why),
    };
    // A handshake that fails serves nothing.
    let leaf = served.ok().and_then(|served| served.chain.into_iter().next());
    leaf.map(|leaf| certificate::read(&leaf)).transpose().into()
}

#[cfg(test)]
mod tests {
    use super::super::doubles;
    use super::super::doubles::Heard;
    use super::super::doubles::Policy;
    use super::super::line::Entrance;
    use super::super::survey;
    use super::*;

    /// A listener that is looked at with a name and without one, where it has another policy.
    async fn look_at(reply: impl Fn(&Heard) -> Vec<u8> + Send + Sync + 'static) -> Nameless {
        let address = doubles::listener(move |heard: &Heard| match heard.names_a_host() {
            true => Policy::default().reply(heard),
            false => reply(heard),
        })
        .await;
        let line = Line::new(address, "t.example.com", Entrance::Direct);
        let survey = survey::look(&line, "tcp://t", &[Version::Tls12]).await;
        let seen = look(&line, "tcp://t", &survey, Some(Version::Tls12)).await;
        seen.result.known().unwrap().clone()
    }

    #[tokio::test]
    async fn a_default_server_that_takes_more_is_found_out() {
        let usual = Policy::default();
        let weaker = Policy {
            suites: [&usual.suites[..], &[0xc013]].concat(),
            groups: [&usual.groups[..], &[0x0013]].concat(),
            schemes: [&usual.schemes[..], &[0x0201]].concat(),
            extensions: vec![15],
            prime: 128,
        };
        let found = look_at(move |heard| {
            let dhe = Policy {
                suites: vec![0x009e],
                ..weaker.clone()
            };
            match heard.suites.contains(&0xc02f) || heard.suites.contains(&0xc013) {
                true => weaker.reply(heard),
                false => dhe.reply(heard),
            }
        })
        .await;
        let more = found.beyond[&Version::Tls12].known().unwrap();
        assert!(more.contains(&Suite(0xc013)), "{more:?}");
        let closer = found.closer.unwrap();
        assert_eq!(closer.groups[&Version::Tls12].known(), Ok(&vec![Group(0x0013)]));
        assert_eq!(closer.schemes[&Version::Tls12].known(), Ok(&vec![Scheme(0x0201)]));
        let primes = closer.primes.known().unwrap();
        assert!(primes.iter().any(|prime| prime.bits == 1024), "{primes:?}");
        let SessionView::Older(session) = closer.session.known().unwrap() else {
            panic!("{:?}", closer.session);
        };
        assert!(session.heartbeat && !session.secure_renegotiation, "{session:?}");
    }

    #[tokio::test]
    async fn a_default_server_like_the_named_one_takes_nothing_more() {
        for reply in [Policy::reply, Policy::reply_in_its_own_group] {
            let found = look_at(move |heard| reply(&Policy::default(), heard)).await;
            assert_eq!(found.beyond[&Version::Tls12].known(), Ok(&Vec::new()));
            let closer = found.closer.unwrap();
            assert_eq!(closer.groups[&Version::Tls12].known(), Ok(&Vec::new()));
            assert_eq!(closer.schemes[&Version::Tls12].known(), Ok(&Vec::new()));
            assert_eq!(closer.primes.known(), Ok(&Vec::new()));
            assert!(closer.session.known().is_ok());
        }
    }

    #[tokio::test]
    async fn a_default_server_that_refuses_everybody_is_looked_at_no_closer() {
        let found = look_at(|_| doubles::alert(112)).await;
        assert!(found.closer.is_none() && found.beyond.is_empty());
        assert_eq!(found.leaf, Seen::Known(None));
        let refused = Offer::Refused(super::super::Refusal::Alert(112));
        assert!(found.versions.values().all(|offer| offer.known() == Ok(&refused)));
    }
}
