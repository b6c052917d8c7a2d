//! A small TURN server that speaks the real protocol over UDP and TCP (RFC 8489, RFC 8656, RFC 6062): challenges, signatures,
//! permissions. It never relays a byte. Written apart from the probe's own code, so that the two check each other.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Digest;
use md5::Md5;
use ring::hmac;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const REALM: &[u8] = b"t.example.com";

/// How the server is set up.
#[derive(Clone)]
pub(crate) struct Rules {
    /// Signs the credentials; `None`: anybody is served.
    pub(crate) secret: Option<String>,
    /// Whether a credential that has ended is refused.
    pub(crate) ends: bool,
    /// Peers that are refused.
    pub(crate) denied: fn(IpAddr) -> bool,
    /// Relays of IPv6 and of TCP.
    pub(crate) everything: bool,
    /// SOFTWARE.
    pub(crate) software: Option<&'static str>,
}

/// Starts the server on a free port of the loopback, by UDP and TCP.
pub(crate) async fn start(rules: Rules) -> SocketAddr {
    let rules = Arc::new(rules);
    loop {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let Ok(listener) = TcpListener::bind(address).await else {
            continue;
        };
        tokio::spawn(datagrams(socket, rules.clone()));
        tokio::spawn(connections(listener, rules));
        return address;
    }
}

async fn datagrams(socket: UdpSocket, rules: Arc<Rules>) {
    let mut buffer = [0; 2048];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        for answer in answers(&buffer[..length], &rules) {
            socket.send_to(&answer, from).await.unwrap();
        }
    }
}

async fn connections(listener: TcpListener, rules: Arc<Rules>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(conversation(stream, rules.clone()));
    }
}

async fn conversation(mut stream: TcpStream, rules: Arc<Rules>) {
    let mut head = [0; 20];
    while stream.read_exact(&mut head).await.is_ok() {
        let mut message = head.to_vec();
        message.resize(20 + usize::from(u16::from_be_bytes([head[2], head[3]])), 0);
        if stream.read_exact(&mut message[20..]).await.is_err() {
            return;
        }
        for answer in answers(&message, &rules) {
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

/// What one message is answered by.
fn answers(message: &[u8], rules: &Rules) -> Vec<Vec<u8>> {
    let kind = u16::from_be_bytes([message[0], message[1]]);
    let transaction = &message[8..20];
    let attributes = attributes(&message[20..]);
    let get = |wanted: u16| {
        let found = attributes.iter().find(|(kind, _, _)| *kind == wanted);
        found.map(|(_, value, _)| value.as_slice())
    };
    let success = |parts: &[(u16, Vec<u8>)]| vec![build(kind | 0x100, transaction, parts, rules)];
    let error = |code: u16| {
        let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
        value.extend(b"in words");
        let parts = [(0x0009, value), (0x0014, REALM.to_vec()), (0x0015, b"nonce".to_vec())];
        vec![build(kind | 0x110, transaction, &parts, rules)]
    };
    let peer = get(0x0012).map(|value| unhide(value, transaction));
    if kind == 0x0016 {
        // A Send indication: what would come back from the peer, were it carried there. The probe binds its first channel to
        // the server's own address, and coturn then answers by that channel, padded over a stream.
        let peer_value = get(0x0012).unwrap().to_vec();
        return match peer.unwrap() {
            peer if (rules.denied)(peer) => Vec::new(),
            IpAddr::V4(Ipv4Addr::LOCALHOST) => vec![b"\x40\x00\x00\x06answer\0\0".to_vec()],
            _ => {
                let parts = [(0x0012, peer_value), (0x0013, b"answer".to_vec())];
                vec![build(0x0017, transaction, &parts, rules)]
            }
        };
    }
    if kind == 0x0001 {
        return success(&[]);
    }
    if let Some(secret) = &rules.secret
        && !signed(message, &attributes, secret, rules.ends)
    {
        return error(401);
    }
    match kind {
        0x0003 if get(0x0019) == Some(&[6, 0, 0, 0]) && !rules.everything => error(442),
        0x0003 if get(0x0017) == Some(&[2, 0, 0, 0]) && !rules.everything => error(440),
        0x0003 => {
            let relay = [0, 1, 0xc0 ^ 0x21, 0x12, 127 ^ 0x21, 0x12, 0xa4, 1 ^ 0x42];
            success(&[(0x0016, relay.to_vec()), (0x000d, vec![0, 0, 2, 0x58])])
        }
        0x0008..=0x000a if (rules.denied)(peer.unwrap()) => error(403),
        0x000a => error(447),
        _ => success(&[]),
    }
}

fn attributes(body: &[u8]) -> Vec<(u16, Vec<u8>, usize)> {
    let (mut at, mut found) = (0, Vec::new());
    while at + 4 <= body.len() {
        let kind = u16::from_be_bytes([body[at], body[at + 1]]);
        let length = usize::from(u16::from_be_bytes([body[at + 2], body[at + 3]]));
        found.push((kind, body[at + 4..at + 4 + length].to_vec(), at));
        at += 4 + length.next_multiple_of(4);
    }
    found
}

/// Whether the message is signed by who holds a credential of the secret.
fn signed(message: &[u8], attributes: &[(u16, Vec<u8>, usize)], secret: &str, ends: bool) -> bool {
    let get = |wanted: u16| attributes.iter().find(|(kind, _, _)| *kind == wanted);
    let (Some((_, user, _)), Some((_, proof, at))) = (get(0x0006), get(0x0008)) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    let password = STANDARD.encode(hmac::sign(&key, user));
    let mut digest = Md5::new();
    digest.update(user);
    digest.update(b":");
    digest.update(REALM);
    digest.update(b":");
    digest.update(password.as_bytes());
    let mut covered = message[..20 + at].to_vec();
    covered[2..4].copy_from_slice(&((at + 24) as u16).to_be_bytes());
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &digest.finalize());
    let end: u64 = String::from_utf8_lossy(user)
        .split(':')
        .next()
        .and_then(|time| time.parse().ok())
        .unwrap();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    hmac::verify(&key, &covered, proof).is_ok() && (!ends || end > now)
}

fn unhide(value: &[u8], transaction: &[u8]) -> IpAddr {
    let mask: Vec<u8> = COOKIE.iter().chain(transaction).copied().collect();
    let clear: Vec<u8> = value[4..].iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
    match <[u8; 4]>::try_from(clear.as_slice()) {
        Ok(octets) => octets.into(),
        Err(_) => <[u8; 16]>::try_from(clear.as_slice()).unwrap().into(),
    }
}

fn build(kind: u16, transaction: &[u8], parts: &[(u16, Vec<u8>)], rules: &Rules) -> Vec<u8> {
    let mut body = Vec::new();
    let software = rules.software.map(|name| (0x8022, name.as_bytes().to_vec()));
    for (kind, value) in parts.iter().chain(software.iter()) {
        body.extend(kind.to_be_bytes());
        body.extend((value.len() as u16).to_be_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let mut message = kind.to_be_bytes().to_vec();
    message.extend((body.len() as u16).to_be_bytes());
    message.extend(COOKIE);
    message.extend(transaction);
    message.extend(body);
    message
}
