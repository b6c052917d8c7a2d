//! `schema`, `completions` and `man`: what editors, shells and packagers ask for.

use clap::CommandFactory;
use clap::ValueEnum;

use crate::commands::Cli;
use crate::commands::error::CommandError;
use crate::commands::ui::Ui;
use crate::report;
use crate::spec;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom schema > anteroom.schema.json   For editors\n  anteroom schema report                   What `audit --format json` writes"
)]
pub struct SchemaArgs {
    /// What the schema describes
    #[arg(value_enum, default_value_t = SchemaOf::Spec)]
    of: SchemaOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SchemaOf {
    Spec,
    Report,
}

/// Prints the JSON Schema.
pub(crate) fn schema(args: &SchemaArgs, ui: &Ui) -> Result<u8, CommandError> {
    let schema = match args.of {
        SchemaOf::Spec => spec::schema().to_value(),
        SchemaOf::Report => report::json::schema(),
    };
    let text = serde_json::to_string_pretty(&schema).expect("a JSON value always serialises");
    ui.data(&format!("{text}\n"));
    Ok(0)
}

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  anteroom completions bash > /etc/bash_completion.d/anteroom")]
pub struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

/// Prints the completion script.
pub(crate) fn completions(args: &CompletionsArgs, ui: &Ui) -> Result<u8, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "anteroom", &mut script);
    ui.data(&String::from_utf8_lossy(&script));
    Ok(0)
}

/// Prints the manual page.
pub(crate) fn man(ui: &Ui) -> Result<u8, CommandError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(|e| CommandError::failed(format!("write: {e}")))?;
    ui.data(&String::from_utf8_lossy(&page));
    Ok(0)
}
