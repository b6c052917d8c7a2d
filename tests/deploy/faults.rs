//! Faults of the host's own: a full disk, somebody else at work on its packages, a port that is taken, a service that
//! dies, a boot between plan and apply, two operators. Each: one message that says what, where and what to do; the host
//! as before; and once the fault is gone, the next `apply` converges.

use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use anteroom::apply;
use anteroom::apply::ApplyError;
use anteroom::apply::Operator;
use anteroom::facts;
use anteroom::machines;
use anteroom::plan;
use anteroom::plan::BuildContext;
use anteroom::remote::ConnectPolicy;
use anteroom::remote::OperatorConfig;
use anteroom::remote::SshHost;
use anteroom::render;
use anteroom::spec;

use crate::bench::Bench;
use crate::host::TestHost;
use crate::spec_file::SpecFile;

/// A run that fails by the host's own fault.
#[track_caller]
fn refused(host: &TestHost<'_>, spec: &str, words: &[&str]) {
    refused_but(host, spec, words, &[]);
}

/// The same, with what the fault itself makes different: the beginning of a line and the reason.
fn refused_but(host: &TestHost<'_>, spec: &str, words: &[&str], also: &[(&str, &str)]) {
    let before = host.world();
    let outcome = host
        .deploy(spec)
        .expect(1)
        .says(words)
        .says(&["(the host is as before)"]);
    assert_eq!(outcome.err.matches("\nerror: ").count(), 1, "{}", outcome.err);
    let list = "dpkg remembers the names of packages that came and went";
    let allowed = [
        ("changed: file /var/lib/dpkg/", list),
        ("changed: sum /var/lib/dpkg/", list),
    ];
    before.expect_same(&host.world(), &[&allowed, also].concat());
}

/// The fault is gone.
#[track_caller]
fn converges(host: &TestHost<'_>, spec: &str) {
    host.deploy(spec).expect(0);
    host.anteroom(&["plan", "-f", spec]).expect(0);
}

/// A package of ours is missing, and its archive is not on the host.
fn lose_a_package(host: &TestHost<'_>) {
    host.run(
        "apt-mark -q unhold jitsi-meet-web; apt-get -q -y purge jitsi-meet-web; \
         rm -f /var/cache/apt/archives/*jitsi* /var/cache/apt/archives/jicofo*",
    );
}

/// Where packages are fetched to, where they are unpacked, where a file is swapped, and where the engine writes itself.
pub(crate) fn a_full_disk_changes_nothing(bench: &Bench) {
    let host = bench.deployed("full");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    let fill = |place: &str, size: &str| {
        host.run(&format!(
            "mkdir -p {place} /root/copy; [ {place} = /var/cache/apt/archives ] || cp -a {place}/. /root/copy/; \
             mount -t tmpfs -o mode=0755,size={size} full {place}; cp -a /root/copy/. {place}/; rm -r /root/copy; \
             dd if=/dev/zero of={place}/.fill bs=1k 2>/dev/null || true"
        ));
    };
    lose_a_package(&host);
    fill("/var/cache/apt/archives", "64k");
    refused(
        &host,
        &spec,
        &[
            "failed to install jitsi-meet-web on core",
            "make room on the disk named above",
        ],
    );
    host.run("umount /var/cache/apt/archives");

    fill("/usr/share/jitsi-meet/css", "64k");
    refused(
        &host,
        &spec,
        &[
            "failed to install jitsi-meet-web on core",
            "No space left on device",
            "make room on the disk named above",
        ],
    );
    host.run("umount /usr/share/jitsi-meet/css; rmdir /usr/share/jitsi-meet/css 2>/dev/null || true");
    converges(&host, &spec);

    let page = "/etc/jitsi/meet/telemed.example.test-config.js";
    host.run(&format!("echo '// by hand' >>{page}"));
    fill("/etc/jitsi/meet", "128k");
    let listing = format!("sha256sum {page}; ls -lA --full-time /etc/jitsi/meet");
    let before = host.run(&listing);
    refused(
        &host,
        &spec,
        &[
            &format!("failed to put {page} in place on core"),
            "no space is left on the disk at /etc/jitsi/meet",
            "make room on the disk named above",
        ],
    );
    assert_eq!(host.run(&listing), before);
    host.run("umount /etc/jitsi/meet");

    host.run("mount -t tmpfs -o mode=0700,size=300k full /var/lib/anteroom");
    refused(&host, &spec, &["no space is left on the disk at /var/lib/anteroom"]);
    host.run("umount /var/lib/anteroom");
    converges(&host, &spec);

    // In the middle of a run: there is room for its beginning and for the reserve, until a step has begun.
    for step in ["0000", "0001", "0002"] {
        lose_a_package(&host);
        host.run(&format!("echo '// by hand' >>{page}"));
        host.run(
            "mkdir /root/copy; cp -a /var/lib/anteroom/. /root/copy/; \
             mount -t tmpfs -o mode=0700,size=2m full /var/lib/anteroom; cp -a /root/copy/. /var/lib/anteroom/; \
             rm -rf /root/copy /var/lib/anteroom/run",
        );
        host.run(&format!(
            "systemd-run --quiet --collect --unit=filler sh -c 'until grep -qs \"step {step} begin\" \
             /var/lib/anteroom/run/*/events; do :; done; dd if=/dev/zero of=/var/lib/anteroom/.fill bs=1k'"
        ));
        let before = host.world();
        let outcome = host.deploy(&spec).expect(1);
        let outcome = outcome.says(&["no space is left on the disk at /var/lib/anteroom"]);
        // The writer itself comes to its end, and what it wrote is the fault.
        let faults = ["filler.service", "gone: transient", "/var/lib/anteroom/.fill"];
        let mut gone: Vec<String> = before.differences(&host.world());
        gone.retain(|line| !faults.iter().any(|fault| line.contains(fault)));
        if outcome.err.contains("(the host is as before)") {
            let lists = |line: &&String| !line.contains(" /var/lib/dpkg/");
            assert_eq!(
                gone.iter().filter(lists).count(),
                0,
                "step {step}: {gone:#?}\n{}",
                outcome.err
            );
        } else {
            let gone: Vec<&String> = gone.iter().filter(|line| line.starts_with("gone: ")).collect();
            assert!(gone.is_empty(), "step {step}: {gone:#?}\n{}", outcome.err);
        }
        host.run(
            "systemctl stop filler 2>/dev/null || true; rm -f /var/lib/anteroom/.fill; mkdir /root/copy; \
             cp -a /var/lib/anteroom/. /root/copy/; umount /var/lib/anteroom; cp -a /root/copy/. /var/lib/anteroom/; rm -r /root/copy",
        );
        converges(&host, &spec);
    }
}

