//! The shapes of a plan: data that leaves nothing to decide and can be printed, compared and carried out.

pub use crate::facts::PathState;
use crate::plan::DriftRow;
use crate::plan::UnknownFact;
pub use crate::render::AccountWanted;
pub use crate::render::AptKey;
pub use crate::render::Check;
pub use crate::render::Entry;
pub use crate::render::FileContent;
pub use crate::render::GeneratedCertificate;
pub use crate::render::Listener;
pub use crate::render::Preseed;
pub use crate::render::SecretName;
pub use crate::render::Transport;
use crate::secret::Secret;
pub use crate::spec::AptKeySource;
use crate::spec::HostName;
use crate::spec::RemotePath;

/// What one host needs, in the order in which it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The host.
    pub host: HostName,
    /// Build or remove.
    pub purpose: Purpose,
    /// The changes. Empty: in sync.
    pub changes: Vec<Change>,
    /// Everything in which the host differs from what is wanted, also where no change of ours would mend it.
    pub drift: Vec<DriftRow>,
    /// Looks that failed and that no change depends on, but without which "no drift" would be a guess.
    pub unseen: Vec<UnknownFact>,
}

/// What a plan is for; decides what a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Stop at the first failure and restore.
    Build,
    /// Go on after a failure and list what is left.
    Remove,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Writes our manifest. The first change of a build widens it, the last narrows it.
    Manifest {
        /// Canonical JSON.
        content: String,
    },
    /// Makes a secret on the host.
    MakeSecret(SecretName),
    /// Puts an apt key in place after its fingerprint was checked on the host.
    AptKey(AptKey),
    /// Reads package lists; any error of any source is a failure.
    AptUpdate {
        /// Source files to leave out: ours, as long as it, its key or the firewall's word on it is still to be put right.
        without: Vec<RemotePath>,
    },
    /// Answers a package's question, before it is installed.
    Preseed(Preseed),
    /// Installs packages without starting their services: downloads and checks everything first, then unpacks.
    Install {
        /// Name, and exact version where pinned.
        packages: Vec<(String, Option<String>)>,
    },
    /// Removes packages with their configuration. What another package needs stays, and is reported.
    Purge {
        /// Names.
        packages: Vec<String>,
        /// Packages that must stay, with all that they need.
        spare: Vec<String>,
    },
    /// Removes what a package of ours leaves behind even when it is purged.
    Residue {
        /// The package.
        package: String,
        /// Files and whole folders.
        paths: Vec<RemotePath>,
        /// Folders that go once they are empty.
        folders: Vec<RemotePath>,
        /// System users, and groups of the same name.
        users: Vec<String>,
    },
    /// `apt-mark hold` or `unhold`.
    Hold {
        /// Names.
        packages: Vec<String>,
        /// True for hold.
        hold: bool,
    },
    /// Makes a key and a self-signed certificate.
    Certificate(GeneratedCertificate),
    /// Puts an entry in place: staged, judged by the checks, then swapped atomically. Refused on the host when what
    /// is there is no longer `before`.
    Put {
        /// Where.
        path: RemotePath,
        /// What.
        entry: Entry,
        /// What was seen there.
        before: PathState,
        /// Where what stood here before us is kept until we go; `None`: nothing did, or it is kept already.
        keep: Option<RemotePath>,
    },
    /// Removes a path, keeping what it held for a restore, or puts back what stood there before us.
    Delete {
        /// Where.
        path: RemotePath,
        /// What was seen there.
        before: PathState,
        /// As for `Put`.
        keep: Option<RemotePath>,
        /// What to put back, as the manifest kept it.
        restore: Option<RemotePath>,
    },
    /// Runs a program over the staged files before any takes effect.
    Check(Check),
    /// Everything after this until `Disarm` is undone by a timer unless a new connection confirms it.
    Arm {
        /// Seconds.
        seconds: u32,
    },
    /// Waits for the confirmation by a new connection.
    Disarm,
    /// Starts, stops, or makes a unit take its new input.
    Unit {
        /// Full name.
        name: String,
        /// What to do.
        action: UnitAction,
        /// Why, in a few words.
        why: String,
        /// Sockets that must listen before the unit counts as up.
        listens: Vec<Listener>,
    },
    /// Deletes our nft table from the kernel; the end of the firewall's hardening.
    DropTable,
    /// Makes a service account, or sets its password to the secret.
    Account(AccountWanted),
    /// Makes a clinician's account, or sets its password. The password travels in the run's bundle only.
    Clinician {
        /// Bare JID.
        jid: String,
        /// The password.
        password: Secret,
    },
    /// Removes an account, ending its sessions.
    RemoveAccount {
        /// Bare JID.
        jid: String,
    },
    /// Forgets the secrets file and all that anteroom keeps on the host; the end of a removal.
    Forget(Extent),
}

/// How much is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Everything, the manifest too.
    All,
    /// All but the manifest of the hardening that stays, and what it replaced.
    ButHardening,
}

/// What to do with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitAction {
    /// Enable, start, and wait until it is really up. One that has come up by itself since the look is started anew: it has
    /// read what was there before.
    Start,
    /// Enable what runs.
    Enable,
    /// Restart and wait until it is really up.
    Restart,
    /// Reload.
    Reload,
    /// Stop and disable.
    Stop,
    /// Stop and mask.
    Mask,
    /// Undo a mask.
    Unmask,
}
