//! The module for AWS with the provider itself, against the mock of AWS. The provider is too large to build in CI;
//! `ANTEROOM_TERRAFORM_PROVIDERS` names a folder that has one, laid out as `terraform providers mirror` does. Its version may be
//! older than the module's own pin; docs/terraform.md says which was tried.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::clouds::key;
use crate::clouds::lay_out;
use crate::mock::Mock;
use crate::room::Room;
use crate::room::terraform_is_here;

/// What `anteroom` hands over for a test of one host.
const DEPLOYMENT: &str = r#"{"deployment": "clinic", "domain": "telemed.example.com", "environment": "test", "protect": false,
"ttl_seconds": 14400, "admin_cidrs": ["203.0.113.0/28"], "tcp_out": [80, 443], "hosts": {"core": {"roles": ["core"]}}}"#;

/// What the module asks for.
const PIN: &str = "version = \"~> 6.25\"";

fn mirror() -> Option<PathBuf> {
    let named = std::env::var_os("ANTEROOM_TERRAFORM_PROVIDERS").map(PathBuf::from);
    if named.is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: ANTEROOM_TERRAFORM_PROVIDERS names no folder with the provider hashicorp/aws"
        );
    }
    named.filter(|_| terraform_is_here())
}

#[test]
fn the_provider_itself_validates_and_plans_the_module_for_aws() {
    let Some(mirror) = mirror() else { return };
    let Some(mock) = Mock::start() else { return };
    let room = Room::new("folder = \"examples/terraform/aws\"");
    lay_out(&room, "aws");
    for file in ["terraform/aws/versions.tf", "examples/terraform/aws/main.tf"] {
        let text = std::fs::read_to_string(room.path().join(file)).unwrap();
        assert!(text.contains(PIN), "{text}");
        room.write(file, &text.replace(PIN, "version = \">= 5.100\""));
    }
    room.write(
        ".terraformrc",
        &format!("provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n}}\n"),
    );
    let variables = serde_json::json!({
        "region": "us-east-1", "ssh_public_key_file": key(),
        "anteroom": serde_json::from_str::<Value>(DEPLOYMENT).unwrap(),
    });
    room.write("examples/terraform/aws/terraform.tfvars.json", &variables.to_string());
    let terraform = |arguments: &[&str]| {
        let arguments = [&["-chdir=examples/terraform/aws"], arguments].concat();
        let ran = room.run_with("terraform", &arguments, &mock.environment());
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        ran
    };
    terraform(&["init", "-input=false"]);
    let judged: Value = serde_json::from_str(&terraform(&["validate", "-json"]).out).unwrap();
    assert_eq!(judged["valid"], true, "{judged:#}");
    assert_eq!(judged["warning_count"], 0, "{judged:#}");
    terraform(&["plan", "-input=false", "-out=plan"]);
    let plan: Value = serde_json::from_str(&terraform(&["show", "-json", "plan"]).out).unwrap();
    let changes = plan["resource_changes"].as_array().unwrap();
    let machine = changes.iter().find(|change| change["type"] == "aws_instance").unwrap();
    let after = &machine["change"]["after"];
    assert_eq!(after["metadata_options"][0]["http_tokens"], "required", "{after:#}");
    assert_eq!(after["root_block_device"][0]["encrypted"], true, "{after:#}");
    let kinds = changes
        .iter()
        .filter(|change| change["change"]["actions"] == serde_json::json!(["create"]));
    assert!(kinds.count() > 20, "{changes:#?}");
}
