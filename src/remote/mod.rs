//! Bytes to and from one host. Knows nothing of Jitsi.

use std::time::Duration;

use crate::spec::HostName;

pub mod aws;
mod bootstrap;
mod config;
mod credentials;
pub mod fan_out;
mod keys;
mod known_hosts;
mod pump;
pub mod ssh;
mod transport;

pub use config::OperatorConfig;
pub use fan_out::fan_out;
pub use ssh::ConnectPolicy;
pub use ssh::SshHost;
pub use ssh::login_methods;

/// One host that commands run on. The real one speaks SSH over one connection; tests have a fake one.
pub trait Host: Send {
    /// The host's name in the spec.
    fn name(&self) -> &HostName;

    /// Runs a shell script with `sh -s` (root rights, by sudo where the login needs it), sending `script` and then
    /// `input` through standard input, never through arguments.
    ///
    /// # Errors
    /// Where the connection fails, times out or is cut. A script that exits non-zero is not an error.
    fn run(&mut self, script: &str, input: &[u8], patience: Duration) -> Result<Output, RemoteError>;

    /// Like `run`, but hands each line of standard output over as it arrives.
    ///
    /// # Errors
    /// As `run`.
    fn follow(&mut self, script: &str, patience: Duration, line: &mut dyn FnMut(&str)) -> Result<Output, RemoteError>;

    /// A further connection to the same host, made from nothing: proof that the operator is not locked out.
    ///
    /// # Errors
    /// As for the first connection.
    fn reconnect(&self) -> Result<Box<dyn Host>, RemoteError>;
}

/// What a script left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit status; 255 where a signal ended it.
    pub status: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// Why bytes did not reach a host or did not come back. Fragments that fit "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// No TCP connection.
    #[error("connect to {address}: {why}")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// What the system said.
        why: String,
    },
    /// The host's key is not the expected one, or nobody vouches for it.
    #[error("trust {address}: {why}")]
    HostKey {
        /// `host:port`.
        address: String,
        /// What was expected and what was offered, as fingerprints.
        why: String,
    },
    /// No credential was accepted.
    #[error("log in to {address} as {user}: {why}")]
    Login {
        /// `host:port`.
        address: String,
        /// User name.
        user: String,
        /// What was tried.
        why: String,
    },
    /// The login may not become root.
    #[error("become root on {address} as {user}: {why}")]
    NoPrivilege {
        /// `host:port`.
        address: String,
        /// User name.
        user: String,
        /// What sudo said.
        why: String,
    },
    /// The connection broke in the middle.
    #[error("talk to {address}: {why}")]
    Broken {
        /// `host:port`.
        address: String,
        /// What happened.
        why: String,
    },
}
