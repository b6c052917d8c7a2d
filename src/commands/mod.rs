//! One verb a file: its arguments and the wiring. Nothing is decided here.

#[cfg(feature = "aws")]
mod account;
pub mod apply;
pub mod audit;
pub mod catalog;
#[cfg(feature = "aws")]
mod cloud;
#[cfg(not(feature = "aws"))]
#[path = "no_cloud.rs"]
mod cloud;
pub mod consent;
pub mod destroy;
#[cfg(feature = "aws")]
mod disposal;
pub mod error;
pub mod extras;
mod iam;
pub mod init;
pub mod lab;
pub mod plan;
mod preflight;
pub mod probe;
#[cfg(feature = "aws")]
pub mod reap;
pub mod render;
pub mod session;
pub mod spec_args;
mod terraform;
pub mod token;
pub mod ui;
pub mod user;
pub mod validate;
mod visitors;

use std::process::ExitCode;

use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

use crate::commands::error::CommandError;
use crate::commands::ui::Talk;
use crate::commands::ui::Ui;

const EXAMPLES: &str = "\
Examples:
  anteroom init --domain telemed.example.com   Write a commented anteroom.toml
  anteroom validate                            Check it; no host and no network needed
  anteroom plan                                Show what apply would change
  anteroom apply                               Deploy, then audit
  anteroom audit --format json                 Try to break in, compare everything, report
  anteroom destroy                             Remove all that the deployment owns, with proof

Exit codes: 0 done, 1 failed, 2 usage or invalid spec, 3 incomplete, 4 changes pending (plan),
5 a control failed, 6 partly done. docs/exit-codes.md explains them.";

/// Stand up, lock and prove a self-hosted Jitsi Meet telehealth server from one spec file
#[derive(Debug, Parser)]
#[command(name = "anteroom", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// Format of the data on stdout: for people, or for programs (docs/json.md)
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Say errors only
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say every step
    #[arg(long, short, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

/// Format of the data on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented spec file
    Init(init::InitArgs),
    /// Check the spec and its policy; touches nothing, needs no network
    Validate(validate::ValidateArgs),
    /// Write the configuration tree of every host; needs no host and no network
    Render(render::RenderArgs),
    /// Show what apply would change; exit 4 when there is something
    Plan(plan::PlanArgs),
    /// Deploy: create machines, change hosts, then audit
    Apply(apply::ApplyArgs),
    /// Compare hosts with the spec, try to break in from outside, and report
    Audit(audit::AuditArgs),
    /// Look at any Jitsi Meet server that you are allowed to test, from outside
    Probe(probe::ProbeArgs),
    /// Remove all that the deployment owns, then look again
    Destroy(destroy::DestroyArgs),
    /// Destroy the test deployments in AWS whose time to live has passed
    #[cfg(feature = "aws")]
    Reap(reap::ReapArgs),
    /// Manage clinicians' accounts (security.auth = "internal")
    User(user::UserArgs),
    /// Make a short-lived room link for one visit (security.auth = "token")
    Token(token::TokenArgs),
    /// Show what is checked and why
    Catalog(catalog::CatalogArgs),
    /// Print a JSON Schema
    Schema(extras::SchemaArgs),
    /// Manage throwaway systemd hosts on this computer
    Lab(lab::LabArgs),
    /// Print a shell's completion script
    Completions(extras::CompletionsArgs),
    /// Print the manual page
    #[command(after_help = "Example:\n  anteroom man > /usr/local/share/man/man1/anteroom.1")]
    Man,
}

/// Parses the command line, runs the verb, says what went wrong, and returns the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // Help and usage errors go where clap sends them; a closed pipe has no reader left to tell.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let talk = match (cli.quiet, cli.verbose) {
        (true, _) => Talk::Quiet,
        (_, true) => Talk::Verbose,
        _ => Talk::Normal,
    };
    let ui = Ui::new(talk);
    let outcome = run(cli.command, cli.format, &ui);
    ui.done();
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            ui.error(&error.message.to_string());
            for hint in &error.hints {
                ui.error(&format!("  hint: {hint}"));
            }
            ExitCode::from(error.kind.code())
        }
    }
}

fn run(command: Command, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    match command {
        Command::Init(args) => init::run(&args, ui),
        Command::Validate(args) => validate::run(&args, format, ui),
        Command::Render(args) => render::run(&args, format, ui),
        Command::Plan(args) => plan::run(&args, format, ui),
        Command::Apply(args) => apply::run(&args, format, ui),
        Command::Audit(args) => audit::run(&args, format, ui),
        Command::Probe(args) => probe::run(&args, format, ui),
        Command::Destroy(args) => destroy::run(&args, format, ui),
        #[cfg(feature = "aws")]
        Command::Reap(args) => reap::run(&args, format, ui),
        Command::User(args) => user::run(&args, format, ui),
        Command::Token(args) => token::run(&args, format, ui),
        Command::Catalog(args) => catalog::run(&args, format, ui),
        Command::Schema(args) => extras::schema(&args, ui),
        Command::Lab(args) => lab::run(&args, format, ui),
        Command::Completions(args) => extras::completions(&args, ui),
        Command::Man => extras::man(ui),
    }
}
