//! What scripts see, and how every wait ends.

use std::process::Command;
use std::time::Duration;
use std::time::Instant;

use anteroom::remote::Host;
use anteroom::remote::RemoteError;
use anteroom::remote::SshHost;

use crate::PATIENCE;
use crate::bench;
use crate::relay::Relay;
use crate::text;

#[test]
fn a_script_runs_as_root_with_its_input_and_nothing_in_a_process_list() {
    let bench = bench!();
    let server = bench.server("");
    let mut host = bench.connect(&server).unwrap();
    let out = host
        .run(
            "id -u; cat; ps -o args= -p $$; echo said >&2; exit 3",
            b"the input\n",
            PATIENCE,
        )
        .unwrap();
    assert_eq!(out.status, 3);
    assert_eq!(text(&out.stderr), "said\n");
    let lines = text(&out.stdout);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines[..2], ["0", "the input"]);
    assert!(!lines[2].contains("cat;"), "{lines:?}");
    // The same connection serves the next script.
    assert_eq!(host.run("echo again", b"", PATIENCE).unwrap().stdout, b"again\n");
    // A signal is no success.
    assert_eq!(host.run("kill -9 $$", b"", PATIENCE).unwrap().status, 255);
}

#[test]
fn megabytes_move_both_ways_at_once() {
    let bench = bench!();
    let server = bench.server("");
    let mut host = bench.connect(&server).unwrap();
    let input: Vec<u8> = (0..5_000_000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let out = host.run("tee /dev/stderr", &input, PATIENCE).unwrap();
    assert_eq!(out.status, 0);
    assert!(out.stdout == input && out.stderr == input);
    // A program that fills its output before it reads any input.
    let out = host.run("head -c 5000000 /dev/zero; wc -c", &input, PATIENCE).unwrap();
    assert_eq!(text(&out.stdout[5_000_000..]).trim(), "5000000");
    // A program that never reads its input.
    let out = host.run("exec 0<&-; echo deaf", &input, PATIENCE).unwrap();
    assert_eq!((out.status, text(&out.stdout)), (0, "deaf\n".to_owned()));
}

#[test]
fn lines_are_followed_as_they_come() {
    let bench = bench!();
    let server = bench.server("");
    let mut host = bench.connect(&server).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let heard = folder.path().join("heard");
    let mut seen = Vec::new();
    // The second line comes only after somebody has heard the first.
    let script = format!(
        "echo one; until [ -e {} ]; do sleep 0.05; done; echo two; printf three",
        heard.display()
    );
    let out = host
        .follow(&script, PATIENCE, &mut |line| {
            std::fs::write(&heard, line).unwrap();
            seen.push(line.to_owned());
        })
        .unwrap();
    assert_eq!(seen, ["one", "two", "three"]);
    assert_eq!(out.status, 0);
}

#[test]
fn a_login_that_may_not_become_root_says_what_sudo_said() {
    let bench = bench!();
    let user = bench.user();
    let server = bench.server_with_passwd(&user.server_lines(), &user.passwd);
    let mut target = server.target(&bench);
    target.user = Some(user.name.clone());
    let mut host = bench.connect_to(&target).unwrap();
    let Err(RemoteError::NoPrivilege { user: named, why, .. }) = host.run("id", b"", PATIENCE) else {
        panic!("became root");
    };
    assert_eq!(named, user.name);
    assert!(why.contains("sudo") || why.contains("password"), "{why}");
    // The connection lives on.
    assert!(matches!(
        host.run("id", b"", PATIENCE),
        Err(RemoteError::NoPrivilege { .. })
    ));
}

#[test]
fn a_cut_connection_is_an_error_and_not_an_end() {
    let bench = bench!();
    let server = bench.server("");
    let mut host = bench.connect(&server).unwrap();
    let start = Instant::now();
    let mut told = Vec::new();
    // The parent of the script's shell is the server's process for this connection.
    let result = host.follow("echo $PPID; sleep 120; echo survived", PATIENCE, &mut |line| {
        told.push(line.to_owned());
        let pid: u32 = line.parse().unwrap();
        let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
        assert!(killed.success());
    });
    let Err(RemoteError::Broken { why, .. }) = result else {
        panic!("{result:?}");
    };
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    assert_eq!(told.len(), 1, "{why}");
    let Err(RemoteError::Broken { why, .. }) = host.run("echo", b"", PATIENCE) else {
        panic!("ran over a dead connection");
    };
    assert!(why.contains("lost before"), "{why}");
    let mut again = host.reconnect().unwrap();
    assert_eq!(again.run("echo new", b"", PATIENCE).unwrap().stdout, b"new\n");
}

#[test]
fn patience_and_timeouts_end_every_wait() {
    let bench = bench!();
    let server = bench.server("");
    let mut host = bench.connect(&server).unwrap();
    let start = Instant::now();
    let Err(RemoteError::Broken { why, .. }) = host.run("sleep 120", b"", Duration::from_secs(1)) else {
        panic!("waited");
    };
    assert!(why.contains("no end within 1 s"), "{why}");
    drop(host);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());

    // Someone who takes the connection and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut target = server.target(&bench);
    target.port = Some(silent.local_addr().unwrap().port());
    let mut policy = bench.policy();
    policy.timeout = Duration::from_secs(1);
    let start = Instant::now();
    let result = SshHost::connect(&"h".parse().unwrap(), &target, &policy);
    assert!(matches!(result, Err(RemoteError::Unreachable { .. })));
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());

    // Nobody.
    drop(silent);
    let result = SshHost::connect(&"h".parse().unwrap(), &target, &policy);
    assert!(matches!(result, Err(RemoteError::Unreachable { .. })));
}

