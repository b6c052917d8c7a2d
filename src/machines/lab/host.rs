//! What one asks of a lab and what one gets: hosts, as clients see them.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::spec::HostName;

/// A host to make.
#[derive(Debug, Clone)]
pub struct HostRequest {
    /// Its name, and its host name.
    pub name: HostName,
    /// The snapshot it begins as; the base image where there is none.
    pub from: Option<HostName>,
}

/// What a client needs to reach a host.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LabHost {
    /// Its name, and its host name.
    pub name: HostName,
    /// Where its sshd listens, on port 22, for root.
    pub address: Ipv4Addr,
    /// This computer's address in the host's network.
    pub gateway: Ipv4Addr,
    /// The private key that root's login accepts.
    pub ssh_key: PathBuf,
    /// `SHA256:…` of the host's key, to be pinned.
    pub host_key_fingerprint: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it runs.
    pub state: HostState,
}

/// Whether a host runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HostState {
    /// It is being made and boots for the first time.
    Starting,
    /// Its processes live.
    Running,
    /// It is switched off and can be started.
    Stopped,
    /// Its making was interrupted; it can only be taken down.
    Unfinished,
}

/// What taking down found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It was there and is gone.
    Removed,
    /// There was none.
    WasNotThere,
}
