//! Tokens that a server must refuse: what is wrong with each, and how those are made that need the server's key or its
//! terms. The others are `keyless`'s.

use jsonwebtoken::Algorithm;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::secret::Secret;

use super::forge::LIFETIME;
use super::forge::Signing;
use super::forge::TokenTerms;
use super::forge::claims;
use super::forge::sign;
use super::forge::sign_hmac;
use super::keyless::Likeness;
use super::keyless::tampered;

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
    /// The same in the spellings of the word that readers have let through: `None`.
    UnsignedCapital,
    /// `NONE`.
    UnsignedCapitals,
    /// `nOnE`.
    UnsignedMixed,
    /// An honest head and payload whose signature was taken off.
    SignatureRemoved,
    /// HS256 with the public key as the secret (RFC 8725 2.1).
    PublicKeyAsSecret,
    /// The same by HS384.
    PublicKeyAsSecret384,
    /// The same by HS512.
    PublicKeyAsSecret512,
    /// Signed with the right secret by HS384, which is not the one algorithm that is agreed on.
    OtherAlgorithm384,
    /// Signed with the right secret by HS512.
    OtherAlgorithm512,
    /// Rightly signed, but good for longer than a session may last.
    TooLong,
    /// Rightly signed, but for no audience.
    WithoutAudience,
    /// Rightly signed, but by nobody.
    WithoutIssuer,
    /// Rightly signed, but for every room (`*`).
    AnyRoom,
    /// Rightly signed, but for every room whose name fits a pattern.
    RoomPattern,
    /// Rightly signed, but for another site.
    OtherSite,
    /// Rightly signed, but for every site (`*`).
    AnySite,
    /// Signed with an empty key, which `kid` asks the server to read from `/dev/null`.
    KeyFromPath,
    /// Signed with a key of our own under a `kid` that nobody knows.
    UnknownKey,
    /// Signed with a key of our own that the header brings along (`jwk`, RFC 8725 3.1 and CVE-2018-0114).
    BroughtKey,
    /// Rightly signed, and changed afterwards.
    Tampered,
    /// No token at all, but the parameter is there.
    Empty,
    /// Text that is no token.
    Garbage,
}

impl Forgery {
    /// All of them.
    pub const ALL: [Self; 30] = [
        Self::Expired,
        Self::NotYetValid,
        Self::OtherAudience,
        Self::OtherIssuer,
        Self::WithoutRoom,
        Self::WithoutExpiry,
        Self::OtherKey,
        Self::Unsigned,
        Self::UnsignedCapital,
        Self::UnsignedCapitals,
        Self::UnsignedMixed,
        Self::SignatureRemoved,
        Self::PublicKeyAsSecret,
        Self::PublicKeyAsSecret384,
        Self::PublicKeyAsSecret512,
        Self::OtherAlgorithm384,
        Self::OtherAlgorithm512,
        Self::TooLong,
        Self::WithoutAudience,
        Self::WithoutIssuer,
        Self::AnyRoom,
        Self::RoomPattern,
        Self::OtherSite,
        Self::AnySite,
        Self::KeyFromPath,
        Self::UnknownKey,
        Self::BroughtKey,
        Self::Tampered,
        Self::Empty,
        Self::Garbage,
    ];
}

/// A forged token; an error with the reason where it cannot be made from what is known. `None` where it makes no sense.
pub(super) fn forged(
    forgery: Forgery,
    terms: &TokenTerms,
    domain: &str,
    room: &str,
    now: i64,
) -> Option<Result<Secret, String>> {
    let mut claims = claims(terms, domain, room, now);
    if let Some(made) = Likeness::by_terms(&terms.signing, &claims).forge(forgery) {
        return Some(made);
    }
    match forgery {
        Forgery::PublicKeyAsSecret => return public_key_as_secret(Algorithm::HS256, &terms.signing, &claims),
        Forgery::PublicKeyAsSecret384 => return public_key_as_secret(Algorithm::HS384, &terms.signing, &claims),
        Forgery::PublicKeyAsSecret512 => return public_key_as_secret(Algorithm::HS512, &terms.signing, &claims),
        Forgery::OtherAlgorithm384 => return other_algorithm(Algorithm::HS384, &terms.signing, &claims),
        Forgery::OtherAlgorithm512 => return other_algorithm(Algorithm::HS512, &terms.signing, &claims),
        Forgery::Tampered => return Some(sign(&terms.signing, &claims).and_then(|honest| tampered(&honest))),
        Forgery::TooLong => {
            let longest = i64::from(terms.longest_minutes?) * 60;
            // An hour more than may be, far beyond any tolerance of clocks.
            claims.insert("exp".to_owned(), json!(now + longest + 3600));
        }
        _ => misstate(forgery, &mut claims, now),
    }
    Some(sign(&terms.signing, &claims))
}

