//! `catalog`: what is checked and why, without a spec or a host.

use std::collections::BTreeMap;

use clap::Subcommand;

use crate::catalog;
use crate::catalog::policy::Component;
use crate::catalog::policy::Policy;
use crate::catalog::policy::policies;
use crate::commands::Format;
use crate::commands::error::CommandError;
use crate::commands::ui::Ui;
use crate::report;

/// Arguments of `catalog`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom catalog controls                        List them all\n  anteroom catalog controls access/brewery-closed  Explain one\n  anteroom catalog policy                          List every setting with its reason\n  anteroom catalog policy prosody                  Those of one program\n  anteroom catalog policy --markdown               As the page docs/policy.md"
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
    /// List every setting of the policy with its value, reason and citations, or those of one program
    Policy {
        /// A program's name, such as prosody, nginx or sshd
        name: Option<Component>,
        /// Print the page docs/policy.md
        #[arg(long)]
        markdown: bool,
    },
}

/// Prints the catalog.
pub(crate) fn run(args: &CatalogArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    match &args.of {
        Of::Controls { name } => controls(name.as_ref(), format, ui),
        Of::Policy { markdown: true, .. } => {
            ui.data(&report::policy::page());
            Ok(0)
        }
        Of::Policy { name, markdown: false } => {
            policy(*name, format, ui);
            Ok(0)
        }
    }
}

fn policy(name: Option<Component>, format: Format, ui: &Ui) {
    let chosen: BTreeMap<Component, &Policy> = policies()
        .iter()
        .filter(|(component, _)| name.is_none_or(|name| name == **component))
        .map(|(component, policy)| (*component, policy))
        .collect();
    if format == Format::Json {
        let components: Vec<&Policy> = chosen.into_values().collect();
        let document = serde_json::json!({ "schema": "anteroom/policy/v1", "components": components });
        ui.data(&format!("{document:#}\n"));
        return;
    }
    let texts: Vec<String> = chosen.into_values().map(report::policy::text).collect();
    ui.data(&texts.join("\n"));
}

fn controls(name: Option<&String>, format: Format, ui: &Ui) -> Result<u8, CommandError> {
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
