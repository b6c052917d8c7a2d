//! Forged tokens that need no key of the server's: made from what is known of a server's tokens, or from one that somebody
//! was given. Pure apart from the random bytes of keys of our own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use jsonwebtoken::jwk::Jwk;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::secret::Secret;

use super::forge::Signing;
use super::forge::sign_as;
use super::forge::unsigned;
use super::forgery::Forgery;

/// The forger's own RSA key (PKCS #1). It is public and opens nothing: that a server takes it is what must not happen.
const FORGERS_KEY: &[u8] = include_bytes!("forger.der");

/// The modulus of that key (RFC 7518 6.3.1.1).
const FORGERS_MODULUS: &str = "0FvsC5IBXSHut3RETfZc1bKnmcB14iXOsuzYjC4TC-_GGMRdgr34iYEdKrIkeyX5HE-C3KhiQ112cchmNi1Q9EQO3QRsnO7MB51olCozZXjcihXwCYb5-AKf1ePhkY86ec6THDnMIdVK6n-X68fEPf3_vd_5CkSGEZ12155odXIPJ8lUeubR6f_w_yQOcCR7W9lkiv8vMgsWyXliIJ5BZIz5aMayzlHOrQX3gFzFRZZgjVBaK1YFFZDWdVXd0uhCNLBmhi3n5OcrhkK1sQg5ZeAwAS2G5jtdR53hEDczVpiNcwRh6SYiiYleJ9Q8byNkUUjpZjKbN1vanTN42_i4tQ";

/// What an honest token looks like, but for its signature.
#[derive(Debug)]
pub(super) struct Likeness {
    algorithm: String,
    key_id: Option<String>,
    claims: Map<String, Value>,
}

impl Likeness {
    /// Of the tokens that a server takes by its terms.
    pub(super) fn by_terms(signing: &Signing, claims: &Map<String, Value>) -> Self {
        let algorithm = match signing {
            Signing::Shared(_) => "HS256",
            Signing::Public { .. } | Signing::Elsewhere => "RS256",
        };
        Self {
            algorithm: algorithm.to_owned(),
            key_id: None,
            claims: claims.clone(),
        }
    }

    /// Of a token that was given; `None` where it is no token that can be read.
    fn of(token: &Secret) -> Option<Self> {
        let mut parts = token.expose().split('.');
        let mut read = || -> Option<Map<String, Value>> {
            let bytes = URL_SAFE_NO_PAD.decode(parts.next()?.trim_end_matches('=')).ok()?;
            serde_json::from_slice(&bytes).ok()
        };
        let (header, claims) = (read()?, read()?);
        Some(Self {
            algorithm: header.get("alg")?.as_str()?.to_owned(),
            key_id: header.get("kid").and_then(Value::as_str).map(str::to_owned),
            claims,
        })
    }

    /// A forgery in this likeness; `None` where it needs the server's key.
    pub(super) fn forge(&self, forgery: Forgery) -> Option<Result<Secret, String>> {
        Some(match forgery {
            Forgery::Empty => Ok(Secret::new("")),
            Forgery::Garbage => Ok(Secret::new("no.token-at.all")),
            Forgery::OtherKey => self.sign_wrongly(),
            Forgery::Unsigned => Ok(self.without_signature("none")),
            Forgery::UnsignedCapital => Ok(self.without_signature("None")),
            Forgery::UnsignedCapitals => Ok(self.without_signature("NONE")),
            Forgery::UnsignedMixed => Ok(self.without_signature("nOnE")),
            Forgery::SignatureRemoved => Ok(self.without_signature(&self.algorithm)),
            Forgery::KeyFromPath => self.key_from_path(),
            Forgery::UnknownKey => self.unknown_key(),
            Forgery::BroughtKey => self.brought_key(),
            _ => return None,
        })
    }

    fn without_signature(&self, algorithm: &str) -> Secret {
        let head = unsigned(algorithm, self.key_id.as_deref(), &self.claims);
        Secret::new(format!("{head}."))
    }

    fn key_from_path(&self) -> Result<Secret, String> {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("../../../../../../../../dev/null".to_owned());
        sign_as(&header, &EncodingKey::from_secret(b""), &self.claims)
    }

    fn unknown_key(&self) -> Result<Secret, String> {
        let (mut header, key) = self.forgers();
        header.kid = Some("anteroom-probe-unknown".to_owned());
        sign_as(&header, &key, &self.claims)
    }

    fn brought_key(&self) -> Result<Secret, String> {
        let (mut header, key) = self.forgers();
        let public = match self.shares_a_secret() {
            true => json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(FORGERS_KEY)}),
            false => json!({"kty": "RSA", "n": FORGERS_MODULUS, "e": "AQAB"}),
        };
        let jwk: Jwk = serde_json::from_value(public).map_err(|error| format!("no key to bring along: {error}"))?;
        header.jwk = Some(jwk);
        sign_as(&header, &key, &self.claims)
    }

    fn sign_wrongly(&self) -> Result<Secret, String> {
        let mut noise = [0; 32];
        getrandom::fill(&mut noise).map_err(|error| format!("this computer gave no random bytes: {error}"))?;
        let (header, key) = match self.forgers() {
            (header, _) if self.shares_a_secret() => (header, EncodingKey::from_secret(&noise)),
            own => own,
        };
        sign_as(&header, &key, &self.claims)
    }

    /// A key of our own of the kind that the server expects, under the name that it expects.
    fn forgers(&self) -> (Header, EncodingKey) {
        let (algorithm, key) = match self.shares_a_secret() {
            true => (Algorithm::HS256, EncodingKey::from_secret(FORGERS_KEY)),
            false => (Algorithm::RS256, EncodingKey::from_rsa_der(FORGERS_KEY)),
        };
        let mut header = Header::new(algorithm);
        header.kid.clone_from(&self.key_id);
        (header, key)
    }

    fn shares_a_secret(&self) -> bool {
        self.algorithm.starts_with("HS")
    }
}

