//! Disks, snapshots and network interfaces.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use aws_sdk_ec2::types;

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;
use crate::remote::aws::convert::filter;
use crate::remote::aws::convert::tags;
use crate::remote::aws::convert::text;
use crate::remote::aws::model::CopyKind;
use crate::remote::aws::model::DiskCopy;
use crate::remote::aws::model::InstanceStore;
use crate::remote::aws::model::Interface;
use crate::remote::aws::model::Modification;
use crate::remote::aws::model::Snapshot;
use crate::remote::aws::model::Volume;
use crate::seen::Seen;

/// Most values of one filter.
const VALUES: usize = 200;
/// Most types of machines of one question.
const TYPES: usize = 100;

impl Aws {
    /// Disks that a filter finds.
    pub async fn volumes(&self, name: &str, value: &str) -> Result<Vec<Volume>, AwsError> {
        self.find_volumes(filter(name, value)).await
    }

    /// Disks by their ids.
    pub async fn volumes_by_id(&self, ids: &[String]) -> Result<Vec<Volume>, AwsError> {
        let mut found = Vec::new();
        for some in ids.chunks(VALUES) {
            found.extend(self.find_volumes(any_of("volume-id", some)).await?);
        }
        Ok(found)
    }

    async fn find_volumes(&self, by: types::Filter) -> Result<Vec<Volume>, AwsError> {
        let mut pages = self.ec2.describe_volumes().filters(by).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(volume) = pages.next().await {
            let volume = volume.map_err(|e| self.error("ec2:DescribeVolumes", e))?;
            found.push(as_volume(&volume).ok_or_else(|| self.unsaid("ec2:DescribeVolumes", volume.volume_id()))?);
        }
        Ok(found)
    }

    /// Makes a disk larger.
    pub async fn grow(&self, id: &str, gib: i32) -> Result<(), AwsError> {
        let sent = self.ec2.modify_volume().volume_id(id).size(gib).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:ModifyVolume", e))
    }

    /// The last change of a disk, when there was one lately.
    pub async fn modification(&self, id: &str) -> Result<Option<Modification>, AwsError> {
        let call = "ec2:DescribeVolumesModifications";
        let sent = self.ec2.describe_volumes_modifications().volume_ids(id).send().await;
        let answer = match sent.map_err(|e| self.error(call, e)) {
            // Of a disk that was never changed AWS knows none.
            Err(error) if error.why == Why::NotFound => return Ok(None),
            answer => answer?,
        };
        Ok(answer.volumes_modifications().first().map(|change| Modification {
            state: text(change.modification_state().map(types::VolumeModificationState::as_str)),
            gib: change.target_size(),
            said: text(change.status_message()),
        }))
    }

    /// Removes a disk.
    pub async fn delete_volume(&self, id: &str) -> Result<(), AwsError> {
        let sent = self.ec2.delete_volume().volume_id(id).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:DeleteVolume", e))
    }

    /// Snapshots of this account that a filter finds.
    pub async fn snapshots(&self, name: &str, value: &str) -> Result<Vec<Snapshot>, AwsError> {
        self.find_snapshots(filter(name, value)).await
    }

    /// Snapshots of this account that were made of these disks.
    pub async fn snapshots_of(&self, volumes: &[String]) -> Result<Vec<Snapshot>, AwsError> {
        let mut found = Vec::new();
        for some in volumes.chunks(VALUES) {
            found.extend(self.find_snapshots(any_of("volume-id", some)).await?);
        }
        Ok(found)
    }

    async fn find_snapshots(&self, by: types::Filter) -> Result<Vec<Snapshot>, AwsError> {
        let found = self.raw_snapshots(by).await?;
        let as_snapshot = |snapshot: &types::Snapshot| Snapshot {
            id: text(snapshot.snapshot_id()),
            volume: text(snapshot.volume_id()),
            encrypted: snapshot.encrypted().unwrap_or(false),
            shared_with: Seen::unknown("not asked"),
            tags: tags(snapshot.tags()),
        };
        Ok(found.iter().map(as_snapshot).collect())
    }

    async fn raw_snapshots(&self, by: types::Filter) -> Result<Vec<types::Snapshot>, AwsError> {
        let request = self.ec2.describe_snapshots().owner_ids("self").filters(by);
        let mut pages = request.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(snapshot) = pages.next().await {
            found.push(snapshot.map_err(|e| self.error("ec2:DescribeSnapshots", e))?);
        }
        Ok(found)
    }

    /// Copies of these disks in this account, whoever made them: snapshots, and images that stand on those.
    pub async fn copies_of(&self, volumes: &[String]) -> Result<Vec<DiskCopy>, AwsError> {
        let mut found = Vec::new();
        for some in volumes.chunks(VALUES) {
            let by = types::Filter::builder().name("volume-id");
            let by = by.set_values(Some(some.to_vec())).build();
            found.extend(self.raw_snapshots(by).await?.iter().map(|snapshot| DiskCopy {
                kind: CopyKind::Snapshot,
                id: text(snapshot.snapshot_id()),
                of: text(snapshot.volume_id()),
                encrypted: snapshot.encrypted().unwrap_or(false),
                key: snapshot.kms_key_id().map(str::to_owned),
            }));
        }
        if found.is_empty() {
            return Ok(found);
        }
        let mut pages = self
            .ec2
            .describe_images()
            .owners("self")
            .into_paginator()
            .items()
            .send();
        let mut images = Vec::new();
        while let Some(image) = pages.next().await {
            let image = image.map_err(|e| self.error("ec2:DescribeImages", e))?;
            let mut disks = image.block_device_mappings().iter().filter_map(|device| device.ebs());
            let under = disks.find_map(|disk| found.iter().find(|copy| disk.snapshot_id() == Some(&copy.id)));
            images.extend(under.map(|snapshot| DiskCopy {
                kind: CopyKind::Image,
                id: text(image.image_id()),
                of: snapshot.id.clone(),
                ..snapshot.clone()
            }));
        }
        found.extend(images);
        Ok(found)
    }

