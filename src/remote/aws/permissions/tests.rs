//! The table against the calls beside it, and the policies that follow from it.

use std::fs;
use std::path::Path;

use super::*;

/// The clients of client.rs with the service that each asks.
const CLIENTS: &[(&str, &str)] = &[
    ("ec2", "ec2"),
    ("ec2_once", "ec2"),
    ("kms", "kms"),
    ("kms_once", "kms"),
    ("sts", "sts"),
    ("artifact", "artifact"),
    ("trails", "cloudtrail"),
    ("names", "route53"),
];

/// The code of this folder without what only tests and this table hold, and without spaces.
fn code() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/remote/aws");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|ending| ending == "rs"));
    let files = files.filter(|file| !file.ends_with("permissions.rs"));
    let texts = files.map(|file| fs::read_to_string(file).unwrap());
    let texts = texts.map(|text| text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned());
    texts.collect::<String>().split_whitespace().collect()
}

/// Words that stand before an opening parenthesis, after a marker.
fn methods_after(code: &str, marker: &str) -> BTreeSet<String> {
    let word = |rest: &str| {
        let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))?;
        rest[end..].starts_with('(').then(|| rest[..end].to_owned())
    };
    code.match_indices(marker)
        .filter_map(|(at, _)| word(&code[at + marker.len()..]))
        .collect()
}

/// `describe_vpcs` as `DescribeVpcs`.
fn camel(method: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    method.split('_').map(capital).collect()
}

#[test]
fn every_call_that_is_sent_is_in_the_table_and_the_other_way_round() {
    let code = code();
    let mut sent = BTreeSet::new();
    for (client, service) in CLIENTS {
        for method in methods_after(&code, &format!("self.{client}.")) {
            sent.insert(format!("{service}:{}", camel(&method)));
        }
    }
    let called = TABLE.iter().filter(|action| !action.by.is_empty());
    let called: BTreeSet<String> = called.map(|action| action.name.to_owned()).collect();
    assert_eq!(sent, called);
}

#[test]
fn every_name_that_an_error_gives_a_call_is_in_the_table() {
    let code = code();
    let services: BTreeSet<&str> = CLIENTS.iter().map(|(_, service)| *service).collect();
    let name = |text: &&str| {
        let (service, call) = text.split_once(':').unwrap_or_default();
        services.contains(service) && !call.is_empty() && call.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let named: BTreeSet<&str> = code.split('"').filter(name).collect();
    assert!(named.len() > 60, "{named:?}");
    let unknown: Vec<&&str> = named
        .iter()
        .filter(|name| TABLE.iter().all(|action| action.name != **name))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn a_row_stands_once_in_order_and_what_it_asks_for_has_a_row() {
    // As a reader sorts them: without regard to capitals.
    let names: Vec<String> = TABLE.iter().map(|action| action.name.to_lowercase()).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for action in TABLE {
        for also in action.also {
            assert!(TABLE.iter().any(|other| other.name == *also), "{also}");
        }
        assert!(
            COMMANDS.iter().any(|command| action.is_needed_by(*command)),
            "{}",
            action.name
        );
    }
}

fn statements(command: Command, whose: &For) -> Vec<Value> {
    policy(command, whose)["Statement"].as_array().unwrap().clone()
}

fn of<'a>(statements: &'a [Value], action: &str) -> Vec<&'a Value> {
    let has = |statement: &&Value| statement["Action"].as_array().unwrap().contains(&action.into());
    statements.iter().filter(has).collect()
}

#[test]
fn every_policy_fits_into_one_managed_policy() {
    for command in COMMANDS {
        let whose = For {
            deployment: Some("a".repeat(40)),
            disk_key: None,
        };
        let length = policy(command, &whose).to_string().len();
        assert!(length <= 6_144, "{}: {length} characters", command.word());
    }
}

#[test]
fn what_changes_or_ends_a_thing_is_bound_to_the_deployments_tags() {
    let whose = For {
        deployment: Some("clinic".to_owned()),
        disk_key: None,
    };
    for command in [Apply, Destroy] {
        let statements = statements(command, &whose);
        for action in [
            "ec2:TerminateInstances",
            "ec2:DeleteVpc",
            "ec2:ReleaseAddress",
            "kms:ScheduleKeyDeletion",
        ] {
            for statement in of(&statements, action) {
                let tag = &statement["Condition"]["StringEquals"]["aws:ResourceTag/anteroom:deployment"];
                assert_eq!(tag, "clinic", "{action}: {statement}");
            }
            assert!(!of(&statements, action).is_empty(), "{action}");
        }
    }
    let apply = statements(Apply, &whose);
    let made = of(&apply, "ec2:CreateVpc");
    assert_eq!(
        made[0]["Condition"]["StringEquals"]["aws:RequestTag/anteroom:deployment"],
        "clinic"
    );
    let grant = of(&apply, "kms:CreateGrant");
    assert_eq!(grant[0]["Condition"]["Bool"]["kms:GrantIsForAWSResource"], "true");
    let tagging = of(&apply, "ec2:CreateTags");
    assert!(
        tagging.iter().all(|statement| statement.get("Condition").is_some()),
        "{tagging:?}"
    );
}

#[test]
fn reap_may_touch_nothing_but_tests_of_any_deployment() {
    let statements = statements(Reap, &For::default());
    let ended = of(&statements, "ec2:TerminateInstances");
    assert_eq!(
        ended[0]["Condition"],
        json!({
            "Null": {"aws:ResourceTag/anteroom:deployment": "false"},
            "StringEquals": {"aws:ResourceTag/anteroom:environment": "test"},
        })
    );
    assert!(of(&statements, "ec2:RunInstances").is_empty());
}

#[test]
fn plan_and_audit_change_nothing() {
    for command in [Plan, Audit] {
        for action in TABLE.iter().filter(|action| action.is_needed_by(command)) {
            let (_, verb) = action.name.split_once(':').unwrap();
            let looks = ["Describe", "Get", "List"].iter().any(|word| verb.starts_with(word));
            assert!(looks, "{} needs {}", command.word(), action.name);
        }
    }
}

#[test]
fn a_key_of_the_operators_own_is_used_by_its_arn_and_none_is_made() {
    let arn = "arn:aws:kms:us-east-1:123456789012:key/k";
    let whose = For {
        deployment: None,
        disk_key: Some(arn.to_owned()),
    };
    let statements = statements(Apply, &whose);
    for action in ["kms:CreateGrant", "kms:Decrypt", "kms:ReEncrypt*"] {
        assert_eq!(of(&statements, action)[0]["Resource"], json!([arn]), "{action}");
    }
    for action in [
        "kms:CreateKey",
        "kms:CreateAlias",
        "kms:EnableKeyRotation",
        "kms:ScheduleKeyDeletion",
    ] {
        assert!(of(&statements, action).is_empty(), "{action}");
    }
}
