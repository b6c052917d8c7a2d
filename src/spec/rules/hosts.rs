//! `[machines]` and `[[host]]`: which hosts there are and how they are reached.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::spec::docket::Refused;
use crate::spec::model::HostKeyPolicy;
use crate::spec::model::HostSpec;
use crate::spec::model::Machines;
use crate::spec::model::Role;
use crate::spec::model::SshTarget;
use crate::spec::name::HostName;
use crate::spec::problem::Place;
use crate::spec::problem::Problem;
use crate::spec::raw::RawHost;
use crate::spec::raw::RawSpec;
use crate::spec::raw_machines::RawMachines;
use crate::spec::raw_machines::RawMachinesKind;
use crate::spec::reader::May;
use crate::spec::reader::Spot;
use crate::spec::rules::Bench;
use crate::spec::rules::aws;
use crate::spec::rules::cloned;
use crate::spec::rules::given;
use crate::spec::rules::optional;
use crate::spec::rules::terraform;
use crate::spec::terraform::Login;

/// The name of the host that is made when the spec names none.
const MADE_HOST: &str = "core";

/// Judges `[machines]`.
pub(crate) fn machines(raw: &RawSpec, bench: &mut Bench<'_>) -> Result<Machines, Refused> {
    let machines = raw.machines.as_ref().map_err(|refused| *refused)?;
    let kind = kind(raw)?;
    let needless = needless(&machines.value, kind, bench);
    let judged = match kind {
        RawMachinesKind::Existing => Ok(Machines::Existing),
        RawMachinesKind::Lab => Ok(Machines::Lab),
        RawMachinesKind::Terraform => terraform::settings(machines, raw, bench).map(Machines::Terraform),
        RawMachinesKind::Aws => aws::machines(raw, machines, bench).map(|aws| Machines::Aws(Box::new(aws))),
    };
    needless.and(judged)
}

/// Refuses what belongs to machines of another kind.
fn needless(machines: &RawMachines, kind: RawMachinesKind, bench: &mut Bench<'_>) -> Result<(), Refused> {
    let terraform = match kind {
        RawMachinesKind::Terraform => Ok(()),
        _ => terraform::needless(machines, bench),
    };
    let aws = match kind {
        RawMachinesKind::Aws => Ok(()),
        _ => aws::needless(machines, bench),
    };
    terraform.and(aws)
}

fn kind(raw: &RawSpec) -> Result<RawMachinesKind, Refused> {
    let machines = raw.machines.as_ref().map_err(|refused| *refused)?;
    let kind = machines.value.kind.as_ref().map_err(|refused| *refused)?;
    Ok(kind.value)
}

/// Judges every `[[host]]`.
pub(crate) fn hosts(raw: &RawSpec, bench: &mut Bench<'_>) -> Result<Vec<HostSpec>, Refused> {
    let kind = kind(raw);
    let list = raw.host.as_ref().map_err(|refused| *refused)?;
    let list = list.as_ref().map(|spot| spot.value.as_slice()).unwrap_or_default();
    duplicates(list, bench);
    let judged: Vec<_> = list.iter().map(|spot| host(spot, kind.ok(), bench)).collect();
    if let Some(second) = list.get(1) {
        let message = "more than one host is not available in this version";
        let problem = Problem::new("spec/not-available", second.place.clone(), message);
        bench.refuse(problem.help("keep one `[[host]]`; it runs everything"));
    }
    if !list.is_empty() {
        return judged.into_iter().collect();
    }
    match kind? {
        RawMachinesKind::Lab | RawMachinesKind::Terraform | RawMachinesKind::Aws => {
            made_host(bench).map(|host| vec![host])
        }
        RawMachinesKind::Existing => {
            let place = raw
                .machines
                .as_ref()
                .map_or(Place::File, |machines| machines.place.clone());
            let problem = Problem::new("spec/host-missing", place, "there is no `[[host]]` to deploy to");
            Err(bench.refuse(problem.help("add `[[host]]` with `name = \"core\"` and `address = \"…\"`")))
        }
    }
}

fn made_host(bench: &mut Bench<'_>) -> Result<HostSpec, Refused> {
    let spot = Spot {
        value: MADE_HOST.to_owned(),
        place: Place::File,
    };
    Ok(HostSpec {
        name: bench.parse("host.name", &spot, "name the host")?,
        roles: vec![Role::Core],
        ssh: None,
        public_address: None,
        private_address: None,
    })
}

