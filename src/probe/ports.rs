//! A TCP connect scan: which ports of an address accept, refuse or swallow connections. It knows nothing of what listens.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use serde::Serialize;
use tokio::task::JoinSet;

use crate::seen::Seen;

use super::reach;
use super::reach::ReachError;
use super::sighting::Sighting;
use super::sighting::Vantage;
use super::target::PortPlan;

/// Connections in flight; below the usual limit of 1024 open files.
const IN_FLIGHT: usize = 800;

/// Connections in flight after this computer ran out of something with more of them.
const FEWER_IN_FLIGHT: usize = 200;

/// Bounds of the wait for one port.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_millis(1500);

/// The TCP ports of one address. Every scanned port is in exactly one of the three lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortScan {
    /// Connections were accepted.
    pub open: BTreeSet<u16>,
    /// The host said that nothing listens.
    pub closed: Vec<PortRange>,
    /// Nobody answered, twice, or something on the way said no.
    pub filtered: Vec<PortRange>,
    /// How long one port was waited for, in milliseconds.
    pub patience_ms: u64,
}

/// Neighbouring ports, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PortRange {
    /// First port.
    pub first: u16,
    /// Last port.
    pub last: u16,
}

/// What a connection to one port met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PortState {
    /// Accepted.
    Open,
    /// Refused.
    Closed,
    /// Not answered.
    Filtered,
}

impl PortScan {
    /// What was seen of one port; `None` where it was not scanned.
    pub fn state(&self, port: u16) -> Option<PortState> {
        let within = |ranges: &[PortRange]| ranges.iter().any(|range| (range.first..=range.last).contains(&port));
        if self.open.contains(&port) {
            Some(PortState::Open)
        } else if within(&self.closed) {
            Some(PortState::Closed)
        } else if within(&self.filtered) {
            Some(PortState::Filtered)
        } else {
            None
        }
    }
}

/// Scans the planned ports of `address`. `known` is a port that probably answers, to measure the way there.
pub(crate) async fn scan(
    address: IpAddr,
    name: &str,
    plan: &PortPlan,
    known: u16,
    progress: &(dyn Fn(&str) + Sync),
) -> Option<Sighting<PortScan>> {
    let wanted: Vec<u16> = match plan {
        PortPlan::Everything => (1..=u16::MAX).collect(),
        PortPlan::Only(ports) => ports.iter().copied().collect(),
        PortPlan::Nothing => return None,
    };
    let vantage = Vantage::now(format!("tcp://{name} ports"), Some(SocketAddr::new(address, known)));
    let patience = patience(SocketAddr::new(address, known)).await;
    let total = wanted.len();
    progress(&format!("scanning {total} TCP ports of {address}"));

    let first = round(address, wanted, patience, IN_FLIGHT).await;
    let mut rest = first.filtered.clone();
    rest.extend(&first.failed);
    progress(&format!("asking {} silent TCP ports of {address} again", rest.len()));
    let in_flight = if first.failed.is_empty() {
        IN_FLIGHT
    } else {
        FEWER_IN_FLIGHT
    };
    let second = round(address, rest, patience, in_flight).await;

    let transcript = vec![format!(
        ">> {total} connections, {} of them again; each waited for {} ms",
        first.filtered.len() + first.failed.len(),
        patience.as_millis()
    )];
    if let Some(why) = second.fault {
        let result = Seen::unknown(format!("{} ports could not be asked: {why}", second.failed.len()));
        return Some(vantage.saw(transcript, result));
    }
    let scan = PortScan {
        open: first.open.into_iter().chain(second.open).collect(),
        closed: ranges(first.closed.into_iter().chain(second.closed)),
        filtered: ranges(second.filtered.into_iter()),
        patience_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
    };
    Some(vantage.saw(transcript, Seen::Known(scan)))
}

/// How long to wait for one port: several round trips to a port that answers, else the longest.
async fn patience(known: SocketAddr) -> Duration {
    let begun = Instant::now();
    match reach::connect(known, reach::CONNECT).await {
        Ok(_) | Err(ReachError::Refused(_)) => (begun.elapsed() * 5).clamp(SHORTEST, LONGEST),
        Err(_) => LONGEST / 3,
    }
}

#[derive(Default)]
struct Round {
    open: Vec<u16>,
    closed: Vec<u16>,
    filtered: Vec<u16>,
    failed: Vec<u16>,
    fault: Option<String>,
}

impl Round {
    fn take(&mut self, port: u16, outcome: Result<(), ReachError>) {
        match outcome {
            Ok(()) => self.open.push(port),
            Err(ReachError::Refused(_)) => self.closed.push(port),
            Err(ReachError::Filtered(..)) => self.filtered.push(port),
            Err(ReachError::Local(_, why)) => {
                self.failed.push(port);
                self.fault = Some(why);
            }
        }
    }
}

async fn round(address: IpAddr, ports: Vec<u16>, patience: Duration, in_flight: usize) -> Round {
    let mut round = Round::default();
    let mut tasks: JoinSet<(u16, Result<(), ReachError>)> = JoinSet::new();
    for port in ports {
        if tasks.len() >= in_flight
            && let Some(Ok((done, outcome))) = tasks.join_next().await
        {
            round.take(done, outcome);
        }
        let to = SocketAddr::new(address, port);
        tasks.spawn(async move { (port, reach::connect(to, patience).await.map(drop)) });
    }
    while let Some(joined) = tasks.join_next().await {
        if let Ok((done, outcome)) = joined {
            round.take(done, outcome);
        }
    }
    round
}

/// Sorted ports as ranges.
fn ranges(ports: impl Iterator<Item = u16>) -> Vec<PortRange> {
    let mut ranges: Vec<PortRange> = Vec::new();
    for port in ports.collect::<BTreeSet<_>>() {
        match ranges.last_mut() {
            Some(range) if range.last.checked_add(1) == Some(port) => range.last = port,
            _ => ranges.push(PortRange {
                first: port,
                last: port,
            }),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::net::Ipv6Addr;

    #[tokio::test]
    async fn an_open_and_a_closed_port_are_told_apart_in_both_families() {
        for loopback in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
            let Ok(listener) = tokio::net::TcpListener::bind((loopback, 0)).await else {
                assert!(loopback.is_ipv6(), "IPv4 loopback is always there");
                continue;
            };
            let open = listener.local_addr().unwrap().port();
            let unused = tokio::net::TcpListener::bind((loopback, 0)).await.unwrap();
            let closed = unused.local_addr().unwrap().port();
            drop(unused);
            let plan = PortPlan::Only([open, closed].into());
            let seen = scan(loopback, "a.example", &plan, open, &|_| ()).await.unwrap();
            let scan = seen.known().unwrap();
            assert_eq!(scan.state(open), Some(PortState::Open));
            assert_eq!(scan.state(closed), Some(PortState::Closed));
            assert_eq!(seen.from, Some(loopback));
        }
    }

    #[test]
    fn ports_become_ranges_up_to_the_last_one() {
        let found = ranges([65_535, 1, 2, 4, 65_534].into_iter());
        let ends: Vec<(u16, u16)> = found.iter().map(|range| (range.first, range.last)).collect();
        assert_eq!(ends, [(1, 2), (4, 4), (65_534, 65_535)]);
    }
}
