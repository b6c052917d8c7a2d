//! Carries one plan out on one host and says what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::apply::bundle;
use crate::apply::error::ApplyError;
use crate::apply::error::Restored;
use crate::apply::error::describe;
use crate::apply::event::Cause;
use crate::apply::event::End;
use crate::apply::event::Event;
use crate::apply::event::Outcome;
use crate::apply::follow;
use crate::apply::follow::Followed;
use crate::apply::follow::Run;
use crate::digest;
use crate::plan::Plan;
use crate::plan::Purpose;
use crate::remote::Host;
use crate::remote::Output;
use crate::remote::RemoteError;
use crate::spec::RemotePath;

const START: &str = include_str!("host/start.sh");
const FORGET_RUN: &str = include_str!("host/forget_run.sh");
const FORGET: &str = include_str!("host/forget.sh");
/// For scripts that only write a few files.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who carries the plan out, as the lock on the host shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Login name.
    pub user: String,
    /// The computer's name.
    pub computer: String,
    /// What is done, such as `apply`.
    pub verb: String,
}

impl Operator {
    pub(crate) fn label(&self) -> String {
        bundle::one_line(&format!("{}@{}", self.user, self.computer))
    }
}

/// What came of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Name of the run on the host.
    pub run: String,
    /// The outcome of each change, by its place in the plan.
    pub outcomes: Vec<Outcome>,
    /// What a removal left; empty for a build.
    pub left: Vec<Left>,
    /// What a removal left on purpose: it was there before us.
    pub spared: Vec<RemotePath>,
}

/// A change of a removal that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its place in the plan.
    pub index: usize,
    /// What should have been done.
    pub what: String,
    /// The last lines that it printed, secrets masked.
    pub output: Vec<String>,
}

/// Everything heard from a run.
#[derive(Default)]
struct Heard {
    outcomes: Vec<Option<Outcome>>,
    failed: Option<usize>,
    cause: Option<Cause>,
    notes: Vec<(usize, String)>,
    not_undone: Vec<usize>,
    undo_notes: Vec<String>,
    left: Vec<String>,
    stale: Vec<RemotePath>,
    spared: Vec<RemotePath>,
    holder: BTreeMap<String, String>,
}

impl Heard {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Done(index, outcome) => {
                if let Some(place) = self.outcomes.get_mut(*index) {
                    *place = Some(*outcome);
                }
                if *outcome == Outcome::Failed {
                    self.failed.get_or_insert(*index);
                }
            }
            // What fails while a run is undone has other causes.
            Event::Cause(cause) if self.failed.is_none() => {
                self.cause.get_or_insert(*cause);
            }
            Event::Note(index, text) => self.notes.push((*index, text.clone())),
            Event::Undone(index, Outcome::Failed) => self.not_undone.push(*index),
            Event::UndoNote(_, text) => self.undo_notes.push(text.clone()),
            Event::Left(what) => self.left.push(what.clone()),
            Event::Spared(path) => self.spared.push(path.clone()),
            Event::Stale(_, path) => self.stale.push(path.clone()),
            Event::Holder(key, value) => {
                self.holder.insert(key.clone(), value.clone());
            }
            _ => {}
        }
    }

    fn notes_of(&self, index: usize) -> Vec<String> {
        let of = self.notes.iter().filter(|(at, _)| *at == index);
        of.map(|(_, text)| text.clone()).collect()
    }

    fn restored(&self, end: End, plan: &Plan) -> Restored {
        if end == End::Restored {
            return Restored::Fully;
        }
        let changes = self.not_undone.iter().filter_map(|index| plan.changes.get(*index));
        let mut left: Vec<String> = changes
            .map(|change| format!("could not undo: {}", describe(change)))
            .collect();
        left.extend(self.left.iter().cloned());
        if left.is_empty() {
            left.extend(self.undo_notes.last().cloned());
        }
        Restored::Partly(left)
    }

    fn holder(&self, key: &str) -> String {
        self.holder.get(key).cloned().unwrap_or_else(|| "somebody".to_owned())
    }
}

