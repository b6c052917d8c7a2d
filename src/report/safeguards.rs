//! The Security Rule's safeguards for people and programs: as text for a terminal, as JSON, and as the page
//! docs/safeguards.md.

use std::fmt::Write;

use crate::catalog::safeguards::Mark;
use crate::catalog::safeguards::Need;
use crate::catalog::safeguards::Row;
use crate::catalog::safeguards::Standard;
use crate::catalog::safeguards::standards;

const SECTIONS: &[(&str, &str)] = &[
    ("45 CFR 164.308", "Administrative safeguards"),
    ("45 CFR 164.310", "Physical safeguards"),
    ("45 CFR 164.312", "Technical safeguards"),
    ("45 CFR 164.314", "Organizational requirements"),
    (
        "45 CFR 164.316",
        "Policies and procedures and documentation requirements",
    ),
];

/// A safeguard as JSON.
#[derive(serde::Serialize)]
struct Entry<'a> {
    cite: &'a str,
    name: &'a str,
    need: &'a str,
    mark: Mark,
    why: &'a str,
    later: Option<&'a str>,
    controls: Vec<&'a str>,
    policy_settings: usize,
}

/// The rows of one standard and its specifications.
fn entries(standard: &Standard) -> Vec<Entry<'_>> {
    standard.rows().map(|(need, row)| entry(need, row)).collect()
}

fn entry(need: Option<Need>, row: &Row) -> Entry<'_> {
    Entry {
        cite: &row.cite,
        name: &row.name,
        need: match need {
            None => "standard",
            Some(Need::Required) => "required",
            Some(Need::Addressable) => "addressable",
        },
        mark: row.mark,
        why: &row.why,
        later: row.later.as_deref(),
        controls: row.controls().map(|control| control.id.as_str()).collect(),
        policy_settings: row.settings(),
    }
}

/// `anteroom/safeguards/v1`.
pub fn json() -> serde_json::Value {
    let rows: Vec<Entry> = standards().iter().flat_map(entries).collect();
    serde_json::json!({ "schema": "anteroom/safeguards/v1", "safeguards": rows })
}

/// All of them for a terminal.
pub fn text() -> String {
    let mut out = String::new();
    for entry in standards().iter().flat_map(entries) {
        let _ = writeln!(
            out,
            "{}  {} ({}; {})",
            entry.cite,
            entry.name,
            entry.need,
            words(entry.mark)
        );
        let _ = writeln!(out, "  {}", entry.why);
        if let Some(seen) = seen(&entry) {
            let _ = writeln!(out, "  looked at by {seen}");
        }
        if let Some(later) = entry.later {
            let _ = writeln!(out, "  not looked at yet: {later}");
        }
    }
    out
}

/// docs/safeguards.md.
pub fn page() -> String {
    let mut out = String::from(
        "# Safeguards\n\nEvery standard and implementation specification of the HIPAA Security Rule, 45 CFR 164.308 to 164.316, and how far\n\
         Anteroom looks. A mark says what a program can see at all: **T** a look shows it, **P** a look shows part of it and a\n\
         document the rest, **D** a document that a person attests, **N** it does not apply to such a server. *Required* and\n\
         *addressable* are the rule's words; an addressable specification may be met otherwise, with the reason written down (45\n\
         CFR 164.306(d)(3)). Controls are those of [controls.md](controls.md); settings are rows of [policy.md](policy.md), which\n\
         `integrity/policy-in-force` judges. What is not looked at yet is named. A row that is judged is not met by that: the list\n\
         says where to look, and an audit says what was seen. This page is written by `anteroom catalog safeguards --markdown` and a\n\
         test compares it.\n",
    );
    let _ = write!(out, "\n{}\n", counts());
    for (start, title) in SECTIONS {
        let _ = write!(
            out,
            "\n## {}, {title}\n\n| specification | | mark | looked at by | not looked at yet |\n|---|---|---|---|---|\n",
            start.trim_start_matches("45 CFR ")
        );
        let of_it = standards()
            .iter()
            .filter(|standard| standard.row.cite.starts_with(start));
        for entry in of_it.flat_map(entries) {
            let _ = writeln!(
                out,
                "| {} {} | {} | **{}** {} | {} | {} |",
                entry.cite.trim_start_matches("45 CFR 164."),
                entry.name,
                entry.need,
                letter(entry.mark),
                entry.why,
                seen(&entry).unwrap_or_default(),
                entry.later.unwrap_or_default()
            );
        }
    }
    out
}

fn counts() -> String {
    let marks = [Mark::Technical, Mark::Partial, Mark::Document, Mark::NotApplicable];
    let counts = marks.map(|mark| {
        let rows = standards().iter().flat_map(Standard::rows);
        let count = rows.filter(|(_, row)| row.mark == mark).count();
        format!("{count} {}", letter(mark))
    });
    format!("Of the rows below: {}.", counts.join(", "))
}

fn seen(entry: &Entry) -> Option<String> {
    let mut parts: Vec<String> = entry.controls.iter().map(|id| format!("`{id}`")).collect();
    match entry.policy_settings {
        0 => {}
        1 => parts.push("1 setting".to_owned()),
        many => parts.push(format!("{many} settings")),
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn letter(mark: Mark) -> &'static str {
    match mark {
        Mark::Technical => "T",
        Mark::Partial => "P",
        Mark::Document => "D",
        Mark::NotApplicable => "N",
    }
}

fn words(mark: Mark) -> &'static str {
    match mark {
        Mark::Technical => "technical",
        Mark::Partial => "partial",
        Mark::Document => "document",
        Mark::NotApplicable => "does not apply",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// `UPDATE_GOLDEN=1` writes the page anew.
    #[test]
    fn the_page_in_docs_is_the_list_of_safeguards() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/safeguards.md");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&file, page()).unwrap();
        }
        assert_eq!(fs::read_to_string(file).unwrap(), page());
    }

    #[test]
    fn every_safeguard_stands_on_the_page_once() {
        let page = page();
        for (_, row) in standards().iter().flat_map(Standard::rows) {
            let line = format!("| {} {} |", row.cite.trim_start_matches("45 CFR 164."), row.name);
            assert_eq!(page.matches(&line).count(), 1, "{line}");
        }
    }
}
