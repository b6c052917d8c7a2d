//! Judges facts and sightings against the spec. Pure functions, one family a file; what decides here does not look.

pub mod access;
pub mod administrative;
pub mod availability;
pub mod case;
mod doors;
mod drift;
pub mod encryption;
pub mod exposure;
pub mod finding;
pub mod integrity;
mod kernel;
pub mod leakage;
pub mod logging;
pub mod policy;
mod sandbox;
pub mod simulated;
mod upkeep;

pub use case::Case;
pub use case::HostCase;
pub use finding::Evidence;
pub use finding::Finding;
pub use finding::Source;
pub use finding::Status;
pub use finding::Verdict;
pub use simulated::Simulated;
pub use simulated::simulated;

use std::cmp::Reverse;

use crate::catalog;
use crate::catalog::Control;
use crate::plan::DriftRow;
use crate::seen::Seen;
use crate::spec::Waiver;

/// A control's judgement over everything that was seen.
type Judge = fn(&Case) -> Vec<Verdict>;

/// From where a control looks; a probe without a spec has only the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Outside,
    Host,
    Paper,
}

/// Every control and its judge. A test holds this table, the catalog and docs/controls.md together.
const JUDGES: &[(&str, View, Judge)] = &[
    (
        "encryption/legacy-tls-refused",
        View::Outside,
        encryption::legacy_tls_refused,
    ),
    (
        "encryption/modern-tls-offered",
        View::Outside,
        encryption::modern_tls_offered,
    ),
    (
        "encryption/certificate-valid",
        View::Outside,
        encryption::certificate_valid,
    ),
    (
        "encryption/http-redirects-only",
        View::Outside,
        encryption::http_redirects_only,
    ),
    ("encryption/hsts", View::Outside, encryption::hsts),
    (
        "encryption/weak-suites-refused",
        View::Outside,
        encryption::weak_suites_refused,
    ),
    ("encryption/ssh-algorithms", View::Outside, encryption::ssh_algorithms),
    ("access/stranger-refused", View::Outside, access::stranger_refused),
    (
        "access/registration-not-offered",
        View::Outside,
        access::registration_not_offered,
    ),
    (
        "access/service-domain-closed",
        View::Outside,
        access::service_domain_closed,
    ),
    (
        "access/guest-cannot-create-room",
        View::Outside,
        access::guest_cannot_create_room,
    ),
    ("access/brewery-closed", View::Outside, access::brewery_closed),
    (
        "access/forged-tokens-refused",
        View::Outside,
        access::forged_tokens_refused,
    ),
    (
        "access/clinician-can-open-room",
        View::Outside,
        access::clinician_can_open_room,
    ),
    ("access/secrets-private", View::Host, access::secrets_private),
    ("access/ssh-keys-only", View::Host, access::ssh_keys_only),
    ("access/no-unknown-admins", View::Host, access::no_unknown_admins),
    ("leakage/config-own-origins", View::Outside, leakage::config_own_origins),
    ("leakage/config-hygiene", View::Outside, leakage::config_hygiene),
    ("exposure/only-spec-ports", View::Outside, exposure::only_spec_ports),
    (
        "exposure/only-spec-listeners",
        View::Host,
        exposure::only_spec_listeners,
    ),
    ("exposure/firewall-in-force", View::Host, exposure::firewall_in_force),
    ("integrity/files-as-rendered", View::Host, integrity::files_as_rendered),
    ("integrity/policy-in-force", View::Host, policy::policy_in_force),
    (
        "integrity/packages-as-pinned",
        View::Host,
        integrity::packages_as_pinned,
    ),
    ("integrity/package-origin", View::Host, integrity::package_origin),
    ("integrity/services-running", View::Host, integrity::services_running),
    (
        "integrity/accounts-as-rendered",
        View::Host,
        integrity::accounts_as_rendered,
    ),
    ("integrity/sandboxes-in-force", View::Host, sandbox::sandboxes_in_force),
    ("integrity/kernel-settings", View::Host, kernel::kernel_settings),
    ("leakage/swap-encrypted", View::Host, kernel::swap_encrypted),
    ("logging/clock-synchronised", View::Host, upkeep::clock_synchronised),
    ("availability/security-upgrades", View::Host, upkeep::security_upgrades),
    ("logging/clock-right", View::Host, logging::clock_right),
    (
        "availability/domain-points-here",
        View::Host,
        availability::domain_points_here,
    ),
    ("availability/media-path", View::Host, availability::media_path),
    ("administrative/baa-recorded", View::Paper, administrative::baa_recorded),
    (
        "administrative/security-official-named",
        View::Paper,
        administrative::security_official_named,
    ),
];

/// Judges every control that the case has a view for. The worst comes first, then the catalog's order.
pub fn judge(case: &Case) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, view, judge) in JUDGES {
        if case.spec.is_none() && *view != View::Outside {
            continue;
        }
        let control = catalog::control(id).expect("a test holds the table and the catalog together");
        let mut verdicts = judge(case);
        // Without a spec some controls do not apply; with one, silence must not read as consent.
        if verdicts.is_empty() && case.spec.is_some() {
            let why = "there was nothing to look at";
            let evidence = case.in_spec(why);
            verdicts.push(Verdict::unverified(case.domain.as_str(), &control.title, why, evidence));
        }
        findings.extend(verdicts.into_iter().map(|verdict| finding(case, control, verdict)));
    }
    findings.sort_by_key(|finding| Reverse((finding.status, finding.control.severity)));
    findings
}

/// Every difference of every host that was seen, with the host's name.
pub fn drift_rows(case: &Case) -> Vec<(String, DriftRow)> {
    let mut rows = Vec::new();
    for host in case.hosts {
        if let Seen::Known(seen) = &host.compared {
            rows.extend(seen.drift.iter().map(|row| (host.wanted.host.to_string(), row.clone())));
        }
    }
    rows
}

/// The finding, with the waiver that accepts a failure today, or with a word on one that does so no longer.
fn finding(case: &Case, control: &'static Control, verdict: Verdict) -> Finding {
    if verdict.status() != Status::Fail {
        return verdict.into_finding(control, None);
    }
    let about: Vec<&Waiver> = case
        .spec
        .iter()
        .flat_map(|spec| &spec.waivers)
        .filter(|waiver| is_about(waiver, &control.id, verdict.subject()))
        .collect();
    let in_force = about
        .iter()
        .find(|waiver| (waiver.created..=waiver.expires).contains(&case.today));
    match (in_force, about.iter().max_by_key(|waiver| waiver.expires)) {
        (Some(waiver), _) => verdict.into_finding(control, Some(waiver)),
        (None, Some(waiver)) => {
            let evidence = case.in_spec(format!("[[waiver]] for {} expires {}", waiver.control, waiver.expires));
            verdict.no_longer_waived(waiver, evidence).into_finding(control, None)
        }
        (None, None) => verdict.into_finding(control, None),
    }
}

fn is_about(waiver: &Waiver, control: &str, subject: &str) -> bool {
    waiver.control == control && (waiver.subject == "*" || waiver.subject == subject)
}

#[cfg(test)]
mod tests;
