//! A call as seen from its two ends: who waits, what protects the media, what arrives, and what the bridge must not take. A
//! refusal counts only beside what was granted in the same call.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::case::no_address;
use crate::controls::doors::words;
use crate::probe::CallView;
use crate::probe::Entry;
use crate::probe::Sighting;
use crate::probe::call::jingle::Offered;
use crate::probe::call::view::Flow;
use crate::probe::call::view::IceAnswer;
use crate::probe::call::view::LegView;
use crate::probe::call::view::Vouching;
use crate::seen::Seen;

/// Digests that tell certificates apart (RFC 8122 5), SHA-256 and better.
const STRONG: [&str; 3] = ["sha-256", "sha-384", "sha-512"];

/// Judges the call. Without a spec, one that was not made is no matter.
fn each_call(case: &Case, what: &str, expected: &str, judge: impl Fn(&CallView) -> Vec<Verdict>) -> Vec<Verdict> {
    match case.outside {
        Seen::Unknown(why) => vec![case.unseen_outside(what, expected, why)],
        Seen::Known(sightings) => match &sightings.call {
            Some(call) => judge(call),
            None if case.spec.is_none() => Vec::new(),
            None if sightings.xmpp.is_empty() => vec![case.unseen_outside(what, expected, &no_address(sightings))],
            None => vec![case.unseen_outside(what, expected, "no call was made")],
        },
    }
}

/// Both ways to the bridge.
fn legs(call: &CallView) -> [&LegView; 2] {
    [&call.clinician, &call.patient]
}

/// A look's value judged, or why there is none.
fn judged<T>(
    case: &Case,
    sighting: &Sighting<T>,
    expected: &str,
    judge: impl Fn(&T) -> (Option<bool>, String),
) -> Verdict {
    let evidence = case.sighted(sighting);
    match &sighting.result {
        Seen::Unknown(why) => Verdict::unverified(&sighting.subject, expected, why, evidence),
        Seen::Known(seen) => match judge(seen) {
            (Some(holds), observed) => Verdict::holds(holds, &sighting.subject, expected, observed, evidence),
            (None, why) => Verdict::unverified(&sighting.subject, expected, &why, evidence),
        },
    }
}

/// access/patient-waits.
pub(crate) fn patient_waits(case: &Case) -> Vec<Verdict> {
    let expected = "kept out until the clinician is in the room, let in then";
    each_call(case, "the patient's wait", expected, |call| {
        vec![judged(case, &call.waiting, expected, |seen| {
            let observed = format!("before: {}; after: {}", words(&seen.before), words(&seen.after));
            let inside = |entry: &Entry| matches!(entry, Entry::Entered { .. });
            match (inside(&seen.before), inside(&seen.after)) {
                (true, _) => (Some(false), observed),
                (false, true) => (Some(true), observed),
                (false, false) => {
                    let why = "the patient did not get in afterwards either, so that the wait proves nothing";
                    (None, format!("{why} ({observed})"))
                }
            }
        })]
    })
}

/// encryption/media-fingerprints.
pub(crate) fn media_fingerprints(case: &Case) -> Vec<Verdict> {
    let expected = "announced by SHA-256 or better, and shown";
    each_call(case, "the bridge's certificate", expected, |call| {
        let legs = legs(call).into_iter();
        legs.flat_map(|leg| {
            let told = judged(case, &leg.offer, expected, |offer| {
                let hashes: BTreeSet<&str> = offer.fingerprints.iter().map(|one| one.hash.as_str()).collect();
                let strong = |hash: &&str| STRONG.iter().any(|name| name.eq_ignore_ascii_case(hash));
                let list: Vec<&str> = hashes.iter().copied().collect();
                match list.as_slice() {
                    [] => (Some(false), "no certificate was announced".to_owned()),
                    all => (Some(all.iter().all(strong)), format!("announced by {}", all.join(", "))),
                }
            });
            let shown = judged(case, &leg.secured, expected, |secured| match secured.certificate {
                Vouching::AsAnnounced => (Some(true), "the announced certificate was shown".to_owned()),
                Vouching::Another => (
                    Some(false),
                    "another certificate than the announced one was shown".to_owned(),
                ),
                Vouching::Nothing => (None, "no certificate was announced by a known digest".to_owned()),
            });
            [told, shown]
        })
        .collect()
    })
}

