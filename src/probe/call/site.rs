//! A Jitsi site for tests: XMPP over WebSocket and TLS as far as a call needs it, with one room, its door, a focus and the
//! bridge of `double`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::SinkExt;
use futures_util::StreamExt;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::Request;
use tokio_tungstenite::tungstenite::handshake::server::Response;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::probe::xmpp::stanza::Element;
use crate::secret::Secret;

use super::double::Bridge;
use super::jingle::Own;

/// The site's name.
pub(super) const DOMAIN: &str = "telemed.example.com";

/// Who gets into the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Patients once the clinician is there.
    WaitsForHost,
    /// Anybody at any time.
    Open,
    /// The clinician alone.
    Shut,
}

/// What the site does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    Invites,
    /// Nobody is ever invited.
    Sleeps,
    /// Acceptances are refused.
    Refuses,
    /// It leaves as the clinician enters, and makes him an owner when it is asked back.
    Leaves,
}

/// What all connections share.
struct Room {
    door: Door,
    focus: Focus,
    bridge: Option<Bridge>,
    /// By 0 for the clinician and 1 for the patient: the way to whoever is in the room, and whether he takes calls.
    inside: BTreeMap<usize, (UnboundedSender<String>, bool)>,
    accepted: usize,
    running: Option<JoinHandle<()>>,
}

/// A site that serves.
pub(super) struct Site {
    pub(super) address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Site {
    pub(super) async fn serve(door: Door, focus: Focus, bridge: Bridge) -> Self {
        let made = rcgen::generate_simple_self_signed(vec![DOMAIN.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let room = Arc::new(Mutex::new(Room {
            door,
            focus,
            bridge: Some(bridge),
            inside: BTreeMap::new(),
            accepted: 0,
            running: None,
        }));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(visitor(acceptor.clone(), stream, Arc::clone(&room)));
            }
        });
        Self { address, serving }
    }
}

#[expect(clippy::result_large_err, reason = "the shape of the callback is the library's")]
fn speaks_xmpp(
    _: &Request,
    mut response: Response,
) -> Result<Response, tokio_tungstenite::tungstenite::handshake::server::ErrorResponse> {
    let headers = response.headers_mut();
    headers.insert("Sec-WebSocket-Protocol", HeaderValue::from_static("xmpp"));
    Ok(response)
}

