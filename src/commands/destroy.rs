//! `destroy`: removes all that the deployment owns, then looks again. What is left is listed, with exit code 6.

use std::path::PathBuf;

use crate::apply;
use crate::apply::Event;
use crate::commands::Format;
use crate::commands::apply::failed;
use crate::commands::apply::say_event;
use crate::commands::cloud;
use crate::commands::error::CommandError;
use crate::commands::error::Kind;
use crate::commands::lab;
use crate::commands::session;
use crate::commands::session::Site;
use crate::commands::spec_args::SpecArgs;
use crate::commands::terraform;
use crate::commands::ui::Answer;
use crate::commands::ui::Ui;
use crate::commands::visitors::operator;
use crate::facts;
use crate::facts::Depth;
use crate::machines::aws::Consent;
use crate::machines::aws::Stakes;
use crate::machines::lab_hosts;
use crate::plan;
use crate::plan::Hardening;
use crate::report::plan_text;
use crate::report::plan_text::Contents;
use crate::spec::AwsMachines;
use crate::spec::HostName;
use crate::spec::Machines;
use crate::spec::Spec;
use crate::spec::TerraformSource;

/// Arguments of `destroy`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom destroy                                       Show what goes, ask, remove, look again\n  anteroom destroy --confirm telemed.example.com         Production, without a terminal"
)]
pub struct DestroyArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// Do not ask (a test deployment)
    #[arg(long, short)]
    yes: bool,
    /// The domain, typed out: the confirmation that production needs
    #[arg(long, value_name = "DOMAIN")]
    confirm: Option<String>,
    /// Remove the hardening of sshd and the firewall too, which stays otherwise
    #[arg(long)]
    hardening: bool,
    /// Write what became of a cloud's disks and keys to a new file (45 CFR 164.310(d)(2))
    #[arg(long, value_name = "FILE")]
    disposal_record: Option<PathBuf>,
    /// Leave a region of AWS out, such as one that the account denies; may be given more than once
    #[arg(long, value_name = "REGION")]
    skip_region: Vec<String>,
}

/// What one host's removal left and kept.
#[derive(Debug, Default)]
struct Removal {
    removed: Vec<String>,
    kept: Vec<String>,
    left: Vec<String>,
    /// What became of a cloud's media.
    disposal: Option<serde_json::Value>,
}

/// Destroys.
pub(crate) fn run(args: &DestroyArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let spec = args.spec.load()?;
    let result = match &spec.machines {
        Machines::Lab => lab_machines(&spec, args, ui)?,
        Machines::Aws(settings) => in_cloud(&spec, settings, args, ui)?,
        Machines::Existing => existing(&spec, args, ui)?,
        Machines::Terraform(settings) => match &settings.source {
            // The machines are the pipeline's; what is on them is ours.
            TerraformSource::Outputs(_) => existing(&spec, args, ui)?,
            TerraformSource::Run(run) => {
                let torn = terraform::tear_down(&spec, settings, run, &mut || confirm(&spec, args, ui), ui)?;
                Removal {
                    removed: torn.removed,
                    left: torn.left,
                    ..Removal::default()
                }
            }
        },
    };
    ui.done();
    print(&result, format, ui);
    Ok(if result.left.is_empty() { 0 } else { Kind::Partly.code() })
}

/// Machines of a cloud go as a whole, with their disks and everything around them.
fn in_cloud(spec: &Spec, settings: &AwsMachines, args: &DestroyArgs, ui: &Ui) -> Result<Removal, CommandError> {
    let (record, skip) = (
        args.disposal_record.as_deref(),
        args.skip_region.iter().cloned().collect(),
    );
    let destroyed = cloud::destroy(
        spec,
        settings,
        record,
        &skip,
        |stakes| agree(spec, stakes, args, ui),
        ui,
    )?;
    Ok(Removal {
        removed: destroyed.removed,
        kept: destroyed.kept,
        left: destroyed.left,
        disposal: Some(destroyed.record),
    })
}

