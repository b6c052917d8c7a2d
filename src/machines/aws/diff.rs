//! Wanted minus seen: the changes, in an order in which each finds what it stands on. Pure; what decides here does not look.

use std::collections::BTreeSet;

use crate::machines::aws::change::By;
use crate::machines::aws::change::Change;
use crate::machines::aws::dns;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::inventory::Kind;
use crate::machines::aws::inventory::is_of;
use crate::machines::aws::names;
use crate::machines::aws::wanted::HostWanted;
use crate::machines::aws::wanted::Wanted;
use crate::machines::aws::wanted::egress;
use crate::machines::aws::wanted::ports_digest;
use crate::remote::aws::model::Group;
use crate::remote::aws::model::Instance;
use crate::seen::Seen;
use crate::spec::DiskKey;
use crate::spec::Image;
use crate::spec::Network;

/// What would have to change. Nothing in it is another owner's: that is refused before.
pub fn diff(wanted: &Wanted, seen: &Inventory) -> Vec<Change> {
    let mut changes = Vec::new();
    disk_key(wanted, seen, &mut changes);
    login_key(wanted, seen, &mut changes);
    network(wanted, seen, &mut changes);
    for host in &wanted.hosts {
        group(host, seen, &mut changes);
        machine(wanted, host, seen, &mut changes);
        address(host, seen, &mut changes);
    }
    record(wanted, seen, &mut changes);
    extras(wanted, seen, &mut changes);
    changes
}

fn disk_key(wanted: &Wanted, seen: &Inventory, changes: &mut Vec<Change>) {
    if wanted.disk_key != DiskKey::Own {
        return;
    }
    let key = seen
        .disk_keys
        .iter()
        .find(|key| key.named)
        .or_else(|| seen.disk_keys.first());
    if key.is_none() {
        changes.push(Change::MakeDiskKey);
    }
    if key.is_none_or(|key| !key.named) {
        changes.push(Change::NameDiskKey);
    }
    if key.is_none_or(|key| key.rotated == Seen::Known(false)) {
        changes.push(Change::RotateDiskKey);
    }
}

fn login_key(wanted: &Wanted, seen: &Inventory, changes: &mut Vec<Change>) {
    let name = wanted.owner.name();
    match seen.key_pairs.iter().find(|pair| pair.name == name) {
        None => changes.push(Change::ImportKeyPair),
        Some(pair) if pair.tags.get(names::KEY) != Some(&wanted.key_digest()) => {
            changes.extend([Change::DropKeyPair, Change::ImportKeyPair]);
        }
        Some(_) => {}
    }
}

fn network(wanted: &Wanted, seen: &Inventory, changes: &mut Vec<Change>) {
    let own = matches!(wanted.network, Network::Own(_));
    if own && seen.vpc().is_none() {
        changes.push(Change::MakeVpc);
    }
    flow_log(wanted, seen, own, changes);
    if !own {
        return;
    }
    let vpc = seen.vpc().map(|vpc| vpc.id.as_str());
    match seen.gateway() {
        None => changes.extend([Change::MakeGateway, Change::AttachGateway]),
        Some(gateway) if gateway.vpc.is_none() => changes.push(Change::AttachGateway),
        Some(_) => {}
    }
    if seen.subnets.is_empty() {
        changes.push(Change::MakeSubnet);
    }
    let table = seen.route_tables.iter().find(|table| Some(table.vpc.as_str()) == vpc);
    if table.is_none() {
        changes.push(Change::MakeRouteTable);
    }
    let gateway = seen.gateway().map(|gateway| gateway.id.as_str());
    if table.is_none_or(|table| table.way_out.is_none() || table.way_out.as_deref() != gateway) {
        changes.push(Change::RouteOut);
    }
    let subnet = seen.subnets.first().map(|subnet| &subnet.id);
    let led = |id: &String| table.is_some_and(|table| table.subnets.values().any(|led| led == id));
    if !subnet.is_some_and(led) {
        changes.push(Change::AssociateRoutes);
    }
}

/// Of an existing subnet only that subnet is recorded, and only where the spec asks for it.
fn flow_log(wanted: &Wanted, seen: &Inventory, own: bool, changes: &mut Vec<Change>) {
    let Some(bucket) = &wanted.flow_logs else { return };
    let resource = if own {
        seen.vpc().map(|vpc| &vpc.id)
    } else {
        seen.given_subnet.as_ref().map(|subnet| &subnet.id)
    };
    let mut of_ours = seen.flow_logs.iter().filter(|log| Some(&log.resource) == resource);
    if !of_ours.any(|log| log.destination == *bucket) {
        changes.push(Change::MakeFlowLog);
    }
}

