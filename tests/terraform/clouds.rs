//! Our modules with the real `terraform` and a double of the clouds' providers (tests/doubles/terraform-provider): it has the
//! published names and types, and no cloud behind it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::module::repository;
use crate::room::Room;
use crate::room::port_that_hangs_up;
use crate::room::terraform_is_here;
use crate::schema::facts;
use crate::support;

/// The folder of each module, its provider, and the variables that its example needs.
const CLOUDS: [(&str, &str, &str); 3] = [
    ("aws", "aws", "region = \"us-east-1\""),
    ("gcp", "google", "project = \"clinic\", region = \"us-central1\""),
    ("azure", "azurerm", "location = \"eastus2\""),
];

/// The double as a program, built once; `None`: it cannot be built here, and that was said.
fn double() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("terraform-provider-double");
            let built = Command::new("go")
                .args(["build", "-o", program.to_str().unwrap(), "."])
                .current_dir(repository("tests/doubles/terraform-provider"))
                .output();
            let why = match built {
                Ok(output) if output.status.success() => return Some(program),
                Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
                Err(error) => format!("go: {error}"),
            };
            let _ = writeln!(
                std::io::stderr(),
                "skipped: the double of Terraform's providers cannot be built: {why}"
            );
            None
        })
        .as_deref()
}

/// A room with one cloud's module and example, and the double in the place of its provider.
fn cloud(folder: &str, provider: &str, vars: &str, port: u16) -> Option<Room> {
    if !terraform_is_here() {
        return None;
    }
    let double = double()?;
    let vars = format!("vars = {{ {vars}, ssh_public_key_file = \"{}\" }}", key().display());
    let room = Room::new(&format!("folder = \"examples/terraform/{folder}\"\n{vars}"));
    room.edit("roles = [\"core\"]\n", &format!("roles = [\"core\"]\nport = {port}\n"));
    lay_out(&room, folder);
    let version = facts(provider)["version"].as_str().unwrap().to_owned();
    let mirror = format!("mirror/registry.terraform.io/hashicorp/{provider}/{version}/linux_amd64");
    fs::create_dir_all(room.path().join(&mirror)).unwrap();
    let program = room
        .path()
        .join(&mirror)
        .join(format!("terraform-provider-{provider}_v{version}"));
    fs::copy(double, program).unwrap();
    let path = room.path().join("mirror");
    let rc = format!("provider_installation {{\n  filesystem_mirror {{\n    path = {path:?}\n  }}\n}}\n");
    room.write(".terraformrc", &rc);
    Some(room)
}

/// Our module of a cloud, what modules share, and the example that uses it.
pub(crate) fn lay_out(room: &Room, folder: &str) {
    for part in [
        format!("terraform/{folder}"),
        "terraform/shape".to_owned(),
        format!("examples/terraform/{folder}"),
    ] {
        fs::create_dir_all(room.path().join(&part)).unwrap();
        for entry in fs::read_dir(repository(&part)).unwrap() {
            let from = entry.unwrap().path();
            if from.extension().is_some_and(|ending| ending == "tf") {
                fs::copy(&from, room.path().join(&part).join(from.file_name().unwrap())).unwrap();
            }
        }
    }
}

/// A public key; nobody has its private half.
pub(crate) fn key() -> PathBuf {
    repository("tests/fixtures/terraform/nobody.pub")
}

/// Every resource of the state: its type and values.
fn made(room: &Room, folder: &str) -> Vec<(String, Value)> {
    let root = format!("-chdir=examples/terraform/{folder}");
    let shown = room.run_program("terraform", &[&root, "show", "-json"]);
    let document: Value = serde_json::from_str(&shown.out).unwrap_or_else(|error| panic!("{error}: {shown:?}"));
    let mut found = Vec::new();
    gather(&document["values"]["root_module"], &mut found);
    found
}

fn gather(module: &Value, found: &mut Vec<(String, Value)>) {
    for resource in module["resources"].as_array().into_iter().flatten() {
        if resource["mode"] == "managed" {
            found.push((
                resource["type"].as_str().unwrap().to_owned(),
                resource["values"].clone(),
            ));
        }
    }
    for child in module["child_modules"].as_array().into_iter().flatten() {
        gather(child, found);
    }
}

/// Who may reach which ports, in one form for all clouds: `203.0.113.0/28 tcp 22-22`.
fn let_in(resources: &[(String, Value)]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let texts = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect()
    };
    let range = |ports: &str| {
        if ports.contains('-') {
            ports.to_owned()
        } else {
            format!("{ports}-{ports}")
        }
    };
    for (kind, values) in resources {
        let word = |key: &str| values[key].as_str().unwrap_or_default().to_lowercase();
        match kind.as_str() {
            "aws_vpc_security_group_ingress_rule" => {
                let ports = format!("{}-{}", values["from_port"], values["to_port"]);
                found.insert(format!("{} {} {ports}", word("cidr_ipv4"), word("ip_protocol")));
            }
            "google_compute_firewall" if word("direction") == "ingress" => {
                for allow in values["allow"].as_array().into_iter().flatten() {
                    for cidr in texts(&values["source_ranges"]) {
                        let ports = texts(&allow["ports"]);
                        let ports = ports.iter().map(|ports| range(ports));
                        found.extend(
                            ports.map(|ports| format!("{cidr} {} {ports}", allow["protocol"].as_str().unwrap())),
                        );
                    }
                }
            }
            "azurerm_network_security_rule" if word("direction") == "inbound" && word("access") == "allow" => {
                let ports = range(&word("destination_port_range"));
                let cidrs = texts(&values["source_address_prefixes"]);
                found.extend(cidrs.iter().map(|cidr| format!("{cidr} {} {ports}", word("protocol"))));
            }
            _ => {}
        }
    }
    found
}

