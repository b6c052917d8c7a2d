//! `catalog`: what is checked and why, and who signs for what, without a spec or a host.

use std::collections::BTreeMap;

use clap::Subcommand;
use jiff::ToSpan;
use jiff::civil::Date;

use crate::catalog;
use crate::catalog::clouds;
use crate::catalog::clouds::Cloud;
use crate::catalog::platforms;
use crate::catalog::platforms::Found;
use crate::catalog::platforms::Platform;
use crate::catalog::policy::Component;
use crate::catalog::policy::Policy;
use crate::catalog::policy::policies;
use crate::commands::Format;
use crate::commands::error::CommandError;
use crate::commands::iam;
use crate::commands::iam::IamArgs;
use crate::commands::ui::Ui;
use crate::report;

/// Exit code: the platform must not carry a visit.
const UNFIT: u8 = 5;
/// Days after which what a source said has to be asked anew.
const STALE_DAYS: i64 = 365;

/// Arguments of `catalog`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom catalog controls                        List them all\n  anteroom catalog controls access/brewery-closed  Explain one\n  anteroom catalog safeguards                      The Security Rule, row by row: what is looked at and what is not\n  anteroom catalog policy                          List every setting with its reason\n  anteroom catalog policy prosody                  Those of one program\n  anteroom catalog policy --markdown               As the page docs/policy.md\n  anteroom catalog platforms facetime              May it carry a visit? Exit 5 when it must not\n  anteroom catalog clouds                          Who signs a business associate agreement, and what proves it\n  anteroom catalog iam apply                       The least policy in AWS that lets `apply` do its work"
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
    /// List every standard and specification of the Security Rule with how far it is looked at
    Safeguards {
        /// Print the page docs/safeguards.md
        #[arg(long)]
        markdown: bool,
    },
    /// List every setting of the policy with its value, reason and citations, or those of one program
    Policy {
        /// A program's name, such as prosody, nginx or sshd
        name: Option<Component>,
        /// Print the page docs/policy.md
        #[arg(long)]
        markdown: bool,
    },
    /// List video platforms with who signs for them, or judge one; exit 5 when it must not carry a visit
    Platforms {
        /// A platform's name, such as facetime
        name: Option<String>,
    },
    /// List owners of computers with how their agreement is made and proven, or show one
    Clouds {
        /// A name, such as aws
        name: Option<String>,
    },
    /// List the permissions that each command needs in AWS, or print one command's policy
    Iam(IamArgs),
}

/// Prints the catalog.
pub(crate) fn run(args: &CatalogArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    match &args.of {
        Of::Controls { name } => controls(name.as_ref(), format, ui),
        Of::Safeguards { markdown } => {
            match (markdown, format) {
                (true, _) => ui.data(&report::safeguards::page()),
                (false, Format::Json) => ui.data(&format!("{:#}\n", report::safeguards::json())),
                (false, Format::Text) => ui.data(&report::safeguards::text()),
            }
            Ok(0)
        }
        Of::Policy { markdown: true, .. } => {
            ui.data(&report::policy::page());
            Ok(0)
        }
        Of::Policy { name, markdown: false } => {
            policy(*name, format, ui);
            Ok(0)
        }
        Of::Platforms { name } => platforms(name.as_deref(), format, ui),
        Of::Clouds { name } => clouds(name.as_deref(), format, ui),
        Of::Iam(args) => iam::run(args, format, ui),
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
        let document = serde_json::json!({ "schema": "anteroom/controls/v1", "controls": chosen });
        ui.data(&format!("{document:#}\n"));
        return Ok(0);
    }
    let shown = match name {
        None => report::controls::line,
        Some(_) => report::controls::whole,
    };
    let texts: Vec<String> = chosen.into_iter().map(shown).collect();
    ui.data(&texts.concat());
    Ok(0)
}

fn platforms(name: Option<&str>, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let chosen: Vec<&Platform> = match name {
        None => platforms::platforms().iter().collect(),
        Some(name) => vec![one(name, "platform", platforms::platform(name), |row| &row.name, ui)?],
    };
    warn_of_age(chosen.iter().map(|row| row.as_of.as_str()), ui);
    if format == Format::Json {
        let document = serde_json::json!({ "schema": "anteroom/platforms/v1", "platforms": chosen });
        ui.data(&format!("{document:#}\n"));
    } else {
        let texts: Vec<String> = chosen.iter().map(|row| report::vendors::platform(row)).collect();
        ui.data(&texts.join("\n"));
    }
    let judged = name.and(chosen.first());
    Ok(if judged.is_some_and(|row| row.verdict.must_not_be_used()) {
        UNFIT
    } else {
        0
    })
}

fn clouds(name: Option<&str>, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let chosen: Vec<&Cloud> = match name {
        None => clouds::clouds().iter().collect(),
        Some(name) => vec![one(name, "cloud", clouds::cloud(name), |row| &row.name, ui)?],
    };
    warn_of_age(chosen.iter().map(|row| row.as_of.as_str()), ui);
    if format == Format::Json {
        let document = serde_json::json!({ "schema": "anteroom/clouds/v1", "clouds": chosen });
        ui.data(&format!("{document:#}\n"));
    } else {
        let texts: Vec<String> = chosen.iter().map(|row| report::vendors::cloud(row)).collect();
        ui.data(&texts.join("\n"));
    }
    Ok(0)
}

/// The row that was meant, or who might have been.
fn one<'a, T>(
    name: &str,
    noun: &str,
    found: Found<&'a T>,
    called: fn(&T) -> &str,
    ui: &Ui,
) -> Result<&'a T, CommandError> {
    match found {
        Found::Exactly(row) => Ok(row),
        Found::TakenFor(row) => {
            ui.say(&format!("{name:?} is taken for {}", called(row)));
            Ok(row)
        }
        Found::Unknown(near) => {
            let error = CommandError::usage(format!("nothing is known of a {noun} {name:?}"));
            let names: Vec<&str> = near.into_iter().map(called).collect();
            Err(match names.is_empty() {
                false => error.hint(format!("did you mean {}?", names.join(", or "))),
                true => error.hint(format!(
                    "`anteroom catalog {noun}s` lists what is known; what is not on it needs a signed agreement before any visit"
                )),
            })
        }
    }
}

/// Says when what is shown was read long ago.
fn warn_of_age<'a>(days: impl Iterator<Item = &'a str>, ui: &Ui) {
    let Some(oldest) = days.filter_map(|day| day.parse::<Date>().ok()).min() else {
        return;
    };
    if oldest.saturating_add(STALE_DAYS.days()) < jiff::Zoned::now().date() {
        ui.say(&format!(
            "read on {oldest}, which is long ago: ask again before you rely on it"
        ));
    }
}
