//! What the cloud's own API says of the deployment. Hosts that no cloud makes, or one that cannot be asked, are none of its
//! business: there each of these controls does not apply.

use std::collections::BTreeSet;

use crate::controls::Case;
use crate::controls::Evidence;
use crate::controls::Source;
use crate::controls::Verdict;
use crate::facts::cloud::CloudCase;
use crate::facts::cloud::CloudFacts;
use crate::facts::cloud::Instance;
use crate::facts::cloud::Standing;
use crate::seen::Seen;

/// Judges what the cloud said, or says why there is nothing to judge.
pub(super) fn each(
    case: &Case,
    subject: &str,
    expected: &str,
    judge: impl Fn(&CloudCase) -> Vec<Verdict>,
) -> Vec<Verdict> {
    let Some(cloud) = case.cloud else {
        let evidence = case.in_spec("[machines] names no cloud that can be asked");
        return vec![Verdict::not_applicable(
            subject,
            expected,
            "the hosts are not made in a cloud that can be asked",
            evidence,
        )];
    };
    match cloud {
        Seen::Known(cloud) => judge(cloud),
        Seen::Unknown(why) => vec![unseen(case, None, subject, expected, why)],
    }
}

pub(super) fn said(facts: &CloudFacts, detail: impl Into<String>) -> Evidence {
    Evidence {
        source: Source::Cloud,
        at: facts.at.clone(),
        detail: detail.into(),
    }
}

pub(super) fn unseen(case: &Case, facts: Option<&CloudFacts>, subject: &str, expected: &str, why: &str) -> Verdict {
    let detail = "the call did not succeed";
    let evidence = facts.map_or_else(|| case.in_spec(detail), |facts| said(facts, detail));
    Verdict::unverified(subject, expected, why, evidence)
}

/// A list that was seen, judged as a whole: what is wrong with it, and how many were looked at. Of what there has to be,
/// an empty list shows nothing.
pub(super) fn whole<T>(
    case: &Case,
    facts: &CloudFacts,
    (subject, expected): (&str, &str),
    list: &Seen<Vec<T>>,
    wrong: impl Fn(&T) -> Option<String>,
) -> Verdict {
    let list = match list {
        Seen::Unknown(why) => return unseen(case, Some(facts), subject, expected, why),
        Seen::Known(list) => list,
    };
    if list.is_empty() {
        return unseen(
            case,
            Some(facts),
            subject,
            expected,
            "the cloud shows nothing of the kind",
        );
    }
    let found: Vec<String> = list.iter().filter_map(wrong).collect();
    let evidence = said(facts, format!("asked about {} in {}", list.len(), facts.region));
    if found.is_empty() {
        return Verdict::pass(subject, expected, format!("so it is for all {}", list.len()), evidence);
    }
    Verdict::fail(subject, expected, found.join("; "), evidence)
}

/// administrative/baa-in-force.
pub(crate) fn baa_in_force(case: &Case) -> Vec<Verdict> {
    let (subject, expected) = (
        "cloud:agreement",
        "an active business associate agreement of this account, without an end",
    );
    if case.is_test() && case.cloud.is_some() {
        return vec![super::administrative::no_patients(case, subject, expected)];
    }
    each(case, subject, expected, |cloud| {
        let facts = &cloud.facts;
        vec![match &facts.agreement {
            Seen::Known(standing) => {
                let evidence = said(facts, "artifact:ListCustomerAgreements");
                let in_force = matches!(standing, Standing::InForce { .. });
                Verdict::holds(in_force, subject, expected, standing.words(), evidence)
            }
            Seen::Unknown(why) => agreement_on_paper(case, facts, subject, expected, why),
        }]
    })
}

/// Where the API cannot be asked, the recorded digest of the paper stands for it.
fn agreement_on_paper(case: &Case, facts: &CloudFacts, subject: &str, expected: &str, why: &str) -> Verdict {
    let baa = case.spec.and_then(|spec| spec.baa.as_ref());
    let paper = baa.and_then(|baa| Some((baa, baa.document_sha256.as_ref()?)));
    let Some((baa, digest)) = paper else {
        return unseen(case, Some(facts), subject, expected, why);
    };
    let observed = format!(
        "{} with {} is on record, signed on {}; not seen: {why}",
        baa.agreement, baa.vendor, baa.signed_on
    );
    let evidence = case.in_spec(format!("[baa] document_sha256 {digest}"));
    Verdict::attested(subject, expected, observed, evidence)
}

/// exposure/cloud-ports.
pub(crate) fn ports(case: &Case) -> Vec<Verdict> {
    let expected = "the spec's public ports for everybody, SSH for the admin networks, and nothing else";
    each(case, "cloud:security groups", expected, |cloud| {
        let facts = &cloud.facts;
        let groups = match &facts.groups {
            Seen::Known(groups) => groups,
            Seen::Unknown(why) => return vec![unseen(case, Some(facts), "cloud:security groups", expected, why)],
        };
        cloud
            .wanted
            .open
            .iter()
            .map(|(host, open)| host_ports(cloud, groups, (host, open), expected))
            .collect()
    })
}

