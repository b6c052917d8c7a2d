//! Follows a run on a host until it ends, over as many connections as that takes.

use std::time::Duration;
use std::time::Instant;

use crate::apply::event;
use crate::apply::event::End;
use crate::apply::event::Event;
use crate::remote::Host;
use crate::remote::RemoteError;

/// How long one connection is listened to, whatever it says; after that the run is followed over a new one. That a
/// connection is gone shows much earlier, by its own signs of life.
const PATIENCE: Duration = Duration::from_secs(2 * 60 * 60);
/// How often and how long apart a lost connection is made again. A rollback of firewall and sshd takes up to a minute.
const RETRIES: u32 = 12;
const RETRY_EVERY: Duration = Duration::from_secs(8);
/// How long a new connection is tried again at once when the host asks for one.
const CONFIRM_AGAIN_FOR: Duration = Duration::from_secs(15);

/// Prints the log from a line on, until the run ends, asks for confirmation, or is dead.
const FOLLOW: &str = include_str!("host/follow.sh");
const CONFIRM: &str = include_str!("host/confirm.sh");
/// What that script ends with where nobody waits for it any more.
const RUN_IS_OVER: i32 = 3;

/// A run to follow.
pub(crate) struct Run<'a> {
    /// Its name: hexadecimal digits.
    pub(crate) id: &'a str,
    /// Its folder on the host.
    pub(crate) folder: &'a str,
}

/// How following ended.
pub(crate) enum Followed {
    /// The engine said so.
    End(End),
    /// The engine is gone without a word.
    Died,
}

/// Hands every event over. Confirms by a new connection where the host asks for it; a failure to do so is told by
/// `unconfirmed`, and what the host then does by itself is followed too.
///
/// # Errors
/// Where the connection is lost and cannot be made again.
pub(crate) fn follow(
    host: &mut dyn Host,
    run: &Run,
    unconfirmed: &mut Option<String>,
    watch: &mut dyn FnMut(Event),
) -> Result<Followed, RemoteError> {
    let mut seen = 0;
    let mut fresh: Option<Box<dyn Host>> = None;
    let mut tries = 0;
    loop {
        let mut last = None;
        let script = script(FOLLOW, run, seen);
        let mut line = |line: &str| {
            let Some(line) = line.strip_prefix("| ") else { return };
            seen += 1;
            if let Some(event) = event::parse(line) {
                last = Some(event.clone());
                watch(event);
            }
        };
        let through: &mut dyn Host = match &mut fresh {
            Some(fresh) => &mut **fresh,
            None => host,
        };
        let result = through.follow(&script, PATIENCE, &mut line);
        match (result, last) {
            (_, Some(Event::End(end))) => return Ok(Followed::End(end)),
            // The very change that is asked about may have broken the connection over which the question came.
            (heard, Some(Event::Confirm)) => {
                *unconfirmed = confirm_soon(host, run).err().map(|why| why.to_string());
                if heard.is_err() {
                    fresh = Some(again(host)?);
                }
            }
            (Ok(output), _) if output.status == 0 => return Ok(Followed::Died),
            (Ok(output), _) => {
                tries += 1;
                if tries > RETRIES {
                    let why = format!(
                        "the log of the run cannot be read: {}",
                        String::from_utf8_lossy(&output.stderr)
                    );
                    let address = host.name().to_string();
                    return Err(RemoteError::Broken { address, why });
                }
                std::thread::sleep(RETRY_EVERY);
            }
            (Err(_), _) => fresh = Some(again(host)?),
        }
    }
}

fn again(host: &dyn Host) -> Result<Box<dyn Host>, RemoteError> {
    let mut tries = 0;
    loop {
        match host.reconnect() {
            Ok(fresh) => return Ok(fresh),
            Err(error) => {
                tries += 1;
                if tries >= RETRIES {
                    return Err(error);
                }
                std::thread::sleep(RETRY_EVERY);
            }
        }
    }
}

/// sshd takes its new settings in by starting anew, and may refuse connections for a moment. Whoever is locked out stays so.
fn confirm_soon(host: &dyn Host, run: &Run) -> Result<(), RemoteError> {
    let start = Instant::now();
    loop {
        match confirm(host, run) {
            Err(_) if start.elapsed() < CONFIRM_AGAIN_FOR => std::thread::sleep(Duration::from_millis(500)),
            ended => return ended,
        }
    }
}

/// The new connection is the proof; the file only tells the host of it.
fn confirm(host: &dyn Host, run: &Run) -> Result<(), RemoteError> {
    let mut fresh = host.reconnect()?;
    let output = fresh.run(&script(CONFIRM, run, 0), &[], Duration::from_secs(20))?;
    // Where the run is over, its end says how.
    if output.status == 0 || output.status == RUN_IS_OVER {
        return Ok(());
    }
    Err(RemoteError::Broken {
        address: host.name().to_string(),
        why: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// The three values are digits, hexadecimal digits and a folder of ours: nothing that a shell would read otherwise.
pub(crate) fn script(text: &str, run: &Run, seen: usize) -> String {
    format!("run={}\nid={}\nseen={seen}\n{text}", run.folder, run.id)
}
