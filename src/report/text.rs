//! The report for people: what failed first, then what was not seen, then one line per control that held.

use std::fmt::Write;

use anstyle::AnsiColor;
use anstyle::Style;

use crate::catalog;
use crate::controls::Finding;
use crate::controls::Status;
use crate::report::Report;
use crate::report::clean::one_line;
use crate::spec::Waiver;

/// How much to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Failures and unseen things in full, one line per control for the rest.
    Brief,
    /// Every finding in full, with its evidence.
    Full,
}

const BAD: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const UNSURE: Style = AnsiColor::Yellow.on_default().bold();
const QUIET: Style = Style::new().dimmed();
const LOUD: Style = Style::new().bold();

/// The report as text with ANSI styles; the writer strips them where the stream is not a terminal.
pub fn render(report: &Report, detail: Detail) -> String {
    let mut out = String::new();
    head(&mut out, report);
    for group in troubles(report) {
        trouble(&mut out, &group, detail);
    }
    for family in families(report) {
        line(&mut out, &format!("{LOUD}{}{LOUD:#}", family.name));
        for row in family.rows {
            let mark = mark(row.status);
            let count = match row.subjects {
                1 => String::new(),
                many => format!(" {QUIET}({many} looks){QUIET:#}"),
            };
            line(&mut out, &format!("  {mark} {}{count}", row.title));
        }
    }
    if detail == Detail::Full {
        for finding in report.findings.iter().filter(|f| !is_trouble(f.status)) {
            full(&mut out, finding);
        }
    }
    tail(&mut out, report);
    out
}

fn head(out: &mut String, report: &Report) {
    let name = report.deployment.as_deref().unwrap_or("probe");
    line(
        out,
        &format!(
            "{LOUD}{name}{LOUD:#} {} {QUIET}seen from {}, {}{QUIET:#}",
            one_line(&report.domain),
            one_line(&report.vantage),
            report.finished
        ),
    );
    if report.test {
        line(out, &format!("{UNSURE}TEST: no patients{UNSURE:#}"));
    }
    for row in &report.simulated {
        line(
            out,
            &format!(
                "{UNSURE}simulated{UNSURE:#} {} on {}: {}",
                one_line(&row.what),
                one_line(&row.host),
                one_line(&row.why)
            ),
        );
    }
    line(out, "");
}

/// Failures, then what was not seen, then waivers; worst severity first; the subjects of one control together.
fn troubles(report: &Report) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in report.findings.iter().filter(|finding| is_trouble(finding.status)) {
        let same = |group: &&mut Vec<&Finding>| {
            group
                .iter()
                .all(|other| other.control.id == finding.control.id && other.status == finding.status)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

fn trouble(out: &mut String, group: &[&Finding], detail: Detail) {
    let Some(first) = group.first() else { return };
    heading(out, first);
    for finding in group {
        body(out, finding);
        if matches!(finding.status, Status::Fail | Status::Waived) {
            let pin = &finding.evidence_sha256;
            line(out, &format!("    {QUIET}evidence_sha256 {pin}{QUIET:#}"));
        }
        if let Some(waiver) = &finding.waiver {
            accepted(out, waiver);
        }
        if detail == Detail::Full {
            evidence(out, finding);
        }
    }
    line(out, &format!("  cites     {}", first.control.citations.join(", ")));
    line(out, &format!("  next      {}", first.control.remediation));
    line(out, "");
}

fn accepted(out: &mut String, waiver: &Waiver) {
    line(
        out,
        &format!(
            "    waived    by {} until {} ({}): {}",
            one_line(&waiver.approver),
            waiver.expires,
            waiver.basis.word(),
            one_line(&waiver.justification)
        ),
    );
    if let Some(instead) = &waiver.compensating_control {
        line(out, &format!("    instead   {}", one_line(instead)));
    }
}

fn heading(out: &mut String, finding: &Finding) {
    let style = style(finding.status);
    let (word, severity) = (finding.status.word(), finding.control.severity.word());
    let control = finding.control;
    line(
        out,
        &format!(
            "{style}{word}{style:#} {LOUD}{}{LOUD:#} ({severity}): {}",
            control.id, control.title
        ),
    );
}

fn full(out: &mut String, finding: &Finding) {
    heading(out, finding);
    body(out, finding);
    evidence(out, finding);
    line(out, &format!("  cites     {}", finding.control.citations.join(", ")));
    line(out, "");
}

fn body(out: &mut String, finding: &Finding) {
    line(out, &format!("  {LOUD}{}{LOUD:#}", one_line(&finding.subject)));
    line(out, &format!("    expected  {}", one_line(&finding.expected)));
    line(out, &format!("    observed  {}", one_line(&finding.observed)));
}

fn evidence(out: &mut String, finding: &Finding) {
    for evidence in finding.evidence() {
        line(
            out,
            &format!(
                "    {QUIET}evidence  {} {}{QUIET:#}",
                one_line(&evidence.at),
                one_line(&evidence.detail)
            ),
        );
    }
}

/// The controls of one family, in the catalog's order.
struct Family<'a> {
    name: &'a str,
    rows: Vec<Row<'a>>,
}

/// One control: its worst word, and on how many subjects.
struct Row<'a> {
    status: Status,
    title: &'a str,
    subjects: usize,
}

