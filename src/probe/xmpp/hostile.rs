//! Servers that want the probe to hang, to fill its memory or to die: real sockets on the loopback, over real TLS. What
//! they say proves nothing, so that every look has to end in time with a reason.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use proptest::prelude::*;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::probe::trust;

use super::hosts::Hosts;
use super::link::Endpoint;
use super::link::Transport;
use super::session::Session;
use super::stanza::Element;

/// What a hostile server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trick {
    /// Entities that grow without bounds.
    Bomb,
    /// A stanza that never ends.
    Unclosed,
    /// Elements within elements.
    Nested,
    /// One byte a second.
    Trickle,
    /// Stream features without end.
    EndlessFeatures,
    /// A frame that says it has a gigabyte.
    Gigabyte,
    /// A flood of pings.
    Pings,
    /// A body without end.
    EndlessBody,
    /// Nothing at all after the upgrade.
    Silence,
}

const ALL: [Trick; 9] = [
    Trick::Bomb,
    Trick::Unclosed,
    Trick::Nested,
    Trick::Trickle,
    Trick::EndlessFeatures,
    Trick::Gigabyte,
    Trick::Pings,
    Trick::EndlessBody,
    Trick::Silence,
];

const BOMB: &str = "<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;'>\
                    <!ENTITY d '&c;&c;&c;&c;&c;&c;&c;'><!ENTITY e '&d;&d;&d;&d;&d;&d;&d;'>]><a>&e;&e;&e;&e;</a>";

/// Longest time that one of these may hold the probe up: connecting, one patience for the answer, and the goodbye.
const HELD: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_hostile_xmpp_server_is_believed_or_waited_for() {
    let tries = ALL
        .into_iter()
        .flat_map(|trick| Transport::ALL.map(|transport| (trick, transport)));
    let looks = tries.map(|(trick, transport)| async move {
        let endpoint = Endpoint {
            domain: "t.example.com".to_owned(),
            hosts: Hosts::usual("t.example.com"),
            address: start(trick).await,
            transport,
            tls: trust::any_certificate(),
            until: tokio::time::Instant::now() + HELD,
        };
        let begun = Instant::now();
        let why = Session::open(&endpoint, "t.example.com", None)
            .await
            .unwrap_err()
            .to_string();
        (trick, transport, why, begun.elapsed())
    });
    for (trick, transport, why, took) in futures_util::future::join_all(looks).await {
        assert!(!why.is_empty() && why.len() < 2000, "{trick:?} {transport:?}: {why}");
        assert!(took < HELD, "{trick:?} {transport:?} held us for {took:?}: {why}");
    }
}

#[tokio::test]
async fn no_conversation_is_begun_when_the_time_is_over() {
    let endpoint = Endpoint {
        domain: "t.example.com".to_owned(),
        hosts: Hosts::usual("t.example.com"),
        address: start(Trick::Silence).await,
        transport: Transport::Bosh,
        tls: trust::any_certificate(),
        until: tokio::time::Instant::now(),
    };
    let why = Session::open(&endpoint, "t.example.com", None)
        .await
        .unwrap_err()
        .to_string();
    assert!(why.contains("no time left"), "{why}");
}

async fn start(trick: Trick) -> SocketAddr {
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
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    // The probe hangs up in the middle of what is sent to it; that ends the trick.
                    let _ = serve(stream, trick).await;
                }
            });
        }
    });
    address
}

async fn serve(mut stream: TlsStream<TcpStream>, trick: Trick) -> std::io::Result<()> {
    let mut buffer = vec![0; 8192];
    let length = stream.read(&mut buffer).await?;
    let head = String::from_utf8_lossy(&buffer[..length]).into_owned();
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then(|| value.trim().to_owned())
    });
    match key {
        Some(key) => {
            let upgrade = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n",
                derive_accept_key(key.as_bytes())
            );
            stream.write_all(upgrade.as_bytes()).await?;
            websocket(&mut stream, trick).await
        }
        None => bosh(&mut stream, trick).await,
    }
}

