//! Makes AWS hold what a spec wants: looks, makes the changes that were confirmed and no others, looks again, until
//! nothing differs. Interrupted at any call, the next
//! run goes on from what is there.

use std::time::Duration;

use crate::machines::aws::carry_out::Site;
use crate::machines::aws::change::Change;
use crate::machines::aws::confirmed::Confirmed;
use crate::machines::aws::diff::diff;
use crate::machines::aws::error::CloudError;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::look::look;
use crate::machines::aws::patience::pause;
use crate::machines::aws::preflight::Found;
use crate::machines::aws::wanted::Wanted;
use crate::remote::aws::Aws;

/// How often is looked again before it is said that AWS shows something else than was made.
const ROUNDS: u32 = 6;

/// Carries out what was confirmed, and returns what is there then. Later rounds repeat what does not show yet.
///
/// # Errors
/// Where a call fails for good, or something else would have to be done than was confirmed. What was made stays, and the
/// next run goes on from it.
pub async fn apply(
    aws: &Aws,
    wanted: &Wanted,
    found: &Found,
    confirmed: &[Change],
    say: &(dyn Fn(&str) + Sync),
) -> Result<Inventory, CloudError> {
    let mut agreed: Option<Confirmed<'_>> = None;
    let mut last = String::new();
    for round in 0..ROUNDS {
        // What was made a moment ago does not always show at once, and would be made again.
        if round > 0 {
            pause(round).await;
        }
        let seen = look(aws, wanted).await?;
        let changes = diff(wanted, &seen);
        if changes.is_empty() {
            return Ok(seen);
        }
        agreed
            .get_or_insert_with(|| Confirmed::new(confirmed, &seen))
            .refuse_others(&changes)?;
        let expires = wanted.end(&seen);
        let mut site = Site {
            aws,
            wanted,
            found,
            seen,
            expires,
        };
        last = changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        for change in &changes {
            say(&change.to_string());
            site.carry_out(change).await?;
        }
    }
    Err(CloudError::Unsettled(last))
}

/// Waits until a machine is in a state; a machine that is not shown at all is terminated.
pub(super) async fn until(aws: &Aws, id: &str, state: &str, patience: Duration) -> Result<(), CloudError> {
    let started = tokio::time::Instant::now();
    let mut attempt = 0;
    loop {
        let machine = aws.instances("instance-id", id).await?.into_iter().next();
        // What was made a moment ago may not show yet; that is no end.
        let unseen = if attempt < 4 && state != "terminated" {
            "pending"
        } else {
            "terminated"
        };
        let now = machine.map_or_else(|| unseen.to_owned(), |machine| machine.state);
        if now == state {
            return Ok(());
        }
        if now == "terminated" || started.elapsed() >= patience {
            return Err(CloudError::Slow {
                what: format!("{id} to be {state}"),
                state: now,
                seconds: started.elapsed().as_secs(),
            });
        }
        pause(attempt).await;
        attempt += 1;
    }
}
