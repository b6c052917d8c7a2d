//! What holds of a host's deployment and which values the policy's rows may name: the one place that ties the rows'
//! conditions and angle brackets to the spec.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use crate::catalog::policy::Condition;
use crate::render::auth::AuthView;
use crate::render::auth::KeyView;
use crate::render::inputs::Addresses;
use crate::render::inputs::Inputs;
use crate::render::inputs::MEDIA_PORT;
use crate::render::inputs::Names;
use crate::render::inputs::RELAY_PORTS;
use crate::render::prosody;
use crate::render::settings::Given;
use crate::render::web;
use crate::spec::HostSpec;
use crate::spec::Spec;
use crate::spec::TlsProfile;

/// What the page shows where no patient may be.
const TEST_NOTICE: &str = "TEST: no patients";

/// Everything that rows may ask for.
pub(crate) fn of(spec: &Spec, host: &HostSpec, names: &Names, auth: &AuthView, addresses: &Addresses) -> Given {
    let mut given = Given {
        conditions: conditions(spec, auth, addresses),
        values: names_below(names),
    };
    let pair = web::pair(names);
    let (auth_certificate, auth_key) = prosody::auth_pair(names);
    let private_only = addresses.is_private_only();
    let peers: Vec<String> = addresses.all().iter().map(ToString::to_string).collect();
    given.values.extend([
        ("auth-certificate", json!(auth_certificate)),
        ("auth-key", json!(auth_key)),
        ("certificate", json!(pair.certificate)),
        ("certificate-key", json!(pair.key)),
        ("content-security-policy", json!(web::security_policy(&names.domain))),
        ("first-relay-port", json!(RELAY_PORTS.0)),
        ("host", json!(host.name.as_str())),
        ("last-relay-port", json!(RELAY_PORTS.1)),
        ("max-occupants", json!(spec.security.max_occupants)),
        ("media-port", json!(MEDIA_PORT)),
        // A bridge without a public address is a fault where clients come from the internet; private addresses tell
        // strangers about the network behind.
        ("needs-public", json!(!private_only)),
        ("notice", json!(TEST_NOTICE)),
        ("offers-private", json!(private_only)),
        ("peers", json!(peers)),
        ("retention-days", json!(spec.logging.retention_days)),
        ("session-minutes", json!(spec.security.session_minutes)),
        ("window-spread", json!(spec.maintenance.minutes / 2)),
        ("window-start", json!(spec.maintenance.starts())),
    ]);
    if let Some((own, public)) = addresses.translated() {
        let mapping = json!([{ "local-address": own.to_string(), "public-address": public.to_string() }]);
        given.values.insert("address-mappings", mapping);
        given
            .values
            .insert("external-address", json!(format!("{public}/{own}")));
    }
    given.values.extend(token(auth));
    given
}

fn conditions(spec: &Spec, auth: &AuthView, addresses: &Addresses) -> BTreeSet<Condition> {
    let mut conditions = BTreeSet::from([match spec.security.tls_profile {
        TlsProfile::Intermediate => Condition::Intermediate,
        TlsProfile::Modern => Condition::Modern,
    }]);
    match auth {
        AuthView::Internal => {
            conditions.insert(Condition::Internal);
        }
        AuthView::Token { key, .. } => {
            conditions.insert(Condition::Token);
            conditions.insert(match key {
                KeyView::SharedSecret | KeyView::PublicKey { .. } => Condition::FixedKey,
                KeyView::Jwks { .. } => Condition::Jwks,
            });
        }
    }
    if spec.deployment.environment.is_test() {
        conditions.insert(Condition::Test);
    }
    if addresses.translated().is_some() {
        conditions.insert(Condition::BehindNat);
    }
    if !addresses.all().is_empty() {
        conditions.insert(Condition::KnownPeers);
    }
    conditions
}

fn names_below(names: &Names) -> BTreeMap<&'static str, Value> {
    [
        ("auth", &names.auth),
        ("brewery-jid", &names.brewery_jid),
        ("bridge-jid", &names.bridge_jid),
        ("conference", &names.conference),
        ("domain", &names.domain),
        ("focus", &names.focus),
        ("focus-jid", &names.focus_jid),
        ("guest", &names.guest),
        ("lobby", &names.lobby),
    ]
    .into_iter()
    .map(|(name, value)| (name, json!(value)))
    .collect()
}

fn token(auth: &AuthView) -> Vec<(&'static str, Value)> {
    let AuthView::Token { issuer, audience, key } = auth else {
        return Vec::new();
    };
    let mut values = vec![("token-issuer", json!(issuer)), ("token-audience", json!(audience))];
    values.extend(match key {
        KeyView::SharedSecret => [
            ("token-algorithm", json!("HS256")),
            ("token-key", json!(Inputs::slot("token"))),
        ],
        KeyView::PublicKey { pem } => [("token-algorithm", json!("RS256")), ("token-key", json!(pem))],
        KeyView::Jwks { url } => [("token-algorithm", json!("RS256")), ("token-keys-url", json!(url))],
    });
    values
}
