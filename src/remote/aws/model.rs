//! What AWS's API says of things, as far as anybody here asks. Plain data that needs no AWS crate.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crate::seen::Seen;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account's number.
    pub account: String,
    /// The caller's ARN.
    pub arn: String,
}

/// A VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    /// Id.
    pub id: String,
    /// Network.
    pub cidr: String,
    /// Tags.
    pub tags: Tags,
}

/// An internet gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Id.
    pub id: String,
    /// The VPC that it is attached to.
    pub vpc: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// Id.
    pub id: String,
    /// Its VPC.
    pub vpc: String,
    /// Network.
    pub cidr: String,
    /// Availability zone.
    pub zone: String,
    /// Tags.
    pub tags: Tags,
}

/// A route table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTable {
    /// Id.
    pub id: String,
    /// Its VPC.
    pub vpc: String,
    /// Where 0.0.0.0/0 leads, when there is such a route.
    pub way_out: Option<String>,
    /// Subnets by the association's id.
    pub subnets: BTreeMap<String, String>,
    /// Tags.
    pub tags: Tags,
}

/// One rule of a security group: a protocol, ports, and one peer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// `tcp`, `udp`, `icmp`, or `-1` for all.
    pub protocol: String,
    /// First and last port; `None` for all.
    pub ports: Option<(u16, u16)>,
    /// A network in CIDR notation, or the id of a group or prefix list.
    pub peer: String,
}

impl std::fmt::Display for Permission {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let protocol = if self.protocol == "-1" { "all" } else { &self.protocol };
        match self.ports {
            None => write!(formatter, "{protocol} {}", self.peer),
            Some((first, last)) if first == last => write!(formatter, "{protocol}/{first} {}", self.peer),
            Some((first, last)) => write!(formatter, "{protocol}/{first}-{last} {}", self.peer),
        }
    }
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Id.
    pub id: String,
    /// Name within its VPC.
    pub name: String,
    /// Its VPC.
    pub vpc: String,
    /// Who may come in.
    pub ingress: BTreeSet<Permission>,
    /// Who may be reached.
    pub egress: BTreeSet<Permission>,
    /// Tags.
    pub tags: Tags,
}

/// A login key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Tags.
    pub tags: Tags,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Id.
    pub id: String,
    /// `pending`, `running`, `stopping`, `stopped`, `shutting-down`.
    pub state: String,
    /// Instance type.
    pub instance_type: String,
    /// Image.
    pub image: String,
    /// Availability zone.
    pub zone: String,
    /// Subnet.
    pub subnet: Option<String>,
    /// Security groups of all its interfaces.
    pub groups: BTreeSet<String>,
    /// Network interfaces.
    pub interfaces: BTreeSet<String>,
    /// Public addresses of all its interfaces.
    pub public: BTreeSet<Ipv4Addr>,
    /// The private address of the first interface.
    pub private: Option<Ipv4Addr>,
    /// Volumes by device.
    pub volumes: BTreeMap<String, String>,
    /// The device it boots from.
    pub root_device: String,
    /// Whether the metadata service asks for a session token (IMDSv2).
    pub tokens_required: bool,
    /// How many hops its answers live.
    pub hop_limit: i32,
    /// The instance profile, where it has one.
    pub role: Option<String>,
    /// Whether it cannot be terminated.
    pub protected: Seen<bool>,
    /// Tags.
    pub tags: Tags,
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Id.
    pub id: String,
    /// GiB.
    pub gib: i32,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The key's ARN.
    pub key: Option<String>,
    /// The machine that has it.
    pub instance: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// A snapshot of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Id.
    pub id: String,
    /// The disk.
    pub volume: String,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Accounts that may use it; `all` is everybody.
    pub shared_with: Seen<BTreeSet<String>>,
    /// Tags.
    pub tags: Tags,
}

/// What a copy of a disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CopyKind {
    /// A snapshot.
    Snapshot,
    /// An image that stands on a snapshot.
    Image,
}

impl std::fmt::Display for CopyKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Snapshot => "snapshot",
            Self::Image => "image",
        })
    }
}

/// A copy of a disk, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskCopy {
    /// What it is.
    pub kind: CopyKind,
    /// Id.
    pub id: String,
    /// The disk or snapshot that it was made of.
    pub of: String,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The key's ARN.
    pub key: Option<String>,
}

