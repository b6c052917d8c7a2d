//! One quoting filter per language. A value that a language cannot carry safely is an error, never an escape that
//! looks right. Knows nothing of what the values mean.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;
use tera::Tera;

/// A filter: the value as one complete token of the language, or why it cannot be one.
type Quote = fn(&Value) -> Result<String, String>;

/// Every filter by the name that templates use. There is no other way for a value into a file.
pub(crate) const FILTERS: &[(&str, Quote)] = &[
    ("apt", apt),
    ("aptsite", apt_site),
    ("coturn", coturn),
    ("env", env),
    ("hocon", hocon),
    ("js", js),
    ("lua", lua),
    ("nft", nft),
    ("nginx", nginx),
    ("number", number),
    ("xmppgroup", xmpp_group),
];

/// Makes the filters known to a template engine.
pub(crate) fn register(tera: &mut Tera) {
    for (name, quote) in FILTERS {
        let (name, quote) = (*name, *quote);
        tera.register_filter(name, move |value: &Value, _: &HashMap<String, Value>| {
            quote(value)
                .map(Value::String)
                .map_err(|why| tera::Error::msg(format!("the value {value} {why}")))
        });
    }
}

/// A whole number, for places where no language knows quotes.
fn number(value: &Value) -> Result<String, String> {
    match value.as_u64() {
        Some(number) => Ok(number.to_string()),
        None => Err("is not a whole number".to_owned()),
    }
}

/// A Lua literal. Strings become short literals with decimal escapes, which Lua 5.1 to 5.4 read alike; lists become
/// table constructors.
pub(crate) fn lua(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(lua_string(text)),
        Value::Number(_) => number(value),
        Value::Bool(_) => Ok(value.to_string()),
        Value::Array(items) => {
            let items: Result<Vec<String>, String> = items.iter().map(lua).collect();
            Ok(format!("{{ {} }}", items?.join(", ")))
        }
        Value::Null | Value::Object(_) => Err("is no Lua literal".to_owned()),
    }
}

fn lua_string(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            0x20..=0x7e => out.push(char::from(byte)),
            // Three digits, so that a digit that follows is not taken for a part of the escape.
            _ => out.push_str(&format!("\\{byte:03}")),
        }
    }
    out.push('"');
    out
}

/// A HOCON value. HOCON is a superset of JSON, and JSON strings know no substitutions; but its readers refuse control
/// characters that JSON lets pass, such as U+007F, unless they are escaped.
pub(crate) fn hocon(value: &Value) -> Result<String, String> {
    if matches!(value, Value::Null | Value::Object(_)) {
        return Err("is no plain HOCON value".to_owned());
    }
    let text = serde_json::to_string(value).map_err(|error| error.to_string())?;
    Ok(escaped(&text, char::is_control))
}

/// Strict JSON that may stand inside a `<script>` element and inside a file that nginx reads for server side includes:
/// `<`, `>`, `&` and the two line separators that older JavaScript takes for line ends are escaped.
fn js(value: &Value) -> Result<String, String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    let told = |c: char| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\u{7f}');
    Ok(escaped(&text, told))
}

/// JSON with some characters of its strings written as escapes. None of them may be above U+FFFF, or part of JSON's own
/// syntax.
fn escaped(json: &str, which: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if which(character) {
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}

/// One nginx parameter in double quotes. nginx has no escape for `$`, so a value with one is refused.
pub(crate) fn nginx(value: &Value) -> Result<String, String> {
    let text = line(value)?;
    if text.contains('$') {
        return Err("has a `$`, which nginx would take for a variable".to_owned());
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// One argument of an sshd keyword. sshd splits at spaces, and `#` begins a comment.
pub(crate) fn sshd(value: &Value) -> Result<String, String> {
    if value.is_number() {
        return number(value);
    }
    let text = line(value)?;
    if text.is_empty() || text.contains([' ', '#', '"', '\'', '\\']) {
        return Err("is not one argument of sshd".to_owned());
    }
    Ok(text.to_owned())
}

/// An address, network, port or port range of nftables.
fn nft(value: &Value) -> Result<String, String> {
    if value.is_number() {
        return number(value);
    }
    let text = line(value)?;
    let ports = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        first.parse::<u16>().is_ok() && last.parse::<u16>().is_ok()
    };
    // What only looks like one, such as `face`, would be a name to nft, which asks the network for it.
    if text.parse::<IpAddr>().is_ok() || text.parse::<IpNet>().is_ok() || ports(text) {
        return Ok(text.to_owned());
    }
    Err("is no address, network or port of nftables".to_owned())
}

/// A value in turnserver.conf: the rest of the line, where there are neither quotes nor escapes.
pub(crate) fn coturn(value: &Value) -> Result<String, String> {
    if value.is_number() {
        return number(value);
    }
    let text = line(value)?;
    if text.is_empty() || text.trim() != text || text.contains(['#', '"', '\'', '\\']) {
        return Err("cannot stand in turnserver.conf, which has no quotes and no escapes".to_owned());
    }
    Ok(text.to_owned())
}

/// One word of an apt configuration file. apt has no quotes in the places we fill.
fn apt(value: &Value) -> Result<String, String> {
    let text = line(value)?;
    if text.is_empty() || text.starts_with('#') || text.contains([' ', '"', '\'', '\\', ',']) {
        return Err("is not one word, and apt knows no quotes here".to_owned());
    }
    Ok(text.to_owned())
}

/// The host name of a repository in an apt pin. Empty stands for repositories in the file system. apt takes some signs
/// for patterns here, in quotes too, so that only what host names and addresses are made of may pass.
fn apt_site(value: &Value) -> Result<String, String> {
    let text = line(value)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':');
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if !bare.bytes().all(plain) {
        return Err("is no host name for an apt pin".to_owned());
    }
    Ok(format!("\"{text}\""))
}

/// A value in double quotes that a POSIX shell and systemd's `EnvironmentFile=` read alike: nothing that either of the
/// two would expand or escape.
fn env(value: &Value) -> Result<String, String> {
    let text = line(value)?;
    if text.contains(['"', '\'', '\\', '$', '`', '%', '!']) {
        return Err("has a character that a shell or systemd would expand".to_owned());
    }
    // systemd does not read a file at all that holds one of Unicode's noncharacters.
    if text
        .chars()
        .any(|c| matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe)
    {
        return Err("has a character that is none, at which systemd stops reading".to_owned());
    }
    Ok(format!("\"{text}\""))
}

/// A JID on a line of its own in the file that Prosody's mod_groups reads.
fn xmpp_group(value: &Value) -> Result<String, String> {
    let text = line(value)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'@');
    if text.is_empty() || !text.bytes().all(plain) {
        return Err("is no JID for a group file".to_owned());
    }
    Ok(text.to_owned())
}

