//! What a spec asks of a deployment that exists and that cannot become so: told before anything is touched. Pure.

use crate::machines::aws::error::CloudError;
use crate::machines::aws::error::Obstacle;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::wanted::HostWanted;
use crate::machines::aws::wanted::Leaving;
use crate::machines::aws::wanted::Wanted;
use crate::remote::aws::model::Subnet;
use crate::remote::aws::model::Vpc;
use crate::spec::Network;

/// Refuses what cannot be, and a test in the place of production unless the operator said so.
///
/// # Errors
/// With the first of the refusals.
pub fn refuse(wanted: &Wanted, seen: &Inventory) -> Result<(), CloudError> {
    refusals(wanted, seen).into_iter().next().map_or(Ok(()), Err)
}

/// Every reason to refuse, the gravest first.
pub fn refusals(wanted: &Wanted, seen: &Inventory) -> Vec<CloudError> {
    let mut list = network(wanted, seen);
    list.extend(zone(wanted, seen));
    list.extend(shrinking(wanted, seen));
    let obstacles = (!list.is_empty()).then_some(CloudError::Obstacles(list));
    production(wanted, seen).into_iter().chain(obstacles).collect()
}

/// A test in the place of production, of which the operator said nothing.
fn production(wanted: &Wanted, seen: &Inventory) -> Option<CloudError> {
    let production = seen.production();
    let refused = wanted.environment.is_test() && !production.is_empty() && wanted.leaving == Leaving::Refused;
    refused.then(|| CloudError::Production {
        owner: wanted.owner.clone(),
        things: production.iter().map(|(kind, id)| format!("{kind} {id}")).collect(),
    })
}

/// What carries the deployment's name and is not its owner's.
pub fn collision(wanted: &Wanted, seen: &Inventory) -> Option<CloudError> {
    let strangers = seen.strangers(&wanted.owner);
    let (_, _, domain) = strangers.first()?;
    let others: Vec<String> = strangers.iter().map(|(kind, id, _)| format!("{kind} {id}")).collect();
    Some(CloudError::Collision {
        deployment: wanted.owner.deployment.clone(),
        others: others.join(", "),
        domain: domain.clone(),
    })
}

/// Machines are where their subnet is.
fn zone(wanted: &Wanted, seen: &Inventory) -> Option<Obstacle> {
    let (zone, subnet) = (wanted.zone.as_ref()?, seen.subnet()?);
    let Subnet { id, zone: its, .. } = subnet;
    let remedy = match wanted.network {
        Network::Own(_) => format!(
            "the zone of a deployment cannot be changed: write `zone = {its:?}` or leave it out; or `anteroom destroy` it \
             and apply again"
        ),
        Network::Subnet(_) => format!("write `zone = {its:?}` or leave it out; or name a subnet in {zone}"),
    };
    (its != zone).then(|| Obstacle {
        what: format!("the subnet {id} is in {its}, and `zone` is {zone}"),
        remedy,
    })
}

/// What stands in a network cannot be moved to another.
fn network(wanted: &Wanted, seen: &Inventory) -> Vec<Obstacle> {
    let told: Vec<String> = match &wanted.network {
        Network::Own(net) => {
            let net = net.to_string();
            let vpc = seen.vpc().map(|vpc| ("VPC", &vpc.id, &vpc.cidr));
            let subnet = seen.subnet().map(|subnet| ("subnet", &subnet.id, &subnet.cidr));
            let others = vpc.into_iter().chain(subnet).filter(|(_, _, cidr)| **cidr != net);
            let tell = |(kind, id, cidr)| format!("the {kind} {id} is {cidr}, and `network` is {net}");
            others.map(tell).collect()
        }
        Network::Subnet(id) => {
            let own = seen.vpc().into_iter();
            let tell = |vpc: &Vpc| format!("the deployment has a VPC of its own, {}, and `subnet` is {id}", vpc.id);
            own.map(tell).collect()
        }
    };
    if told.is_empty() {
        return elsewhere(wanted, seen).into_iter().collect();
    }
    let remedy = "the network of a deployment cannot be changed: write the one that it has; or `anteroom destroy` it and \
                  apply again";
    let obstacle = |what: String| Obstacle {
        what,
        remedy: remedy.to_owned(),
    };
    told.into_iter().map(obstacle).collect()
}

/// A group stays in the VPC that it was made in, and its machine with it.
fn elsewhere(wanted: &Wanted, seen: &Inventory) -> Option<Obstacle> {
    let homes: Vec<&str> = match &wanted.network {
        Network::Own(_) => seen.vpcs.iter().map(|vpc| vpc.id.as_str()).collect(),
        Network::Subnet(_) => seen.home().into_iter().collect(),
    };
    let mut groups = seen.groups.iter();
    let group = groups.find(|group| !homes.contains(&group.vpc.as_str()))?;
    Some(Obstacle {
        what: format!(
            "the security group {} is in {}, which is not the VPC that the spec asks for",
            group.id, group.vpc
        ),
        remedy: "if the spec named another subnet or network before: the network of a deployment cannot be changed, so \
                 write the one that it has, or `anteroom destroy` it and apply again; if not, AWS does not show the VPC \
                 yet, so run it again"
            .to_owned(),
    })
}

/// Disks only grow.
fn shrinking(wanted: &Wanted, seen: &Inventory) -> Vec<Obstacle> {
    let of_host = |host: &HostWanted| {
        let disk = seen.root_disk(seen.instance(host.name.as_str())?)?;
        (disk.gib > host.gib).then(|| Obstacle {
            what: format!(
                "{}: its disk of {} GiB cannot shrink to {}",
                host.name, disk.gib, host.gib
            ),
            remedy: format!(
                "write `volume_gib = {}`; a smaller disk is a new one, without what is on this one: `anteroom destroy` it \
                 and apply again",
                disk.gib
            ),
        })
    };
    wanted.hosts.iter().filter_map(of_host).collect()
}
