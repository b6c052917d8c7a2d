//! The lab, with real hosts: they boot, answer, reboot, lose power, are cloned and leave nothing behind.
//!
//! Needs root and a kernel with namespaces. Where something is missing the tests say `skipped: …`; with
//! `ANTEROOM_TESTS=require` in the environment they fail instead. `ANTEROOM_LAB_BASE` names a folder of base images to
//! share; without it they are where `anteroom lab` keeps them.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says why it skips"
)]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use anteroom::commands::lab::CORE_DOWNLOADS;
use anteroom::machines::lab::HostRequest;
use anteroom::machines::lab::HostState;
use anteroom::machines::lab::Lab;
use anteroom::machines::lab::LabDir;
use anteroom::machines::lab::LabError;
use anteroom::machines::lab::LabHost;
use anteroom::machines::lab::Removal;
use anteroom::spec::HostName;
use tempfile::TempDir;

/// Tells a second copy of this test program which lab to make a host in.
const CHILD: &str = "ANTEROOM_TEST_LAB_CHILD";

/// A lab in a folder of its own that is taken down also when its test fails.
struct TestLab {
    lab: Lab,
    dir: TempDir,
}

impl TestLab {
    /// `None`, with the reason printed, where this computer cannot run hosts.
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let lab = open(dir.path());
        let missing = lab.preflight();
        if missing.is_empty() {
            return Some(Self { lab, dir });
        }
        let reasons: Vec<String> = missing.iter().map(ToString::to_string).collect();
        let reasons = reasons.join("; ");
        assert!(
            env::var("ANTEROOM_TESTS").as_deref() != Ok("require"),
            "the lab cannot run: {reasons}"
        );
        eprintln!("skipped: {reasons}");
        None
    }

    fn up(&self, host: &str, from: Option<&str>) -> Result<LabHost, LabError> {
        let request = HostRequest {
            name: name(host),
            from: from.map(name),
        };
        self.lab.up(&request, &mut |_| {})
    }

    /// Runs a command on a host by the real client, trusting only the pinned key.
    fn ssh(&self, host: &LabHost, command: &str) -> Output {
        let known = self.dir.path().join(format!("known-{}", host.name));
        if !known.exists() {
            pin(host, &known);
        }
        Command::new("ssh")
            .args([
                "-F",
                "/dev/null",
                "-o",
                "BatchMode=yes",
                "-o",
                "ConnectTimeout=10",
                "-o",
                "LogLevel=ERROR",
            ])
            .args([
                "-o",
                &format!("UserKnownHostsFile={}", known.display()),
                "-o",
                "StrictHostKeyChecking=yes",
            ])
            .arg("-i")
            .arg(&host.ssh_key)
            .args([&format!("root@{}", host.address), command])
            .output()
            .unwrap()
    }

    fn said(&self, host: &LabHost, command: &str) -> String {
        let output = self.ssh(host, command);
        assert!(
            output.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Takes everything down and proves it gone.
    fn finish(self) {
        self.lab.down_all().unwrap();
        assert_eq!(self.lab.leftovers(), Vec::<String>::new());
    }
}

impl Drop for TestLab {
    fn drop(&mut self) {
        if let Err(error) = self.lab.down_all() {
            eprintln!("failed to {error}");
        }
    }
}

fn open(home: &Path) -> Lab {
    let base = env::var_os("ANTEROOM_LAB_BASE").map_or_else(|| Path::new(LabDir::DEFAULT).join("base"), PathBuf::from);
    Lab::open(&LabDir::new(home).with_base(base))
        .unwrap()
        .carrying(&CORE_DOWNLOADS)
}

/// Asks a host for its key, makes sure that it is the one the lab reports, and remembers it.
fn pin(host: &LabHost, known: &Path) {
    let address = host.address.to_string();
    let scanned = Command::new("ssh-keyscan")
        .args(["-T", "60", "-t", "ed25519", &address])
        .output()
        .unwrap();
    fs::write(known, scanned.stdout).unwrap();
    let listed = Command::new("ssh-keygen").arg("-lf").arg(known).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(&host.host_key_fingerprint), "{listed}");
}

fn name(text: &str) -> HostName {
    text.parse().unwrap()
}

/// Process ids whose control group has this host's number, by the kernel's own list.
fn processes(host: &LabHost, part: &str) -> BTreeSet<u32> {
    let number = host.address.octets()[3];
    let mut found = BTreeSet::new();
    for entry in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let groups = fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
        let link = format!("-{number}/{part}");
        // Other labs may run at the same time: only this lab's folder tells whose process it is.
        let home = host.ssh_key.parent().unwrap().to_str().unwrap().to_owned();
        let environ = fs::read_to_string(entry.path().join("environ")).unwrap_or_default();
        let command = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        if groups.contains(&link) && (environ.contains(&home) || command.contains(&home)) {
            found.extend(entry.file_name().to_str().unwrap().parse::<u32>());
        }
    }
    found
}

