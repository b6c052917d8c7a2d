//! Findings → bytes. Decides nothing about them.

pub mod clean;
pub mod json;
pub mod model;
pub mod plan_json;
pub mod plan_text;
pub mod policy;
pub mod text;

pub use model::Report;

#[cfg(test)]
mod tests;
