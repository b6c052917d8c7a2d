//! Reads one secret from its host, for the length of a run and in memory only. It travels inside the SSH channel.

use std::time::Duration;

use crate::remote::Host;
use crate::remote::RemoteError;
use crate::secret::Secret;

/// The name comes through standard input, so that nothing but this text is ever run.
const SCRIPT: &str = r#"
IFS= read -r name
exec awk -v name="$name" -F= '$1 == name { print $2; found = 1 } END { exit !found }' /etc/anteroom/secrets
"#;

/// Bytes of every secret that the host makes: 256 bit in hexadecimal.
const LENGTH: usize = 64;

/// Why there is no secret. Fragments that fit "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum HostSecretError {
    /// The host was not reached.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The host has none by this name.
    #[error("read the secret {name} on {host}: it has none; `anteroom apply` makes it")]
    Absent {
        /// The host.
        host: String,
        /// The secret's name.
        name: String,
    },
}

/// The secret of this name.
///
/// # Errors
/// Where the host is not reached, or holds no whole secret by this name.
pub fn read(host: &mut dyn Host, name: &str, patience: Duration) -> Result<Secret, HostSecretError> {
    let output = host.run(SCRIPT, format!("{name}\n").as_bytes(), patience)?;
    let absent = || HostSecretError::Absent {
        host: host.name().to_string(),
        name: name.to_owned(),
    };
    let text = String::from_utf8(output.stdout).map_err(|_| absent())?;
    let text = text.trim_end();
    if output.status != 0 || text.len() != LENGTH || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(absent());
    }
    Ok(Secret::new(text))
}
