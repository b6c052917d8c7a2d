//! One host over SSH: connects, runs scripts, and gives up in time. Only this file and those of its folder name `ssh2`.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use ssh2::Channel;
use ssh2::ErrorCode;

use crate::remote::Host;
use crate::remote::Output;
use crate::remote::RemoteError;
use crate::remote::bootstrap::AfterMarker;
use crate::remote::bootstrap::Privilege;
use crate::remote::bootstrap::command;
use crate::remote::bootstrap::framed;
use crate::remote::config::OperatorConfig;
use crate::remote::config::Settings;
use crate::remote::pump::Lines;
use crate::remote::pump::pump;
use crate::remote::ssh::dial::Dialer;
use crate::remote::ssh::line::Line;
use crate::remote::ssh::login::Channels;
use crate::remote::ssh::login::login;
use crate::remote::ssh::wire::SshWire;
use crate::spec::HostKeyPolicy;
use crate::spec::HostName;
use crate::spec::SshTarget;

mod dial;
mod line;
mod login;
mod stranger;
mod wire;

pub use stranger::login_methods;

/// How connections are made; the same for every host of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectPolicy {
    /// The longest wait for one step of a connection.
    pub timeout: Duration,
    /// Whose `ssh_config` is asked.
    pub config: OperatorConfig,
    /// Files to read in place of the configured `known_hosts` files.
    pub known_hosts: Option<Vec<PathBuf>>,
    /// Where `accept-new` remembers keys.
    pub remember: PathBuf,
}

/// An open connection to one host.
pub struct SshHost {
    name: HostName,
    target: SshTarget,
    policy: ConnectPolicy,
    address: String,
    user: String,
    line: Line,
    /// The first channel, where the login has brought one along.
    channel: Option<Channel>,
    lost: Option<String>,
}

/// Seconds of silence between two questions whether the host is still there.
const KEEPALIVE: u32 = 10;

impl SshHost {
    /// Connects, judges the host's key, and logs in.
    ///
    /// # Errors
    /// `Unreachable`, `HostKey` or `Login`, each with what to do about it.
    pub fn connect(name: &HostName, target: &SshTarget, policy: &ConnectPolicy) -> Result<Self, RemoteError> {
        let settings = Settings::of(target, &policy.config).map_err(|why| RemoteError::Unreachable {
            address: target.address.clone(),
            why,
        })?;
        let dialer = Dialer {
            address: format!("{}:{}", settings.host, settings.port),
            settings: &settings,
            policy,
        };
        let mut channels = Channels::WithTheProof;
        let (line, channel) = loop {
            let mut line = match &target.host_key {
                HostKeyPolicy::Fingerprint(pin) => dialer.by_fingerprint(pin)?,
                HostKeyPolicy::KnownHosts => dialer.by_known_hosts(None)?,
                HostKeyPolicy::AcceptNew => dialer.by_known_hosts(Some(&policy.remember))?,
            };
            match login(&mut line, target, &settings, policy.timeout, channels) {
                Ok(channel) => break (line, channel),
                // Another key may still be right, or be wanted as well.
                Err(refusal) if refusal.spoke_too_soon => channels = Channels::WhenNeeded,
                Err(refusal) => {
                    return Err(RemoteError::Login {
                        address: dialer.address,
                        user: settings.user.clone(),
                        why: refusal.why,
                    });
                }
            }
        };
        line.session.set_keepalive(true, KEEPALIVE);
        Ok(Self {
            name: name.clone(),
            target: target.clone(),
            policy: policy.clone(),
            address: dialer.address,
            user: settings.user.clone(),
            line,
            channel,
            lost: None,
        })
    }

