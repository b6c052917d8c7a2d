//! What the modules must never lose, one rule a property. Each rule is tried on a module that lost it.

use hcl::Block;
use hcl::Expression;

use crate::module::Module;
use crate::module::attribute;
use crate::module::blocks;
use crate::module::references;
use crate::module::repository;
use crate::module::title;

/// A rule says what is wrong with a module.
type Rule = fn(&Module) -> Vec<String>;

/// Asserts that the module keeps the rule, and that the rule notices each of these changes of its text.
#[track_caller]
fn kept(folder: &str, rule: Rule, losses: &[(&str, &str)]) {
    let folder = repository(&format!("terraform/{folder}"));
    assert_eq!(rule(&Module::read(&folder)), [""; 0]);
    for (from, to) in losses {
        let found = std::cell::Cell::new(false);
        let change = |text: String| {
            found.set(found.get() || text.contains(from));
            text.replace(from, to)
        };
        let module = Module::changed(&folder, &change);
        assert!(found.get(), "{from:?} is not in {}", folder.display());
        assert!(!rule(&module).is_empty(), "nobody notices {to:?} in place of {from:?}");
    }
}

/// Complains unless an argument of a block is this literal, or refers to this.
fn expect(block: &Block, key: &str, wanted: &str, wrong: &mut Vec<String>) {
    let found = attribute(block, key).map_or("nothing".to_owned(), |expression| match expression {
        Expression::Bool(value) => value.to_string(),
        Expression::Number(value) => value.to_string(),
        Expression::String(value) => value.clone(),
        other => {
            let mut named = Vec::new();
            references(other, &mut named);
            named.iter().map(|path| path.join(".")).collect::<Vec<_>>().join(" ")
        }
    });
    if found != wanted {
        wrong.push(format!("{}: {key} is {found}, not {wanted}", title(block)));
    }
}

/// The one block of a name in each resource of a type.
fn inner<'m>(module: &'m Module, kind: &str, name: &str, wrong: &mut Vec<String>) -> Vec<&'m Block> {
    let resources = module.resources(kind);
    if resources.is_empty() {
        wrong.push(format!("there is no {kind}"));
    }
    let mut found = Vec::new();
    for resource in resources {
        match blocks(resource, name).as_slice() {
            [one] => found.push(*one),
            list => wrong.push(format!("{} has {} blocks {name}", title(resource), list.len())),
        }
    }
    found
}

fn aws_disks_are_encrypted(module: &Module) -> Vec<String> {
    let mut wrong = Vec::new();
    for disk in inner(module, "aws_instance", "root_block_device", &mut wrong) {
        expect(disk, "encrypted", "true", &mut wrong);
        expect(disk, "kms_key_id", "var.kms_key_arn", &mut wrong);
        expect(disk, "delete_on_termination", "true", &mut wrong);
    }
    wrong
}

fn aws_metadata_needs_a_token_and_one_hop(module: &Module) -> Vec<String> {
    let mut wrong = Vec::new();
    for options in inner(module, "aws_instance", "metadata_options", &mut wrong) {
        expect(options, "http_tokens", "required", &mut wrong);
        expect(options, "http_put_response_hop_limit", "1", &mut wrong);
    }
    wrong
}

/// Every rule that lets somebody in gets its source from the shape, which refuses the internet for SSH; nothing is written
/// down beside it.
fn only_the_shape_says_who_comes_in(module: &Module) -> Vec<String> {
    let kinds: [(&str, &[&str]); 3] = [
        (
            "aws_vpc_security_group_ingress_rule",
            &["cidr_ipv4", "referenced_security_group_id"],
        ),
        ("google_compute_firewall", &["source_ranges", "source_tags"]),
        (
            "azurerm_network_security_rule",
            &["source_address_prefixes", "source_address_prefix"],
        ),
    ];
    let mut wrong = Vec::new();
    for (kind, keys) in kinds {
        for rule in module.resources(kind) {
            if !lets_somebody_in(rule) {
                continue;
            }
            let mut named = Vec::new();
            for key in keys.iter().filter_map(|key| attribute(rule, key)) {
                references(key, &mut named);
            }
            let from_the_shape = |path: &Vec<String>| {
                let path = path.join(".");
                [
                    "each.value.cidr",
                    "each.value.cidrs",
                    "each.value.peer",
                    "each.value.peers",
                ]
                .contains(&path.as_str())
            };
            if !named.iter().any(from_the_shape) {
                wrong.push(format!("{}: its source is not the shape's", title(rule)));
            }
        }
    }
    for group in module
        .resources("aws_security_group")
        .iter()
        .chain(&module.resources("aws_default_security_group"))
    {
        for list in ["ingress", "egress"] {
            if !blocks(group, list).is_empty() || attribute(group, list).is_some() {
                wrong.push(format!("{} has rules of its own", title(group)));
            }
        }
    }
    if module
        .resources("azurerm_network_security_group")
        .iter()
        .any(|group| !blocks(group, "security_rule").is_empty())
    {
        wrong.push("a network security group has rules of its own".to_owned());
    }
    wrong
}

