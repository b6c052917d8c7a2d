//! The part of `plan`, `apply` and `destroy` that Terraform does, for specs with `[machines] kind = "terraform"`; nothing
//! for others.

use std::time::Duration;

use crate::commands::error::CommandError;
use crate::commands::ui::Ui;
use crate::machines::Absent;
use crate::machines::Machine;
use crate::machines::terraform;
use crate::machines::terraform::Found;
use crate::machines::terraform::Intent;
use crate::machines::terraform::Planned;
use crate::machines::terraform::TerraformError;
use crate::machines::terraform::Tool;
use crate::spec::HostName;
use crate::spec::Machines;
use crate::spec::Spec;
use crate::spec::Terraform;
use crate::spec::TerraformRun;
use crate::spec::TerraformSource;

/// How long a machine that was just made may take to boot.
const BOOT: Duration = Duration::from_secs(300);

/// The machines that Terraform has made, and those that it has not yet.
///
/// # Errors
/// Where Terraform or its outputs fail.
pub(crate) fn find(spec: &Spec, settings: &Terraform) -> Result<(Vec<Machine>, Vec<Absent>), CommandError> {
    let found = look(spec, settings, &mut |_| ())?;
    Ok((found.machines, found.absent))
}

fn look(spec: &Spec, settings: &Terraform, say: &mut dyn FnMut(&str)) -> Result<Found, CommandError> {
    match &settings.source {
        TerraformSource::Outputs(file) => terraform::of_pipeline(spec, settings, file),
        TerraformSource::Run(run) => {
            Tool::open(spec, settings, run).and_then(|tool| terraform::of_state(spec, settings, &tool, say))
        }
    }
    .map_err(failed)
}

/// What Terraform would change, as lines.
///
/// # Errors
/// Where Terraform fails.
pub(crate) fn changes(spec: &Spec, ui: &Ui) -> Result<Vec<String>, CommandError> {
    let Some((settings, run)) = ours(spec) else {
        return Ok(Vec::new());
    };
    let tool = Tool::open(spec, settings, run).map_err(failed)?;
    let planned = plan(&tool, Intent::Build, ui)?;
    warn(&planned, ui);
    Ok(planned.lines())
}

/// Has Terraform build what is missing, and returns the hosts that are new.
///
/// # Errors
/// Where Terraform fails, the operator does not agree, or hosts are still missing.
pub(crate) fn build(
    spec: &Spec,
    confirm: &mut dyn FnMut() -> Result<(), CommandError>,
    ui: &Ui,
) -> Result<Vec<HostName>, CommandError> {
    let Machines::Terraform(settings) = &spec.machines else {
        return Ok(Vec::new());
    };
    let mut say = |text: &str| ui.doing(text);
    let before = look(spec, settings, &mut say)?;
    let after = match &settings.source {
        TerraformSource::Outputs(_) => before.clone(),
        TerraformSource::Run(run) => {
            let tool = Tool::open(spec, settings, run).map_err(failed)?;
            let planned = plan(&tool, Intent::Build, ui)?;
            warn(&planned, ui);
            if planned.pending {
                for line in planned.lines() {
                    ui.say(&line);
                }
                confirm()?;
                tool.carry_out(&planned, &mut say).map_err(failed)?;
                ui.done();
            }
            look(spec, settings, &mut say)?
        }
    };
    for stranger in &after.strangers {
        ui.say(&format!(
            "warning: the outputs name the host {stranger}, and the spec does not; it is left alone"
        ));
    }
    complete(settings, &after)?;
    let is_new = |machine: &&Machine| {
        !before
            .machines
            .iter()
            .any(|known| known.target.address == machine.target.address)
    };
    let made: Vec<&Machine> = after.machines.iter().filter(is_new).collect();
    for machine in &made {
        ui.doing(&format!("waiting for {} to boot", machine.host.name));
        terraform::wait_for(&machine.target, BOOT).map_err(failed)?;
    }
    Ok(made.iter().map(|machine| machine.host.name.clone()).collect())
}

