//! What a region holds of a deployment before it goes: what carries its tags, its keys, and what came of its disks without
//! its doing.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::machines::aws::disk_keys;
use crate::machines::aws::disk_keys::DiskKeys;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::inventory::Kind;
use crate::machines::aws::look::seen;
use crate::machines::aws::media::Fate;
use crate::machines::aws::media::Medium;
use crate::machines::aws::media::MediumKind;
use crate::machines::aws::names;
use crate::machines::aws::names::Owner;
use crate::machines::aws::stakes::Thing;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;
use crate::remote::aws::model::DiskCopy;
use crate::remote::aws::model::InstanceStore;
use crate::remote::aws::model::Volume;
use crate::seen::Seen;

/// One region's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// The region.
    pub(super) region: String,
    /// What carries the owner's tags.
    pub(super) ours: Inventory,
    /// What carries the deployment's name and is another owner's, a line each.
    pub(super) strangers: Vec<String>,
    /// What carries the deployment's name and no domain, a line each.
    pub(super) of_no_domain: Vec<String>,
    /// Keys.
    pub(super) keys: DiskKeys,
    /// Disks of the machines that do not carry the owner's tags.
    pub(super) loose: Vec<Volume>,
    /// Copies of the disks, whoever made them, but for snapshots that carry the owner's tags.
    pub(super) copies: Vec<DiskCopy>,
    /// Types of the machines that have disks in their own case; or why that is not known.
    stores: Seen<BTreeMap<String, InstanceStore>>,
}

/// Looks at one region.
///
/// # Errors
/// Where a call fails.
pub(super) async fn hold(aws: &Aws, owner: &Owner) -> Result<Held, AwsError> {
    let (all, keys) = tokio::try_join!(seen(aws, &owner.deployment), disk_keys::find(aws, owner))?;
    let region = aws.region().to_owned();
    let stranger = |(kind, id, domain)| format!("{kind} {id} in {region}: it belongs to {domain}");
    let strangers = all.strangers(owner).into_iter().map(stranger).collect();
    let of_no_domain = all.of_no_domain().into_iter().map(|(kind, id, _)| (kind, id));
    let of_no_domain = of_no_domain.chain(keys.of_no_domain.iter().map(|key| (Kind::DiskKey, key.as_str())));
    let of_no_domain = of_no_domain.map(|(kind, id)| unowned(kind, id, &region)).collect();
    let mut ours = all.only(owner);
    for machine in &mut ours.instances {
        machine.protected = match aws.protection(&machine.id).await {
            // What ended since the look is protected no more.
            Err(error) if error.why == Why::NotFound => Seen::Known(false),
            answer => answer.into(),
        };
    }
    let loose = loose(aws, &ours).await?;
    let mut held = Held {
        region,
        strangers,
        of_no_domain,
        keys,
        copies: Vec::new(),
        stores: stores(aws, &ours).await,
        loose,
        ours,
    };
    held.copies = copies(aws, &held.disks(), &held.ours).await?;
    Ok(held)
}

/// The line of a thing with the deployment's name and no domain.
pub(super) fn unowned(kind: Kind, id: &str, region: &str) -> String {
    format!("{kind} {id} in {region}: {}", names::NO_DOMAIN)
}

async fn loose(aws: &Aws, ours: &Inventory) -> Result<Vec<Volume>, AwsError> {
    let known: BTreeSet<&String> = ours.volumes.iter().map(|disk| &disk.id).collect();
    let attached = ours.instances.iter().flat_map(|machine| machine.volumes.values());
    let mut found = Vec::new();
    for id in attached.filter(|id| !known.contains(id)) {
        found.extend(aws.volumes("volume-id", id).await?);
    }
    Ok(found)
}

/// Copies of disks, but for snapshots that go with the rest.
pub(super) async fn copies(aws: &Aws, disks: &BTreeSet<String>, ours: &Inventory) -> Result<Vec<DiskCopy>, AwsError> {
    if disks.is_empty() {
        return Ok(Vec::new());
    }
    let disks: Vec<String> = disks.iter().cloned().collect();
    let mut all = aws.copies_of(&disks).await?;
    all.retain(|copy| ours.snapshots.iter().all(|snapshot| snapshot.id != copy.id));
    Ok(all)
}

async fn stores(aws: &Aws, ours: &Inventory) -> Seen<BTreeMap<String, InstanceStore>> {
    let types: BTreeSet<String> = ours
        .instances
        .iter()
        .map(|machine| machine.instance_type.clone())
        .collect();
    if types.is_empty() {
        return Seen::Known(BTreeMap::new());
    }
    aws.instance_stores(&types).await.into()
}

impl Held {
    /// Ids of all disks.
    pub(super) fn disks(&self) -> BTreeSet<String> {
        let all = self.ours.volumes.iter().chain(&self.loose);
        all.map(|disk| disk.id.clone()).collect()
    }

    /// Whether nothing of the deployment is there.
    pub(super) fn is_empty(&self) -> bool {
        self.ours.is_empty() && self.keys.alive.is_empty() && !self.keys.named
    }

    /// Everything of the deployment, with what it says of itself.
    pub(super) fn things(&self) -> Vec<Thing> {
        let protection = |id: &str| self.ours.instances.iter().find(|machine| machine.id == id);
        let things = self.ours.things().into_iter().map(|(kind, id, tags)| Thing {
            what: format!("{kind} {id} in {}", self.region),
            tags: tags.clone(),
            protected: match kind {
                Kind::Instance => protection(id).map(|machine| machine.protected.clone()),
                _ => None,
            },
        });
        let keys = self.keys.alive.iter().map(|key| Thing {
            what: format!("{} {} in {}", Kind::DiskKey, key.seen.arn, self.region),
            tags: key.tags.clone(),
            protected: None,
        });
        things.chain(keys).collect()
    }

    /// What holds data here, or is needed to read it.
    pub(super) fn media(&self) -> Vec<Medium> {
        let medium = |kind, id: &str, encrypted, key: Option<&String>| Medium {
            kind,
            id: id.to_owned(),
            region: self.region.clone(),
            encrypted,
            key: key.cloned(),
            fate: Fate::Seen,
        };
        let disks = self.ours.volumes.iter().chain(&self.loose);
        let disks = disks.map(|disk| medium(MediumKind::Disk, &disk.id, Some(disk.encrypted), disk.key.as_ref()));
        // The key of a snapshot of ours is that of its disk, as far as that was seen.
        let snapshots = self.ours.snapshots.iter().map(|snapshot| {
            let disk = self.ours.volumes.iter().find(|disk| disk.id == snapshot.volume);
            let key = disk.and_then(|disk| disk.key.as_ref()).filter(|_| snapshot.encrypted);
            medium(MediumKind::Snapshot, &snapshot.id, Some(snapshot.encrypted), key)
        });
        let stores = self.ours.instances.iter().filter_map(|machine| {
            let encrypted = match &self.stores {
                Seen::Known(stores) => Some(stores.get(&machine.instance_type)?.encrypted),
                Seen::Unknown(_) => None,
            };
            Some(medium(MediumKind::InstanceStore, &machine.id, encrypted, None))
        });
        let keys = self.keys.alive.iter();
        let keys = keys.map(|key| medium(MediumKind::Key, &key.seen.arn, None, None));
        disks.chain(snapshots).chain(stores).chain(keys).collect()
    }
}
