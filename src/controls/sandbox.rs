//! Integrity of sandboxes: what systemd made of a unit's settings, which a drop-in of somebody else's may have changed.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::render::SettingWanted;
use crate::render::sandboxed_unit;
use crate::seen::Seen;

/// Settings that systemd prints in other words. The file and the unit's last start are judged elsewhere.
const OTHER_WORDS: &[&str] = &[
    "EnvironmentFile",
    "ExecStart",
    "ExecStop",
    "RestartSec",
    "SuccessExitStatus",
];
/// Calls that `@system-service` leaves out and that no service here has any use for. systemd prints every single call.
const NEVER: &[&str] = &[
    "bpf",
    "finit_module",
    "init_module",
    "kexec_load",
    "mount",
    "pivot_root",
    "ptrace",
    "reboot",
    "swapon",
];

/// integrity/sandboxes-in-force.
pub(crate) fn sandboxes_in_force(case: &Case) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for host in case.hosts {
        let mut units: BTreeMap<&str, Vec<&SettingWanted>> = BTreeMap::new();
        for setting in &host.wanted.settings {
            if let Some(unit) = sandboxed_unit(setting.path.as_str()) {
                units.entry(unit).or_default().push(setting);
            }
        }
        verdicts.extend(units.iter().map(|(unit, settings)| judge(case, host, unit, settings)));
    }
    verdicts
}

fn judge(case: &Case, host: &HostCase, unit: &str, settings: &[&SettingWanted]) -> Verdict {
    let expected = "every setting of the sandbox, as systemd understood it";
    let subject = host.subject(unit);
    let unseen = |why: &str| Verdict::unverified(subject.clone(), expected, why, case.on_host(host, "not seen"));
    let seen = match &host.facts {
        Seen::Unknown(why) => return unseen(why),
        Seen::Known(facts) => match facts.system.properties.known() {
            Err(why) => return unseen(why),
            Ok(all) => match all.get(unit) {
                None => return unseen("it was not looked at"),
                Some(seen) => seen,
            },
        },
    };
    let mut differing = Vec::new();
    let mut compared = 0;
    for setting in settings
        .iter()
        .filter(|setting| !OTHER_WORDS.contains(&setting.key.as_str()))
    {
        let Some(values) = seen.get(&setting.key) else {
            return unseen(&format!("systemd knows no {}", setting.key));
        };
        compared += 1;
        if let Some(observed) = difference(setting, values) {
            differing.push(format!("{} is {observed}: {}", setting.key, setting.reason));
        }
    }
    let evidence = case.on_host(host, format!("`systemctl show {unit}`, {compared} properties"));
    if differing.is_empty() {
        let observed = format!("{compared} settings, all as wanted");
        Verdict::pass(subject, expected, observed, evidence)
    } else {
        Verdict::fail(subject, expected, differing.join("; "), evidence)
    }
}

/// What systemd holds in the place of what is wanted; `None`: that.
fn difference(setting: &SettingWanted, values: &[String]) -> Option<String> {
    let seen: BTreeSet<String> = words(&values.join(" "));
    if setting.key == "SystemCallFilter" {
        let open: Vec<&str> = NEVER.iter().copied().filter(|call| seen.contains(*call)).collect();
        let inverted = seen.iter().any(|word| word.starts_with('~'));
        return match (seen.is_empty() || inverted, open.as_slice()) {
            (true, _) => Some("no list of allowed calls".to_owned()),
            (false, []) => None,
            (false, open) => Some(format!("a list with {}", open.join(", "))),
        };
    }
    let wanted = match setting.text().as_str() {
        "any" => words("::/0 0.0.0.0/0"),
        "localhost" => words("::1/128 127.0.0.0/8"),
        // EPERM is number 1 on every platform.
        "EPERM" => words("1"),
        text => words(text),
    };
    if seen == wanted {
        return None;
    }
    let said: Vec<&str> = values
        .iter()
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .collect();
    Some(if said.is_empty() {
        "not set".to_owned()
    } else {
        format!("\"{}\"", said.join(" "))
    })
}

/// The words of a value in any order; names of capabilities are printed in lower case.
fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_lowercase).collect()
}
