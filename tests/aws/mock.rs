//! Starts the mock of AWS and runs the program against it: on loopback, or where a spec is of production over TLS, with
//! credentials that are nobody's, in an environment that holds nothing of this computer's.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

#[path = "tls.rs"]
mod tls;

use tls::Listener;

/// The longest that one run may take.
const RUN: Duration = Duration::from_secs(240);

/// A mock of its own, with a folder for specs.
pub(crate) struct Mock {
    server: Child,
    port: u16,
    tls: Option<Listener>,
    folder: TempDir,
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ended_already = self.server.kill();
        let _reaped_already = self.server.wait();
    }
}

fn repository(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The mock's interpreter, or why there is none.
fn interpreter() -> Result<String, String> {
    let made = Command::new(repository("script/mock-aws")).output();
    let made = made.map_err(|error| error.to_string())?;
    if made.status.success() {
        return Ok(String::from_utf8_lossy(&made.stdout).trim().to_owned());
    }
    Err(String::from_utf8_lossy(&made.stderr).into_owned())
}

impl Mock {
    /// Starts one; `None` where this computer cannot, and the tests may be skipped.
    pub(crate) fn start() -> Option<Self> {
        let python = match interpreter() {
            Ok(python) => python,
            Err(why) if std::env::var_os("ANTEROOM_TESTS").is_some_and(|value| value == "require") => {
                panic!("script/mock-aws: {why}")
            }
            Err(why) => {
                let _ = writeln!(std::io::stderr(), "skipped: script/mock-aws: {why}");
                return None;
            }
        };
        let folder = tempfile::tempdir().unwrap();
        let mut tls = Listener::prepare(folder.path());
        let server = Command::new(python)
            .arg("-u")
            .arg(repository("tests/aws/mock/server.py"))
            .arg(repository("tests/aws/mock/images.json"))
            .args(tls.iter().flat_map(Listener::arguments))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut server = server.unwrap();
        let mut line = String::new();
        let told = server.stdout.take().unwrap();
        BufReader::new(told).read_line(&mut line).unwrap();
        let mut ports = line.split_whitespace().map(|port| port.parse().unwrap());
        let port = ports.next().unwrap();
        if let Some(tls) = &mut tls {
            tls.port = ports.next().unwrap();
        }
        let mock = Self {
            server,
            port,
            tls,
            folder,
        };
        fs::copy(repository("examples/files/admin.pub"), mock.path("admin.pub")).unwrap();
        mock.spec("test", SPEC);
        Some(mock)
    }

    /// A file beside the specs.
    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a spec, `NAME.toml`.
    pub(crate) fn spec(&self, name: &str, text: &str) {
        fs::write(self.path(&format!("{name}.toml")), text).unwrap();
    }

    /// Asks the mock itself.
    pub(crate) fn ask(&self, what: &str, body: &Value) -> Value {
        let text = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let length = text.len();
        write!(
            stream,
            "POST /_test/{what} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{text}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{what}: {head}");
        serde_json::from_str(body).unwrap()
    }

    /// Forgets everything.
    pub(crate) fn reset(&self) {
        self.ask("reset", &Value::Null);
    }

    /// How many of each kind the account holds in all regions; kinds without any are left out.
    pub(crate) fn count(&self) -> Value {
        let mut counted = self.ask("count", &Value::Null);
        counted.as_object_mut().unwrap().retain(|_, number| *number != 0);
        counted
    }

    /// The calls since the last plan of faults that change something, by service and action.
    pub(crate) fn writes(&self) -> Vec<String> {
        let calls = self.ask("calls", &Value::Null);
        let writes = calls.as_array().unwrap().iter().filter(|call| call[3] == true);
        let name = |call: &Value| format!("{}:{}", call[0].as_str().unwrap(), call[1].as_str().unwrap());
        writes.map(name).collect()
    }

    /// Where the mock listens without TLS.
    pub(crate) fn loopback(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Whether a spec that is named among the arguments is of production, which is asked over TLS and not on loopback.
    fn of_production(&self, arguments: &[&str]) -> bool {
        let specs = arguments.iter().filter(|argument| argument.ends_with(".toml"));
        let texts = specs.filter_map(|name| fs::read_to_string(self.folder.path().join(name)).ok());
        texts
            .into_iter()
            .any(|text| text.contains("environment = \"production\""))
    }

    /// What leads a program that uses AWS here, with credentials that are nobody's.
    pub(crate) fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", self.loopback()),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI-no-such-key".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// Every machine in the first region, those that ended too: `id`, `kind`, `state` and `tags`.
    pub(crate) fn machines(&self) -> Vec<Value> {
        let seen = self.ask("do", &json!({"region": "us-east-1", "what": "see"}));
        seen.as_array().unwrap().clone()
    }

    /// The program, in an environment of its own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anteroom"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", self.folder.path())
            .envs(self.environment())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.of_production(arguments) {
            let tls = self
                .tls
                .as_ref()
                .expect("production needs an address of this computer that is not loopback");
            command
                .env("AWS_ENDPOINT_URL", tls.url())
                .env("SSL_CERT_FILE", &tls.authority);
        }
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.command(arguments).spawn().unwrap())
    }

    /// `apply` as far as the machine: nobody answers at its address, so it ends with 1 there.
    pub(crate) fn apply(&self, spec: &str) -> Ran {
        self.run(&["apply", "--yes", "--no-audit", "-f", &format!("{spec}.toml")])
    }

    /// `apply` that goes on when the mock holds the n-th call, after somebody else did something; how it ended.
    pub(crate) fn apply_disturbed(&self, spec: &str, hold: &Value, meanwhile: impl FnOnce(&Self)) -> Ran {
        self.ask("plan", &json!({ "hold": hold }));
        let spec = format!("{spec}.toml");
        let child = self
            .command(&["apply", "--yes", "--no-audit", "-f", &spec])
            .spawn()
            .unwrap();
        let started = Instant::now();
        while self.ask("held", &Value::Null) != true {
            assert!(started.elapsed() < RUN, "nothing was held");
            std::thread::sleep(Duration::from_millis(10));
        }
        meanwhile(self);
        self.ask("release", &Value::Null);
        finish(child)
    }

    /// `destroy` of a test.
    pub(crate) fn destroy(&self, spec: &str) -> Ran {
        self.run(&["destroy", "--yes", "-f", &format!("{spec}.toml")])
    }

    /// Runs the program and kills it when the mock holds the n-th call; whether it came to that.
    pub(crate) fn kill_at(&self, arguments: &[&str], call: usize, of: &str) -> bool {
        self.ask("plan", &json!({"hold": {"at": call, "when": "after", "of": of}}));
        let mut child = self
            .command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let killed = loop {
            if self.ask("held", &Value::Null) == true {
                child.kill().unwrap();
                break true;
            }
            if child.try_wait().unwrap().is_some() {
                break false;
            }
            assert!(started.elapsed() < RUN, "call {call} was neither held nor the last");
            std::thread::sleep(Duration::from_millis(10));
        };
        child.wait().unwrap();
        self.ask("release", &Value::Null);
        self.ask("plan", &json!({}));
        killed
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Whether `apply` made everything and stopped where nobody answers.
    pub(crate) fn reached_the_machine(&self) -> bool {
        self.code == 1 && self.err.contains("failed to connect to 127.77.")
    }
}

fn finish(mut child: Child) -> Ran {
    let started = Instant::now();
    let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > RUN {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let status = child.wait().unwrap();
    let output = Output {
        status,
        stdout: out.join().unwrap(),
        stderr: err.join().unwrap(),
    };
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).unwrap();
        }
        bytes
    })
}

/// A test deployment of one host.
pub(crate) const SPEC: &str = r#"
[deployment]
name = "clinic"
domain = "telemed.example.com"
environment = "test"
ttl = "4h"

[machines]
kind = "aws"

[machines.aws]
account = "123456789012"
region = "us-east-1"
public_key_file = "admin.pub"
kms_key = "own"
flow_logs = "arn:aws:s3:::clinic-flow-logs"

[access]
admin_cidrs = ["203.0.113.0/28", "2001:db8:7::/48"]
"#;

/// What one host of a deployment comes to.
pub(crate) fn whole() -> Value {
    json!({
        "addresses": 1, "aliases": 1, "disk_keys": 1, "flow_logs": 1, "gateways": 1, "groups": 1, "instances": 1, "interfaces": 1,
        "key_pairs": 1, "route_tables": 1, "subnets": 1, "volumes": 1, "vpcs": 1,
    })
}
