//! HOCON as far as configuration files use it: objects, dotted and quoted keys, lists, plain values, includes. What would
//! have to be computed is an error, never a guess.

use serde_json::Map;
use serde_json::Value;

/// The deepest nesting, of objects and of files.
const DEEPEST: usize = 32;

/// Where included files come from: the text of a path, nothing where it does not exist.
pub(crate) type Files<'a> = &'a dyn Fn(&str) -> Result<Option<String>, String>;

/// The settings of a file and of what it includes, dotted key → value as programs print it.
pub(crate) fn settings(path: &str, files: Files<'_>) -> Result<std::collections::BTreeMap<String, String>, String> {
    let text = files(path)?.ok_or_else(|| format!("{path} does not exist"))?;
    let mut all = Map::new();
    read(path, &text, files, 0, &mut all)?;
    let mut flat = std::collections::BTreeMap::new();
    flatten("", &Value::Object(all), &mut flat);
    Ok(flat)
}

fn flatten(key: &str, value: &Value, flat: &mut std::collections::BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let key = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
                flatten(&key, value, flat);
            }
        }
        Value::String(text) => drop(flat.insert(key.to_owned(), text.clone())),
        other => drop(flat.insert(key.to_owned(), other.to_string())),
    }
}

fn read(path: &str, text: &str, files: Files<'_>, depth: usize, into: &mut Map<String, Value>) -> Result<(), String> {
    let mut reader = Reader {
        path,
        rest: text.trim_start_matches('\u{feff}'),
        files,
        depth,
    };
    reader.blank();
    let braced = reader.eat("{");
    reader.fields(into, depth)?;
    if braced && !reader.eat("}") {
        return Err(reader.fault("a brace is not closed"));
    }
    reader.blank();
    if reader.rest.is_empty() {
        Ok(())
    } else {
        Err(reader.fault("something follows the end"))
    }
}

struct Reader<'a> {
    path: &'a str,
    rest: &'a str,
    files: Files<'a>,
    /// How many files include this one.
    depth: usize,
}

