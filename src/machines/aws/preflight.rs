//! What is in the way of the changes, all of it, before any of them is made: permissions and quotas that are lacking, ids that
//! are wrong, types that a machine cannot become. AWS rehearses the calls that it can; what it could not is said.

use std::collections::BTreeMap;

use crate::machines::aws::change::Change;
use crate::machines::aws::dns;
use crate::machines::aws::error::CloudError;
use crate::machines::aws::error::Obstacle;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::launch::launch;
use crate::machines::aws::names;
use crate::machines::aws::offer;
use crate::machines::aws::patience::again;
use crate::machines::aws::wanted::HostWanted;
use crate::machines::aws::wanted::Wanted;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Rehearsal;
use crate::remote::aws::Rehearsed;
use crate::remote::aws::Why;
use crate::remote::aws::model::ImageSeen;
use crate::remote::aws::model::Instance;
use crate::spec::DiskKey;
use crate::spec::HostName;
use crate::spec::Network;

/// VPCs that a region of an account may hold unless somebody had AWS raise that.
const VPCS: usize = 5;

/// What making machines rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The availability zone.
    pub(super) zone: String,
    /// What each host begins as.
    images: BTreeMap<HostName, ImageSeen>,
    /// What may be in the way and could not be found out, a line each.
    pub notes: Vec<String>,
}

impl Found {
    /// What a host begins as.
    pub(super) fn image(&self, host: &HostName) -> Result<&ImageSeen, CloudError> {
        self.images
            .get(host)
            .ok_or_else(|| CloudError::Gone(format!("an image for {host}")))
    }
}

/// Looks for everything that the changes rest on, and rehearses them.
///
/// # Errors
/// With everything that is in the way.
pub async fn preflight(aws: &Aws, wanted: &Wanted, seen: &Inventory, changes: &[Change]) -> Result<Found, CloudError> {
    let mut obstacles = Vec::new();
    let mut found = Found {
        zone: seen.subnet().map(|subnet| subnet.zone.clone()).unwrap_or_default(),
        ..Found::default()
    };
    for change in changes {
        match change {
            Change::MakeMachine(host) => {
                for host in wanted.hosts.iter().filter(|wanted| wanted.name == *host) {
                    obstacles.extend(machine(aws, wanted, seen, host, &mut found).await);
                }
            }
            Change::Resize { host, to, .. } => {
                if let Some(machine) = seen.instance(host.as_str()) {
                    let outcome = offer::resize(aws, machine, to).await;
                    obstacles.extend(outcome.err().map(|error| resizing(machine, host, &error)));
                }
            }
            _ => {}
        }
    }
    if let DiskKey::Given(arn) = &wanted.disk_key {
        obstacles.extend(given_key(aws, arn).await);
    }
    obstacles.extend(addresses(aws, changes).await);
    obstacles.extend(record(aws, wanted, seen, changes).await);
    found.notes.extend(vpcs(aws, changes).await);
    for rehearsal in rehearsals(wanted, seen, changes, &found) {
        match aws.rehearse(&rehearsal).await {
            Rehearsed::Fine => {}
            Rehearsed::NotYet(error) => found.notes.push(not_rehearsed(&error)),
            Rehearsed::Refused(error) => obstacles.push(obstacle(&error)),
        }
    }
    found.notes.dedup();
    if obstacles.is_empty() {
        return Ok(found);
    }
    obstacles.dedup();
    Err(CloudError::Obstacles(obstacles))
}

/// What a new machine rests on.
async fn machine(aws: &Aws, wanted: &Wanted, seen: &Inventory, host: &HostWanted, found: &mut Found) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    match offer::image(aws, host, seen.instance(host.name.as_str())).await {
        Ok((image, note)) => {
            found.images.insert(host.name.clone(), image);
            found.notes.extend(note);
        }
        Err(error) => obstacles.push(obstacle(&error)),
    }
    match offer::zone(aws, wanted, seen, host).await {
        Ok(zone) => found.zone = zone,
        Err(error) => obstacles.push(obstacle(&error)),
    }
    obstacles
}

fn obstacle(error: &AwsError) -> Obstacle {
    Obstacle {
        what: error.to_string(),
        remedy: error.hint(),
    }
}

