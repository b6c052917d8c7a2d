//! How machines that exist are reached: by their address, with the host key that their console showed.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::machines::Machine;
use crate::machines::aws::error::CloudError;
use crate::machines::aws::host_key::fingerprint;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::names;
use crate::machines::aws::patience::again;
use crate::machines::aws::patience::pause;
use crate::remote::aws::Aws;
use crate::remote::aws::Console;
use crate::remote::aws::Why;
use crate::remote::aws::model::Instance;
use crate::remote::aws::model::Tags;
use crate::spec::AwsMachines;
use crate::spec::HostKeyPolicy;
use crate::spec::HostSpec;
use crate::spec::Spec;
use crate::spec::SshTarget;

/// The login of Debian's images; it has sudo without a password.
const LOGIN: &str = "admin";
/// The longest wait for a console to show the host's keys. AWS brings a console up to date minutes later.
const CONSOLE: Duration = Duration::from_secs(600);

/// The spec's hosts whose machine is there and whose host key is known, with the way in. Asks nothing.
pub fn known_machines(spec: &Spec, settings: &AwsMachines, seen: &Inventory) -> Vec<Machine> {
    let known = |host: &HostSpec| {
        let (machine, ip) = placed(seen, host)?;
        let key = HostKeyPolicy::Fingerprint(machine.tags.get(names::HOST_KEY)?.clone());
        Some(reached(host, settings, machine, ip, key))
    };
    spec.hosts.iter().filter_map(known).collect()
}

/// The spec's hosts whose machine is there and whose host key was never written down. Whoever logs in to one trusts what
/// `known_hosts` says of it, and nothing on first use.
pub fn keyless_machines(spec: &Spec, settings: &AwsMachines, seen: &Inventory) -> Vec<Machine> {
    let keyless = |host: &HostSpec| {
        let (machine, ip) = placed(seen, host)?;
        let unknown = !machine.tags.contains_key(names::HOST_KEY);
        unknown.then(|| reached(host, settings, machine, ip, HostKeyPolicy::KnownHosts))
    };
    spec.hosts.iter().filter_map(keyless).collect()
}

/// A host's machine with the address that it has.
fn placed<'a>(seen: &'a Inventory, host: &HostSpec) -> Option<(&'a Instance, Ipv4Addr)> {
    let name = host.name.as_str();
    let (machine, address) = (seen.instance(name)?, seen.address(name)?);
    (address.instance.as_ref() == Some(&machine.id)).then_some((machine, address.ip))
}

fn reached(host: &HostSpec, settings: &AwsMachines, machine: &Instance, ip: Ipv4Addr, key: HostKeyPolicy) -> Machine {
    let mut host = host.clone();
    host.public_address = Some(ip.into());
    host.private_address = machine.private.map(Into::into);
    Machine {
        host,
        target: SshTarget {
            address: ip.to_string(),
            user: Some(LOGIN.to_owned()),
            port: Some(22),
            key: settings.key.clone(),
            certificate: None,
            host_key: key,
            jump: None,
        },
        outside: vec![ip.into()],
    }
}

/// The spec's hosts whose machine is there, with the way in. Learns the host key of each machine that is new, before
/// anybody logs in.
///
/// # Errors
/// Where a call fails, or a console shows no key in time.
pub async fn machines(
    aws: &Aws,
    spec: &Spec,
    settings: &AwsMachines,
    seen: &Inventory,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Machine>, CloudError> {
    let mut found = Vec::new();
    for host in &spec.hosts {
        let Some((machine, ip)) = placed(seen, host) else {
            continue;
        };
        let key = HostKeyPolicy::Fingerprint(host_key(aws, host, machine, say).await?);
        found.push(reached(host, settings, machine, ip, key));
    }
    Ok(found)
}

/// The tag that holds it, or what the console shows. A console keeps only its last lines, and cloud-init prints keys at the
/// first boot alone; so it is written down.
async fn host_key(
    aws: &Aws,
    host: &HostSpec,
    machine: &Instance,
    say: &(dyn Fn(&str) + Sync),
) -> Result<String, CloudError> {
    if let Some(known) = machine.tags.get(names::HOST_KEY) {
        return Ok(known.clone());
    }
    say(&format!(
        "waiting for the console of {} to show its host key",
        host.name
    ));
    let started = tokio::time::Instant::now();
    let mut attempt = 0;
    loop {
        if let Some(key) = shown_key(aws, &machine.id).await? {
            let tags = Tags::from([(names::HOST_KEY.to_owned(), key.clone())]);
            again(async || aws.tag(&machine.id, &tags).await).await?;
            return Ok(key);
        }
        if started.elapsed() >= CONSOLE {
            return Err(CloudError::NoHostKey {
                host: host.name.to_string(),
                seconds: started.elapsed().as_secs(),
            });
        }
        pause(attempt).await;
        attempt += 1;
    }
}

/// The key, in what the console shows now or in what AWS kept of the last start: a machine that is not on Nitro shows only
/// the latter, and one that booted again may show it in the former no more.
async fn shown_key(aws: &Aws, id: &str) -> Result<Option<String>, CloudError> {
    for which in [Console::Latest, Console::Kept] {
        match again(async || aws.console(id, which).await).await {
            Ok(console) => {
                if let Some(key) = fingerprint(&console) {
                    return Ok(Some(key));
                }
            }
            Err(error) if which == Console::Latest && error.why == Why::Refused => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
