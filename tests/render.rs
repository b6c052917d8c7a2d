//! What a spec renders to: golden trees, and the rules that every tree keeps whatever the spec says.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail loudly")]

#[path = "render/golden.rs"]
mod golden;
#[path = "render/parsers.rs"]
mod parsers;
#[path = "render/rules.rs"]
mod rules;
#[path = "render/specs.rs"]
mod specs;
