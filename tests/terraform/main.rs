//! Terraform: our modules against the providers' published schemas and our own rules, and the program with the real
//! `terraform`, where it is installed.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail loudly")]

mod clouds;
#[cfg(feature = "aws")]
#[path = "../aws/mock.rs"]
#[expect(dead_code, reason = "what only the tests of machines in AWS need")]
mod mock;
mod module;
mod pipeline;
#[cfg(feature = "aws")]
mod real;
mod room;
mod runs;
mod safety;
mod schema;
mod shape;
#[path = "../spec/support.rs"]
#[expect(dead_code, reason = "what only the tests of the spec need")]
mod support;
