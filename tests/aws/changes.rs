//! What a spec that changed makes of a deployment that stands: what becomes of it, what is refused, and what needs a word.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use super::bad::agreement;
use super::bad::production;
use super::mock::Mock;
use super::mock::Ran;
use super::mock::SPEC;
use super::mock::whole;

/// What everything of the deployment says: environments, and how many ends.
fn marks(mock: &Mock) -> (BTreeSet<String>, usize) {
    let marks = mock.ask("do", &json!({"region": "us-east-1", "what": "marks"}));
    let marks: Vec<Value> = marks.as_object().unwrap().values().cloned().collect();
    let word = |mark: &Value| mark["anteroom:environment"].as_str().unwrap_or("nothing").to_owned();
    let ends = marks.iter().filter(|mark| mark.get("anteroom:expires").is_some());
    assert!(marks.len() > 10, "{marks:?}");
    (marks.iter().map(word).collect(), ends.count())
}

fn mark(mock: &Mock, environment: &str, expires: &str) {
    let with = json!({"environment": environment, "expires": expires});
    mock.ask("do", &json!({"region": "us-east-1", "what": "mark", "with": with}));
}

/// A production deployment whose agreement is in force.
fn in_production(more: &str) -> Option<Mock> {
    let mock = Mock::start()?;
    mock.ask("settings", &agreement("ACTIVE", "123456789012", None));
    production(&mock, more);
    Some(mock)
}

/// An ordinary `apply` that comes as far as the machine.
fn reach(mock: &Mock, spec: &str) {
    let applied = mock.apply(spec);
    assert!(applied.reached_the_machine(), "{spec}: {applied:?}");
}

fn only(word: &str) -> BTreeSet<String> {
    BTreeSet::from([word.to_owned()])
}

fn apply_with(mock: &Mock, spec: &str, more: &[&str]) -> Ran {
    let spec = format!("{spec}.toml");
    let mut arguments = vec!["apply", "--yes", "--no-audit", "-f", &spec];
    arguments.extend(more);
    mock.run(&arguments)
}

/// Refused before anything is touched.
fn untouched(mock: &Mock, ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{ran:?}");
    for word in words {
        assert!(ran.err.contains(word), "{word} is not in {}", ran.err);
    }
    assert!(ran.err.contains("hint: "), "{}", ran.err);
    assert_eq!(mock.writes(), Vec::<String>::new(), "{words:?}: something was changed");
}

#[test]
fn a_test_that_became_production_says_so_everywhere_and_is_not_reaped() {
    let Some(mock) = in_production("") else { return };
    reach(&mock, "test");
    assert_eq!(marks(&mock).0, only("test"));
    mark(&mock, "test", "2026-01-01T00:00:00Z");
    let plan = mock.run(&["plan", "-f", "production.toml"]);
    assert!(plan.out.contains("A TEST BECOMES PRODUCTION"), "{plan:?}");
    let applied = mock.apply("production");
    assert!(applied.reached_the_machine(), "{applied:?}");
    assert_eq!(marks(&mock), (only("production"), 0));
    mock.run(&["reap", "--yes"]);
    assert_eq!(mock.count(), whole(), "production was reaped");
    mock.ask("plan", &json!({}));
    mock.apply("production");
    assert_eq!(mock.writes(), Vec::<String>::new());
}

#[test]
fn a_test_whose_way_to_production_was_cut_short_is_not_reaped_and_gets_there() {
    let Some(mock) = in_production("") else { return };
    reach(&mock, "test");
    let arguments = ["apply", "--yes", "--no-audit", "-f", "production.toml"];
    for call in [1, 7, 13, 19] {
        mark(&mock, "test", "2026-01-01T00:00:00Z");
        assert!(mock.kill_at(&arguments, call, "writes"), "there is no call {call}");
        mock.run(&["reap", "--yes"]);
        assert_eq!(mock.count(), whole(), "reaped after call {call}");
        reach(&mock, "production");
        assert_eq!(marks(&mock), (only("production"), 0), "killed at call {call}");
    }
}

