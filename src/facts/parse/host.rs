//! The host below its services: its container, the kernel's settings, units' properties, apt's settings, clock and swap.

use std::collections::BTreeMap;

use crate::facts::ClockSeen;
use crate::facts::SwapMedium;
use crate::facts::SwapSeen;

/// `systemd-detect-virt --container`.
pub(crate) fn container(text: &str) -> Option<String> {
    match text.trim() {
        "none" => None,
        kind => Some(kind.to_owned()),
    }
}

/// `key<tab>file<tab>value` lines, and keys alone.
pub(crate) fn kernel(text: &str) -> Result<BTreeMap<String, BTreeMap<String, String>>, String> {
    let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, '\t');
        let files = all.entry(fields.next().unwrap_or_default().to_owned()).or_default();
        match (fields.next(), fields.next()) {
            (None, None) => {}
            (Some(file), Some(value)) => {
                files.insert(file.to_owned(), value.trim_end().to_owned());
            }
            _ => return Err(format!("kernel: {line:?} has a file and no value")),
        }
    }
    Ok(all)
}

/// `systemctl show` of several units, each behind a line `unit NAME`.
pub(crate) fn properties(text: &str) -> Result<BTreeMap<String, BTreeMap<String, Vec<String>>>, String> {
    let mut all: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    let mut current = None;
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(unit) = line.strip_prefix("unit ") {
            current = Some(all.entry(unit.to_owned()).or_default());
            continue;
        }
        let unit = current.as_mut().ok_or("properties: the answer begins without a unit")?;
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| format!("properties: {line:?} is no property"))?;
        unit.entry(name.to_owned()).or_default().push(value.to_owned());
    }
    Ok(all)
}

/// `apt-config dump`: `Key "value";`, and `Key:: "value";` for each item of a list. apt's keys know no case.
pub(crate) fn apt_settings(text: &str) -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let read = || {
            let (key, value) = line.split_once(' ')?;
            Some((key, value.strip_prefix('"')?.strip_suffix("\";")?))
        };
        let (key, value) = read().ok_or_else(|| format!("apt-settings: {line:?} is no setting"))?;
        let values = all.entry(key.trim_end_matches(':').to_lowercase()).or_default();
        // The head of a list is printed as an empty value.
        if !value.is_empty() {
            values.push(value.to_owned());
        }
    }
    Ok(all)
}

/// `chronyc -n -c tracking` (chronyc(1), "tracking"): 14 fields with commas between.
pub(crate) fn clock(text: &str) -> Result<ClockSeen, String> {
    let fields: Vec<&str> = text.trim().split(',').collect();
    let [id, address, _, _, offset, .., leap] = fields.as_slice() else {
        return Err(format!("clock: chrony said {text:?}"));
    };
    if fields.len() != 14 {
        return Err(format!("clock: chrony named {} fields and not 14", fields.len()));
    }
    let seconds: f64 = offset.parse().map_err(|_| format!("clock: an offset of {offset:?}"))?;
    // Local reference clocks have no address, only an id of 127.127.x.x.
    let follows = if address.is_empty() && *id != "00000000" {
        id
    } else {
        address
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an offset that does not fit saturates, which is far off too"
    )]
    let off_by = (seconds * 1e6).round() as i64;
    Ok(ClockSeen {
        follows: (*follows).to_owned(),
        leap: (*leap).to_owned(),
        off_by,
    })
}

