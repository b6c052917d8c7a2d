//! Room tokens as the probe shows them: an honest one, and forged ones that a server must refuse. Pure apart from
//! the random bytes of a wrong key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::secret::Secret;

/// Seconds an honest token of the probe is good for.
const LIFETIME: i64 = 300;

/// On what terms a server accepts tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenTerms {
    /// The only accepted `iss`.
    pub issuer: String,
    /// The only accepted `aud`.
    pub audience: String,
    /// What signatures are checked with.
    pub signing: Signing,
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

/// A token that must not be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgery {
    /// Rightly signed, but its time is over.
    Expired,
    /// Rightly signed, but its time has not begun.
    NotYetValid,
    /// Rightly signed, but for another audience.
    OtherAudience,
    /// Rightly signed, but by another issuer's name.
    OtherIssuer,
    /// Rightly signed, but for no room.
    WithoutRoom,
    /// Rightly signed, but good for ever. Jitsi itself accepts these.
    WithoutExpiry,
    /// Signed with a key of our own.
    OtherKey,
    /// `alg: none` and no signature (RFC 8725 2.1).
    Unsigned,
    /// HS256 with the public key as the secret (RFC 8725 2.1).
    PublicKeyAsSecret,
}

impl Forgery {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Expired,
        Self::NotYetValid,
        Self::OtherAudience,
        Self::OtherIssuer,
        Self::WithoutRoom,
        Self::WithoutExpiry,
        Self::OtherKey,
        Self::Unsigned,
        Self::PublicKeyAsSecret,
    ];
}

/// An honest token for `room`, or why none can be made.
pub(crate) fn honest(terms: &TokenTerms, domain: &str, room: &str, now: i64) -> Result<Secret, String> {
    sign(&terms.signing, &claims(terms, domain, room, now))
}

/// A forged token; an error with the reason where it cannot be made from what is known. `None` where it makes no sense.
pub(crate) fn forged(
    forgery: Forgery,
    terms: &TokenTerms,
    domain: &str,
    room: &str,
    now: i64,
) -> Option<Result<Secret, String>> {
    let mut claims = claims(terms, domain, room, now);
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    match forgery {
        Forgery::Expired => {
            set("nbf", json!(now - 2 * LIFETIME));
            set("iat", json!(now - 2 * LIFETIME));
            // Far enough in the past for any tolerance of clocks.
            set("exp", json!(now - LIFETIME));
        }
        Forgery::NotYetValid => {
            set("nbf", json!(now + 86_400));
            set("exp", json!(now + 86_400 + LIFETIME));
        }
        Forgery::OtherAudience => {
            set("aud", json!("another-audience"));
        }
        Forgery::OtherIssuer => {
            set("iss", json!("another-issuer"));
        }
        Forgery::WithoutRoom => {
            claims.remove("room");
        }
        Forgery::WithoutExpiry => {
            claims.remove("exp");
        }
        Forgery::OtherKey => return Some(sign_wrongly(&terms.signing, &claims)),
        Forgery::Unsigned => return Some(Ok(Secret::new(format!("{}.", unsigned("none", &claims))))),
        Forgery::PublicKeyAsSecret => {
            return match &terms.signing {
                Signing::Public { pem } => Some(sign_hs256(pem.as_bytes(), &claims)),
                Signing::Shared(_) | Signing::Elsewhere => None,
            };
        }
    }
    Some(sign(&terms.signing, &claims))
}

/// The room a token names, read without checking it: `None` for none or for all (`*`).
pub(crate) fn room_of(token: &Secret) -> Option<String> {
    let payload = token.expose().split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&bytes).ok()?;
    let room = claims.get("room")?.as_str()?;
    (room != "*").then(|| room.to_lowercase())
}

