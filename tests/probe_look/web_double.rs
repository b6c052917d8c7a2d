//! A test double of a web server that serves what a test says, well or badly, over real TLS. Knows no XMPP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What is done with one request.
#[derive(Clone, Copy)]
pub(crate) enum Serve {
    /// A status, further header lines and a body.
    Page(u16, &'static str, &'static str),
    /// A body without an end, as fast as it is taken.
    Endless,
    /// A byte a second.
    Trickle,
    /// Headers without an end.
    Headers,
}

/// What is served at a path, to a request with this head.
pub(crate) type Site = fn(path: &str, head: &str) -> Serve;

/// Starts the double on a free port of the loopback.
pub(crate) async fn start(site: Site) -> SocketAddr {
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
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    // The probe hangs up whenever it has seen enough.
                    let _ = serve(&mut stream, site).await;
                }
            });
        }
    });
    address
}

async fn serve(stream: &mut TlsStream<TcpStream>, site: Site) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => head.extend_from_slice(&buffer[..count]),
        }
    }
    // What is left unread when a socket closes resets the connection, and the answer with it.
    let mut left = body_length(&head);
    while left > 0 {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => left = left.saturating_sub(count),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
    match site(&path, &head) {
        Serve::Page(status, headers, body) => {
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await
        }
        Serve::Endless => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                .await?;
            loop {
                stream.write_all(&[b' '; 16 * 1024]).await?;
            }
        }
        Serve::Trickle => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                .await?;
            loop {
                stream.write_all(b" ").await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        Serve::Headers => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                stream
                    .write_all(b"X-More: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n")
                    .await?;
            }
        }
    }
}

/// How much of a body is still to come after these bytes.
fn body_length(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |value| value.trim().parse().unwrap());
    length.saturating_sub(body.len())
}
