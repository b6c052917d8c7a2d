//! Who is let in, and by which way.

use anteroom::remote::Host;
use anteroom::remote::RemoteError;
use anteroom::remote::SshHost;
use anteroom::spec::HostKeyPolicy;

use crate::PATIENCE;
use crate::bench;

#[test]
fn a_wrong_key_is_refused_with_what_was_tried() {
    let bench = bench!();
    let server = bench.server("");
    let mut target = server.target(&bench);
    target.key = Some(bench.key("stranger"));
    let Err(RemoteError::Login { user, why, .. }) = bench.connect_to(&target) else {
        panic!("let in");
    };
    assert_eq!(user, "root");
    assert!(why.contains("stranger") && why.contains("refused"), "{why}");
    target.key = Some(bench.path("nowhere"));
    let Err(RemoteError::Login { why, .. }) = bench.connect_to(&target) else {
        panic!("let in");
    };
    assert!(
        why.contains("nowhere does not exist") && why.contains("there was no key to try"),
        "{why}"
    );
}

#[test]
fn a_key_with_a_passphrase_says_what_to_do() {
    let bench = bench!();
    let server = bench.server("");
    let mut target = server.target(&bench);
    target.key = Some(bench.encrypted_key("locked"));
    let Err(RemoteError::Login { why, .. }) = bench.connect_to(&target) else {
        panic!("let in");
    };
    assert!(why.contains("passphrase") && why.contains("ssh-add"), "{why}");
}

#[test]
fn the_agents_key_logs_in_also_where_its_file_has_a_passphrase() {
    let bench = bench!();
    let server = bench.server("");
    let agent = bench.agent();
    agent.add(&bench.key("other"));
    agent.add(&bench.key("good"));
    bench.ssh_config(&format!("Host *\n  IdentityAgent {}\n", agent.socket.display()));
    let mut target = server.target(&bench);
    target.key = None;
    bench.connect_to(&target).unwrap();
    target.key = Some(bench.encrypted_key("locked"));
    bench.connect_to(&target).unwrap();
}

#[test]
fn a_host_that_wants_two_keys_gets_both() {
    let bench = bench!();
    let server = bench.server("AuthenticationMethods publickey,publickey\n");
    let second = bench.key("second");
    let also = std::fs::read_to_string(second.with_extension("pub")).unwrap();
    let keys = std::fs::read_to_string(bench.path("authorized_keys")).unwrap();
    std::fs::write(bench.path("authorized_keys"), keys + &also).unwrap();
    bench.ssh_config(&format!("Host *\n  IdentityFile {}\n", second.display()));
    let mut host = bench.connect(&server).unwrap();
    assert_eq!(host.run("echo in", b"", PATIENCE).unwrap().stdout, b"in\n");
}

#[test]
fn login_after_login_succeeds_whatever_overtakes_what() {
    let bench = bench!();
    let server = bench.server("");
    for _ in 0..20 {
        let mut host = bench.connect(&server).unwrap();
        assert_eq!(host.run("echo in", b"", PATIENCE).unwrap().stdout, b"in\n");
    }
}

#[test]
fn keys_of_every_kind_log_in() {
    let bench = bench!();
    let server = bench.server("");
    let mut target = server.target(&bench);
    for kind in ["ed25519", "rsa", "ecdsa"] {
        let key = bench.key_of_kind(&format!("plain-{kind}"), kind);
        std::fs::copy(key.with_extension("pub"), bench.path("authorized_keys")).unwrap();
        target.key = Some(key);
        let mut host = bench.connect_to(&target).unwrap();
        assert_eq!(host.run("echo in", b"", PATIENCE).unwrap().stdout, b"in\n");
        assert_eq!(host.run("echo again", b"", PATIENCE).unwrap().stdout, b"again\n");
    }
}