fn kill(pids: &BTreeSet<u32>) {
    assert!(!pids.is_empty(), "there is something to kill");
    for pid in pids {
        let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
        assert!(killed.success());
    }
}

#[test]
fn two_hosts_boot_as_ordinary_servers_and_one_survives_its_reboot() {
    let Some(test) = TestLab::new() else { return };
    let core = test.up("core", None).unwrap();
    let bridge = test.up("bridge", None).unwrap();
    assert_ne!(core.address, bridge.address);
    assert_ne!(core.host_key_fingerprint, bridge.host_key_fingerprint);
    assert!(matches!(test.up("core", None), Err(LabError::Exists(_))));

    for host in [&core, &bridge] {
        assert_eq!(test.said(host, "systemctl is-system-running --wait"), "running");
        assert_eq!(test.said(host, "hostname"), host.name.as_str());
        assert_eq!(test.said(host, "date +%Z"), "UTC");
    }
    assert_ne!(
        test.said(&core, "cat /etc/machine-id"),
        test.said(&bridge, "cat /etc/machine-id")
    );
    test.said(&core, &format!("ping -c 1 -W 2 {}", bridge.address));
    test.said(&core, &format!("ping -c 1 -W 2 {}", core.gateway));
    test.said(
        &core,
        "nft add table inet mine && sysctl -qw net.ipv4.tcp_syncookies=2 && touch /root/kept /run/lost",
    );
    assert!(test.lab.root_dir(&core.name).join("root/kept").exists());

    let before = test.said(&core, "cat /proc/sys/kernel/random/boot_id /etc/machine-id");
    let booted = test.said(&core, "journalctl --list-boots --no-pager | wc -l");
    test.ssh(&core, "systemctl reboot");
    let until = Instant::now() + Duration::from_secs(300);
    while test.ssh(&core, "test ! -e /run/lost").status.code() != Some(0) {
        assert!(Instant::now() < until, "{before} {booted}");
        thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(test.said(&core, "systemctl is-system-running --wait"), "running");
    assert_eq!(
        test.said(
            &core,
            "ls /root/kept; nft list tables; journalctl --list-boots --no-pager | wc -l"
        ),
        "/root/kept\n3"
    );
    assert_ne!(test.said(&core, "cat /proc/sys/net/ipv4/tcp_syncookies"), "2");

    let states: Vec<HostState> = test.lab.list().unwrap().into_iter().map(|host| host.state).collect();
    assert_eq!(states, [HostState::Running, HostState::Running]);
    assert!(!test.lab.leftovers().is_empty(), "the look must see what is there");
    test.finish();
}

#[test]
fn a_host_inside_can_do_what_a_deployment_needs() {
    let Some(test) = TestLab::new() else { return };
    let host = test.up("core", None).unwrap();
    // A staged /etc over the real one, seen by one process only.
    let staged = "mkdir -p /root/stage && echo staged > /root/stage/hostname && unshare -m sh -c \
                  'mount -t overlay overlay -o lowerdir=/root/stage:/etc /etc && cat /etc/hostname' && cat /etc/hostname";
    assert_eq!(test.said(&host, staged), "staged\ncore");
    // A rollback timer, and a run that outlives its connection.
    let timer = "systemd-run -q --on-active=1 --timer-property=AccuracySec=100ms touch /run/fired; timeout 60 sh -c 'until [ -e /run/fired ]; do sleep 0.2; done'; ls /run/fired";
    assert_eq!(test.said(&host, timer), "/run/fired");
    let unit = "systemd-run -q --unit=long --collect --service-type=exec sleep 20 && systemctl is-active long";
    assert_eq!(test.said(&host, unit), "active");
    // A firewall tried out in a namespace of its own.
    assert_eq!(
        test.said(
            &host,
            "unshare -n sh -c 'nft add table inet tried && nft list tables'; nft list tables"
        ),
        "table inet tried"
    );
    // A hardened service.
    let sandboxed = "systemd-run -q --wait --pipe --collect -p ProtectSystem=strict -p PrivateTmp=yes -p ProtectHome=yes \
                     -p PrivateDevices=yes -p DynamicUser=yes -p NoNewPrivileges=yes -p MemoryDenyWriteExecute=yes \
                     -p SystemCallFilter=@system-service id -u";
    assert!(test.said(&host, sandboxed).parse::<u32>().unwrap() > 60000);
    test.finish();
}

#[test]
fn a_host_that_lost_power_starts_again_with_its_files() {
    let Some(test) = TestLab::new() else { return };
    let host = test.up("core", None).unwrap();
    test.said(&host, "touch /root/kept");
    assert!(matches!(test.lab.start(&host.name), Err(LabError::Running(_))));
    test.lab.kill(&host.name).unwrap();
    assert_eq!(test.lab.list().unwrap()[0].state, HostState::Stopped);
    assert!(test.lab.upper_dir(&host.name).join("root/kept").exists());
    let again = test.lab.start(&host.name).unwrap();
    assert_eq!(again, host);
    test.said(&again, "ls /root/kept");

    test.lab.stop(&host.name).unwrap();
    test.lab.stop(&host.name).unwrap();
    assert_eq!(test.lab.down(&host.name).unwrap(), Removal::Removed);
    assert_eq!(test.lab.down(&host.name).unwrap(), Removal::WasNotThere);
    assert_eq!(test.lab.leftovers(), Vec::<String>::new());
}

#[test]
fn hosts_whose_supervisor_or_nspawn_was_killed_are_taken_down_whole() {
    let Some(test) = TestLab::new() else { return };
    let one = test.up("one", None).unwrap();
    let two = test.up("two", None).unwrap();
    kill(&processes(&one, "keeper"));
    kill(&processes(&two, "guest/supervisor"));
    test.finish();
}

#[test]
fn hosts_whose_records_were_lost_are_taken_down_whole() {
    let Some(test) = TestLab::new() else { return };
    test.up("damaged", None).unwrap();
    test.up("lost", None).unwrap();
    let hosts = test.dir.path().join("hosts");
    fs::write(hosts.join("damaged/host.json"), "{").unwrap();
    fs::remove_file(hosts.join("lost/host.json")).unwrap();
    assert!(matches!(test.lab.down(&name("damaged")), Err(LabError::Record { .. })));
    test.finish();
}

#[test]
fn a_snapshot_is_a_beginning_for_many_hosts() {
    let Some(test) = TestLab::new() else { return };
    let host = test.up("core", None).unwrap();
    test.said(&host, "echo deployed > /etc/deployed; rm /etc/logrotate.conf; mv /etc/nftables.conf /etc/moved; mv /etc/sudoers.d /etc/elsewhere");
    test.lab.snapshot(&host.name, &name("ready")).unwrap();
    assert_eq!(test.lab.list().unwrap()[0].state, HostState::Stopped);
    assert!(matches!(
        test.lab.snapshot(&host.name, &name("ready")),
        Err(LabError::SnapshotExists(_))
    ));
    assert!(matches!(test.up("other", Some("none")), Err(LabError::NoSnapshot(_))));

    let clone = test.up("clone", Some("ready")).unwrap();
    let original = test.lab.start(&host.name).unwrap();
    let look = "cat /etc/deployed; ls /etc/moved /etc/elsewhere/README; ls /etc/logrotate.conf /etc/nftables.conf /etc/sudoers.d 2>/dev/null | wc -l";
    for host in [&clone, &original] {
        assert_eq!(test.said(host, look), "deployed\n/etc/elsewhere/README\n/etc/moved\n0");
        assert_eq!(test.said(host, "systemctl is-system-running --wait"), "running");
    }
    assert_ne!(clone.host_key_fingerprint, original.host_key_fingerprint);
    assert_ne!(
        test.said(&clone, "cat /etc/machine-id"),
        test.said(&original, "cat /etc/machine-id")
    );
    assert!(
        !test.lab.upper_dir(&clone.name).join("etc/deployed").exists(),
        "only what the clone changed is in there"
    );

    assert!(matches!(
        test.lab.remove_snapshot(&name("ready")),
        Err(LabError::SnapshotInUse { .. })
    ));
    test.lab.down(&clone.name).unwrap();
    test.lab.down(&host.name).unwrap();
    assert_eq!(test.lab.remove_snapshot(&name("ready")).unwrap(), Removal::Removed);
    test.finish();
}

#[test]
fn two_labs_live_side_by_side() {
    let (Some(one), Some(other)) = (TestLab::new(), TestLab::new()) else {
        return;
    };
    let here = one.up("core", None).unwrap();
    let there = other.up("core", None).unwrap();
    assert_ne!(here.gateway, there.gateway);
    // Each lab's hosts are out of reach for the other's.
    let across = format!("ping -c 1 -W 1 {}", there.address);
    assert!(!one.ssh(&here, &across).status.success());
    one.finish();
    assert_eq!(other.said(&there, "hostname"), "core");
    other.finish();
}

#[test]
fn a_host_whose_making_was_cut_short_at_any_moment_is_taken_down_whole() {
    if let Some(home) = env::var_os(CHILD) {
        // The second copy: makes a host and is killed meanwhile.
        let request = HostRequest {
            name: name("cut"),
            from: None,
        };
        open(Path::new(&home)).up(&request, &mut |_| {}).unwrap();
        return;
    }
    let Some(test) = TestLab::new() else { return };
    test.lab.build_base(&mut |_| {}).unwrap();
    for delay in [20, 60, 100, 140, 180, 220, 260, 300, 400, 600] {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "a_host_whose_making_was_cut_short_at_any_moment_is_taken_down_whole",
            ])
            .env(CHILD, test.dir.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        test.lab.down(&name("cut")).unwrap();
        assert_eq!(test.lab.leftovers(), Vec::<String>::new(), "after {delay} ms");
    }
    test.finish();
}
