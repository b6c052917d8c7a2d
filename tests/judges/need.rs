//! What a test cannot do without. Missing programs are said aloud, and are failures where everything must run.

use std::env;
use std::io::Write as _;
use std::process::Command;
use std::process::Stdio;

/// Whether everything must run.
pub(crate) fn required() -> bool {
    env::var("ANTEROOM_TESTS").as_deref() == Ok("require")
}

/// Says why a test does not run; fails it where everything must run.
#[track_caller]
pub(crate) fn skip(reason: &str) {
    assert!(!required(), "cannot run: {reason}");
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}

/// Whether a program answers.
#[track_caller]
pub(crate) fn installed(program: &str, argument: &str) -> bool {
    let answer = Command::new(program).arg(argument).stdin(Stdio::null()).output();
    if answer.is_err() {
        skip(&format!("{program} is not installed"));
    }
    answer.is_ok()
}