fn group(host: &HostWanted, seen: &Inventory, changes: &mut Vec<Change>) {
    let made = seen.group(host.name.as_str());
    if made.is_none() {
        changes.push(Change::MakeGroup(host.name.clone()));
    }
    // A group begins with a way out for everything and none in.
    let (ingress, egress_seen) = match made {
        Some(group) => (group.ingress.clone(), group.egress.clone()),
        None => (BTreeSet::new(), egress()),
    };
    let missing = |from: &BTreeSet<_>, other: &BTreeSet<_>| from.difference(other).cloned().collect::<BTreeSet<_>>();
    let (open, close) = (missing(&host.open, &ingress), missing(&ingress, &host.open));
    let (open_out, close_out) = (missing(&egress(), &egress_seen), missing(&egress_seen, &egress()));
    let noted = made.and_then(|group| group.tags.get(names::PORTS));
    let digest = ports_digest(&host.open);
    if [&open, &close, &open_out, &close_out]
        .iter()
        .any(|list| !list.is_empty())
    {
        changes.push(Change::SetPorts {
            host: host.name.clone(),
            open,
            close,
            open_out,
            close_out,
            by: if noted == Some(&digest) { By::Someone } else { By::Spec },
        });
    }
    if noted != Some(&digest) {
        changes.push(Change::NotePorts(host.name.clone()));
    }
}

fn machine(wanted: &Wanted, host: &HostWanted, seen: &Inventory, changes: &mut Vec<Change>) {
    let name = &host.name;
    let Some(machine) = seen.instance(name.as_str()) else {
        return changes.extend([Change::MakeMachine(name.clone()), Change::NoteMade(name.clone())]);
    };
    let reasons = unchangeable(wanted, host, machine, seen);
    if !reasons.is_empty() {
        let why = reasons.join(", and ");
        changes.push(Change::Replace {
            host: name.clone(),
            why,
        });
        return changes.extend([Change::MakeMachine(name.clone()), Change::NoteMade(name.clone())]);
    }
    let group = seen.group(name.as_str());
    let made = group.and_then(|group| group.tags.get(names::MADE));
    if made != machine.tags.get(names::GENERATION) {
        changes.push(Change::NoteMade(name.clone()));
    }
    in_place(wanted, host, machine, group, changes);
    let root = machine.volumes.get(&machine.root_device);
    let disk = seen.volumes.iter().find(|volume| Some(&volume.id) == root);
    if let Some(disk) = disk.filter(|disk| disk.gib < host.gib) {
        let (from, to) = (disk.gib, host.gib);
        changes.push(Change::Grow {
            host: name.clone(),
            from,
            to,
        });
    }
}

fn in_place(wanted: &Wanted, host: &HostWanted, machine: &Instance, group: Option<&Group>, changes: &mut Vec<Change>) {
    let name = &host.name;
    if machine.instance_type != host.instance_type {
        let given = machine.tags.get(names::TYPE);
        changes.push(Change::Resize {
            host: name.clone(),
            from: machine.instance_type.clone(),
            to: host.instance_type.clone(),
            by: if given == Some(&host.instance_type) {
                By::Someone
            } else {
                By::Spec
            },
        });
    } else if matches!(machine.state.as_str(), "stopped" | "stopping") {
        changes.push(Change::Start(name.clone()));
    }
    if group.is_none_or(|group| machine.groups != BTreeSet::from([group.id.clone()])) {
        changes.push(Change::Regroup(name.clone()));
    }
    if !machine.tokens_required || machine.hop_limit != 1 {
        changes.push(Change::RequireTokens(name.clone()));
    }
    if machine.protected != Seen::Known(wanted.protected()) && machine.protected.known().is_ok() {
        changes.push(Change::Protect(name.clone(), wanted.protected()));
    }
}

