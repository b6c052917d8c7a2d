//! wanted − seen = an ordered, printable, complete list of changes. Decides; does not look.
//!
//! The order of a build, and why it is this one:
//!
//! 1. `Manifest` (widened): whatever happens next, a later run knows what may be ours.
//! 2. The tools that later steps need (gnupg, nftables, openssl), from the distribution.
//! 3. Firewall and sshd, judged, then between `Arm` and `Disarm`: the host is closed before anything new listens, and
//!    a rule that locks the operator out undoes itself.
//! 4. apt sources and pins, keys, lists. Not before the firewall, which says from where the host may fetch them: an old
//!    table would refuse a new repository.
//! 5. Secrets, answers, packages (their services do not start), holds, certificates.
//! 6. Checks over all other files, then the files, in tree order.
//! 7. Units that must not run, accounts, then units that must, in the order in which they need one another.
//! 8. `Manifest` (narrowed): only what is really ours now.
//!
//! A removal runs the other way and ends with the manifest, so that an interrupted one can be finished.

mod build;
mod diff;
mod drift;
mod error;
mod file;
mod foreign;
mod leftover;
mod made;
mod manifest;
pub mod model;
mod package;
mod pointing;
mod preflight;
mod remove;
mod residue;
mod unit;
mod way;

pub use build::BuildContext;
pub use build::build;
pub use build::compare;
pub use diff::DiffLine;
pub use diff::diff;
pub use drift::Comparison;
pub use drift::DriftKind;
pub use drift::DriftRow;
pub(crate) use drift::EFFECTIVE_SSHD;
pub use drift::FIREWALL;
pub use drift::Mend;
pub(crate) use drift::SSHD_CONNECTIONS;
pub use drift::drift;
pub use error::PlanError;
pub use error::UnknownFact;
pub use file::content_sha256;
pub use file::is_guard;
pub use leftover::Leftover;
pub use leftover::leftovers;
pub use leftover::request_after;
pub use model::*;
pub use pointing::Ours;
pub use pointing::Pointing;
pub use pointing::ours;
pub use pointing::pointing;
pub use preflight::CLOCK_TOLERANCE;
pub use preflight::Obstacle;
pub use preflight::Weight;
pub use preflight::preflight;
pub use remove::Hardening;
pub use remove::Kept;
pub use remove::remove;
pub use residue::residue_table;

pub use crate::render::trust_place;
