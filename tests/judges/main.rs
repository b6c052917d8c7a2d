//! What the rendered files mean to those who read them: every key is one that the software knows, and no text of a spec
//! ever becomes syntax. Values are read back by real parsers; whole trees are judged by the real programs on a
//! lab host.
//!
//! Where a program is missing the tests say `skipped: …`; with `ANTEROOM_TESTS=require` in the environment they fail
//! instead.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot be set up must fail loudly, and the harness shows what it printed"
)]

mod fields;
mod hostile;
mod hosts;
mod keys;
mod known;
mod language;
mod lua;
mod machine;
mod misspelt;
mod need;
#[expect(dead_code, reason = "only the table of filters is used")]
#[path = "../../src/render/quote.rs"]
mod quote;
mod quoting;
mod shape;
#[path = "../render/specs.rs"]
mod specs;
#[path = "../spec/support.rs"]
mod support;
mod trees;
