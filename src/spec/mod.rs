//! What the operator wants. Raw shapes go through the rules and become a `Spec`; a `Spec` in hand is valid.
//! It knows nothing of hosts, files on them, or the network.

mod aws;
mod docket;
mod files;
pub mod init;
mod load;
pub mod model;
pub mod name;
mod problem;
mod raw;
mod raw_machines;
mod reader;
mod rules;
mod schema;
mod section;
mod suggest;
mod switches;
mod terraform;
mod values;

pub use aws::{AwsMachines, DiskKey, Image, Network};
pub use files::Files;
pub use load::LoadError;
pub use load::load;
pub use load::parse;
pub use model::*;
pub use name::{Domain, HostName, RemotePath};
pub use problem::Colour;
pub use problem::Place;
pub use problem::Problem;
pub use problem::ProblemRow;
pub use problem::Problems;
pub use schema::schema;
pub use switches::Switches;
pub use terraform::Login;
pub use terraform::Terraform;
pub use terraform::TerraformBinary;
pub use terraform::TerraformRun;
pub use terraform::TerraformSource;
