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
    assert_eq!(json["schema"], "anteroom/controls/v1");
    let controls = json["controls"].as_array().unwrap();
    assert_eq!(controls.len(), anteroom::catalog::controls().len());
    for control in controls {
        let id = control["id"].as_str().unwrap();
        assert!(text.contains(id), "{id}");
        assert!(!control["citations"].as_array().unwrap().is_empty());
    }
    let one = room.run(&["catalog", "controls", "access/brewery-closed"]).data();
    for part in ["cites", "why it matters:", "what is kept:", "when it fails:"] {
        assert!(one.contains(part), "{part} is not in {one}");
    }
    assert!(!one.contains("to attest it:") && one.lines().count() == 6, "{one}");
    let document = room
        .run(&["catalog", "controls", "administrative/risk-analysis"])
        .data();
    assert!(document.contains("to attest it: [[attestation]]"), "{document}");
    room.run(&["catalog", "controls", "access/nothing"])
        .refused(&["there is no control \"access/nothing\"", "hint:"]);
}

#[test]
fn the_catalog_lists_every_safeguard_in_text_json_and_as_a_page() {
    let room = Room::new();
    let text = room.run(&["catalog", "safeguards"]).data();
    let json: Value = serde_json::from_str(&room.run(&["catalog", "safeguards", "--format", "json"]).data()).unwrap();
    assert_eq!(json["schema"], "anteroom/safeguards/v1");
    let rows = json["safeguards"].as_array().unwrap();
    assert!(rows.len() > 60, "{}", rows.len());
    for row in rows {
        assert!(text.contains(row["cite"].as_str().unwrap()), "{row}");
    }
    let page = room.run(&["catalog", "safeguards", "--markdown"]).data();
    assert_eq!(page, std::fs::read_to_string(repository("docs/safeguards.md")).unwrap());
}

#[test]
fn a_platform_that_must_not_be_used_ends_with_5_and_an_unknown_one_with_2() {
    let room = Room::new();
    for (name, code, says) in [
        ("FaceTime", 5, "must not be used"),
        ("facebook live", 5, "public-facing"),
        ("skype", 5, "no longer offered"),
        ("meet.jit.si", 5, "must not be used"),
        ("zoom", 5, "must not be used"),
        ("Zoom for Healthcare", 0, "only after an agreement is signed"),
        ("teams", 0, "only after an agreement is signed"),
        ("jaas", 0, "not confirmed"),
        ("self-hosted jitsi", 0, "anteroom audit"),
    ] {
        let ran = room.run(&["catalog", "platforms", name]);
        assert_eq!(ran.code, Some(code), "{name}: {ran:?}");
        assert!(
            ran.out.contains(says) && ran.out.contains("as of 20"),
            "{name}: {ran:?}"
        );
    }
    let misspelt = room.run(&["catalog", "platforms", "facetiem"]);
    assert_eq!(misspelt.code, Some(5));
    assert!(
        misspelt.err.contains("\"facetiem\" is taken for Apple FaceTime"),
        "{misspelt:?}"
    );
    room.run(&["catalog", "platforms", "zoom free"])
        .refused(&["nothing is known of a platform \"zoom free\"", "did you mean Zoom"]);
    room.run(&["catalog", "platforms", "jitsi"]).refused(&["did you mean"]);
    room.run(&["catalog", "platforms", "frobnicate"])
        .refused(&["nothing is known", "needs a signed agreement"]);
    let all = room.run(&["catalog", "platforms", "--format", "json"]);
    let all: Value = serde_json::from_str(&all.out).unwrap();
    assert_eq!(all["schema"], "anteroom/platforms/v1");
    assert_eq!(all["platforms"].as_array().unwrap().len(), 21);
}

#[test]
fn the_clouds_say_who_signs_and_what_proves_it() {
    let room = Room::new();
    let text = room.run(&["catalog", "clouds"]).out;
    for name in ["Amazon Web Services", "Microsoft Azure", "Google Cloud", "Anyone else"] {
        assert!(text.contains(name), "{name}");
    }
    let json: Value = serde_json::from_str(&room.run(&["catalog", "clouds", "aws", "--format", "json"]).out).unwrap();
    assert_eq!(
        (&json["schema"], &json["clouds"][0]["proof"]),
        (&"anteroom/clouds/v1".into(), &"api".into())
    );
    room.run(&["catalog", "clouds", "somewhere"])
        .refused(&["nothing is known of a cloud"]);
}

#[test]
fn the_permissions_in_aws_are_a_table_and_a_policy_for_each_command() {
    let room = Room::new();
    let text = room.run(&["catalog", "iam"]).data();
    assert!(
        text.contains("ec2:RunInstances") && text.contains("and with it ec2:CreateTags, kms:CreateGrant"),
        "{text}"
    );
    for command in ["plan", "audit", "apply", "destroy", "reap"] {
        let policy: Value = serde_json::from_str(&room.run(&["catalog", "iam", command]).data()).unwrap();
        assert_eq!(policy["Version"], "2012-10-17", "{command}");
        let json: Value =
            serde_json::from_str(&room.run(&["catalog", "iam", command, "--format", "json"]).data()).unwrap();
        assert_eq!((&json["schema"], &json["policy"]), (&"anteroom/iam/v1".into(), &policy));
    }
    room.run(&["catalog", "iam", "probe"])
        .refused(&["invalid value 'probe'"]);
    room.run(&["catalog", "iam", "apply", "--deployment", "*"])
        .refused(&["characters that no such name has"]);
    let help = room.run(&["catalog", "iam", "--help"]).data();
    assert!(
        help.contains("anteroom catalog iam apply --deployment clinic-east"),
        "{help}"
    );
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
