//! What a rendered tree says, as data: parsed where the language has values and structure, words on lines elsewhere.
//! Two trees of one shape differ in values only.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use anteroom::render::Entry;
use anteroom::render::FileContent;
use anteroom::render::Wanted;
use serde_json::Value;
use serde_json::json;

use crate::keys;
use crate::language::Language;
use crate::lua;

/// Path → what is there.
pub(crate) type Shape = BTreeMap<String, Value>;

/// What a host must hold and be, as data.
pub(crate) fn of(wanted: &Wanted) -> Result<Shape, String> {
    let mut shape = Shape::new();
    for (path, entry) in &wanted.tree {
        let what = match entry {
            Entry::Dir(access) => json!(["folder", access.owner, access.group, access.mode]),
            Entry::Link { target } => json!(["link", target]),
            Entry::File(file) => {
                let access = json!([file.access.owner, file.access.group, file.access.mode, file.hardening]);
                match &file.content {
                    FileContent::Hidden(_) => json!(["hidden", access]),
                    FileContent::Text(text) => json!(["file", access, said(path.as_str(), text)?]),
                }
            }
        };
        shape.insert(path.as_str().to_owned(), what);
    }
    // All in one run of Lua.
    let (paths, texts): (Vec<&str>, Vec<&str>) = keys::texts(wanted)
        .filter(|(path, _)| Language::of(path) == Language::Prosody)
        .unzip();
    let settings = lua::load(&texts).map_err(|error| format!("{error}\n{}", texts.concat()))?;
    for (path, settings) in paths.iter().zip(&settings) {
        // By name: where a table's keys come from the spec, their order means nothing.
        let named = settings.iter().map(|setting| {
            let name = format!("{} {}", setting.section, setting.path.join(" "));
            (name, json!([setting.kind, setting.value]))
        });
        shape.insert(format!("{path} to Lua"), Value::Object(named.collect()));
    }
    let rest = Wanted {
        tree: BTreeMap::new(),
        ..wanted.clone()
    };
    let rest = format!("{rest:#?}");
    shape.insert("everything else".to_owned(), rest.lines().collect());
    Ok(shape)
}

/// What a file says.
fn said(path: &str, text: &str) -> Result<Value, String> {
    let complaint = |error: String| format!("{path}: {error}\n{text}");
    match Language::of(path) {
        Language::Hocon => keys::hocon(text).map_err(complaint),
        Language::JavaScript => keys::page(keys::script(path).0, text).map_err(complaint),
        Language::Prosody => Ok(Value::Null),
        _ => Ok(text
            .lines()
            .map(|line| line.split_whitespace().collect::<Value>())
            .collect()),
    }
}

/// The same shape with other texts in place of the harmless ones.
pub(crate) fn with(shape: &Shape, texts: &[(String, String)]) -> Shape {
    shape
        .iter()
        .map(|(path, what)| (replaced(path, texts), value_with(what, texts)))
        .collect()
}

fn value_with(value: &Value, texts: &[(String, String)]) -> Value {
    match value {
        Value::String(text) => Value::String(replaced(text, texts)),
        Value::Array(items) => items.iter().map(|item| value_with(item, texts)).collect(),
        Value::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| (replaced(key, texts), value_with(value, texts)));
            Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}

/// Each place is replaced once: a new text may look like an old one.
fn replaced(text: &str, texts: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        match texts.iter().find(|(old, _)| rest.starts_with(old.as_str())) {
            Some((old, new)) => {
                out.push_str(new);
                rest = &rest[old.len()..];
            }
            None => {
                let next = rest.chars().next().map_or(1, char::len_utf8);
                out.push_str(&rest[..next]);
                rest = &rest[next..];
            }
        }
    }
    out
}

/// The first difference between two shapes.
pub(crate) fn difference(wanted: &Shape, seen: &Shape) -> Option<String> {
    let paths: BTreeSet<&String> = wanted.keys().chain(seen.keys()).collect();
    paths
        .into_iter()
        .find_map(|path| match (wanted.get(path), seen.get(path)) {
            (Some(wanted), Some(seen)) if wanted == seen => None,
            (Some(wanted), Some(seen)) => Some(format!("{path}: {}", deepest(wanted, seen))),
            (None, _) => Some(format!("{path} is new")),
            (_, None) => Some(format!("{path} is gone")),
        })
}

/// The smallest parts that differ.
fn deepest(wanted: &Value, seen: &Value) -> String {
    if let (Value::Array(left), Value::Array(right)) = (wanted, seen)
        && left.len() == right.len()
        && let Some((left, right)) = left.iter().zip(right).find(|(left, right)| left != right)
    {
        return deepest(left, right);
    }
    if let (Value::Object(left), Value::Object(right)) = (wanted, seen) {
        let gone = left.iter().find(|(name, value)| right.get(*name) != Some(value));
        let new = right.iter().find(|(name, value)| left.get(*name) != Some(value));
        return format!("{new:?} is not {gone:?}");
    }
    format!("{seen} is not {wanted}")
}
