//! A lab host of one test: reached by the real ssh client, looked at without the program under test, gone at the end.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

use anteroom::machines::lab::LabHost;

use crate::bench::Bench;
use crate::bench::wait_for;
use crate::outcome::Outcome;
use crate::spec_file::Place;
use crate::spec_file::SpecFile;
use crate::world::World;

/// One host.
pub(crate) struct TestHost<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) host: LabHost,
    folder: PathBuf,
    kept: bool,
}

impl<'a> TestHost<'a> {
    /// Takes charge of a host that is up.
    pub(crate) fn new(bench: &'a Bench, host: LabHost, folder: PathBuf) -> Self {
        let folder = if folder.as_os_str().is_empty() {
            bench.doubles()
        } else {
            folder
        };
        Self {
            bench,
            host,
            folder,
            kept: false,
        }
    }

    /// The host stays.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }

    /// Writes a spec for this host; returns its path.
    pub(crate) fn write(&self, file: &str, spec: &SpecFile) -> String {
        let place = Place {
            address: self.host.address.to_string(),
            key: self.host.ssh_key.display().to_string(),
            host_key: self.host.host_key_fingerprint.clone(),
            uri: format!(
                "http://{}:{}",
                self.bench.repository.address, self.bench.repository.port
            ),
            key_file: self.bench.doubles().join("key.asc").display().to_string(),
            fingerprint: self.bench.fingerprint.clone(),
        };
        self.file(file, &spec.text(&place))
    }

    /// Writes a file of the test's own; returns its path.
    pub(crate) fn file(&self, file: &str, text: &str) -> String {
        let path = self.folder.join(file);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Runs a shell script on the host as root.
    pub(crate) fn try_run(&self, script: &str) -> Output {
        let known = self.folder.join("known_hosts");
        let public = self
            .bench
            .lab
            .root_dir(&self.host.name)
            .join("etc/ssh/ssh_host_ed25519_key.pub");
        let public = fs::read_to_string(public).unwrap();
        fs::write(&known, format!("{} {public}", self.host.address)).unwrap();
        let mut child = Command::new("ssh")
            .args(["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"])
            // A server that is reloading its settings refuses connections for a moment.
            .args([
                "-o",
                "ConnectionAttempts=10",
                "-o",
                "LogLevel=ERROR",
                "-o",
                "IdentitiesOnly=yes",
                "-o",
            ])
            .arg(format!("UserKnownHostsFile={}", known.display()))
            .arg("-i")
            .arg(&self.host.ssh_key)
            .arg(format!("root@{}", self.host.address))
            .arg("sh -s")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A connection that is refused takes no script; its status says so.
        let _refused = stdin.write_all(script.as_bytes());
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// Runs a shell script on the host, which must succeed; what it printed.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> String {
        let output = self.try_run(&format!("set -e\n{script}"));
        assert!(
            output.status.success(),
            "{script}\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Runs the program under test.
    pub(crate) fn anteroom(&self, arguments: &[&str]) -> Outcome {
        self.bench.anteroom(arguments)
    }

    /// Audits, the report as JSON.
    pub(crate) fn audit(&self, spec: &str) -> Outcome {
        self.anteroom(&["audit", "-f", spec, "--format", "json"])
    }

    /// Applies and audits, the report as JSON.
    pub(crate) fn apply(&self, spec: &str) -> Outcome {
        self.anteroom(&["apply", "-f", spec, "--yes", "--format", "json"])
    }

    /// Applies without an audit.
    pub(crate) fn deploy(&self, spec: &str) -> Outcome {
        self.anteroom(&["apply", "-f", spec, "--yes", "--no-audit", "-v"])
    }

    /// Everything that is on the host, when it has settled.
    pub(crate) fn world(&self) -> World {
        World::of(self)
    }

    /// Waits until systemd has started what it starts at boot; sshd answers earlier.
    pub(crate) fn wait_for_boot(&self) {
        self.run("timeout 300 systemctl is-system-running --wait >/dev/null || true");
    }

    /// Waits until the focus knows of its bridge.
    pub(crate) fn wait_for_bridge(&self) {
        wait_for("the bridge is there", Duration::from_secs(300), || {
            let there = "curl -sf http://127.0.0.1:8888/stats | grep -q '\"bridge_count\":1'";
            self.try_run(there).status.success()
        });
    }

    /// Waits until nobody holds the deployment's lock.
    pub(crate) fn wait_for_lock(&self) {
        wait_for("the run on the host ends", Duration::from_secs(1800), || {
            let idle = "flock -n /run/anteroom/lock true && ! systemctl list-units --plain --no-legend 'anteroom-apply-*' | grep -q .";
            self.try_run(idle).status.success()
        });
    }
}

impl Drop for TestHost<'_> {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = self.bench.lab.down(&self.host.name)
        {
            eprintln!("failed to {error}");
        }
    }
}
