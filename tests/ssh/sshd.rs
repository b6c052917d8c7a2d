//! Throw-away OpenSSH servers, keys and agents for the tests, all below one temporary folder.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use anteroom::remote::ConnectPolicy;
use anteroom::remote::OperatorConfig;
use anteroom::remote::RemoteError;
use anteroom::remote::SshHost;
use anteroom::spec::HostKeyPolicy;
use anteroom::spec::SshTarget;
use tempfile::TempDir;

const SSHD: &str = "/usr/sbin/sshd";

/// One test's folder with its keys.
pub(crate) struct Bench {
    dir: TempDir,
}

/// A running sshd.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) fingerprint: String,
    pub(crate) known_hosts_line: String,
    pub(crate) rsa_fingerprint: String,
    pub(crate) rsa_known_hosts_line: String,
    child: Child,
}

/// A running ssh-agent.
pub(crate) struct Agent {
    pub(crate) socket: PathBuf,
    child: Child,
}

/// A user without any right to be root, known to one server only.
pub(crate) struct Powerless {
    pub(crate) name: String,
    keys: PathBuf,
    pub(crate) passwd: PathBuf,
}

impl Powerless {
    /// Lines for that server's configuration.
    pub(crate) fn server_lines(&self) -> String {
        format!(
            "Match User {}\n  AuthorizedKeysFile {}\n",
            self.name,
            self.keys.display()
        )
    }
}

impl Bench {
    /// A folder with a good key, an authority and empty configuration; an error names what the machine lacks.
    pub(crate) fn new() -> Result<Self, String> {
        if !Path::new(SSHD).exists() {
            return Err(format!("{SSHD} is missing (openssh-server)"));
        }
        for (tool, arg) in [("ssh", "-V"), ("ssh-keygen", "-?"), ("ssh-agent", "-?")] {
            let found = Command::new(tool).arg(arg).stdin(Stdio::null()).output();
            found.map_err(|_| format!("{tool} is missing (openssh-client)"))?;
        }
        if Command::new("id")
            .arg("-u")
            .output()
            .is_ok_and(|out| out.stdout != b"0\n")
        {
            return Err("an sshd that serves root needs root".to_owned());
        }
        // sshd insists on this folder; an installed server has made it already.
        fs::create_dir_all("/run/sshd").map_err(|error| error.to_string())?;
        let bench = Self {
            dir: tempfile::Builder::new()
                .prefix("anteroom-ssh-")
                .tempdir()
                .map_err(|error| error.to_string())?,
        };
        bench.key("good");
        bench.key("authority");
        bench.ssh_config("");
        fs::copy(bench.path("good.pub"), bench.path("authorized_keys")).map_err(|error| error.to_string())?;
        Ok(bench)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A key of this name, made when first asked for.
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.key_of_kind(name, "ed25519")
    }

    pub(crate) fn key_of_kind(&self, name: &str, kind: &str) -> PathBuf {
        self.make_key(name, kind, "")
    }

    pub(crate) fn encrypted_key(&self, name: &str) -> PathBuf {
        self.make_key(name, "ed25519", "a pass phrase")
    }

    fn make_key(&self, name: &str, kind: &str, passphrase: &str) -> PathBuf {
        let path = self.path(name);
        if !path.exists() {
            let mut command = Command::new("ssh-keygen");
            command
                .args(["-q", "-t", kind, "-N", passphrase, "-C", name, "-f"])
                .arg(&path);
            assert!(command.status().unwrap().success());
        }
        path
    }

    /// A certificate for a key and a login, signed by the authority that every server trusts.
    pub(crate) fn certify(&self, key: &Path, login: &str) -> PathBuf {
        let public = format!("{}.pub", key.display());
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-q", "-s"])
            .arg(self.key("authority"))
            .args(["-I", "test", "-n", login, &public]);
        assert!(command.status().unwrap().success());
        // Renamed, so that only naming it finds it.
        let certificate = PathBuf::from(format!("{}.certificate", key.display()));
        fs::rename(format!("{}-cert.pub", key.display()), &certificate).unwrap();
        certificate
    }

    pub(crate) fn ssh_config(&self, text: &str) {
        // Neither the developer's agent nor the developer's keys take part.
        let rest = "Host *\n  IdentityAgent none\n  IdentityFile none\n";
        fs::write(self.path("ssh_config"), format!("{text}{rest}")).unwrap();
    }

    /// Starts a server with further configuration lines, and makes it known.
    pub(crate) fn server(&self, lines: &str) -> Server {
        self.start(lines, Command::new(SSHD))
    }

