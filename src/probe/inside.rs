//! Looks for endpoints that are nobody's business outside: health, statistics, metrics, debugging and consoles of the bridge,
//! the focus, Prosody and the exporters, through the site and directly. What comes back need not be HTTP, so it is read
//! as plain bytes. Judges nothing.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use serde::Serialize;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::digest;
use crate::seen::Seen;

use super::reach;
use super::reach::ReachError;
use super::sighting::Sighting;
use super::sighting::Vantage;
use super::target::Target;
use super::trust;

/// Most bytes of an answer that are read.
const ANSWER: usize = 64 * 1024;

/// Longest wait for what an open port has to say.
const PATIENCE: Duration = Duration::from_secs(3);

/// Requests to the site in flight.
const IN_FLIGHT: usize = 4;

/// Paths that lead to somebody's inside where a site passes them on.
const PATHS: &[&str] = &[
    // jitsi-videobridge and jicofo.
    "/about/health",
    "/about/version",
    "/colibri/stats",
    "/colibri/v2/conferences",
    "/colibri/debug",
    "/debug",
    "/debug/stats/jvb",
    "/stats",
    "/rtcstats",
    "/move-endpoints",
    "/pin",
    // Exporters and status pages.
    "/metrics",
    "/server-status",
    "/nginx_status",
    "/stub_status",
    // Prosody and what Jitsi adds to it.
    "/admin",
    "/external_services",
    "/room-size?room=probe",
    "/room-census",
    "/rooms/",
    "/end-meeting",
    "/_api/room-info",
    "/_unlock",
    "/upload/",
    "/files/",
    "/register_web",
];

/// Ports of the inside, what they are, and a path that is served there.
const PORTS: &[(u16, &str, &str)] = &[
    (5280, "Prosody's HTTP", "/"),
    (5281, "Prosody's HTTPS", "/"),
    (5347, "Prosody's components", "/"),
    (5582, "Prosody's console", "/"),
    (5766, "coturn's console", "/"),
    (8080, "the bridge's REST", "/about/health"),
    (8888, "the focus's REST", "/about/health"),
    (9090, "the bridge's public HTTP, or Prometheus", "/metrics"),
    (9100, "the node exporter", "/metrics"),
    (9641, "coturn's metrics", "/metrics"),
];

/// One address's inside seen from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InsideView {
    /// The address.
    pub address: IpAddr,
    /// Paths asked for at the site.
    pub through_site: Sighting<Vec<PathAnswer>>,
    /// Ports asked directly.
    pub direct: Sighting<Vec<PortAnswer>>,
}

/// The site's answer for one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathAnswer {
    /// The path.
    pub path: String,
    /// The answer, or why there is none.
    pub answer: Seen<WebAnswer>,
}

/// An HTTP answer in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebAnswer {
    /// Status code.
    pub status: u16,
    /// Its media type.
    pub kind: Option<String>,
    /// Bytes of the body that were read.
    pub length: usize,
    /// Compared with what a made-up path of the same depth gets: a site answers those by its page, or by a no.
    pub likeness: Likeness,
}

/// Whether an answer is the one that anything gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// A made-up path gets the same.
    AsMadeUp,
    /// This path gets an answer of its own.
    ItsOwn,
}

/// What one port of the inside said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortAnswer {
    /// The port.
    pub port: u16,
    /// What usually listens there.
    pub what: String,
    /// What came of it.
    pub answer: Seen<Knock>,
}

/// What came of knocking at a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Knock {
    /// No connection came about: refused, or swallowed by a firewall.
    Shut,
    /// Something answered; its first line.
    Answered(String),
    /// A connection was accepted, and not a byte came back.
    Mute,
}

/// Looks at `ip`.
pub(crate) async fn look(target: &Target, ip: IpAddr) -> InsideView {
    let (through_site, direct) = tokio::join!(through_site(target, ip), direct(target, ip));
    InsideView {
        address: ip,
        through_site,
        direct,
    }
}

