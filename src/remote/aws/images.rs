//! Images, instance types and where they are offered.

use std::collections::BTreeSet;

use aws_sdk_ec2::types;

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::convert::filter;
use crate::remote::aws::convert::text;
use crate::remote::aws::model::ImageSeen;

impl Aws {
    /// Images by owner and name, the newest last.
    pub async fn images(&self, owner: &str, name: &str) -> Result<Vec<ImageSeen>, AwsError> {
        let request = self.ec2.describe_images().owners(owner).filters(filter("name", name));
        let sent = request.filters(filter("state", "available")).send().await;
        let answer = sent.map_err(|e| self.error("ec2:DescribeImages", e))?;
        let mut images: Vec<ImageSeen> = answer.images().iter().map(as_image).collect();
        images.sort_by(|one, other| (&one.made, &one.name).cmp(&(&other.made, &other.name)));
        Ok(images)
    }

    /// One image.
    pub async fn image(&self, id: &str) -> Result<Option<ImageSeen>, AwsError> {
        let sent = self.ec2.describe_images().image_ids(id).send().await;
        let answer = sent.map_err(|e| self.error("ec2:DescribeImages", e))?;
        Ok(answer.images().first().map(as_image))
    }

    /// The architectures that an instance type runs, as AWS names them; empty where AWS does not say.
    pub async fn architectures(&self, instance_type: &str) -> Result<BTreeSet<String>, AwsError> {
        let request = self.ec2.describe_instance_types();
        let sent = request.instance_types(instance_type.into()).send().await;
        let answer = sent.map_err(|e| self.error("ec2:DescribeInstanceTypes", e))?;
        let first = answer.instance_types().first().and_then(|found| found.processor_info());
        let known = first.map(|info| info.supported_architectures()).unwrap_or_default();
        Ok(known.iter().map(|known| known.as_str().to_owned()).collect())
    }

    /// Zones of the region that offer an instance type.
    pub async fn zones_with(&self, instance_type: &str) -> Result<BTreeSet<String>, AwsError> {
        let request = self
            .ec2
            .describe_instance_type_offerings()
            .location_type(types::LocationType::AvailabilityZone);
        let request = request.filters(filter("instance-type", instance_type));
        let mut pages = request.into_paginator().items().send();
        let mut zones = BTreeSet::new();
        while let Some(offer) = pages.next().await {
            let offer = offer.map_err(|e| self.error("ec2:DescribeInstanceTypeOfferings", e))?;
            zones.extend(offer.location().map(str::to_owned));
        }
        Ok(zones)
    }
}

fn as_image(image: &types::Image) -> ImageSeen {
    let disks = image
        .block_device_mappings()
        .iter()
        .filter(|device| device.ebs().is_some());
    ImageSeen {
        id: text(image.image_id()),
        name: text(image.name()),
        root_device: text(image.root_device_name()),
        made: text(image.creation_date()),
        architecture: text(image.architecture().map(types::ArchitectureValues::as_str)),
        disks: disks
            .filter_map(|device| device.device_name())
            .map(str::to_owned)
            .collect(),
    }
}
