//! The cloud's controls, from the API to the report: what was spoiled in the account fails, what was denied stays open.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use super::mock::Mock;
use super::mock::SPEC;

/// The words of the cloud's controls, with subject and observation; the worst of each wins.
fn words(mock: &Mock) -> BTreeMap<String, (String, String)> {
    let audited = mock.run(&["audit", "--no-call", "--format", "json", "-f", "test.toml"]);
    let report: Value = serde_json::from_str(&audited.out).unwrap_or_else(|why| panic!("{why}: {audited:?}"));
    let order = ["not_applicable", "pass", "attested", "waived", "unverified", "fail"];
    let mut words: BTreeMap<String, (String, String)> = BTreeMap::new();
    for finding in report["findings"].as_array().unwrap() {
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        if !text("control").contains("/cloud-") {
            continue;
        }
        let rank = |word: &str| order.iter().position(|known| *known == word).unwrap();
        let worse = words
            .get(&text("control"))
            .is_none_or(|(word, _)| rank(&text("status")) > rank(word));
        if worse {
            words.insert(text("control"), (text("status"), text("observed")));
        }
    }
    words
}

#[test]
fn what_apply_made_passes_what_was_spoiled_fails_and_what_was_denied_stays_open() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    let clean = words(&mock);
    for id in [
        "exposure/cloud-ports",
        "exposure/cloud-addresses",
        "exposure/cloud-metadata-tokens",
        "access/cloud-machine-role",
        "encryption/cloud-disks-encrypted",
        "encryption/cloud-key-rotation",
        "leakage/cloud-snapshots-private",
        "leakage/cloud-public-snapshots-blocked",
        "logging/cloud-flow-logs",
        "integrity/cloud-tags",
        "disposal/cloud-leftovers",
    ] {
        assert_eq!(clean[id].0, "pass", "{id}: {:?}", clean[id]);
    }
    // The mock's account was never set up for patients.
    for id in ["logging/cloud-trail", "encryption/cloud-default-encryption"] {
        assert_eq!(clean[id].0, "fail", "{id}: {:?}", clean[id]);
    }
    mock.ask("do", &json!({"region": "us-east-1", "what": "spoil"}));
    let denied = [
        "ec2:DescribeFlowLogs",
        "ec2:DescribeVolumes",
        "ec2:GetSnapshotBlockPublicAccessState",
    ];
    mock.ask("settings", &json!({ "denied": denied }));
    let spoiled = words(&mock);
    assert_eq!(spoiled["exposure/cloud-ports"].0, "fail");
    assert!(spoiled["exposure/cloud-ports"].1.contains("open to tcp/22 0.0.0.0/0"));
    assert_eq!(spoiled["exposure/cloud-metadata-tokens"].0, "fail");
    for (id, call) in [
        ("logging/cloud-flow-logs", denied[0]),
        ("encryption/cloud-disks-encrypted", denied[1]),
        ("leakage/cloud-public-snapshots-blocked", denied[2]),
    ] {
        let (word, observed) = &spoiled[id];
        assert!(
            word == "unverified" && observed.contains(call),
            "{id}: {word}: {observed}"
        );
    }
    assert_eq!(spoiled["access/cloud-machine-role"].0, "pass");
}

/// The report of an audit, whatever it comes to, with its exit code.
fn report(mock: &Mock) -> (i32, String, Value) {
    let audited = mock.run(&["audit", "--no-call", "--format", "json", "-f", "test.toml"]);
    let report = serde_json::from_str(&audited.out).unwrap_or_else(|why| panic!("{why}: {audited:?}"));
    (audited.code, audited.err, report)
}

#[test]
fn what_apply_would_change_in_the_cloud_is_drift_and_a_mock_is_told_as_one() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    assert_eq!(words(&mock)["integrity/cloud-as-planned"].0, "pass");
    mock.ask("do", &json!({"region": "us-east-1", "what": "spoil"}));
    let (code, _, spoiled) = report(&mock);
    assert_eq!(code, 5);
    let rows = spoiled["drift"].as_array().unwrap();
    let cloud: Vec<&Value> = rows.iter().filter(|row| row["kind"] == "cloud").collect();
    let told = |word: &str| cloud.iter().any(|row| row["observed"].as_str().unwrap().contains(word));
    assert!(
        told("- from tcp/22 0.0.0.0/0") && told("is stopped and is started"),
        "{cloud:?}"
    );
    assert!(
        cloud
            .iter()
            .all(|row| row["host"] == "cloud" && row["subject"] == "aws us-east-1")
    );
    let simulated = spoiled["simulated"].as_array().unwrap();
    let ec2 = simulated.iter().find(|row| row["what"] == "EC2 of AWS").unwrap();
    let why = ec2["why"].as_str().unwrap();
    assert!(
        why.contains(&mock.loopback()) && why.contains("AWS_ENDPOINT_URL names"),
        "{why}"
    );
}

