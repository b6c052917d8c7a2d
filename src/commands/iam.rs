//! `catalog iam`: the permissions that each command needs in AWS, as a table, a page and a policy.

use std::fmt::Write;

use clap::ValueEnum;
use serde_json::Value;
use serde_json::json;

use crate::commands::Format;
use crate::commands::error::CommandError;
use crate::commands::ui::Ui;
use crate::remote::aws::permissions;
use crate::remote::aws::permissions::Action;
use crate::remote::aws::permissions::COMMANDS;
use crate::remote::aws::permissions::Command;
use crate::remote::aws::permissions::For;

/// Arguments of `catalog iam`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom catalog iam                                    Every action, and which command needs it\n  anteroom catalog iam apply --deployment clinic-east     The policy of `apply`, for the things of one deployment\n  anteroom catalog iam reap > reap.json                   Of `reap`, which may touch tests alone\n  aws iam create-policy --policy-name anteroom-apply --policy-document \"$(anteroom catalog iam apply)\""
)]
pub(crate) struct IamArgs {
    /// Print the least policy that lets this command do its work
    command: Option<Of>,
    /// Only for things of this deployment; otherwise for those of any
    #[arg(long, requires = "command", value_name = "NAME")]
    deployment: Option<String>,
    /// ARN of your own KMS key, where `kms_key` names one
    #[arg(long, requires = "command", value_name = "ARN")]
    kms_key: Option<String>,
    /// Print the table of docs/aws.md
    #[arg(long, conflicts_with = "command")]
    markdown: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    Plan,
    Audit,
    Apply,
    Destroy,
    Reap,
}

impl From<Of> for Command {
    fn from(of: Of) -> Self {
        match of {
            Of::Plan => Self::Plan,
            Of::Audit => Self::Audit,
            Of::Apply => Self::Apply,
            Of::Destroy => Self::Destroy,
            Of::Reap => Self::Reap,
        }
    }
}

/// Prints the table, or one command's policy.
pub(crate) fn run(args: &IamArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let Some(command) = args.command.map(Command::from) else {
        match (args.markdown, format) {
            (true, _) => ui.data(&page()),
            (false, Format::Json) => ui.data(&document(permissions::actions().iter(), None)),
            (false, Format::Text) => ui.data(&text()),
        }
        return Ok(0);
    };
    let whose = For {
        deployment: args
            .deployment
            .clone()
            .map(|name| plain(name, "-", "deployment"))
            .transpose()?,
        disk_key: args
            .kms_key
            .clone()
            .map(|arn| plain(arn, "-:/", "kms-key"))
            .transpose()?,
    };
    let policy = permissions::policy(command, &whose);
    match format {
        Format::Text => ui.data(&format!("{policy:#}\n")),
        Format::Json => {
            let needed = permissions::actions()
                .iter()
                .filter(|action| action.is_needed_by(command));
            ui.data(&document(needed, Some(policy)));
        }
    }
    Ok(0)
}

/// A value that means itself in a policy: IAM reads `*`, `?` and `$` as patterns and variables.
fn plain(value: String, marks: &str, option: &str) -> Result<String, CommandError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
    if !value.is_empty() && value.chars().all(allowed) {
        return Ok(value);
    }
    let error = CommandError::usage(format!("--{option} {value:?} has characters that no such name has"));
    Err(error.hint("write it as the spec has it"))
}

fn document<'a>(actions: impl Iterator<Item = &'a Action>, policy: Option<Value>) -> String {
    let row = |action: &Action| {
        let by = COMMANDS.iter().filter(|command| action.is_needed_by(**command));
        let by: Vec<&str> = by.map(|command| command.word()).collect();
        json!({ "action": action.name, "commands": by, "also": action.also })
    };
    let rows: Vec<Value> = actions.map(row).collect();
    let document = json!({ "schema": "anteroom/iam/v1", "actions": rows, "policy": policy });
    format!("{document:#}\n")
}

fn text() -> String {
    let mut out = String::new();
    for action in permissions::actions() {
        let by = COMMANDS.iter().filter(|command| action.is_needed_by(**command));
        let by: Vec<&str> = by.map(|command| command.word()).collect();
        let _ = writeln!(out, "{:<42} {}", action.name, by.join(" "));
        if !action.also.is_empty() {
            let _ = writeln!(out, "    and with it {}", action.also.join(", "));
        }
    }
    out
}

/// The table of docs/aws.md.
fn page() -> String {
    let words: Vec<&str> = COMMANDS.iter().map(|command| command.word()).collect();
    let mut out = format!("| action | {} | and with it |\n", words.join(" | "));
    let _ = writeln!(out, "|---|{}---|", ":-:|".repeat(words.len()));
    for action in permissions::actions() {
        let mark = |command: &Command| if action.is_needed_by(*command) { "x" } else { "" };
        let marks: Vec<&str> = COMMANDS.iter().map(mark).collect();
        let also: Vec<String> = action.also.iter().map(|also| format!("`{also}`")).collect();
        let _ = writeln!(
            out,
            "| `{}` | {} | {} |",
            action.name,
            marks.join(" | "),
            also.join(", ")
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_on_aws_has_the_table_as_the_program_prints_it() {
        let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/aws.md");
        let docs = std::fs::read_to_string(docs).unwrap();
        assert!(
            docs.contains(&page()),
            "paste what `anteroom catalog iam --markdown` prints"
        );
    }

    #[test]
    fn a_name_that_a_policy_would_read_as_a_pattern_is_refused() {
        for name in ["*", "clinic-*", "${aws:username}", "a?", ""] {
            assert!(plain(name.to_owned(), "-", "deployment").is_err(), "{name}");
        }
        assert_eq!(plain("clinic-1".to_owned(), "-", "deployment").unwrap(), "clinic-1");
        let arn = "arn:aws:kms:us-east-1:123456789012:key/1a-2b";
        assert_eq!(plain(arn.to_owned(), "-:/", "kms-key").unwrap(), arn);
    }
}
