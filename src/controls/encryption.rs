//! Encryption in transit, as a stranger's hellos and requests met it.

use jiff::Timestamp;

use crate::controls::Case;
use crate::controls::Status;
use crate::controls::Verdict;
use crate::controls::case::no_address;
use crate::controls::doors::words;
use crate::probe::Listening;
use crate::probe::Offer;
use crate::probe::PlainAnswer;
use crate::probe::Sighting;
use crate::probe::TlsView;
use crate::probe::Version;
use crate::probe::Vouched;
use crate::probe::certificate::Signer;
use crate::probe::tls::Chain;
use crate::seen::Seen;
use crate::spec::Certificate;

/// A certificate with less time left than this is about to end; ACME clients renew at 30 days.
const LEAST_DAYS_LEFT: i64 = 21;
/// The site's port.
pub(super) const WEB: u16 = 443;
/// One year, as the HSTS preload list and Mozilla's guidelines ask at least (`max-age`, RFC 6797 6.1.1), in seconds.
const LEAST_HSTS_SECONDS: u64 = 31_536_000;

/// encryption/legacy-tls-refused.
pub(crate) fn legacy_tls_refused(case: &Case) -> Vec<Verdict> {
    let expected = "SSLv2, SSLv3, TLS 1.0 and TLS 1.1 are refused";
    each_tls(case, expected, |view| {
        [Version::Ssl2, Version::Ssl3, Version::Tls10, Version::Tls11]
            .into_iter()
            .map(|version| {
                let verdict = offer(case, view, version, expected, |offer| {
                    matches!(offer, Offer::Refused(_))
                });
                match speaks_today(view) {
                    true => verdict,
                    false => verdict.doubted(
                        "no hello of TLS 1.2 or 1.3 was accepted either, so that a refusal may mean that nothing works",
                    ),
                }
            })
            .collect()
    })
}

/// Whether a version of today is accepted: the control of those that are refused.
fn speaks_today(view: &TlsView) -> bool {
    let today = [Version::Tls12, Version::Tls13];
    let mut offers = today
        .iter()
        .filter_map(|version| view.versions.get(version)?.known().ok());
    offers.any(|offer| matches!(offer, Offer::Accepted { .. }))
}

/// encryption/modern-tls-offered.
pub(crate) fn modern_tls_offered(case: &Case) -> Vec<Verdict> {
    // The web server follows the profile. coturn 4.6 negotiates TLS 1.2 at the most (docs/decisions/0005), which every
    // client that speaks TURN over TLS has, so any other listener needs one of the two.
    let modern = !case
        .tls_profile
        .versions
        .iter()
        .any(|name| name == Version::Tls12.name());
    let (expected, versions) = if modern {
        ("TLS 1.3 is accepted", vec![Version::Tls13])
    } else {
        ("TLS 1.2 and TLS 1.3 are accepted", vec![Version::Tls12, Version::Tls13])
    };
    each_tls(case, expected, |view| {
        if view.address.port() != WEB {
            return vec![either(case, view)];
        }
        let mut verdicts: Vec<Verdict> = versions
            .iter()
            .map(|version| {
                offer(case, view, *version, expected, |offer| {
                    matches!(offer, Offer::Accepted { .. })
                })
            })
            .collect();
        if modern {
            let refused = |offer: &Offer| matches!(offer, Offer::Refused(_));
            verdicts.push(offer(case, view, Version::Tls12, "TLS 1.2 is refused", refused));
        }
        verdicts
    })
}

/// encryption/weak-suites-refused.
pub(crate) fn weak_suites_refused(case: &Case) -> Vec<Verdict> {
    let expected = "a hello with nothing but weak suites is refused";
    each_tls(case, expected, |view| {
        vec![judge_offer(case, &view.weak_suites, expected, |offer| {
            matches!(offer, Offer::Refused(_))
        })]
    })
}

/// TLS 1.2 or TLS 1.3.
fn either(case: &Case, view: &TlsView) -> Verdict {
    let expected = "TLS 1.2 or TLS 1.3 is accepted";
    let accepted = |offer: &Offer| matches!(offer, Offer::Accepted { .. });
    let newer = offer(case, view, Version::Tls13, expected, accepted);
    if newer.status() == Status::Pass {
        return newer;
    }
    offer(case, view, Version::Tls12, expected, accepted)
}

fn offer(case: &Case, view: &TlsView, version: Version, expected: &str, good: impl Fn(&Offer) -> bool) -> Verdict {
    let Some(sighting) = view.versions.get(&version) else {
        let evidence = case.outside_evidence(format!("no hello of {} was sent to {}", version.name(), view.address));
        return Verdict::unverified(
            format!("tcp://{} {}", view.address, version.name()),
            expected,
            "it was not tried",
            evidence,
        );
    };
    judge_offer(case, sighting, expected, good)
}

