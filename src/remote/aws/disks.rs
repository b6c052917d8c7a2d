//! Disks, snapshots and network interfaces.

use std::collections::BTreeSet;

use aws_sdk_ec2::types;

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::convert::filter;
use crate::remote::aws::convert::tags;
use crate::remote::aws::convert::text;
use crate::remote::aws::model::Interface;
use crate::remote::aws::model::Snapshot;
use crate::remote::aws::model::Volume;
use crate::seen::Seen;

/// Most values of one filter.
const VALUES: usize = 200;

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
            found.push(as_volume(&volume.map_err(|e| self.error("ec2:DescribeVolumes", e))?));
        }
        Ok(found)
    }

    /// Makes a disk larger.
    pub async fn grow(&self, id: &str, gib: i32) -> Result<(), AwsError> {
        let sent = self.ec2.modify_volume().volume_id(id).size(gib).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:ModifyVolume", e))
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
        let request = self.ec2.describe_snapshots().owner_ids("self").filters(by);
        let mut pages = request.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(snapshot) = pages.next().await {
            let snapshot = snapshot.map_err(|e| self.error("ec2:DescribeSnapshots", e))?;
            found.push(Snapshot {
                id: text(snapshot.snapshot_id()),
                volume: text(snapshot.volume_id()),
                encrypted: snapshot.encrypted().unwrap_or(false),
                shared_with: Seen::unknown("not asked"),
                tags: tags(snapshot.tags()),
            });
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

fn as_volume(volume: &types::Volume) -> Volume {
    Volume {
        id: text(volume.volume_id()),
        gib: volume.size().unwrap_or(0),
        encrypted: volume.encrypted().unwrap_or(false),
        key: volume.kms_key_id().map(str::to_owned),
        instance: volume
            .attachments()
            .first()
            .and_then(|a| a.instance_id())
            .map(str::to_owned),
        tags: tags(volume.tags()),
    }
}
