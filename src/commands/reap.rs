//! `reap`: destroys test deployments in AWS whose time to live has passed. Production is never one of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::commands::Format;
use crate::commands::cloud;
use crate::commands::disposal;
use crate::commands::disposal::Head;
use crate::commands::disposal::Record;
use crate::commands::error::CommandError;
use crate::commands::error::Kind;
use crate::commands::ui::Answer;
use crate::commands::ui::Ui;
use crate::machines::aws;
use crate::machines::aws::Consent;
use crate::machines::aws::Expired;
use crate::machines::aws::Stays;
use crate::remote::aws::Aws;

/// Arguments of `reap`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom reap                              Show what has ended, ask, destroy it\n  anteroom reap --yes                        Without asking, such as from a timer\n  anteroom reap --skip-region ap-east-1      Where a policy of the account denies a region"
)]
pub struct ReapArgs {
    /// Profile of the AWS configuration
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Region to begin with; every enabled one is looked at
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Leave a region out, such as one that the account denies; may be given more than once
    #[arg(long, value_name = "REGION")]
    skip_region: Vec<String>,
    /// Write what became of disks and keys to a new file in this folder, one for each deployment (45 CFR 164.310(d)(2))
    #[arg(long, value_name = "DIR")]
    disposal_record: Option<PathBuf>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// What it came to.
#[derive(Debug, Default)]
struct Reaped {
    deployments: Vec<String>,
    removed: Vec<String>,
    kept: Vec<String>,
    left: BTreeSet<String>,
    /// Regions that did not answer, and the first reason.
    failed: BTreeMap<String, String>,
    skipped: BTreeSet<String>,
    disposals: Vec<serde_json::Value>,
}

/// Reaps.
pub(crate) fn run(args: &ReapArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    ui.doing("looking for test deployments in every region");
    let api = cloud::account(args.profile.clone(), args.region.clone())?;
    let identity = api.wait(api.identity()).map_err(|error| cloud::called(&error))?;
    let skip: BTreeSet<String> = args.skip_region.iter().cloned().collect();
    let found = api
        .wait(aws::expired(&api, Timestamp::now(), &skip))
        .map_err(|error| cloud::called(&error))?;
    ui.done();
    let mut reaped = Reaped {
        left: found.left.into_iter().collect(),
        failed: found.unseen.failed,
        kept: found.kept,
        skipped: found.unseen.skipped,
        ..Reaped::default()
    };
    ui.say(&format!("account {}, as {}", identity.account, identity.arn));
    for Expired { owner, at } in &found.expired {
        ui.say(&format!(
            "- {} ({}), which ended at {at}",
            owner.deployment, owner.domain
        ));
    }
    let mut records = Vec::new();
    for Expired { owner, .. } in &found.expired {
        let head = Head {
            owner: owner.clone(),
            spec: None,
            identity: identity.clone(),
            region: api.region().to_owned(),
        };
        let folder = args.disposal_record.as_ref();
        let path = folder.map(|folder| folder.join(disposal::file_name(owner, Timestamp::now())));
        records.push(Record::open(head, path.as_deref())?);
    }
    if !found.expired.is_empty() {
        confirm(args, ui)?;
    }
    for (expired, record) in found.expired.iter().zip(records) {
        reap(&api, expired, record, &skip, &mut reaped, ui);
    }
    let failed = reaped.failed.iter();
    let failed: Vec<String> = failed
        .map(|(region, why)| format!("not swept: {region}: failed to {why}"))
        .collect();
    reaped.left.extend(failed);
    print(&reaped, format, ui);
    Ok(if reaped.left.is_empty() { 0 } else { Kind::Partly.code() })
}

fn confirm(args: &ReapArgs, ui: &Ui) -> Result<(), CommandError> {
    if args.yes {
        return Ok(());
    }
    if !ui.can_ask() {
        return Err(
            CommandError::usage("there is no terminal to ask on; nothing was removed").hint("run it again with --yes"),
        );
    }
    match ui.confirm("Destroy these?") {
        Answer::Yes => Ok(()),
        Answer::No => Err(CommandError::refused("not confirmed; nothing was removed")),
    }
}

/// Looks at one again, and destroys it where it has still ended.
fn reap(api: &Aws, expired: &Expired, record: Record, skip: &BTreeSet<String>, reaped: &mut Reaped, ui: &Ui) {
    let owner = &expired.owner;
    let (name, now) = (format!("{} ({})", owner.deployment, owner.domain), Timestamp::now());
    ui.doing(&format!("looking at {name} again"));
    let survey = match api.wait(aws::still_expired(api, owner, now, skip)) {
        Ok(survey) => survey,
        Err(Stays::Since(why)) => return reaped.kept.push(format!("{name}: {why}")),
        Err(Stays::Unknown(why)) => {
            reaped.left.insert(format!("{name}: {why}"));
            return;
        }
    };
    ui.done();
    let mut record = record;
    record.begin(survey.media());
    let record = RefCell::new(record);
    let say = |text: &str| ui.say(text);
    let torn = {
        let watch = disposal::watch(&record, &say);
        api.wait(aws::destroy(api, owner, &survey, None, Consent::Expired(now), &watch))
    };
    let (document, trouble) = record.into_inner().end(&torn);
    reaped.deployments.push(owner.deployment.clone());
    reaped.removed.extend(disposal::lines(&torn));
    for (region, why) in &torn.unseen.failed {
        reaped.failed.entry(region.clone()).or_insert_with(|| why.clone());
    }
    reaped.left.extend(torn.left.into_iter().chain(trouble));
    reaped.kept.extend(torn.kept);
    reaped.disposals.push(document);
}

fn print(reaped: &Reaped, format: Format, ui: &Ui) {
    if format == Format::Json {
        let document = serde_json::json!({
            "schema": "anteroom/reap/v1",
            "deployments": reaped.deployments,
            "removed": reaped.removed,
            "kept": reaped.kept,
            "left": reaped.left,
            "skipped_regions": reaped.skipped,
            "disposals": reaped.disposals,
        });
        ui.data(&format!("{document:#}\n"));
        return;
    }
    reaped
        .kept
        .iter()
        .for_each(|thing| ui.data(&format!("stays: {thing}\n")));
    reaped
        .left
        .iter()
        .for_each(|thing| ui.data(&format!("LEFT:  {thing}\n")));
    let skipped = reaped.skipped.iter();
    skipped.for_each(|region| ui.data(&format!("not swept, as asked: {region}\n")));
    match reaped.deployments.as_slice() {
        [] if reaped.kept.is_empty() && reaped.left.is_empty() => ui.data("no test deployment has ended\n"),
        [] => ui.data("no test deployment was destroyed\n"),
        names => ui.data(&format!("destroyed {}; {} left\n", names.join(", "), reaped.left.len())),
    }
}
