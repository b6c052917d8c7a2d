//! A plan for people: every change in order, with coloured diffs whose secrets are masked.

use std::fmt::Write;

use anstyle::AnsiColor;
use anstyle::Style;

use crate::apply;
use crate::facts::PathState;
use crate::plan;
use crate::plan::Change;
use crate::plan::DiffLine;
use crate::plan::Mend;
use crate::plan::Plan;
use crate::plan::UnitAction;
use crate::report::clean::one_line;

const ADD: Style = AnsiColor::Green.on_default();
const REMOVE: Style = AnsiColor::Red.on_default();
const CHANGE: Style = AnsiColor::Yellow.on_default();
const QUIET: Style = Style::new().dimmed();
const LOUD: Style = Style::new().bold();

/// How much of a file's content to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// Diffs of files that exist; a line count for new ones.
    Diffs,
    /// Whole new files too.
    All,
    /// Only one line a change.
    None,
}

/// One host's plan, with ANSI styles; the writer strips them where the stream is not a terminal.
pub fn render(plan: &Plan, contents: Contents) -> String {
    let mut out = String::new();
    if plan.changes.is_empty() {
        let state = if plan.drift.is_empty() {
            "in sync"
        } else {
            "nothing to change, but not in sync"
        };
        let _ = writeln!(out, "{LOUD}{}{LOUD:#}: {state}", plan.host);
        untouched(&mut out, plan);
        return out;
    }
    let _ = writeln!(out, "{LOUD}{}{LOUD:#}: {}", plan.host, count(plan.changes.len()));
    // What stands guard differs in nothing; a package's scripts may touch it, and then it is put back.
    let guards = plan.changes.iter().filter(|change| plan::is_guard(change)).count();
    for change in plan.changes.iter().filter(|change| !plan::is_guard(change)) {
        let (style, sign) = mark(change);
        let note = note(change).map_or(String::new(), |note| format!(" {QUIET}({}){QUIET:#}", one_line(&note)));
        let _ = writeln!(
            out,
            "  {style}{sign}{style:#} {}{note}",
            one_line(&apply::describe(change))
        );
        if contents != Contents::None {
            content(&mut out, change, contents);
        }
    }
    if guards > 0 {
        let _ = writeln!(
            out,
            "  {QUIET}· keep {guards} more as they are, whatever packages' scripts do to them{QUIET:#}"
        );
    }
    untouched(&mut out, plan);
    out
}

/// Differences that no change mends: those that a person must look at and, where there is no change at all, every one.
fn untouched(out: &mut String, plan: &Plan) {
    let rows = plan.drift.iter();
    for row in rows.filter(|row| row.mend == Mend::Person || plan.changes.is_empty()) {
        let text = format!(
            "differs, and apply does not touch it: {}: expected {}, is {}",
            row.subject, row.expected, row.observed
        );
        let _ = writeln!(out, "  {CHANGE}!{CHANGE:#} {}", one_line(&text));
    }
}

fn count(changes: usize) -> String {
    if changes == 1 {
        "1 change".to_owned()
    } else {
        format!("{changes} changes")
    }
}

/// Why, where the change itself does not say.
fn note(change: &Change) -> Option<String> {
    match change {
        Change::Unit { why, .. } => Some(why.clone()),
        Change::Arm { seconds } => Some(format!(
            "what follows is undone unless a new connection confirms it within {seconds} s"
        )),
        _ => None,
    }
}

fn mark(change: &Change) -> (Style, char) {
    match change {
        Change::Put {
            before: PathState::Absent,
            ..
        }
        | Change::MakeSecret(_)
        | Change::AptKey(_)
        | Change::Install { .. }
        | Change::Certificate(_)
        | Change::Clinician { .. } => (ADD, '+'),
        Change::Delete { .. } | Change::Purge { .. } | Change::RemoveAccount { .. } | Change::Forget(_) => {
            (REMOVE, '-')
        }
        Change::Unit {
            action: UnitAction::Stop | UnitAction::Mask,
            ..
        } => (REMOVE, '-'),
        Change::Check(_) | Change::Arm { .. } | Change::Disarm | Change::AptUpdate { .. } => (QUIET, '·'),
        _ => (CHANGE, '~'),
    }
}

fn content(out: &mut String, change: &Change, contents: Contents) {
    let (before, after) = match change {
        Change::Put { entry, before, .. } => (before, Some(entry)),
        Change::Delete { before, .. } => (before, None),
        _ => return,
    };
    let is_new = matches!(before, PathState::Absent);
    if is_new && contents == Contents::Diffs {
        return;
    }
    for line in plan::diff(before, after) {
        let _ = match line {
            DiffLine::Added(text) => writeln!(out, "      {ADD}+ {}{ADD:#}", one_line(&text)),
            DiffLine::Removed(text) => writeln!(out, "      {REMOVE}- {}{REMOVE:#}", one_line(&text)),
            DiffLine::Same(text) => writeln!(out, "      {QUIET}  {}{QUIET:#}", one_line(&text)),
            DiffLine::Gap => writeln!(out, "      {QUIET}  …{QUIET:#}"),
            DiffLine::Note(text) => writeln!(out, "      {QUIET}({}){QUIET:#}", one_line(&text)),
        };
    }
}
