//! What a session before TLS 1.3 would have, and whether a client can be talked down to an older version.

use std::collections::BTreeMap;

use crate::probe::sighting::Sighting;

use super::flight::Answer;
use super::hello::Extras;
use super::hello::Hello;
use super::hello::Version;
use super::line::Echo;
use super::line::Line;
use super::line::Until;
use super::suite::Suite;
use super::survey::Fallback;
use super::survey::Session;
use super::survey::SessionView;
use super::survey::newest_old;
use super::survey::part;

pub(super) async fn agreed(
    line: &Line<'_>,
    subject: &str,
    versions: &[Version],
    known: &BTreeMap<Version, Vec<Suite>>,
) -> Sighting<SessionView> {
    part(line, format!("{subject} session"), ask(line, versions, known)).await
}

/// Asks for everything that a session before TLS 1.3 could have.
pub(super) async fn ask(
    line: &Line<'_>,
    versions: &[Version],
    known: &BTreeMap<Version, Vec<Suite>>,
) -> (Vec<String>, Result<SessionView, String>) {
    let Some((version, suites)) = newest_old(known, |_| true) else {
        let only_new = versions.iter().all(|version| *version == Version::Tls13);
        let view = match only_new {
            true => Ok(SessionView::OnlyTls13),
            false => Err("the suites of the older versions are not known".to_owned()),
        };
        return (Vec::new(), view);
    };
    let everything = Hello {
        extras: Extras::All,
        ..Hello::new(version, line.named, &suites)
    };
    let chained = newest_old(known, |suite| suite.chained_blocks()).filter(|(seen, _)| *seen == version);
    let (echo, padded) = tokio::join!(line.ask(&everything, Until::Flight), async {
        let (_, suites) = chained?;
        let hello = Hello {
            extras: Extras::All,
            ..Hello::new(version, line.named, &suites)
        };
        Some(line.ask(&hello, Until::Hello).await)
    });
    let transcript = vec![format!(
        ">> {} hello with everything on offer; << {}",
        version.name(),
        echo.describe()
    )];
    let Echo::Answer(flight) = &echo else {
        return (
            transcript,
            Err("the hello with everything on offer was not answered".to_owned()),
        );
    };
    let Some(details) = &flight.details else {
        return (
            transcript,
            Err(format!("the server answered it by {}", echo.describe())),
        );
    };
    let has = |kind: u16| details.extensions.contains_key(&kind);
    let encrypt_then_mac = match padded {
        Some(Echo::Answer(flight)) => flight.details.map(|seen| seen.extensions.contains_key(&22)),
        _ => None,
    };
    let session = Session {
        version,
        secure_renegotiation: has(0xff01),
        extended_master_secret: has(23),
        encrypt_then_mac,
        compression: details.compression,
        heartbeat: has(15),
        tickets: has(35),
        stapled: flight.stapled,
    };
    (transcript, Ok(SessionView::Older(session)))
}

pub(super) async fn fallback(
    line: &Line<'_>,
    subject: &str,
    versions: &[Version],
    known: &BTreeMap<Version, Vec<Suite>>,
) -> Sighting<Fallback> {
    let look = async {
        let newest = versions.iter().max();
        let older = known
            .iter()
            .rev()
            .find(|(version, list)| newest.is_some_and(|newest| *version < newest) && !list.is_empty());
        let Some((version, suites)) = older else {
            let all_known = versions
                .iter()
                .all(|version| known.contains_key(version) || *version == Version::Ssl2);
            let view = match all_known {
                true => Ok(Fallback::NoOlderVersion),
                false => Err("the suites of the older versions are not known".to_owned()),
            };
            return (Vec::new(), view);
        };
        let suites: Vec<u16> = suites.iter().take(100).map(|suite| suite.0).collect();
        let hello = Hello {
            extras: Extras::Fallback,
            ..Hello::new(*version, line.named, &suites)
        };
        let echo = line.ask(&hello, Until::Hello).await;
        let transcript = vec![format!(">> {} as a second try; << {}", version.name(), echo.describe())];
        let view = match echo.answer() {
            Some(Answer::Hello { .. }) => Ok(Fallback::Accepted),
            Some(Answer::Alert(86)) => Ok(Fallback::Refused),
            _ => Err(format!("the server answered it by {}", echo.describe())),
        };
        (transcript, view)
    };
    part(line, format!("{subject} fallback"), look).await
}
