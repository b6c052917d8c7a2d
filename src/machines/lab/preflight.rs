//! Looks whether this computer can run lab hosts. It tries things out rather than guessing from versions, and names
//! everything that is missing at once, each with what to do.

use std::env;
use std::fs;
use std::path::Path;

use super::base;
use super::cgroup::Group;
use super::error::LabError;
use super::error::Missing;
use super::guest;
use super::layout;
use super::layout::Layout;
use super::overlay;
use super::program;
use super::trial;

/// Programs that are called, and Debian's packages that have them.
const PROGRAMS: [(&str, &str); 12] = [
    ("apt-config", "apt"),
    ("cp", "coreutils"),
    ("find", "findutils"),
    ("ip", "iproute2"),
    ("kill", "procps"),
    ("mmdebstrap", "mmdebstrap"),
    ("mount", "mount"),
    ("nft", "nftables"),
    ("setsid", "util-linux"),
    ("ssh-keygen", "openssh-client"),
    ("systemd-nspawn", "systemd-container"),
    ("umount", "mount"),
];

/// Tries one thing out and cleans up after itself.
type Trial = fn(&Layout) -> Result<(), Missing>;

/// Everything that is missing; empty when hosts can be run.
pub(super) fn look(layout: &Layout) -> Vec<Missing> {
    let mut missing = programs();
    if let Some(rights) = rights() {
        missing.push(rights);
        // Without them the trials below would only repeat it.
        return missing;
    }
    if !missing.is_empty() {
        return missing;
    }
    let trials: [Trial; 6] = [overlays, control_groups, namespaces, resolver, keyrings, forwarding];
    missing.extend(trials.iter().filter_map(|trial| trial(layout).err()));
    missing
}

/// Root rights, where they are missing.
pub(super) fn rights() -> Option<Missing> {
    (!is_root()).then(|| Missing {
        what: "root rights".to_owned(),
        remedy: "run it as root, or with sudo".to_owned(),
    })
}

fn programs() -> Vec<Missing> {
    let own = env::var("PATH").unwrap_or_default();
    let found = |name: &str| {
        own.split(':')
            .chain(program::PATH.split(':'))
            .any(|folder| Path::new(folder).join(name).is_file())
    };
    PROGRAMS
        .iter()
        .filter(|(name, _)| !found(name))
        .map(|(name, package)| Missing {
            what: format!("the program {name}"),
            remedy: format!("apt-get install {package}"),
        })
        .collect()
}

fn is_root() -> bool {
    // The second number is the effective user id.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0")
}

fn overlays(layout: &Layout) -> Result<(), Missing> {
    let trial = layout.home.join(trial::name(layout));
    let try_out = || -> Result<(), LabError> {
        let parts = ["lower", "upper", "work", "root", "staged", "seen"].map(|part| trial.join(part));
        for part in &parts {
            fs::create_dir_all(part).map_err(LabError::file("make", part))?;
        }
        let [lower, upper, work, root, staged, seen] = &parts;
        let options = overlay::options(upper, work, std::slice::from_ref(lower));
        let lock = trial::lock(layout)?;
        lock.run("mount", &[&"-t", &"overlay", &"-o", &options, &"anteroom-lab", root])?;
        // A deployment lays staged files over a host's own, so one more has to stack on top.
        let stacked = format!("lowerdir={}:{}", staged.display(), root.display());
        lock.run("mount", &[&"-t", &"overlay", &"-o", &stacked, &"anteroom-lab", seen])?;
        drop(lock);
        overlay::unmount(&trial)
    };
    let tried = try_out();
    // What remains of a trial is found by its name and removed by a later run.
    let _later = fs::remove_dir_all(&trial);
    tried.map_err(|error| Missing {
        what: format!(
            "two stacked overlay file systems in {}: failed to {error}",
            layout.home.display()
        ),
        remedy: "the kernel needs overlayfs, and the folder must lie on a disk file system such as ext4 or on tmpfs; \
                 choose another folder with ANTEROOM_LAB_DIR"
            .to_owned(),
    })
}

