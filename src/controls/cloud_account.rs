//! Disks, keys and records of a cloud's account: what encrypts, who may copy, and what is written down.

use crate::controls::Case;
use crate::controls::Status;
use crate::controls::Verdict;
use crate::controls::cloud::each;
use crate::controls::cloud::said;
use crate::controls::cloud::unseen;
use crate::controls::cloud::whole;
use crate::facts::cloud::CloudFacts;
use crate::facts::cloud::FlowLog;
use crate::facts::cloud::Snapshot;
use crate::facts::cloud::Volume;
use crate::seen::Seen;

/// encryption/cloud-disks-encrypted.
pub(crate) fn disks_encrypted(case: &Case) -> Vec<Verdict> {
    let expected = "every disk and every snapshot of one is encrypted";
    each(case, "cloud:disks", expected, |cloud| {
        let facts = &cloud.facts;
        let disk = |disk: &Volume| (!disk.encrypted).then(|| format!("{} is not encrypted", disk.id));
        let copy = |copy: &Snapshot| (!copy.encrypted).then(|| format!("{} is not encrypted", copy.id));
        vec![
            whole(case, facts, ("cloud:disks", expected), &facts.volumes, disk),
            snapshots(case, facts, ("cloud:snapshots", expected), copy),
        ]
    })
}

/// Snapshots, of which there may be none.
fn snapshots(
    case: &Case,
    facts: &CloudFacts,
    names: (&str, &str),
    wrong: impl Fn(&Snapshot) -> Option<String>,
) -> Verdict {
    if facts.snapshots.known().is_ok_and(Vec::is_empty) {
        return Verdict::pass(names.0, names.1, "there is none", said(facts, "ec2:DescribeSnapshots"));
    }
    whole(case, facts, names, &facts.snapshots, wrong)
}

/// leakage/cloud-snapshots-private.
pub(crate) fn snapshots_private(case: &Case) -> Vec<Verdict> {
    let names = ("cloud:snapshots", "no snapshot is shared with anybody");
    each(case, names.0, names.1, |cloud| {
        let facts = &cloud.facts;
        let unknown = facts
            .snapshots
            .known()
            .ok()
            .and_then(|all| all.iter().find_map(|one| one.shared_with.known().err()));
        let shared = |snapshot: &Snapshot| {
            let whom = snapshot.shared_with.known().ok().filter(|whom| !whom.is_empty())?;
            let list: Vec<&str> = whom.iter().map(String::as_str).collect();
            Some(format!("{} is shared with {}", snapshot.id, list.join(", ")))
        };
        let verdict = snapshots(case, facts, names, shared);
        // One that was seen to be shared fails, whatever is not known of the others.
        vec![match unknown {
            Some(why) if verdict.status() == Status::Pass => unseen(case, Some(facts), names.0, names.1, why),
            _ => verdict,
        }]
    })
}

/// encryption/cloud-default-encryption.
pub(crate) fn default_encryption(case: &Case) -> Vec<Verdict> {
    let expected = "the account encrypts every new disk of the region";
    setting(
        case,
        ("cloud:account", expected),
        "ec2:GetEbsEncryptionByDefault",
        |facts| &facts.settings.disks_encrypted,
    )
}

/// leakage/cloud-public-snapshots-blocked.
pub(crate) fn public_snapshots_blocked(case: &Case) -> Vec<Verdict> {
    let expected = "the account lets nobody share a snapshot with everybody";
    let call = "ec2:GetSnapshotBlockPublicAccessState";
    setting(case, ("cloud:account", expected), call, |facts| {
        &facts.settings.snapshots_blocked
    })
}

fn setting(
    case: &Case,
    (subject, expected): (&str, &str),
    call: &str,
    of: fn(&CloudFacts) -> &Seen<bool>,
) -> Vec<Verdict> {
    each(case, subject, expected, |cloud| {
        let facts = &cloud.facts;
        vec![match of(facts) {
            Seen::Unknown(why) => unseen(case, Some(facts), subject, expected, why),
            Seen::Known(on) => {
                let observed = if *on { "so it is set" } else { "it is not set" };
                Verdict::holds(*on, subject, expected, observed, said(facts, call))
            }
        }]
    })
}

