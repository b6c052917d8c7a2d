//! Golden trees under tests/golden. `UPDATE_GOLDEN=1 cargo test --test render` writes them anew.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anteroom::render::Entry;
use anteroom::render::FileContent;
use anteroom::render::Wanted;
use anteroom::render::render;

use crate::specs;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The files of a golden tree: one for each rendered file, `INDEX` for owners, modes and links, `WANTED` for the rest.
fn golden(wanted: &Wanted) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut index = String::new();
    for (path, entry) in &wanted.tree {
        let line = match entry {
            Entry::File(file) => {
                let note = match &file.content {
                    FileContent::Text(text) => {
                        files.insert(path.as_str().trim_start_matches('/').to_owned(), text.clone());
                        ""
                    }
                    FileContent::Hidden(_) => " hidden",
                };
                let kind = if file.hardening { " hardening" } else { "" };
                let access = &file.access;
                format!(
                    "file {:04o} {}:{} {path}{kind}{note}",
                    access.mode, access.owner, access.group
                )
            }
            Entry::Dir(access) => format!("dir  {:04o} {}:{} {path}", access.mode, access.owner, access.group),
            Entry::Link { target } => format!("link {path} -> {target}"),
        };
        writeln!(index, "{line}").unwrap();
    }
    files.insert("INDEX".to_owned(), index);
    let rest = Wanted {
        tree: BTreeMap::new(),
        // Every one stands in a file, which a rule checks.
        settings: Vec::new(),
        ..wanted.clone()
    };
    files.insert("WANTED".to_owned(), format!("{rest:#?}\n"));
    files
}

fn read(dir: &Path, below: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, below, files);
        } else {
            let name = path.strip_prefix(below).unwrap().to_str().unwrap().to_owned();
            files.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_case_renders_to_its_golden_tree() {
    for (name, spec) in specs::cases() {
        let wanted = render(&spec, &spec.hosts[0]).unwrap();
        let rendered = golden(&wanted);
        let dir = root().join(&name);
        if env::var_os("UPDATE_GOLDEN").is_some() {
            let _ = fs::remove_dir_all(&dir);
            for (file, text) in &rendered {
                let path = dir.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
        let mut kept = BTreeMap::new();
        read(&dir, &dir, &mut kept);
        for (file, text) in &rendered {
            let old = kept.remove(file);
            assert_eq!(
                old.as_deref(),
                Some(text.as_str()),
                "{name}: {file} is not the golden one"
            );
        }
        assert!(kept.is_empty(), "{name}: no longer rendered: {:?}", kept.keys());
    }
}