/// Text on one line, without control characters.
fn line(value: &Value) -> Result<&str, String> {
    let Value::String(text) = value else {
        return Err("is not text".to_owned());
    };
    if text
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    {
        return Err("has a line end or another control character".to_owned());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOSTILE: &[&str] = &[
        "\"; os.execute('x'); --",
        "]]\n\\",
        "${env.HOME} $request $(id) `id` %h",
        "</script><!--#include virtual=\"/etc/passwd\" -->",
        "line\u{2028}two\u{2029}three\u{0}\u{7f}",
        "ü€\u{1F600}1\u{1}23",
        "'\"\\",
    ];

    #[test]
    fn lua_literals_are_one_short_string() {
        assert_eq!(
            lua(&json!("a\"b\\c\nd\u{1}2é")),
            Ok(r#""a\"b\\c\nd\0012\195\169""#.to_owned())
        );
        assert_eq!(lua(&json!(["a", "b"])), Ok(r#"{ "a", "b" }"#.to_owned()));
        assert_eq!(lua(&json!(true)), Ok("true".to_owned()));
        assert!(lua(&json!(null)).is_err());
    }

    #[test]
    fn js_is_strict_json_that_no_page_can_be_broken_with() {
        for text in HOSTILE {
            let quoted = js(&json!({ "key": text })).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&quoted).unwrap(), json!({ "key": text }));
            assert!(!quoted.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{quoted}");
        }
    }

    #[test]
    fn hocon_strings_are_json_strings() {
        for text in HOSTILE {
            let quoted = hocon(&json!(text)).unwrap();
            assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), *text);
            assert!(!quoted.contains(char::is_control), "{quoted}");
        }
        assert!(hocon(&json!({})).is_err());
    }

    #[test]
    fn nginx_escapes_quotes_and_refuses_variables() {
        assert_eq!(nginx(&json!("a;{b} \"\\")), Ok(r#""a;{b} \"\\""#.to_owned()));
        assert!(nginx(&json!("$host")).is_err());
        assert!(nginx(&json!("a\nb")).is_err());
    }

    #[test]
    fn languages_without_quotes_refuse_what_would_need_them() {
        for text in ["a b=\nno-auth", "a # b", "\"a\"", " a", "", "line\u{2028}two", "a\\"] {
            assert!(coturn(&json!(text)).is_err(), "coturn {text:?}");
        }
        for text in HOSTILE {
            assert!(nft(&json!(text)).is_err(), "nft {text:?}");
            assert!(apt(&json!(text)).is_err(), "apt {text:?}");
            assert!(env(&json!(text)).is_err(), "env {text:?}");
            assert!(xmpp_group(&json!(text)).is_err(), "group {text:?}");
        }
        assert_eq!(coturn(&json!("<secret:turn>")), Ok("<secret:turn>".to_owned()));
        for text in ["fd00::/8", "10.0.0.1", "49152-49407", "22"] {
            assert_eq!(nft(&json!(text)), Ok(text.to_owned()));
        }
        for text in ["face", "1-2-3", "::/x", "65536", "10.0.0.0/33"] {
            assert!(nft(&json!(text)).is_err(), "nft {text:?}");
        }
        for text in ["", "mirror.example", "10.77.0.1", "[fd00::1]"] {
            assert_eq!(apt_site(&json!(text)), Ok(format!("\"{text}\"")));
        }
        for text in ["*", "mirror?", "[a-z].example", "/./", "a b"] {
            assert!(apt_site(&json!(text)).is_err(), "site {text:?}");
        }
        assert_eq!(
            apt(&json!("https://download.jitsi.org")),
            Ok("https://download.jitsi.org".to_owned())
        );
        assert!(env(&json!("a\u{fffe}")).is_err() && env(&json!("\u{fdd0}")).is_err());
        assert_eq!(env(&json!("-Dx=/y z")), Ok("\"-Dx=/y z\"".to_owned()));
        assert_eq!(number(&json!(7)), Ok("7".to_owned()));
        assert!(number(&json!("7")).is_err());
    }
}
