//! Why machines could not be made, looked at or removed.

use crate::machines::aws::names::Owner;
use crate::remote::aws::AwsError;

/// A fragment that fits "failed to …", or a refusal in a whole sentence.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] AwsError),
    /// The deployment's name is another owner's.
    #[error("make sure whose {deployment} is: {others} carries that name and belongs to {domain}")]
    Collision {
        /// The deployment's name.
        deployment: String,
        /// Kinds and ids.
        others: String,
        /// The other's domain.
        domain: String,
    },
    /// A test would take the place of production.
    #[error("make a test of {}, which is production: {} says so", .owner.deployment, .things.join(", "))]
    Production {
        /// Whose it is.
        owner: Owner,
        /// Kinds and ids.
        things: Vec<String>,
    },
    /// AWS holds something else than the operator agreed to.
    #[error("carry out what was agreed to, since AWS holds something else by now, which needs: {0}")]
    Changed(String),
    /// Something is in the way, all of it.
    #[error("make anything: {}", .0.iter().map(|obstacle| obstacle.what.as_str()).collect::<Vec<_>>().join("; "))]
    Obstacles(Vec<Obstacle>),
    /// A change stands on something that is not there.
    #[error("find {0}, which was made a moment ago")]
    Gone(String),
    /// Something did not come about in time.
    #[error("wait for {what}: after {seconds} seconds it is {state}")]
    Slow {
        /// What was waited for.
        what: String,
        /// How it stands.
        state: String,
        /// How long.
        seconds: u64,
    },
    /// The changes were made and do not show.
    #[error("see what was made: AWS still shows it otherwise ({0})")]
    Unsettled(String),
    /// The console shows no key of the host.
    #[error("learn the host key of {host}: after {seconds} seconds its console shows none")]
    NoHostKey {
        /// The host.
        host: String,
        /// How long.
        seconds: u64,
    },
}

/// Something that is in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What, in words.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl CloudError {
    /// What to do next.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Call(error) => vec![error.hint()],
            Self::Collision { .. } => {
                vec!["choose another `name` in [deployment], or another account; nothing was touched".to_owned()]
            }
            Self::Production { owner, .. } => vec![
                "nothing was touched; a test beside production needs another `name` and `domain` in [deployment]"
                    .to_owned(),
                format!(
                    "to make a test of production, which then ends with all that is on it: `anteroom apply \
                     --leave-production {}`",
                    owner.domain
                ),
            ],
            Self::Changed(_) => vec!["run it again: it shows what is to be done from there, and asks".to_owned()],
            Self::Obstacles(list) => list.iter().map(|obstacle| obstacle.remedy.clone()).collect(),
            Self::Gone(_) | Self::Slow { .. } | Self::Unsettled(_) => {
                vec!["run it again: it looks anew and goes on from there".to_owned()]
            }
            Self::NoHostKey { .. } => vec![
                "the image has to print its host keys on the console, as cloud-init does; a machine whose key nobody \
                 vouches for is not logged in to"
                    .to_owned(),
            ],
        }
    }
}
