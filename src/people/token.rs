//! Room names, room tokens and the links that people are sent. Pure apart from the random bytes of a room name; it knows
//! neither hosts nor where the signing key comes from.
//!
//! Guests get no token. Jitsi's `mod_muc_wait_for_host` takes everyone who comes with a token for the host, whatever the
//! token says of moderation, so a guest with one would open the room and empty the lobby into it. Guests come in through
//! `guest.<domain>`, which `token_verification_allowlist` exempts, and wait in the lobby; all they need is the room's
//! unguessable name.

use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use serde::Serialize;

use crate::secret::Secret;
use crate::spec::Domain;
use crate::spec::TokenAuth;
use crate::spec::TokenKey;

/// Longest life of a token in seconds: one day.
pub const LONGEST: u64 = 24 * 60 * 60;

/// Shortest accepted signing key in bytes: HS256 wants as many as its digest has (RFC 7518 3.2).
const KEY: usize = 32;

/// Seconds by which the clocks of two computers may differ.
const GRACE: i64 = 60;

/// Letters and digits that are told apart when read aloud; 32 of them, so five bits each.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// Why no token was made. Fragments that fit "failed to …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The life asked for is zero or longer than a day.
    #[error("make a token for {0} seconds: 1 to {LONGEST} are allowed")]
    Lifetime(u64),
    /// The room's name is not one that all parts of Jitsi read alike.
    #[error("make a token for the room {name:?}: {why}")]
    Room {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Another party signs.
    #[error("sign a token: this server takes tokens of the clinic's identity provider, whose private key is not here")]
    SignedElsewhere,
    /// The secret is too short to sign with.
    #[error("sign a token: the secret has {0} bytes, {KEY} are needed (RFC 7518 3.2)")]
    WeakKey(usize),
    /// The library would not sign.
    #[error("sign a token: {0}")]
    Signing(String),
    /// No random bytes.
    #[error("make a room name: {0}")]
    Random(String),
}

/// A room's name: lower-case letters, digits and inner hyphens. A wildcard or a pattern cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RoomName(String);

