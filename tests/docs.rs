//! README and docs against the program: a command, exit code or example that only one of them knows is a mistake.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail loudly")]

#[path = "deploy/rows.rs"]
#[expect(dead_code, reason = "what only a run on hosts needs")]
mod rows;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_anteroom"))
        .args(arguments)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(repository(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{folder}");
    found
}

/// The README and everything in docs/.
fn prose() -> String {
    let mut pages = files("docs", "md");
    pages.push(repository("README.md"));
    pages.iter().filter_map(|page| fs::read_to_string(page).ok()).collect()
}

#[test]
fn every_command_is_named_in_the_readme_or_the_docs() {
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    let help = help(&["--help"]);
    let commands = help.split("Commands:\n").nth(1).unwrap();
    let lines = commands.lines().take_while(|line| !line.is_empty());
    let verbs: Vec<&str> = lines
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .collect();
    assert!(verbs.len() > 10, "{help}");
    let prose = prose();
    let unnamed: Vec<&&str> = verbs
        .iter()
        .filter(|verb| !prose.contains(&format!("anteroom {verb}")) && !readme.contains(&format!("`{verb}`")))
        .collect();
    assert!(unnamed.is_empty(), "neither README nor docs name {unnamed:?}");
}

#[test]
fn every_example_is_listed_in_the_readme() {
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    for example in files("examples", "toml") {
        let name = format!("examples/{}", example.file_name().unwrap().to_str().unwrap());
        assert!(readme.contains(&name), "the README does not list {name}");
    }
}

/// The codes that the commands' source names: constants and the kinds of errors.
fn codes_in_source() -> BTreeMap<u8, String> {
    let mut codes = BTreeMap::from([(0, "done".to_owned())]);
    for file in files("src/commands", "rs") {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (number, line) in lines.iter().enumerate() {
            let constant = line.strip_prefix("const ").filter(|rest| rest.contains(": u8 = "));
            let kind = line.strip_prefix("Self::").filter(|rest| rest.contains(" => "));
            let is_code = constant.is_some() && lines[number - 1].starts_with("/// Exit code")
                || kind.is_some() && file.ends_with("error.rs");
            let value = line
                .trim_end_matches([';', ','])
                .rsplit(' ')
                .next()
                .and_then(|value| value.parse().ok());
            if let (true, Some(code)) = (is_code, value) {
                codes.insert(code, format!("{}: {line}", file.display()));
            }
        }
    }
    codes
}

#[test]
fn the_exit_codes_of_the_docs_the_help_and_the_source_are_the_same() {
    let page = fs::read_to_string(repository("docs/exit-codes.md")).unwrap();
    let documented: BTreeSet<u8> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    let source = codes_in_source();
    assert_eq!(documented, source.keys().copied().collect(), "{source:#?}");
    let help = help(&["--help"]);
    let line = help.split("Exit codes: ").nth(1).unwrap().replace('\n', " ");
    let told: BTreeSet<u8> = line
        .split(", ")
        .filter_map(|part| part.trim().split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(documented, told, "{line}");
}

#[test]
fn every_link_to_a_file_of_the_repository_leads_somewhere() {
    let mut pages = files("docs", "md");
    pages.extend(files("docs/decisions", "md"));
    pages.push(repository("README.md"));
    for page in pages {
        let Ok(text) = fs::read_to_string(&page) else { continue };
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
                continue;
            }
            let place = page.parent().unwrap().join(file);
            assert!(
                place.exists(),
                "{} links to {target}, which is not there",
                page.display()
            );
        }
    }
}

#[test]
fn no_page_claims_compliance() {
    let claim = ["HIPAA", "compliant"].join(" ").to_lowercase();
    let prose = prose().to_lowercase();
    assert!(!prose.contains(&claim));
    for file in files("src/report", "rs") {
        assert!(
            !fs::read_to_string(&file).unwrap().to_lowercase().contains(&claim),
            "{}",
            file.display()
        );
    }
}

/// Without a lab: that each row is caught is what `script/sabotage` shows.
#[test]
fn every_control_has_a_sabotage_or_a_reason_for_having_none() {
    let known = anteroom::catalog::controls().iter().map(|control| control.id.as_str());
    let problems = rows::Sabotage::read().problems(&known.collect());
    assert!(problems.is_empty(), "{problems:#?}");
}
