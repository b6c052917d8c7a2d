//! plan and apply together: plans of a small deployment, and the engine that carries them out.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failing test may panic, and says why it skips"
)]

mod comparisons;
mod deployment;
mod plan_edges;
mod plan_words;
mod plans;
mod real_host;
mod ssh_client_host;