/// `area<tab>layers of its device` lines. Compressed memory is a device of its own.
pub(crate) fn swap(text: &str) -> Result<Vec<SwapSeen>, String> {
    text.lines()
        .map(|line| {
            let (area, layers) = line.split_once('\t').ok_or("swap: an area without a device")?;
            let medium = if layers.split(' ').any(|layer| layer == "crypt") {
                SwapMedium::Encrypted
            } else if area.starts_with("/dev/zram") {
                SwapMedium::Memory
            } else {
                SwapMedium::Plain
            };
            Ok(SwapSeen {
                area: area.to_owned(),
                medium,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KERNEL: &str = include_str!("../../../tests/fixtures/facts/kernel");
    const PROPERTIES: &str = include_str!("../../../tests/fixtures/facts/properties");
    const APT: &str = include_str!("../../../tests/fixtures/facts/apt-settings");

    #[test]
    fn a_kernels_settings_are_one_for_each_file_and_none_where_it_has_none() {
        let all = kernel(KERNEL).unwrap();
        let redirects = &all["net.ipv4.conf.*.accept_redirects"];
        assert_eq!(redirects["/proc/sys/net/ipv4/conf/eth0/accept_redirects"], "0");
        assert!(redirects.len() >= 4, "{redirects:?}");
        assert_eq!(all["kernel.randomize_va_space"].len(), 1);
        // A lab host's kernel: no such setting in there.
        assert!(all["kernel.sysrq"].is_empty());
        assert!(kernel("a\t/proc/sys/a\n").is_err());
        assert_eq!(kernel("").unwrap(), BTreeMap::new());
    }

    #[test]
    fn properties_belong_to_the_unit_before_them() {
        let all = properties(PROPERTIES).unwrap();
        assert_eq!(all["nginx.service"]["ProtectSystem"], ["strict"]);
        assert_eq!(all["prosody.service"]["CapabilityBoundingSet"], [""]);
        assert_eq!(all["apt-daily-upgrade.timer"]["TimersCalendar"].len(), 1);
        assert!(properties("ProtectSystem=strict\n").is_err() && properties("unit a\nx\n").is_err());
    }

    #[test]
    fn apts_lists_have_several_values() {
        let all = apt_settings(APT).unwrap();
        assert_eq!(all["apt::periodic::unattended-upgrade"], ["1"]);
        assert_eq!(all["unattended-upgrade::origins-pattern"].len(), 2);
        assert_eq!(all["dpkg::options"], ["--force-confdef", "--force-confold"]);
        assert!(apt_settings("APT::Periodic").is_err());
    }

    #[test]
    fn a_clock_follows_a_server_itself_or_nobody() {
        let nobody = clock(include_str!("../../../tests/fixtures/facts/chrony-nobody")).unwrap();
        assert_eq!(
            (nobody.follows.as_str(), nobody.leap.as_str()),
            ("", "Not synchronised")
        );
        let itself = clock(include_str!("../../../tests/fixtures/facts/chrony-itself")).unwrap();
        assert_eq!((itself.follows.as_str(), itself.leap.as_str()), ("7F7F0101", "Normal"));
        let line = "CB00710F,203.0.113.15,3,1501683903.47,-0.000006872,0.1,0.2,1.0,0.1,0.2,0.3,0.4,64.8,Normal\n";
        let server = clock(line).unwrap();
        assert_eq!((server.follows.as_str(), server.off_by), ("203.0.113.15", -7));
        assert!(clock("506 Cannot talk to daemon\n").is_err() && clock("a,b,c,d,e,f,Normal").is_err());
    }

    #[test]
    fn swap_is_encrypted_memory_or_plain() {
        let all = swap("/dev/dm-1\tcrypt part disk \n/dev/zram0\tdisk \n/swapfile\tpart disk \n").unwrap();
        let media: Vec<SwapMedium> = all.iter().map(|area| area.medium).collect();
        assert_eq!(media, [SwapMedium::Encrypted, SwapMedium::Memory, SwapMedium::Plain]);
        assert_eq!(swap("").unwrap(), []);
        assert!(swap("/swapfile\n").is_err());
    }

    #[test]
    fn a_container_has_a_kind() {
        assert_eq!(container("systemd-nspawn\n").as_deref(), Some("systemd-nspawn"));
        assert_eq!(container("none\n"), None);
    }

    proptest! {
        #[test]
        fn no_answer_makes_them_panic(
            text in "((unit |[A-Z]::| \"|\";|=)?(.|\t|\n)){0,80}",
            fields in "([0-9.eE+-]{0,6},|inf,){13}[a-zA-Z]{0,8}",
        ) {
            let _ = (container(&text), kernel(&text), properties(&text), apt_settings(&text), swap(&text));
            let _ = (clock(&text), clock(&fields));
        }
    }
}