async fn visitor(acceptor: TlsAcceptor, stream: TcpStream, room: Arc<Mutex<Room>>) {
    let tls = acceptor.accept(stream).await.unwrap();
    let mut socket = tokio_tungstenite::accept_hdr_async(tls, speaks_xmpp).await.unwrap();
    let (way, mut told) = unbounded_channel();
    let mut visit = Visit {
        room,
        way,
        host: String::new(),
        place: String::new(),
        known: false,
    };
    loop {
        let out = tokio::select! {
            said = socket.next() => match said {
                Some(Ok(Message::Text(text))) => visit.answer(&Element::parse(&text).unwrap()).await,
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
            Some(text) = told.recv() => vec![text],
        };
        for text in out {
            if socket.send(Message::text(text)).await.is_err() {
                return;
            }
        }
    }
}

/// One visitor's connection.
struct Visit {
    room: Arc<Mutex<Room>>,
    way: UnboundedSender<String>,
    host: String,
    /// Where he is: the room with his nick.
    place: String,
    known: bool,
}

/// The presence by which a room shows somebody himself.
fn own_presence(place: &str, affiliation: &str) -> String {
    format!(
        "<presence xmlns='jabber:client' from='{place}'><x xmlns='http://jabber.org/protocol/muc#user'>\
         <item affiliation='{affiliation}' role='participant'/><status code='110'/></x></presence>"
    )
}

impl Visit {
    /// 0 for the clinician, 1 for the patient.
    fn which(&self) -> usize {
        usize::from(self.host != DOMAIN)
    }

    async fn answer(&mut self, said: &Element) -> Vec<String> {
        let attribute = |name: &str| said.attribute(name).unwrap_or_default().to_owned();
        let result = |inside: String| {
            let (id, to) = (attribute("id"), attribute("to"));
            vec![format!(
                "<iq xmlns='jabber:client' type='result' id='{id}' from='{to}'>{inside}</iq>"
            )]
        };
        match (
            said.name.as_str(),
            said.children.first().map(|child| child.name.as_str()),
        ) {
            ("open", _) => {
                self.host = attribute("to");
                let inside = match self.known {
                    true => "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>",
                    false => {
                        "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>ANONYMOUS</mechanism>\
                              <mechanism>PLAIN</mechanism></mechanisms>"
                    }
                };
                vec![
                    "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' version='1.0'/>".to_owned(),
                    format!("<features xmlns='http://etherx.jabber.org/streams'>{inside}</features>"),
                ]
            }
            ("auth", _) => {
                self.known = true;
                vec!["<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>".to_owned()]
            }
            ("iq", Some("bind")) => {
                let jid = format!("{0}{0}{0}{0}{0}{0}{0}{0}-1@{1}/x", self.which(), self.host);
                result(format!(
                    "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>{jid}</jid></bind>"
                ))
            }
            ("iq", Some("conference")) => {
                let ready = "<conference xmlns='http://jitsi.org/protocol/focus' ready='true'/>";
                let mut said = result(ready.to_owned());
                if !self.place.is_empty() {
                    said.push(own_presence(&self.place, "owner"));
                }
                said
            }
            ("iq", Some("jingle")) => match self.accepted(said).await {
                true => result(String::new()),
                false => {
                    let (id, to) = (attribute("id"), attribute("to"));
                    vec![format!(
                        "<iq xmlns='jabber:client' type='error' id='{id}' from='{to}'><error type='cancel'>\
                         <bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
                    )]
                }
            },
            ("iq", Some("query")) if said.attribute("type") == Some("result") => {
                self.takes_calls(said).await;
                Vec::new()
            }
            ("presence", _) => self.move_about(&attribute("to"), said.attribute("type")).await,
            _ => Vec::new(),
        }
    }

    async fn move_about(&mut self, place: &str, kind: Option<&str>) -> Vec<String> {
        let mut room = self.room.lock().await;
        let which = self.which();
        if kind == Some("unavailable") {
            room.inside.remove(&which);
            return vec![format!(
                "<presence xmlns='jabber:client' type='unavailable' from='{place}'/>"
            )];
        }
        let bare = place.split('/').next().unwrap();
        let open = match room.door {
            Door::Open => true,
            Door::WaitsForHost => which == 0 || room.inside.contains_key(&0),
            Door::Shut => which == 0,
        };
        if !open {
            return vec![format!(
                "<presence xmlns='jabber:client' type='error' from='{bare}'><error type='auth'>\
                 <registration-required xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>"
            )];
        }
        room.inside.insert(which, (self.way.clone(), false));
        let owns = which == 0 && room.focus != Focus::Leaves;
        self.place = place.to_owned();
        vec![
            own_presence(place, if owns { "owner" } else { "none" }),
            format!(
                "<iq xmlns='jabber:client' type='get' id='d' from='{bare}/focus'><query \
                 xmlns='http://jabber.org/protocol/disco#info'/></iq>"
            ),
        ]
    }

    /// Invites both once both have said that they take calls.
    async fn takes_calls(&self, said: &Element) {
        let mut room = self.room.lock().await;
        let able = said.shown().contains("urn:xmpp:jingle:transports:ice-udp:1");
        if let Some(member) = room.inside.get_mut(&self.which()) {
            member.1 = able;
        }
        let all = room.inside.len() == 2 && room.inside.values().all(|(_, able)| *able);
        if !all || room.focus == Focus::Sleeps {
            return;
        }
        let focus = said.attribute("to").unwrap_or_default();
        for (which, (way, _)) in &room.inside {
            let jingle = room.bridge.as_ref().unwrap().invitation(*which);
            let _ = way.send(format!(
                "<iq xmlns='jabber:client' type='set' id='j' from='{focus}'>{jingle}</iq>"
            ));
        }
    }

    async fn accepted(&self, said: &Element) -> bool {
        let mut room = self.room.lock().await;
        if room.focus == Focus::Refuses {
            return false;
        }
        let content = said.child("jingle").and_then(|jingle| jingle.child("content")).unwrap();
        let transport = content.child("transport").unwrap();
        let own = Own {
            ufrag: transport.attribute("ufrag").unwrap().to_owned(),
            password: Secret::new(transport.attribute("pwd").unwrap()),
            fingerprint: transport.child("fingerprint").unwrap().text.clone(),
            ssrc: 0,
        };
        let which = self.which();
        room.bridge.as_mut().unwrap().accepted(which, &own);
        room.accepted += 1;
        if room.accepted == 2 {
            room.running = room.bridge.take().map(Bridge::run);
        }
        true
    }
}
