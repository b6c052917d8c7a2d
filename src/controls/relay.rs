//! The relay (TURN): whom it lets in, whom it carries to, how long its credentials last, and what it tells of itself.

use jiff::SignedDuration;

use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::case::no_address;
use crate::controls::relay_peers::denied;
use crate::controls::relay_peers::granted;
use crate::controls::relay_peers::peers_closed;
use crate::probe::Sighting;
use crate::probe::stun::UdpAnswer;
use crate::probe::turn::client::Denial;
use crate::probe::turn::view::Allocation;
use crate::probe::turn::view::HolderView;
use crate::probe::turn::view::Peers;
use crate::probe::turn::view::Reach;
use crate::probe::turn::view::RelayView;
use crate::probe::turn::wire::Door;
use crate::probe::xmpp::relays::RelayService;
use crate::render::Scope;
use crate::render::Transport;
use crate::seen::Seen;

/// Longest life of a credential: the policy's two hours, and a minute for clocks and the way.
const LIFE: SignedDuration = SignedDuration::from_mins(121);

/// The codes by which a relay says that a credential is missing or wrong (RFC 8656 16, RFC 8489 14.8).
const NOT_YOU: [u16; 3] = [401, 403, 441];

/// exposure/relay-needs-credentials.
pub(crate) fn relay_needs_credentials(case: &Case) -> Vec<Verdict> {
    let expected = "no relay without a credential, nor with a made-up one";
    each_door(case, "the relay's login", expected, |view| {
        let both = [&view.stranger, &view.made_up].into_iter();
        let both = both.map(|seen| {
            let verdict = refused(case, seen, expected);
            match honest(view) {
                Err(why) => verdict.doubted(&format!(
                    "no honest credential was seen to be taken here ({why}), so a refusal may mean that nothing works"
                )),
                Ok(_) => verdict,
            }
        });
        both.collect()
    })
}

/// access/relay-credentials-end. Only who knows the secret can make a credential that has ended.
pub(crate) fn relay_credentials_end(case: &Case) -> Vec<Verdict> {
    if case.spec.is_none() {
        return Vec::new();
    }
    let expected = "a credential that ended an hour ago is refused, one of the same secret that has not is taken";
    each_door(case, "ended relay credentials", expected, |view| {
        let verdict = refused(case, &view.ended, expected);
        let verdict = match &view.signed.result {
            Seen::Known(Allocation::Granted { .. }) => verdict,
            Seen::Known(other) => verdict.doubted(&format!("nor is the lasting one taken: {}", words(other))),
            Seen::Unknown(why) => verdict.doubted(&format!("the lasting one was not seen to be taken: {why}")),
        };
        vec![verdict.and(case.sighted(&view.signed))]
    })
}

/// access/relay-credentials-short-lived.
pub(crate) fn relay_credentials_short_lived(case: &Case) -> Vec<Verdict> {
    let expected = "every credential that is handed out ends within two hours";
    let what = "relay credentials";
    let sightings = match case.outside {
        Seen::Known(sightings) => sightings,
        Seen::Unknown(why) => return vec![case.unseen_outside(what, expected, why)],
    };
    let handed: Vec<&Sighting<Vec<RelayService>>> = sightings
        .xmpp
        .iter()
        .flat_map(|view| {
            let guests = view.doors.iter().map(|door| &door.guest.relays);
            guests.chain(view.clinician.iter().map(|clinician| &clinician.relays))
        })
        .collect();
    if handed.is_empty() {
        return vec![case.unseen_outside(what, expected, &no_address(sightings))];
    }
    handed
        .into_iter()
        .map(|handed| short_lived(case, handed, expected))
        .collect()
}

fn short_lived(case: &Case, handed: &Sighting<Vec<RelayService>>, expected: &str) -> Verdict {
    let evidence = case.sighted(handed);
    let services = match &handed.result {
        Seen::Unknown(why) => return Verdict::unverified(&handed.subject, expected, why, evidence),
        Seen::Known(services) => services,
    };
    let with_credentials: Vec<&RelayService> = services.iter().filter(|service| service.user.is_some()).collect();
    if with_credentials.is_empty() {
        let why = "none is handed out";
        return match case.spec {
            Some(_) => Verdict::unverified(&handed.subject, expected, why, evidence),
            None => Verdict::not_applicable(&handed.subject, expected, why, evidence),
        };
    }
    let (mut long, mut told) = (false, Vec::new());
    for service in with_credentials {
        let place = format!("{}:{}", service.kind, service.host);
        match service.end() {
            None => {
                long = true;
                told.push(format!("{place} has one that names no end"));
            }
            Some(end) => {
                let life = end.duration_since(handed.at);
                long |= life > LIFE;
                told.push(format!("{place} has one for {} minutes", life.as_mins()));
            }
        }
    }
    Verdict::holds(!long, &handed.subject, expected, told.join("; "), evidence)
}