/// Carries a plan out. An empty plan touches nothing, not even the lock.
///
/// # Errors
/// See `ApplyError`: each says whether something was touched and how far the host is as before.
pub fn carry_out(
    host: &mut dyn Host,
    plan: &Plan,
    who: &Operator,
    watch: &mut dyn FnMut(Event),
) -> Result<Applied, ApplyError> {
    let id = new_id().map_err(|why| ApplyError::Bundle {
        host: plan.host.clone(),
        why,
    })?;
    if plan.changes.is_empty() {
        return Ok(Applied {
            run: id,
            outcomes: Vec::new(),
            left: Vec::new(),
            spared: Vec::new(),
        });
    }
    // A removal ends with our own folder on disk; its run lives in memory.
    let folder = match plan.purpose {
        Purpose::Build => format!("/var/lib/anteroom/run/{id}"),
        Purpose::Remove => format!("/run/anteroom/runs/{id}"),
    };
    let run = Run {
        id: &id,
        folder: &folder,
    };
    let archive = bundle::build(plan, who).map_err(|why| ApplyError::Bundle {
        host: plan.host.clone(),
        why,
    })?;
    let mut fresh = None;
    let started = send(host, &mut fresh, &follow::script(START, &run, 0), &archive);
    let started = started.map_err(|source| ApplyError::Send {
        host: plan.host.clone(),
        source: Box::new(source),
    })?;
    let host: &mut dyn Host = match &mut fresh {
        Some(fresh) => &mut **fresh,
        None => host,
    };
    if started.status != 0 {
        return Err(ApplyError::Start {
            host: plan.host.clone(),
            why: String::from_utf8_lossy(&started.stderr).trim().to_owned(),
        });
    }
    let mut heard = Heard {
        outcomes: vec![None; plan.changes.len()],
        ..Heard::default()
    };
    let mut unconfirmed = None;
    let mut earlier = false;
    let mut listen = |event: Event| {
        heard.hear(&event);
        earlier |= matches!(event, Event::Recovering(_));
        // Its numbers are those of another plan.
        watch(match event {
            Event::Undo(_) if earlier => Event::UndoOfEarlier,
            other => other,
        });
    };
    let followed = follow::follow(host, &run, &mut unconfirmed, &mut listen);
    match followed {
        Ok(Followed::End(end)) => {
            if !matches!(end, End::Ok | End::Partly) {
                // A folder that stays behind here does no harm and goes with the next one: nothing to report.
                let _ = host.run(&follow::script(FORGET_RUN, &run, 0), &[], PATIENCE);
            }
            judge(plan, &id, end, heard, unconfirmed)
        }
        Ok(Followed::Died) => Err(ApplyError::Died {
            host: plan.host.clone(),
            run: id,
        }),
        Err(source) => Err(ApplyError::Connection {
            host: plan.host.clone(),
            run: id,
            source: Box::new(source),
        }),
    }
}

/// Sends a bundle. A plan may have been read for a long time, and the connection that it was made over be gone since, or
/// the host have been booted anew: then over a new connection, once. The script does not start a run twice.
fn send(
    host: &mut dyn Host,
    fresh: &mut Option<Box<dyn Host>>,
    script: &str,
    archive: &[u8],
) -> Result<Output, RemoteError> {
    match host.run(script, archive, PATIENCE) {
        Err(RemoteError::Broken { .. }) => fresh.insert(host.reconnect()?).run(script, archive, PATIENCE),
        other => other,
    }
}

fn judge(plan: &Plan, id: &str, end: End, heard: Heard, unconfirmed: Option<String>) -> Result<Applied, ApplyError> {
    let host = plan.host.clone();
    match end {
        End::Ok | End::Left => Ok(applied(plan, id, &heard)),
        End::Locked => Err(ApplyError::Locked {
            host,
            who: heard.holder("who"),
            since: heard.holder("since"),
            verb: heard.holder("verb"),
        }),
        End::Stale => Err(ApplyError::Stale {
            host,
            paths: heard.stale,
        }),
        End::Recovered => Err(ApplyError::Recovered {
            host,
            restored: match (heard.not_undone.is_empty(), heard.left.is_empty()) {
                (true, true) => Restored::Fully,
                _ => Restored::Partly(heard.undo_notes.iter().chain(&heard.left).cloned().collect()),
            },
        }),
        End::Restored | End::Partly => {
            let restored = heard.restored(end, plan);
            if let Some(why) = unconfirmed {
                return Err(ApplyError::Unconfirmed { host, why, restored });
            }
            match heard.failed.and_then(|index| Some((index, plan.changes.get(index)?))) {
                Some((index, change)) => Err(ApplyError::StepFailed {
                    host,
                    change: Box::new(change.clone()),
                    index,
                    output: heard.notes_of(index),
                    cause: heard.cause,
                    restored,
                }),
                None => Err(ApplyError::CutShort { host, restored }),
            }
        }
    }
}

fn applied(plan: &Plan, id: &str, heard: &Heard) -> Applied {
    let outcomes: Vec<Outcome> = heard
        .outcomes
        .iter()
        .map(|outcome| outcome.unwrap_or(Outcome::Failed))
        .collect();
    let left = outcomes
        .iter()
        .enumerate()
        .filter(|(_, outcome)| **outcome == Outcome::Failed)
        .filter_map(|(index, _)| {
            Some(Left {
                index,
                what: describe(plan.changes.get(index)?),
                output: heard.notes_of(index),
            })
        });
    Applied {
        run: id.to_owned(),
        left: left.collect(),
        spared: heard.spared.clone(),
        outcomes,
    }
}

/// Forgets what was kept of what the runs on a host replaced: call it once the audit that followed has passed, and
/// after a removal was looked over.
///
/// # Errors
/// Where the host cannot be reached.
pub fn forget_kept(host: &mut dyn Host) -> Result<(), RemoteError> {
    host.run(FORGET, &[], PATIENCE).map(drop)
}

fn new_id() -> Result<String, String> {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).map_err(|why| why.to_string())?;
    Ok(digest::hex(&bytes))
}
