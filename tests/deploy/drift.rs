//! Hand edits: each fails the control that is about it, and one `apply` heals them all.

use std::collections::BTreeSet;

use crate::bench::Bench;
use crate::host::TestHost;
use crate::spec_file::SpecFile;

/// What somebody does to a host by hand, and the controls that must fail.
struct Edit {
    script: &'static str,
    fails: &'static [&'static str],
}

const SITE: &str = "site=/etc/prosody/conf.avail/telemed.example.test.cfg.lua \
                    web=/etc/nginx/sites-available/telemed.example.test.conf \
                    config=/etc/jitsi/meet/telemed.example.test-config.js";

/// Accounts, files, packages, ports.
const INSIDE: &[Edit] = &[
    // Our own guard keeps the room shut even without the filter, so it goes as well.
    Edit {
        script: "sed -i '/\"muc_filter_access\";$/d; /\"anteroom_guard\";/d' $site && systemctl restart prosody",
        fails: &["access/brewery-closed", "integrity/files-as-rendered"],
    },
    Edit {
        script: "chmod 0644 /etc/turnserver.conf",
        fails: &["access/secrets-private", "integrity/files-as-rendered"],
    },
    Edit {
        script: "nft insert rule inet anteroom input tcp dport 9999 accept",
        fails: &["exposure/firewall-in-force"],
    },
    Edit {
        script: "apt-mark unhold jicofo",
        fails: &["integrity/packages-as-pinned"],
    },
    Edit {
        script: "printf 'foreign-password\\nforeign-password\\n' | prosodyctl passwd focus@auth.telemed.example.test",
        fails: &["integrity/accounts-as-rendered"],
    },
    Edit {
        script: "nft insert rule inet anteroom output tcp dport 4444 accept; sysctl -q -w net.ipv4.conf.eth0.accept_redirects=1",
        fails: &["exposure/firewall-in-force", "integrity/kernel-settings"],
    },
    // The bridge runs with what it read before.
    Edit {
        script: "sleep 1; touch /etc/jitsi/videobridge/jvb.conf",
        fails: &["integrity/services-running"],
    },
];

/// What is not ours, and stays until somebody takes it away.
const FOREIGN: &[Edit] = &[
    Edit {
        script: "systemd-run -q --unit=foreign perl -MIO::Socket::INET -e \
                 'my $s = IO::Socket::INET->new(LocalAddr => \"0.0.0.0\", LocalPort => 9999, Listen => 5); sleep 600'",
        fails: &["exposure/only-spec-listeners", "exposure/only-spec-ports"],
    },
    Edit {
        script: "echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/00-aaa.conf && systemctl restart ssh",
        fails: &["access/ssh-keys-only", "integrity/files-as-rendered"],
    },
    Edit {
        script: "mkdir -p /run/systemd/system/coturn.service.d && \
                 printf '[Service]\\nProtectSystem=no\\n' >/run/systemd/system/coturn.service.d/zz.conf && systemctl daemon-reload",
        fails: &["integrity/sandboxes-in-force", "integrity/services-running"],
    },
    Edit {
        script: "echo 'APT::Periodic::Unattended-Upgrade \"0\";' >/etc/apt/apt.conf.d/zzz-mine",
        fails: &["availability/security-upgrades"],
    },
];

/// What strangers and browsers see, and services that do not run.
const OUTSIDE: &[Edit] = &[
    Edit {
        script: "sed -i 's/authentication = \"token\"/authentication = \"jitsi-anonymous\"/' $site && systemctl restart prosody",
        fails: &["access/stranger-refused", "access/forged-tokens-refused"],
    },
    Edit {
        script: "nft delete table inet anteroom",
        fails: &["exposure/firewall-in-force"],
    },
    Edit {
        script: "sed -i 's/ssl_protocols TLSv1.2 TLSv1.3;/ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;/; \
                 s/ssl_ciphers .*/ssl_ciphers ALL:@SECLEVEL=0;/' $web",
        fails: &["encryption/legacy-tls-refused"],
    },
    Edit {
        script: "sed -i '/Strict-Transport-Security/d' $web",
        fails: &["encryption/hsts"],
    },
    Edit {
        script: "sed -i 's/^var config = {/&\\n    stunServers: [{ urls: \"stun:stun.example.net:3478\" }],/' $config && \
                 grep -q stun.example.net $config && systemctl reload nginx",
        fails: &["leakage/config-own-origins"],
    },
    Edit {
        script: "systemctl stop coturn; systemctl mask --now jitsi-videobridge2; systemctl disable nginx",
        fails: &["integrity/services-running"],
    },
];

