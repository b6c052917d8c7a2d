//! How to reach a host by the operator's own SSH configuration. OpenSSH itself is asked (`ssh -G`), so that aliases,
//! `Match` blocks and includes mean what they mean there; without OpenSSH the address is taken as it is.

use std::ffi::OsString;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::spec::SshTarget;

/// Which SSH configuration speaks for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperatorConfig {
    /// `~/.ssh/config` and `/etc/ssh/ssh_config`.
    Own,
    /// Only this file.
    File(PathBuf),
    /// None: OpenSSH is not asked.
    Nothing,
}

/// Where the agent listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AgentSocket {
    /// As `SSH_AUTH_SOCK` says.
    Environment,
    /// At this path.
    At(PathBuf),
    /// No agent is asked.
    Nobody,
}

/// How the bytes get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// By TCP.
    Direct,
    /// Through hosts, as `ssh -J` takes them.
    Jump(String),
    /// Through the standard streams of a command line.
    Command(String),
}

/// Everything that a connection needs to know; what the spec says wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    /// The name that stands for the host in `known_hosts` (`HostKeyAlias`).
    pub(super) alias: Option<String>,
    pub(super) identities: Vec<PathBuf>,
    pub(super) certificates: Vec<PathBuf>,
    pub(super) agent: AgentSocket,
    pub(super) identities_only: bool,
    pub(super) known_hosts: Vec<PathBuf>,
    pub(super) route: Route,
}

impl Settings {
    /// Asks OpenSSH, then lets the spec's own fields win.
    pub(super) fn of(target: &SshTarget, config: &OperatorConfig) -> Result<Self, String> {
        check_name("address", &target.address)?;
        if let Some(user) = &target.user {
            check_name("user", user)?;
        }
        let answer = ask(target, config, Fallback::OpenSsh).unwrap_or_default();
        let home = std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"));
        let mut settings = parse(&answer, &target.address, &home)?;
        if let Some(user) = &target.user {
            settings.user.clone_from(user);
        } else {
            // `ssh -G` always names a user, the local one where nothing is configured; there the contract says root.
            let answer = ask(target, config, Fallback::Root).unwrap_or_default();
            settings.user = parse(&answer, &target.address, &home)?.user;
        }
        if let Some(port) = target.port {
            settings.port = port;
        }
        if let Some(jump) = &target.jump {
            settings.route = Route::Jump(jump.clone());
        }
        match &settings.route {
            Route::Jump(jump) => check_name("jump host", jump)?,
            Route::Command(line) => {
                settings.route = Route::Command(expand(line, &settings, &target.address)?);
            }
            Route::Direct => {}
        }
        check_name("host name", &settings.host)?;
        check_name("user", &settings.user)?;
        Ok(settings)
    }
}

/// Names become arguments of `ssh` and may become part of a `ProxyCommand`, so only harmless characters pass (OpenSSH
/// itself refuses others since 9.6).
fn check_name(what: &str, name: &str) -> Result<(), String> {
    let harmless = |c: char| c.is_alphanumeric() || "._:%@[]/,+-\\".contains(c);
    if name.is_empty() || name.starts_with('-') || !name.chars().all(harmless) {
        return Err(format!(
            "the {what} {name:?} has characters that no host or user name has"
        ));
    }
    Ok(())
}

/// What stands for a user that nobody configured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fallback {
    /// Whatever OpenSSH does.
    OpenSsh,
    /// root.
    Root,
}

/// The longest that `ssh -G` may think.
const ASKING: Duration = Duration::from_secs(20);

