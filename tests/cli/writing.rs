//! The commands that write on this computer: `init` and `render`.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::room::PROGRAM;
use crate::room::Ran;
use crate::room::Room;
use crate::room::ran;

#[test]
fn init_without_a_terminal_writes_a_valid_spec_and_asks_nothing() {
    let room = Room::new();
    let ran = room.run(&["init"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    ran.says(&["wrote anteroom.toml", "next: anteroom apply"]);
    assert!(!ran.err.contains('['), "a question was asked: {ran:?}");
    let valid = room.run(&["validate"]).data();
    assert!(valid.contains("clinic (test), telemed.example.com on core"), "{valid}");
}

#[test]
fn init_takes_its_answers_from_arguments() {
    let room = Room::new();
    let ran = room.run(&[
        "init",
        "--domain",
        "visits.example.org",
        "--secure-domain",
        "true",
        "--require-encryption=true",
        "--auth",
        "internal",
        "--name",
        "north",
        "--file",
        "north.toml",
    ]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let valid = room.run(&["validate", "--file", "north.toml"]).data();
    assert!(valid.contains("north (test), visits.example.org"), "{valid}");
    let text = fs::read_to_string(room.path().join("north.toml")).unwrap();
    assert!(text.contains("auth = \"internal\""), "{text}");
}

#[test]
fn init_overwrites_nothing_and_writes_nothing_unsafe() {
    let room = Room::new();
    room.write("anteroom.toml", "mine\n");
    let before = room.contents();
    room.run(&["init"]).refused(&["anteroom.toml exists already", "hint:"]);
    let new = ["--file", "new.toml"];
    for (switch, words) in [
        ("--secure-domain=false", "164.312(a)(1)"),
        ("--require-encryption=false", "164.312(e)(1)"),
        ("--domain=https://x.example", "--domain"),
        ("--name=two words", "--name"),
    ] {
        let arguments = [&["init", switch][..], &new].concat();
        room.run(&arguments).refused(&[words]);
    }
    assert_eq!(room.contents(), before);
    let nowhere = room.run(&["init", "--file", "no/such/folder.toml"]);
    assert_eq!(nowhere.code, Some(1), "{nowhere:?}");
    nowhere.says(&["hint: make the folder first"]);
}

/// Runs `init` on a terminal that `script` (util-linux) makes, with this typed on it.
fn init_on_a_terminal(room: &Room, typed: &str) -> Ran {
    let line = format!("{PROGRAM} init");
    let mut command = room.command("script", &["-qec", &line, "/dev/null"]);
    let mut child = command
        .env("TERM", "dumb")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn init_on_a_terminal_asks_and_says_again_what_cannot_be() {
    let room = Room::new();
    let ran = init_on_a_terminal(&room, "lab\nsouth\nhttps://x.example\nsouth.example.org\ninternal\n");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let valid = room.run(&["validate"]).data();
    assert!(valid.contains("south (test), south.example.org"), "{valid}");
}

#[test]
fn init_on_a_terminal_that_hangs_up_writes_nothing() {
    let room = Room::new();
    let ran = init_on_a_terminal(&room, "lab\n\u{4}");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.out.contains("nothing was written"), "{ran:?}");
    assert!(room.contents().is_empty());
}

#[test]
fn render_writes_the_tree_of_every_host_and_no_secret() {
    let room = Room::with("examples/lab.toml");
    let listed = room.run(&["render"]).data();
    assert!(listed.contains("core  /etc/turnserver.conf  0640"), "{listed}");
    assert_eq!(room.contents().len(), 1, "render without -o wrote something");
    let listed_again = room.run(&["render", "-o", "tree"]).data();
    assert_eq!(listed, listed_again);
    let tree = room.path().join("tree/core/etc");
    let turn = fs::read_to_string(tree.join("turnserver.conf")).unwrap();
    assert!(turn.contains("<secret:turn>"), "{turn}");
    assert!(tree.join("nginx/sites-enabled/telemed.example.com.conf").is_symlink());
    let before = room.contents();
    room.run(&["render", "-o", "tree"])
        .refused(&["tree is not empty", "hint:"]);
    room.run(&["render", "-o", "anteroom.toml"]);
    assert_eq!(room.contents(), before);
}

#[test]
fn render_into_something_that_is_no_folder_is_an_error() {
    let room = Room::with("examples/lab.toml");
    let ran = room.run(&["render", "-o", "anteroom.toml"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    ran.says(&["failed to write anteroom.toml"]);
}

#[test]
fn render_for_programs_is_one_document() {
    let room = Room::with("examples/lab.toml");
    let document: serde_json::Value = serde_json::from_str(&room.run(&["render", "--format", "json"]).data()).unwrap();
    assert_eq!(document["schema"], "anteroom/render/v1");
    let entries = document["entries"].as_array().unwrap();
    assert!(
        entries.iter().any(|entry| entry["path"] == "/etc/turnserver.conf"),
        "{document}"
    );
}

#[test]
fn validate_speaks_to_programs_and_the_domain_of_the_command_line_counts() {
    let room = Room::with("examples/lab.toml");
    let line = room
        .run(&["validate", "--format", "json", "--domain", "other.example.com"])
        .data();
    let document: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&document["valid"], &document["domain"]),
        (&true.into(), &"other.example.com".into())
    );
    let switches = [
        "--secure-domain=true",
        "--require-encryption=true",
        "--domain=telemed.example.com",
    ];
    room.run(&[&["validate"][..], &switches].concat()).data();
    room.run(&["validate", "--secure-domain", "--require-encryption"])
        .data();
}

#[test]
fn quiet_says_nothing_but_errors() {
    let room = Room::new();
    let quiet = room.run(&["--quiet", "init"]);
    assert_eq!((quiet.code, quiet.err.as_str()), (Some(0), ""), "{quiet:?}");
    room.run(&["--quiet", "init"]).refused(&["exists already"]);
    room.run(&["--quiet", "--verbose", "validate"])
        .refused(&["cannot be used with"]);
}

#[test]
fn a_reader_that_hangs_up_is_no_error() {
    let room = Room::new();
    let line = format!("{PROGRAM} catalog controls | head -n 1");
    let piped = ran(&mut room.command("bash", &["-o", "pipefail", "-c", &line]));
    assert_eq!(piped.out.lines().count(), 1, "{piped:?}");
    assert_eq!((piped.code, piped.err.as_str()), (Some(0), ""), "{piped:?}");
}
