//! Asks the cloud, a few things at a time. Each question that fails leaves open its own answer.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use futures_util::StreamExt;
use jiff::Timestamp;

use crate::facts::cloud::CloudFacts;
use crate::facts::cloud::DiskKeySeen;
use crate::facts::cloud::FlowLog;
use crate::facts::cloud::Instance;
use crate::facts::cloud::Interface;
use crate::facts::cloud::Snapshot;
use crate::facts::cloud::Standing;
use crate::facts::cloud::Volume;
use crate::facts::cloud::lists::Lists;
use crate::facts::cloud::standing;
use crate::machines::aws;
use crate::machines::aws::Inventory;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::model::Subnet;
use crate::seen::Seen;
use crate::spec::Network;

/// How many questions about single things are open at once; AWS counts them.
const WIDTH: usize = 8;

/// Looks at a deployment's part of an account. `all` is what a look at
/// all of it brought, whosever it is, where that succeeded.
pub async fn look(api: &Aws, owner: &aws::Owner, network: &Network, all: Option<Inventory>) -> CloudFacts {
    let given = all.as_ref().and_then(|all| all.given_subnet.clone());
    let mut lists = match all {
        Some(all) => Lists::from(all).ours(owner),
        None => {
            let mut lists = Lists::asked(api, owner).await.ours(owner);
            if let Ok(machines) = &mut lists.instances {
                protection(api, machines).await;
            }
            lists
        }
    };
    let (identity, agreement, settings, volumes, interfaces, network) = tokio::join!(
        api.identity(),
        agreement(api),
        api.settings(),
        disks(api, &lists),
        interfaces(api, &lists),
        around(api, network, given, &lists),
    );
    (lists.volumes, lists.interfaces) = (volumes, interfaces);
    let (snapshots, keys) = tokio::join!(snapshots(api, &lists), keys(api, &lists));
    lists.snapshots = snapshots;
    let (recorded, flow_logs) = network;
    CloudFacts {
        at: Timestamp::now().to_string(),
        region: api.region().to_owned(),
        endpoints: api.endpoints(),
        identity: identity.into(),
        agreement,
        tagged: lists.tagged().into(),
        interfaces: lists.interfaces.into(),
        instances: lists.instances.into(),
        groups: lists.groups.into(),
        volumes: lists.volumes.into(),
        snapshots: lists.snapshots.into(),
        addresses: lists.addresses.into(),
        flow_logs: flow_logs.into(),
        recorded: recorded.into(),
        keys,
        settings,
    }
}

/// How the agreement of the account stands.
pub async fn agreement(api: &Aws) -> Seen<Standing> {
    let asked = tokio::try_join!(api.identity(), api.agreements());
    asked
        .map(|(identity, list)| standing(&list, &identity.account, Timestamp::now()))
        .into()
}

async fn protection(api: &Aws, machines: &mut [Instance]) {
    let ids: Vec<String> = machines.iter().map(|machine| machine.id.clone()).collect();
    let asked = futures_util::stream::iter(&ids).map(|id| api.protection(id));
    let answers: Vec<_> = asked.buffered(WIDTH).collect().await;
    for (machine, answer) in machines.iter_mut().zip(answers) {
        machine.protected = answer.into();
    }
}

/// Of these ids, those that are not among the known ones.
fn unknown<'a>(ids: impl Iterator<Item = &'a String>, known: impl Iterator<Item = &'a String>) -> Vec<String> {
    let known: BTreeSet<&String> = known.collect();
    let ids: BTreeSet<&String> = ids.filter(|id| !known.contains(id)).collect();
    ids.into_iter().cloned().collect()
}

/// Disks that carry the tag, and those of the machines that do not.
async fn disks(api: &Aws, lists: &Lists) -> Result<Vec<Volume>, AwsError> {
    let mut disks = lists.volumes.clone()?;
    let machines = lists.instances.as_ref().map_err(Clone::clone)?;
    let attached = machines.iter().flat_map(|machine| machine.volumes.values());
    let others = unknown(attached, disks.iter().map(|disk| &disk.id));
    disks.extend(api.volumes_by_id(&others).await?);
    Ok(disks)
}

/// Interfaces that carry the tag, and those of the machines that do not.
async fn interfaces(api: &Aws, lists: &Lists) -> Result<Vec<Interface>, AwsError> {
    let mut all = lists.interfaces.clone()?;
    let machines = lists.instances.as_ref().map_err(Clone::clone)?;
    let attached = machines.iter().flat_map(|machine| &machine.interfaces);
    let others = unknown(attached, all.iter().map(|interface| &interface.id));
    all.extend(api.interfaces_by_id(&others).await?);
    Ok(all)
}

type Recorded = (Result<BTreeSet<String>, AwsError>, Result<Vec<FlowLog>, AwsError>);

/// The network around the machines, and its flow logs.
async fn around(api: &Aws, network: &Network, given: Option<Subnet>, lists: &Lists) -> Recorded {
    let around = match network {
        Network::Own(_) => lists.vpc().map(|vpc| vpc.into_iter().collect()),
        Network::Subnet(id) => {
            let found = match given {
                Some(subnet) => Ok(Some(subnet)),
                None => api.subnets("subnet-id", id).await.map(|all| all.into_iter().next()),
            };
            found.map(|subnet| subnet.into_iter().flat_map(|subnet| [subnet.id, subnet.vpc]).collect())
        }
    };
    let logs = match &around {
        Ok(ids) => flow_logs(api, ids).await,
        Err(error) => Err(error.clone()),
    };
    (around, logs)
}

async fn flow_logs(api: &Aws, ids: &BTreeSet<String>) -> Result<Vec<FlowLog>, AwsError> {
    let mut logs = Vec::new();
    for id in ids {
        logs.extend(api.flow_logs("resource-id", id).await?);
    }
    Ok(logs)
}

/// Snapshots that carry the tag and those of the disks, with whom they are shared.
async fn snapshots(api: &Aws, lists: &Lists) -> Result<Vec<Snapshot>, AwsError> {
    let disks = lists.volumes.as_ref().map_err(Clone::clone)?;
    let mut found = lists.snapshots.clone()?;
    let ids: Vec<String> = disks.iter().map(|disk| disk.id.clone()).collect();
    for snapshot in api.snapshots_of(&ids).await? {
        if found.iter().all(|known| known.id != snapshot.id) {
            found.push(snapshot);
        }
    }
    let ids: Vec<String> = found.iter().map(|snapshot| snapshot.id.clone()).collect();
    let asked = futures_util::stream::iter(&ids).map(|id| api.shares(id));
    let shares: Vec<_> = asked.buffered(WIDTH).collect().await;
    for (snapshot, shared) in found.iter_mut().zip(shares) {
        snapshot.shared_with = shared.into();
    }
    Ok(found)
}

async fn keys(api: &Aws, lists: &Lists) -> BTreeMap<String, Seen<DiskKeySeen>> {
    let disks = lists.volumes.iter().flatten();
    let arns: BTreeSet<String> = disks.filter_map(|disk| disk.key.clone()).collect();
    let asked = futures_util::stream::iter(&arns).map(|arn| api.disk_key(arn));
    let answers: Vec<_> = asked.buffered(WIDTH).collect().await;
    let seen = |arn: &String, answer: Result<Option<DiskKeySeen>, AwsError>| match answer {
        Ok(Some(key)) => Seen::Known(key),
        Ok(None) => Seen::unknown(format!("there is no key {arn}")),
        Err(error) => Seen::unknown(error),
    };
    let keys = arns.iter().zip(answers);
    keys.map(|(arn, answer)| (arn.clone(), seen(arn, answer))).collect()
}
