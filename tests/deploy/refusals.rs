//! Hosts that cannot or must not be changed: one clear message, the exit code, and the host as it was.

use std::fs;
use std::process::Command;

use crate::bench::Bench;
use crate::host::TestHost;
use crate::outcome::Outcome;
use crate::spec_file::SpecFile;

/// Makes an authority and a certificate by it; prints chain and key.
const CERTIFICATE: &str = r#"
cd "$(mktemp -d)"
new="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 $new -subj /CN=authority -days 90 -keyout ca.key -out ca.crt 2>/dev/null
openssl req $new -subj /CN=telemed.example.test -keyout key -out request 2>/dev/null
echo 'subjectAltName=DNS:telemed.example.test' >names
openssl x509 -req -in request -CA ca.crt -CAkey ca.key -CAcreateserial -days 90 -extfile names -out crt 2>/dev/null
cat crt ca.crt; echo ===; cat key
"#;

/// A valid production spec for the host that is deployed as a test.
fn production(host: &TestHost<'_>) -> SpecFile {
    let made = host.run(CERTIFICATE);
    let (chain, key) = made.split_once("===\n").unwrap();
    let (chain, key) = (host.file("chain.pem", chain), host.file("key.pem", key));
    SpecFile {
        environment: "environment = \"production\"\ncontact = \"it@example.com\"\nsecurity_official = \"CISO\"",
        more: format!(
            "[baa]\nvendor = \"Example Hosting\"\nagreement = \"Agreement 7\"\nsigned_on = 2026-01-15\n\
             reference = \"contracts/baa.pdf\"\nreview_on = 2027-01-15\n\
             document_sha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\n\
             [certificate]\nkind = \"files\"\nchain = \"{chain}\"\nkey = \"{key}\"\n\
             [access]\nadmin_cidrs = [\"10.0.0.0/8\"]\n"
        ),
        ..SpecFile::token()
    }
}