/// A machine that an earlier run left stopped starts with the next run whose type it can become.
fn resizing(machine: &Instance, host: &HostName, error: &AwsError) -> Obstacle {
    let now = match machine.state.as_str() {
        "stopped" | "stopping" => format!("{host} is {} as {}", machine.state, machine.instance_type),
        _ => format!("{host} goes on as {}", machine.instance_type),
    };
    Obstacle {
        what: format!("change the type of {host}: {error}"),
        remedy: format!(
            "write an `instance_type` that has the machine's architecture and that its zone offers, or the one that it has; \
             {now}"
        ),
    }
}

fn not_rehearsed(error: &AwsError) -> String {
    format!(
        "{} was not rehearsed: the subnet is not there yet, and without one AWS looks at the account's default VPC ({}). \
         Whether it is allowed, and whether the quota of vCPUs suffices, shows when the machine is made",
        error.call, error.code
    )
}

async fn given_key(aws: &Aws, arn: &str) -> Option<Obstacle> {
    let said = match aws.disk_key(arn).await {
        Ok(Some(key)) if key.enabled && !key.ending => return None,
        Ok(Some(_)) => format!("the key {arn} is disabled, or its end is scheduled"),
        Ok(None) => format!("there is no key {arn}"),
        Err(error) => return Some(obstacle(&error)),
    };
    Some(obstacle(&AwsError::ours(
        "kms:DescribeKey",
        aws.region(),
        Why::NotFound,
        said,
    )))
}

/// Addresses are the quota that accounts run into first, and no rehearsal counts them.
async fn addresses(aws: &Aws, changes: &[Change]) -> Option<Obstacle> {
    let more = changes
        .iter()
        .filter(|change| matches!(change, Change::TakeAddress(_)))
        .count();
    if more == 0 {
        return None;
    }
    let (quota, taken) = match tokio::try_join!(aws.address_quota(), aws.addresses(None)) {
        Ok((quota, taken)) => (quota?, taken.len()),
        Err(error) => return Some(obstacle(&error)),
    };
    (taken + more > quota).then(|| {
        let said = format!("{taken} of {quota} Elastic IP addresses are taken, and {more} more are needed");
        obstacle(&AwsError::ours("ec2:AllocateAddress", aws.region(), Why::Quota, said))
    })
}

/// EC2 tells how many VPCs there are and not how many there may be: no more than a warning.
async fn vpcs(aws: &Aws, changes: &[Change]) -> Option<String> {
    if !changes.contains(&Change::MakeVpc) {
        return None;
    }
    match aws.vpc_count().await {
        Ok(count) if count < VPCS => None,
        Ok(count) => Some(format!(
            "{count} VPCs are in {}, and an account may have {VPCS} unless AWS raised that: making another may be refused",
            aws.region()
        )),
        Err(error) => Some(format!("how many VPCs are there is not known: failed to {error}")),
    }
}

/// A zone that cannot hold the name, and a record that leads to somebody else.
async fn record(aws: &Aws, wanted: &Wanted, seen: &Inventory, changes: &[Change]) -> Vec<Obstacle> {
    let Some(zone) = wanted
        .dns_zone
        .as_ref()
        .filter(|_| changes.contains(&Change::PutRecord))
    else {
        return Vec::new();
    };
    let domain = &wanted.owner.domain;
    let outside = match again(async || aws.zone_name(zone).await).await {
        Ok(name) => dns::outside(domain, zone, &name),
        Err(error) => Some(obstacle(&error)),
    };
    let foreign = seen.record.as_ref();
    let foreign = foreign.and_then(|there| dns::foreign(domain, there, &dns::ips(&seen.addresses)));
    outside.into_iter().chain(foreign).collect()
}

