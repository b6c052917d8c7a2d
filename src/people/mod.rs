//! Who may enter: clinicians' accounts and room tokens, and the one secret that leaves its host for them.

pub mod accounts;
pub mod host_secret;
pub mod token;
