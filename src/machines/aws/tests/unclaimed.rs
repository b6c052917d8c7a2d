//! What carries the deployment's tags and no wanted host or part claims.

use super::lines;
use super::made;
use super::of_spec;
use crate::machines::aws::Change;
use crate::machines::aws::change::Depth;
use crate::machines::aws::diff;
use crate::machines::aws::inventory::Kind;
use crate::remote::aws::model::DiskKeySeen;
use crate::remote::aws::model::FlowLog;
use crate::remote::aws::model::KeyPair;

#[test]
fn a_renamed_hosts_machine_group_and_address_go_after_the_new_ones_are_made() {
    let mut wanted = of_spec();
    let seen = made(&wanted);
    wanted.hosts[0].name = "video".parse().unwrap();
    insta::assert_snapshot!(lines(&diff(&wanted, &seen)), @r"
    + video: a security group
    ~ video: its security group
        + from tcp/22 203.0.113.0/28
        + from tcp/443 0.0.0.0/0
    ~ video: a tag on its security group
    + video: a machine, then everything on it
    ~ video: a tag on its security group
    + video: an Elastic IP address
    ~ video: the machine gets its address
    - Elastic IP address eipalloc-1 of core, which the spec no longer names
    - instance i-1 of core, which the spec no longer names; its disk goes with the accounts, secrets and logs on it
    - security group sg-1 of core, which the spec no longer names
    ");
}

#[test]
fn a_machine_that_goes_is_agreed_to_by_its_hosts_name_or_its_id() {
    let mut wanted = of_spec();
    let mut seen = made(&wanted);
    wanted.hosts[0].name = "video".parse().unwrap();
    let mut nameless = seen.instances[0].clone();
    nameless.id = "i-2".to_owned();
    nameless.tags.remove(crate::machines::aws::names::HOST);
    seen.instances.push(nameless);
    let changes = diff(&wanted, &seen);
    let ending: Vec<&str> = changes.iter().filter_map(Change::ends_machine).collect();
    assert_eq!(ending, ["core", "i-2"]);
    assert!(changes.iter().all(|change| change.depth() != Depth::Replace));
    // A second machine of a host that the spec names is no less one.
    let wanted = of_spec();
    let mut seen = made(&wanted);
    let older = crate::remote::aws::model::Instance {
        id: "i-0".to_owned(),
        ..seen.instances[0].clone()
    };
    seen.instances.insert(0, older);
    let changes = diff(&wanted, &seen);
    assert_eq!(changes, [Change::RemoveExtra(Kind::Instance, "i-0".to_owned())]);
    assert_eq!(changes[0].ends_machine(), Some("i-0"));
}

#[test]
fn a_flow_log_to_a_former_bucket_and_a_former_login_key_go() {
    let mut wanted = of_spec();
    wanted.flow_logs = Some("arn:aws:s3:::now".to_owned());
    let mut seen = made(&wanted);
    let log = |id: &str, bucket: &str| FlowLog {
        id: id.to_owned(),
        resource: "vpc-1".to_owned(),
        destination: bucket.to_owned(),
        active: true,
        tags: wanted.tags(None),
    };
    seen.flow_logs = vec![log("fl-1", "arn:aws:s3:::now"), log("fl-0", "arn:aws:s3:::former")];
    let former = KeyPair {
        name: "anteroom-former".to_owned(),
        ..seen.key_pairs[0].clone()
    };
    seen.key_pairs.push(former);
    assert_eq!(
        lines(&diff(&wanted, &seen)),
        "- flow log fl-0, which the spec no longer names\n- key pair anteroom-former, which the spec no longer names"
    );
}

#[test]
fn a_second_network_goes_whole_and_the_one_with_the_machine_stays() {
    let wanted = of_spec();
    let mut seen = made(&wanted);
    let mut second = made(&wanted);
    second.vpcs[0].id = "vpc-0".to_owned();
    (second.gateways[0].id, second.gateways[0].vpc) = ("igw-0".to_owned(), Some("vpc-0".to_owned()));
    (second.subnets[0].id, second.subnets[0].vpc) = ("subnet-0".to_owned(), "vpc-0".to_owned());
    (second.route_tables[0].id, second.route_tables[0].vpc) = ("rtb-0".to_owned(), "vpc-0".to_owned());
    (second.groups[0].id, second.groups[0].vpc) = ("sg-0".to_owned(), "vpc-0".to_owned());
    seen.vpcs.insert(0, second.vpcs.remove(0));
    seen.gateways.insert(0, second.gateways.remove(0));
    seen.subnets.insert(0, second.subnets.remove(0));
    seen.route_tables.insert(0, second.route_tables.remove(0));
    seen.groups.insert(0, second.groups.remove(0));
    insta::assert_snapshot!(lines(&diff(&wanted, &seen)), @r"
    - security group sg-0, of which there is one too many
    - subnet subnet-0, which the spec no longer names
    - route table rtb-0, of which there is one too many
    - internet gateway igw-0, of which there is one too many
    - VPC vpc-0, of which there is one too many
    ");
}

#[test]
fn disks_snapshots_and_interfaces_stay_whatever_their_tags_say() {
    let mut wanted = of_spec();
    let mut seen = made(&wanted);
    seen.instances.clear();
    seen.addresses.clear();
    seen.groups.clear();
    seen.volumes[0].instance = None;
    wanted.hosts[0].name = "video".parse().unwrap();
    let changes = diff(&wanted, &seen);
    assert!(
        changes.iter().all(|change| change.depth() != Depth::Remove),
        "{changes:?}"
    );
}

#[test]
fn a_key_that_a_disk_is_encrypted_with_is_kept_and_used() {
    let wanted = of_spec();
    let mut seen = made(&wanted);
    let key = DiskKeySeen {
        named: false,
        ..seen.disk_keys[0].clone()
    };
    let unused = DiskKeySeen {
        arn: "arn:a".to_owned(),
        ..key.clone()
    };
    seen.disk_keys = vec![unused, key];
    assert_eq!(
        diff(&wanted, &seen),
        [
            Change::NameDiskKey,
            Change::RemoveExtra(Kind::DiskKey, "arn:a".to_owned())
        ]
    );
    seen.disk_keys[0].named = true;
    let kept = lines(&diff(&wanted, &seen));
    assert!(!kept.contains("KMS key arn:k, of which"), "{kept}");
}
