//! The record of what became of a deployment's media: what went, when, how its data was sanitized in the words of NIST SP
//! 800-88, and what shows it (45 CFR 164.310(d)(2)).

use crate::machines::aws::TornDown;
use crate::spec::Spec;

/// What went, a line each.
pub(crate) fn lines(torn: &TornDown) -> Vec<String> {
    torn.removed
        .iter()
        .map(|thing| format!("{} {} in {}", thing.kind, thing.id, thing.region))
        .collect()
}

/// The record.
pub(crate) fn record(spec: &Spec, torn: &TornDown, at: &str) -> serde_json::Value {
    serde_json::json!({
        "schema": "anteroom/disposal/v1",
        "deployment": spec.deployment.name,
        "domain": spec.deployment.domain,
        "spec_sha256": spec.source.sha256,
        "at": at,
        "by": format!("anteroom {}", env!("CARGO_PKG_VERSION")),
        "standard": "NIST SP 800-88 Rev. 1",
        "media": torn.removed,
        "proof": {
            "method": "every enabled region was asked for what carries the deployment's tags, and answered with nothing",
            "regions": torn.swept,
        },
        "left": torn.left,
    })
}
