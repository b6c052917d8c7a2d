//! What a spec wants of AWS. No look, no clock: the moment is given.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::digest;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::names;
use crate::machines::aws::names::Owner;
use crate::remote::aws::model::Permission;
use crate::remote::aws::model::Tags;
use crate::spec::AwsMachines;
use crate::spec::DiskKey;
use crate::spec::Environment;
use crate::spec::HostName;
use crate::spec::HostSpec;
use crate::spec::Image;
use crate::spec::Network;
use crate::spec::Role;
use crate::spec::Spec;

/// Everybody, in IPv4; the VPC has no IPv6.
const ANYWHERE: &str = "0.0.0.0/0";

/// Ports that everybody may reach.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opening {
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// First and last.
    pub ports: (u16, u16),
}

/// Whether a test may take the place of production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// No; it is refused.
    Refused,
    /// The operator said so.
    Agreed,
}

/// Everything that a spec wants of AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Whose it is.
    pub owner: Owner,
    /// Production, or a test with an end.
    pub environment: Environment,
    /// When a test made now may be destroyed.
    pub expires: Option<String>,
    /// Whether it may be a test where production is.
    pub leaving: Leaving,
    /// The availability zone, when the spec names one.
    pub zone: Option<String>,
    /// The network.
    pub network: Network,
    /// The public half of the login key.
    pub public_key: String,
    /// What disks are encrypted with.
    pub disk_key: DiskKey,
    /// ARN of the bucket that flow logs go to.
    pub flow_logs: Option<String>,
    /// The zone of Route 53 that gets the domain's address.
    pub dns_zone: Option<String>,
    /// The hosts.
    pub hosts: Vec<HostWanted>,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostWanted {
    /// Its name in the spec.
    pub name: HostName,
    /// What it does.
    pub role: String,
    /// Whether the domain leads to it.
    pub core: bool,
    /// Instance type.
    pub instance_type: String,
    /// What it begins as.
    pub image: Image,
    /// GiB of its disk.
    pub gib: i32,
    /// Who may come in.
    pub open: BTreeSet<Permission>,
}

/// What the spec wants.
pub fn wanted(
    spec: &Spec,
    aws: &AwsMachines,
    openings: &BTreeMap<HostName, BTreeSet<Opening>>,
    now: Timestamp,
) -> Wanted {
    let expires = match spec.deployment.environment {
        Environment::Production => None,
        Environment::Test { ttl_seconds } => {
            let ttl = SignedDuration::from_secs(i64::try_from(ttl_seconds).unwrap_or(i64::MAX));
            let end = now.saturating_add(ttl).unwrap_or(now);
            Some(end.round(jiff::Unit::Second).unwrap_or(end).to_string())
        }
    };
    let host = |host: &HostSpec| HostWanted {
        name: host.name.clone(),
        role: host.roles.iter().map(|role| word(*role)).collect::<Vec<_>>().join(" "),
        core: host.roles.contains(&Role::Core),
        instance_type: aws.instance_type.clone(),
        image: aws.image.clone(),
        gib: i32::try_from(aws.volume_gib).unwrap_or(i32::MAX),
        open: open(spec, openings.get(&host.name)),
    };
    Wanted {
        owner: owner(spec),
        environment: spec.deployment.environment.clone(),
        expires,
        leaving: Leaving::Refused,
        zone: aws.zone.clone(),
        network: aws.network.clone(),
        public_key: aws.public_key.clone(),
        disk_key: aws.disk_key.clone(),
        flow_logs: aws.flow_logs.clone(),
        dns_zone: aws.dns_zone.clone(),
        hosts: spec.hosts.iter().map(host).collect(),
    }
}

/// Whose the spec's things are.
pub fn owner(spec: &Spec) -> Owner {
    Owner {
        deployment: spec.deployment.name.to_string(),
        domain: spec.deployment.domain.to_string(),
    }
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Core => "core",
    }
}

/// Everybody to the public ports, the admins to SSH, and nobody else.
fn open(spec: &Spec, openings: Option<&BTreeSet<Opening>>) -> BTreeSet<Permission> {
    let public = openings.into_iter().flatten().map(|opening| Permission {
        protocol: opening.protocol.to_owned(),
        ports: Some(opening.ports),
        peer: ANYWHERE.to_owned(),
    });
    let admins = spec.access.admin_cidrs.iter().map(|net| Permission {
        protocol: "tcp".to_owned(),
        ports: Some((22, 22)),
        peer: net.trunc().to_string(),
    });
    public.chain(admins).collect()
}

/// Whom a group lets its machine reach: everybody, since the machine's own firewall is narrower than a group can be.
pub fn egress() -> BTreeSet<Permission> {
    BTreeSet::from([Permission {
        protocol: "-1".to_owned(),
        ports: None,
        peer: ANYWHERE.to_owned(),
    }])
}

/// A digest of what a group lets through.
pub fn ports_digest(open: &BTreeSet<Permission>) -> String {
    let lines: Vec<String> = open.iter().map(ToString::to_string).collect();
    digest::sha256(lines.join("\n"))
}

impl Wanted {
    /// Whether machines cannot be terminated.
    pub fn protected(&self) -> bool {
        self.environment == Environment::Production
    }

    /// The word of the tag.
    pub fn environment_word(&self) -> &'static str {
        if self.environment.is_test() {
            "test"
        } else {
            "production"
        }
    }

    /// When everything of a test ends: as the first thing of it says. What was production until now has its whole time.
    pub fn end(&self, seen: &Inventory) -> Option<String> {
        if !self.environment.is_test() {
            return None;
        }
        let said = seen.expires().filter(|_| seen.production().is_empty());
        said.or_else(|| self.expires.clone())
    }

    /// Digest of the login key.
    pub fn key_digest(&self) -> String {
        digest::sha256(&self.public_key)
    }

    /// Tags of what there is once; `expires` is that of things that exist, where there are any.
    pub fn tags(&self, expires: Option<&String>) -> Tags {
        let mut tags = Tags::from([
            ("Name".to_owned(), self.owner.name()),
            (names::DEPLOYMENT.to_owned(), self.owner.deployment.clone()),
            (names::DOMAIN.to_owned(), self.owner.domain.clone()),
            (names::ENVIRONMENT.to_owned(), self.environment_word().to_owned()),
        ]);
        if self.environment.is_test()
            && let Some(expires) = expires.or(self.expires.as_ref())
        {
            tags.insert(names::EXPIRES.to_owned(), expires.clone());
        }
        tags
    }

    /// Tags of what a host has.
    pub fn host_tags(&self, host: &HostWanted, expires: Option<&String>) -> Tags {
        let mut tags = self.tags(expires);
        tags.insert("Name".to_owned(), self.owner.host_name(host.name.as_str()));
        tags.insert(names::HOST.to_owned(), host.name.to_string());
        tags.insert(names::ROLE.to_owned(), host.role.clone());
        tags
    }
}