#[test]
fn production_becomes_a_test_only_by_the_operators_word() {
    let Some(mock) = in_production("") else { return };
    reach(&mock, "production");
    mock.ask("plan", &json!({}));
    for ran in [mock.apply("test"), mock.run(&["plan", "-f", "test.toml"])] {
        let words = [
            "make a test of clinic, which counts as production",
            "--leave-production telemed.example.com",
        ];
        untouched(&mock, &ran, 1, &words);
    }
    let wrong = apply_with(&mock, "test", &["--leave-production", "telemed.example.org"]);
    assert_eq!((wrong.code, mock.writes()), (2, Vec::new()), "{wrong:?}");
    let left = apply_with(&mock, "test", &["--leave-production", "telemed.example.com"]);
    assert!(left.reached_the_machine(), "{left:?}");
    assert!(left.err.contains("PRODUCTION BECOMES A TEST"), "{left:?}");
    let (words, ends) = marks(&mock);
    assert_eq!(words, only("test"));
    assert!(ends > 10, "{ends}");
    mock.ask("plan", &json!({}));
    reach(&mock, "test");
    assert_eq!(mock.writes(), Vec::<String>::new());
}

#[test]
fn what_lost_the_word_of_its_environment_is_made_a_test_only_by_the_operators_word() {
    let Some(mock) = Mock::start() else { return };
    reach(&mock, "test");
    let stripped = json!({"region": "us-east-1", "what": "say", "with": {"kind": "vol-", "environment": null}});
    mock.ask("do", &stripped);
    mock.ask("plan", &json!({}));
    let words = ["counts as production: volume vol-", "does not say that it is a test"];
    untouched(&mock, &mock.apply("test"), 1, &words);
    let left = apply_with(&mock, "test", &["--leave-production", "telemed.example.com"]);
    assert!(left.reached_the_machine(), "{left:?}");
    assert_eq!(marks(&mock).0, only("test"));
}

#[test]
fn a_zone_that_is_not_the_subnets_is_named_before_anything_is_made() {
    let Some(mock) = Mock::start() else { return };
    let with = |line: &str| SPEC.replace("[machines.aws]", &format!("[machines.aws]\n{line}"));
    let place = json!({"region": "us-east-1", "what": "subnet", "with": {"zone": "us-east-1a"}});
    let subnet = mock.ask("do", &place);
    let subnet = subnet.as_str().unwrap();
    mock.spec("given", &with(&format!("subnet = \"{subnet}\"\nzone = \"us-east-1b\"")));
    let words = format!("the subnet {subnet} is in us-east-1a, and `zone` is us-east-1b");
    untouched(&mock, &mock.apply("given"), 1, &[&words]);
    assert_eq!(mock.count()["instances"], Value::Null);
    // The same of a network of its own, whose zone was chosen at first.
    reach(&mock, "test");
    mock.spec("zone", &with("zone = \"us-east-1c\""));
    mock.ask("plan", &json!({}));
    for ran in [mock.apply("zone"), mock.run(&["plan", "-f", "zone.toml"])] {
        untouched(&mock, &ran, 1, &["the zone of a deployment cannot be changed"]);
    }
}

#[test]
fn another_network_is_refused_in_every_direction() {
    let Some(mock) = Mock::start() else { return };
    let with = |line: &str| SPEC.replace("[machines.aws]", &format!("[machines.aws]\n{line}"));
    let place = json!({"region": "us-east-1", "what": "subnet", "with": {"zone": "us-east-1a"}});
    let subnet = mock.ask("do", &place);
    mock.spec("given", &with(&format!("subnet = {subnet}")));
    mock.spec("other", &with("network = \"10.78.0.0/24\""));
    reach(&mock, "test");
    mock.ask("plan", &json!({}));
    let words = [
        "and `network` is 10.78.0.0/24",
        "the network of a deployment cannot be changed",
    ];
    untouched(&mock, &mock.apply("other"), 1, &words);
    let words = [
        "the deployment has a VPC of its own",
        "the network of a deployment cannot be changed",
    ];
    untouched(&mock, &mock.apply("given"), 1, &words);
    assert_eq!(mock.destroy("test").code, 0);
    let applied = mock.apply("given");
    assert!(applied.reached_the_machine(), "{applied:?}");
    mock.ask("plan", &json!({}));
    reach(&mock, "given");
    assert_eq!(mock.writes(), Vec::<String>::new());
    let words = [
        "which is not the VPC that the spec asks for",
        "the network of a deployment cannot be changed",
    ];
    untouched(&mock, &mock.apply("test"), 1, &words);
    let gone = mock.destroy("given");
    assert_eq!(gone.code, 0, "{gone:?}");
    // The operator's own network stays.
    assert_eq!(mock.count(), json!({"vpcs": 1, "subnets": 1}));
}

#[test]
fn a_deployment_is_not_made_a_second_time_in_another_region() {
    let Some(mock) = Mock::start() else { return };
    reach(&mock, "test");
    mock.spec("moved", &SPEC.replace("us-east-1", "eu-west-1"));
    mock.ask("plan", &json!({}));
    for ran in [mock.apply("moved"), mock.run(&["plan", "-f", "moved.toml"])] {
        let words = ["the deployment is in us-east-1", "write `region = \"us-east-1\"`"];
        untouched(&mock, &ran, 1, &words);
    }
    assert_eq!(mock.destroy("moved").code, 0);
    reach(&mock, "moved");
    assert_eq!(mock.count(), whole());
}

