//! Waits for machines and disks to become what they were asked to be, and says why AWS ended one instead.

use std::time::Duration;

use crate::machines::aws::error::CloudError;
use crate::machines::aws::patience::again;
use crate::machines::aws::patience::pause;
use crate::remote::aws::Aws;
use crate::remote::aws::Why;
use crate::remote::aws::model::Modification;
use crate::remote::aws::model::Run;

/// Looks after which a machine that was made a moment ago and does not show is taken for ended.
const UNSEEN: u32 = 4;
/// The longest wait for a larger disk.
const DISK: Duration = Duration::from_secs(300);

/// Waits until a machine is in a state; a machine that is not shown at all is terminated.
pub(super) async fn until(aws: &Aws, id: &str, state: &str, patience: Duration) -> Result<(), CloudError> {
    let started = tokio::time::Instant::now();
    let (mut attempt, mut began) = (0, false);
    loop {
        let run = aws.runs("instance-id", id).await?.into_iter().next();
        let run = run.unwrap_or_else(|| unseen(id, state, attempt));
        if run.state == state {
            return Ok(());
        }
        began |= run.state == "pending";
        if is_over(&run.state, state, began) {
            return Err(CloudError::Ended {
                id: id.to_owned(),
                wanted: state.to_owned(),
                state: run.state,
                reason: run.reason,
            });
        }
        if started.elapsed() >= patience {
            return Err(CloudError::Slow {
                what: format!("{id} to be {state}"),
                state: run.state,
                seconds: started.elapsed().as_secs(),
            });
        }
        pause(attempt).await;
        attempt += 1;
    }
}

fn unseen(id: &str, wanted: &str, attempt: u32) -> Run {
    let state = if attempt < UNSEEN && wanted != "terminated" {
        "unseen"
    } else {
        "terminated"
    };
    Run {
        id: id.to_owned(),
        state: state.to_owned(),
        reason: String::new(),
        architecture: String::new(),
        tags: crate::remote::aws::model::Tags::new(),
    }
}

/// Whether a machine will not get there any more: it ends, or it was starting and is stopped again.
fn is_over(now: &str, wanted: &str, began: bool) -> bool {
    match now {
        "terminated" => true,
        "shutting-down" => wanted != "terminated",
        "stopping" | "stopped" => wanted == "running" && began,
        _ => false,
    }
}

/// Makes a disk larger, and waits until it is: from then on the machine sees the new size, though AWS goes on optimizing.
/// An earlier change that still goes on is waited for first.
pub(super) async fn grow(aws: &Aws, disk: &str, gib: i32) -> Result<(), CloudError> {
    let started = tokio::time::Instant::now();
    let (mut attempt, mut asked) = (0, false);
    loop {
        if !asked {
            match again(async || aws.grow(disk, gib).await).await {
                Ok(()) => asked = true,
                Err(error) if error.why == Why::Busy && started.elapsed() < DISK => {}
                Err(error) => return Err(error.into()),
            }
        }
        let change = again(async || aws.modification(disk).await).await?;
        match growth(change.as_ref(), gib) {
            Growth::Done => return Ok(()),
            Growth::Failed(said) => {
                return Err(CloudError::NotGrown {
                    disk: disk.to_owned(),
                    gib,
                    said,
                });
            }
            Growth::Waiting(state) if started.elapsed() >= DISK => {
                return Err(CloudError::Slow {
                    what: format!("{disk} to have {gib} GiB"),
                    state,
                    seconds: started.elapsed().as_secs(),
                });
            }
            Growth::Waiting(_) => {}
        }
        pause(attempt).await;
        attempt += 1;
    }
}

/// How far a disk's growth is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Growth {
    Done,
    Waiting(String),
    Failed(String),
}

fn growth(change: Option<&Modification>, gib: i32) -> Growth {
    let Some(change) = change else {
        return Growth::Waiting("not seen to change".to_owned());
    };
    let ours = change.gib.is_some_and(|to| to >= gib);
    match change.state.as_str() {
        "optimizing" | "completed" if ours => Growth::Done,
        "failed" if ours => Growth::Failed(change.said.clone()),
        other => Growth::Waiting(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_ends_or_stops_while_it_starts_is_not_waited_for() {
        for (now, wanted, began, over) in [
            ("pending", "running", true, false),
            ("unseen", "running", false, false),
            ("shutting-down", "running", true, true),
            ("terminated", "running", false, true),
            ("stopped", "running", false, false),
            ("stopped", "running", true, true),
            ("stopping", "stopped", true, false),
            ("shutting-down", "terminated", true, false),
        ] {
            assert_eq!(is_over(now, wanted, began), over, "{now} for {wanted}");
        }
    }

    #[test]
    fn a_disk_has_grown_when_aws_optimizes_it_and_not_by_an_earlier_change() {
        let change = |state: &str, gib| Modification {
            state: state.to_owned(),
            gib: Some(gib),
            said: "no room".to_owned(),
        };
        let waiting = |state: &str| Growth::Waiting(state.to_owned());
        for (seen, expected) in [
            (change("modifying", 80), waiting("modifying")),
            (change("optimizing", 80), Growth::Done),
            (change("completed", 80), Growth::Done),
            (change("completed", 60), waiting("completed")),
            (change("failed", 60), waiting("failed")),
            (change("failed", 80), Growth::Failed("no room".to_owned())),
        ] {
            assert_eq!(growth(Some(&seen), 80), expected);
        }
        assert_eq!(growth(None, 80), waiting("not seen to change"));
    }
}
