//! One change of what AWS holds, in words.

use std::collections::BTreeSet;
use std::fmt;

use crate::machines::aws::inventory::Kind;
use crate::remote::aws::model::Permission;
use crate::spec::HostName;

/// Why something that exists differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The spec wants something else than it did.
    Spec,
    /// Somebody else changed it.
    Someone,
}

/// How deep a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// Something is made.
    Create,
    /// Something is changed as it stands.
    InPlace,
    /// A machine goes with its disk, and another is made.
    Replace,
    /// Something superfluous goes.
    Remove,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Makes the key of the disks.
    MakeDiskKey,
    /// Names it.
    NameDiskKey,
    /// Has it rotated.
    RotateDiskKey,
    /// Imports the login key.
    ImportKeyPair,
    /// Removes a login key that is another than the spec's.
    DropKeyPair,
    /// Makes the VPC.
    MakeVpc,
    /// Records its traffic.
    MakeFlowLog,
    /// Makes the gateway.
    MakeGateway,
    /// Attaches it.
    AttachGateway,
    /// Makes the subnet.
    MakeSubnet,
    /// Makes the route table.
    MakeRouteTable,
    /// Leads everything to the gateway.
    RouteOut,
    /// Gives the subnet its routes.
    AssociateRoutes,
    /// Makes a host's security group.
    MakeGroup(HostName),
    /// Makes a group let through what the spec says and nothing else.
    SetPorts {
        /// The host.
        host: HostName,
        /// Who may come in from now on.
        open: BTreeSet<Permission>,
        /// Who may no longer.
        close: BTreeSet<Permission>,
        /// Whom the machine may reach from now on.
        open_out: BTreeSet<Permission>,
        /// Whom no longer.
        close_out: BTreeSet<Permission>,
        /// Why.
        by: By,
    },
    /// Writes down what the group lets through.
    NotePorts(HostName),
    /// Ends a machine that cannot become what the spec wants; its disk goes with it.
    Replace {
        /// The host.
        host: HostName,
        /// What cannot be changed.
        why: String,
    },
    /// Makes a machine.
    MakeMachine(HostName),
    /// Writes down which machine of the host it is.
    NoteMade(HostName),
    /// Starts a machine that is stopped.
    Start(HostName),
    /// Stops a machine, changes its type and starts it.
    Resize {
        /// The host.
        host: HostName,
        /// Its type.
        from: String,
        /// What it becomes.
        to: String,
        /// Why.
        by: By,
    },
    /// Gives a machine its own group and no other.
    Regroup(HostName),
    /// Makes the metadata service ask for tokens.
    RequireTokens(HostName),
    /// Protects a machine against being terminated, or no longer.
    Protect(HostName, bool),
    /// Makes a disk larger.
    Grow {
        /// The host.
        host: HostName,
        /// GiB.
        from: i32,
        /// GiB that it gets.
        to: i32,
    },
    /// Takes an address.
    TakeAddress(HostName),
    /// Gives it to the machine.
    GiveAddress(HostName),
    /// Puts the domain's address into Route 53.
    PutRecord,
    /// Removes what there is twice.
    RemoveExtra(Kind, String),
}

impl Change {
    /// How deep it goes.
    pub fn depth(&self) -> Depth {
        match self {
            Self::MakeDiskKey
            | Self::NameDiskKey
            | Self::ImportKeyPair
            | Self::MakeVpc
            | Self::MakeFlowLog
            | Self::MakeGateway
            | Self::AttachGateway
            | Self::MakeSubnet
            | Self::MakeRouteTable
            | Self::RouteOut
            | Self::AssociateRoutes
            | Self::MakeGroup(_)
            | Self::MakeMachine(_)
            | Self::TakeAddress(_) => Depth::Create,
            Self::Replace { .. } => Depth::Replace,
            Self::RemoveExtra(..) => Depth::Remove,
            _ => Depth::InPlace,
        }
    }

    /// Whether somebody else made it necessary.
    pub fn is_someones(&self) -> bool {
        match self {
            Self::SetPorts { by, .. } | Self::Resize { by, .. } => *by == By::Someone,
            Self::Regroup(_) | Self::RequireTokens(_) | Self::Protect(..) | Self::Start(_) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeDiskKey => formatter.write_str("+ a KMS key for the disks")?,
            Self::NameDiskKey => formatter.write_str("+ the alias of that key")?,
            Self::RotateDiskKey => formatter.write_str("~ that key is rotated every year")?,
            Self::ImportKeyPair => formatter.write_str("+ the login key")?,
            Self::DropKeyPair => formatter.write_str("~ the login key is replaced")?,
            Self::MakeVpc => formatter.write_str("+ a VPC")?,
            Self::MakeFlowLog => formatter.write_str("+ flow logs of it")?,
            Self::MakeGateway => formatter.write_str("+ an internet gateway")?,
            Self::AttachGateway => formatter.write_str("+ the gateway's attachment")?,
            Self::MakeSubnet => formatter.write_str("+ a subnet")?,
            Self::MakeRouteTable => formatter.write_str("+ a route table")?,
            Self::RouteOut => formatter.write_str("+ its route to the internet")?,
            Self::AssociateRoutes => formatter.write_str("+ the subnet's routes")?,
            Self::MakeGroup(host) => write!(formatter, "+ {host}: a security group")?,
            Self::SetPorts {
                host,
                open,
                close,
                open_out,
                close_out,
                ..
            } => {
                write!(formatter, "~ {host}: its security group")?;
                for (sign, way, list) in [
                    ("+", "from", open),
                    ("-", "from", close),
                    ("+", "to", open_out),
                    ("-", "to", close_out),
                ] {
                    for rule in list {
                        write!(formatter, "\n    {sign} {way} {rule}")?;
                    }
                }
            }
            Self::NotePorts(host) => write!(formatter, "~ {host}: a tag on its security group")?,
            Self::Replace { host, why } => write!(formatter, "-/+ {host}: the machine and its disk go, since {why}")?,
            Self::MakeMachine(host) => write!(formatter, "+ {host}: a machine, then everything on it")?,
            Self::NoteMade(host) => write!(formatter, "~ {host}: a tag on its security group")?,
            Self::Start(host) => write!(formatter, "~ {host}: the machine is stopped and is started")?,
            Self::Resize { host, from, to, .. } => {
                write!(
                    formatter,
                    "~ {host}: the machine is stopped, becomes {to} in place of {from}, and is started"
                )?;
            }
            Self::Regroup(host) => write!(formatter, "~ {host}: the machine is in its own security group alone")?,
            Self::RequireTokens(host) => write!(formatter, "~ {host}: the metadata service asks for tokens (IMDSv2)")?,
            Self::Protect(host, true) => write!(formatter, "~ {host}: protected against being terminated")?,
            Self::Protect(host, false) => write!(formatter, "~ {host}: no longer protected against being terminated")?,
            // cloud-init grows the file system whenever the machine boots.
            Self::Grow { host, from, to } => write!(
                formatter,
                "~ {host}: its disk grows from {from} to {to} GiB; its file system follows when it boots next"
            )?,
            Self::TakeAddress(host) => write!(formatter, "+ {host}: an Elastic IP address")?,
            Self::GiveAddress(host) => write!(formatter, "~ {host}: the machine gets its address")?,
            Self::PutRecord => formatter.write_str("~ the domain's address in Route 53")?,
            Self::RemoveExtra(kind, id) => write!(formatter, "- {kind} {id}, of which there is one too many")?,
        }
        if self.is_someones() {
            formatter.write_str(" (somebody else changed this)")
        } else {
            Ok(())
        }
    }
}
