//! Carries one change out, and keeps the inventory as the next one needs it. Each may be repeated after any interruption.

use std::time::Duration;

use crate::digest;
use crate::machines::aws::change::Change;
use crate::machines::aws::disk_keys;
use crate::machines::aws::dns;
use crate::machines::aws::error::CloudError;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::inventory::Kind;
use crate::machines::aws::names;
use crate::machines::aws::patience::again;
use crate::machines::aws::patience::gone;
use crate::machines::aws::patience::once;
use crate::machines::aws::patience::pause;
use crate::machines::aws::patience::there;
use crate::machines::aws::preflight::Found;
use crate::machines::aws::release;
use crate::machines::aws::wanted::HostWanted;
use crate::machines::aws::wanted::Wanted;
use crate::machines::aws::wanted::egress;
use crate::machines::aws::wanted::ports_digest;
use crate::remote::aws::Aws;
use crate::remote::aws::Recorded;
use crate::remote::aws::Way;
use crate::remote::aws::Why;
use crate::remote::aws::model::Group;
use crate::remote::aws::model::Instance;
use crate::remote::aws::model::Subnet;
use crate::remote::aws::model::Tags;
use crate::remote::aws::model::Vpc;
use crate::spec::DiskKey;
use crate::spec::HostName;
use crate::spec::Network;

/// The longest wait for a machine to become what it was asked to be.
pub(super) const MACHINE: Duration = Duration::from_secs(300);

/// How often a thing is tried to be removed that something else still holds.
const HELD: u32 = 5;

/// Everything that a change needs to know.
pub(super) struct Site<'a> {
    /// The API.
    pub(super) aws: &'a Aws,
    /// What is wanted.
    pub(super) wanted: &'a Wanted,
    /// Zone and images.
    pub(super) found: &'a Found,
    /// What is there.
    pub(super) seen: Inventory,
    /// When a test may be destroyed.
    pub(super) expires: Option<String>,
}

