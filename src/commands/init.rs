//! `init`: a commented spec. Asks only on a terminal; elsewhere the arguments and safe defaults decide.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::commands::error::CommandError;
use crate::commands::spec_args::SwitchArgs;
use crate::commands::ui::Ui;
use crate::spec::init;
use crate::spec::init::InitAnswers;
use crate::spec::init::InitAuth;
use crate::spec::init::InitPlace;
use crate::spec::init::Topic;

/// The name used when nothing else is said.
const DEFAULT_NAME: &str = "clinic";
/// A domain that nobody can own (RFC 2606), used when nothing else is said.
const DEFAULT_DOMAIN: &str = "telemed.example.com";

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom init                                     Ask, on a terminal; else a test in the lab\n  anteroom init --domain telemed.example.com --secure-domain true --require-encryption true\n  anteroom init --place production --domain telemed.example.com --address core.example.com"
)]
pub struct InitArgs {
    /// Where to write the spec; an existing file is never overwritten
    #[arg(short, long, default_value = "anteroom.toml", value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    switches: SwitchArgs,
    /// Name of the deployment, one word
    #[arg(long)]
    name: Option<String>,
    /// Where it will run
    #[arg(long, value_enum)]
    place: Option<Place>,
    /// Host name, IP address or ssh_config alias of the host
    #[arg(long)]
    address: Option<String>,
    /// Who opens rooms
    #[arg(long, value_enum)]
    auth: Option<Auth>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Place {
    /// A throwaway host on this computer
    Lab,
    /// An existing host, no patients
    Test,
    /// An existing host, for patients
    Production,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Auth {
    /// Whoever holds a signed room link
    Token,
    /// Clinicians with an account on the server
    Internal,
}

/// Writes the spec.
pub(crate) fn run(args: &InitArgs, ui: &Ui) -> Result<u8, CommandError> {
    if args.switches.secure_domain == Some(false) || args.switches.require_encryption == Some(false) {
        return Err(CommandError::usage(
            "secure_domain and require_encryption cannot be false: without them anyone opens rooms, or reads along \
             (45 CFR 164.312(a)(1), 164.312(e)(1)); nothing was written",
        ));
    }
    if args.file.exists() {
        return Err(
            CommandError::usage(format!("{} exists already; nothing was written", args.file.display()))
                .hint("edit it, or name another file with --file"),
        );
    }
    let answers = answers(args, ui)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.file)
        .map_err(|error| {
            let command = CommandError::failed(format!("write {}: {error}", args.file.display()));
            if error.kind() == ErrorKind::NotFound {
                command.hint("make the folder first")
            } else {
                command
            }
        })?;
    file.write_all(init::text(&answers).as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| CommandError::failed(format!("write {}: {error}", args.file.display())))?;
    ui.say(&format!("wrote {}", args.file.display()));
    ui.say(match answers.place {
        InitPlace::Lab => "next: anteroom apply",
        InitPlace::Test | InitPlace::Production => "next: fill in what is empty, then anteroom validate",
    });
    Ok(0)
}

fn answers(args: &InitArgs, ui: &Ui) -> Result<InitAnswers, CommandError> {
    let domain = args.switches.domain.as_deref().unwrap_or(DEFAULT_DOMAIN);
    let domain = domain
        .parse()
        .map_err(|why| CommandError::usage(format!("--domain {domain:?} {why}")))?;
    let name = args.name.as_deref().unwrap_or(DEFAULT_NAME);
    let name = name
        .parse()
        .map_err(|why| CommandError::usage(format!("--name {name:?} {why}")))?;
    let mut answers = InitAnswers::new(domain, name);
    if let Some(place) = args.place {
        answers.place = match place {
            Place::Lab => InitPlace::Lab,
            Place::Test => InitPlace::Test,
            Place::Production => InitPlace::Production,
        };
    }
    if let Some(auth) = args.auth {
        answers.auth = match auth {
            Auth::Token => InitAuth::Token,
            Auth::Internal => InitAuth::Internal,
        };
    }
    if let Some(address) = &args.address {
        answers
            .answer(Topic::Address, address)
            .map_err(|why| CommandError::usage(format!("--address {address:?}: {why}")))?;
    }
    if ui.can_ask() {
        for question in init::QUESTIONS {
            if answers.concerns(question.topic) && !given(args, question.topic) {
                ask(&mut answers, question, ui)?;
            }
        }
    }
    Ok(answers)
}

fn given(args: &InitArgs, topic: Topic) -> bool {
    match topic {
        Topic::Place => args.place.is_some(),
        Topic::Name => args.name.is_some(),
        Topic::Domain => args.switches.domain.is_some(),
        Topic::Address => args.address.is_some(),
        Topic::Auth => args.auth.is_some(),
    }
}

fn ask(answers: &mut InitAnswers, question: &init::Question, ui: &Ui) -> Result<(), CommandError> {
    loop {
        let current = answers.current(question.topic);
        let Some(text) = ui.ask(&format!("{} [{current}]:", question.prompt)) else {
            return Err(CommandError::usage(
                "the input ended before every question was answered; nothing was written",
            ));
        };
        let text = if text.is_empty() { &current } else { &text };
        match answers.answer(question.topic, text) {
            Ok(()) => return Ok(()),
            Err(why) => ui.say(&why),
        }
    }
}
