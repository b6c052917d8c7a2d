//! Anteroom: one spec becomes a locked, proven telehealth host.
//!
//! The whole program is one sentence, and the source tree is that sentence:
//!
//! > **spec → machines → render → facts → plan → apply → probe → controls → report**
//!
//! Imports point one way; `tests/layers.rs` reads this tree and fails on an arrow that
//! `docs/architecture.md` does not list.

pub mod apply;
pub mod catalog;
pub mod commands;
pub mod controls;
pub mod digest;
pub mod facts;
pub mod machines;
pub mod people;
pub mod plan;
pub mod probe;
pub mod remote;
pub mod render;
pub mod report;
pub mod secret;
pub mod seen;
pub mod spec;