/// Locks all of dpkg, as every program that works on packages does, for so many seconds.
fn lock_packages(host: &TestHost<'_>, seconds: u32) {
    host.run(&format!(
        "cat >/run/others.pl <<'PERL'
use Fcntl;
foreach my $name ('lock-frontend', 'lock') {{
    open(my $file, '>>', \"/var/lib/dpkg/$name\");
    push @held, $file;
    my $lock = pack('s s x4 q q l x4', F_WRLCK, 0, 0, 0, 0);
    fcntl($file, F_SETLKW, $lock) or die;
}}
open(my $held, '>', '/run/others.held');
sleep {seconds};
PERL
systemd-run --quiet --collect --unit=others perl /run/others.pl
timeout 60 sh -c 'until [ -e /run/others.held ]; do sleep 0.1; done'
rm /run/others.held"
    ));
}

/// A package of somebody else's that dpkg has unpacked and not configured.
fn leave_half_installed(host: &TestHost<'_>, name: &str, script: &str) {
    host.run(&format!(
        "cd $(mktemp -d); mkdir -p {name}/DEBIAN; \
         printf 'Package: {name}\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@example.com>\\nDescription: x\\n' >{name}/DEBIAN/control; \
         printf '#!/bin/sh\\n{script}\\n' >{name}/DEBIAN/postinst; chmod 755 {name}/DEBIAN/postinst; \
         dpkg-deb -b {name} >/dev/null; dpkg --unpack {name}.deb"
    ));
}

/// A lock that is let go, one that is not, a package that can be configured, and one that cannot.
pub(crate) fn others_at_work_on_packages_are_waited_for_or_named(bench: &Bench) {
    let host = bench.deployed("others");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    lose_a_package(&host);
    lock_packages(&host, 600);
    refused(
        &host,
        &spec,
        &[
            "failed to install jitsi-meet-web on core",
            "another program held a lock of apt, dpkg or debconf: process",
            "perl /run/others.pl",
            "wait until the program named above is done",
        ],
    );
    host.run("systemctl stop others");

    leave_half_installed(&host, "hopeless", "exit 1");
    host.run("! dpkg --configure hopeless");
    refused(
        &host,
        &spec,
        &[
            "these packages were half installed before and cannot be configured: hopeless",
            "mend or remove the packages named above",
        ],
    );
    host.run("dpkg --purge --force-all hopeless");

    leave_half_installed(&host, "halfway", "exit 0");
    lock_packages(&host, 20);
    converges(&host, &spec);
    assert_eq!(
        host.run("dpkg-query -W -f '${db:Status-Abbrev}' halfway jitsi-meet-web"),
        "ii hi"
    );
}

/// A port that another process has, and a service that dies after five seconds.
pub(crate) fn a_service_that_cannot_live_is_named_and_undone(bench: &Bench) {
    let host = bench.deployed("unlucky");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    host.run(
        "printf '[Service]\\nExecStart=perl -MIO::Socket::INET -e \"push @ARGV, IO::Socket::INET->new(LocalPort => 443, \
         Listen => 1); sleep 600\"\\n' >/run/systemd/system/squatter.service; systemctl stop nginx; \
         systemctl daemon-reload; systemctl start squatter; until ss -Hltn 'sport = :443' | grep -q .; do sleep 0.1; done",
    );
    host.deploy(&spec).expect(1).says(&[
        "tcp/443 on core, which nginx.service needs, is held by perl (squatter.service); nothing was changed",
        "`systemctl disable --now squatter.service` on core",
    ]);
    // One that comes after the look.
    host.run(
        "systemctl stop squatter; mkdir -p /run/systemd/system/nginx.service.d; printf '[Service]\\nExecStartPre=+/bin/sh -c \
         \"systemctl start squatter; until ss -Hltn sport = :443 | grep -q .; do sleep 0.1; done\"\\n' \
         >/run/systemd/system/nginx.service.d/late.conf; systemctl daemon-reload",
    );
    let words = [
        "failed to start nginx.service on core: tcp/443 is taken by perl (process",
        "squatter.service",
        "stop what holds the port",
    ];
    let came = [("new: active squatter.service", "it is the fault")];
    refused_but(&host, &spec, &words, &came);
    host.run("systemctl stop squatter; rm -r /run/systemd/system/nginx.service.d /run/systemd/system/squatter.service; systemctl daemon-reload");
    converges(&host, &spec);

    host.run(
        "systemctl stop coturn; mkdir -p /run/systemd/system/coturn.service.d; \
         printf '[Service]\\nRuntimeMaxSec=5\\n' >/run/systemd/system/coturn.service.d/dies.conf; systemctl daemon-reload",
    );
    refused(
        &host,
        &spec,
        &["failed to start coturn.service on core: coturn.service did not stay up"],
    );
    host.run("rm -r /run/systemd/system/coturn.service.d; systemctl daemon-reload");
    converges(&host, &spec);
}

/// The host is booted anew while the operator reads the plan; then two start at the same instant.
pub(crate) fn a_plan_outlives_a_reboot_and_only_one_operator_wins(bench: &Bench) {
    let host = bench.deployed("rebooted");
    let path = host.write("anteroom.toml", &SpecFile::token());
    host.run("chmod 0600 /etc/turnserver.conf; echo '# by hand' >>/etc/nginx/conf.d/anteroom.conf");
    let spec = spec::load(
        Path::new(&path),
        &spec::Switches::default(),
        "2026-11-25".parse().unwrap(),
    )
    .unwrap();
    let machine = machines::existing::machines(&spec).pop().unwrap();
    let policy = ConnectPolicy {
        timeout: Duration::from_secs(15),
        config: OperatorConfig::Nothing,
        known_hosts: None,
        remember: Path::new(&path).with_file_name("remembered"),
    };
    let mut link = SshHost::connect(&machine.host.name, &machine.target, &policy).unwrap();
    let wanted = render::render(&spec, &machine.host).unwrap();
    let seen = facts::collect(&mut link, &facts::request(&wanted)).unwrap();
    let context = BuildContext {
        deployment: spec.deployment.name.clone(),
        domain: spec.deployment.domain.clone(),
        tool_version: "0.0.0".to_owned(),
    };
    let plan = plan::build(&wanted, &seen, &context).unwrap();
    assert!(!plan.changes.is_empty());
    bench.lab.kill(&host.host.name).unwrap();
    bench.lab.start(&host.host.name).unwrap();
    host.wait_for_boot();
    let me = Operator {
        user: "tester".into(),
        computer: "bench".into(),
        verb: "apply".into(),
    };
    apply::carry_out(&mut link, &plan, &me, &mut |_| {}).unwrap();
    host.anteroom(&["plan", "-f", &path]).expect(0);

    // Both have looked and planned before either begins, and what there is to do takes longer than a lock is waited for.
    host.run("systemctl stop jicofo coturn");
    let ready = || {
        let mut link = SshHost::connect(&machine.host.name, &machine.target, &policy).unwrap();
        let seen = facts::collect(&mut link, &facts::request(&wanted)).unwrap();
        let plan = plan::build(&wanted, &seen, &context).unwrap();
        assert!(plan.changes.len() > 1, "{:#?}", plan.changes);
        (link, plan)
    };
    let both = [ready(), ready()];
    let line = Barrier::new(2);
    let ends = thread::scope(|scope| {
        let runs = both.map(|(mut link, plan)| {
            let (line, me) = (&line, &me);
            scope.spawn(move || {
                line.wait();
                apply::carry_out(&mut link, &plan, me, &mut |_| {}).map(drop)
            })
        });
        runs.map(|run| run.join().unwrap())
    });
    let lost: Vec<&ApplyError> = ends.iter().filter_map(|end| end.as_ref().err()).collect();
    let [ApplyError::Locked { who, verb, .. }] = lost[..] else {
        panic!("{lost:#?}")
    };
    assert_eq!((who.as_str(), verb.as_str()), ("tester@bench", "apply"));
    host.anteroom(&["plan", "-f", &path]).expect(0);
}
