//! `destroy`: what it asks before, what it leaves and says, and that it can be killed at any write.

use serde_json::Value;
use serde_json::json;

use super::mock::Mock;
use super::mock::Ran;
use super::mock::SPEC;
use super::mock::whole;

fn ask(mock: &Mock, what: &str, with: Value) -> Value {
    mock.ask("do", &json!({"region": "us-east-1", "what": what, "with": with}))
}

/// Destroys a test, with a record in this file.
fn recorded(mock: &Mock, spec: &str, file: &str, more: &[&str]) -> (Ran, Value) {
    let spec = format!("{spec}.toml");
    let arguments = ["destroy", "--yes", "-f", &spec, "--disposal-record", file];
    let ran = mock.run(&[&arguments, more].concat());
    let text = std::fs::read_to_string(mock.path(file)).unwrap_or_else(|why| panic!("{why}: {ran:?}"));
    (ran, serde_json::from_str(&text).unwrap())
}

fn media<'a>(record: &'a Value, kind: &str) -> Vec<&'a Value> {
    let all = record["media"].as_array().unwrap().iter();
    all.filter(|medium| medium["kind"] == kind).collect()
}

#[test]
fn a_test_copy_of_a_production_spec_does_not_destroy_production_with_yes() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    let unconfirmed = |words: &str| {
        let ran = mock.destroy("test");
        assert_eq!((ran.code, mock.count()), (2, whole()), "{words}: {ran:?}");
        assert!(
            ran.err.contains(words) && ran.err.contains("--confirm telemed.example.com"),
            "{words}: {ran:?}"
        );
    };
    ask(&mock, "say", json!({"kind": "i-", "environment": "production"}));
    unconfirmed("says production");
    ask(&mock, "say", json!({"kind": "i-", "environment": "test"}));
    ask(
        &mock,
        "mark_keys",
        json!({"environment": "production", "expires": "2026-01-01T00:00:00Z"}),
    );
    unconfirmed("says production");
    ask(
        &mock,
        "mark_keys",
        json!({"environment": "test", "expires": "2026-01-01T00:00:00Z"}),
    );
    ask(&mock, "say", json!({"kind": "subnet-", "environment": null}));
    unconfirmed("does not say what it is for");
    let gone = mock.run(&["destroy", "-f", "test.toml", "--confirm", "telemed.example.com"]);
    assert_eq!((gone.code, mock.count()), (0, json!({})), "{gone:?}");
}

#[test]
fn what_another_region_holds_is_looked_at_before_anybody_confirms() {
    let Some(mock) = Mock::start() else { return };
    let elsewhere = json!({"region": "eu-west-1", "what": "vpc", "with": {"domain": "telemed.example.com"}});
    mock.ask("do", &elsewhere);
    let ran = mock.destroy("test");
    assert_eq!((ran.code, mock.count()), (2, json!({"vpcs": 1})), "{ran:?}");
    assert!(ran.err.contains("in eu-west-1 does not say what it is for"), "{ran:?}");
}

