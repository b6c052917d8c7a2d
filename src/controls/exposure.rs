//! Exposure: what listens, what the firewall lets through, and what answers from outside.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::access::one;
use crate::controls::case::no_address;
use crate::controls::doors::each_door;
use crate::controls::doors::each_view;
use crate::controls::drift::from_drift;
use crate::plan::DriftKind;
use crate::plan::FIREWALL;
use crate::probe::Sighting;
use crate::probe::inside::Knock;
use crate::probe::inside::Likeness;
use crate::probe::inside::PathAnswer;
use crate::probe::inside::PortAnswer;
use crate::probe::ports::PortScan;
use crate::probe::stun::UdpAnswer;
use crate::probe::xmpp::foreign::Foreign;
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

/// exposure/firewall-in-force. That the file on disk is the rendered one is judged with all files.
pub(crate) fn firewall_in_force(case: &Case) -> Vec<Verdict> {
    let expected = "the table in the kernel is the one on disk";
    from_drift(
        case,
        "nft table inet anteroom",
        expected,
        |kind, _| kind == DriftKind::Firewall,
        |host| {
            let rendered = host.wanted.tree.keys().any(|path| path.as_str() == FIREWALL);
            rendered.then(|| {
                "`nft list table inet anteroom` compared with the file on disk as a fresh kernel prints it".to_owned()
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
                    left => verdict.doubted(&format!("{left} ports were not scanned")),
                }
            }
        });
    }
    if sightings.tcp.is_empty() {
        let why = match sightings.addresses.known() {
            Ok(_) => "none was looked at",
            Err(why) => why,
        };
        verdicts.push(case.unseen_outside("TCP ports", expected, why));
    }
    verdicts
}

/// exposure/only-spec-udp. What is silent may be there: this control says what answered, and never that nothing is there.
pub(crate) fn only_spec_udp(case: &Case) -> Vec<Verdict> {
    let expected = "no known UDP service answers a request in its protocol, but for STUN on the relay's port";
    let sightings = match case.outside {
        Seen::Known(sightings) => sightings,
        Seen::Unknown(why) => return vec![case.unseen_outside("UDP services", expected, why)],
    };
    let mut verdicts = Vec::new();
    let mut by_address: BTreeMap<IpAddr, Vec<&Sighting<UdpAnswer>>> = BTreeMap::new();
    for sighting in &sightings.udp {
        match (&sighting.result, sighting.to) {
            (Seen::Unknown(why), _) => {
                let evidence = case.sighted(sighting);
                verdicts.push(Verdict::unverified(&sighting.subject, expected, why, evidence));
            }
            (Seen::Known(answer), Some(to)) => match unwanted(case, to.port(), answer) {
                Some(observed) => {
                    let evidence = case.sighted(sighting);
                    verdicts.push(Verdict::fail(&sighting.subject, expected, observed, evidence));
                }
                None => by_address.entry(to.ip()).or_default().push(sighting),
            },
            (Seen::Known(_), None) => {}
        }
    }
    let rest = by_address.iter();
    verdicts.extend(rest.map(|(address, asked)| quiet(case, *address, asked, expected)));
    if verdicts.is_empty() {
        let why = match sightings.addresses.known() {
            Ok(_) => "none was asked",
            Err(why) => why,
        };
        verdicts.push(case.unseen_outside("UDP services", expected, why));
    }
    verdicts
}

/// The ports of server-to-server XMPP (RFC 6120 14.7, XEP-0368).
const FEDERATION: [u16; 2] = [5269, 5270];

/// exposure/no-federation.
pub(crate) fn no_federation(case: &Case) -> Vec<Verdict> {
    let expected = "no port for other servers, and nothing is carried to one";
    let refused = |seen: &Foreign| matches!(seen, Foreign::NotCarried(_));
    let mut verdicts = each_door(case, expected, |door| one(case, &door.guest.foreign, expected, refused));
    // Guests are held back by more than the missing module, so that a host's question tells more.
    verdicts.extend(each_view(
        case,
        "a clinician's question to a foreign server",
        expected,
        |view| match &view.clinician {
            Some(seen) => one(case, &seen.foreign, expected, refused),
            None => {
                let why = "there were no clinician's credentials";
                vec![case.unseen_outside("a clinician's question to a foreign server", expected, why)]
            }
        },
    ));
    let Seen::Known(sightings) = case.outside else {
        return verdicts;
    };
    for sighting in &sightings.tcp {
        let evidence = case.sighted(sighting);
        let subject = format!("{} of other XMPP servers", sighting.subject);
        verdicts.push(match &sighting.result {
            Seen::Unknown(why) => Verdict::unverified(subject, expected, why, evidence),
            Seen::Known(scan) => {
                let open: BTreeSet<u16> = FEDERATION.into_iter().filter(|port| scan.open.contains(port)).collect();
                let left = FEDERATION
                    .into_iter()
                    .filter(|port| scan.state(*port).is_none())
                    .count();
                let verdict = Verdict::holds(
                    open.is_empty(),
                    subject,
                    expected,
                    format!("open: {}", listed(&open)),
                    evidence,
                );
                match left {
                    0 => verdict,
                    _ => verdict.doubted("not both ports were scanned"),
                }
            }
        });
    }
    if sightings.tcp.is_empty() {
        verdicts.push(case.unseen_outside("ports of other XMPP servers", expected, "no port was scanned"));
    }
    verdicts
}

/// The port that TURN answers on (RFC 8656 4), as rendered.
const TURN: u16 = 3478;

