//! Machines in AWS, against a mock of its API on loopback (tests/aws/mock, whose README says what is mocked and how). No
//! test reaches AWS: the endpoint is loopback, or for production this computer's own address over TLS, and the credentials
//! are nobody's.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail loudly")]

mod audit;
mod bad;
mod changes;
mod destroy;
mod dns;
mod faults;
mod gate;
mod launches;
mod machines;
mod mock;
mod permissions;
mod reap;
mod sizes;