#[test]
fn a_server_that_stops_in_the_middle_is_given_up() {
    let bench = bench!();
    let server = bench.server("");
    let mut host = bench.connect(&server).unwrap();
    let start = Instant::now();
    let mut stopped = String::new();
    let result = host.follow("echo $PPID; sleep 120", Duration::from_secs(10), &mut |line| {
        line.clone_into(&mut stopped);
        assert!(Command::new("kill").args(["-STOP", line]).status().unwrap().success());
    });
    assert!(matches!(result, Err(RemoteError::Broken { .. })), "{result:?}");
    drop(host);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    assert!(
        Command::new("kill")
            .args(["-KILL", &stopped])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn a_noisy_login_shell_does_not_reach_the_output() {
    let bench = bench!();
    let noisy = bench.path("noisy");
    std::fs::write(
        &noisy,
        "#!/bin/sh\necho Welcome to the machine\nexec sh -c \"$SSH_ORIGINAL_COMMAND\"\n",
    )
    .unwrap();
    Command::new("chmod").arg("755").arg(&noisy).status().unwrap();
    let server = bench.server(&format!("ForceCommand {}\n", noisy.display()));
    let mut host = bench.connect(&server).unwrap();
    assert_eq!(host.run("echo clean", b"", PATIENCE).unwrap().stdout, b"clean\n");
    // A server that only ever runs something else is an error, not an answer.
    let server = bench.server("ForceCommand echo nothing for you\n");
    let mut host = bench.connect(&server).unwrap();
    let Err(RemoteError::Broken { why, .. }) = host.run("echo x", b"", PATIENCE) else {
        panic!("an answer");
    };
    assert!(why.contains("nothing for you"), "{why}");
}

#[test]
fn a_whole_run_costs_few_round_trips() {
    // There and back: banner with offer, exchange, key asked, key proved with channel, command, data. The goodbye is not
    // waited for. OpenSSH takes no input before the command runs, since its window is zero until then.
    let bench = bench!();
    let server = bench.server("");
    let relay = Relay::to("127.0.0.1", server.port);
    let line = server
        .known_hosts_line
        .replace(&server.port.to_string(), &relay.port.to_string());
    std::fs::write(bench.path("known_hosts"), line).unwrap();
    let mut target = server.target(&bench);
    target.port = Some(relay.port);
    let mut host = bench.connect_to(&target).unwrap();
    let out = host
        .run("cat; head -c 300000 /dev/zero", &[b'x'; 20_000], PATIENCE)
        .unwrap();
    assert_eq!(out.stdout.len(), 320_000);
    drop(host);
    relay.expect_few_turns();
}
