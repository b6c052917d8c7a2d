//! Judges the spec's own records, waivers and attestations, by what the other controls said: whether each is still about
//! something. What a record stands for is judged by its control.

use crate::catalog;
use crate::catalog::safeguards;
use crate::controls::Case;
use crate::controls::Finding;
use crate::controls::Status;
use crate::controls::Verdict;
use crate::controls::administrative::no_patients;
use crate::spec::Attestation;
use crate::spec::Waiver;
use crate::spec::WaiverBasis;

/// A judgement over what the other controls said.
pub(crate) type Review = fn(&Case, &[Finding]) -> Vec<Verdict>;

/// Judges waivers last, since a waiver may be about any other control.
pub(crate) const WAIVERS_IN_ORDER: &str = "administrative/waivers-in-order";

/// administrative/attestations-in-order.
pub(crate) fn attestations_in_order(case: &Case, _: &[Finding]) -> Vec<Verdict> {
    let Some(spec) = case.spec else { return Vec::new() };
    let expected = "a control that a document can stand for, and the document that was recorded";
    let subject = "spec:[[attestation]]";
    if case.is_test() {
        return vec![no_patients(case, subject, expected)];
    }
    if spec.attestations.is_empty() {
        let why = "the spec has none";
        return vec![Verdict::not_applicable(subject, expected, why, case.in_spec(why))];
    }
    let verdict = |attestation: &Attestation| {
        let Attestation { control, document, .. } = attestation;
        let subject = format!("{subject} {control} {document}");
        let evidence = case.in_spec(format!("SHA-256 recorded {}", attestation.document_sha256));
        match disorder(attestation) {
            Some(why) => Verdict::fail(subject, expected, why, evidence),
            None => Verdict::pass(subject, expected, agreement(attestation), evidence),
        }
    };
    spec.attestations.iter().map(verdict).collect()
}

/// What is wrong with an attestation; its day of review is its control's business.
fn disorder(attestation: &Attestation) -> Option<String> {
    match catalog::control(&attestation.control) {
        None => return Some("there is no control of this name".to_owned()),
        Some(control) if !control.may_be_attested() => {
            return Some("the control is judged by a look, and no document stands for that".to_owned());
        }
        Some(_) => {}
    }
    let found = attestation.found_sha256.as_ref()?;
    attestation
        .document_differs()
        .then(|| format!("the file beside the spec has SHA-256 {found}, another document than was attested"))
}

fn agreement(attestation: &Attestation) -> &'static str {
    match attestation.found_sha256 {
        Some(_) => "the file beside the spec is the one that was attested",
        None => "the document is filed elsewhere; its recorded digest was not compared",
    }
}

/// administrative/waivers-in-order.
pub(crate) fn waivers_in_order(case: &Case, findings: &[Finding]) -> Vec<Verdict> {
    let Some(spec) = case.spec else { return Vec::new() };
    let expected = "a control and a subject that were judged, a time that has not passed, and a failure that is there as it \
                    was accepted";
    let subject = "spec:[[waiver]]";
    if spec.waivers.is_empty() {
        let why = "the spec has none";
        return vec![Verdict::not_applicable(subject, expected, why, case.in_spec(why))];
    }
    let verdict = |waiver: &Waiver| {
        let subject = format!("{subject} {} {}", waiver.control, waiver.subject);
        let evidence = case.in_spec(format!(
            "by {}, {} until {}, {}",
            waiver.approver,
            waiver.created,
            waiver.expires,
            waiver.basis.word()
        ));
        match state(case, waiver, findings) {
            State::InOrder => {
                let observed = format!("accepted by {} until {}", waiver.approver, waiver.expires);
                Verdict::pass(subject, expected, observed, evidence)
            }
            State::NotKnown(why) => Verdict::unverified(subject, expected, why, evidence),
            State::Wrong(why) => Verdict::fail(subject, expected, why, evidence),
        }
    };
    spec.waivers.iter().map(verdict).collect()
}

enum State {
    InOrder,
    NotKnown(&'static str),
    Wrong(String),
}

fn state(case: &Case, waiver: &Waiver, findings: &[Finding]) -> State {
    let Some(control) = catalog::control(&waiver.control) else {
        return State::Wrong("there is no control of this name".to_owned());
    };
    if control.id == WAIVERS_IN_ORDER {
        return State::Wrong("it is about the judgement of waivers, which none can stand for".to_owned());
    }
    if waiver.expires < case.today {
        return State::Wrong(format!("it expired on {}", waiver.expires));
    }
    if waiver.basis == WaiverBasis::Addressable && !safeguards::any_addressable(&control.citations) {
        let why = "its basis is addressable-306d3, but no specification that the control cites is addressable";
        return State::Wrong(why.to_owned());
    }
    if case.today < waiver.created {
        return State::InOrder;
    }
    let of_it: Vec<&Finding> = findings.iter().filter(|found| found.control == control).collect();
    about(waiver, &of_it)
}

/// Whether a waiver that is in force is about a failure that is there.
fn about(waiver: &Waiver, of_its_control: &[&Finding]) -> State {
    let named = |found: &&&Finding| waiver.subject == "*" || found.subject == waiver.subject;
    let named: Vec<&Finding> = of_its_control.iter().filter(named).copied().collect();
    let first = |status: Status| named.iter().find(|found| found.status == status);
    if first(Status::Waived).is_some() {
        return State::InOrder;
    }
    if let Some(found) = first(Status::Fail) {
        return State::Wrong(format!(
            "it accepted other evidence than there is now, which has {}",
            found.evidence_sha256
        ));
    }
    // A subject that is gone may be among what was not seen.
    let left = if named.is_empty() {
        of_its_control
    } else {
        named.as_slice()
    };
    if left.iter().any(|found| found.status == Status::Unverified) {
        return State::NotKnown("not everything that the control is about was seen");
    }
    // What is not looked at in each run, such as a burst, does not apply to the others.
    if !left.is_empty() && left.iter().all(|found| found.status == Status::NotApplicable) {
        return State::InOrder;
    }
    State::Wrong(match named.is_empty() {
        true => "nothing of this name was judged; it is about nothing any more".to_owned(),
        false => "what it accepts is mended; it would only hide the next failure".to_owned(),
    })
}
