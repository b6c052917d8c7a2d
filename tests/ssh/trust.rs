//! Which host keys are believed.

use std::process::Command;

use anteroom::remote::RemoteError;
use anteroom::spec::HostKeyPolicy;

use crate::bench;

#[test]
fn an_unknown_host_key_is_refused_and_a_hashed_known_one_accepted() {
    let bench = bench!();
    let server = bench.server("");
    let target = server.target(&bench);
    std::fs::write(bench.path("known_hosts"), "").unwrap();
    let Err(RemoteError::HostKey { why, .. }) = bench.connect_to(&target) else {
        panic!("trusted");
    };
    assert!(
        why.contains(&server.fingerprint) && why.contains("no known_hosts file"),
        "{why}"
    );

    std::fs::write(bench.path("known_hosts"), &server.known_hosts_line).unwrap();
    let hashed = Command::new("ssh-keygen")
        .arg("-H")
        .arg("-f")
        .arg(bench.path("known_hosts"))
        .output()
        .unwrap();
    assert!(hashed.status.success());
    let file = std::fs::read_to_string(bench.path("known_hosts")).unwrap();
    assert!(file.starts_with("|1|"), "{file}");
    bench.connect_to(&target).unwrap();
}

#[test]
fn a_changed_host_key_is_refused_with_both_fingerprints() {
    let bench = bench!();
    let server = bench.server("");
    let other = bench.server("");
    let line = other
        .known_hosts_line
        .replace(&other.port.to_string(), &server.port.to_string());
    std::fs::write(bench.path("known_hosts"), format!("# first\n{line}")).unwrap();
    for host_key in [HostKeyPolicy::KnownHosts, HostKeyPolicy::AcceptNew] {
        let mut target = server.target(&bench);
        target.host_key = host_key;
        let Err(RemoteError::HostKey { why, .. }) = bench.connect_to(&target) else {
            panic!("trusted");
        };
        assert!(
            why.contains(&server.fingerprint) && why.contains(&other.fingerprint),
            "{why}"
        );
        assert!(why.contains("known_hosts:2") && why.contains("ssh-keygen -R"), "{why}");
    }
}

#[test]
fn a_host_known_by_another_of_its_keys_is_not_unknown() {
    let bench = bench!();
    let server = bench.server("");
    std::fs::write(bench.path("known_hosts"), &server.rsa_known_hosts_line).unwrap();
    bench.connect_to(&server.target(&bench)).unwrap();
}

#[test]
fn a_pinned_fingerprint_of_any_of_the_hosts_keys_is_enough_and_another_is_refused() {
    let bench = bench!();
    let server = bench.server("");
    std::fs::write(bench.path("known_hosts"), "").unwrap();
    let mut target = server.target(&bench);
    for pin in [&server.fingerprint, &server.rsa_fingerprint] {
        target.host_key = HostKeyPolicy::Fingerprint(pin.clone());
        bench.connect_to(&target).unwrap();
    }
    let wrong = format!("SHA256:{}", "A".repeat(43));
    target.host_key = HostKeyPolicy::Fingerprint(wrong.clone());
    let Err(RemoteError::HostKey { why, .. }) = bench.connect_to(&target) else {
        panic!("trusted");
    };
    for print in [&wrong, &server.fingerprint, &server.rsa_fingerprint] {
        assert!(why.contains(print.as_str()), "{why}");
    }
}

#[test]
fn accept_new_remembers_in_its_own_file() {
    let bench = bench!();
    let server = bench.server("");
    std::fs::write(bench.path("known_hosts"), "").unwrap();
    let mut target = server.target(&bench);
    target.host_key = HostKeyPolicy::AcceptNew;
    bench.connect_to(&target).unwrap();
    bench.connect_to(&target).unwrap();
    let remembered = std::fs::read_to_string(bench.path("state/remembered")).unwrap();
    assert_eq!(remembered.lines().count(), 1);
    assert!(std::fs::read_to_string(bench.path("known_hosts")).unwrap().is_empty());
}
