//! What `terraform … -json` prints while it works, one JSON object a line. Pure; a line of another kind is no event.

use std::fmt;

use serde::Deserialize;

use super::error::Trouble;

/// What happens to a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It is made.
    Create,
    /// It is read.
    Read,
    /// It is changed in place.
    Update,
    /// It is made anew.
    Replace,
    /// It goes.
    Delete,
    /// It stays as it is, and its record changes: imported, moved, or forgotten.
    Record(String),
    /// A word of a version to come.
    Other(String),
}

impl Action {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "noop" | "open" | "renew" | "close" => return None,
            "create" => Self::Create,
            "read" => Self::Read,
            "update" => Self::Update,
            "replace" => Self::Replace,
            "delete" => Self::Delete,
            "import" | "move" | "remove" | "forget" => Self::Record(word.to_owned()),
            _ => Self::Other(word.to_owned()),
        })
    }

    fn sign(&self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Delete => "-",
            Self::Replace => "-/+",
            Self::Update | Self::Record(_) | Self::Other(_) => "~",
            Self::Read => "?",
        }
    }

    fn word(&self) -> &str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "change",
            Self::Replace => "replace",
            Self::Delete => "remove",
            Self::Record(word) | Self::Other(word) => word,
        }
    }
}

/// A change of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The resource, as Terraform calls it.
    pub address: String,
    /// What happens to it.
    pub action: Action,
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} {}: {}",
            self.action.sign(),
            self.address,
            self.action.word()
        )
    }
}

/// One line of progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A change that would be made.
    Planned(Change),
    /// A resource that somebody else changed since the last run.
    Drifted(Change),
    /// Something begins, goes on, or ends; a sentence for people.
    Doing(String),
    /// What the program finds wrong.
    Error(Trouble),
    /// What the program warns of.
    Warning(Trouble),
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    change: Option<RawChange>,
    hook: Option<Hook>,
    diagnostic: Option<Diagnostic>,
    #[serde(rename = "@message")]
    message: Option<String>,
}

#[derive(Deserialize)]
struct RawChange {
    resource: Resource,
    action: String,
}

#[derive(Deserialize)]
struct Hook {
    resource: Resource,
    #[serde(default)]
    action: String,
    #[serde(default)]
    elapsed_seconds: f64,
}

#[derive(Deserialize)]
struct Resource {
    addr: String,
}

#[derive(Deserialize)]
struct Diagnostic {
    severity: String,
    summary: String,
    #[serde(default)]
    detail: String,
    address: Option<String>,
    range: Option<Range>,
}

#[derive(Deserialize)]
struct Range {
    filename: String,
    start: Position,
}

#[derive(Deserialize)]
struct Position {
    line: u32,
}

/// Reads one line.
pub(super) fn read(line: &str) -> Option<Event> {
    let line: Line = serde_json::from_str(line).ok()?;
    match line.kind.as_str() {
        "planned_change" => change(line.change?).map(Event::Planned),
        "resource_drift" => change(line.change?).map(Event::Drifted),
        "apply_start" | "apply_progress" | "apply_complete" | "apply_errored" => doing(&line.kind, &line.hook?),
        "init_output" => Some(Event::Doing(line.message?)),
        "diagnostic" => diagnostic(line.diagnostic?),
        // Not `outputs` and not `provision_progress`: they carry values, which may be secrets.
        _ => None,
    }
}

fn change(raw: RawChange) -> Option<Change> {
    Some(Change {
        address: raw.resource.addr,
        action: Action::of(&raw.action)?,
    })
}

fn doing(kind: &str, hook: &Hook) -> Option<Event> {
    let action = Action::of(&hook.action)?;
    let (word, address, seconds) = (action.word(), &hook.resource.addr, hook.elapsed_seconds);
    Some(Event::Doing(match kind {
        "apply_start" => format!("{word} {address}"),
        "apply_progress" => format!("{word} {address}: {seconds:.0} s so far"),
        "apply_complete" => format!("{word} {address}: done after {seconds:.0} s"),
        _ => format!("{word} {address}: failed after {seconds:.0} s"),
    }))
}

