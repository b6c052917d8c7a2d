//! A whole `anteroom plan` of a lab host, through the relay: what an operator far away waits for.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use anteroom::commands::lab::CORE_DOWNLOADS;
use anteroom::machines::lab::HostRequest;
use anteroom::machines::lab::Lab;
use anteroom::machines::lab::LabDir;
use anteroom::machines::lab::LabHost;
use tempfile::TempDir;

use crate::relay::Relay;

/// Lets `ops` log in with root's keys and become root without a password.
const OPERATOR: &str = "useradd --create-home --shell /bin/sh ops && cp -r /root/.ssh /home/ops/ && chown -R ops: /home/ops/.ssh \
                        && echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops";

/// A lab with one host, taken down also when the test fails.
struct OneHost {
    lab: Lab,
    host: LabHost,
    dir: TempDir,
}

impl OneHost {
    /// An error names what this computer lacks.
    fn up() -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        let base =
            env::var_os("ANTEROOM_LAB_BASE").map_or_else(|| Path::new(LabDir::DEFAULT).join("base"), PathBuf::from);
        let lab = Lab::open(&LabDir::new(dir.path().join("lab")).with_base(base)).unwrap();
        let lab = lab.carrying(&CORE_DOWNLOADS);
        let missing: Vec<String> = lab.preflight().iter().map(ToString::to_string).collect();
        if !missing.is_empty() {
            return Err(missing.join("; "));
        }
        let request = HostRequest {
            name: "core".parse().unwrap(),
            from: None,
        };
        let host = lab.up(&request, &mut |_| {}).unwrap();
        Ok(Self { lab, host, dir })
    }

    /// Runs a command on the host by the real client.
    fn on_host(&self, command: &str) {
        let public = self
            .lab
            .root_dir(&self.host.name)
            .join("etc/ssh/ssh_host_ed25519_key.pub");
        let known = self.dir.path().join("known_hosts");
        let line = format!("{} {}", self.host.address, fs::read_to_string(public).unwrap());
        fs::write(&known, line).unwrap();
        let status = Command::new("ssh")
            .args(["-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o"])
            .arg(format!("UserKnownHostsFile={}", known.display()))
            .arg("-i")
            .arg(&self.host.ssh_key)
            .args([&format!("root@{}", self.host.address), command])
            .status()
            .unwrap();
        assert!(status.success(), "{command}");
    }

    /// Plans as a user who reaches the host through the relay only.
    fn plan(&self, user: &str, relay: &Relay) {
        let spec = self.dir.path().join(format!("{user}.toml"));
        let text = format!(
            "[deployment]\nname = \"far\"\ndomain = \"telemed.example.test\"\nenvironment = \"test\"\nttl = \"4h\"\n\
             [machines]\nkind = \"existing\"\n\
             [[host]]\nname = \"core\"\naddress = \"127.0.0.1\"\nport = {}\nuser = \"{user}\"\nkey = \"{}\"\n\
             host_key = \"{}\"\nprivate_address = \"10.20.0.15\"\n\
             [security]\nauth = \"token\"\n[certificate]\nkind = \"self-signed\"\n",
            relay.port,
            self.host.ssh_key.display(),
            self.host.host_key_fingerprint,
        );
        fs::write(&spec, text).unwrap();
        let out = Command::new(env!("CARGO_BIN_EXE_anteroom"))
            .args(["plan", "--file"])
            .arg(&spec)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [out.stdout, out.stderr].concat();
        // Changes are pending on a bare host.
        assert_eq!(out.status.code(), Some(4), "{user}: {}", String::from_utf8_lossy(&said));
    }
}

impl Drop for OneHost {
    fn drop(&mut self) {
        let gone = self.lab.down_all();
        // A second panic would hide why the test failed.
        if !std::thread::panicking() {
            gone.unwrap();
            assert_eq!(self.lab.leftovers(), Vec::<String>::new());
        }
    }
}

#[test]
fn a_whole_plan_costs_few_round_trips_for_root_and_for_a_user_with_sudo() {
    let Some(one) = crate::or_skip(OneHost::up()) else {
        return;
    };
    one.on_host(OPERATOR);
    for user in ["root", "ops"] {
        let relay = Relay::to(&one.host.address.to_string(), 22);
        one.plan(user, &relay);
        relay.expect_few_turns();
    }
}