/// Every call that AWS can rehearse, as it will be made.
fn rehearsals(wanted: &Wanted, seen: &Inventory, changes: &[Change], found: &Found) -> Vec<Rehearsal> {
    let expires = wanted.end(seen);
    let tags = || wanted.tags(expires.as_ref());
    let of = |name: &HostName| wanted.hosts.iter().find(|host| host.name == *name);
    let host_tags = |name: &HostName| of(name).map(|host| wanted.host_tags(host, expires.as_ref()));
    let given = seen.given_subnet.as_ref().map(|subnet| subnet.vpc.clone());
    let vpc = given.or_else(|| seen.vpc().map(|vpc| vpc.id.clone()));
    let net = match &wanted.network {
        Network::Own(net) => net.to_string(),
        Network::Subnet(_) => String::new(),
    };
    let rehearsal = |change: &Change| match change {
        Change::MakeVpc => Some(Rehearsal::Vpc(net.clone(), tags())),
        Change::MakeGateway => Some(Rehearsal::Gateway(tags())),
        Change::MakeSubnet => Some(Rehearsal::Subnet {
            vpc: vpc.clone(),
            cidr: net.clone(),
            zone: found.zone.clone(),
            tags: tags(),
        }),
        Change::MakeRouteTable => Some(Rehearsal::RouteTable {
            vpc: vpc.clone(),
            tags: tags(),
        }),
        Change::MakeGroup(host) => Some(Rehearsal::Group {
            vpc: vpc.clone(),
            name: wanted.owner.host_name(host.as_str()),
            about: wanted.owner.about(host.as_str()),
            tags: host_tags(host)?,
        }),
        Change::TakeAddress(host) => Some(Rehearsal::Address(host_tags(host)?)),
        Change::ImportKeyPair if !changes.contains(&Change::DropKeyPair) => Some(Rehearsal::KeyPair {
            name: wanted.owner.name(),
            public_key: wanted.public_key.clone(),
            tags: tags()
                .into_iter()
                .chain([(names::KEY.to_owned(), wanted.key_digest())])
                .collect(),
        }),
        Change::MakeMachine(host) => {
            let machine = launch(wanted, seen, of(host)?, found.images.get(host)?);
            Some(Rehearsal::Instance(Box::new(machine)))
        }
        _ => None,
    };
    let mut list: Vec<Rehearsal> = changes.iter().filter_map(rehearsal).collect();
    list.dedup();
    list
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::machines::aws::tests::made;
    use crate::machines::aws::tests::of_spec;

    fn rehearsed(seen: &Inventory) -> (Rehearsal, Rehearsal) {
        let wanted = of_spec();
        let host = wanted.hosts[0].name.clone();
        let image = ImageSeen {
            id: "ami-1".to_owned(),
            name: "debian-12-amd64-1".to_owned(),
            root_device: "/dev/xvda".to_owned(),
            made: String::new(),
            architecture: "x86_64".to_owned(),
            disks: BTreeSet::new(),
        };
        let found = Found {
            images: BTreeMap::from([(host.clone(), image)]),
            ..Found::default()
        };
        let changes = [Change::MakeGroup(host.clone()), Change::MakeMachine(host)];
        let mut list = rehearsals(&wanted, seen, &changes, &found).into_iter();
        (list.next().unwrap(), list.next().unwrap())
    }

    #[test]
    fn what_is_rehearsed_stands_on_what_is_there_and_names_nothing_else() {
        let there = rehearsed(&made(&of_spec()));
        let (Rehearsal::Group { vpc, tags, .. }, Rehearsal::Instance(machine)) = there else {
            panic!("{there:?}");
        };
        assert_eq!((vpc.as_deref(), tags[names::HOST].as_str()), (Some("vpc-1"), "core"));
        let named = [&machine.subnet, &machine.group, &machine.key_pair, &machine.disk_key];
        let named = named.map(|name| name.as_deref());
        assert_eq!(
            named,
            [Some("subnet-1"), Some("sg-1"), Some("anteroom-clinic"), Some("arn:k")]
        );
        assert_eq!(machine.tags[names::IMAGE], "debian-12 ami-1");
        let nothing = rehearsed(&Inventory::default());
        let (Rehearsal::Group { vpc, .. }, Rehearsal::Instance(machine)) = nothing else {
            panic!("{nothing:?}");
        };
        let named = [
            &vpc,
            &machine.subnet,
            &machine.group,
            &machine.key_pair,
            &machine.disk_key,
        ];
        assert_eq!(named, [&None; 5]);
    }
}
