//! A plan as one tar stream: the engine, the order of its steps, and one folder a step.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::apply::run::Operator;
use crate::apply::step;
use crate::plan::Change;
use crate::plan::Entry;
use crate::plan::FileContent;
use crate::plan::Plan;
use crate::plan::Purpose;
use crate::plan::UnitAction;
use crate::plan::residue_table;

/// The engine, by job; one script on the host.
const ENGINE: &[&str] = &[
    include_str!("engine/00-base.sh"),
    include_str!("engine/10-journal.sh"),
    include_str!("engine/20-files.sh"),
    include_str!("engine/30-apt.sh"),
    include_str!("engine/35-packages.sh"),
    include_str!("engine/40-services.sh"),
    include_str!("engine/50-safety.sh"),
    include_str!("engine/90-main.sh"),
];

/// The whole bundle.
///
/// # Errors
/// Where a value of the plan cannot be handed over unambiguously; in words.
pub(crate) fn build(plan: &Plan, who: &Operator) -> Result<Vec<u8>, String> {
    let mut archive = tar::Builder::new(Vec::new());
    let purpose = match plan.purpose {
        Purpose::Build => "build",
        Purpose::Remove => "remove",
    };
    add(&mut archive, "engine.sh", ENGINE.concat().as_bytes())?;
    add(&mut archive, "purpose", format!("{purpose}\n").as_bytes())?;
    add(&mut archive, "who", format!("{}\n", who.label()).as_bytes())?;
    add(&mut archive, "verb", format!("{}\n", one_line(&who.verb)).as_bytes())?;
    add(&mut archive, "order", order(plan).as_bytes())?;
    add(&mut archive, "mask", mask(plan).as_bytes())?;
    add(&mut archive, "units", services(plan).as_bytes())?;
    add(&mut archive, "residue", residue_table().as_bytes())?;
    for (index, change) in plan.changes.iter().enumerate() {
        for (name, bytes) in step::files(change)? {
            add(&mut archive, &format!("steps/{index:04}/{name}"), &bytes)?;
        }
    }
    archive.into_inner().map_err(|why| why.to_string())
}

fn add(archive: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) -> Result<(), String> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    archive
        .append_data(&mut header, name, bytes)
        .map_err(|why| format!("{name}: {why}"))
}

/// One line, without control characters.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

/// Steps in the plan's order. Files are staged together, before the first check that looks at them or the first of
/// them that is put in place; a group ends where anything else happens. Services are given time after the last unit
/// of a row.
fn order(plan: &Plan) -> String {
    let mut text = String::new();
    let mut staged = 0;
    for (index, change) in plan.changes.iter().enumerate() {
        if plan.purpose == Purpose::Build && in_group(change) && index >= staged {
            let end = (index..plan.changes.len())
                .find(|later| !in_group(&plan.changes[*later]))
                .unwrap_or(plan.changes.len());
            let files = (index..end).filter(|at| is_file(&plan.changes[*at]));
            let numbers: Vec<String> = files.map(|at| format!("{at:04}")).collect();
            staged = end;
            if !numbers.is_empty() {
                let _ = writeln!(text, "stage {}", numbers.join(" "));
            }
        }
        let _ = writeln!(text, "step {index:04}");
        let is_unit = |change: &Change| matches!(change, Change::Unit { .. });
        if is_unit(change) && !plan.changes.get(index + 1).is_some_and(is_unit) {
            let _ = writeln!(text, "settle {index:04}");
        }
    }
    text
}

/// Checks look at the files that follow them; arming lies between the two for firewall and sshd.
fn in_group(change: &Change) -> bool {
    is_file(change) || matches!(change, Change::Check(_) | Change::Arm { .. })
}

fn is_file(change: &Change) -> bool {
    matches!(change, Change::Put { .. } | Change::Delete { .. })
}

/// The services that must not start between two states, one a line. Not among them: what is started under the dead
/// man's switch, without which nobody gets in, and systemd's own, which are up before anything could undo a run.
fn services(plan: &Plan) -> String {
    let mut names = BTreeSet::new();
    let mut armed = false;
    for change in &plan.changes {
        match change {
            Change::Arm { .. } => armed = true,
            Change::Disarm => armed = false,
            // A timer waits for the services that it starts.
            Change::Unit { name, action, .. }
                if !armed
                    && name.ends_with(".service")
                    && !name.starts_with("systemd-")
                    && matches!(
                        action,
                        UnitAction::Start
                            | UnitAction::Enable
                            | UnitAction::Restart
                            | UnitAction::Reload
                            | UnitAction::Unmask
                    ) =>
            {
                names.insert(name.as_str());
            }
            _ => {}
        }
    }
    names.iter().map(|name| format!("{name}\n")).collect()
}

/// What must never be printed and is not among the host's own secrets.
fn mask(plan: &Plan) -> String {
    let mut lines = String::new();
    for change in &plan.changes {
        match change {
            Change::Clinician { password, .. } => {
                lines.push_str(password.expose());
                lines.push('\n');
            }
            Change::Put {
                entry: Entry::File(file),
                ..
            } => {
                if let FileContent::Hidden(secret) = &file.content {
                    lines.push_str(secret.expose());
                    lines.push('\n');
                }
            }
            _ => {}
        }
    }
    lines
}
