//! Follows a program through files that have no name any more. A program that writes into a pipe dies with its reader: a
//! killed anteroom would take Terraform along, in the middle of a creation that no state knows of yet.

use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Command;
use std::process::ExitStatus;
use std::thread;
use std::time::Duration;

use super::plan::PrivateFolder;

/// The pause between looks at what was written.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs a program to its end, hands each line of its standard output over, and returns its standard error.
pub(super) fn follow(
    command: &mut Command,
    folder: PrivateFolder,
    line: &mut dyn FnMut(&str),
) -> io::Result<(ExitStatus, File)> {
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    command.stdout(File::create(&out)?).stderr(File::create(&err)?);
    let (mut out, err) = (BufReader::new(File::open(&out)?), File::open(&err)?);
    // From here on only the two programs hold the files.
    drop(folder);
    let mut child = command.spawn()?;
    let mut part = Vec::new();
    loop {
        // Asked before the read, so that the last lines are read after the end.
        let ended = child.try_wait()?;
        while out.read_until(b'\n', &mut part)? > 0 && part.ends_with(b"\n") {
            line(&String::from_utf8_lossy(&part));
            part.clear();
        }
        if let Some(status) = ended {
            line(&String::from_utf8_lossy(&part));
            return Ok((status, err));
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn lines_come_as_they_are_written_and_the_last_one_needs_no_end() {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "echo one; printf tw; sleep 0.2; echo o; echo wrong >&2; printf three; exit 3",
        ]);
        let mut lines = Vec::new();
        let folder = PrivateFolder::make().expect("a folder");
        let path = folder.path().to_owned();
        let (status, mut err) = follow(&mut command, folder, &mut |line| lines.push(line.to_owned())).expect("sh runs");
        let mut said = String::new();
        err.read_to_string(&mut said).expect("text");
        assert_eq!((status.code(), said.as_str()), (Some(3), "wrong\n"));
        assert_eq!(lines, ["one\n", "two\n", "three"]);
        assert!(!path.exists());
    }
}
