//! Looks at one TLS listener: which versions, suites and groups it would speak, what it agrees to beside them, and what
//! certificates it serves; with the site's name and without one. Works for any port that speaks TLS from the first byte,
//! and for XMPP's STARTTLS.

mod enumerate;
pub mod flight;
pub mod group;
pub mod hello;
mod keys;
pub mod line;
pub mod nameless;
mod session;
pub mod starttls;
pub mod suite;
pub mod survey;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use futures_util::future::join_all;
use rustls::pki_types::CertificateDer;
use serde::Serialize;

use crate::seen::Seen;

use super::certificate;
use super::certificate::Certificate;
use super::reach;
use super::reach::ReachError;
use super::sighting::Sighting;
use super::sighting::Vantage;
use super::trust;
use super::trust::Keys;
use flight::Answer;
use hello::Hello;
use hello::Version;
use line::Echo;
use line::Entrance;
use line::Line;
use line::Until;
use nameless::Nameless;
use suite::Suite;
use survey::Survey;

/// One TLS listener seen from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TlsView {
    /// Where it would listen.
    pub address: SocketAddr,
    /// What it speaks before TLS.
    pub entrance: Entrance,
    /// Whether anything listens there. Where nothing does, the other looks are unknown.
    pub listening: Sighting<Listening>,
    /// What became of an offer of each version alone.
    pub versions: BTreeMap<Version, Sighting<Offer>>,
    /// What became of a TLS 1.2 hello with nothing but weak suites: no encryption, no authentication, export keys, RC4,
    /// DES, IDEA, 64-bit blocks.
    pub weak_suites: Sighting<Offer>,
    /// The certificate chain.
    pub chain: Sighting<Chain>,
    /// The chain of a second certificate, for clients that prefer another kind of key.
    pub second_chain: Option<Sighting<Chain>>,
    /// Suites, groups, signatures and what a session agrees to.
    pub survey: Survey,
    /// The same listener for a client that names no host.
    pub nameless: Sighting<Nameless>,
}

/// What a TCP connection to a port meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Listening {
    /// Something accepts connections.
    Yes,
    /// The host says that nothing listens.
    Refused,
    /// Nobody answers; usually a firewall.
    Filtered,
}

/// What a server made of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Offer {
    /// It went on.
    Accepted {
        /// The suite it chose, by its IANA name.
        suite: String,
    },
    /// It would not.
    Refused(Refusal),
}

/// How an offer was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// By an alert (RFC 8446 6.2): 70 protocol_version, 40 handshake_failure, …
    Alert(u8),
    /// By answering in another version.
    OtherVersion(Version),
    /// By hanging up right after the hello, while another hello to the same listener was answered in the same run.
    HungUp,
    /// By not answering, twice, while another hello to the same listener was answered in the same run: so does coturn,
    /// which takes a first record of an old version for no TLS at all.
    Silence,
}

/// The chain a server sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// Leaf first, as sent.
    pub certificates: Vec<Certificate>,
    /// Why further certificates of the chain could not be read.
    pub unread: Vec<String>,
    /// Whether a status of the certificate came along.
    pub stapled: bool,
    /// Whether this computer's roots vouch for the chain today, whatever names it has.
    pub vouched: Seen<Vouched>,
}

/// The trust this computer's roots put in a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Vouched {
    /// They vouch for it.
    Yes,
    /// They do not; the reason.
    No(String),
}