/// exposure/relay-peers-closed.
pub(crate) fn relay_peers_closed(case: &Case) -> Vec<Verdict> {
    let expected =
        "every peer in a network that is no part of the internet is refused (403), and one that is permitted is not";
    each_door(case, "the relay's peers", expected, |view| {
        vec![with_holder(case, view, expected, |holder| {
            peers_closed(case, view, holder, expected)
        })]
    })
}

/// exposure/relay-serves-bridge-only.
pub(crate) fn relay_serves_bridge_only(case: &Case) -> Vec<Verdict> {
    let expected = "the bridge's address is permitted, a stranger's is refused";
    let Some(spec) = case.spec else { return Vec::new() };
    let rows = case.hosts.iter().flat_map(|host| &host.wanted.settings);
    let named = rows.into_iter().any(|row| row.key == "allowed-peer-ip");
    if !named && !case.hosts.is_empty() && case.outside.known().is_ok() {
        let why = "the spec names no address of the bridge, so the relay may carry to any public one";
        let evidence = case.in_spec("[[host]] has no public_address and no private_address");
        let subject = spec.deployment.domain.to_string();
        return vec![Verdict::not_applicable(subject, expected, why, evidence)];
    }
    each_door(case, "the relay's permitted peers", expected, |view| {
        vec![with_holder(case, view, expected, |holder| {
            bridge_only(case, view, holder, expected)
        })]
    })
}

fn bridge_only(case: &Case, view: &RelayView, holder: &HolderView, expected: &str) -> Verdict {
    let subject = subject(view, "permitted peers");
    let evidence = case.sighted(&holder.v4);
    let families: Vec<&Peers> = [&holder.v4, &holder.v6]
        .into_iter()
        .filter_map(|family| match family.known() {
            Ok(Reach::Peers(peers)) => Some(peers),
            _ => None,
        })
        .collect();
    let open: Vec<String> = families
        .iter()
        .filter(|peers| granted(&peers.elsewhere))
        .map(|peers| format!("{} ({})", peers.elsewhere.peer, peers.elsewhere.what))
        .collect();
    if !open.is_empty() {
        let observed = format!("it carries to {}", open.join(" and to "));
        return Verdict::fail(subject, expected, observed, evidence);
    }
    let own = families
        .iter()
        .flat_map(|peers| &peers.own)
        .find(|tried| granted(tried));
    let refused = families.iter().all(|peers| denied(&peers.elsewhere));
    match own {
        Some(own) if refused => {
            let observed = format!("{} is permitted, strangers are refused", own.peer);
            Verdict::pass(subject, expected, observed, evidence)
        }
        Some(_) => Verdict::unverified(
            subject,
            expected,
            "its word on a stranger's address is not known",
            evidence,
        ),
        None => Verdict::unverified(
            subject,
            expected,
            "it permits none of the deployment's own addresses",
            evidence,
        ),
    }
}

/// leakage/relay-version-hidden.
pub(crate) fn relay_version_hidden(case: &Case) -> Vec<Verdict> {
    let expected = "no answer names the program";
    let mut verdicts = each_door(case, "the relay's name", expected, |view| {
        let seen = &view.software;
        let evidence = case.sighted(seen);
        vec![match &seen.result {
            Seen::Unknown(why) => Verdict::unverified(&seen.subject, expected, why, evidence),
            Seen::Known(None) => Verdict::pass(&seen.subject, expected, "unnamed", evidence),
            Seen::Known(Some(name)) => {
                Verdict::fail(&seen.subject, expected, format!("it names itself {name:?}"), evidence)
            }
        }]
    });
    // A STUN server that is no relay names itself too.
    for asked in case.outside.known().iter().flat_map(|sightings| &sightings.udp) {
        if let Seen::Known(UdpAnswer::Stun {
            software: Some(name), ..
        }) = &asked.result
        {
            let observed = format!("it names itself {name:?}");
            verdicts.push(Verdict::fail(&asked.subject, expected, observed, case.sighted(asked)));
        }
    }
    verdicts
}

