//! The shapes of a valid `[machines.aws]`. Only `spec::rules` builds them from a file.

use std::path::PathBuf;

/// `[machines.aws]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsMachines {
    /// The account's number; `None` only in a test: whichever the credentials are of.
    pub account: Option<String>,
    /// The region; one of the catalog's.
    pub region: String,
    /// The availability zone; `None`: the first that offers the instance type.
    pub zone: Option<String>,
    /// The instance type.
    pub instance_type: String,
    /// What machines begin as.
    pub image: Image,
    /// The public half of the login key, one line as OpenSSH writes it.
    pub public_key: String,
    /// The private half's file; `None`: agent, then `ssh_config`'s identity files.
    pub key: Option<PathBuf>,
    /// The network.
    pub network: Network,
    /// GiB of each machine's disk.
    pub volume_gib: u32,
    /// What disks are encrypted with.
    pub disk_key: DiskKey,
    /// ARN of the S3 bucket that flow logs go to.
    pub flow_logs: Option<String>,
    /// Profile of the AWS configuration.
    pub profile: Option<String>,
    /// The Route 53 zone that gets the domain's address.
    pub dns_zone: Option<String>,
}

/// What a machine begins as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    /// Debian's own newest image of a release.
    Debian(u8),
    /// Exactly this image.
    Exactly(String),
}

/// Where machines are attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// A VPC of the deployment's own.
    Own(ipnet::Ipv4Net),
    /// A subnet that exists.
    Subnet(String),
}

/// What disks are encrypted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskKey {
    /// The account's default key for EBS.
    Account,
    /// A key made for the deployment, whose end makes the disks unreadable.
    Own,
    /// The operator's key.
    Given(String),
}
