//! The permissions that `catalog iam` lists, against what each command really calls: everything else is denied.

use serde_json::Value;
use serde_json::json;

use super::mock::Mock;
use super::mock::SPEC;
use super::mock::whole;

/// Lets the account's credentials do what a command's list says and nothing else.
fn allow(mock: &Mock, command: &str) {
    let printed = mock.run(&["catalog", "iam", command, "--format", "json"]);
    let printed: Value = serde_json::from_str(&printed.out).unwrap_or_else(|why| panic!("{why}: {printed:?}"));
    let actions = printed["actions"].as_array().unwrap().iter();
    let names: Vec<&Value> = actions.map(|action| &action["action"]).collect();
    assert!(names.len() > 15, "{names:?}");
    mock.ask("settings", &json!({ "allowed": names }));
}

#[test]
fn each_command_does_its_work_with_the_permissions_that_are_listed_for_it() {
    let Some(mock) = Mock::start() else { return };
    allow(&mock, "plan");
    let plan = mock.run(&["plan", "-f", "test.toml"]);
    assert_eq!(plan.code, 4, "{plan:?}");
    let refused = mock.apply("test");
    assert!(refused.code == 1 && refused.err.contains("may not"), "{refused:?}");
    assert_eq!(mock.count(), json!({}));
    allow(&mock, "apply");
    let applied = mock.apply("test");
    assert!(applied.reached_the_machine(), "{applied:?}");
    assert_eq!(mock.count(), whole());
    // What the spec no longer names goes by the same permissions: a host's machine, group and address, and a flow log.
    let unrecorded = SPEC.replace("flow_logs = \"arn:aws:s3:::clinic-flow-logs\"\n", "");
    mock.spec(
        "renamed",
        &format!("{unrecorded}\n[[host]]\nname = \"video\"\nroles = [\"core\"]\n"),
    );
    let renamed = mock.apply("renamed");
    assert!(renamed.reached_the_machine(), "{renamed:?}");
    let mut left = whole();
    left.as_object_mut().unwrap().remove("flow_logs");
    assert_eq!(mock.count(), left);
    let applied = mock.apply("test");
    assert!(applied.reached_the_machine(), "{applied:?}");
    assert_eq!(mock.count(), whole());
    allow(&mock, "audit");
    let audited = mock.run(&["audit", "--no-call", "-f", "test.toml"]);
    let denied: Vec<&str> = audited
        .out
        .lines()
        .filter(|line| line.contains("these credentials may not"))
        .collect();
    assert_eq!(denied, Vec::<&str>::new());
    allow(&mock, "destroy");
    let gone = mock.destroy("test");
    assert_eq!((gone.code, mock.count()), (0, json!({})), "{gone:?}");
    allow(&mock, "apply");
    mock.apply("test");
    let with = json!({"environment": "test", "expires": "2026-01-01T00:00:00Z"});
    mock.ask("do", &json!({"region": "us-east-1", "what": "mark", "with": with}));
    allow(&mock, "reap");
    let reaped = mock.run(&["reap", "--yes"]);
    assert_eq!((reaped.code, mock.count()), (0, json!({})), "{reaped:?}");
}