/// Changes the one claim that a rightly signed forgery has wrong.
fn misstate(forgery: Forgery, claims: &mut Map<String, Value>, now: i64) {
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    match forgery {
        Forgery::Expired => {
            set("nbf", json!(now - 2 * LIFETIME));
            set("iat", json!(now - 2 * LIFETIME));
            // Far enough in the past for any tolerance of clocks.
            set("exp", json!(now - LIFETIME));
        }
        Forgery::NotYetValid => {
            // Within any limit on how long a token may last, and beyond any tolerance of clocks.
            set("nbf", json!(now + LIFETIME / 2));
        }
        Forgery::OtherAudience => {
            set("aud", json!("another-audience"));
        }
        Forgery::OtherIssuer => {
            set("iss", json!("another-issuer"));
        }
        Forgery::AnyRoom => {
            set("room", json!("*"));
        }
        Forgery::RoomPattern => {
            set("room", json!(".+"));
            set(
                "context",
                json!({"user": {"id": "anteroom-probe"}, "room": {"regex": true}}),
            );
        }
        Forgery::OtherSite => {
            set("sub", json!("another-site.invalid"));
        }
        Forgery::AnySite => {
            set("sub", json!("*"));
        }
        Forgery::WithoutRoom => drop(claims.remove("room")),
        Forgery::WithoutExpiry => drop(claims.remove("exp")),
        Forgery::WithoutAudience => drop(claims.remove("aud")),
        Forgery::WithoutIssuer => drop(claims.remove("iss")),
        // Wrong by their signature.
        _ => {}
    }
}

fn public_key_as_secret(
    algorithm: Algorithm,
    signing: &Signing,
    claims: &Map<String, Value>,
) -> Option<Result<Secret, String>> {
    match signing {
        Signing::Public { pem } => Some(sign_hmac(algorithm, pem.as_bytes(), claims)),
        Signing::Shared(_) | Signing::Elsewhere => None,
    }
}

fn other_algorithm(
    algorithm: Algorithm,
    signing: &Signing,
    claims: &Map<String, Value>,
) -> Option<Result<Secret, String>> {
    match signing {
        Signing::Shared(secret) => Some(sign_hmac(algorithm, secret.expose().as_bytes(), claims)),
        Signing::Public { .. } | Signing::Elsewhere => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::forge::honest;
    use super::*;
    use jsonwebtoken::DecodingKey;
    use jsonwebtoken::Validation;

    const NOW: i64 = 1_800_000_000;
    const SECRET: &str = "00112233445566778899aabbccddeeff";

    fn terms() -> TokenTerms {
        TokenTerms {
            issuer: "clinic".to_owned(),
            audience: "jitsi".to_owned(),
            signing: Signing::Shared(Secret::new(SECRET)),
            longest_minutes: Some(480),
        }
    }

    /// A strict judge with a clock of its own, as a server should be.
    fn accepts(token: &Secret) -> bool {
        let mut strict = Validation::new(Algorithm::HS256);
        strict.set_audience(&["jitsi"]);
        strict.set_issuer(&["clinic"]);
        strict.set_required_spec_claims(&["exp", "iss", "aud"]);
        strict.validate_exp = false;
        let key = DecodingKey::from_secret(SECRET.as_bytes());
        let Ok(data) = jsonwebtoken::decode::<Value>(token.expose(), &key, &strict) else {
            return false;
        };
        let at = |name: &str| data.claims[name].as_i64();
        at("exp").is_some_and(|exp| exp > NOW && exp <= NOW + 480 * 60)
            && at("nbf").is_some_and(|nbf| nbf <= NOW)
            && data.claims["room"] == "r"
            && data.claims["sub"] == "t.example.com"
    }

    #[test]
    fn a_strict_server_takes_the_honest_token_and_no_forged_one() {
        assert!(accepts(&honest(&terms(), "t.example.com", "r", NOW).unwrap()));
        let made = Forgery::ALL
            .into_iter()
            .filter_map(|forgery| Some((forgery, forged(forgery, &terms(), "t.example.com", "r", NOW)?)));
        let made: Vec<Forgery> = made
            .map(|(forgery, token)| {
                assert!(!accepts(&token.unwrap()), "{forgery:?}");
                forgery
            })
            .collect();
        assert_eq!(made.len(), Forgery::ALL.len() - 3);
    }

    #[test]
    fn without_the_key_only_forgeries_that_need_none_are_made() {
        let mut known = terms();
        known.signing = Signing::Public { pem: "PEM".to_owned() };
        let made: Vec<Forgery> = Forgery::ALL
            .into_iter()
            .filter(|forgery| matches!(forged(*forgery, &known, "d.example", "r", NOW), Some(Ok(_))))
            .collect();
        let keyless = [
            Forgery::OtherKey,
            Forgery::Unsigned,
            Forgery::UnsignedCapital,
            Forgery::UnsignedCapitals,
            Forgery::UnsignedMixed,
            Forgery::SignatureRemoved,
            Forgery::PublicKeyAsSecret,
            Forgery::PublicKeyAsSecret384,
            Forgery::PublicKeyAsSecret512,
            Forgery::KeyFromPath,
            Forgery::UnknownKey,
            Forgery::BroughtKey,
            Forgery::Empty,
            Forgery::Garbage,
        ];
        assert_eq!(made, keyless);
        assert!(honest(&known, "d.example", "r", NOW).is_err());
    }
}
