//! What needs more than a yes: that a machine of production goes with its disk, and that production becomes a test.

use crate::commands::error::CommandError;
use crate::commands::ui::Ui;
use crate::machines::aws::Leaving;
use crate::spec::Spec;

/// The operator's word that production may become a test.
#[derive(Debug, clap::Args)]
pub struct LeaveArgs {
    /// The domain, typed out: make a test, which ends, of what is production in AWS
    #[arg(long, value_name = "DOMAIN")]
    leave_production: Option<String>,
}

impl LeaveArgs {
    /// Whether a test may take the place of production.
    pub(crate) fn leaving(&self, spec: &Spec) -> Result<Leaving, CommandError> {
        let domain = spec.deployment.domain.as_str();
        match self.leave_production.as_deref() {
            None => Ok(Leaving::Refused),
            Some(typed) if typed == domain => Ok(Leaving::Agreed),
            Some(typed) => Err(CommandError::usage(format!(
                "--leave-production {typed} is not the domain {domain}; nothing was changed"
            ))),
        }
    }
}

/// The operator's word that machines go with their disks.
#[derive(Debug, clap::Args)]
pub struct ReplaceArgs {
    /// Agree that this host's machine in AWS goes with its disk, which production needs; as often as there are such hosts
    #[arg(long, value_name = "HOST")]
    replace: Vec<String>,
}

/// Whether the operator may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// On a terminal.
    Possible,
    /// Not: `--yes` was given, or there is no terminal.
    Never,
}

/// What it takes that the machines go.
#[derive(Debug, PartialEq, Eq)]
enum Needed {
    /// No more than a yes.
    Yes,
    /// The domain, typed.
    Domain,
    /// `--replace` of these.
    Words(Vec<String>),
}

impl ReplaceArgs {
    fn needed(&self, ending: &[String], prompt: Prompt) -> Needed {
        let unnamed: Vec<String> = ending
            .iter()
            .filter(|name| !self.replace.contains(name))
            .cloned()
            .collect();
        match prompt {
            _ if unnamed.is_empty() => Needed::Yes,
            Prompt::Possible => Needed::Domain,
            Prompt::Never => Needed::Words(unnamed),
        }
    }

    /// Asks for the domain where machines of production go that no `--replace` names; `otherwise` asks for a yes.
    ///
    /// # Errors
    /// Where the operator does not agree, or cannot be asked.
    pub(crate) fn confirm(
        &self,
        ending: &[String],
        domain: &str,
        prompt: Prompt,
        otherwise: impl FnOnce() -> Result<(), CommandError>,
        ui: &Ui,
    ) -> Result<(), CommandError> {
        match self.needed(ending, prompt) {
            Needed::Yes => otherwise(),
            Needed::Domain => {
                let question = format!(
                    "This is production, and the disk of {} goes. Type {domain} to carry this out:",
                    ending.join(", ")
                );
                if ui.ask(&question).as_deref() == Some(domain) {
                    return Ok(());
                }
                Err(CommandError::refused("not confirmed; nothing was changed"))
            }
            Needed::Words(names) => {
                let why = format!(
                    "this is production, and the disk of {} would go; nothing was changed",
                    names.join(", ")
                );
                let words: Vec<String> = names.iter().map(|name| format!("--replace {name}")).collect();
                Err(CommandError::usage(why).hint(format!(
                    "to agree, run it again with {}; `anteroom plan` says why",
                    words.join(" ")
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_of_production_goes_only_with_its_host_named_or_the_domain_typed() {
        let replace = |names: &[&str]| ReplaceArgs {
            replace: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let ending = ["core".to_owned(), "old".to_owned()];
        for prompt in [Prompt::Never, Prompt::Possible] {
            assert_eq!(replace(&[]).needed(&[], prompt), Needed::Yes);
            assert_eq!(replace(&["old", "core"]).needed(&ending, prompt), Needed::Yes);
        }
        let of_old = Needed::Words(vec!["old".to_owned()]);
        assert_eq!(replace(&["core", "other"]).needed(&ending, Prompt::Never), of_old);
        assert_eq!(replace(&["core"]).needed(&ending, Prompt::Possible), Needed::Domain);
    }
}
