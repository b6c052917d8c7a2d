//! Findings → bytes. Decides nothing about them.

pub mod clean;
pub mod controls;
pub mod json;
pub mod model;
pub mod plan_json;
pub mod plan_text;
pub mod policy;
pub mod safeguards;
pub mod text;
pub mod vendors;

pub use model::Report;

#[cfg(test)]
mod tests;
