//! Asks the cloud, as much at once as can be. Each question that fails leaves open its own answer.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::facts::cloud::CloudFacts;
use crate::facts::cloud::DiskKeySeen;
use crate::facts::cloud::Instance;
use crate::facts::cloud::Interface;
use crate::facts::cloud::Snapshot;
use crate::facts::cloud::Standing;
use crate::facts::cloud::Tagged;
use crate::facts::cloud::Volume;
use crate::facts::cloud::standing;
use crate::machines::aws;
use crate::machines::aws::names;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::seen::Seen;
use crate::spec::Network;

/// Tags that everything carries.
const TAGS: [&str; 3] = [names::DEPLOYMENT, names::DOMAIN, names::ENVIRONMENT];

/// Looks at a deployment's part of an account.
pub async fn look(api: &Aws, owner: &aws::Owner, network: &Network) -> CloudFacts {
    let tag = format!("tag:{}", names::DEPLOYMENT);
    let (tag, name) = (tag.as_str(), owner.deployment.as_str());
    let (identity, agreements, instances, groups, tagged_disks, addresses, tagged_interfaces, settings, inventory) = tokio::join!(
        api.identity(),
        api.agreements(),
        api.instances(tag, name),
        api.groups(tag, name),
        api.volumes(tag, name),
        api.addresses(Some((tag, name))),
        api.interfaces(tag, name),
        api.settings(),
        aws::seen(api, name),
    );
    let agreement = match (&identity, agreements) {
        (Ok(identity), Ok(list)) => Seen::Known(standing(&list, &identity.account, Timestamp::now())),
        (Err(error), _) => Seen::<Standing>::unknown(error),
        (_, Err(error)) => Seen::unknown(error),
    };
    let mut instances = instances;
    if let Ok(machines) = &mut instances {
        protection(api, machines).await;
    }
    let volumes = disks(api, instances.as_ref(), tagged_disks).await;
    let (snapshots, keys) = tokio::join!(snapshots(api, tag, name, volumes.as_ref()), keys(api, volumes.as_ref()));
    let recorded = match network {
        Network::Subnet(id) => Ok(id.clone()),
        Network::Own(_) => api
            .vpcs(tag, name)
            .await
            .map(|vpcs| vpcs.first().map(|vpc| vpc.id.clone()).unwrap_or_default()),
    };
    let flow_logs = match &recorded {
        Ok(id) => api.flow_logs("resource-id", id).await,
        Err(error) => Err(error.clone()),
    };
    CloudFacts {
        at: Timestamp::now().to_string(),
        region: api.region().to_owned(),
        identity: identity.into(),
        agreement,
        interfaces: interfaces(instances.as_ref(), tagged_interfaces).into(),
        instances: instances.into(),
        groups: groups.into(),
        volumes: volumes.into(),
        snapshots: snapshots.into(),
        addresses: addresses.into(),
        flow_logs: flow_logs.into(),
        recorded: recorded.into(),
        keys,
        settings,
        tagged: inventory.map(|all| lacking(&all)).into(),
    }
}

async fn protection(api: &Aws, machines: &mut [Instance]) {
    let asked = machines.iter().map(|machine| api.protection(&machine.id));
    let answers = futures_util::future::join_all(asked).await;
    for (machine, answer) in machines.iter_mut().zip(answers) {
        machine.protected = answer.into();
    }
}

/// Disks that carry the tag, and those of the machines that do not.
async fn disks(
    api: &Aws,
    instances: Result<&Vec<Instance>, &AwsError>,
    tagged: Result<Vec<Volume>, AwsError>,
) -> Result<Vec<Volume>, AwsError> {
    let machines = instances.map_err(Clone::clone)?;
    let mut disks = tagged?;
    let known: BTreeSet<String> = disks.iter().map(|disk| disk.id.clone()).collect();
    let attached = machines.iter().flat_map(|machine| machine.volumes.values());
    for id in attached.filter(|id| !known.contains(*id)) {
        disks.extend(api.volumes("volume-id", id).await?);
    }
    Ok(disks)
}

/// Interfaces that carry the tag, and those of the machines that do not.
fn interfaces(
    instances: Result<&Vec<Instance>, &AwsError>,
    tagged: Result<Vec<Interface>, AwsError>,
) -> Result<Vec<Interface>, AwsError> {
    let machines = instances.map_err(Clone::clone)?;
    let mut all = tagged?;
    let known: BTreeSet<String> = all.iter().map(|interface| interface.id.clone()).collect();
    for machine in machines {
        all.extend(
            machine
                .interfaces
                .iter()
                .filter(|id| !known.contains(*id))
                .map(|id| Interface {
                    id: id.clone(),
                    instance: Some(machine.id.clone()),
                    tags: BTreeMap::new(),
                }),
        );
    }
    Ok(all)
}

/// Snapshots that carry the tag and those of the disks, with whom they are shared.
async fn snapshots(
    api: &Aws,
    tag: &str,
    name: &str,
    volumes: Result<&Vec<Volume>, &AwsError>,
) -> Result<Vec<Snapshot>, AwsError> {
    let disks = volumes.map_err(Clone::clone)?;
    let mut found = api.snapshots(tag, name).await?;
    let ids: Vec<String> = disks.iter().map(|disk| disk.id.clone()).collect();
    for snapshot in api.snapshots_of(&ids).await? {
        if found.iter().all(|known| known.id != snapshot.id) {
            found.push(snapshot);
        }
    }
    let shares = futures_util::future::join_all(found.iter().map(|snapshot| api.shares(&snapshot.id))).await;
    for (snapshot, shared) in found.iter_mut().zip(shares) {
        snapshot.shared_with = shared.into();
    }
    Ok(found)
}

async fn keys(api: &Aws, volumes: Result<&Vec<Volume>, &AwsError>) -> BTreeMap<String, Seen<DiskKeySeen>> {
    let arns: BTreeSet<String> = volumes
        .into_iter()
        .flatten()
        .filter_map(|disk| disk.key.clone())
        .collect();
    let mut keys = BTreeMap::new();
    for arn in arns {
        let key = match api.disk_key(&arn).await {
            Ok(Some(key)) => Seen::Known(key),
            Ok(None) => Seen::unknown(format!("there is no key {arn}")),
            Err(error) => Seen::unknown(error),
        };
        keys.insert(arn, key);
    }
    keys
}

fn lacking(all: &aws::Inventory) -> Vec<Tagged> {
    let of = |tags: &BTreeMap<String, String>| {
        let lacks = TAGS.iter().filter(|key| !tags.contains_key(**key));
        lacks.map(|key| (*key).to_owned()).collect()
    };
    all.things()
        .into_iter()
        .map(|(kind, id, tags)| Tagged {
            thing: format!("{kind} {id}"),
            lacks: of(tags),
        })
        .collect()
}
