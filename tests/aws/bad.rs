//! What goes wrong before anything is made: named, with what to do about it, and with nothing left behind.

use std::fs;

use serde_json::Value;
use serde_json::json;

use super::mock::Mock;
use super::mock::SPEC;
use super::mock::whole;

/// Applies a spec that must be refused before anything is made.
pub(crate) fn refused(mock: &Mock, spec: &str, words: &[&str]) {
    let applied = mock.apply(spec);
    assert_eq!(applied.code, 1, "{}", applied.err);
    for word in words {
        assert!(applied.err.contains(word), "{word} is not in {}", applied.err);
    }
    assert!(applied.err.contains("hint: "), "{}", applied.err);
    assert_eq!(mock.count(), json!({}), "{words:?}: something was made");
}

#[test]
fn a_permission_or_quota_that_is_lacking_is_named_before_anything_is_made() {
    let Some(mock) = Mock::start() else { return };
    let denied = [
        "ec2:RunInstances",
        "ec2:CreateVpc",
        "ec2:CreateSubnet",
        "ec2:AllocateAddress",
        "ec2:ImportKeyPair",
    ];
    mock.ask("settings", &json!({ "denied": denied }));
    refused(&mock, "test", &denied);
    mock.reset();
    mock.ask("settings", &json!({"denied": ["ec2:DescribeVpcs"]}));
    refused(
        &mock,
        "test",
        &[
            "call ec2:DescribeVpcs",
            "may not",
            "let these credentials call ec2:DescribeVpcs",
        ],
    );
    mock.reset();
    for _ in 0..5 {
        mock.ask("do", &json!({"region": "us-east-1", "what": "address"}));
    }
    let applied = mock.apply("test");
    assert!(
        applied.err.contains("5 of 5 Elastic IP addresses are taken"),
        "{applied:?}"
    );
    assert_eq!(mock.count(), json!({"addresses": 5}));
}

#[test]
fn a_quota_that_no_rehearsal_counts_stops_apply_and_the_next_run_goes_on() {
    let Some(mock) = Mock::start() else { return };
    mock.ask("settings", &json!({"quota": "CreateVpc"}));
    let applied = mock.apply("test");
    assert!(
        applied.code == 1 && applied.err.contains("the account's quota is used up"),
        "{applied:?}"
    );
    assert!(applied.err.contains("Service Quotas"), "{applied:?}");
    mock.ask("settings", &json!({"quota": null}));
    assert!(mock.apply("test").reached_the_machine());
    assert_eq!(mock.count(), whole());
}

#[test]
fn ids_that_are_not_there_are_named_before_anything_is_made() {
    let Some(mock) = Mock::start() else { return };
    let with = |name: &str, line: &str| {
        mock.spec(
            name,
            &SPEC.replace("[machines.aws]", &format!("[machines.aws]\n{line}")),
        )
    };
    with("image", "image = \"ami-0123456789abcdef0\"");
    refused(&mock, "image", &["ami-0123456789abcdef0"]);
    with("type", "instance_type = \"c6i.huge\"");
    refused(&mock, "type", &["c6i.huge"]);
    with("subnet", "subnet = \"subnet-0123456789abcdef0\"");
    refused(&mock, "subnet", &["subnet-0123456789abcdef0"]);
    with("zone", "zone = \"us-east-1z\"");
    refused(&mock, "zone", &["us-east-1z does not offer"]);
    let there = mock.ask(
        "do",
        &json!({"region": "us-east-1", "what": "default_subnet", "with": {"zone": "us-east-1a"}}),
    );
    let there = there.as_str().unwrap();
    with("elsewhere", &format!("subnet = \"{there}\"\nzone = \"us-east-1b\""));
    refused(&mock, "elsewhere", &[there, "is in us-east-1a", "`zone` is us-east-1b"]);
    mock.spec(
        "key",
        &SPEC.replace(
            "kms_key = \"own\"",
            "kms_key = \"arn:aws:kms:us-east-1:123456789012:key/none\"",
        ),
    );
    refused(&mock, "key", &["there is no key"]);
}