/// encryption/media-aead.
pub(crate) fn media_aead(case: &Case) -> Vec<Verdict> {
    let expected = "an AEAD profile of SRTP, over DTLS 1.2 or later, and no keys in the signalling";
    each_call(case, "the protection of media", expected, |call| {
        let legs = legs(call).into_iter();
        legs.flat_map(|leg| {
            let told = judged(case, &leg.offer, expected, |offer| match offer.keys.as_slice() {
                [] => (Some(true), "the invitation carries no keys".to_owned()),
                suites => (
                    Some(false),
                    format!("the invitation carries keys of SRTP: {}", suites.join(", ")),
                ),
            });
            let agreed = judged(case, &leg.secured, expected, |secured| match &secured.profile {
                None => (Some(false), "the bridge agreed on no profile of SRTP".to_owned()),
                // Older versions of DTLS are not offered.
                Some(profile) => {
                    let observed = format!("{profile}, {} {}", secured.version, secured.suite);
                    (Some(profile.contains("_AEAD_")), observed)
                }
            });
            [told, agreed]
        })
        .collect()
    })
}

/// Whether a direction works: what is lost now and then on the way does not count.
fn works(flow: &Flow) -> bool {
    flow.sent > 0 && flow.arrived * 5 >= flow.sent * 4
}

/// Each direction of the media, with its name.
fn each_flow(
    case: &Case,
    call: &CallView,
    expected: &str,
    judge: impl Fn(&Flow) -> (Option<bool>, String),
) -> Vec<Verdict> {
    let named = |name: &str, flow: &Flow| {
        let (holds, told) = judge(flow);
        (holds, format!("to the {name}: {told}"))
    };
    vec![judged(case, &call.media, expected, |media| {
        let both = [
            named("patient", &media.to_patient),
            named("clinician", &media.to_clinician),
        ];
        let told: Vec<&str> = both.iter().map(|(_, told)| told.as_str()).collect();
        let words: BTreeSet<Option<bool>> = both.iter().map(|(holds, _)| *holds).collect();
        let holds = match (words.contains(&Some(false)), words.contains(&None)) {
            (true, _) => Some(false),
            (false, true) => None,
            (false, false) => Some(true),
        };
        (holds, told.join("; "))
    })]
}

/// availability/media-end-to-end.
pub(crate) fn media_end_to_end(case: &Case) -> Vec<Verdict> {
    let expected = "what one participant sends arrives at the other through the bridge";
    each_call(case, "the media of a call", expected, |call| {
        each_flow(case, call, expected, |flow| {
            let observed = format!("{} of {} packets arrived", flow.arrived, flow.sent);
            (Some(works(flow)), observed)
        })
    })
}

/// encryption/plain-media-refused.
pub(crate) fn plain_media_refused(case: &Case) -> Vec<Verdict> {
    let expected =
        "plain RTP is not forwarded and media never leaves the bridge readable, while protected media passes";
    each_call(case, "plain media", expected, |call| {
        each_flow(case, call, expected, |flow| {
            let observed = format!(
                "{} of {} plain packets arrived, {} of {} protected ones, {} readable",
                flow.plain_arrived, flow.plain_sent, flow.arrived, flow.sent, flow.readable
            );
            let leaks = flow.plain_arrived > 0 || flow.readable > 0;
            match (leaks, works(flow) && flow.plain_sent > 0) {
                (true, _) => (Some(false), observed),
                (false, true) => (Some(true), observed),
                (false, false) => {
                    let why = "protected media did not pass either, so that silence proves nothing";
                    (None, format!("{why} ({observed})"))
                }
            }
        })
    })
}

