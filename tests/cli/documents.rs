//! What needs no host: help, schemas, the catalog, completions, the manual page.

use serde_json::Value;

use crate::room::PROGRAM;
use crate::room::Room;
use crate::room::ran;
use crate::room::repository;
use crate::room::verbs;

#[test]
fn the_help_of_every_verb_has_examples() {
    let room = Room::new();
    for verb in verbs() {
        let help = room.run(&[&verb, "--help"]).data();
        assert!(help.contains("Example"), "{verb}: {help}");
        assert!(help.contains(&format!("  anteroom {verb}")), "{verb}: {help}");
    }
    assert!(room.run(&["--help"]).data().contains("Exit codes: 0 done"));
}

#[test]
fn the_version_is_the_package_s() {
    let version = Room::new().run(&["--version"]).data();
    assert_eq!(version.trim(), concat!("anteroom ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_schemas_are_schemas_and_the_spec_s_is_the_default() {
    let room = Room::new();
    let schema = |arguments: &[&str]| -> Value {
        let schema = serde_json::from_str(&room.run(arguments).data()).unwrap();
        jsonschema::validator_for(&schema).unwrap();
        schema
    };
    let spec = schema(&["schema"]);
    assert_eq!(spec, schema(&["schema", "spec"]));
    assert!(spec["properties"]["deployment"].is_object(), "{spec}");
    assert_eq!(schema(&["schema", "report"])["title"], "anteroom/report/v1");
    room.run(&["schema", "plan"]).refused(&["invalid value 'plan'"]);
}

#[test]
fn the_catalog_lists_every_control_in_text_and_json() {
    let room = Room::new();
    let text = room.run(&["catalog", "controls"]).data();
    let json: Value = serde_json::from_str(&room.run(&["catalog", "controls", "--format", "json"]).data()).unwrap();
    let controls = json.as_array().unwrap();
    assert_eq!(controls.len(), anteroom::catalog::controls().len());
    for control in controls {
        let id = control["id"].as_str().unwrap();
        assert!(text.contains(id), "{id}");
        assert!(!control["citations"].as_array().unwrap().is_empty());
    }
    let one = room.run(&["catalog", "controls", "access/brewery-closed"]).data();
    assert!(one.contains("when it fails:") && one.lines().count() == 4, "{one}");
    room.run(&["catalog", "controls", "access/nothing"])
        .refused(&["there is no control \"access/nothing\"", "hint:"]);
}

#[test]
fn every_shell_has_its_completions_and_the_manual_names_every_verb() {
    let room = Room::new();
    for (shell, mark) in [
        ("bash", "_anteroom()"),
        ("zsh", "#compdef anteroom"),
        ("fish", "complete -c anteroom"),
    ] {
        let script = room.run(&["completions", shell]).data();
        assert!(script.contains(mark), "{shell}");
        assert!(verbs().iter().all(|verb| script.contains(verb)), "{shell}");
    }
    let page = room.run(&["man"]).data();
    assert!(page.contains(".TH anteroom"), "{page}");
    for verb in verbs() {
        assert!(page.contains(&format!("anteroom\\-{verb}")), "{verb}: {page}");
    }
}

#[test]
fn the_bash_completions_are_a_program_that_bash_accepts() {
    let room = Room::new();
    room.write("anteroom.bash", &room.run(&["completions", "bash"]).data());
    let checked = ran(&mut room.command("bash", &["-n", "anteroom.bash"]));
    assert_eq!(checked.data(), "");
}

#[test]
fn nothing_that_is_piped_has_colours() {
    let room = Room::with("examples/lab.toml");
    for arguments in [
        &["--help"][..],
        &["catalog", "controls"],
        &["validate"],
        &["plan"],
        &["validate", "--secure-domain=false"],
        &["frobnicate"],
    ] {
        let piped = room.run(arguments);
        assert!(
            !piped.out.contains('\u{1b}') && !piped.err.contains('\u{1b}'),
            "{piped:?}"
        );
    }
}

/// util-linux's `script` gives the program a terminal.
#[test]
fn a_terminal_has_colours_unless_no_color_is_set() {
    let room = Room::with("examples/lab.toml");
    let bad = format!("{PROGRAM} validate --secure-domain=false");
    let on_a_terminal = |colour: Option<&str>| {
        let mut command = room.command("script", &["-qec", &bad, "/dev/null"]);
        command.env("TERM", "xterm-256color");
        if let Some(value) = colour {
            command.env("NO_COLOR", value);
        }
        ran(&mut command)
    };
    let coloured = on_a_terminal(None);
    assert_eq!(coloured.code, Some(2), "{coloured:?}");
    assert!(coloured.out.contains("\u{1b}["), "{coloured:?}");
    let plain = on_a_terminal(Some("1"));
    assert_eq!(plain.code, Some(2), "{plain:?}");
    assert!(
        plain.out.contains("secure_domain") && !plain.out.contains("\u{1b}["),
        "{plain:?}"
    );
}

#[test]
fn every_example_is_valid_or_misses_only_the_clinic_s_own_files() {
    for entry in std::fs::read_dir(repository("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let ran = Room::new().run(&["validate", "--file", path.to_str().unwrap()]);
        let missing = ran.err.contains("fullchain.pem") || ran.err.contains("privkey.pem");
        assert!(ran.code == Some(0) || missing, "{}: {ran:?}", path.display());
    }
}