/// The answer of `ssh -G`; `None` where there is no OpenSSH, or it refused.
fn ask(target: &SshTarget, config: &OperatorConfig, fallback: Fallback) -> Option<String> {
    let mut command = Command::new("ssh");
    let mut wrapper = String::new();
    match (config, fallback) {
        (OperatorConfig::Nothing, _) => return None,
        (OperatorConfig::Own, Fallback::OpenSsh) => {}
        (OperatorConfig::File(path), Fallback::OpenSsh) => {
            command.arg("-F").arg(path);
        }
        (_, Fallback::Root) => {
            // The first value found wins in this language, so a default goes behind everything else.
            let includes = match config {
                OperatorConfig::File(path) => format!("Include \"{}\"\n", path.display()),
                _ => "Include ~/.ssh/config\nInclude /etc/ssh/ssh_config\n".to_owned(),
            };
            wrapper = format!("{includes}Host *\n  User root\n");
            command.args(["-F", "/dev/stdin"]);
        }
    }
    if let Some(port) = target.port {
        command.args(["-p", &port.to_string()]);
    }
    if let Some(user) = &target.user {
        command.args(["-l", user]);
    }
    let mut child = command
        .args(["-G", "--", &target.address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // The text is far smaller than a pipe's buffer; a child that does not read it fails the exit status below.
    child.stdin.take()?.write_all(wrapper.as_bytes()).ok();
    let mut stdout = child.stdout.take()?;
    // The answer is read beside the wait, since a `Match exec` of the operator's may hang.
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        stdout.read_to_end(&mut text).map(|_| text)
    });
    let end = Instant::now() + ASKING;
    let status = loop {
        match child.try_wait().ok()? {
            Some(status) => break status,
            None if Instant::now() < end => thread::sleep(Duration::from_millis(5)),
            None => {
                child.kill().ok();
                child.wait().ok();
                return None;
            }
        }
    };
    let text = reader.join().ok()?.ok()?;
    status.success().then(|| String::from_utf8_lossy(&text).into_owned())
}

/// Reads `keyword value` lines as `ssh -G` prints them; an empty text gives OpenSSH's defaults and root.
fn parse(text: &str, address: &str, home: &Path) -> Result<Settings, String> {
    let mut settings = Settings {
        host: address.to_owned(),
        port: 22,
        user: "root".to_owned(),
        alias: None,
        identities: Vec::new(),
        certificates: Vec::new(),
        agent: AgentSocket::Environment,
        identities_only: false,
        known_hosts: Vec::new(),
        route: Route::Direct,
    };
    for line in text.lines() {
        let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
        let path = || resolve(value, home);
        match keyword {
            "hostname" => value.clone_into(&mut settings.host),
            "port" => {
                settings.port = value
                    .parse()
                    .map_err(|_| format!("`ssh -G` names the port {value:?}"))?
            }
            "user" => value.clone_into(&mut settings.user),
            "hostkeyalias" => settings.alias = Some(value.to_owned()),
            "identityfile" if value != "none" => settings.identities.extend(path()),
            "certificatefile" if value != "none" => settings.certificates.extend(path()),
            "identityagent" => settings.agent = agent_socket(value, home),
            "identitiesonly" => settings.identities_only = value == "yes",
            "userknownhostsfile" | "globalknownhostsfile" => {
                let files = value.split_whitespace().filter(|file| *file != "none");
                settings
                    .known_hosts
                    .extend(files.filter_map(|file| resolve(file, home)));
            }
            "proxyjump" if value != "none" => settings.route = Route::Jump(value.to_owned()),
            "proxycommand" if value != "none" => settings.route = Route::Command(value.to_owned()),
            _ => {}
        }
    }
    if text.is_empty() {
        let names = ["id_ed25519", "id_ecdsa", "id_rsa"];
        settings.identities = names.iter().map(|name| home.join(".ssh").join(name)).collect();
        settings.known_hosts = vec![home.join(".ssh/known_hosts"), "/etc/ssh/ssh_known_hosts".into()];
    }
    Ok(settings)
}

fn agent_socket(value: &str, home: &Path) -> AgentSocket {
    match value {
        "none" => AgentSocket::Nobody,
        "SSH_AUTH_SOCK" | "" => AgentSocket::Environment,
        _ => match value.strip_prefix('$') {
            Some(name) => {
                std::env::var_os(name).map_or(AgentSocket::Nobody, |path: OsString| AgentSocket::At(path.into()))
            }
            None => resolve(value, home).map_or(AgentSocket::Nobody, AgentSocket::At),
        },
    }
}

