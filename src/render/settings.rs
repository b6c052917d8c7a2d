//! The policy's rows as lines of a file: which of them hold for a deployment, with its values filled in, in the language
//! of the file. Knows nothing of what a setting means.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use tera::Tera;

use crate::catalog::policy::Component;
use crate::catalog::policy::Condition;
use crate::catalog::policy::Group;
use crate::catalog::policy::policy;
use crate::render::RenderError;
use crate::render::quote;
use crate::render::system_language;
use crate::render::wanted::SettingWanted;
use crate::spec::RemotePath;

/// Longest line of a comment, indentation left out.
const COMMENT_WIDTH: usize = 108;

/// What holds of one host of a deployment, and the values that its rows may name.
#[derive(Debug, Default, Clone)]
pub(crate) struct Given {
    /// Conditions that hold.
    pub(crate) conditions: BTreeSet<Condition>,
    /// Values by the name that stands in angle brackets.
    pub(crate) values: BTreeMap<&'static str, Value>,
}

/// Settings with one reason, values filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Block {
    pub(crate) reason: String,
    pub(crate) settings: Map<String, Value>,
}

/// The blocks of each section of a file.
pub(crate) type Sections = BTreeMap<String, Vec<Block>>;

/// The rows of a component that hold, by section. A section whose rows all do not hold is there, and empty.
pub(crate) fn sections(component: Component, given: &Given) -> Result<Sections, RenderError> {
    let mut sections = Sections::new();
    for group in &policy(component).groups {
        let blocks = sections.entry(group.section.clone()).or_default();
        if holds(group, given) {
            blocks.push(block(group, given).map_err(|why| RenderError::Policy { component, why })?);
        }
    }
    Ok(sections)
}

/// The same rows as what a host's file must hold, line by line. `sections`: those that the file takes; none: all.
pub(crate) fn wanted(
    component: Component,
    given: &Given,
    language: Language,
    path: &RemotePath,
    sections: &[&str],
) -> Result<Vec<SettingWanted>, RenderError> {
    let mut all = Vec::new();
    let taken = |group: &&Group| sections.is_empty() || sections.contains(&group.section.as_str());
    let groups = policy(component).groups.iter().filter(taken);
    for group in groups.filter(|group| holds(group, given)) {
        let failed = |why| RenderError::Policy { component, why };
        for (key, value) in block(group, given).map_err(failed)?.settings {
            all.push(SettingWanted {
                path: path.clone(),
                section: group.section.clone(),
                lines: language.lines(&key, &value).map_err(failed)?,
                key: key.trim_end_matches('+').to_owned(),
                value,
                reason: group.reason.clone(),
                citations: group.citations.clone(),
            });
        }
    }
    Ok(all)
}

fn holds(group: &Group, given: &Given) -> bool {
    group.when.iter().all(|condition| given.conditions.contains(condition))
}

fn block(group: &Group, given: &Given) -> Result<Block, String> {
    let mut settings = Map::new();
    for (key, value) in &group.set {
        let value = fill(value, given).map_err(|why| format!("{key}: {why}"))?;
        settings.insert(key.clone(), value);
    }
    Ok(Block {
        reason: group.reason.clone(),
        settings,
    })
}

