//! Which versions a listener takes, and whether it takes weak suites. A hello that is not answered in words says something
//! only beside those that are.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::seen::Seen;

use super::Offer;
use super::Refusal;
use super::enumerate;
use super::flight::Answer;
use super::hello;
use super::hello::Hello;
use super::hello::Version;
use super::line::Echo;
use super::line::Line;
use super::line::Until;
use super::suite::Suite;

/// The versions of today, which come first: where one is accepted, it is the control of the others.
const TODAY: [Version; 2] = [Version::Tls12, Version::Tls13];
const OLD: [Version; 4] = [Version::Ssl2, Version::Ssl3, Version::Tls10, Version::Tls11];

/// What became of the offers.
pub(super) struct Offers {
    pub(super) versions: BTreeMap<Version, Sighting<Offer>>,
    pub(super) weak_suites: Sighting<Offer>,
}

/// What else a listener did while one of its hellos had no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pulse {
    /// It answered no hello at all.
    None,
    /// It answered another hello.
    Answers,
    /// It accepted a hello of a version of today, both before and after.
    Steady,
}

impl Pulse {
    /// `silent`: something was not answered at all. `control`: a version of today that was accepted before.
    pub(super) async fn taken(line: &Line<'_>, answers: bool, silent: bool, control: Option<Version>) -> Self {
        match control {
            Some(version) if silent && still_takes(line, version).await => Self::Steady,
            _ if answers => Self::Answers,
            _ => Self::None,
        }
    }
}

/// One hello, and what it brought.
struct Asked {
    version: Version,
    vantage: Vantage,
    echo: Echo,
}

/// Offers every version alone, and then nothing but weak suites.
pub(super) async fn look(line: &Line<'_>, subject: &str) -> Offers {
    let mut asked = ask(line, subject, &TODAY).await;
    let control = asked.iter().find(|one| takes(one.version, &one.echo));
    let control = control.map(|one| one.version);
    let mut rest = OLD.to_vec();
    rest.extend(
        asked
            .iter()
            .filter(|one| one.echo == Echo::Silence)
            .map(|one| one.version),
    );
    asked.retain(|one| one.echo != Echo::Silence);
    let weak_view = Vantage::now(format!("{subject} weak suites"), Some(line.address));
    let weak_hello = Hello::new(Version::Tls12, line.named, hello::WEAK);
    let (more, weak) = tokio::join!(ask(line, subject, &rest), line.ask(&weak_hello, Until::Hello));
    asked.extend(more);

    let answers = asked
        .iter()
        .any(|one| matches!(one.echo.answer(), Some(Answer::Hello { .. } | Answer::Alert(_))));
    let silent = weak == Echo::Silence || asked.iter().any(|one| one.echo == Echo::Silence);
    let pulse = Pulse::taken(line, answers, silent, control).await;
    let versions = asked.into_iter().map(|one| {
        let transcript = told(one.version.name(), &one.echo, pulse);
        let offer = judge_echo(one.version, &one.echo, pulse);
        (one.version, one.vantage.saw(transcript, offer))
    });
    Offers {
        versions: versions.collect(),
        weak_suites: weak_view.saw(
            told("TLS 1.2, weak suites only", &weak, pulse),
            judge_echo(Version::Tls12, &weak, pulse),
        ),
    }
}

/// One hello per version, all at once: so few connections are no burst, and a silent server is waited for only once.
async fn ask(line: &Line<'_>, subject: &str, versions: &[Version]) -> Vec<Asked> {
    let asked = versions.iter().map(|version| async move {
        let vantage = Vantage::now(format!("{subject} {}", version.name()), Some(line.address));
        let hello = Hello::new(*version, line.named, hello::usual_suites(*version));
        Asked {
            version: *version,
            vantage,
            echo: line.ask(&hello, Until::Hello).await,
        }
    });
    join_all(asked).await
}

fn told(what: &str, echo: &Echo, pulse: Pulse) -> Vec<String> {
    let mut lines = vec![format!(">> {what} hello; << {}", echo.describe())];
    if *echo == Echo::Silence && pulse == Pulse::Steady {
        lines.push(">> a hello of TLS 1.2 or 1.3, before and after; << accepted both times".to_owned());
    }
    lines
}

/// Whether the answer goes on in the version that was asked for.
fn takes(asked: Version, echo: &Echo) -> bool {
    matches!(echo.answer(), Some(Answer::Hello { version: Some(version), .. }) if version == asked)
}

async fn still_takes(line: &Line<'_>, version: Version) -> bool {
    let hello = Hello::new(version, line.named, hello::usual_suites(version));
    takes(version, &line.ask(&hello, Until::Hello).await)
}

