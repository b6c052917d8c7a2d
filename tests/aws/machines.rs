//! What is made, what is changed as it stands, and what is left after `destroy` and `reap`.

use serde_json::json;

use super::mock::Mock;
use super::mock::SPEC;
use super::mock::whole;

#[test]
fn apply_makes_what_the_spec_says_and_a_second_time_nothing() {
    let Some(mock) = Mock::start() else { return };
    let plan = mock.run(&["plan", "-f", "test.toml", "--format", "json"]);
    assert_eq!(plan.code, 4, "{plan:?}");
    let plan: serde_json::Value = serde_json::from_str(&plan.out).unwrap();
    let changes = plan["cloud"].as_array().unwrap();
    assert!(changes.len() > 15, "{plan}");
    let machine = json!({
        "depth": "create", "host": "core", "change": "+ core: a machine, then everything on it", "by": "spec",
        "ends_machine": null,
    });
    assert!(changes.contains(&machine), "{plan}");
    assert_eq!(mock.count(), json!({}), "plan made something");
    let first = mock.apply("test");
    assert!(first.reached_the_machine(), "{first:?}");
    assert_eq!(mock.count(), whole());
    mock.ask("plan", &json!({}));
    let second = mock.apply("test");
    assert!(second.reached_the_machine(), "{second:?}");
    assert_eq!(mock.writes(), Vec::<String>::new());
}

#[test]
fn destroy_leaves_nothing_and_says_what_became_of_the_media() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    let gone = mock.run(&[
        "destroy",
        "--yes",
        "-f",
        "test.toml",
        "--format",
        "json",
        "--disposal-record",
        "disposal.json",
    ]);
    assert_eq!(gone.code, 0, "{gone:?}");
    assert_eq!(mock.count(), json!({}));
    let record: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(mock.path("disposal.json")).unwrap()).unwrap();
    assert_eq!(record["proof"]["regions"], json!(["eu-west-1", "us-east-1"]));
    let kinds: Vec<&str> = record["media"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["kind"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"volume") && kinds.contains(&"disk-key"), "{kinds:?}");
    let again = mock.destroy("test");
    assert!(
        again.code == 0 && again.out.contains("there was nothing to remove"),
        "{again:?}"
    );
    // A deployment can be made again under the same name, with tokens of its own.
    assert!(mock.apply("test").reached_the_machine());
    assert_eq!(mock.count(), whole());
}

#[test]
fn what_somebody_else_changed_is_named_and_put_right() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    mock.ask("do", &json!({"region": "us-east-1", "what": "spoil"}));
    let plan = mock.run(&["plan", "-f", "test.toml"]);
    let lines = plan.out.clone() + &plan.err;
    for line in [
        "- from tcp/22 0.0.0.0/0",
        "core: its security group",
        "(somebody else changed this)",
        "the metadata service asks for tokens (IMDSv2) (somebody else changed this)",
        "the machine is stopped and is started",
    ] {
        assert!(lines.contains(line), "{line} is not in {lines}");
    }
    assert!(mock.apply("test").reached_the_machine());
    mock.ask("plan", &json!({}));
    mock.apply("test");
    assert_eq!(mock.writes(), Vec::<String>::new());
    assert_eq!(mock.count(), whole());
}

#[test]
fn a_larger_disk_and_type_are_changes_in_place_and_a_smaller_disk_is_refused() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    mock.spec(
        "larger",
        &SPEC.replace(
            "[machines.aws]",
            "[machines.aws]\nvolume_gib = 80\ninstance_type = \"c6i.2xlarge\"",
        ),
    );
    let plan = mock.run(&["plan", "-f", "larger.toml"]);
    let lines = plan.out + &plan.err;
    assert!(lines.contains("its disk grows from 40 to 80 GiB"), "{lines}");
    assert!(
        lines.contains("becomes c6i.2xlarge in place of c6i.xlarge, and is started"),
        "{lines}"
    );
    let applied = mock.apply("larger");
    assert!(applied.reached_the_machine(), "{applied:?}");
    mock.ask("plan", &json!({}));
    mock.apply("larger");
    assert_eq!(mock.writes(), Vec::<String>::new());
    mock.spec("smaller", SPEC);
    for ran in [mock.run(&["plan", "-f", "smaller.toml"]), mock.apply("smaller")] {
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(
            ran.err.contains("core: its disk of 80 GiB cannot shrink to 40"),
            "{ran:?}"
        );
        assert!(ran.err.contains("hint: write `volume_gib = 80`"), "{ran:?}");
    }
    assert_eq!(mock.writes(), Vec::<String>::new());
}

#[test]
fn reap_destroys_tests_that_have_ended_and_nothing_else() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    let early = mock.run(&["reap", "--yes"]);
    assert!(
        early.code == 0 && early.out.contains("no test deployment has ended"),
        "{early:?}"
    );
    assert_eq!(mock.count(), whole());
    let mark = |environment: &str| {
        let arguments = json!({"environment": environment, "expires": "2026-01-01T00:00:00Z"});
        mock.ask("do", &json!({"region": "us-east-1", "what": "mark", "with": arguments}));
    };
    mark("production");
    mock.run(&["reap", "--yes"]);
    assert_eq!(mock.count(), whole(), "production was reaped");
    mark("test");
    let asked = mock.run(&["reap"]);
    assert_eq!(asked.code, 2, "{asked:?}");
    let late = mock.run(&["reap", "--yes"]);
    assert!(
        late.code == 0 && late.out.contains("destroyed clinic; 0 left"),
        "{late:?}"
    );
    assert_eq!(mock.count(), json!({}));
}
