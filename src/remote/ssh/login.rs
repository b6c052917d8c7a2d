//! Tries credentials over a session whose host key was judged.

use std::path::Path;
use std::time::Duration;

use ssh2::Channel;
use ssh2::ErrorCode;
use ssh2::Session;

use crate::remote::config::AgentSocket;
use crate::remote::config::Settings;
use crate::remote::credentials::Credential;
use crate::remote::credentials::order;
use crate::remote::credentials::type_of_private;
use crate::remote::keys::fingerprint;
use crate::remote::keys::type_of;
use crate::remote::ssh::line::Asked;
use crate::remote::ssh::line::Line;
use crate::remote::ssh::line::Service;
use crate::remote::ssh::reason;
use crate::spec::SshTarget;

/// sshd hangs up after six tries by default (`MaxAuthTries`), and after four where it is hardened as we harden it.
const MOST_TRIES: usize = 4;

/// By this libssh2 says that it has signed and sent the proof, and waits for the answer.
const PROOF_SENT: &str = "Would block waiting for publickey USERAUTH response";
/// By this libssh2 says that it has asked for a channel, and waits for the answer.
const CHANNEL_ASKED: &str = "Would block";

/// Whether a channel is asked for together with the proof of a key, before the host has let us in. RFC 4252, section 6,
/// allows it: what follows the request that succeeds goes to the service that it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channels {
    /// With the proof. A host that refuses the proof has heard too much, and this session is over.
    WithTheProof,
    /// When they are needed.
    WhenNeeded,
}

/// Why nobody was let in.
pub(super) struct Refusal {
    /// What was tried and what could not be.
    pub(super) why: String,
    /// A channel was asked for that the host did not owe us: further keys need a session of their own.
    pub(super) spoke_too_soon: bool,
}

/// Tries the credentials in order. Returns the channel that was asked for ahead, if the host opened one.
pub(super) fn login(
    line: &mut Line,
    target: &SshTarget,
    settings: &Settings,
    timeout: Duration,
    channels: Channels,
) -> Result<Option<Channel>, Refusal> {
    let (credentials, mut notes) = order(target, settings);
    let mut tries = Tries {
        line,
        user: &settings.user,
        timeout,
        channels,
        left: MOST_TRIES,
        refused: Vec::new(),
        asked: false,
        channel: None,
    };
    for credential in credentials {
        let accepted = match credential {
            Credential::File { key, certificate } => tries.file(&key, certificate.as_deref()),
            Credential::Agent { first, only } => tries.agent(&settings.agent, &first, only, &mut notes),
        };
        match accepted {
            Ok(true) => return Ok(tries.opened()),
            Ok(false) if tries.asked => break,
            Ok(false) => {}
            Err(why) => {
                notes.push(why);
                break;
            }
        }
    }
    let refused = tries.refused;
    let head = match refused.len() {
        0 => "there was no key to try".to_owned(),
        _ => format!("the host refused {}", refused.join(", ")),
    };
    Err(Refusal {
        why: [vec![head], notes].concat().join("; "),
        spoke_too_soon: tries.asked,
    })
}

/// Counts the tries, so that the host does not hang up before the right key.
struct Tries<'a> {
    line: &'a mut Line,
    user: &'a str,
    timeout: Duration,
    channels: Channels,
    left: usize,
    refused: Vec<String>,
    /// A channel was asked for.
    asked: bool,
    /// It is there already.
    channel: Option<Channel>,
}

