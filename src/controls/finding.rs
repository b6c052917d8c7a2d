//! What a control says in the end. A finding without evidence cannot be built.

use crate::catalog::Control;
use crate::digest;
use crate::spec::Waiver;

/// One control's word on one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The control.
    pub control: &'static Control,
    /// What was judged: `tcp://domain:443`, `core:/etc/turnserver.conf`, a section of the spec.
    pub subject: String,
    /// The word.
    pub status: Status,
    /// What the spec and the policy want.
    pub expected: String,
    /// What was there.
    pub observed: String,
    /// What the word rests on; never empty.
    evidence: Vec<Evidence>,
    /// Digest of control, subject, expectation and observation: what a waiver of this subject accepts.
    pub evidence_sha256: String,
    /// The acceptance that turned a failure into `Waived`.
    pub waiver: Option<Waiver>,
}

impl Finding {
    /// What the word rests on; never empty.
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }
}

/// A control's word. The order is the order in which the worst wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Does not apply to this deployment.
    NotApplicable,
    /// Seen to hold.
    Pass,
    /// A person's statement stands for a look.
    Attested,
    /// Failed, and accepted for a time.
    Waived,
    /// Could not be seen. Never a pass.
    Unverified,
    /// Seen not to hold.
    Fail,
}

impl Status {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotApplicable => "not_applicable",
            Self::Pass => "pass",
            Self::Attested => "attested",
            Self::Waived => "waived",
            Self::Unverified => "unverified",
            Self::Fail => "fail",
        }
    }
}

/// What a word rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Where it was looked at.
    pub source: Source,
    /// When, RFC 3339.
    pub at: String,
    /// What was asked and what came back, without secrets.
    pub detail: String,
}

/// Where evidence was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// From outside.
    Probe,
    /// On the host.
    Host,
    /// In the spec.
    Spec,
    /// In the cloud's API.
    Cloud,
}

/// What a judging function says of one subject, before waivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    subject: String,
    status: Status,
    expected: String,
    observed: String,
    evidence: Vec<Evidence>,
    /// What is said beside the observation and is no part of it.
    note: Option<String>,
}

impl Verdict {
    /// Seen to hold.
    pub fn pass(subject: impl Into<String>, expected: &str, observed: impl Into<String>, evidence: Evidence) -> Self {
        Self::new(subject, Status::Pass, expected, observed, evidence)
    }

    /// Seen not to hold.
    pub fn fail(subject: impl Into<String>, expected: &str, observed: impl Into<String>, evidence: Evidence) -> Self {
        Self::new(subject, Status::Fail, expected, observed, evidence)
    }

    /// `pass` when it holds, else `fail`.
    pub fn holds(
        holds: bool,
        subject: impl Into<String>,
        expected: &str,
        observed: impl Into<String>,
        evidence: Evidence,
    ) -> Self {
        let status = if holds { Status::Pass } else { Status::Fail };
        Self::new(subject, status, expected, observed, evidence)
    }

    /// Could not be seen, and why.
    pub fn unverified(subject: impl Into<String>, expected: &str, why: &str, evidence: Evidence) -> Self {
        Self::new(
            subject,
            Status::Unverified,
            expected,
            format!("not seen: {why}"),
            evidence,
        )
    }

    /// A person's record stands for a look.
    pub fn attested(
        subject: impl Into<String>,
        expected: &str,
        observed: impl Into<String>,
        evidence: Evidence,
    ) -> Self {
        Self::new(subject, Status::Attested, expected, observed, evidence)
    }

    /// Does not apply, and why.
    pub fn not_applicable(subject: impl Into<String>, expected: &str, why: &str, evidence: Evidence) -> Self {
        Self::new(subject, Status::NotApplicable, expected, why, evidence)
    }

    fn new(
        subject: impl Into<String>,
        status: Status,
        expected: &str,
        observed: impl Into<String>,
        evidence: Evidence,
    ) -> Self {
        Self {
            subject: subject.into(),
            status,
            expected: expected.to_owned(),
            observed: observed.into(),
            evidence: vec![evidence],
            note: None,
        }
    }

    /// The word so far.
    pub fn status(&self) -> Status {
        self.status
    }

    /// A pass that shows less than it seemed to. Whatever else was said stands.
    #[must_use]
    pub(crate) fn doubted(self, why: &str) -> Self {
        if self.status != Status::Pass {
            return self;
        }
        Self {
            status: Status::Unverified,
            observed: format!("{}; {why}", self.observed),
            ..self
        }
    }

    /// The same subject, judged by what people recorded of it.
    #[must_use]
    pub(crate) fn by_record(mut self, status: Status, observed: String, evidence: Vec<Evidence>) -> Self {
        self.evidence.extend(evidence);
        Self {
            status,
            observed,
            ..self
        }
    }

    /// Says why a waiver does not accept this failure.
    #[must_use]
    pub(crate) fn not_waived(mut self, why: String, evidence: Evidence) -> Self {
        self.note = Some(why);
        self.and(evidence)
    }

    /// What a waiver of this subject accepts: a digest of what was expected and what was observed. Times, addresses and
    /// transcripts are no part of it, so that the same failure seen again has the same digest.
    pub(crate) fn evidence_sha256(&self, control: &Control) -> String {
        digest::sha256(
            [&control.id, &self.subject, &self.expected, &self.observed]
                .map(String::as_str)
                .join("\0"),
        )
    }

    /// Adds what else the word rests on.
    #[must_use]
    pub fn and(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// The finding, with a waiver applied where one accepts this failure today.
    pub(crate) fn into_finding(self, control: &'static Control, waiver: Option<&Waiver>) -> Finding {
        let waived = waiver.filter(|_| self.status == Status::Fail);
        let evidence_sha256 = self.evidence_sha256(control);
        let observed = match self.note {
            Some(note) => format!("{}; {note}", self.observed),
            None => self.observed,
        };
        Finding {
            control,
            subject: self.subject,
            status: if waived.is_some() { Status::Waived } else { self.status },
            expected: self.expected,
            observed,
            evidence: self.evidence,
            evidence_sha256,
            waiver: waived.cloned(),
        }
    }

    /// What is judged.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What was there.
    pub(crate) fn observed(&self) -> &str {
        &self.observed
    }
}