fn judge_offer(case: &Case, sighting: &Sighting<Offer>, expected: &str, good: impl Fn(&Offer) -> bool) -> Verdict {
    let subject = &sighting.subject;
    match &sighting.result {
        Seen::Known(offer) => {
            let observed = match offer {
                Offer::Accepted { suite } => format!("accepted with {suite}"),
                Offer::Refused(how) => format!("refused, {}", words(how)),
            };
            Verdict::holds(good(offer), subject, expected, observed, case.sighted(sighting))
        }
        Seen::Unknown(why) => Verdict::unverified(subject, expected, why, case.sighted(sighting)),
    }
}

/// encryption/certificate-valid.
pub(crate) fn certificate_valid(case: &Case) -> Vec<Verdict> {
    let own = case.is_test()
        && case
            .spec
            .is_some_and(|spec| spec.certificate == Certificate::SelfSigned);
    let expected = if own {
        "names the domain, self-signed (test), 21 days or more left"
    } else {
        "names the domain, trusted, 21 days or more left"
    };
    each_tls(case, expected, |view| {
        let chains = [Some(&view.chain), view.second_chain.as_ref()];
        chains
            .into_iter()
            .flatten()
            .map(|chain| one_chain(case, chain, own, expected))
            .collect()
    })
}

fn one_chain(case: &Case, sighting: &Sighting<Chain>, own: bool, expected: &str) -> Verdict {
    let subject = &sighting.subject;
    let chain = match &sighting.result {
        Seen::Known(chain) => chain,
        Seen::Unknown(why) => return Verdict::unverified(subject, expected, why, case.sighted(sighting)),
    };
    let Some(leaf) = chain.certificates.first() else {
        return Verdict::fail(subject, expected, "an empty chain", case.sighted(sighting));
    };
    let days = leaf.not_after.map(|end| days_left(end, case.now));
    let lasts = days.is_some_and(|days| days >= LEAST_DAYS_LEFT);
    let named = leaf.covers(case.domain.as_str());
    let (trusted, words) = match &chain.vouched {
        Seen::Known(Vouched::Yes) => (Seen::Known(true), "trusted".to_owned()),
        Seen::Known(Vouched::No(why)) => (
            Seen::Known(own && leaf.signer == Signer::Itself),
            format!("not trusted ({why})"),
        ),
        Seen::Unknown(why) if own => (Seen::Known(true), format!("trust not judged ({why})")),
        Seen::Unknown(why) => (Seen::Unknown(why.clone()), format!("trust not judged ({why})")),
    };
    let begun = has_begun(leaf.not_before, case.now);
    let end = match (leaf.not_after, days) {
        (Some(end), Some(days)) => format!("until {end}, {days} days left"),
        _ => "without an end".to_owned(),
    };
    let unstapled = leaf.must_staple && !chain.stapled;
    let status = match (chain.stapled, unstapled) {
        (true, _) => "a status is stapled",
        (false, true) => "no status is stapled, and the certificate says that one has to be",
        (false, false) => "no status is stapled",
    };
    let unread = match chain.unread.as_slice() {
        [] => String::new(),
        list => format!(
            "; {} further certificates are unreadable: {}",
            list.len(),
            list.join("; ")
        ),
    };
    let observed = format!(
        "names {}, {words}, valid from {} {end}, {status}{unread}",
        leaf.names.join(", "),
        leaf.not_before
    );
    let evidence = case.sighted(sighting);
    match trusted {
        Seen::Unknown(why) if named && begun && lasts && !unstapled => {
            Verdict::unverified(subject, expected, &why, evidence)
        }
        trusted => {
            let holds = named && begun && lasts && !unstapled && trusted == Seen::Known(true);
            Verdict::holds(holds, subject, expected, observed, evidence)
        }
    }
}

fn days_left(end: Timestamp, now: &str) -> i64 {
    // A clock that does not parse cannot happen (we print it); the answer then is the safe one.
    now.parse::<Timestamp>()
        .map_or(i64::MIN, |now| (end.as_second() - now.as_second()) / 86_400)
}

fn has_begun(begin: Timestamp, now: &str) -> bool {
    now.parse::<Timestamp>().is_ok_and(|now| begin <= now)
}

/// encryption/http-redirects-only.
pub(crate) fn http_redirects_only(case: &Case) -> Vec<Verdict> {
    let expected = "a redirect to the same path by https on this domain, and nothing else";
    case.each_site("port 80", expected, |view| {
        [&view.plain_root, &view.plain_random]
            .into_iter()
            .chain(&view.plain_others)
            .map(|sighting| redirect(case, sighting, expected))
            .collect()
    })
}

