//! Integrity: the host holds, runs and knows what the spec says, and nothing rewrote it.

use crate::catalog;
use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::controls::drift::from_drift;
use crate::controls::drift::listed;
use crate::facts::PackageState;
use crate::plan::DriftKind;
use crate::seen::Seen;

/// integrity/files-as-rendered. What the host made or fetched for itself (certificates, apt keys) counts as rendered.
pub(crate) fn files_as_rendered(case: &Case) -> Vec<Verdict> {
    let expected = "content, owner and mode as rendered";
    from_drift(
        case,
        "files",
        expected,
        |kind, _| matches!(kind, DriftKind::File | DriftKind::Certificate | DriftKind::Key),
        |host| {
            let count = host.wanted.tree.len() + host.wanted.forbidden.len();
            (count > 0).then(|| format!("{count} paths compared by hash, owner and mode"))
        },
    )
}

/// integrity/packages-as-pinned.
pub(crate) fn packages_as_pinned(case: &Case) -> Vec<Verdict> {
    let expected = "installed, whole, at the pinned version, held";
    from_drift(
        case,
        "packages",
        expected,
        |kind, _| kind == DriftKind::Package,
        |host| {
            let count = host.wanted.packages.len();
            (count > 0).then(|| format!("{count} packages compared"))
        },
    )
}

/// integrity/services-running.
pub(crate) fn services_running(case: &Case) -> Vec<Verdict> {
    let expected = "enabled, active, and started after its configuration changed";
    from_drift(
        case,
        "units",
        expected,
        |kind, _| kind == DriftKind::Unit,
        |host| listed(host.wanted.units.iter().map(|unit| unit.name.clone()), ", "),
    )
}

/// integrity/accounts-as-rendered. A secret that is missing or too short is a password that is.
pub(crate) fn accounts_as_rendered(case: &Case) -> Vec<Verdict> {
    let expected = "present, with the password that the host made";
    from_drift(
        case,
        "accounts",
        expected,
        |kind, _| matches!(kind, DriftKind::Account | DriftKind::Secret),
        |host| listed(host.wanted.accounts.iter().map(|account| account.jid.clone()), ", "),
    )
}

/// integrity/package-origin.
pub(crate) fn package_origin(case: &Case) -> Vec<Verdict> {
    let expected = "from the spec's repository, signed by the pinned key alone";
    let mut verdicts = Vec::new();
    for host in case.hosts {
        for package in &host.wanted.packages {
            let Some(uri) = &package.origin else { continue };
            let subject = host.subject(&package.name);
            let facts = match &host.facts {
                Seen::Known(facts) => facts,
                Seen::Unknown(why) => {
                    let evidence = case.on_host(host, "the host was not seen");
                    verdicts.push(Verdict::unverified(subject, expected, why, evidence));
                    continue;
                }
            };
            let state = facts.packages.known().map(|all| all.get(&package.name));
            verdicts.push(match state {
                Err(why) => Verdict::unverified(subject, expected, why, case.on_host(host, "apt did not say")),
                Ok(None) => Verdict::fail(
                    subject,
                    expected,
                    "not installed",
                    case.on_host(host, "dpkg does not know it"),
                ),
                Ok(Some(state)) if !state.installed => {
                    let observed = format!("version {} is not installed whole", state.version);
                    let evidence = case.on_host(host, observed.clone());
                    Verdict::fail(subject, expected, observed, evidence)
                }
                Ok(Some(PackageState { origins, .. })) => {
                    let detail = format!("the installed version is offered by {}", several(origins));
                    let from_spec = origins.iter().any(|origin| same_repository(origin, uri));
                    let only = origins.iter().all(|origin| same_repository(origin, uri));
                    let keys = pinned_key(case, host);
                    let observed = format!("{detail}; {}", keys.1);
                    let evidence = case.on_host(host, observed.clone());
                    match keys.0 {
                        Seen::Unknown(why) => Verdict::unverified(subject, expected, &why, evidence),
                        Seen::Known(good) => {
                            Verdict::holds(from_spec && only && good, subject, expected, observed, evidence)
                        }
                    }
                }
            });
        }
    }
    verdicts
}

/// Whether the keyrings hold exactly their pinned keys and, in production, keys that the catalog knows; and in words.
fn pinned_key(case: &Case, host: &HostCase) -> (Seen<bool>, String) {
    let Seen::Known(facts) = &host.facts else {
        return (Seen::unknown("the host was not seen"), String::new());
    };
    let mut words = Vec::new();
    let mut good = true;
    for key in &host.wanted.apt_keys {
        match facts.apt_keys.get(&key.path) {
            None => {
                return (
                    Seen::unknown(format!("{} was not looked at", key.path)),
                    words.join("; "),
                );
            }
            Some(Seen::Unknown(why)) => return (Seen::unknown(why), words.join("; ")),
            Some(Seen::Known(found)) => {
                let known = catalog::origin_of_key(&key.fingerprint);
                words.push(format!("{} holds {}", key.path, several(found)));
                words.push(match known {
                    Some(name) => format!("{} is a key of {name}", key.fingerprint),
                    None => format!("{} is no key that the catalog knows", key.fingerprint),
                });
                good &= found.as_slice() == [key.fingerprint.clone()] && (known.is_some() || case.is_test());
            }
        }
    }
    (Seen::Known(good), words.join("; "))
}

/// The whole address counts: `https://download.jitsi.org.example` begins like the real one.
fn same_repository(seen: &str, wanted: &str) -> bool {
    seen.trim_end_matches('/') == wanted.trim_end_matches('/')
}

fn several(items: &[String]) -> String {
    if items.is_empty() {
        "nothing".to_owned()
    } else {
        items.join(", ")
    }
}
