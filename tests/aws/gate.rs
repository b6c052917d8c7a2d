//! The gate in front of an account: whose credentials they are, who answers for AWS, and whether production may be there.

use std::fs;

use serde_json::json;

use super::bad::agreement;
use super::bad::production;
use super::bad::refused;
use super::mock::Mock;
use super::mock::SPEC;
use super::mock::whole;

const OURS: &str = "123456789012";
const COMMANDS: [&[&str]; 5] = [
    &["plan"],
    &["apply", "--yes"],
    &["audit", "--no-call"],
    &["destroy", "--yes"],
    &["token", "--host"],
];

/// The calls that reached the mock, but for the question who asks.
fn calls(mock: &Mock) -> Vec<String> {
    let calls = mock.ask("calls", &serde_json::Value::Null);
    let names = calls
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call[1].as_str().unwrap().to_owned());
    names.filter(|name| name != "GetCallerIdentity").collect()
}

#[test]
fn every_command_refuses_credentials_of_another_account_and_a_caller_that_cannot_be_told() {
    let Some(mock) = Mock::start() else { return };
    assert!(mock.apply("test").reached_the_machine());
    mock.spec("other", &SPEC.replace(OURS, "999988887777"));
    mock.ask("plan", &json!({}));
    for command in COMMANDS {
        let arguments = [command, &["-f", "other.toml"]].concat();
        let ran = mock.run(&arguments);
        assert_eq!(ran.code, 1, "{command:?}: {ran:?}");
        for word in [OURS, "the spec is of 999988887777", "hint: name the right profile"] {
            assert!(ran.err.contains(word), "{command:?}: {word} is not in {}", ran.err);
        }
    }
    mock.ask("settings", &json!({"denied": ["sts:GetCallerIdentity"]}));
    for command in COMMANDS {
        let arguments = [command, &["-f", "test.toml"]].concat();
        let ran = mock.run(&arguments);
        assert!(
            ran.code == 1 && ran.err.contains("call sts:GetCallerIdentity"),
            "{command:?}: {ran:?}"
        );
    }
    assert_eq!(calls(&mock), Vec::<String>::new());
    assert_eq!(mock.count(), whole());
}

#[test]
fn account_and_region_are_said_before_anything_is_confirmed() {
    let Some(mock) = Mock::start() else { return };
    for command in ["apply", "destroy"] {
        let asked = mock.run(&[command, "-f", "test.toml"]);
        assert_eq!(asked.code, 2, "{asked:?}");
        let said = asked.err.find("AWS account 123456789012, region us-east-1, as arn:");
        let confirm = asked.err.find("there is no terminal to ask on");
        assert!(said.is_some() && said < confirm, "{command}: {}", asked.err);
    }
}

#[test]
fn production_asks_nobody_on_this_computer_and_names_what_sends_it_there() {
    let Some(mock) = Mock::start() else { return };
    production(&mock, "");
    mock.ask("settings", &agreement("ACTIVE", OURS, None));
    let run = |change: &dyn Fn(&mut std::process::Command)| {
        let mut command = mock.command(&["apply", "--yes", "--no-audit", "-f", "production.toml"]);
        command.env_remove("AWS_ENDPOINT_URL");
        change(&mut command);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL_ARTIFACT"] {
        let refused = run(&|command| {
            command.env(variable, mock.loopback());
        });
        let words = [
            format!("{variable} sends calls of"),
            mock.loopback(),
            format!("unset {variable}"),
        ];
        assert!(words.iter().all(|word| refused.contains(word)), "{variable}: {refused}");
    }
    let config = format!(
        "[default]\nservices = mock\n[services mock]\nec2 =\n  endpoint_url = {}\n",
        mock.loopback()
    );
    fs::write(mock.path("config"), config).unwrap();
    let refused = run(&|command| {
        command.env("AWS_CONFIG_FILE", mock.path("config"));
    });
    assert!(
        refused.contains("endpoint_url in the AWS configuration sends calls of EC2")
            && refused.contains("this computer"),
        "{refused}"
    );
    assert_eq!((calls(&mock), mock.count()), (Vec::new(), json!({})));
}

/// The waiver of an agreement, in force today.
fn waiver(subject: &str, digest: Option<&str>) -> String {
    let today = jiff::Zoned::now().date();
    let tomorrow = today.tomorrow().unwrap();
    let digest = digest.map(|digest| format!("evidence_sha256 = \"{digest}\"\n"));
    format!(
        "[[waiver]]\ncontrol = \"administrative/baa-in-force\"\nsubject = \"{subject}\"\njustification = \"Artifact is shut \
         off\"\napprover = \"A. Officer\"\nbasis = \"risk-accepted\"\ncompensating_control = \"the signed paper\"\n\
         created = {today}\nexpires = {tomorrow}\n{}",
        digest.unwrap_or_default()
    )
}

#[test]
fn no_waiver_stands_for_an_agreement_that_aws_says_is_not_in_force() {
    let Some(mock) = Mock::start() else { return };
    production(&mock, &waiver("*", None));
    refused(
        &mock,
        "production",
        &["AWS lists no business associate agreement", "no [[waiver]] stands for"],
    );
    mock.ask("settings", &agreement("CUSTOMER_TERMINATED", OURS, None));
    refused(&mock, "production", &["CUSTOMER_TERMINATED"]);
    let mut of_nobody = agreement("ACTIVE", OURS, None);
    of_nobody["agreements"][0]
        .as_object_mut()
        .unwrap()
        .remove("awsAccountId");
    mock.ask("settings", &of_nobody);
    refused(&mock, "production", &["neither the account nor the organization"]);
}

#[test]
fn a_waiver_of_what_was_not_seen_names_the_subject_and_the_digest_that_the_refusal_tells() {
    let Some(mock) = Mock::start() else { return };
    mock.ask("settings", &json!({"denied": ["/v1/customer-agreement/list"]}));
    production(&mock, "");
    let told = mock.apply("production");
    let digest = told
        .err
        .split("evidence_sha256 = \"")
        .nth(1)
        .and_then(|rest| rest.get(..64));
    let digest = digest.unwrap_or_else(|| panic!("{told:?}")).to_owned();
    for (subject, pin) in [("cloud:another", digest.as_str()), ("cloud:agreement", &"0".repeat(64))] {
        production(&mock, &waiver(subject, Some(pin)));
        refused(&mock, "production", &["the agreement could not be seen"]);
    }
    production(&mock, &waiver("cloud:agreement", Some(&digest)));
    let applied = mock.apply("production");
    assert!(
        applied.reached_the_machine() && applied.err.contains("the audit still says that it was not seen"),
        "{applied:?}"
    );
}