/// Looks at the listener at `address`, asking for `name`.
pub async fn look(address: SocketAddr, name: &str, entrance: Entrance) -> TlsView {
    let subject = format!("tcp://{name}:{}", address.port());
    let vantage = Vantage::now(subject.clone(), Some(address));
    let line = Line::new(address, name, entrance);
    let listening = match reach::connect(address, reach::CONNECT).await {
        Ok(_) => vantage.saw(Vec::new(), Seen::Known(Listening::Yes)),
        Err(error) => return unreached(&line, &subject, vantage, &error),
    };
    let weak_view = Vantage::now(format!("{subject} weak suites"), Some(address));
    let weak_hello = Hello::new(Version::Tls12, Some(name), hello::WEAK);
    let (echoes, weak, chain) = tokio::join!(
        versions(&line, &subject),
        line.ask(&weak_hello, Until::Hello),
        look_at_chain(&line, &subject),
    );
    let alive = echoes
        .iter()
        .any(|(_, _, echo)| matches!(echo.answer(), Some(Answer::Hello { .. } | Answer::Alert(_))));
    let weak_suites = weak_view.saw(
        vec![format!(
            ">> TLS 1.2 hello with weak suites only; << {}",
            weak.describe()
        )],
        judge_echo(Version::Tls12, &weak, alive),
    );
    let versions: BTreeMap<Version, Sighting<Offer>> = echoes
        .into_iter()
        .map(|(version, vantage, echo)| {
            let line = format!(">> {} hello; << {}", version.name(), echo.describe());
            (version, vantage.saw(vec![line], judge_echo(version, &echo, alive)))
        })
        .collect();
    let accepted: Vec<Version> = versions
        .iter()
        .filter(|(_, offer)| matches!(offer.result, Seen::Known(Offer::Accepted { .. })))
        .map(|(version, _)| *version)
        .collect();
    let (survey, second_chain) = if accepted.is_empty() {
        let why = "the server accepted no hello at all";
        (survey::none(&line, &subject, why), None)
    } else {
        tokio::join!(
            survey::look(&line, &subject, &accepted),
            second_chain(&line, &subject, &chain)
        )
    };
    let nameless = if accepted.is_empty() {
        let why = "the server accepted no hello with a name either";
        Vantage::now(format!("{subject} without a name"), Some(address)).saw(Vec::new(), Seen::unknown(why))
    } else {
        nameless::look(&line, &subject, &survey).await
    };
    TlsView {
        address,
        entrance,
        listening,
        versions,
        weak_suites,
        chain,
        second_chain,
        survey,
        nameless,
    }
}

/// Whether something at `address` answers a hello as TLS does.
pub(crate) async fn speaks(address: SocketAddr, name: &str) -> bool {
    let line = Line::new(address, name, Entrance::Direct);
    let hellos = [Version::Tls13, Version::Tls12, Version::Tls10]
        .map(|version| Hello::new(version, Some(name), hello::usual_suites(version)));
    let echoes = join_all(hellos.iter().map(|hello| line.ask_once(hello, Until::Hello))).await;
    echoes
        .iter()
        .any(|echo| matches!(echo.answer(), Some(Answer::Hello { .. } | Answer::Alert(_))))
}

/// The view of a port where no connection can be made.
fn unreached(line: &Line<'_>, subject: &str, vantage: Vantage, error: &ReachError) -> TlsView {
    let listening = match error {
        ReachError::Refused(_) => Seen::Known(Listening::Refused),
        ReachError::Filtered(..) => Seen::Known(Listening::Filtered),
        ReachError::Local(..) => Seen::unknown(error),
    };
    let transcript = vec![format!("<< {error}")];
    let not_asked = |what: &str| Vantage::now(format!("{subject} {what}"), Some(line.address));
    TlsView {
        address: line.address,
        entrance: line.entrance,
        listening: vantage.saw(transcript.clone(), listening),
        versions: Version::ALL
            .into_iter()
            .map(|version| {
                (
                    version,
                    not_asked(version.name()).saw(transcript.clone(), Seen::unknown(error)),
                )
            })
            .collect(),
        weak_suites: not_asked("weak suites").saw(transcript.clone(), Seen::unknown(error)),
        chain: not_asked("certificate").saw(transcript.clone(), Seen::unknown(error)),
        second_chain: None,
        survey: survey::none(line, subject, &error.to_string()),
        nameless: not_asked("without a name").saw(transcript, Seen::unknown(error)),
    }
}

/// One hello per version, all at once: six connections are no burst, and a silent server is waited for only once.
async fn versions(line: &Line<'_>, subject: &str) -> Vec<(Version, Vantage, Echo)> {
    let asked = Version::ALL.map(|version| async move {
        let vantage = Vantage::now(format!("{subject} {}", version.name()), Some(line.address));
        let hello = Hello::new(version, Some(line.name), hello::usual_suites(version));
        (version, vantage, line.ask(&hello, Until::Hello).await)
    });
    join_all(asked).await
}

