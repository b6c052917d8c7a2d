//! `reap`: what it never touches, and that one region in its way does not keep the others.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use super::mock::Mock;
use super::mock::Ran;
use super::mock::whole;

const PAST: &str = "2026-01-01T00:00:00Z";

fn ask(mock: &Mock, what: &str, with: Value) -> Value {
    mock.ask("do", &json!({"region": "us-east-1", "what": what, "with": with}))
}

/// A test that has ended.
fn over(mock: &Mock) {
    mock.apply("test");
    ask(mock, "mark", json!({"environment": "test", "expires": PAST}));
}

fn reap(mock: &Mock, more: &[&str]) -> Ran {
    mock.run(&[&["reap", "--yes", "--format", "json"], more].concat())
}

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|why| panic!("{why}: {ran:?}"))
}

#[test]
fn what_says_production_or_nothing_or_is_protected_is_never_reaped() {
    let Some(mock) = Mock::start() else { return };
    for (kind, environment) in [
        ("vpc-", json!("production")),
        ("vol-", json!("production")),
        ("sg-", Value::Null),
    ] {
        mock.reset();
        over(&mock);
        ask(&mock, "say", json!({"kind": kind, "environment": environment}));
        let ran = reap(&mock, &[]);
        assert_eq!((ran.code, mock.count()), (0, whole()), "{kind}: {ran:?}");
    }
    mock.reset();
    over(&mock);
    ask(
        &mock,
        "mark_keys",
        json!({"environment": "production", "expires": PAST}),
    );
    assert_eq!((reap(&mock, &[]).code, mock.count()), (0, whole()));
    mock.reset();
    over(&mock);
    ask(&mock, "protect", json!({"on": true}));
    let ran = reap(&mock, &[]);
    assert_eq!((ran.code, mock.count()), (0, whole()), "{ran:?}");
    let kept = document(&ran)["kept"].to_string();
    assert!(kept.contains("is protected against being terminated"), "{kept}");
    // Whether a machine is protected is not known: it stays, and that is said.
    ask(&mock, "protect", json!({"on": false}));
    mock.ask("settings", &json!({"denied": ["ec2:DescribeInstanceAttribute"]}));
    let ran = reap(&mock, &[]);
    assert_eq!((ran.code, mock.count()), (6, whole()), "{ran:?}");
    assert!(
        document(&ran)["left"].to_string().contains("it is not known whether"),
        "{ran:?}"
    );
}

#[test]
fn a_test_that_becomes_production_between_the_look_and_its_end_stays() {
    let Some(mock) = Mock::start() else { return };
    over(&mock);
    // Without a terminal it ends where it would ask: so many calls find what has ended.
    mock.ask("plan", &json!({}));
    assert_eq!(mock.run(&["reap"]).code, 2);
    let calls = mock.ask("calls", &Value::Null).as_array().unwrap().len();
    let hold = json!({"hold": {"at": calls + 1, "when": "before", "of": "calls"}});
    mock.ask("plan", &hold);
    let child = mock.command(&["reap", "--yes"]).spawn().unwrap();
    while mock.ask("held", &Value::Null) != true {
        std::thread::sleep(Duration::from_millis(10));
    }
    ask(&mock, "say", json!({"kind": "i-", "environment": "production"}));
    mock.ask("release", &Value::Null);
    let output = child.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), mock.count()), (Some(0), whole()), "{out}");
    assert!(
        out.contains("stays: clinic (telemed.example.com): ") && out.contains("says production"),
        "{out}"
    );
}

