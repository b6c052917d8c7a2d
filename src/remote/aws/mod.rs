//! AWS's API: the only place that names its crates. Every call is here once, under the name of the permission that it
//! needs; what comes back is plain data. It knows nothing of deployments.

#[cfg(feature = "aws")]
mod account;
#[cfg(feature = "aws")]
mod client;
#[cfg(feature = "aws")]
mod compute;
#[cfg(feature = "aws")]
mod convert;
#[cfg(feature = "aws")]
mod disks;
#[cfg(feature = "aws")]
mod dry;
pub mod endpoint;
pub mod error;
#[cfg(feature = "aws")]
mod groups;
#[cfg(feature = "aws")]
mod images;
#[cfg(feature = "aws")]
mod keys;
#[cfg(feature = "aws")]
mod launch;
pub mod model;
#[cfg(feature = "aws")]
mod names;
#[cfg(feature = "aws")]
mod network;
pub mod permissions;
#[cfg(feature = "aws")]
mod tags;

#[cfg(feature = "aws")]
pub use client::Aws;
#[cfg(feature = "aws")]
pub use client::Place;
#[cfg(feature = "aws")]
pub use compute::Console;
#[cfg(feature = "aws")]
pub use dry::Rehearsal;
#[cfg(feature = "aws")]
pub use dry::Rehearsed;
pub use endpoint::Endpoint;
pub use error::AwsError;
pub use error::Why;
#[cfg(feature = "aws")]
pub use groups::Way;
#[cfg(feature = "aws")]
pub use launch::Launch;
#[cfg(feature = "aws")]
pub use network::Recorded;
