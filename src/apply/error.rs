//! Why a plan was not carried out, and in what state that leaves the host.

use crate::apply::event::Cause;
use crate::plan::Change;
use crate::plan::Check;
use crate::plan::UnitAction;
use crate::remote::RemoteError;
use crate::spec::HostName;
use crate::spec::RemotePath;

/// Fragments that fit "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Someone else is changing the host; nothing was touched.
    #[error("change {host}: {who} is running {verb} there since {since}")]
    Locked {
        /// The host.
        host: HostName,
        /// `user@computer`.
        who: String,
        /// RFC 3339.
        since: String,
        /// What they do.
        verb: String,
    },
    /// The host is no longer what the plan was made for; nothing was touched.
    #[error("change {host}: {}", stale(paths))]
    Stale {
        /// The host.
        host: HostName,
        /// Which paths.
        paths: Vec<RemotePath>,
    },
    /// An earlier run had been cut short and was undone first, so this plan no longer fits. Look and plan again.
    #[error("change {host}: an earlier run had been cut short there and was undone first ({restored})")]
    Recovered {
        /// The host.
        host: HostName,
        /// How far it was undone.
        restored: Restored,
    },
    /// A step failed; the build stopped there and was undone.
    #[error("{} on {host}: {} ({restored})", describe(change), tail(output))]
    StepFailed {
        /// The host.
        host: HostName,
        /// The change.
        change: Box<Change>,
        /// Its place in the plan.
        index: usize,
        /// The last lines that it printed, secrets masked.
        output: Vec<String>,
        /// What kept it from being made, where the host knows.
        cause: Option<Cause>,
        /// How far the host is as before.
        restored: Restored,
    },
    /// Nobody confirmed over a new connection, and the host undid the run by itself.
    #[error("reach {host} over a new connection after its firewall or sshd changed: {why} ({restored})")]
    Unconfirmed {
        /// The host.
        host: HostName,
        /// Why the new connection failed.
        why: String,
        /// How far the host is as before.
        restored: Restored,
    },
    /// The host lost its power or was booted anew during the run, and undid it by itself before its services started.
    #[error("carry a plan out on {host}: the run was cut short there, and the host undid it by itself ({restored})")]
    CutShort {
        /// The host.
        host: HostName,
        /// How far the host is as before.
        restored: Restored,
    },
    /// The run on the host ended without a word: killed, or the host lost its power. The next run undoes it first.
    #[error("follow run {run} on {host}: it ended without a word; run apply again, which undoes it first")]
    Died {
        /// The host.
        host: HostName,
        /// The run.
        run: String,
    },
    /// The host did not take the bundle.
    #[error("start on {host}: {why}")]
    Start {
        /// The host.
        host: HostName,
        /// What the host said.
        why: String,
    },
    /// The connection broke and could not be made again. What was started goes on by itself.
    #[error("follow run {run} on {host}, which goes on by itself")]
    Connection {
        /// The host.
        host: HostName,
        /// The run.
        run: String,
        /// Why.
        source: Box<RemoteError>,
    },
    /// No connection, or a bundle could not be built; nothing was touched.
    #[error("send a plan to {host}")]
    Send {
        /// The host.
        host: HostName,
        /// Why.
        source: Box<RemoteError>,
    },
    /// The plan cannot be compiled.
    #[error("prepare a plan for {host}: {why}")]
    Bundle {
        /// The host.
        host: HostName,
        /// Why.
        why: String,
    },
}

/// How far a host is as it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// As before.
    Fully,
    /// Not in these respects.
    Partly(Vec<String>),
}

impl std::fmt::Display for Restored {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fully => formatter.write_str("the host is as before"),
            Self::Partly(left) => write!(formatter, "the host is as before, but for: {}", left.join("; ")),
        }
    }
}

fn stale(paths: &[RemotePath]) -> String {
    if paths.is_empty() {
        return "what was sent to it was tidied up by somebody else's run before it began".to_owned();
    }
    let paths: Vec<&str> = paths.iter().map(RemotePath::as_str).collect();
    format!("changed since the plan was made: {}", paths.join(", "))
}

fn tail(output: &[String]) -> String {
    output
        .iter()
        .rev()
        .find(|line| !line.trim().is_empty())
        .map_or_else(|| "it printed nothing".to_owned(), |line| line.trim().to_owned())
}

/// A change in a few words that fit "failed to …".
pub fn describe(change: &Change) -> String {
    match change {
        Change::Manifest { .. } => "write the manifest".to_owned(),
        Change::MakeSecret(name) => format!("make the secret {}", name.0),
        Change::AptKey(key) => format!("put the apt key {} in place", key.path),
        Change::AptUpdate { .. } => "read the package lists".to_owned(),
        Change::Preseed(preseed) => format!("answer {}", preseed.question),
        Change::Install { packages } => {
            let names: Vec<&str> = packages.iter().map(|(name, _)| name.as_str()).collect();
            format!("install {}", names.join(", "))
        }
        Change::Purge { packages, .. } => format!("purge {}", packages.join(", ")),
        Change::Residue { package, .. } => format!("remove what {package} leaves behind"),
        Change::Hold { packages, hold: true } => format!("hold {}", packages.join(", ")),
        Change::Hold { packages, hold: false } => format!("unhold {}", packages.join(", ")),
        Change::Certificate(made) => format!("make the certificate {}", made.certificate),
        Change::Put { path, .. } => format!("put {path} in place"),
        Change::Delete {
            path, restore: None, ..
        } => format!("delete {path}"),
        Change::Delete {
            path, restore: Some(_), ..
        } => format!("put back what stood at {path}"),
        Change::Check(check) => format!("judge the staged files with {}", judge(*check)),
        Change::Arm { .. } => "arm the rollback".to_owned(),
        Change::Disarm => "disarm the rollback".to_owned(),
        Change::Unit { name, action, .. } => format!("{} {name}", verb(*action)),
        Change::DropTable => "delete the nft table".to_owned(),
        Change::Account(account) => format!("set the password of {}", account.jid),
        Change::Clinician { jid, .. } => format!("set the password of {jid}"),
        Change::RemoveAccount { jid } => format!("remove the account {jid}"),
        Change::Forget(_) => "forget what anteroom keeps".to_owned(),
    }
}

/// The program that judges, as its manual calls it.
fn judge(check: Check) -> &'static str {
    match check {
        Check::Nginx => "nginx -t",
        Check::Prosody => "prosodyctl check config",
        Check::JicofoHocon => "hocon (jicofo.conf)",
        Check::VideobridgeHocon => "hocon (jvb.conf)",
        Check::Sshd => "sshd -t",
        Check::Nft => "nft -c",
    }
}

/// The verb of `systemctl`, which is also the engine's word for it.
pub(crate) fn verb(action: UnitAction) -> &'static str {
    match action {
        UnitAction::Start => "start",
        UnitAction::Enable => "enable",
        UnitAction::Restart => "restart",
        UnitAction::Reload => "reload",
        UnitAction::Stop => "stop",
        UnitAction::Mask => "mask",
        UnitAction::Unmask => "unmask",
    }
}
