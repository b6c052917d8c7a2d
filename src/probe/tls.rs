//! Looks at one TLS listener: which versions it would speak, whether it takes weak suites, and what certificate it
//! serves. Works for any port that speaks TLS from the first byte.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::seen::Seen;

use super::certificate;
use super::certificate::Certificate;
use super::hello;
use super::hello::Answer;
use super::hello::Version;
use super::reach;
use super::reach::ReachError;
use super::sighting::Sighting;
use super::sighting::Vantage;
use super::trust;

/// Most bytes of a server's first flight that are read; a ServerHello comes first and is small.
const FLIGHT: usize = 16 * 1024;

/// Wait for the answer to one hello. A listener answers its own versions within a round trip or two.
const SILENCE: Duration = Duration::from_secs(4);

/// One TLS listener seen from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TlsView {
    /// Where it would listen.
    pub address: SocketAddr,
    /// Whether anything listens there. Where nothing does, the other looks are unknown.
    pub listening: Sighting<Listening>,
    /// What became of an offer of each version alone.
    pub versions: BTreeMap<Version, Sighting<Offer>>,
    /// What became of a TLS 1.2 hello with nothing but weak suites: no encryption, no authentication, export keys, RC4,
    /// DES, IDEA, 64-bit blocks.
    pub weak_suites: Sighting<Offer>,
    /// The certificate chain.
    pub chain: Sighting<Chain>,
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

/// What one hello brought, before it is known whether the listener is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Echo {
    Answer(Answer),
    HungUp,
    /// Connected, and then not a byte within the wait.
    Silence,
    Nothing(String),
}

/// Looks at the listener at `address`, asking for `name`.
pub(crate) async fn look(address: SocketAddr, name: &str) -> TlsView {
    let subject = format!("tcp://{name}:{}", address.port());
    let vantage = Vantage::now(subject.clone(), Some(address));
    let listening = match reach::connect(address, reach::CONNECT).await {
        Ok(_) => vantage.saw(Vec::new(), Seen::Known(Listening::Yes)),
        Err(error) => return unreached(address, &subject, vantage, &error),
    };
    let (echoes, weak, chain) = tokio::join!(
        versions(address, name, &subject),
        ask(address, name, Version::Tls12, hello::WEAK),
        look_at_chain(address, name, &subject),
    );
    let alive = echoes
        .iter()
        .any(|(_, _, echo)| matches!(echo, Echo::Answer(Answer::Hello { .. } | Answer::Alert(_))));
    let weak_view = Vantage::now(format!("{subject} weak suites"), Some(address));
    let weak_suites = weak_view.saw(
        vec![format!(
            ">> TLS 1.2 hello with weak suites only; << {}",
            describe(&weak)
        )],
        judge_echo(Version::Tls12, &weak, alive),
    );
    let versions = echoes
        .into_iter()
        .map(|(version, vantage, echo)| {
            let line = format!(">> {} hello; << {}", version.name(), describe(&echo));
            (version, vantage.saw(vec![line], judge_echo(version, &echo, alive)))
        })
        .collect();
    TlsView {
        address,
        listening,
        versions,
        weak_suites,
        chain,
    }
}

/// The view of a port where no connection can be made.
fn unreached(address: SocketAddr, subject: &str, vantage: Vantage, error: &ReachError) -> TlsView {
    let listening = match error {
        ReachError::Refused(_) => Seen::Known(Listening::Refused),
        ReachError::Filtered(..) => Seen::Known(Listening::Filtered),
        ReachError::Local(..) => Seen::unknown(error),
    };
    let line = vec![format!("<< {error}")];
    let not_asked = |what: &str| Vantage::now(format!("{subject} {what}"), Some(address));
    TlsView {
        address,
        listening: vantage.saw(line.clone(), listening),
        versions: Version::ALL
            .into_iter()
            .map(|version| {
                (
                    version,
                    not_asked(version.name()).saw(line.clone(), Seen::unknown(error)),
                )
            })
            .collect(),
        weak_suites: not_asked("weak suites").saw(line.clone(), Seen::unknown(error)),
        chain: not_asked("certificate").saw(line.clone(), Seen::unknown(error)),
    }
}

/// One hello per version, all at once: five connections are no burst, and a silent server is waited for only once.
async fn versions(address: SocketAddr, name: &str, subject: &str) -> Vec<(Version, Vantage, Echo)> {
    let asked = Version::ALL.map(|version| async move {
        let vantage = Vantage::now(format!("{subject} {}", version.name()), Some(address));
        let echo = ask(address, name, version, hello::usual_suites(version)).await;
        (version, vantage, echo)
    });
    join_all(asked).await
}

