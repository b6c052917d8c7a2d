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
    /// Things carry the deployment's name and no domain.
    #[error("make sure whose {deployment} is: {things} carries the deployment's tag and no anteroom:domain")]
    NoDomain {
        /// The deployment's name.
        deployment: String,
        /// Kinds and ids.
        things: String,
    },
    /// A test would take the place of production.
    #[error(
        "make a test of {}, which counts as production: {} does not say that it is a test", .owner.deployment,
        .things.join(", ")
    )]
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
    /// A machine ended, or stopped, while it was starting.
    #[error("wait for {id} to be {wanted}: it is {state}, since {}", reason_or_none(.reason))]
    Ended {
        /// Its id.
        id: String,
        /// What was waited for.
        wanted: String,
        /// How it stands.
        state: String,
        /// AWS's reason.
        reason: String,
    },
    /// A machine could not become another type.
    #[error("make {host} a {to}: {error}; {}", stands(.from, .back.as_deref()))]
    NotResized {
        /// The host.
        host: String,
        /// What it was.
        from: String,
        /// What it should have become.
        to: String,
        /// Why it did not.
        error: Box<Self>,
        /// Why it does not run as what it was, when it does not.
        back: Option<Box<Self>>,
    },
    /// A disk did not grow.
    #[error("make {disk} grow to {gib} GiB: {said}")]
    NotGrown {
        /// Its id.
        disk: String,
        /// GiB.
        gib: i32,
        /// AWS's words.
        said: String,
    },
    /// Something that a plan rests on could not be seen.
    #[error("plan without knowing {what}: failed to {why}")]
    Unknown {
        /// What.
        what: &'static str,
        /// Why not.
        why: String,
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

fn reason_or_none(reason: &str) -> &str {
    if reason.is_empty() {
        "AWS gives no reason"
    } else {
        reason
    }
}

fn stands(from: &str, back: Option<&CloudError>) -> String {
    match back {
        None => format!("it runs as {from} again"),
        Some(error) => format!("and it is stopped, since it did not start as {from} again either: failed to {error}"),
    }
}

/// What to do about a reason for which AWS ended a machine.
fn about(reason: &str) -> String {
    let has = |word: &str| reason.contains(word);
    if has("Client.InternalError") {
        "EC2 mostly says this when it may not use the disks' key: give these credentials the kms actions that \
         `anteroom catalog iam apply` lists, and name them in the policy of a key of your own; then run this again"
            .to_owned()
    } else if has("VolumeLimitExceeded") {
        "raise the quota of EBS storage in Service Quotas, or remove what is no longer needed; then run this again"
            .to_owned()
    } else {
        "run it again: it makes another machine; where that ends too, the words above are AWS's own".to_owned()
    }
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
    /// What it refuses, as it was seen, a line each.
    pub fn in_the_way(&self) -> Vec<String> {
        match self {
            Self::Obstacles(list) => list.iter().map(|obstacle| obstacle.what.clone()).collect(),
            Self::Production { owner, things } => vec![format!(
                "the spec makes a test of {}, which counts as production: {} does not say that it is a test",
                owner.deployment,
                things.join(", ")
            )],
            Self::Collision {
                deployment,
                others,
                domain,
            } => vec![format!(
                "{others} carries the name {deployment} and belongs to {domain}"
            )],
            Self::NoDomain { deployment, things } => vec![format!(
                "{things} carries the name {deployment} and says no domain, so that nobody knows whose it is"
            )],
            other => vec![other.to_string()],
        }
    }

    /// What to do next.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Call(error) => vec![error.hint()],
            Self::Collision { .. } => {
                vec!["choose another `name` in [deployment], or another account; nothing was touched".to_owned()]
            }
            Self::NoDomain { .. } => {
                vec!["see whose it is, tag it or remove it; nothing was touched".to_owned()]
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
            Self::Ended { reason, .. } => vec![about(reason)],
            Self::NotResized { error, back, .. } => {
                let mut hints = error.hints();
                if back.is_some() {
                    hints.push("run it again: it is started then, as what it was or as what the spec says".to_owned());
                }
                hints
            }
            Self::NotGrown { .. } => vec!["the words above are AWS's own; mend that, then run this again".to_owned()],
            Self::Unknown { .. } => {
                vec!["let these credentials make that call; `anteroom catalog iam plan` lists all of them".to_owned()]
            }
            Self::Gone(_) | Self::Slow { .. } | Self::Unsettled(_) => {
                vec!["run it again: it looks anew and goes on from there".to_owned()]
            }
            Self::NoHostKey { .. } => vec![
                "the image has to print its host keys on the console, as cloud-init does at the first boot; a machine whose \
                 key nobody vouches for is not logged in to"
                    .to_owned(),
                "where it was rebooted before its key was noted, it shows the key no more: terminate it, and the next \
                 `apply` makes another"
                    .to_owned(),
            ],
        }
    }
}
