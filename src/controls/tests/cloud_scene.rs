//! The scene of a deployment in AWS on which everything holds, with patients.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::facts::cloud::AccountSettings;
use crate::facts::cloud::Address;
use crate::facts::cloud::CloudCase;
use crate::facts::cloud::CloudFacts;
use crate::facts::cloud::CloudWanted;
use crate::facts::cloud::DiskKeySeen;
use crate::facts::cloud::FlowLog;
use crate::facts::cloud::Group;
use crate::facts::cloud::Identity;
use crate::facts::cloud::Instance;
use crate::facts::cloud::Interface;
use crate::facts::cloud::Permission;
use crate::facts::cloud::Snapshot;
use crate::facts::cloud::Standing;
use crate::facts::cloud::Tagged;
use crate::facts::cloud::Trail;
use crate::facts::cloud::Volume;
use crate::seen::Seen;

use super::administrative::production;
use super::build::NOW;
use super::build::Scene;

pub(super) const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";
pub(super) const DENIED: &str = "call ec2:Something in us-east-1: these credentials may not";

pub(super) fn rule(protocol: &str, ports: Option<(u16, u16)>, peer: &str) -> Permission {
    Permission {
        protocol: protocol.to_owned(),
        ports,
        peer: peer.to_owned(),
    }
}

