//! File locks: two runs of the program do not build, allot or remove at the same time.
//!
//! A program started under a lock holds it too: it gets the lock's file as its standard input, and the kernel keeps the
//! lock for as long as any process has that file open. So where a run is killed, the next one waits until the `ip` or
//! `mount` that it left behind has ended, and does not clean up too early.

use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;

use super::error::LabError;
use super::program;
use super::program::Args;

/// Holds a lock until it is dropped; the kernel frees it too when the process dies.
#[derive(Debug)]
pub(super) struct Locked {
    file: File,
    path: PathBuf,
}

impl Locked {
    /// Runs a program that holds the lock with us; it reads nothing.
    pub(super) fn run(&self, program: &str, args: Args<'_>) -> Result<String, LabError> {
        program::run_reading(program, args, self.share()?)
    }

    /// For the standard input of a program that shall hold the lock with us.
    pub(super) fn share(&self) -> Result<Stdio, LabError> {
        let share = self.file.try_clone().map_err(LabError::file("share", &self.path))?;
        Ok(share.into())
    }
}

/// Waits for the lock on a file, making file and folder where they are missing.
pub(super) fn lock(path: &Path) -> Result<Locked, LabError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(LabError::file("make", folder))?;
    }
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(LabError::file("open", path))?;
    file.lock().map_err(LabError::file("lock", path))?;
    Ok(Locked {
        file,
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs::TryLockError;

    use super::*;

    #[test]
    fn a_program_left_behind_keeps_the_lock_until_it_ends() {
        let folder = tempfile::tempdir().expect("temp folder");
        let path = folder.path().join("lock");
        let locked = lock(&path).expect("free");
        let released = folder.path().join("released");
        // The shell ends at once; the loop it started goes on, with the shell's input as its file 3.
        let wait = format!("while [ ! -e {} ]; do sleep 0.05; done", released.display());
        let script = format!("exec 3<&0; {wait} >/dev/null 2>&1 &");
        locked.run("sh", &[&"-c", &script]).expect("starts");
        drop(locked);
        let file = File::open(&path).expect("opens");
        assert!(matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
        fs::write(&released, "").expect("writes");
        file.lock().expect("free again");
    }
}
