//! A machine that is about to be made: one request, which is sent or only rehearsed.

use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types;
use aws_sdk_ec2::types::ResourceType;

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::compute::as_instance;
use crate::remote::aws::convert::specification;
use crate::remote::aws::model::ImageSeen;
use crate::remote::aws::model::Instance;
use crate::remote::aws::model::Tags;

/// A machine to be made. What does not exist yet is left out of a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// What it begins as.
    pub image: ImageSeen,
    /// Instance type.
    pub instance_type: String,
    /// Subnet.
    pub subnet: Option<String>,
    /// Security group.
    pub group: Option<String>,
    /// Name of the login key.
    pub key_pair: Option<String>,
    /// GiB of the disk that it boots from.
    pub gib: i32,
    /// The disks' key; `None`: the account's default.
    pub disk_key: Option<String>,
    /// Whether it cannot be terminated.
    pub protected: bool,
    /// Tags of the machine, its disks and its interface.
    pub tags: Tags,
}

impl Aws {
    /// Makes a machine whose disks are encrypted and whose metadata service asks for a token. The client token keeps a
    /// repetition from making another.
    pub async fn run_instance(&self, launch: &Launch, token: &str) -> Result<Instance, AwsError> {
        let call = "ec2:RunInstances";
        let sent = self.launch_request(launch).client_token(token).send().await;
        let made = sent.map_err(|e| self.error(call, e))?;
        made.instances()
            .first()
            .map(as_instance)
            .ok_or_else(|| self.silent(call))
    }

    pub(super) fn launch_request(&self, launch: &Launch) -> RunInstancesFluentBuilder {
        let request = self.ec2_once.run_instances().min_count(1).max_count(1);
        request
            .image_id(&launch.image.id)
            .instance_type(launch.instance_type.as_str().into())
            .set_subnet_id(launch.subnet.clone())
            .set_security_group_ids(launch.group.clone().map(|group| vec![group]))
            .set_key_name(launch.key_pair.clone())
            .set_block_device_mappings(Some(disks(launch)))
            .metadata_options(metadata())
            .disable_api_termination(launch.protected)
            .tag_specifications(specification(ResourceType::Instance, &launch.tags))
            .tag_specifications(specification(ResourceType::Volume, &launch.tags))
            .tag_specifications(specification(ResourceType::NetworkInterface, &launch.tags))
    }
}

/// Every disk of the image, encrypted and gone with the machine; the one that it boots from has the size that is wanted.
fn disks(launch: &Launch) -> Vec<types::BlockDeviceMapping> {
    let root = &launch.image.root_device;
    let others = launch.image.disks.iter().filter(|device| *device != root);
    let disk = |device: &String| {
        let disk = types::EbsBlockDevice::builder()
            .encrypted(true)
            .set_kms_key_id(launch.disk_key.clone())
            .delete_on_termination(true);
        let disk = if device == root {
            disk.volume_type(types::VolumeType::Gp3).volume_size(launch.gib)
        } else {
            disk
        };
        types::BlockDeviceMapping::builder()
            .device_name(device)
            .ebs(disk.build())
            .build()
    };
    std::iter::once(root).chain(others).map(disk).collect()
}

fn metadata() -> types::InstanceMetadataOptionsRequest {
    types::InstanceMetadataOptionsRequest::builder()
        .http_tokens(types::HttpTokensState::Required)
        .http_put_response_hop_limit(1)
        .http_endpoint(types::InstanceMetadataEndpointState::Enabled)
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_disk_of_an_image_is_encrypted_and_goes_with_the_machine() {
        let launch = Launch {
            image: ImageSeen {
                id: "ami-1".to_owned(),
                name: "own".to_owned(),
                root_device: "/dev/xvda".to_owned(),
                made: String::new(),
                architecture: "x86_64".to_owned(),
                disks: BTreeSet::from(["/dev/sdf".to_owned(), "/dev/xvda".to_owned()]),
            },
            instance_type: "c6i.xlarge".to_owned(),
            subnet: None,
            group: None,
            key_pair: None,
            gib: 40,
            disk_key: Some("arn:k".to_owned()),
            protected: false,
            tags: Tags::new(),
        };
        let disks = disks(&launch);
        let named: Vec<_> = disks.iter().filter_map(|disk| disk.device_name()).collect();
        assert_eq!(named, ["/dev/xvda", "/dev/sdf"]);
        for disk in disks.iter().filter_map(|disk| disk.ebs()) {
            assert_eq!(disk.encrypted(), Some(true));
            assert_eq!(disk.delete_on_termination(), Some(true));
            assert_eq!(disk.kms_key_id(), Some("arn:k"));
        }
        let sizes: Vec<_> = disks
            .iter()
            .map(|disk| disk.ebs().and_then(|ebs| ebs.volume_size()))
            .collect();
        assert_eq!(sizes, [Some(40), None]);
    }
}
