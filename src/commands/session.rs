//! From a valid spec to hosts that were looked at: finds or makes the machines, connects to all of them at once, asks
//! each one question. Shared by every command that needs hosts.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::commands::cloud;
use crate::commands::error::CommandError;
use crate::commands::lab;
use crate::commands::terraform;
use crate::commands::ui::Ui;
use crate::facts;
use crate::facts::Depth;
use crate::facts::HostFacts;
use crate::machines;
use crate::machines::Absent;
use crate::machines::Machine;
use crate::plan;
use crate::plan::BuildContext;
use crate::plan::Plan;
use crate::plan::PlanError;
use crate::remote::ConnectPolicy;
use crate::remote::Host;
use crate::remote::OperatorConfig;
use crate::remote::RemoteError;
use crate::remote::SshHost;
use crate::remote::fan_out;
use crate::render;
use crate::render::Wanted;
use crate::seen::Seen;
use crate::spec::Machines;
use crate::spec::Role;
use crate::spec::Spec;

/// The longest wait for one step of a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// One host of the deployment, looked at.
pub struct Site {
    /// Where it is.
    pub machine: Machine,
    /// What it must hold.
    pub wanted: Wanted,
    /// The open connection, or why there is none.
    pub link: Result<Box<dyn Host>, RemoteError>,
    /// What it holds.
    pub facts: Seen<HostFacts>,
}

/// The machines of the deployment: those that exist, and those that do not yet.
///
/// # Errors
/// Where the machines' owner cannot be asked.
pub fn find_machines(spec: &Spec, ui: &Ui) -> Result<(Vec<Machine>, Vec<Absent>), CommandError> {
    match &spec.machines {
        Machines::Existing => Ok((machines::existing::machines(spec), Vec::new())),
        Machines::Lab => machines::lab_hosts::machines(spec, &lab::open()?).map_err(CommandError::failed),
        Machines::Terraform(settings) => terraform::find(spec, settings),
        Machines::Aws(settings) => cloud::find(spec, settings, ui),
    }
}

/// The spec with its hosts as their owner tells of them: where addresses are found and not written down, what judges the
/// deployment has to know them, too.
pub fn told(mut spec: Spec, machines: &[Machine]) -> Spec {
    for host in &mut spec.hosts {
        if let Some(machine) = machines.iter().find(|machine| machine.host.name == host.name) {
            *host = machine.host.clone();
        }
    }
    spec
}

/// Makes machines that do not exist yet.
///
/// # Errors
/// Where one cannot be made.
pub fn make_machines(absent: &[Absent], ui: &Ui) -> Result<Vec<Machine>, CommandError> {
    let lab = lab::open()?;
    let mut made = Vec::new();
    for host in absent {
        ui.doing(&format!("making {}", host.machine_name));
        let machine = machines::lab_hosts::make(host, &lab, &mut |text| ui.doing(text));
        made.push(machine.map_err(CommandError::failed)?);
    }
    Ok(made)
}

/// The core host's machine.
fn core_machine(spec: &Spec, ui: &Ui) -> Result<Machine, CommandError> {
    let (machines, absent) = find_machines(spec, ui)?;
    if let Some(host) = absent.first() {
        return Err(
            CommandError::refused(format!("{} does not exist", host.machine_name)).hint("`anteroom apply` makes it")
        );
    }
    let core = machines
        .into_iter()
        .find(|machine| machine.host.roles.contains(&Role::Core));
    core.ok_or_else(|| CommandError::refused("the spec has no core host"))
}

/// The core host, looked at.
///
/// # Errors
/// Where it does not exist yet.
pub fn core(spec: &Spec, ui: &Ui) -> Result<Site, CommandError> {
    let machine = core_machine(spec, ui)?;
    look(spec, vec![machine], Depth::Plan, ui)?
        .pop()
        .ok_or_else(|| CommandError::refused("the core host was not looked at"))
}

