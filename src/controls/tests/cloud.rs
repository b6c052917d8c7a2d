//! Scenes of the cloud's controls: one thing spoiled in a deployment in AWS.

use std::collections::BTreeSet;

use crate::controls::Status;
use crate::facts::cloud::DiskKeySeen;
use crate::facts::cloud::Standing;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::good;
use super::cloud_scene::DENIED;
use super::cloud_scene::KEY;
use super::cloud_scene::denied;
use super::cloud_scene::in_cloud;
use super::cloud_scene::key;
use super::cloud_scene::known;
use super::cloud_scene::machine;
use super::cloud_scene::rule;
use super::cloud_scene::seen;

/// The whole look at the cloud failed.
const NO_LOOK: super::Spoiled = (
    "the account could not be opened",
    |scene| {
        in_cloud(scene);
        scene.cloud = Some(denied());
    },
    DENIED,
);

macro_rules! row {
    ($id:literal, fails: [$($fail:expr),+ $(,)?], unverified: [$($open:expr),+ $(,)?]) => {
        Row {
            id: $id,
            passes: &[("a deployment in a cloud on which everything holds", |scene| {
                in_cloud(scene);
            }, "")],
            fails: &[$($fail),+],
            unverified: Scenes(&[NO_LOOK, $($open),+]),
        }
    };
}