/// Judges every door of the relay behind which something is, or should be.
fn each_door(case: &Case, what: &str, expected: &str, judge: impl Fn(&RelayView) -> Vec<Verdict>) -> Vec<Verdict> {
    let sightings = match case.outside {
        Seen::Known(sightings) => sightings,
        Seen::Unknown(why) => return vec![case.unseen_outside(what, expected, why)],
    };
    if sightings.relays.is_empty() {
        let why = match sightings.addresses.known() {
            Ok(_) => "no door of a relay was looked at",
            Err(why) => why,
        };
        return vec![case.unseen_outside(what, expected, why)];
    }
    let mut verdicts = Vec::new();
    for view in &sightings.relays {
        match view.stranger.known() {
            Ok(Allocation::Absent(_)) if !is_wanted(case, view) => {}
            Ok(Allocation::Absent(why)) => {
                let evidence = case.sighted(&view.stranger);
                verdicts.push(Verdict::unverified(subject(view, what), expected, why, evidence));
            }
            _ => verdicts.extend(judge(view)),
        }
    }
    if verdicts.is_empty() {
        let why = "the server has no relay";
        let evidence = case.outside_evidence("nothing listens on any port of a relay");
        verdicts.push(Verdict::not_applicable(case.domain.as_str(), expected, why, evidence));
    }
    verdicts
}

/// Whether the spec has a relay behind this door.
fn is_wanted(case: &Case, view: &RelayView) -> bool {
    let transport = match view.door {
        Door::Udp => Transport::Udp,
        Door::Tcp | Door::Tls => Transport::Tcp,
    };
    let mut listeners = case.hosts.iter().flat_map(|host| &host.wanted.listeners);
    listeners.any(|listener| {
        listener.always
            && listener.scope == Scope::Public
            && listener.transport == transport
            && (listener.port..=listener.last_port).contains(&view.address.port())
    })
}

fn with_holder(case: &Case, view: &RelayView, expected: &str, judge: impl Fn(&HolderView) -> Verdict) -> Verdict {
    match &view.holder {
        Seen::Known(holder) => judge(holder),
        Seen::Unknown(why) => Verdict::unverified(subject(view, "peers"), expected, why, case.sighted(&view.stranger)),
    }
}

/// What was judged behind a door.
pub(super) fn subject(view: &RelayView, what: &str) -> String {
    format!("{}://{} {what}", view.door.scheme(), view.address)
}

/// Whether an honest credential was taken behind this door.
fn honest(view: &RelayView) -> Result<(), String> {
    let holder = view.holder.known().map_err(str::to_owned)?;
    match holder.v4.known()? {
        Reach::Peers(_) => Ok(()),
        Reach::Refused(denial) => Err(format!("{} was answered by {}", holder.holder.words(), denial.words())),
    }
}

fn refused(case: &Case, seen: &Sighting<Allocation>, expected: &str) -> Verdict {
    let evidence = case.sighted(seen);
    match &seen.result {
        Seen::Unknown(why) => Verdict::unverified(&seen.subject, expected, why, evidence),
        Seen::Known(Allocation::Refused(Denial { code, .. })) if !NOT_YOU.contains(code) => {
            let why = format!("it was refused for another reason ({code})");
            Verdict::unverified(&seen.subject, expected, &why, evidence)
        }
        Seen::Known(allocation) => {
            let holds = !matches!(allocation, Allocation::Granted { .. });
            Verdict::holds(holds, &seen.subject, expected, words(allocation), evidence)
        }
    }
}

fn words(allocation: &Allocation) -> String {
    match allocation {
        Allocation::Granted { relay, lifetime } => {
            let place = relay.map_or_else(|| "an unnamed place".to_owned(), |relay| relay.to_string());
            let time = lifetime.map_or(String::new(), |seconds| format!(" for {seconds} s"));
            format!("it was given a relay at {place}{time}")
        }
        Allocation::Refused(denial) => format!("refused: {}", denial.words()),
        Allocation::Absent(why) => why.clone(),
    }
}
