//! Exposure: what listens, what the firewall lets through, and what answers from outside.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::drift::from_drift;
use crate::plan::DriftKind;
use crate::plan::FIREWALL;
use crate::probe::ports::PortScan;
use crate::probe::stun::UdpAnswer;
use crate::render::Listener;
use crate::render::Scope;
use crate::render::Transport;
use crate::seen::Seen;

/// exposure/only-spec-listeners.
pub(crate) fn only_spec_listeners(case: &Case) -> Vec<Verdict> {
    let expected = "the spec's ports, on the spec's addresses";
    from_drift(
        case,
        "listeners",
        expected,
        |kind, _| kind == DriftKind::Listener,
        |host| {
            let count = host.wanted.listeners.len();
            (count > 0).then(|| format!("every listening socket compared with the {count} of the spec"))
        },
    )
}

/// exposure/firewall-in-force.
pub(crate) fn firewall_in_force(case: &Case) -> Vec<Verdict> {
    let expected = "the table in the kernel, on disk and as rendered agree";
    from_drift(
        case,
        "nft table inet anteroom",
        expected,
        |kind, subject| kind == DriftKind::Firewall || (kind == DriftKind::File && subject == FIREWALL),
        |host| {
            let rendered = host.wanted.tree.keys().any(|path| path.as_str() == FIREWALL);
            rendered.then(|| {
                "`nft list table inet anteroom` compared with the file on disk as a fresh kernel prints it, and that \
                 file with the rendered one"
                    .to_owned()
            })
        },
    )
}

/// exposure/only-spec-ports.
pub(crate) fn only_spec_ports(case: &Case) -> Vec<Verdict> {
    let expected = if case.spec.is_some() {
        "what answers is what the spec opens for this vantage point"
    } else {
        "nothing but 80, 443, 3478, 5349 (and 22 for admins) answers"
    };
    let sightings = match case.outside {
        Seen::Known(sightings) => sightings,
        Seen::Unknown(why) => return vec![case.unseen_outside("ports", expected, why)],
    };
    let mut verdicts = Vec::new();
    for sighting in &sightings.tcp {
        let evidence = case.sighted(sighting);
        verdicts.push(match &sighting.result {
            Seen::Unknown(why) => Verdict::unverified(&sighting.subject, expected, why, evidence),
            Seen::Known(scan) => {
                let (wrong, words) = compare(case, scan, sighting.from);
                let verdict = Verdict::holds(!wrong, &sighting.subject, expected, words, evidence);
                match unscanned(scan) {
                    0 => verdict,
                    _ if wrong => verdict,
                    left => verdict.doubted(&format!("{left} ports were not scanned")),
                }
            }
        });
    }
    for sighting in &sightings.udp {
        let evidence = case.sighted(sighting);
        verdicts.push(match &sighting.result {
            Seen::Unknown(why) => Verdict::unverified(&sighting.subject, expected, why, evidence),
            Seen::Known(answer) => {
                let port = sighting.to.map(|to| to.port()).unwrap_or_default();
                let (holds, words) = stun(port, answer);
                Verdict::holds(holds, &sighting.subject, expected, words, evidence)
            }
        });
    }
    for (scanned, what) in [
        (!sightings.tcp.is_empty(), "TCP ports"),
        (!sightings.udp.is_empty(), "UDP ports"),
    ] {
        if !scanned {
            let why = match sightings.addresses.known() {
                Ok(_) => "none was looked at",
                Err(why) => why,
            };
            verdicts.push(case.unseen_outside(what, expected, why));
        }
    }
    verdicts
}

/// The port that TURN answers on (RFC 8656 4), as rendered.
const TURN: u16 = 3478;

/// A videobridge is silent towards whoever it does not expect; TURN answers a binding request.
fn stun(port: u16, answer: &UdpAnswer) -> (bool, String) {
    match answer {
        UdpAnswer::Stun { software, .. } => {
            let named = software
                .as_deref()
                .map_or(String::new(), |name| format!(", naming itself {name:?}"));
            (port == TURN && software.is_none(), format!("answers STUN{named}"))
        }
        UdpAnswer::Other { length } => (false, format!("answers {length} bytes of something else")),
        UdpAnswer::Closed => (true, "nothing listens".to_owned()),
        UdpAnswer::Silent => (true, "silent: open to calls alone, or filtered".to_owned()),
    }
}

/// How many ports the scan left out.
fn unscanned(scan: &PortScan) -> usize {
    (1..=u16::MAX).filter(|port| scan.state(*port).is_none()).count()
}

/// Whether the address is in one of the spec's admin networks; `false` where nobody knows from where it was looked.
fn is_admin(case: &Case, from: Option<IpAddr>) -> bool {
    let cidrs = case
        .spec
        .map(|spec| spec.access.admin_cidrs.as_slice())
        .unwrap_or_default();
    from.is_some_and(|from| cidrs.iter().any(|cidr| cidr.contains(&from)))
}

/// Whether the scan, made from this address, differs from what is wanted, and how.
fn compare(case: &Case, scan: &PortScan, from: Option<IpAddr>) -> (bool, String) {
    let admin = is_admin(case, from);
    let (always, allowed): (BTreeSet<u16>, BTreeSet<u16>) = if case.spec.is_none() {
        (BTreeSet::from([443]), BTreeSet::from([22, 80, 443, TURN, 5349]))
    } else {
        let tcp = || {
            case.hosts
                .iter()
                .flat_map(|host| &host.wanted.listeners)
                .filter(|listener| listener.transport == Transport::Tcp)
                .filter(|listener| listener.scope == Scope::Public || (listener.scope == Scope::Admins && admin))
        };
        let always = tcp().filter(|listener| listener.always && listener.scope == Scope::Public);
        (always.flat_map(ports).collect(), tcp().flat_map(ports).collect())
    };
    let extra: BTreeSet<u16> = scan.open.difference(&allowed).copied().collect();
    let missing: BTreeSet<u16> = always.difference(&scan.open).copied().collect();
    let mut words = format!("open: {}", listed(&scan.open));
    if !extra.is_empty() {
        let whom = if admin { "for admins" } else { "for who is no admin" };
        words.push_str(&format!("; not in the spec {whom}: {}", listed(&extra)));
    }
    if !missing.is_empty() {
        words.push_str(&format!("; does not answer: {}", listed(&missing)));
    }
    (!extra.is_empty() || !missing.is_empty(), words)
}

fn ports(listener: &Listener) -> std::ops::RangeInclusive<u16> {
    listener.port..=listener.last_port
}

fn listed(ports: &BTreeSet<u16>) -> String {
    if ports.is_empty() {
        return "none".to_owned();
    }
    ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
