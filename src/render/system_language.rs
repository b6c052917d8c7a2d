//! How the system's own files write settings: systemd, sysctl, apt, and files of plain words. Knows nothing of what a
//! setting means.

use serde_json::Value;

/// systemd's `Key=value`. A list repeats the key; an empty text takes back what came before.
pub(crate) fn unit(key: &str, value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(items) => items.iter().map(|item| unit_line(key, item)).collect(),
        _ => Ok(vec![unit_line(key, value)?]),
    }
}

fn unit_line(key: &str, value: &Value) -> Result<String, String> {
    let text = plain(value)?;
    // systemd replaces what follows a per cent sign, and joins a line that ends in a backslash with the next.
    if text.contains('%') || text.ends_with('\\') {
        return Err("has a character that systemd would take for something else".to_owned());
    }
    Ok(format!("{key}={text}"))
}

/// sysctl's `key = value`.
pub(crate) fn sysctl(key: &str, value: &Value) -> Result<Vec<String>, String> {
    Ok(vec![format!("{key} = {}", plain(value)?)])
}

/// `key value`, or the key alone where there is nothing more to say.
pub(crate) fn words(key: &str, value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Bool(true) => Ok(vec![key.to_owned()]),
        _ => {
            let text = plain(value)?;
            if text.contains('#') {
                return Err("has a `#`, which begins a comment".to_owned());
            }
            Ok(vec![format!("{key} {text}")])
        }
    }
}

/// apt's `Key "value";`. Lists of several files add up, so that one is emptied first, unless it is `shared`.
pub(crate) fn apt(key: &str, value: &Value, shared: bool) -> Result<Vec<String>, String> {
    let Value::Array(items) = value else {
        return Ok(vec![format!("{key} {};", apt_word(value)?)]);
    };
    let mut lines = Vec::new();
    if !shared {
        lines.push(format!("#clear {key};"));
    }
    if !items.is_empty() {
        lines.push(format!("{key} {{"));
        for item in items {
            lines.push(format!("    {};", apt_word(item)?));
        }
        lines.push("};".to_owned());
    }
    Ok(lines)
}

fn apt_word(value: &Value) -> Result<String, String> {
    let text = plain(value)?;
    if text.contains(['"', '\\']) {
        return Err("has a quote or a backslash, which apt cannot escape".to_owned());
    }
    Ok(format!("\"{text}\""))
}

/// Text or a whole number on one line.
fn plain(value: &Value) -> Result<String, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_u64() => number.to_string(),
        _ => return Err("is neither text nor a whole number".to_owned()),
    };
    if text.chars().any(char::is_control) {
        return Err("has a control character".to_owned());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_language_writes_its_own_lines() {
        assert_eq!(unit("UMask", &json!("0027")).unwrap(), ["UMask=0027"]);
        assert_eq!(
            unit("ExecStart", &json!(["", "/bin/x"])).unwrap(),
            ["ExecStart=", "ExecStart=/bin/x"]
        );
        assert_eq!(sysctl("a.*.b", &json!(1)).unwrap(), ["a.*.b = 1"]);
        assert_eq!(words("rtcsync", &json!(true)).unwrap(), ["rtcsync"]);
        assert_eq!(words("makestep", &json!("1 3")).unwrap(), ["makestep 1 3"]);
        assert_eq!(apt("A::B", &json!("1"), false).unwrap(), ["A::B \"1\";"]);
        assert_eq!(apt("A::B", &json!([]), false).unwrap(), ["#clear A::B;"]);
        let list = ["A::B {", "    \"x\";", "};"];
        assert_eq!(apt("A::B", &json!(["x"]), true).unwrap(), list);
        assert_eq!(apt("A::B", &json!(["x"]), false).unwrap()[1..], list);
    }

    #[test]
    fn what_a_language_cannot_carry_is_refused() {
        assert!(unit("A", &json!("50%")).is_err() && unit("A", &json!("a\\")).is_err());
        assert!(unit("A", &json!("a\nExecStart=/bin/sh")).is_err());
        assert!(sysctl("a", &json!("1\nb = 2")).is_err() && sysctl("a", &json!(false)).is_err());
        assert!(words("a", &json!("1 # 2")).is_err());
        assert!(apt("a", &json!("x\"; b \"y"), false).is_err() && apt("a", &json!(["\\"]), false).is_err());
    }
}
