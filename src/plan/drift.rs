//! How a host differs from what is wanted, row by row, for reports. Also holds the looks that only drift needs:
//! listeners, sshd's effective settings and the kernel's nft table.

use std::net::IpAddr;

use crate::facts::FirewallFacts;
use crate::facts::HostFacts;
use crate::facts::ListenerSeen;
use crate::plan::Plan;
use crate::plan::UnknownFact;
use crate::plan::file::below;
use crate::render::Listener;
use crate::render::Scope;
use crate::render::Transport;
use crate::render::Wanted;
use crate::spec::HostName;

/// Where our nft table is kept.
pub const FIREWALL: &str = "/etc/anteroom/firewall.nft";
/// Our table, as rows name it.
const FIREWALL_TABLE: &str = "table inet anteroom";
/// The look at the kernel's table, as it is called where it failed.
pub(crate) const RUNNING_FIREWALL: &str = "the running firewall";
/// The looks at what sshd says of itself, as they are called where they failed: for all, and for single connections.
pub(crate) const EFFECTIVE_SSHD: &str = "sshd's effective settings";
pub(crate) const SSHD_CONNECTIONS: &str = "sshd's settings for single connections";

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftKind {
    /// A file, folder or link.
    File,
    /// A package or its hold.
    Package,
    /// A systemd unit.
    Unit,
    /// An XMPP account.
    Account,
    /// A socket.
    Listener,
    /// The nft table in the kernel.
    Firewall,
    /// An effective sshd setting.
    Sshd,
    /// A certificate made on the host.
    Certificate,
    /// An apt key.
    Key,
    /// A secret made on the host.
    Secret,
    /// Something that a cloud holds.
    Cloud,
}

impl DriftKind {
    /// Those that a host shows.
    pub const OF_HOSTS: [Self; 10] = [
        Self::File,
        Self::Package,
        Self::Unit,
        Self::Account,
        Self::Listener,
        Self::Firewall,
        Self::Sshd,
        Self::Certificate,
        Self::Key,
        Self::Secret,
    ];

    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Package => "package",
            Self::Unit => "unit",
            Self::Account => "account",
            Self::Listener => "listener",
            Self::Firewall => "firewall",
            Self::Sshd => "sshd",
            Self::Certificate => "certificate",
            Self::Key => "key",
            Self::Secret => "secret",
            Self::Cloud => "cloud",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DriftRow {
    /// What it is about.
    pub kind: DriftKind,
    /// Which one.
    pub subject: String,
    /// What is wanted.
    pub expected: String,
    /// What was seen.
    pub observed: String,
    /// Who mends it. Not for programs: the plan's changes tell them.
    #[serde(skip)]
    pub mend: Mend,
}

/// Who mends a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    /// A build does.
    Apply,
    /// Nobody but a person can say whether it may go: it is not ours.
    Person,
}

impl DriftRow {
    pub(crate) fn new(
        kind: DriftKind,
        subject: impl ToString,
        expected: impl Into<String>,
        observed: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            subject: subject.to_string(),
            expected: expected.into(),
            observed: observed.into(),
            mend: Mend::Apply,
        }
    }

    /// The same, for a person to mend.
    pub(crate) fn for_a_person(self) -> Self {
        Self {
            mend: Mend::Person,
            ..self
        }
    }
}

/// A host held against what is wanted there, whether or not a plan could be made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The host.
    pub host: HostName,
    /// Every difference that was seen.
    pub drift: Vec<DriftRow>,
    /// Every look without which "no drift" would be a guess.
    pub unseen: Vec<UnknownFact>,
}

/// The differences that a plan was made from. Empty and with nothing in `unseen`: the host is as wanted.
pub fn drift(plan: &Plan) -> &[DriftRow] {
    &plan.drift
}