#[test]
fn a_region_that_does_not_answer_is_left_and_one_that_is_left_out_is_said() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    mock.ask("settings", &json!({"denied_regions": ["eu-west-1"]}));
    let (ran, record) = recorded(&mock, "test", "first.json", &[]);
    assert_eq!((ran.code, mock.count()), (6, json!({})), "{ran:?}");
    assert!(ran.out.contains("LEFT:  not swept: eu-west-1"), "{ran:?}");
    let proof = &record["proof"];
    assert_eq!(
        (&proof["regions"], &proof["not_swept"][0]["region"]),
        (&json!(["us-east-1"]), &json!("eu-west-1"))
    );
    let said = proof["method"].as_str().unwrap();
    assert!(
        said.contains("answered with nothing: us-east-1; these did not answer: eu-west-1"),
        "{said}"
    );
    let (ran, record) = recorded(&mock, "test", "second.json", &["--skip-region", "eu-west-1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(record["proof"]["left_out"], json!(["eu-west-1"]));
}

#[test]
fn the_record_says_who_removed_which_media_and_how() {
    let Some(mock) = Mock::start() else { return };
    let line = "[machines.aws]\ninstance_type = \"c6id.large\"";
    mock.spec("stored", &SPEC.replace("[machines.aws]", line));
    let applied = mock.apply("stored");
    assert!(applied.reached_the_machine(), "{applied:?}");
    let (ran, record) = recorded(&mock, "stored", "disposal.json", &[]);
    assert_eq!((ran.code, mock.count()), (0, json!({})), "{ran:?}");
    assert_eq!(
        (&record["account"], &record["region"]),
        (&json!("123456789012"), &json!("us-east-1"))
    );
    for name in ["caller", "started", "finished"] {
        assert!(record[name].is_string(), "{name}: {record}");
    }
    assert!(record["tool"]["version"].is_string());
    let (disks, keys, stores) = (
        media(&record, "disk"),
        media(&record, "key"),
        media(&record, "instance-store"),
    );
    assert_eq!((disks.len(), keys.len(), stores.len()), (1, 1, 1), "{record}");
    assert_eq!((&disks[0]["state"], &disks[0]["key"]), (&json!("gone"), &keys[0]["id"]));
    assert!(disks[0]["at"].is_string() && disks[0]["encrypted"] == true);
    let method = disks[0]["method"].as_str().unwrap();
    assert!(
        method.starts_with("Purge by cryptographic erase, complete when its key ends at 20"),
        "{method}"
    );
    assert_eq!(
        (&keys[0]["state"], &stores[0]["state"]),
        (&json!("ending"), &json!("gone"))
    );
    assert_eq!(
        record["media"].as_array().unwrap().len(),
        3,
        "no VPC is a medium: {record}"
    );
}

#[test]
fn a_record_that_cannot_be_written_stops_everything_before_it_begins() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    std::fs::write(mock.path("there.json"), "an earlier record").unwrap();
    for file in ["there.json", "none/disposal.json"] {
        let ran = mock.run(&["destroy", "--yes", "-f", "test.toml", "--disposal-record", file]);
        assert_eq!((ran.code, mock.count()), (1, whole()), "{ran:?}");
    }
    assert_eq!(
        std::fs::read_to_string(mock.path("there.json")).unwrap(),
        "an earlier record"
    );
    let unconfirmed = mock.run(&["destroy", "-f", "test.toml", "--disposal-record", "new.json"]);
    assert_eq!(unconfirmed.code, 2);
    assert!(!mock.path("new.json").exists());
}

#[test]
fn copies_of_our_disks_and_disks_of_others_are_told_and_never_removed() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    let disk = ask(&mock, "disk", json!({}));
    let copies = ask(&mock, "copies", json!({}));
    let asked = mock.run(&["destroy", "-f", "test.toml"]);
    assert_eq!(asked.code, 2, "{asked:?}");
    let shown = format!("stays: volume {} in us-east-1", disk.as_str().unwrap());
    let shown = asked.err.lines().find(|line| line.contains(&shown));
    assert!(
        shown.is_some_and(|line| line.contains("it is not encrypted and stays readable")),
        "{asked:?}"
    );
    let (ran, record) = recorded(&mock, "test", "disposal.json", &[]);
    assert_eq!(ran.code, 6, "{ran:?}");
    for id in [&copies[0], &copies[1], &disk] {
        let id = id.as_str().unwrap();
        let line = ran
            .out
            .lines()
            .find(|line| line.starts_with("LEFT:") && line.contains(id));
        let says = |line: &str| line.contains("not removed") && (disk != id || line.contains("stays readable"));
        assert!(line.is_some_and(says), "{id}: {ran:?}");
    }
    let left = mock.count();
    assert_eq!((&left["volumes"], &left["snapshots"]), (&json!(1), &json!(1)), "{left}");
    let stays = media(&record, "disk")
        .into_iter()
        .find(|medium| medium["id"] == disk)
        .unwrap();
    assert_eq!((&stays["state"], &stays["encrypted"]), (&json!("stays"), &json!(false)));
    assert!(
        stays["method"]
            .as_str()
            .unwrap()
            .contains("not encrypted and stays readable"),
        "{stays}"
    );
    assert!(
        media(&record, "snapshot")
            .iter()
            .any(|medium| medium["id"] == copies[0]),
        "{record}"
    );
}

