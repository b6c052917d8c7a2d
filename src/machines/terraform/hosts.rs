//! From what the outputs tell to machines: the spec's hosts with their addresses and logins. Pure.

use super::error::TerraformError;
use super::outputs::Described;
use crate::machines::Absent;
use crate::machines::Machine;
use crate::spec::HostKeyPolicy;
use crate::spec::HostSpec;
use crate::spec::Role;
use crate::spec::Spec;
use crate::spec::SshTarget;
use crate::spec::Terraform;

/// The spec's hosts, as far as Terraform has made them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Those that exist.
    pub machines: Vec<Machine>,
    /// Those that do not yet.
    pub absent: Vec<Absent>,
    /// Hosts of the outputs that the spec does not name.
    pub strangers: Vec<String>,
}

/// Finds each host of the spec among those of the outputs.
pub(super) fn matched(
    spec: &Spec,
    settings: &Terraform,
    described: Vec<Described>,
    of: &str,
) -> Result<Found, TerraformError> {
    let is_named = |one: &&Described| spec.hosts.iter().any(|host| host.name == one.name);
    let strangers = described.iter().filter(|one| !is_named(one));
    let strangers = strangers.map(|one| one.name.to_string()).collect();
    let (mut machines, mut absent, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for host in &spec.hosts {
        let Some(one) = described.iter().find(|one| one.name == host.name) else {
            absent.push(Absent {
                host: host.clone(),
                machine_name: host.name.clone(),
            });
            continue;
        };
        let wanted = words(&host.roles);
        match &one.roles {
            Some(roles) if sorted(roles) != wanted => problems.push(format!(
                "{} has the roles [{}] there, and [{}] in the spec",
                host.name,
                sorted(roles).join(", "),
                wanted.join(", ")
            )),
            _ => machines.push(machine(settings, host, one)),
        }
    }
    if problems.is_empty() {
        Ok(Found {
            machines,
            absent,
            strangers,
        })
    } else {
        Err(TerraformError::Outputs {
            of: of.to_owned(),
            problems,
        })
    }
}

/// Roles in the spec's words.
pub(super) fn words(roles: &[Role]) -> Vec<String> {
    let word = |role| serde_json::to_value(role).ok()?.as_str().map(str::to_owned);
    let words: Vec<String> = roles.iter().filter_map(word).collect();
    sorted(&words)
}

fn sorted(words: &[String]) -> Vec<String> {
    let mut words = words.to_vec();
    words.sort();
    words.dedup();
    words
}

/// The spec's word on a login goes before that of the outputs.
fn machine(settings: &Terraform, host: &HostSpec, one: &Described) -> Machine {
    let login = settings.logins.get(&host.name).cloned().unwrap_or_default();
    let told = one.host_key.clone().map(HostKeyPolicy::Fingerprint);
    let target = SshTarget {
        address: one.address.clone(),
        user: login.user.or_else(|| one.user.clone()),
        port: login.port,
        key: login.key,
        certificate: login.certificate,
        host_key: login.host_key.or(told).unwrap_or(HostKeyPolicy::KnownHosts),
        jump: login.jump,
    };
    let outside = one.public_address.or_else(|| one.address.parse().ok());
    Machine {
        host: HostSpec {
            ssh: Some(target.clone()),
            public_address: one.public_address,
            private_address: one.private_address,
            ..host.clone()
        },
        target,
        outside: outside.into_iter().collect(),
    }
}
