//! The machine below: its disks, whether it is a virtual one, and the upgrades that wait.

use crate::facts::DiskMedium;
use crate::facts::DiskSeen;
use crate::facts::FixesSeen;
use crate::facts::parse::out_of_place::fields;
use crate::facts::parse::out_of_place::odd;

/// `mount<tab>kind<tab>source<tab>layers` lines.
pub(crate) fn disks(text: &str) -> Result<Vec<DiskSeen>, String> {
    let all: Result<Vec<DiskSeen>, String> = text
        .lines()
        .map(|line| {
            let [mount, kind, source, layers] = fields(line).ok_or_else(|| odd("disks", line))?;
            let medium = if layers.split(' ').any(|layer| layer == "crypt") {
                DiskMedium::Encrypted
            } else if matches!(kind, "tmpfs" | "ramfs") {
                DiskMedium::Memory
            } else if layers.trim().is_empty() || layers == "?" {
                DiskMedium::Unknown
            } else {
                DiskMedium::Plain
            };
            Ok(DiskSeen {
                mount: mount.to_owned(),
                kind: kind.to_owned(),
                source: source.to_owned(),
                medium,
            })
        })
        .collect();
    match all {
        Ok(all) if all.is_empty() => Err("disks: nothing is mounted".to_owned()),
        all => all,
    }
}

/// `systemd-detect-virt --vm`.
pub(crate) fn virtual_machine(text: &str) -> Result<Option<String>, String> {
    match text.trim() {
        "" => Err("virtual-machine: no word".to_owned()),
        "none" => Ok(None),
        kind => Ok(Some(kind.to_owned())),
    }
}

/// `upgrade<tab>…` as `apt-get -s` prints it behind `Inst`, and `lists|upgraded|reboot<tab>seconds` lines.
pub(crate) fn fixes(text: &str) -> Result<FixesSeen, String> {
    let mut seen = FixesSeen::default();
    for line in text.lines() {
        let [what, rest] = fields(line).ok_or_else(|| odd("fixes", line))?;
        let moment = || rest.parse().map(Some).map_err(|_| odd("fixes", line));
        match what {
            "upgrade" => match security(rest).ok_or_else(|| odd("fixes", line))? {
                (name, version, true) => drop(seen.security.insert(name, version)),
                (_, _, false) => seen.others += 1,
            },
            "lists" => seen.asked = moment()?,
            "upgraded" => seen.upgraded = moment()?,
            "reboot" => seen.reboot = moment()?,
            _ => return Err(odd("fixes", line)),
        }
    }
    Ok(seen)
}

/// `libssl3 [3.0.11-1] (3.0.15-1 Debian-Security:12/stable-security [amd64])`: name, new version, and whether an archive
/// of security fixes offers it.
fn security(text: &str) -> Option<(String, String, bool)> {
    let name = text.split(' ').next().filter(|name| !name.is_empty())?;
    let (_, offer) = text.split_once('(')?;
    let (offer, _) = offer.split_once(')')?;
    let (version, origins) = offer.split_once(' ')?;
    Some((
        name.to_owned(),
        version.to_owned(),
        origins.to_lowercase().contains("-security"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIXES: &str = include_str!("../../../tests/fixtures/facts/fixes");

    #[test]
    fn a_disk_is_encrypted_memory_plain_or_not_known() {
        let text = "/\text4\t/dev/mapper/root\tcrypt part disk \n/tmp\ttmpfs\ttmpfs\t?\n/var\text4\t/dev/vdb\tdisk \n\
                    /home\tzfs\ttank/home\t?\n/srv\toverlay\toverlay\t?\n";
        let media: Vec<DiskMedium> = disks(text).unwrap().iter().map(|disk| disk.medium).collect();
        use DiskMedium::*;
        assert_eq!(media, [Encrypted, Memory, Plain, Unknown, Unknown]);
        // Real, from a virtual machine with one disk.
        let real = disks(include_str!("../../../tests/fixtures/facts/disks")).unwrap();
        assert_eq!((real[0].mount.as_str(), real[0].medium), ("/", Plain));
        assert!(disks("").is_err() && disks("/\text4\n").is_err());
        assert_eq!(virtual_machine("kvm\n"), Ok(Some("kvm".to_owned())));
        assert_eq!(virtual_machine("none\n"), Ok(None));
        assert!(virtual_machine("").is_err());
    }

    #[test]
    fn security_fixes_are_told_from_other_upgrades() {
        let seen = fixes(FIXES).unwrap();
        assert_eq!(seen.security["perl-base"], "5.36.0-7+deb12u4");
        assert!(!seen.security.contains_key("bash") && seen.others > 5);
        assert!(seen.asked.is_some() && seen.reboot.is_none());
        let ubuntu = "upgrade\tlibc6 [2.39-0ubuntu8.3] (2.39-0ubuntu8.4 Ubuntu:24.04/noble-updates, Ubuntu:24.04/noble-security [amd64])\n\
                      reboot\t1796000000\n";
        let seen = fixes(ubuntu).unwrap();
        assert_eq!((seen.security.len(), seen.reboot), (1, Some(1_796_000_000)));
        assert!(fixes("upgrade\t\n").is_err() && fixes("lists\tsoon\n").is_err() && fixes("x\ty\n").is_err());
    }

    proptest! {
        #[test]
        fn no_answer_makes_them_panic(text in "((upgrade\t|lists\t)?(.|\t|\n)){0,80}") {
            let _ = (disks(&text), fixes(&text), virtual_machine(&text));
        }
    }
}