fn redirect(case: &Case, sighting: &Sighting<PlainAnswer>, expected: &str) -> Verdict {
    let evidence = case.sighted(sighting);
    match &sighting.result {
        Seen::Unknown(why) => Verdict::unverified(&sighting.subject, expected, why, evidence),
        Seen::Known(PlainAnswer::Refused) => {
            Verdict::pass(&sighting.subject, expected, "nothing listens there at all", evidence)
        }
        Seen::Known(PlainAnswer::Filtered | PlainAnswer::HangsUp) => {
            Verdict::unverified(&sighting.subject, expected, "nobody answered", evidence)
        }
        Seen::Known(PlainAnswer::Answers(response)) => {
            let location = response.location().unwrap_or_default();
            let home = format!("https://{}", case.domain);
            // The same path and query, so that a link by http leads to its room.
            let path = response
                .url
                .split_once("://")
                .and_then(|(_, rest)| Some(&rest[rest.find('/')?..]));
            let to_us =
                path.is_some_and(|path| location == format!("{home}{path}") || (path == "/" && location == home));
            let redirects = matches!(response.status, 301 | 302 | 307 | 308) && to_us;
            let observed = format!("status {}, Location: {location}", response.status);
            Verdict::holds(redirects, &sighting.subject, expected, observed, evidence)
        }
    }
}

/// encryption/hsts.
pub(crate) fn hsts(case: &Case) -> Vec<Verdict> {
    let expected = "Strict-Transport-Security with max-age of a year or more";
    case.each_site("Strict-Transport-Security", expected, |view| {
        let subject = &view.page.subject;
        let evidence = case.sighted(&view.page);
        vec![match view.served_page() {
            Err(why) => Verdict::unverified(subject, expected, &why, evidence),
            Ok(page) => {
                let header = page.response.header("strict-transport-security");
                let long = header.and_then(max_age).is_some_and(|age| age >= LEAST_HSTS_SECONDS);
                Verdict::holds(long, subject, expected, header.unwrap_or("no such header"), evidence)
            }
        }]
    })
}

/// `max-age` of an HSTS header, in seconds (RFC 6797 6.1).
fn max_age(header: &str) -> Option<u64> {
    header.split(';').find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("max-age") {
            return None;
        }
        value.trim().trim_matches('"').parse().ok()
    })
}

/// Judges every TLS listener that should be there; one that does not answer is unverified, and that there is none too.
pub(super) fn each_tls(case: &Case, expected: &str, judge: impl Fn(&TlsView) -> Vec<Verdict>) -> Vec<Verdict> {
    let sightings = match case.outside {
        Seen::Known(sightings) => sightings,
        Seen::Unknown(why) => return vec![case.unseen_outside("tls", expected, why)],
    };
    let mut verdicts = Vec::new();
    for view in &sightings.tls {
        match &view.listening.result {
            Seen::Known(Listening::Yes) => verdicts.extend(judge(view)),
            Seen::Known(other) if case.expects_port(view.address.port()) => {
                let why = format!("nothing listens there ({other:?})");
                verdicts.push(Verdict::unverified(
                    &view.listening.subject,
                    expected,
                    &why,
                    case.sighted(&view.listening),
                ));
            }
            Seen::Known(_) => {}
            Seen::Unknown(why) => {
                verdicts.push(Verdict::unverified(
                    &view.listening.subject,
                    expected,
                    why,
                    case.sighted(&view.listening),
                ));
            }
        }
    }
    // The site itself is always in scope; a listener beside it does not stand for it.
    if !sightings.tls.iter().any(|view| view.address.port() == WEB) {
        let why = no_address(sightings);
        verdicts.push(case.unseen_outside(&format!("TLS on port {WEB}"), expected, &why));
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_is_read_whatever_the_order_and_case() {
        assert_eq!(max_age("max-age=63072000; includeSubDomains"), Some(63_072_000));
        assert_eq!(max_age("includeSubDomains; Max-Age=\"10\""), Some(10));
        assert_eq!(max_age("includeSubDomains"), None);
        assert_eq!(max_age("max-age=soon"), None);
    }

    #[test]
    fn days_left_round_down_and_an_unreadable_clock_leaves_none() {
        let end: Timestamp = "2026-12-22T00:00:00Z".parse().expect("a time");
        assert_eq!(days_left(end, "2026-12-01T00:00:01Z"), 20);
        assert_eq!(days_left(end, "yesterday"), i64::MIN);
        assert!(has_begun(end, "2026-12-22T00:00:00Z") && !has_begun(end, "2026-12-21T23:59:59Z"));
        assert!(!has_begun(end, "yesterday"));
    }
}
