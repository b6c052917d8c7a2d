//! What everything that we make in AWS is called and tagged with, so that it is found again without a record.

use crate::remote::aws::model::Tags;

/// The deployment's name; whatever carries it is ours.
pub const DEPLOYMENT: &str = "anteroom:deployment";
/// The deployment's domain: two owners may choose the same name, but no domain.
pub const DOMAIN: &str = "anteroom:domain";
/// Why a thing with the deployment's name and no domain is neither changed nor removed.
pub const NO_DOMAIN: &str =
    "it carries the deployment's tag and no anteroom:domain; see whose it is, tag it or remove it";
/// `production` or `test`.
pub const ENVIRONMENT: &str = "anteroom:environment";
/// When a test may be destroyed, RFC 3339.
pub const EXPIRES: &str = "anteroom:expires";
/// What a host does.
pub const ROLE: &str = "anteroom:role";
/// The spec's name of a host.
pub const HOST: &str = "anteroom:host";
/// Digest of the public half of the login key.
pub const KEY: &str = "anteroom:login-key";
/// Digest of what a group last let through by our doing.
pub const PORTS: &str = "anteroom:ports";
/// The instance type that we last gave a machine.
pub const TYPE: &str = "anteroom:type";
/// What the spec asked for when a machine was made, and the image that it got.
pub const IMAGE: &str = "anteroom:image";
/// Which of a host's machines this is, counted from 0.
pub const GENERATION: &str = "anteroom:generation";
/// On a host's group: the last generation that was made.
pub const MADE: &str = "anteroom:made";
/// Fingerprint of a machine's SSH host key, as its console showed it.
pub const HOST_KEY: &str = "anteroom:host-key";

/// On an address: ids of the Route 53 zones in which a record leads to it.
pub const DNS_ZONE: &str = "anteroom:dns-zone";

/// Whose a thing is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// The deployment's name.
    pub deployment: String,
    /// Its domain.
    pub domain: String,
}

impl Owner {
    /// Whether tags name this owner.
    pub fn owns(&self, tags: &Tags) -> bool {
        tags.get(DEPLOYMENT) == Some(&self.deployment) && tags.get(DOMAIN) == Some(&self.domain)
    }

    /// The name of what there is once.
    pub fn name(&self) -> String {
        format!("anteroom-{}", self.deployment)
    }

    /// The name of what a host has.
    pub fn host_name(&self, host: &str) -> String {
        format!("anteroom-{}-{host}", self.deployment)
    }

    /// What a host's security group says of itself.
    pub fn about(&self, host: &str) -> String {
        format!("{host} of the Anteroom deployment {}", self.deployment)
    }

    /// The alias of the disks' key.
    pub fn alias(&self) -> String {
        format!("alias/anteroom-{}", self.deployment)
    }
}