/// A lab host goes as a whole, with everything on it.
fn lab_machines(spec: &Spec, args: &DestroyArgs, ui: &Ui) -> Result<Removal, CommandError> {
    let lab = lab::open()?;
    lab.refuse_unless_root().map_err(CommandError::failed)?;
    let there = lab.list().map_err(CommandError::failed)?;
    let wanted: Vec<_> = spec
        .hosts
        .iter()
        .map(|host| lab_hosts::machine_name(spec, host))
        .collect();
    let present: Vec<_> = wanted
        .into_iter()
        .filter(|name| there.iter().any(|host| host.name == *name))
        .collect();
    let mut result = Removal::default();
    if !present.is_empty() {
        for name in &present {
            ui.say(&format!("- lab host {name}, with everything on it"));
        }
        confirm(spec, args, ui)?;
        for name in &present {
            ui.doing(&format!("removing {name}"));
            match lab.down(name) {
                Ok(_) => result.removed.push(format!("lab host {name}")),
                Err(error) => result.left.push(format!("lab host {name}: failed to {error}")),
            }
        }
    }
    match lab.list() {
        Err(error) => result.left.push(format!("not known: failed to {error}")),
        Ok(now) => {
            let still = |name: &&HostName| now.iter().any(|host| host.name == **name);
            result
                .left
                .extend(present.iter().filter(still).map(|name| format!("lab host {name}")));
            // While other deployments have hosts in this lab, its network has to stay.
            if now.is_empty() {
                result.left.extend(lab.leftovers());
            }
        }
    }
    Ok(result)
}

fn existing(spec: &Spec, args: &DestroyArgs, ui: &Ui) -> Result<Removal, CommandError> {
    let (machines, _) = session::find_machines(spec, ui)?;
    let mut sites = session::look(spec, machines, Depth::Plan, ui)?;
    let hardening = if args.hardening {
        Hardening::Remove
    } else {
        Hardening::Keep
    };
    let mut plans = Vec::new();
    for site in &mut sites {
        let name = site.machine.host.name.clone();
        let (_, facts) = site.reached()?;
        let owner = facts.manifest.known().ok().and_then(Option::as_ref);
        if let Some(other) = owner.filter(|manifest| manifest.deployment != spec.deployment.name.as_str()) {
            return Err(CommandError::refused(format!(
                "{name} belongs to the deployment {} ({}), not to {}; nothing was touched",
                other.deployment, other.domain, spec.deployment.name
            )));
        }
        plans.push(plan::remove(facts, &name, hardening).map_err(session::refused_plan)?);
    }
    ui.done();
    for (plan, kept) in &plans {
        ui.say(&plan_text::render(plan, Contents::None));
        for thing in kept {
            ui.say(&format!("  stays: {thing}"));
        }
    }
    if plans.iter().any(|(plan, _)| !plan.changes.is_empty()) {
        confirm(spec, args, ui)?;
    }
    let mut result = Removal::default();
    for (site, (plan, kept)) in sites.iter_mut().zip(&plans) {
        result
            .kept
            .extend(kept.iter().map(|thing| format!("{}: {thing}", plan.host)));
        remove(site, plan, &mut result, ui)?;
    }
    Ok(result)
}