#[test]
fn a_region_that_answers_no_more_keeps_its_media_in_the_record() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    let alone = ["destroy", "-f", "test.toml", "--skip-region", "eu-west-1"];
    // Without a terminal it ends where it would ask: so many calls look before.
    mock.ask("plan", &json!({}));
    assert_eq!(mock.run(&alone).code, 2);
    let calls = mock.ask("calls", &Value::Null).as_array().unwrap().len();
    let hold = json!({"hold": {"at": calls + 1, "when": "before", "of": "calls"}});
    mock.ask("plan", &hold);
    let record = ["--yes", "--disposal-record", "disposal.json"];
    let mut child = mock.command(&[&alone[..], &record].concat()).spawn().unwrap();
    while mock.ask("held", &Value::Null) != true {
        assert!(child.try_wait().unwrap().is_none(), "there was no second look");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    mock.ask("settings", &json!({"denied_regions": ["us-east-1"]}));
    mock.ask("release", &Value::Null);
    assert_eq!(child.wait().unwrap().code(), Some(6));
    assert_eq!(mock.count(), whole());
    let record: Value = serde_json::from_str(&std::fs::read_to_string(mock.path("disposal.json")).unwrap()).unwrap();
    for kind in ["disk", "key"] {
        let found = media(&record, kind);
        assert_eq!(
            (found.len(), &found[0]["state"]),
            (1, &json!("seen")),
            "{kind}: {record}"
        );
    }
}

#[test]
fn a_run_that_is_killed_leaves_a_record_of_what_it_knew() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    let arguments = [
        "destroy",
        "--yes",
        "-f",
        "test.toml",
        "--disposal-record",
        "disposal.json",
    ];
    assert!(mock.kill_at(&arguments, 6, "writes"));
    let record: Value = serde_json::from_str(&std::fs::read_to_string(mock.path("disposal.json")).unwrap()).unwrap();
    assert_eq!((&record["finished"], &record["proof"]), (&Value::Null, &Value::Null));
    assert_eq!(media(&record, "disk").len(), 1, "{record}");
}

#[test]
fn an_alias_on_a_key_that_ends_is_led_to_the_next_key_and_goes_with_it() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    ask(&mock, "end_keys", json!({}));
    let gone = mock.destroy("test");
    assert_eq!((gone.code, mock.count()), (0, json!({})), "{gone:?}");
    mock.apply("test");
    mock.ask("settings", &json!({"denied": ["kms:DeleteAlias"]}));
    let stuck = mock.destroy("test");
    assert_eq!(
        (stuck.code, mock.count()),
        (6, json!({"aliases": 1, "disk_keys": 1})),
        "{stuck:?}"
    );
    ask(&mock, "end_keys", json!({}));
    mock.ask("settings", &json!({"denied": []}));
    let again = mock.apply("test");
    assert!(again.reached_the_machine(), "{again:?}");
    assert_eq!(mock.count(), whole());
}

#[test]
fn a_key_whose_tags_may_not_be_listed_is_not_taken_for_anothers() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    mock.ask("settings", &json!({"denied": ["kms:ListResourceTags"]}));
    mock.ask("plan", &json!({}));
    let applied = mock.apply("test");
    assert!(
        applied.code == 1 && applied.err.contains("call kms:ListResourceTags"),
        "{applied:?}"
    );
    assert_eq!(mock.writes(), Vec::<String>::new());
    let gone = mock.destroy("test");
    assert_eq!((gone.code, mock.count()), (6, whole()), "{gone:?}");
    assert!(
        gone.out
            .contains("LEFT:  not swept: us-east-1: failed to call kms:ListResourceTags"),
        "{gone:?}"
    );
}

#[test]
fn destroy_killed_at_any_write_can_be_applied_and_destroyed_again() {
    let Some(mock) = Mock::start() else { return };
    let mut with_record = whole();
    with_record["records"] = 1.into();
    let arguments = ["destroy", "--yes", "-f", "named.toml"];
    let mut call = 1;
    loop {
        mock.reset();
        let zone = ask(&mock, "zone", json!({"name": "example.com"}));
        let line = format!("[machines.aws]\ndns_zone = {zone}");
        mock.spec("named", &SPEC.replace("[machines.aws]", &line));
        mock.apply("named");
        let killed = mock.kill_at(&arguments, call, "writes");
        let again = mock.apply("named");
        assert!(again.reached_the_machine(), "killed at write {call}: {again:?}");
        assert_eq!(mock.count(), with_record, "killed at write {call}");
        let gone = mock.destroy("test");
        assert_eq!(
            (gone.code, mock.count()),
            (0, json!({})),
            "killed at write {call}: {gone:?}"
        );
        if !killed {
            break;
        }
        call += 1;
    }
    assert!(call > 15, "destroy was over after {call} writes");
}
