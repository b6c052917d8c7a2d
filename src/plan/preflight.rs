//! What a build would stumble over, judged before anything is touched: ports that somebody else holds, a clock that is
//! wrong, a domain that leads elsewhere.

use std::net::IpAddr;

use crate::facts::HostFacts;
use crate::facts::ahead;
use crate::plan::drift::holders;
use crate::plan::drift::not_its_own;
use crate::plan::drift::transport;
use crate::plan::package;
use crate::plan::pointing::Pointing;
use crate::plan::pointing::ours;
use crate::plan::pointing::pointing;
use crate::render::Wanted;
use crate::seen::Seen;
use crate::spec::DnsCheck;
use crate::spec::Role;
use crate::spec::Spec;

/// How far two clocks may be apart, in seconds. Room tokens live for minutes, and Kerberos draws the same line (RFC 4120).
pub const CLOCK_TOLERANCE: i64 = 300;

/// One thing in the way of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What is wrong, as a whole sentence that names the host or the domain.
    pub what: String,
    /// What to do.
    pub remedy: String,
    /// Whether anything may be changed before that is done.
    pub weight: Weight,
}

/// What an obstacle means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Nothing is changed.
    Refuses,
    /// It is said, and the build goes on.
    Warns,
}

/// Everything in the way of a build of one host. `resolved`: the domain's addresses as the operator's computer finds
/// them.
pub fn preflight(spec: &Spec, wanted: &Wanted, facts: &HostFacts, resolved: &Seen<Vec<IpAddr>>) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    ports(wanted, facts, &mut obstacles);
    clock(wanted, facts, &mut obstacles);
    obstacles.extend(domain(spec, wanted, facts, resolved));
    obstacles
}

/// Sockets that we want and that are not our services' own.
fn ports(wanted: &Wanted, facts: &HostFacts, obstacles: &mut Vec<Obstacle>) {
    let host = &wanted.host;
    let seen = match facts.listeners.known() {
        Ok(seen) => seen,
        Err(why) => {
            // `ss` comes with iproute2, which the build itself installs.
            let weight = if package::missing(wanted, facts, "iproute2") {
                Weight::Warns
            } else {
                Weight::Refuses
            };
            return obstacles.push(Obstacle {
                what: format!("whether other programs hold our ports on {host} could not be seen ({why})"),
                remedy: "run it again; if it stays, see on the host why `ss -lntup` fails".to_owned(),
                weight,
            });
        }
    };
    let mut told = Vec::new();
    for listener in wanted.listeners.iter().filter(|listener| listener.always) {
        for socket in seen.iter().filter(|socket| not_its_own(listener, socket)) {
            let port = format!("{}/{}", transport(socket.transport), socket.port);
            let by = holders(socket);
            if told.contains(&(port.clone(), by.clone())) {
                continue;
            }
            let remedy = match socket.units.first() {
                Some(unit) => format!(
                    "if nobody needs it, `systemctl disable --now {unit}` on {host}; else give this deployment a host of its own"
                ),
                None => format!(
                    "stop that program on {host} and whatever starts it, or give this deployment a host of its own"
                ),
            };
            obstacles.push(Obstacle {
                what: format!("{port} on {host}, which {} needs, is held by {by}", listener.unit),
                remedy,
                weight: Weight::Refuses,
            });
            told.push((port, by));
        }
    }
}

fn clock(wanted: &Wanted, facts: &HostFacts, obstacles: &mut Vec<Obstacle>) {
    let host = &wanted.host;
    let remedy = format!(
        "see with `date -u` here and on {host} which of the two is wrong; `timedatectl set-ntp true` makes a host follow \
         the network's time"
    );
    let (what, weight) = match ahead(facts) {
        Seen::Known(ahead) if ahead.surely_within(CLOCK_TOLERANCE) => return,
        Seen::Known(ahead) => {
            let weight = if ahead.surely_beyond(CLOCK_TOLERANCE) {
                Weight::Refuses
            } else {
                Weight::Warns
            };
            let effect = "tokens, certificates and TURN credentials would be judged by the wrong time";
            (format!("the clock of {host} is {}; {effect}", ahead.words()), weight)
        }
        Seen::Unknown(why) => (
            format!("the clock of {host} could not be read ({why})"),
            Weight::Refuses,
        ),
    };
    obstacles.push(Obstacle { what, remedy, weight });
}

/// The domain has to lead to the core host: the site, the token issuer and the certificate are all there.
fn domain(spec: &Spec, wanted: &Wanted, facts: &HostFacts, resolved: &Seen<Vec<IpAddr>>) -> Option<Obstacle> {
    let host = spec.hosts.iter().find(|host| host.name == wanted.host)?;
    if !host.roles.contains(&Role::Core) {
        return None;
    }
    let domain = &spec.deployment.domain;
    let ours = ours(host, facts);
    let here = || {
        let list: Vec<String> = ours.addresses.iter().map(ToString::to_string).collect();
        if list.is_empty() {
            "an unknown address".to_owned()
        } else {
            list.join(", ")
        }
    };
    let what = match pointing(resolved, &ours) {
        Pointing::Here => return None,
        Pointing::Nowhere => format!("{domain} has no address in DNS"),
        Pointing::Elsewhere(others) => {
            let others: Vec<String> = others.iter().map(ToString::to_string).collect();
            format!(
                "{domain} leads to {}, and {} is at {}",
                others.join(", "),
                host.name,
                here()
            )
        }
        Pointing::Unseen(why) => format!("whether {domain} leads to {} could not be seen ({why})", host.name),
    };
    let weight = match spec.dns.check {
        DnsCheck::Refuse => Weight::Refuses,
        DnsCheck::Warn => Weight::Warns,
    };
    let way_on = match weight {
        Weight::Refuses => "; to deploy before DNS is set, write `[dns]` with `check = \"warn\"`",
        Weight::Warns => "",
    };
    Some(Obstacle {
        what,
        remedy: format!(
            "set its A (and AAAA) record to {}, or `public_address` of {} to the address that clients reach it at{way_on}",
            here(),
            host.name
        ),
        weight,
    })
}