async fn through_site(target: &Target, ip: IpAddr) -> Sighting<Vec<PathAnswer>> {
    let to = target.https(ip);
    let vantage = Vantage::now(format!("https://{} internal paths", target.domain), Some(to));
    let made_up = match made_up() {
        Ok(paths) => paths,
        Err(why) => return vantage.saw(Vec::new(), Seen::Unknown(why)),
    };
    let mut usual = Vec::new();
    for path in &made_up {
        match get(target, to, path).await {
            Ok(answer) => usual.push(answer),
            Err(why) => return vantage.saw(vec![format!(">> GET {path}; << {why}")], Seen::Unknown(why)),
        }
    }
    let asked = PATHS.iter().map(|path| {
        let usual = &usual;
        async move {
            let like = &usual[usize::from(depth(path) > 1)];
            let answer = get(target, to, path).await.map(|raw| raw.compared(like));
            PathAnswer {
                path: (*path).to_owned(),
                answer: answer.into(),
            }
        }
    });
    let answers: Vec<PathAnswer> = stream::iter(asked).buffered(IN_FLIGHT).collect().await;
    let lines = answers.iter().map(|one| match &one.answer {
        Seen::Known(answer) => format!(
            ">> GET {}; << {} {} ({:?})",
            one.path,
            answer.status,
            answer.kind.as_deref().unwrap_or("without a type"),
            answer.likeness
        ),
        Seen::Unknown(why) => format!(">> GET {}; << {why}", one.path),
    });
    vantage.saw(lines.collect(), Seen::Known(answers))
}

/// A path of one part and a path of two, which nobody has.
fn made_up() -> Result<[String; 2], String> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random path: {error}"))?;
    let name = digest::hex(&bytes);
    Ok([format!("/probe{name}"), format!("/probe{name}/{name}")])
}

fn depth(path: &str) -> usize {
    path.trim_start_matches('/').matches('/').count() + 1
}

/// An answer with what is needed to compare it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Raw {
    status: u16,
    kind: Option<String>,
    length: usize,
    sha256: String,
}

impl Raw {
    fn compared(self, usual: &Self) -> WebAnswer {
        let both_pages = [&self.kind, &usual.kind]
            .iter()
            .all(|kind| kind.as_deref().is_some_and(|kind| kind.starts_with("text/html")));
        // Some sites put a number that is used once into each page.
        let same = self.sha256 == usual.sha256 || (both_pages && self.length == usual.length);
        WebAnswer {
            likeness: if self.status == usual.status && same {
                Likeness::AsMadeUp
            } else {
                Likeness::ItsOwn
            },
            status: self.status,
            kind: self.kind,
            length: self.length,
        }
    }
}

async fn get(target: &Target, to: SocketAddr, path: &str) -> Result<Raw, String> {
    let mut stream = trust::handshake(to, target.domain.as_str(), trust::any_certificate())
        .await
        .map_err(|error| error.to_string())?;
    let authority = match to.port() {
        443 => target.domain.to_string(),
        port => format!("{}:{port}", target.domain),
    };
    let bytes = exchange(&mut stream, &authority, path, Instant::now() + reach::STEP).await;
    if bytes.is_empty() {
        return Err(format!("{path} was not answered"));
    }
    read(&bytes).ok_or_else(|| format!("{path} was answered by something that is not HTTP"))
}

/// Sends one request and reads what comes until the end, the deadline or the bound.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    authority: &str,
    path: &str,
    deadline: Instant,
) -> Vec<u8> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: anteroom\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    let mut bytes = Vec::new();
    let conversation = async {
        if stream.write_all(request.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        let mut buffer = [0; 4096];
        while bytes.len() < ANSWER {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            }
        }
    };
    // What came before the deadline counts.
    let _ = timeout_at(deadline, conversation).await;
    bytes
}

