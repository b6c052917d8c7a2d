//! What the cloud's API says of single machines: who reaches them, and what protects them. A machine that was not seen
//! passes nothing.

use std::collections::BTreeSet;

use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::cloud::each;
use crate::controls::cloud::said;
use crate::controls::cloud::unseen;
use crate::controls::cloud::whole;
use crate::facts::cloud::Address;
use crate::facts::cloud::CloudCase;
use crate::facts::cloud::Group;
use crate::facts::cloud::Instance;
use crate::facts::cloud::Interface;
use crate::facts::cloud::Permission;
use crate::facts::cloud::Tags;
use crate::facts::cloud::names;
use crate::seen::Seen;

/// exposure/cloud-ports.
pub(crate) fn ports(case: &Case) -> Vec<Verdict> {
    let expected = "the spec's public ports for everybody, SSH for the admin networks, and nothing else";
    each(case, "cloud:security groups", expected, |cloud| {
        let facts = &cloud.facts;
        let groups = match &facts.groups {
            Seen::Known(groups) => groups,
            Seen::Unknown(why) => return vec![unseen(case, Some(facts), "cloud:security groups", expected, why)],
        };
        let judged = cloud.wanted.open.iter();
        judged
            .map(|(host, open)| host_ports(case, cloud, groups, (host, open), expected))
            .collect()
    })
}

fn is_of(tags: &Tags, host: &str) -> bool {
    tags.get(names::HOST).is_some_and(|name| name == host)
}

fn host_ports(
    case: &Case,
    cloud: &CloudCase,
    groups: &[Group],
    (host, open): (&String, &BTreeSet<Permission>),
    expected: &str,
) -> Verdict {
    let facts = &cloud.facts;
    let subject = format!("cloud:{host}:security group");
    let own: Vec<&Group> = groups.iter().filter(|group| is_of(&group.tags, host)).collect();
    let evidence = || {
        let ids: Vec<&str> = own.iter().map(|group| group.id.as_str()).collect();
        said(facts, format!("ec2:DescribeSecurityGroups, {}", ids.join(", ")))
    };
    if own.is_empty() {
        return Verdict::fail(subject, expected, "it has no security group of its own", evidence());
    }
    let mut wrong: Vec<String> = Vec::new();
    for group in &own {
        wrong.extend(wrong_rules(group, open, &cloud.wanted.egress));
    }
    let machines = facts.instances.known().map(|all| {
        let of_host = all.iter().filter(|machine| is_of(&machine.tags, host));
        of_host.collect::<Vec<&Instance>>()
    });
    for machine in machines.iter().flatten() {
        let alone = machine.groups.len() == 1 && own.iter().any(|group| machine.groups.contains(&group.id));
        if !alone {
            let groups: Vec<&str> = machine.groups.iter().map(String::as_str).collect();
            wrong.push(format!("{} is in {}", machine.id, groups.join(", ")));
        }
    }
    if !wrong.is_empty() {
        return Verdict::fail(subject, expected, wrong.join("; "), evidence());
    }
    match machines {
        Err(why) => unseen(case, Some(facts), &subject, expected, why),
        Ok(machines) if machines.is_empty() => {
            let why = "the cloud shows no machine of this host, so nobody knows which groups it is in";
            unseen(case, Some(facts), &subject, expected, why)
        }
        Ok(_) => Verdict::pass(
            subject,
            expected,
            format!("{} rules in, as the spec says", open.len()),
            evidence(),
        ),
    }
}

fn wrong_rules(group: &Group, open: &BTreeSet<Permission>, egress: &BTreeSet<Permission>) -> Vec<String> {
    let opened = group.ingress.difference(open).map(|rule| format!("open to {rule}"));
    let closed = open.difference(&group.ingress).map(|rule| format!("closed to {rule}"));
    let out = group.egress.symmetric_difference(egress);
    let out = out.map(|rule| format!("way out differs in {rule}"));
    opened.chain(closed).chain(out).collect()
}

