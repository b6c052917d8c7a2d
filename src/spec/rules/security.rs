//! `[security]`: TLS profile, who may open rooms, and how room tokens are judged.

use crate::spec::docket::Refused;
use crate::spec::model::Auth;
use crate::spec::model::Security;
use crate::spec::model::TlsProfile;
use crate::spec::model::TokenAuth;
use crate::spec::model::TokenKey;
use crate::spec::name::Domain;
use crate::spec::problem::Place;
use crate::spec::problem::Problem;
use crate::spec::raw::RawAuth;
use crate::spec::raw::RawSecurity;
use crate::spec::raw::RawSpec;
use crate::spec::raw::RawTlsProfile;
use crate::spec::raw::RawToken;
use crate::spec::raw::RawTokenKey;
use crate::spec::reader::May;
use crate::spec::reader::Spot;
use crate::spec::rules::Bench;
use crate::spec::rules::cloned;
use crate::spec::rules::optional;
use crate::spec::rules::pem;

/// Minutes of a session when the spec does not say: a working day. Automatic logoff is 45 CFR 164.312(a)(2)(iii).
const SESSION_MINUTES: u32 = 480;
/// People in one room when the spec does not say: a visit with family and an interpreter.
const MAX_OCCUPANTS: u32 = 6;
/// The issuer when the spec does not say and tokens are made with the host's secret.
const ISSUER: &str = "anteroom";

/// Judges `[security]`.
pub(crate) fn security(raw: &RawSpec, domain: Option<&Domain>, bench: &mut Bench<'_>) -> Result<Security, Refused> {
    let Some(spot) = raw.security.as_ref().map_err(|refused| *refused)? else {
        return Ok(Security {
            tls_profile: TlsProfile::Intermediate,
            auth: Auth::Token(shared_secret(domain)),
            session_minutes: SESSION_MINUTES,
            max_occupants: MAX_OCCUPANTS,
        });
    };
    let raw = &spot.value;
    let auth = auth(raw, domain, bench);
    let tls_profile = match cloned(&raw.tls_profile)? {
        Some(RawTlsProfile::Modern) => TlsProfile::Modern,
        Some(RawTlsProfile::Intermediate) | None => TlsProfile::Intermediate,
    };
    Ok(Security {
        tls_profile,
        auth: auth?,
        session_minutes: cloned(&raw.session_minutes)?.map_or(SESSION_MINUTES, |count| count.0),
        max_occupants: cloned(&raw.max_occupants)?.map_or(MAX_OCCUPANTS, |count| count.0),
    })
}

/// The token settings of a spec without `[security.token]`.
fn shared_secret(domain: Option<&Domain>) -> TokenAuth {
    TokenAuth {
        issuer: ISSUER.to_owned(),
        audience: domain.map(ToString::to_string).unwrap_or_default(),
        key: TokenKey::SharedSecret,
    }
}

fn auth(raw: &RawSecurity, domain: Option<&Domain>, bench: &mut Bench<'_>) -> Result<Auth, Refused> {
    let token = optional(&raw.token, |token| {
        token_auth(&token.value, &token.place, domain, bench)
    });
    match (cloned(&raw.auth)?, &raw.token) {
        (Some(RawAuth::Internal), Ok(Some(token))) => {
            let message = "`[security.token]` has no meaning with `auth = \"internal\"`";
            let problem = Problem::new("spec/mixed-auth", token.place.clone(), message);
            let help = "remove `[security.token]`, or set `auth = \"token\"`; a server secured by both would be open where \
                        they disagree";
            Err(bench.refuse(problem.help(help)))
        }
        (Some(RawAuth::Internal), _) => Ok(Auth::Internal),
        (Some(RawAuth::Token) | None, _) => Ok(Auth::Token(token?.unwrap_or_else(|| shared_secret(domain)))),
    }
}

fn token_auth(
    raw: &RawToken,
    section: &Place,
    domain: Option<&Domain>,
    bench: &mut Bench<'_>,
) -> Result<TokenAuth, Refused> {
    let kind = cloned(&raw.key).map(|kind| kind.unwrap_or(RawTokenKey::SharedSecret));
    let key = kind.and_then(|kind| token_key(kind, raw, section, bench));
    let standard = match kind {
        Ok(RawTokenKey::SharedSecret) => Some(shared_secret(domain)),
        _ => None,
    };
    let issuer = claim(
        "issuer",
        &raw.issuer,
        standard.as_ref().map(|auth| &auth.issuer),
        section,
        bench,
    );
    let audience = claim(
        "audience",
        &raw.audience,
        standard.as_ref().map(|auth| &auth.audience),
        section,
        bench,
    );
    Ok(TokenAuth {
        issuer: issuer?,
        audience: audience?,
        key: key?,
    })
}

