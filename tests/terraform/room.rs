//! An empty folder with a spec and a root module, and `terraform` in it without the caller's environment.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::thread;

use crate::module::repository;

/// Whether the real `terraform` answers. No package of Debian brings it, so a computer without it skips these tests in CI,
/// too, and says so; what Terraform prints is also tested from recorded output.
pub(crate) fn terraform_is_here() -> bool {
    let answer = Command::new("terraform").arg("version").stdin(Stdio::null()).output();
    let here = answer.is_ok_and(|output| output.status.success());
    if !here {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: terraform is not installed, and no package brings it"
        );
    }
    here
}

/// A folder that is home and working folder at once.
pub(crate) struct Room {
    dir: tempfile::TempDir,
}

/// What one run did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A double of a cloud: the real shape and the real output, with `terraform_data` in place of machines. Terraform alone
/// can apply it.
const CLOUD: &str = r#"
variable "anteroom" {
  type = any
}
variable "address" {
  type    = string
  default = "127.0.0.1"
}
variable "capacity" {
  type    = bool
  default = true
}
module "shape" {
  source   = "SHAPE"
  anteroom = var.anteroom
}
resource "terraform_data" "network" {
  input = module.shape.facts
}
resource "terraform_data" "host" {
  for_each = module.shape.hosts
  input    = { address = var.address, ingress = module.shape.ingress[each.key], protect = module.shape.protect }
  depends_on = [terraform_data.network]
  lifecycle {
    precondition {
      condition     = var.capacity
      error_message = "the cloud has no capacity"
    }
  }
}
output "password" {
  value     = "swordfish-of-the-state"
  sensitive = true
}
output "anteroom_hosts" {
  value = [for name, host in module.shape.hosts : {
    name = name, roles = host.roles, address = terraform_data.host[name].output.address, user = "admin"
    public_address = null, private_address = null, host_key = null
  }]
}
"#;

impl Room {
    /// With the example's spec, whose `[machines]` is this.
    pub(crate) fn new(machines: &str) -> Self {
        let room = Self {
            dir: tempfile::Builder::new().prefix("anteroom-tf-").tempdir().unwrap(),
        };
        let text = fs::read_to_string(repository("examples/terraform.toml")).unwrap();
        let (before, rest) = text.split_once("[machines]\n").unwrap();
        let (_, after) = rest.split_once("[[host]]\n").unwrap();
        room.write(
            "anteroom.toml",
            &format!("{before}[machines]\nkind = \"terraform\"\n{machines}\n[[host]]\n{after}"),
        );
        fs::create_dir(room.path().join("tmp")).unwrap();
        room
    }

    /// With a root module in `infra`, and the host's SSH port.
    pub(crate) fn with_cloud(machines: &str, port: u16) -> Self {
        let room = Self::new(&format!("folder = \"infra\"\n{machines}"));
        fs::create_dir(room.path().join("infra")).unwrap();
        let shape = repository("terraform/shape");
        room.write("infra/main.tf", &CLOUD.replace("SHAPE", shape.to_str().unwrap()));
        let spec = fs::read_to_string(room.path().join("anteroom.toml")).unwrap();
        room.write(
            "anteroom.toml",
            &spec.replace("roles = [\"core\"]\n", &format!("roles = [\"core\"]\nport = {port}\n")),
        );
        room
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    /// Changes the spec.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path().join("anteroom.toml")).unwrap();
        assert!(text.contains(from), "{from}");
        self.write("anteroom.toml", &text.replace(from, to));
    }

    /// Runs a program here, with `bin` of this room before the caller's path.
    pub(crate) fn run_program(&self, program: &str, arguments: &[&str]) -> Ran {
        let path = std::env::var("PATH").unwrap_or_default();
        self.run_on(
            program,
            arguments,
            &format!("{}:{path}", self.path().join("bin").display()),
        )
    }

    /// Runs a program here, with this path.
    pub(crate) fn run_on(&self, program: &str, arguments: &[&str], path: &str) -> Ran {
        Ran::of(&self.command(program, arguments, path).output().unwrap())
    }

    /// Runs a program here, with more in its environment.
    #[cfg(feature = "aws")]
    pub(crate) fn run_with(&self, program: &str, arguments: &[&str], more: &[(&str, String)]) -> Ran {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = self.command(program, arguments, &path);
        Ran::of(&command.envs(more.iter().cloned()).output().unwrap())
    }

    /// Starts the program that these tests were built with; nobody hears what it says.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = self.command(env!("CARGO_BIN_EXE_anteroom"), arguments, &path);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn command(&self, program: &str, arguments: &[&str], path: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path())
            .env("TMPDIR", self.path().join("tmp"))
            .env("ANTEROOM_LAB_DIR", self.path().join("lab"))
            // For the double of the providers.
            .env("DOUBLE_SCHEMAS", repository("tests/fixtures/terraform"))
            .env("DOUBLE_ADDRESS", "127.0.0.1")
            .env("DOUBLE_HOST_KEY", nobodys_key())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program that these tests were built with.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_program(env!("CARGO_BIN_EXE_anteroom"), arguments)
    }

    /// Runs `terraform` in `infra`.
    pub(crate) fn terraform(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["-chdir=infra"];
        all.extend(arguments);
        self.run_program("terraform", &all)
    }

    /// Puts a program between anteroom and `terraform`, which writes the arguments of every call down.
    pub(crate) fn record_arguments(&self) -> PathBuf {
        let log = self.path().join("arguments");
        let bin = self.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let real = Command::new("sh")
            .args(["-c", "command -v terraform"])
            .output()
            .unwrap();
        let real = String::from_utf8(real.stdout).unwrap();
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >>'{}'\nexec {} \"$@\"\n",
            log.display(),
            real.trim()
        );
        fs::write(bin.join("terraform"), script).unwrap();
        fs::set_permissions(bin.join("terraform"), fs::Permissions::from_mode(0o755)).unwrap();
        log
    }
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// These words are on stderr.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.err.contains(word), "{word:?} is missing in {self:?}");
        }
    }
}

/// The middle of a public key whose private half nobody has.
fn nobodys_key() -> String {
    let text = fs::read_to_string(repository("tests/fixtures/terraform/nobody.pub")).unwrap();
    text.split_whitespace().nth(1).unwrap().to_owned()
}

/// A port of this computer that takes connections and hangs up, as a host whose sshd is still starting does.
pub(crate) fn port_that_hangs_up() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().for_each(drop));
    port
}
