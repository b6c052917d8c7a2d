//! Looks at what AWS holds of a deployment: all kinds at once, by tag.

use crate::machines::aws::disk_keys;
use crate::machines::aws::error::CloudError;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::inventory::Kind;
use crate::machines::aws::names;
use crate::machines::aws::names::Owner;
use crate::machines::aws::obstacles::collision;
use crate::machines::aws::obstacles::refusals;
use crate::machines::aws::obstacles::refuse;
use crate::machines::aws::wanted::Wanted;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;
use crate::remote::aws::model::DiskKeySeen;
use crate::remote::aws::model::DnsRecord;
use crate::remote::aws::model::Subnet;
use crate::seen::Seen;
use crate::spec::DiskKey;
use crate::spec::Network;

/// What AWS holds of a deployment, with what the spec names beside it. Another owner's things of the same name are an
/// error: nothing is ever changed that might be theirs. So is what cannot become what the spec says.
///
/// # Errors
/// Where a call fails, the name is another owner's, or something is in the way.
pub async fn look(aws: &Aws, wanted: &Wanted) -> Result<Inventory, CloudError> {
    let mut inventory = by_name(aws, wanted).await?;
    let refused = collision(wanted, &inventory).or_else(|| no_domain(&wanted.owner, &inventory, &[]));
    refused.map_or(Ok(()), Err)?;
    let keys = complete(aws, wanted, &mut inventory).await?;
    no_domain(&wanted.owner, &inventory, &keys).map_or(Ok(()), Err)?;
    refuse(wanted, &inventory)?;
    Ok(inventory)
}

/// A look of which nothing is refused.
#[derive(Debug)]
pub struct Looked {
    /// Everything that carries the deployment's name, whosever it is.
    pub all: Inventory,
    /// What of it is the deployment's.
    pub ours: Inventory,
    /// What was seen for which `look` refuses, a line each.
    pub refused: Vec<String>,
}

/// The same for an audit, which changes nothing: what `look` refuses is told beside what was seen.
///
/// # Errors
/// Where a call fails.
pub async fn look_without_refusing(aws: &Aws, wanted: &Wanted) -> Result<Looked, CloudError> {
    let mut all = by_name(aws, wanted).await?;
    let keys = complete(aws, wanted, &mut all).await?;
    let ours = all.clone().only(&wanted.owner);
    let mut refused: Vec<CloudError> = collision(wanted, &all).into_iter().collect();
    refused.extend(no_domain(&wanted.owner, &all, &keys));
    refused.extend(refusals(wanted, &ours));
    Ok(Looked {
        all,
        ours,
        refused: refused.iter().flat_map(CloudError::in_the_way).collect(),
    })
}

/// What carries the deployment's name, and the subnet and record that the spec names.
async fn by_name(aws: &Aws, wanted: &Wanted) -> Result<Inventory, AwsError> {
    let (inventory, given_subnet, record) = tokio::try_join!(
        seen(aws, &wanted.owner.deployment),
        given_subnet(aws, wanted),
        record(aws, wanted),
    )?;
    Ok(Inventory {
        given_subnet,
        record,
        ..inventory
    })
}

/// Adds what has to be asked thing by thing: the keys of the disks, and whether machines are protected. Keys that do not say
/// of which domain they are come back by their ids.
async fn complete(aws: &Aws, wanted: &Wanted, inventory: &mut Inventory) -> Result<Vec<String>, CloudError> {
    let mut of_no_domain = Vec::new();
    if wanted.disk_key == DiskKey::Own {
        let usable = disk_keys::usable(aws, &wanted.owner).await?;
        of_no_domain = usable.of_no_domain;
        inventory.disk_keys = usable.keys;
        refuse_unknown(&inventory.disk_keys)?;
        for key in &inventory.disk_keys {
            inventory
                .key_tags
                .insert(key.arn.clone(), aws.key_tags(&key.arn).await?);
        }
    }
    for machine in &mut inventory.instances {
        machine.protected = Seen::Known(aws.protection(&machine.id).await?);
    }
    Ok(of_no_domain)
}