/// Sockets that are missing, reach further or less far than they should, or that nobody asked for.
pub(crate) fn listeners(wanted: &Wanted, facts: &HostFacts, rows: &mut Vec<DriftRow>, unseen: &mut Vec<UnknownFact>) {
    let seen = match facts.listeners.known() {
        Ok(seen) => seen,
        Err(why) => return unseen.push(unknown(DriftKind::Listener, "listening sockets", why)),
    };
    for listener in wanted.listeners.iter().filter(|listener| listener.always) {
        for port in listener.port..=listener.last_port {
            judge_wanted(listener, port, seen, rows);
        }
    }
    let mut reported = Vec::new();
    for socket in seen.iter().filter(|socket| unexpected(wanted, socket)) {
        let subject = format!("{}/{}", transport(socket.transport), socket.port);
        if !reported.contains(&subject) {
            let by = if socket.processes.is_empty() {
                String::new()
            } else {
                format!(" by {}", holders(socket))
            };
            rows.push(DriftRow::new(
                DriftKind::Listener,
                &subject,
                "nothing listens",
                format!("listens on {}{by}", socket.address),
            ));
            reported.push(subject);
        }
    }
}

fn judge_wanted(listener: &Listener, port: u16, seen: &[ListenerSeen], rows: &mut Vec<DriftRow>) {
    let subject = format!("{}/{port}", transport(listener.transport));
    let sockets: Vec<&ListenerSeen> = seen
        .iter()
        .filter(|socket| socket.transport == listener.transport && socket.port == port)
        .collect();
    let expected = match listener.scope {
        Scope::Public => format!("{} listens to the internet", listener.unit),
        Scope::Admins => format!("{} listens to the admin networks", listener.unit),
        Scope::Loopback => format!("{} listens to the host itself only", listener.unit),
    };
    let foreign = sockets.iter().find(|socket| not_its_own(listener, socket));
    if sockets.is_empty() {
        rows.push(DriftRow::new(DriftKind::Listener, subject, expected, "nothing listens"));
    } else if let Some(socket) = foreign {
        let observed = format!("held on {} by {}; a person must look", socket.address, holders(socket));
        rows.push(DriftRow::new(DriftKind::Listener, subject, expected, observed).for_a_person());
    } else if listener.scope == Scope::Loopback {
        let far: Vec<String> = sockets
            .iter()
            .filter(|socket| !is_loopback(socket.address))
            .map(|socket| socket.address.to_string())
            .collect();
        if !far.is_empty() {
            let observed = format!("listens on {}", far.join(", "));
            rows.push(DriftRow::new(DriftKind::Listener, subject, expected, observed));
        }
    } else if sockets.iter().all(|socket| is_loopback(socket.address)) {
        rows.push(DriftRow::new(
            DriftKind::Listener,
            subject,
            expected,
            "listens to the host itself only",
        ));
    }
}

/// Whether a socket is in the way of a wanted one: on its port, at an address that overlaps, and not held by its unit.
pub(crate) fn not_its_own(listener: &Listener, socket: &ListenerSeen) -> bool {
    if socket.transport != listener.transport || !(listener.port..=listener.last_port).contains(&socket.port) {
        return false;
    }
    let address = socket.address.to_canonical();
    let overlaps = listener.scope != Scope::Loopback || address.is_loopback() || address.is_unspecified();
    // Where ssh is started by its socket (Ubuntu 24.04), it is systemd itself that holds the port at first.
    let by_socket = listener.unit == "ssh.service" && socket.units.contains("init.scope");
    overlaps && !by_socket && !socket.units.contains(&listener.unit)
}

/// Who holds a socket, in words.
pub(crate) fn holders(socket: &ListenerSeen) -> String {
    let processes = if socket.processes.is_empty() {
        "a program that the kernel does not name".to_owned()
    } else {
        socket.processes.join(", ")
    };
    if socket.units.is_empty() {
        return processes;
    }
    let units: Vec<&str> = socket.units.iter().map(String::as_str).collect();
    format!("{processes} ({})", units.join(", "))
}

