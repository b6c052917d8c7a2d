//! Scenes of the cloud's controls: one thing spoiled in a deployment in AWS.

use std::collections::BTreeSet;

use crate::facts::cloud::DiskKeySeen;
use crate::facts::cloud::Standing;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::cloud_scene::DENIED;
use super::cloud_scene::KEY;
use super::cloud_scene::case;
use super::cloud_scene::denied;
use super::cloud_scene::in_cloud;
use super::cloud_scene::key;
use super::cloud_scene::known;
use super::cloud_scene::machine;
use super::cloud_scene::rule;

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
                "AWS says of nobody whose it is",
                |scene| in_cloud(scene).agreement = Seen::Known(Standing::OfNobody { name: "BAA".to_owned() }),
                "neither the account nor the organization",
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
        (
            "a second group of the host that is open",
            |scene| {
                let groups = known(&mut in_cloud(scene).groups);
                let mut second = groups[0].clone();
                second.id = "sg-2".to_owned();
                second.ingress.insert(rule("-1", None, "0.0.0.0/0"));
                groups.push(second);
            },
            "open to all 0.0.0.0/0",
        ),
        (
            "SSH is open to everybody, and machines were not seen",
            |scene| {
                let facts = in_cloud(scene);
                facts.instances = denied();
                known(&mut facts.groups)[0].ingress.insert(rule("tcp", Some((22, 22)), "0.0.0.0/0"));
            },
            "open to tcp/22 0.0.0.0/0",
        ),
    ],
    unverified: [
        ("groups were not seen", |scene| in_cloud(scene).groups = denied(), DENIED),
        ("machines were not seen", |scene| in_cloud(scene).instances = denied(), DENIED),
        ("there is no machine", |scene| known(&mut in_cloud(scene).instances).clear(), "no machine of this host"),
        (
            "the only machine is another host's",
            |scene| { machine(scene).tags.insert("anteroom:host".to_owned(), "video".to_owned()); },
            "no machine of this host",
        ),
    ]),
    row!("exposure/cloud-addresses",
    fails: [
        ("a second interface", |scene| { machine(scene).interfaces.insert("eni-2".to_owned()); }, "2 interfaces"),
        ("another address", |scene| { machine(scene).public.insert([198, 51, 100, 9].into()); }, "198.51.100.9"),
        (
            "an interface that only its own list shows",
            |scene| {
                let interfaces = known(&mut in_cloud(scene).interfaces);
                let mut second = interfaces[0].clone();
                second.id = "eni-2".to_owned();
                interfaces.push(second);
            },
            "2 interfaces",
        ),
        (
            "an IPv6 address",
            |scene| {
                let interfaces = known(&mut in_cloud(scene).interfaces);
                interfaces[0].ipv6.insert("2001:db8::7".parse().unwrap());
            },
            "2001:db8::7",
        ),
        ("no Elastic IP address", |scene| known(&mut in_cloud(scene).addresses).clear(), "0 Elastic IP addresses"),
    ],
    unverified: [
        ("machines were not seen", |scene| in_cloud(scene).instances = denied(), DENIED),
        ("addresses were not seen", |scene| in_cloud(scene).addresses = denied(), DENIED),
        ("interfaces were not seen", |scene| in_cloud(scene).interfaces = denied(), DENIED),
        ("there is no machine", |scene| known(&mut in_cloud(scene).instances).clear(), "nothing of the kind"),
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
        fails: [
            ("it is off", |scene| machine(scene).protected = Seen::Known(false), "i-1 is not protected"),
            (
                "it is off for one, and not seen of another",
                |scene| {
                    let machines = known(&mut in_cloud(scene).instances);
                    let mut second = machines[0].clone();
                    second.id = "i-2".to_owned();
                    (second.protected, machines[0].protected) = (Seen::Known(false), denied());
                    machines.push(second);
                },
                "i-2 is not protected",
            ),
        ],
        unverified: [("it was not seen", |scene| machine(scene).protected = denied(), DENIED)]),
    row!("integrity/cloud-tags",
    fails: [
        (
            "a tag is missing",
            |scene| { known(&mut in_cloud(scene).tagged)[0].tags.remove("anteroom:domain"); },
            "VPC vpc-1 lacks anteroom:domain",
        ),
        (
            "a disk without any tag",
            |scene| known(&mut in_cloud(scene).tagged)[1].tags.clear(),
            "volume vol-1 lacks anteroom:deployment, lacks anteroom:domain, lacks anteroom:environment, lacks \
             anteroom:host, lacks anteroom:role",
        ),
        (
            "production that says it is a test",
            |scene| {
                let tags = &mut known(&mut in_cloud(scene).tagged)[0].tags;
                tags.insert("anteroom:environment".to_owned(), "test".to_owned());
            },
            "has anteroom:environment = test and not production",
        ),
        (
            "production that ends",
            |scene| {
                let tags = &mut known(&mut in_cloud(scene).tagged)[1].tags;
                tags.insert("anteroom:expires".to_owned(), "2026-04-01T00:00:00Z".to_owned());
            },
            "production has no end",
        ),
        (
            "a host that the spec does not know",
            |scene| {
                let tags = &mut known(&mut in_cloud(scene).tagged)[1].tags;
                tags.insert("anteroom:host".to_owned(), "video".to_owned());
            },
            "has anteroom:host = video and not a host of the spec",
        ),
        (
            "a test that says nothing of its end",
            |scene| case(scene).wanted.ends = true,
            "VPC vpc-1 lacks anteroom:expires",
        ),
    ],
    unverified: [
        ("a kind was not seen", |scene| in_cloud(scene).tagged = denied(), DENIED),
        ("nothing is there", |scene| known(&mut in_cloud(scene).tagged).clear(), "nothing of the kind"),
    ]),
    row!("integrity/cloud-as-planned",
        fails: [
            (
                "a rule was added",
                |scene| {
                    let line = "~ core: its security group\n    - from tcp/22 0.0.0.0/0".to_owned();
                    case(scene).drift = Seen::Known(vec![line, "+ flow logs of it".to_owned()]);
                },
                "~ core: its security group, - from tcp/22 0.0.0.0/0; + flow logs of it",
            ),
            (
                "a disk would have to shrink",
                |scene| case(scene).refused = vec!["core: its disk of 80 GiB cannot shrink to 40".to_owned()],
                "core: its disk of 80 GiB cannot shrink to 40",
            ),
        ],
        unverified: [("something was not seen", |scene| case(scene).drift = denied(), DENIED)]),
    row!("disposal/cloud-leftovers",
    fails: [
        ("a disk", |scene| known(&mut in_cloud(scene).volumes)[0].instance = None, "volume vol-1 belongs to no machine"),
        ("an address", |scene| known(&mut in_cloud(scene).addresses)[0].instance = None, "address eipalloc-1"),
        ("an interface", |scene| known(&mut in_cloud(scene).interfaces)[0].instance = None, "interface eni-1"),
        (
            "an interface, and disks were not seen",
            |scene| {
                let facts = in_cloud(scene);
                facts.volumes = denied();
                known(&mut facts.interfaces)[0].instance = None;
            },
            "interface eni-1",
        ),
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
    fails: [
        (
            "a snapshot is public",
            |scene| {
                let snapshots = known(&mut in_cloud(scene).snapshots);
                snapshots[0].shared_with = Seen::Known(BTreeSet::from(["all".to_owned()]));
            },
            "snap-1 is shared with all",
        ),
        (
            "one is public, and of another it was not seen",
            |scene| {
                let snapshots = known(&mut in_cloud(scene).snapshots);
                let mut second = snapshots[0].clone();
                second.shared_with = denied();
                snapshots[0].shared_with = Seen::Known(BTreeSet::from(["all".to_owned()]));
                snapshots.push(second);
            },
            "snap-1 is shared with all",
        ),
    ],
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
        ("there is no disk", |scene| known(&mut in_cloud(scene).volumes).clear(), "no disk"),
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
        (
            "it writes elsewhere than the spec says",
            |scene| known(&mut in_cloud(scene).flow_logs)[0].destination = "arn:aws:s3:::other".to_owned(),
            "writes to arn:aws:s3:::clinic-flow-logs",
        ),
    ],
    unverified: [
        ("they were not seen", |scene| in_cloud(scene).flow_logs = denied(), DENIED),
        ("the network was not seen", |scene| in_cloud(scene).recorded = denied(), DENIED),
        ("there is no network", |scene| known(&mut in_cloud(scene).recorded).clear(), "no network"),
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
