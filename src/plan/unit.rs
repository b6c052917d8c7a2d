//! Which units must start, stop, or take new input, and why. A unit is stale when it runs longer than what it read.

use std::collections::BTreeSet;

use crate::facts::HostFacts;
use crate::facts::PathState;
use crate::facts::UnitFacts;
use crate::plan::Change;
use crate::plan::DriftKind;
use crate::plan::DriftRow;
use crate::plan::UnitAction;
use crate::plan::UnknownFact;
use crate::plan::drift::FIREWALL;
use crate::plan::drift::RUNNING_FIREWALL;
use crate::plan::drift::firewall_differs;
use crate::plan::drift::unknown;
use crate::plan::file::below;
use crate::plan::package;
use crate::plan::package::PackageChanges;
use crate::render::Effect;
use crate::render::KERNEL_PATH;
use crate::render::UnitState;
use crate::render::UnitWanted;
use crate::render::Wanted;
use crate::spec::RemotePath;

/// What happens in a plan before its units are decided.
pub(crate) struct Causes<'a> {
    /// Paths that change.
    pub(crate) changed: &'a BTreeSet<RemotePath>,
    /// Packages that are installed or upgraded.
    pub(crate) packages: &'a PackageChanges,
}

/// The decided unit changes.
#[derive(Debug, Default)]
pub(crate) struct UnitChanges {
    /// Units whose inputs are hardening: under the dead man's switch.
    pub(crate) guarded: Vec<Change>,
    /// Units that must not run.
    pub(crate) stop: Vec<Change>,
    /// Units that must, in their order.
    pub(crate) start: Vec<Change>,
    /// Names that we enable or mask here for the first time.
    pub(crate) new: Vec<String>,
}

/// Decides every wanted unit, and stops those that an earlier spec wanted.
pub(crate) fn decide(
    wanted: &Wanted,
    facts: &HostFacts,
    owned: &[String],
    causes: &Causes,
    rows: &mut Vec<DriftRow>,
    missing: &mut Vec<UnknownFact>,
) -> UnitChanges {
    let mut changes = UnitChanges::default();
    for unit in &wanted.units {
        let seen = match facts.units.get(&unit.name).map(|seen| seen.known()) {
            Some(Ok(seen)) => seen,
            Some(Err(why)) => {
                missing.push(unknown(DriftKind::Unit, unit.name.as_str(), why));
                continue;
            }
            None => {
                missing.push(unknown(DriftKind::Unit, unit.name.as_str(), "it was not looked at"));
                continue;
            }
        };
        let decided = match unit.state {
            UnitState::Masked => masked(unit, seen, rows),
            UnitState::Running => running(unit, seen, wanted, facts, causes, rows, missing),
        };
        let first = decided
            .iter()
            .any(|(action, _)| matches!(action, UnitAction::Start | UnitAction::Mask));
        if first && !owned.contains(&unit.name) && seen.enabled != "enabled" {
            changes.new.push(unit.name.clone());
        }
        let list = match unit.state {
            UnitState::Masked => &mut changes.stop,
            UnitState::Running if guarded(unit, wanted) => &mut changes.guarded,
            UnitState::Running => &mut changes.start,
        };
        for (action, why) in decided {
            list.push(change(unit, action, why, wanted));
        }
    }
    for name in owned
        .iter()
        .filter(|name| !wanted.units.iter().any(|unit| unit.name == **name))
    {
        let seen = match facts.units.get(name).map(|seen| seen.known()) {
            Some(Ok(seen)) => seen,
            Some(Err(why)) => {
                missing.push(unknown(DriftKind::Unit, name, why));
                continue;
            }
            None => {
                missing.push(unknown(DriftKind::Unit, name, "it was not looked at"));
                continue;
            }
        };
        if seen.active == "active" || seen.enabled == "enabled" {
            rows.push(DriftRow::new(DriftKind::Unit, name, "not running", state_of(seen)));
            changes.stop.push(Change::Unit {
                name: name.clone(),
                action: UnitAction::Stop,
                why: "the spec no longer wants it".to_owned(),
                listens: Vec::new(),
            });
        }
    }
    changes
}

