//! What AWS holds of a deployment in one region, found by its tags. Plain data.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::machines::aws::names;
use crate::machines::aws::names::Owner;
use crate::remote::aws::model::Address;
use crate::remote::aws::model::DiskKeySeen;
use crate::remote::aws::model::DnsRecord;
use crate::remote::aws::model::FlowLog;
use crate::remote::aws::model::Gateway;
use crate::remote::aws::model::Group;
use crate::remote::aws::model::Instance;
use crate::remote::aws::model::Interface;
use crate::remote::aws::model::KeyPair;
use crate::remote::aws::model::RouteTable;
use crate::remote::aws::model::Snapshot;
use crate::remote::aws::model::Subnet;
use crate::remote::aws::model::Tags;
use crate::remote::aws::model::Volume;
use crate::remote::aws::model::Vpc;

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// VPCs.
    pub vpcs: Vec<Vpc>,
    /// Internet gateways.
    pub gateways: Vec<Gateway>,
    /// Subnets.
    pub subnets: Vec<Subnet>,
    /// Route tables.
    pub route_tables: Vec<RouteTable>,
    /// Security groups.
    pub groups: Vec<Group>,
    /// Login keys.
    pub key_pairs: Vec<KeyPair>,
    /// Machines, but for terminated ones.
    pub instances: Vec<Instance>,
    /// Disks.
    pub volumes: Vec<Volume>,
    /// Snapshots.
    pub snapshots: Vec<Snapshot>,
    /// Elastic IP addresses.
    pub addresses: Vec<Address>,
    /// Flow logs.
    pub flow_logs: Vec<FlowLog>,
    /// Network interfaces.
    pub interfaces: Vec<Interface>,
    /// The operator's own subnet, where the spec names one and it exists.
    pub given_subnet: Option<Subnet>,
    /// Keys made for the deployment's disks whose end is not scheduled.
    pub disk_keys: Vec<DiskKeySeen>,
    /// Their tags, by ARN.
    pub key_tags: BTreeMap<String, Tags>,
    /// The domain's record in Route 53, where the spec names a zone and there is one.
    pub record: Option<DnsRecord>,
}

/// A kind of thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Record in Route 53.
    Record,
    /// Elastic IP address.
    Address,
    /// Machine.
    Instance,
    /// Disk.
    Volume,
    /// Snapshot.
    Snapshot,
    /// Network interface.
    Interface,
    /// Flow log.
    FlowLog,
    /// Security group.
    Group,
    /// Subnet.
    Subnet,
    /// Route table.
    RouteTable,
    /// Internet gateway.
    Gateway,
    /// VPC.
    Vpc,
    /// Login key.
    KeyPair,
    /// Key of the disks.
    DiskKey,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Record => "DNS record",
            Self::Address => "Elastic IP address",
            Self::Instance => "instance",
            Self::Volume => "volume",
            Self::Snapshot => "snapshot",
            Self::Interface => "network interface",
            Self::FlowLog => "flow log",
            Self::Group => "security group",
            Self::Subnet => "subnet",
            Self::RouteTable => "route table",
            Self::Gateway => "internet gateway",
            Self::Vpc => "VPC",
            Self::KeyPair => "key pair",
            Self::DiskKey => "KMS key",
        })
    }
}

impl Inventory {
    /// Kind, id and tags of everything that carries tags.
    pub fn things(&self) -> Vec<(Kind, &str, &Tags)> {
        let mut all: Vec<(Kind, &str, &Tags)> = Vec::new();
        all.extend(self.addresses.iter().map(|a| (Kind::Address, a.id.as_str(), &a.tags)));
        all.extend(self.instances.iter().map(|i| (Kind::Instance, i.id.as_str(), &i.tags)));
        all.extend(self.volumes.iter().map(|v| (Kind::Volume, v.id.as_str(), &v.tags)));
        all.extend(self.snapshots.iter().map(|s| (Kind::Snapshot, s.id.as_str(), &s.tags)));
        all.extend(
            self.interfaces
                .iter()
                .map(|i| (Kind::Interface, i.id.as_str(), &i.tags)),
        );
        all.extend(self.flow_logs.iter().map(|f| (Kind::FlowLog, f.id.as_str(), &f.tags)));
        all.extend(self.groups.iter().map(|g| (Kind::Group, g.id.as_str(), &g.tags)));
        all.extend(self.subnets.iter().map(|s| (Kind::Subnet, s.id.as_str(), &s.tags)));
        all.extend(
            self.route_tables
                .iter()
                .map(|r| (Kind::RouteTable, r.id.as_str(), &r.tags)),
        );
        all.extend(self.gateways.iter().map(|g| (Kind::Gateway, g.id.as_str(), &g.tags)));
        all.extend(self.vpcs.iter().map(|v| (Kind::Vpc, v.id.as_str(), &v.tags)));
        all.extend(self.key_pairs.iter().map(|k| (Kind::KeyPair, k.name.as_str(), &k.tags)));
        all
    }

