//! Hosts of a pipeline: anteroom runs nothing, and reads the file that it left.

use crate::room::Room;

/// What `terraform output -json` of a pipeline left, with this list of hosts.
fn outputs(hosts: &str) -> String {
    format!("{{\"anteroom_hosts\":{{\"sensitive\":false,\"type\":\"dynamic\",\"value\":{hosts}}}}}")
}

/// No program is needed: the path holds none.
fn run(room: &Room, arguments: &[&str]) -> crate::room::Ran {
    room.run_on(env!("CARGO_BIN_EXE_anteroom"), arguments, "/nonexistent")
}

#[test]
fn a_host_that_the_pipeline_made_is_looked_at() {
    let room = Room::new("outputs = \"outputs.json\"");
    room.write(
        "outputs.json",
        &outputs("[{\"name\":\"core\",\"address\":\"127.0.0.1\",\"roles\":[\"core\"]}]"),
    );
    room.edit("roles = [\"core\"]\n", "roles = [\"core\"]\nport = 1\n");
    for arguments in [&["plan"][..], &["destroy", "--yes"]] {
        let ran = run(&room, arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
        ran.says(&["failed to connect to 127.0.0.1:1"]);
    }
}

#[test]
fn a_host_that_the_pipeline_has_not_made_is_the_pipelines_to_make() {
    let room = Room::new("outputs = \"outputs.json\"");
    let unread = run(&room, &["apply", "--yes"]);
    assert_eq!(unread.code, Some(1), "{unread:?}");
    unread.says(&["failed to read", "outputs.json"]);
    room.write("outputs.json", "{}");
    let plan = run(&room, &["plan"]);
    assert_eq!(
        (plan.code, plan.out.as_str()),
        (Some(4), "core: a machine to be made, then everything on it\n"),
        "{plan:?}"
    );
    let apply = run(&room, &["apply", "--yes"]);
    assert_eq!(apply.code, Some(1), "{apply:?}");
    apply.says(&["outputs.json does not name core", "hint: run the pipeline"]);
}

#[test]
fn wrong_outputs_are_refused_with_every_problem() {
    let room = Room::new("outputs = \"outputs.json\"");
    room.write(
        "outputs.json",
        &outputs("[{\"name\":\"core\",\"address\":\"-x\",\"hostkey\":\"y\"}]"),
    );
    let refused = run(&room, &["plan"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{refused:?}");
    refused.says(&[
        "`anteroom_hosts[0].address` is not",
        "has the key \"hostkey\"",
        "hint: docs/terraform.md",
    ]);
}
