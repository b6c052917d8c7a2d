//! `reap`: destroys test deployments in AWS whose time to live has passed. Production is never one of them.

use jiff::Timestamp;

use crate::commands::Format;
use crate::commands::cloud;
use crate::commands::disposal;
use crate::commands::error::CommandError;
use crate::commands::error::Kind;
use crate::commands::ui::Answer;
use crate::commands::ui::Ui;
use crate::machines::aws;

/// Arguments of `reap`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom reap           Show what has ended, ask, destroy it\n  anteroom reap --yes     Without asking, such as from a timer"
)]
pub struct ReapArgs {
    /// Profile of the AWS configuration
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Region to begin with; every enabled one is looked at
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Reaps.
pub(crate) fn run(args: &ReapArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    ui.doing("looking for test deployments in every region");
    let api = cloud::account(args.profile.clone(), args.region.clone())?;
    let ended = api
        .wait(aws::expired(&api, Timestamp::now()))
        .map_err(|error| cloud::called(&error))?;
    ui.done();
    for deployment in &ended {
        let owner = &deployment.owner;
        ui.say(&format!(
            "- {} ({}), which ended at {}",
            owner.deployment, owner.domain, deployment.at
        ));
    }
    if !ended.is_empty() && !args.yes {
        if !ui.can_ask() {
            return Err(
                CommandError::usage("there is no terminal to ask on; nothing was removed")
                    .hint("run it again with --yes"),
            );
        }
        if ui.confirm("Destroy these?") == Answer::No {
            return Err(CommandError::refused("not confirmed; nothing was removed"));
        }
    }
    let mut total = aws::TornDown::default();
    for deployment in &ended {
        let torn = api.wait(aws::destroy(&api, &deployment.owner, None, &|text: &str| ui.say(text)));
        total.removed.extend(torn.removed);
        total.left.extend(torn.left);
        total.kept.extend(torn.kept);
    }
    print(&ended, &total, format, ui);
    Ok(if total.left.is_empty() { 0 } else { Kind::Partly.code() })
}

fn print(ended: &[aws::Expired], total: &aws::TornDown, format: Format, ui: &Ui) {
    let names: Vec<&str> = ended
        .iter()
        .map(|deployment| deployment.owner.deployment.as_str())
        .collect();
    if format == Format::Json {
        let document = serde_json::json!({
            "schema": "anteroom/reap/v1",
            "deployments": names,
            "removed": disposal::lines(total),
            "kept": total.kept,
            "left": total.left,
        });
        ui.data(&format!("{document:#}\n"));
        return;
    }
    total
        .left
        .iter()
        .for_each(|thing| ui.data(&format!("LEFT:  {thing}\n")));
    match names.len() {
        0 => ui.data("no test deployment has ended\n"),
        _ => ui.data(&format!("destroyed {}; {} left\n", names.join(", "), total.left.len())),
    }
}