/// `~` and `%d` become the home folder; a path with other tokens is none that we can know.
fn resolve(text: &str, home: &Path) -> Option<PathBuf> {
    let text = text
        .trim_matches('"')
        .replace("%d", &home.display().to_string())
        .replace("%%", "\u{0}");
    if text.contains('%') {
        return None;
    }
    let text = text.replace('\u{0}', "%");
    Some(match text.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None => text.into(),
    })
}

/// Fills a `ProxyCommand`'s tokens in.
fn expand(line: &str, settings: &Settings, address: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('%') => text.push('%'),
            Some('h') => text.push_str(&settings.host),
            Some('n') => text.push_str(address),
            Some('p') => text.push_str(&settings.port.to_string()),
            Some('r') => text.push_str(&settings.user),
            other => {
                let token = other.map(String::from).unwrap_or_default();
                return Err(format!(
                    "the ProxyCommand {line:?} has %{token}; %h, %n, %p and %r are known"
                ));
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::HostKeyPolicy;

    const JUMP: &str = include_str!("../../tests/fixtures/remote/ssh-g-jump.txt");
    const COMMAND: &str = include_str!("../../tests/fixtures/remote/ssh-g-command.txt");

    #[test]
    fn the_answer_of_openssh_is_read() {
        let settings = parse(JUMP, "foo", Path::new("/home/op")).unwrap();
        assert_eq!((settings.host.as_str(), settings.port), ("127.0.0.9", 2222));
        assert_eq!(settings.user, "bob");
        assert_eq!(settings.route, Route::Jump("j1,u@j2:33".to_owned()));
        assert_eq!(settings.identities, [PathBuf::from("/home/op/.ssh/id_special")]);
        assert_eq!(
            settings.certificates,
            [PathBuf::from("/home/op/.ssh/id_special-cert.pub")]
        );
        assert_eq!(settings.agent, AgentSocket::At("/run/agent.sock".into()));
        assert!(settings.identities_only);
        let first: PathBuf = "/etc/ssh/ssh_known_hosts".into();
        assert_eq!(settings.known_hosts.first(), Some(&first));
        assert_eq!(settings.known_hosts.len(), 3);
    }

    #[test]
    fn a_proxy_command_gets_host_port_and_user() {
        let settings = parse(COMMAND, "bar", Path::new("/home/op")).unwrap();
        let Route::Command(line) = &settings.route else {
            panic!("{:?}", settings.route);
        };
        assert_eq!(expand(line, &settings, "bar").unwrap(), "nc 127.0.0.8 22 100%");
        assert!(expand("nc %C", &settings, "bar").is_err());
    }

    #[test]
    fn without_openssh_the_address_is_taken_as_it_is() {
        let target = SshTarget {
            address: "192.0.2.7".to_owned(),
            user: None,
            port: Some(2200),
            key: None,
            certificate: None,
            host_key: HostKeyPolicy::KnownHosts,
            jump: None,
        };
        let settings = Settings::of(&target, &OperatorConfig::Nothing).unwrap();
        assert_eq!((settings.host.as_str(), settings.port), ("192.0.2.7", 2200));
        assert_eq!((settings.user.as_str(), settings.route), ("root", Route::Direct));
    }

    #[test]
    fn an_address_that_is_an_option_or_a_command_is_refused() {
        for address in ["-oProxyCommand=x", "a b", "a;b", "$(x)", "", "a\nb", "`x`"] {
            assert!(check_name("address", address).is_err(), "{address:?}");
        }
        for address in ["web-1.example.com", "::1", "fe80::1%eth0", "alias_2"] {
            assert!(check_name("address", address).is_ok(), "{address:?}");
        }
    }
}
