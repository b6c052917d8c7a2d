//! Prosody configurations as the real Lua reads them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::need;

/// One value that a configuration sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The XMPP host, or `*`.
    pub(crate) section: String,
    /// Option, and what is below it: keys as they are, places in lists as `[1]`.
    pub(crate) path: Vec<String>,
    /// `string`, `number`, `boolean` or `table`.
    pub(crate) kind: String,
    /// The text, the number, or the length of the list.
    pub(crate) value: String,
}

impl Setting {
    /// The path as the lists of known keys write it.
    pub(crate) fn known_path(&self) -> String {
        let mut path = String::new();
        for part in &self.path {
            if part.starts_with('[') {
                path.push_str("[]");
            } else {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(part);
            }
        }
        // An item of a plain list is no key of its own.
        path.strip_suffix("[]").map_or(path.clone(), str::to_owned)
    }
}

/// Whether Lua is here.
#[track_caller]
pub(crate) fn installed() -> bool {
    need::installed("lua5.4", "-v")
}

fn unhex(text: &str) -> String {
    let bytes: Vec<u8> = (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect();
    String::from_utf8(bytes).unwrap()
}

fn parts(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for piece in path.split('"').skip(1) {
        let piece = piece.trim_end_matches('.');
        let (key, places) = piece.split_once('[').map_or((piece, ""), |(key, rest)| (key, rest));
        parts.push(unhex(key));
        let places = places.split('[').filter(|place| !place.is_empty());
        parts.extend(places.map(|place| format!("[{place}").trim_end_matches('.').to_owned()));
    }
    parts
}

/// Every setting of each text, in order; or what Lua complains about.
pub(crate) fn load(texts: &[&str]) -> Result<Vec<Vec<Setting>>, String> {
    let dir = tempfile::tempdir().unwrap();
    let mut loaded = Vec::new();
    // A bounded number at a time: the names are arguments of one command.
    for some in texts.chunks(500) {
        let names: Vec<_> = (0..some.len())
            .map(|at| dir.path().join(format!("{at}.cfg.lua")))
            .collect();
        for (name, text) in names.iter().zip(some) {
            fs::write(name, text).unwrap();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/record.lua");
        let output = Command::new("lua5.4").arg(script).args(&names).output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            if line.starts_with("file ") {
                loaded.push(Vec::new());
                continue;
            }
            let fields: Vec<&str> = line.split('\t').collect();
            let (kind, value) = fields[2].split_once(' ').unwrap();
            loaded.last_mut().unwrap().push(Setting {
                section: unhex(fields[0]),
                path: parts(fields[1]),
                kind: kind.to_owned(),
                value: if kind == "string" {
                    unhex(value)
                } else {
                    value.to_owned()
                },
            });
        }
    }
    Ok(loaded)
}

#[test]
fn values_are_read_where_they_are_set_and_nothing_can_be_called() {
    if !installed() {
        return;
    }
    let text = "a = { \"x\"; { b = 1 } }\nVirtualHost \"h.example\"\n  [\"weird\"] = 1";
    assert!(load(&[text]).is_err(), "that is no Lua");
    let text = "a = { \"x\"; { b = true } }\nVirtualHost \"h.example\"\n    c = \"\\0\\195\\164\"";
    let seen = load(&[text, text]).unwrap();
    assert_eq!(seen[0], seen[1]);
    let lines: Vec<String> = seen[0]
        .iter()
        .map(|s| format!("{} {} {} {}", s.section, s.path.join("/"), s.kind, s.value))
        .collect();
    assert_eq!(
        lines,
        [
            "* a table 2",
            "* a/[1] string x",
            "* a/[2] table 0",
            "* a/[2]/b boolean true",
            "h.example defined boolean true",
            "h.example c string \0ä",
        ]
    );
    assert_eq!(seen[0][3].known_path(), "a[].b");
    assert!(load(&["x = os.execute('true')"]).is_err());
    assert!(load(&["x = 1 x = 2"]).unwrap_err().contains("set twice"));
}
