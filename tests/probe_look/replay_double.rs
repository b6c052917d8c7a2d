//! A test double of a Jitsi site: plays back what a real Prosody 0.12.3 behind a real nginx said to the probe, over real
//! TLS, WebSocket and HTTP. Knows nothing of XMPP but the names of the rooms and the numbers of requests, which differ in
//! each run. Questions that were not recorded, since the probe learnt them later, get a locked server's no.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::SinkExt;
use futures_util::StreamExt;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// What was recorded, and how far it has been played.
#[derive(Default)]
pub(crate) struct Recording {
    exchanges: Vec<(String, Vec<String>)>,
    next: usize,
    rooms: BTreeMap<String, String>,
    /// What the probe said that was not in the recording.
    pub(crate) surprises: Vec<String>,
}

impl Recording {
    fn read(text: &str) -> Self {
        let mut exchanges: Vec<(String, Vec<String>)> = Vec::new();
        for line in text.lines() {
            if let Some(sent) = line.strip_prefix("SENT ") {
                exchanges.push((sent.to_owned(), Vec::new()));
            } else if let (Some(raw), Some(last)) = (line.strip_prefix("RAW "), exchanges.last_mut()) {
                last.1.push(raw.to_owned());
            }
        }
        // How often the probe polls depends on the machine's speed, so that only polls that brought something count.
        exchanges.retain(|(sent, raw)| {
            let idle = is_poll(sent) && raw.iter().all(|line| line.ends_with("/>"));
            !sent.starts_with("<close") && !idle
        });
        Self {
            exchanges,
            ..Self::default()
        }
    }

    /// The recorded answer to what the probe just said. Relays are handed out in words of the double's own, and the lobby drops
    /// questions about its rooms, as that of Jitsi's modules does.
    fn answer(&mut self, said: &str) -> Vec<String> {
        if said.contains(" to='lobby.") && said.contains("disco#items") {
            return match said.starts_with("<body") {
                true => vec![EMPTY.to_owned()],
                false => Vec::new(),
            };
        }
        if said.contains("urn:xmpp:extdisco:2") {
            return vec![relays(said)];
        }
        let Some((sent, raw)) = self.exchanges.get(self.next).cloned() else {
            return self.unrecorded(said, "the end");
        };
        if is_poll(said) && !is_poll(&sent) {
            return vec![EMPTY.to_owned()];
        }
        if shape(&sent) != shape(said) {
            return self.unrecorded(said, &sent);
        }
        let (old_id, new_id) = (id(&sent), id(said));
        self.next += 1;
        if let (Some(old), Some(new)) = (room(&sent), room(said)) {
            self.rooms.insert(old, new);
        }
        raw.into_iter()
            .map(|line| {
                self.rooms
                    .iter()
                    .fold(line, |line, (old, new)| line.replace(old.as_str(), new))
            })
            .map(|line| line.replace(&format!(" id='{old_id}'"), &format!(" id='{new_id}'")))
            .collect()
    }

    /// A locked server's answer to what nobody recorded: the main domain's offers, and no to everything.
    fn unrecorded(&mut self, said: &str, expected: &str) -> Vec<String> {
        let answer = if said.starts_with("<open") || said.contains(" ver='1.6'") {
            OFFER.to_owned()
        } else if said.contains("<auth ") {
            "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>".to_owned()
        } else if said.contains("<iq ") {
            format!(
                "<iq xmlns='jabber:client' type='error' id='{}'><error type='cancel'><service-unavailable \
                 xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
                id(said)
            )
        } else if is_poll(said) || said.contains(" type='terminate'") {
            String::new()
        } else {
            self.surprises.push(format!("expected {expected}, got {said}"));
            String::new()
        };
        if said.starts_with("<body") {
            return vec![format!(
                "<body xmlns='http://jabber.org/protocol/httpbind' sid='unrecorded'>{answer}</body>"
            )];
        }
        vec![answer]
    }

    /// How many recorded exchanges were not played.
    pub(crate) fn left(&self) -> usize {
        self.exchanges.len() - self.next
    }
}

/// The password of the relay.
pub(crate) const RELAY_PASSWORD: &str = "cGFzc3dvcmQgb2YgdGhlIHJlbGF5";

/// What Prosody's mod_external_services says.
fn relays(said: &str) -> String {
    let id = id(said);
    let answer = format!(
        "<iq xmlns='jabber:client' type='result' id='{id}'><services xmlns='urn:xmpp:extdisco:2'>\
         <service type='stun' host='t.example.com' port='3478' transport='udp'/>\
         <service type='turns' host='t.example.com' port='5349' transport='tcp' restricted='1' \
         username='1764504000' password='{RELAY_PASSWORD}' expires='2025-11-30T12:00:00Z'/></services></iq>"
    );
    match said.starts_with("<body") {
        true => format!("<body xmlns='http://jabber.org/protocol/httpbind'>{answer}</body>"),
        false => answer,
    }
}

