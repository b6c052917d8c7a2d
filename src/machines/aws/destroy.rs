//! Removes everything that carries a deployment's tags, in every region that the account has enabled, in an order in which
//! nothing holds on to anything. Gone already is success; what does not go is listed with the reason.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::inventory::Kind;
use crate::machines::aws::look::disk_keys;
use crate::machines::aws::look::seen;
use crate::machines::aws::names;
use crate::machines::aws::names::Owner;
use crate::machines::aws::patience::again;
use crate::machines::aws::patience::gone;
use crate::machines::aws::patience::pause;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Record;
use crate::remote::aws::Why;

/// How often each region is swept before it is said what is left.
const ROUNDS: u32 = 4;
/// The longest wait for machines to end.
const END: Duration = Duration::from_secs(300);

/// One thing that went.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Removed {
    /// What it was.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its region.
    pub region: String,
    /// What became of data that it held, in the words of NIST SP 800-88.
    pub sanitization: &'static str,
}

/// What a destruction came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TornDown {
    /// What went.
    pub removed: Vec<Removed>,
    /// What is still there, and why.
    pub left: Vec<String>,
    /// What carries the deployment's name and is another owner's.
    pub kept: Vec<String>,
    /// Regions that were looked at to the end, and are empty.
    pub swept: Vec<String>,
}

/// Destroys a deployment. `zone` is the Route 53 zone of the spec.
pub async fn destroy(aws: &Aws, owner: &Owner, zone: Option<&str>, say: &(dyn Fn(&str) + Sync)) -> TornDown {
    let mut torn = TornDown::default();
    let regions = match again(async || aws.regions().await).await {
        Ok(regions) => regions,
        Err(error) => {
            torn.left.push(format!("not known: failed to {error}"));
            vec![aws.region().to_owned()]
        }
    };
    if let Some(zone) = zone {
        record(aws, owner, zone, &mut torn).await;
    }
    let mut sweeps = tokio::task::JoinSet::new();
    for region in regions {
        let at = if region == aws.region() {
            aws.clone()
        } else {
            aws.at(&region)
        };
        let owner = owner.clone();
        sweeps.spawn(async move { sweep(&at, &owner).await });
    }
    while let Some(swept) = sweeps.join_next().await {
        match swept {
            Ok(swept) => {
                swept
                    .removed
                    .iter()
                    .for_each(|thing| say(&format!("- {} {} in {}", thing.kind, thing.id, thing.region)));
                torn.removed.extend(swept.removed);
                torn.left.extend(swept.left);
                torn.kept.extend(swept.kept);
                torn.swept.extend(swept.swept);
            }
            Err(error) => torn.left.push(format!("not known: a sweep ended early: {error}")),
        }
    }
    torn.removed.sort();
    torn.left.sort();
    torn.swept.sort();
    torn
}

/// The record goes while the address is still known to be the deployment's.
async fn record(aws: &Aws, owner: &Owner, zone: &str, torn: &mut TornDown) {
    let outcome = async {
        let Some(there) = aws.record(zone, &owner.domain).await? else {
            return Ok(None);
        };
        let tag = format!("tag:{}", names::DEPLOYMENT);
        let ours = aws.addresses(Some((&tag, &owner.deployment))).await?;
        let ours = ours.iter().filter(|address| owner.owns(&address.tags));
        let mut of_ours = ours.map(|address| address.ip).filter(|ip| there == [ip.to_string()]);
        let Some(ip) = of_ours.next() else { return Ok(None) };
        gone(aws.change_record(zone, &owner.domain, ip, Record::Remove).await)?;
        Ok(Some(removed(aws, Kind::Record, &format!("{} A {ip}", owner.domain))))
    };
    match outcome.await {
        Ok(thing) => torn.removed.extend(thing),
        Err(error) => torn.left.push(left(aws, Kind::Record, &owner.domain, &error)),
    }
}

fn removed(aws: &Aws, kind: Kind, id: &str) -> Removed {
    Removed {
        kind,
        id: id.to_owned(),
        region: aws.region().to_owned(),
        sanitization: match kind {
            Kind::Volume | Kind::Snapshot => "Clear by the provider before the medium is used again",
            Kind::DiskKey => {
                "Purge by cryptographic erase: the key's end is scheduled in 7 days, and it is disabled from now on"
            }
            _ => "holds no data",
        },
    }
}

fn left(aws: &Aws, kind: Kind, id: &str, error: &AwsError) -> String {
    format!("{kind} {id} in {}: failed to {error}", aws.region())
}

/// One region, until it is empty or nothing more goes.
async fn sweep(aws: &Aws, owner: &Owner) -> TornDown {
    let mut torn = TornDown::default();
    let mut failures = BTreeMap::new();
    for round in 0..ROUNDS {
        let all = match look(aws, owner).await {
            Ok(all) => all,
            // A region that the account has not enabled holds nothing of it.
            Err(error) if error.why == Why::Region => return torn,
            Err(error) => {
                torn.left
                    .push(format!("not known in {}: failed to {error}", aws.region()));
                return torn;
            }
        };
        let strangers = all.strangers(owner);
        torn.kept = strangers
            .iter()
            .map(|(kind, id, domain)| format!("{kind} {id} in {}: it belongs to {domain}", aws.region()))
            .collect();
        let ours = all.only(owner);
        if ours.is_empty() {
            torn.swept.push(aws.region().to_owned());
            return torn;
        }
        if round > 0 {
            pause(round).await;
        }
        failures = tear_down(aws, owner, &ours, &mut torn.removed).await;
    }
    let Ok(all) = look(aws, owner).await else {
        torn.left
            .push(format!("not known in {}: the last look failed", aws.region()));
        return torn;
    };
    let ours = all.only(owner);
    if ours.is_empty() {
        torn.swept.push(aws.region().to_owned());
    }
    let keys = ours.disk_keys.iter().map(|key| (Kind::DiskKey, key.arn.as_str()));
    for (kind, id) in ours.things().into_iter().map(|(kind, id, _)| (kind, id)).chain(keys) {
        torn.removed
            .retain(|thing| (thing.kind, thing.id.as_str()) != (kind, id));
        torn.left.push(match failures.get(&(kind, id.to_owned())) {
            Some(error) => left(aws, kind, id, error),
            None => format!("{kind} {id} in {}: AWS still shows it", aws.region()),
        });
    }
    torn
}

