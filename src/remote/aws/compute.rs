//! Machines that exist, their addresses and consoles.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use aws_sdk_ec2::operation::allocate_address::builders::AllocateAddressFluentBuilder;
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
use crate::remote::aws::model::Instance;
use crate::remote::aws::model::Run;
use crate::remote::aws::model::Tags;
use crate::seen::Seen;

/// Which output of a console is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Console {
    /// What it shows now; only machines on Nitro can tell.
    Latest,
    /// What AWS kept of it shortly after the last start.
    Kept,
}

impl Aws {
    /// Machines that a filter finds and that are not terminated.
    pub async fn instances(&self, name: &str, value: &str) -> Result<Vec<Instance>, AwsError> {
        let all = self.described(name, value).await?;
        let machines = all.iter().map(as_instance);
        Ok(machines.filter(|machine| machine.state != "terminated").collect())
    }

    /// How machines that a filter finds stand, and how those ended that are terminated: AWS shows these for about an hour.
    pub async fn runs(&self, name: &str, value: &str) -> Result<Vec<Run>, AwsError> {
        Ok(self.described(name, value).await?.iter().map(as_run).collect())
    }

    async fn described(&self, name: &str, value: &str) -> Result<Vec<types::Instance>, AwsError> {
        let request = self.ec2.describe_instances().filters(filter(name, value));
        let mut pages = request.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(reservation) = pages.next().await {
            let reservation = reservation.map_err(|e| self.error("ec2:DescribeInstances", e))?;
            found.extend(reservation.instances.unwrap_or_default());
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

    /// Starts a machine that is stopped; asked once, since AWS says with an error of its own that it has no room, too.
    pub async fn start(&self, id: &str) -> Result<(), AwsError> {
        let sent = self.ec2_once.start_instances().instance_ids(id).send().await;
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

    /// What a machine's console shows.
    pub async fn console(&self, id: &str, which: Console) -> Result<String, AwsError> {
        let latest = (which == Console::Latest).then_some(true);
        let request = self.ec2.get_console_output().instance_id(id).set_latest(latest);
        let sent = request.send().await;
        let answer = sent.map_err(|e| self.error("ec2:GetConsoleOutput", e))?;
        let coded: String = text(answer.output()).split_whitespace().collect();
        let bytes = STANDARD.decode(coded).unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
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
        let made = self
            .address_request(with)
            .send()
            .await
            .map_err(|e| self.error(call, e))?;
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

    pub(super) fn address_request(&self, with: &Tags) -> AllocateAddressFluentBuilder {
        let request = self.ec2_once.allocate_address().domain(types::DomainType::Vpc);
        request.tag_specifications(specification(ResourceType::ElasticIp, with))
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

fn as_run(machine: &types::Instance) -> Run {
    let state = machine.state().and_then(|state| state.name());
    let reason = machine.state_reason();
    let (code, said) = (
        text(reason.and_then(|reason| reason.code())),
        text(reason.and_then(|reason| reason.message())),
    );
    Run {
        id: text(machine.instance_id()),
        state: state.map_or("", types::InstanceStateName::as_str).to_owned(),
        // The message mostly begins with the code.
        reason: if said.starts_with(&code) {
            said
        } else {
            format!("{code}: {said}")
        },
        architecture: text(machine.architecture().map(types::ArchitectureValues::as_str)),
        tags: tags(machine.tags()),
    }
}

pub(super) fn as_instance(machine: &types::Instance) -> Instance {
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

fn as_address(address: &types::Address) -> Option<Address> {
    Some(Address {
        id: address.allocation_id()?.to_owned(),
        ip: address.public_ip()?.parse().ok()?,
        association: address.association_id().map(str::to_owned),
        instance: address.instance_id().filter(|id| !id.is_empty()).map(str::to_owned),
        tags: tags(address.tags()),
    })
}