const EMPTY: &str = "<body xmlns='http://jabber.org/protocol/httpbind'/>";

const OFFER: &str = "<stream:features xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'><mechanisms \
                     xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>ANONYMOUS</mechanism></mechanisms></stream:features>";

/// The number of a question.
fn id(stanza: &str) -> String {
    let after = stanza.split_once(" id='").map_or("", |(_, rest)| rest);
    after.split('\'').next().unwrap_or_default().to_owned()
}

/// A BOSH request that only asks for news.
fn is_poll(sent: &str) -> bool {
    sent.starts_with("<body") && sent.ends_with(" ></body>")
}

/// A made-up room's name within a stanza.
fn room(stanza: &str) -> Option<String> {
    let at = stanza.find("probe-")?;
    stanza.get(at..at + 38).map(str::to_owned)
}

/// A stanza without what differs in each run: request numbers, room names, and the name of the visit.
fn shape(stanza: &str) -> String {
    let mut shape = stanza.to_owned();
    if let Some(room) = room(stanza) {
        shape = shape.replace(&room, "ROOM");
    }
    if let Some((before, rest)) = shape.split_once("<nick ") {
        let after = rest.split_once("</nick>").map_or("", |(_, after)| after);
        shape = format!("{before}{after}");
    }
    for (name, until) in [
        (" id='", '\''),
        ("rid='", '\''),
        ("machine-uid='", '\''),
        ("mechanism='PLAIN'>", '<'),
    ] {
        if let Some((before, after)) = shape.split_once(name) {
            let after = after.split_once(until).map_or("", |(_, rest)| rest);
            shape = format!("{before}{name}{until}{after}");
        }
    }
    shape
}

/// Starts the double on a free port of the loopback.
pub(crate) async fn start(recording: &str) -> (SocketAddr, Arc<Mutex<Recording>>) {
    let made = rcgen::generate_simple_self_signed(vec!["t.example.com".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let recording = Arc::new(Mutex::new(Recording::read(recording)));
    let shared = recording.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, recording) = (acceptor.clone(), shared.clone());
            tokio::spawn(async move {
                // The probe also sends hellos that no server should accept.
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, &recording).await;
                }
            });
        }
    });
    (address, recording)
}

async fn serve(mut stream: TlsStream<TcpStream>, recording: &Mutex<Recording>) {
    while let Some((head, body)) = request(&mut stream).await {
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        // What the probe asks besides, as a foreign page or by odd methods, was not recorded.
        let recorded = ["GET", "POST"].iter().any(|method| head.starts_with(method)) && !head.contains("probe.invalid");
        let opens = path.starts_with("/http-bind") && !head.starts_with("POST");
        if !recorded || opens || head.contains("rigin: null") {
            let refusal = "HTTP/1.1 403 Forbidden\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n";
            if stream.write_all(refusal.as_bytes()).await.is_err() {
                return;
            }
            continue;
        }
        if path.starts_with("/xmpp-websocket") {
            return websocket(stream, &head, recording).await;
        }
        let answer = match path.split('?').next() {
            Some("/http-bind") => {
                if is_poll(&body) {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                recording.lock().unwrap().answer(&body).concat()
            }
            Some("/config.js") => {
                "var config = {\"bosh\": \"//t.example.com/http-bind\", \"hosts\": {\"muc\": \"rooms.t.example.com\"}};"
                    .to_owned()
            }
            _ => "<script src=\"https://cdn.example.net/x.js\"></script>".to_owned(),
        };
        let response = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nStrict-Transport-Security: max-age=63072000\r\n\r\n{answer}",
            answer.len()
        );
        if stream.write_all(response.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// One HTTP request: its head and its body.
async fn request(stream: &mut TlsStream<TcpStream>) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length:")
                        .map(str::to_owned)
                })
                .map_or(0, |value| value.trim().parse().unwrap());
            if body.len() >= length {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
    }
}

async fn websocket(mut stream: TlsStream<TcpStream>, head: &str, recording: &Mutex<Recording>) {
    let key = head
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("sec-websocket-key")
                .then(|| value.trim().to_owned())
        })
        .unwrap();
    let upgrade = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\
         Sec-WebSocket-Protocol: xmpp\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    stream.write_all(upgrade.as_bytes()).await.unwrap();
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    while let Some(Ok(Message::Text(said))) = socket.next().await {
        if said.starts_with("<close") {
            return;
        }
        let answers = recording.lock().unwrap().answer(said.as_str());
        for answer in answers {
            socket.send(Message::text(answer)).await.unwrap();
        }
    }
}
