//! The hosts of a spec with `[machines] kind = "existing"`: where they are is what the spec says.

use std::net::IpAddr;

use crate::machines::Machine;
use crate::spec::Spec;

/// All hosts of the spec that name how to reach them; the rules have seen to it that all do.
pub fn machines(spec: &Spec) -> Vec<Machine> {
    spec.hosts
        .iter()
        .filter_map(|host| {
            let target = host.ssh.clone()?;
            // Behind NAT the public address is what clients reach; a host given by its IP address is reached there too.
            let given: Option<IpAddr> = target.address.parse().ok();
            let outside = host.public_address.or(given).into_iter().collect();
            Some(Machine {
                host: host.clone(),
                target,
                outside,
            })
        })
        .collect()
}
