//! Machines, images, addresses and consoles.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use aws_sdk_ec2::types;
use aws_sdk_ec2::types::ResourceType;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::convert::filter;
use crate::remote::aws::convert::specification;
use crate::remote::aws::convert::tags;
use crate::remote::aws::convert::text;
use crate::remote::aws::model::Address;
use crate::remote::aws::model::ImageSeen;
use crate::remote::aws::model::Instance;
use crate::remote::aws::model::Tags;
use crate::seen::Seen;

/// A machine to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Image.
    pub image: String,
    /// The image's root device.
    pub root_device: String,
    /// Instance type.
    pub instance_type: String,
    /// Subnet.
    pub subnet: String,
    /// Security group.
    pub group: String,
    /// Name of the login key.
    pub key_pair: String,
    /// GiB of the disk.
    pub gib: i32,
    /// The disk's key; `None`: the account's default.
    pub disk_key: Option<String>,
    /// Whether it cannot be terminated.
    pub protected: bool,
    /// Keeps a repetition from making another.
    pub token: String,
    /// Tags of the machine, its disk and its interface.
    pub tags: Tags,
}

impl Aws {
    /// Machines that a filter finds and that are not terminated.
    pub async fn instances(&self, name: &str, value: &str) -> Result<Vec<Instance>, AwsError> {
        let request = self.ec2.describe_instances().filters(filter(name, value));
        let mut pages = request.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(reservation) = pages.next().await {
            let reservation = reservation.map_err(|e| self.error("ec2:DescribeInstances", e))?;
            found.extend(
                reservation
                    .instances()
                    .iter()
                    .map(as_instance)
                    .filter(|machine| machine.state != "terminated"),
            );
        }
        Ok(found)
    }

    /// Whether a machine cannot be terminated.
    pub async fn protection(&self, id: &str) -> Result<bool, AwsError> {
        let attribute = types::InstanceAttributeName::DisableApiTermination;
        let sent = self
            .ec2
            .describe_instance_attribute()
            .instance_id(id)
            .attribute(attribute)
            .send()
            .await;
        let answer = sent.map_err(|e| self.error("ec2:DescribeInstanceAttribute", e))?;
        Ok(answer
            .disable_api_termination()
            .and_then(|value| value.value())
            .unwrap_or(false))
    }

    /// Makes a machine whose disk is encrypted and whose metadata service asks for a token.
    pub async fn run_instance(&self, launch: &Launch) -> Result<Instance, AwsError> {
        let call = "ec2:RunInstances";
        let disk = types::EbsBlockDevice::builder()
            .encrypted(true)
            .set_kms_key_id(launch.disk_key.clone())
            .volume_type(types::VolumeType::Gp3)
            .volume_size(launch.gib)
            .delete_on_termination(true)
            .build();
        let device = types::BlockDeviceMapping::builder()
            .device_name(&launch.root_device)
            .ebs(disk)
            .build();
        let request = self
            .ec2_once
            .run_instances()
            .min_count(1)
            .max_count(1)
            .client_token(&launch.token);
        let request = request
            .image_id(&launch.image)
            .instance_type(launch.instance_type.as_str().into())
            .subnet_id(&launch.subnet)
            .security_group_ids(&launch.group)
            .key_name(&launch.key_pair)
            .block_device_mappings(device)
            .metadata_options(metadata_request())
            .disable_api_termination(launch.protected)
            .tag_specifications(specification(ResourceType::Instance, &launch.tags))
            .tag_specifications(specification(ResourceType::Volume, &launch.tags))
            .tag_specifications(specification(ResourceType::NetworkInterface, &launch.tags));
        let made = request.send().await.map_err(|e| self.error(call, e))?;
        made.instances()
            .first()
            .map(as_instance)
            .ok_or_else(|| self.silent(call))
    }

    /// Terminates a machine.
    pub async fn terminate(&self, id: &str) -> Result<(), AwsError> {
        let sent = self.ec2.terminate_instances().instance_ids(id).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:TerminateInstances", e))
    }

    /// Terminates machines, all with one call; where one of them cannot be terminated, AWS may terminate none.
    pub async fn terminate_all(&self, ids: &[String]) -> Result<(), AwsError> {
        let request = self.ec2.terminate_instances().set_instance_ids(Some(ids.to_vec()));
        let sent = request.send().await;
        sent.map(drop).map_err(|e| self.error("ec2:TerminateInstances", e))
    }

