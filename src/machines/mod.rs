//! Where hosts come from. Knows nothing of Jitsi.

pub mod aws;
pub mod existing;
pub mod lab;
pub mod lab_hosts;
pub mod terraform;

use std::net::IpAddr;

use crate::spec::HostName;
use crate::spec::HostSpec;
use crate::spec::SshTarget;

/// A host that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The spec's host, with the addresses that its owner knows filled in.
    pub host: HostSpec,
    /// How to log in.
    pub target: SshTarget,
    /// Where clients reach it; empty: what DNS says for the domain.
    pub outside: Vec<IpAddr>,
}

/// A host that does not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// The spec's host.
    pub host: HostSpec,
    /// What the machine will be called where it is made.
    pub machine_name: HostName,
}