#[test]
fn each_module_is_built_by_apply_lets_in_whom_it_must_and_is_removed_by_destroy() {
    for (folder, provider, vars) in CLOUDS {
        let port = port_that_hangs_up();
        let Some(room) = cloud(folder, provider, vars, port) else {
            return;
        };
        let plan = room.run(&["plan"]);
        assert_eq!(plan.code, Some(4), "{folder}: {plan:?}");
        let built = room.run(&["apply", "--yes"]);
        built.says(&["waiting for core to boot", "127.0.0.1"]);
        let ssh = format!("203.0.113.0/28 tcp {port}-{port}");
        let expected = [
            "0.0.0.0/0 tcp 80-80",
            "0.0.0.0/0 tcp 443-443",
            "0.0.0.0/0 tcp 5349-5349",
            "0.0.0.0/0 udp 3478-3478",
            "0.0.0.0/0 udp 10000-10000",
            "0.0.0.0/0 udp 49152-49407",
            ssh.as_str(),
        ];
        let expected: BTreeSet<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(let_in(&made(&room, folder)), expected, "{folder}");
        let again = room.run(&["apply", "--yes"]);
        assert!(
            !again.err.contains(": create") && !again.err.contains(": change"),
            "{folder}: {again:?}"
        );
        let gone = room.run(&["destroy", "--yes"]);
        assert_eq!(gone.code, Some(0), "{folder}: {gone:?}");
        assert!(
            gone.out.contains("nothing is left") && made(&room, folder).is_empty(),
            "{folder}: {gone:?}"
        );
    }
}

/// The spec of a patients' server, with a certificate of an authority of its own.
fn production(room: &Room) {
    let made = support::certificate(&["telemed.example.com"], (2020, 1, 1), (2040, 1, 1));
    room.write("chain.pem", &format!("{}{}", made.leaf, made.issuer));
    room.write("key.pem", &made.key);
    room.edit(
        "environment = \"test\"\nttl = \"8h\"\n",
        "environment = \"production\"\n[baa]\nvendor = \"V\"\nagreement = \"A\"\nsigned_on = 2026-01-01\n",
    );
    room.edit(
        "kind = \"self-signed\"",
        "kind = \"files\"\nchain = \"chain.pem\"\nkey = \"key.pem\"",
    );
    room.edit("host_key = \"accept-new\"", "host_key = \"known-hosts\"");
}

#[test]
fn production_machines_are_protected_until_the_domain_is_typed() {
    for (folder, provider, vars) in CLOUDS {
        let Some(room) = cloud(folder, provider, vars, port_that_hangs_up()) else {
            return;
        };
        production(&room);
        room.run(&["apply", "--yes", "--no-audit"])
            .says(&["waiting for core to boot"]);
        let resources = made(&room, folder);
        let is_on = |kind: &str, key: &str| {
            resources
                .iter()
                .any(|(found, values)| found == kind && values[key] == true)
        };
        let protected = is_on("aws_instance", "disable_api_termination")
            || is_on("google_compute_instance", "deletion_protection")
            || resources.iter().any(|(kind, _)| kind == "azurerm_management_lock");
        assert!(protected, "{folder}");
        let unasked = room.run(&["destroy", "--yes"]);
        assert_eq!(
            (unasked.code, made(&room, folder).len()),
            (Some(2), resources.len()),
            "{unasked:?}"
        );
        let gone = room.run(&["destroy", "--confirm", "telemed.example.com"]);
        assert_eq!(gone.code, Some(0), "{folder}: {gone:?}");
        assert_eq!(
            gone.err.contains("lifting the protection against deletion"),
            folder != "azure",
            "{folder}: {gone:?}"
        );
        assert!(made(&room, folder).is_empty(), "{folder}");
    }
}

#[test]
fn a_host_key_that_google_tells_is_the_one_that_is_expected() {
    let vars = format!("{}, read_host_keys = \"true\"", CLOUDS[1].2);
    let Some(room) = cloud("gcp", "google", &vars, port_that_hangs_up()) else {
        return;
    };
    room.run(&["apply", "--yes"]);
    let output = room.run_program(
        "terraform",
        &["-chdir=examples/terraform/gcp", "output", "-json", "anteroom_hosts"],
    );
    let hosts: Value = serde_json::from_str(&output.out).unwrap();
    let key = fs::read_to_string(key()).unwrap();
    let key: Vec<&str> = key.split_whitespace().take(2).collect();
    assert_eq!(hosts[0]["host_key"], key.join(" "), "{output:?}");
}