fn control_groups(layout: &Layout) -> Result<(), Missing> {
    let try_out = || -> Result<bool, LabError> {
        let group = Group::of(&trial::name(layout))?;
        group.make()?;
        let made = !group.present().is_empty();
        group.remove()?;
        Ok(made)
    };
    let why = match try_out() {
        Ok(true) => return Ok(()),
        Ok(false) => "no cgroup hierarchy is mounted".to_owned(),
        Err(error) => format!("failed to {error}"),
    };
    Err(Missing {
        what: format!("writable control groups below /sys/fs/cgroup: {why}"),
        remedy: "run it outside a container, or in one with /sys/fs/cgroup writable".to_owned(),
    })
}

/// Namespaces, cables, bridges and address translation, all tried inside a namespace that is thrown away.
fn namespaces(layout: &Layout) -> Result<(), Missing> {
    let name = trial::name(layout);
    let rules = "table ip trial {
  chain out { type nat hook postrouting priority srcnat; ip saddr 10.77.0.0/16 masquerade; }
  chain forward { type filter hook forward priority filter; ct state established accept; }
}
";
    let try_out = || -> Result<(), LabError> {
        trial::lock(layout)?.run("ip", &[&"netns", &"add", &name])?;
        let links = "link add name b type bridge\nlink add name v type veth peer name w\nlink set dev v master b\n";
        program::run_with_input("ip", &[&"-n", &name, &"-batch", &"-"], links)?;
        program::run_with_input("ip", &[&"netns", &"exec", &name, &"nft", &"-f", &"-"], rules)?;
        Ok(())
    };
    let tried = try_out();
    let removed = program::run("ip", &[&"netns", &"del", &name]);
    tried.and(removed.map(drop)).map_err(|error| Missing {
        what: format!("network namespaces with bridges and nftables: failed to {error}"),
        remedy: "the kernel needs network namespaces, veth, bridge and nf_tables with nat; in a container these need \
                 to be granted"
            .to_owned(),
    })
}

fn resolver(_: &Layout) -> Result<(), Missing> {
    if !guest::resolvers().is_empty() {
        return Ok(());
    }
    Err(Missing {
        what: "a DNS resolver that lab hosts can reach: /etc/resolv.conf names none beyond this computer's loopback"
            .to_owned(),
        remedy: "name the upstream resolver's IPv4 address in /etc/resolv.conf".to_owned(),
    })
}

fn keyrings(_: &Layout) -> Result<(), Missing> {
    let missing = |what: String| Missing {
        what,
        remedy: "apt-get install debian-archive-keyring".to_owned(),
    };
    match base::missing_keyrings() {
        Ok(none) if none.is_empty() => Ok(()),
        Ok(some) => Err(missing(format!(
            "the keyring {} of the Debian archive",
            some.join(", ")
        ))),
        Err(error) => Err(missing(format!("this computer's apt settings: failed to {error}"))),
    }
}

fn forwarding(_: &Layout) -> Result<(), Missing> {
    let all = layout::ALL_LABS;
    let ruleset = program::run("nft", &[&"list", &"ruleset"]).map_err(|error| Missing {
        what: format!("this computer's firewall: failed to {error}"),
        remedy: "nft must work".to_owned(),
    })?;
    match dropping_chain(&ruleset) {
        Some(chain) if !ruleset.contains(all) => Err(Missing {
            what: format!("a way out for lab hosts: {chain} of this computer's firewall drops what it forwards"),
            remedy: format!("iptables -I FORWARD -s {all} -j ACCEPT; iptables -I FORWARD -d {all} -j ACCEPT"),
        }),
        _ => Ok(()),
    }
}

/// The first chain that drops forwarded packets unless a rule lets them pass, as Docker's does.
fn dropping_chain(ruleset: &str) -> Option<String> {
    let mut table = "";
    let mut chain = "";
    for line in ruleset.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("table ") {
            table = name.trim_end_matches(" {");
        } else if let Some(name) = line.strip_prefix("chain ") {
            chain = name.trim_end_matches(" {");
        } else if line.contains("hook forward") && line.contains("policy drop") {
            return Some(format!("chain {chain} in table {table}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_firewall_that_drops_forwarded_packets_is_found() {
        let ruleset = include_str!("../../../tests/fixtures/lab/ruleset-forward-drop");
        assert_eq!(
            dropping_chain(ruleset),
            Some("chain FORWARD in table ip filter".to_owned())
        );
    }

    #[test]
    fn a_firewall_that_only_guards_this_computer_is_no_hindrance() {
        let ruleset = include_str!("../../../tests/fixtures/lab/ruleset-input-drop");
        assert_eq!(dropping_chain(ruleset), None);
    }
}