fn claims(terms: &TokenTerms, domain: &str, room: &str, now: i64) -> Map<String, Value> {
    let claims = json!({
        "iss": terms.issuer,
        "aud": terms.audience,
        "sub": domain,
        "room": room,
        "iat": now,
        // A minute of grace for clocks that differ.
        "nbf": now - 60,
        "exp": now + LIFETIME,
        "context": {"user": {"id": "anteroom-probe", "name": "Probe", "moderator": true}},
    });
    match claims {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn sign(signing: &Signing, claims: &Map<String, Value>) -> Result<Secret, String> {
    match signing {
        Signing::Shared(secret) => sign_hs256(secret.expose().as_bytes(), claims),
        Signing::Public { .. } | Signing::Elsewhere => {
            Err("the key that signs tokens is not at hand, so no rightly signed token could be made".to_owned())
        }
    }
}

fn sign_wrongly(signing: &Signing, claims: &Map<String, Value>) -> Result<Secret, String> {
    let mut noise = [0; 256];
    getrandom::fill(&mut noise).map_err(|error| format!("this computer gave no random bytes: {error}"))?;
    match signing {
        Signing::Shared(_) => sign_hs256(&noise[..32], claims),
        Signing::Public { .. } | Signing::Elsewhere => {
            let signature = URL_SAFE_NO_PAD.encode(noise);
            Ok(Secret::new(format!("{}.{signature}", unsigned("RS256", claims))))
        }
    }
}

fn sign_hs256(key: &[u8], claims: &Map<String, Value>) -> Result<Secret, String> {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(key))
        .map(Secret::new)
        .map_err(|error| format!("a token could not be signed: {error}"))
}

/// Header and payload without a signature.
fn unsigned(algorithm: &str, claims: &Map<String, Value>) -> String {
    let header = json!({"alg": algorithm, "typ": "JWT"}).to_string();
    let payload = Value::Object(claims.clone()).to_string();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::DecodingKey;
    use jsonwebtoken::Validation;

    const NOW: i64 = 1_800_000_000;

    fn terms() -> TokenTerms {
        TokenTerms {
            issuer: "clinic".to_owned(),
            audience: "jitsi".to_owned(),
            signing: Signing::Shared(Secret::new("00112233445566778899aabbccddeeff")),
        }
    }

    /// A strict judge with a clock of its own, as a server should be.
    fn accepts(token: &Secret) -> bool {
        let mut strict = Validation::new(Algorithm::HS256);
        strict.set_audience(&["jitsi"]);
        strict.set_issuer(&["clinic"]);
        strict.set_required_spec_claims(&["exp", "iss", "aud"]);
        strict.validate_exp = false;
        let key = DecodingKey::from_secret(b"00112233445566778899aabbccddeeff");
        let Ok(data) = jsonwebtoken::decode::<Value>(token.expose(), &key, &strict) else {
            return false;
        };
        let at = |name: &str| data.claims[name].as_i64();
        at("exp").is_some_and(|exp| exp > NOW) && at("nbf").is_some_and(|nbf| nbf <= NOW) && data.claims["room"] == "r"
    }

    #[test]
    fn a_strict_server_takes_the_honest_token_and_no_forged_one() {
        assert!(accepts(&honest(&terms(), "t.example.com", "r", NOW).unwrap()));
        for forgery in Forgery::ALL {
            if let Some(token) = forged(forgery, &terms(), "t.example.com", "r", NOW) {
                assert!(!accepts(&token.unwrap()), "{forgery:?}");
            }
        }
    }

    #[test]
    fn without_the_key_only_forgeries_that_need_none_are_made() {
        let mut known = terms();
        known.signing = Signing::Public { pem: "PEM".to_owned() };
        let made: Vec<Forgery> = Forgery::ALL
            .into_iter()
            .filter(|forgery| matches!(forged(*forgery, &known, "d.example", "r", NOW), Some(Ok(_))))
            .collect();
        assert_eq!(made, [Forgery::OtherKey, Forgery::Unsigned, Forgery::PublicKeyAsSecret]);
        assert!(honest(&known, "d.example", "r", NOW).is_err());
    }

    #[test]
    fn the_room_of_a_given_token_is_read() {
        let token = honest(&terms(), "t.example.com", "Visit-7", NOW).unwrap();
        assert_eq!(room_of(&token).as_deref(), Some("visit-7"));
        assert_eq!(room_of(&Secret::new("nonsense")), None);
    }
}
