//! A change of what AWS holds, in words.

use std::fmt;

use crate::machines::aws::change::By;
use crate::machines::aws::change::Change;
use crate::machines::aws::change::Crossing;
use crate::machines::aws::change::Depth;
use crate::machines::aws::inventory::Kind;

/// What goes with a disk.
const ON_DISK: &str = "with the accounts, secrets and logs on it";

fn retag(
    things: &[(Kind, String)],
    end: Option<&str>,
    crossing: Crossing,
    formatter: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let list: Vec<String> = things.iter().map(|(kind, id)| format!("{kind} {id}")).collect();
    let list = list.join(", ");
    let end = end.unwrap_or("no end");
    match crossing {
        Crossing::Stays => write!(formatter, "~ the tags of environment and end of {list}"),
        Crossing::IntoProduction => write!(
            formatter,
            "~ A TEST BECOMES PRODUCTION, which no `reap` destroys: the tags of {list}"
        ),
        Crossing::OutOfProduction => write!(
            formatter,
            "~ PRODUCTION BECOMES A TEST, which `reap` destroys after {end}: the tags of {list}"
        ),
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retag { things, end, crossing } => retag(things, end.as_deref(), *crossing, formatter)?,
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
            Self::Replace { host, why, .. } => write!(
                formatter,
                "-/+ {host}: the machine goes, and its disk {ON_DISK}, since {why}"
            )?,
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
            Self::Protect(host, true, _) => write!(formatter, "~ {host}: protected against being terminated")?,
            Self::Protect(host, false, _) => {
                write!(formatter, "~ {host}: no longer protected against being terminated")?
            }
            Self::Grow { host, from, to } => write!(formatter, "~ {host}: its disk grows from {from} to {to} GiB")?,
            Self::TakeAddress(host) => write!(formatter, "+ {host}: an Elastic IP address")?,
            Self::GiveAddress(host) => write!(formatter, "~ {host}: the machine gets its address")?,
            Self::PutRecord => formatter.write_str("~ the domain's address in Route 53")?,
            Self::RemoveExtra(kind, id) => write!(formatter, "- {kind} {id}, of which there is one too many")?,
            Self::RemoveStray { kind, id, host } => {
                let of = host.as_ref().map(|host| format!(" of {host}")).unwrap_or_default();
                write!(formatter, "- {kind} {id}{of}, which the spec no longer names")?;
            }
        }
        if self.ends_machine().is_some() && self.depth() == Depth::Remove {
            write!(formatter, "; its disk goes {ON_DISK}")?;
        }
        match self.by() {
            By::Someone => formatter.write_str(" (somebody else changed this)"),
            By::Spec => Ok(()),
        }
    }
}