/// What an echo means once it is known what the listener does beside it.
pub(super) fn judge_echo(asked: Version, echo: &Echo, pulse: Pulse) -> Seen<Offer> {
    let flight = match (echo, pulse) {
        (Echo::HungUp, Pulse::Answers | Pulse::Steady) => return Seen::Known(Offer::Refused(Refusal::HungUp)),
        (Echo::HungUp, Pulse::None) => {
            return Seen::unknown("the server hung up on every hello, so it may be down rather than strict");
        }
        (Echo::Silence, Pulse::Steady) => return Seen::Known(Offer::Refused(Refusal::Silence)),
        (Echo::Silence, Pulse::Answers) => {
            return Seen::unknown(
                "the server left it unanswered, and accepted no hello of TLS 1.2 or 1.3 both before and after",
            );
        }
        (Echo::Silence, Pulse::None) => return Seen::unknown("the server answered no hello at all"),
        (Echo::Nothing(why), _) => return Seen::Unknown(why.clone()),
        (Echo::Answer(flight), _) => flight,
    };
    match flight.answer {
        Some(Answer::Hello {
            version: Some(version),
            suite,
        }) if version == asked => Seen::Known(Offer::Accepted {
            suite: match version {
                Version::Ssl2 => format!("SSL 2.0 cipher kind 0x{suite:04X}"),
                _ => Suite(suite).name(),
            },
        }),
        Some(Answer::Hello {
            version: Some(version), ..
        }) => Seen::Known(Offer::Refused(Refusal::OtherVersion(version))),
        Some(Answer::Hello { version: None, .. }) => {
            Seen::unknown("the server answered in a version that does not exist")
        }
        // Any other alert says nothing about the offer.
        // Alerts came with SSL 3.0; who answers by one does not go on in SSL 2.0.
        Some(Answer::Alert(code)) if asked == Version::Ssl2 || enumerate::REFUSALS.contains(&code) => {
            Seen::Known(Offer::Refused(Refusal::Alert(code)))
        }
        Some(Answer::Alert(code)) => Seen::unknown(format!(
            "the server sent alert {code}, which does not speak of versions"
        )),
        Some(Answer::Foreign) | None => Seen::unknown("the server answered in something that is not TLS"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::doubles;
    use super::super::doubles::Heard;
    use super::super::doubles::Policy;
    use super::super::flight::Flight;
    use super::super::line::Entrance;
    use super::*;

    fn answered(answer: Answer) -> Echo {
        Echo::Answer(Flight {
            answer: Some(answer),
            ..Flight::default()
        })
    }

    /// The look at a listener that speaks TLS 1.2, and to a hello of TLS 1.0 replies as told.
    async fn look_at(old: fn(&Heard) -> Vec<u8>) -> Offers {
        let address = doubles::listener(move |heard: &Heard| match heard.version {
            Version::Tls10 => old(heard),
            _ => Policy::default().reply(heard),
        })
        .await;
        look(&Line::new(address, "t.example.com", Entrance::Direct), "tcp://t").await
    }

    #[tokio::test]
    async fn a_slow_answer_is_no_refusal_and_a_silence_beside_accepted_hellos_is_one() {
        let trickle = |_: &Heard| vec![22, 3, 1, 0, 42, 2, 0];
        let (slow, silent) = tokio::join!(look_at(trickle), look_at(|_| Vec::new()));
        let why = slow.versions[&Version::Tls10].known().unwrap_err();
        assert!(why.contains("7 bytes of an answer"), "{why}");
        let silent = &silent.versions[&Version::Tls10];
        assert_eq!(silent.known(), Ok(&Offer::Refused(Refusal::Silence)));
        assert!(silent.transcript[1].contains("before and after"), "{silent:?}");
        for seen in [&slow.versions[&Version::Tls12], &slow.versions[&Version::Tls11]] {
            assert!(seen.known().is_ok(), "{seen:?}");
        }
    }

    #[tokio::test]
    async fn a_listener_that_falls_silent_is_not_steady() {
        let (alive, mute) = tokio::join!(
            doubles::listener(|heard| Policy::default().reply(heard)),
            doubles::listener(|_| Vec::new()),
        );
        let pulse = |address| async move {
            let line = Line::new(address, "t.example.com", Entrance::Direct);
            Pulse::taken(&line, true, true, Some(Version::Tls12)).await
        };
        let pulses = tokio::join!(pulse(alive), pulse(mute));
        assert_eq!(pulses, (Pulse::Steady, Pulse::Answers));
    }

    #[test]
    fn hanging_up_is_a_refusal_only_while_another_hello_is_answered() {
        assert_eq!(
            judge_echo(Version::Tls10, &Echo::HungUp, Pulse::Answers),
            Seen::Known(Offer::Refused(Refusal::HungUp))
        );
        let down = judge_echo(Version::Tls10, &Echo::HungUp, Pulse::None);
        assert!(down.known().is_err());
    }

    #[test]
    fn silence_is_a_refusal_only_between_two_accepted_hellos() {
        let judged = |pulse| judge_echo(Version::Tls10, &Echo::Silence, pulse);
        assert_eq!(judged(Pulse::Steady), Seen::Known(Offer::Refused(Refusal::Silence)));
        assert!(judged(Pulse::Answers).known().is_err() && judged(Pulse::None).known().is_err());
    }

    #[test]
    fn foreign_bytes_and_unrelated_alerts_are_unknown() {
        for echo in [
            Echo::Nothing("no answer".to_owned()),
            answered(Answer::Foreign),
            answered(Answer::Alert(80)),
        ] {
            let seen = judge_echo(Version::Tls11, &echo, Pulse::Steady);
            assert!(seen.known().is_err(), "{echo:?}");
        }
    }

    #[test]
    fn any_alert_refuses_ssl_2() {
        let seen = judge_echo(Version::Ssl2, &answered(Answer::Alert(50)), Pulse::Answers);
        assert_eq!(seen, Seen::Known(Offer::Refused(Refusal::Alert(50))));
    }

    #[test]
    fn a_downgrade_is_a_refusal_of_what_was_asked() {
        let echo = answered(Answer::Hello {
            version: Some(Version::Tls12),
            suite: 0xc02f,
        });
        assert_eq!(
            judge_echo(Version::Tls13, &echo, Pulse::Answers),
            Seen::Known(Offer::Refused(Refusal::OtherVersion(Version::Tls12)))
        );
    }
}
