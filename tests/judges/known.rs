//! The lists of keys under tests/fixtures/known-keys: what the upstream version really knows, with source and date.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The keys of one or more lists.
#[derive(Debug, Default)]
pub(crate) struct Known(BTreeSet<String>);

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/known-keys")
        .join(format!("{name}.txt"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Known {
    /// The keys of these lists together.
    pub(crate) fn of(lists: &[&str]) -> Self {
        let keys = lists.iter().flat_map(|name| {
            let text = read(name);
            let keys: Vec<String> = text
                .lines()
                .filter(|line| !line.starts_with('#'))
                .map(str::to_owned)
                .collect();
            keys
        });
        Self(keys.collect())
    }

    /// Adds a key that no list has, since it is read by a file of ours.
    pub(crate) fn add(&mut self, key: String) {
        self.0.insert(key);
    }

    /// Whether this very word is in the list.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.contains(key)
    }

    /// Whether this word is in the list, whatever its case.
    pub(crate) fn has_in_any_case(&self, key: &str) -> bool {
        self.0.iter().any(|known| known.eq_ignore_ascii_case(key))
    }

    /// Whether a path of keys is known: as it stands, with free names (`*`), or as a part of a value that the list knows
    /// as a whole.
    pub(crate) fn has_path(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('.').collect();
        self.0.iter().any(|known| {
            let known_parts: Vec<&str> = known.split('.').collect();
            let begins = known_parts.len() <= parts.len()
                && known_parts.iter().zip(&parts).all(|(known, part)| covers(known, part));
            begins && (known_parts.len() == parts.len() || !self.goes_on(known))
        })
    }

    /// Whether the list names keys below this one.
    fn goes_on(&self, key: &str) -> bool {
        self.0.iter().any(|other| {
            let rest = other.strip_prefix(key);
            rest.is_some_and(|rest| rest.starts_with('.') || rest.starts_with("[]"))
        })
    }
}

/// Whether a part of a known key stands for a part of a path.
fn covers(known: &str, part: &str) -> bool {
    known == part || known == "*"
}

#[test]
fn every_list_says_where_and_when_its_keys_are_from() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/known-keys");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for part in ["# source: ", "# extracted: 20"] {
            assert!(
                text.lines().any(|line| line.starts_with(part)),
                "{}: {part}",
                path.display()
            );
        }
        let keys: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(keys.len() > 3, "{}", path.display());
        assert!(keys.is_sorted(), "{}", path.display());
        assert!(
            keys.iter().all(|key| !key.contains(char::is_whitespace)),
            "{}",
            path.display()
        );
        seen += 1;
    }
    assert!(seen > 10);
}

#[test]
fn a_path_is_known_as_it_stands_by_free_names_and_as_part_of_a_known_whole() {
    let mut known = Known::default();
    for key in ["a.b", "limits.*.rate", "list[].to", "list", "whole"] {
        known.add(key.to_owned());
    }
    for path in ["a.b", "limits.c2s.rate", "list[].to", "whole.deep.er", "whole"] {
        assert!(known.has_path(path), "{path}");
    }
    for path in [
        "a",
        "a.c",
        "limits.c2s.rates",
        "limits.rate",
        "list[].too",
        "wholes",
        "list.to",
    ] {
        assert!(!known.has_path(path), "{path}");
    }
}