/// An `iss` or `aud` claim: plain characters, since it reaches Lua, and never the wildcard that accepts all.
fn claim(
    key: &str,
    spot: &May<String>,
    standard: Option<&String>,
    section: &Place,
    bench: &mut Bench<'_>,
) -> Result<String, Refused> {
    match spot.as_ref().map_err(|refused| *refused)? {
        Some(spot) => {
            let allowed =
                |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/' | '@' | '+' | '~' | '=');
            let help = "write the one value that the tokens carry; letters, digits and . _ - : / @ + ~ = are allowed";
            bench.plain(&format!("security.token.{key}"), spot, allowed, help)
        }
        None => match standard {
            Some(standard) => Ok(standard.clone()),
            None => {
                let message = format!("the key `{key}` is missing in `[security.token]`");
                let problem = Problem::new("spec/missing-key", section.clone(), message);
                let help = format!(
                    "add `{key} = \"…\"` as your identity provider writes it into its tokens; others' \
                                    tokens made with the same keys must not open rooms"
                );
                Err(bench.refuse(problem.help(help).cite("45 CFR 164.312(d)")))
            }
        },
    }
}

fn token_key(kind: RawTokenKey, raw: &RawToken, section: &Place, bench: &mut Bench<'_>) -> Result<TokenKey, Refused> {
    let file = Companion {
        key: "public_key_file",
        kind: "public-key",
        spot: &raw.public_key_file,
    };
    let url = Companion {
        key: "jwks_url",
        kind: "jwks",
        spot: &raw.jwks_url,
    };
    match kind {
        RawTokenKey::SharedSecret => {
            let absent = [file.must_be_absent(bench), url.must_be_absent(bench)];
            absent.into_iter().collect::<Result<(), Refused>>()?;
            Ok(TokenKey::SharedSecret)
        }
        RawTokenKey::PublicKey => {
            let absent = url.must_be_absent(bench);
            let pem = file
                .must_be_given(section, bench)
                .and_then(|spot| public_key(spot, bench));
            absent?;
            Ok(TokenKey::PublicKey { pem: pem? })
        }
        RawTokenKey::Jwks => {
            let absent = file.must_be_absent(bench);
            let url = url.must_be_given(section, bench).and_then(|spot| jwks_url(spot, bench));
            absent?;
            Ok(TokenKey::Jwks { url: url? })
        }
    }
}

/// A key of `[security.token]` that belongs to one kind of `key`.
struct Companion<'r> {
    key: &'static str,
    kind: &'static str,
    spot: &'r May<String>,
}

impl<'r> Companion<'r> {
    fn must_be_absent(&self, bench: &mut Bench<'_>) -> Result<(), Refused> {
        let Self { key, kind, spot } = self;
        let Some(spot) = spot.as_ref().map_err(|refused| *refused)? else {
            return Ok(());
        };
        let message = format!("`security.token.{key}` is only used with `key = \"{kind}\"`");
        let problem = Problem::new("spec/mixed-token-keys", spot.place.clone(), message);
        Err(bench.refuse(problem.help(format!("set `key = \"{kind}\"`, or remove `{key}`"))))
    }

    fn must_be_given(&self, section: &Place, bench: &mut Bench<'_>) -> Result<&'r Spot<String>, Refused> {
        let Self { key, kind, spot } = self;
        if let Some(spot) = spot.as_ref().map_err(|refused| *refused)? {
            return Ok(spot);
        }
        let message = format!("`key = \"{kind}\"` needs `{key}` in `[security.token]`");
        let problem = Problem::new("spec/missing-key", section.clone(), message);
        Err(bench.refuse(problem.help(format!("add `{key} = \"…\"`"))))
    }
}

fn public_key(spot: &Spot<String>, bench: &mut Bench<'_>) -> Result<String, Refused> {
    let key = "security.token.public_key_file";
    let text = bench.text_file(key, spot)?;
    pem::public_key(&text).map_err(|flaw| {
        let message = format!("`{key}`: {} {}", spot.value, flaw.message);
        let problem = Problem::new("spec/unusable-key", spot.place.clone(), message);
        bench.refuse(problem.help(flaw.help))
    })
}

fn jwks_url(spot: &Spot<String>, bench: &mut Bench<'_>) -> Result<String, Refused> {
    let key = "security.token.jwks_url";
    if !spot.value.starts_with("https://") {
        let message = format!("`{key}` is not an https URL: whoever sits on the way could hand out keys");
        let problem = Problem::new("spec/insecure-url", spot.place.clone(), message);
        let help = "write \"https://…\", the JWKS address of the identity provider";
        return Err(bench.refuse(problem.help(help).cite("45 CFR 164.312(d), 164.312(e)(1)")));
    }
    bench.url(key, spot)
}
