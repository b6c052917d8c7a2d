//! The arguments of every command that reads a spec: the file, and the security switches people already write.

use std::path::PathBuf;

use crate::commands::error::CommandError;
use crate::commands::error::Kind;
use crate::commands::error::Message;
use crate::spec;
use crate::spec::LoadError;
use crate::spec::Spec;
use crate::spec::Switches;

/// Which spec, and what the command line says over it.
#[derive(Debug, Clone, clap::Args)]
pub struct SpecArgs {
    /// The spec file
    #[arg(short, long, default_value = "anteroom.toml", value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    switches: SwitchArgs,
}

/// The switches alone.
#[derive(Debug, Clone, clap::Args)]
pub struct SwitchArgs {
    /// The domain, in place of the spec's
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// Only clinicians open rooms; `false` is refused
    #[arg(long, value_name = "true", num_args = 0..=1, default_missing_value = "true")]
    pub secure_domain: Option<bool>,
    /// TLS everywhere; `false` is refused
    #[arg(long, value_name = "true", num_args = 0..=1, default_missing_value = "true")]
    pub require_encryption: Option<bool>,
}

impl SwitchArgs {
    /// The switches as the spec knows them.
    pub fn switches(&self) -> Switches {
        Switches {
            domain: self.domain.clone(),
            secure_domain: self.secure_domain,
            require_encryption: self.require_encryption,
        }
    }
}

impl SpecArgs {
    /// Reads and judges the spec.
    ///
    /// # Errors
    /// With every problem at once, rendered with line, column and the fix; nothing was touched.
    pub fn load(&self) -> Result<Spec, CommandError> {
        let today = jiff::Zoned::now().date();
        spec::load(&self.file, &self.switches.switches(), today).map_err(|error| match error {
            LoadError::Invalid(problems) => CommandError {
                kind: Kind::Usage,
                message: Message::Problems(problems.render(super::ui::colour())),
                hints: Vec::new(),
            },
            LoadError::Read { path, source } => {
                CommandError::usage(format!("failed to read {}: {source}", path.display()))
                    .hint("`anteroom init --domain telemed.example.com` writes a spec; `--file` names another one")
            }
        })
    }
}