pub(super) const ROWS: &[Row] = &[
    row!("administrative/baa-in-force",
        fails: [
            ("there is none", |scene| in_cloud(scene).agreement = Seen::Known(Standing::Absent), "lists no business associate"),
            (
                "it has ended",
                |scene| {
                    in_cloud(scene).agreement = Seen::Known(Standing::Ended {
                        name: "BAA".to_owned(),
                        state: "AWS_TERMINATED".to_owned(),
                        until: "2026-02-01T00:00:00Z".to_owned(),
                    });
                },
                "AWS_TERMINATED and ends on 2026-02-01",
            ),
            (
                "it is another account's",
                |scene| {
                    in_cloud(scene).agreement = Seen::Known(Standing::Elsewhere {
                        name: "BAA".to_owned(),
                        account: "999988887777".to_owned(),
                    });
                },
                "for the account 999988887777",
            ),
        ],
        unverified: [("Artifact could not be asked", |scene| in_cloud(scene).agreement = denied(), DENIED)]),
    row!("exposure/cloud-ports",
        fails: [
            (
                "SSH is open to everybody",
                |scene| {
                    let groups = known(&mut in_cloud(scene).groups);
                    groups[0].ingress.insert(rule("tcp", Some((22, 22)), "0.0.0.0/0"));
                },
                "open to tcp/22 0.0.0.0/0",
            ),
            ("a rule is missing", |scene| { known(&mut in_cloud(scene).groups)[0].ingress.pop_first(); }, "closed to tcp/22"),
            ("the way out differs", |scene| known(&mut in_cloud(scene).groups)[0].egress.clear(), "way out differs"),
            ("there is no group", |scene| known(&mut in_cloud(scene).groups).clear(), "no security group of its own"),
            ("a second group", |scene| { machine(scene).groups.insert("sg-2".to_owned()); }, "i-1 is in sg-1, sg-2"),
        ],
        unverified: [("groups were not seen", |scene| in_cloud(scene).groups = denied(), DENIED)]),
    row!("exposure/cloud-addresses",
    fails: [
        ("a second interface", |scene| { machine(scene).interfaces.insert("eni-2".to_owned()); }, "2 interfaces"),
        ("another address", |scene| { machine(scene).public.insert([198, 51, 100, 9].into()); }, "198.51.100.9"),
    ],
    unverified: [
        ("machines were not seen", |scene| in_cloud(scene).instances = denied(), DENIED),
        ("addresses were not seen", |scene| in_cloud(scene).addresses = denied(), DENIED),
    ]),
    row!("exposure/cloud-metadata-tokens",
        fails: [
            ("no token is asked for", |scene| machine(scene).tokens_required = false, "does not ask for a token"),
            ("answers reach containers", |scene| machine(scene).hop_limit = 2, "2 hops"),
        ],
        unverified: [("machines were not seen", |scene| in_cloud(scene).instances = denied(), DENIED)]),
    row!("access/cloud-machine-role",
        fails: [("a role", |scene| machine(scene).role = Some("arn:aws:iam::1:instance-profile/x".to_owned()), "profile/x")],
        unverified: [("machines were not seen", |scene| in_cloud(scene).instances = denied(), DENIED)]),
    row!("availability/cloud-termination-protection",
        fails: [("it is off", |scene| machine(scene).protected = Seen::Known(false), "i-1 is not protected")],
        unverified: [("it was not seen", |scene| machine(scene).protected = denied(), DENIED)]),
    row!("integrity/cloud-tags",
        fails: [(
            "a tag is missing",
            |scene| known(&mut in_cloud(scene).tagged)[0].lacks.push("anteroom:domain".to_owned()),
            "VPC vpc-1 lacks anteroom:domain",
        )],
        unverified: [("a kind was not seen", |scene| in_cloud(scene).tagged = denied(), DENIED)]),
    row!("disposal/cloud-leftovers",
    fails: [
        ("a disk", |scene| known(&mut in_cloud(scene).volumes)[0].instance = None, "volume vol-1 belongs to no machine"),
        ("an address", |scene| known(&mut in_cloud(scene).addresses)[0].instance = None, "address eipalloc-1"),
        ("an interface", |scene| known(&mut in_cloud(scene).interfaces)[0].instance = None, "interface eni-1"),
    ],
    unverified: [
        ("disks were not seen", |scene| in_cloud(scene).volumes = denied(), DENIED),
        ("interfaces were not seen", |scene| in_cloud(scene).interfaces = denied(), DENIED),
    ]),
    row!("encryption/cloud-disks-encrypted",
    fails: [
        ("a disk", |scene| known(&mut in_cloud(scene).volumes)[0].encrypted = false, "vol-1 is not encrypted"),
        ("a snapshot", |scene| known(&mut in_cloud(scene).snapshots)[0].encrypted = false, "snap-1 is not encrypted"),
    ],
    unverified: [
        ("disks were not seen", |scene| in_cloud(scene).volumes = denied(), DENIED),
        ("snapshots were not seen", |scene| in_cloud(scene).snapshots = denied(), DENIED),
    ]),
    row!("leakage/cloud-snapshots-private",
    fails: [(
        "a snapshot is public",
        |scene| {
            let snapshots = known(&mut in_cloud(scene).snapshots);
            snapshots[0].shared_with = Seen::Known(BTreeSet::from(["all".to_owned()]));
        },
        "snap-1 is shared with all",
    )],
    unverified: [
        ("snapshots were not seen", |scene| in_cloud(scene).snapshots = denied(), DENIED),
        ("permissions were not seen", |scene| known(&mut in_cloud(scene).snapshots)[0].shared_with = denied(), DENIED),
    ]),
    row!("encryption/cloud-default-encryption",
        fails: [("it is off", |scene| in_cloud(scene).settings.disks_encrypted = Seen::Known(false), "it is not set")],
        unverified: [("it was not seen", |scene| in_cloud(scene).settings.disks_encrypted = denied(), DENIED)]),
    row!("leakage/cloud-public-snapshots-blocked",
        fails: [("it is off", |scene| in_cloud(scene).settings.snapshots_blocked = Seen::Known(false), "it is not set")],
        unverified: [("it was not seen", |scene| in_cloud(scene).settings.snapshots_blocked = denied(), DENIED)]),
    row!("encryption/cloud-key-rotation",
    fails: [
        (
            "it is not rotated",
            |scene| {
                let rotated = Seen::Known(false);
                in_cloud(scene).keys.insert(KEY.to_owned(), Seen::Known(DiskKeySeen { rotated, ..key() }));
            },
            "it is not rotated",
        ),
        (
            "it ends",
            |scene| {
                in_cloud(scene).keys.insert(KEY.to_owned(), Seen::Known(DiskKeySeen { ending: true, ..key() }));
            },
            "its end is scheduled",
        ),
        ("there is none", |scene| in_cloud(scene).keys.clear(), "names a key"),
    ],
    unverified: [
        ("disks were not seen", |scene| in_cloud(scene).volumes = denied(), DENIED),
        ("the key was not seen", |scene| { in_cloud(scene).keys.insert(KEY.to_owned(), denied()); }, DENIED),
        (
            "its rotation was not seen",
            |scene| {
                let rotated = denied();
                in_cloud(scene).keys.insert(KEY.to_owned(), Seen::Known(DiskKeySeen { rotated, ..key() }));
            },
            DENIED,
        ),
    ]),
    row!("logging/cloud-flow-logs",
    fails: [
        ("there is none", |scene| known(&mut in_cloud(scene).flow_logs).clear(), "0 flow logs"),
        ("it is not delivered", |scene| known(&mut in_cloud(scene).flow_logs)[0].active = false, "none of which"),
        (
            "it records another network",
            |scene| known(&mut in_cloud(scene).flow_logs)[0].resource = "vpc-2".to_owned(),
            "none of which",
        ),
    ],
    unverified: [
        ("they were not seen", |scene| in_cloud(scene).flow_logs = denied(), DENIED),
        ("the network was not seen", |scene| in_cloud(scene).recorded = denied(), DENIED),
    ]),
    row!("logging/cloud-trail",
    fails: [
        ("there is none", |scene| known(&mut in_cloud(scene).settings.trails).clear(), "0 trails"),
        (
            "it covers one region",
            |scene| known(&mut in_cloud(scene).settings.trails)[0].everywhere = false,
            "none of which",
        ),
        (
            "it does not record",
            |scene| known(&mut in_cloud(scene).settings.trails)[0].recording = Seen::Known(false),
            "none of which",
        ),
    ],
    unverified: [
        ("trails were not seen", |scene| in_cloud(scene).settings.trails = denied(), DENIED),
        (
            "whether it records was not seen",
            |scene| known(&mut in_cloud(scene).settings.trails)[0].recording = denied(),
            DENIED,
        ),
    ]),
];