/// Puts the deployment's values in the place of their names. What is put in is never looked at again, so that a value
/// that looks like a name stays what it is. A string that is nothing but a name takes the value's own type.
fn fill(value: &Value, given: &Given) -> Result<Value, String> {
    match value {
        Value::String(text) => fill_text(text, given),
        Value::Array(items) => items.iter().map(|item| fill(item, given)).collect(),
        Value::Object(fields) => {
            let filled: Result<Map<String, Value>, String> = fields
                .iter()
                .map(|(key, value)| Ok((key.clone(), fill(value, given)?)))
                .collect();
            Ok(Value::Object(filled?))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
    }
}

fn fill_text(text: &str, given: &Given) -> Result<Value, String> {
    let value = |name: &str| {
        given
            .values
            .get(name)
            .ok_or_else(|| format!("there is no <{name}> here"))
    };
    let whole = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    if let Some(name) = whole.filter(|name| is_name(name)) {
        return value(name).cloned();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        match after.split_once('>').filter(|(name, _)| is_name(name)) {
            Some((name, after)) => {
                match value(name)? {
                    Value::String(text) => out.push_str(text),
                    other => out.push_str(&other.to_string()),
                }
                rest = after;
            }
            // A slot for a secret; the host fills it.
            None => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Ok(Value::String(out))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// How a file writes settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// `Key "value";`; a list is emptied before it is filled, unless other files add to it too.
    Apt,
    /// `key=value`, or the key alone; a list repeats the key.
    Coturn,
    /// HOCON with whole paths as keys.
    Hocon,
    /// JSON; the page's settings are one object.
    Json,
    /// Lua assignments.
    Lua,
    /// nginx directives.
    Nginx,
    /// `Keyword value`.
    Sshd,
    /// `key = value`.
    Sysctl,
    /// systemd's `Key=value`; a list repeats the key.
    Unit,
    /// `key value`, or the key alone.
    Words,
}

/// The languages that templates take whole sections in, by the name of the filter.
const FILTERS: &[(&str, Language)] = &[
    ("apt_settings", Language::Apt),
    ("coturn_settings", Language::Coturn),
    ("hocon_settings", Language::Hocon),
    ("lua_settings", Language::Lua),
    ("nginx_settings", Language::Nginx),
    ("sshd_settings", Language::Sshd),
    ("sysctl_settings", Language::Sysctl),
    ("unit_settings", Language::Unit),
    ("word_settings", Language::Words),
];

/// Makes the filters known to a template engine.
pub(crate) fn register(tera: &mut Tera) {
    for (name, language) in FILTERS {
        tera.register_filter(name, move |value: &Value, arguments: &HashMap<String, Value>| {
            let blocks: Vec<Block> = serde_json::from_value(value.clone())?;
            let indent = arguments.get("indent").and_then(Value::as_u64).unwrap_or(0);
            let indent = usize::try_from(indent).map_err(tera::Error::msg)?;
            let text = language.write(&blocks, indent).map_err(tera::Error::msg)?;
            Ok(Value::String(text))
        });
    }
}

impl Language {
    /// Blocks as lines, each block below its reason; no line end after the last.
    fn write(self, blocks: &[Block], indent: usize) -> Result<String, String> {
        let mut lines = Vec::new();
        // Lists that several blocks add to come last, each of their parts below its reason.
        let mut lists: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for block in blocks {
            let mut own = Vec::new();
            for (key, value) in &block.settings {
                match key.strip_suffix('+') {
                    Some(list) if self == Self::Lua => {
                        let parts = lists.entry(list).or_default();
                        parts.extend(self.comment(&block.reason));
                        parts.extend(self.lines(key, value)?);
                    }
                    _ => own.extend(self.lines(key, value)?),
                }
            }
            if !own.is_empty() {
                lines.extend(self.comment(&block.reason));
                lines.extend(own);
            }
        }
        for (key, parts) in lists {
            lines.push(format!("{key} = {{"));
            lines.extend(parts.iter().map(|part| format!("    {part}")));
            lines.push("}".to_owned());
        }
        let margin = " ".repeat(indent);
        let lines: Vec<String> = lines.iter().map(|line| format!("{margin}{line}")).collect();
        Ok(lines.join("\n"))
    }

    fn comment(self, reason: &str) -> Vec<String> {
        let mark = match self {
            Self::Lua => "-- ",
            Self::Apt => "// ",
            _ => "# ",
        };
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in reason.split(' ') {
            if !line.is_empty() && line.len() + 1 + word.len() > COMMENT_WIDTH {
                lines.push(format!("{mark}{line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(format!("{mark}{line}"));
        lines
    }

    /// One setting as lines, without indentation.
    fn lines(self, key: &str, value: &Value) -> Result<Vec<String>, String> {
        let list = key.strip_suffix('+');
        let key = list.unwrap_or(key);
        let failed = |why: String| format!("{key}: {why}");
        match (self, value) {
            (Self::Lua, Value::Array(items)) if list.is_some() => {
                let item = |item| Ok(format!("{};", lua(item).map_err(failed)?));
                items.iter().map(item).collect()
            }
            (Self::Lua, Value::Array(items)) if items.iter().any(Value::is_object) => {
                let mut lines = vec![format!("{key} = {{")];
                for item in items {
                    lines.push(format!("    {};", lua(item).map_err(failed)?));
                }
                lines.push("}".to_owned());
                Ok(lines)
            }
            (Self::Lua, _) => Ok(vec![format!("{key} = {}", lua(value).map_err(failed)?)]),
            (Self::Hocon, _) => Ok(vec![format!("{key} = {}", quote::hocon(value).map_err(failed)?)]),
            (Self::Json, _) => Ok(vec![format!("{key}: {value}")]),
            (Self::Coturn, Value::Bool(true)) => Ok(vec![key.to_owned()]),
            (Self::Coturn, Value::Array(items)) => {
                let item = |item| Ok(format!("{key}={}", quote::coturn(item).map_err(failed)?));
                items.iter().map(item).collect()
            }
            (Self::Coturn, _) => Ok(vec![format!("{key}={}", quote::coturn(value).map_err(failed)?)]),
            (Self::Nginx, Value::Array(items)) => {
                let words: Result<Vec<String>, String> = items.iter().map(nginx).collect();
                Ok(vec![format!("{key} {};", words.map_err(failed)?.join(" "))])
            }
            (Self::Nginx, _) => Ok(vec![format!("{key} {};", nginx(value).map_err(failed)?)]),
            (Self::Sshd, _) => Ok(vec![format!("{key} {}", quote::sshd(value).map_err(failed)?)]),
            (Self::Apt, _) => system_language::apt(key, value, list.is_some()).map_err(failed),
            (Self::Sysctl, _) => system_language::sysctl(key, value).map_err(failed),
            (Self::Unit, _) => system_language::unit(key, value).map_err(failed),
            (Self::Words, _) => system_language::words(key, value).map_err(failed),
        }
    }
}

/// A Lua value. In an object the key `[]` holds what has a position instead of a name.
fn lua(value: &Value) -> Result<String, String> {
    let parts: Vec<String> = match value {
        Value::Array(items) => items.iter().map(lua).collect::<Result<_, _>>()?,
        Value::Object(fields) => {
            let mut parts = Vec::new();
            for (key, value) in fields {
                match value {
                    Value::Array(items) if key == "[]" => {
                        for item in items {
                            parts.push(lua(item)?);
                        }
                    }
                    _ if is_lua_name(key) => parts.push(format!("{key} = {}", lua(value)?)),
                    _ => parts.push(format!(
                        "[{}] = {}",
                        quote::lua(&Value::String(key.clone()))?,
                        lua(value)?
                    )),
                }
            }
            parts
        }
        _ => return quote::lua(value),
    };
    if parts.is_empty() {
        return Ok("{}".to_owned());
    }
    Ok(format!("{{ {} }}", parts.join(", ")))
}

fn is_lua_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// One nginx parameter, quoted where it needs to be.
fn nginx(value: &Value) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'/' | b'_' | b'-' | b'=');
    match value {
        Value::String(text) if !text.is_empty() && text.bytes().all(plain) => Ok(text.clone()),
        _ => quote::nginx(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given() -> Given {
        Given {
            conditions: BTreeSet::new(),
            values: [
                ("domain", json!("a.example")),
                ("port", json!(7)),
                ("hostile", json!("<domain>\"")),
            ]
            .into(),
        }
    }

    #[test]
    fn a_value_keeps_its_type_and_is_never_filled_twice() {
        let filled = fill(&json!(["<port>", "x <port> <domain>", { "k": "<hostile>" }]), &given());
        assert_eq!(filled, Ok(json!([7, "x 7 a.example", { "k": "<domain>\"" }])));
        assert_eq!(fill(&json!("<secret:turn>"), &given()), Ok(json!("<secret:turn>")));
        assert_eq!(fill(&json!("a < b"), &given()), Ok(json!("a < b")));
        assert!(fill(&json!("<nobody>"), &given()).is_err());
    }

    #[test]
    fn every_language_writes_its_own_lines() {
        let lines = |language: Language, key: &str, value: Value| language.lines(key, &value).unwrap();
        assert_eq!(lines(Language::Coturn, "no-cli", json!(true)), ["no-cli"]);
        assert_eq!(lines(Language::Coturn, "peer", json!(["a", "b"])), ["peer=a", "peer=b"]);
        assert_eq!(
            lines(Language::Hocon, "a.b-c", json!([{ "x": 1 }])),
            [r#"a.b-c = [{"x":1}]"#]
        );
        assert_eq!(lines(Language::Sshd, "MaxAuthTries", json!(4)), ["MaxAuthTries 4"]);
        assert_eq!(
            lines(Language::Nginx, "add_header X", json!(["a b", "always"])),
            [r#"add_header X "a b" always;"#]
        );
        assert_eq!(
            lines(
                Language::Lua,
                "log",
                json!({ "info": "f", "[]": [{ "to": "x" }], "out-call": false })
            ),
            [r#"log = { info = "f", { to = "x" }, ["out-call"] = false }"#]
        );
        assert_eq!(lines(Language::Lua, "ports", json!([])), ["ports = {}"]);
    }

    #[test]
    fn lists_that_grow_come_last_with_the_reason_of_each_part() {
        let block = |reason: &str, settings: Value| Block {
            reason: reason.to_owned(),
            settings: settings.as_object().unwrap().clone(),
        };
        let blocks = [
            block("First.", json!({ "m+": ["a"], "x": 1 })),
            block("Second.", json!({ "m+": ["b"] })),
        ];
        assert_eq!(
            Language::Lua.write(&blocks, 2).unwrap(),
            "  -- First.\n  x = 1\n  m = {\n      -- First.\n      \"a\";\n      -- Second.\n      \"b\";\n  }"
        );
    }
}
