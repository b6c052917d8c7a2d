//! The SSH client against real OpenSSH servers on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail loudly")]

use std::time::Duration;

mod login;
mod plan;
mod relay;
mod run;
mod sshd;
mod trust;

/// What a test needs, or a skip that is a failure where everything must be tested.
fn or_skip<T>(need: Result<T, String>) -> Option<T> {
    let why = match need {
        Ok(need) => return Some(need),
        Err(why) => why,
    };
    assert!(
        std::env::var("ANTEROOM_TESTS").as_deref() != Ok("require"),
        "skipped: {why}"
    );
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("skipped: {why}\n"));
    None
}

/// The bench, or a skip.
macro_rules! bench {
    () => {
        match $crate::or_skip($crate::sshd::Bench::new()) {
            Some(bench) => bench,
            None => return,
        }
    };
}

use bench;

const PATIENCE: Duration = Duration::from_secs(60);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