/// Writes down every name and address that was given before.
fn duplicates(list: &[Spot<RawHost>], bench: &mut Bench<'_>) {
    let names = list.iter().filter_map(|host| host.value.name.as_ref().ok());
    let addresses = list.iter().filter_map(|host| given(&host.value.address));
    let mut repeated: Vec<(&str, &Spot<String>)> = Vec::new();
    for (key, spots) in [("name", names.collect::<Vec<_>>()), ("address", addresses.collect())] {
        let mut seen = BTreeMap::new();
        for spot in spots {
            if seen.insert(spot.value.to_lowercase(), ()).is_some() {
                repeated.push((key, spot));
            }
        }
    }
    for (key, spot) in repeated {
        let message = format!("a host with the {key} {:?} was listed before", spot.value);
        let problem = Problem::new("spec/duplicate-host", spot.place.clone(), message);
        bench.refuse(problem.help(format!("give each host its own {key}")));
    }
}

fn host(section: &Spot<RawHost>, kind: Option<RawMachinesKind>, bench: &mut Bench<'_>) -> Result<HostSpec, Refused> {
    let raw = &section.value;
    let name: Result<HostName, Refused> = match &raw.name {
        Ok(name) => bench.parse("host.name", name, "write one word such as \"core\""),
        Err(refused) => Err(*refused),
    };
    let roles = roles(raw, bench);
    let ssh = match kind {
        Some(kind @ (RawMachinesKind::Lab | RawMachinesKind::Aws)) => no_ssh(raw, kind, bench).map(|()| None),
        Some(RawMachinesKind::Terraform) => Ok(None),
        _ => ssh(section, bench).map(Some),
    };
    let public_address = address("host.public_address", &raw.public_address, bench);
    let private_address = address("host.private_address", &raw.private_address, bench);
    Ok(HostSpec {
        name: name?,
        roles: roles?,
        ssh: ssh?,
        public_address: public_address?,
        private_address: private_address?,
    })
}

fn roles(raw: &RawHost, bench: &mut Bench<'_>) -> Result<Vec<Role>, Refused> {
    // `core` is the only role that reads successfully in this version.
    match raw.roles.as_ref().map_err(|refused| *refused)? {
        Some(roles) if roles.value.is_empty() => {
            let problem = Problem::new("spec/no-role", roles.place.clone(), "`host.roles` names no role");
            Err(bench.refuse(problem.help("write `roles = [\"core\"]` or leave it out")))
        }
        _ => Ok(vec![Role::Core]),
    }
}

/// A host that is made is reached as its maker says; whatever the spec says about that is a misunderstanding.
fn no_ssh(raw: &RawHost, machines: RawMachinesKind, bench: &mut Bench<'_>) -> Result<(), Refused> {
    let texts = [
        ("address", &raw.address),
        ("user", &raw.user),
        ("key", &raw.key),
        ("certificate", &raw.certificate),
        ("host_key", &raw.host_key),
        ("jump", &raw.jump),
        ("public_address", &raw.public_address),
        ("private_address", &raw.private_address),
    ];
    let mut places: Vec<(&str, Place)> = texts
        .iter()
        .filter_map(|(key, spot)| given(spot).map(|spot| (*key, spot.place.clone())))
        .collect();
    places.extend(given(&raw.port).map(|spot| ("port", spot.place.clone())));
    let mut outcome = Ok(());
    for (key, place) in places {
        let (code, maker) = match machines {
            RawMachinesKind::Aws => ("spec/not-for-aws", "AWS"),
            _ => ("spec/not-for-the-lab", "the lab"),
        };
        let message = format!("`host.{key}` has no meaning in {maker}, which makes the host and knows how to reach it");
        let problem = Problem::new(code, place, message);
        outcome = Err(bench.refuse(problem.help(format!("remove `{key}`, or set `kind = \"existing\"`"))));
    }
    outcome
}