fn change(unit: &UnitWanted, action: UnitAction, why: String, wanted: &Wanted) -> Change {
    let waits = matches!(action, UnitAction::Start | UnitAction::Restart);
    let listens = wanted
        .listeners
        .iter()
        .filter(|listener| waits && listener.always && listener.unit == unit.name)
        .cloned()
        .collect();
    Change::Unit {
        name: unit.name.clone(),
        action,
        why,
        listens,
    }
}

/// Whether a lock-out hangs on this unit.
fn guarded(unit: &UnitWanted, wanted: &Wanted) -> bool {
    use crate::render::Entry;
    wanted.tree.iter().any(|(path, entry)| {
        matches!(entry, Entry::File(file) if file.hardening) && unit.inputs.iter().any(|input| below(path, input))
    })
}

fn masked(unit: &UnitWanted, seen: &UnitFacts, rows: &mut Vec<DriftRow>) -> Vec<(UnitAction, String)> {
    let masked = seen.is_masked();
    if masked && seen.active != "active" {
        return Vec::new();
    }
    rows.push(DriftRow::new(
        DriftKind::Unit,
        &unit.name,
        "masked and not running",
        state_of(seen),
    ));
    vec![(UnitAction::Mask, format!("it is {}", state_of(seen)))]
}

fn running(
    unit: &UnitWanted,
    seen: &UnitFacts,
    wanted: &Wanted,
    facts: &HostFacts,
    causes: &Causes,
    rows: &mut Vec<DriftRow>,
    missing: &mut Vec<UnknownFact>,
) -> Vec<(UnitAction, String)> {
    let mut list = Vec::new();
    let mut wrong = |observed: String| {
        rows.push(DriftRow::new(
            DriftKind::Unit,
            &unit.name,
            "enabled and running",
            observed,
        ))
    };
    let masked = seen.is_masked();
    if masked {
        list.push((UnitAction::Unmask, "it is masked".to_owned()));
    }
    let active = matches!(seen.active.as_str(), "active" | "reloading");
    // Units without an [Install] part, links to units and converted init scripts count as enabled: systemd says so.
    let enabled = matches!(
        seen.enabled.as_str(),
        "enabled" | "static" | "generated" | "alias" | "indirect"
    );
    let action = if active { UnitAction::Enable } else { UnitAction::Start };
    let start = (!active || !enabled || masked).then(|| (action, format!("it is {}", state_of(seen))));
    if start.is_some() {
        wrong(state_of(seen));
    }
    if active && let Some((action, why)) = stale(unit, seen, wanted, facts, causes, rows, missing) {
        list.push((action, why));
    }
    list.extend(start);
    list
}

fn stale(
    unit: &UnitWanted,
    seen: &UnitFacts,
    wanted: &Wanted,
    facts: &HostFacts,
    causes: &Causes,
    rows: &mut Vec<DriftRow>,
    missing: &mut Vec<UnknownFact>,
) -> Option<(UnitAction, String)> {
    let effect = match unit.effect {
        Effect::Restart => UnitAction::Restart,
        Effect::Reload => UnitAction::Reload,
    };
    let inputs = |path: &&RemotePath| unit.inputs.iter().any(|input| below(path, input));
    let newer = facts
        .files
        .iter()
        .filter(|(path, _)| inputs(path))
        .find(|(_, state)| matches!(state.known(), Ok(PathState::File { modified, .. }) if *modified > seen.started))
        .map(|(path, _)| path);
    // That it runs with something older than what is on disk differs from what is wanted, whatever will be on disk soon.
    if let Some(path) = newer {
        let expected = format!("started after {path} was last changed");
        rows.push(DriftRow::new(
            DriftKind::Unit,
            &unit.name,
            expected,
            "runs with an older one",
        ));
    }
    let changed: Vec<&RemotePath> = causes.changed.iter().filter(inputs).collect();
    // systemd itself reads unit files: a reload of the service would not take them in.
    if let Some(path) = changed
        .iter()
        .find(|path| path.as_str().starts_with("/etc/systemd/system/"))
    {
        return Some((UnitAction::Restart, format!("{path} changes")));
    }
    if let Some(package) = installed_package(unit, causes.packages) {
        return Some((UnitAction::Restart, format!("{package} is installed anew")));
    }
    if let Some(path) = changed.first() {
        return Some((effect, format!("{path} changes")));
    }
    if let Some(path) = newer {
        return Some((effect, format!("{path} is newer than the running service")));
    }
    firewall(unit, wanted, facts, missing).or_else(|| kernel(unit, wanted, facts, rows, missing))
}