/// A forgery made of a token that somebody was given; `None` where it needs more than that.
pub(super) fn from_given(forgery: Forgery, token: &Secret) -> Option<Result<Secret, String>> {
    match forgery {
        Forgery::Tampered => Some(tampered(token)),
        _ => Likeness::of(token)?.forge(forgery),
    }
}

/// A token with one more claim, under the signature that it had without.
pub(super) fn tampered(token: &Secret) -> Result<Secret, String> {
    let unreadable = || "the given token cannot be read, so nothing in it could be changed".to_owned();
    let mut likeness = Likeness::of(token).ok_or_else(unreadable)?;
    likeness
        .claims
        .insert("anteroom-probe".to_owned(), json!("changed afterwards"));
    let payload = URL_SAFE_NO_PAD.encode(Value::Object(likeness.claims).to_string());
    match token.expose().split('.').collect::<Vec<_>>().as_slice() {
        [header, _, signature] => Ok(Secret::new(format!("{header}.{payload}.{signature}"))),
        _ => Err(unreadable()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::forge::TokenTerms;
    use super::super::forge::honest;
    use super::*;
    use jsonwebtoken::DecodingKey;
    use jsonwebtoken::Validation;

    const SECRET: &str = "00112233445566778899aabbccddeeff";

    fn given() -> Secret {
        let terms = TokenTerms {
            issuer: "clinic".to_owned(),
            audience: "jitsi".to_owned(),
            signing: Signing::Shared(Secret::new(SECRET)),
            longest_minutes: None,
        };
        honest(&terms, "d.example", "visit-7", 1_800_000_000).unwrap()
    }

    fn accepts(token: &Secret) -> bool {
        let mut strict = Validation::new(Algorithm::HS256);
        strict.set_audience(&["jitsi"]);
        strict.validate_exp = false;
        let key = DecodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::decode::<Value>(token.expose(), &key, &strict).is_ok()
    }

    #[test]
    fn a_given_token_is_forged_in_every_way_that_needs_no_key() {
        let token = given();
        assert!(accepts(&token));
        let made: Vec<Forgery> = Forgery::ALL
            .into_iter()
            .filter(|forgery| match from_given(*forgery, &token) {
                Some(forged) => {
                    let forged = forged.unwrap();
                    assert!(!accepts(&forged) && forged.expose() != token.expose(), "{forgery:?}");
                    true
                }
                None => false,
            })
            .collect();
        let keyless = [
            Forgery::OtherKey,
            Forgery::Unsigned,
            Forgery::UnsignedCapital,
            Forgery::UnsignedCapitals,
            Forgery::UnsignedMixed,
            Forgery::SignatureRemoved,
            Forgery::KeyFromPath,
            Forgery::UnknownKey,
            Forgery::BroughtKey,
            Forgery::Tampered,
            Forgery::Empty,
            Forgery::Garbage,
        ];
        assert_eq!(made, keyless);
    }

    #[test]
    fn a_forgery_keeps_the_claims_and_the_name_of_the_key() {
        let claims = Map::from_iter([("room".to_owned(), json!("visit-7"))]);
        let token = Secret::new(format!("{}.c2ln", unsigned("RS256", Some("key-1"), &claims)));
        for forgery in [Forgery::OtherKey, Forgery::SignatureRemoved, Forgery::Tampered] {
            let forged = from_given(forgery, &token).unwrap().unwrap();
            let seen = Likeness::of(&forged).unwrap();
            assert_eq!(seen.algorithm, "RS256", "{forgery:?}");
            assert_eq!(seen.key_id.as_deref(), Some("key-1"), "{forgery:?}");
            assert_eq!(seen.claims["room"], "visit-7", "{forgery:?}");
        }
    }

    #[test]
    fn what_is_no_token_is_not_forged() {
        assert!(from_given(Forgery::Unsigned, &Secret::new("nonsense")).is_none());
        assert!(
            from_given(Forgery::Tampered, &Secret::new("nonsense"))
                .unwrap()
                .is_err()
        );
    }

    #[test]
    fn the_key_that_is_brought_along_is_the_one_that_signed() {
        let likeness = Likeness::by_terms(&Signing::Elsewhere, &Map::new());
        let token = likeness.forge(Forgery::BroughtKey).unwrap().unwrap();
        let header = jsonwebtoken::decode_header(token.expose()).unwrap();
        let key = DecodingKey::from_jwk(&header.jwk.unwrap()).unwrap();
        let mut fooled = Validation::new(Algorithm::RS256);
        fooled.validate_exp = false;
        fooled.validate_aud = false;
        fooled.required_spec_claims.clear();
        assert!(jsonwebtoken::decode::<Value>(token.expose(), &key, &fooled).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn no_given_token_makes_the_forger_panic(text in "[eyJ.=A-Za-z0-9_\\PC-]{0,120}") {
            let token = Secret::new(text);
            for forgery in Forgery::ALL {
                let _ = from_given(forgery, &token);
            }
        }
    }
}
