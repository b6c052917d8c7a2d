//! A relay between a client and a server that writes down who spoke when, and never what. A direction that changes is
//! half a round trip that a distant operator waits for, whatever the speed of the machine.

use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// The most changes of direction of one connection, its goodbye included. Thirteen are had on a quiet machine; two are left
/// for messages that crossed on a busy one.
const MOST_TURNS: usize = 15;

/// How long everything is on its way. Bytes that leave while others are still on theirs the opposite way were not waited
/// for, so they are no change of direction; a loaded machine needs some room to show it.
const ON_THE_WAY: Duration = Duration::from_millis(150);

/// One direction for as long as it lasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// `>`: the client spoke, `<`: the server.
    pub(crate) way: char,
    pub(crate) bytes: usize,
}

/// The turns of one connection, while they come.
type Turns = Arc<Mutex<Vec<Turn>>>;

/// A relay; every connection through it is written down.
pub(crate) struct Relay {
    pub(crate) port: u16,
    connections: Arc<Mutex<Vec<Turns>>>,
}

impl Relay {
    pub(crate) fn to(address: &str, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let entry = listener.local_addr().unwrap().port();
        let connections = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&connections);
        let server = (address.to_owned(), port);
        thread::spawn(move || {
            for client in listener.incoming() {
                let turns = Arc::new(Mutex::new(Vec::new()));
                seen.lock().unwrap().push(Arc::clone(&turns));
                carry(client.unwrap(), TcpStream::connect(&server).unwrap(), &turns);
            }
        });
        Self {
            port: entry,
            connections,
        }
    }

    /// Waits for the last words of a client that has left, and fails unless it came once and waited seldom.
    #[track_caller]
    pub(crate) fn expect_few_turns(&self) {
        thread::sleep(ON_THE_WAY * 10);
        let connections = self.connections.lock().unwrap();
        let connections: Vec<Vec<Turn>> = connections.iter().map(|turns| turns.lock().unwrap().clone()).collect();
        assert_eq!(connections.len(), 1, "connections: {connections:?}");
        let turns = &connections[0];
        assert!(
            turns.len() <= MOST_TURNS,
            "{} changes of direction: {turns:?}",
            turns.len()
        );
    }
}

fn carry(client: TcpStream, server: TcpStream, turns: &Turns) {
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
    }
    let back = (server.try_clone().unwrap(), client.try_clone().unwrap(), '<');
    for (mut from, mut to, way) in [(client, server, '>'), back] {
        let turns = Arc::clone(turns);
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 20];
            while let Ok(bytes @ 1..) = from.read(&mut buffer) {
                note(&mut turns.lock().unwrap(), way, bytes);
                thread::sleep(ON_THE_WAY);
                if to.write_all(&buffer[..bytes]).is_err() {
                    break;
                }
            }
            to.shutdown(Shutdown::Write).ok();
        });
    }
}

fn note(turns: &mut Vec<Turn>, way: char, bytes: usize) {
    match turns.last_mut() {
        Some(last) if last.way == way => last.bytes += bytes,
        _ => turns.push(Turn { way, bytes }),
    }
}