    /// Starts a machine that is stopped.
    pub async fn start(&self, id: &str) -> Result<(), AwsError> {
        let sent = self.ec2.start_instances().instance_ids(id).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:StartInstances", e))
    }

    /// Stops a machine.
    pub async fn stop(&self, id: &str) -> Result<(), AwsError> {
        let sent = self.ec2.stop_instances().instance_ids(id).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:StopInstances", e))
    }

    /// Changes the type of a machine that is stopped.
    pub async fn resize(&self, id: &str, instance_type: &str) -> Result<(), AwsError> {
        let value = types::AttributeValue::builder().value(instance_type).build();
        let sent = self
            .ec2
            .modify_instance_attribute()
            .instance_id(id)
            .instance_type(value)
            .send()
            .await;
        sent.map(drop).map_err(|e| self.error("ec2:ModifyInstanceAttribute", e))
    }

    /// Gives a machine exactly one security group.
    pub async fn regroup(&self, id: &str, group: &str) -> Result<(), AwsError> {
        let sent = self
            .ec2
            .modify_instance_attribute()
            .instance_id(id)
            .groups(group)
            .send()
            .await;
        sent.map(drop).map_err(|e| self.error("ec2:ModifyInstanceAttribute", e))
    }

    /// Protects a machine against being terminated, or does so no longer.
    pub async fn protect(&self, id: &str, on: bool) -> Result<(), AwsError> {
        let value = types::AttributeBooleanValue::builder().value(on).build();
        let sent = self
            .ec2
            .modify_instance_attribute()
            .instance_id(id)
            .disable_api_termination(value)
            .send()
            .await;
        sent.map(drop).map_err(|e| self.error("ec2:ModifyInstanceAttribute", e))
    }

    /// Makes a machine's metadata service ask for a token, and answer no further than the machine.
    pub async fn require_tokens(&self, id: &str) -> Result<(), AwsError> {
        let request = self.ec2.modify_instance_metadata_options().instance_id(id);
        let request = request
            .http_tokens(types::HttpTokensState::Required)
            .http_put_response_hop_limit(1)
            .http_endpoint(types::InstanceMetadataEndpointState::Enabled);
        let sent = request.send().await;
        sent.map(drop)
            .map_err(|e| self.error("ec2:ModifyInstanceMetadataOptions", e))
    }

