//! Changes of machines, their disks and their addresses.

use crate::machines::aws::carry_out::MACHINE;
use crate::machines::aws::carry_out::Site;
use crate::machines::aws::carry_out::token;
use crate::machines::aws::change::Change;
use crate::machines::aws::error::CloudError;
use crate::machines::aws::inventory::generation;
use crate::machines::aws::inventory::is_of;
use crate::machines::aws::names;
use crate::machines::aws::patience::again;
use crate::machines::aws::patience::gone;
use crate::machines::aws::patience::once;
use crate::remote::aws::Launch;
use crate::remote::aws::model::Tags;
use crate::spec::DiskKey;
use crate::spec::HostName;

impl Site<'_> {
    pub(super) async fn make_machine(&mut self, host: &HostName) -> Result<(), CloudError> {
        let (aws, group) = (self.aws, self.group(host)?);
        let wanted = self.host(host)?;
        // A token that was used is refused once its machine is gone: each machine of a host has its own.
        let made = group
            .tags
            .get(names::MADE)
            .and_then(|number| number.parse::<u32>().ok());
        let generation = made.map_or(0, |number| number + 1);
        let mut tags = self.wanted.host_tags(wanted, self.expires.as_ref());
        tags.insert(names::GENERATION.to_owned(), generation.to_string());
        tags.insert(names::TYPE.to_owned(), wanted.instance_type.clone());
        let image = self.found.image(host)?;
        let subnet = self
            .seen
            .subnet()
            .ok_or_else(|| CloudError::Gone("the subnet".to_owned()))?;
        let launch = Launch {
            image: image.id.clone(),
            root_device: image.root_device.clone(),
            instance_type: wanted.instance_type.clone(),
            subnet: subnet.id.clone(),
            group: group.id.clone(),
            key_pair: self.wanted.owner.name(),
            gib: wanted.gib,
            disk_key: self.disk_key_name(),
            protected: self.wanted.protected(),
            token: token(&[&group.id, host.as_str(), &generation.to_string()]),
            tags,
        };
        let machine = again(async || aws.run_instance(&launch).await).await?;
        let id = machine.id.clone();
        self.seen.instances.push(machine);
        self.until(&id, "running").await
    }

    fn disk_key_name(&self) -> Option<String> {
        match &self.wanted.disk_key {
            DiskKey::Account => None,
            DiskKey::Given(arn) => Some(arn.clone()),
            DiskKey::Own => self
                .seen
                .disk_keys
                .iter()
                .find(|key| key.named)
                .map(|key| key.arn.clone()),
        }
    }

    pub(super) async fn note_made(&mut self, host: &HostName) -> Result<(), CloudError> {
        let generation = generation(&self.machine(host)?.tags);
        self.note(host, names::MADE, generation.to_string()).await
    }

    pub(super) async fn end_machine(&mut self, host: &HostName) -> Result<(), CloudError> {
        let (aws, id) = (self.aws, self.machine(host)?.id);
        // Its number is written down first, so that the next machine has a token of its own.
        self.note_made(host).await?;
        again(async || aws.protect(&id, false).await).await?;
        gone(again(async || aws.terminate(&id).await).await)?;
        self.until(&id, "terminated").await?;
        self.seen.instances.retain(|machine| machine.id != id);
        Ok(())
    }

    pub(super) async fn in_place(&mut self, change: &Change) -> Result<(), CloudError> {
        let aws = self.aws;
        match change {
            Change::Start(host) => {
                let id = self.machine(host)?.id;
                self.until(&id, "stopped").await?;
                again(async || aws.start(&id).await).await?;
                self.until(&id, "running").await
            }
            Change::Resize { host, to, .. } => {
                let id = self.machine(host)?.id;
                again(async || aws.stop(&id).await).await?;
                self.until(&id, "stopped").await?;
                again(async || aws.resize(&id, to).await).await?;
                let tags = Tags::from([(names::TYPE.to_owned(), to.clone())]);
                again(async || aws.tag(&id, &tags).await).await?;
                again(async || aws.start(&id).await).await?;
                self.until(&id, "running").await
            }
            Change::Regroup(host) => {
                let (id, group) = (self.machine(host)?.id, self.group(host)?.id);
                Ok(again(async || aws.regroup(&id, &group).await).await?)
            }
            Change::RequireTokens(host) => {
                let id = self.machine(host)?.id;
                Ok(again(async || aws.require_tokens(&id).await).await?)
            }
            Change::Protect(host, on, _) => {
                let id = self.machine(host)?.id;
                Ok(again(async || aws.protect(&id, *on).await).await?)
            }
            Change::Grow { host, to, .. } => {
                let machine = self.machine(host)?;
                let Some(disk) = machine.volumes.get(&machine.root_device) else {
                    return Ok(());
                };
                Ok(again(async || aws.grow(disk, *to).await).await?)
            }
            _ => Ok(()),
        }
    }

    /// Waits until a machine is what it was asked to be.
    async fn until(&self, id: &str, state: &str) -> Result<(), CloudError> {
        super::apply::until(self.aws, id, state, MACHINE).await
    }

    pub(super) async fn take_address(&mut self, host: &HostName) -> Result<(), CloudError> {
        let aws = self.aws;
        let tags = self.wanted.host_tags(self.host(host)?, self.expires.as_ref());
        let (tag, value) = self.mine();
        let find = async || {
            let all = aws.addresses(Some((&tag, &value))).await?;
            Ok(all.into_iter().find(|address| is_of(&address.tags, host.as_str())))
        };
        let made = once(async || aws.allocate(&tags).await, find).await?;
        self.seen.addresses.push(made);
        Ok(())
    }

    pub(super) async fn give_address(&mut self, host: &HostName) -> Result<(), CloudError> {
        let (aws, id) = (self.aws, self.machine(host)?.id);
        let address = self.seen.address(host.as_str()).map(|address| address.id.clone());
        let address = address.ok_or_else(|| CloudError::Gone(format!("the address of {host}")))?;
        again(async || aws.associate(&address, &id).await).await?;
        Ok(())
    }
}
