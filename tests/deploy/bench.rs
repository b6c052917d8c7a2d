//! What all tests share: a lab of its own, the doubles' signed repository served in it, and a deployed host, set aside
//! as a snapshot that tests begin with. A janitor removes all of it even when this program is killed.

use std::env;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::net::Ipv4Addr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use anteroom::commands::lab::CORE_DOWNLOADS;
use anteroom::machines::lab::HostRequest;
use anteroom::machines::lab::Lab;
use anteroom::machines::lab::LabDir;
use anteroom::spec::HostName;
use tempfile::TempDir;

use crate::host::TestHost;
use crate::outcome::Outcome;
use crate::spec_file::SpecFile;

/// The program under test.
pub(crate) const ANTEROOM: &str = env!("CARGO_BIN_EXE_anteroom");
/// The snapshot of a host that `apply` deployed the token topology to.
const DEPLOYED: &str = "deployed";
const DOUBLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doubles");

/// The shared part of all tests.
pub(crate) struct Bench {
    pub(crate) lab: Lab,
    pub(crate) repository: Repository,
    pub(crate) fingerprint: String,
    janitor: Janitor,
    dir: TempDir,
}

impl Bench {
    /// Builds everything, or says what this computer lacks.
    pub(crate) fn build() -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        let base = base();
        let lab = Lab::open(&LabDir::new(dir.path().join("lab")).with_base(&base)).unwrap();
        let lab = lab.carrying(&CORE_DOWNLOADS);
        let missing = lab.preflight();
        if !missing.is_empty() {
            let reasons: Vec<String> = missing.iter().map(ToString::to_string).collect();
            return Err(reasons.join("; "));
        }
        let janitor = Janitor::hire(dir.path(), &base);
        fs::create_dir(dir.path().join("home")).unwrap();
        let built = Command::new("bash")
            .arg(format!("{DOUBLES}/build.sh"))
            .arg(dir.path().join("doubles"))
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        // The lab's network, and with it the address to serve at, lives as long as this host.
        let keeper = HostRequest {
            name: name("core"),
            from: None,
        };
        let keeper = lab.up(&keeper, &mut |_| {}).unwrap();
        let repository = Repository::serve(&dir.path().join("doubles"), keeper.gateway);
        let bench = Self {
            lab,
            repository,
            fingerprint: read(&dir.path().join("doubles/fingerprint")).trim().to_owned(),
            janitor,
            dir,
        };
        let host = TestHost::new(&bench, keeper, PathBuf::new());
        let spec = host.write("anteroom.toml", &SpecFile::token());
        bench.anteroom(&["apply", "-f", &spec, "--yes", "--no-audit"]).expect(0);
        host.keep();
        bench.lab.snapshot(&name("core"), &name(DEPLOYED)).unwrap();
        Ok(bench)
    }

    /// A host of the test's own with nothing on it.
    pub(crate) fn bare(&self, host: &str) -> TestHost<'_> {
        self.up(host, None)
    }

    /// A host of the test's own, deployed with the token topology; its services are ready.
    pub(crate) fn deployed(&self, host: &str) -> TestHost<'_> {
        let host = self.up(host, Some(name(DEPLOYED)));
        host.wait_for_bridge();
        host
    }

    fn up(&self, host: &str, from: Option<HostName>) -> TestHost<'_> {
        let folder = self.dir.path().join("tests").join(host);
        fs::create_dir_all(&folder).unwrap();
        let request = HostRequest { name: name(host), from };
        let host = TestHost::new(self, self.lab.up(&request, &mut |_| {}).unwrap(), folder);
        host.wait_for_boot();
        host
    }

    /// Folder of the doubles: repository, public key.
    pub(crate) fn doubles(&self) -> PathBuf {
        self.dir.path().join("doubles")
    }

    /// The program under test with an environment of our own, the operator being tester.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(ANTEROOM);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path().join("home"))
            .env("USER", "tester")
            .env("ANTEROOM_LAB_DIR", self.dir.path().join("lab"))
            .env("ANTEROOM_LAB_BASE", base())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program under test to its end.
    pub(crate) fn anteroom(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(arguments, self.command(arguments).output().unwrap())
    }

    /// Removes everything and proves it gone.
    pub(crate) fn take_down(self) {
        let Self {
            lab,
            repository,
            janitor,
            dir,
            ..
        } = self;
        drop(repository);
        let down = lab.down_all();
        let left = lab.leftovers();
        // With something left, the janitor tries again.
        down.unwrap();
        assert_eq!(left, Vec::<String>::new());
        janitor.dismiss();
        drop(dir);
    }
}

/// A served copy of the doubles' repository.
pub(crate) struct Repository {
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    server: Child,
}

impl Repository {
    /// Serves a folder built by build.sh at a port that is free.
    pub(crate) fn serve(doubles: &Path, address: Ipv4Addr) -> Self {
        let mut server = Command::new("sh")
            .arg(format!("{DOUBLES}/serve.sh"))
            .arg(doubles)
            .args([&address.to_string(), "0"])
            .env("PYTHONUNBUFFERED", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        // Serving HTTP on 10.77.5.1 port 40123 (http://10.77.5.1:40123/) ...
        let port = line.split_whitespace().nth(5).unwrap().parse().unwrap();
        Self { address, port, server }
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _gone_already = self.server.kill();
        let _status = self.server.wait();
    }
}

/// Waits for the end of this program, in a session of its own so that Ctrl-C does not reach it, and cleans up after it.
struct Janitor(Child);

impl Janitor {
    fn hire(dir: &Path, base: &Path) -> Self {
        const WORK: &str = "cat >/dev/null; [ ! -d \"$ANTEROOM_LAB_DIR\" ] || \"$1\" --quiet lab down --all; \
                            rm -rf --one-file-system -- \"$2\"";
        let janitor = Command::new("setsid")
            .args(["sh", "-c", WORK, "janitor", ANTEROOM])
            .arg(dir)
            .env("ANTEROOM_LAB_DIR", dir.join("lab"))
            .env("ANTEROOM_LAB_BASE", base)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(janitor)
    }

    fn dismiss(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Where base images are: where the environment says, else where `anteroom lab` keeps them.
fn base() -> PathBuf {
    env::var_os("ANTEROOM_LAB_BASE").map_or_else(|| Path::new(LabDir::DEFAULT).join("base"), PathBuf::from)
}

/// A host's name.
pub(crate) fn name(text: &str) -> HostName {
    text.parse().unwrap()
}

/// A whole file.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// Tries until it holds.
pub(crate) fn wait_for(what: &str, patience: Duration, holds: impl Fn() -> bool) {
    let until = std::time::Instant::now() + patience;
    while !holds() {
        assert!(std::time::Instant::now() < until, "{what}: not after {patience:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
