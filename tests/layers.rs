//! Reads src/ and fails on an import that points the wrong way, or on a crate named outside the room that owns it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Left may name right. docs/architecture.md explains the arrows.
const ARROWS: &[(&str, &[&str])] = &[
    ("digest", &[]),
    ("seen", &[]),
    ("secret", &[]),
    ("catalog", &[]),
    ("spec", &["catalog"]),
    ("remote", &["spec"]),
    ("machines", &["spec", "remote"]),
    ("render", &["spec", "catalog"]),
    ("facts", &["spec", "machines", "remote", "render"]),
    ("plan", &["spec", "render", "facts"]),
    ("apply", &["spec", "plan", "remote"]),
    ("people", &["spec", "facts", "plan", "apply", "remote"]),
    ("probe", &["spec", "remote"]),
    ("controls", &["spec", "catalog", "render", "facts", "probe", "plan"]),
    (
        "report",
        &["spec", "catalog", "render", "facts", "plan", "apply", "controls"],
    ),
];

/// Words that every room may use.
const COMMON: &[&str] = &["digest", "seen", "secret"];

/// Crates that only one room (a path prefix below src/) may name.
const OWNED_CRATES: &[(&str, &[&str])] = &[
    ("ssh2", &["remote/ssh"]),
    ("tera", &["render/"]),
    ("clap", &["commands/", "main.rs"]),
    ("clap_complete", &["commands/"]),
    ("clap_mangen", &["commands/"]),
    ("indicatif", &["commands/"]),
    ("anstream", &["commands/", "report/"]),
    ("reqwest", &["probe/"]),
    ("openssl", &["probe/call/"]),
    ("toml", &["spec/", "catalog/"]),
    ("aws_config", &["remote/aws/"]),
    ("aws_sdk_artifact", &["remote/aws/"]),
    ("aws_sdk_cloudtrail", &["remote/aws/"]),
    ("aws_sdk_ec2", &["remote/aws/"]),
    ("aws_sdk_kms", &["remote/aws/"]),
    ("aws_sdk_route53", &["remote/aws/"]),
    ("aws_sdk_sts", &["remote/aws/"]),
    ("aws_smithy_http_client", &["remote/aws/"]),
    ("aws_smithy_runtime_api", &["remote/aws/"]),
    ("aws_smithy_types", &["remote/aws/"]),
    ("aws_types", &["remote/aws/"]),
];

#[test]
fn imports_point_one_way() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for (path, text) in sources() {
        let room = room_of(&path);
        if room == "commands" || room == "lib" || room == "main" {
            continue;
        }
        let Some(allowed) = arrows.get(room.as_str()) else {
            wrong.push(format!("{}: the room {room} has no row in the table", path.display()));
            continue;
        };
        for named in rooms_named(&text) {
            used.insert((room.clone(), named.clone()));
            let free = named == room || COMMON.contains(&named.as_str());
            if !free && !allowed.contains(&named.as_str()) {
                wrong.push(format!("{}: {room} names {named}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unused: Vec<String> = arrows
        .iter()
        .flat_map(|(room, allowed)| {
            allowed
                .iter()
                .map(move |other| ((*room).to_owned(), (*other).to_owned()))
        })
        .filter(|arrow| !used.contains(arrow))
        .map(|(room, other)| format!("nothing in {room} names {other}; take the arrow out"))
        .collect();
    assert!(unused.is_empty(), "{}", unused.join("\n"));
}

#[test]
fn every_outside_crate_stays_in_its_room() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let shown = path.to_string_lossy().replace('\\', "/");
        for (name, homes) in OWNED_CRATES {
            let used = text.lines().any(|line| {
                let code = line.trim_start();
                !code.starts_with("//")
                    && (code.contains(&format!("{name}::"))
                        && !code.contains(&format!("_{name}::"))
                        && !code.contains(&format!("crate::{name}::"))
                        || code.starts_with(&format!("use {name};")))
            });
            if used && !homes.iter().any(|home| shown.starts_with(home)) {
                wrong.push(format!("{shown} names {name}, which belongs to {homes:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_stays_readable() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if !text.starts_with("//!") {
            wrong.push(format!("{} does not open with //!", path.display()));
        }
        let lines = text.lines().count();
        if lines > 450 {
            wrong.push(format!(
                "{} has {lines} lines; a file has one job and about 400 lines",
                path.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn room_of(path: &Path) -> String {
    let first = path.components().next().expect("a file below src has a name");
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

fn rooms_named(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for after in line.split("crate::").skip(1) {
            let room: String = after
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            rooms.insert(room);
        }
    }
    rooms
}

/// Path below src/ and text of every Rust file.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src is readable") {
            let path = entry.expect("src is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                found.push((path.strip_prefix(&root).expect("below src").to_owned(), text));
            }
        }
    }
    assert!(
        found.len() > 20,
        "only {} files were found below {}",
        found.len(),
        root.display()
    );
    found
}
