//! `plan`: what `apply` would change. Looks at every host and changes nothing.

use crate::commands::Format;
use crate::commands::cloud;
use crate::commands::consent::LeaveArgs;
use crate::commands::error::CommandError;
use crate::commands::preflight;
use crate::commands::session;
use crate::commands::spec_args::SpecArgs;
use crate::commands::terraform;
use crate::commands::ui::Ui;
use crate::facts::Depth;
use crate::plan::Plan;
use crate::report::plan_json;
use crate::report::plan_text;
use crate::report::plan_text::Contents;

/// Exit code: changes are pending.
const PENDING: u8 = 4;
/// Exit code: nothing that `apply` would change, and yet not in sync; an audit fails on it in the same way.
const DIFFERS: u8 = 5;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom plan                 Show changes with diffs; exit 4 when there are any\n  anteroom plan --format json   The same for programs"
)]
pub struct PlanArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// Show the whole content of new files too
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    leave: LeaveArgs,
}

/// Shows the plan.
pub(crate) fn run(args: &PlanArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let spec = args.spec.load()?;
    let infrastructure = terraform::changes(&spec, ui)?;
    let cloud = cloud::look(&spec, args.leave.leaving(&spec)?, ui)?;
    let (machines, absent) = match &cloud {
        Some(cloud) => cloud.machines(&spec),
        None => session::find_machines(&spec, ui)?,
    };
    let changes = cloud.map(|cloud| cloud.changes()).unwrap_or_default();
    if format == Format::Text {
        // They stand, whether or not a host answers below.
        infrastructure.iter().for_each(|line| ui.data(&format!("{line}\n")));
        changes
            .iter()
            .for_each(|row| ui.data(&format!("aws: {}\n", row.change)));
    }
    let spec = session::told(spec, &machines);
    let sites = session::look(&spec, machines, Depth::Plan, ui)?;
    let plans = sites
        .iter()
        .map(|site| site.plan(&spec))
        .collect::<Result<Vec<Plan>, CommandError>>()?;
    preflight::warn(&preflight::obstacles(&spec, &sites, &plans, ui), ui);
    ui.done();
    let names: Vec<String> = absent.iter().map(|host| host.machine_name.to_string()).collect();
    match format {
        Format::Json => ui.data(&plan_json::render(&plans, &names, &infrastructure, &changes)),
        Format::Text => {
            for name in &names {
                ui.data(&format!("{name}: a machine to be made, then everything on it\n"));
            }
            let contents = if args.full { Contents::All } else { Contents::Diffs };
            for plan in &plans {
                ui.data(&plan_text::render(plan, contents));
            }
        }
    }
    let pending = !(absent.is_empty() && infrastructure.is_empty() && changes.is_empty())
        || plans.iter().any(|plan| !plan.changes.is_empty());
    let differs = plans.iter().any(|plan| !plan.drift.is_empty());
    Ok(match (pending, differs) {
        (true, _) => PENDING,
        (false, true) => DIFFERS,
        (false, false) => 0,
    })
}