fn remove(site: &mut Site, plan: &plan::Plan, result: &mut Removal, ui: &Ui) -> Result<(), CommandError> {
    if plan.changes.is_empty() {
        return Ok(());
    }
    let total = plan.changes.len();
    let (host, _) = site.reached()?;
    let mut watch = |event: Event| say_event(&event, plan, total, ui);
    let applied = apply::carry_out(host, plan, &operator("destroy"), &mut watch).map_err(failed)?;
    for left in &applied.left {
        result
            .left
            .push(format!("{}: {}: {}", plan.host, left.what, left.output.join(" ")));
    }
    result.kept.extend(
        applied
            .spared
            .iter()
            .map(|path| format!("{}: {path} (it was there before)", plan.host)),
    );
    ui.doing(&format!("looking at {} again", plan.host));
    let request = plan::request_after(plan);
    // A connection that was lost on the way says nothing about the host.
    let seen = facts::collect(host, &request).or_else(|_| facts::collect(host.reconnect()?.as_mut(), &request));
    match seen {
        Err(error) => result.left.push(format!(
            "{}: not known, since the second look failed to {error}",
            plan.host
        )),
        Ok(after) => {
            let seen = plan::leftovers(plan, &after);
            let spared = |subject: &str| applied.spared.iter().any(|path| path.as_str() == subject);
            let left = seen.iter().filter(|thing| !spared(&thing.subject));
            result.left.extend(left.map(|thing| format!("{}: {thing}", plan.host)));
        }
    }
    if result.left.is_empty()
        && let Err(error) = apply::forget_kept(host)
    {
        result
            .left
            .push(format!("{}: the record of this removal: failed to {error}", plan.host));
    }
    result.removed.extend(
        plan.changes
            .iter()
            .map(|change| format!("{}: {}", plan.host, apply::describe(change))),
    );
    Ok(())
}

fn confirm(spec: &Spec, args: &DestroyArgs, ui: &Ui) -> Result<(), CommandError> {
    agree(spec, &Stakes::of(&spec.deployment.environment, &[]), args, ui).map(drop)
}

/// Asks as the stakes demand: for the domain where anything is production, whatever the spec says.
fn agree(spec: &Spec, stakes: &Stakes, args: &DestroyArgs, ui: &Ui) -> Result<Consent, CommandError> {
    let domain = spec.deployment.domain.as_str();
    if let Some(typed) = &args.confirm {
        return if typed == domain {
            Ok(Consent::Domain)
        } else {
            Err(CommandError::usage(format!(
                "--confirm {typed} is not the domain {domain}; nothing was removed"
            )))
        };
    }
    let Some(why) = stakes.reasons.first() else {
        return as_test(args, ui);
    };
    let more = stakes.reasons.len() - 1;
    let why = if more == 0 {
        why.clone()
    } else {
        format!("{why}, and {more} more")
    };
    if !ui.can_ask() {
        return Err(CommandError::usage(format!(
            "there is no terminal to ask on, and this counts as production, since {why}; nothing was removed"
        ))
        .hint(format!("run it again with --confirm {domain}")));
    }
    let typed = ui.ask(&format!(
        "This counts as production, since {why}. Type {domain} to destroy it:"
    ));
    if typed.as_deref() == Some(domain) {
        Ok(Consent::Domain)
    } else {
        Err(not_confirmed())
    }
}

fn as_test(args: &DestroyArgs, ui: &Ui) -> Result<Consent, CommandError> {
    if args.yes {
        return Ok(Consent::Test);
    }
    if !ui.can_ask() {
        return Err(
            CommandError::usage("there is no terminal to ask on; nothing was removed").hint("run it again with --yes"),
        );
    }
    match ui.confirm("Destroy this?") {
        Answer::Yes => Ok(Consent::Test),
        Answer::No => Err(not_confirmed()),
    }
}

fn not_confirmed() -> CommandError {
    CommandError::refused("not confirmed; nothing was removed")
}

fn print(result: &Removal, format: Format, ui: &Ui) {
    if format == Format::Json {
        let document = serde_json::json!({
            "schema": "anteroom/destroy/v1",
            "removed": result.removed,
            "kept": result.kept,
            "left": result.left,
            "disposal": result.disposal,
        });
        ui.data(&format!("{document:#}\n"));
        return;
    }
    for thing in &result.kept {
        ui.data(&format!("stays: {thing}\n"));
    }
    for thing in &result.left {
        ui.data(&format!("LEFT:  {thing}\n"));
    }
    let words = if result.removed.is_empty() {
        "there was nothing to remove"
    } else {
        "removed"
    };
    match result.left.len() {
        0 => ui.data(&format!("{words}; looked again: nothing is left\n")),
        count => ui.data(&format!("{words}; {count} left, listed above\n")),
    }
}
