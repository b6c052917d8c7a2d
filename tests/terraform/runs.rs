//! `plan`, `apply` and `destroy` with the real `terraform`, on a root module that needs no provider. What follows on a host
//! is not reached: nobody speaks SSH there.

use std::fs;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;

use crate::room::Room;
use crate::room::port_that_hangs_up;
use crate::room::terraform_is_here;

/// What the state holds.
fn state(room: &Room) -> Vec<String> {
    let listed = room.terraform(&["state", "list"]);
    listed.out.lines().map(str::to_owned).collect()
}

/// Everything that the double of a cloud makes.
const MADE: [&str; 3] = [
    "terraform_data.host[\"core\"]",
    "terraform_data.network",
    "module.shape.terraform_data.created",
];

#[test]
fn plan_shows_what_would_be_made_and_makes_nothing() {
    if !terraform_is_here() {
        return;
    }
    let room = Room::with_cloud("", 22);
    let text = room.run(&["plan"]);
    assert_eq!(text.code, Some(4), "{text:?}");
    for address in MADE {
        assert!(text.out.contains(&format!("+ {address}: create\n")), "{text:?}");
    }
    assert!(
        text.out.contains("core: a machine to be made, then everything on it\n"),
        "{text:?}"
    );
    let json = room.run(&["plan", "--format", "json"]);
    let document: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (json.code, document["infrastructure"].as_array().unwrap().len()),
        (Some(4), 3)
    );
    assert_eq!(document["machines"], serde_json::json!(["core"]));
    assert_eq!(state(&room), [""; 0]);
    let left: Vec<_> = fs::read_dir(room.path().join("tmp")).unwrap().collect();
    assert!(left.is_empty(), "saved plans were left: {left:?}");
}

#[test]
fn apply_makes_the_machine_once_and_destroy_leaves_nothing() {
    if !terraform_is_here() {
        return;
    }
    let room = Room::with_cloud("", port_that_hangs_up());
    let first = room.run(&["apply", "--yes"]);
    assert_eq!((first.code, first.out.as_str()), (Some(1), ""), "{first:?}");
    first.says(&[
        "+ terraform_data.host[\"core\"]: create",
        "terraform: create terraform_data.host[\"core\"]: done after 0 s",
        "waiting for core to boot",
        "127.0.0.1",
    ]);
    let made = state(&room);
    assert_eq!(made.len(), 3, "{made:?}");
    let second = room.run(&["apply", "--yes"]);
    assert!(
        !second.err.contains(": create") && !second.err.contains("waiting for core"),
        "{second:?}"
    );
    assert_eq!(state(&room), made);
    let gone = room.run(&["destroy", "--yes"]);
    assert_eq!(gone.code, Some(0), "{gone:?}");
    assert!(gone.out.contains("removed; looked again: nothing is left"), "{gone:?}");
    gone.says(&["- terraform_data.host[\"core\"]: remove"]);
    assert_eq!(state(&room), [""; 0]);
    let again = room.run(&["destroy", "--yes"]);
    assert_eq!(
        (again.code, again.out.as_str()),
        (Some(0), "there was nothing to remove; looked again: nothing is left\n")
    );
}

#[test]
fn nothing_is_made_or_removed_unasked() {
    if !terraform_is_here() {
        return;
    }
    let room = Room::with_cloud("", port_that_hangs_up());
    let unasked = room.run(&["apply"]);
    assert_eq!(unasked.code, Some(2), "{unasked:?}");
    unasked.says(&["no terminal to ask on; nothing was changed"]);
    assert_eq!(state(&room), [""; 0]);
    room.run(&["apply", "--yes"]);
    let unasked = room.run(&["destroy"]);
    assert_eq!(unasked.code, Some(2), "{unasked:?}");
    assert_eq!(state(&room).len(), 3);
}