#[test]
fn the_paper_on_record_stands_for_an_agreement_that_could_not_be_seen_and_for_no_other() {
    let mut scene = good();
    in_cloud(&mut scene).agreement = denied();
    scene.spec().baa.as_mut().unwrap().document_sha256 = Some("0".repeat(64));
    assert_eq!(scene.word("administrative/baa-in-force"), Some(Status::Attested));
    seen(&mut scene).agreement = Seen::Known(Standing::Absent);
    assert_eq!(scene.word("administrative/baa-in-force"), Some(Status::Fail));
}

#[test]
fn hosts_that_no_cloud_makes_are_none_of_the_clouds_business() {
    for row in ROWS {
        assert_eq!(good().word(row.id), Some(Status::NotApplicable), "{}", row.id);
    }
}

#[test]
fn a_key_that_aws_holds_is_rotated_by_aws() {
    let mut scene = good();
    let aws_managed = DiskKeySeen {
        aws_managed: true,
        rotated: denied(),
        ..key()
    };
    in_cloud(&mut scene)
        .keys
        .insert(KEY.to_owned(), Seen::Known(aws_managed));
    assert_eq!(scene.word("encryption/cloud-key-rotation"), Some(Status::Pass));
}

#[test]
fn a_cloud_that_shows_no_machine_and_no_disk_passes_nothing_about_them_and_needs_no_snapshot() {
    let mut scene = good();
    let facts = in_cloud(&mut scene);
    known(&mut facts.instances).clear();
    known(&mut facts.volumes).clear();
    known(&mut facts.snapshots).clear();
    for id in [
        "exposure/cloud-addresses",
        "exposure/cloud-metadata-tokens",
        "access/cloud-machine-role",
        "availability/cloud-termination-protection",
        "encryption/cloud-disks-encrypted",
    ] {
        assert_eq!(scene.word(id), Some(Status::Unverified), "{id}");
    }
    assert_eq!(scene.word("leakage/cloud-snapshots-private"), Some(Status::Pass));
}