    /// Whether nothing of the deployment is there.
    pub fn is_empty(&self) -> bool {
        self.things().is_empty() && self.disk_keys.is_empty()
    }

    /// What carries the deployment's name and is another owner's, with that owner's domain.
    pub fn strangers(&self, owner: &Owner) -> Vec<(Kind, String, String)> {
        let others = self.things().into_iter().filter(|(_, _, tags)| !owner.owns(tags));
        others
            .filter_map(|(kind, id, tags)| Some((kind, id.to_owned(), tags.get(names::DOMAIN)?.clone())))
            .collect()
    }

    /// What carries the deployment's name and no domain: it may be anybody's, this owner's too.
    pub fn of_no_domain(&self) -> Vec<(Kind, &str, &Tags)> {
        let mut all = self.things();
        all.retain(|(_, _, tags)| !tags.contains_key(names::DOMAIN));
        all
    }

    /// Without what is another owner's, or may be.
    #[must_use]
    pub fn only(mut self, owner: &Owner) -> Self {
        self.vpcs.retain(|thing| owner.owns(&thing.tags));
        self.gateways.retain(|thing| owner.owns(&thing.tags));
        self.subnets.retain(|thing| owner.owns(&thing.tags));
        self.route_tables.retain(|thing| owner.owns(&thing.tags));
        self.groups.retain(|thing| owner.owns(&thing.tags));
        self.key_pairs.retain(|thing| owner.owns(&thing.tags));
        self.instances.retain(|thing| owner.owns(&thing.tags));
        self.volumes.retain(|thing| owner.owns(&thing.tags));
        self.snapshots.retain(|thing| owner.owns(&thing.tags));
        self.addresses.retain(|thing| owner.owns(&thing.tags));
        self.flow_logs.retain(|thing| owner.owns(&thing.tags));
        self.interfaces.retain(|thing| owner.owns(&thing.tags));
        self
    }

    /// Kind, id and tags of everything that says whose it is and how long: keys too, and no machine that ends already.
    pub fn marked(&self) -> Vec<(Kind, &str, &Tags)> {
        let ends = |id: &str| self.instances.iter().any(|m| m.id == id && m.state == "shutting-down");
        let mut all = self.things();
        all.retain(|(kind, id, _)| *kind != Kind::Instance || !ends(id));
        let keys = self.key_tags.iter();
        all.extend(keys.map(|(arn, tags)| (Kind::DiskKey, arn.as_str(), tags)));
        all
    }

    /// What does not say that it is a test. Tags come with a thing, so one without has lost them.
    pub fn production(&self) -> Vec<(Kind, &str)> {
        let is_test = |tags: &Tags| tags.get(names::ENVIRONMENT).is_some_and(|word| word == "test");
        let all = self.marked().into_iter().filter(|(_, _, tags)| !is_test(tags));
        all.map(|(kind, id, _)| (kind, id)).collect()
    }

    /// When a test of which something exists may be destroyed: the earliest end that anything says.
    pub fn expires(&self) -> Option<String> {
        let end = |tags: &Tags| {
            Some((
                tags.get(names::EXPIRES)?.parse::<Timestamp>().ok()?,
                tags[names::EXPIRES].clone(),
            ))
        };
        let ends = self.marked().into_iter().filter_map(|(_, _, tags)| end(tags));
        ends.min().map(|(_, text)| text)
    }

