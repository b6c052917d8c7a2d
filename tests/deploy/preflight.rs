//! What is in the way is told before anything is touched: a port that is taken, a clock an hour off, a domain that does
//! not lead here.

use crate::bench::Bench;
use crate::host::TestHost;
use crate::outcome::Outcome;
use crate::spec_file::SpecFile;

/// Holds a port out of a unit of its own, as a web server of somebody else's would.
const FOREIGN: &str = "systemd-run -q --unit=foreign-web perl -MIO::Socket::INET -e \
                       'my $s = IO::Socket::INET->new(LocalAddr => \"0.0.0.0\", LocalPort => 443, Listen => 5); sleep 900'\n\
                       until ss -Hlnt | grep -q ':443 '; do sleep 0.1; done";

/// A stand-in for `date` that is an hour ahead: containers may not set the clock.
const AHEAD: &str = "printf '#!/bin/sh\\nexec /usr/bin/date -d \"now + 1 hour\" \"$@\"\\n' >/usr/local/bin/date\n\
                     chmod 0755 /usr/local/bin/date";

/// Refused with these words and one message, the host as it was.
fn refused(host: &TestHost<'_>, spec: &str, words: &[&str]) {
    let before = host.world();
    let outcome = host
        .deploy(spec)
        .expect(1)
        .says(words)
        .says(&["nothing was changed", "hint: "]);
    assert_eq!(
        outcome.err.matches("\nerror: ").count() + usize::from(outcome.err.starts_with("error: ")),
        1,
        "{}",
        outcome.err
    );
    assert_eq!(outcome.out, "");
    before.expect_same(&host.world(), &[]);
    // A plan is only a look: it shows what it can, and says so too.
    let plan: Outcome = host
        .anteroom(&["plan", "-f", spec])
        .expect(4)
        .says(&["apply would refuse: "]);
    assert!(plan.says(words).out.contains("/etc/nginx/"));
}

/// One bare host, and one thing after the other in the way.
pub(crate) fn what_is_in_the_way_is_told_before_anything_is_touched(bench: &Bench) {
    let host = bench.bare("way");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    host.run(FOREIGN);
    refused(
        &host,
        &spec,
        &["tcp/443 on core, which nginx.service needs, is held by perl (foreign-web.service)"],
    );
    host.run("systemctl stop foreign-web");

    host.run(AHEAD);
    refused(&host, &spec, &["the clock of core is 60 min ahead of this computer's"]);
    host.run("rm /usr/local/bin/date");

    // Nobody's resolver knows a name below `.test` (RFC 6761).
    let strict = SpecFile::token().with("[dns]\ncheck = \"refuse\"\n");
    let strict = host.write("strict.toml", &strict);
    refused(&host, &strict, &["telemed.example.test"]);
    host.anteroom(&["plan", "-f", &spec])
        .expect(4)
        .says(&["warning: ", "telemed.example.test"]);
}

/// A wrong clock and a second root on a host that is deployed: the audit names both.
pub(crate) fn a_wrong_clock_and_a_second_root_fail_the_audit(bench: &Bench) {
    let host = bench.deployed("clock");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    host.run(AHEAD);
    host.run("useradd -m ann; usermod -aG sudo ann; useradd -o -u 0 -g 0 toor; echo 'bob ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/bob");
    let failed = host.audit(&spec).expect(5);
    let controls = failed.controls("fail");
    let expected = ["access/no-unknown-admins", "logging/clock-right"];
    assert_eq!(Vec::from_iter(&controls), expected, "{}", failed.out);
    for name in ["core:account ann", "core:account toor", "core:account bob"] {
        assert!(failed.out.contains(name), "{name}: {}", failed.out);
    }
    host.run("rm /usr/local/bin/date /etc/sudoers.d/bob; userdel -f toor; gpasswd -d ann sudo");
    let clean = host.audit(&spec).clean();
    assert!(clean.controls("pass").contains("availability/media-path"));
}
