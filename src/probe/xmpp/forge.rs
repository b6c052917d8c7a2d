//! Room tokens as the probe shows them: the terms, an honest token, and how tokens are put together. What is wrong with
//! forged ones is `forgery`'s.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::probe::marker;
use crate::secret::Secret;

/// Seconds an honest token of the probe is good for.
pub(super) const LIFETIME: i64 = 300;

/// On what terms a server accepts tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenTerms {
    /// The only accepted `iss`.
    pub issuer: String,
    /// The only accepted `aud`.
    pub audience: String,
    /// What signatures are checked with.
    pub signing: Signing,
    /// The most minutes that a token may still be good for, where the server has such a rule.
    pub longest_minutes: Option<u32>,
}

/// What is known of the key that signs tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signing {
    /// HS256 with this secret: the probe can sign.
    Shared(Secret),
    /// RS256; only the public key is known.
    Public {
        /// PEM, SubjectPublicKeyInfo.
        pem: String,
    },
    /// RS256; the key is elsewhere.
    Elsewhere,
}

/// An honest token for `room`, or why none can be made.
pub(crate) fn honest(terms: &TokenTerms, domain: &str, room: &str, now: i64) -> Result<Secret, String> {
    sign(&terms.signing, &claims(terms, domain, room, now))
}

/// The room a token names, read without checking it: `None` for none or for all (`*`).
pub(crate) fn room_of(token: &Secret) -> Option<String> {
    let payload = token.expose().split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&bytes).ok()?;
    let room = claims.get("room")?.as_str()?;
    (room != "*").then(|| room.to_lowercase())
}

/// An honest token's claims.
pub(super) fn claims(terms: &TokenTerms, domain: &str, room: &str, now: i64) -> Map<String, Value> {
    let claims = json!({
        "iss": terms.issuer,
        "aud": terms.audience,
        "sub": domain,
        "room": room,
        "iat": now,
        // A minute of grace for clocks that differ.
        "nbf": now - 60,
        "exp": now + LIFETIME,
        "context": {"user": {"id": "anteroom-probe", "name": marker(), "moderator": true}},
    });
    match claims {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A token rightly signed.
pub(super) fn sign(signing: &Signing, claims: &Map<String, Value>) -> Result<Secret, String> {
    match signing {
        Signing::Shared(secret) => sign_hmac(Algorithm::HS256, secret.expose().as_bytes(), claims),
        Signing::Public { .. } | Signing::Elsewhere => {
            Err("the key that signs tokens is not at hand, so no rightly signed token could be made".to_owned())
        }
    }
}

/// A token signed by a secret.
pub(super) fn sign_hmac(algorithm: Algorithm, key: &[u8], claims: &Map<String, Value>) -> Result<Secret, String> {
    sign_as(&Header::new(algorithm), &EncodingKey::from_secret(key), claims)
}

/// A token with this header, signed by this key.
pub(super) fn sign_as(header: &Header, key: &EncodingKey, claims: &Map<String, Value>) -> Result<Secret, String> {
    jsonwebtoken::encode(header, claims, key)
        .map(Secret::new)
        .map_err(|error| format!("a token could not be signed: {error}"))
}

/// Header and payload without a signature.
pub(super) fn unsigned(algorithm: &str, key_id: Option<&str>, claims: &Map<String, Value>) -> String {
    let mut header = json!({"alg": algorithm, "typ": "JWT"});
    if let Some(key_id) = key_id {
        header["kid"] = json!(key_id);
    }
    let header = header.to_string();
    let payload = Value::Object(claims.clone()).to_string();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn terms() -> TokenTerms {
        TokenTerms {
            issuer: "clinic".to_owned(),
            audience: "jitsi".to_owned(),
            signing: Signing::Shared(Secret::new("00112233445566778899aabbccddeeff")),
            longest_minutes: Some(480),
        }
    }

    #[test]
    fn the_room_of_a_given_token_is_read() {
        let token = honest(&terms(), "t.example.com", "Visit-7", NOW).unwrap();
        assert_eq!(room_of(&token).as_deref(), Some("visit-7"));
        assert_eq!(room_of(&Secret::new("nonsense")), None);
    }

    proptest::proptest! {
        #[test]
        fn no_given_token_makes_the_reader_panic(text in "[eyJ.=A-Za-z0-9_\\PC-]{0,120}") {
            let _ = room_of(&Secret::new(text));
        }
    }
}