    /// The VPC of its own that is used: the one with a machine, else with a subnet or a group of ours, else the first.
    pub fn vpc(&self) -> Option<&Vpc> {
        let lived_in = |vpc: &&Vpc| {
            self.subnets
                .iter()
                .any(|net| net.vpc == vpc.id && self.is_lived_in(net))
        };
        let in_use = |vpc: &&Vpc| {
            self.subnets.iter().any(|subnet| subnet.vpc == vpc.id)
                || self.groups.iter().any(|group| group.vpc == vpc.id)
        };
        let used = self.vpcs.iter().find(lived_in);
        used.or_else(|| self.vpcs.iter().find(in_use))
            .or_else(|| self.vpcs.first())
    }

    /// Whether a machine is in a subnet.
    fn is_lived_in(&self, subnet: &Subnet) -> bool {
        self.instances
            .iter()
            .any(|machine| machine.subnet.as_ref() == Some(&subnet.id))
    }

    /// Id of the VPC that hosts are in: that of the operator's subnet, else its own.
    pub fn home(&self) -> Option<&str> {
        let given = self.given_subnet.as_ref().map(|subnet| subnet.vpc.as_str());
        given.or_else(|| self.vpc().map(|vpc| vpc.id.as_str()))
    }

    /// The gateway that is used: the one that is attached to that VPC, else one that is free.
    pub fn gateway(&self) -> Option<&Gateway> {
        let home = self.home();
        let here = |gateway: &&Gateway| gateway.vpc.is_some() && gateway.vpc.as_deref() == home;
        let free = |gateway: &&Gateway| gateway.vpc.is_none();
        let attached = self.gateways.iter().find(here);
        attached.or_else(|| self.gateways.iter().find(free))
    }

    /// The route table that is used.
    pub fn route_table(&self) -> Option<&RouteTable> {
        let home = self.home();
        self.route_tables.iter().find(|table| Some(table.vpc.as_str()) == home)
    }

    /// The subnet that machines are in: the operator's, else the own one with a machine, else the first of that VPC.
    pub fn subnet(&self) -> Option<&Subnet> {
        let home = self.home();
        let own = || self.subnets.iter().filter(|net| Some(net.vpc.as_str()) == home);
        let given = self.given_subnet.as_ref();
        given
            .or_else(|| own().find(|net| self.is_lived_in(net)))
            .or_else(|| own().next())
    }

    /// The key of the disks: the one with the name, else one that a disk is encrypted with, else the first.
    pub fn disk_key(&self) -> Option<&DiskKeySeen> {
        let named = self.disk_keys.iter().find(|key| key.named);
        let used = || self.disk_keys.iter().find(|key| self.encrypts(&key.arn));
        named.or_else(used).or_else(|| self.disk_keys.first())
    }

    /// Whether a disk is encrypted with a key.
    pub fn encrypts(&self, arn: &str) -> bool {
        self.volumes.iter().any(|volume| volume.key.as_deref() == Some(arn))
    }

    /// A host's machine: the newest generation.
    pub fn instance(&self, host: &str) -> Option<&Instance> {
        let of_host = self.instances.iter().filter(|machine| is_of(&machine.tags, host));
        let alive = of_host.filter(|machine| machine.state != "shutting-down");
        alive.max_by_key(|machine| generation(&machine.tags))
    }

    /// A host's security group, which is one only in the VPC that hosts are in.
    pub fn group(&self, host: &str) -> Option<&Group> {
        let home = self.home();
        let here = |group: &&Group| is_of(&group.tags, host) && Some(group.vpc.as_str()) == home;
        self.groups.iter().find(here)
    }

    /// A host's first disk.
    pub fn root_disk(&self, machine: &Instance) -> Option<&Volume> {
        let root = machine.volumes.get(&machine.root_device)?;
        self.volumes.iter().find(|volume| volume.id == *root)
    }

    /// A host's address: the one that a machine has, else the first.
    pub fn address(&self, host: &str) -> Option<&Address> {
        let of_host = || self.addresses.iter().filter(|address| is_of(&address.tags, host));
        of_host()
            .find(|address| address.instance.is_some())
            .or_else(|| of_host().next())
    }
}

/// Whether tags name a host.
pub fn is_of(tags: &Tags, host: &str) -> bool {
    tags.get(names::HOST).is_some_and(|name| name == host)
}

/// Which of a host's machines this is.
pub fn generation(tags: &Tags) -> u32 {
    tags.get(names::GENERATION)
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}
