//! Runs the system's own programs (`ip`, `mount`, `nft`, …) and says what they said when they fail.

use std::ffi::OsStr;
use std::io::Write;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use super::error::LabError;

/// Where the programs are: also for a user whose own PATH leaves the sbin folders out.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Arguments of mixed kinds: text and paths.
pub(super) type Args<'a> = &'a [&'a dyn AsRef<OsStr>];

/// Runs a program to its end and returns what it printed.
pub(super) fn run(program: &str, args: Args<'_>) -> Result<String, LabError> {
    run_reading(program, args, Stdio::null())
}

/// Like `run`, with text for its standard input.
pub(super) fn run_with_input(program: &str, args: Args<'_>, input: &str) -> Result<String, LabError> {
    let mut child = start(program, args, Stdio::piped())?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading its input breaks the pipe; its exit status tells the story.
        let _unread = stdin.write_all(input.as_bytes());
    }
    finish(program, args, child)
}

/// Like `run`, with a file as its standard input.
pub(super) fn run_reading(program: &str, args: Args<'_>, input: Stdio) -> Result<String, LabError> {
    let child = start(program, args, input)?;
    finish(program, args, child)
}

fn start(program: &str, args: Args<'_>, input: Stdio) -> Result<Child, LabError> {
    command(program, args)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(program, args, error))
}

fn finish(program: &str, args: Args<'_>, child: Child) -> Result<String, LabError> {
    let output = child.wait_with_output().map_err(|error| failed(program, args, error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(failed(program, args, format!("{}: {}", output.status, tail(&said, 12))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn failed(program: &str, args: Args<'_>, said: impl ToString) -> LabError {
    LabError::Program {
        command: shown(program, args),
        said: said.to_string(),
    }
}

/// Whether a program exists and ends with success; what it prints is dropped.
pub(super) fn succeeds(program: &str, args: Args<'_>) -> bool {
    run(program, args).is_ok()
}

/// A command that speaks English and finds the system's programs.
pub(super) fn command(program: &str, args: Args<'_>) -> Command {
    let mut command = Command::new(program);
    command.args(args.iter().map(|arg| arg.as_ref()));
    command.env("PATH", PATH).env("LC_ALL", "C");
    command
}

/// The last lines of a text, for messages.
pub(super) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn shown(program: &str, args: Args<'_>) -> String {
    let mut text = program.to_owned();
    for arg in args {
        text.push(' ');
        text.push_str(&arg.as_ref().to_string_lossy());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_named_with_what_it_said() {
        let error = run("sh", &[&"-c", &"echo nope >&2; exit 3"]).expect_err("it exits 3");
        assert_eq!(
            error.to_string(),
            "run `sh -c echo nope >&2; exit 3`: exit status: 3: nope"
        );
    }

    #[test]
    fn input_reaches_the_program() {
        let printed = run_with_input("cat", &[], "through").expect("cat works");
        assert_eq!(printed, "through");
    }

    #[test]
    fn the_tail_of_a_text_is_its_last_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("", 2), "");
    }
}
