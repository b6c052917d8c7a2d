//! Carries a plan out: a build stops at the first failure and restores; a removal goes on and lists what is left.
//!
//! The plan is compiled into a bundle (`bundle`), sent to the host, and carried out there by a fixed script (`engine/`)
//! in a transient systemd unit. This side only follows what the script reports (`follow`). Decides nothing, and knows
//! of Jitsi only what a plan says.

mod bundle;
mod error;
mod event;
mod follow;
mod run;
mod step;

pub use error::ApplyError;
pub use error::Restored;
pub use error::describe;
pub use event::Cause;
pub use event::End;
pub use event::Event;
pub use event::Outcome;
pub use run::Applied;
pub use run::Left;
pub use run::Operator;
pub use run::carry_out;
pub use run::forget_kept;
