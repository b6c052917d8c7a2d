//! Which credentials to try, in which order, and which cannot be used and why. Reads key files; knows nothing of the
//! connection they are tried on.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use crate::remote::config::AgentSocket;
use crate::remote::config::Settings;
use crate::remote::keys;
use crate::remote::keys::PrivateKey;
use crate::remote::keys::blob_of_line;
use crate::remote::keys::judge_private;
use crate::spec::SshTarget;

/// One thing to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// A private key file, alone or with the certificate made for it.
    File {
        /// The private key.
        key: PathBuf,
        /// The OpenSSH certificate.
        certificate: Option<PathBuf>,
    },
    /// The keys that the agent holds.
    Agent {
        /// Public keys to try first, since a file beside an identity names them.
        first: Vec<Vec<u8>>,
        /// Whether to try only those (`IdentitiesOnly`).
        only: bool,
    },
}

/// The order: the spec's key, the agent, the configured identities. Also what was left out and why.
pub(super) fn order(target: &SshTarget, settings: &Settings) -> (Vec<Credential>, Vec<String>) {
    let mut list = Vec::new();
    let mut notes = Vec::new();
    if let Some(key) = &target.key {
        match usable(key) {
            Ok(true) => files(key, target.certificate.as_deref(), &mut list),
            Ok(false) => notes.push(format!("the key {} does not exist", key.display())),
            Err(why) => notes.push(why),
        }
    }
    let configured = settings
        .identities
        .iter()
        .filter(|key| target.key.as_ref() != Some(*key));
    if settings.agent != AgentSocket::Nobody {
        let wanted = target.key.iter().chain(configured.clone());
        list.push(Credential::Agent {
            first: wanted.filter_map(|key| public_half(key)).collect(),
            only: settings.identities_only,
        });
    }
    for key in configured {
        match usable(key) {
            Ok(true) => {
                let of_this_key = |certificate: &&PathBuf| with_suffix(key, "-cert.pub") == **certificate;
                let certificate = settings.certificates.iter().find(of_this_key).or_else(|| {
                    // One key and one certificate, named as the operator likes.
                    settings.certificates.first().filter(|_| settings.identities.len() == 1)
                });
                files(key, certificate.map(PathBuf::as_path), &mut list);
            }
            // OpenSSH's list of default names is longer than anyone's list of keys.
            Ok(false) => {}
            Err(why) => notes.push(why),
        }
    }
    (list, notes)
}

/// The key with its certificate, named or found beside it, before the bare key.
fn files(key: &Path, certificate: Option<&Path>, list: &mut Vec<Credential>) {
    let beside = with_suffix(key, "-cert.pub");
    let found = certificate
        .map(Path::to_path_buf)
        .or_else(|| beside.is_file().then_some(beside));
    let bare = certificate.is_none();
    if let Some(certificate) = found {
        list.push(Credential::File {
            key: key.to_path_buf(),
            certificate: Some(certificate),
        });
    }
    if bare {
        list.push(Credential::File {
            key: key.to_path_buf(),
            certificate: None,
        });
    }
}

/// Whether a private key can be used without asking anybody; `false`: there is none.
fn usable(key: &Path) -> Result<bool, String> {
    let shown = key.display();
    let text = match fs::read(key) {
        // The copy is wiped by the type.
        Ok(bytes) => zeroize::Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(format!("the key {shown} was not read: {error}")),
    };
    match judge_private(&text) {
        PrivateKey::Plain => Ok(true),
        PrivateKey::Encrypted => Err(format!(
            "the key {shown} has a passphrase and nobody is asked for one here; run `ssh-add {shown}` first"
        )),
        PrivateKey::Other => Err(format!("{shown} is no private key")),
    }
}

/// The type of an unencrypted key in OpenSSH's own format; `None`: it is something else.
pub(super) fn type_of_private(key: &Path) -> Option<String> {
    let text = zeroize::Zeroizing::new(fs::read_to_string(key).ok()?);
    keys::type_of_private(&text)
}

/// The public key in the file beside a private key.
fn public_half(key: &Path) -> Option<Vec<u8>> {
    let text = fs::read_to_string(with_suffix(key, ".pub")).ok()?;
    blob_of_line(&text)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    text.into()
}