/// The kernel must hold what the file of its settings says. What a container has of its machine no plan can change.
fn kernel(
    unit: &UnitWanted,
    wanted: &Wanted,
    facts: &HostFacts,
    rows: &mut Vec<DriftRow>,
    missing: &mut Vec<UnknownFact>,
) -> Option<(UnitAction, String)> {
    if !unit.inputs.iter().any(|input| input.as_str() == KERNEL_PATH) {
        return None;
    }
    let seen = match facts.system.kernel.known() {
        Ok(seen) => seen,
        Err(why) => {
            missing.push(unknown(DriftKind::Unit, "the kernel's settings", why));
            return None;
        }
    };
    let contained = match facts.system.container.known() {
        Ok(container) => container.is_some(),
        Err(why) => {
            missing.push(unknown(DriftKind::Unit, "whether the kernel is the host's own", why));
            true
        }
    };
    let mut why = None;
    let settings = wanted
        .settings
        .iter()
        .filter(|setting| setting.path.as_str() == KERNEL_PATH);
    for setting in settings.filter(|setting| !contained || setting.is_of_the_network()) {
        let value = setting.text();
        let held = seen.get(&setting.key).into_iter().flatten();
        for (file, held) in held.filter(|(_, held)| **held != value) {
            let expected = format!("{file} holds {value}");
            rows.push(DriftRow::new(
                DriftKind::Unit,
                &unit.name,
                expected,
                format!("it holds {held}"),
            ));
            why.get_or_insert_with(|| format!("{file} holds {held}"));
        }
    }
    why.map(|why| (UnitAction::Restart, why))
}

/// The kernel's table must be the one on disk.
fn firewall(
    unit: &UnitWanted,
    wanted: &Wanted,
    facts: &HostFacts,
    missing: &mut Vec<UnknownFact>,
) -> Option<(UnitAction, String)> {
    let ours = |path: &RemotePath| path.as_str() == FIREWALL;
    if !wanted.tree.keys().any(ours) || !unit.inputs.iter().any(ours) {
        return None;
    }
    match facts.firewall.known() {
        Ok(seen) => {
            let why = format!("the kernel holds {}", firewall_differs(seen)?);
            match seen.running {
                Some(_) => Some((UnitAction::Reload, why)),
                None => Some((UnitAction::Restart, why)),
            }
        }
        // Without nft nobody can look; the plan installs it, and then loads the table.
        Err(_) if package::missing(wanted, facts, "nftables") => {
            Some((UnitAction::Restart, "nobody knows what the kernel holds".to_owned()))
        }
        Err(why) => {
            missing.push(unknown(DriftKind::Firewall, RUNNING_FIREWALL, why));
            None
        }
    }
}

/// A package whose service is this unit: `nginx` for `nginx.service`, `jitsi-meet-prosody` for `prosody.service`.
/// Package scripts may not restart services during a plan, so the plan does.
fn installed_package<'a>(unit: &UnitWanted, packages: &'a PackageChanges) -> Option<&'a str> {
    let stem = unit.name.strip_suffix(".service")?;
    packages
        .tools
        .iter()
        .chain(&packages.others)
        .map(|(name, _)| name.as_str())
        .find(|name| *name == stem || name.split('-').any(|part| part == stem))
}

fn state_of(seen: &UnitFacts) -> String {
    if seen.load == "not-found" {
        return "not installed".to_owned();
    }
    if seen.is_masked() {
        return format!("masked and {}", seen.active);
    }
    let enabled = if seen.enabled.is_empty() {
        "not enabled"
    } else {
        &seen.enabled
    };
    format!("{enabled} and {}", seen.active)
}