/// What a machine that exists cannot become.
fn unchangeable(wanted: &Wanted, host: &HostWanted, machine: &Instance, seen: &Inventory) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Image::Exactly(image) = &host.image
        && machine.image != *image
    {
        reasons.push(format!("it began as {} and not as {image}", machine.image));
    }
    if let Some(zone) = wanted.zone.as_ref().filter(|zone| **zone != machine.zone) {
        reasons.push(format!("it is in {} and not in {zone}", machine.zone));
    }
    if let Some(subnet) = seen
        .subnet()
        .filter(|subnet| machine.subnet.as_ref() != Some(&subnet.id))
    {
        reasons.push(format!("it is not in the subnet {}", subnet.id));
    }
    let root = machine.volumes.get(&machine.root_device);
    let Some(disk) = seen.volumes.iter().find(|volume| Some(&volume.id) == root) else {
        return reasons;
    };
    if !disk.encrypted {
        reasons.push("its disk is not encrypted".to_owned());
    }
    if disk.gib > host.gib {
        reasons.push(format!("its disk of {} GiB cannot shrink to {}", disk.gib, host.gib));
    }
    if let Some(key) = own_or_given(wanted, seen)
        && disk.encrypted
        && disk.key.as_ref() != Some(&key)
    {
        reasons.push(format!("its disk is encrypted with another key than {key}"));
    }
    reasons
}

/// The key that disks must have, when it is known. The account's default is whatever it was when the disk was made.
fn own_or_given(wanted: &Wanted, seen: &Inventory) -> Option<String> {
    match &wanted.disk_key {
        DiskKey::Account => None,
        DiskKey::Given(arn) => Some(arn.clone()),
        DiskKey::Own => seen.disk_keys.iter().find(|key| key.named).map(|key| key.arn.clone()),
    }
}

fn address(host: &HostWanted, seen: &Inventory, changes: &mut Vec<Change>) {
    let name = &host.name;
    let machine = seen.instance(name.as_str()).map(|machine| &machine.id);
    let Some(address) = seen.address(name.as_str()) else {
        return changes.extend([Change::TakeAddress(name.clone()), Change::GiveAddress(name.clone())]);
    };
    let replaced = changes
        .iter()
        .any(|change| matches!(change, Change::MakeMachine(made) if made == name));
    if replaced || address.instance.is_none() || address.instance.as_ref() != machine {
        changes.push(Change::GiveAddress(name.clone()));
    }
}

fn record(wanted: &Wanted, seen: &Inventory, changes: &mut Vec<Change>) {
    let Some(zone) = &wanted.dns_zone else { return };
    let core = wanted.hosts.iter().find(|host| host.core);
    let address = core.and_then(|host| seen.address(host.name.as_str()));
    if !address.is_some_and(|address| dns::is_settled(seen.record.as_ref(), zone, address)) {
        changes.push(Change::PutRecord);
    }
}

/// What there is twice, since an answer was lost or somebody made another.
fn extras(wanted: &Wanted, seen: &Inventory, changes: &mut Vec<Change>) {
    let mut extra = |kind: Kind, id: &str| changes.push(Change::RemoveExtra(kind, id.to_owned()));
    for host in &wanted.hosts {
        let name = host.name.as_str();
        let kept = seen.instance(name).map(|machine| machine.id.as_str());
        let machines = seen.instances.iter().filter(|machine| is_of(&machine.tags, name));
        let second = machines.filter(|machine| machine.state != "shutting-down" && Some(machine.id.as_str()) != kept);
        second.for_each(|machine| extra(Kind::Instance, &machine.id));
        let kept = seen.address(name).map(|address| address.id.as_str());
        let addresses = seen.addresses.iter().filter(|address| is_of(&address.tags, name));
        addresses
            .filter(|address| Some(address.id.as_str()) != kept)
            .for_each(|address| extra(Kind::Address, &address.id));
    }
    let vpc = seen.vpc().map(|vpc| vpc.id.as_str());
    let tables = seen.route_tables.iter().filter(|table| Some(table.vpc.as_str()) == vpc);
    tables.skip(1).for_each(|table| extra(Kind::RouteTable, &table.id));
    let gateway = seen.gateway().map(|gateway| gateway.id.as_str());
    let gateways = seen.gateways.iter().filter(|other| Some(other.id.as_str()) != gateway);
    gateways.for_each(|other| extra(Kind::Gateway, &other.id));
    seen.vpcs
        .iter()
        .filter(|other| Some(other.id.as_str()) != vpc)
        .for_each(|other| extra(Kind::Vpc, &other.id));
    let key = seen
        .disk_keys
        .iter()
        .find(|key| key.named)
        .or_else(|| seen.disk_keys.first());
    let keys = seen
        .disk_keys
        .iter()
        .filter(|other| Some(&other.arn) != key.map(|key| &key.arn));
    keys.for_each(|other| extra(Kind::DiskKey, &other.arn));
}
