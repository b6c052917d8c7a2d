//! A lab's own network: one bridge, one /24 out of 10.77.0.0/16, one nft table that lets its hosts out and nobody in.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use super::error::LabError;
use super::gone;
use super::layout;
use super::layout::Layout;
use super::machine::Machine;
use super::machine::Registration;
use super::program;
use super::record;

/// The network a lab got, remembered in its folder so that hosts keep their addresses over a reboot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Network {
    /// Third number of its addresses.
    pub(super) subnet: u8,
}

fn file(layout: &Layout) -> PathBuf {
    layout.home.join("network.json")
}

/// The network of a lab, if it has one.
pub(super) fn current(layout: &Layout) -> Result<Option<Network>, LabError> {
    record::read(&file(layout))
}

/// Makes the network, or whatever of it is missing.
pub(super) fn ensure(layout: &Layout) -> Result<Network, LabError> {
    let machine = Machine::open()?;
    let mut labs = machine.labs()?;
    let ours = labs.remove(&layout.id).map(|lab| lab.subnet);
    let network = match ours.or(current(layout)?.map(|network| network.subnet)) {
        Some(subnet) => Network { subnet },
        None => Network {
            subnet: free_subnet(&layout.id, &taken(labs.values())?)?,
        },
    };
    record::write(&file(layout), &network)?;
    let outer = if machine.forwarded_before()? {
        Vec::new()
    } else {
        outer_links()
    };
    machine.register(
        &layout.id,
        &Registration {
            home: layout.home.clone(),
            subnet: network.subnet,
        },
    )?;
    let bridge = layout.bridge();
    if !program::succeeds("ip", &[&"link", &"show", &"dev", &bridge]) {
        make_bridge(&machine, layout, network)?;
    }
    let file = layout.home.join("network.nft");
    fs::write(&file, rules(layout, network, &outer)).map_err(LabError::file("write", &file))?;
    machine.run("nft", &[&"-f", &file])?;
    Ok(network)
}

/// Removes the network. Gone already is success.
pub(super) fn remove(layout: &Layout) -> Result<(), LabError> {
    let machine = Machine::open()?;
    let bridge = layout.bridge();
    if program::succeeds("ip", &[&"link", &"show", &"dev", &bridge]) {
        machine.run("ip", &[&"link", &"del", &"dev", &bridge])?;
    }
    let table = layout.table();
    if program::succeeds("nft", &[&"list", &"table", &"ip", &table]) {
        machine.run("nft", &[&"delete", &"table", &"ip", &table])?;
    }
    gone::file(&layout.home.join("network.nft"))?;
    gone::file(&file(layout))?;
    machine.forget(&layout.id)
}

fn make_bridge(machine: &Machine, layout: &Layout, network: Network) -> Result<(), LabError> {
    let bridge = layout.bridge();
    // Without an address of its own a bridge takes its ports' lowest one and changes it as hosts come and go, and
    // the hosts' neighbour tables would point nowhere.
    let mac = layout.hardware(1);
    let gateway = format!("{}/24", layout::address(network.subnet, 1));
    let add: [&dyn AsRef<OsStr>; 7] = [&"link", &"add", &"name", &bridge, &"address", &mac, &"up"];
    let kind: [&dyn AsRef<OsStr>; 6] = [&"type", &"bridge", &"stp_state", &"0", &"forward_delay", &"0"];
    machine.run("ip", &[&add[..], &kind[..]].concat())?;
    machine.run("ip", &[&"address", &"add", &gateway, &"dev", &bridge])?;
    Ok(())
}