#[test]
fn a_run_that_fails_says_why_and_the_next_one_goes_on() {
    if !terraform_is_here() {
        return;
    }
    let room = Room::with_cloud("vars = { capacity = \"false\" }", port_that_hangs_up());
    // The precondition is known when planning; a failure in the middle needs a value that is not.
    let main = fs::read_to_string(room.path().join("infra/main.tf")).unwrap();
    room.write(
        "infra/main.tf",
        &main.replace(
            "condition     = var.capacity",
            "condition     = var.capacity || terraform_data.network.id == \"\"",
        ),
    );
    let failed = room.run(&["apply", "--yes"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    failed.says(&[
        "failed to run `terraform apply`",
        "the cloud has no capacity",
        "hint: what was made until then",
    ]);
    assert_eq!(state(&room).len(), 2, "{:?}", state(&room));
    room.edit("capacity = \"false\"", "capacity = \"true\"");
    let plan = room.run(&["plan"]);
    assert_eq!(
        (plan.code, plan.out.lines().next()),
        (Some(4), Some("+ terraform_data.host[\"core\"]: create")),
        "{plan:?}"
    );
    room.run(&["apply", "--yes"]);
    assert_eq!(state(&room).len(), 3);
    let gone = room.run(&["destroy", "--yes"]);
    assert_eq!((gone.code, state(&room).len()), (Some(0), 0), "{gone:?}");
}

#[test]
fn what_the_state_has_lost_is_made_again() {
    if !terraform_is_here() {
        return;
    }
    let room = Room::with_cloud("", port_that_hangs_up());
    room.run(&["apply", "--yes"]);
    let taken = room.terraform(&["state", "rm", "terraform_data.host[\"core\"]"]);
    assert_eq!((taken.code, state(&room).len()), (Some(0), 2), "{taken:?}");
    let again = room.run(&["apply", "--yes"]);
    again.says(&["+ terraform_data.host[\"core\"]: create"]);
    assert!(!again.err.contains("+ terraform_data.network"), "{again:?}");
    assert_eq!(state(&room).len(), 3);
}

/// A program that is killed does not take Terraform along: what is being made gets into the state.
#[test]
fn a_killed_tool_leaves_terraform_to_finish_and_the_next_run_goes_on() {
    if !terraform_is_here() {
        return;
    }
    let room = Room::with_cloud("", port_that_hangs_up());
    let slow = "\nresource \"terraform_data\" \"slow\" {\n  provisioner \"local-exec\" {\n    command = \"touch ../begun; sleep 2; touch ../made; echo done\"\n  }\n}\n";
    let main = fs::read_to_string(room.path().join("infra/main.tf")).unwrap();
    room.write("infra/main.tf", &(main + slow));
    let mut tool = room.start(&["apply", "--yes"]);
    wait_for("the machine is being made", || room.path().join("begun").exists());
    tool.kill().unwrap();
    tool.wait().unwrap();
    assert!(
        !room.path().join("made").exists(),
        "the tool was killed too late for this test"
    );
    let lock = room.path().join("infra/.terraform.tfstate.lock.info");
    wait_for("terraform is done", || {
        room.path().join("made").exists() && !lock.exists()
    });
    assert_eq!(state(&room).len(), 4, "{:?}", state(&room));
    let again = room.run(&["apply", "--yes"]);
    assert!(!again.err.contains(": create"), "{again:?}");
    let gone = room.run(&["destroy", "--yes"]);
    assert_eq!((gone.code, state(&room).len()), (Some(0), 0), "{gone:?}");
}

fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(120), "{what}: not yet");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn neither_arguments_nor_talk_hold_values() {
    if !terraform_is_here() {
        return;
    }
    let room = Room::with_cloud("vars = { address = \"127.0.0.2\" }", 9);
    room.edit("port = 9", "jump = \"nobody@127.0.0.1:1\"");
    let log = room.record_arguments();
    let applied = room.run(&["apply", "--yes"]);
    let state = fs::read_to_string(room.path().join("infra/terraform.tfstate")).unwrap();
    assert!(
        state.contains("127.0.0.2") && state.contains("203.0.113.0/28"),
        "the module was told: {state}"
    );
    let arguments = fs::read_to_string(log).unwrap();
    assert!(arguments.contains("apply\n-json\n-input=false"), "{arguments}");
    for value in ["127.0.0.2", "203.0.113.0", "telemed.example.com", "swordfish"] {
        assert!(!arguments.contains(value), "{value}: {arguments}");
    }
    assert!(!applied.err.contains("swordfish"), "{applied:?}");
}

#[test]
fn a_workspace_has_a_state_of_its_own() {
    if !terraform_is_here() {
        return;
    }
    let room = Room::with_cloud("workspace = \"clinic\"", port_that_hangs_up());
    room.run(&["apply", "--yes"]);
    assert_eq!(state(&room), [""; 0]);
    let own = fs::read_to_string(room.path().join("infra/terraform.tfstate.d/clinic/terraform.tfstate")).unwrap();
    assert!(own.contains("\"core\""));
    let gone = room.run(&["destroy", "--yes"]);
    assert_eq!(gone.code, Some(0), "{gone:?}");
}

#[test]
fn what_the_shape_refuses_is_told_with_its_reason() {
    if !terraform_is_here() {
        return;
    }
    let room = Room::with_cloud("", 22);
    room.edit(
        "admin_cidrs = [\"203.0.113.0/28\"]",
        "admin_cidrs = [\"2001:db8::/32\"]",
    );
    let refused = room.run(&["plan"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{refused:?}");
    refused.says(&[
        "failed to run `terraform plan`",
        "must name an IPv4 network",
        "hint: nothing was changed",
    ]);
}

#[test]
fn a_missing_program_folder_or_output_is_named_with_what_to_do() {
    let room = Room::with_cloud("binary = \"tofu\"", 22);
    let missing = room.run_on(env!("CARGO_BIN_EXE_anteroom"), &["plan"], "/nonexistent");
    assert_eq!(missing.code, Some(1), "{missing:?}");
    missing.says(&["failed to start `tofu`", "hint: install Terraform"]);
    let nowhere = Room::new("folder = \"infra\"");
    nowhere
        .run(&["plan"])
        .says(&["there is no such folder", "hint: `folder` counts from"]);
    fs::create_dir(nowhere.path().join("infra")).unwrap();
    nowhere.run(&["plan"]).says(&["it holds no .tf file"]);
    if !terraform_is_here() {
        return;
    }
    let other = Room::with_cloud("", 22);
    let main = fs::read_to_string(other.path().join("infra/main.tf")).unwrap();
    other.write(
        "infra/main.tf",
        &main.replace("output \"anteroom_hosts\"", "output \"hosts\""),
    );
    let applied = other.run(&["apply", "--yes"]);
    assert_eq!(applied.code, Some(1), "{applied:?}");
    applied.says(&[
        "the output `anteroom_hosts` of infra does not name core",
        "hint: give the module",
    ]);
}
