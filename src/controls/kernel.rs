//! The kernel below the services: its settings as they are, and whether it writes memory to disks as it is. A container
//! has its machine's kernel, which no plan for the container can change.

use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::facts::SwapMedium;
use crate::facts::SystemFacts;
use crate::render::KERNEL_PATH;
use crate::render::SettingWanted;
use crate::seen::Seen;

/// integrity/kernel-settings.
pub(crate) fn kernel_settings(case: &Case) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for host in case.hosts {
        let wanted = host.wanted.settings.iter();
        let wanted = wanted.filter(|setting| setting.path.as_str() == KERNEL_PATH);
        let (network, machine): (Vec<&SettingWanted>, Vec<&SettingWanted>) =
            wanted.partition(|setting| setting.is_of_the_network());
        verdicts.push(settings(case, host, "network settings of the kernel", &network, false));
        verdicts.push(settings(case, host, "settings of the kernel", &machine, true));
    }
    verdicts
}

fn settings(case: &Case, host: &HostCase, noun: &str, wanted: &[&SettingWanted], machines: bool) -> Verdict {
    let expected = "every setting in force as the policy has it";
    let subject = host.subject(noun);
    let system = match system(host) {
        Ok(system) => system,
        Err(why) => return Verdict::unverified(subject, expected, &why, case.on_host(host, "not seen")),
    };
    let unseen = |why: &str| Verdict::unverified(subject.clone(), expected, why, case.on_host(host, "not seen"));
    let seen = match system.kernel.known() {
        Ok(seen) => seen,
        Err(why) => return unseen(why),
    };
    let mut differing = Vec::new();
    for setting in wanted {
        let value = setting.text();
        let Some(files) = seen.get(&setting.key) else {
            return unseen(&format!("{} was not looked at", setting.key));
        };
        if files.is_empty() {
            differing.push(format!("this kernel has no {}", setting.key));
        }
        let wrong = files.iter().filter(|(_, held)| **held != value);
        differing.extend(wrong.map(|(file, held)| format!("{} is {held:?} and not {value:?}", name(file))));
    }
    let evidence = case.on_host(host, format!("{} settings read below /proc/sys", wanted.len()));
    if differing.is_empty() {
        let observed = format!("{} settings, all as wanted", wanted.len());
        return Verdict::pass(subject, expected, observed, evidence);
    }
    let observed = differing.join("; ");
    match machines_own(case, system) {
        Some(why) if machines => Verdict::not_applicable(subject, expected, &format!("{why}; {observed}"), evidence),
        _ => Verdict::fail(subject, expected, observed, evidence),
    }
}

/// `/proc/sys/net/ipv4/ip_forward` as people write it.
fn name(file: &str) -> String {
    file.trim_start_matches("/proc/sys/").replace('/', ".")
}

/// leakage/swap-encrypted.
pub(crate) fn swap_encrypted(case: &Case) -> Vec<Verdict> {
    case.hosts.iter().map(|host| swap(case, host)).collect()
}

fn swap(case: &Case, host: &HostCase) -> Verdict {
    let expected = "no swap, or swap that is encrypted or compressed memory";
    let subject = host.subject("swap");
    let seen = system(host).and_then(|system| {
        let areas = system.swap.known().map_err(str::to_owned)?;
        Ok((system, areas))
    });
    let (system, areas) = match seen {
        Ok(seen) => seen,
        Err(why) => return Verdict::unverified(subject, expected, &why, case.on_host(host, "not seen")),
    };
    let evidence = case.on_host(host, format!("/proc/swaps names {} areas", areas.len()));
    let plain = areas.iter().filter(|area| area.medium == SwapMedium::Plain);
    let plain: Vec<&str> = plain.map(|area| area.area.as_str()).collect();
    if plain.is_empty() {
        let all: Vec<&str> = areas.iter().map(|area| area.area.as_str()).collect();
        let observed = if all.is_empty() {
            "no swap".to_owned()
        } else {
            format!("{}, none of them plain", all.join(", "))
        };
        return Verdict::pass(subject, expected, observed, evidence);
    }
    let observed = format!("{} is not encrypted: keys and calls reach the disk", plain.join(", "));
    match machines_own(case, system) {
        Some(why) => Verdict::not_applicable(subject, expected, &format!("{why}; {observed}"), evidence),
        None => Verdict::fail(subject, expected, observed, evidence),
    }
}

/// What was seen of the host below its services.
pub(crate) fn system(host: &HostCase) -> Result<&SystemFacts, String> {
    match &host.facts {
        Seen::Known(facts) => Ok(&facts.system),
        Seen::Unknown(why) => Err(why.clone()),
    }
}

/// Why a thing of the machine's is not this host's business: a test without patients in a container. In production a
/// container is judged by the kernel it runs on, whoever may change that.
pub(crate) fn machines_own(case: &Case, system: &SystemFacts) -> Option<String> {
    match system.container.known() {
        Ok(Some(kind)) if case.is_test() => {
            Some(format!("a test in a container ({kind}), where this is the machine's"))
        }
        _ => None,
    }
}