/// A connection to the core host, for what needs no look at it.
///
/// # Errors
/// Where it does not exist yet, or is not reached.
pub fn connect_core(spec: &Spec, ui: &Ui) -> Result<SshHost, CommandError> {
    let machine = core_machine(spec, ui)?;
    let name = &machine.host.name;
    ui.doing(&format!("connecting to {name}"));
    SshHost::connect(name, &machine.target, &connect_policy()).map_err(|error| unreachable_host(name.as_str(), &error))
}

/// Connects to every machine and asks each what it holds, all at once.
///
/// # Errors
/// Where the spec holds a value that no configuration language can carry. What a host did not answer is in its site.
pub fn look(spec: &Spec, machines: Vec<Machine>, depth: Depth, ui: &Ui) -> Result<Vec<Site>, CommandError> {
    if machines.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = machines.iter().map(|machine| machine.host.name.as_str()).collect();
    ui.doing(&format!("looking at {}", names.join(", ")));
    let policy = connect_policy();
    let width = NonZeroUsize::new(16).expect("16 is not 0");
    let mut rendered = Vec::new();
    for machine in machines {
        let wanted = render::render(spec, &machine.host).map_err(CommandError::failed)?;
        rendered.push((machine, wanted));
    }
    Ok(fan_out(rendered, width, |(machine, wanted)| {
        let connected = SshHost::connect(&machine.host.name, &machine.target, &policy);
        let mut link: Result<Box<dyn Host>, RemoteError> = connected.map(|host| Box::new(host) as Box<dyn Host>);
        let facts = match &mut link {
            Err(error) => Seen::unknown(error),
            Ok(host) => match facts::collect(host.as_mut(), &request(&wanted, depth)) {
                Ok(facts) => Seen::Known(facts),
                Err(error) => {
                    let why = error.to_string();
                    link = Err(error);
                    Seen::Unknown(why)
                }
            },
        };
        Site {
            machine,
            wanted,
            link,
            facts,
        }
    }))
}

fn request(wanted: &Wanted, depth: Depth) -> facts::Request {
    facts::Request {
        depth,
        ..facts::request(wanted)
    }
}

impl Site {
    /// The connection and the facts, or the error that a change must not go past.
    ///
    /// # Errors
    /// Where the host cannot be reached.
    pub fn reached(&mut self) -> Result<(&mut dyn Host, &HostFacts), CommandError> {
        match (&mut self.link, &self.facts) {
            (Ok(host), Seen::Known(facts)) => Ok((host.as_mut(), facts)),
            (Err(error), _) => Err(unreachable_host(self.machine.host.name.as_str(), error)),
            (Ok(_), Seen::Unknown(why)) => Err(CommandError::refused(format!("{}: {why}", self.machine.host.name))),
        }
    }

    /// What would have to change on this host.
    ///
    /// # Errors
    /// Where the host must not be changed, or a fact that decides something is unknown.
    pub fn plan(&self, spec: &Spec) -> Result<Plan, CommandError> {
        match &self.facts {
            Seen::Unknown(_) => match &self.link {
                Err(error) => Err(unreachable_host(self.machine.host.name.as_str(), error)),
                Ok(_) => Err(CommandError::refused(format!(
                    "{} was not seen",
                    self.machine.host.name
                ))),
            },
            Seen::Known(facts) => plan::build(&self.wanted, facts, &context(spec)).map_err(refused_plan),
        }
    }

    /// Asks the host again, as far as an audit needs, over the same connection where it still lives and else over a new one.
    pub fn look_again(&mut self) {
        let Ok(host) = &mut self.link else { return };
        let request = request(&self.wanted, Depth::Audit);
        self.facts = match facts::collect(host.as_mut(), &request) {
            Ok(facts) => Seen::Known(facts),
            Err(_) => match host.reconnect() {
                Err(error) => Seen::unknown(error),
                Ok(mut fresh) => {
                    let facts = facts::collect(fresh.as_mut(), &request).into();
                    self.link = Ok(fresh);
                    facts
                }
            },
        };
    }
}

