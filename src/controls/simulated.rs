//! What stood in for the real thing. It is seen, not declared: packages whose repository is signed by a key that the
//! catalog does not know, and a cloud whose calls went elsewhere than to the cloud.

use std::collections::BTreeSet;

use crate::catalog;
use crate::controls::Case;
use crate::controls::cloud::CLOUD;
use crate::facts::cloud::Endpoint;
use crate::seen::Seen;

/// Software that does not come from its real origin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Simulated {
    /// The host; `cloud` where it is none.
    pub host: String,
    /// What, with its version.
    pub what: String,
    /// Why it reads as simulated.
    pub why: String,
}

/// Every such package of every host, and every service of a cloud. A host that was not seen has none here; its controls
/// are unverified.
pub fn simulated(case: &Case) -> Vec<Simulated> {
    let mut rows = services(case);
    for host in case.hosts {
        let Seen::Known(facts) = &host.facts else { continue };
        // What the spec pins, and what a keyring really holds.
        let keys = host.wanted.apt_keys.iter().flat_map(|key| {
            let held = facts.apt_keys.get(&key.path).and_then(|held| held.known().ok());
            std::iter::once(&key.fingerprint).chain(held.into_iter().flatten())
        });
        let unknown: BTreeSet<&str> = keys
            .filter(|fingerprint| catalog::origin_of_key(fingerprint).is_none())
            .map(String::as_str)
            .collect();
        if unknown.is_empty() {
            continue;
        }
        for package in host.wanted.packages.iter().filter(|package| package.origin.is_some()) {
            let version = facts
                .packages
                .known()
                .ok()
                .and_then(|all| all.get(&package.name))
                .map(|state| &state.version);
            if let Some(version) = version {
                rows.push(Simulated {
                    host: host.wanted.host.to_string(),
                    what: format!("{} {version}", package.name),
                    why: format!(
                        "its repository is signed by {}, which is no key of Jitsi",
                        unknown.iter().copied().collect::<Vec<_>>().join(", ")
                    ),
                });
            }
        }
    }
    rows
}

/// Services of a cloud that were asked at an endpoint that is not the cloud's.
fn services(case: &Case) -> Vec<Simulated> {
    let Some(Seen::Known(cloud)) = case.cloud else {
        return Vec::new();
    };
    let others = cloud.facts.endpoints.iter().filter(|endpoint| !endpoint.is_of_aws());
    let row = |endpoint: &Endpoint| Simulated {
        host: CLOUD.to_owned(),
        what: format!("{} of AWS", endpoint.service),
        why: format!(
            "it was asked at {}, which {} names and which is no endpoint of AWS",
            endpoint.url, endpoint.named_by
        ),
    };
    others.map(row).collect()
}