fn host_ports(
    cloud: &CloudCase,
    groups: &[crate::facts::cloud::Group],
    (host, open): (&String, &BTreeSet<crate::facts::cloud::Permission>),
    expected: &str,
) -> Verdict {
    let facts = &cloud.facts;
    let subject = format!("cloud:{host}:security group");
    let Some(group) = groups.iter().find(|group| group.tags.get(HOST) == Some(host)) else {
        let evidence = said(facts, "ec2:DescribeSecurityGroups");
        return Verdict::fail(subject, expected, "it has no security group of its own", evidence);
    };
    let mut wrong: Vec<String> = Vec::new();
    wrong.extend(group.ingress.difference(open).map(|rule| format!("open to {rule}")));
    wrong.extend(open.difference(&group.ingress).map(|rule| format!("closed to {rule}")));
    wrong.extend(
        group
            .egress
            .symmetric_difference(&cloud.wanted.egress)
            .map(|rule| format!("way out differs in {rule}")),
    );
    let machines = facts.instances.known().map(Vec::as_slice).unwrap_or_default();
    for machine in machines.iter().filter(|machine| machine.tags.get(HOST) == Some(host)) {
        let others: Vec<&str> = machine
            .groups
            .iter()
            .filter(|id| **id != group.id)
            .map(String::as_str)
            .collect();
        if !others.is_empty() || !machine.groups.contains(&group.id) {
            wrong.push(format!(
                "{} is in {}",
                machine.id,
                machine.groups.iter().cloned().collect::<Vec<_>>().join(", ")
            ));
        }
    }
    let evidence = said(facts, format!("ec2:DescribeSecurityGroups, {}", group.id));
    if wrong.is_empty() {
        let observed = format!("{} rules in, as the spec says", group.ingress.len());
        return Verdict::pass(subject, expected, observed, evidence);
    }
    Verdict::fail(subject, expected, wrong.join("; "), evidence)
}

/// The tag that names a host.
const HOST: &str = "anteroom:host";

/// exposure/cloud-addresses.
pub(crate) fn addresses(case: &Case) -> Vec<Verdict> {
    let names = (
        "cloud:interfaces",
        "one interface for each machine, and its Elastic IP address as the only public one",
    );
    each(case, names.0, names.1, |cloud| {
        let facts = &cloud.facts;
        let Seen::Known(addresses) = &facts.addresses else {
            let why = facts.addresses.known().err().unwrap_or_default();
            return vec![unseen(case, Some(facts), names.0, names.1, why)];
        };
        let wrong = |machine: &Instance| {
            let own: BTreeSet<_> = addresses
                .iter()
                .filter(|address| address.instance.as_ref() == Some(&machine.id))
                .map(|address| address.ip)
                .collect();
            let others: Vec<String> = machine.public.difference(&own).map(ToString::to_string).collect();
            match (machine.interfaces.len(), others.is_empty()) {
                (0 | 1, true) if own.len() <= 1 => None,
                (count, _) => Some(format!(
                    "{} has {count} interfaces, and as public addresses also {}",
                    machine.id,
                    others.join(", ")
                )),
            }
        };
        vec![whole(case, facts, names, &facts.instances, wrong)]
    })
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
        let unknown = facts
            .instances
            .known()
            .ok()
            .and_then(|all| all.iter().find_map(|one| one.protected.known().err()));
        if let Some(why) = unknown {
            return vec![unseen(case, Some(facts), names.0, names.1, why)];
        }
        let wrong = |machine: &Instance| {
            (machine.protected != Seen::Known(true)).then(|| format!("{} is not protected", machine.id))
        };
        vec![whole(case, facts, names, &facts.instances, wrong)]
    })
}

/// integrity/cloud-tags.
pub(crate) fn tags(case: &Case) -> Vec<Verdict> {
    let names = (
        "cloud:tags",
        "everything says which deployment and domain it belongs to, and whether it is production",
    );
    each(case, names.0, names.1, |cloud| {
        let wrong = |thing: &crate::facts::cloud::Tagged| {
            (!thing.lacks.is_empty()).then(|| format!("{} lacks {}", thing.thing, thing.lacks.join(", ")))
        };
        vec![whole(case, &cloud.facts, names, &cloud.facts.tagged, wrong)]
    })
}

/// disposal/cloud-leftovers.
pub(crate) fn leftovers(case: &Case) -> Vec<Verdict> {
    let names = (
        "cloud:leftovers",
        "no disk, address or interface of the deployment that no machine has",
    );
    each(case, names.0, names.1, |cloud| {
        let facts = &cloud.facts;
        let idle = |kind: &str, id: &str, instance: &Option<String>| {
            instance.is_none().then(|| format!("{kind} {id} belongs to no machine"))
        };
        let volumes = facts.volumes.clone().map(|all| {
            all.iter()
                .filter_map(|one| idle("volume", &one.id, &one.instance))
                .collect()
        });
        let addresses = facts.addresses.clone().map(|all| {
            all.iter()
                .filter_map(|one| idle("address", &one.id, &one.instance))
                .collect()
        });
        let interfaces = facts.interfaces.clone().map(|all| {
            all.iter()
                .filter_map(|one| idle("interface", &one.id, &one.instance))
                .collect()
        });
        let mut found: Vec<String> = Vec::new();
        for list in [volumes, addresses, interfaces] {
            match list {
                Seen::Known(idle) => found.extend::<Vec<String>>(idle),
                Seen::Unknown(why) => return vec![unseen(case, Some(facts), names.0, names.1, &why)],
            }
        }
        let evidence = said(
            facts,
            "ec2:DescribeVolumes, ec2:DescribeAddresses, ec2:DescribeNetworkInterfaces",
        );
        let holds = found.is_empty();
        let observed = if holds {
            "there is none".to_owned()
        } else {
            found.join("; ")
        };
        vec![Verdict::holds(holds, names.0, names.1, observed, evidence)]
    })
}