impl RoomName {
    /// A new name with 120 random bits, in four groups of six characters.
    ///
    /// # Errors
    /// Where the operating system gives no random bytes.
    pub fn random() -> Result<Self, TokenError> {
        let mut bytes = [0; 24];
        getrandom::fill(&mut bytes).map_err(|error| TokenError::Random(error.to_string()))?;
        let mut name = String::with_capacity(27);
        for (index, byte) in bytes.iter().enumerate() {
            if index > 0 && index % 6 == 0 {
                name.push('-');
            }
            name.push(char::from(ALPHABET[usize::from(byte % 32)]));
        }
        Ok(Self(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RoomName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::str::FromStr for RoomName {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let fault = |why| TokenError::Room {
            name: text.to_owned(),
            why,
        };
        if text.is_empty() || text.len() > 64 {
            return Err(fault("1 to 64 characters are allowed"));
        }
        if !text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            return Err(fault("only a to z, 0 to 9 and hyphens are allowed, in lower case"));
        }
        if text.starts_with('-') || text.ends_with('-') {
            return Err(fault("it begins or ends with a hyphen"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The host of a room: whoever opens it and lets the guests in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomHost {
    /// The display name.
    pub name: String,
    /// An identifier that the audit log keeps.
    pub id: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    room: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    context: Context<'a>,
}

#[derive(Serialize)]
struct Context<'a> {
    user: User<'a>,
}

#[derive(Serialize)]
struct User<'a> {
    id: &'a str,
    name: &'a str,
    moderator: bool,
}

/// A token that lets `host` open one room of `domain` from now on, for `ttl` seconds, signed with the server's secret.
///
/// # Errors
/// Where the life is out of bounds, the key is weak, or the server takes only tokens that others sign.
pub fn mint(
    auth: &TokenAuth,
    key: &Secret,
    domain: &Domain,
    room: &RoomName,
    host: &RoomHost,
    ttl: u64,
    now: Timestamp,
) -> Result<Secret, TokenError> {
    if auth.key != TokenKey::SharedSecret {
        return Err(TokenError::SignedElsewhere);
    }
    let bytes = key.expose().as_bytes();
    if bytes.len() < KEY {
        return Err(TokenError::WeakKey(bytes.len()));
    }
    let life = i64::try_from(ttl)
        .ok()
        .filter(|_| (1..=LONGEST).contains(&ttl))
        .ok_or(TokenError::Lifetime(ttl))?;
    let now = now.as_second();
    let claims = Claims {
        iss: &auth.issuer,
        aud: &auth.audience,
        sub: domain.as_str(),
        room: room.as_str(),
        iat: now,
        nbf: now - GRACE,
        exp: now + life,
        context: Context {
            user: User {
                id: &host.id,
                name: &host.name,
                moderator: true,
            },
        },
    };
    jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(bytes),
    )
    .map(Secret::new)
    .map_err(|error| TokenError::Signing(error.to_string()))
}

/// The link to a room: with a token for its host, without one for its guests.
///
/// The token is in the query, as Jitsi's client wants it, so a host's link opens the room for whoever holds it until the
/// token ends. Hence a `Secret` comes back for both.
pub fn link(domain: &Domain, room: &RoomName, token: Option<&Secret>) -> Secret {
    match token {
        Some(token) => Secret::new(format!("https://{domain}/{room}?jwt={}", token.expose())),
        None => Secret::new(format!("https://{domain}/{room}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::DecodingKey;
    use jsonwebtoken::Validation;
    use serde_json::Value;

    const SECRET: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn auth(key: TokenKey) -> TokenAuth {
        TokenAuth {
            issuer: "clinic-east".to_owned(),
            audience: "jitsi".to_owned(),
            key,
        }
    }

    fn attempt(key: TokenKey, secret: &str, ttl: u64) -> Result<Secret, TokenError> {
        let host = RoomHost {
            name: "Dr. Example".to_owned(),
            id: "dr-example".to_owned(),
        };
        let domain = "telemed.example.com".parse().unwrap();
        let room = "visit-7".parse().unwrap();
        mint(
            &auth(key),
            &Secret::new(secret),
            &domain,
            &room,
            &host,
            ttl,
            Timestamp::now(),
        )
    }

    #[test]
    fn a_token_is_good_for_one_room_of_one_domain_for_a_while() {
        let token = attempt(TokenKey::SharedSecret, SECRET, 900).unwrap();
        let mut strict = Validation::new(Algorithm::HS256);
        strict.set_audience(&["jitsi"]);
        strict.set_issuer(&["clinic-east"]);
        strict.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        strict.validate_nbf = true;
        let key = DecodingKey::from_secret(SECRET.as_bytes());
        let claims = jsonwebtoken::decode::<Value>(token.expose(), &key, &strict)
            .unwrap()
            .claims;
        assert_eq!(claims["room"], "visit-7");
        assert_eq!(claims["sub"], "telemed.example.com");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
        assert_eq!(claims["context"]["user"]["moderator"], true);
    }

    #[test]
    fn a_life_of_nothing_or_of_more_than_a_day_is_refused() {
        for ttl in [0, LONGEST + 1, u64::MAX] {
            assert_eq!(
                attempt(TokenKey::SharedSecret, SECRET, ttl),
                Err(TokenError::Lifetime(ttl))
            );
        }
        assert!(attempt(TokenKey::SharedSecret, SECRET, LONGEST).is_ok());
    }

    #[test]
    fn a_weak_key_and_a_key_elsewhere_are_refused() {
        assert_eq!(
            attempt(TokenKey::SharedSecret, "short", 60),
            Err(TokenError::WeakKey(5))
        );
        let public = TokenKey::PublicKey { pem: "PEM".to_owned() };
        assert_eq!(attempt(public, SECRET, 60), Err(TokenError::SignedElsewhere));
    }

    #[test]
    fn random_rooms_differ_and_are_names_that_jitsi_reads() {
        let one = RoomName::random().unwrap();
        assert_eq!(one.as_str().parse(), Ok(one.clone()));
        assert_ne!(one, RoomName::random().unwrap());
        assert_eq!(one.as_str().len(), 27);
    }

    #[test]
    fn wildcards_patterns_and_upper_case_are_no_rooms() {
        for name in ["", "*", "Visit", "a b", "a/b", ".*", "-a", "a-", "a?jwt=b"] {
            assert!(name.parse::<RoomName>().is_err(), "{name}");
        }
    }

    #[test]
    fn a_guest_link_holds_no_token() {
        let domain = "telemed.example.com".parse().unwrap();
        let room = "visit-7".parse().unwrap();
        assert_eq!(
            link(&domain, &room, None).expose(),
            "https://telemed.example.com/visit-7"
        );
        let hosted = link(&domain, &room, Some(&Secret::new("a.b.c")));
        assert_eq!(hosted.expose(), "https://telemed.example.com/visit-7?jwt=a.b.c");
        assert_eq!(format!("{hosted:?}"), "<secret>");
    }
}
