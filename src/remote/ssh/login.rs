//! Tries credentials over a session whose host key was judged.

use std::path::Path;

use ssh2::ErrorCode;
use ssh2::Session;

use crate::remote::config::AgentSocket;
use crate::remote::config::Settings;
use crate::remote::credentials::Credential;
use crate::remote::credentials::order;
use crate::remote::keys::fingerprint;
use crate::remote::ssh::reason;
use crate::spec::SshTarget;

/// sshd hangs up after six tries by default (`MaxAuthTries`), and after four where it is hardened as we harden it.
const MOST_TRIES: usize = 4;

/// Tries the credentials in order. The error lists what was tried and what could not be.
pub(super) fn login(session: &Session, target: &SshTarget, settings: &Settings) -> Result<(), String> {
    let (credentials, mut notes) = order(target, settings);
    let mut tries = Tries {
        session,
        user: &settings.user,
        left: MOST_TRIES,
        refused: Vec::new(),
    };
    for credential in credentials {
        let accepted = match credential {
            Credential::File { key, certificate } => tries.file(&key, certificate.as_deref()),
            Credential::Agent { first, only } => tries.agent(&settings.agent, &first, only, &mut notes),
        };
        match accepted {
            Ok(true) => return Ok(()),
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
    Err([vec![head], notes].concat().join("; "))
}

/// Counts the tries, so that the host does not hang up before the right key.
struct Tries<'a> {
    session: &'a Session,
    user: &'a str,
    left: usize,
    refused: Vec<String>,
}

impl Tries<'_> {
    fn file(&mut self, key: &Path, certificate: Option<&Path>) -> Result<bool, String> {
        let what = match certificate {
            Some(certificate) => format!("{} with {}", key.display(), certificate.display()),
            None => key.display().to_string(),
        };
        let session = self.session;
        let user = self.user;
        self.count(what, || session.userauth_pubkey_file(user, certificate, key, None))
    }

    fn agent(
        &mut self,
        socket: &AgentSocket,
        first: &[Vec<u8>],
        only: bool,
        notes: &mut Vec<String>,
    ) -> Result<bool, String> {
        let open = || -> Result<_, ssh2::Error> {
            let mut agent = self.session.agent()?;
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
            if self.count(what, || agent.userauth(user, &identity))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// One try. The error ends all tries.
    fn count(&mut self, what: String, attempt: impl FnOnce() -> Result<(), ssh2::Error>) -> Result<bool, String> {
        if self.left == 0 {
            return Err(format!(
                "more than {MOST_TRIES} keys were not tried, since hosts hang up then"
            ));
        }
        self.left -= 1;
        match attempt() {
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
}
