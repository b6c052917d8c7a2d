//! `user`: clinicians' accounts, for `security.auth = "internal"`. Passwords are generated or read from standard input,
//! never taken from arguments.

use std::io;
use std::io::BufRead;

use clap::Subcommand;

use crate::commands::Format;
use crate::commands::error::CommandError;
use crate::commands::session;
use crate::commands::spec_args::SpecArgs;
use crate::commands::ui::Ui;
use crate::commands::visitors::operator;
use crate::facts::HostFacts;
use crate::people::accounts;
use crate::secret::Secret;
use crate::spec::Auth;
use crate::spec::Spec;

/// Shorter passwords are refused when given (NIST SP 800-63B-4 3.1.1.2 asks for 15 where a password is all there is).
const SHORTEST_PASSWORD: usize = 15;

/// Arguments of `user`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom user add dr.okafor                      Make an account; prints its new password once\n  anteroom user add dr.okafor --password-stdin     Take the password from standard input\n  anteroom user list\n  anteroom user remove dr.okafor"
)]
pub struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make an account, or give an existing one a new password
    Add {
        #[command(flatten)]
        spec: SpecArgs,
        /// The account's name
        name: String,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List the accounts
    List {
        #[command(flatten)]
        spec: SpecArgs,
    },
    /// Remove accounts and end their sessions
    Remove {
        #[command(flatten)]
        spec: SpecArgs,
        /// The accounts' names
        #[arg(required = true)]
        names: Vec<String>,
    },
}

/// Does it.
pub(crate) fn run(args: &UserArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    match &args.command {
        UserCommand::Add {
            spec,
            name,
            password_stdin,
        } => add(&internal(spec)?, name, *password_stdin, format, ui),
        UserCommand::List { spec } => list(&internal(spec)?, format, ui),
        UserCommand::Remove { spec, names } => remove(&internal(spec)?, names, ui),
    }
}

fn internal(args: &SpecArgs) -> Result<Spec, CommandError> {
    let spec = args.load()?;
    match spec.security.auth {
        Auth::Internal => Ok(spec),
        Auth::Token(_) => Err(
            CommandError::usage("this deployment has no accounts: security.auth is \"token\"")
                .hint("`anteroom token --host` makes a clinician's link"),
        ),
    }
}

fn add(spec: &Spec, name: &str, from_stdin: bool, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    accounts::jid(name, &spec.deployment.domain).map_err(|error| CommandError::usage(format!("failed to {error}")))?;
    let password = if from_stdin {
        read_password()?
    } else {
        accounts::password().map_err(CommandError::failed)?
    };
    let mut core = session::core(spec, ui)?;
    let (host, facts) = core.reached()?;
    owned(spec, facts)?;
    ui.doing(&format!("setting the password of {name}"));
    accounts::add(
        host,
        &spec.deployment.domain,
        name,
        &password,
        &[],
        &operator("user add"),
    )
    .map_err(CommandError::failed)?;
    ui.done();
    match (format, from_stdin) {
        (Format::Json, false) => {
            let row = serde_json::json!({"schema": "anteroom/user/v1", "name": name, "password": password.expose()});
            ui.data(&format!("{row}\n"));
        }
        (Format::Json, true) => {
            ui.data(&format!(
                "{}\n",
                serde_json::json!({"schema": "anteroom/user/v1", "name": name})
            ));
        }
        (Format::Text, false) => {
            ui.say(&format!(
                "{name} can log in with this password; it is shown once and kept nowhere:"
            ));
            ui.data(&format!("{}\n", password.expose()));
        }
        (Format::Text, true) => ui.say(&format!("{name} can log in with the password given")),
    }
    Ok(0)
}

/// Accounts are changed only where this deployment is.
fn owned(spec: &Spec, facts: &HostFacts) -> Result<(), CommandError> {
    let manifest = facts.manifest.known();
    let manifest = manifest.map_err(|why| CommandError::refused(format!("the host's manifest was not seen: {why}")))?;
    match manifest {
        Some(manifest) if manifest.deployment == spec.deployment.name.as_str() => Ok(()),
        Some(other) => Err(CommandError::refused(format!(
            "the host belongs to the deployment {} ({}); nothing was changed",
            other.deployment, other.domain
        ))),
        None => Err(CommandError::refused("nothing is deployed on the host yet").hint("`anteroom apply` deploys it")),
    }
}

fn read_password() -> Result<Secret, CommandError> {
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|e| CommandError::failed(format!("read standard input: {e}")))?;
    let text = line.trim_end_matches(['\r', '\n']);
    if text.chars().count() < SHORTEST_PASSWORD || text.chars().any(char::is_control) {
        return Err(CommandError::usage(format!(
            "the password needs {SHORTEST_PASSWORD} characters or more, without control characters"
        ))
        .hint("without --password-stdin one is generated"));
    }
    Ok(Secret::new(text))
}

fn list(spec: &Spec, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let mut core = session::core(spec, ui)?;
    let (_, facts) = core.reached()?;
    let names = accounts::clinicians(facts, &spec.deployment.domain);
    let names = names
        .known()
        .map_err(|why| CommandError::refused(format!("the accounts could not be seen: {why}")))?;
    ui.done();
    match format {
        Format::Json => {
            ui.data(&format!(
                "{}\n",
                serde_json::json!({"schema": "anteroom/users/v1", "names": names})
            ));
        }
        Format::Text if names.is_empty() => ui.say("no accounts; `anteroom user add NAME` makes one"),
        Format::Text => names.iter().for_each(|name| ui.data(&format!("{name}\n"))),
    }
    Ok(0)
}

fn remove(spec: &Spec, names: &[String], ui: &Ui) -> Result<u8, CommandError> {
    let domain = &spec.deployment.domain;
    for name in names {
        accounts::jid(name, domain).map_err(|error| CommandError::usage(format!("failed to {error}")))?;
    }
    let mut core = session::core(spec, ui)?;
    let (host, facts) = core.reached()?;
    owned(spec, facts)?;
    let there = accounts::clinicians(facts, domain);
    let there = there
        .known()
        .map_err(|why| CommandError::refused(format!("the accounts could not be seen: {why}")))?;
    if let Some(unknown) = names.iter().find(|name| !there.contains(name)) {
        return Err(
            CommandError::refused(format!("there is no account {unknown}; nothing was removed"))
                .hint("`anteroom user list` shows them all"),
        );
    }
    ui.doing(&format!("removing {}", names.join(", ")));
    accounts::remove(host, domain, names, &operator("user remove")).map_err(CommandError::failed)?;
    ui.done();
    ui.say(&format!("removed {}", names.join(", ")));
    Ok(0)
}