/// Tags that everything carries.
pub(super) fn base_tags() -> BTreeMap<String, String> {
    let pairs = [
        ("anteroom:deployment", "clinic"),
        ("anteroom:domain", "telemed.example.com"),
        ("anteroom:environment", "production"),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// Tags of what a host has.
pub(super) fn tags() -> BTreeMap<String, String> {
    let mut tags = base_tags();
    tags.insert("anteroom:host".to_owned(), "core".to_owned());
    tags.insert("anteroom:role".to_owned(), "core".to_owned());
    tags
}

fn tagged(thing: &str, of_host: bool) -> Tagged {
    Tagged {
        thing: thing.to_owned(),
        of_host,
        tags: if of_host { tags() } else { base_tags() },
    }
}

pub(super) fn instance() -> Instance {
    Instance {
        id: "i-1".to_owned(),
        state: "running".to_owned(),
        instance_type: "c6i.xlarge".to_owned(),
        image: "ami-1".to_owned(),
        zone: "us-east-1a".to_owned(),
        subnet: Some("subnet-1".to_owned()),
        groups: BTreeSet::from(["sg-1".to_owned()]),
        interfaces: BTreeSet::from(["eni-1".to_owned()]),
        public: BTreeSet::from([[203, 0, 113, 7].into()]),
        private: Some([10, 77, 0, 4].into()),
        volumes: BTreeMap::from([("/dev/xvda".to_owned(), "vol-1".to_owned())]),
        root_device: "/dev/xvda".to_owned(),
        tokens_required: true,
        hop_limit: 1,
        role: None,
        protected: Seen::Known(true),
        tags: tags(),
    }
}

pub(super) fn snapshot() -> Snapshot {
    Snapshot {
        id: "snap-1".to_owned(),
        volume: "vol-1".to_owned(),
        encrypted: true,
        shared_with: Seen::Known(BTreeSet::new()),
        tags: tags(),
    }
}

pub(super) fn facts(open: &BTreeSet<Permission>, egress: &BTreeSet<Permission>) -> CloudFacts {
    let group = Group {
        id: "sg-1".to_owned(),
        name: "anteroom-clinic-core".to_owned(),
        vpc: "vpc-1".to_owned(),
        ingress: open.clone(),
        egress: egress.clone(),
        tags: tags(),
    };
    let volume = Volume {
        id: "vol-1".to_owned(),
        gib: 40,
        encrypted: true,
        key: Some(KEY.to_owned()),
        instance: Some("i-1".to_owned()),
        tags: tags(),
    };
    let address = Address {
        id: "eipalloc-1".to_owned(),
        ip: [203, 0, 113, 7].into(),
        association: Some("eipassoc-1".to_owned()),
        instance: Some("i-1".to_owned()),
        tags: tags(),
    };
    let interface = Interface {
        id: "eni-1".to_owned(),
        instance: Some("i-1".to_owned()),
        ipv6: BTreeSet::new(),
        tags: tags(),
    };
    let flow_log = FlowLog {
        id: "fl-1".to_owned(),
        resource: "vpc-1".to_owned(),
        destination: "arn:aws:s3:::clinic-flow-logs".to_owned(),
        active: true,
        tags: tags(),
    };
    CloudFacts {
        at: NOW.to_owned(),
        region: "us-east-1".to_owned(),
        endpoints: Vec::new(),
        identity: Seen::Known(Identity {
            account: "111122223333".to_owned(),
            arn: "arn:aws:iam::111122223333:user/auditor".to_owned(),
        }),
        agreement: Seen::Known(Standing::InForce {
            name: "AWS Business Associate Addendum".to_owned(),
            since: "2025-01-02T00:00:00Z".to_owned(),
        }),
        instances: Seen::Known(vec![instance()]),
        groups: Seen::Known(vec![group]),
        volumes: Seen::Known(vec![volume]),
        snapshots: Seen::Known(vec![snapshot()]),
        addresses: Seen::Known(vec![address]),
        interfaces: Seen::Known(vec![interface]),
        flow_logs: Seen::Known(vec![flow_log]),
        recorded: Seen::Known(BTreeSet::from(["vpc-1".to_owned()])),
        keys: BTreeMap::from([(KEY.to_owned(), Seen::Known(key()))]),
        settings: AccountSettings {
            disks_encrypted: Seen::Known(true),
            snapshots_blocked: Seen::Known(true),
            trails: Seen::Known(vec![trail()]),
        },
        tagged: Seen::Known(vec![tagged("VPC vpc-1", false), tagged("volume vol-1", true)]),
    }
}

pub(super) fn key() -> DiskKeySeen {
    DiskKeySeen {
        arn: KEY.to_owned(),
        enabled: true,
        ending: false,
        aws_managed: false,
        rotated: Seen::Known(true),
        named: false,
    }
}

pub(super) fn trail() -> Trail {
    Trail {
        name: "everything".to_owned(),
        everywhere: true,
        validated: true,
        recording: Seen::Known(true),
    }
}

/// The scene in a cloud, with patients.
pub(super) fn in_cloud(scene: &mut Scene) -> &mut CloudFacts {
    production(scene);
    let open = BTreeSet::from([
        rule("tcp", Some((22, 22)), "203.0.113.0/28"),
        rule("tcp", Some((443, 443)), "0.0.0.0/0"),
    ]);
    let egress = BTreeSet::from([rule("-1", None, "0.0.0.0/0")]);
    let facts = facts(&open, &egress);
    let wanted = CloudWanted {
        open: BTreeMap::from([("core".to_owned(), open)]),
        egress,
        recorded: true,
        flow_logs: Some("arn:aws:s3:::clinic-flow-logs".to_owned()),
        tags: base_tags(),
        ends: false,
    };
    let drift = Seen::Known(Vec::new());
    scene.cloud = Some(Seen::Known(CloudCase {
        wanted,
        facts,
        refused: Vec::new(),
        drift,
    }));
    seen(scene)
}

/// The case of the scene in a cloud.
pub(super) fn case(scene: &mut Scene) -> &mut CloudCase {
    in_cloud(scene);
    match scene.cloud.as_mut() {
        Some(Seen::Known(cloud)) => cloud,
        _ => panic!("there is no cloud in the scene"),
    }
}

pub(super) fn seen(scene: &mut Scene) -> &mut CloudFacts {
    match scene.cloud.as_mut() {
        Some(Seen::Known(cloud)) => &mut cloud.facts,
        _ => panic!("there is no cloud in the scene"),
    }
}

pub(super) fn known<T>(list: &mut Seen<T>) -> &mut T {
    match list {
        Seen::Known(list) => list,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

pub(super) fn machine(scene: &mut Scene) -> &mut Instance {
    &mut known(&mut in_cloud(scene).instances)[0]
}

pub(super) fn denied<T>() -> Seen<T> {
    Seen::unknown(DENIED)
}
