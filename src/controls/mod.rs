//! Judges facts and sightings against the spec. Pure functions, one family a file; what decides here does not look.

pub mod access;
pub mod administrative;
pub mod availability;
pub mod call;
pub mod case;
mod content_policy;
mod disks;
mod documents;
mod doors;
mod drift;
pub mod encryption;
pub mod exposure;
pub mod finding;
mod fixes;
mod foreign_pages;
mod headers;
mod inside;
pub mod integrity;
mod journal;
mod kernel;
pub mod leakage;
mod links;
mod live;
pub mod logging;
mod logins;
mod options;
pub mod policy;
mod records;
mod relay;
mod relay_peers;
mod remains;
mod sandbox;
mod secrets;
mod session;
pub mod simulated;
mod ssh;
mod suites;
mod upkeep;
mod weaknesses;

pub use case::Case;
pub use case::HostCase;
pub use case::tls_profile_of;
pub use finding::Evidence;
pub use finding::Finding;
pub use finding::Source;
pub use finding::Status;
pub use finding::Verdict;
pub use session::tls_attacks;
pub use simulated::Simulated;
pub use simulated::simulated;

use std::cmp::Reverse;

use crate::catalog;
use crate::catalog::Control;
use crate::controls::records::Review;
use crate::controls::records::WAIVERS_IN_ORDER;
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
        "encryption/redirect-stays-home",
        View::Outside,
        foreign_pages::redirect_stays_home,
    ),
    ("encryption/cookies-secure", View::Outside, headers::cookies_secure),
    (
        "encryption/weak-suites-refused",
        View::Outside,
        encryption::weak_suites_refused,
    ),
    ("encryption/disks-encrypted", View::Host, disks::disks_encrypted),
    ("encryption/suites-in-profile", View::Outside, suites::suites_in_profile),
    ("encryption/key-exchange", View::Outside, suites::key_exchange),
    (
        "encryption/handshake-signatures",
        View::Outside,
        suites::handshake_signatures,
    ),
    (
        "encryption/certificate-strength",
        View::Outside,
        suites::certificate_strength,
    ),
    ("encryption/tls-named-attacks", View::Outside, session::named_attacks),
    (
        "encryption/session-protected",
        View::Outside,
        session::session_protected,
    ),
    ("encryption/same-everywhere", View::Outside, session::same_everywhere),
    ("encryption/xmpp-starttls", View::Outside, session::xmpp_starttls),
    ("encryption/ssh-algorithms", View::Outside, ssh::algorithms),
    ("encryption/ssh-terrapin", View::Outside, ssh::terrapin),
    ("encryption/media-fingerprints", View::Outside, call::media_fingerprints),
    ("encryption/media-aead", View::Outside, call::media_aead),
    (
        "encryption/plain-media-refused",
        View::Outside,
        call::plain_media_refused,
    ),
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
        "access/foreign-pages-refused",
        View::Outside,
        foreign_pages::foreign_pages_refused,
    ),
    ("access/framing-refused", View::Outside, content_policy::framing_refused),
    (
        "access/devices-own-page-only",
        View::Outside,
        headers::devices_own_page_only,
    ),
    (
        "access/forged-tokens-refused",
        View::Outside,
        access::forged_tokens_refused,
    ),
    (
        "access/wrong-passwords-refused",
        View::Outside,
        live::wrong_passwords_refused,
    ),
    ("access/moderators-are-hosts", View::Outside, live::moderators_are_hosts),
    ("access/lobby-holds-guests", View::Outside, live::lobby_holds_guests),
    (
        "access/clinician-can-open-room",
        View::Outside,
        access::clinician_can_open_room,
    ),
    ("access/patient-waits", View::Outside, call::patient_waits),
    (
        "access/ice-credentials-checked",
        View::Outside,
        call::ice_credentials_checked,
    ),
    ("access/secrets-private", View::Host, access::secrets_private),
    ("access/ssh-keys-only", View::Host, access::ssh_keys_only),
    ("access/ssh-offers-keys-only", View::Outside, ssh::offers_keys_only),
    ("access/no-unknown-admins", View::Host, access::no_unknown_admins),
    ("access/mfa-at-identity-provider", View::Paper, documents::document),
    ("access/break-glass", View::Paper, documents::document),
    (
        "access/no-secrets-out-of-place",
        View::Host,
        secrets::no_secrets_out_of_place,
    ),
    ("access/files-private", View::Host, secrets::files_private),
    ("access/setuid-programs", View::Host, secrets::setuid_programs),
    ("access/no-unknown-logins", View::Host, logins::no_unknown_logins),
    (
        "access/relay-credentials-short-lived",
        View::Outside,
        relay::relay_credentials_short_lived,
    ),
    (
        "access/relay-credentials-end",
        View::Outside,
        relay::relay_credentials_end,
    ),
    (
        "leakage/relay-version-hidden",
        View::Outside,
        relay::relay_version_hidden,
    ),
    ("leakage/config-own-origins", View::Outside, leakage::config_own_origins),
    ("leakage/config-hygiene", View::Outside, leakage::config_hygiene),
    ("leakage/log-hygiene", View::Host, journal::log_hygiene),
    ("leakage/no-upstream-hosts", View::Host, remains::no_upstream_hosts),
    ("leakage/rooms-not-listed", View::Outside, leakage::rooms_not_listed),
    ("leakage/own-origins-only", View::Outside, links::own_origins_only),
    ("leakage/link-overrides", View::Outside, links::link_overrides),
    ("leakage/content-policy", View::Outside, content_policy::content_policy),
    (
        "leakage/cross-origin-reads",
        View::Outside,
        foreign_pages::cross_origin_reads,
    ),
    ("leakage/referrer", View::Outside, headers::referrer),
    ("leakage/versions-hidden", View::Outside, headers::versions_hidden),
    ("leakage/candidate-addresses", View::Outside, call::candidate_addresses),
    ("leakage/swap-encrypted", View::Host, kernel::swap_encrypted),
    ("exposure/only-spec-udp", View::Outside, exposure::only_spec_udp),
    (
        "exposure/internal-endpoints-closed",
        View::Outside,
        exposure::internal_endpoints_closed,
    ),
    (
        "exposure/relay-needs-credentials",
        View::Outside,
        relay::relay_needs_credentials,
    ),
    ("exposure/relay-peers-closed", View::Outside, relay::relay_peers_closed),
    (
        "exposure/relay-serves-bridge-only",
        View::Outside,
        relay::relay_serves_bridge_only,
    ),
    ("exposure/only-spec-ports", View::Outside, exposure::only_spec_ports),
    ("exposure/no-federation", View::Outside, exposure::no_federation),
    (
        "exposure/methods-refused",
        View::Outside,
        foreign_pages::methods_refused,
    ),
    (
        "exposure/only-spec-listeners",
        View::Host,
        exposure::only_spec_listeners,
    ),
    ("exposure/firewall-in-force", View::Host, exposure::firewall_in_force),
    ("logging/clock-synchronised", View::Host, upkeep::clock_synchronised),
    ("logging/clock-right", View::Host, logging::clock_right),
    (
        "logging/journal-settings-in-force",
        View::Host,
        journal::journal_settings,
    ),
    ("logging/audit-trail", View::Host, journal::audit_trail),
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
    (
        "integrity/content-types-fixed",
        View::Outside,
        headers::content_types_fixed,
    ),
    ("integrity/sandboxes-in-force", View::Host, sandbox::sandboxes_in_force),
    ("integrity/kernel-settings", View::Host, kernel::kernel_settings),
    ("integrity/bridge-options", View::Host, options::bridge_options),
    ("integrity/focus-options", View::Host, options::focus_options),
    (
        "integrity/no-known-vulnerabilities",
        View::Host,
        weaknesses::no_known_vulnerabilities,
    ),
    ("availability/security-upgrades", View::Host, upkeep::security_upgrades),
    ("availability/fixes-applied", View::Host, fixes::fixes_applied),
    ("availability/system-supported", View::Host, fixes::system_supported),
    (
        "availability/domain-points-here",
        View::Host,
        availability::domain_points_here,
    ),
    ("availability/media-path", View::Host, availability::media_path),
    ("availability/rate-limited", View::Outside, availability::rate_limited),
    ("availability/media-end-to-end", View::Outside, call::media_end_to_end),
    ("administrative/baa-recorded", View::Paper, administrative::baa_recorded),
    (
        "administrative/security-official-named",
        View::Paper,
        administrative::security_official_named,
    ),
    ("administrative/risk-analysis", View::Paper, documents::document),
    ("administrative/risk-management", View::Paper, documents::document),
    ("administrative/sanction-policy", View::Paper, documents::document),
    ("administrative/activity-review", View::Paper, documents::document),
    ("administrative/workforce-clearance", View::Paper, documents::document),
    ("administrative/leavers-lose-access", View::Paper, documents::document),
    ("administrative/access-roster", View::Paper, documents::document),
    ("administrative/workforce-training", View::Paper, documents::document),
    (
        "administrative/incident-response-plan",
        View::Paper,
        documents::document,
    ),
    ("administrative/alerts-reach-a-person", View::Paper, documents::document),
    ("administrative/contingency-plan", View::Paper, documents::document),
    ("administrative/emergency-channel", View::Paper, documents::document),
    ("administrative/recovery-rehearsed", View::Paper, documents::document),
    ("administrative/evaluation", View::Paper, documents::document),
    ("administrative/processors-covered", View::Paper, documents::document),
    ("administrative/agreement-terms", View::Paper, documents::document),
    (
        "administrative/policies-and-procedures",
        View::Paper,
        documents::document,
    ),
    ("administrative/records-kept", View::Paper, documents::document),
    ("administrative/workstations", View::Paper, documents::document),
    ("administrative/facility-access", View::Paper, documents::document),
    ("disposal/media-procedure", View::Paper, documents::document),
    ("disposal/rooms-leave-nothing", View::Host, remains::rooms_leave_nothing),
];