/// Loopback sockets are out of a stranger's reach. Datagram sockets in the ephemeral range belong to questions that a
/// program is asking (DNS, STUN) and come and go; 68 and 546 are the DHCP clients that hold the host's own address.
fn unexpected(wanted: &Wanted, socket: &ListenerSeen) -> bool {
    if is_loopback(socket.address) {
        return false;
    }
    if socket.transport == Transport::Udp && (socket.port >= 32768 || socket.port == 68 || socket.port == 546) {
        return false;
    }
    !wanted.listeners.iter().any(|listener| {
        listener.transport == socket.transport && (listener.port..=listener.last_port).contains(&socket.port)
    })
}

/// An IPv4 address in an IPv6 socket (`::ffff:127.0.0.1`, as Java prints it) is judged as the IPv4 address.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

pub(crate) fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    }
}

/// sshd settings that another file overrides.
pub(crate) fn sshd(wanted: &Wanted, facts: &HostFacts, rows: &mut Vec<DriftRow>, unseen: &mut Vec<UnknownFact>) {
    if wanted.sshd.is_empty() {
        return;
    }
    let seen = match facts.sshd.known() {
        Ok(seen) => seen,
        Err(why) => return unseen.push(unknown(DriftKind::Sshd, EFFECTIVE_SSHD, why)),
    };
    for (keyword, expected) in &wanted.sshd {
        let observed = seen.get(keyword).map_or("not set", String::as_str);
        if observed != expected {
            rows.push(DriftRow::new(DriftKind::Sshd, keyword, expected, observed));
        }
    }
}

/// The kernel's table against the file on disk, whatever the unit that loads it says of itself. Whether that file is
/// the one that was rendered is a row about the file.
pub(crate) fn firewall(wanted: &Wanted, facts: &HostFacts, rows: &mut Vec<DriftRow>, unseen: &mut Vec<UnknownFact>) {
    if !wanted.tree.keys().any(|path| path.as_str() == FIREWALL) {
        return;
    }
    match facts.firewall.known() {
        Ok(seen) => {
            if let Some(observed) = firewall_differs(seen) {
                let expected = format!("as in {FIREWALL}");
                rows.push(DriftRow::new(DriftKind::Firewall, FIREWALL_TABLE, expected, observed));
            }
        }
        Err(why) => unseen.push(unknown(DriftKind::Firewall, RUNNING_FIREWALL, why)),
    }
}

/// What the kernel holds in the place of the table on disk; `None`: that table.
pub(crate) fn firewall_differs(seen: &FirewallFacts) -> Option<&'static str> {
    match &seen.running {
        None => Some("no such table"),
        running if *running != seen.on_disk => Some("other rules"),
        Some(_) => None,
    }
}

/// Looks that failed and without which nobody knows whether a unit runs what is on disk, or whether one that an earlier
/// spec wanted still runs.
pub(crate) fn units(wanted: &Wanted, facts: &HostFacts, owned: &[String], unseen: &mut Vec<UnknownFact>) {
    for unit in &wanted.units {
        for (path, state) in &facts.files {
            if let Err(why) = state.known()
                && unit.inputs.iter().any(|input| below(path, input))
            {
                let what = format!("whether {} runs with the {path} of now", unit.name);
                unseen.push(unknown(DriftKind::Unit, what, why));
            }
        }
    }
    for name in owned {
        if !wanted.units.iter().any(|unit| unit.name == *name) {
            match facts.units.get(name).map(|seen| seen.known()) {
                Some(Ok(_)) => {}
                Some(Err(why)) => unseen.push(unknown(DriftKind::Unit, name, why)),
                None => unseen.push(unknown(DriftKind::Unit, name, "it was not looked at")),
            }
        }
    }
}

pub(crate) fn unknown(kind: impl Into<Option<DriftKind>>, what: impl Into<String>, why: &str) -> UnknownFact {
    UnknownFact {
        kind: kind.into(),
        what: what.into(),
        why: why.to_owned(),
    }
}
