//! Credentials of a relay: handed out over XMPP, or signed from the server's own secret (the "TURN REST API", which Prosody
//! and coturn share). Knows nothing of how they are sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use md5::Digest;
use md5::Md5;
use ring::hmac;
use serde::Serialize;

use crate::secret::Secret;

/// Whose credential it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// Handed out to a guest.
    Guest,
    /// Handed out to a clinician.
    Clinician,
    /// Signed by us with the server's secret.
    Operator,
}

impl Holder {
    /// The words used in reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::Guest => "a guest's credential",
            Self::Clinician => "a clinician's credential",
            Self::Operator => "a credential signed with the host's secret",
        }
    }
}

/// A user's name and password at a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) holder: Holder,
}

impl Credential {
    /// One that the server takes until `end`, signed with its secret.
    pub(crate) fn signed(secret: &Secret, end: Timestamp) -> Self {
        let user = format!("{}:anteroom-probe", end.as_second());
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose().as_bytes());
        let proof = hmac::sign(&key, user.as_bytes());
        Self {
            password: Secret::new(STANDARD.encode(proof)),
            user,
            holder: Holder::Operator,
        }
    }

    /// What proves to a server of this realm that we hold the password.
    pub(crate) fn key(&self, realm: &str) -> [u8; 16] {
        long_term_key(&self.user, realm, self.password.expose())
    }
}

/// RFC 8489 9.2.2.
pub(crate) fn long_term_key(user: &str, realm: &str, password: &str) -> [u8; 16] {
    let mut digest = Md5::new();
    for part in [user, ":", realm, ":", password] {
        digest.update(part.as_bytes());
    }
    digest.finalize().into()
}

/// When a user's name says that it ends: these names begin with a time in seconds since 1970.
pub(crate) fn end_of(user: &str) -> Option<Timestamp> {
    let seconds = user.split(':').find_map(|part| part.parse().ok())?;
    Timestamp::from_second(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_credential_is_the_one_that_prosody_and_coturn_make() {
        // `printf 1600000000:anteroom-probe | openssl dgst -sha1 -hmac s3cret -binary | base64`
        let made = Credential::signed(&Secret::new("s3cret"), Timestamp::from_second(1_600_000_000).unwrap());
        assert_eq!(made.user, "1600000000:anteroom-probe");
        assert_eq!(made.password.expose(), PASSWORD);
        assert_eq!(end_of(&made.user).unwrap().as_second(), 1_600_000_000);
    }

    #[test]
    fn the_end_is_read_from_either_side_of_the_colon_and_from_nothing_else() {
        assert_eq!(end_of("1600000000").unwrap().as_second(), 1_600_000_000);
        assert_eq!(end_of("guest:1600000000").unwrap().as_second(), 1_600_000_000);
        assert_eq!(end_of("guest"), None);
        assert_eq!(end_of("99999999999999999999"), None);
    }

    const PASSWORD: &str = "EqnIl+lHLGAIa0Y/T6pMZ35FMoY=";
}