    /// Runs a script, handing standard output over as it comes.
    fn execute(
        &mut self,
        script: &str,
        input: &[u8],
        patience: Duration,
        out: &mut dyn FnMut(&[u8]),
    ) -> Result<(i32, Vec<u8>), RemoteError> {
        if let Some(why) = &self.lost {
            return Err(self.broken(format!("the connection was lost before: {why}")));
        }
        let privilege = Privilege::of(&self.user);
        let mut after = AfterMarker::default();
        let mut stderr = Vec::new();
        let result = self.drive(
            &command(privilege),
            &framed(script, input),
            patience,
            &mut |bytes| {
                out(&after.push(bytes));
            },
            &mut stderr,
        );
        let status = result.map_err(|why| {
            // Nothing more can be said over a session that stopped in the middle of a packet.
            self.line.transport.shutdown();
            self.line.session.set_blocking(false);
            self.lost = Some(why.clone());
            self.broken(why)
        })?;
        if after.found() {
            return Ok((status, stderr));
        }
        let said = [after.before(), &stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let said = said.trim();
        let why = if said.is_empty() {
            format!("exit status {status} and no word")
        } else {
            said.to_owned()
        };
        Err(match privilege {
            Privilege::Sudo => RemoteError::NoPrivilege {
                address: self.address.clone(),
                user: self.user.clone(),
                why,
            },
            Privilege::Own => self.broken(format!("the login shell did not run our command: {why}")),
        })
    }

    /// One channel from its opening to its end. The error is a sentence.
    fn drive(
        &mut self,
        command: &str,
        input: &[u8],
        patience: Duration,
        out: &mut dyn FnMut(&[u8]),
        stderr: &mut Vec<u8>,
    ) -> Result<i32, String> {
        let deadline = Instant::now() + patience;
        let session = self.line.session.clone();
        session.set_blocking(true);
        session.set_timeout(milliseconds(self.policy.timeout.min(patience)));
        let mut channel = match self.channel.take() {
            Some(channel) => channel,
            None => session.channel_session().map_err(|error| reason(&error))?,
        };
        channel.exec(command).map_err(|error| reason(&error))?;
        session.set_blocking(false);
        let mut wire = SshWire {
            channel: &mut channel,
            line: &mut self.line,
            heard: Instant::now(),
        };
        let moved = pump(&mut wire, input, deadline, out, &mut |bytes| {
            stderr.extend_from_slice(bytes)
        });
        moved.map_err(|error| match error.kind() {
            ErrorKind::TimedOut => format!("no end within {} s", patience.as_secs_f32().ceil()),
            _ => format!("the connection broke: {error}{}", self.line.transport.complaint()),
        })?;
        session.set_blocking(true);
        channel
            .close()
            .and_then(|()| channel.wait_close())
            .map_err(|error| reason(&error))?;
        let signal = channel.exit_signal().map_err(|error| reason(&error))?.exit_signal;
        match signal {
            Some(_) => Ok(255),
            None => channel.exit_status().map_err(|error| reason(&error)),
        }
    }

    fn broken(&self, why: String) -> RemoteError {
        RemoteError::Broken {
            address: self.address.clone(),
            why,
        }
    }
}

impl Host for SshHost {
    fn name(&self) -> &HostName {
        &self.name
    }

    fn run(&mut self, script: &str, input: &[u8], patience: Duration) -> Result<Output, RemoteError> {
        let mut stdout = Vec::new();
        let (status, stderr) = self.execute(script, input, patience, &mut |bytes| stdout.extend_from_slice(bytes))?;
        Ok(Output { status, stdout, stderr })
    }

    fn follow(&mut self, script: &str, patience: Duration, line: &mut dyn FnMut(&str)) -> Result<Output, RemoteError> {
        let mut stdout = Vec::new();
        let mut lines = Lines::default();
        let result = self.execute(script, b"", patience, &mut |bytes| {
            stdout.extend_from_slice(bytes);
            lines.push(bytes, line);
        });
        lines.finish(line);
        let (status, stderr) = result?;
        Ok(Output { status, stdout, stderr })
    }

    fn reconnect(&self) -> Result<Box<dyn Host>, RemoteError> {
        Ok(Box::new(Self::connect(&self.name, &self.target, &self.policy)?))
    }
}

impl Drop for SshHost {
    fn drop(&mut self) {
        if self.lost.is_none() {
            self.line.session.set_timeout(1000);
            // A host that does not take a goodbye loses nothing.
            self.line.session.disconnect(None, "done", None).ok();
        }
        self.line.transport.shutdown();
        self.line.session.set_blocking(false);
    }
}

/// What libssh2 said, in words.
pub(super) fn reason(error: &ssh2::Error) -> String {
    match error.code() {
        ErrorCode::Session(-9) => "no answer in time".to_owned(),
        ErrorCode::Session(-13 | -43) => "the host closed the connection".to_owned(),
        _ => error.message().to_lowercase(),
    }
}

/// A timeout as libssh2 takes it, where zero would mean for ever.
pub(super) fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX).max(1)
}
