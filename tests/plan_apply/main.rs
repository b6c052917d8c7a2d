//! plan and apply together: plans of a small deployment, and the engine that carries them out.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failing test may panic, and says why it skips"
)]

mod comparisons;
mod deployment;
mod deployment_facts;
mod fake_disk;
mod fake_host;
mod fake_power;
mod fake_world;
mod fault;
mod fault_full;
mod fault_ground;
mod fault_loop;
mod fault_theirs;
mod fault_undo;
mod healing;
mod plan_edges;
mod plan_words;
mod plans;
mod preflights;
mod real_bench;
mod real_faults;
mod real_host;
mod real_power;
mod ssh_client_host;