#[test]
fn what_nobody_agreed_to_ends_the_run_and_is_not_carried_out() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    mock.spec(
        "larger",
        &SPEC.replace("[machines.aws]", "[machines.aws]\nvolume_gib = 80"),
    );
    let hold = json!({"at": 1, "when": "before", "of": "writes"});
    let disturbed = mock.apply_disturbed("larger", &hold, |mock| {
        mock.ask("do", &json!({"region": "us-east-1", "what": "spoil"}));
    });
    assert_eq!(disturbed.code, 1, "{disturbed:?}");
    for word in [
        "AWS holds something else by now",
        "from tcp/22 0.0.0.0/0",
        "run it again: it shows what is to be done from there",
    ] {
        assert!(disturbed.err.contains(word), "{word} is not in {}", disturbed.err);
    }
    let writes: BTreeSet<String> = mock.writes().into_iter().collect();
    assert_eq!(writes, BTreeSet::from(["ec2:ModifyVolume".to_owned()]));
    mock.ask("plan", &json!({}));
    let again = mock.apply("larger");
    assert!(again.reached_the_machine(), "{again:?}");
}

#[test]
fn a_disk_of_production_goes_only_when_its_host_is_named() {
    let Some(mock) = in_production("") else { return };
    reach(&mock, "production");
    let first = mock.ask("do", &json!({"region": "us-east-1", "what": "machines"}));
    let arn = mock.ask("do", &json!({"region": "us-east-1", "what": "key"}));
    let text = std::fs::read_to_string(mock.path("production.toml")).unwrap();
    mock.spec(
        "production",
        &text.replace("kms_key = \"own\"", &format!("kms_key = {arn}")),
    );
    mock.ask("plan", &json!({}));
    let words = [
        "-/+ core: the machine goes, and its disk with the accounts, secrets and logs on it, since",
        "the disk of core would go; nothing was changed",
        "--replace core",
    ];
    untouched(&mock, &mock.apply("production"), 2, &words);
    untouched(
        &mock,
        &apply_with(&mock, "production", &["--replace", "video"]),
        2,
        &words,
    );
    let agreed = apply_with(&mock, "production", &["--replace", "core"]);
    assert!(agreed.reached_the_machine(), "{agreed:?}");
    let now = mock.ask("do", &json!({"region": "us-east-1", "what": "machines"}));
    assert_ne!(now, first);
    assert_eq!(now.as_array().unwrap().len(), 1, "{now}");
    // A test goes by an ordinary yes.
    mock.reset();
    mock.apply("test");
    let arn = mock.ask("do", &json!({"region": "us-east-1", "what": "key"}));
    mock.spec("test", &SPEC.replace("kms_key = \"own\"", &format!("kms_key = {arn}")));
    reach(&mock, "test");
}

#[test]
fn a_renamed_hosts_machine_goes_and_in_production_only_when_it_is_named() {
    let Some(mock) = in_production("[[host]]\nname = \"video\"\nroles = [\"core\"]\n") else {
        return;
    };
    let named = std::fs::read_to_string(mock.path("production.toml")).unwrap();
    mock.spec("before", &named.replace("\"video\"", "\"core\""));
    reach(&mock, "before");
    mock.ask("plan", &json!({}));
    let words = [
        "+ video: a machine, then everything on it",
        "- instance i-",
        " of core, which the spec no longer names; its disk goes with the accounts, secrets and logs on it",
        "--replace core",
    ];
    untouched(&mock, &mock.apply("production"), 2, &words);
    let plan = mock.run(&["plan", "-f", "production.toml", "--format", "json"]);
    let plan: Value = serde_json::from_str(&plan.out).unwrap_or_else(|why| panic!("{why}: {plan:?}"));
    let rows = plan["cloud"].as_array().unwrap();
    let told = |row: &&Value| row["ends_machine"] == "core" && row["depth"] == "remove" && row["by"] == "spec";
    assert_eq!(rows.iter().filter(told).count(), 1, "{plan}");
    let agreed = apply_with(&mock, "production", &["--replace", "core"]);
    assert!(agreed.reached_the_machine(), "{agreed:?}");
    assert_eq!(mock.count(), whole());
    mock.ask("plan", &json!({}));
    mock.apply("production");
    assert_eq!(mock.writes(), Vec::<String>::new());
}
