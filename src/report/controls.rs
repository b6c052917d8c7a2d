//! The catalog's controls for people.

use std::fmt::Write;

use crate::catalog::Control;
use crate::catalog::Stage;

/// A control in three lines: what holds when it passes, how bad a failure is, where the duty comes from.
pub fn line(control: &Control) -> String {
    format!(
        "{}  ({}; {})\n  {}\n  cites {}; NIST SP 800-53r5 {}\n",
        control.id,
        control.severity.word(),
        stages(control),
        control.title,
        control.citations.join(", "),
        control.nist.join(", ")
    )
}

/// Everything that the catalog says of a control.
pub fn whole(control: &Control) -> String {
    let mut out = line(control);
    let _ = writeln!(out, "  why it matters: {}", control.why);
    let _ = writeln!(out, "  what is kept: {}", control.evidence);
    let _ = writeln!(out, "  when it fails: {}", control.remediation);
    if control.may_be_attested() {
        let _ = writeln!(
            out,
            "  to attest it: [[attestation]] control = \"{}\", with document, document_sha256, owner, on, review_on",
            control.id
        );
    }
    out
}

fn stages(control: &Control) -> String {
    let words: Vec<&str> = control.stages.iter().copied().map(Stage::word).collect();
    words.join(", ")
}
