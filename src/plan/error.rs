//! Why there is no plan. Each error says what, where, and leaves the next step to the command that shows it.

use std::fmt;

use crate::facts::LockHolder;
use crate::plan::DriftKind;
use crate::spec::HostName;

/// Fragments that fit "failed to …".
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    /// Facts that decide something could not be seen.
    #[error("plan for {host}: {}", list(looks))]
    Unknown {
        /// The host.
        host: HostName,
        /// All of them.
        looks: Vec<UnknownFact>,
    },
    /// Not one of the four distributions.
    #[error("plan for {host}: it runs {pretty}; Debian 12 and 13 and Ubuntu 22.04 and 24.04 are supported")]
    UnsupportedOs {
        /// The host.
        host: HostName,
        /// As the host calls itself.
        pretty: String,
    },
    /// Process 1 is something else.
    #[error("plan for {host}: its process 1 is {init}, and only systemd can carry a plan out")]
    NotSystemd {
        /// The host.
        host: HostName,
        /// Name of process 1.
        init: String,
    },
    /// The manifest names another deployment.
    #[error(
        "plan for {host}: it belongs to deployment {deployment} ({domain}); destroy that one first, or take another host"
    )]
    BelongsToAnother {
        /// The host.
        host: HostName,
        /// The other deployment.
        deployment: String,
        /// The other domain.
        domain: String,
    },
    /// Someone is changing the host.
    #[error("plan for {host}: {} is running {} there since {}", holder.who, holder.verb, holder.since)]
    Locked {
        /// The host.
        host: HostName,
        /// Who, since when, doing what.
        holder: LockHolder,
    },
}

/// A look that failed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UnknownFact {
    /// What it would have told about; `None`: the host as a whole, and so all of it.
    pub kind: Option<DriftKind>,
    /// What was looked at.
    pub what: String,
    /// Why it is not known, in a lower-case sentence.
    pub why: String,
}

impl fmt::Display for UnknownFact {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} could not be seen ({})", self.what, self.why)
    }
}

fn list(looks: &[UnknownFact]) -> String {
    let lines: Vec<String> = looks.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
