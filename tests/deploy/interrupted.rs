//! Runs that are cut short: by a killed tool, a power failure, a check that fails, a firewall that shuts its operator out.

use std::io::BufRead;
use std::io::BufReader;
use std::process::Child;
use std::process::ChildStderr;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::bench::Bench;
use crate::host::TestHost;
use crate::spec_file::SpecFile;

/// An `apply` that has begun.
struct Running {
    child: Child,
    talk: BufReader<ChildStderr>,
}

impl Running {
    fn start(host: &TestHost<'_>, spec: &str) -> Self {
        let mut child = host
            .bench
            .command(&["apply", "-v", "--yes", "--no-audit", "-f", spec])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let talk = BufReader::new(child.stderr.take().unwrap());
        Self { child, talk }
    }

    /// Reads until a step with these words begins.
    fn until(&mut self, words: &str) {
        let mut said = String::new();
        loop {
            let start = said.len();
            let read = self.talk.read_line(&mut said).unwrap();
            assert!(read > 0, "it ended before {words:?}:\n{said}");
            let line = &said[start..];
            if line.starts_with("core [") && line.contains(words) {
                return;
            }
        }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end; exit code and the rest of the talk.
    fn end(mut self) -> (i32, String) {
        let rest: Vec<String> = self.talk.lines().map_while(Result::ok).collect();
        (self.child.wait().unwrap().code().unwrap_or(-1), rest.join("\n"))
    }
}

/// What a run that was undone leaves: packages came and went.
const UNDONE: &[(&str, &str)] = &[
    (
        "new: file /var/lib/anteroom",
        "the record of a run whose tool is gone; the next run's tool removes it",
    ),
    ("new: sum /var/lib/anteroom/run/", "the same"),
    ("changed: file /var/lib/dpkg/", "dpkg's previous versions of its lists"),
    ("changed: sum /var/lib/dpkg/", "the same"),
];

/// SIGKILL while the firewall is on probation, then while packages are installed.
pub(crate) fn a_killed_tool_leaves_a_host_that_converges(bench: &Bench) {
    let host = bench.bare("killed");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    let before = host.world();
    let mut first = Running::start(&host, &spec);
    first.until("put /etc/ssh/sshd_config.d/00-anteroom.conf in place");
    first.kill();
    // Nobody confirms, so the host undoes all of it.
    host.wait_for_lock();
    before.expect_same(&host.world(), UNDONE);

    let mut second = Running::start(&host, &spec);
    second.until("install chrony");
    second.kill();
    // The run goes on without its tool, and nobody else may change the host meanwhile.
    for verb in ["plan", "apply"] {
        let refused = host.anteroom(&[verb, "-f", &spec]).expect(1);
        let refused = refused.says(&[
            "tester@",
            "is running apply there since 20",
            "wait until that run is over",
        ]);
        assert_eq!(refused.out, "");
    }
    host.wait_for_lock();
    host.apply(&spec).clean();
}

/// The host loses its power while packages are installed.
pub(crate) fn a_host_that_lost_its_power_converges(bench: &Bench) {
    let host = bench.bare("power");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    let mut running = Running::start(&host, &spec);
    running.until("install chrony");
    host.run(
        "until ls /var/lib/dpkg/info/prosody.list /var/lib/dpkg/info/nginx.list >/dev/null 2>&1; do sleep 0.1; done",
    );
    bench.lab.kill(&host.host.name).unwrap();
    bench.lab.start(&host.host.name).unwrap();
    host.wait_for_boot();
    let (code, talk) = running.end();
    assert_eq!(code, 1, "{talk}");
    // The host undoes it while it boots; the tool hears of that, or of nothing.
    let told = ["the host undid it by itself", "ended without a word; run apply again"];
    assert!(told.iter().any(|words| talk.contains(words)), "{talk}");
    host.apply(&spec).clean();
}

/// A file of somebody else's that nginx refuses.
pub(crate) fn a_check_that_fails_changes_nothing(bench: &Bench) {
    let host = bench.deployed("checked");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    host.run(
        "echo 'nonsense;' >/etc/nginx/conf.d/zz-foreign.conf; chmod 0600 /etc/default/coturn; \
         sed -i '/Strict-Transport-Security/d' /etc/nginx/sites-available/telemed.example.test.conf",
    );
    let before = host.world();
    let pids = || host.run("systemctl show -p MainPID nginx prosody coturn jicofo jitsi-videobridge2");
    let running = pids();
    host.deploy(&spec).expect(1).says(&[
        "failed to judge the staged files with nginx -t on core",
        "the host is as before",
        "nonsense",
    ]);
    before.expect_same(&host.world(), &[]);
    assert_eq!(pids(), running);
    host.run("rm /etc/nginx/conf.d/zz-foreign.conf");
    host.deploy(&spec).expect(0);
    host.anteroom(&["plan", "-f", &spec]).expect(0);
}

/// Admin networks that the operator is not in.
pub(crate) fn nobody_is_locked_out(bench: &Bench) {
    let host = bench.deployed("lockout");
    let spec = SpecFile::token().with("[access]\nadmin_cidrs = [\"172.31.5.0/24\"]\n");
    let spec = host.write("anteroom.toml", &spec);
    let before = host.world();
    let address = format!("{}:22", host.host.address).parse().unwrap();
    let started = Instant::now();
    let mut running = Running::start(&host, &spec);
    running.until("disarm the rollback");
    // Seen from outside: it is in force, and shuts us out.
    thread::sleep(Duration::from_secs(1));
    std::net::TcpStream::connect_timeout(&address, Duration::from_secs(2)).unwrap_err();
    let (code, talk) = running.end();
    assert_eq!(code, 1, "{talk}");
    assert!(
        talk.contains("over a new connection") && talk.contains("admin_cidrs"),
        "{talk}"
    );
    assert!(talk.contains("the host is as before"), "{talk}");
    assert!(started.elapsed() < Duration::from_secs(600), "{:?}", started.elapsed());
    before.expect_same(&host.world(), &[]);
    let good = host.write("good.toml", &SpecFile::token());
    host.anteroom(&["plan", "-f", &good]).expect(0);
}
