//! The report as JSON, `anteroom/report/v1`. These structs are the contract; changing them is a new version.

use std::collections::BTreeMap;

use crate::controls::Evidence;
use crate::controls::Finding;
use crate::controls::Simulated;
use crate::controls::Status;
use crate::digest;
use crate::plan::DriftRow;
use crate::report::Report;

/// The report as indented JSON with a final newline.
pub fn render(report: &Report) -> String {
    let document = document(report);
    let mut text = serde_json::to_string_pretty(&document).expect("strings and numbers always serialise");
    text.push('\n');
    text
}

/// JSON Schema of what [`render`] writes.
pub fn schema() -> serde_json::Value {
    serde_json::to_value(schemars::schema_for!(Document)).expect("a schema always serialises")
}

#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(title = "anteroom/report/v1")]
struct Document {
    schema: String,
    deployment: Option<String>,
    domain: String,
    environment: String,
    vantage: String,
    started: String,
    finished: String,
    tool: Tool,
    simulated: Vec<SimulatedRow>,
    summary: BTreeMap<String, usize>,
    findings: Vec<Row>,
    drift: Vec<Drift>,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Tool {
    version: String,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct SimulatedRow {
    host: String,
    what: String,
    why: String,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Row {
    control: String,
    title: String,
    severity: String,
    status: String,
    subject: String,
    expected: String,
    observed: String,
    evidence: Vec<EvidenceRow>,
    citations: Vec<String>,
    nist: Vec<String>,
    remediation: String,
    evidence_sha256: String,
    waiver: Option<WaiverRow>,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct EvidenceRow {
    source: String,
    at: String,
    detail: String,
    sha256: String,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct WaiverRow {
    approver: String,
    justification: String,
    created: String,
    expires: String,
    basis: String,
    compensating_control: Option<String>,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Drift {
    host: String,
    kind: String,
    subject: String,
    expected: String,
    observed: String,
}

fn document(report: &Report) -> Document {
    let statuses = [
        Status::Pass,
        Status::Fail,
        Status::Unverified,
        Status::Waived,
        Status::Attested,
        Status::NotApplicable,
    ];
    Document {
        schema: "anteroom/report/v1".to_owned(),
        deployment: report.deployment.clone(),
        domain: report.domain.clone(),
        environment: if report.test { "test" } else { "production" }.to_owned(),
        vantage: report.vantage.clone(),
        started: report.started.clone(),
        finished: report.finished.clone(),
        tool: Tool {
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        simulated: report.simulated.iter().map(simulated_row).collect(),
        summary: statuses
            .iter()
            .map(|status| (status.word().to_owned(), report.count(*status)))
            .collect(),
        findings: report.findings.iter().map(row).collect(),
        drift: report.drift.iter().map(|(host, row)| drift_row(host, row)).collect(),
    }
}

fn simulated_row(row: &Simulated) -> SimulatedRow {
    SimulatedRow {
        host: row.host.clone(),
        what: row.what.clone(),
        why: row.why.clone(),
    }
}

fn row(finding: &Finding) -> Row {
    Row {
        control: finding.control.id.clone(),
        title: finding.control.title.clone(),
        severity: finding.control.severity.word().to_owned(),
        status: finding.status.word().to_owned(),
        subject: finding.subject.clone(),
        expected: finding.expected.clone(),
        observed: finding.observed.clone(),
        evidence: finding.evidence().iter().map(evidence_row).collect(),
        citations: finding.control.citations.clone(),
        nist: finding.control.nist.clone(),
        remediation: finding.control.remediation.clone(),
        evidence_sha256: finding.evidence_sha256.clone(),
        waiver: finding.waiver.as_ref().map(|waiver| WaiverRow {
            approver: waiver.approver.clone(),
            justification: waiver.justification.clone(),
            created: waiver.created.to_string(),
            expires: waiver.expires.to_string(),
            basis: waiver.basis.word().to_owned(),
            compensating_control: waiver.compensating_control.clone(),
        }),
    }
}

fn evidence_row(evidence: &Evidence) -> EvidenceRow {
    let source = match evidence.source {
        crate::controls::Source::Probe => "probe",
        crate::controls::Source::Host => "host",
        crate::controls::Source::Spec => "spec",
        crate::controls::Source::Cloud => "cloud",
    };
    EvidenceRow {
        source: source.to_owned(),
        at: evidence.at.clone(),
        detail: evidence.detail.clone(),
        sha256: digest::sha256(&evidence.detail),
    }
}

fn drift_row(host: &str, row: &DriftRow) -> Drift {
    Drift {
        host: host.to_owned(),
        kind: row.kind.word().to_owned(),
        subject: row.subject.clone(),
        expected: row.expected.clone(),
        observed: row.observed.clone(),
    }
}