/// Every control that judges the spec's records by what the others said, in this order. The same test holds it.
const REVIEWS: &[(&str, Review)] = &[
    ("administrative/attestations-in-order", records::attestations_in_order),
    (WAIVERS_IN_ORDER, records::waivers_in_order),
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
    for (id, review) in REVIEWS {
        let control = catalog::control(id).expect("a test holds the table and the catalog together");
        let verdicts = review(case, &findings);
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

/// The finding: attested where nothing was seen and a document stands for it; with the waiver that accepts a failure
/// today, or with a word on one that does not.
fn finding(case: &Case, control: &'static Control, verdict: Verdict) -> Finding {
    let verdict = documents::attest(case, control, verdict);
    if verdict.status() != Status::Fail || control.id == WAIVERS_IN_ORDER {
        return verdict.into_finding(control, None);
    }
    let about: Vec<&Waiver> = case
        .spec
        .iter()
        .flat_map(|spec| &spec.waivers)
        .filter(|waiver| is_about(waiver, &control.id, verdict.subject()))
        .collect();
    let seen = verdict.evidence_sha256(control);
    let accepts = |waiver: &Waiver| waiver.evidence_sha256.as_ref().is_none_or(|pin| *pin == seen);
    let in_force = |waiver: &&&Waiver| waiver.is_in_force(case.today);
    if let Some(waiver) = about.iter().filter(in_force).find(|waiver| accepts(waiver)) {
        return verdict.into_finding(control, Some(waiver));
    }
    let Some(waiver) = about.iter().max_by_key(|waiver| waiver.expires) else {
        return verdict.into_finding(control, None);
    };
    let why = if waiver.is_in_force(case.today) {
        format!("the waiver by {} accepted other evidence than this", waiver.approver)
    } else {
        format!(
            "the waiver by {} is in force from {} until {} only",
            waiver.approver, waiver.created, waiver.expires
        )
    };
    let evidence = case.in_spec(format!("[[waiver]] for {} expires {}", waiver.control, waiver.expires));
    verdict.not_waived(why, evidence).into_finding(control, None)
}

fn is_about(waiver: &Waiver, control: &str, subject: &str) -> bool {
    waiver.control == control && (waiver.subject == "*" || waiver.subject == subject)
}

#[cfg(test)]
mod tests;