async fn look(aws: &Aws, owner: &Owner) -> Result<Inventory, AwsError> {
    let (mut all, keys) = tokio::try_join!(seen(aws, &owner.deployment), disk_keys(aws, owner))?;
    all.disk_keys = keys;
    Ok(all)
}

/// One pass over everything; what failed is returned with the reason.
async fn tear_down(
    aws: &Aws,
    owner: &Owner,
    ours: &Inventory,
    done: &mut Vec<Removed>,
) -> BTreeMap<(Kind, String), AwsError> {
    let mut failures = BTreeMap::new();
    let mut order: Vec<(Kind, String)> = ours
        .things()
        .into_iter()
        .map(|(kind, id, _)| (kind, id.to_owned()))
        .collect();
    order.sort();
    let machines: Vec<&str> = ours.instances.iter().map(|machine| machine.id.as_str()).collect();
    let mut waited = machines.is_empty();
    for (kind, id) in order {
        // A machine's disk, interface and group are free only when it has ended.
        if kind > Kind::Instance && !waited {
            waited = true;
            for machine in &machines {
                // What does not end in time shows in the next look.
                let _slow = super::apply::until(aws, machine, "terminated", END).await;
            }
        }
        match remove_one(aws, ours, kind, &id).await {
            Ok(()) => note(done, removed(aws, kind, &id)),
            Err(error) => drop(failures.insert((kind, id), error)),
        }
    }
    // The key ends last: until then, what it encrypts can be looked at.
    let disks_left = failures
        .keys()
        .any(|(kind, _)| matches!(kind, Kind::Instance | Kind::Volume | Kind::Snapshot));
    for key in ours.disk_keys.iter().filter(|_| !disks_left) {
        let outcome = remove_one(aws, ours, Kind::DiskKey, &key.arn).await;
        match outcome {
            Ok(()) => note(done, removed(aws, Kind::DiskKey, &key.arn)),
            Err(error) => drop(failures.insert((Kind::DiskKey, key.arn.clone()), error)),
        }
    }
    if !ours.disk_keys.is_empty() && failures.is_empty() {
        let unnamed = gone(aws.unname_disk_key(&owner.alias()).await);
        if let Err(error) = unnamed {
            failures.insert((Kind::DiskKey, owner.alias()), error);
        }
    }
    failures
}

fn note(done: &mut Vec<Removed>, thing: Removed) {
    if !done.contains(&thing) {
        done.push(thing);
    }
}

/// Removes one thing, and first what keeps it from going.
pub(super) async fn remove_one(aws: &Aws, ours: &Inventory, kind: Kind, id: &str) -> Result<(), AwsError> {
    match kind {
        Kind::Record => return Ok(()),
        Kind::Address => {
            let address = ours.addresses.iter().find(|address| address.id == id);
            if let Some(association) = address.and_then(|address| address.association.as_ref()) {
                gone(aws.disassociate(association).await)?;
            }
            aws.release(id).await
        }
        Kind::Instance => {
            let outcome = gone(aws.protect(id, false).await);
            // A machine that ends already takes no more settings.
            if let Err(error) = outcome
                && error.why != Why::Refused
            {
                return Err(error);
            }
            aws.terminate(id).await
        }
        Kind::Volume => aws.delete_volume(id).await,
        Kind::Snapshot => aws.delete_snapshot(id).await,
        Kind::Interface => aws.delete_interface(id).await,
        Kind::FlowLog => aws.delete_flow_log(id).await,
        Kind::Group => aws.delete_group(id).await,
        Kind::Subnet => aws.delete_subnet(id).await,
        Kind::RouteTable => {
            let table = ours.route_tables.iter().find(|table| table.id == id);
            for association in table.iter().flat_map(|table| table.subnets.keys()) {
                gone(aws.disassociate_routes(association).await)?;
            }
            aws.delete_route_table(id).await
        }
        Kind::Gateway => {
            let gateway = ours.gateways.iter().find(|gateway| gateway.id == id);
            if let Some(vpc) = gateway.and_then(|gateway| gateway.vpc.as_ref()) {
                detached(aws.detach_gateway(id, vpc).await)?;
            }
            aws.delete_gateway(id).await
        }
        Kind::Vpc => aws.delete_vpc(id).await,
        Kind::KeyPair => aws.delete_key_pair(id).await,
        Kind::DiskKey => aws.end_disk_key(id).await,
    }
    .or_else(|error| if error.why == Why::NotFound { Ok(()) } else { Err(error) })
}

/// A gateway that is not attached any more is detached.
fn detached(outcome: Result<(), AwsError>) -> Result<(), AwsError> {
    match outcome {
        Err(error) if error.code == "Gateway.NotAttached" => Ok(()),
        outcome => gone(outcome),
    }
}