fn lets_somebody_in(rule: &Block) -> bool {
    let word = |key: &str| match attribute(rule, key) {
        Some(Expression::String(text)) => text.to_lowercase(),
        _ => String::new(),
    };
    !matches!(word("direction").as_str(), "egress" | "outbound")
        && word("access") != "deny"
        && blocks(rule, "deny").is_empty()
}

/// A last rule shuts out what a network lets in by default.
fn nothing_else_comes_in(module: &Module) -> Vec<String> {
    let google = module.resources("google_compute_firewall").into_iter().any(|rule| {
        let mut wrong = Vec::new();
        expect(rule, "direction", "INGRESS", &mut wrong);
        blocks(rule, "deny")
            .iter()
            .for_each(|deny| expect(deny, "protocol", "all", &mut wrong));
        wrong.is_empty() && blocks(rule, "deny").len() == 1
    });
    let azure = module
        .resources("azurerm_network_security_rule")
        .into_iter()
        .any(|rule| {
            let mut wrong = Vec::new();
            for (key, value) in [
                ("direction", "Inbound"),
                ("access", "Deny"),
                ("protocol", "*"),
                ("source_address_prefix", "*"),
            ] {
                expect(rule, key, value, &mut wrong);
            }
            wrong.is_empty()
        });
    if google || azure {
        Vec::new()
    } else {
        vec!["nothing denies the rest".to_owned()]
    }
}

fn aws_flows_are_logged(module: &Module) -> Vec<String> {
    let mut wrong = Vec::new();
    match module.resources("aws_flow_log").as_slice() {
        [log] => {
            expect(log, "traffic_type", "ALL", &mut wrong);
            expect(log, "log_destination", "aws_cloudwatch_log_group.flows.arn", &mut wrong);
            if attribute(log, "count").is_some() {
                wrong.push("the flow log can be left out".to_owned());
            }
        }
        list => wrong.push(format!("there are {} flow logs", list.len())),
    }
    wrong
}

fn gcp_flows_are_logged(module: &Module) -> Vec<String> {
    let mut wrong = Vec::new();
    for log in inner(module, "google_compute_subnetwork", "log_config", &mut wrong) {
        expect(log, "flow_sampling", "1", &mut wrong);
    }
    wrong
}

fn azure_flows_are_logged(module: &Module) -> Vec<String> {
    let mut wrong = Vec::new();
    for policy in inner(
        module,
        "azurerm_network_watcher_flow_log",
        "retention_policy",
        &mut wrong,
    ) {
        expect(policy, "enabled", "true", &mut wrong);
    }
    for log in module.resources("azurerm_network_watcher_flow_log") {
        expect(log, "enabled", "true", &mut wrong);
    }
    for account in module.resources("azurerm_storage_account") {
        expect(account, "allow_nested_items_to_be_public", "false", &mut wrong);
        expect(account, "https_traffic_only_enabled", "true", &mut wrong);
        expect(account, "min_tls_version", "TLS1_2", &mut wrong);
    }
    wrong
}

fn gcp_machines_are_shielded(module: &Module) -> Vec<String> {
    let mut wrong = Vec::new();
    for config in inner(
        module,
        "google_compute_instance",
        "shielded_instance_config",
        &mut wrong,
    ) {
        for key in ["enable_secure_boot", "enable_vtpm", "enable_integrity_monitoring"] {
            expect(config, key, "true", &mut wrong);
        }
    }
    for disk in inner(module, "google_compute_instance", "boot_disk", &mut wrong) {
        expect(disk, "kms_key_self_link", "var.kms_key", &mut wrong);
    }
    for machine in module.resources("google_compute_instance") {
        if !blocks(machine, "service_account").is_empty() {
            wrong.push("a machine has credentials to give away".to_owned());
        }
    }
    wrong
}

fn azure_machines_are_trusted_and_encrypted(module: &Module) -> Vec<String> {
    let mut wrong = Vec::new();
    for machine in module.resources("azurerm_linux_virtual_machine") {
        for key in ["secure_boot_enabled", "vtpm_enabled", "disable_password_authentication"] {
            expect(machine, key, "true", &mut wrong);
        }
        expect(
            machine,
            "encryption_at_host_enabled",
            "var.encryption_at_host",
            &mut wrong,
        );
    }
    for disk in inner(module, "azurerm_linux_virtual_machine", "os_disk", &mut wrong) {
        expect(disk, "disk_encryption_set_id", "var.disk_encryption_set_id", &mut wrong);
    }
    wrong
}

