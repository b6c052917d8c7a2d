//! Plans as JSON, `anteroom/plan/v1`: for scripts and pull requests. File contents stay out; hashes tell them apart.

use crate::apply;
use crate::plan::Plan;

/// One change of what a cloud holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CloudChange {
    /// How deep it goes: `create`, `in-place`, `replace` (a machine with its disk) or `remove`.
    pub depth: &'static str,
    /// The host that it is about; `None`: what there is once.
    pub host: Option<String>,
    /// What, in words.
    pub change: String,
    /// Who made it necessary: `spec` or `someone`.
    pub by: &'static str,
    /// The name that `apply --replace` takes where a machine goes with its disk.
    pub ends_machine: Option<String>,
}

/// The plans of all hosts, the machines that would be made, what Terraform would change around them, and the changes that a
/// cloud's part needs, as indented JSON with a final newline.
pub fn render(plans: &[Plan], machines: &[String], infrastructure: &[String], cloud: &[CloudChange]) -> String {
    let hosts: Vec<Host> = plans.iter().map(host).collect();
    let document = Document {
        schema: "anteroom/plan/v1",
        machines,
        infrastructure,
        cloud,
        hosts,
    };
    let mut text = serde_json::to_string_pretty(&document).expect("strings always serialise");
    text.push('\n');
    text
}

#[derive(serde::Serialize)]
struct Document<'a> {
    schema: &'static str,
    machines: &'a [String],
    infrastructure: &'a [String],
    #[serde(skip_serializing_if = "<[CloudChange]>::is_empty")]
    cloud: &'a [CloudChange],
    hosts: Vec<Host>,
}

#[derive(serde::Serialize)]
struct Host {
    host: String,
    changes: Vec<String>,
    drift: Vec<Row>,
}

#[derive(serde::Serialize)]
struct Row {
    kind: &'static str,
    subject: String,
    expected: String,
    observed: String,
}

fn host(plan: &Plan) -> Host {
    Host {
        host: plan.host.to_string(),
        changes: plan.changes.iter().map(apply::describe).collect(),
        drift: plan
            .drift
            .iter()
            .map(|row| Row {
                kind: row.kind.word(),
                subject: row.subject.clone(),
                expected: row.expected.clone(),
                observed: row.observed.clone(),
            })
            .collect(),
    }
}
