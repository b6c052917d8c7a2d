//! The byte stream an SSH session runs over: TCP, or a child process where the way leads through other hosts (see
//! docs/decisions/0002-jump-hosts.md). Knows nothing of SSH's own protocol.

use std::io;
use std::io::Read;
use std::net::Shutdown;
use std::net::TcpStream;
use std::net::ToSocketAddrs;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::os::fd::RawFd;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::remote::config::OperatorConfig;
use crate::remote::config::Route;
use crate::remote::config::Settings;

/// A stream to a host's SSH port.
#[derive(Debug)]
pub(super) enum Transport {
    /// Straight.
    Tcp(TcpStream),
    /// Through a child process.
    Child {
        /// Our end of the child's standard streams.
        stream: UnixStream,
        /// The child, ended with the transport.
        relay: Relay,
    },
}

impl Transport {
    /// Opens the way that the settings name. The error is a sentence.
    pub(super) fn open(settings: &Settings, config: &OperatorConfig, timeout: Duration) -> Result<Self, String> {
        match &settings.route {
            Route::Direct => tcp(&settings.host, settings.port, timeout).map(Self::Tcp),
            Route::Jump(jump) => child(jump_command(jump, settings, config, timeout)),
            Route::Command(line) => {
                let mut command = Command::new("sh");
                command.arg("-c").arg(format!("exec {line}"));
                child(command)
            }
        }
    }

    /// A further handle to the same stream, for libssh2 to keep.
    pub(super) fn handle(&self) -> io::Result<OwnedFd> {
        match self {
            Self::Tcp(stream) => stream.try_clone().map(OwnedFd::from),
            Self::Child { stream, .. } => stream.try_clone().map(OwnedFd::from),
        }
    }

    /// Ends both directions, so that nothing that still uses a handle can wait any longer.
    pub(super) fn shutdown(&self) {
        // A stream that is already gone is what was wanted.
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both).ok(),
            Self::Child { stream, .. } => stream.shutdown(Shutdown::Both).ok(),
        };
    }

    /// What the relaying child said, as an addition to a message.
    pub(super) fn complaint(&self) -> String {
        match self {
            Self::Tcp(_) => String::new(),
            Self::Child { relay, .. } => relay.complaint(),
        }
    }
}

impl AsRawFd for Transport {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Child { stream, .. } => stream.as_raw_fd(),
        }
    }
}

/// Tries every address of a name, all within the timeout.
fn tcp(host: &str, port: u16, timeout: Duration) -> Result<TcpStream, String> {
    let end = Instant::now() + timeout;
    let addresses: Vec<_> = (host, port)
        .to_socket_addrs()
        .map_err(|error| format!("the name {host} was not resolved: {error}"))?
        .collect();
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let mut why = format!("the name {host} has no address");
    for address in addresses {
        let share = end.saturating_duration_since(Instant::now()) / left.max(1);
        left = left.saturating_sub(1);
        match TcpStream::connect_timeout(&address, share.max(Duration::from_millis(1))) {
            Ok(stream) => {
                // A keystroke-sized packet must not wait for the answer to the one before it. Failing costs time only.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Err(error) => why = format!("{address}: {error}"),
        }
    }
    Err(why)
}

/// `ssh -W host:port … JUMP`, without any prompt.
fn jump_command(jump: &str, settings: &Settings, config: &OperatorConfig, timeout: Duration) -> Command {
    let mut command = Command::new("ssh");
    match config {
        OperatorConfig::Own => {}
        OperatorConfig::File(path) => {
            command.arg("-F").arg(path);
        }
        OperatorConfig::Nothing => {
            command.args(["-F", "none"]);
        }
    }
    let host = &settings.host;
    let goal = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    command
        .arg("-W")
        .arg(format!("{goal}:{}", settings.port))
        .args([
            "-o",
            "BatchMode=yes",
            "-o",
            "ServerAliveInterval=15",
            "-o",
            "ClearAllForwardings=yes",
        ])
        .arg("-o")
        .arg(format!("ConnectTimeout={}", timeout.as_secs().max(1)));
    // All hops but the last are the way to the last.
    let last = match jump.rsplit_once(',') {
        Some((before, last)) => {
            command.arg("-J").arg(before);
            last
        }
        None => jump,
    };
    let uri = if last.starts_with("ssh://") {
        last.to_owned()
    } else {
        format!("ssh://{last}")
    };
    command.arg("--").arg(uri);
    command
}

fn child(mut command: Command) -> Result<Transport, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let fail = |error: io::Error| format!("the way through another host needs `{program}`: {error}");
    let (ours, theirs) = UnixStream::pair().map_err(fail)?;
    let also_theirs = theirs.try_clone().map_err(fail)?;
    let mut child = command
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(OwnedFd::from(also_theirs)))
        .stderr(Stdio::piped())
        .spawn()
        .map_err(fail)?;
    // Our copies of the child's end go with the command, so that its end shows as the end of the stream.
    drop(command);
    let said = Arc::new(Mutex::new(Vec::new()));
    if let Some(mut stderr) = child.stderr.take() {
        let said = Arc::clone(&said);
        thread::spawn(move || listen(&mut stderr, &said));
    }
    Ok(Transport::Child {
        stream: ours,
        relay: Relay { child, said },
    })
}