/// Production is protected against deletion, in the way that each cloud has.
fn production_is_protected(module: &Module) -> Vec<String> {
    let mut wrong = Vec::new();
    for machine in module.resources("aws_instance") {
        expect(machine, "disable_api_termination", "module.shape.protect", &mut wrong);
    }
    for machine in module.resources("google_compute_instance") {
        expect(machine, "deletion_protection", "module.shape.protect", &mut wrong);
    }
    for lock in module.resources("azurerm_management_lock") {
        expect(lock, "lock_level", "CanNotDelete", &mut wrong);
        expect(lock, "for_each", "module.shape.protect module.shape.hosts", &mut wrong);
    }
    let machines = ["aws_instance", "google_compute_instance", "azurerm_management_lock"];
    if machines.iter().all(|kind| module.resources(kind).is_empty()) {
        wrong.push("nothing is protected".to_owned());
    }
    wrong
}

#[test]
fn disks_in_aws_are_encrypted() {
    kept(
        "aws",
        aws_disks_are_encrypted,
        &[
            ("encrypted             = true", "encrypted = false"),
            ("encrypted             = true", ""),
            ("root_block_device {", "ephemeral_block_device {"),
        ],
    );
}

#[test]
fn metadata_in_aws_needs_a_token_and_one_hop() {
    kept(
        "aws",
        aws_metadata_needs_a_token_and_one_hop,
        &[
            (
                "http_tokens                 = \"required\"",
                "http_tokens = \"optional\"",
            ),
            ("http_put_response_hop_limit = 1", "http_put_response_hop_limit = 2"),
        ],
    );
}

#[test]
fn nobody_comes_in_but_whom_the_shape_names() {
    let everybody = ("= each.value.cidr\n", "= \"0.0.0.0/0\"\n");
    let beside = (
        "vpc_id      = local.vpc_id",
        "vpc_id = local.vpc_id\ningress { cidr_blocks = [\"0.0.0.0/0\"] }",
    );
    kept("aws", only_the_shape_says_who_comes_in, &[everybody, beside]);
    let everybody = ("= each.value.cidrs\n", "= [\"0.0.0.0/0\"]\n");
    kept("gcp", only_the_shape_says_who_comes_in, &[everybody]);
    let word = (
        "source_address_prefixes     = each.value.cidrs",
        "source_address_prefix = \"*\"",
    );
    kept("azure", only_the_shape_says_who_comes_in, &[everybody, word]);
}

#[test]
fn what_a_network_lets_in_by_default_is_shut_out() {
    kept("gcp", nothing_else_comes_in, &[("deny {", "allow {")]);
    kept(
        "azure",
        nothing_else_comes_in,
        &[("access                      = \"Deny\"", "access = \"Allow\"")],
    );
}

#[test]
fn flows_are_logged() {
    kept(
        "aws",
        aws_flows_are_logged,
        &[
            ("\"ALL\"", "\"REJECT\""),
            (
                "resource \"aws_flow_log\" \"network\" {",
                "resource \"aws_flow_log\" \"network\" {\ncount = 0",
            ),
        ],
    );
    kept(
        "gcp",
        gcp_flows_are_logged,
        &[("flow_sampling        = 1", "flow_sampling = 0.1")],
    );
    kept(
        "azure",
        azure_flows_are_logged,
        &[
            ("enabled              = true", "enabled = false"),
            ("\"TLS1_2\"", "\"TLS1_0\""),
        ],
    );
}

#[test]
fn machines_boot_what_was_signed_and_their_disks_are_encrypted() {
    kept(
        "gcp",
        gcp_machines_are_shielded,
        &[("enable_secure_boot          = true", "enable_secure_boot = false")],
    );
    let losses = [
        ("secure_boot_enabled        = true", "secure_boot_enabled = false"),
        ("vtpm_enabled               = true", ""),
        (
            "disable_password_authentication = true",
            "disable_password_authentication = false",
        ),
    ];
    kept("azure", azure_machines_are_trusted_and_encrypted, &losses);
}

#[test]
fn production_cannot_be_deleted_by_a_slip() {
    kept("aws", production_is_protected, &[("= module.shape.protect", "= false")]);
    kept("gcp", production_is_protected, &[("= module.shape.protect", "= false")]);
    kept(
        "azure",
        production_is_protected,
        &[("\"CanNotDelete\"", "\"ReadOnly\"")],
    );
}
