//! Wanted, seen and what lies between them.

#[cfg(feature = "aws")]
mod confirmed;
mod environment;
mod obstacles;
mod unclaimed;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use crate::machines::aws::Change;
use crate::machines::aws::Inventory;
use crate::machines::aws::Opening;
use crate::machines::aws::Wanted;
use crate::machines::aws::change::By;
use crate::machines::aws::change::Depth;
use crate::machines::aws::diff;
use crate::machines::aws::egress;
use crate::machines::aws::inventory::Kind;
use crate::machines::aws::names;
use crate::machines::aws::wanted;
use crate::machines::aws::wanted::ports_digest;
use crate::remote::aws::model::Address;
use crate::remote::aws::model::DiskKeySeen;
use crate::remote::aws::model::Gateway;
use crate::remote::aws::model::Group;
use crate::remote::aws::model::Instance;
use crate::remote::aws::model::KeyPair;
use crate::remote::aws::model::Permission;
use crate::remote::aws::model::RouteTable;
use crate::remote::aws::model::Subnet;
use crate::remote::aws::model::Volume;
use crate::remote::aws::model::Vpc;
use crate::seen::Seen;
use crate::spec::AwsMachines;
use crate::spec::Files;
use crate::spec::Image;
use crate::spec::Machines;
use crate::spec::Spec;
use crate::spec::Switches;
use crate::spec::parse;

const SPEC: &str = r#"
[deployment]
name = "clinic"
domain = "telemed.example.com"
environment = "test"
ttl = "4h"
[machines]
kind = "aws"
[machines.aws]
region = "us-east-1"
public_key_file = "admin.pub"
kms_key = "own"
[access]
admin_cidrs = ["203.0.113.0/28"]
"#;