/// How connections are made: the operator's own `ssh_config` and `known_hosts`.
pub(crate) fn connect_policy() -> ConnectPolicy {
    ConnectPolicy {
        timeout: CONNECT_TIMEOUT,
        config: OperatorConfig::Own,
        known_hosts: None,
        remember: state_dir().join("known_hosts"),
    }
}

/// Where this computer remembers test hosts' keys: `$XDG_STATE_HOME/anteroom` (XDG Base Directory Specification).
fn state_dir() -> PathBuf {
    let base = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    base.or_else(home)
        .unwrap_or_else(|| PathBuf::from("/var/lib"))
        .join("anteroom")
}

/// What every plan of this deployment says of itself.
pub(crate) fn context(spec: &Spec) -> BuildContext {
    BuildContext {
        deployment: spec.deployment.name.clone(),
        domain: spec.deployment.domain.clone(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn unreachable_host(name: &str, error: &RemoteError) -> CommandError {
    let command = CommandError::failed(error);
    match error {
        RemoteError::Unreachable { .. } => {
            command.hint(format!("check the address, port and jump host of {name} in the spec, and that it is up"))
        }
        RemoteError::HostKey { .. } => command.hint(
            "if the host was really rebuilt, put its new fingerprint into host_key, or renew it in known_hosts; if not, \
             somebody may stand between",
        ),
        RemoteError::Login { .. } => command.hint(format!("set user and key of {name} in the spec, or load an agent")),
        RemoteError::NoPrivilege { .. } => {
            command.hint("allow the user sudo without a password (NOPASSWD), or log in as root with a key")
        }
        RemoteError::Broken { .. } => {
            command.hint("run it again; what was begun on the host finishes or is restored by itself")
        }
    }
}

/// A refused plan as the operator sees it.
pub(crate) fn refused_plan(error: PlanError) -> CommandError {
    let hint = match &error {
        PlanError::Locked { .. } => Some("wait until that run is over, then run this again"),
        PlanError::Unknown { .. } => {
            Some("nothing was changed; see on the host why these could not be seen, then run it again")
        }
        _ => None,
    };
    let command = CommandError::failed(error);
    match hint {
        Some(hint) => command.hint(hint),
        None => command,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::spec::Files;
    use crate::spec::Switches;
    use crate::spec::parse;

    fn spec(machines: &str) -> Spec {
        let files = Files {
            folder: Path::new("/clinic"),
            home: None,
            read: &|_| Err(std::io::ErrorKind::NotFound.into()),
        };
        let text = format!(
            "[deployment]\nname = \"clinic\"\ndomain = \"telemed.example.com\"\nenvironment = \"test\"\nttl = \"4h\"\n\
             [certificate]\nkind = \"self-signed\"\n[access]\nadmin_cidrs = [\"203.0.113.0/28\"]\n[machines]\n{machines}"
        );
        let today = jiff::civil::date(2026, 4, 1);
        let path = Path::new("anteroom.toml");
        parse(path, text.as_bytes(), &Switches::default(), today, &files).unwrap_or_else(|why| panic!("{why:?}"))
    }

    #[test]
    fn a_host_without_an_address_is_judged_by_those_of_its_machine() {
        let written = |name: &str| {
            let host =
                format!("[[host]]\nname = \"{name}\"\naddress = \"203.0.113.7\"\npublic_address = \"203.0.113.7\"\n");
            machines::existing::machines(&spec(&format!("kind = \"existing\"\n{host}")))
        };
        let found = spec("kind = \"terraform\"\noutputs = \"outputs.json\"\n");
        assert_eq!(told(found.clone(), &written("another")), found);
        assert_eq!(
            told(found, &written("core")).hosts[0].public_address,
            Some("203.0.113.7".parse().unwrap())
        );
    }
}