impl Reader<'_> {
    fn fault(&self, why: &str) -> String {
        let near: String = self.rest.chars().take(20).take_while(|c| *c != '\n').collect();
        format!("{}: {why} at {near:?}", self.path)
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Skips white space and comments, over line ends or not.
    fn skip(&mut self, line_ends: bool) {
        loop {
            self.rest = self
                .rest
                .trim_start_matches(|c: char| c.is_whitespace() && (line_ends || c != '\n'));
            if self.rest.starts_with('#') || self.rest.starts_with("//") {
                self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
            } else {
                return;
            }
        }
    }

    fn blank(&mut self) {
        self.skip(true);
    }

    fn fields(&mut self, into: &mut Map<String, Value>, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(self.fault("it is nested too deep"));
        }
        loop {
            self.blank();
            while self.eat(",") {
                self.blank();
            }
            if self.rest.is_empty() || self.rest.starts_with('}') {
                return Ok(());
            }
            if self.rest.starts_with("include") && self.rest[7..].starts_with([' ', '\t', '"']) {
                self.include(into)?;
                continue;
            }
            let key = self.key()?;
            self.skip(false);
            if self.rest.starts_with("+=") {
                return Err(self.fault("a list is added to, which has to be computed"));
            }
            if !self.rest.starts_with('{') && !self.eat("=") && !self.eat(":") {
                return Err(self.fault("a key without a value"));
            }
            self.blank();
            let value = self.value(depth + 1)?;
            put(into, &key, value);
        }
    }

    fn include(&mut self, into: &mut Map<String, Value>) -> Result<(), String> {
        self.rest = &self.rest["include".len()..];
        self.skip(false);
        let required = self.eat("required(");
        let file = self.eat("file(");
        if !self.rest.starts_with('"') {
            return Err(self.fault("an include that is no file"));
        }
        let name = self.quoted()?;
        if (file && !self.eat(")")) || (required && !self.eat(")")) {
            return Err(self.fault("a parenthesis is not closed"));
        }
        if !name.ends_with(".conf") {
            // Without an ending three files are tried, and others are other languages.
            return Err(format!("{}: it includes {name:?}, which is no .conf file", self.path));
        }
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = if name.starts_with('/') {
            name
        } else {
            format!("{folder}/{name}")
        };
        if self.depth >= DEEPEST {
            return Err(self.fault("includes are nested too deep"));
        }
        match (self.files)(&path)? {
            Some(text) => read(&path, &text, self.files, self.depth + 1, into),
            None if required => Err(format!("{path} does not exist")),
            None => Ok(()),
        }
    }

    /// Parts of a dotted key.
    fn key(&mut self) -> Result<Vec<String>, String> {
        let mut parts = Vec::new();
        loop {
            self.skip(false);
            if self.rest.starts_with('"') {
                parts.push(self.quoted()?);
            } else {
                let end = self
                    .rest
                    .find(|c: char| c.is_whitespace() || ".=:{}[],+#\"$".contains(c));
                let (part, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                if part.is_empty() {
                    return Err(self.fault("no key"));
                }
                parts.push(part.to_owned());
                self.rest = rest;
            }
            if !self.eat(".") {
                return Ok(parts);
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > DEEPEST {
            return Err(self.fault("it is nested too deep"));
        }
        if self.eat("{") {
            let mut fields = Map::new();
            self.fields(&mut fields, depth)?;
            return if self.eat("}") {
                self.ended(Value::Object(fields))
            } else {
                Err(self.fault("a brace is not closed"))
            };
        }
        if self.eat("[") {
            let items = self.items(depth)?;
            return self.ended(Value::Array(items));
        }
        self.scalar()
    }

    /// A value of several parts would have to be computed.
    fn ended(&mut self, value: Value) -> Result<Value, String> {
        self.skip(false);
        if self.rest.is_empty() || self.rest.starts_with(['\n', ',', '}', ']']) {
            Ok(value)
        } else {
            Err(self.fault("a value of several parts"))
        }
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Value>, String> {
        let mut items = Vec::new();
        loop {
            self.blank();
            if self.eat("]") {
                return Ok(items);
            }
            if self.rest.is_empty() {
                return Err(self.fault("a list is not closed"));
            }
            items.push(self.value(depth + 1)?);
            self.blank();
            self.eat(",");
        }
    }

    fn scalar(&mut self) -> Result<Value, String> {
        if self.rest.starts_with('"') {
            let text = self.quoted()?;
            return self.ended(Value::String(text));
        }
        let mut end = self.rest.len();
        for (at, c) in self.rest.char_indices() {
            if matches!(c, '\n' | ',' | '}' | ']' | '#') || self.rest[at..].starts_with("//") {
                end = at;
                break;
            }
            if matches!(
                c,
                '$' | '"' | '{' | '[' | '`' | '^' | '!' | '?' | '*' | '&' | '\\' | '=' | ':' | '+'
            ) {
                return Err(self.fault("a value that has to be computed"));
            }
        }
        let (text, rest) = self.rest.split_at(end);
        let text = text.trim();
        if text.is_empty() {
            return Err(self.fault("no value"));
        }
        self.rest = rest;
        let plain = matches!(text, "true" | "false" | "null") || text.parse::<i64>().is_ok();
        Ok(match serde_json::from_str(text) {
            Ok(value) if plain => value,
            _ => Value::String(text.to_owned()),
        })
    }

    /// A string in quotes, as in JSON; or in three, as it stands.
    fn quoted(&mut self) -> Result<String, String> {
        if let Some(inner) = self.rest.strip_prefix("\"\"\"") {
            let end = inner.find("\"\"\"").ok_or_else(|| self.fault("a text is not closed"))?;
            self.rest = &inner[end + 3..];
            return Ok(inner[..end].to_owned());
        }
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
        match stream.next() {
            Some(Ok(text)) => {
                self.rest = &self.rest[stream.byte_offset()..];
                Ok(text)
            }
            _ => Err(self.fault("a text that is not closed")),
        }
    }
}

/// Puts a value at its key: objects grow together, anything else takes the place of what was there.
fn put(into: &mut Map<String, Value>, key: &[String], value: Value) {
    let Some((first, rest)) = key.split_first() else { return };
    let place = into.entry(first.clone()).or_insert(Value::Null);
    if rest.is_empty() {
        match (place, value) {
            (Value::Object(old), Value::Object(new)) => {
                for (name, value) in new {
                    put(old, &[name], value);
                }
            }
            (place, value) => *place = value,
        }
        return;
    }
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    if let Value::Object(inner) = place {
        put(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn of(text: &str) -> Result<BTreeMap<String, String>, String> {
        settings("/etc/a.conf", &|path| match path {
            "/etc/a.conf" => Ok(Some(text.to_owned())),
            "/etc/b.conf" => Ok(Some("videobridge { rest.debug.enabled = true }".to_owned())),
            "/etc/loop.conf" => Ok(Some("include \"loop.conf\"".to_owned())),
            _ => Ok(None),
        })
    }

    #[test]
    fn a_rendered_file_is_its_settings() {
        let text = include_str!("../../../tests/golden/token-shared-secret/etc/jitsi/videobridge/jvb.conf");
        let all = of(text).unwrap();
        assert_eq!(all["videobridge.http-servers.private.host"], "127.0.0.1");
        assert_eq!(all["videobridge.http-servers.public.port"], "-1");
        assert_eq!(
            all["jmt.dtls.accepted-fingerprint-hash-functions"],
            r#"["sha-512","sha-384","sha-256"]"#
        );
        assert_eq!(all["videobridge.shutdown.shutting-down-delay"], "1 minute");
        let focus = include_str!("../../../tests/golden/internal/etc/jitsi/jicofo/jicofo.conf");
        assert_eq!(of(focus).unwrap()["jicofo.rest.host"], "127.0.0.1");
    }

    #[test]
    fn what_comes_later_or_is_included_counts() {
        let nested = "a { b = 1, c : { d = x y } } // end\na.b = 2\n\"a\".e=\"\"\"q\"uote\"\"\"\na.c=none # gone";
        let all = of(nested).unwrap();
        assert_eq!(
            (all["a.b"].as_str(), all["a.c"].as_str(), all["a.e"].as_str()),
            ("2", "none", "q\"uote")
        );
        assert!(!all.contains_key("a.c.d"));
        let upstream = "videobridge.rest.debug.enabled = false\ninclude \"b.conf\"\n";
        assert_eq!(of(upstream).unwrap()["videobridge.rest.debug.enabled"], "true");
        assert_eq!(of("include required(file(\"/etc/b.conf\"))").unwrap().len(), 1);
        assert!(of("include \"none.conf\"").unwrap().is_empty());
        assert_eq!(of("{ a: [ { b: 1 }, c ] }").unwrap()["a"], r#"[{"b":1},"c"]"#);
    }

    #[test]
    fn what_would_have_to_be_computed_is_an_error() {
        for text in [
            "a = ${b}",
            "a = ${?B}",
            "a += 1",
            "a = \"b\" ${c}",
            "a = {} {}",
            "a = [1] [2]",
            "a",
            "a = ",
            "a {",
            "a = [",
            "include url(\"x\")",
            "include \"b\"",
            "include \"loop.conf\"",
            "include required(\"none.conf\")",
            "} a = 1",
            "a = \"b",
            "= 1",
        ] {
            assert!(of(text).is_err(), "{text:?}: {:?}", of(text));
        }
        assert!(of(&"a { ".repeat(100)).is_err() && of(&format!("a = {}", "[".repeat(100_000))).is_err());
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(text in "([a-c. =:{}\\[\\],\"#/$\n+1]|include|\\PC){0,80}") {
            let _ = of(&text);
        }
    }
}
