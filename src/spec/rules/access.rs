//! `[access]` and `[logging]`: who may reach SSH from where, and how long logs stay.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use ipnet::Ipv6Net;

use crate::spec::docket::Refused;
use crate::spec::model::Access;
use crate::spec::model::Logging;
use crate::spec::problem::Place;
use crate::spec::problem::Problem;
use crate::spec::raw::RawAccess;
use crate::spec::raw::RawSpec;
use crate::spec::raw_machines::RawMachinesKind;
use crate::spec::reader::Spot;
use crate::spec::rules::Bench;
use crate::spec::rules::cloned;
use crate::spec::rules::given;
use crate::spec::rules::machines_kind;
use crate::spec::rules::production;

/// Days that logs stay when the spec does not say.
const RETENTION_DAYS: u32 = 90;
/// The private ranges (RFC 1918, RFC 4193): what a test host at a private address is administered from.
const PRIVATE: &[&str] = &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
/// The shortest prefixes that can still be one holder's network: the largest blocks that registries ever gave out.
const SHORTEST: (u8, u8) = (8, 19);
/// The law behind narrow administration.
const LAW: &str = "45 CFR 164.312(a)(1)";

/// Judges `[access]`.
pub(crate) fn access(raw: &RawSpec, bench: &mut Bench<'_>) -> Result<Access, Refused> {
    let section = raw.access.as_ref().map_err(|refused| *refused)?;
    let admins = admins(section.as_ref(), bench);
    let list = match section {
        Some(section) => section.value.admin_cidrs.as_ref().map_err(|refused| *refused)?.as_ref(),
        None => None,
    };
    let Some(list) = list else {
        let place = section.as_ref().map(|section| section.place.clone());
        let admin_cidrs = standard(raw, place, bench)?;
        return Ok(Access {
            admin_cidrs,
            admins: admins?,
        });
    };
    if list.value.is_empty() {
        let message = "`access.admin_cidrs` is empty: nobody could administer the host";
        let problem = Problem::new("spec/nobody-administers", list.place.clone(), message);
        return Err(bench.refuse(problem.help("write the networks you come from, such as [\"203.0.113.0/28\"]")));
    }
    let judged: Vec<_> = list.value.iter().map(|spot| network(spot, bench)).collect();
    let admin_cidrs = judged.into_iter().collect::<Result<_, _>>()?;
    Ok(Access {
        admin_cidrs,
        admins: admins?,
    })
}

/// Names of accounts as Linux takes them (useradd(8)), with the dots that many sites allow.
fn admins(section: Option<&Spot<RawAccess>>, bench: &mut Bench<'_>) -> Result<BTreeSet<String>, Refused> {
    let Some(section) = section else {
        return Ok(BTreeSet::new());
    };
    let list = section.value.admins.as_ref().map_err(|refused| *refused)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let help = "write the names as `getent passwd` on the host prints them, such as [\"ann\"]";
    let names = list.iter().flat_map(|list| &list.value);
    let judged: Vec<_> = names
        .map(|spot| bench.plain("access.admins", spot, allowed, help))
        .collect();
    judged.into_iter().collect()
}

/// The networks when the spec names none: private ones for a test at private addresses, since only there do they
/// include whoever administers it.
fn standard(raw: &RawSpec, section: Option<Place>, bench: &mut Bench<'_>) -> Result<Vec<IpNet>, Refused> {
    let (place, message) = match (production(raw), machines_kind(raw)) {
        (Some(place), _) => (
            section.unwrap_or(place),
            "production needs `access.admin_cidrs`, the networks that may reach SSH",
        ),
        (None, Some(kind)) if matches!(kind.value, RawMachinesKind::Terraform | RawMachinesKind::Aws) => (
            section.unwrap_or(kind.place.clone()),
            "a host in a cloud needs `access.admin_cidrs`, or its firewalls would shut you out",
        ),
        (None, Some(kind)) if kind.value == RawMachinesKind::Existing && !all_private(raw) => (
            section.unwrap_or(kind.place.clone()),
            "a host outside of the private networks needs `access.admin_cidrs`, or its firewall would shut you out",
        ),
        _ => return Ok(PRIVATE.iter().filter_map(|text| text.parse().ok()).collect()),
    };
    let problem = Problem::new("spec/admin-networks-missing", place, message);
    let help = "add `[access]` with `admin_cidrs = [\"203.0.113.0/28\"]`, the networks you administer from";
    Err(bench.refuse(problem.help(help).cite(LAW)))
}

/// Whether every host is reached at a private IP address.
fn all_private(raw: &RawSpec) -> bool {
    let hosts = given(&raw.host).map(|spot| spot.value.as_slice()).unwrap_or_default();
    hosts.iter().all(|host| {
        let address = given(&host.value.address).and_then(|spot| spot.value.parse::<IpAddr>().ok());
        match address {
            Some(IpAddr::V4(address)) => address.is_private() || address.is_loopback(),
            Some(IpAddr::V6(address)) => address.is_unique_local() || address.is_loopback(),
            None => false,
        }
    })
}

fn network(spot: &Spot<String>, bench: &mut Bench<'_>) -> Result<IpNet, Refused> {
    let key = "access.admin_cidrs";
    let text = &spot.value;
    let mut refuse = |code, message: String, help: String| {
        Err(bench.refuse(Problem::new(code, spot.place.clone(), message).help(help).cite(LAW)))
    };
    let Ok(network) = text.parse::<IpNet>() else {
        let help = match text.parse::<IpAddr>() {
            Ok(address) => format!("write \"{}\" for this one address", IpNet::from(address)),
            Err(_) => "write an address and a prefix length, such as \"203.0.113.0/28\"".to_owned(),
        };
        let message = format!("`{key}` has {text:?}, which is not a network in CIDR notation");
        return refuse("spec/unusable-value", message, help);
    };
    if network.prefix_len() == 0 {
        let message = format!("`{key}` has {text:?}, which is the whole internet");
        return refuse(
            "spec/admin-network-too-wide",
            message,
            "write the networks you administer from".to_owned(),
        );
    }
    let (v4, v6) = SHORTEST;
    let too_wide = match network {
        IpNet::V4(network) => network.prefix_len() < v4,
        IpNet::V6(network) => network.prefix_len() < v6 && !unique_local(&network),
    };
    if too_wide {
        let message = format!("`{key}` has {text:?}, which is wider than any one network");
        let help = format!("write the networks you administer from, each at least /{v4} (IPv4) or /{v6} (IPv6)");
        return refuse("spec/admin-network-too-wide", message, help);
    }
    if network.trunc() != network {
        let message = format!("`{key}` has {text:?}, an address inside of a network");
        let address = IpNet::from(network.addr());
        let help = format!(
            "write \"{}\" for the network, or \"{address}\" for the one address",
            network.trunc()
        );
        return refuse("spec/unusable-value", message, help);
    }
    Ok(network)
}

fn unique_local(network: &Ipv6Net) -> bool {
    network.prefix_len() >= 7 && network.addr().is_unique_local()
}

/// Judges `[logging]`.
pub(crate) fn logging(raw: &RawSpec) -> Result<Logging, Refused> {
    let section = raw.logging.as_ref().map_err(|refused| *refused)?;
    let days = match section {
        Some(section) => cloned(&section.value.retention_days)?,
        None => None,
    };
    Ok(Logging {
        retention_days: days.map_or(RETENTION_DAYS, |count| count.0),
    })
}