/// access/ice-credentials-checked. ice4j refuses a wrong password by a word and an unknown user in silence; neither opens
/// a way.
pub(crate) fn ice_credentials_checked(case: &Case) -> Vec<Verdict> {
    let expected = "a check with wrong credentials is not granted, one with the right ones is";
    each_call(case, "wrong ICE credentials", expected, |call| {
        vec![judged(case, &call.ice, expected, |seen| {
            let answers = [seen.unknown_user, seen.wrong_password];
            let observed = format!(
                "unknown user: {}; wrong password: {}",
                words(&seen.unknown_user),
                words(&seen.wrong_password)
            );
            if answers.contains(&IceAnswer::Accepted) {
                (Some(false), observed)
            } else if answers.contains(&IceAnswer::Other) {
                (None, format!("what came was no answer to a check ({observed})"))
            } else if seen.honest_answered {
                (Some(true), observed)
            } else {
                (
                    None,
                    format!("a right check was not answered either, so that silence proves nothing ({observed})"),
                )
            }
        })]
    })
}

/// leakage/candidate-addresses.
pub(crate) fn candidate_addresses(case: &Case) -> Vec<Verdict> {
    let expected = "no internal address but those that the deployment is reached at";
    let reached = reached_at(case);
    each_call(case, "the bridge's addresses", expected, |call| {
        let legs = legs(call).into_iter();
        legs.map(|leg| judged(case, &leg.offer, expected, |offer| disclosed(offer, &reached)))
            .collect()
    })
}

/// Where the deployment is reached: by the probe, and by the spec.
fn reached_at(case: &Case) -> BTreeSet<IpAddr> {
    let mut reached = BTreeSet::new();
    if let Seen::Known(sightings) = case.outside
        && let Seen::Known(addresses) = &sightings.addresses
    {
        reached.extend(addresses.list());
    }
    for host in case.spec.iter().flat_map(|spec| &spec.hosts) {
        reached.extend(host.public_address);
        // Where a public address is told, the private one is nobody's business outside.
        if host.public_address.is_none() {
            reached.extend(host.private_address);
            reached.extend(host.ssh.as_ref().and_then(|ssh| ssh.address.parse::<IpAddr>().ok()));
        }
    }
    reached
}

fn disclosed(offer: &Offered, reached: &BTreeSet<IpAddr>) -> (Option<bool>, String) {
    let mut told = BTreeSet::new();
    let mut unread = BTreeSet::new();
    for candidate in &offer.candidates {
        for text in std::iter::once(&candidate.address).chain(&candidate.related) {
            match text.parse::<IpAddr>() {
                Ok(ip) if ip.is_unspecified() => {}
                Ok(ip) => drop(told.insert(ip)),
                Err(_) => drop(unread.insert(text.as_str())),
            }
        }
    }
    let internal: Vec<String> = told
        .iter()
        .filter(|ip| is_internal(**ip) && !reached.contains(ip))
        .map(ToString::to_string)
        .collect();
    let all: Vec<String> = told.iter().map(ToString::to_string).collect();
    if !internal.is_empty() {
        return (Some(false), format!("internal: {}", internal.join(", ")));
    }
    if !unread.is_empty() {
        let list: Vec<&str> = unread.into_iter().collect();
        return (None, format!("some were no IP addresses: {}", list.join(", ")));
    }
    match all.is_empty() {
        true => (None, "no address was told".to_owned()),
        false => (Some(true), all.join(", ")),
    }
}

/// Whether an address means something inside a network only (RFC 6890).
fn is_internal(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            let carrier = first == 100 && (64..128).contains(&second);
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || carrier
        }
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(mapped) => is_internal(mapped.into()),
            None => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_addresses_are_known_in_every_shape() {
        for text in [
            "10.0.0.1",
            "172.31.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
        ] {
            assert!(is_internal(text.parse().unwrap()), "{text}");
        }
        for text in ["fd00::1", "fe80::1", "::1", "::ffff:10.0.0.1"] {
            assert!(is_internal(text.parse().unwrap()), "{text}");
        }
        for text in [
            "203.0.113.7",
            "100.128.0.1",
            "172.32.0.1",
            "2001:db8::1",
            "::ffff:203.0.113.7",
        ] {
            assert!(!is_internal(text.parse().unwrap()), "{text}");
        }
    }
}