#[test]
fn a_region_that_does_not_answer_is_listed_and_the_others_are_reaped() {
    let Some(mock) = Mock::start() else { return };
    over(&mock);
    mock.ask("settings", &json!({"denied_regions": ["eu-west-1"]}));
    let ran = reap(&mock, &["--skip-region", "eu-west-1"]);
    assert_eq!((ran.code, mock.count()), (0, json!({})), "{ran:?}");
    assert_eq!(document(&ran)["skipped_regions"], json!(["eu-west-1"]));
    mock.ask("settings", &json!({"denied_regions": []}));
    over(&mock);
    mock.ask("settings", &json!({"denied_regions": ["eu-west-1"]}));
    let ran = reap(&mock, &[]);
    assert_eq!((ran.code, mock.count()), (6, json!({})), "{ran:?}");
    let left = document(&ran)["left"].clone();
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
    assert!(
        left[0]
            .as_str()
            .unwrap()
            .starts_with("not swept: eu-west-1: failed to call "),
        "{left}"
    );
}

#[test]
fn what_has_no_domain_is_left_unless_it_says_production() {
    let Some(mock) = Mock::start() else { return };
    let vpc = ask(&mock, "vpc", json!({"domain": null}));
    let ran = reap(&mock, &[]);
    assert_eq!((ran.code, mock.count()), (6, json!({"vpcs": 1})), "{ran:?}");
    let left = document(&ran)["left"].to_string();
    assert!(
        left.contains(vpc.as_str().unwrap()) && left.contains("no anteroom:domain"),
        "{left}"
    );
    ask(&mock, "say", json!({"kind": "vpc-", "environment": "production"}));
    assert_eq!(reap(&mock, &[]).code, 0);
}

#[test]
fn a_key_that_was_left_alone_is_found_and_ended() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    mock.ask("settings", &json!({"denied": ["kms:ScheduleKeyDeletion"]}));
    let stuck = mock.destroy("test");
    assert_eq!((stuck.code, mock.count()), (6, json!({"disk_keys": 1})), "{stuck:?}");
    mock.ask("settings", &json!({"denied": []}));
    assert_eq!((reap(&mock, &[]).code, mock.count()), (0, json!({"disk_keys": 1})));
    // Tags of what has just gone show for an hour, so they are dated too.
    ask(&mock, "mark", json!({"environment": "test", "expires": PAST}));
    let ran = reap(&mock, &[]);
    assert_eq!((ran.code, mock.count()), (0, json!({})), "{ran:?}");
    assert_eq!(document(&ran)["deployments"], json!(["clinic"]));
    // A key whose end is scheduled is no deployment any more.
    assert_eq!(document(&reap(&mock, &[]))["deployments"], json!([]));
}

#[test]
fn each_deployment_that_is_reaped_has_a_record_of_its_own() {
    let Some(mock) = Mock::start() else { return };
    over(&mock);
    let refused = mock.run(&["reap", "--yes", "--disposal-record", "none"]);
    assert_eq!((refused.code, mock.count()), (1, whole()), "{refused:?}");
    std::fs::create_dir(mock.path("records")).unwrap();
    let ran = mock.run(&["reap", "--yes", "--disposal-record", "records"]);
    assert_eq!((ran.code, mock.count()), (0, json!({})), "{ran:?}");
    let mut files = std::fs::read_dir(mock.path("records")).unwrap();
    let file = files.next().unwrap().unwrap();
    let name = file.file_name().into_string().unwrap();
    assert!(
        name.starts_with("clinic-telemed.example.com-") && files.next().is_none(),
        "{name}"
    );
    let record: Value = serde_json::from_str(&std::fs::read_to_string(file.path()).unwrap()).unwrap();
    assert_eq!(
        (&record["account"], &record["spec_sha256"]),
        (&json!("123456789012"), &Value::Null)
    );
}

#[test]
fn reap_killed_at_any_write_goes_on_where_it_stopped() {
    let Some(mock) = Mock::start() else { return };
    let mut call = 1;
    loop {
        mock.reset();
        over(&mock);
        let killed = mock.kill_at(&["reap", "--yes"], call, "writes");
        let again = reap(&mock, &[]);
        assert_eq!(
            (again.code, mock.count()),
            (0, json!({})),
            "killed at write {call}: {again:?}"
        );
        if !killed {
            break;
        }
        call += 1;
    }
    assert!(call > 12, "reap was over after {call} writes");
}
