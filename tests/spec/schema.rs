//! The JSON Schema agrees with the reader, and the examples satisfy it.

use anteroom::spec::Switches;
use anteroom::spec::schema;
use serde_json::Value;
use serde_json::json;

use super::support::folder;
use super::support::good_files;
use super::support::judge;

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(schema().as_value()).unwrap()
}

/// TOML as the JSON that editors check; dates become text.
fn json(text: &str) -> Value {
    fn convert(value: toml::Value) -> Value {
        match value {
            toml::Value::Datetime(datetime) => datetime.to_string().into(),
            toml::Value::Array(items) => items.into_iter().map(convert).collect(),
            toml::Value::Table(table) => {
                Value::Object(table.into_iter().map(|(key, value)| (key, convert(value))).collect())
            }
            other => serde_json::to_value(other).unwrap(),
        }
    }
    convert(toml::Value::Table(toml::from_str(text).unwrap()))
}

#[test]
fn every_example_satisfies_the_schema() {
    let validator = validator();
    for entry in std::fs::read_dir(folder("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let example = json(&std::fs::read_to_string(&path).unwrap());
        let errors: Vec<String> = validator.iter_errors(&example).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    }
}

/// Each section of the schema by its TOML path: its keys, and whether it is an array of tables.
fn sections() -> Vec<(String, Vec<String>, bool)> {
    let root = schema().as_value().clone();
    let mut found = Vec::new();
    walk(&root, &root, "", false, &mut found);
    found
}

fn walk(root: &Value, node: &Value, path: &str, array: bool, found: &mut Vec<(String, Vec<String>, bool)>) {
    let node = match node.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => node,
    };
    if let Some(items) = node.get("items") {
        walk(root, items, path, true, found);
    }
    let Some(properties) = node.get("properties").and_then(Value::as_object) else {
        return;
    };
    assert_eq!(node["additionalProperties"], json!(false), "{path}");
    found.push((path.to_owned(), properties.keys().cloned().collect(), array));
    for (key, property) in properties {
        assert!(
            property["description"].as_str().is_some_and(|text| !text.is_empty()),
            "{path}.{key}"
        );
        let below = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        walk(root, property, &below, false, found);
    }
}

/// The codes that a spec with one section of one key gives.
fn messages(path: &str, array: bool, line: &str) -> Vec<String> {
    let header = match (path, array) {
        ("", _) => String::new(),
        (path, false) => format!("[{path}]\n"),
        (path, true) => format!("[[{path}]]\n"),
    };
    let problems = judge(&format!("{header}{line}\n"), &Switches::default(), &good_files()).unwrap_err();
    problems.list().iter().map(|problem| problem.message.clone()).collect()
}

#[test]
fn schema_and_reader_know_the_same_keys() {
    let sections = sections();
    assert_eq!(sections.len(), 19);
    let validator = validator();
    for (path, keys, array) in sections {
        for key in &keys {
            // A float is no key's type, so a known key is a wrong type and never an unknown key.
            let messages = messages(&path, array, &format!("{key} = 0.5"));
            assert!(
                !messages.iter().any(|message| message.contains("unknown")),
                "{path}.{key}: {messages:?}"
            );
            let whole = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            assert!(
                messages
                    .iter()
                    .any(|message| message.starts_with(&format!("`{whole}` must be"))),
                "{whole}: {messages:?}"
            );
        }
        let messages = messages(&path, array, "zzz_unknown = 1");
        assert!(
            messages.iter().any(|message| message.contains("unknown key")),
            "{path}: {messages:?}"
        );
    }
    let mut lab = json(&std::fs::read_to_string(folder("examples/lab.toml")).unwrap());
    assert!(validator.is_valid(&lab));
    lab["security"]["zzz_unknown"] = json!(1);
    assert!(!validator.is_valid(&lab));
}

#[test]
fn what_the_schema_refuses_the_reader_refuses() {
    let validator = validator();
    let lab = std::fs::read_to_string(folder("examples/lab.toml")).unwrap();
    for (from, to) in [
        ("environment = \"test\"", "environment = \"staging\""),
        ("session_minutes = 480", "session_minutes = 4"),
        ("max_occupants = 6", "max_occupants = 101"),
        ("kind = \"lab\"", "kind = \"vagrant\""),
        ("name = \"clinic-lab\"\n", ""),
        ("secure_domain = true", "secure_domain = 1"),
        ("roles = [\"core\"]", "roles = [\"bridge\"]"),
        ("ttl = \"4h\"", "ttl = \"\""),
    ] {
        assert!(lab.contains(from), "{from}");
        let text = lab.replace(from, to);
        assert!(!validator.is_valid(&json(&text)), "{to}");
        assert!(judge(&text, &Switches::default(), &good_files()).is_err(), "{to}");
    }
}
