//! What a spec, outputs and plans come to, without any program.

use std::path::Path;

use jiff::civil::date;

use super::given;
use super::given::Protection;
use super::hosts;
use super::outputs;
use super::plan;
use crate::machines::terraform::Found;
use crate::machines::terraform::TerraformError;
use crate::spec::Files;
use crate::spec::HostKeyPolicy;
use crate::spec::Machines;
use crate::spec::Spec;
use crate::spec::Switches;
use crate::spec::Terraform;
use crate::spec::parse;

const SPEC: &str = "[deployment]\nname = \"clinic\"\ndomain = \"telemed.example.com\"\nenvironment = \"test\"\nttl = \"4h\"\n\
                    [certificate]\nkind = \"self-signed\"\n[access]\nadmin_cidrs = [\"203.0.113.0/28\", \"2001:db8::/32\"]\n\
                    [machines]\nkind = \"terraform\"\nfolder = \"infra\"\n";

fn spec(more: &str) -> Spec {
    let files = Files {
        folder: Path::new("/clinic"),
        home: Some(Path::new("/home/ann")),
        read: &|_| Err(std::io::ErrorKind::NotFound.into()),
    };
    let text = format!("{SPEC}{more}");
    parse(
        Path::new("anteroom.toml"),
        text.as_bytes(),
        &Switches::default(),
        date(2026, 4, 1),
        &files,
    )
    .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn settings(spec: &Spec) -> &Terraform {
    match &spec.machines {
        Machines::Terraform(settings) => settings,
        other => panic!("{other:?}"),
    }
}

fn found(more: &str, hosts: &str) -> Result<Found, TerraformError> {
    let spec = spec(more);
    let described = outputs::read(&format!("{{\"anteroom_hosts\":{{\"value\":{hosts}}}}}")).unwrap();
    hosts::matched(&spec, settings(&spec), described, "infra")
}

#[test]
fn a_host_is_where_the_outputs_say_and_is_logged_in_to_as_the_spec_says() {
    let key = format!("SHA256:{}", "A".repeat(43));
    let hosts = format!(
        "[{{\"name\":\"core\",\"roles\":[\"core\"],\"address\":\"203.0.113.7\",\"public_address\":\"203.0.113.7\",\
         \"private_address\":\"10.77.0.7\",\"user\":\"admin\",\"host_key\":\"{key}\"}}]"
    );
    let told = found("", &hosts).unwrap();
    let machine = &told.machines[0];
    assert_eq!(
        (machine.target.address.as_str(), machine.target.user.as_deref()),
        ("203.0.113.7", Some("admin"))
    );
    assert_eq!(machine.target.host_key, HostKeyPolicy::Fingerprint(key));
    assert_eq!(machine.host.private_address, Some("10.77.0.7".parse().unwrap()));
    assert_eq!(machine.outside, ["203.0.113.7".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(
        machine.host.ssh.as_ref(),
        Some(&machine.target),
        "rendering asks the host for its login"
    );
    let own = "[[host]]\nname = \"core\"\nuser = \"ops\"\nport = 2222\nkey = \"id\"\nhost_key = \"known-hosts\"\n";
    let target = found(own, &hosts).unwrap().machines.remove(0).target;
    assert_eq!((target.user.as_deref(), target.port), (Some("ops"), Some(2222)));
    assert_eq!(target.host_key, HostKeyPolicy::KnownHosts);
    assert_eq!(target.key.as_deref(), Some(Path::new("/clinic/id")));
}

#[test]
fn without_a_fingerprint_known_hosts_decides_and_nothing_is_trusted_unseen() {
    let told = found("", "[{\"name\":\"core\",\"address\":\"core.example.com\"}]").unwrap();
    assert_eq!(told.machines[0].target.host_key, HostKeyPolicy::KnownHosts);
    assert!(told.machines[0].outside.is_empty());
}

#[test]
fn hosts_that_are_missing_unknown_or_of_another_role_are_told_apart() {
    let none = found("", "[]").unwrap();
    assert_eq!((none.machines.len(), none.absent[0].machine_name.as_str()), (0, "core"));
    let other = found("", "[{\"name\":\"bridge-1\",\"address\":\"192.0.2.1\"}]").unwrap();
    assert_eq!(
        (other.absent.len(), other.strangers.as_slice()),
        (1, &["bridge-1".to_owned()][..])
    );
    let error = found(
        "",
        "[{\"name\":\"core\",\"address\":\"192.0.2.1\",\"roles\":[\"turn\"]}]",
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "take the hosts from the outputs of infra: core has the roles [turn] there, and [core] in the spec"
    );
}

#[test]
fn the_module_is_told_what_the_spec_says() {
    let more = "[[host]]\nname = \"core\"\nport = 2222\n[egress]\nallow = [\"192.0.2.10:3128\"]\n[packages.jitsi]\n\
                uri = \"https://mirror.example.com:8443/jitsi\"\nkey_url = \"http://keys.example.com:8080/key.asc\"\n\
                fingerprint = \"66A9CD0595D6AFA247290D3BEF8B479E2DC1389C\"\n";
    let spec = spec(more);
    let told = |protection| -> serde_json::Value {
        serde_json::from_str(&given::variable(&spec, settings(&spec), protection)).unwrap()
    };
    assert_eq!(
        told(Protection::Kept),
        serde_json::json!({
            "deployment": "clinic", "domain": "telemed.example.com", "environment": "test", "protect": false,
            "ttl_seconds": 14400, "admin_cidrs": ["203.0.113.0/28", "2001:db8::/32"], "tcp_out": [8080, 8443],
            "egress": [{ "address": "192.0.2.10", "port": 3128 }],
            "hosts": { "core": { "roles": ["core"], "ssh_port": 2222 } },
        })
    );
    let mut production = spec.clone();
    production.deployment.environment = crate::spec::Environment::Production;
    let protect = |protection| given::variable(&production, settings(&production), protection);
    assert!(protect(Protection::Kept).contains("\"protect\":true"));
    assert!(protect(Protection::Lifted).contains("\"protect\":false"));
}

#[test]
fn what_is_protected_against_removal_is_found_in_a_plan() {
    let real = include_str!("../../../tests/fixtures/terraform/captured/show-destroy.json");
    assert!(real.contains("\"actions\":[\"delete\"]"));
    assert_eq!(plan::protected(real).unwrap(), [""; 0]);
    let row = |address: &str, action: &str, before: &str| {
        format!("{{\"address\":\"{address}\",\"change\":{{\"actions\":[\"{action}\"],\"before\":{before}}}}}")
    };
    let rows = [
        row("aws_instance.a", "delete", "{\"disable_api_termination\":true}"),
        row(
            "google_compute_instance.b",
            "delete",
            "{\"deletion_protection\":true,\"id\":\"x\"}",
        ),
        row("aws_instance.c", "delete", "{\"disable_api_termination\":false}"),
        row("aws_instance.d", "update", "{\"disable_api_termination\":true}"),
        row("aws_instance.e", "create", "null"),
    ];
    let text = format!("{{\"resource_changes\":[{}]}}", rows.join(","));
    assert_eq!(
        plan::protected(&text).unwrap(),
        ["aws_instance.a", "google_compute_instance.b"]
    );
    assert!(plan::protected("no JSON").is_err());
}
