//! Every fixture under bad/ is refused, and its report is the golden one. `UPDATE_GOLDEN=1` writes them anew.

use std::collections::BTreeSet;
use std::path::Path;

use anteroom::spec::Colour;
use anteroom::spec::LoadError;
use anteroom::spec::Switches;
use anteroom::spec::load;

use super::support::TODAY;
use super::support::folder;
use super::support::good_files;
use super::support::judge;

#[test]
fn every_bad_spec_is_refused_with_all_its_problems() {
    let files = good_files();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder("tests/fixtures/spec/bad")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        seen += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let report = match judge(&text, &Switches::default(), &files) {
            Ok(_) => "accepted".to_owned(),
            Err(problems) => problems.render(Colour::Plain),
        };
        let golden = path.with_extension("txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &report).unwrap();
        }
        if report == "accepted" || std::fs::read_to_string(&golden).ok().as_ref() != Some(&report) {
            wrong.push(format!("{}:\n{report}", path.display()));
        }
    }
    assert!(seen > 50, "only {seen} fixtures were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_problem_says_how_to_mend_it_and_rows_agree_with_the_text() {
    let files = good_files();
    for entry in std::fs::read_dir(folder("tests/fixtures/spec/bad")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let problems = judge(&text, &Switches::default(), &files).unwrap_err();
        let rendered = problems.render(Colour::Plain);
        for row in problems.rows() {
            assert!(row.help.is_some(), "{}: {row:?}", path.display());
            let place = match (row.line, row.column) {
                (Some(line), Some(column)) => format!("anteroom.toml:{line}:{column}"),
                _ => "anteroom.toml".to_owned(),
            };
            assert!(
                rendered.contains(&place),
                "{}: {place} is not in\n{rendered}",
                path.display()
            );
            assert!(rendered.contains(&format!("error[{}]", row.code)));
        }
    }
}

#[test]
fn a_type_error_does_not_hide_the_problems_of_other_keys() {
    let text = std::fs::read_to_string(folder("tests/fixtures/spec/bad/everything-at-once.toml")).unwrap();
    let problems = judge(&text, &Switches::default(), &good_files()).unwrap_err();
    let codes: BTreeSet<&str> = problems.list().iter().map(|problem| problem.code).collect();
    for code in [
        "spec/unknown-key",
        "spec/unusable-value",
        "spec/ttl-in-production",
        "spec/baa-missing",
        "spec/lab-in-production",
        "spec/secure-domain-off",
        "spec/encryption-off",
        "spec/certificate-in-production",
        "spec/admin-network-too-wide",
        "spec/unknown-control",
        "spec/missing-key",
    ] {
        assert!(codes.contains(code), "{code} is missing in {codes:?}");
    }
}

#[test]
fn a_missing_file_is_an_error_of_its_own() {
    let path = Path::new("/nonexistent/anteroom.toml");
    let error = load(path, &Switches::default(), TODAY).unwrap_err();
    assert!(matches!(&error, LoadError::Read { .. }));
    assert_eq!(error.to_string(), "read /nonexistent/anteroom.toml");
}

#[test]
fn bytes_that_are_not_text_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anteroom.toml");
    std::fs::write(&path, b"[deployment]\nname = \"\xff\xfe\"\n").unwrap();
    let Err(LoadError::Invalid(problems)) = load(&path, &Switches::default(), TODAY) else {
        panic!("accepted");
    };
    let row = &problems.rows()[0];
    assert_eq!((row.code, row.line, row.column), ("spec/not-toml", Some(2), Some(9)));
}

#[test]
fn switches_that_turn_protection_off_are_refused_with_the_law() {
    let text = std::fs::read_to_string(folder("examples/lab.toml")).unwrap();
    let switches = Switches {
        domain: Some("https://x.example.com".to_owned()),
        secure_domain: Some(false),
        require_encryption: Some(false),
    };
    let problems = judge(&text, &switches, &good_files()).unwrap_err();
    let rows = problems.rows();
    let flags: Vec<_> = rows
        .iter()
        .map(|row| (row.flag.unwrap(), row.citation.as_deref()))
        .collect();
    assert_eq!(
        flags,
        [
            ("--domain", None),
            (
                "--require-encryption=false",
                Some("45 CFR 164.312(e)(1), 164.312(e)(2)(ii)")
            ),
            ("--secure-domain=false", Some("45 CFR 164.312(a)(1), 164.312(d)")),
        ]
    );
    assert!(problems.render(Colour::Plain).contains("on the command line"));
}

#[test]
fn no_damage_to_a_file_makes_the_reader_panic() {
    let text = std::fs::read_to_string(folder("examples/existing-token.toml")).unwrap();
    let text = format!("\u{feff}{text}# \u{e9}\u{202e}");
    let files = good_files();
    let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    for (index, at) in boundaries.iter().enumerate().step_by(3) {
        let cut = text[..*at].to_owned();
        let hole = format!("{}{}", &text[..*at], &text[*boundaries.get(index + 1).unwrap_or(at)..]);
        let quote = format!("{}\"{}", &text[..*at], &text[*at..]);
        for damaged in [cut, hole, quote] {
            if let Err(problems) = judge(&damaged, &Switches::default(), &files) {
                assert!(!problems.list().is_empty());
                assert!(!problems.render(Colour::Ansi).is_empty());
                assert_eq!(problems.rows().len(), problems.list().len());
            }
        }
    }
}

#[test]
fn a_switch_does_not_cover_up_what_the_file_turns_off() {
    let text = std::fs::read_to_string(folder("tests/fixtures/spec/bad/secure-domain-off.toml")).unwrap();
    let switches = Switches {
        secure_domain: Some(true),
        ..Switches::default()
    };
    let problems = judge(&text, &switches, &good_files()).unwrap_err();
    assert_eq!(problems.rows()[0].line, Some(11));
}

#[test]
fn no_text_of_a_spec_reaches_the_terminal_unescaped() {
    let lab = std::fs::read_to_string(folder("examples/lab.toml")).unwrap();
    for hostile in [
        "\n[packages.versions]\n\"a\\u001b[2J\" = 1\n",
        "\n[packages.versions]\n\"a\\u001b[2J\" = \"1\"\n",
        "\n[access]\n\"admin\\u001b]0;x\" = 1\n",
        "\n[access]\nadmin_cidrs = [\"\\u001b[2J\"]\n",
        "\n[access]\nadmin_cidrs = [\"x\\u009b2J\"]\n",
    ] {
        let problems = judge(&format!("{lab}{hostile}"), &Switches::default(), &good_files()).unwrap_err();
        let report = problems.render(Colour::Plain);
        let control = report.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(control, None, "{report:?}");
    }
}