/// Every way in which a host is not reached, or is not ours.
pub(crate) fn hosts_that_must_not_be_changed_are_not(bench: &Bench) {
    let host = bench.deployed("refused");
    let good = host.write("anteroom.toml", &SpecFile::token());
    let key = host.file("unknown-key", "");
    fs::remove_file(&key).unwrap();
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f", &key])
        .status()
        .unwrap();
    assert!(made.success());
    // One login that may become root, and one that may not.
    host.run(
        "for user in ann.admin nobody-special; do useradd --badname -m -s /bin/sh $user; mkdir -m 700 /home/$user/.ssh; \
         cp /root/.ssh/authorized_keys /home/$user/.ssh/; chown -R $user: /home/$user/.ssh; done; \
         echo 'ann.admin ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ann",
    );
    let before = host.world();
    let refused = |file: &str, spec: &SpecFile, words: &[&str]| {
        let path = host.write(file, spec);
        for verb in ["plan", "apply", "destroy"] {
            let mut arguments = vec![verb, "-f", &path];
            if verb != "plan" {
                arguments.push("--yes");
            }
            let outcome = host.anteroom(&arguments).expect(1).says(words);
            assert_eq!(outcome.out, "");
            one_message(&outcome);
        }
    };
    let lab = host.host.address.octets();
    let nowhere = format!("{}.{}.{}.250", lab[0], lab[1], lab[2]);
    refused(
        "nowhere.toml",
        &SpecFile {
            address: Some(nowhere.clone()),
            ..SpecFile::token()
        },
        &["failed to connect to", &nowhere, "check the address"],
    );
    refused(
        "key.toml",
        &SpecFile {
            key: Some(key),
            ..SpecFile::token()
        },
        &["failed to log in to", "as root", "refused", "set user and key"],
    );
    refused(
        "pin.toml",
        &SpecFile {
            host_key: Some(format!("SHA256:{}", "A".repeat(43))),
            ..SpecFile::token()
        },
        &["failed to trust", &host.host.host_key_fingerprint, "somebody"],
    );
    refused(
        "sudo.toml",
        &SpecFile {
            user: "nobody-special",
            ..SpecFile::token()
        },
        &["failed to become root on", "as nobody-special", "NOPASSWD"],
    );
    refused(
        "other.toml",
        &SpecFile {
            deployment: "other",
            ..SpecFile::token()
        },
        &["e2e", "telemed.example.test"],
    );
    host_key_that_changed(&host);
    before.expect_same(&host.world(), &[]);

    let operator = host.write(
        "operator.toml",
        &SpecFile {
            user: "ann.admin",
            ..SpecFile::token()
        },
    );
    host.anteroom(&["plan", "-f", &operator]).expect(0);
    let production = host.write("production.toml", &production(&host));
    let destroy = |more: &[&str]| host.anteroom(&[&["destroy", "-f", &production], more].concat());
    destroy(&["--yes"])
        .expect(2)
        .says(&["--confirm telemed.example.test", "nothing was removed"]);
    destroy(&["--confirm", "telemed.example.com"])
        .expect(2)
        .says(&["is not the domain", "nothing was removed"]);
    host.anteroom(&["destroy", "-f", &good])
        .expect(2)
        .says(&["no terminal", "--yes"]);
    before.expect_same(&host.world(), &[]);

    // Through sudo everything works as it does for root.
    host.run("chmod 0600 /etc/turnserver.conf");
    host.deploy(&operator).expect(0);
    let kept = "what was replaced is kept, for root alone, until an audit has passed";
    let kept = [
        ("new: file /var/lib/anteroom/run/", kept),
        ("new: sum /var/lib/anteroom/run/", kept),
    ];
    before.expect_same(&host.world(), &kept);

    // What an init system of another name looks like to whoever asks.
    host.run("echo init >/run/comm; mount --bind /run/comm /proc/1/comm");
    for verb in ["plan", "apply"] {
        let outcome = host.anteroom(&[verb, "-f", &good]).expect(1);
        one_message(&outcome.says(&["its process 1 is init, and only systemd"]));
    }
    before.expect_same(&host.world(), &kept);
    host.run("umount /proc/1/comm");

    // The same host after somebody made another system of it.
    host.run("sed -i 's/^ID=.*/ID=fedora/; s/^VERSION_ID=.*/VERSION_ID=44/; s/^PRETTY_NAME=.*/PRETTY_NAME=\"Fedora 44\"/' /usr/lib/os-release");
    let before = host.world();
    for verb in ["plan", "apply"] {
        let outcome = host
            .anteroom(&[verb, "-f", &good])
            .expect(1)
            .says(&["it runs Fedora 44", "Debian 12"]);
        one_message(&outcome);
    }
    before.expect_same(&host.world(), &[]);
}

/// A host that known_hosts does not know; then one that was trusted at first sight and came back with another key.
fn host_key_that_changed(host: &TestHost<'_>) {
    let spec = |file: &str, policy: &str| {
        let spec = SpecFile {
            host_key: Some(policy.to_owned()),
            ..SpecFile::token()
        };
        host.write(file, &spec)
    };
    let (strict, lenient) = (spec("known.toml", "known-hosts"), spec("new.toml", "accept-new"));
    let home = host.file("home", "");
    fs::remove_file(&home).unwrap();
    let plan = |spec: &str| {
        let arguments = ["plan", "-f", spec];
        let output = host.bench.command(&arguments).env("HOME", &home).output().unwrap();
        Outcome::of(&arguments, output)
    };
    plan(&strict)
        .expect(1)
        .says(&["no known_hosts file has a key", "ssh-keygen -lf"]);
    plan(&lenient).expect(0);
    host.run(
        "cd /etc/ssh; mkdir /root/right; mv ssh_host_ed25519_key* /root/right/; \
         ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key; systemctl restart ssh",
    );
    plan(&lenient)
        .expect(1)
        .says(&["has changed", &host.host.host_key_fingerprint, "somebody is in between"]);
    host.run("mv /root/right/* /etc/ssh/; rmdir /root/right; systemctl restart ssh");
    plan(&lenient).expect(0);
}

#[track_caller]
fn one_message(outcome: &Outcome) {
    assert_eq!(outcome.err.matches("\nerror: ").count(), 1, "{}", outcome.err);
}