#[test]
fn what_apply_would_refuse_was_seen_and_fails_and_the_rest_is_judged() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    mock.spec(
        "test",
        &SPEC.replace("[machines.aws]", "[machines.aws]\nvolume_gib = 30"),
    );
    let found = words(&mock);
    let (word, observed) = &found["integrity/cloud-as-planned"];
    let told = "core: its disk of 40 GiB cannot shrink to 30";
    assert!(word == "fail" && observed.contains(told), "{word}: {observed}");
    for id in [
        "exposure/cloud-ports",
        "integrity/cloud-tags",
        "logging/cloud-flow-logs",
    ] {
        assert_eq!(found[id].0, "pass", "{id}: {:?}", found[id]);
    }
    let (code, _, report) = report(&mock);
    assert_eq!(code, 5);
    let rows = report["drift"].as_array().unwrap().iter();
    let observed: Vec<&str> = rows
        .filter(|row| row["kind"] == "cloud")
        .map(|row| row["observed"].as_str().unwrap())
        .collect();
    assert_eq!(observed, [format!("`apply` would refuse to change anything: {told}")]);
}

#[test]
fn the_cloud_is_audited_when_its_machine_is_gone_or_its_host_key_is_not_known() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    mock.ask(
        "do",
        &json!({"region": "us-east-1", "what": "untag", "with": {"key": "anteroom:host-key"}}),
    );
    let (_, said, _) = report(&mock);
    assert!(said.contains("its host key is not written down in AWS"), "{said}");
    assert_eq!(words(&mock)["exposure/cloud-ports"].0, "pass");
    mock.ask("do", &json!({"region": "us-east-1", "what": "gone"}));
    let (code, said, gone) = report(&mock);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("there is no machine, and nothing to see on it"), "{said}");
    let words = words(&mock);
    assert_eq!(words["exposure/cloud-ports"].0, "unverified", "{words:?}");
    assert_eq!(words["encryption/cloud-key-rotation"].0, "unverified", "{words:?}");
    assert_eq!(words["disposal/cloud-leftovers"].0, "fail", "{words:?}");
    assert!(
        words["integrity/cloud-as-planned"].1.contains("+ core: a machine"),
        "{words:?}"
    );
    // Whoever the domain leads to now is left alone.
    let findings = gone["findings"].as_array().unwrap();
    let outside = findings
        .iter()
        .find(|row| row["control"] == "exposure/only-spec-ports")
        .unwrap();
    assert_eq!(outside["status"], "unverified");
    assert!(
        outside["observed"].as_str().unwrap().contains("may be a stranger"),
        "{outside}"
    );
}

#[test]
fn a_disk_that_somebody_attached_is_seen_although_it_says_of_nothing_whose_it_is() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    let disk = mock.ask("do", &json!({"region": "us-east-1", "what": "disk"}));
    let disk = disk.as_str().unwrap();
    let found = words(&mock);
    let lacks = format!("volume {disk} lacks anteroom:deployment, lacks anteroom:domain");
    assert!(found["integrity/cloud-tags"].1.contains(&lacks), "{found:?}");
    let plain = format!("{disk} is not encrypted");
    assert!(
        found["encryption/cloud-disks-encrypted"].1.contains(&plain),
        "{found:?}"
    );
    let later = json!({"environment": "production", "expires": "2026-01-01T00:00:00Z"});
    mock.ask("do", &json!({"region": "us-east-1", "what": "mark", "with": later}));
    let marked = words(&mock)["integrity/cloud-tags"].1.clone();
    assert!(
        marked.contains("has anteroom:environment = production and not test"),
        "{marked}"
    );
}