/// Machines and addresses alone: what it takes to reach the hosts. Another owner's are left out.
///
/// # Errors
/// Where a call fails.
pub async fn hosts(aws: &Aws, owner: &Owner) -> Result<Inventory, AwsError> {
    let tag = format!("tag:{}", names::DEPLOYMENT);
    let (instances, addresses) = tokio::try_join!(
        aws.instances(&tag, &owner.deployment),
        aws.addresses(Some((&tag, &owner.deployment))),
    )?;
    let found = Inventory {
        instances,
        addresses,
        ..Inventory::default()
    };
    Ok(found.only(owner))
}

/// Everything in a region that carries a deployment's name, whosever it is.
///
/// # Errors
/// Where a call fails.
pub async fn seen(aws: &Aws, deployment: &str) -> Result<Inventory, AwsError> {
    let tag = format!("tag:{}", names::DEPLOYMENT);
    let tag = tag.as_str();
    let (vpcs, gateways, subnets, route_tables, groups, key_pairs) = tokio::try_join!(
        aws.vpcs(tag, deployment),
        aws.gateways(tag, deployment),
        aws.subnets(tag, deployment),
        aws.route_tables(tag, deployment),
        aws.groups(tag, deployment),
        aws.key_pairs(tag, deployment),
    )?;
    let (instances, volumes, snapshots, addresses, flow_logs, interfaces) = tokio::try_join!(
        aws.instances(tag, deployment),
        aws.volumes(tag, deployment),
        aws.snapshots(tag, deployment),
        aws.addresses(Some((tag, deployment))),
        aws.flow_logs(tag, deployment),
        aws.interfaces(tag, deployment),
    )?;
    let mut inventory = Inventory {
        vpcs,
        gateways,
        subnets,
        route_tables,
        groups,
        key_pairs,
        instances,
        volumes,
        snapshots,
        addresses,
        flow_logs,
        interfaces,
        ..Inventory::default()
    };
    // The order decides which of two is kept, so it must not change from look to look.
    inventory.vpcs.sort_by(|one, other| one.id.cmp(&other.id));
    inventory.gateways.sort_by(|one, other| one.id.cmp(&other.id));
    inventory.subnets.sort_by(|one, other| one.id.cmp(&other.id));
    inventory
        .route_tables
        .sort_by(|one, other| (one.subnets.is_empty(), &one.id).cmp(&(other.subnets.is_empty(), &other.id)));
    inventory.addresses.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(inventory)
}

/// What may be anybody's is not built upon.
fn no_domain(owner: &Owner, inventory: &Inventory, keys: &[String]) -> Option<CloudError> {
    let things = inventory.of_no_domain().into_iter();
    let things = things.map(|(kind, id, _)| format!("{kind} {id}"));
    let keys = keys.iter().map(|key| format!("{} {key}", Kind::DiskKey));
    let all: Vec<String> = things.chain(keys).collect();
    (!all.is_empty()).then(|| CloudError::NoDomain {
        deployment: owner.deployment.clone(),
        things: all.join(", "),
    })
}

/// What is not known of a key is no reason to leave it as it is.
fn refuse_unknown(keys: &[DiskKeySeen]) -> Result<(), CloudError> {
    let unknown = keys.iter().find_map(|key| key.rotated.known().err());
    match unknown {
        None => Ok(()),
        Some(why) => Err(CloudError::Unknown {
            what: "whether the key of the disks is rotated",
            why: why.to_owned(),
        }),
    }
}

async fn given_subnet(aws: &Aws, wanted: &Wanted) -> Result<Option<Subnet>, AwsError> {
    let Network::Subnet(id) = &wanted.network else {
        return Ok(None);
    };
    let found = aws.subnets("subnet-id", id).await?.into_iter().next();
    let missing = || {
        AwsError::ours(
            "ec2:DescribeSubnets",
            aws.region(),
            Why::NotFound,
            format!("no subnet {id}"),
        )
    };
    found.map(Some).ok_or_else(missing)
}

async fn record(aws: &Aws, wanted: &Wanted) -> Result<Option<DnsRecord>, AwsError> {
    match &wanted.dns_zone {
        None => Ok(None),
        Some(zone) => aws.record(zone, &wanted.owner.domain).await,
    }
}
