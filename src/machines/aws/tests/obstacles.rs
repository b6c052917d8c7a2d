//! What cannot become what the spec says.

use super::lines;
use super::made;
use super::of_spec;
use crate::machines::aws::CloudError;
use crate::machines::aws::Inventory;
use crate::machines::aws::Leaving;
use crate::machines::aws::Wanted;
use crate::machines::aws::diff;
use crate::machines::aws::names;
use crate::machines::aws::obstacles::collision;
use crate::machines::aws::obstacles::refusals;
use crate::machines::aws::refuse;
use crate::remote::aws::model::Subnet;
use crate::remote::aws::model::Tags;
use crate::spec::Network;

/// A subnet of the operator's.
fn given(id: &str, vpc: &str) -> Subnet {
    Subnet {
        id: id.to_owned(),
        vpc: vpc.to_owned(),
        cidr: "172.16.0.0/24".to_owned(),
        zone: "us-east-1b".to_owned(),
        tags: Tags::new(),
    }
}

/// Moves what `made` made into the operator's subnet.
fn moved(wanted: &mut Wanted, seen: &mut Inventory) {
    wanted.network = Network::Subnet("subnet-given".to_owned());
    seen.given_subnet = Some(given("subnet-given", "vpc-given"));
    seen.vpcs.clear();
    seen.gateways.clear();
    seen.subnets.clear();
    seen.route_tables.clear();
    seen.groups[0].vpc = "vpc-given".to_owned();
    seen.instances[0].subnet = Some("subnet-given".to_owned());
}

/// What is asked of a deployment, what the refusal says, and what to do.
type Asked = (fn(&mut Wanted, &mut Inventory), &'static str, &'static str);

#[test]
fn what_cannot_be_is_refused_and_says_what_to_do() {
    let asked: &[Asked] = &[
        (
            |wanted, _| wanted.hosts[0].gib = 20,
            "core: its disk of 40 GiB cannot shrink to 20",
            "write `volume_gib = 40`",
        ),
        (
            |wanted, _| wanted.zone = Some("us-east-1b".to_owned()),
            "the subnet subnet-1 is in us-east-1a, and `zone` is us-east-1b",
            "the zone of a deployment cannot be changed",
        ),
        (
            |wanted, seen| {
                *seen = Inventory::default();
                wanted.zone = Some("us-east-1a".to_owned());
                wanted.network = Network::Subnet("subnet-given".to_owned());
                seen.given_subnet = Some(given("subnet-given", "vpc-given"));
            },
            "the subnet subnet-given is in us-east-1b, and `zone` is us-east-1a",
            "or name a subnet in us-east-1a",
        ),
        (
            |wanted, _| wanted.network = Network::Own("10.78.0.0/24".parse().unwrap()),
            "the VPC vpc-1 is 10.77.0.0/24, and `network` is 10.78.0.0/24",
            "the network of a deployment cannot be changed",
        ),
        (
            |_, seen| seen.subnets[0].cidr = "10.77.0.0/25".to_owned(),
            "the subnet subnet-1 is 10.77.0.0/25, and `network` is 10.77.0.0/24",
            "the network of a deployment cannot be changed",
        ),
        (
            |wanted, seen| {
                wanted.network = Network::Subnet("subnet-given".to_owned());
                seen.given_subnet = Some(given("subnet-given", "vpc-given"));
            },
            "the deployment has a VPC of its own, vpc-1, and `subnet` is subnet-given",
            "the network of a deployment cannot be changed",
        ),
        (
            |wanted, seen| {
                let own = wanted.network.clone();
                moved(wanted, seen);
                wanted.network = own;
                seen.given_subnet = None;
            },
            "the security group sg-1 is in vpc-given, which is not the VPC that the spec asks for",
            "the network of a deployment cannot be changed",
        ),
        (
            |wanted, seen| {
                moved(wanted, seen);
                wanted.network = Network::Subnet("subnet-else".to_owned());
                seen.given_subnet = Some(given("subnet-else", "vpc-else"));
            },
            "the security group sg-1 is in vpc-given, which is not the VPC that the spec asks for",
            "the network of a deployment cannot be changed",
        ),
    ];
    for (ask, says, remedy) in asked {
        let mut wanted = of_spec();
        let mut seen = made(&wanted);
        ask(&mut wanted, &mut seen);
        let error = refuse(&wanted, &seen).unwrap_err();
        assert!(error.to_string().contains(says), "{says}: {error}");
        assert!(
            error.hints().iter().any(|hint| hint.contains(remedy)),
            "{remedy}: {error:?}"
        );
    }
}