/// A text frame of a server, which masks nothing (RFC 6455 5.2).
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 127];
    frame.extend(u64::try_from(text.len()).unwrap().to_be_bytes());
    frame.extend(text.as_bytes());
    frame
}

async fn websocket(stream: &mut TlsStream<TcpStream>, trick: Trick) -> std::io::Result<()> {
    match trick {
        Trick::Bomb => stream.write_all(&frame(BOMB)).await?,
        Trick::Unclosed => {
            stream
                .write_all(&frame("<stream:features xmlns:stream='x'><mechanisms>"))
                .await?
        }
        Trick::Nested => stream.write_all(&frame(&nested(60_000))).await?,
        Trick::Trickle => trickle(stream, &frame("<features/>")).await?,
        Trick::EndlessFeatures => loop {
            stream.write_all(&frame("<presence from='a'><x/></presence>")).await?;
        },
        Trick::Gigabyte => {
            let mut head = vec![0x81, 127];
            head.extend(1_073_741_824_u64.to_be_bytes());
            stream.write_all(&head).await?;
            loop {
                stream.write_all(&[b'<'; 4096]).await?;
            }
        }
        Trick::Pings => loop {
            stream.write_all(&[0x89, 2, b'h', b'i']).await?;
        },
        // A message in fragments that never has its last.
        Trick::EndlessBody => {
            stream.write_all(&[0x01, 2, b'<', b'a']).await?;
            loop {
                stream.write_all(&[0x00, 2, b' ', b' ']).await?;
            }
        }
        Trick::Silence => {}
    }
    tokio::time::sleep(Duration::from_secs(120)).await;
    Ok(())
}

async fn bosh(stream: &mut TlsStream<TcpStream>, trick: Trick) -> std::io::Result<()> {
    let whole = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    match trick {
        Trick::Bomb => stream.write_all(whole(BOMB).as_bytes()).await?,
        Trick::Unclosed => stream.write_all(whole("<body sid='a'><features>").as_bytes()).await?,
        Trick::Nested => stream.write_all(whole(&nested(60_000)).as_bytes()).await?,
        Trick::Trickle => trickle(stream, whole("<body sid='a'/>").as_bytes()).await?,
        Trick::EndlessFeatures => {
            let body = whole("<body sid='a'><presence/></body>");
            loop {
                stream.write_all(body.as_bytes()).await?;
            }
        }
        Trick::Gigabyte => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n<body>")
                .await?;
            loop {
                stream.write_all(&[b' '; 4096]).await?;
            }
        }
        Trick::Pings => loop {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        },
        Trick::EndlessBody => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                .await?;
            loop {
                stream.write_all(b"4\r\n<a/>\r\n").await?;
            }
        }
        Trick::Silence => {}
    }
    tokio::time::sleep(Duration::from_secs(120)).await;
    Ok(())
}

fn nested(levels: usize) -> String {
    format!("<body sid='a'>{}", "<a>".repeat(levels)) + &"</a>".repeat(levels) + "</body>"
}

async fn trickle(stream: &mut TlsStream<TcpStream>, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// An element without others in it, made of the words that our readers look for, and of others.
fn leaf() -> impl Strategy<Value = Element> {
    let name =
        "(iq|error|query|item|x|field|jingle|conference|text|forbidden|item-not-found|remote-server-timeout|\\PC{0,8})";
    let attribute = "(type|id|from|jid|var|ready|focusjid|action|\\PC{0,8})";
    let attributes =
        proptest::collection::btree_map(attribute, "(error|result|true|session-initiate|\\PC{0,40})", 0..4);
    (name, "\\PC{0,20}", attributes, "\\PC{0,60}").prop_map(|(name, namespace, attributes, text)| Element {
        name,
        namespace,
        attributes,
        children: Vec::new(),
        text,
    })
}

/// What a server that means harm, or is broken, may send for an answer.
pub(super) fn any_element() -> impl Strategy<Value = Element> {
    leaf().prop_recursive(3, 60, 12, |inner| {
        (leaf(), proptest::collection::vec(inner, 0..12))
            .prop_map(|(element, children)| Element { children, ..element })
    })
}