/// What is wrong with an answer; `None` for what may be. A videobridge is silent towards whoever it does not expect; TURN
/// answers a binding request.
fn unwanted(case: &Case, port: u16, answer: &UdpAnswer) -> Option<String> {
    match answer {
        UdpAnswer::Stun { .. } if port == TURN => None,
        UdpAnswer::Stun { .. } => Some("answers STUN".to_owned()),
        UdpAnswer::Other { length } => Some(format!("answers {length} bytes")),
        UdpAnswer::Closed if port == TURN && case.spec.is_some() => {
            Some("nothing listens, where the spec has the relay".to_owned())
        }
        UdpAnswer::Closed | UdpAnswer::Silent => None,
    }
}

/// The word on what did not answer at one address. That it was asked at all is shown by what did answer there.
fn quiet(case: &Case, address: IpAddr, asked: &[&Sighting<UdpAnswer>], expected: &str) -> Verdict {
    let named = |wanted: fn(&UdpAnswer) -> bool| {
        let those = asked.iter().filter(|one| one.known().is_ok_and(wanted));
        let names = those.map(|one| {
            one.subject
                .rsplit_once(':')
                .map_or(one.subject.as_str(), |(_, port)| port)
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let answers = named(|answer| matches!(answer, UdpAnswer::Stun { .. }));
    let closed = named(|answer| *answer == UdpAnswer::Closed);
    let silent = named(|answer| *answer == UdpAnswer::Silent);
    let subject = format!("udp://{address} services");
    let evidence = case.outside_evidence(format!(
        "asked {} times in their protocols at {address}; STUN answered at: {answers}; nothing listens at: {closed}; no \
         answer from: {silent}",
        asked.len()
    ));
    if answers.is_empty() && closed.is_empty() {
        let why = "nothing at all came back by UDP, so that this computer's own network may drop it";
        return Verdict::unverified(subject, expected, why, evidence);
    }
    let mut words = Vec::new();
    for (what, list) in [
        ("answers STUN", answers),
        ("nothing listens", closed),
        ("no answer", silent),
    ] {
        if !list.is_empty() {
            words.push(format!("{what}: {list}"));
        }
    }
    Verdict::pass(subject, expected, words.join("; "), evidence)
}

/// exposure/internal-endpoints-closed.
pub(crate) fn internal_endpoints_closed(case: &Case) -> Vec<Verdict> {
    let expected = "no internal endpoint answers, through the site or directly";
    let sightings = match case.outside {
        Seen::Known(sightings) => sightings,
        Seen::Unknown(why) => return vec![case.unseen_outside("internal endpoints", expected, why)],
    };
    if sightings.inside.is_empty() {
        let why = no_address(sightings);
        return vec![case.unseen_outside("internal endpoints", expected, &why)];
    }
    let both = sightings.inside.iter().flat_map(|view| {
        [
            through_site(case, &view.through_site, expected),
            direct(case, &view.direct, expected),
        ]
    });
    both.collect()
}

fn through_site(case: &Case, seen: &Sighting<Vec<PathAnswer>>, expected: &str) -> Verdict {
    let (mut open, mut unsure) = (Vec::new(), Vec::new());
    let answers = match seen.known() {
        Ok(answers) => answers,
        Err(why) => return Verdict::unverified(&seen.subject, expected, why, case.sighted(seen)),
    };
    for PathAnswer { path, answer } in answers {
        match answer {
            Seen::Unknown(why) => unsure.push(format!("{path}: {why}")),
            Seen::Known(answer) if answer.likeness == Likeness::AsMadeUp => {}
            Seen::Known(answer) => match answer.status {
                // A method that is not allowed is the word of a program behind the site.
                200..=299 | 405 => open.push(format!("{path} ({})", answer.status)),
                500.. => unsure.push(format!("{path} is passed on, and answered by {}", answer.status)),
                _ => {}
            },
        }
    }
    told(
        case,
        seen,
        expected,
        (open, unsure),
        format!("{} paths get what any path gets, or a no", answers.len()),
    )
}

fn direct(case: &Case, seen: &Sighting<Vec<PortAnswer>>, expected: &str) -> Verdict {
    let (mut open, mut unsure) = (Vec::new(), Vec::new());
    let answers = match seen.known() {
        Ok(answers) => answers,
        Err(why) => return Verdict::unverified(&seen.subject, expected, why, case.sighted(seen)),
    };
    for PortAnswer { port, what, answer } in answers {
        match answer {
            _ if case.expects_port(*port) => {}
            Seen::Unknown(why) => unsure.push(format!("{port}: {why}")),
            Seen::Known(Knock::Shut) => {}
            Seen::Known(Knock::Answered(line)) => open.push(format!("{port}, {what} ({line:?})")),
            Seen::Known(Knock::Mute) => unsure.push(format!("{port}, {what}: accepts connections and says nothing")),
        }
    }
    told(
        case,
        seen,
        expected,
        (open, unsure),
        format!("{} ports take no connection", answers.len()),
    )
}

fn told<T>(
    case: &Case,
    seen: &Sighting<T>,
    expected: &str,
    (open, unsure): (Vec<String>, Vec<String>),
    closed: String,
) -> Verdict {
    let evidence = case.sighted(seen);
    match (open.is_empty(), unsure.is_empty()) {
        (false, _) => Verdict::fail(
            &seen.subject,
            expected,
            format!("answers: {}", open.join(", ")),
            evidence,
        ),
        (true, false) => Verdict::unverified(&seen.subject, expected, &unsure.join("; "), evidence),
        (true, true) => Verdict::pass(&seen.subject, expected, closed, evidence),
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
