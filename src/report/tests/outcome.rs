//! What findings come to: failures from a threshold on, what was not seen, and papers apart from looks.

use crate::catalog::Severity;
use crate::controls::Finding;
use crate::controls::Verdict;
use crate::report::model::Outcome;

use super::evidence;
use super::fail;
use super::finding;
use super::pass;
use super::report;
use super::unverified;
use super::waived;

#[test]
fn an_outcome_counts_failures_from_the_threshold_and_never_passes_on_nothing() {
    let medium = || fail("encryption/hsts");
    let outcome = |findings: Vec<Finding>, threshold| report(findings).outcome(threshold);
    assert_eq!(medium().control.severity, Severity::Medium);
    assert_eq!(outcome(vec![medium()], Severity::Low), Outcome::Failed);
    assert_eq!(outcome(vec![medium()], Severity::Medium), Outcome::Failed);
    assert_eq!(outcome(vec![medium()], Severity::High), Outcome::Passed);
    let open = || unverified("access/ssh-keys-only");
    assert_eq!(outcome(vec![medium(), open()], Severity::High), Outcome::Incomplete);
    assert_eq!(outcome(vec![medium(), open()], Severity::Low), Outcome::Failed);
    assert_eq!(outcome(vec![open()], Severity::Critical), Outcome::Incomplete);
    assert_eq!(
        outcome(vec![pass("encryption/hsts"), open()], Severity::Low),
        Outcome::Incomplete
    );
    let attested = || {
        finding(
            "administrative/baa-recorded",
            Verdict::attested("a", "b", "c", evidence("d")),
        )
    };
    assert_eq!(outcome(vec![attested()], Severity::Low), Outcome::Passed);
    let paper = || unverified("administrative/risk-analysis");
    assert_eq!(
        outcome(vec![pass("encryption/hsts"), paper()], Severity::Low),
        Outcome::Incomplete
    );
    let looks = |findings: Vec<Finding>| report(findings).outcome_of_looks(Severity::Low);
    assert_eq!(looks(vec![pass("encryption/hsts"), paper()]), Outcome::Passed);
    assert_eq!(looks(vec![open(), paper()]), Outcome::Incomplete);
    assert_eq!(looks(vec![medium(), paper()]), Outcome::Failed);
    assert_eq!(looks(vec![paper()]), Outcome::Incomplete);
    let quiet = vec![pass("encryption/hsts"), waived("access/ssh-keys-only")];
    assert_eq!(outcome(quiet, Severity::Low), Outcome::Passed);
    assert_eq!(outcome(Vec::new(), Severity::Low), Outcome::Incomplete);
}
