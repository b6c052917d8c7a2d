//! The commands that need hosts, where the lab has none yet, or where the host does not answer.

use serde_json::Value;

use crate::room::Room;
use crate::room::repository;

#[test]
fn plan_names_the_machine_that_would_be_made() {
    let room = Room::with("examples/lab.toml");
    let text = room.run(&["plan"]);
    assert_eq!((text.code, text.err.as_str()), (Some(4), ""), "{text:?}");
    assert_eq!(
        text.out,
        "clinic-lab-core: a machine to be made, then everything on it\n"
    );
    let json = room.run(&["plan", "--format", "json"]);
    let document: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json.code, Some(4), "{json:?}");
    assert_eq!(document["schema"], "anteroom/plan/v1");
    assert_eq!(document["machines"], serde_json::json!(["clinic-lab-core"]));
}

#[test]
fn there_is_nothing_to_audit_or_to_sign_with() {
    let room = Room::with("examples/lab.toml");
    for arguments in [&["audit"][..], &["token", "--host"]] {
        let ran = room.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
        ran.says(&["clinic-lab-core does not exist", "hint: `anteroom apply` makes it"]);
    }
    let accounts = Room::with("examples/lab-internal.toml").run(&["user", "list"]);
    assert_eq!(accounts.code, Some(1), "{accounts:?}");
    accounts.says(&["clinic-lab-accounts-core does not exist"]);
}

#[test]
fn a_guest_s_link_needs_no_host() {
    let room = Room::with("examples/lab.toml");
    let link = room.run(&["token", "--guest"]).data();
    let name = link.trim().strip_prefix("https://telemed.example.com/").unwrap();
    assert!(name.len() >= 20 && !name.contains("jwt"), "{link}");
    assert_ne!(
        link,
        room.run(&["token", "--guest"]).data(),
        "rooms have to be unguessable"
    );
    let json: Value = serde_json::from_str(&room.run(&["token", "--guest", "--format", "json"]).data()).unwrap();
    assert_eq!(json["token"], Value::Null);
}

#[test]
fn destroy_of_what_is_not_there_succeeds() {
    let room = Room::with("examples/lab.toml");
    let ran = room.run(&["destroy", "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out, "there was nothing to remove; looked again: nothing is left\n");
    let json = room.run(&["destroy", "--yes", "--format", "json"]);
    let document: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(document["schema"], "anteroom/destroy/v1");
    assert_eq!(document["left"], serde_json::json!([]));
}

#[test]
fn the_empty_lab_lists_nothing() {
    let room = Room::new();
    assert_eq!(room.run(&["lab", "list"]).data(), "no lab hosts\n");
    let gone = room.run(&["lab", "shell", "nobody"]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
    gone.says(&["there is no lab host nobody", "hint:"]);
}

#[test]
fn a_host_that_does_not_answer_is_named_with_what_to_check() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let spec = std::fs::read_to_string(repository("examples/test-existing.toml")).unwrap();
    let room = Room::new();
    room.write(
        "anteroom.toml",
        &spec.replace("\"10.20.0.15\"", &format!("\"127.0.0.1\"\nport = {port}")),
    );
    let access = "\n[access]\nadmin_cidrs = [\"127.0.0.0/8\"]\n";
    let text = std::fs::read_to_string(room.path().join("anteroom.toml")).unwrap();
    room.write("anteroom.toml", &(text + access));
    for arguments in [
        &["plan"][..],
        &["apply", "--yes"],
        &["destroy", "--yes"],
        &["token", "--host"],
    ] {
        let ran = room.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
        ran.says(&["127.0.0.1", "hint: check the address"]);
    }
}
