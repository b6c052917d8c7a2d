//! `catalog`: what is checked and why, without a spec or a host.

use clap::Subcommand;

use crate::catalog;
use crate::commands::Format;
use crate::commands::error::CommandError;
use crate::commands::ui::Ui;

/// Arguments of `catalog`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom catalog controls                        List them all\n  anteroom catalog controls access/brewery-closed  Explain one"
)]
pub struct CatalogArgs {
    #[command(subcommand)]
    of: Of,
}

#[derive(Debug, Subcommand)]
enum Of {
    /// List every control with its severity and citations, or explain one
    Controls {
        /// A control's id, such as access/brewery-closed
        name: Option<String>,
    },
}

/// Prints the catalog.
pub(crate) fn run(args: &CatalogArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let Of::Controls { name } = &args.of;
    let chosen: Vec<&catalog::Control> = match name {
        None => catalog::controls().iter().collect(),
        Some(id) => vec![catalog::control(id).ok_or_else(|| {
            CommandError::usage(format!("there is no control {id:?}"))
                .hint("`anteroom catalog controls` lists them all")
        })?],
    };
    if format == Format::Json {
        let text = serde_json::to_string_pretty(&chosen).expect("strings always serialise");
        ui.data(&format!("{text}\n"));
        return Ok(0);
    }
    for control in chosen {
        ui.data(&format!(
            "{}  ({})\n  {}\n",
            control.id,
            control.severity.word(),
            control.title
        ));
        ui.data(&format!(
            "  cites {}; NIST SP 800-53r5 {}\n",
            control.citations.join(", "),
            control.nist.join(", ")
        ));
        if name.is_some() {
            ui.data(&format!("  when it fails: {}\n", control.remediation));
        }
    }
    Ok(0)
}
