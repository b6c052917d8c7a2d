//! Before a build: asks DNS where the domain leads, and shows what a judge of all hosts finds in the way.

use std::net::IpAddr;

use crate::commands::error::CommandError;
use crate::commands::session::Site;
use crate::commands::ui::Ui;
use crate::plan;
use crate::plan::Obstacle;
use crate::plan::Plan;
use crate::plan::Weight;
use crate::probe;
use crate::seen::Seen;
use crate::spec::Machines;
use crate::spec::Spec;

/// Everything in the way of builds that have changes to make.
pub(crate) fn obstacles(spec: &Spec, sites: &[Site], plans: &[Plan], ui: &Ui) -> Vec<Obstacle> {
    if plans.iter().all(|plan| plan.changes.is_empty()) {
        return Vec::new();
    }
    ui.doing(&format!("asking DNS for {}", spec.deployment.domain));
    let resolved = resolve(spec);
    let mut obstacles = Vec::new();
    for (site, plan) in sites.iter().zip(plans) {
        if let Seen::Known(facts) = &site.facts
            && !plan.changes.is_empty()
        {
            obstacles.extend(plan::preflight(spec, &site.wanted, facts, &resolved));
        }
    }
    // Nobody looks for a host of the lab by its domain.
    if spec.machines == Machines::Lab {
        obstacles.retain(|obstacle| obstacle.weight == Weight::Refuses);
    }
    obstacles
}

/// Where the domain leads, as this computer finds it.
pub(crate) fn resolve(spec: &Spec) -> Seen<Vec<IpAddr>> {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Err(error) => Seen::unknown(format!("the look at DNS could not start: {error}")),
        Ok(runtime) => {
            let resolved = runtime.block_on(probe::names::resolve(&spec.deployment.domain));
            // A resolver that hangs is not waited for.
            runtime.shutdown_background();
            resolved
        }
    }
}

/// Says what is in the way, as far as it stops nothing.
pub(crate) fn warn(obstacles: &[Obstacle], ui: &Ui) {
    ui.done();
    for obstacle in obstacles {
        let word = match obstacle.weight {
            Weight::Warns => "warning",
            Weight::Refuses => "apply would refuse",
        };
        ui.say(&format!("{word}: {}", obstacle.what));
        ui.say(&format!("  hint: {}", obstacle.remedy));
    }
}

/// Says warnings, and refuses where something must be done first: one message that names all of it.
///
/// # Errors
/// Where an obstacle refuses.
pub(crate) fn refuse(obstacles: &[Obstacle], ui: &Ui) -> Result<(), CommandError> {
    let (refusing, warning): (Vec<&Obstacle>, Vec<&Obstacle>) = obstacles
        .iter()
        .partition(|obstacle| obstacle.weight == Weight::Refuses);
    let warning: Vec<Obstacle> = warning.into_iter().cloned().collect();
    warn(&warning, ui);
    if refusing.is_empty() {
        return Ok(());
    }
    let whats: Vec<&str> = refusing.iter().map(|obstacle| obstacle.what.as_str()).collect();
    let error = CommandError::refused(format!("{}; nothing was changed", whats.join("; ")));
    Err(refusing
        .iter()
        .fold(error, |error, obstacle| error.hint(obstacle.remedy.clone())))
}
