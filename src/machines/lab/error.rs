//! What can go wrong with the lab, as fragments that fit "failed to …".

use std::fmt;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::spec::HostName;

/// One thing this computer lacks for running lab hosts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Missing {
    /// What is missing.
    pub what: String,
    /// What to do about it, often a command.
    pub remedy: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.what, self.remedy)
    }
}

/// Why the lab could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// This computer cannot run lab hosts as it is; everything that is missing at once.
    #[error("run lab hosts here: {}", list(.0))]
    NotReady(Vec<Missing>),
    /// A folder that cannot hold a lab.
    #[error("use {path} as the lab's folder: {why}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file operation on this computer.
    #[error("{action} {path}: {source}")]
    File {
        /// The verb, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A record of the lab that does not read back.
    #[error("understand {path}: {why}")]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A program of this computer that failed.
    #[error("run `{command}`: {said}")]
    Program {
        /// The program and its arguments.
        command: String,
        /// How it ended and what it said last.
        said: String,
    },
    /// A name that is taken.
    #[error("make the lab host {0}: there is one of that name; take it down first")]
    Exists(HostName),
    /// A name that nothing has.
    #[error("find the lab host {0}: there is none of that name")]
    NoHost(HostName),
    /// A snapshot name that nothing has.
    #[error("find the lab snapshot {0}: there is none of that name")]
    NoSnapshot(HostName),
    /// A snapshot name that is taken.
    #[error("make the lab snapshot {0}: there is one of that name; remove it first")]
    SnapshotExists(HostName),
    /// A snapshot that hosts still stand on.
    #[error("remove the lab snapshot {snapshot}: the hosts {} stand on it", names(.hosts))]
    SnapshotInUse {
        /// The snapshot.
        snapshot: HostName,
        /// The hosts and snapshots that use it.
        hosts: Vec<HostName>,
    },
    /// A host whose making was interrupted, so that it cannot be started.
    #[error("start the lab host {0}: its making was interrupted; take it down and make it again")]
    Unfinished(HostName),
    /// A host that runs already.
    #[error("start the lab host {0}: it is running")]
    Running(HostName),
    /// No address or network is free.
    #[error("find a free {0}")]
    Full(&'static str),
    /// A host that was started but whose sshd never answered.
    #[error("boot the lab host {name}: {why}\n{console}")]
    Boot {
        /// The host.
        name: HostName,
        /// What was waited for, and how long.
        why: String,
        /// The last lines of its console.
        console: String,
    },
    /// Something of a host that would not go.
    #[error("take the lab host {unit} down: left are {}", .left.join(", "))]
    Left {
        /// Name of its namespace and cgroup.
        unit: String,
        /// What is left.
        left: Vec<String>,
    },
}

impl LabError {
    /// For `map_err` on file operations: the verb and the path.
    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}

fn list(missing: &[Missing]) -> String {
    let all: Vec<String> = missing.iter().map(|one| format!("\n  - {one}")).collect();
    all.concat()
}

fn names(hosts: &[HostName]) -> String {
    let all: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
    all.join(", ")
}