/// The disks that a type of machine has in its own case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceStore {
    /// Whether the hardware encrypts them.
    pub encrypted: bool,
}

/// An Elastic IP address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Allocation id.
    pub id: String,
    /// The address.
    pub ip: Ipv4Addr,
    /// Id of its association.
    pub association: Option<String>,
    /// The machine that has it.
    pub instance: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// The address record of a name in Route 53.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DnsRecord {
    /// Addresses.
    Plain {
        /// Each of them.
        addresses: BTreeSet<String>,
        /// Seconds that others may remember them.
        ttl: i64,
    },
    /// Another name of something in AWS.
    Alias(String),
    /// Several records of which a policy chooses one; the addresses of all.
    Routed(BTreeSet<String>),
}

impl std::fmt::Display for DnsRecord {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |all: &BTreeSet<String>| all.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        match self {
            Self::Plain { addresses, .. } => formatter.write_str(&list(addresses)),
            Self::Alias(target) => write!(formatter, "{target} (an alias)"),
            Self::Routed(addresses) => write!(formatter, "{} (chosen by a routing policy)", list(addresses)),
        }
    }
}

/// A flow log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLog {
    /// Id.
    pub id: String,
    /// The VPC, subnet or interface.
    pub resource: String,
    /// ARN that it writes to.
    pub destination: String,
    /// Whether it records all traffic and is delivered.
    pub active: bool,
    /// Tags.
    pub tags: Tags,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Id.
    pub id: String,
    /// The machine that has it.
    pub instance: Option<String>,
    /// Its IPv6 addresses, all of which are public.
    pub ipv6: BTreeSet<Ipv6Addr>,
    /// Tags.
    pub tags: Tags,
}

/// A key of KMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskKeySeen {
    /// ARN.
    pub arn: String,
    /// Whether it can be used.
    pub enabled: bool,
    /// Whether its end is scheduled.
    pub ending: bool,
    /// Whether AWS holds it for the customer, who then has no say in its rotation.
    pub aws_managed: bool,
    /// Whether it is rotated every year.
    pub rotated: Seen<bool>,
    /// Whether the deployment's alias names it.
    pub named: bool,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSeen {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// The device it boots from.
    pub root_device: String,
    /// When it was made, RFC 3339.
    pub made: String,
    /// Its architecture, as AWS names it.
    pub architecture: String,
    /// The devices of its disks.
    pub disks: BTreeSet<String>,
}

/// How a machine stands, or how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Id.
    pub id: String,
    /// `pending`, `running`, `stopping`, `stopped`, `shutting-down`, `terminated`.
    pub state: String,
    /// Why AWS, or whoever asked it to, brought it there; empty where nothing is said.
    pub reason: String,
    /// Its architecture, as AWS names it.
    pub architecture: String,
    /// Tags.
    pub tags: Tags,
}

/// A change of a disk that is going on, or was the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modification {
    /// `modifying`, `optimizing`, `completed`, `failed`.
    pub state: String,
    /// GiB that it comes to.
    pub gib: Option<i32>,
    /// What AWS says of it.
    pub said: String,
}

/// An agreement that Artifact knows of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Agreement {
    /// Its name.
    pub name: String,
    /// The account that it was accepted for.
    pub account: Option<String>,
    /// The organization that it was accepted for.
    pub organization: Option<String>,
    /// `ACTIVE`, `CUSTOMER_TERMINATED`, `AWS_TERMINATED`.
    pub state: String,
    /// From when, RFC 3339.
    pub from: Option<String>,
    /// Until when, RFC 3339.
    pub until: Option<String>,
}

/// A trail of CloudTrail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// Name.
    pub name: String,
    /// Whether it covers all regions.
    pub everywhere: bool,
    /// Whether its files can be checked for changes.
    pub validated: bool,
    /// Whether it records now.
    pub recording: Seen<bool>,
}

/// What the account sets for all its disks and snapshots in a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSettings {
    /// Whether new disks are encrypted by default.
    pub disks_encrypted: Seen<bool>,
    /// Whether snapshots cannot be shared with everybody.
    pub snapshots_blocked: Seen<bool>,
    /// Trails that cover the region.
    pub trails: Seen<Vec<Trail>>,
}
