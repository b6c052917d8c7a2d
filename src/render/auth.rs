//! Who may open a room: the one view that every file takes its authentication settings from.
//!
//! The two topologies must not be mixed. With tokens, Prosody lets nobody but token bearers open rooms and jicofo's
//! own authentication stays off; with accounts, jicofo refuses rooms to guests until a clinician asks, and Prosody
//! knows no tokens. A setting of one topology in a file of the other is how such servers come to be open to anyone.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::render::SecretName;
use crate::spec::Auth;
use crate::spec::Security;
use crate::spec::TokenKey;

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
        key: KeyView,
    },
    /// Accounts.
    Internal,
}

/// What signatures are judged by. The algorithm is always explicit: Prosody would guess it from the key source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyView {
    /// The host's own secret, HS256.
    SharedSecret,
    /// The clinic's public key, RS256.
    PublicKey {
        /// PEM text. The token plugin takes a fixed key of either kind by the same option.
        pem: String,
    },
    /// Keys that an identity provider publishes, RS256.
    Jwks {
        /// Where from.
        url: String,
    },
}

impl AuthView {
    /// The only place that turns the spec's choice into settings.
    pub(crate) fn of(security: &Security) -> Self {
        match &security.auth {
            Auth::Token(token) => Self::Token {
                issuer: token.issuer.clone(),
                audience: token.audience.clone(),
                key: match &token.key {
                    TokenKey::SharedSecret => KeyView::SharedSecret,
                    TokenKey::PublicKey { pem } => KeyView::PublicKey { pem: pem.clone() },
                    TokenKey::Jwks { url } => KeyView::Jwks { url: url.clone() },
                },
            },
            Auth::Internal => Self::Internal,
        }
    }

    /// The secrets that the host makes for itself.
    pub(crate) fn secrets(&self) -> BTreeSet<SecretName> {
        let mut names = vec!["focus", "jvb", "turn"];
        if let Self::Token {
            key: KeyView::SharedSecret,
            ..
        } = self
        {
            names.push("token");
        }
        names.into_iter().map(|name| SecretName(name.to_owned())).collect()
    }
}
