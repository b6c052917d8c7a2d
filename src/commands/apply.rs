//! `apply`: makes machines, shows the plan, asks, carries it out on every host, then audits.

use crate::apply;
use crate::apply::ApplyError;
use crate::apply::Cause;
use crate::apply::Event;
use crate::commands::Format;
use crate::commands::audit;
use crate::commands::audit::Asked;
use crate::commands::audit::CallArgs;
use crate::commands::audit::ReportArgs;
use crate::commands::cloud;
use crate::commands::consent::LeaveArgs;
use crate::commands::consent::Prompt;
use crate::commands::consent::ReplaceArgs;
use crate::commands::error::CommandError;
use crate::commands::preflight;
use crate::commands::session;
use crate::commands::session::Site;
use crate::commands::spec_args::SpecArgs;
use crate::commands::terraform;
use crate::commands::ui::Answer;
use crate::commands::ui::Ui;
use crate::commands::visitors::Credentials;
use crate::commands::visitors::operator;
use crate::facts::Depth;
use crate::machines::Machine;
use crate::plan::Plan;
use crate::probe::Knocking;
use crate::report::plan_text;
use crate::report::plan_text::Contents;
use crate::spec::HostName;
use crate::spec::Spec;

/// Arguments of `apply`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom apply                        Show the plan, ask, carry it out, audit\n  anteroom apply --yes                  Without asking, for scripts\n  anteroom apply --yes --replace core   The same where core's machine in AWS, production, goes with its disk"
)]
pub struct ApplyArgs {
    #[command(flatten)]
    spec: SpecArgs,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    call: CallArgs,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    replace: ReplaceArgs,
    #[command(flatten)]
    leave: LeaveArgs,
    /// Do not audit afterwards
    #[arg(long)]
    no_audit: bool,
}

/// Deploys.
pub(crate) fn run(args: &ApplyArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let spec = args.spec.load()?;
    let asking = if args.yes { Asking::Never } else { Asking::OnTerminal };
    let (machines, made) = machines(&spec, args, asking, ui)?;
    let spec = session::told(spec, &machines);
    let mut sites = session::look(&spec, machines, Depth::Audit, ui)?;
    let plans = sites
        .iter()
        .map(|site| site.plan(&spec))
        .collect::<Result<Vec<Plan>, CommandError>>()?;
    ui.done();
    for plan in &plans {
        ui.say(&plan_text::render(plan, Contents::Diffs));
    }
    preflight::refuse(&preflight::obstacles(&spec, &sites, &plans, ui), ui)?;
    // On a machine made a moment ago everything is new, and that was agreed to.
    if plans
        .iter()
        .any(|plan| !plan.changes.is_empty() && !made.contains(&plan.host))
    {
        confirm(asking, ui)?;
    }
    for (site, plan) in sites.iter_mut().zip(&plans) {
        deploy(site, plan, &spec, asking, ui)?;
    }
    if args.no_audit {
        return Ok(0);
    }
    let asked = Asked {
        knocking: Knocking::Politely,
        calling: args.call.calling(),
    };
    let report = audit::audit(&spec, &mut sites, &Credentials::Make, asked, ui)?;
    let code = audit::finish(&report, &args.report, format, ui)?;
    if args.report.looks_passed(&report) {
        audit::forget_kept(&mut sites, ui);
    }
    Ok(code)
}

/// The machines, made where they are missing, and the names of those that were made.
fn machines(
    spec: &Spec,
    args: &ApplyArgs,
    asking: Asking,
    ui: &Ui,
) -> Result<(Vec<Machine>, Vec<HostName>), CommandError> {
    if let Some(mut cloud) = cloud::look(spec, args.leave.leaving(spec)?, ui)? {
        cloud.refuse_without_agreement(spec, ui)?;
        cloud.preflight(ui)?;
        let (made, lines) = (cloud.new_machines(), cloud.lines());
        ui.done();
        lines.iter().for_each(|line| ui.say(&format!("aws: {line}")));
        if !lines.is_empty() {
            let prompt = match asking {
                Asking::OnTerminal if ui.can_ask() => Prompt::Possible,
                _ => Prompt::Never,
            };
            let (ending, domain) = (cloud.ending(), spec.deployment.domain.as_str());
            let yes = || confirm(asking, ui);
            args.replace.confirm(&ending, domain, prompt, yes, ui)?;
        }
        return Ok((cloud.make(spec, ui)?, made));
    }
    let built = terraform::build(spec, &mut || confirm(asking, ui), ui)?;
    let (mut machines, absent) = session::find_machines(spec, ui)?;
    if !absent.is_empty() {
        for host in &absent {
            ui.say(&format!("+ the machine {}, then everything on it", host.machine_name));
        }
        confirm(asking, ui)?;
        machines.extend(session::make_machines(&absent, ui)?);
    }
    let made = absent.into_iter().map(|host| host.host.name).chain(built);
    Ok((machines, made.collect()))
}

/// Whether the operator is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// `--yes` was given.
    Never,
    /// On a terminal; elsewhere nothing is changed.
    OnTerminal,
}

