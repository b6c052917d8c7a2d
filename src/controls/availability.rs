//! Availability: whether patients' computers find the server and reach its media port.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::controls::access::one;
use crate::controls::doors::each_view;
use crate::plan::Ours;
use crate::plan::Pointing;
use crate::plan::ours;
use crate::plan::pointing;
use crate::probe::Names;
use crate::probe::Sighting;
use crate::probe::Sightings;
use crate::probe::stun::UdpAnswer;
use crate::probe::xmpp::burst::Burst;
use crate::seen::Seen;
use crate::spec::HostSpec;
use crate::spec::Role;

/// The bridge's port for media, as rendered.
const MEDIA: u16 = 10_000;
/// TURN's port, which answers strangers and so tells whether UDP gets through at all.
const TURN: u16 = 3478;

/// availability/domain-points-here.
pub(crate) fn domain_points_here(case: &Case) -> Vec<Verdict> {
    let expected = "every address of the domain is the core host's";
    let Some(spec) = case.spec else { return Vec::new() };
    let subject = format!("dns://{}", case.domain);
    let names = match case.outside {
        Seen::Known(sightings) => &sightings.names,
        Seen::Unknown(why) => return vec![case.unseen_outside("DNS", expected, why)],
    };
    if case.is_test() {
        let evidence = case.in_spec("environment = \"test\"");
        let why = "the domain of a test need not resolve";
        return vec![Verdict::not_applicable(subject, expected, why, evidence)];
    }
    let cores: Vec<&HostSpec> = spec
        .hosts
        .iter()
        .filter(|host| host.roles.contains(&Role::Core))
        .collect();
    let ours = of_all(case, &cores);
    let (list, reverse) = (spelled(&ours.addresses), reverse(names));
    let found = names.domain.known().map_or_else(str::to_owned, spelled);
    let evidence = case.outside_evidence(format!(
        "this computer's resolver for {}: {found}; {reverse}",
        case.domain
    ));
    let expected = format!("{expected}: {list}");
    vec![match pointing(&names.domain, &ours) {
        Pointing::Here => Verdict::pass(subject, &expected, format!("{found}; {reverse}"), evidence),
        Pointing::Nowhere => Verdict::fail(subject, &expected, "the domain has no address", evidence),
        Pointing::Elsewhere(others) => {
            let observed = format!("{} is not this deployment's", spelled(&others));
            Verdict::fail(subject, &expected, observed, evidence)
        }
        Pointing::Unseen(why) => Verdict::unverified(subject, &expected, &why, evidence),
    }]
}

/// The addresses of all core hosts.
fn of_all(case: &Case, cores: &[&HostSpec]) -> Ours {
    let mut all = Ours {
        addresses: BTreeSet::new(),
        unseen: None,
    };
    for host in cores {
        let facts = case
            .hosts
            .iter()
            .find(|seen| seen.wanted.host == host.name)
            .map(|seen| &seen.facts);
        match facts {
            Some(Seen::Known(facts)) => {
                let one = ours(host, facts);
                all.addresses.extend(one.addresses);
                all.unseen = all.unseen.or(one.unseen);
            }
            Some(Seen::Unknown(why)) => all.unseen = Some(why.clone()),
            None => all.unseen = Some(format!("{} was not looked at", host.name)),
        }
    }
    all
}

