//! The view of the cloud's own API: what the account holds of the deployment, and what it sets for all disks. A call that
//! was denied leaves open what rests on it, with the permission's name, and nothing else.

pub mod agreement;
#[cfg(feature = "aws")]
mod lists;
#[cfg(feature = "aws")]
mod look;

pub use agreement::Standing;
pub use agreement::standing;
#[cfg(feature = "aws")]
pub use look::agreement as ask_agreement;
#[cfg(feature = "aws")]
pub use look::look;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::seen::Seen;
use crate::spec::Spec;

pub use crate::machines::aws::names;
pub use crate::remote::aws::Endpoint;
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
pub use crate::remote::aws::model::Tags;
pub use crate::remote::aws::model::Trail;
pub use crate::remote::aws::model::Volume;

/// Everything that was asked of the cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudFacts {
    /// When.
    pub at: String,
    /// The region.
    pub region: String,
    /// Services that were asked elsewhere than at AWS's own endpoints.
    pub endpoints: Vec<Endpoint>,
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
    /// Network interfaces: those that carry the tag, and those of the machines.
    pub interfaces: Seen<Vec<Interface>>,
    /// Flow logs of the network.
    pub flow_logs: Seen<Vec<FlowLog>>,
    /// What a flow log has to record to record the network: the VPC of the deployment, or one of the subnet that the spec
    /// names and the VPC around it.
    pub recorded: Seen<BTreeSet<String>>,
    /// The keys of the disks, by ARN.
    pub keys: BTreeMap<String, Seen<DiskKeySeen>>,
    /// What the account sets.
    pub settings: AccountSettings,
    /// The tags of everything that was collected, whether or not it carries one of ours.
    pub tagged: Seen<Vec<Tagged>>,
}

/// One thing and its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// Kind and id.
    pub thing: String,
    /// Whether a single host has it.
    pub of_host: bool,
    /// Its tags.
    pub tags: Tags,
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
    /// ARN of the bucket that the records go to, where the spec says.
    pub flow_logs: Option<String>,
    /// Tags that everything carries, with these values.
    pub tags: Tags,
    /// Whether everything says when it may be destroyed.
    pub ends: bool,
}

/// Tags that everything of a deployment carries, whatever it is.
pub fn tags_of(spec: &Spec) -> Tags {
    let environment = if spec.deployment.environment.is_test() {
        "test"
    } else {
        "production"
    };
    Tags::from([
        (names::DEPLOYMENT.to_owned(), spec.deployment.name.to_string()),
        (names::DOMAIN.to_owned(), spec.deployment.domain.to_string()),
        (names::ENVIRONMENT.to_owned(), environment.to_owned()),
    ])
}

/// Wanted and seen, and what lies between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudCase {
    /// What is wanted.
    pub wanted: CloudWanted,
    /// What was seen.
    pub facts: CloudFacts,
    /// What was seen for which `apply` would refuse to change anything, a line each.
    pub refused: Vec<String>,
    /// What `apply` would change, a line each, as `plan` shows it.
    pub drift: Seen<Vec<String>>,
}