fn diagnostic(raw: Diagnostic) -> Option<Event> {
    let range = raw
        .range
        .map(|range| format!("{}:{}", range.filename, range.start.line));
    let trouble = Trouble {
        summary: raw.summary,
        detail: raw.detail,
        place: raw.address.or(range),
    };
    Some(if raw.severity == "warning" {
        Event::Warning(trouble)
    } else {
        Event::Error(trouble)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by Terraform 1.11.4; see tests/fixtures/terraform/README.md.
    macro_rules! captured {
        ($name:literal) => {
            include_str!(concat!("../../../tests/fixtures/terraform/captured/", $name))
        };
    }

    fn events(text: &str) -> Vec<Event> {
        text.lines().filter_map(read).collect()
    }

    fn sentences(text: &str) -> Vec<String> {
        let sentence = |event| match event {
            Event::Planned(change) => format!("plan {change}"),
            Event::Drifted(change) => format!("drift {change}"),
            Event::Doing(text) => text,
            Event::Error(trouble) => format!("error {trouble}"),
            Event::Warning(trouble) => format!("warning {trouble}"),
        };
        events(text).into_iter().map(sentence).collect()
    }

    #[test]
    fn a_plan_names_every_change() {
        assert_eq!(
            sentences(captured!("plan-create.jsonl")),
            [
                "plan + terraform_data.network: create",
                "plan + terraform_data.host[\"core\"]: create",
                "plan + terraform_data.slow: create",
            ]
        );
        assert_eq!(
            sentences(captured!("plan-change.jsonl")),
            [
                "plan -/+ terraform_data.host[\"core\"]: replace",
                "plan ~ terraform_data.network: change",
                "plan ~ terraform_data.slow: change",
            ]
        );
        assert_eq!(sentences(captured!("plan-nothing.jsonl")), [""; 0]);
    }

    #[test]
    fn a_run_says_what_it_does_and_for_how_long() {
        let said = sentences(captured!("apply-create.jsonl"));
        assert!(said.contains(&"create terraform_data.network".to_owned()), "{said:?}");
        assert!(
            said.contains(&"create terraform_data.slow: 10 s so far".to_owned()),
            "{said:?}"
        );
        assert!(
            said.contains(&"create terraform_data.slow: done after 11 s".to_owned()),
            "{said:?}"
        );
        let said = sentences(captured!("apply-destroy.jsonl"));
        assert!(
            said.contains(&"remove terraform_data.host[\"core\"]: done after 0 s".to_owned()),
            "{said:?}"
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let said = sentences(captured!("apply-failed.jsonl"));
        assert!(
            said.contains(&"create terraform_data.host[\"core\"]: failed after 0 s".to_owned()),
            "{said:?}"
        );
        let error = said.iter().find(|text| text.starts_with("error")).unwrap();
        assert!(
            error.starts_with("error terraform_data.host[\"core\"]: local-exec provisioner error: "),
            "{error}"
        );
        assert_eq!(
            sentences(captured!("plan-failed.jsonl"))[0],
            "error main.tf:15: Unsupported attribute: This object does not have an attribute named \"protect\"."
        );
    }

    #[test]
    fn values_of_outputs_and_what_provisioners_print_are_not_read() {
        let all = [captured!("apply-create.jsonl"), captured!("apply-failed.jsonl")].concat();
        assert!(all.contains("203.0.113.7") && all.contains("\"output\":\"no capacity\""));
        let doing = events(&all).into_iter().filter_map(|event| match event {
            Event::Doing(text) => Some(text),
            _ => None,
        });
        for text in doing {
            assert!(!text.contains("203.0.113.7") && !text.contains("no capacity"), "{text}");
        }
    }

    #[test]
    fn what_is_no_event_is_none_and_a_new_word_is_a_change() {
        for line in [
            "",
            "panic: nil",
            "{",
            "[]",
            "{\"type\":\"planned_change\"}",
            "{\"type\":\"version\"}",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        let planned = |action: &str| {
            let resource = "{\"addr\":\"a.b\"}";
            read(&format!(
                "{{\"type\":\"planned_change\",\"change\":{{\"resource\":{resource},\"action\":\"{action}\"}}}}"
            ))
        };
        let drift = "{\"type\":\"resource_drift\",\"change\":{\"resource\":{\"addr\":\"a.b\"},\"action\":\"delete\"}}";
        assert!(matches!(
            read(drift),
            Some(Event::Drifted(Change {
                action: Action::Delete,
                ..
            }))
        ));
        assert_eq!(planned("noop"), None);
        assert!(matches!(
            planned("transmogrify"),
            Some(Event::Planned(Change {
                action: Action::Other(_),
                ..
            }))
        ));
    }
}