#[test]
fn neither_a_zone_nor_a_network_nor_a_size_is_a_replacement() {
    let asked: &[fn(&mut Wanted)] = &[
        |wanted| wanted.zone = Some("us-east-1b".to_owned()),
        |wanted| wanted.network = Network::Own("10.78.0.0/24".parse().unwrap()),
        |wanted| wanted.hosts[0].gib = 20,
    ];
    for ask in asked {
        let mut wanted = of_spec();
        let seen = made(&wanted);
        ask(&mut wanted);
        assert_eq!(diff(&wanted, &seen), []);
    }
}

#[test]
fn what_is_there_and_what_is_not_yet_are_no_obstacles() {
    let wanted = of_spec();
    for seen in [Inventory::default(), made(&wanted)] {
        assert!(refuse(&wanted, &seen).is_ok());
    }
    let mut wanted = of_spec();
    let mut seen = made(&wanted);
    moved(&mut wanted, &mut seen);
    assert!(refuse(&wanted, &seen).is_ok());
    assert_eq!(lines(&diff(&wanted, &seen)), "");
}

#[test]
fn a_second_subnet_of_its_own_does_not_move_the_machine() {
    let wanted = of_spec();
    let mut seen = made(&wanted);
    let unused = Subnet {
        id: "subnet-0".to_owned(),
        zone: "us-east-1c".to_owned(),
        ..seen.subnets[0].clone()
    };
    seen.subnets.insert(0, unused);
    let changes = diff(&wanted, &seen);
    assert_eq!(lines(&changes), "- subnet subnet-0, which the spec no longer names");
}

#[test]
fn a_test_does_not_take_the_place_of_production_unasked() {
    let mut wanted = of_spec();
    let mut seen = made(&wanted);
    seen.volumes[0]
        .tags
        .insert(names::ENVIRONMENT.to_owned(), "production".to_owned());
    let error = refuse(&wanted, &seen).unwrap_err();
    assert!(matches!(&error, CloudError::Production { things, .. } if things == &["volume vol-1"]));
    let hints = error.hints().join("\n");
    assert!(hints.contains("--leave-production telemed.example.com"), "{hints}");
    wanted.leaving = Leaving::Agreed;
    assert!(refuse(&wanted, &seen).is_ok());
    // The key's word counts as any other's.
    wanted.leaving = Leaving::Refused;
    seen = made(&wanted);
    assert!(refuse(&wanted, &seen).is_ok());
    let tags = seen.key_tags.get_mut("arn:k").unwrap();
    tags.insert(names::ENVIRONMENT.to_owned(), "production".to_owned());
    assert!(refuse(&wanted, &seen).is_err());
}

#[test]
fn what_does_not_say_what_it_is_for_counts_as_production() {
    let mut wanted = of_spec();
    let mut seen = made(&wanted);
    seen.volumes[0].tags.remove(names::ENVIRONMENT);
    let error = refuse(&wanted, &seen).unwrap_err();
    assert!(matches!(&error, CloudError::Production { things, .. } if things == &["volume vol-1"]));
    wanted.leaving = Leaving::Agreed;
    assert!(refuse(&wanted, &seen).is_ok());
    wanted.leaving = Leaving::Refused;
    seen = made(&wanted);
    seen.key_tags.get_mut("arn:k").unwrap().remove(names::ENVIRONMENT);
    assert!(refuse(&wanted, &seen).is_err());
}

#[test]
fn an_audit_is_told_every_refusal_and_not_the_gravest_alone() {
    let wanted = of_spec();
    let mut seen = made(&wanted);
    seen.volumes[0].gib = 400;
    let tags = &mut seen.volumes[0].tags;
    tags.insert(names::ENVIRONMENT.to_owned(), "production".to_owned());
    let told = |refusals: Vec<CloudError>| refusals.iter().flat_map(CloudError::in_the_way).collect::<Vec<_>>();
    let words = told(refusals(&wanted, &seen));
    let [production, disk] = words.as_slice() else {
        panic!("{words:?}")
    };
    assert!(
        production.ends_with("counts as production: volume vol-1 does not say that it is a test"),
        "{production}"
    );
    assert!(disk.contains("its disk of 400 GiB cannot shrink to "), "{disk}");
    assert!(collision(&wanted, &seen).is_none());
    let tags = &mut seen.vpcs[0].tags;
    tags.insert(names::DOMAIN.to_owned(), "other.example.com".to_owned());
    let words = told(collision(&wanted, &seen).into_iter().collect());
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(
        words[0].starts_with("VPC vpc-1 carries the name ") && words[0].ends_with("belongs to other.example.com"),
        "{words:?}"
    );
}