    /// Starts a server that sees another `/etc/passwd`, in a mount namespace of its own.
    pub(crate) fn server_with_passwd(&self, lines: &str, passwd: &Path) -> Server {
        let mut command = Command::new("unshare");
        command.args([
            "-m",
            "sh",
            "-c",
            "mount --bind \"$1\" /etc/passwd; shift; exec \"$@\"",
            "sh",
        ]);
        command.arg(passwd).arg(SSHD);
        self.start(lines, command)
    }

    fn start(&self, lines: &str, mut command: Command) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // Each server has host keys of its own.
        let host = self.key(&format!("host-{port}"));
        let host_rsa = self.key_of_kind(&format!("host-rsa-{port}"), "rsa");
        let config = self.path(&format!("sshd-{port}.conf"));
        let text = format!(
            "ListenAddress 127.0.0.1:{port}\nPidFile none\nHostKey {}\nHostKey {}\nAuthorizedKeysFile {}\n\
             TrustedUserCAKeys {}\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             UsePAM no\nStrictModes no\nMaxStartups 100\nSubsystem sftp internal-sftp\n{lines}",
            host.display(),
            host_rsa.display(),
            self.path("authorized_keys").display(),
            self.path("authority.pub").display(),
        );
        fs::write(&config, text).unwrap();
        let log = fs::File::create(self.path(&format!("sshd-{port}.log"))).unwrap();
        let child = command
            .args(["-D", "-e", "-f"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Server {
            port,
            fingerprint: fingerprint(&host),
            known_hosts_line: known_hosts_line(&host, port),
            rsa_fingerprint: fingerprint(&host_rsa),
            rsa_known_hosts_line: known_hosts_line(&host_rsa, port),
            child,
        };
        server.wait(&self.path(&format!("sshd-{port}.log")));
        fs::write(self.path("known_hosts"), &server.known_hosts_line).unwrap();
        server
    }

    pub(crate) fn agent(&self) -> Agent {
        let socket = self.path("agent.sock");
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        while !socket.exists() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        Agent { socket, child }
    }

    /// Debian's `nobody`, given a shell in a `passwd` file that only one server sees.
    pub(crate) fn user(&self) -> Powerless {
        let keys = self.path("keys-of-nobody");
        fs::copy(self.path("good.pub"), &keys).unwrap();
        assert!(
            Command::new("chmod")
                .arg("a+rX")
                .args([self.dir.path(), &keys])
                .status()
                .unwrap()
                .success()
        );
        let passwd = self.path("passwd");
        let text = fs::read_to_string("/etc/passwd").unwrap();
        let text: Vec<String> = text
            .lines()
            .map(|line| match line.strip_prefix("nobody:") {
                Some(_) => "nobody:x:65534:65534:nobody:/nonexistent:/bin/sh".to_owned(),
                None => line.to_owned(),
            })
            .collect();
        fs::write(&passwd, text.join("\n") + "\n").unwrap();
        Powerless {
            name: "nobody".to_owned(),
            keys,
            passwd,
        }
    }

    pub(crate) fn policy(&self) -> ConnectPolicy {
        ConnectPolicy {
            timeout: Duration::from_secs(15),
            config: OperatorConfig::File(self.path("ssh_config")),
            known_hosts: Some(vec![self.path("known_hosts")]),
            remember: self.path("state/remembered"),
        }
    }

    pub(crate) fn connect(&self, server: &Server) -> Result<SshHost, RemoteError> {
        self.connect_to(&server.target(self))
    }

    pub(crate) fn connect_to(&self, target: &SshTarget) -> Result<SshHost, RemoteError> {
        SshHost::connect(&"core".parse().unwrap(), target, &self.policy())
    }
}

impl Server {
    pub(crate) fn target(&self, bench: &Bench) -> SshTarget {
        SshTarget {
            address: "127.0.0.1".to_owned(),
            user: Some("root".to_owned()),
            port: Some(self.port),
            key: Some(bench.path("good")),
            certificate: None,
            host_key: HostKeyPolicy::KnownHosts,
            jump: None,
        }
    }

    fn wait(&mut self, log: &Path) {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                let mut banner = [0; 4];
                if stream.read_exact(&mut banner).is_ok() {
                    return;
                }
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("sshd ended: {status}: {}", fs::read_to_string(log).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("sshd does not answer: {}", fs::read_to_string(log).unwrap_or_default());
    }
}

impl Agent {
    pub(crate) fn add(&self, key: &Path) {
        let mut command = Command::new("ssh-add");
        command.arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.socket);
        assert!(command.status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn public_key(key: &Path) -> String {
    let text = fs::read_to_string(format!("{}.pub", key.display())).unwrap();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn known_hosts_line(key: &Path, port: u16) -> String {
    format!("[127.0.0.1]:{port} {}\n", public_key(key))
}

fn fingerprint(key: &Path) -> String {
    let out = Command::new("ssh-keygen").arg("-lf").arg(key).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    text.split_whitespace().nth(1).unwrap().to_owned()
}