/// What the addresses are called: no name is wrong, but a stranger's name often tells of a mix-up.
fn reverse(names: &Names) -> String {
    let named = names.reverse.iter().map(|(address, found)| match found {
        Seen::Known(found) if found.is_empty() => format!("{address} has no name"),
        Seen::Known(found) => format!("{address} is named {}", found.join(", ")),
        Seen::Unknown(why) => format!("the name of {address} is not known ({why})"),
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() {
        "no address was looked up".to_owned()
    } else {
        named.join("; ")
    }
}

fn spelled<'a>(addresses: impl IntoIterator<Item = &'a IpAddr>) -> String {
    let list: Vec<String> = addresses.into_iter().map(ToString::to_string).collect();
    list.join(", ")
}

/// availability/media-path. A bridge answers no stranger, so the host's own counter tells what arrived.
pub(crate) fn media_path(case: &Case) -> Vec<Verdict> {
    let expected = "what this computer sends to the media port arrives at the host";
    let sightings = match case.outside {
        Seen::Known(sightings) => sightings,
        Seen::Unknown(why) => return vec![case.unseen_outside("the media port", expected, why)],
    };
    let asked: Vec<&Sighting<UdpAnswer>> = at_port(sightings, MEDIA).collect();
    if asked.is_empty() {
        return vec![case.unseen_outside("the media port", expected, "nothing was sent to it")];
    }
    let mut verdicts = Vec::new();
    for sighting in asked {
        let evidence = case.sighted(sighting);
        match &sighting.result {
            Seen::Unknown(why) => verdicts.push(Verdict::unverified(&sighting.subject, expected, why, evidence)),
            Seen::Known(UdpAnswer::Closed) => {
                let observed = "refused: nothing listens, or a firewall before the host refuses it";
                verdicts.push(Verdict::fail(&sighting.subject, expected, observed, evidence));
            }
            Seen::Known(_) => {
                let turn_answers =
                    at_port(sightings, TURN).any(|turn| matches!(turn.result, Seen::Known(UdpAnswer::Stun { .. })));
                let bridges = case.hosts.iter().filter(|host| has_bridge(host));
                verdicts.extend(bridges.map(|host| arrived(case, host, sighting, turn_answers, expected)));
            }
        }
    }
    verdicts
}

/// availability/rate-limited.
///
/// A burst is no harmless look, so that it is made only when asked for. Not having been asked for is no failed look: the
/// control is then outside of the run, which `not_applicable` says with that reason; the limits as they stand in the
/// files are judged by integrity/policy-in-force in every run.
pub(crate) fn rate_limited(case: &Case) -> Vec<Verdict> {
    let expected = "who knocks too often is turned away";
    let asked = |sightings: &Sightings| sightings.xmpp.iter().any(|view| view.burst.is_some());
    if matches!(case.outside, Seen::Known(sightings) if !asked(sightings)) {
        let evidence = case.outside_evidence("no burst was made");
        let why = "not looked at: it takes a burst of requests, which `--burst` asks for";
        return vec![Verdict::not_applicable("rate limits", expected, why, evidence)];
    }
    each_view(case, "rate limits", expected, |view| match &view.burst {
        Some(burst) => one(case, burst, expected, |seen| matches!(seen, Burst::Limited { .. })),
        None => vec![case.unseen_outside("rate limits", expected, "no burst was made at one address")],
    })
}

fn at_port(sightings: &Sightings, port: u16) -> impl Iterator<Item = &Sighting<UdpAnswer>> {
    sightings
        .udp
        .iter()
        .filter(move |sighting| sighting.to.is_some_and(|to| to.port() == port))
}

fn has_bridge(host: &HostCase) -> bool {
    host.wanted.listeners.iter().any(|listener| listener.port == MEDIA)
}

fn arrived(
    case: &Case,
    host: &HostCase,
    sighting: &Sighting<UdpAnswer>,
    turn_answers: bool,
    expected: &str,
) -> Verdict {
    let subject = host.subject(&format!("udp/{MEDIA}"));
    let before = host.facts.known().map(|facts| facts.media_packets.known());
    let (before, after) = match (before, host.after.media_packets.known()) {
        (Ok(Ok(Some(before))), Ok(Some(after))) if after >= before => (before, after),
        (Ok(Ok(Some(_))), Ok(Some(_))) => {
            let why = "the host's counter began anew in between";
            return Verdict::unverified(subject, expected, why, case.sighted(sighting));
        }
        (Err(why), _) | (_, Err(why)) | (Ok(Err(why)), _) => {
            return Verdict::unverified(subject, expected, why, case.sighted(sighting));
        }
        (Ok(Ok(None)), _) | (_, Ok(None)) => {
            let why = "the host's firewall does not count what arrives";
            return Verdict::unverified(subject, expected, why, case.sighted(sighting));
        }
    };
    let count = after - before;
    let evidence = case.on_host(host, format!("the firewall's counter went from {before} to {after}"));
    let verdict = match (count, turn_answers) {
        (1.., _) => Verdict::pass(subject, expected, format!("{count} new datagrams came in"), evidence),
        (0, true) => {
            let observed = "nothing came in, though UDP reaches TURN: a firewall or security group before the host drops \
                            udp/10000";
            Verdict::fail(subject, expected, observed, evidence)
        }
        (0, false) => {
            let why = "nothing came in, nor does TURN answer by UDP: this computer's own network may block UDP, or a \
                       firewall or security group before the host";
            Verdict::unverified(subject, expected, why, evidence)
        }
    };
    verdict.and(case.sighted(sighting))
}
