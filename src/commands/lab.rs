//! `anteroom lab`: throwaway hosts on this computer.

use std::fs;
use std::path::PathBuf;

use crate::commands::Format;
use crate::commands::error::CommandError;
use crate::commands::ui::Ui;
use crate::machines::lab::HostRequest;
use crate::machines::lab::HostState;
use crate::machines::lab::Lab;
use crate::machines::lab::LabDir;
use crate::machines::lab::LabError;
use crate::machines::lab::LabHost;
use crate::spec::HostName;

/// Debian's packages that a core host gets later. The base image carries them as files, so that deploying to a lab
/// host downloads little. One list for all commands: another list would mean another base image.
pub const CORE_DOWNLOADS: [&str; 19] = [
    "chrony",
    "coturn",
    "debconf-utils",
    "jq",
    "lua-basexx",
    "lua-cjson",
    "lua-inspect",
    "lua-luaossl",
    "lua-sec",
    "lua-unbound",
    "lua5.4",
    "nginx",
    "openjdk-17-jre-headless",
    "openssl",
    "procps",
    "prosody",
    "ruby-hocon",
    "unattended-upgrades",
    "uuid-runtime",
];

/// Arguments of `lab`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom lab up demo-core\n  anteroom lab list\n  anteroom lab shell demo-core -- systemctl --failed\n  anteroom lab down --all\n\nANTEROOM_LAB_DIR and ANTEROOM_LAB_BASE name the lab's folder and the folder of its base images."
)]
pub struct LabArgs {
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, clap::Subcommand)]
enum LabCommand {
    /// Make hosts and wait until they can be logged in to
    Up {
        /// Names of the hosts
        #[arg(required = true, value_name = "NAME")]
        names: Vec<HostName>,
        /// Snapshot they begin as
        #[arg(long, value_name = "SNAPSHOT")]
        from: Option<HostName>,
    },
    /// Remove hosts
    Down {
        /// Names of the hosts
        #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "NAME")]
        names: Vec<HostName>,
        /// Remove all hosts and snapshots, and look whether anything is left
        #[arg(long)]
        all: bool,
    },
    /// List hosts
    List,
    /// Start hosts that are switched off
    Start {
        /// Names of the hosts
        #[arg(required = true, value_name = "NAME")]
        names: Vec<HostName>,
    },
    /// Shut hosts down, keeping their disks
    Stop {
        /// Names of the hosts
        #[arg(required = true, value_name = "NAME")]
        names: Vec<HostName>,
    },
    /// Build the base image ahead of the first host
    Build,
    /// Stop a host and keep what it has become, to begin further hosts with
    Snapshot {
        /// Name of the host
        name: HostName,
        /// Name of the snapshot
        snapshot: HostName,
    },
    /// Log in to a host, or run one command there
    Shell {
        /// Name of the host
        name: HostName,
        /// The command and its arguments
        #[arg(last = true)]
        command: Vec<String>,
    },
}

/// Exit code: something is left.
const LEFT: u8 = 6;

/// Does it, and prints the hosts concerned: those made or started, or all that there are.
pub(crate) fn run(args: &LabArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let lab = open()?;
    if !matches!(args.command, LabCommand::List) {
        lab.refuse_unless_root().map_err(CommandError::failed)?;
    }
    if let LabCommand::Shell { name, command } = &args.command {
        return shell(&lab, name, command);
    }
    let hosts = carry_out(&lab, &args.command, &mut |text| ui.doing(text)).map_err(CommandError::failed)?;
    ui.done();
    print(&hosts, format, ui);
    if let LabCommand::Down { all: true, .. } = args.command {
        let left = lab.leftovers();
        for thing in &left {
            ui.error(&format!("left: {thing}"));
        }
        return Ok(if left.is_empty() { 0 } else { LEFT });
    }
    Ok(0)
}

