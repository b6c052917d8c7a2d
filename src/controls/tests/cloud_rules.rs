//! What holds for the cloud's controls together: whom they are about, what stands for a look, and what is told beside them.

use crate::controls::Status;
use crate::controls::drift_rows;
use crate::controls::simulated;
use crate::facts::cloud::DiskKeySeen;
use crate::facts::cloud::Endpoint;
use crate::facts::cloud::Standing;
use crate::plan::DriftKind;
use crate::seen::Seen;

use super::build::good;
use super::cloud::ROWS;
use super::cloud_scene::KEY;
use super::cloud_scene::case;
use super::cloud_scene::denied;
use super::cloud_scene::in_cloud;
use super::cloud_scene::key;
use super::cloud_scene::known;
use super::cloud_scene::seen;

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
fn a_subnet_whose_vpc_is_recorded_is_recorded() {
    let mut scene = good();
    let facts = in_cloud(&mut scene);
    known(&mut facts.recorded).insert("subnet-1".to_owned());
    assert_eq!(known(&mut facts.flow_logs)[0].resource, "vpc-1");
    assert_eq!(scene.word("logging/cloud-flow-logs"), Some(Status::Pass));
}

#[test]
fn what_the_plan_would_change_in_the_cloud_is_drift() {
    let mut scene = good();
    in_cloud(&mut scene);
    assert_eq!(scene.with_case(drift_rows), []);
    case(&mut scene).drift = Seen::Known(vec![
        "~ core: its security group\n    + from tcp/443 0.0.0.0/0".to_owned(),
    ]);
    let rows = scene.with_case(drift_rows);
    let [(host, row)] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!((host.as_str(), row.kind), ("cloud", DriftKind::Cloud));
    assert_eq!(row.subject, "aws us-east-1");
    assert!(
        row.observed
            .ends_with("~ core: its security group, + from tcp/443 0.0.0.0/0"),
        "{row:?}"
    );
    let cloud = case(&mut scene);
    cloud.refused = vec!["core: its disk of 80 GiB cannot shrink to 40".to_owned()];
    cloud.drift = Seen::Known(vec!["+ flow logs of it".to_owned()]);
    let rows = scene.with_case(drift_rows);
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(
        rows[0].1.observed,
        "`apply` would refuse to change anything: core: its disk of 80 GiB cannot shrink to 40"
    );
    assert_eq!(
        rows[1].1.observed,
        "`apply` would change it, if it did not refuse: + flow logs of it"
    );
}

#[test]
fn a_cloud_that_was_asked_elsewhere_is_simulated_and_every_evidence_says_where() {
    let mut scene = good();
    let endpoint = |url: &str| Endpoint {
        service: "EC2",
        url: url.to_owned(),
        named_by: "AWS_ENDPOINT_URL_EC2".to_owned(),
    };
    in_cloud(&mut scene).endpoints = vec![endpoint("https://ec2-fips.us-east-1.amazonaws.com")];
    assert_eq!(scene.with_case(simulated), []);
    seen(&mut scene).endpoints = vec![endpoint("https://192.0.2.2:5000")];
    let rows = scene.with_case(simulated);
    assert_eq!(
        (rows.len(), rows[0].host.as_str(), rows[0].what.as_str()),
        (1, "cloud", "EC2 of AWS")
    );
    for word in ["https://192.0.2.2:5000", "AWS_ENDPOINT_URL_EC2"] {
        assert!(rows[0].why.contains(word), "{rows:?}");
    }
    for row in ROWS {
        for finding in scene.findings(row.id) {
            let told = finding
                .evidence()
                .iter()
                .any(|one| one.detail.contains("asked of https://192.0.2.2:5000 for EC2"));
            assert!(told, "{}: {finding:?}", row.id);
        }
    }
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
        "encryption/cloud-key-rotation",
        "exposure/cloud-ports",
    ] {
        assert_eq!(scene.word(id), Some(Status::Unverified), "{id}");
    }
    assert_eq!(scene.word("leakage/cloud-snapshots-private"), Some(Status::Pass));
}
