//! The modules against the published schemas of their providers: a resource, an argument, an attribute or a reference that
//! does not exist, and a required argument that is missing.

use std::collections::BTreeSet;
use std::path::Path;

use hcl::Block;
use hcl::Body;
use hcl::Expression;
use serde_json::Value;

use crate::module::Module;
use crate::module::expressions;
use crate::module::references;
use crate::module::repository;
use crate::module::title;

/// The modules, and the provider whose resources they use.
const MODULES: &[(&str, &str)] = &[("aws", "aws"), ("gcp", "google"), ("azure", "azurerm")];
/// What every resource and data source takes.
const META: &[&str] = &["count", "for_each", "provider", "depends_on"];
/// The blocks that every one takes; Terraform's own.
const META_BLOCKS: &[&str] = &["lifecycle", "provisioner", "connection", "timeouts"];

/// The published facts of a provider.
pub(crate) fn facts(provider: &str) -> Value {
    let path = repository(&format!("tests/fixtures/terraform/schema-{provider}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Everything that is wrong with a module.
fn complaints(folder: &Path, provider: &str) -> Vec<String> {
    let module = Module::read(folder);
    let facts = facts(provider);
    let mut wrong = Vec::new();
    for (file, block) in &module.blocks {
        let mut say = |what: String| wrong.push(format!("{file}: {}: {what}", title(block)));
        let section = match block.identifier() {
            "resource" => "resources",
            "data" => "data",
            "variable" | "output" => {
                if !block
                    .body()
                    .attributes()
                    .any(|attribute| attribute.key() == "description")
                {
                    say("has no description".to_owned());
                }
                continue;
            }
            _ => continue,
        };
        let kind = block.labels()[0].as_str();
        match facts[section].get(kind) {
            Some(schema) => body(block.body(), schema, "", true, &mut say),
            None => say(format!(
                "{provider} has no such type in the data; see script/terraform-schema"
            )),
        }
    }
    dangling(&module, &facts, &mut wrong);
    wrong
}

/// Arguments and blocks of one body.
fn body(found: &Body, schema: &Value, path: &str, top: bool, say: &mut dyn FnMut(String)) {
    let mut given = BTreeSet::new();
    for attribute in found.attributes() {
        let key = attribute.key();
        given.insert(key);
        match schema["arguments"].get(key).and_then(Value::as_str) {
            Some(kind) => {
                if let Some(what) = misfit(attribute.expr(), kind) {
                    say(format!("{path}{key} is {what}, and {kind} is asked for"));
                }
            }
            None if top && META.contains(&key) => {}
            None => say(format!("there is no argument {path}{key}")),
        }
    }
    for block in found.blocks() {
        let name = block.identifier();
        given.insert(name);
        match schema["blocks"].get(name) {
            Some(inner) => body(block.body(), inner, &format!("{path}{name}."), false, say),
            None if top && META_BLOCKS.contains(&name) => {}
            None => say(format!("there is no block {path}{name}")),
        }
    }
    for required in schema["required"].as_array().unwrap() {
        let required = required.as_str().unwrap();
        if !given.contains(required) {
            say(format!("{path}{required} is missing"));
        }
    }
}

/// What a literal is, where it cannot be what is asked for.
fn misfit(expression: &Expression, kind: &str) -> Option<&'static str> {
    let is_list = kind.starts_with("list");
    match expression {
        Expression::Array(_) if !is_list && kind != "any" => Some("a list"),
        Expression::Object(_) if kind != "map" && kind != "any" => Some("an object"),
        Expression::String(_) | Expression::TemplateExpr(_) if is_list || kind == "map" => Some("text"),
        Expression::String(text) if kind == "bool" && !matches!(text.as_str(), "true" | "false") => Some("text"),
        Expression::String(text) if kind == "number" && text.parse::<f64>().is_err() => Some("text"),
        Expression::Bool(_) | Expression::Number(_) if is_list || kind == "map" => Some("one value"),
        Expression::Number(_) if kind == "bool" => Some("a number"),
        Expression::Bool(_) if kind == "number" => Some("a truth value"),
        _ => None,
    }
}

/// References to what the module does not declare, and declarations that nothing refers to.
fn dangling(module: &Module, facts: &Value, wrong: &mut Vec<String>) {
    let variables = module.named("variable");
    let locals: BTreeSet<String> = module
        .blocks
        .iter()
        .filter(|(_, block)| block.identifier() == "locals")
        .flat_map(|(_, block)| block.body().attributes().map(|attribute| attribute.key().to_owned()))
        .collect();
    let mut used = BTreeSet::new();
    for (file, block) in &module.blocks {
        let mut all = Vec::new();
        expressions(block.body(), &mut all);
        let mut named = Vec::new();
        // `ignore_changes` names arguments of its own resource.
        all.iter().for_each(|expression| references(expression, &mut named));
        for path in named {
            let declared = match path[0].as_str() {
                "var" => variables.contains_key(&path[1]),
                "local" => locals.contains(&path[1]),
                "module" => outputs_of_the_shape().contains(&path[2]),
                "data" => declares(module, &facts["data"], "data", &path[1..]),
                root if facts["resources"].get(root).is_some() => {
                    declares(module, &facts["resources"], "resource", &path)
                }
                root if root.starts_with("aws_") || root.starts_with("google_") || root.starts_with("azurerm_") => {
                    false
                }
                _ => true,
            };
            if !declared {
                wrong.push(format!(
                    "{file}: {}: nothing is called {}",
                    title(block),
                    path.join(".")
                ));
            }
            // A variable's own validation is no use of it.
            if block.identifier() != "variable" {
                used.insert(path[..path.len().min(2)].join("."));
            }
        }
    }
    let declared = variables.keys().map(|name| format!("var.{name}"));
    let declared = declared.chain(locals.iter().map(|name| format!("local.{name}")));
    wrong.extend(
        declared
            .filter(|name| !used.contains(name))
            .map(|name| format!("{name} is not used")),
    );
}

/// Whether a resource is declared and has the attribute that a path names.
fn declares(module: &Module, schemas: &Value, keyword: &str, path: &[String]) -> bool {
    let [kind, name, rest @ ..] = path else { return false };
    let is_it = |block: &Block| {
        let labels: Vec<&str> = block.labels().iter().map(|label| label.as_str()).collect();
        block.identifier() == keyword && labels == [kind.as_str(), name.as_str()]
    };
    let schema = &schemas[kind];
    let has = |attribute: &String| {
        attribute == "id"
            || schema["arguments"].get(attribute).is_some()
            || schema["blocks"].get(attribute).is_some()
            || schema["attributes"].get(attribute).is_some()
    };
    module.blocks.iter().any(|(_, block)| is_it(block)) && rest.first().is_none_or(has)
}

fn outputs_of_the_shape() -> BTreeSet<String> {
    Module::read(&repository("terraform/shape"))
        .named("output")
        .into_keys()
        .collect()
}

#[test]
fn the_modules_name_only_what_their_providers_publish() {
    for (folder, provider) in MODULES {
        let wrong = complaints(&repository(&format!("terraform/{folder}")), provider);
        assert!(wrong.is_empty(), "terraform/{folder}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn a_wrong_module_is_caught_in_every_way() {
    let wrong = complaints(&repository("tests/terraform/wrong"), "aws");
    let expected = [
        "main.tf: variable size: has no description",
        "main.tf: resource aws_instnace typo: aws has no such type in the data; see script/terraform-schema",
        "main.tf: resource aws_vpc own: there is no argument cidr",
        "main.tf: resource aws_subnet own: vpc_id is missing",
        "main.tf: resource aws_instance host: instance_type is a list, and string is asked for",
        "main.tf: resource aws_instance host: vpc_security_group_ids is text, and list(string) is asked for",
        "main.tf: resource aws_instance host: there is no argument metadata_options.http_token",
        "main.tf: resource aws_instance host: there is no argument root_block_device.count",
        "main.tf: resource aws_instance host: there is no block root_disk",
        "main.tf: resource aws_instance host: nothing is called aws_subnet.other.id",
        "main.tf: resource aws_instance host: nothing is called aws_vpc.own.ident",
        "main.tf: resource aws_instance host: nothing is called var.zise",
        "main.tf: resource aws_instance host: nothing is called aws_key_pare.admin.key_name",
        "main.tf: output anteroom_hosts: nothing is called local.hosts",
        "main.tf: output anteroom_hosts: nothing is called data.aws_ami.debian.id",
        "var.size is not used",
    ];
    let (found, expected): (BTreeSet<&str>, BTreeSet<&str>) = (
        wrong.iter().map(String::as_str).collect(),
        expected.into_iter().collect(),
    );
    assert_eq!(found, expected);
}

#[test]
fn the_data_says_where_it_comes_from_and_the_modules_pin_that_version() {
    for (folder, provider) in MODULES {
        let facts = facts(provider);
        let version = facts["version"].as_str().unwrap();
        assert!(
            facts["source"].as_str().unwrap().contains("@cdktf/provider-"),
            "{provider}"
        );
        let minor: Vec<&str> = version.split('.').take(2).collect();
        let pin = format!("version = \"~> {}\"", minor.join("."));
        for file in [
            format!("terraform/{folder}/versions.tf"),
            format!("examples/terraform/{folder}/main.tf"),
        ] {
            let text = std::fs::read_to_string(repository(&file)).unwrap();
            assert!(text.contains(&pin), "{file} does not have {pin}");
        }
        let page = std::fs::read_to_string(repository("docs/terraform.md")).unwrap();
        assert!(
            page.contains(version),
            "docs/terraform.md does not name {provider} {version}"
        );
    }
}

/// What each example hands to a module, the module takes; what the module needs, the example hands over.
#[test]
fn the_examples_call_the_modules_as_they_are() {
    for (folder, _) in MODULES {
        let module = Module::read(&repository(&format!("terraform/{folder}")));
        let variables = module.named("variable");
        let example = Module::read(&repository(&format!("examples/terraform/{folder}")));
        let calls = example.named("module");
        let given: BTreeSet<&str> = calls["anteroom"]
            .body()
            .attributes()
            .map(|attribute| attribute.key())
            .collect();
        for key in given.iter().filter(|key| **key != "source") {
            assert!(variables.contains_key(*key), "{folder}: {key}");
        }
        let has_default = |block: &Block| block.body().attributes().any(|attribute| attribute.key() == "default");
        for (name, _) in variables.iter().filter(|(_, block)| !has_default(block)) {
            assert!(given.contains(name.as_str()), "{folder}: {name}");
        }
        assert!(example.named("output").contains_key("anteroom_hosts"), "{folder}");
    }
}

#[test]
fn every_file_has_terraforms_own_format() {
    if !crate::room::terraform_is_here() {
        return;
    }
    for folder in ["terraform", "examples/terraform", "tests/terraform"] {
        let checked = std::process::Command::new("terraform")
            .args(["fmt", "-check", "-diff", "-recursive"])
            .arg(repository(folder))
            .output()
            .unwrap();
        assert!(
            checked.status.success(),
            "{folder}:\n{}",
            String::from_utf8_lossy(&checked.stdout)
        );
    }
}
