//! Another type and a larger disk: what is refused before the machine is stopped, and what it is after AWS refused.

use serde_json::json;

use super::mock::Mock;
use super::mock::SPEC;
use super::mock::whole;

fn with(mock: &Mock, name: &str, line: &str) {
    let spec = SPEC.replace("[machines.aws]", &format!("[machines.aws]\n{line}"));
    mock.spec(name, &spec);
}

/// The type and state of the one machine.
fn machine(mock: &Mock) -> (String, String) {
    let machines = mock.machines();
    assert_eq!(machines.len(), 1, "{machines:?}");
    let text = |key: &str| machines[0][key].as_str().unwrap().to_owned();
    (text("kind"), text("state"))
}

fn running(kind: &str) -> (String, String) {
    (kind.to_owned(), "running".to_owned())
}

#[test]
fn a_type_that_the_machine_cannot_become_is_refused_before_it_is_stopped() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    for (kind, words) in [
        ("c6i.huge", "c6i.huge"),
        ("c7g.xlarge", "the image is of x86_64, and c7g.xlarge runs arm64"),
        ("trn1.2xlarge", "us-east-1a does not offer trn1.2xlarge"),
    ] {
        with(&mock, "other", &format!("instance_type = \"{kind}\""));
        mock.ask("plan", &json!({}));
        let applied = mock.apply("other");
        assert!(applied.code == 1 && applied.err.contains(words), "{kind}: {applied:?}");
        assert!(applied.err.contains("change the type of core"), "{applied:?}");
        assert_eq!(mock.writes(), Vec::<String>::new(), "{kind}");
        assert_eq!(machine(&mock), running("c6i.xlarge"), "{kind}");
    }
}

#[test]
fn a_machine_that_does_not_start_as_another_type_runs_again_as_what_it_was() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    with(&mock, "larger", "instance_type = \"c6i.2xlarge\"");
    mock.ask("settings", &json!({"no_capacity": ["c6i.2xlarge"]}));
    let applied = mock.apply("larger");
    assert_eq!(applied.code, 1, "{applied:?}");
    for words in ["InsufficientInstanceCapacity", "it runs as c6i.xlarge again", "hint: "] {
        assert!(applied.err.contains(words), "{words} is not in {}", applied.err);
    }
    assert_eq!(machine(&mock), running("c6i.xlarge"));
    // Neither type has capacity: the machine is stopped, it is said, and the next run starts it.
    mock.ask("settings", &json!({"no_capacity": ["c6i.2xlarge", "c6i.xlarge"]}));
    let applied = mock.apply("larger");
    assert!(
        applied.err.contains("it did not start as c6i.xlarge again either"),
        "{applied:?}"
    );
    assert_eq!(machine(&mock).1, "stopped");
    mock.ask("settings", &json!({"no_capacity": ["c6i.2xlarge"]}));
    mock.apply("larger");
    assert_eq!(machine(&mock), running("c6i.xlarge"));
    mock.ask("settings", &json!({"no_capacity": []}));
    assert!(mock.apply("larger").reached_the_machine());
    assert_eq!(machine(&mock), running("c6i.2xlarge"));
}

#[test]
fn a_machine_that_was_left_stopped_by_a_killed_run_is_started() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    with(&mock, "larger", "instance_type = \"c6i.2xlarge\"");
    let arguments = ["apply", "--yes", "--no-audit", "-f", "larger.toml"];
    assert!(mock.kill_at(&arguments, 1, "writes"));
    assert_eq!(machine(&mock).1, "stopped");
    with(&mock, "wrong", "instance_type = \"c7g.xlarge\"");
    let refused = mock.apply("wrong");
    assert!(refused.err.contains("core is stopped as c6i.xlarge"), "{refused:?}");
    // The spec was put back meanwhile.
    assert!(mock.apply("test").reached_the_machine());
    assert_eq!(machine(&mock), running("c6i.xlarge"));
    assert!(mock.kill_at(&arguments, 1, "writes"));
    assert!(mock.apply("larger").reached_the_machine());
    assert_eq!(machine(&mock), running("c6i.2xlarge"));
}

#[test]
fn a_larger_disk_is_waited_for_and_what_remains_to_be_done_is_said() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    with(&mock, "larger", "volume_gib = 80");
    let plan = mock.run(&["plan", "-f", "larger.toml"]);
    let lines = plan.out + &plan.err;
    assert!(
        lines.contains("from 40 to 80 GiB; its file system follows when it boots next"),
        "{lines}"
    );
    mock.ask("plan", &json!({}));
    let applied = mock.apply("larger");
    assert!(applied.reached_the_machine(), "{applied:?}");
    assert_eq!(mock.writes(), ["ec2:ModifyVolume"]);
    mock.ask("plan", &json!({}));
    mock.apply("larger");
    assert_eq!(mock.writes(), Vec::<String>::new());
    // A run that was killed in between goes on with the change that it began.
    with(&mock, "largest", "volume_gib = 120");
    let arguments = ["apply", "--yes", "--no-audit", "-f", "largest.toml"];
    assert!(mock.kill_at(&arguments, 1, "writes"));
    let applied = mock.apply("largest");
    assert!(applied.reached_the_machine(), "{applied:?}");
    assert_eq!(mock.count(), whole());
}