impl Tries<'_> {
    fn file(&mut self, key: &Path, certificate: Option<&Path>) -> Result<bool, String> {
        let what = match certificate {
            Some(certificate) => format!("{} with {}", key.display(), certificate.display()),
            None => key.display().to_string(),
        };
        let user = self.user;
        self.count(what, Signs::of(type_of_private(key).as_deref()), |session| {
            session.userauth_pubkey_file(user, certificate, key, None)
        })
    }

    fn agent(
        &mut self,
        socket: &AgentSocket,
        first: &[Vec<u8>],
        only: bool,
        notes: &mut Vec<String>,
    ) -> Result<bool, String> {
        let open = || -> Result<_, ssh2::Error> {
            let mut agent = self.line.session.agent()?;
            if let AgentSocket::At(path) = socket {
                agent.set_identity_path(path)?;
            }
            agent.connect()?;
            agent.list_identities()?;
            let identities = agent.identities()?;
            Ok((agent, identities))
        };
        let (agent, mut identities) = match open() {
            Ok(open) => open,
            Err(error) => {
                notes.push(format!("no agent answered ({})", error.message()));
                return Ok(false);
            }
        };
        let named = |blob: &[u8]| first.iter().any(|wanted| wanted == blob);
        identities.retain(|identity| !only || named(identity.blob()));
        identities.sort_by_key(|identity| !named(identity.blob()));
        if identities.is_empty() {
            notes.push("the agent holds no key for this".to_owned());
        }
        let user = self.user;
        for identity in identities {
            let what = format!("the agent's {} {}", identity.comment(), fingerprint(identity.blob()));
            let signs = Signs::of(Some(type_of(identity.blob())));
            if self.count(what, signs, |_| agent.userauth(user, &identity))? {
                return Ok(true);
            }
            if self.asked {
                break;
            }
        }
        Ok(false)
    }

    /// One try. The error ends all tries.
    fn count(
        &mut self,
        what: String,
        signs: Signs,
        attempt: impl FnMut(&Session) -> Result<(), ssh2::Error>,
    ) -> Result<bool, String> {
        if self.left == 0 {
            return Err(format!(
                "more than {MOST_TRIES} keys were not tried, since hosts hang up then"
            ));
        }
        self.left -= 1;
        match self.attempt(signs, attempt) {
            Ok(()) => return Ok(true),
            Err(error) => match error.code() {
                // Refused (-18), signature refused (-19), key file unusable (-16).
                ErrorCode::Session(-18) => self.refused.push(what),
                ErrorCode::Session(-19 | -16) => self.refused.push(format!("{what} ({})", error.message())),
                _ => return Err(format!("{what}: {}", reason(&error))),
            },
        }
        Ok(false)
    }

    fn attempt(
        &mut self,
        signs: Signs,
        mut call: impl FnMut(&Session) -> Result<(), ssh2::Error>,
    ) -> Result<(), ssh2::Error> {
        match signs {
            // The question about the key follows the last step of the handshake at once, and its answer tells that the
            // host has granted the service too.
            Signs::OneWay => self.line.service = Service::Granted,
            Signs::SeveralWays => self.line.await_service(self.timeout)?,
        }
        if self.channels == Channels::WhenNeeded {
            return self.line.finish(self.timeout, call);
        }
        match self.line.ask(PROOF_SENT, self.timeout, &mut call) {
            Asked::Over(result) => result,
            Asked::OnTheWay => {
                self.asked = true;
                let asked = self.line.ask(CHANNEL_ASKED, self.timeout, Session::channel_session);
                if let Asked::Over(opened) = asked {
                    self.channel = opened.ok();
                }
                self.line.finish(self.timeout, call)
            }
        }
    }

    /// The channel that was asked for. A host that opens none says so again when the channel is needed.
    fn opened(self) -> Option<Channel> {
        let Self {
            line,
            timeout,
            asked,
            channel,
            ..
        } = self;
        channel.or_else(|| asked.then(|| line.finish(timeout, Session::channel_session).ok())?)
    }
}

/// By how many algorithms a key can sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signs {
    /// By the one that its type names.
    OneWay,
    /// By several, as RSA keys do: the host's list has to be there first, and comes before it grants the service.
    SeveralWays,
}

impl Signs {
    fn of(key_type: Option<&str>) -> Self {
        match key_type {
            Some("ssh-ed25519" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521") => Self::OneWay,
            _ => Self::SeveralWays,
        }
    }
}
