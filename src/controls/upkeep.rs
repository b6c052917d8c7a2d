//! What keeps a host true and mended: a clock that follows others, and security fixes that come by themselves, when
//! they may.

use jiff::Timestamp;

use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::controls::kernel::machines_own;
use crate::controls::kernel::system;
use crate::facts::ClockSeen;
use crate::facts::HostFacts;
use crate::facts::SystemFacts;
use crate::render::SettingWanted;
use crate::render::UPGRADES_PATH;
use crate::render::UPGRADES_TIMER;
use crate::render::UPGRADES_TIMER_PATH;
use crate::seen::Seen;

/// The unit that keeps the clock.
const CHRONY: &str = "chrony.service";
/// Seconds that chrony may take to find out the time.
const PATIENCE: i64 = 600;
/// Most microseconds that a clock may be off.
const FAR_OFF: i64 = 1_000_000;
/// How chrony calls the host's own clock.
const ITSELF: &str = "7F7F";

/// logging/clock-synchronised.
pub(crate) fn clock_synchronised(case: &Case) -> Vec<Verdict> {
    case.hosts.iter().map(|host| clock(case, host)).collect()
}

fn clock(case: &Case, host: &HostCase) -> Verdict {
    let expected = "chrony follows another clock, and is less than a second off";
    let subject = host.subject("clock");
    let unseen = |why: &str| Verdict::unverified(subject.clone(), expected, why, case.on_host(host, "not seen"));
    let (facts, seen) = match &host.facts {
        Seen::Unknown(why) => return unseen(why),
        Seen::Known(facts) => match facts.system.clock.known() {
            Err(why) => return unseen(why),
            Ok(seen) => (facts, seen),
        },
    };
    let Some(seen) = seen else {
        let observed = "chrony is not installed";
        return Verdict::fail(subject, expected, observed, case.on_host(host, observed));
    };
    let said = format!("follows {:?}, {}, {} µs off", seen.follows, seen.leap, seen.off_by);
    let evidence = case.on_host(host, format!("`chronyc tracking`: {said}"));
    let observed = match wrong(seen) {
        None => return Verdict::pass(subject, expected, said, evidence),
        Some(observed) => observed,
    };
    match machines_own(case, &facts.system) {
        Some(why) => Verdict::not_applicable(subject, expected, &format!("{why}; {observed}"), evidence),
        None if just_started(facts) => {
            let why = format!("{observed}, but chrony has only just started; look again in some minutes");
            Verdict::unverified(subject, expected, &why, evidence)
        }
        None => Verdict::fail(subject, expected, observed, evidence),
    }
}

fn wrong(seen: &ClockSeen) -> Option<String> {
    if seen.leap == "Not synchronised" || seen.follows.is_empty() {
        Some("chrony follows nobody".to_owned())
    } else if seen.follows.starts_with(ITSELF) || seen.follows.starts_with("127.127.") {
        Some("chrony follows the host's own clock".to_owned())
    } else if seen.off_by.abs() >= FAR_OFF {
        Some(format!("the clock is {} µs off", seen.off_by))
    } else {
        None
    }
}

fn just_started(facts: &HostFacts) -> bool {
    let Some(Ok(unit)) = facts.units.get(CHRONY).map(|seen| seen.known()) else {
        return false;
    };
    let now: Result<Timestamp, _> = facts.at.parse();
    now.is_ok_and(|now| unit.active == "active" && now.as_second() - unit.started < PATIENCE)
}

/// availability/security-upgrades.
pub(crate) fn security_upgrades(case: &Case) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for host in case.hosts {
        let expected = "the distribution's security fixes by themselves, and nothing else";
        verdicts.push(with_system(case, host, "apt", expected, &apt));
        let expected = "within the maintenance window of the spec";
        verdicts.push(with_system(case, host, UPGRADES_TIMER, expected, &timer));
    }
    verdicts
}

/// What a look says: what differs, and what was compared; or why nothing could be.
type Look<'a> = &'a dyn Fn(&HostCase, &SystemFacts) -> Result<(Vec<String>, String), String>;