fn ssh(section: &Spot<RawHost>, bench: &mut Bench<'_>) -> Result<SshTarget, Refused> {
    let raw = &section.value;
    let address = match &raw.address {
        Ok(Some(spot)) => bench.plain(
            "host.address",
            spot,
            |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '%'),
            "write a host name, an IP address or an alias of ssh_config; user and port have keys of their own",
        ),
        Ok(None) => {
            let message = "the key `address` is missing in `[[host]]`";
            let problem = Problem::new("spec/missing-key", section.place.clone(), message);
            Err(bench
                .refuse(problem.help("add `address = \"…\"`: a host name, an IP address or an alias of ssh_config")))
        }
        Err(refused) => Err(*refused),
    };
    let login = login(raw, bench);
    let (address, login) = (address?, login?);
    Ok(SshTarget {
        address,
        user: login.user,
        port: login.port,
        key: login.key,
        certificate: login.certificate,
        host_key: login.host_key.unwrap_or(HostKeyPolicy::KnownHosts),
        jump: login.jump,
    })
}

/// Judges everything about a login but the address.
pub(crate) fn login(raw: &RawHost, bench: &mut Bench<'_>) -> Result<Login, Refused> {
    let user = optional(&raw.user, |spot| {
        let help = "write a login name such as \"root\"";
        bench.plain(
            "host.user",
            spot,
            |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'),
            help,
        )
    });
    let jump = optional(&raw.jump, |spot| {
        let allowed =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '@' | '[' | ']' | ',' | '%');
        bench.plain(
            "host.jump",
            spot,
            allowed,
            "write it as `ssh -J` takes it: user@host:port",
        )
    });
    let key = optional(&raw.key, |spot| Ok(bench.files.resolve(&spot.value)));
    let certificate = certificate(raw, bench);
    let host_key = optional(&raw.host_key, |spot| host_key(spot, bench));
    Ok(Login {
        user: user?,
        port: cloned(&raw.port)?.and_then(|port| u16::try_from(port.0).ok()),
        key: key?,
        certificate: certificate?,
        host_key: host_key?,
        jump: jump?,
    })
}

fn certificate(raw: &RawHost, bench: &mut Bench<'_>) -> Result<Option<PathBuf>, Refused> {
    let Some(spot) = raw.certificate.as_ref().map_err(|refused| *refused)? else {
        return Ok(None);
    };
    if let Ok(None) = raw.key {
        let message = "`host.certificate` needs `host.key`, the private key it belongs to";
        let problem = Problem::new("spec/missing-key", spot.place.clone(), message);
        return Err(bench.refuse(problem.help("add `key = \"…\"`")));
    }
    Ok(Some(bench.files.resolve(&spot.value)))
}

fn host_key(spot: &Spot<String>, bench: &mut Bench<'_>) -> Result<HostKeyPolicy, Refused> {
    match spot.value.as_str() {
        "known-hosts" => return Ok(HostKeyPolicy::KnownHosts),
        "accept-new" => return Ok(HostKeyPolicy::AcceptNew),
        _ => {}
    }
    let digest = spot.value.strip_prefix("SHA256:").and_then(|digest| {
        let digest = digest.trim_end_matches('=');
        STANDARD_NO_PAD
            .decode(digest)
            .ok()
            .filter(|bytes| bytes.len() == 32)
            .map(|_| digest)
    });
    if let Some(digest) = digest {
        return Ok(HostKeyPolicy::Fingerprint(format!("SHA256:{digest}")));
    }
    let message = "`host.host_key` is neither \"known-hosts\" nor a SHA256 fingerprint";
    let problem = Problem::new("spec/unusable-value", spot.place.clone(), message);
    let help = "write \"known-hosts\", or what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints on the host: \
                \"SHA256:\" and 43 characters; a test may use \"accept-new\"";
    Err(bench.refuse(problem.help(help)))
}

fn address(key: &str, spot: &May<String>, bench: &mut Bench<'_>) -> Result<Option<IpAddr>, Refused> {
    optional(spot, |spot| {
        let why = match spot.value.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() || address.is_loopback() || address.is_multicast() => {
                "is not the address of one host that others can reach"
            }
            Ok(address) => return Ok(address),
            Err(_) => "is not an IP address",
        };
        let problem = Problem::new("spec/unusable-value", spot.place.clone(), format!("`{key}` {why}"));
        Err(bench.refuse(problem.help("write an address such as \"203.0.113.7\", or leave the key out")))
    })
}
