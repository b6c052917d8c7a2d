//! A TCP connect scan: which ports of an address accept, refuse or swallow connections. It knows nothing of what listens.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::sleep;

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

/// How often a port that was open is asked again before it counts as lost, and the pause before each further try.
const CONTROL_TRIES: usize = 2;
const CONTROL_PAUSE: Duration = Duration::from_secs(1);

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

/// Scans the planned ports of `address`. `known` is a port that probably answers, to measure the way there; `before` are
/// those that took a connection before the scan. One of them has to take connections all along: who has been shut out sees
/// closed ports everywhere.
pub(crate) async fn scan(
    address: IpAddr,
    name: &str,
    plan: &PortPlan,
    known: u16,
    before: &BTreeSet<u16>,
    progress: &(dyn Fn(&str) + Sync),
) -> Option<Sighting<PortScan>> {
    let wanted: Vec<u16> = match plan {
        PortPlan::Everything => (1..=u16::MAX).collect(),
        PortPlan::Only(ports) => ports.iter().copied().collect(),
        PortPlan::Nothing => return None,
    };
    let vantage = Vantage::now(format!("tcp://{name} ports"), Some(SocketAddr::new(address, known)));
    let (patience, answers) = patience(SocketAddr::new(address, known)).await;
    let control = match answers || before.contains(&known) {
        true => Some(known),
        false => before.first().copied(),
    };
    let total = wanted.len();
    progress(&format!("scanning {total} TCP ports of {address}"));

    let first = round(address, wanted, patience, IN_FLIGHT).await;
    let control = control.or(first.open.first().copied());
    let lost_early = lost(address, control).await;
    let mut rest = first.filtered.clone();
    rest.extend(&first.failed);
    progress(&format!("asking {} silent TCP ports of {address} again", rest.len()));
    let in_flight = if first.failed.is_empty() {
        IN_FLIGHT
    } else {
        FEWER_IN_FLIGHT
    };
    let second = round(address, rest, patience, in_flight).await;
    let control = control.or(second.open.first().copied());
    let lost = lost_early.or(lost(address, control).await);

    let transcript = vec![
        format!(
            ">> {total} connections, {} of them again; each waited for {} ms",
            first.filtered.len() + first.failed.len(),
            patience.as_millis()
        ),
        told(control, lost.as_deref()),
    ];
    let open: BTreeSet<u16> = first.open.into_iter().chain(second.open).collect();
    if let Some(why) = lost {
        let open: Vec<String> = open.iter().map(ToString::to_string).collect();
        let result = Seen::unknown(format!(
            "a port that was open took no connection any more, so that what looks closed may be closed to us alone: {why}; \
             found open: {}",
            open.join(", ")
        ));
        return Some(vantage.saw(transcript, result));
    }
    if let Some(why) = second.fault {
        let result = Seen::unknown(format!("{} ports could not be asked: {why}", second.failed.len()));
        return Some(vantage.saw(transcript, result));
    }
    let scan = PortScan {
        open,
        closed: ranges(first.closed.into_iter().chain(second.closed)),
        filtered: ranges(second.filtered.into_iter()),
        patience_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
    };
    Some(vantage.saw(transcript, Seen::Known(scan)))
}

/// How long to wait for one port: several round trips to a port that answers, else the longest. Also whether this one took
/// a connection.
async fn patience(known: SocketAddr) -> (Duration, bool) {
    let begun = Instant::now();
    let answer = reach::connect(known, reach::CONNECT).await;
    let patience = match &answer {
        Ok(_) | Err(ReachError::Refused(_)) => (begun.elapsed() * 5).clamp(SHORTEST, LONGEST),
        Err(_) => LONGEST / 3,
    };
    (patience, answer.is_ok())
}

/// Why the port that was open takes no connection any more; `None` where it does, or where none was open.
async fn lost(address: IpAddr, control: Option<u16>) -> Option<String> {
    let control = SocketAddr::new(address, control?);
    let mut why = None;
    for attempt in 0..CONTROL_TRIES {
        if attempt > 0 {
            sleep(CONTROL_PAUSE).await;
        }
        match reach::connect(control, reach::CONNECT).await {
            Ok(_) => return None,
            Err(error) => why = Some(error.to_string()),
        }
    }
    why
}

fn told(control: Option<u16>, lost: Option<&str>) -> String {
    match (control, lost) {
        (None, _) => "<< no port was open, so that none could be asked again".to_owned(),
        (Some(port), None) => format!(">> port {port} after each round; << open"),
        (Some(port), Some(why)) => format!(">> port {port} after each round; << {why}"),
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
            let before = BTreeSet::new();
            let seen = scan(loopback, "a.example", &plan, open, &before, &|_| ())
                .await
                .unwrap();
            let scan = seen.known().unwrap();
            assert_eq!(scan.state(open), Some(PortState::Open));
            assert_eq!(scan.state(closed), Some(PortState::Closed));
            assert_eq!(seen.from, Some(loopback));
        }
    }

    #[tokio::test]
    async fn a_scan_in_which_an_open_port_was_lost_is_unknown() {
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        let listener = tokio::net::TcpListener::bind((loopback, 0)).await.unwrap();
        let open = listener.local_addr().unwrap().port();
        let unused = tokio::net::TcpListener::bind((loopback, 0)).await.unwrap();
        let gone = unused.local_addr().unwrap().port();
        drop(unused);
        let plan = PortPlan::Only([open].into());
        let seen = scan(loopback, "a.example", &plan, gone, &[gone].into(), &|_| ()).await;
        let seen = seen.unwrap();
        let why = seen.known().unwrap_err();
        assert!(why.contains(&format!(":{gone} refused the connection")), "{why}");
        assert!(why.ends_with(&format!("found open: {open}")), "{why}");
        assert!(
            seen.transcript[1].contains(&format!("port {gone} after each round")),
            "{seen:?}"
        );
    }

    #[tokio::test]
    async fn where_nothing_was_ever_open_nothing_is_lost() {
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        let unused = tokio::net::TcpListener::bind((loopback, 0)).await.unwrap();
        let closed = unused.local_addr().unwrap().port();
        drop(unused);
        let plan = PortPlan::Only([closed].into());
        let seen = scan(loopback, "a.example", &plan, closed, &BTreeSet::new(), &|_| ()).await;
        assert_eq!(seen.unwrap().known().unwrap().state(closed), Some(PortState::Closed));
    }

    #[test]
    fn ports_become_ranges_up_to_the_last_one() {
        let found = ranges([65_535, 1, 2, 4, 65_534].into_iter());
        let ends: Vec<(u16, u16)> = found.iter().map(|range| (range.first, range.last)).collect();
        assert_eq!(ends, [(1, 2), (4, 4), (65_534, 65_535)]);
    }
}