/// What an echo means once it is known whether the listener answers hellos at all.
fn judge_echo(asked: Version, echo: &Echo, alive: bool) -> Seen<Offer> {
    match echo {
        Echo::Answer(Answer::Hello {
            version: Some(version),
            suite,
        }) if *version == asked => Seen::Known(Offer::Accepted {
            suite: hello::suite_name(*suite),
        }),
        Echo::Answer(Answer::Hello {
            version: Some(version), ..
        }) => Seen::Known(Offer::Refused(Refusal::OtherVersion(*version))),
        Echo::Answer(Answer::Hello { version: None, .. }) => {
            Seen::unknown("the server answered in a version that does not exist")
        }
        // protocol_version, handshake_failure, insufficient_security, inappropriate_fallback, and the two that old
        // stacks send instead; any other alert says nothing about the offer.
        Echo::Answer(Answer::Alert(code @ (70 | 40 | 71 | 47 | 86 | 10))) => {
            Seen::Known(Offer::Refused(Refusal::Alert(*code)))
        }
        Echo::Answer(Answer::Alert(code)) => Seen::unknown(format!(
            "the server sent alert {code}, which does not speak of versions"
        )),
        Echo::Answer(Answer::Foreign) => Seen::unknown("the server answered in something that is not TLS"),
        Echo::HungUp if alive => Seen::Known(Offer::Refused(Refusal::HungUp)),
        Echo::Silence if alive => Seen::Known(Offer::Refused(Refusal::Silence)),
        Echo::Silence => Seen::unknown("the server answered no hello at all"),
        Echo::HungUp => Seen::unknown("the server hung up on every hello, so it may be down rather than strict"),
        Echo::Nothing(why) => Seen::Unknown(why.clone()),
    }
}

/// Sends one hello; a silent server is asked once more.
async fn ask(address: SocketAddr, name: &str, version: Version, suites: &[u16]) -> Echo {
    match ask_once(address, name, version, suites).await {
        Echo::Nothing(_) | Echo::Silence => ask_once(address, name, version, suites).await,
        echo => echo,
    }
}

async fn ask_once(address: SocketAddr, name: &str, version: Version, suites: &[u16]) -> Echo {
    let mut random = [0; 64];
    if let Err(error) = getrandom::fill(&mut random) {
        return Echo::Nothing(format!("this computer gave no random bytes: {error}"));
    }
    let mut stream = match reach::connect(address, reach::CONNECT).await {
        Ok(stream) => stream,
        Err(error) => return Echo::Nothing(error.to_string()),
    };
    let hello = hello::client_hello(version, name, suites, &random);
    let talk = async {
        if stream.write_all(&hello).await.is_err() {
            return Echo::Nothing("the connection broke before the hello was sent".to_owned());
        }
        let mut flight = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return Echo::HungUp,
                Ok(count) => flight.extend_from_slice(&buffer[..count]),
            }
            if let Some(answer) = hello::read_answer(&flight) {
                return Echo::Answer(answer);
            }
            if flight.len() > FLIGHT {
                return Echo::Answer(Answer::Foreign);
            }
        }
    };
    timeout(SILENCE, talk).await.unwrap_or(Echo::Silence)
}

fn describe(echo: &Echo) -> String {
    match echo {
        Echo::Answer(Answer::Hello { version, suite }) => {
            let version = version.map_or("an unknown version", Version::name);
            format!("ServerHello: {version}, {}", hello::suite_name(*suite))
        }
        Echo::Answer(Answer::Alert(code)) => format!("alert {code}"),
        Echo::Answer(Answer::Foreign) => "bytes that are not TLS".to_owned(),
        Echo::HungUp => "connection closed".to_owned(),
        Echo::Silence => format!("no answer within {} s, twice", SILENCE.as_secs()),
        Echo::Nothing(why) => why.clone(),
    }
}

/// The served chain, by a whole handshake that takes any certificate.
async fn look_at_chain(address: SocketAddr, name: &str, subject: &str) -> Sighting<Chain> {
    let vantage = Vantage::now(format!("{subject} certificate"), Some(address));
    let stream = match trust::handshake(address, name, trust::any_certificate()).await {
        Ok(stream) => stream,
        Err(error) => return vantage.saw(vec![format!("<< {error}")], Seen::unknown(error)),
    };
    let (_, connection) = stream.get_ref();
    let chain: Vec<CertificateDer<'static>> = connection
        .peer_certificates()
        .map(|chain| chain.iter().map(|der| der.clone().into_owned()).collect())
        .unwrap_or_default();
    let transcript = vec![format!("<< {} certificates", chain.len())];
    vantage.saw(transcript, read_chain(&chain).into())
}

fn read_chain(chain: &[CertificateDer<'_>]) -> Result<Chain, String> {
    let certificates = chain
        .iter()
        .map(|der| certificate::read(der))
        .collect::<Result<Vec<_>, _>>()?;
    let vouched = trust::vouched_for(chain)
        .map(|verdict| match verdict {
            Ok(()) => Vouched::Yes,
            Err(why) => Vouched::No(why),
        })
        .into();
    Ok(Chain { certificates, vouched })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            Echo::Answer(Answer::Foreign),
            Echo::Answer(Answer::Alert(80)),
        ] {
            assert!(judge_echo(Version::Tls11, &echo, true).known().is_err(), "{echo:?}");
        }
    }

    #[test]
    fn a_downgrade_is_a_refusal_of_what_was_asked() {
        let echo = Echo::Answer(Answer::Hello {
            version: Some(Version::Tls12),
            suite: 0xc02f,
        });
        assert_eq!(
            judge_echo(Version::Tls13, &echo, true),
            Seen::Known(Offer::Refused(Refusal::OtherVersion(Version::Tls12)))
        );
    }
}
