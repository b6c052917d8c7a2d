//! What carries the deployment's tags and belongs to no host or part that the spec names: made twice, or left over from
//! another spec. Disks, snapshots and interfaces are never among it: they go with their machine, or with `destroy`.

use std::collections::BTreeSet;

use crate::machines::aws::change::Change;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::inventory::Kind;
use crate::machines::aws::names;
use crate::machines::aws::wanted::Wanted;
use crate::remote::aws::model::FlowLog;
use crate::remote::aws::model::Tags;
use crate::spec::Network;

/// Its removal, in an order in which nothing holds on to anything.
pub(super) fn unclaimed(wanted: &Wanted, seen: &Inventory, changes: &mut Vec<Change>) {
    let claimed = claimed(wanted, seen);
    let mut things = seen.marked();
    things.retain(|(kind, id, _)| goes(*kind) && !claimed.contains(&(*kind, *id)));
    things.sort_by_key(|(kind, id, _)| (*kind, *id));
    for (kind, id, tags) in things {
        changes.push(if is_second(wanted, kind, tags) {
            Change::RemoveExtra(kind, id.to_owned())
        } else {
            Change::RemoveStray {
                kind,
                id: id.to_owned(),
                host: tags.get(names::HOST).cloned(),
            }
        });
    }
    let key = seen.disk_key().map(|key| key.arn.as_str());
    for other in &seen.disk_keys {
        // Whatever a key encrypted could not be read again.
        if Some(other.arn.as_str()) != key && !seen.encrypts(&other.arn) {
            changes.push(Change::RemoveExtra(Kind::DiskKey, other.arn.clone()));
        }
    }
}

fn goes(kind: Kind) -> bool {
    match kind {
        Kind::Address
        | Kind::Instance
        | Kind::FlowLog
        | Kind::Group
        | Kind::Subnet
        | Kind::RouteTable
        | Kind::Gateway
        | Kind::Vpc
        | Kind::KeyPair => true,
        Kind::Record | Kind::Volume | Kind::Snapshot | Kind::Interface | Kind::DiskKey => false,
    }
}

/// Kind and id of what the spec's hosts and parts use.
fn claimed<'a>(wanted: &Wanted, seen: &'a Inventory) -> BTreeSet<(Kind, &'a str)> {
    let mut all = BTreeSet::new();
    for host in &wanted.hosts {
        let name = host.name.as_str();
        all.extend(seen.instance(name).map(|machine| (Kind::Instance, machine.id.as_str())));
        all.extend(seen.address(name).map(|address| (Kind::Address, address.id.as_str())));
        all.extend(seen.group(name).map(|group| (Kind::Group, group.id.as_str())));
    }
    if let Network::Own(_) = wanted.network {
        all.extend(seen.vpc().map(|vpc| (Kind::Vpc, vpc.id.as_str())));
        all.extend(seen.subnet().map(|subnet| (Kind::Subnet, subnet.id.as_str())));
        all.extend(seen.route_table().map(|table| (Kind::RouteTable, table.id.as_str())));
        all.extend(seen.gateway().map(|gateway| (Kind::Gateway, gateway.id.as_str())));
    }
    let logs = seen.flow_logs.iter().filter(|log| records(wanted, seen, log));
    all.extend(logs.map(|log| (Kind::FlowLog, log.id.as_str())));
    let name = wanted.owner.name();
    let pairs = seen.key_pairs.iter().filter(|pair| pair.name == name);
    all.extend(pairs.map(|pair| (Kind::KeyPair, pair.name.as_str())));
    all
}

/// Whether a flow log is the one that the spec asks for: of its own VPC, or of an existing subnet alone.
pub(super) fn records(wanted: &Wanted, seen: &Inventory, log: &FlowLog) -> bool {
    let resource = match wanted.network {
        Network::Own(_) => seen.vpc().map(|vpc| &vpc.id),
        Network::Subnet(_) => seen.given_subnet.as_ref().map(|subnet| &subnet.id),
    };
    Some(&log.resource) == resource && wanted.flow_logs.as_ref() == Some(&log.destination)
}

/// Whether the spec names such a thing, of which this is one too many.
fn is_second(wanted: &Wanted, kind: Kind, tags: &Tags) -> bool {
    match kind {
        Kind::Address | Kind::Instance | Kind::Group => {
            let host = tags.get(names::HOST);
            wanted
                .hosts
                .iter()
                .any(|wanted| Some(wanted.name.as_str()) == host.map(String::as_str))
        }
        Kind::Vpc | Kind::Gateway | Kind::RouteTable => matches!(wanted.network, Network::Own(_)),
        _ => false,
    }
}
