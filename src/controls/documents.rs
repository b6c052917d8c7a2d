//! What no look can show: a person attests it. A document's control says that nothing was seen, and `attest` puts what
//! the spec's attestations say in place of a look. A failure that was seen stays one, and a pass needs no document.

use crate::catalog::Control;
use crate::controls::Case;
use crate::controls::Evidence;
use crate::controls::Status;
use crate::controls::Verdict;
use crate::controls::administrative::no_patients;
use crate::spec::Attestation;

const SUBJECT: &str = "spec:[[attestation]]";
const EXPECTED: &str = "an attested document whose day of review has not passed";

/// Every control that rests on documents alone.
pub(crate) fn document(case: &Case) -> Vec<Verdict> {
    if case.spec.is_none() {
        return Vec::new();
    }
    if case.is_test() {
        return vec![no_patients(case, SUBJECT, EXPECTED)];
    }
    let why = "no program can see it, and no [[attestation]] of the spec is about it";
    let evidence = case.in_spec("the spec has no [[attestation]] for this control");
    vec![Verdict::unverified(SUBJECT, EXPECTED, why, evidence)]
}

/// What was not seen, by the word of those who attest it. The worst of several documents wins.
pub(crate) fn attest(case: &Case, control: &Control, verdict: Verdict) -> Verdict {
    if verdict.status() != Status::Unverified || !control.may_be_attested() {
        return verdict;
    }
    let words: Vec<(Status, String)> = of(case, control).map(|one| word(case, one)).collect();
    let Some(status) = words.iter().map(|(status, _)| *status).max() else {
        return verdict;
    };
    let told: Vec<String> = words.into_iter().map(|(_, text)| text).collect();
    let evidence: Vec<Evidence> = of(case, control).map(|one| case.in_spec(recorded(one))).collect();
    let told = told.join("; ");
    if control.rests_on_documents() {
        return verdict.by_record(status, told, evidence);
    }
    let observed = format!("{told}; {}", verdict.observed());
    verdict.by_record(status, observed, evidence)
}

fn of<'a>(case: &'a Case, control: &'a Control) -> impl Iterator<Item = &'a Attestation> {
    let all = case.spec.iter().flat_map(|spec| &spec.attestations);
    all.filter(|attestation| attestation.control == control.id)
}

fn word(case: &Case, attestation: &Attestation) -> (Status, String) {
    let Attestation {
        document,
        owner,
        on,
        review_on,
        ..
    } = attestation;
    if *review_on < case.today {
        let told = format!("{document} was to be reviewed by {review_on}, and no review is attested");
        return (Status::Fail, told);
    }
    if attestation.document_differs() {
        let told = format!("not seen: {document} is no longer the document that {owner} attested on {on}");
        return (Status::Unverified, told);
    }
    let statement = attestation.statement.as_deref().map(|text| format!(": {text}"));
    let told = format!(
        "{document}, attested by {owner} on {on}, to be reviewed by {review_on}{}",
        statement.unwrap_or_default()
    );
    (Status::Attested, told)
}

fn recorded(attestation: &Attestation) -> String {
    let found = match &attestation.found_sha256 {
        Some(found) if *found == attestation.document_sha256 => "as the file beside the spec has".to_owned(),
        Some(found) => format!("but the file beside the spec has {found}"),
        None => "of a document that is not beside the spec".to_owned(),
    };
    format!(
        "[[attestation]] {}: SHA-256 {} {found}",
        attestation.document, attestation.document_sha256
    )
}
