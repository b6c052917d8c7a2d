//! The rows of sabotage.toml: what is broken, how, and what must notice. Read by the suite, which runs them on lab hosts,
//! and by tests/docs.rs, which only holds them against the catalog.

use std::collections::BTreeSet;

use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sabotage {
    /// Controls that any edited file trips, and that are therefore no catch.
    pub(crate) drift: BTreeSet<String>,
    #[serde(rename = "row")]
    pub(crate) rows: Vec<Row>,
    untried: Vec<Untried>,
}

/// One misconfiguration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) how: String,
    #[serde(default)]
    pub(crate) undo: String,
    #[serde(default)]
    pub(crate) restart: Vec<String>,
    /// Sections that the spec has in this audit only.
    #[serde(default)]
    pub(crate) spec: String,
    /// Further arguments of this audit.
    #[serde(default)]
    pub(crate) arguments: Vec<String>,
    pub(crate) control: String,
    #[serde(default)]
    pub(crate) also: BTreeSet<String>,
    #[serde(default)]
    pub(crate) edits: bool,
    #[serde(default)]
    pub(crate) spread: bool,
}

/// Controls that no row breaks, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Untried {
    controls: Vec<String>,
    why: String,
}

impl Sabotage {
    /// The file beside this one.
    pub(crate) fn read() -> Self {
        toml::from_str(include_str!("sabotage.toml")).unwrap_or_else(|why| panic!("sabotage.toml: {why}"))
    }

    /// Whether a change of this control is one that the row declares.
    pub(crate) fn declares(&self, row: &Row, control: &str) -> bool {
        row.control == control || row.also.contains(control) || (row.edits && self.drift.contains(control))
    }

    /// What is wrong with the file itself, and with it beside the catalog's `known` controls.
    pub(crate) fn problems(&self, known: &BTreeSet<&str>) -> Vec<String> {
        let mut problems = Vec::new();
        let mut names = BTreeSet::new();
        for row in &self.rows {
            if !names.insert(&row.name) {
                problems.push(format!("two rows are named {:?}", row.name));
            }
            let changes = !row.how.is_empty() || !row.spec.is_empty();
            if !changes || (row.how.is_empty() && !(row.undo.is_empty() && row.restart.is_empty())) {
                problems.push(format!("{:?} does nothing", row.name));
            }
            for control in row.also.iter().chain([&row.control]) {
                if !known.contains(control.as_str()) {
                    problems.push(format!(
                        "{:?} names {control}, which the catalog does not know",
                        row.name
                    ));
                }
            }
            if row.edits && self.drift.contains(&row.control) {
                problems.push(format!(
                    "{:?} takes drift for a catch: what is the edit's own control?",
                    row.name
                ));
            }
        }
        let tried: BTreeSet<&str> = self.rows.iter().map(|row| row.control.as_str()).collect();
        let mut excused = BTreeSet::new();
        for untried in &self.untried {
            for control in untried.controls.iter().map(String::as_str) {
                if !excused.insert(control) || tried.contains(control) || !known.contains(control) {
                    problems.push(format!("{control} is untried twice, or tried, or unknown"));
                }
            }
            if untried.why.len() < 20 {
                problems.push(format!("why {:?} are not tried is not said", untried.controls));
            }
        }
        for control in known.iter().filter(|id| !tried.contains(*id) && !excused.contains(*id)) {
            problems.push(format!("{control} has neither a row nor a reason for having none"));
        }
        let spread = self.rows.iter().filter(|row| row.spread);
        let families: BTreeSet<&str> = spread.filter_map(|row| row.control.split('/').next()).collect();
        for family in tried.iter().filter_map(|control| control.split('/').next()) {
            if !families.contains(family) {
                problems.push(format!("no row of {family} is among the few that always run"));
            }
        }
        problems.dedup();
        problems
    }
}