/// What an echo means once it is known whether the listener answers hellos at all.
fn judge_echo(asked: Version, echo: &Echo, alive: bool) -> Seen<Offer> {
    let flight = match echo {
        Echo::HungUp if alive => return Seen::Known(Offer::Refused(Refusal::HungUp)),
        Echo::Silence if alive => return Seen::Known(Offer::Refused(Refusal::Silence)),
        Echo::Silence => return Seen::unknown("the server answered no hello at all"),
        Echo::HungUp => {
            return Seen::unknown("the server hung up on every hello, so it may be down rather than strict");
        }
        Echo::Nothing(why) => return Seen::Unknown(why.clone()),
        Echo::Answer(flight) => flight,
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

/// The served chain: by a whole handshake that takes any certificate, or, from a server that is too old for one, out of
/// its first flight, which is in clear.
async fn look_at_chain(line: &Line<'_>, subject: &str) -> Sighting<Chain> {
    let vantage = Vantage::now(format!("{subject} certificate"), Some(line.address));
    let why = match handshake(line, Keys::Any).await {
        Ok(served) => return saw_chain(vantage, &served.chain, served.stapled),
        Err(why) => why,
    };
    for version in [Version::Tls12, Version::Tls11, Version::Tls10, Version::Ssl3] {
        let hello = Hello::new(version, Some(line.name), hello::usual_suites(version));
        match line.ask_once(&hello, Until::Flight).await {
            Echo::Answer(flight) => {
                if let Some(chain) = flight.chain {
                    let chain: Vec<CertificateDer<'static>> = chain.into_iter().map(CertificateDer::from).collect();
                    return saw_chain(vantage, &chain, flight.stapled);
                }
            }
            // Whoever is silent to one is silent to all.
            Echo::Silence | Echo::Nothing(_) => break,
            Echo::HungUp => {}
        }
    }
    vantage.saw(vec![format!("<< {why}")], Seen::unknown(why))
}

async fn handshake(line: &Line<'_>, keys: Keys) -> Result<trust::Served, String> {
    let stream = line.open().await?;
    trust::served(stream, line.address, Some(line.name), keys)
        .await
        .map_err(|error| error.to_string())
}

fn saw_chain(vantage: Vantage, chain: &[CertificateDer<'_>], stapled: bool) -> Sighting<Chain> {
    let transcript = vec![format!("<< {} certificates", chain.len())];
    vantage.saw(transcript, read_chain(chain, stapled).into())
}

/// The chain of another kind of key than the first one's, where there is one.
async fn second_chain(line: &Line<'_>, subject: &str, first: &Sighting<Chain>) -> Option<Sighting<Chain>> {
    let vantage = Vantage::now(format!("{subject} second certificate"), Some(line.address));
    let leaf = first.known().ok()?.certificates.first()?;
    let other = match leaf.key.algorithm.as_str() {
        "RSA" => Keys::Ecdsa,
        _ => Keys::Rsa,
    };
    let served = handshake(line, other).await.ok()?;
    let found = served.chain.first()?;
    if certificate::fingerprint(found) == leaf.sha256 {
        return None;
    }
    Some(saw_chain(vantage, &served.chain, served.stapled))
}

/// A chain is read as far as it can be; without its leaf it says nothing.
fn read_chain(chain: &[CertificateDer<'_>], stapled: bool) -> Result<Chain, String> {
    let mut certificates = Vec::new();
    let mut unread = Vec::new();
    for (place, der) in chain.iter().enumerate() {
        match certificate::read(der) {
            Ok(certificate) => certificates.push(certificate),
            Err(why) if place == 0 => return Err(why),
            Err(why) => unread.push(why),
        }
    }
    let vouched = trust::vouched_for(chain)
        .map(|verdict| match verdict {
            Ok(()) => Vouched::Yes,
            Err(why) => Vouched::No(why),
        })
        .into();
    Ok(Chain {
        certificates,
        unread,
        stapled,
        vouched,
    })
}

#[cfg(test)]
mod tests {
    use super::flight::Flight;
    use super::*;

    fn answered(answer: Answer) -> Echo {
        Echo::Answer(Flight {
            answer: Some(answer),
            ..Flight::default()
        })
    }

    #[test]
    fn hanging_up_is_a_refusal_only_while_another_hello_is_answered() {
        assert_eq!(
            judge_echo(Version::Tls10, &Echo::HungUp, true),
            Seen::Known(Offer::Refused(Refusal::HungUp))
        );
        assert!(judge_echo(Version::Tls10, &Echo::HungUp, false).known().is_err());
    }

    #[test]
    fn silence_foreign_bytes_and_unrelated_alerts_are_unknown() {
        for echo in [
            Echo::Nothing("no answer".to_owned()),
            answered(Answer::Foreign),
            answered(Answer::Alert(80)),
        ] {
            assert!(judge_echo(Version::Tls11, &echo, true).known().is_err(), "{echo:?}");
        }
    }

    #[test]
    fn any_alert_refuses_ssl_2() {
        let seen = judge_echo(Version::Ssl2, &answered(Answer::Alert(50)), true);
        assert_eq!(seen, Seen::Known(Offer::Refused(Refusal::Alert(50))));
    }

    #[test]
    fn a_downgrade_is_a_refusal_of_what_was_asked() {
        let echo = answered(Answer::Hello {
            version: Some(Version::Tls12),
            suite: 0xc02f,
        });
        assert_eq!(
            judge_echo(Version::Tls13, &echo, true),
            Seen::Known(Offer::Refused(Refusal::OtherVersion(Version::Tls12)))
        );
    }
}
