//! Machines in AWS. What exists is found by its tags, in any region and from any computer: there is no state file. What
//! decides (`wanted`, `diff`) does not look; what looks and acts needs the cargo feature `aws`.

pub mod account;
pub mod change;
pub mod diff;
pub mod dns;
pub mod error;
pub mod host_key;
pub mod image;
pub mod inventory;
pub mod media;
pub mod names;
pub mod obstacles;
pub mod stakes;
mod unclaimed;
pub mod wanted;
mod words;

#[cfg(feature = "aws")]
mod apply;
#[cfg(feature = "aws")]
mod carry_out;
#[cfg(feature = "aws")]
mod confirmed;
#[cfg(feature = "aws")]
mod destroy;
#[cfg(feature = "aws")]
mod disk_keys;
#[cfg(feature = "aws")]
mod hold;
#[cfg(feature = "aws")]
mod launch;
#[cfg(feature = "aws")]
mod look;
#[cfg(feature = "aws")]
mod offer;
#[cfg(feature = "aws")]
mod on_machine;
#[cfg(feature = "aws")]
mod patience;
#[cfg(feature = "aws")]
mod preflight;
#[cfg(feature = "aws")]
mod reach;
#[cfg(feature = "aws")]
mod reap;
#[cfg(feature = "aws")]
mod regions;
#[cfg(feature = "aws")]
mod release;
#[cfg(feature = "aws")]
mod retag;
#[cfg(feature = "aws")]
mod survey;
#[cfg(feature = "aws")]
mod sweep;
#[cfg(feature = "aws")]
mod wait;

pub use change::Change;
pub use diff::diff;
pub use error::CloudError;
pub use error::Obstacle;
pub use inventory::Inventory;
pub use names::Owner;
pub use obstacles::refuse;
pub use stakes::Consent;
pub use stakes::Stakes;
pub use wanted::Leaving;
pub use wanted::Opening;
pub use wanted::Wanted;
pub use wanted::egress;
pub use wanted::owner;
pub use wanted::wanted;

#[cfg(feature = "aws")]
pub use apply::apply;
#[cfg(feature = "aws")]
pub use destroy::Event;
#[cfg(feature = "aws")]
pub use destroy::Removed;
#[cfg(feature = "aws")]
pub use destroy::TornDown;
#[cfg(feature = "aws")]
pub use destroy::destroy;
#[cfg(feature = "aws")]
pub use look::hosts;
#[cfg(feature = "aws")]
pub use look::look;
#[cfg(feature = "aws")]
pub use look::look_without_refusing;
#[cfg(feature = "aws")]
pub use look::seen;
#[cfg(feature = "aws")]
pub use preflight::Found;
#[cfg(feature = "aws")]
pub use preflight::preflight;
#[cfg(feature = "aws")]
pub use reach::keyless_machines;
#[cfg(feature = "aws")]
pub use reach::known_machines;
#[cfg(feature = "aws")]
pub use reach::machines;
#[cfg(feature = "aws")]
pub use reap::Expired;
#[cfg(feature = "aws")]
pub use reap::Stays;
#[cfg(feature = "aws")]
pub use reap::expired;
#[cfg(feature = "aws")]
pub use reap::still_expired;
#[cfg(feature = "aws")]
pub use regions::refuse_elsewhere;
#[cfg(feature = "aws")]
pub use survey::Survey;
#[cfg(feature = "aws")]
pub use survey::Unseen;
#[cfg(feature = "aws")]
pub use survey::survey;

#[cfg(test)]
mod tests;
