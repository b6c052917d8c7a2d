//! The hosts of a spec with `[machines] kind = "lab"`: one lab host each, named after deployment and host.

use crate::machines::Absent;
use crate::machines::Machine;
use crate::machines::lab::HostRequest;
use crate::machines::lab::HostState;
use crate::machines::lab::Lab;
use crate::machines::lab::LabError;
use crate::machines::lab::LabHost;
use crate::spec::HostKeyPolicy;
use crate::spec::HostName;
use crate::spec::HostSpec;
use crate::spec::Spec;
use crate::spec::SshTarget;

/// The spec's hosts that run in the lab, and those that do not exist yet. A host that is switched off is started.
///
/// # Errors
/// Where the lab cannot be read, or a host does not start.
pub fn machines(spec: &Spec, lab: &Lab) -> Result<(Vec<Machine>, Vec<Absent>), LabError> {
    let present = lab.list()?;
    let mut found = Vec::new();
    let mut absent = Vec::new();
    for host in &spec.hosts {
        let machine_name = machine_name(spec, host);
        match present.iter().find(|known| known.name == machine_name) {
            None => absent.push(Absent {
                host: host.clone(),
                machine_name,
            }),
            Some(known) if known.state == HostState::Stopped => found.push(machine(host, &lab.start(&known.name)?)),
            Some(known) => found.push(machine(host, known)),
        }
    }
    Ok((found, absent))
}

/// Makes a host.
///
/// # Errors
/// Where this computer cannot run lab hosts, or the host does not boot.
pub fn make(absent: &Absent, lab: &Lab, say: &mut dyn FnMut(&str)) -> Result<Machine, LabError> {
    let request = HostRequest {
        name: absent.machine_name.clone(),
        from: None,
    };
    Ok(machine(&absent.host, &lab.up(&request, say)?))
}

/// The lab's name for a host of the spec.
pub fn machine_name(spec: &Spec, host: &HostSpec) -> HostName {
    let joined = format!("{}-{}", spec.deployment.name, host.name);
    joined.parse().unwrap_or_else(|_| host.name.clone())
}

fn machine(host: &HostSpec, lab_host: &LabHost) -> Machine {
    let mut host = host.clone();
    host.private_address = Some(lab_host.address.into());
    Machine {
        host,
        target: SshTarget {
            address: lab_host.address.to_string(),
            user: Some("root".to_owned()),
            port: Some(22),
            key: Some(lab_host.ssh_key.clone()),
            certificate: None,
            host_key: HostKeyPolicy::Fingerprint(lab_host.host_key_fingerprint.clone()),
            jump: None,
        },
        outside: vec![lab_host.address.into()],
    }
}