fn spec() -> Spec {
    let read = |_: &Path| Ok(b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA admin".to_vec());
    let files = Files {
        folder: Path::new(""),
        home: None,
        read: &read,
    };
    let today = jiff::civil::date(2026, 4, 1);
    parse(
        Path::new("a.toml"),
        SPEC.as_bytes(),
        &Switches::default(),
        today,
        &files,
    )
    .unwrap()
}

fn settings(spec: &Spec) -> &AwsMachines {
    match &spec.machines {
        Machines::Aws(settings) => settings,
        other => panic!("{other:?}"),
    }
}

pub(super) fn of_spec() -> Wanted {
    let spec = spec();
    let https = Opening {
        protocol: "tcp",
        ports: (443, 443),
    };
    let openings = BTreeMap::from([(spec.hosts[0].name.clone(), BTreeSet::from([https]))]);
    wanted(
        &spec,
        settings(&spec),
        &openings,
        "2026-04-01T12:00:00.5Z".parse().unwrap(),
    )
}

/// What is there after an apply.
pub(super) fn made(wanted: &Wanted) -> Inventory {
    let host = &wanted.hosts[0];
    let (tags, mut host_tags) = (wanted.tags(None), wanted.host_tags(host, None));
    let of_key = tags.clone();
    let mut key_tags = tags.clone();
    key_tags.insert(names::KEY.to_owned(), wanted.key_digest());
    let mut group_tags = host_tags.clone();
    group_tags.insert(names::PORTS.to_owned(), ports_digest(&host.open));
    group_tags.insert(names::MADE.to_owned(), "0".to_owned());
    host_tags.insert(names::GENERATION.to_owned(), "0".to_owned());
    host_tags.insert(names::TYPE.to_owned(), host.instance_type.clone());
    Inventory {
        vpcs: vec![Vpc {
            id: "vpc-1".to_owned(),
            cidr: "10.77.0.0/24".to_owned(),
            tags: tags.clone(),
        }],
        gateways: vec![Gateway {
            id: "igw-1".to_owned(),
            vpc: Some("vpc-1".to_owned()),
            tags: tags.clone(),
        }],
        subnets: vec![Subnet {
            id: "subnet-1".to_owned(),
            vpc: "vpc-1".to_owned(),
            cidr: "10.77.0.0/24".to_owned(),
            zone: "us-east-1a".to_owned(),
            tags: tags.clone(),
        }],
        route_tables: vec![RouteTable {
            id: "rtb-1".to_owned(),
            vpc: "vpc-1".to_owned(),
            way_out: Some("igw-1".to_owned()),
            subnets: BTreeMap::from([("rtbassoc-1".to_owned(), "subnet-1".to_owned())]),
            tags,
        }],
        groups: vec![Group {
            id: "sg-1".to_owned(),
            name: "anteroom-clinic-core".to_owned(),
            vpc: "vpc-1".to_owned(),
            ingress: host.open.clone(),
            egress: egress(),
            tags: group_tags,
        }],
        key_pairs: vec![KeyPair {
            id: "key-1".to_owned(),
            name: "anteroom-clinic".to_owned(),
            tags: key_tags,
        }],
        instances: vec![Instance {
            id: "i-1".to_owned(),
            state: "running".to_owned(),
            instance_type: host.instance_type.clone(),
            image: "ami-1".to_owned(),
            zone: "us-east-1a".to_owned(),
            subnet: Some("subnet-1".to_owned()),
            groups: BTreeSet::from(["sg-1".to_owned()]),
            interfaces: BTreeSet::from(["eni-1".to_owned()]),
            public: BTreeSet::new(),
            private: None,
            volumes: BTreeMap::from([("/dev/xvda".to_owned(), "vol-1".to_owned())]),
            root_device: "/dev/xvda".to_owned(),
            tokens_required: true,
            hop_limit: 1,
            role: None,
            protected: Seen::Known(false),
            tags: host_tags.clone(),
        }],
        volumes: vec![Volume {
            id: "vol-1".to_owned(),
            gib: 40,
            encrypted: true,
            key: Some("arn:k".to_owned()),
            instance: Some("i-1".to_owned()),
            tags: host_tags.clone(),
        }],
        addresses: vec![Address {
            id: "eipalloc-1".to_owned(),
            ip: [203, 0, 113, 7].into(),
            association: Some("eipassoc-1".to_owned()),
            instance: Some("i-1".to_owned()),
            tags: host_tags,
        }],
        disk_keys: vec![DiskKeySeen {
            arn: "arn:k".to_owned(),
            enabled: true,
            ending: false,
            aws_managed: false,
            rotated: Seen::Known(true),
            named: true,
        }],
        key_tags: BTreeMap::from([("arn:k".to_owned(), of_key)]),
        ..Inventory::default()
    }
}

fn lines(changes: &[Change]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn nothing_there_means_everything_in_an_order_in_which_each_stands_on_the_one_before() {
    insta::assert_snapshot!(lines(&diff(&of_spec(), &Inventory::default())), @r"
    + a KMS key for the disks
    + the alias of that key
    ~ that key is rotated every year
    + the login key
    + a VPC
    + an internet gateway
    + the gateway's attachment
    + a subnet
    + a route table
    + its route to the internet
    + the subnet's routes
    + core: a security group
    ~ core: its security group
        + from tcp/22 203.0.113.0/28
        + from tcp/443 0.0.0.0/0
    ~ core: a tag on its security group
    + core: a machine, then everything on it
    ~ core: a tag on its security group
    + core: an Elastic IP address
    ~ core: the machine gets its address
    ");
}

#[test]
fn what_an_apply_made_needs_nothing_more() {
    let wanted = of_spec();
    assert_eq!(diff(&wanted, &made(&wanted)), []);
}

/// What differs, how deep the change goes, and what it says.
type Spoiled = (fn(&mut Wanted, &mut Inventory), Depth, &'static str);

#[test]
fn a_machine_whose_number_was_taken_away_is_the_first_of_its_host() {
    let wanted = of_spec();
    let mut seen = made(&wanted);
    seen.groups[0].tags.insert(names::MADE.to_owned(), "0".to_owned());
    seen.instances[0].tags.remove(names::GENERATION);
    assert_eq!(diff(&wanted, &seen), []);
}

#[test]
fn each_difference_is_one_change_of_the_right_depth() {
    let spoiled: &[Spoiled] = &[
        (
            |_, seen| seen.gateways[0].vpc = None,
            Depth::Create,
            "the gateway's attachment",
        ),
        (
            |_, seen| seen.route_tables[0].subnets.clear(),
            Depth::Create,
            "the subnet's routes",
        ),
        (
            |_, seen| seen.instances[0].state = "stopped".to_owned(),
            Depth::InPlace,
            "is started (somebody else",
        ),
        (|_, seen| seen.instances[0].hop_limit = 2, Depth::InPlace, "IMDSv2"),
        (
            |_, seen| seen.instances[0].protected = Seen::Known(true),
            Depth::InPlace,
            "no longer protected",
        ),
        (
            |wanted, _| wanted.hosts[0].gib = 80,
            Depth::InPlace,
            "grows from 40 to 80 GiB",
        ),
        (
            |_, seen| seen.volumes[0].encrypted = false,
            Depth::Replace,
            "its disk is not encrypted",
        ),
        (
            |_, seen| seen.volumes[0].key = Some("arn:other".to_owned()),
            Depth::Replace,
            "another key than arn:k",
        ),
        (
            |_, seen| seen.instances[0].subnet = Some("subnet-0".to_owned()),
            Depth::Replace,
            "its disk with the accounts, secrets and logs on it, since it is not in the subnet subnet-1",
        ),
        (
            |wanted, _| wanted.hosts[0].image = Image::Exactly("ami-2".to_owned()),
            Depth::Replace,
            "not as ami-2",
        ),
        (
            |_, seen| seen.key_pairs[0].tags.clear(),
            Depth::InPlace,
            "the login key is replaced",
        ),
        (
            |_, seen| {
                let second = Address {
                    id: "eipalloc-2".to_owned(),
                    instance: None,
                    ..seen.addresses[0].clone()
                };
                seen.addresses.push(second);
            },
            Depth::Remove,
            "Elastic IP address eipalloc-2, of which there is one too many",
        ),
    ];
    for (spoil, depth, says) in spoiled {
        let mut wanted = of_spec();
        let mut seen = made(&wanted);
        spoil(&mut wanted, &mut seen);
        let changes = diff(&wanted, &seen);
        let found = changes.iter().find(|change| change.to_string().contains(says));
        assert_eq!(found.map(Change::depth), Some(*depth), "{says}: {}", lines(&changes));
    }
}

#[test]
fn a_rule_that_somebody_added_is_theirs_and_one_that_the_spec_dropped_is_the_specs() {
    let mut wanted = of_spec();
    let mut seen = made(&wanted);
    let theirs = Permission {
        protocol: "tcp".to_owned(),
        ports: Some((22, 22)),
        peer: "0.0.0.0/0".to_owned(),
    };
    seen.groups[0].ingress.insert(theirs.clone());
    let by = |wanted: &Wanted, seen: &Inventory| {
        diff(wanted, seen).into_iter().find_map(|change| match change {
            Change::SetPorts { close, by, .. } => Some((close, by)),
            _ => None,
        })
    };
    assert_eq!(by(&wanted, &seen), Some((BTreeSet::from([theirs]), By::Someone)));
    seen = made(&wanted);
    let dropped = wanted.hosts[0].open.pop_last().unwrap();
    assert_eq!(by(&wanted, &seen), Some((BTreeSet::from([dropped]), By::Spec)));
}

#[test]
fn a_second_vpc_goes_and_the_one_that_is_used_stays() {
    let wanted = of_spec();
    let mut seen = made(&wanted);
    let unused = Vpc {
        id: "vpc-0".to_owned(),
        ..seen.vpcs[0].clone()
    };
    seen.vpcs.insert(0, unused);
    assert_eq!(
        diff(&wanted, &seen),
        [Change::RemoveExtra(Kind::Vpc, "vpc-0".to_owned())]
    );
}

#[test]
fn a_test_ends_by_its_ttl_and_what_is_added_later_ends_with_the_rest() {
    let wanted = of_spec();
    assert_eq!(wanted.expires.as_deref(), Some("2026-04-01T16:00:01Z"));
    let mut seen = made(&wanted);
    seen.vpcs[0]
        .tags
        .insert(names::EXPIRES.to_owned(), "2026-04-01T13:00:00Z".to_owned());
    let expires = seen.expires();
    assert_eq!(wanted.tags(expires.as_ref())[names::EXPIRES], "2026-04-01T13:00:00Z");
}

#[test]
fn another_owners_things_are_told_and_left_out() {
    let wanted = of_spec();
    let mut seen = made(&wanted);
    seen.vpcs[0]
        .tags
        .insert(names::DOMAIN.to_owned(), "other.example.com".to_owned());
    let strangers = seen.strangers(&wanted.owner);
    assert_eq!(
        strangers,
        [(Kind::Vpc, "vpc-1".to_owned(), "other.example.com".to_owned())]
    );
    assert!(seen.only(&wanted.owner).vpcs.is_empty());
}

#[test]
fn what_has_no_domain_is_neither_ours_nor_a_strangers() {
    let wanted = of_spec();
    let mut seen = made(&wanted);
    assert_eq!(seen.of_no_domain(), []);
    seen.instances[0].tags.remove(names::DOMAIN);
    assert_eq!(seen.strangers(&wanted.owner), []);
    let bare: Vec<(Kind, &str)> = seen
        .of_no_domain()
        .into_iter()
        .map(|(kind, id, _)| (kind, id))
        .collect();
    assert_eq!(bare, [(Kind::Instance, "i-1")]);
    assert!(seen.only(&wanted.owner).instances.is_empty());
}

#[cfg(feature = "aws")]
#[test]
fn a_host_has_the_addresses_of_its_machine_once_the_machines_key_is_known() {
    use crate::machines::aws::known_machines;
    use crate::spec::HostKeyPolicy;

    let spec = spec();
    let mut seen = made(&of_spec());
    seen.instances[0].private = Some([10, 77, 0, 5].into());
    assert_eq!(known_machines(&spec, settings(&spec), &seen), Vec::new());
    let key = format!("SHA256:{}", "A".repeat(43));
    seen.instances[0].tags.insert(names::HOST_KEY.to_owned(), key.clone());
    let machine = &known_machines(&spec, settings(&spec), &seen)[0];
    assert_eq!(machine.target.host_key, HostKeyPolicy::Fingerprint(key));
    assert_eq!(machine.host.public_address, Some("203.0.113.7".parse().unwrap()));
    assert_eq!(machine.host.private_address, Some("10.77.0.5".parse().unwrap()));
}