#[test]
fn a_certificate_logs_in() {
    let bench = bench!();
    let server = bench.server("");
    let mut target = server.target(&bench);
    for kind in ["ed25519", "rsa", "ecdsa"] {
        let key = bench.key_of_kind(&format!("certified-{kind}"), kind);
        target.key = Some(key.clone());
        target.certificate = None;
        assert!(matches!(bench.connect_to(&target), Err(RemoteError::Login { .. })));
        let certificate = bench.certify(&key, "root");
        target.certificate = Some(certificate);
        bench.connect_to(&target).unwrap();
    }
}

#[test]
fn an_alias_of_ssh_config_is_followed() {
    let bench = bench!();
    let server = bench.server("");
    bench.ssh_config(&format!(
        "Host web\n  HostName 127.0.0.1\n  Port {}\n  IdentityFile {}\n  UserKnownHostsFile {}\n",
        server.port,
        bench.key("good").display(),
        bench.path("known_hosts").display(),
    ));
    let mut target = server.target(&bench);
    "web".clone_into(&mut target.address);
    target.key = None;
    target.port = None;
    target.user = None;
    let mut policy = bench.policy();
    policy.known_hosts = None;
    let mut host = SshHost::connect(&"web".parse().unwrap(), &target, &policy).unwrap();
    assert_eq!(host.run("id -un", b"", PATIENCE).unwrap().stdout, b"root\n");
}

#[test]
fn a_jump_host_relays_and_the_targets_key_is_still_judged() {
    let bench = bench!();
    let server = bench.server("");
    let jump = bench.server("");
    std::fs::write(bench.path("known_hosts"), &server.known_hosts_line).unwrap();
    std::fs::write(bench.path("jump_known_hosts"), &jump.known_hosts_line).unwrap();
    bench.ssh_config(&format!(
        "Host 127.0.0.1\n  IdentityFile {}\n  UserKnownHostsFile {}\n",
        bench.key("good").display(),
        bench.path("jump_known_hosts").display(),
    ));
    let mut target = server.target(&bench);
    target.jump = Some(format!("root@127.0.0.1:{}", jump.port));
    let mut host = bench.connect_to(&target).unwrap();
    let input = vec![b'x'; 3_000_000];
    let out = host.run("echo $SSH_CONNECTION >&2; cat", &input, PATIENCE).unwrap();
    assert!(out.stdout == input);
    let mut again = host.reconnect().unwrap();
    assert_eq!(again.run("echo new", b"", PATIENCE).unwrap().stdout, b"new\n");

    std::fs::write(bench.path("known_hosts"), &jump.known_hosts_line).unwrap();
    assert!(matches!(bench.connect_to(&target), Err(RemoteError::HostKey { .. })));

    std::fs::write(bench.path("jump_known_hosts"), "").unwrap();
    let Err(RemoteError::Unreachable { why, .. }) = bench.connect_to(&target) else {
        panic!("reached through an unknown host");
    };
    assert!(why.contains("Host key verification failed"), "{why}");
}

#[test]
fn a_hardened_server_is_reached_with_each_of_its_algorithms() {
    let bench = bench!();
    for lines in [
        "KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256\nCiphers chacha20-poly1305@openssh.com\n",
        "KexAlgorithms curve25519-sha256\nCiphers aes256-gcm@openssh.com\nHostKeyAlgorithms ssh-ed25519\n",
        "KexAlgorithms diffie-hellman-group16-sha512\nCiphers aes256-ctr\nMACs hmac-sha2-512-etm@openssh.com\n",
        "Ciphers aes128-ctr\nMACs hmac-sha2-256-etm@openssh.com\nMaxAuthTries 4\nHostKeyAlgorithms rsa-sha2-512\n",
    ] {
        let server = bench.server(lines);
        let mut target = server.target(&bench);
        target.host_key = HostKeyPolicy::AcceptNew;
        std::fs::write(bench.path("known_hosts"), "").unwrap();
        let mut host = bench
            .connect_to(&target)
            .unwrap_or_else(|error| panic!("{lines}: {error}"));
        assert_eq!(host.run("echo in", b"", PATIENCE).unwrap().stdout, b"in\n");
    }
}
