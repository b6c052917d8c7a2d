//! A lab host that carries the programs a deployment's files are written for, installed from the base image's own copies.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use anteroom::commands::lab::CORE_DOWNLOADS;
use anteroom::machines::lab::HostRequest;
use anteroom::machines::lab::Lab;
use anteroom::machines::lab::LabDir;
use anteroom::machines::lab::LabHost;
use tempfile::TempDir;

use crate::need;

/// What no check needs, and takes long to install.
const LEFT_OUT: [&str; 1] = ["openjdk-17-jre-headless"];

/// The host. It is taken down also when its test fails.
pub(crate) struct Machine {
    lab: Lab,
    host: LabHost,
    dir: TempDir,
}

impl Machine {
    /// Boots the host and installs; `None`, with the reason said, where this computer cannot run hosts.
    pub(crate) fn up() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let base =
            env::var_os("ANTEROOM_LAB_BASE").map_or_else(|| Path::new(LabDir::DEFAULT).join("base"), PathBuf::from);
        let lab = Lab::open(&LabDir::new(dir.path()).with_base(base))
            .unwrap()
            .carrying(&CORE_DOWNLOADS);
        let missing: Vec<String> = lab.preflight().iter().map(ToString::to_string).collect();
        if !missing.is_empty() {
            need::skip(&format!("the lab cannot run: {}", missing.join("; ")));
            return None;
        }
        let request = HostRequest {
            name: "judge".parse().unwrap(),
            from: None,
        };
        let host = lab.up(&request, &mut |_| {}).unwrap();
        let machine = Self { lab, host, dir };
        machine.prepare();
        Some(machine)
    }

    /// Installs without starting anything; gives the units of Jitsi's packages a body, so that drop-ins have a unit.
    fn prepare(&self) {
        let folder = self.folder("");
        fs::create_dir_all(&folder).unwrap();
        // As Prosody's own user reads it.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join("judge.sh"), include_str!("judge.sh")).unwrap();
        let wanted: Vec<&str> = CORE_DOWNLOADS
            .into_iter()
            .filter(|name| !LEFT_OUT.contains(name))
            .collect();
        let script = format!(
            "set -e\nprintf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d\nchmod 755 /usr/sbin/policy-rc.d\n\
             DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends {}\nrm /usr/sbin/policy-rc.d\n\
             rm -f /etc/nginx/sites-enabled/default\nmkdir -p /run/sshd\n\
             for unit in jicofo jitsi-videobridge2; do\n\
             printf '[Service]\\nExecStart=/bin/true\\n' >/etc/systemd/system/$unit.service\ndone\n",
            wanted.join(" ")
        );
        fs::write(folder.join("prepare.sh"), script).unwrap();
        let output = self.run("sh /srv/judge/prepare.sh");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A path below the host's /srv/judge, as this computer sees it.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.lab.root_dir(&self.host.name).join("srv/judge").join(name)
    }

    /// Runs a command on the host as root.
    pub(crate) fn run(&self, command: &str) -> Output {
        Command::new("ssh")
            .args(["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"])
            // The host was made a moment ago, in a network of this test's own.
            .args(["-o", "StrictHostKeyChecking=accept-new"])
            .args([
                "-o",
                &format!("UserKnownHostsFile={}", self.dir.path().join("known").display()),
            ])
            .arg("-i")
            .arg(&self.host.ssh_key)
            .args([&format!("root@{}", self.host.address), command])
            .output()
            .unwrap()
    }

    /// Takes everything down and proves it gone.
    pub(crate) fn finish(self) {
        self.lab.down_all().unwrap();
        assert_eq!(self.lab.leftovers(), Vec::<String>::new());
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Err(error) = self.lab.down_all() {
            println!("failed to {error}");
        }
    }
}
