//! Wanted, seen and what lies between them.
