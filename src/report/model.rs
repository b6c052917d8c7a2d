//! One run of the judge, ready to be written in any format.

use crate::catalog::Severity;
use crate::controls::Finding;
use crate::controls::Simulated;
use crate::controls::Status;
use crate::plan::DriftRow;

/// Everything that any format shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Name of the deployment; `None` for a probe without a spec.
    pub deployment: Option<String>,
    /// The domain.
    pub domain: String,
    /// True for `environment = "test"`: no patients.
    pub test: bool,
    /// From where the outside was looked at.
    pub vantage: String,
    /// RFC 3339.
    pub started: String,
    /// RFC 3339.
    pub finished: String,
    /// What stood in for real software.
    pub simulated: Vec<Simulated>,
    /// Every word, worst first, then by control and subject.
    pub findings: Vec<Finding>,
    /// What differs from the spec, by host.
    pub drift: Vec<(String, DriftRow)>,
}

impl Report {
    /// How many findings have this status.
    pub fn count(&self, status: Status) -> usize {
        self.findings.iter().filter(|finding| finding.status == status).count()
    }

    /// What the findings come to, counting failures at or above `threshold`.
    pub fn outcome(&self, threshold: Severity) -> Outcome {
        outcome(self.findings.iter(), threshold)
    }

    /// What they come to without those that rest on documents alone: what a change of the hosts can have an effect on.
    pub fn outcome_of_looks(&self, threshold: Severity) -> Outcome {
        let looks = self
            .findings
            .iter()
            .filter(|finding| !finding.control.rests_on_documents());
        outcome(looks, threshold)
    }
}

fn outcome<'a>(findings: impl Iterator<Item = &'a Finding>, threshold: Severity) -> Outcome {
    let findings: Vec<&Finding> = findings.collect();
    let failed = |f: &&Finding| f.status == Status::Fail && f.control.severity >= threshold;
    if findings.iter().any(failed) {
        Outcome::Failed
    } else if findings.is_empty() || findings.iter().any(|f| f.status == Status::Unverified) {
        Outcome::Incomplete
    } else {
        Outcome::Passed
    }
}

/// What a report comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything in scope was seen to hold, was attested, was waived or does not apply.
    Passed,
    /// Nothing seen failed, but something was not seen.
    Incomplete,
    /// A control failed.
    Failed,
}
