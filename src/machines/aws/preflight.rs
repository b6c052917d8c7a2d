//! What is in the way of making machines, all of it, before anything is made: permissions and quotas that are lacking, and
//! ids that are wrong. AWS rehearses the calls that it can.

use std::collections::BTreeMap;

use crate::machines::aws::change::Change;
use crate::machines::aws::dns;
use crate::machines::aws::error::CloudError;
use crate::machines::aws::error::Obstacle;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::patience::again;
use crate::machines::aws::wanted::HostWanted;
use crate::machines::aws::wanted::Wanted;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Rehearsal;
use crate::remote::aws::Why;
use crate::remote::aws::model::ImageSeen;
use crate::spec::DiskKey;
use crate::spec::HostName;
use crate::spec::Image;
use crate::spec::Network;

/// Debian's own account, and the one in GovCloud.
const DEBIAN: (&str, &str) = ("136693071363", "045324592363");

/// What making machines rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The availability zone.
    pub(super) zone: String,
    /// What each host begins as.
    images: BTreeMap<HostName, ImageSeen>,
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
        images: BTreeMap::new(),
    };
    for host in &wanted.hosts {
        if changes.contains(&Change::MakeMachine(host.name.clone())) {
            match image(aws, host).await {
                Ok(image) => drop(found.images.insert(host.name.clone(), image)),
                Err(error) => obstacles.push(obstacle(&error)),
            }
            match zone(aws, wanted, host, &found.zone).await {
                Ok(zone) => found.zone = zone,
                Err(error) => obstacles.push(obstacle(&error)),
            }
        }
    }
    if let DiskKey::Given(arn) = &wanted.disk_key {
        obstacles.extend(given_key(aws, arn).await);
    }
    obstacles.extend(addresses(aws, changes).await);
    obstacles.extend(record(aws, wanted, seen, changes).await);
    for rehearsal in rehearsals(wanted, changes, &found) {
        obstacles.extend(aws.rehearse(&rehearsal).await.as_ref().map(obstacle));
    }
    if obstacles.is_empty() {
        return Ok(found);
    }
    obstacles.dedup();
    Err(CloudError::Obstacles(obstacles))
}

fn obstacle(error: &AwsError) -> Obstacle {
    Obstacle {
        what: error.to_string(),
        remedy: error.hint(),
    }
}

/// Debian's newest image of the release for the type's processors, or exactly the spec's.
async fn image(aws: &Aws, host: &HostWanted) -> Result<ImageSeen, AwsError> {
    let missing = |said: String| AwsError::ours("ec2:DescribeImages", aws.region(), Why::NotFound, said);
    match &host.image {
        Image::Exactly(id) => {
            let found = aws.image(id).await?;
            found.ok_or_else(|| missing(format!("the image {id} is gone or not shared with this account")))
        }
        Image::Debian(release) => {
            let architecture = match aws.architecture(&host.instance_type).await?.as_str() {
                "arm64" => "arm64",
                _ => "amd64",
            };
            let name = format!("debian-{release}-{architecture}-*");
            let owner = if aws.region().starts_with("us-gov-") {
                DEBIAN.1
            } else {
                DEBIAN.0
            };
            let newest = aws.images(owner, &name).await?.pop();
            newest.ok_or_else(|| missing(format!("no image {name} of {owner}")))
        }
    }
}

/// The zone that machines go to: where they are, the spec's, or the first that offers the type.
async fn zone(aws: &Aws, wanted: &Wanted, host: &HostWanted, there: &str) -> Result<String, AwsError> {
    let call = "ec2:DescribeInstanceTypeOfferings";
    let zones = aws.zones_with(&host.instance_type).await?;
    let asked = wanted.zone.as_deref().or((!there.is_empty()).then_some(there));
    let chosen = match asked {
        Some(zone) => zones.get(zone),
        None => zones.first(),
    };
    chosen.cloned().ok_or_else(|| {
        let place = asked.unwrap_or(aws.region());
        let known: Vec<&str> = zones.iter().map(String::as_str).collect();
        let said = format!("{place} does not offer {}; {} do", host.instance_type, known.join(", "));
        AwsError::ours(call, aws.region(), Why::Capacity, said)
    })
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

fn rehearsals(wanted: &Wanted, changes: &[Change], found: &Found) -> Vec<Rehearsal> {
    let mut list = Vec::new();
    let net = match &wanted.network {
        Network::Own(net) => net.to_string(),
        Network::Subnet(_) => String::new(),
    };
    for change in changes {
        match change {
            Change::MakeVpc => list.push(Rehearsal::Vpc(net.clone())),
            Change::MakeGateway => list.push(Rehearsal::Gateway),
            Change::MakeSubnet => list.push(Rehearsal::Subnet(net.clone())),
            Change::MakeRouteTable => list.push(Rehearsal::RouteTable),
            Change::MakeGroup(_) => list.push(Rehearsal::Group),
            Change::TakeAddress(_) => list.push(Rehearsal::Address),
            Change::ImportKeyPair if !changes.contains(&Change::DropKeyPair) => list.push(Rehearsal::KeyPair {
                name: wanted.owner.name(),
                public_key: wanted.public_key.clone(),
            }),
            Change::MakeMachine(host) => {
                let of_host = wanted.hosts.iter().find(|wanted| wanted.name == *host);
                if let (Some(of_host), Some(image)) = (of_host, found.images.get(host)) {
                    list.push(Rehearsal::Instance {
                        image: image.id.clone(),
                        instance_type: of_host.instance_type.clone(),
                    });
                }
            }
            _ => {}
        }
    }
    list.dedup();
    list
}
