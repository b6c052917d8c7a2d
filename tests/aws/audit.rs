//! The cloud's controls, from the API to the report: what was spoiled in the account fails, what was denied stays open.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use super::mock::Mock;

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