/// The lab's table, replaced as one transaction. Other tables are never touched.
///
/// Forwarding is one switch for the whole machine: where it was off, `outer` names the links to the outside, and no
/// stranger's packet may cross from one to the other.
fn rules(layout: &Layout, network: Network, outer: &[String]) -> String {
    let table = layout.table();
    let bridge = layout.bridge();
    let net = format!("{}/24", layout::address(network.subnet, 0));
    let crossing = if outer.is_empty() {
        String::new()
    } else {
        let quoted: Vec<String> = outer.iter().map(|link| format!("\"{link}\"")).collect();
        let set = quoted.join(", ");
        format!("    iifname {{ {set} }} oifname {{ {set} }} drop\n")
    };
    format!(
        "table ip {table} {{}}
delete table ip {table}
table ip {table} {{
  chain forward {{
    type filter hook forward priority filter; policy accept;
    iifname \"{bridge}\" accept
    oifname \"{bridge}\" ct state established,related accept
    oifname \"{bridge}\" drop
{crossing}  }}
  chain out {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {net} ip daddr != {net} masquerade
  }}
}}
"
    )
}

/// Links that lead out of this computer: network cards and tunnels, not the cables and bridges of other software.
fn outer_links() -> Vec<String> {
    let Ok(entries) = fs::read_dir("/sys/class/net") else {
        return Vec::new();
    };
    let mut links: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("device").exists() || entry.path().join("tun_flags").exists())
        .filter_map(|entry| entry.file_name().into_string().ok())
        // A name is written between quotes into the rules.
        .filter(|name| !name.contains(['"', '\\']))
        .collect();
    links.sort();
    links
}

/// Third numbers of 10.77.x.0/24 that something on this computer uses: other labs, addresses, routes.
fn taken<'a>(labs: impl Iterator<Item = &'a Registration>) -> Result<BTreeSet<u8>, LabError> {
    let mut taken: BTreeSet<u8> = labs.map(|lab| lab.subnet).collect();
    taken.extend(subnets_in(&program::run("ip", &[&"-4", &"-o", &"address"])?));
    taken.extend(subnets_in(&program::run(
        "ip",
        &[&"-4", &"route", &"show", &"table", &"all"],
    )?));
    Ok(taken)
}

fn subnets_in(text: &str) -> BTreeSet<u8> {
    text.split([' ', '/', '\n', '\t'])
        .filter_map(|word| word.parse::<std::net::Ipv4Addr>().ok())
        .map(|address| address.octets())
        .filter(|octets| octets[0..2] == layout::address(0, 0).octets()[0..2])
        .map(|octets| octets[2])
        .collect()
}

/// A free subnet, the same one each time for the same lab where possible.
fn free_subnet(id: &str, taken: &BTreeSet<u8>) -> Result<u8, LabError> {
    let start = u8::from_str_radix(&id[0..2], 16).unwrap_or(0);
    (0..=u8::MAX)
        .map(|step| start.wrapping_add(step))
        .find(|subnet| !taken.contains(subnet))
        .ok_or(LabError::Full("network for the lab: all of 10.77.0.0/16 is taken"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machines::lab::LabDir;

    #[test]
    fn subnets_in_use_are_found_in_what_ip_prints() {
        let printed = include_str!("../../../tests/fixtures/lab/ip-address");
        assert_eq!(subnets_in(printed), BTreeSet::from([0, 31]));
    }

    #[test]
    fn a_lab_takes_the_next_free_subnet_and_wraps_around() {
        let all_but_three: BTreeSet<u8> = (0..=255).filter(|subnet| *subnet != 3).collect();
        assert_eq!(free_subnet("ff0000", &BTreeSet::new()).expect("free"), 255);
        assert_eq!(free_subnet("ff0000", &all_but_three).expect("free"), 3);
        free_subnet("ff0000", &(0..=255).collect()).expect_err("none is free");
    }

    #[test]
    fn a_machine_that_did_not_forward_lets_no_stranger_cross() {
        let layout = Layout::new(&LabDir::default()).expect("plain");
        let outer = ["eth0".to_owned(), "tun0".to_owned()];
        let rules = |outer| super::rules(&layout, Network { subnet: 5 }, outer);
        let drop = r#"iifname { "eth0", "tun0" } oifname { "eth0", "tun0" } drop"#;
        assert!(rules(&outer[..]).contains(drop));
        assert!(!rules(&[]).contains("eth0"));
    }
}
