//! Every quoting filter against the real parser of its language: what comes out is the same value, or nothing at all.
//! nginx, coturn, nft and systemd are asked on a lab host: see hosts.rs.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::Value;
use serde_json::json;

use crate::hostile;
use crate::keys;
use crate::lua;
use crate::need;
use crate::quote::FILTERS;

/// A value through a filter; `None`: refused.
pub(crate) fn quoted(filter: &str, value: &Value) -> Option<String> {
    let (_, quote) = FILTERS.iter().find(|(name, _)| *name == filter).unwrap();
    quote(value).ok()
}

fn same(wanted: &[String], seen: &[String], how: &str) -> Result<(), String> {
    if wanted == seen {
        return Ok(());
    }
    let at = wanted.iter().zip(seen).find(|(wanted, seen)| wanted != seen);
    Err(format!("{how}: {at:?} of {} and {}", wanted.len(), seen.len()))
}

fn once() -> Vec<String> {
    hostile::ONCE.iter().map(|text| (*text).to_owned()).collect()
}

/// Runs a property over what once broke something, then over many batches of texts.
fn check(batches: u32, property: impl Fn(&Vec<String>) -> Result<(), String>) {
    property(&once()).unwrap();
    hostile::check(batches, hostile::texts(60), property);
}

#[test]
fn lua_reads_every_string_back() {
    if !lua::installed() {
        return;
    }
    check(150, |texts| {
        // One by one, and as the items of a list.
        let mut file = format!("all = {}\n", quoted("lua", &json!(texts)).unwrap());
        for (at, text) in texts.iter().enumerate() {
            writeln!(
                file,
                "v{at} = {} after{at} = true",
                quoted("lua", &json!(text)).unwrap()
            )
            .unwrap();
        }
        let seen = lua::load(&[&file])?.remove(0);
        let strings = |list: bool| -> Vec<String> {
            let wanted = seen
                .iter()
                .filter(|s| s.kind == "string" && (s.path[0] == "all") == list);
            wanted.map(|setting| setting.value.clone()).collect()
        };
        same(texts, &strings(true), "in a list")?;
        same(texts, &strings(false), "alone")?;
        // A setting each, what follows each, and the list with its items.
        let settings = 3 * texts.len() + 1;
        (seen.len() == settings)
            .then_some(())
            .ok_or(format!("{} settings for {settings}", seen.len()))
    });
}

#[test]
fn lua_has_no_literal_for_what_is_no_plain_value() {
    for value in [json!(null), json!({}), json!([{}]), json!(-1), json!(1.5)] {
        assert_eq!(quoted("lua", &value), None, "{value}");
    }
}

#[test]
fn the_page_reads_every_string_back_and_no_document_around_it_is_broken() {
    check(150, |texts| {
        let mut object = serde_json::Map::new();
        for (at, text) in texts.iter().enumerate() {
            object.insert(format!("v{at}"), json!(text));
            // A key is text too; the engine keeps `__proto__` for itself.
            object.insert(format!("k{text}"), json!(at));
        }
        let value = Value::Object(object);
        let file = format!("var config = {};", quoted("js", &value).unwrap());
        if file.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            return Err(format!("a document could be broken by {file}"));
        }
        let seen = keys::page("config", &file)?;
        (seen == value).then_some(()).ok_or(format!("{seen} is not {value}"))
    });
}

#[test]
fn hocon_reads_every_string_back() {
    check(150, |texts| {
        let mut file = format!("all = {}\n", quoted("hocon", &json!(texts)).unwrap());
        for (at, text) in texts.iter().enumerate() {
            writeln!(
                file,
                "v{at} {{\n  x = {}\n  y = {at}\n}}",
                quoted("hocon", &json!(text)).unwrap()
            )
            .unwrap();
        }
        let seen = keys::hocon(&file)?;
        let mut wanted = json!({ "all": texts });
        for (at, text) in texts.iter().enumerate() {
            wanted[format!("v{at}")] = json!({ "x": text, "y": at });
        }
        (seen == wanted).then_some(()).ok_or(format!("{seen} is not {wanted}"))
    });
}

#[test]
fn a_shell_reads_every_variable_that_is_not_refused_back() {
    if !need::installed("sh", "-c") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    check(150, |texts| {
        let kept: Vec<String> = texts
            .iter()
            .filter(|text| quoted("env", &json!(text)).is_some())
            .cloned()
            .collect();
        let mut file = String::new();
        for (at, text) in kept.iter().enumerate() {
            writeln!(file, "V{at}={}", quoted("env", &json!(text)).unwrap()).unwrap();
        }
        for at in 0..kept.len() {
            writeln!(file, "printf '%s\\0' \"$V{at}\"").unwrap();
        }
        let path = dir.path().join("env");
        fs::write(&path, file).unwrap();
        let output = Command::new("sh").arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let seen: Vec<String> = said.split_terminator('\0').map(str::to_owned).collect();
        same(&kept, &seen, "in sh")
    });
}

#[test]
fn apt_reads_every_source_that_is_not_refused_back() {
    if !need::installed("apt-get", "--version") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("test.sources");
    check(20, |texts| {
        let mut file = String::new();
        let mut wanted = Vec::new();
        for text in texts {
            if let Some(word) = quoted("apt", &json!(text)) {
                // The word as a component: apt passes it on as it stands.
                writeln!(
                    file,
                    "Types: deb\nURIs: http://host.example/x\nSuites: s\nComponents: {word}\nTargets: Packages\n"
                )
                .unwrap();
                wanted.push(text.clone());
            }
        }
        fs::write(&list, file).unwrap();
        let option = |name: &str, value: &str| format!("-o{name}={value}");
        let output = Command::new("apt-get")
            .arg(option("Dir::Etc::sourcelist", "/dev/null"))
            .arg(option("Dir::Etc::sourceparts", &dir.path().display().to_string()))
            .arg(option(
                "Dir::State::lists",
                &dir.path().join("lists").display().to_string(),
            ))
            .arg(option("APT::Architecture", "amd64"))
            .arg(option("APT::Architectures", "amd64"))
            .args(["update", "--print-uris", "-oDebug::NoLocking=1"])
            .output()
            .unwrap();
        if !output.status.success() {
            return Err(format!("apt: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let component = |line: &str| -> Option<String> {
            let (_, rest) = line.split_once("/dists/s/")?;
            let (component, _) = rest.rsplit_once("/binary-amd64/Packages")?;
            Some(component.split("/binary-amd64/Packages").next()?.to_owned())
        };
        let mut seen: Vec<String> = said.lines().filter_map(component).collect();
        // Two equal sources are one to apt.
        seen.sort_unstable();
        seen.dedup();
        wanted.sort_unstable();
        wanted.dedup();
        same(&wanted, &seen, "in apt")
    });
}

#[test]
fn what_no_language_can_carry_is_refused() {
    hostile::check(2000, hostile::text(), |text| {
        let value = json!(text);
        for filter in ["apt", "aptsite", "coturn", "env", "nft", "nginx", "xmppgroup"] {
            let Some(out) = quoted(filter, &value) else { continue };
            if out
                .chars()
                .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
            {
                return Err(format!(
                    "{filter} lets a line end or a control character through: {out:?}"
                ));
            }
        }
        if let Some(out) = quoted("number", &value) {
            return Err(format!("text is no number: {out}"));
        }
        let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '"' | '.' | '-' | '_' | ':' | '[' | ']');
        match quoted("aptsite", &value) {
            Some(out) if !out.chars().all(host) => Err(format!("apt would take {out} for a pattern")),
            _ => Ok(()),
        }
    });
}
