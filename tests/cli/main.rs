//! The program as a user runs it: help, exit codes, what goes to which stream, and what is left untouched.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail loudly")]

mod documents;
mod no_host;

mod refusals;
mod room;
mod writing;
