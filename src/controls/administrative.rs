//! Administrative safeguards: what a spec can record of agreements and people.

use crate::controls::Case;
use crate::controls::Verdict;

/// administrative/baa-recorded.
pub(crate) fn baa_recorded(case: &Case) -> Vec<Verdict> {
    let Some(spec) = case.spec else { return Vec::new() };
    let expected = "a signed agreement with vendor, title and date, whose day of review has not passed";
    let subject = "spec:[baa]";
    if case.is_test() {
        return vec![no_patients(case, subject, expected)];
    }
    vec![match &spec.baa {
        Some(baa) if baa.review_on.is_some_and(|day| day < case.today) => {
            let observed = "the day of the agreement's review is past, and no review is recorded";
            let evidence = case.in_spec(format!("[baa] signed_on {}, review_on is past", baa.signed_on));
            Verdict::fail(subject, expected, observed, evidence)
        }
        Some(baa) => {
            let observed = format!("{} with {}, signed on {}", baa.agreement, baa.vendor, baa.signed_on);
            let digest = baa.document_sha256.as_deref().unwrap_or("not recorded");
            let evidence = case.in_spec(format!("{observed}; SHA-256 of the document: {digest}"));
            Verdict::attested(subject, expected, observed, evidence)
        }
        None => Verdict::fail(
            subject,
            expected,
            "no [baa] section",
            case.in_spec("the spec has no [baa] section"),
        ),
    }]
}

/// What a test deployment owes of papers: nothing.
pub(crate) fn no_patients(case: &Case, subject: &str, expected: &str) -> Verdict {
    let evidence = case.in_spec("environment = \"test\"");
    Verdict::not_applicable(subject, expected, "a test deployment has no patients", evidence)
}

/// administrative/security-official-named. That this person knows of it is seen by nobody here.
pub(crate) fn security_official_named(case: &Case) -> Vec<Verdict> {
    let Some(spec) = case.spec else { return Vec::new() };
    let expected = "a name";
    let subject = "spec:[deployment] security_official";
    if case.is_test() {
        return vec![no_patients(case, subject, expected)];
    }
    vec![match &spec.deployment.security_official {
        Some(name) => Verdict::attested(
            subject,
            expected,
            name.clone(),
            case.in_spec("security_official is set"),
        ),
        None => Verdict::fail(
            subject,
            expected,
            "not set",
            case.in_spec("security_official is not set"),
        ),
    }]
}
