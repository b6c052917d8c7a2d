//! Judges facts and sightings against the spec. Pure functions, one family a file; what decides here does not look.

pub mod access;
pub mod administrative;
pub mod availability;
pub mod call;
pub mod case;
mod cloud;
mod cloud_account;
pub mod cloud_gate;
mod cloud_machines;
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
mod judges;
mod kernel;
pub mod leakage;
mod links;
mod live;
pub mod logging;
mod logins;
mod nameless;
mod options;
pub mod policy;
mod records;
mod refusals;
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
pub use cloud_gate::Admission;
pub use cloud_gate::Refusal;
pub use cloud_gate::admits_production;
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
use crate::controls::judges::JUDGES;
use crate::controls::judges::View;
use crate::controls::records::Review;
use crate::controls::records::WAIVERS_IN_ORDER;
use crate::plan::DriftRow;
use crate::seen::Seen;
use crate::spec::Waiver;

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

/// Every difference of every host that was seen, with the host's name, and those of the cloud.
pub fn drift_rows(case: &Case) -> Vec<(String, DriftRow)> {
    let mut rows = Vec::new();
    for host in case.hosts {
        if let Seen::Known(seen) = &host.compared {
            rows.extend(seen.drift.iter().map(|row| (host.wanted.host.to_string(), row.clone())));
        }
    }
    rows.extend(cloud::drift_rows(case));
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