/// exposure/cloud-addresses.
pub(crate) fn addresses(case: &Case) -> Vec<Verdict> {
    let names = (
        "cloud:interfaces",
        "one interface for each machine, and its Elastic IP address as the only public one",
    );
    each(case, names.0, names.1, |cloud| {
        let facts = &cloud.facts;
        let (addresses, interfaces) = match (&facts.addresses, &facts.interfaces) {
            (Seen::Known(addresses), Seen::Known(interfaces)) => (addresses, interfaces),
            (Seen::Unknown(why), _) | (_, Seen::Unknown(why)) => {
                return vec![unseen(case, Some(facts), names.0, names.1, why)];
            }
        };
        let wrong = |machine: &Instance| {
            let found = wrong_doors(machine, addresses, interfaces);
            (!found.is_empty()).then(|| format!("{} {}", machine.id, found.join(", and ")))
        };
        vec![whole(case, facts, names, &facts.instances, wrong)]
    })
}

/// Ways into a machine that the spec knows nothing of, or the one that is missing.
fn wrong_doors(machine: &Instance, addresses: &[Address], interfaces: &[Interface]) -> Vec<String> {
    let mut wrong = Vec::new();
    let own: BTreeSet<_> = addresses
        .iter()
        .filter(|address| address.instance.as_ref() == Some(&machine.id))
        .map(|address| address.ip)
        .collect();
    let attached: Vec<&Interface> = interfaces
        .iter()
        .filter(|interface| interface.instance.as_ref() == Some(&machine.id))
        .collect();
    let known: BTreeSet<&String> = machine
        .interfaces
        .iter()
        .chain(attached.iter().map(|one| &one.id))
        .collect();
    if known.len() != 1 {
        wrong.push(format!("has {} interfaces", known.len()));
    }
    if own.len() != 1 {
        wrong.push(format!("has {} Elastic IP addresses", own.len()));
    }
    let others: Vec<String> = machine.public.difference(&own).map(ToString::to_string).collect();
    let ipv6 = attached.iter().flat_map(|one| &one.ipv6).map(ToString::to_string);
    let others: Vec<String> = others.into_iter().chain(ipv6).collect();
    if !others.is_empty() {
        wrong.push(format!("has as public addresses also {}", others.join(", ")));
    }
    wrong
}

/// exposure/cloud-metadata-tokens.
pub(crate) fn metadata_tokens(case: &Case) -> Vec<Verdict> {
    let names = (
        "cloud:metadata service",
        "it asks for a token (IMDSv2), and answers one hop far",
    );
    each(case, names.0, names.1, |cloud| {
        let wrong = |machine: &Instance| {
            let tokens = if machine.tokens_required {
                "asks"
            } else {
                "does not ask"
            };
            (!machine.tokens_required || machine.hop_limit != 1).then(|| {
                format!(
                    "that of {} {tokens} for a token and answers {} hops far",
                    machine.id, machine.hop_limit
                )
            })
        };
        vec![whole(case, &cloud.facts, names, &cloud.facts.instances, wrong)]
    })
}

/// access/cloud-machine-role.
pub(crate) fn machine_role(case: &Case) -> Vec<Verdict> {
    let names = ("cloud:roles", "no machine may call the cloud's API");
    each(case, names.0, names.1, |cloud| {
        let wrong = |machine: &Instance| {
            machine
                .role
                .as_ref()
                .map(|role| format!("{} has the role {role}", machine.id))
        };
        vec![whole(case, &cloud.facts, names, &cloud.facts.instances, wrong)]
    })
}

/// availability/cloud-termination-protection.
pub(crate) fn termination_protection(case: &Case) -> Vec<Verdict> {
    let names = (
        "cloud:termination protection",
        "no machine of production can be terminated by mistake",
    );
    if case.is_test() && case.cloud.is_some() {
        return vec![super::administrative::no_patients(case, names.0, names.1)];
    }
    each(case, names.0, names.1, |cloud| {
        let facts = &cloud.facts;
        let machines = facts.instances.known().map(Vec::as_slice).unwrap_or_default();
        let is_open = |machine: &Instance| machine.protected == Seen::Known(false);
        let unknown = machines.iter().find_map(|one| one.protected.known().err());
        if let (Some(why), false) = (unknown, machines.iter().any(is_open)) {
            return vec![unseen(case, Some(facts), names.0, names.1, why)];
        }
        let wrong = |machine: &Instance| is_open(machine).then(|| format!("{} is not protected", machine.id));
        vec![whole(case, facts, names, &facts.instances, wrong)]
    })
}
