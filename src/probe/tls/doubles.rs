//! Test doubles of TLS listeners, made of raw bytes: they read a hello and answer by a first flight.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use super::hello::Version;
use super::suite::Exchange;
use super::suite::Suite;

/// What a listener understood of a hello.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) version: Version,
    pub(super) suites: Vec<u16>,
    pub(super) groups: Vec<u16>,
    pub(super) schemes: Vec<u16>,
    /// Numbers of its extensions.
    pub(super) extensions: Vec<u16>,
}

impl Heard {
    /// Whether it names a host.
    pub(super) fn names_a_host(&self) -> bool {
        self.extensions.contains(&0)
    }
}

/// A listener on a free port of the loopback, which replies so and then waits for what comes.
pub(super) async fn listener(reply: impl Fn(&Heard) -> Vec<u8> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let reply = Arc::new(reply);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let reply = reply.clone();
            tokio::spawn(async move { serve(stream, &*reply).await });
        }
    });
    address
}

async fn serve(mut stream: TcpStream, reply: impl Fn(&Heard) -> Vec<u8>) {
    let mut bytes = vec![0; 8192];
    let count = stream.read(&mut bytes).await.unwrap_or(0);
    let heard = read(&bytes[..count]).unwrap_or(Heard {
        version: Version::Ssl2,
        suites: Vec::new(),
        groups: Vec::new(),
        schemes: Vec::new(),
        extensions: Vec::new(),
    });
    // The probe may have hung up already.
    let _ = stream.write_all(&reply(&heard)).await;
    while let Ok(1..) = stream.read(&mut [0; 64]).await {}
}

fn read(bytes: &[u8]) -> Option<Heard> {
    let pair = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    if *bytes.first()? != 22 {
        return None;
    }
    let suites = 44 + usize::from(*bytes.get(43)?);
    let list = |at: usize, length: u16| bytes.get(at..at + usize::from(length)).map(numbers);
    let mut heard = Heard {
        version: Version::from_wire(pair(9)?)?,
        suites: list(suites + 2, pair(suites)?)?,
        groups: Vec::new(),
        schemes: Vec::new(),
        extensions: Vec::new(),
    };
    let compression = suites + 2 + usize::from(pair(suites)?);
    let mut at = compression + 1 + usize::from(*bytes.get(compression)?) + 2;
    while let (Some(kind), Some(length)) = (pair(at), pair(at + 2)) {
        let inner = pair(at + 4).unwrap_or(0);
        heard.extensions.push(kind);
        match kind {
            10 => heard.groups = list(at + 6, inner)?,
            13 => heard.schemes = list(at + 6, inner)?,
            43 => heard.version = Version::Tls13,
            _ => {}
        }
        at += 4 + usize::from(length);
    }
    Some(heard)
}

fn numbers(bytes: &[u8]) -> Vec<u16> {
    let pairs = bytes.chunks_exact(2);
    pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

/// What a listener of TLS 1.2 takes. Each list is in the server's order.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub(super) suites: Vec<u16>,
    pub(super) groups: Vec<u16>,
    pub(super) schemes: Vec<u16>,
    /// Extensions that it agrees to where they are offered.
    pub(super) extensions: Vec<u16>,
    /// Bytes of its prime.
    pub(super) prime: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            suites: vec![0xc02f],
            groups: vec![0x001d, 0x0017],
            schemes: vec![0x0804],
            extensions: vec![0xff01, 23],
            prime: 256,
        }
    }
}

impl Policy {
    /// The answer of one that goes on with its first group where it knows none of those offered, as Java does.
    pub(super) fn reply_in_its_own_group(&self, heard: &Heard) -> Vec<u8> {
        let mut heard = heard.clone();
        if !heard.groups.iter().any(|group| self.groups.contains(group)) {
            heard.groups.clone_from(&self.groups);
        }
        self.reply(&heard)
    }

    /// The answer of this policy.
    pub(super) fn reply(&self, heard: &Heard) -> Vec<u8> {
        if heard.version != Version::Tls12 {
            return alert(70);
        }
        let pick = |ours: &[u16], theirs: &[u16]| ours.iter().find(|value| theirs.contains(value)).copied();
        let suite = pick(&self.suites, &heard.suites);
        let group = pick(&self.groups, &heard.groups);
        let (Some(suite), Some(scheme)) = (suite, pick(&self.schemes, &heard.schemes)) else {
            return alert(40);
        };
        let mut exchange = match (Suite(suite).exchange(), group) {
            (Exchange::Dhe, _) => [counted(&vec![0xff; self.prime]), counted(&[2]), counted(&[4])].concat(),
            (_, Some(group)) => [&[3][..], &group.to_be_bytes(), &[1, 4]].concat(),
            (_, None) => return alert(40),
        };
        exchange.extend(scheme.to_be_bytes());
        exchange.extend(counted(&[7; 8]));
        // The signalling value of renegotiation counts as its extension.
        let offered = |kind: &&u16| **kind == 0xff01 || heard.extensions.contains(kind);
        let agreed = self.extensions.iter().filter(offered);
        let agreed: Vec<u8> = agreed.flat_map(|kind| [kind.to_be_bytes(), [0, 0]].concat()).collect();
        let mut hello = vec![3, 3];
        hello.extend([9; 32]);
        hello.push(0);
        hello.extend(suite.to_be_bytes());
        hello.push(0);
        hello.extend(counted(&agreed));
        let messages = [message(2, &hello), message(12, &exchange), message(14, &[])].concat();
        [&[22, 3, 3][..], &counted(&messages)].concat()
    }
}

/// A fatal alert.
pub(super) fn alert(code: u8) -> Vec<u8> {
    vec![21, 3, 3, 0, 2, 2, code]
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], &counted(body)].concat()
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes()[..], bytes].concat()
}
