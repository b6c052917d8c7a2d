//! What the cloud's own API says of the deployment as a whole. Hosts that no cloud makes, or one that cannot be asked, are
//! none of its business: there each of these controls does not apply.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::controls::Case;
use crate::controls::Evidence;
use crate::controls::Source;
use crate::controls::Verdict;
use crate::facts::cloud::CloudCase;
use crate::facts::cloud::CloudFacts;
use crate::facts::cloud::CloudWanted;
use crate::facts::cloud::Standing;
use crate::facts::cloud::Tagged;
use crate::facts::cloud::names;
use crate::plan::DriftKind;
use crate::plan::DriftRow;
use crate::seen::Seen;

/// The subject of the agreement's control.
pub(super) const AGREEMENT: &str = "cloud:agreement";
/// What is expected of it.
pub(super) const AGREEMENT_IN_FORCE: &str = "an active business associate agreement of this account, without an end";
/// What rows of drift and of simulated software are of, where it is no host.
pub(super) const CLOUD: &str = "cloud";

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

/// Evidence from the cloud, and who was asked where it was not AWS's own endpoint.
pub(super) fn said(facts: &CloudFacts, detail: impl Into<String>) -> Evidence {
    let mut elsewhere: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for endpoint in &facts.endpoints {
        elsewhere.entry(&endpoint.url).or_default().push(endpoint.service);
    }
    let mut detail = detail.into();
    for (url, services) in elsewhere {
        detail.push_str(&format!("; asked of {url} for {}", services.join(", ")));
    }
    Evidence {
        source: Source::Cloud,
        at: facts.at.clone(),
        detail,
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
    let (subject, expected) = (AGREEMENT, AGREEMENT_IN_FORCE);
    if case.is_test() && case.cloud.is_some() {
        return vec![super::administrative::no_patients(case, subject, expected)];
    }
    each(case, subject, expected, |cloud| {
        let facts = &cloud.facts;
        vec![match &facts.agreement {
            Seen::Known(standing) => {
                let account = facts.identity.known().map_or("an account", |who| who.account.as_str());
                let evidence = said(facts, format!("artifact:ListCustomerAgreements of {account}"));
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

/// integrity/cloud-tags.
pub(crate) fn tags(case: &Case) -> Vec<Verdict> {
    let names = (
        "cloud:tags",
        "everything says which deployment, domain and host it belongs to, and whether it is production or when it ends",
    );
    each(case, names.0, names.1, |cloud| {
        let wrong = |thing: &Tagged| {
            let found = wrong_tags(&cloud.wanted, thing);
            (!found.is_empty()).then(|| format!("{} {}", thing.thing, found.join(", ")))
        };
        vec![whole(case, &cloud.facts, names, &cloud.facts.tagged, wrong)]
    })
}

/// What is wrong with one thing's tags.
fn wrong_tags(wanted: &CloudWanted, thing: &Tagged) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut says = |key: &str, right: &dyn Fn(&str) -> bool, expected: &str| match thing.tags.get(key) {
        None => wrong.push(format!("lacks {key}")),
        Some(value) if !right(value) => wrong.push(format!("has {key} = {value} and not {expected}")),
        Some(_) => {}
    };
    for (key, value) in &wanted.tags {
        says(key, &|seen| seen == value, value);
    }
    if thing.of_host {
        says(
            names::HOST,
            &|seen| wanted.open.contains_key(seen),
            "a host of the spec",
        );
        says(names::ROLE, &|seen| !seen.is_empty(), "what the host does");
    }
    if wanted.ends {
        says(names::EXPIRES, &|seen| seen.parse::<Timestamp>().is_ok(), "a time");
    } else if let Some(end) = thing.tags.get(names::EXPIRES) {
        wrong.push(format!("has {} = {end}, and production has no end", names::EXPIRES));
    }
    wrong
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
        let (mut found, mut open): (Vec<String>, Option<String>) = (Vec::new(), None);
        for list in [volumes, addresses, interfaces] {
            match list {
                Seen::Known(idle) => found.extend::<Vec<String>>(idle),
                Seen::Unknown(why) => open = open.or(Some(why)),
            }
        }
        let evidence = said(
            facts,
            "ec2:DescribeVolumes, ec2:DescribeAddresses, ec2:DescribeNetworkInterfaces",
        );
        vec![match (found.is_empty(), open) {
            (false, _) => Verdict::fail(names.0, names.1, found.join("; "), evidence),
            (true, Some(why)) => unseen(case, Some(facts), names.0, names.1, &why),
            (true, None) => Verdict::pass(names.0, names.1, "there is none", evidence),
        }]
    })
}

/// integrity/cloud-as-planned.
pub(crate) fn as_planned(case: &Case) -> Vec<Verdict> {
    let (subject, expected) = (
        "cloud:plan",
        "the cloud holds what the spec says, and `apply` would change nothing in it",
    );
    each(case, subject, expected, |cloud| {
        let facts = &cloud.facts;
        vec![match &cloud.drift {
            Seen::Unknown(why) if cloud.refused.is_empty() => unseen(case, Some(facts), subject, expected, why),
            drift => {
                let evidence = said(
                    facts,
                    format!("compared everything of the deployment in {}", facts.region),
                );
                let lines = cloud.refused.iter().chain(drift.known().into_iter().flatten());
                let lines: Vec<String> = lines.map(|line| one_line(line)).collect();
                let observed = if lines.is_empty() {
                    "no difference".to_owned()
                } else {
                    lines.join("; ")
                };
                Verdict::holds(lines.is_empty(), subject, expected, observed, evidence)
            }
        }]
    })
}

/// What differs in the cloud, a row each.
pub(super) fn drift_rows(case: &Case) -> Vec<(String, DriftRow)> {
    let Some(Seen::Known(cloud)) = case.cloud else {
        return Vec::new();
    };
    let row = |what: &str, line: &String| {
        let subject = format!("aws {}", cloud.facts.region);
        let observed = format!("{what}: {}", one_line(line));
        DriftRow::new(DriftKind::Cloud, subject, "as the spec says", observed)
    };
    let refused = cloud.refused.iter();
    let refused = refused.map(|line| row("`apply` would refuse to change anything", line).for_a_person());
    let change = if cloud.refused.is_empty() {
        "`apply` would change it"
    } else {
        "`apply` would change it, if it did not refuse"
    };
    let changes = cloud.drift.known().into_iter().flatten();
    let rows = refused.chain(changes.map(|line| row(change, line)));
    rows.map(|row| (CLOUD.to_owned(), row)).collect()
}

/// A change with what it consists of, on one line.
fn one_line(line: &str) -> String {
    let parts: Vec<&str> = line.lines().map(str::trim).collect();
    parts.join(", ")
}
