//! One change of what AWS holds. Plain data; `words` says it.

use std::collections::BTreeSet;

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

/// What the right tags make of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Crossing {
    /// What it was.
    Stays,
    /// Production out of a test.
    IntoProduction,
    /// A test, which ends, out of production.
    OutOfProduction,
}

/// How deep a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl By {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::Someone => "someone",
        }
    }
}

impl Depth {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::InPlace => "in-place",
            Self::Replace => "replace",
            Self::Remove => "remove",
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Has everything say the environment and the end that it has.
    Retag {
        /// What says something else.
        things: Vec<(Kind, String)>,
        /// When a test may be destroyed.
        end: Option<String>,
        /// What becomes of the deployment.
        crossing: Crossing,
    },
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
        /// The machine's id.
        machine: String,
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
    Protect(HostName, bool, By),
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
    /// Removes what carries the deployment's tags and the spec no longer names.
    RemoveStray {
        /// What it is.
        kind: Kind,
        /// Its id.
        id: String,
        /// The host that it was made for.
        host: Option<String>,
    },
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
            Self::RemoveExtra(..) | Self::RemoveStray { .. } => Depth::Remove,
            _ => Depth::InPlace,
        }
    }

    /// Who made it necessary.
    pub fn by(&self) -> By {
        match self {
            Self::SetPorts { by, .. } | Self::Resize { by, .. } | Self::Protect(_, _, by) => *by,
            Self::Regroup(_) | Self::RequireTokens(_) | Self::Start(_) => By::Someone,
            Self::Retag { crossing, .. } if *crossing == Crossing::Stays => By::Someone,
            _ => By::Spec,
        }
    }

    /// The host that it is about; `None`: what there is once.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::MakeGroup(host)
            | Self::SetPorts { host, .. }
            | Self::NotePorts(host)
            | Self::Replace { host, .. }
            | Self::MakeMachine(host)
            | Self::NoteMade(host)
            | Self::Start(host)
            | Self::Resize { host, .. }
            | Self::Regroup(host)
            | Self::RequireTokens(host)
            | Self::Protect(host, ..)
            | Self::Grow { host, .. }
            | Self::TakeAddress(host)
            | Self::GiveAddress(host) => Some(host.as_str()),
            Self::RemoveStray { host, .. } => host.as_deref(),
            _ => None,
        }
    }

    /// What goes for good: the id of a thing that exists.
    fn ended(&self) -> Option<&str> {
        match self {
            Self::Replace { machine: id, .. } | Self::RemoveExtra(_, id) | Self::RemoveStray { id, .. } => {
                Some(id.as_str())
            }
            _ => None,
        }
    }

    /// The name under which an operator agrees that a machine goes with its disk: its host, or its id where it has none.
    pub fn ends_machine(&self) -> Option<&str> {
        match self {
            Self::Replace { .. } => self.host(),
            Self::RemoveStray {
                kind: Kind::Instance, ..
            }
            | Self::RemoveExtra(Kind::Instance, _) => self.host().or(self.ended()),
            _ => None,
        }
    }

    /// Whether `later` does no more than this: the same to the same thing, or what follows from it.
    pub fn covers(&self, later: &Self) -> bool {
        let crossing = |change: &Self| match change {
            Self::Retag { crossing, .. } => Some(*crossing),
            _ => None,
        };
        match (self, later) {
            (Self::Resize { host, .. }, Self::Start(other)) => host == other,
            // A new machine is not whole until it is set as every machine is.
            (
                Self::MakeMachine(host),
                Self::Start(other) | Self::Regroup(other) | Self::RequireTokens(other) | Self::Protect(other, ..),
            ) => host == other,
            _ => {
                std::mem::discriminant(self) == std::mem::discriminant(later)
                    && (self.host(), self.ended(), crossing(self)) == (later.host(), later.ended(), crossing(later))
            }
        }
    }
}
