//! Changes of machines, their disks and their addresses.

use crate::machines::aws::carry_out::MACHINE;
use crate::machines::aws::carry_out::Site;
use crate::machines::aws::carry_out::token;
use crate::machines::aws::change::Change;
use crate::machines::aws::error::CloudError;
use crate::machines::aws::inventory::generation;
use crate::machines::aws::inventory::is_of;
use crate::machines::aws::launch::launch;
use crate::machines::aws::launch::next_generation;
use crate::machines::aws::names;
use crate::machines::aws::patience::again;
use crate::machines::aws::patience::gone;
use crate::machines::aws::patience::once;
use crate::machines::aws::wait::grow;
use crate::machines::aws::wait::until;
use crate::remote::aws::model::Tags;
use crate::spec::HostName;

/// Most machines of a host that ended unseen before the next one is given up.
const GENERATIONS: u32 = 8;

impl Site<'_> {
    pub(super) async fn make_machine(&mut self, host: &HostName) -> Result<(), CloudError> {
        let (aws, group) = (self.aws, self.group(host)?);
        let mut launch = launch(self.wanted, &self.seen, self.host(host)?, self.found.image(host)?);
        if launch.subnet.is_none() {
            return Err(CloudError::Gone("the subnet".to_owned()));
        }
        let (tag, value) = self.mine();
        let runs = again(async || aws.runs(&tag, &value).await).await?;
        let first = next_generation(&group.tags, host.as_str(), &runs);
        let mut made = Err(CloudError::Gone(format!("a token for the machine of {host}")));
        // A token that was used is refused once its machine is gone, also when AWS no longer shows that machine.
        for generation in first..first.saturating_add(GENERATIONS) {
            let generation = generation.to_string();
            let token = token(&[&group.id, host.as_str(), &generation]);
            launch.tags.insert(names::GENERATION.to_owned(), generation);
            let outcome = again(async || aws.run_instance(&launch, &token).await).await;
            let used = matches!(&outcome, Err(error) if error.is_of_an_ended_machine());
            made = outcome.map_err(CloudError::from);
            if !used {
                break;
            }
        }
        let machine = made?;
        let id = machine.id.clone();
        self.seen.instances.push(machine);
        self.until(&id, "running").await
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
            Change::Resize { host, from, to, .. } => self.resize(host, from, to).await,
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
                grow(aws, disk, *to).await
            }
            _ => Ok(()),
        }
    }

    /// Stops a machine and starts it as another type. Where AWS does not do that, it runs again as what it was.
    async fn resize(&self, host: &HostName, from: &str, to: &str) -> Result<(), CloudError> {
        let (aws, id) = (self.aws, self.machine(host)?.id);
        again(async || aws.stop(&id).await).await?;
        self.until(&id, "stopped").await?;
        let Err(error) = self.run_as(&id, to).await else {
            let tags = Tags::from([(names::TYPE.to_owned(), to.to_owned())]);
            return Ok(again(async || aws.tag(&id, &tags).await).await?);
        };
        // It may have begun to start before it was refused.
        let back = async {
            again(async || aws.stop(&id).await).await?;
            self.until(&id, "stopped").await?;
            self.run_as(&id, from).await
        };
        Err(CloudError::NotResized {
            host: host.to_string(),
            from: from.to_owned(),
            to: to.to_owned(),
            back: back.await.map_err(Box::new).err(),
            error: Box::new(error),
        })
    }

    async fn run_as(&self, id: &str, instance_type: &str) -> Result<(), CloudError> {
        let aws = self.aws;
        again(async || aws.resize(id, instance_type).await).await?;
        again(async || aws.start(id).await).await?;
        self.until(id, "running").await
    }

    /// Waits until a machine is what it was asked to be.
    async fn until(&self, id: &str, state: &str) -> Result<(), CloudError> {
        until(self.aws, id, state, MACHINE).await
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