fn families(report: &Report) -> Vec<Family<'static>> {
    let mut families: Vec<Family> = Vec::new();
    for control in catalog::controls() {
        let of_it = report
            .findings
            .iter()
            .filter(|finding| finding.control.id == control.id);
        let statuses: Vec<Status> = of_it.map(|finding| finding.status).collect();
        let Some(status) = statuses.iter().max() else { continue };
        let row = Row {
            status: *status,
            title: &control.title,
            subjects: statuses.len(),
        };
        let name = control.id.split('/').next().unwrap_or_default();
        match families.iter_mut().find(|family| family.name == name) {
            Some(family) => family.rows.push(row),
            None => families.push(Family { name, rows: vec![row] }),
        }
    }
    families
}

fn tail(out: &mut String, report: &Report) {
    let count = |status| report.count(status);
    line(out, "");
    let mut summary = format!(
        "{} passed, {} failed, {} unverified",
        count(Status::Pass),
        count(Status::Fail),
        count(Status::Unverified)
    );
    for (status, word) in [
        (Status::Waived, "waived"),
        (Status::Attested, "attested"),
        (Status::NotApplicable, "not applicable"),
    ] {
        if count(status) > 0 {
            let _ = write!(summary, ", {} {word}", count(status));
        }
    }
    line(out, &format!("{LOUD}{summary}{LOUD:#}"));
    if !report.simulated.is_empty() {
        line(
            out,
            "Part of what was looked at is simulated (see above): this is no evidence about a real deployment.",
        );
    }
    if count(Status::Fail) > 0 && report.deployment.is_some() {
        line(
            out,
            "Next: `anteroom plan` shows what differs from the spec, `anteroom apply` restores it.",
        );
    } else if count(Status::Unverified) > 0 {
        line(
            out,
            "Next: what was not seen is not known to hold; each entry above says what kept it from being seen.",
        );
    }
}

fn is_trouble(status: Status) -> bool {
    matches!(status, Status::Fail | Status::Unverified | Status::Waived)
}

fn style(status: Status) -> Style {
    match status {
        Status::Fail => BAD,
        Status::Unverified | Status::Waived | Status::Attested => UNSURE,
        Status::Pass => GOOD,
        Status::NotApplicable => QUIET,
    }
}

fn mark(status: Status) -> String {
    let style = style(status);
    let word = match status {
        Status::Pass => "pass",
        Status::Fail => "FAIL",
        Status::Unverified => "unverified",
        Status::Waived => "waived",
        Status::Attested => "attested",
        Status::NotApplicable => "n/a",
    };
    format!("{style}{word:<10}{style:#}")
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
