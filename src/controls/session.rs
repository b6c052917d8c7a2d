//! What an attacker on the line could make of a TLS session, and whether every way in is as strong as the first.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::catalog::TlsProfile;
use crate::catalog::transport::Duty;
use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::case::no_address;
use crate::controls::encryption::each_tls;
use crate::controls::nameless::nameless;
use crate::probe::Listening;
use crate::probe::Offer;
use crate::probe::Sighting;
use crate::probe::StreamView;
use crate::probe::TlsView;
use crate::probe::Version;
use crate::probe::tls::starttls::EarlyLogin;
use crate::probe::tls::starttls::StartTls;
use crate::probe::tls::starttls::StreamOffer;
use crate::probe::tls::suite::Exchange;
use crate::probe::tls::suite::Suite;
use crate::probe::tls::survey::Fallback;
use crate::probe::tls::survey::Session;
use crate::probe::tls::survey::SessionView;
use crate::seen::Seen;

/// Primes that a state can prepare for are no longer than this (Logjam).
const PREPARED_PRIME_BITS: usize = 1024;

/// Whether an attack is open, or why that is not known.
type Open = Result<bool, String>;

/// An attack's name, and how to tell whether it is open.
type Attack = (&'static str, fn(&TlsView, &TlsProfile) -> Open);

/// The attacks with a name, and what opens each.
const ATTACKS: &[Attack] = &[
    ("DROWN", |view, _| accepted(view, Version::Ssl2)),
    ("POODLE", |view, _| {
        any_suite(view, &[Version::Ssl3], |suite| suite.chained_blocks())
    }),
    ("BEAST", |view, _| {
        any_suite(view, &[Version::Ssl3, Version::Tls10], |suite| suite.chained_blocks())
    }),
    ("LUCKY13", |view, profile| {
        let old = [Version::Tls10, Version::Tls11, Version::Tls12];
        // A profile that takes CBC leaves this one to the server's library, which no look from outside can judge.
        any_suite(view, &old, |suite| {
            suite.chained_blocks() && !profile.suites.contains(&suite.name())
        })
    }),
    ("SWEET32", |view, _| any_suite(view, &OLD, Suite::small_blocks)),
    ("RC4", |view, _| any_suite(view, &OLD, Suite::rc4)),
    ("FREAK", |view, _| {
        any_suite(view, &OLD, |suite| suite.export() && suite.exchange() == Exchange::Rsa)
    }),
    ("LOGJAM", |view, _| {
        let export = any_suite(view, &OLD, |suite| suite.export() && suite.exchange() == Exchange::Dhe)?;
        let primes = view.survey.primes.known().map_err(str::to_owned)?;
        Ok(export || primes.iter().any(|prime| prime.bits <= PREPARED_PRIME_BITS))
    }),
    ("CRIME", |view, _| {
        match view.survey.session.known().map_err(str::to_owned)? {
            SessionView::OnlyTls13 => Ok(false),
            SessionView::Older(session) => Ok(session.compression != 0),
        }
    }),
];

const OLD: [Version; 4] = [Version::Ssl3, Version::Tls10, Version::Tls11, Version::Tls12];

pub(super) fn accepted(view: &TlsView, version: Version) -> Open {
    let offer = view.versions.get(&version).ok_or("a version was not tried")?;
    let offer = offer.known().map_err(str::to_owned)?;
    Ok(matches!(offer, Offer::Accepted { .. }))
}

fn any_suite(view: &TlsView, versions: &[Version], wanted: impl Fn(Suite) -> bool) -> Open {
    let mut open = None;
    for version in versions {
        let found = accepted(view, *version).and_then(|accepted| {
            if !accepted {
                return Ok(false);
            }
            let look = view.survey.suites.get(version).ok_or("its suites were not asked for")?;
            let list = look.known().map_err(str::to_owned)?;
            let open = list.accepted.iter().any(|suite| wanted(*suite));
            match list.undecided.iter().find(|suite| wanted(**suite)) {
                Some(suite) if !open => {
                    let (version, suite) = (version.name(), suite.name());
                    Err(format!(
                        "in {version} the server answered neither yes nor no to {suite}"
                    ))
                }
                _ => Ok(open),
            }
        });
        match found {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(why) => open = Some(why),
        }
    }
    open.map_or(Ok(false), Err)
}

/// Each attack with a name, and whether a listener is open to it.
///
/// # Errors
/// For an attack of which that is not known, with the reason.
pub fn tls_attacks(view: &TlsView, profile: &TlsProfile) -> Vec<(&'static str, Result<bool, String>)> {
    ATTACKS
        .iter()
        .map(|(name, judge)| (*name, judge(view, profile)))
        .collect()
}

/// encryption/tls-named-attacks.
pub(crate) fn named_attacks(case: &Case) -> Vec<Verdict> {
    let every: Vec<&str> = ATTACKS.iter().map(|(name, _)| *name).collect();
    let expected = format!("open to none of {}", every.join(", "));
    each_tls(case, &expected, |view| {
        let subject = format!("{} named attacks", view.listening.subject);
        let mut open = Vec::new();
        let mut unknown = Vec::new();
        for (name, answer) in tls_attacks(view, case.tls_profile) {
            match answer {
                Ok(true) => open.push(name),
                Ok(false) => {}
                Err(why) => unknown.push(format!("{name}: {why}")),
            }
        }
        let mut evidence = case.sighted(&view.listening);
        let looks = view.survey.suites.values().flat_map(|look| &look.transcript);
        for line in looks.chain(&view.survey.session.transcript) {
            evidence.detail.push_str("; ");
            evidence.detail.push_str(line);
        }
        vec![if !open.is_empty() {
            let observed = format!("what opens it to {} is accepted", open.join(", "));
            Verdict::fail(subject, &expected, observed, evidence)
        } else if let Some(first) = unknown.first() {
            Verdict::unverified(subject, &expected, first, evidence)
        } else {
            Verdict::pass(subject, &expected, "none of what they need is accepted", evidence)
        }]
    })
}

/// encryption/session-protected.
pub(crate) fn session_protected(case: &Case) -> Vec<Verdict> {
    let expected = "renegotiation is bound, heartbeats are off, downgrades are refused";
    each_tls(case, expected, |view| {
        vec![
            session(case, &view.survey.session, expected),
            fallback(case, &view.survey.fallback, expected),
        ]
    })
}

fn session(case: &Case, seen: &Sighting<SessionView>, expected: &str) -> Verdict {
    let evidence = case.sighted(seen);
    let session = match seen.known() {
        Err(why) => return Verdict::unverified(&seen.subject, expected, why, evidence),
        Ok(SessionView::OnlyTls13) => {
            let observed = "nothing older than TLS 1.3, which has none of it";
            return Verdict::pass(&seen.subject, expected, observed, evidence);
        }
        Ok(SessionView::Older(session)) => session,
    };
    let faults = faults(case, session);
    let observed = match faults.is_empty() {
        true => format!(
            "bound renegotiation, no heartbeat, extended master secret: {}, stapled status: {}",
            yes(session.extended_master_secret),
            yes(session.stapled)
        ),
        false => faults.join("; "),
    };
    Verdict::holds(faults.is_empty(), &seen.subject, expected, observed, evidence)
}

/// What a session before TLS 1.3 lacks.
pub(super) fn faults(case: &Case, session: &Session) -> Vec<&'static str> {
    let bound = session.extended_master_secret || case.tls_profile.extended_master_secret == Duty::May;
    let all = [
        (
            !session.secure_renegotiation,
            "renegotiation is not bound to the session",
        ),
        (session.heartbeat, "heartbeats are answered"),
        (!bound, "keys are not bound to the handshake (extended master secret)"),
    ];
    all.iter().filter(|(is, _)| *is).map(|(_, fault)| *fault).collect()
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn fallback(case: &Case, seen: &Sighting<Fallback>, expected: &str) -> Verdict {
    let evidence = case.sighted(seen);
    let (holds, observed) = match seen.known() {
        Err(why) => return Verdict::unverified(&seen.subject, expected, why, evidence),
        Ok(Fallback::Refused) => (true, "a second try in an older version is refused"),
        Ok(Fallback::NoOlderVersion) => (true, "there is no older version to fall back to"),
        Ok(Fallback::Accepted) => (false, "a second try in an older version is accepted"),
    };
    Verdict::holds(holds, &seen.subject, expected, observed, evidence)
}

/// encryption/same-everywhere.
pub(crate) fn same_everywhere(case: &Case) -> Vec<Verdict> {
    let expected = "every address accepts the same, and nothing more or weaker without a name";
    let mut verdicts = each_tls(case, expected, |view| vec![nameless(case, view, expected)]);
    let Seen::Known(sightings) = case.outside else {
        return verdicts;
    };
    let mut ports: BTreeMap<u16, Vec<&TlsView>> = BTreeMap::new();
    for view in &sightings.tls {
        if view.listening.known() == Ok(&Listening::Yes) {
            ports.entry(view.address.port()).or_default().push(view);
        }
    }
    for views in ports.values() {
        if let [first, others @ ..] = views.as_slice() {
            verdicts.extend(others.iter().map(|other| compared(case, first, other, expected)));
        }
    }
    verdicts
}

fn compared(case: &Case, first: &TlsView, other: &TlsView, expected: &str) -> Verdict {
    let subject = format!("tcp://{} and tcp://{}", first.address, other.address);
    let mut evidence = case.sighted(&other.listening);
    evidence.detail.push_str(&format!("; compared with {}", first.address));
    match (policy(first), policy(other)) {
        (Ok(one), Ok(two)) => {
            let differ: Vec<&str> = one.symmetric_difference(&two).map(String::as_str).collect();
            let observed = match differ.is_empty() {
                true => "they accept the same".to_owned(),
                false => format!("only one of them accepts {}", differ.join(", ")),
            };
            Verdict::holds(differ.is_empty(), subject, expected, observed, evidence)
        }
        (Err(why), _) | (_, Err(why)) => Verdict::unverified(subject, expected, &why, evidence),
    }
}

/// Versions and their suites, as words.
fn policy(view: &TlsView) -> Result<BTreeSet<String>, String> {
    let mut all = BTreeSet::new();
    for version in view.versions.keys() {
        if !accepted(view, *version)? {
            continue;
        }
        all.insert(version.name().to_owned());
        if let Some(look) = view.survey.suites.get(version) {
            let list = look.known().map_err(str::to_owned)?;
            all.extend(
                list.accepted
                    .iter()
                    .map(|suite| format!("{} {}", version.name(), suite.name())),
            );
        }
    }
    Ok(all)
}

/// encryption/xmpp-starttls.
pub(crate) fn xmpp_starttls(case: &Case) -> Vec<Verdict> {
    let expected = "closed, or no login before TLS";
    let sightings = match case.outside {
        Seen::Known(sightings) => sightings,
        Seen::Unknown(why) => return vec![case.unseen_outside("XMPP", expected, why)],
    };
    if sightings.streams.is_empty() {
        return vec![case.unseen_outside("XMPP", expected, &no_address(sightings))];
    }
    let awake = |seen: &Sighting<StreamView>| {
        sightings.tls.iter().any(|view| {
            Some(view.address.ip()) == seen.to.map(|to| to.ip()) && view.listening.known() == Ok(&Listening::Yes)
        })
    };
    sightings
        .streams
        .iter()
        .map(|seen| {
            let evidence = case.sighted(seen);
            match seen.known() {
                Err(why) => Verdict::unverified(&seen.subject, expected, why, evidence),
                Ok(StreamView::Refused) => Verdict::pass(&seen.subject, expected, "nothing listens there", evidence),
                // A host that answers nowhere else is down rather than closed.
                Ok(StreamView::Filtered) if awake(seen) => {
                    Verdict::pass(&seen.subject, expected, "a firewall keeps it closed", evidence)
                }
                Ok(StreamView::Filtered) => Verdict::unverified(
                    &seen.subject,
                    expected,
                    "the host answers nowhere else either",
                    evidence,
                ),
                Ok(StreamView::Speaks(offer)) => stream(&seen.subject, offer, expected, evidence),
            }
        })
        .collect()
}

fn stream(subject: &str, offer: &StreamOffer, expected: &str, evidence: crate::controls::Evidence) -> Verdict {
    let tls = match offer.starttls {
        StartTls::Required => "TLS is required",
        StartTls::Optional => "TLS is a choice",
        StartTls::Absent => "TLS is not offered",
    };
    let early = match offer.mechanisms.is_empty() {
        true => String::new(),
        false => format!(", logins before it: {}", offer.mechanisms.join(", ")),
    };
    let login = match &offer.login {
        Seen::Known(EarlyLogin::Admitted) => "an anonymous login before it was admitted".to_owned(),
        Seen::Known(EarlyLogin::Refused(condition)) => format!("an anonymous login before it: {condition}"),
        Seen::Known(EarlyLogin::Closed) => "a login before it ended the stream".to_owned(),
        Seen::Unknown(why) => format!("a login before it: {why}"),
    };
    let observed = format!("{tls}{early}; {login}");
    let locked = offer.starttls == StartTls::Required && offer.mechanisms.is_empty();
    match &offer.login {
        Seen::Unknown(why) if locked => Verdict::unverified(subject, expected, why, evidence),
        login => {
            let holds = locked && *login != Seen::Known(EarlyLogin::Admitted);
            Verdict::holds(holds, subject, expected, observed, evidence)
        }
    }
}