fn with_system(case: &Case, host: &HostCase, noun: &str, expected: &str, look: Look) -> Verdict {
    let subject = host.subject(noun);
    match system(host).and_then(|system| look(host, system)) {
        Err(why) => Verdict::unverified(subject, expected, &why, case.on_host(host, "not seen")),
        Ok((differing, compared)) => {
            let holds = differing.is_empty();
            let observed = if holds { compared.clone() } else { differing.join("; ") };
            Verdict::holds(holds, subject, expected, observed, case.on_host(host, compared))
        }
    }
}

/// apt's effective settings: a later file may say otherwise than ours.
fn apt(host: &HostCase, system: &SystemFacts) -> Result<(Vec<String>, String), String> {
    let seen = system.apt.known().map_err(str::to_owned)?;
    let mut differing = Vec::new();
    let settings = of_file(host, UPGRADES_PATH);
    for setting in &settings {
        let held = seen.get(&setting.key.to_lowercase()).cloned().unwrap_or_default();
        let wanted = texts(setting);
        // Other files may add to what dpkg is told.
        let shared = setting.key.ends_with("Options");
        let same = held == wanted || (shared && wanted.iter().all(|one| held.contains(one)));
        if !same {
            let held = if held.is_empty() {
                "not set".to_owned()
            } else {
                held.join(", ")
            };
            differing.push(format!("{} is {held}: {}", setting.key, setting.reason));
        }
    }
    Ok((
        differing,
        format!("{} settings of `apt-config dump` as wanted", settings.len()),
    ))
}

/// When systemd understood that the upgrades begin.
fn timer(host: &HostCase, system: &SystemFacts) -> Result<(Vec<String>, String), String> {
    let all = system.properties.known().map_err(str::to_owned)?;
    let seen = all.get(UPGRADES_TIMER).ok_or("it was not looked at")?;
    let held = |name: &str| seen.get(name).cloned().unwrap_or_default();
    let mut differing = Vec::new();
    let mut compared = Vec::new();
    for setting in of_file(host, UPGRADES_TIMER_PATH) {
        let wanted = texts(setting).pop().unwrap_or_default();
        let (held, same) = match setting.key.as_str() {
            "OnCalendar" => {
                let held = held("TimersCalendar");
                let once = held.len() == 1 && held[0].contains(&format!("OnCalendar={wanted} ;"));
                (held, once)
            }
            "RandomizedDelaySec" => {
                let held = held("RandomizedDelayUSec");
                let same = held.len() == 1 && minutes(&held[0]) == minutes(&wanted);
                (held, same)
            }
            name => {
                let held = held(name);
                let same = held == [wanted.clone()];
                (held, same)
            }
        };
        if !same {
            differing.push(format!("{} is {} and not {wanted}", setting.key, held.join(", ")));
        }
        compared.push(format!("{} {wanted}", setting.key));
    }
    Ok((differing, compared.join(", ")))
}

/// Minutes of `1h 15min`, as systemd prints and reads it; seconds do not come.
fn minutes(text: &str) -> Option<u32> {
    text.split_whitespace().try_fold(0, |sum, part| {
        let (count, unit) = match (part.strip_suffix("min"), part.strip_suffix('h')) {
            (Some(count), _) => (count, 1),
            (None, Some(count)) => (count, 60),
            (None, None) => return None,
        };
        Some(sum + count.parse::<u32>().ok()? * unit)
    })
}

fn of_file<'a>(host: &'a HostCase, file: &str) -> Vec<&'a SettingWanted> {
    let settings = host.wanted.settings.iter();
    settings.filter(|setting| setting.path.as_str() == file).collect()
}

/// The wanted values as texts; a list has several.
fn texts(setting: &SettingWanted) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match &setting.value {
        serde_json::Value::Array(items) => items.iter().map(text).collect(),
        value => vec![text(value)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_time_is_its_minutes_however_it_is_written() {
        assert_eq!(minutes("60min"), minutes("1h"));
        assert_eq!(minutes("1h 15min"), Some(75));
        assert_eq!(minutes("2d"), None);
    }
}
