//! From a path or bytes to a `Spec`, or to every problem at once. The only place of this module that touches a disk.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use jiff::civil::Date;
use toml::de::DeTable;

use crate::digest;
use crate::spec::docket::Docket;
use crate::spec::files::Files;
use crate::spec::model::Source;
use crate::spec::model::Spec;
use crate::spec::problem::Place;
use crate::spec::problem::Problem;
use crate::spec::problem::Problems;
use crate::spec::raw::RawSpec;
use crate::spec::reader::Table;
use crate::spec::rules;
use crate::spec::rules::Bench;
use crate::spec::switches::Switches;

/// Why there is no `Spec`. Fragments that fit "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("read {}", path.display())]
    Read {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file was read and is wrong.
    #[error("accept the spec: {} found", .0.count())]
    Invalid(Problems),
}

/// Reads and judges the spec at `path`. `today` decides what has expired.
///
/// # Errors
/// Where the file cannot be read, or with every problem of the spec.
pub fn load(path: &Path, switches: &Switches, today: Date) -> Result<Spec, LoadError> {
    let bytes = std::fs::read(path).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })?;
    let home = std::env::home_dir();
    let files = Files {
        folder: path.parent().unwrap_or(Path::new("")),
        home: home.as_deref(),
        read: &|path| std::fs::read(path),
    };
    parse(path, &bytes, switches, today, &files).map_err(LoadError::Invalid)
}

/// Judges a spec's bytes. Reads nothing but through `files`.
///
/// # Errors
/// With every problem of the spec.
pub fn parse(path: &Path, bytes: &[u8], switches: &Switches, today: Date, files: &Files<'_>) -> Result<Spec, Problems> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(not_utf8(path, bytes, error.valid_up_to())),
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What the parser could not read cannot be judged; whatever else would be said might be wrong.
        return Err(Problems::new(path.to_owned(), text.to_owned(), syntax(&errors)));
    }
    let mut docket = Docket::default();
    let mut raw = RawSpec::from_table(&Table::document(document.get_ref()), &mut docket);
    switches.apply(&mut raw);
    let source = Source {
        path: path.to_owned(),
        sha256: digest::sha256(bytes),
    };
    let mut bench = Bench {
        docket,
        today,
        switches,
        files,
    };
    match rules::judge(&raw, source, &mut bench) {
        Ok(spec) if bench.docket.is_empty() => Ok(spec),
        // A refusal is proof of a problem, so the list is never empty here.
        _ => Err(Problems::new(
            path.to_owned(),
            text.to_owned(),
            bench.docket.into_problems(),
        )),
    }
}

fn not_utf8(path: &Path, bytes: &[u8], at: usize) -> Problems {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let message = format!("not TOML: byte {} is not UTF-8 text", at + 1);
    let problem = Problem::new("spec/not-toml", Place::Span(at, at + 1), message);
    let problem = problem.help("save the file as UTF-8 text; `anteroom init` writes one to begin with");
    Problems::new(path.to_owned(), text, vec![problem])
}

/// One problem a mistake; the parser's follow-up errors inside the same line are dropped.
fn syntax(errors: &[toml::de::Error]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for error in errors {
        let place = error.span().map_or(Place::File, Place::from);
        let problem = Problem::new("spec/not-toml", place, format!("not TOML: {}", error.message()));
        if !problems.iter().any(|seen| seen.place == problem.place) {
            problems.push(problem.help("TOML has one `key = value` a line, text in quotes, and sections as `[name]`"));
        }
    }
    problems
}