fn confirm(asking: Asking, ui: &Ui) -> Result<(), CommandError> {
    match asking {
        Asking::Never => Ok(()),
        Asking::OnTerminal if !ui.can_ask() => {
            let why = "changes are pending, and there is no terminal to ask on; nothing was changed";
            Err(CommandError::usage(why).hint("review with `anteroom plan`, then run `anteroom apply --yes`"))
        }
        Asking::OnTerminal => match ui.confirm("Carry this out?") {
            Answer::Yes => Ok(()),
            Answer::No => Err(CommandError::refused("not confirmed; nothing was changed")),
        },
    }
}

/// Carries one host's plan out and looks again. Where an earlier run had been cut short, the host undid that one first
/// and the plan no longer fits: it is made anew, once.
fn deploy(site: &mut Site, plan: &Plan, spec: &Spec, asking: Asking, ui: &Ui) -> Result<(), CommandError> {
    if plan.changes.is_empty() {
        return Ok(());
    }
    match carry_out(site, plan, ui)? {
        Ok(()) => site.look_again(),
        Err(ApplyError::Recovered { restored, .. }) => {
            let name = &site.machine.host.name;
            ui.say(&format!(
                "{name}: an earlier run had been cut short and was undone first ({restored})"
            ));
            site.look_again();
            let anew = site.plan(spec)?;
            ui.say(&plan_text::render(&anew, Contents::Diffs));
            confirm(asking, ui)?;
            carry_out(site, &anew, ui)?.map_err(failed)?;
            site.look_again();
        }
        Err(error) => return Err(failed(error)),
    }
    Ok(())
}

/// Carries one host's plan out, saying each step.
fn carry_out(site: &mut Site, plan: &Plan, ui: &Ui) -> Result<Result<(), ApplyError>, CommandError> {
    if plan.changes.is_empty() {
        return Ok(Ok(()));
    }
    let (host, _) = site.reached()?;
    let total = plan.changes.len();
    let mut watch = |event: Event| say_event(&event, plan, total, ui);
    let outcome = apply::carry_out(host, plan, &operator("apply"), &mut watch);
    ui.done();
    Ok(outcome.map(drop))
}

/// Says one event of a run.
pub(crate) fn say_event(event: &Event, plan: &Plan, total: usize, ui: &Ui) {
    let what = |index: usize| {
        plan.changes
            .get(index)
            .map_or_else(|| "a change".to_owned(), apply::describe)
    };
    match event {
        Event::Begin(index) => {
            let line = format!("{} [{}/{total}] {}", plan.host, index + 1, what(*index));
            if ui.verbose() { ui.say(&line) } else { ui.doing(&line) }
        }
        Event::Note(_, text) | Event::UndoNote(_, text) => ui.say(&format!("  {text}")),
        Event::Undo(index) => ui.say(&format!("{} undoing: {}", plan.host, what(*index))),
        Event::UndoOfEarlier => ui.doing(&format!("{} undoes a change of the earlier run", plan.host)),
        Event::Recovering(run) => ui.say(&format!("{} first undoes run {run}, which was cut short", plan.host)),
        Event::RollingBack => ui.say(&format!("{} undoes the run by itself", plan.host)),
        Event::Left(what) => ui.say(&format!("{} left: {what}", plan.host)),
        _ => {}
    }
}

/// What an operator does about a run that did not work out.
pub(crate) fn failed(error: ApplyError) -> CommandError {
    let hint = match &error {
        ApplyError::Locked { .. } => "wait until that run is over, then run this again",
        ApplyError::Stale { .. } | ApplyError::Recovered { .. } | ApplyError::CutShort { .. } => {
            "run it again: it looks anew and plans from there"
        }
        ApplyError::Unconfirmed { .. } => {
            "this computer's address has to be in [access] admin_cidrs, and its login has to be one that the new sshd \
             settings let in (`anteroom plan` shows them)"
        }
        ApplyError::StepFailed { cause: Some(cause), .. } => advice(*cause),
        ApplyError::Start { why, .. } if why.contains("No space left on device") => {
            "make room on the disk that holds /var/lib/anteroom (`apt-get clean`, old logs), then run this again"
        }
        _ => "the last lines above say why; `anteroom plan` shows where the host stands; then run it again",
    };
    CommandError::failed(error).hint(hint)
}

/// What to do about a cause that lies outside the plan.
fn advice(cause: Cause) -> &'static str {
    match cause {
        Cause::LockHeld => "wait until the program named above is done, or stop it; then run this again",
        Cause::NoSpace => "make room on the disk named above (`apt-get clean`, old logs), then run this again",
        Cause::Repository => {
            "see that the host reaches the repository, and that [packages.jitsi] names the right uri, suite and \
             fingerprint; if the signature is wrong, do not trust it; then run this again"
        }
        Cause::BrokenPackages => {
            "mend or remove the packages named above on the host (`dpkg --configure -a`), then run this again"
        }
        Cause::PortTaken => "stop what holds the port, or move it to another host; then run this again",
    }
}
