//! A fake host: a throwaway root in namespaces of its own, in which the real engine runs with this computer's own shell
//! and file tools. Packages, units, the firewall and the like are the doubles in `doubles/`. It boots in milliseconds,
//! loses its power when told to, and everything it holds can be read afterwards.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::Output as Ended;
use std::process::Stdio;
use std::time::Duration;

use anteroom::apply::Event;
use anteroom::remote::Host;
use anteroom::remote::Output;
use anteroom::remote::RemoteError;
use anteroom::spec::HostName;

use crate::fake_power::Safe;
use crate::fault::Fault;
use crate::fault::faulty;
use crate::fault::kill_tool;

/// The disk: a tmpfs that lives as long as this program, filled from a template.
const DISK: &str = "set -e
mount -t tmpfs fake \"$1\"
cp -a \"$2/.\" \"$1\"
: >\"$1/var/lib/double/synced\"
mkdir \"$1/machine\" \"$1/proc\" \"$1/dev\" \"$1/run\" \"$1/tmp\"
chmod 1777 \"$1/tmp\"
mount --bind -o ro /usr \"$1/machine\"
mount --rbind /dev \"$1/dev\"
echo ready
read -r _ || :";

/// The power: process 1 of the host. What is in /run goes with it; the clock and the settings of
/// the kernel are the doubles' own.
const POWER: &str = "set -e
mount -t proc proc \"$1/proc\"
mount -t tmpfs run \"$1/run\"
mkdir -p \"$1/run/double\"
echo '1000.00 1.00' >\"$1/run/double/uptime\"
mount --bind \"$1/run/double/uptime\" \"$1/proc/uptime\"
mkdir \"$1/run/sys\"
mount -t tmpfs sys \"$1/run/sys\"
for part in dev fs kernel net; do cp -r --no-preserve=all \"$1/proc/sys/$part\" \"$1/run/sys/$part\" 2>/dev/null || :; done
mount --move \"$1/run/sys\" \"$1/proc/sys\"
rmdir \"$1/run/sys\"
exec chroot \"$1\" /usr/bin/env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin /bin/sh /usr/local/sbin/boot";

/// A host with its disk and its power.
pub(crate) struct FakeHost {
    root: PathBuf,
    disk: Process,
    power: Process,
    safe: Safe,
}

/// A process that ends when its standard input does.
struct Process {
    child: Child,
    _stdin: ChildStdin,
}

impl Process {
    /// Starts it and waits for its word.
    fn start(command: &mut Command, word: &str) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line.trim(), word, "{command:?}");
        let stdin = child.stdin.take().unwrap();
        Self { child, _stdin: stdin }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _status = self.child.wait();
    }
}

impl FakeHost {
    /// A host that was just booted, with what a template holds.
    pub(crate) fn new(template: &Path, root: &Path) -> Self {
        fs::create_dir_all(root).unwrap();
        let mut disk = Command::new("unshare");
        disk.args(["--mount", "--propagation", "private", "sh", "-c", DISK, "disk"])
            .args([root, template]);
        let disk = Process::start(&mut disk, "ready");
        let power = Self::boot(root, disk.child.id());
        let mut host = Self {
            root: root.to_owned(),
            disk,
            power,
            safe: Safe::default(),
        };
        host.safe = Safe::all_of(&host.disk());
        host
    }

    fn boot(root: &Path, disk: u32) -> Process {
        let mut power = Command::new("nsenter");
        power
            .arg(format!("--mount=/proc/{disk}/ns/mnt"))
            .args([
                "unshare",
                "--mount",
                "--propagation",
                "private",
                "--pid",
                "--net",
                "--ipc",
            ])
            .args(["--fork", "--kill-child=KILL", "sh", "-c", POWER, "power"])
            .arg(root);
        Process::start(&mut power, "up")
    }

    /// The disk, whether the host has power or not.
    fn disk(&self) -> PathBuf {
        let seen = PathBuf::from(format!("/proc/{}/root", self.disk.child.id()));
        seen.join(self.root.strip_prefix("/").unwrap())
    }

    /// Every process ends at once, what was not synced is lost, and the host boots again.
    pub(crate) fn lose_power(&mut self) {
        let _gone_already = self.power.child.kill();
        let _status = self.power.child.wait();
        let disk = self.disk();
        self.safe.lose_the_rest(&disk);
        self.power = Self::boot(&self.root, self.disk.child.id());
    }