/// encryption/cloud-key-rotation.
pub(crate) fn key_rotation(case: &Case) -> Vec<Verdict> {
    let expected = "the keys of the disks can be used and are rotated every year";
    each(case, "cloud:keys", expected, |cloud| {
        let facts = &cloud.facts;
        if let Seen::Unknown(why) = &facts.volumes {
            return vec![unseen(case, Some(facts), "cloud:keys", expected, why)];
        }
        if facts.volumes == Seen::Known(Vec::new()) {
            let why = "the cloud shows no disk of the deployment";
            return vec![unseen(case, Some(facts), "cloud:keys", expected, why)];
        }
        if facts.keys.is_empty() {
            let evidence = said(facts, "ec2:DescribeVolumes");
            let observed = "no disk of the deployment names a key";
            return vec![Verdict::fail("cloud:keys", expected, observed, evidence)];
        }
        let judged = facts.keys.iter().map(|(arn, key)| {
            let subject = format!("cloud:key:{arn}");
            let key = match key {
                Seen::Unknown(why) => return unseen(case, Some(facts), &subject, expected, why),
                Seen::Known(key) => key,
            };
            let evidence = said(facts, "kms:DescribeKey, kms:GetKeyRotationStatus");
            if !key.enabled || key.ending {
                return Verdict::fail(subject, expected, "it is disabled, or its end is scheduled", evidence);
            }
            // AWS rotates its own keys every year and lets nobody turn that off.
            if key.aws_managed {
                return Verdict::pass(subject, expected, "AWS holds it and rotates it every year", evidence);
            }
            match &key.rotated {
                Seen::Unknown(why) => unseen(case, Some(facts), &subject, expected, why),
                Seen::Known(on) => {
                    let observed = if *on {
                        "it is rotated every year"
                    } else {
                        "it is not rotated"
                    };
                    Verdict::holds(*on, subject, expected, observed, evidence)
                }
            }
        });
        judged.collect()
    })
}

/// logging/cloud-flow-logs.
pub(crate) fn flow_logs(case: &Case) -> Vec<Verdict> {
    let (subject, expected) = (
        "cloud:flow logs",
        "all traffic of the deployment's network is recorded where the spec says",
    );
    if case.is_test() && matches!(case.cloud, Some(Seen::Known(cloud)) if !cloud.wanted.recorded) {
        return vec![super::administrative::no_patients(case, subject, expected)];
    }
    each(case, subject, expected, |cloud| {
        let facts = &cloud.facts;
        let (logs, network) = match (&facts.flow_logs, &facts.recorded) {
            (Seen::Known(logs), Seen::Known(network)) => (logs, network),
            (Seen::Unknown(why), _) | (_, Seen::Unknown(why)) => {
                return vec![unseen(case, Some(facts), subject, expected, why)];
            }
        };
        if network.is_empty() {
            let why = "the cloud shows no network of the deployment";
            return vec![unseen(case, Some(facts), subject, expected, why)];
        }
        let around = network.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let evidence = said(facts, format!("ec2:DescribeFlowLogs of {around}"));
        let bucket = cloud.wanted.flow_logs.as_ref();
        let good = |log: &&FlowLog| {
            let there = bucket.is_none_or(|bucket| *bucket == log.destination);
            log.active && there && network.contains(&log.resource)
        };
        let recorded = logs.iter().find(good);
        let observed = match recorded {
            Some(log) => format!("{} records {} and writes to {}", log.id, log.resource, log.destination),
            None => format!(
                "{} flow logs of {around}, none of which records all of it{}",
                logs.len(),
                bucket
                    .map(|bucket| format!(" and writes to {bucket}"))
                    .unwrap_or_default()
            ),
        };
        vec![Verdict::holds(
            recorded.is_some(),
            subject,
            expected,
            observed,
            evidence,
        )]
    })
}

/// logging/cloud-trail.
pub(crate) fn trail(case: &Case) -> Vec<Verdict> {
    let (subject, expected) = (
        "cloud:trail",
        "a trail of all regions records what is done in the account, and its files can be checked",
    );
    each(case, subject, expected, |cloud| {
        let facts = &cloud.facts;
        let trails = match &facts.settings.trails {
            Seen::Known(trails) => trails,
            Seen::Unknown(why) => return vec![unseen(case, Some(facts), subject, expected, why)],
        };
        let evidence = || said(facts, "cloudtrail:DescribeTrails, cloudtrail:GetTrailStatus");
        let good = trails.iter().filter(|trail| trail.everywhere && trail.validated);
        let good: Vec<_> = good.collect();
        if let Some(trail) = good.iter().find(|trail| trail.recording == Seen::Known(true)) {
            return vec![Verdict::pass(
                subject,
                expected,
                format!("{} records", trail.name),
                evidence(),
            )];
        }
        if let Some(why) = good.iter().find_map(|trail| trail.recording.known().err()) {
            return vec![unseen(case, Some(facts), subject, expected, why)];
        }
        let observed = format!(
            "{} trails, none of which covers all regions, is validated and records",
            trails.len()
        );
        vec![Verdict::fail(subject, expected, observed, evidence())]
    })
}
