//! Wrong usage and invalid specs: exit code 2, the reason on stderr, nothing on stdout, nothing touched.

use std::fs;
use std::net::TcpListener;

use crate::room::Room;
use crate::room::repository;

/// Every command that reads a spec.
const READ_A_SPEC: &[&[&str]] = &[
    &["validate"],
    &["render"],
    &["render", "-o", "tree"],
    &["plan"],
    &["apply", "--yes"],
    &["audit"],
    &["destroy", "--yes"],
    &["user", "add", "dr.okafor"],
    &["user", "list"],
    &["user", "remove", "dr.okafor"],
    &["token", "--host"],
    &["token", "--guest"],
];

/// A room whose spec names a host that would notice a visitor.
fn watched() -> (Room, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let spec = fs::read_to_string(repository("examples/test-existing.toml")).unwrap();
    let here = spec.replace("\"10.20.0.15\"", &format!("\"127.0.0.1\"\nport = {port}"));
    assert_ne!(spec, here);
    let room = Room::new();
    room.write(
        "anteroom.toml",
        &format!("{here}\n[access]\nadmin_cidrs = [\"127.0.0.0/8\"]\n"),
    );
    let valid = room.run(&["validate"]);
    assert_eq!(valid.code, Some(0), "{valid:?}");
    (room, listener)
}

fn refused_untouched(arguments: &[&str], words: &[&str]) {
    let (room, listener) = watched();
    let before = room.contents();
    room.run(arguments).refused(words);
    assert_eq!(room.contents(), before, "{arguments:?} wrote something");
    let visitor = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(visitor, Err(std::io::ErrorKind::WouldBlock), "{arguments:?} connected");
}

#[test]
fn a_domain_that_is_not_secured_is_refused_by_every_command() {
    for command in READ_A_SPEC {
        let arguments = [command, &["--secure-domain=false"][..]].concat();
        refused_untouched(&arguments, &["secure_domain", "164.312(a)(1)", "nothing was touched"]);
    }
}

#[test]
fn unencrypted_service_is_refused_by_every_command() {
    for command in READ_A_SPEC {
        let arguments = [command, &["--require-encryption=false"][..]].concat();
        refused_untouched(&arguments, &["require_encryption", "164.312(e)", "nothing was touched"]);
    }
}

#[test]
fn a_url_in_place_of_a_domain_is_refused_by_every_command() {
    for command in READ_A_SPEC {
        let arguments = [command, &["--domain", "https://telemed.example.com"][..]].concat();
        refused_untouched(&arguments, &["is a URL", "write \"telemed.example.com\""]);
    }
}

#[test]
fn a_missing_spec_is_named_with_the_way_to_write_one() {
    for command in READ_A_SPEC {
        let room = Room::new();
        room.run(command)
            .refused(&["failed to read anteroom.toml: No such file", "hint: `anteroom init"]);
        assert!(room.contents().is_empty());
    }
}

#[test]
fn every_bad_spec_is_refused_with_its_problem() {
    let mut files: Vec<_> = fs::read_dir(repository("tests/fixtures/spec/bad"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    assert!(files.len() > 40, "{}", files.len());
    for file in files {
        let room = Room::new();
        let ran = room.run(&["validate", "--file", file.to_str().unwrap()]);
        ran.refused(&["error[spec/", "nothing was touched"]);
        assert!(!ran.err.contains("error: error"), "{ran:?}");
        assert!(!ran.err.contains('\u{1b}'), "{ran:?}");
    }
}

#[test]
fn a_spec_that_is_a_folder_is_an_error_that_says_so() {
    let room = Room::new();
    fs::create_dir(room.path().join("anteroom.toml")).unwrap();
    room.run(&["validate"])
        .refused(&["failed to read anteroom.toml: Is a directory"]);
}

#[test]
fn an_unknown_verb_or_option_is_wrong_usage() {
    let room = Room::new();
    room.run(&["frobnicate"])
        .refused(&["unrecognized subcommand 'frobnicate'", "--help"]);
    room.run(&["validate", "--frobnicate"])
        .refused(&["unexpected argument '--frobnicate'"]);
    room.run(&[]).refused(&["Usage:"]);
    room.run(&["validate", "--format", "yaml"])
        .refused(&["invalid value 'yaml'"]);
    room.run(&["audit", "--out", "json"])
        .refused(&["is not text=FILE or json=FILE"]);
    room.run(&["probe", "https://telemed.example.com"])
        .refused(&["the domain"]);
}

#[test]
fn tokens_and_accounts_belong_to_their_own_topology() {
    let internal = Room::with("examples/lab-internal.toml");
    internal
        .run(&["token", "--host"])
        .refused(&["security.auth is \"internal\"", "hint: `anteroom user add NAME`"]);
    let token = Room::with("examples/lab.toml");
    for command in [&["user", "list"][..], &["user", "add", "a"], &["user", "remove", "a"]] {
        token
            .run(command)
            .refused(&["security.auth is \"token\"", "hint: `anteroom token --host`"]);
    }
}

#[test]
fn a_token_is_for_a_host_or_a_guest_for_a_time() {
    let room = Room::with("examples/lab.toml");
    room.run(&["token"]).refused(&["--host", "--guest"]);
    room.run(&["token", "--host", "--guest"])
        .refused(&["cannot be used with"]);
    room.run(&["token", "--host", "--ttl", "25h"])
        .refused(&["at most 480m"]);
    room.run(&["token", "--host", "--ttl", "0s"])
        .refused(&["more than nothing"]);
    room.run(&["token", "--guest", "--room", "../x"])
        .refused(&["failed to"]);
}

#[test]
fn hostile_file_names_do_not_steer_a_terminal() {
    let room = Room::new();
    let ran = room.run(&["validate", "--file", "\u{1b}[2Jx\u{9b}31m"]);
    ran.refused(&["\\u001b[2Jx\\u009b31m"]);
    assert!(!ran.err.contains('\u{1b}') && !ran.err.contains('\u{9b}'), "{ran:?}");
}

#[test]
fn a_call_without_a_clinicians_token_is_refused() {
    refused_untouched(&["probe", "telemed.example.com", "--call"], &["--clinician-token-file"]);
}