    /// A way to the host, over which an engine with a fault is sent.
    pub(crate) fn link(&self, fault: Option<Fault>) -> Link {
        Link {
            name: "core".parse().unwrap(),
            power: self.power.child.id(),
            root: self.root.clone(),
            fault,
            cut: Cut::Never,
        }
    }

    /// The host's files, as this computer sees them.
    pub(crate) fn view(&self) -> PathBuf {
        let seen = PathBuf::from(format!("/proc/{}/root", self.power.child.id()));
        seen.join(self.root.strip_prefix("/").unwrap())
    }

    /// Waits until nobody changes the host any more.
    pub(crate) fn wait(&self) {
        self.link(None).must(
            "until flock -n /run/anteroom/lock true; do /usr/bin/sleep 0.02; done; \
             until ! ls /run/double/transient/anteroom-*.service >/dev/null 2>&1 || ! kill -0 $(cat /run/double/transient/anteroom-*.service) 2>/dev/null; do /usr/bin/sleep 0.02; done",
        );
    }
}

/// When a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Never,
    /// When any change begins; the tool makes a new one.
    Always,
    /// When this change begins, and the tool dies with it.
    Killed(usize),
}

/// A connection to a fake host.
#[derive(Clone)]
pub(crate) struct Link {
    name: HostName,
    power: u32,
    root: PathBuf,
    fault: Option<Fault>,
    pub(crate) cut: Cut,
}

impl Link {
    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--mount=/proc/{}/ns/mnt", self.power))
            .arg(format!("--pid=/proc/{}/ns/pid_for_children", self.power))
            .arg(format!("--net=/proc/{}/ns/net", self.power))
            .arg("chroot")
            .arg(&self.root)
            .args([
                "/usr/bin/env",
                "-i",
                "PATH=/usr/local/sbin:/usr/sbin:/usr/bin",
                "/bin/sh",
                "-c",
            ])
            // The tool's own waiting is no matter of the host's clock; looking again and again costs more than the run.
            .arg(script.replace("sleep 0.4", "/usr/bin/sleep 0.15"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn broken(&self, why: &str) -> RemoteError {
        RemoteError::Broken {
            address: "fake".to_owned(),
            why: why.to_owned(),
        }
    }

    /// Runs a script whose success the test depends on.
    #[track_caller]
    pub(crate) fn must(&mut self, script: &str) -> String {
        let output = self.run(script, &[], Duration::ZERO).unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status, 0, "{script}\n{text}\n{errors}");
        text
    }

    fn cuts(&self, line: &str) -> bool {
        let begun = line
            .strip_prefix("| step ")
            .and_then(|rest| rest.strip_suffix(" begin"))
            .and_then(|number| number.parse::<usize>().ok());
        let Some(begun) = begun else { return false };
        match self.cut {
            Cut::Never => false,
            Cut::Always => true,
            Cut::Killed(at) => begun == at,
        }
    }
}

fn ended(output: Ended) -> Output {
    Output {
        status: output.status.code().unwrap_or(255),
        stdout: output.stdout,
        stderr: output.stderr,
    }
}

impl Host for Link {
    fn name(&self) -> &HostName {
        &self.name
    }

    fn run(&mut self, script: &str, input: &[u8], _patience: Duration) -> Result<Output, RemoteError> {
        let input = match &self.fault {
            Some(fault) if script.contains("tar -x") => faulty(input, fault),
            _ => input.to_vec(),
        };
        let mut child = self.command(script).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        let _a_script_that_reads_nothing = writer.join();
        Ok(ended(output))
    }

    fn follow(&mut self, script: &str, _patience: Duration, line: &mut dyn FnMut(&str)) -> Result<Output, RemoteError> {
        let mut child = self.command(script).spawn().unwrap();
        drop(child.stdin.take());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for text in lines.map_while(Result::ok) {
            line(&text);
            if self.cuts(&text) {
                let _ = child.kill();
                let _ = child.wait();
                if matches!(self.cut, Cut::Killed(_)) {
                    kill_tool();
                }
                return Err(self.broken("the test cut the connection"));
            }
        }
        Ok(ended(child.wait_with_output().unwrap()))
    }

    fn reconnect(&self) -> Result<Box<dyn Host>, RemoteError> {
        Ok(Box::new(self.clone()))
    }
}

/// A watcher of runs that says nothing.
pub(crate) fn quietly(_event: Event) {}
