//! The view of the cloud's own API: what the account holds of the deployment, and what it sets for all disks. A call that
//! was denied leaves open what rests on it, with the permission's name, and nothing else.

pub mod agreement;
#[cfg(feature = "aws")]
mod look;

pub use agreement::Standing;
pub use agreement::standing;
#[cfg(feature = "aws")]
pub use look::look;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::seen::Seen;

pub use crate::remote::aws::model::AccountSettings;
pub use crate::remote::aws::model::Address;
pub use crate::remote::aws::model::DiskKeySeen;
pub use crate::remote::aws::model::FlowLog;
pub use crate::remote::aws::model::Group;
pub use crate::remote::aws::model::Identity;
pub use crate::remote::aws::model::Instance;
pub use crate::remote::aws::model::Interface;
pub use crate::remote::aws::model::Permission;
pub use crate::remote::aws::model::Snapshot;
pub use crate::remote::aws::model::Trail;
pub use crate::remote::aws::model::Volume;

/// Everything that was asked of the cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudFacts {
    /// When.
    pub at: String,
    /// The region.
    pub region: String,
    /// Who asked.
    pub identity: Seen<Identity>,
    /// How the agreement stands.
    pub agreement: Seen<Standing>,
    /// Machines.
    pub instances: Seen<Vec<Instance>>,
    /// Security groups that machines are in.
    pub groups: Seen<Vec<Group>>,
    /// Disks.
    pub volumes: Seen<Vec<Volume>>,
    /// Snapshots of those disks, and what carries the tag.
    pub snapshots: Seen<Vec<Snapshot>>,
    /// Elastic IP addresses.
    pub addresses: Seen<Vec<Address>>,
    /// Network interfaces.
    pub interfaces: Seen<Vec<Interface>>,
    /// Flow logs of the network by the id of what they record.
    pub flow_logs: Seen<Vec<FlowLog>>,
    /// The network that has to be recorded: the VPC of the deployment, or the subnet that the spec names.
    pub recorded: Seen<String>,
    /// The keys of the disks, by ARN.
    pub keys: BTreeMap<String, Seen<DiskKeySeen>>,
    /// What the account sets.
    pub settings: AccountSettings,
    /// Tags that every thing has to carry.
    pub tagged: Seen<Vec<Tagged>>,
}

/// One thing and the tags of ours that it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// Kind and id.
    pub thing: String,
    /// Keys of the tags that it lacks.
    pub lacks: Vec<String>,
}

/// What the spec wants of the cloud, as far as controls compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudWanted {
    /// Who may come in, by host.
    pub open: BTreeMap<String, BTreeSet<Permission>>,
    /// Whom machines may reach, as far as the cloud decides.
    pub egress: BTreeSet<Permission>,
    /// Whether the deployment's network is recorded.
    pub recorded: bool,
}

/// Both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudCase {
    /// What is wanted.
    pub wanted: CloudWanted,
    /// What was seen.
    pub facts: CloudFacts,
}