fn edit(host: &TestHost<'_>, edits: &[Edit]) -> BTreeSet<String> {
    for edit in edits {
        host.run(&format!("{SITE}\n{}", edit.script));
    }
    let fails = edits.iter().flat_map(|edit| edit.fails);
    fails.map(|control| (*control).to_owned()).collect()
}

#[track_caller]
fn expect_all(expected: &BTreeSet<String>, failed: &BTreeSet<String>) {
    let missing: Vec<&String> = expected.difference(failed).collect();
    assert!(missing.is_empty(), "not noticed: {missing:?}; failed: {failed:?}");
}

/// Edits inside, and things of somebody else's that `apply` does not remove.
pub(crate) fn edits_inside_are_named_and_healed(bench: &Bench) {
    let host = bench.deployed("inside");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    let mut expected = edit(&host, INSIDE);
    let foreign = edit(&host, FOREIGN);
    expected.extend(foreign.clone());
    let audit = host.audit(&spec).expect(5);
    expect_all(&expected, &audit.controls("fail"));
    let rows = audit.json()["drift"].to_string();
    for row in [
        "/etc/turnserver.conf",
        "tcp/9999",
        "jicofo",
        "passwordauthentication",
        "focus@auth",
    ] {
        assert!(rows.contains(row), "{row}: {rows}");
    }
    assert!(!audit.out.contains("foreign-password"));

    // What is not ours is only reported.
    let applied = host.apply(&spec).expect(5);
    let left = [
        "access/ssh-keys-only",
        "access/ssh-offers-keys-only",
        "availability/security-upgrades",
        "exposure/only-spec-listeners",
        "integrity/files-as-rendered",
        "integrity/sandboxes-in-force",
        "integrity/services-running",
    ];
    let left = BTreeSet::from(left.map(str::to_owned));
    assert_eq!(applied.controls("fail"), left, "{}", applied.out);
    assert!(applied.controls("unverified").is_empty(), "{}", applied.out);
    host.run(
        "systemctl stop foreign; rm /etc/ssh/sshd_config.d/00-aaa.conf; systemctl restart ssh; \
         rm -r /run/systemd/system/coturn.service.d /etc/apt/apt.conf.d/zzz-mine; systemctl daemon-reload",
    );
    host.audit(&spec).clean();
    assert_eq!(
        host.run("stat -c '%a %U:%G' /etc/turnserver.conf; apt-mark showhold | grep jicofo"),
        "640 root:turnserver\njicofo"
    );
}

/// Edits that show outside, and services that are stopped, masked and disabled.
pub(crate) fn edits_outside_are_named_and_healed(bench: &Bench) {
    let host = bench.deployed("outside");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    let expected = edit(&host, OUTSIDE);
    let audit = host.audit(&spec).expect(5);
    expect_all(&expected, &audit.controls("fail"));
    let rows = audit.json()["drift"].to_string();
    for row in ["coturn.service", "jitsi-videobridge2.service", "nginx.service", "nft"] {
        assert!(rows.contains(row), "{row}: {rows}");
    }
    host.apply(&spec).clean();
    assert_eq!(
        host.run("systemctl is-active coturn jitsi-videobridge2 nginx; systemctl is-enabled nginx; nft list tables"),
        "active\nactive\nactive\nenabled\ntable inet anteroom"
    );
}
