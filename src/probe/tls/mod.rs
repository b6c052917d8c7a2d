//! Looks at one TLS listener: which versions, suites and groups it would speak, what it agrees to beside them, and what
//! certificates it serves; with the site's name and without one. Works for any port that speaks TLS from the first byte,
//! and for XMPP's STARTTLS.

#[cfg(test)]
mod doubles;
mod enumerate;
pub mod flight;
pub mod group;
pub mod hello;
mod keys;
pub mod line;
pub mod nameless;
mod offers;
mod order;
mod primes;
mod session;
pub mod starttls;
pub mod suite;
pub mod survey;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use tokio::time::sleep;

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
use hello::Extras;
use hello::Hello;
use hello::Version;
use line::Echo;
use line::Entrance;
use line::Line;
use line::Until;
use nameless::Nameless;
use offers::Offers;
use survey::Survey;

/// How often a server is asked for the status that its certificate promises, and the pause before each further try: nginx
/// fetches one when it is first asked.
const STATUS_TRIES: usize = 3;
const STATUS_PAUSE: Duration = Duration::from_secs(2);

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
    /// By not answering, twice, while a hello of TLS 1.2 or 1.3 was accepted before and after: so does coturn, which takes
    /// a first record of an old version for no TLS at all.
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
        Err(error) => {
            let listening = match &error {
                ReachError::Refused(_) => Seen::Known(Listening::Refused),
                ReachError::Filtered(..) => Seen::Known(Listening::Filtered),
                ReachError::Local(..) => Seen::unknown(&error),
            };
            return unreached(&line, &subject, listening, &error.to_string());
        }
    };
    let (Offers { versions, weak_suites }, chain) =
        tokio::join!(offers::look(&line, &subject), look_at_chain(&line, &subject));
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
        let control = accepted
            .iter()
            .copied()
            .max()
            .filter(|newest| *newest >= Version::Tls12);
        nameless::look(&line, &subject, &survey, control).await
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

/// Whether something at `address` answers a hello as TLS does; why that is not known where nothing can be asked.
pub(crate) async fn speaks(address: SocketAddr, name: &str) -> Result<bool, String> {
    let line = Line::new(address, name, Entrance::Direct);
    let hellos = [Version::Tls13, Version::Tls12, Version::Tls10]
        .map(|version| Hello::new(version, Some(name), hello::usual_suites(version)));
    let echoes = join_all(hellos.iter().map(|hello| line.ask_once(hello, Until::Hello))).await;
    if let Some(Echo::Nothing(why)) = echoes.first()
        && echoes.iter().all(|echo| matches!(echo, Echo::Nothing(_)))
    {
        return Err(why.clone());
    }
    let answers = |echo: &Echo| matches!(echo.answer(), Some(Answer::Hello { .. } | Answer::Alert(_)));
    Ok(echoes.iter().any(answers))
}

/// The view of a port that took connections before and could not be asked.
pub(crate) fn unseen(address: SocketAddr, name: &str, why: &str) -> TlsView {
    let line = Line::new(address, name, Entrance::Direct);
    let subject = format!("tcp://{name}:{}", address.port());
    unreached(&line, &subject, Seen::unknown(why), why)
}

/// The view of a port where no connection can be made.
fn unreached(line: &Line<'_>, subject: &str, listening: Seen<Listening>, why: &str) -> TlsView {
    let transcript = vec![format!("<< {why}")];
    let not_asked = |what: &str| Vantage::now(format!("{subject} {what}"), Some(line.address));
    TlsView {
        address: line.address,
        entrance: line.entrance,
        listening: Vantage::now(subject, Some(line.address)).saw(transcript.clone(), listening),
        versions: Version::ALL
            .into_iter()
            .map(|version| {
                (
                    version,
                    not_asked(version.name()).saw(transcript.clone(), Seen::unknown(why)),
                )
            })
            .collect(),
        weak_suites: not_asked("weak suites").saw(transcript.clone(), Seen::unknown(why)),
        chain: not_asked("certificate").saw(transcript.clone(), Seen::unknown(why)),
        second_chain: None,
        survey: survey::none(line, subject, why),
        nameless: not_asked("without a name").saw(transcript, Seen::unknown(why)),
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
        let hello = Hello {
            extras: Extras::Status,
            ..Hello::new(version, line.named, hello::usual_suites(version))
        };
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

/// A whole handshake; a server whose certificate promises a status is asked again where it brings none.
async fn handshake(line: &Line<'_>, keys: Keys) -> Result<trust::Served, String> {
    let mut served = one_handshake(line, keys).await?;
    for _ in 1..STATUS_TRIES {
        let leaf = served.chain.first().map(|leaf| certificate::read(leaf));
        let promised = matches!(leaf, Some(Ok(leaf)) if leaf.must_staple);
        if served.stapled || !promised {
            break;
        }
        sleep(STATUS_PAUSE).await;
        if let Ok(again) = one_handshake(line, keys).await {
            served = again;
        }
    }
    Ok(served)
}

async fn one_handshake(line: &Line<'_>, keys: Keys) -> Result<trust::Served, String> {
    let stream = line.open().await?;
    trust::served(stream, line.address, line.named, keys)
        .await
        .map_err(|error| error.to_string())
}

fn saw_chain(vantage: Vantage, chain: &[CertificateDer<'_>], stapled: bool) -> Sighting<Chain> {
    let status = if stapled { "a" } else { "no" };
    let transcript = vec![format!("<< {} certificates, {status} stapled status", chain.len())];
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
    use super::*;

    #[tokio::test]
    async fn a_port_that_takes_no_connection_any_more_is_not_said_to_speak_something_else() {
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = gone.local_addr().unwrap();
        drop(gone);
        let why = speaks(address, "t.example.com").await.unwrap_err();
        assert!(why.contains("refused the connection"), "{why}");
        let view = unseen(address, "t.example.com", &why);
        assert_eq!(view.listening.known(), Err(why.as_str()));
        let web = doubles::listener(|_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await;
        assert_eq!(speaks(web, "t.example.com").await, Ok(false));
        let tls = doubles::listener(|heard| doubles::Policy::default().reply(heard)).await;
        assert_eq!(speaks(tls, "t.example.com").await, Ok(true));
    }
}