#[test]
fn no_credentials_a_skewed_clock_and_no_network_are_told_apart() {
    let Some(mock) = Mock::start() else { return };
    let run = |change: &dyn Fn(&mut std::process::Command)| {
        let mut command = mock.command(&["plan", "-f", "test.toml"]);
        change(&mut command);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let without = |command: &mut std::process::Command| {
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY");
    };
    let none = run(&|command| without(command));
    assert!(
        none.contains("the credentials are missing or not accepted") && none.contains("aws sso login"),
        "{none}"
    );
    mock.spec(
        "profile",
        &SPEC.replace("[machines.aws]", "[machines.aws]\nprofile = \"nobody\""),
    );
    let profile = mock.run(&["plan", "-f", "profile.toml"]);
    assert!(
        profile.code == 1 && profile.err.contains("credentials are missing"),
        "{profile:?}"
    );
    let config = "[profile sso]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\nregion = us-east-1\n\
                  [sso-session s]\nsso_region = us-east-1\nsso_start_url = http://127.0.0.1:9/start\n";
    fs::write(mock.path("config"), config).unwrap();
    let sso = run(&|command| {
        without(command);
        command
            .env("AWS_CONFIG_FILE", mock.path("config"))
            .env("AWS_PROFILE", "sso");
    });
    assert!(sso.contains("the credentials are missing or not accepted"), "{sso}");
    mock.ask("settings", &json!({"clock": true}));
    let clock = run(&|_| {});
    assert!(
        clock.contains("this computer's clock is off") && clock.contains("timedatectl"),
        "{clock}"
    );
    let away = run(&|command| {
        command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    });
    assert!(away.contains("see that this computer reaches AWS"), "{away}");
}

#[test]
fn another_owners_deployment_of_the_same_name_is_not_touched() {
    let Some(mock) = Mock::start() else { return };
    mock.ask(
        "do",
        &json!({"region": "us-east-1", "what": "vpc", "with": {"domain": "other.example.com"}}),
    );
    let applied = mock.apply("test");
    assert!(
        applied.code == 1 && applied.err.contains("belongs to other.example.com"),
        "{applied:?}"
    );
    let gone = mock.destroy("test");
    assert_eq!(gone.code, 0, "{gone:?}");
    assert!(gone.out.contains("stays: VPC vpc-"), "{gone:?}");
    assert_eq!(mock.count(), json!({"vpcs": 1}));
}

#[test]
fn what_has_no_domain_is_in_the_way_of_an_apply_and_left_by_a_destroy() {
    let Some(mock) = Mock::start() else { return };
    let on_keys = json!({"region": "us-east-1", "what": "untag_keys", "with": {"name": "anteroom:domain"}});
    let bare = json!({"region": "us-east-1", "what": "vpc", "with": {"domain": null}});
    for (kind, spoil, left) in [
        ("VPC vpc-", &bare, json!({"vpcs": 1})),
        ("KMS key ", &on_keys, json!({"aliases": 1, "disk_keys": 1})),
    ] {
        mock.reset();
        mock.apply("test");
        mock.ask("do", spoil);
        let applied = mock.apply("test");
        let words = "carries the deployment's tag and no anteroom:domain";
        assert!(applied.code == 1 && applied.err.contains(words), "{applied:?}");
        let gone = mock.destroy("test");
        assert_eq!((gone.code, mock.count()), (6, left), "{gone:?}");
        let mut lines = gone.out.lines().filter(|line| line.starts_with("LEFT:"));
        let line = lines.next().unwrap();
        assert!(line.contains(kind) && line.contains(words), "{gone:?}");
        assert_eq!(lines.next(), None, "{gone:?}");
    }
}

#[test]
fn a_group_still_in_use_is_listed_and_goes_with_the_next_run() {
    let Some(mock) = Mock::start() else { return };
    mock.apply("test");
    let squatter = mock.ask("do", &json!({"region": "us-east-1", "what": "squat"}));
    let gone = mock.destroy("test");
    assert_eq!(gone.code, 6, "{gone:?}");
    for word in [
        "LEFT:  security group sg-",
        "DependencyViolation",
        "LEFT:  subnet subnet-",
        "LEFT:  VPC vpc-",
    ] {
        assert!(gone.out.contains(word), "{word} is not in {}", gone.out);
    }
    let with = json!({"instance": squatter});
    mock.ask("do", &json!({"region": "us-east-1", "what": "terminate", "with": with}));
    let again = mock.destroy("test");
    assert_eq!((again.code, mock.count()), (0, json!({})), "{again:?}");
}

/// A production spec with a certificate that is good for it.
pub(crate) fn production(mock: &Mock, more: &str) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(rcgen::DnType::CommonName, "Test Authority");
    let authority = rcgen::CertifiedIssuer::self_signed(authority, authority_key).unwrap();
    let mut leaf = rcgen::CertificateParams::new(vec!["telemed.example.com".to_owned()]).unwrap();
    leaf.distinguished_name.push(rcgen::DnType::CommonName, "Test Leaf");
    leaf.not_before = rcgen::date_time_ymd(2020, 1, 1);
    leaf.not_after = rcgen::date_time_ymd(2090, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let chain = leaf.signed_by(&key, &authority).unwrap().pem() + &authority.pem();
    fs::write(mock.path("chain.pem"), chain).unwrap();
    fs::write(mock.path("key.pem"), key.serialize_pem()).unwrap();
    let spec = SPEC.replace("environment = \"test\"\nttl = \"4h\"", "environment = \"production\"");
    let papers = "[baa]\nvendor = \"Amazon Web Services\"\nagreement = \"BAA\"\nsigned_on = 2026-01-15\n\
                  [certificate]\nkind = \"files\"\nchain = \"chain.pem\"\nkey = \"key.pem\"\n";
    mock.spec("production", &format!("{spec}\n{papers}\n{more}"));
}

pub(crate) fn agreement(state: &str, account: &str, end: Option<&str>) -> Value {
    let mut one = json!({
        "name": "AWS Business Associate Addendum", "arn": "arn:aws:artifact::123456789012:customer-agreement/a",
        "id": "customer-agreement-a", "agreementArn": "arn:aws:artifact:::agreement/a", "awsAccountId": account,
        "effectiveStart": "2025-01-02T00:00:00Z", "state": state, "type": "DEFAULT",
    });
    if let Some(end) = end {
        one["effectiveEnd"] = end.into();
    }
    json!({ "agreements": [one] })
}

#[test]
fn production_waits_for_an_agreement_in_force_of_this_very_account() {
    let Some(mock) = Mock::start() else { return };
    production(&mock, "");
    refused(
        &mock,
        "production",
        &[
            "AWS lists no business associate agreement",
            "accept the business associate addendum",
        ],
    );
    for (state, account, end, words) in [
        (
            "CUSTOMER_TERMINATED",
            "123456789012",
            Some("2026-02-01T00:00:00Z"),
            "CUSTOMER_TERMINATED and ends on 2026-02-01",
        ),
        (
            "ACTIVE",
            "123456789012",
            Some("2099-01-01T00:00:00Z"),
            "ends on 2099-01-01",
        ),
        ("ACTIVE", "999988887777", None, "is for the account 999988887777"),
    ] {
        mock.ask("settings", &agreement(state, account, end));
        refused(&mock, "production", &[words, "production is not deployed without it"]);
    }
    mock.ask("settings", &json!({"denied": ["/v1/customer-agreement/list"]}));
    refused(
        &mock,
        "production",
        &["the agreement could not be seen", "artifact:ListCustomerAgreements"],
    );
    mock.ask("settings", &json!({"denied": []}));
    mock.ask("settings", &agreement("ACTIVE", "123456789012", None));
    let applied = mock.apply("production");
    assert!(applied.reached_the_machine(), "{applied:?}");
    assert_eq!(mock.count(), whole());
    let unconfirmed = mock.destroy("production");
    assert_eq!((unconfirmed.code, mock.count()), (2, whole()), "{unconfirmed:?}");
    // The machine is protected against being terminated; whoever types the domain means it.
    let gone = mock.run(&["destroy", "-f", "production.toml", "--confirm", "telemed.example.com"]);
    assert_eq!((gone.code, mock.count()), (0, json!({})), "{gone:?}");
}

#[test]
fn an_agreement_that_cannot_be_seen_is_waived_for_a_time_or_not_at_all() {
    let Some(mock) = Mock::start() else { return };
    let waiver = "[[waiver]]\ncontrol = \"administrative/baa-in-force\"\nsubject = \"*\"\njustification = \"Artifact is shut off\"\n\
                  approver = \"A. Officer\"\nbasis = \"risk-accepted\"\ncompensating_control = \"the signed paper\"\n";
    mock.ask("settings", &json!({"denied": ["/v1/customer-agreement/list"]}));
    production(&mock, &format!("{waiver}created = 2026-01-01\nexpires = 2026-02-01\n"));
    refused(&mock, "production", &["the agreement could not be seen"]);
    let today = jiff::Zoned::now().date();
    let tomorrow = today.tomorrow().unwrap();
    production(&mock, &format!("{waiver}created = {today}\nexpires = {tomorrow}\n"));
    let applied = mock.apply("production");
    assert!(
        applied.reached_the_machine() && applied.err.contains("A. Officer accepted that"),
        "{applied:?}"
    );
}