fn carry_out(lab: &Lab, command: &LabCommand, say: &mut dyn FnMut(&str)) -> Result<Vec<LabHost>, LabError> {
    match command {
        LabCommand::Up { names, from } => names
            .iter()
            .map(|name| {
                lab.up(
                    &HostRequest {
                        name: name.clone(),
                        from: from.clone(),
                    },
                    say,
                )
            })
            .collect(),
        LabCommand::Start { names } => names.iter().map(|name| lab.start(name)).collect(),
        LabCommand::Down { all: true, .. } => lab.down_all().and_then(|()| lab.list()),
        LabCommand::Down { names, .. } => names
            .iter()
            .try_for_each(|name| lab.down(name).map(drop))
            .and_then(|()| lab.list()),
        LabCommand::Stop { names } => names
            .iter()
            .try_for_each(|name| lab.stop(name))
            .and_then(|()| lab.list()),
        LabCommand::Build => lab.build_base(say).and_then(|_| lab.list()),
        LabCommand::Snapshot { name, snapshot } => lab.snapshot(name, snapshot).and_then(|()| lab.list()),
        LabCommand::List | LabCommand::Shell { .. } => lab.list(),
    }
}

fn print(hosts: &[LabHost], format: Format, ui: &Ui) {
    match format {
        Format::Json => {
            let document = serde_json::json!({"schema": "anteroom/lab/v1", "hosts": hosts});
            ui.data(&format!("{document:#}\n"));
        }
        Format::Text if hosts.is_empty() => ui.data("no lab hosts\n"),
        Format::Text => {
            for host in hosts {
                let state = match host.state {
                    HostState::Starting => "starting",
                    HostState::Running => "running",
                    HostState::Stopped => "stopped",
                    HostState::Unfinished => "unfinished; only `lab down` can help it",
                };
                ui.data(&format!("{}  {}  {state}\n", host.name, host.address));
            }
        }
    }
}

/// Hands the terminal to OpenSSH's client, with the host's key pinned.
fn shell(lab: &Lab, name: &HostName, command: &[String]) -> Result<u8, CommandError> {
    let hosts = lab.list().map_err(CommandError::failed)?;
    let host = hosts.iter().find(|host| host.name == *name).ok_or_else(|| {
        CommandError::refused(format!("there is no lab host {name}")).hint("`anteroom lab list` shows them all")
    })?;
    let known_hosts = pin(lab, host)?;
    let status = std::process::Command::new("ssh")
        .arg("-i")
        .arg(&host.ssh_key)
        .args(["-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-o"])
        .arg(format!("UserKnownHostsFile={}", known_hosts.display()))
        .arg(format!("root@{}", host.address))
        .arg("--")
        .args(command.iter().map(|word| quoted(word)))
        .status()
        .map_err(|error| CommandError::failed(format!("run ssh: {error}")).hint("install openssh-client"))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// A word that the host's shell takes for itself: OpenSSH joins its arguments by blanks and hands them to a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A known_hosts file that names this host's key alone, beside the host's console log.
fn pin(lab: &Lab, host: &LabHost) -> Result<PathBuf, CommandError> {
    let public = lab.root_dir(&host.name).join("etc/ssh/ssh_host_ed25519_key.pub");
    let file = lab.console_log(&host.name).with_file_name("known_hosts");
    let written = fs::read_to_string(&public).and_then(|key| fs::write(&file, format!("{} {key}", host.address)));
    written.map_err(|error| CommandError::failed(format!("pin the key of {}: {error}", host.name)))?;
    Ok(file)
}

/// The lab that the environment names: ANTEROOM_LAB_DIR, and ANTEROOM_LAB_BASE where several labs share base images.
pub(crate) fn open() -> Result<Lab, CommandError> {
    let home = std::env::var_os("ANTEROOM_LAB_DIR").map_or_else(|| PathBuf::from(LabDir::DEFAULT), PathBuf::from);
    let mut dir = LabDir::new(home);
    if let Some(base) = std::env::var_os("ANTEROOM_LAB_BASE") {
        dir = dir.with_base(base);
    }
    Ok(Lab::open(&dir).map_err(CommandError::failed)?.carrying(&CORE_DOWNLOADS))
}
