//! Wanted minus seen: the changes, in an order in which each finds what it stands on. Pure; what decides here does not look.

use std::collections::BTreeSet;

use crate::machines::aws::change::By;
use crate::machines::aws::change::Change;
use crate::machines::aws::change::Crossing;
use crate::machines::aws::dns;
use crate::machines::aws::image;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::inventory::Kind;
use crate::machines::aws::inventory::generation;
use crate::machines::aws::names;
use crate::machines::aws::unclaimed::records;
use crate::machines::aws::unclaimed::unclaimed;
use crate::machines::aws::wanted::HostWanted;
use crate::machines::aws::wanted::Wanted;
use crate::machines::aws::wanted::egress;
use crate::machines::aws::wanted::ports_digest;
use crate::remote::aws::model::Group;
use crate::remote::aws::model::Instance;
use crate::remote::aws::model::Tags;
use crate::seen::Seen;
use crate::spec::DiskKey;
use crate::spec::Network;

/// What would have to change. Nothing in it is another owner's, and nothing that cannot become so: that is refused before
/// (`obstacles`).
pub fn diff(wanted: &Wanted, seen: &Inventory) -> Vec<Change> {
    let mut changes = Vec::new();
    retag(wanted, seen, &mut changes);
    disk_key(wanted, seen, &mut changes);
    login_key(wanted, seen, &mut changes);
    network(wanted, seen, &mut changes);
    for host in &wanted.hosts {
        group(host, seen, &mut changes);
        machine(wanted, host, seen, &mut changes);
        address(host, seen, &mut changes);
    }
    record(wanted, seen, &mut changes);
    unclaimed(wanted, seen, &mut changes);
    changes
}

/// What says another environment or end than everything has: `reap` goes by what it says.
fn retag(wanted: &Wanted, seen: &Inventory, changes: &mut Vec<Change>) {
    let (word, end) = (wanted.environment_word(), wanted.end(seen));
    let all = seen.marked();
    let is_right = |tags: &Tags| {
        tags.get(names::ENVIRONMENT).map(String::as_str) == Some(word) && tags.get(names::EXPIRES) == end.as_ref()
    };
    let of_a_test = |tags: &Tags| {
        tags.get(names::ENVIRONMENT).is_some_and(|word| word == "test") || tags.contains_key(names::EXPIRES)
    };
    let crossing = if wanted.environment.is_test() {
        if seen.production().is_empty() {
            Crossing::Stays
        } else {
            Crossing::OutOfProduction
        }
    } else if all.iter().any(|(_, _, tags)| of_a_test(tags)) {
        Crossing::IntoProduction
    } else {
        Crossing::Stays
    };
    let wrong = all.iter().filter(|(_, _, tags)| !is_right(tags));
    let things: Vec<(Kind, String)> = wrong.map(|(kind, id, _)| (*kind, (*id).to_owned())).collect();
    if !things.is_empty() {
        changes.push(Change::Retag { things, end, crossing });
    }
}

fn disk_key(wanted: &Wanted, seen: &Inventory, changes: &mut Vec<Change>) {
    if wanted.disk_key != DiskKey::Own {
        return;
    }
    let key = seen.disk_key();
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
    // Of an existing subnet only that subnet is recorded, and only where the spec asks for it.
    if wanted.flow_logs.is_some() && !seen.flow_logs.iter().any(|log| records(wanted, seen, log)) {
        changes.push(Change::MakeFlowLog);
    }
    if !own {
        return;
    }
    match seen.gateway() {
        None => changes.extend([Change::MakeGateway, Change::AttachGateway]),
        Some(gateway) if gateway.vpc.is_none() => changes.push(Change::AttachGateway),
        Some(_) => {}
    }
    if seen.subnet().is_none() {
        changes.push(Change::MakeSubnet);
    }
    let table = seen.route_table();
    if table.is_none() {
        changes.push(Change::MakeRouteTable);
    }
    let gateway = seen.gateway().map(|gateway| gateway.id.as_str());
    if table.is_none_or(|table| table.way_out.is_none() || table.way_out.as_deref() != gateway) {
        changes.push(Change::RouteOut);
    }
    let subnet = seen.subnet().map(|subnet| &subnet.id);
    let led = |id: &String| table.is_some_and(|table| table.subnets.values().any(|led| led == id));
    if !subnet.is_some_and(led) {
        changes.push(Change::AssociateRoutes);
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
            machine: machine.id.clone(),
            why,
        });
        return changes.extend([Change::MakeMachine(name.clone()), Change::NoteMade(name.clone())]);
    }
    let group = seen.group(name.as_str());
    let made = group.and_then(|group| group.tags.get(names::MADE));
    if made.is_none_or(|made| *made != generation(&machine.tags).to_string()) {
        changes.push(Change::NoteMade(name.clone()));
    }
    in_place(wanted, host, machine, group, changes);
    if let Some(disk) = seen.root_disk(machine).filter(|disk| disk.gib < host.gib) {
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
        let said = machine.tags.get(names::ENVIRONMENT).map(String::as_str);
        let by = if said == Some(wanted.environment_word()) {
            By::Someone
        } else {
            By::Spec
        };
        changes.push(Change::Protect(name.clone(), wanted.protected(), by));
    }
}

/// What a machine that exists cannot become.
fn unchangeable(wanted: &Wanted, host: &HostWanted, machine: &Instance, seen: &Inventory) -> Vec<String> {
    let mut reasons: Vec<String> = image::differs(&host.image, machine).into_iter().collect();
    if let Some(subnet) = seen
        .subnet()
        .filter(|subnet| machine.subnet.as_ref() != Some(&subnet.id))
    {
        reasons.push(format!("it is not in the subnet {}", subnet.id));
    }
    let Some(disk) = seen.root_disk(machine) else {
        return reasons;
    };
    if !disk.encrypted {
        reasons.push("its disk is not encrypted".to_owned());
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
        DiskKey::Own => seen.disk_key().filter(|key| key.named).map(|key| key.arn.clone()),
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
