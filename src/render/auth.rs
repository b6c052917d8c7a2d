//! Who may open a room: the one view that every file takes its authentication settings from.
//!
//! The two topologies must not be mixed. With tokens, Prosody lets nobody but token bearers open rooms and jicofo's
//! own authentication stays off; with accounts, jicofo refuses rooms to guests until a clinician asks, and Prosody
//! knows no tokens. A setting of one topology in a file of the other is how such servers come to be open to anyone.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::render::SecretName;
use crate::render::inputs::Inputs;
use crate::render::inputs::Names;
use crate::spec::Auth;
use crate::spec::Security;
use crate::spec::TokenKey;

/// The secret that signs room tokens.
const TOKEN_SECRET: &str = "token";

/// The topology with all that follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "topology", rename_all = "snake_case")]
pub(crate) enum AuthView {
    /// Room tokens.
    Token {
        /// `app_id` and the only accepted `iss`.
        issuer: String,
        /// The only accepted `aud`.
        audience: String,
        /// What signatures are judged by.
        #[serde(flatten)]
        key: KeyView,
        /// The XMPP host whose users need no token to reach a waiting room.
        tokenless: String,
    },
    /// Accounts.
    Internal {
        /// The XMPP host whose users may open rooms.
        login_domain: String,
        /// Minutes until a clinician has to log in again.
        session_minutes: u32,
    },
}

/// What signatures are judged by. The algorithm is always explicit: Prosody would guess it from the key source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "key_source", rename_all = "snake_case")]
pub(crate) enum KeyView {
    /// The host's own secret.
    SharedSecret {
        /// JWT `alg`.
        algorithm: &'static str,
        /// A slot.
        app_secret: String,
    },
    /// The clinic's public key.
    PublicKey {
        /// JWT `alg`.
        algorithm: &'static str,
        /// PEM text. The token plugin takes a fixed key of either kind by this option.
        app_secret: String,
    },
    /// Keys that an identity provider publishes.
    Jwks {
        /// JWT `alg`.
        algorithm: &'static str,
        /// Where from.
        cache_keys_url: String,
    },
}

impl AuthView {
    /// The only place that turns the spec's choice into settings.
    pub(crate) fn of(security: &Security, names: &Names) -> Self {
        match &security.auth {
            Auth::Token(token) => Self::Token {
                issuer: token.issuer.clone(),
                audience: token.audience.clone(),
                key: KeyView::of(&token.key),
                tokenless: names.guest.clone(),
            },
            Auth::Internal => Self::Internal {
                login_domain: names.domain.clone(),
                session_minutes: security.session_minutes,
            },
        }
    }

    /// The secrets that the host makes for itself.
    pub(crate) fn secrets(&self) -> BTreeSet<SecretName> {
        let mut names = vec!["focus", "jvb", "turn"];
        if let Self::Token {
            key: KeyView::SharedSecret { .. },
            ..
        } = self
        {
            names.push(TOKEN_SECRET);
        }
        names.into_iter().map(|name| SecretName(name.to_owned())).collect()
    }
}

impl KeyView {
    fn of(key: &TokenKey) -> Self {
        match key {
            TokenKey::SharedSecret => Self::SharedSecret {
                algorithm: "HS256",
                app_secret: Inputs::slot(TOKEN_SECRET),
            },
            TokenKey::PublicKey { pem } => Self::PublicKey {
                algorithm: "RS256",
                app_secret: pem.clone(),
            },
            TokenKey::Jwks { url } => Self::Jwks {
                algorithm: "RS256",
                cache_keys_url: url.clone(),
            },
        }
    }
}