fn complete(settings: &Terraform, found: &Found) -> Result<(), CommandError> {
    let missing: Vec<&str> = found.absent.iter().map(|host| host.host.name.as_str()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(match &settings.source {
        TerraformSource::Outputs(file) => CommandError::refused(format!("{} does not name {missing}", file.display()))
            .hint(
                "run the pipeline that makes the machines, and write its `terraform output -json`, with the output \
                 `anteroom_hosts`, there again",
            ),
        TerraformSource::Run(run) => CommandError::refused(format!(
            "{} is done, and the output `anteroom_hosts` of {} does not name {missing}",
            run.binary.program(),
            run.folder.display()
        ))
        .hint("give the module `anteroom = var.anteroom`, and the root module the output (docs/terraform.md)"),
    })
}

/// What a removal came to.
#[derive(Debug, Default)]
pub(crate) struct TornDown {
    /// What went.
    pub(crate) removed: Vec<String>,
    /// What is still there.
    pub(crate) left: Vec<String>,
}

/// Removes everything that the root module's state holds, and looks again.
///
/// # Errors
/// Where it cannot begin, or the operator does not agree. What fails later is listed as left.
pub(crate) fn tear_down(
    spec: &Spec,
    settings: &Terraform,
    run: &TerraformRun,
    confirm: &mut dyn FnMut() -> Result<(), CommandError>,
    ui: &Ui,
) -> Result<TornDown, CommandError> {
    let tool = Tool::open(spec, settings, run).map_err(failed)?;
    let planned = plan(&tool, Intent::Remove, ui)?;
    ui.done();
    let mut result = TornDown::default();
    let before = planned.lines();
    if planned.pending {
        for line in &before {
            ui.say(line);
        }
        confirm()?;
        if let Err(error) = remove(&tool, planned, ui) {
            result.left.push(format!("not done: failed to {error}"));
        }
    }
    match tool.left() {
        Err(error) => result.left.push(format!("not known: failed to {error}")),
        Ok(left) => {
            let is_left = |line: &&String| left.iter().any(|address| line.contains(&format!(" {address}:")));
            result.removed = before.iter().filter(|line| !is_left(line)).cloned().collect();
            result.left.extend(left);
        }
    }
    Ok(result)
}

fn remove(tool: &Tool<'_>, planned: Planned, ui: &Ui) -> Result<(), TerraformError> {
    let mut say = |text: &str| ui.doing(text);
    let protected = tool.protected(&planned)?;
    if protected.is_empty() {
        return tool.carry_out(&planned, &mut say);
    }
    drop(planned);
    ui.doing("lifting the protection against deletion");
    let unlock = tool.plan(Intent::Unlock(&protected), &mut say)?;
    tool.carry_out(&unlock, &mut say)?;
    let planned = tool.plan(Intent::Remove, &mut say)?;
    tool.carry_out(&planned, &mut say)
}

fn ours(spec: &Spec) -> Option<(&Terraform, &TerraformRun)> {
    match &spec.machines {
        Machines::Terraform(settings) => match &settings.source {
            TerraformSource::Run(run) => Some((settings, run)),
            TerraformSource::Outputs(_) => None,
        },
        _ => None,
    }
}

fn plan(tool: &Tool<'_>, intent: Intent<'_>, ui: &Ui) -> Result<Planned, CommandError> {
    let mut say = |text: &str| ui.doing(text);
    ui.doing(&format!("asking {}", tool.describe()));
    tool.prepare(&mut say).map_err(failed)?;
    let planned = tool.plan(intent, &mut say).map_err(failed)?;
    ui.done();
    Ok(planned)
}

fn warn(planned: &Planned, ui: &Ui) {
    for warning in &planned.warnings {
        ui.say(&format!("warning: {warning}"));
    }
    for change in &planned.drift {
        ui.say(&format!("somebody else changed this since the last run: {change}"));
    }
}

fn failed(error: TerraformError) -> CommandError {
    let locked = |summary: &str| summary.contains("state lock");
    let hint = match &error {
        TerraformError::Start { .. } => {
            "install Terraform 1.9 or newer, or OpenTofu and set `binary = \"tofu\"`; or name `outputs` of a pipeline"
        }
        TerraformError::Folder { .. } => {
            "`folder` counts from the folder of the spec; examples/terraform/ has root modules"
        }
        TerraformError::Failed { troubles, .. } if troubles.iter().any(|trouble| locked(&trouble.summary)) => {
            "another run holds the state; wait for it, and only when it is surely dead use `terraform force-unlock`"
        }
        TerraformError::Failed { command, .. } if command.ends_with("apply") => {
            "what was made until then is in Terraform's state; run this again, and it goes on from there"
        }
        TerraformError::Failed { .. } => "nothing was changed; the same command in that folder shows more",
        TerraformError::Outputs { .. } => "docs/terraform.md says what `anteroom_hosts` holds",
        TerraformError::Silent { .. } => {
            "see on the cloud's console whether it boots, and that this computer's address is in [access] admin_cidrs; then \
             run this again"
        }
        _ => return CommandError::failed(error),
    };
    CommandError::failed(error).hint(hint)
}
