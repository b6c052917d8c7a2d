//! The same listener for a client that names no host: the default server must not be weaker than the named one.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::Serialize;

use crate::digest;
use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::probe::trust;
use crate::probe::trust::Keys;
use crate::seen::Seen;

use super::Offer;
use super::enumerate::Question;
use super::flight::Answer;
use super::flight::Flight;
use super::hello;
use super::hello::Hello;
use super::hello::Version;
use super::judge_echo;
use super::line::Line;
use super::line::Until;
use super::suite::Suite;
use super::survey::Survey;

/// Versions whose hello can name a host.
const NAMED: [Version; 4] = [Version::Tls10, Version::Tls11, Version::Tls12, Version::Tls13];

/// A listener, met without a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Nameless {
    /// What became of an offer of each version that can name a host.
    pub versions: BTreeMap<Version, Seen<Offer>>,
    /// Suites that are accepted without a name and not with it, for each version that is accepted.
    pub beyond: BTreeMap<Version, Seen<Vec<Suite>>>,
    /// SHA-256 of the leaf certificate, where one was served.
    pub leaf: Seen<Option<String>>,
}

/// Looks without a name, knowing what is accepted with it.
pub(crate) async fn look(line: &Line<'_>, subject: &str, survey: &Survey) -> Sighting<Nameless> {
    let vantage = Vantage::now(format!("{subject} without a name"), Some(line.address));
    let (echoes, leaf) = tokio::join!(
        join_all(NAMED.map(|version| async move {
            let hello = Hello::new(version, None, hello::usual_suites(version));
            (version, line.ask(&hello, Until::Hello).await)
        })),
        leaf(line),
    );
    // A server may refuse everybody who names no host; then an unrelated alert is a refusal as well.
    let alive = echoes.iter().any(|(_, echo)| echo.answer().is_some());
    let transcript = echoes
        .iter()
        .map(|(version, echo)| format!(">> {} hello without a name; << {}", version.name(), echo.describe()))
        .collect();
    let versions: BTreeMap<Version, Seen<Offer>> = echoes
        .iter()
        .map(|(version, echo)| {
            let offer = match echo.answer() {
                // unrecognized_name.
                Some(Answer::Alert(112)) => Seen::Known(Offer::Refused(super::Refusal::Alert(112))),
                _ => judge_echo(*version, echo, alive),
            };
            (*version, offer)
        })
        .collect();
    let accepted = versions
        .iter()
        .filter(|(_, offer)| matches!(offer, Seen::Known(Offer::Accepted { .. })));
    let beyond = join_all(accepted.map(|(version, _)| async move { (*version, beyond(line, *version, survey).await) }))
        .await
        .into_iter()
        .collect();
    vantage.saw(transcript, Seen::Known(Nameless { versions, beyond, leaf }))
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
    };
    question
        .ask_in_groups(&rest, 0, 1, 110)
        .await
        .map(|found| found.taken.into_iter().map(Suite).collect())
        .into()
}

async fn leaf(line: &Line<'_>) -> Seen<Option<String>> {
    let served = match line.open().await {
        Ok(stream) => trust::served(stream, line.address, None, Keys::Any).await,
        Err(why) => return Seen::unknown(why),
    };
    // A handshake that fails serves nothing.
    Seen::Known(served.ok().and_then(|served| served.chain.first().map(digest::sha256)))
}