/// Reads an HTTP/1 answer.
fn read(bytes: &[u8]) -> Option<Raw> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let body = &bytes[end + 4..];
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    if !first.next()?.starts_with("HTTP/1.") {
        return None;
    }
    let status = first.next()?.parse().ok()?;
    let kind = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let value: String = value.trim().chars().take(100).collect();
        name.eq_ignore_ascii_case("content-type").then_some(value)
    });
    Some(Raw {
        status,
        kind,
        length: body.len(),
        sha256: digest::sha256(body),
    })
}

async fn direct(target: &Target, ip: IpAddr) -> Sighting<Vec<PortAnswer>> {
    let vantage = Vantage::now(
        format!("tcp://{} internal ports", target.domain),
        Some(SocketAddr::new(ip, target.ports.https)),
    );
    let asked = PORTS.iter().map(|(port, what, path)| async move {
        PortAnswer {
            port: *port,
            what: (*what).to_owned(),
            answer: knock(SocketAddr::new(ip, *port), target.domain.as_str(), path).await,
        }
    });
    let answers = futures_util::future::join_all(asked).await;
    let lines = answers
        .iter()
        .map(|one| format!(">> GET at {} ({}); << {:?}", one.port, one.what, one.answer))
        .collect();
    vantage.saw(lines, Seen::Known(answers))
}

async fn knock(to: SocketAddr, name: &str, path: &str) -> Seen<Knock> {
    let mut stream = match reach::connect(to, reach::CONNECT).await {
        Ok(stream) => stream,
        Err(ReachError::Refused(_) | ReachError::Filtered(..)) => return Seen::Known(Knock::Shut),
        Err(error) => return Seen::unknown(error),
    };
    let bytes = exchange(&mut stream, name, path, Instant::now() + PATIENCE).await;
    if bytes.is_empty() {
        return Seen::Known(Knock::Mute);
    }
    let text = String::from_utf8_lossy(&bytes);
    let first: String = text.lines().next().unwrap_or_default().chars().take(80).collect();
    Seen::Known(Knock::Answered(first))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::net::TcpListener;

    use super::*;

    const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>a room</html>";
    const HEALTH: &[u8] = b"HTTP/1.1 200 OK\r\nServer: Jetty\r\ncontent-type: application/json\r\n\r\n{}";

    #[test]
    fn a_site_that_answers_everything_by_its_page_is_no_inside() {
        let page = read(PAGE).unwrap();
        assert_eq!(page.clone().compared(&page).likeness, Likeness::AsMadeUp);
        let health = read(HEALTH).unwrap().compared(&page);
        assert_eq!(health.likeness, Likeness::ItsOwn);
        assert_eq!(health.kind.as_deref(), Some("application/json"));
        assert_eq!(read(b"220 smtp\r\n\r\n"), None);
    }

    #[test]
    fn made_up_paths_are_as_deep_as_what_they_stand_for() {
        let [one, two] = made_up().unwrap();
        assert_eq!((depth(&one), depth(&two)), (1, 2));
        assert_eq!((depth("/stats"), depth("/rooms/")), (1, 2));
    }

    #[tokio::test]
    async fn a_port_is_shut_or_mute_or_says_something() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (mut first, _) = listener.accept().await.unwrap();
            first.write_all(b"Prosody console\r\n").await.unwrap();
            drop(first);
            let (second, _) = listener.accept().await.unwrap();
            drop(listener);
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(second);
        });
        let said = knock(address, "a.example", "/").await;
        assert_eq!(said, Seen::Known(Knock::Answered("Prosody console".to_owned())));
        assert_eq!(knock(address, "a.example", "/").await, Seen::Known(Knock::Mute));
        serving.await.unwrap();
        assert_eq!(knock(address, "a.example", "/").await, Seen::Known(Knock::Shut));
    }

    proptest! {
        #[test]
        fn no_answer_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
            let mut headed = b"HTTP/1.1 ".to_vec();
            headed.extend(&bytes);
            headed.extend(b"\r\n\r\n");
            let _ = read(&headed);
        }
    }
}