    /// Which of these types of machines have disks in their own case.
    pub async fn instance_stores(&self, of: &BTreeSet<String>) -> Result<BTreeMap<String, InstanceStore>, AwsError> {
        let asked: Vec<types::InstanceType> = of.iter().map(|name| name.as_str().into()).collect();
        let mut found = BTreeMap::new();
        for some in asked.chunks(TYPES) {
            let request = self.ec2.describe_instance_types();
            let sent = request.set_instance_types(Some(some.to_vec())).send().await;
            let answer = sent.map_err(|e| self.error("ec2:DescribeInstanceTypes", e))?;
            for about in answer.instance_types() {
                let name = about.instance_type().map_or("", types::InstanceType::as_str).to_owned();
                if let Some(store) = about.instance_storage_info() {
                    let support = store.encryption_support();
                    let encrypted = support == Some(&types::InstanceStorageEncryptionSupport::Required);
                    found.insert(name, InstanceStore { encrypted });
                }
            }
        }
        Ok(found)
    }

    /// Whom a snapshot is shared with.
    pub async fn shares(&self, id: &str) -> Result<BTreeSet<String>, AwsError> {
        let attribute = types::SnapshotAttributeName::CreateVolumePermission;
        let sent = self
            .ec2
            .describe_snapshot_attribute()
            .snapshot_id(id)
            .attribute(attribute)
            .send()
            .await;
        let answer = sent.map_err(|e| self.error("ec2:DescribeSnapshotAttribute", e))?;
        let whom = |permission: &types::CreateVolumePermission| match permission.group() {
            Some(group) => Some(group.as_str().to_owned()),
            None => permission.user_id().map(str::to_owned),
        };
        Ok(answer.create_volume_permissions().iter().filter_map(whom).collect())
    }

    /// Removes a snapshot.
    pub async fn delete_snapshot(&self, id: &str) -> Result<(), AwsError> {
        let sent = self.ec2.delete_snapshot().snapshot_id(id).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:DeleteSnapshot", e))
    }

    /// Network interfaces that a filter finds.
    pub async fn interfaces(&self, name: &str, value: &str) -> Result<Vec<Interface>, AwsError> {
        self.find_interfaces(filter(name, value)).await
    }

    /// Network interfaces by their ids.
    pub async fn interfaces_by_id(&self, ids: &[String]) -> Result<Vec<Interface>, AwsError> {
        let mut found = Vec::new();
        for some in ids.chunks(VALUES) {
            found.extend(self.find_interfaces(any_of("network-interface-id", some)).await?);
        }
        Ok(found)
    }

    async fn find_interfaces(&self, by: types::Filter) -> Result<Vec<Interface>, AwsError> {
        let request = self.ec2.describe_network_interfaces().filters(by);
        let mut pages = request.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(interface) = pages.next().await {
            let interface = interface.map_err(|e| self.error("ec2:DescribeNetworkInterfaces", e))?;
            found.push(Interface {
                id: text(interface.network_interface_id()),
                instance: interface.attachment().and_then(|a| a.instance_id()).map(str::to_owned),
                ipv6: interface
                    .ipv6_addresses()
                    .iter()
                    .filter_map(|address| address.ipv6_address()?.parse().ok())
                    .collect(),
                tags: tags(interface.tag_set()),
            });
        }
        Ok(found)
    }

    /// Removes a network interface.
    pub async fn delete_interface(&self, id: &str) -> Result<(), AwsError> {
        let sent = self
            .ec2
            .delete_network_interface()
            .network_interface_id(id)
            .send()
            .await;
        sent.map(drop).map_err(|e| self.error("ec2:DeleteNetworkInterface", e))
    }
}

fn any_of(name: &str, values: &[String]) -> types::Filter {
    let values = Some(values.to_vec());
    types::Filter::builder().name(name).set_values(values).build()
}

/// A disk; `None` where AWS does not say how large it is or whether it is encrypted.
fn as_volume(volume: &types::Volume) -> Option<Volume> {
    Some(Volume {
        id: text(volume.volume_id()),
        gib: volume.size()?,
        encrypted: volume.encrypted()?,
        key: volume.kms_key_id().map(str::to_owned),
        instance: volume
            .attachments()
            .first()
            .and_then(|a| a.instance_id())
            .map(str::to_owned),
        tags: tags(volume.tags()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_of_which_aws_leaves_something_out_is_not_taken_for_an_empty_or_open_one() {
        let whole = types::Volume::builder().volume_id("vol-1").size(40).encrypted(true);
        assert!(as_volume(&whole.clone().build()).is_some());
        assert_eq!(as_volume(&whole.clone().set_size(None).build()), None);
        assert_eq!(as_volume(&whole.set_encrypted(None).build()), None);
    }
}
