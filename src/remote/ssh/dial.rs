//! Makes connections and judges the key that the host shows. Knows nothing of logins.

use std::fs;
use std::io;
use std::io::ErrorKind;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ssh2::CheckResult;
use ssh2::KnownHostFileKind;
use ssh2::MethodType;
use ssh2::Session;

use crate::remote::RemoteError;
use crate::remote::config::Settings;
use crate::remote::keys::KEY_TYPES;
use crate::remote::keys::fingerprint;
use crate::remote::keys::preference;
use crate::remote::keys::type_of;
use crate::remote::known_hosts::Known;
use crate::remote::known_hosts::Names;
use crate::remote::known_hosts::Verdict;
use crate::remote::ssh::ConnectPolicy;
use crate::remote::ssh::line::Line;
use crate::remote::ssh::reason;
use crate::remote::transport::Transport;

/// Makes connections whose host key was judged.
pub(super) struct Dialer<'a> {
    pub(super) address: String,
    pub(super) settings: &'a Settings,
    pub(super) policy: &'a ConnectPolicy,
}

impl Dialer<'_> {
    /// A connection up to the point where the host has proved that it has its key.
    fn dial(&self, algorithms: &str) -> Result<Line, RemoteError> {
        let timeout = self.policy.timeout;
        let unreachable = |why: String| RemoteError::Unreachable {
            address: self.address.clone(),
            why,
        };
        let transport = Transport::open(self.settings, &self.policy.config, timeout).map_err(unreachable)?;
        let mut line = Line::new(transport).map_err(unreachable)?;
        let greeted = line
            .session
            .method_pref(MethodType::HostKey, algorithms)
            .and_then(|()| line.greet(timeout));
        match greeted {
            Ok(()) => Ok(line),
            Err(error) => Err(unreachable(format!(
                "SSH handshake: {}{}",
                reason(&error),
                line.transport.complaint()
            ))),
        }
    }

    /// Accepts exactly the pinned key. A host has several keys and shows one in a handshake, so the others are asked for.
    pub(super) fn by_fingerprint(&self, pin: &str) -> Result<Line, RemoteError> {
        let mut offered = Vec::new();
        for (index, (key_type, algorithms)) in KEY_TYPES.iter().enumerate() {
            if offered.iter().any(|(seen, _)| seen == key_type) {
                continue;
            }
            let wanted = if index == 0 {
                preference(&[])
            } else {
                (*algorithms).to_owned()
            };
            let line = match self.dial(&wanted) {
                Ok(line) => line,
                // The first handshake takes any key; a later one fails where the host has no key of that type.
                Err(error) if index == 0 => return Err(error),
                Err(_) => continue,
            };
            let blob = self.key_of(&line.session)?;
            if fingerprint(&blob) == pin {
                return Ok(line);
            }
            offered.push((type_of(&blob).to_owned(), fingerprint(&blob)));
        }
        let offered: Vec<String> = offered
            .iter()
            .map(|(key_type, print)| format!("{print} ({key_type})"))
            .collect();
        Err(self.distrust(format!(
            "the spec pins the host key {pin}, the host offers {}; if the host was reinstalled, read the new fingerprint \
             at its console by `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`, else somebody is in between",
            offered.join(", ")
        )))
    }

    /// Accepts a key that a `known_hosts` file holds, or, with `remember`, one of a host that none has heard of.
    pub(super) fn by_known_hosts(&self, remember: Option<&Path>) -> Result<Line, RemoteError> {
        let names = match &self.settings.alias {
            Some(alias) => Names::of(alias, 22),
            None => Names::of(&self.settings.host, self.settings.port),
        };
        let configured = self.policy.known_hosts.as_ref().unwrap_or(&self.settings.known_hosts);
        let mut known = Known::default();
        for file in configured.iter().map(PathBuf::as_path).chain(remember) {
            let text = match fs::read(file) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(self.distrust(format!("{} was not read: {error}", file.display()))),
            };
            known.read(&file.display().to_string(), &text, &names, &mut is_hash_of);
        }
        let line = self.dial(&preference(&known.types()))?;
        let blob = self.key_of(&line.session)?;
        let (key_type, print) = (type_of(&blob), fingerprint(&blob));
        let host = &names.exact;
        match (known.judge(&blob), remember) {
            (Verdict::Trusted, _) => Ok(line),
            (Verdict::Unknown { .. }, Some(file)) => {
                let entry = format!("{host} {key_type} {}\n", STANDARD.encode(&blob));
                append(file, &entry).map_err(|error| {
                    self.distrust(format!("its key could not be remembered in {}: {error}", file.display()))
                })?;
                Ok(line)
            }
            (Verdict::Unknown { authority }, None) => Err(self.distrust(format!(
                "no known_hosts file has a key for {host}, the host offers {print} ({key_type}); compare it with what \
                 `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints at the host's console, then connect once with \
                 `ssh` or write the fingerprint into the spec{}",
                authority.map(|at| format!(" (the authority of {at} is not followed)")).unwrap_or_default()
            ))),
            (Verdict::Changed(expected), _) => {
                let expected: Vec<String> = expected.iter().map(|(print, at)| format!("{print} ({at})")).collect();
                Err(self.distrust(format!(
                    "the key of {host} has changed: expected {}, the host offers {print} ({key_type}); if the host was \
                     reinstalled, compare at its console and run `ssh-keygen -R {host:?}`, else somebody is in between",
                    expected.join(", ")
                )))
            }
            (Verdict::Revoked, _) => Err(self.distrust(format!("its key {print} ({key_type}) is marked @revoked"))),
        }
    }

    fn key_of(&self, session: &Session) -> Result<Vec<u8>, RemoteError> {
        let key = session.host_key().map(|(blob, _)| blob.to_vec());
        key.ok_or_else(|| self.distrust("the host offered no key".to_owned()))
    }

    fn distrust(&self, why: String) -> RemoteError {
        RemoteError::HostKey {
            address: self.address.clone(),
            why,
        }
    }
}

/// Whether a hashed `known_hosts` field stands for a name. libssh2 compares names and keys in one go, so the line gets a
/// key that nobody has, and both of its "the name is known" answers count.
fn is_hash_of(field: &str, name: &str) -> bool {
    let ask = || -> Result<CheckResult, ssh2::Error> {
        let mut known = Session::new()?.known_hosts()?;
        known.read_str(
            &format!("{field} ssh-rsa {}", STANDARD.encode("nobody's key")),
            KnownHostFileKind::OpenSSH,
        )?;
        Ok(known.check(name, b"another"))
    };
    matches!(ask(), Ok(CheckResult::Match | CheckResult::Mismatch))
}

/// Adds one line to a file that only the operator reads.
fn append(file: &Path, entry: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)?;
    file.write_all(entry.as_bytes())
}
