//! Hosts that Terraform or OpenTofu makes: runs a root module, or reads what a pipeline's run left. It knows the words of
//! the two programs and the output `anteroom_hosts`, and nothing of any cloud.

mod arrival;
mod error;
mod events;
mod follow;
mod given;
mod hosts;
mod outputs;
mod plan;
mod program;
#[cfg(test)]
mod tests;

pub use arrival::wait_for;
pub use error::TerraformError;
pub use error::Trouble;
pub use events::Action;
pub use events::Change;
pub use hosts::Found;
pub use plan::Intent;
pub use plan::Planned;
pub use program::Tool;

use std::path::Path;

use crate::spec::Spec;
use crate::spec::Terraform;

/// The hosts of a pipeline's run, as the file of its outputs tells them.
///
/// # Errors
/// Where the file cannot be read, or does not tell what is needed.
pub fn of_pipeline(spec: &Spec, settings: &Terraform, file: &Path) -> Result<Found, TerraformError> {
    let text = std::fs::read_to_string(file).map_err(|source| TerraformError::Read {
        path: file.to_owned(),
        source,
    })?;
    let described = outputs::read(&text).map_err(|problems| TerraformError::Outputs {
        of: file.display().to_string(),
        problems,
    })?;
    hosts::matched(spec, settings, described, &file.display().to_string())
}

/// The hosts of the root module that we run, as its state tells them.
///
/// # Errors
/// Where the program fails, or the outputs do not tell what is needed.
pub fn of_state(
    spec: &Spec,
    settings: &Terraform,
    tool: &Tool<'_>,
    say: &mut dyn FnMut(&str),
) -> Result<Found, TerraformError> {
    let text = tool.outputs(say)?;
    let of = tool.describe();
    let described = outputs::read(text.expose()).map_err(|problems| TerraformError::Outputs {
        of: of.clone(),
        problems,
    })?;
    hosts::matched(spec, settings, described, &of)
}