    /// What a machine's console showed so far.
    pub async fn console(&self, id: &str) -> Result<String, AwsError> {
        let sent = self.ec2.get_console_output().instance_id(id).send().await;
        let answer = sent.map_err(|e| self.error("ec2:GetConsoleOutput", e))?;
        let coded: String = text(answer.output()).split_whitespace().collect();
        let bytes = STANDARD.decode(coded).unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

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

    /// The first architecture of an instance type.
    pub async fn architecture(&self, instance_type: &str) -> Result<String, AwsError> {
        let sent = self
            .ec2
            .describe_instance_types()
            .instance_types(instance_type.into())
            .send()
            .await;
        let answer = sent.map_err(|e| self.error("ec2:DescribeInstanceTypes", e))?;
        let first = answer.instance_types().first().and_then(|found| found.processor_info());
        let known = first.map(|info| info.supported_architectures()).unwrap_or_default();
        Ok(known.first().map_or("", types::ArchitectureType::as_str).to_owned())
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

    /// Elastic IP addresses that a filter finds; all of the region without one.
    pub async fn addresses(&self, by: Option<(&str, &str)>) -> Result<Vec<Address>, AwsError> {
        let filters = by.map(|(name, value)| vec![filter(name, value)]);
        let sent = self.ec2.describe_addresses().set_filters(filters).send().await;
        let answer = sent.map_err(|e| self.error("ec2:DescribeAddresses", e))?;
        Ok(answer.addresses().iter().filter_map(as_address).collect())
    }

    /// Takes an Elastic IP address; asked once.
    pub async fn allocate(&self, with: &Tags) -> Result<Address, AwsError> {
        let call = "ec2:AllocateAddress";
        let request = self.ec2_once.allocate_address().domain(types::DomainType::Vpc);
        let request = request.tag_specifications(specification(ResourceType::ElasticIp, with));
        let made = request.send().await.map_err(|e| self.error(call, e))?;
        let ip = made.public_ip().and_then(|ip| ip.parse().ok());
        let (Some(id), Some(ip)) = (made.allocation_id(), ip) else {
            return Err(self.silent(call));
        };
        Ok(Address {
            id: id.to_owned(),
            ip,
            association: None,
            instance: None,
            tags: with.clone(),
        })
    }

    /// Gives a machine an address.
    pub async fn associate(&self, address: &str, instance: &str) -> Result<(), AwsError> {
        let request = self
            .ec2
            .associate_address()
            .allocation_id(address)
            .instance_id(instance);
        let sent = request.allow_reassociation(true).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:AssociateAddress", e))
    }

    /// Takes an address from a machine.
    pub async fn disassociate(&self, association: &str) -> Result<(), AwsError> {
        let sent = self.ec2.disassociate_address().association_id(association).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:DisassociateAddress", e))
    }

    /// Gives an address back.
    pub async fn release(&self, address: &str) -> Result<(), AwsError> {
        let sent = self.ec2.release_address().allocation_id(address).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:ReleaseAddress", e))
    }
}

pub(super) fn metadata_request() -> types::InstanceMetadataOptionsRequest {
    types::InstanceMetadataOptionsRequest::builder()
        .http_tokens(types::HttpTokensState::Required)
        .http_put_response_hop_limit(1)
        .http_endpoint(types::InstanceMetadataEndpointState::Enabled)
        .build()
}

fn as_instance(machine: &types::Instance) -> Instance {
    let interfaces = machine.network_interfaces();
    let on_interfaces = interfaces.iter().flat_map(types::InstanceNetworkInterface::groups);
    let groups = machine.security_groups().iter().chain(on_interfaces);
    let on_interfaces = interfaces.iter().filter_map(|i| i.association()?.public_ip());
    let public = machine.public_ip_address().into_iter().chain(on_interfaces);
    let volume = |device: &types::InstanceBlockDeviceMapping| {
        Some((device.device_name()?.to_owned(), device.ebs()?.volume_id()?.to_owned()))
    };
    let metadata = machine.metadata_options();
    Instance {
        id: text(machine.instance_id()),
        state: machine
            .state()
            .and_then(|s| s.name())
            .map_or("", types::InstanceStateName::as_str)
            .to_owned(),
        instance_type: machine
            .instance_type()
            .map_or("", types::InstanceType::as_str)
            .to_owned(),
        image: text(machine.image_id()),
        zone: text(machine.placement().and_then(|place| place.availability_zone())),
        subnet: machine.subnet_id().map(str::to_owned),
        groups: groups.filter_map(|group| group.group_id()).map(str::to_owned).collect(),
        interfaces: interfaces
            .iter()
            .filter_map(|i| i.network_interface_id())
            .map(str::to_owned)
            .collect(),
        public: public.filter_map(|ip| ip.parse::<Ipv4Addr>().ok()).collect(),
        private: machine.private_ip_address().and_then(|ip| ip.parse().ok()),
        volumes: machine
            .block_device_mappings()
            .iter()
            .filter_map(volume)
            .collect::<BTreeMap<_, _>>(),
        root_device: text(machine.root_device_name()),
        tokens_required: metadata.and_then(|m| m.http_tokens()) == Some(&types::HttpTokensState::Required),
        hop_limit: metadata.and_then(|m| m.http_put_response_hop_limit()).unwrap_or(0),
        role: machine.iam_instance_profile().and_then(|p| p.arn()).map(str::to_owned),
        protected: Seen::unknown("not asked"),
        tags: tags(machine.tags()),
    }
}

fn as_image(image: &types::Image) -> ImageSeen {
    ImageSeen {
        id: text(image.image_id()),
        name: text(image.name()),
        root_device: text(image.root_device_name()),
        made: text(image.creation_date()),
    }
}

fn as_address(address: &types::Address) -> Option<Address> {
    Some(Address {
        id: address.allocation_id()?.to_owned(),
        ip: address.public_ip()?.parse().ok()?,
        association: address.association_id().map(str::to_owned),
        instance: address.instance_id().filter(|id| !id.is_empty()).map(str::to_owned),
        tags: tags(address.tags()),
    })
}