impl Site<'_> {
    /// Carries a change out.
    pub(super) async fn carry_out(&mut self, change: &Change) -> Result<(), CloudError> {
        match change {
            Change::Retag { things, end, .. } => self.retag(things, end.as_ref()).await,
            Change::MakeDiskKey | Change::NameDiskKey | Change::RotateDiskKey => self.disk_key(change).await,
            Change::ImportKeyPair | Change::DropKeyPair => self.login_key(change).await,
            Change::MakeGroup(host) => self.make_group(host).await,
            Change::SetPorts { .. } | Change::NotePorts(_) => self.ports(change).await,
            Change::MakeMachine(host) => self.make_machine(host).await,
            Change::Replace { host, .. } => {
                self.refuse_without_successor(host)?;
                self.end_machine(host).await
            }
            Change::NoteMade(host) => self.note_made(host).await,
            Change::TakeAddress(host) => self.take_address(host).await,
            Change::GiveAddress(host) => self.give_address(host).await,
            Change::PutRecord => self.put_record().await,
            Change::RemoveExtra(kind, id) | Change::RemoveStray { kind, id, .. } => self.remove(*kind, id).await,
            Change::Start(_)
            | Change::Resize { .. }
            | Change::Regroup(_)
            | Change::RequireTokens(_)
            | Change::Protect(..)
            | Change::Grow { .. } => self.in_place(change).await,
            _ => self.network(change).await,
        }
    }

    pub(super) fn tags(&self) -> Tags {
        self.wanted.tags(self.expires.as_ref())
    }

    pub(super) fn host(&self, name: &HostName) -> Result<&HostWanted, CloudError> {
        let found = self.wanted.hosts.iter().find(|host| host.name == *name);
        found.ok_or_else(|| CloudError::Gone(format!("the host {name} in the spec")))
    }

    pub(super) fn machine(&self, host: &HostName) -> Result<Instance, CloudError> {
        let found = self.seen.instance(host.as_str()).cloned();
        found.ok_or_else(|| CloudError::Gone(format!("the machine of {host}")))
    }

    pub(super) fn group(&self, host: &HostName) -> Result<Group, CloudError> {
        let found = self.seen.group(host.as_str()).cloned();
        found.ok_or_else(|| CloudError::Gone(format!("the security group of {host}")))
    }

    fn vpc(&self) -> Result<String, CloudError> {
        let given = self.seen.given_subnet.as_ref().map(|subnet| subnet.vpc.clone());
        let own = || self.seen.vpc().map(|vpc| vpc.id.clone());
        given.or_else(own).ok_or_else(|| CloudError::Gone("the VPC".to_owned()))
    }

    pub(super) fn mine(&self) -> (String, String) {
        (
            format!("tag:{}", names::DEPLOYMENT),
            self.wanted.owner.deployment.clone(),
        )
    }

    async fn disk_key(&mut self, change: &Change) -> Result<(), CloudError> {
        let (aws, owner) = (self.aws, &self.wanted.owner);
        let key = self.seen.disk_key().map(|key| key.arn.clone());
        let key = match (change, key) {
            (Change::MakeDiskKey, _) | (_, None) => {
                let about = format!("Disks of the Anteroom deployment {}", owner.deployment);
                let tags = self.tags();
                let find = async || Ok(disk_keys::usable(aws, owner).await?.keys.into_iter().next());
                let made = once(async || aws.create_disk_key(&about, &tags).await, find).await?;
                self.seen.disk_keys.push(made);
                return Ok(());
            }
            (_, Some(key)) => key,
        };
        if *change == Change::RotateDiskKey {
            return Ok(again(async || aws.rotate_disk_key(&key).await).await?);
        }
        disk_keys::name(aws, owner, &key).await?;
        if let Some(seen) = self.seen.disk_keys.iter_mut().find(|seen| seen.arn == key) {
            seen.named = true;
        }
        Ok(())
    }

    async fn login_key(&mut self, change: &Change) -> Result<(), CloudError> {
        let (aws, name) = (self.aws, self.wanted.owner.name());
        if *change == Change::DropKeyPair {
            return Ok(gone(again(async || aws.delete_key_pair(&name).await).await)?);
        }
        let mut tags = self.tags();
        tags.insert(names::KEY.to_owned(), self.wanted.key_digest());
        let (tag, value) = self.mine();
        let find = async || {
            let pairs = aws.key_pairs(&tag, &value).await?;
            Ok(pairs.iter().any(|pair| pair.name == name).then_some(()))
        };
        Ok(once(
            async || aws.import_key_pair(&name, &self.wanted.public_key, &tags).await,
            find,
        )
        .await?)
    }

    async fn network(&mut self, change: &Change) -> Result<(), CloudError> {
        let (aws, tags, (tag, value)) = (self.aws, self.tags(), self.mine());
        match (change, &self.wanted.network) {
            (Change::MakeVpc, Network::Own(net)) => {
                let net = net.to_string();
                let find = async || Ok(aws.vpcs(&tag, &value).await?.into_iter().next());
                let made: Vpc = once(async || aws.create_vpc(&net, &tags).await, find).await?;
                self.seen.vpcs.push(made);
            }
            (Change::MakeGateway, _) => {
                let find = async || Ok(aws.gateways(&tag, &value).await?.into_iter().next());
                let made = once(async || aws.create_gateway(&tags).await, find).await?;
                self.seen.gateways.push(made);
            }
            (Change::AttachGateway, _) => {
                let vpc = self.vpc()?;
                let gateway = self
                    .seen
                    .gateway()
                    .ok_or_else(|| CloudError::Gone("the gateway".to_owned()))?
                    .id
                    .clone();
                let attached = again(async || aws.attach_gateway(&gateway, &vpc).await).await;
                self.settled_attachment(attached, &gateway, &vpc).await?;
            }
            (Change::MakeSubnet, Network::Own(net)) => {
                let (vpc, net, zone) = (self.vpc()?, net.to_string(), &self.found.zone);
                let find = async || Ok(aws.subnets(&tag, &value).await?.into_iter().next());
                let made = once(async || aws.create_subnet(&vpc, &net, zone, &tags).await, find).await?;
                self.seen.subnets.push(made);
            }
            (Change::MakeRouteTable, _) => {
                let vpc = self.vpc()?;
                let token = token(&[&vpc, "routes", &moment()]);
                let made = again(async || aws.create_route_table(&vpc, &token, &tags).await).await?;
                self.seen.route_tables.insert(0, made);
            }
            (Change::RouteOut | Change::AssociateRoutes, _) => self.routes(change).await?,
            (Change::MakeFlowLog, _) => self.flow_log(&tags).await?,
            _ => {}
        }
        Ok(())
    }

    /// An attachment whose answer was lost is refused when it is asked for again; what is there decides.
    async fn settled_attachment(
        &mut self,
        outcome: Result<(), crate::remote::aws::AwsError>,
        gateway: &str,
        vpc: &str,
    ) -> Result<(), CloudError> {
        if let Err(error) = outcome {
            let now = self.aws.gateways("internet-gateway-id", gateway).await?;
            if now.iter().all(|seen| seen.vpc.as_deref() != Some(vpc)) {
                return Err(error.into());
            }
        }
        if let Some(seen) = self.seen.gateways.iter_mut().find(|seen| seen.id == gateway) {
            seen.vpc = Some(vpc.to_owned());
        }
        Ok(())
    }

    async fn routes(&mut self, change: &Change) -> Result<(), CloudError> {
        let aws = self.aws;
        let table = self.seen.route_table().cloned();
        let table = table.ok_or_else(|| CloudError::Gone("the route table".to_owned()))?;
        if *change == Change::RouteOut {
            let gateway = self
                .seen
                .gateway()
                .ok_or_else(|| CloudError::Gone("the gateway".to_owned()))?
                .id
                .clone();
            return Ok(there(again(async || aws.route_out(&table, &gateway).await).await)?);
        }
        let subnet = self.subnet()?.id.clone();
        Ok(there(
            again(async || aws.associate_routes(&table.id, &subnet).await).await,
        )?)
    }

    async fn flow_log(&mut self, tags: &Tags) -> Result<(), CloudError> {
        let Some(bucket) = &self.wanted.flow_logs else {
            return Ok(());
        };
        let (aws, token) = (self.aws, |id: &str| {
            token(&[id, bucket.as_str(), "flow-log", &moment()])
        });
        let (resource, kind) = match &self.seen.given_subnet {
            Some(subnet) => (subnet.id.clone(), Recorded::Subnet),
            None => (self.vpc()?, Recorded::Vpc),
        };
        let token = token(&resource);
        let made = again(async || aws.create_flow_log((&resource, kind), bucket, &token, tags).await).await;
        Ok(there(made)?)
    }

    async fn make_group(&mut self, host: &HostName) -> Result<(), CloudError> {
        let (aws, vpc) = (self.aws, self.vpc()?);
        let name = self.wanted.owner.host_name(host.as_str());
        let tags = self.wanted.host_tags(self.host(host)?, self.expires.as_ref());
        let about = self.wanted.owner.about(host.as_str());
        let (tag, value) = self.mine();
        let find = async || {
            let groups = aws.groups(&tag, &value).await?;
            Ok(groups
                .into_iter()
                .find(|group| group.name == name && group.vpc == vpc)
                .map(|group| group.id))
        };
        let id = once(async || aws.create_group(&vpc, &name, &about, &tags).await, find).await?;
        self.seen.groups.push(Group {
            id,
            name,
            vpc,
            ingress: std::collections::BTreeSet::new(),
            egress: egress(),
            tags,
        });
        Ok(())
    }

    /// Opens before it closes, so that nobody who may come in is shut out for a moment.
    async fn ports(&mut self, change: &Change) -> Result<(), CloudError> {
        let aws = self.aws;
        match change {
            Change::SetPorts {
                host,
                open,
                close,
                open_out,
                close_out,
                ..
            } => {
                let id = self.group(host)?.id;
                for (way, list) in [(Way::In, open), (Way::Out, open_out)] {
                    if !list.is_empty() {
                        there(again(async || aws.authorize(&id, way, list).await).await)?;
                    }
                }
                for (way, list) in [(Way::In, close), (Way::Out, close_out)] {
                    if !list.is_empty() {
                        gone(aws.revoke(&id, way, list).await)?;
                    }
                }
                Ok(())
            }
            Change::NotePorts(host) => {
                let digest = ports_digest(&self.host(host)?.open);
                self.note(host, names::PORTS, digest).await
            }
            _ => Ok(()),
        }
    }

    /// Writes a tag on a host's group.
    pub(super) async fn note(&mut self, host: &HostName, name: &str, value: String) -> Result<(), CloudError> {
        let (aws, id) = (self.aws, self.group(host)?.id);
        let tags = Tags::from([(name.to_owned(), value)]);
        again(async || aws.tag(&id, &tags).await).await?;
        if let Some(group) = self.seen.groups.iter_mut().find(|group| group.id == id) {
            group.tags.extend(tags);
        }
        Ok(())
    }

    async fn put_record(&mut self) -> Result<(), CloudError> {
        let core = self.wanted.hosts.iter().find(|host| host.core);
        let address = core.and_then(|host| self.seen.address(host.name.as_str()));
        let (Some(zone), Some(address)) = (&self.wanted.dns_zone, address) else {
            return Ok(());
        };
        let (aws, domain) = (self.aws, &self.wanted.owner.domain);
        let record = self.seen.record.as_ref();
        let foreign = record.and_then(|there| dns::foreign(domain, there, &dns::ips(&self.seen.addresses)));
        if let Some(obstacle) = foreign {
            return Err(CloudError::Obstacles(vec![obstacle]));
        }
        // The zone is written on the address first: whatever ends it finds the record from there.
        let tags = dns::with_zone(&address.tags, zone);
        again(async || aws.tag(&address.id, &tags).await).await?;
        Ok(again(async || aws.put_record(zone, domain, address.ip).await).await?)
    }

    /// Everything that the next machine stands on is there before this one ends.
    fn refuse_without_successor(&self, host: &HostName) -> Result<(), CloudError> {
        self.found.image(host)?;
        self.group(host)?;
        self.subnet()?;
        let named = self.seen.disk_keys.iter().any(|key| key.named);
        if self.wanted.disk_key == DiskKey::Own && !named {
            return Err(CloudError::Gone("the name of the disks' key".to_owned()));
        }
        Ok(())
    }

    fn subnet(&self) -> Result<&Subnet, CloudError> {
        let subnet = self.seen.subnet();
        subnet.ok_or_else(|| CloudError::Gone("the subnet".to_owned()))
    }

    /// Removes what is not needed, and waits for a machine to end, since its group and subnet go after it.
    async fn remove(&mut self, kind: Kind, id: &str) -> Result<(), CloudError> {
        if let Some(address) = self.seen.addresses.iter().find(|address| address.id == id) {
            release::unlead(self.aws, &self.wanted.owner.domain, address).await?;
        }
        let mut attempt = 0;
        loop {
            match super::destroy::remove_one(self.aws, &self.seen, kind, id).await {
                // A machine lets go of its interface a little after it ended.
                Err(error) if error.why == Why::InUse && attempt < HELD => pause(attempt).await,
                outcome => break outcome?,
            }
            attempt += 1;
        }
        if kind == Kind::Instance {
            super::apply::until(self.aws, id, "terminated", MACHINE).await?;
        }
        Ok(())
    }
}

/// A token that stays the same for the same thing: 64 characters at most, and nothing random.
pub(super) fn token(parts: &[&str]) -> String {
    digest::sha256(parts.join("\0"))[..60].to_owned()
}

/// Part of a token of what may be removed and made again on the same VPC: repetitions of one call share it, and a later call
/// has another, since a token that was used brings back the answer of then and makes nothing.
fn moment() -> String {
    jiff::Timestamp::now().to_string()
}
