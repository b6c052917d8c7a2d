//! Networks and AWS as they are: throttled, broken, slow, lying, silent; and a tool that is killed at any call.

use serde_json::json;

use super::mock::Mock;
use super::mock::whole;

/// At which calls the tool is killed: those that change something, or with `ANTEROOM_FAULT_AT=all` every one. A call that
/// only asks leaves behind what the one before it left.
fn killed_at() -> &'static str {
    match std::env::var("ANTEROOM_FAULT_AT").as_deref() {
        Ok("all") => "calls",
        _ => "writes",
    }
}

/// Calls that make something and take no token, or one that is easily lost.
const MAKING: [&str; 10] = [
    "CreateVpc",
    "CreateSubnet",
    "CreateInternetGateway",
    "CreateRouteTable",
    "CreateSecurityGroup",
    "ImportKeyPair",
    "AllocateAddress",
    "RunInstances",
    "CreateFlowLogs",
    "CreateKey",
];

#[test]
fn an_answer_that_was_lost_makes_nothing_twice() {
    let Some(mock) = Mock::start() else { return };
    for action in MAKING {
        for fault in ["lost", "truncated", "reset", "html"] {
            mock.reset();
            mock.ask(
                "plan",
                &json!({"faults": [{"action": action, "fault": fault, "count": 1}]}),
            );
            let applied = mock.apply("test");
            // Some faults cannot be told from success or refusal; then the next run goes on.
            if !applied.reached_the_machine() {
                let again = mock.apply("test");
                assert!(
                    again.reached_the_machine(),
                    "{action} {fault}: {applied:?}, then {again:?}"
                );
            }
            assert_eq!(mock.count(), whole(), "{action} {fault}: {applied:?}");
        }
    }
}

#[test]
fn throttling_errors_and_slowness_are_waited_for() {
    let Some(mock) = Mock::start() else { return };
    for fault in ["throttle", "internal", "slow", "reset"] {
        mock.reset();
        let faults: Vec<_> = MAKING
            .iter()
            .map(|action| json!({"action": action, "fault": fault, "count": 1}))
            .collect();
        let mut faults = faults;
        faults.push(json!({"action": "DescribeVpcs", "fault": fault, "count": 2}));
        mock.ask("plan", &json!({ "faults": faults }));
        let applied = mock.apply("test");
        assert!(applied.reached_the_machine(), "{fault}: {applied:?}");
        assert_eq!(mock.count(), whole(), "{fault}");
        mock.ask(
            "plan",
            &json!({"faults": [
                {"action": "TerminateInstances", "fault": fault, "count": 1},
                {"action": "DeleteSubnet", "fault": fault, "count": 1},
                {"action": "DeleteVpc", "fault": fault, "count": 2},
                {"action": "ScheduleKeyDeletion", "fault": fault, "count": 1},
            ]}),
        );
        let gone = mock.destroy("test");
        assert_eq!((gone.code, mock.count()), (0, json!({})), "{fault}: {gone:?}");
    }
}

#[test]
fn apply_killed_at_any_call_goes_on_where_it_stopped() {
    let Some(mock) = Mock::start() else { return };
    let arguments = ["apply", "--yes", "--no-audit", "-f", "test.toml"];
    let mut call = 1;
    loop {
        mock.reset();
        let killed = mock.kill_at(&arguments, call, killed_at());
        let again = mock.apply("test");
        assert!(again.reached_the_machine(), "killed at call {call}: {again:?}");
        assert_eq!(mock.count(), whole(), "killed at call {call}");
        if !killed {
            break;
        }
        call += 1;
    }
    assert!(call > 20, "apply was over after {call} calls");
}

#[test]
fn destroy_killed_at_any_call_leaves_nothing_in_the_end() {
    let Some(mock) = Mock::start() else { return };
    let arguments = ["destroy", "--yes", "-f", "test.toml"];
    let mut call = 1;
    loop {
        mock.reset();
        mock.apply("test");
        let killed = mock.kill_at(&arguments, call, killed_at());
        let again = mock.destroy("test");
        assert_eq!(
            (again.code, mock.count()),
            (0, json!({})),
            "killed at call {call}: {again:?}"
        );
        if !killed {
            break;
        }
        call += 1;
    }
    assert!(call > 15, "destroy was over after {call} calls");
}