/// The most that is kept of what a relay says.
const SAID: usize = 4096;

fn listen(stderr: &mut impl Read, said: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 512];
    while let Ok(n @ 1..) = stderr.read(&mut buffer) {
        if let Ok(mut said) = said.lock() {
            let room = SAID.saturating_sub(said.len()).min(n);
            said.extend_from_slice(&buffer[..room]);
        }
    }
}

/// A child process that carries our bytes; it ends with this value.
#[derive(Debug)]
pub(super) struct Relay {
    child: Child,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    fn complaint(&self) -> String {
        // The child closes its stream a moment before its last words have been read.
        thread::sleep(Duration::from_millis(100));
        let said = self.said.lock().map(|said| said.clone()).unwrap_or_default();
        let text = String::from_utf8_lossy(&said);
        let text: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if text.is_empty() {
            String::new()
        } else {
            format!("; on the way there: {}", text.join("; "))
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It is a process of ours that nobody else waits for; one that has ended already is what was wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(host: &str, route: Route) -> Settings {
        Settings {
            host: host.to_owned(),
            port: 22,
            user: "root".to_owned(),
            alias: None,
            identities: Vec::new(),
            certificates: Vec::new(),
            agent: crate::remote::config::AgentSocket::Nobody,
            identities_only: false,
            known_hosts: Vec::new(),
            route,
        }
    }

    #[test]
    fn the_last_of_several_jumps_is_the_destination_and_the_others_lead_there() {
        let command = jump_command(
            "a@one:22,two,c@three:2200",
            &settings("fd00::7", Route::Direct),
            &OperatorConfig::Nothing,
            Duration::from_secs(7),
        );
        let args: Vec<_> = command
            .get_args()
            .map(|arg| arg.to_string_lossy().into_owned())
            .collect();
        assert_eq!(args[..4], ["-F", "none", "-W", "[fd00::7]:22"]);
        assert_eq!(
            args[args.len() - 4..],
            ["-J", "a@one:22,two", "--", "ssh://c@three:2200"]
        );
    }

    #[test]
    fn a_relay_that_ends_leaves_its_last_words() {
        let route = Route::Command("sh -c 'echo no such way >&2'".to_owned());
        let transport =
            Transport::open(&settings("h", route), &OperatorConfig::Nothing, Duration::from_secs(5)).unwrap();
        let Transport::Child { stream, .. } = &transport else {
            panic!("not a child");
        };
        let mut stream = stream;
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        assert_eq!(transport.complaint(), "; on the way there: no such way");
    }

    #[test]
    fn a_port_that_nobody_listens_on_is_named() {
        let error = tcp("127.0.0.1", 1, Duration::from_secs(2)).unwrap_err();
        assert!(error.starts_with("127.0.0.1:1: "), "{error}");
    }
}
