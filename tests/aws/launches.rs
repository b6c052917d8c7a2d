//! A machine that is made: without a default VPC, again after one that ended while it started, from the image of the one before.

use serde_json::json;

use super::mock::Mock;
use super::mock::SPEC;
use super::mock::whole;

#[test]
fn an_account_without_a_default_vpc_deploys_and_is_told_what_was_not_rehearsed() {
    let Some(mock) = Mock::start() else { return };
    mock.ask("settings", &json!({"default_vpc": false}));
    let applied = mock.apply("test");
    assert!(applied.reached_the_machine(), "{applied:?}");
    let words = "ec2:RunInstances was not rehearsed: the subnet is not there yet";
    assert!(applied.err.contains(words), "{applied:?}");
    assert_eq!(mock.count(), whole());
    // Once the subnet is there a machine is rehearsed in it, and a permission that is lacking is named.
    let with = json!({"instance": mock.machines()[0]["id"]});
    mock.ask("do", &json!({"region": "us-east-1", "what": "terminate", "with": with}));
    mock.ask("settings", &json!({"denied": ["ec2:RunInstances"]}));
    mock.ask("plan", &json!({}));
    let refused = mock.apply("test");
    assert!(
        refused.code == 1 && refused.err.contains("call ec2:RunInstances"),
        "{refused:?}"
    );
    assert!(!refused.err.contains("was not rehearsed"), "{refused:?}");
    assert_eq!(mock.writes(), Vec::<String>::new());
}

#[test]
fn a_machine_that_ends_while_it_starts_is_reported_with_the_reason_and_the_next_run_makes_another() {
    let Some(mock) = Mock::start() else { return };
    mock.ask("settings", &json!({"ends": true}));
    let ended = mock.apply("test");
    assert_eq!(ended.code, 1, "{ended:?}");
    for words in [
        "Client.InternalError: Client error on launch",
        "may not use the disks' key",
        "catalog iam apply",
    ] {
        assert!(ended.err.contains(words), "{words} is not in {}", ended.err);
    }
    // AWS still shows the one that ended, then no longer; its token is refused either way.
    let again = mock.apply("test");
    assert!(again.err.contains("Client.InternalError"), "{again:?}");
    mock.ask("do", &json!({"region": "us-east-1", "what": "forget"}));
    mock.ask("settings", &json!({"ends": false}));
    let applied = mock.apply("test");
    assert!(applied.reached_the_machine(), "{applied:?}");
    assert_eq!(mock.count(), whole());
    assert_eq!(mock.machines()[0]["tags"]["anteroom:generation"], "2");
    mock.ask("plan", &json!({}));
    mock.apply("test");
    assert_eq!(mock.writes(), Vec::<String>::new());
}

#[test]
fn an_answer_that_was_lost_after_a_machine_that_ended_makes_no_second_one() {
    let Some(mock) = Mock::start() else { return };
    mock.ask("settings", &json!({"ends": true}));
    mock.apply("test");
    mock.ask("settings", &json!({"ends": false}));
    mock.ask(
        "plan",
        &json!({"faults": [{"action": "RunInstances", "fault": "lost", "count": 2}]}),
    );
    let applied = mock.apply("test");
    assert!(applied.reached_the_machine(), "{applied:?}");
    assert_eq!(mock.count(), whole());
}

#[test]
fn the_image_stays_what_it_was_until_the_release_changes() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    let mark = &mock.machines()[0]["tags"]["anteroom:image"];
    assert_eq!(mark, "debian-12 ami-0debian12new00002");
    mock.spec(
        "release",
        &SPEC.replace("[machines.aws]", "[machines.aws]\nimage = \"debian-13\""),
    );
    let plan = mock.run(&["plan", "-f", "release.toml"]);
    let lines = plan.out + &plan.err;
    assert!(lines.contains("it began as debian-12 and not as debian-13"), "{lines}");
    // A machine that replaces another of the release begins as the same image, though there is a newer one.
    let old = "ami-0debian12old00001";
    let age = |mark: &str| {
        let with = json!({ "image": mark });
        mock.ask("do", &json!({"region": "us-east-1", "what": "age", "with": with}));
        let applied = mock.apply("test");
        assert!(applied.reached_the_machine(), "{applied:?}");
        let mut machines = mock.machines();
        machines.retain(|machine| machine["state"] == "running");
        (machines[0]["tags"]["anteroom:image"].clone(), applied.err)
    };
    assert_eq!(age(&format!("debian-12 {old}")).0, format!("debian-12 {old}"));
    // Where that is gone, the newest takes its place, and it is said.
    let (mark, said) = age("debian-12 ami-0123456789abcdef0");
    assert_eq!(mark, "debian-12 ami-0debian12new00002");
    assert!(
        said.contains("the image ami-0123456789abcdef0 that it began as is gone"),
        "{said}"
    );
}

#[test]
fn a_console_that_has_scrolled_on_still_tells_the_key() {
    let Some(mock) = Mock::start() else { return };
    mock.ask("settings", &json!({"console": "kept"}));
    let applied = mock.apply("test");
    assert!(applied.reached_the_machine(), "{applied:?}");
}

#[test]
fn what_is_not_known_of_the_key_is_an_error_of_the_plan() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    mock.ask("settings", &json!({"denied": ["kms:GetKeyRotationStatus"]}));
    let plan = mock.run(&["plan", "-f", "test.toml"]);
    assert_eq!(plan.code, 1, "{plan:?}");
    for words in ["whether the key of the disks is rotated", "kms:GetKeyRotationStatus"] {
        assert!(plan.err.contains(words), "{words} is not in {}", plan.err);
    }
}

#[test]
fn vpcs_near_the_quota_are_a_warning_and_no_more() {
    let Some(mock) = Mock::start() else { return };
    let with = json!({"count": 4});
    mock.ask("do", &json!({"region": "us-east-1", "what": "vpcs", "with": with}));
    let applied = mock.apply("test");
    assert!(applied.err.contains("5 VPCs are in us-east-1"), "{applied:?}");
    assert!(applied.reached_the_machine(), "{applied:?}");
}
