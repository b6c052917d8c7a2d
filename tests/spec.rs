//! The spec from outside: every bad file is refused with its golden report, every example is accepted, and the schema
//! says the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod spec {
    mod accepted;
    mod certificates;
    mod refused;
    mod schema;
    mod support;
}
