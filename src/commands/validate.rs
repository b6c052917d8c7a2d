//! `validate`: the spec and its policy, judged without touching anything.

use crate::commands::Format;
use crate::commands::error::CommandError;
use crate::commands::spec_args::SpecArgs;
use crate::commands::ui::Ui;
use crate::spec::Environment;

/// Arguments of `validate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  anteroom validate --file clinic-east.toml")]
pub struct ValidateArgs {
    #[command(flatten)]
    spec: SpecArgs,
}

/// Says whether the spec is valid.
pub(crate) fn run(args: &ValidateArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let spec = args.spec.load()?;
    let environment = match spec.deployment.environment {
        Environment::Production => "production",
        Environment::Test { .. } => "test",
    };
    let hosts: Vec<&str> = spec.hosts.iter().map(|host| host.name.as_str()).collect();
    match format {
        Format::Json => {
            let row = serde_json::json!({
                "schema": "anteroom/validate/v1",
                "valid": true,
                "deployment": spec.deployment.name,
                "domain": spec.deployment.domain,
                "environment": environment,
                "hosts": hosts,
                "sha256": spec.source.sha256,
            });
            ui.data(&format!("{row}\n"));
        }
        Format::Text => ui.data(&format!(
            "{} is valid: {} ({environment}), {} on {}\n",
            args.spec.file.display(),
            spec.deployment.name,
            spec.deployment.domain,
            hosts.join(", ")
        )),
    }
    Ok(0)
}
