//! The policy's rows for people: as text for a terminal, and as the page docs/policy.md.

use std::fmt::Write;

use serde_json::Value;

use crate::catalog::policy::Condition;
use crate::catalog::policy::Group;
use crate::catalog::policy::Policy;
use crate::catalog::policy::policies;

/// One component's rows, each setting with its value, its reason, the duty behind it and the unsafe default upstream.
pub fn text(policy: &Policy) -> String {
    let mut out = format!("{}: {}\n  read in {}\n", policy.title, policy.file, policy.source);
    for group in &policy.groups {
        let _ = writeln!(out, "\n  {}", heading(group));
        for (key, value) in &group.set {
            let _ = writeln!(out, "    {} = {}", key.trim_end_matches('+'), shown(value));
            if let Some(upstream) = group.upstream.get(key) {
                let _ = writeln!(out, "      otherwise: {upstream}");
            }
        }
        let _ = writeln!(out, "    cites {}", group.citations.join(", "));
    }
    out
}

/// docs/policy.md.
pub fn page() -> String {
    let mut out = String::from(
        "# Policy\n\nEvery setting whose safe value is not the operator's to choose, as `anteroom` renders it, with the reason, the\n\
         duty behind it (45 CFR Part 164) and what the software does by itself where that is not safe. Text in angle brackets\n\
         is a value of the deployment or, with `secret:`, one that the host makes. The control `integrity/policy-in-force`\n\
         judges hosts by these rows, `leakage/config-hygiene` the page as served. This page is written by\n\
         `anteroom catalog policy --markdown` and a test compares it.\n",
    );
    for policy in policies().values() {
        let _ = write!(
            out,
            "\n## {}\n\n`{}`. Read in: {}.\n",
            policy.title, policy.file, policy.source
        );
        for group in &policy.groups {
            let _ = write!(
                out,
                "\n**{}**\n\n| setting | value | otherwise |\n|---|---|---|\n",
                cell(&heading(group))
            );
            for (key, value) in &group.set {
                let upstream = group.upstream.get(key).map(|text| cell(text)).unwrap_or_default();
                let key = key.trim_end_matches('+');
                let _ = writeln!(out, "| `{}` | `{}` | {upstream} |", cell(key), cell(&shown(value)));
            }
            let _ = writeln!(out, "\nCites {}.", group.citations.join(", "));
        }
    }
    out
}

fn heading(group: &Group) -> String {
    let mut heading = group.reason.clone();
    if group.section != "whole" {
        heading = format!("{} ({})", heading.trim_end_matches('.'), group.section);
    }
    if !group.when.is_empty() {
        let when: Vec<&str> = group.when.iter().map(|condition| words(*condition)).collect();
        let _ = write!(heading, " [only {}]", when.join(", "));
    }
    heading
}

fn words(condition: Condition) -> &'static str {
    match condition {
        Condition::Token => "where tokens open rooms",
        Condition::Jwks => "where an identity provider publishes the keys",
        Condition::FixedKey => "where one fixed key judges tokens",
        Condition::Internal => "where accounts open rooms",
        Condition::Intermediate => "in the TLS profile intermediate",
        Condition::Modern => "in the TLS profile modern",
        Condition::Test => "in a test",
        Condition::BehindNat => "behind NAT",
        Condition::KnownPeers => "where the bridge's addresses are known",
    }
}

/// A value as its own text.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(shown).collect::<Vec<String>>().join(", ")
        }
        _ => value.to_string(),
    }
}

/// Text that does not end a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// `UPDATE_GOLDEN=1` writes the page anew.
    #[test]
    fn the_page_in_docs_is_the_policy() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/policy.md");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&file, page()).unwrap();
        }
        assert_eq!(fs::read_to_string(file).unwrap(), page());
    }
}
