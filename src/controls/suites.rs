//! What a TLS listener would agree to, held against a profile: suites, groups and primes, signatures, certificates.

use crate::catalog;
use crate::catalog::TlsProfile;
use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::encryption::WEB;
use crate::controls::encryption::each_tls;
use crate::probe::Offer;
use crate::probe::Sighting;
use crate::probe::TlsView;
use crate::probe::Version;
use crate::probe::certificate::Certificate;
use crate::probe::certificate::Signer;
use crate::probe::tls::Chain;
use crate::probe::tls::group::Group;
use crate::probe::tls::survey::Prime;
use crate::probe::tls::survey::SuiteList;

/// coturn 4.6 negotiates TLS 1.2 at the most (docs/decisions/0005), so a listener beside the site is held against
/// `intermediate` where the profile has nothing older than TLS 1.3.
pub(super) fn profile_for(case: &Case, view: &TlsView) -> &'static TlsProfile {
    let only_new = !case
        .tls_profile
        .versions
        .iter()
        .any(|name| name == Version::Tls12.name());
    match only_new && view.address.port() != WEB {
        true => catalog::tls_profile("intermediate").expect("a test of the catalog knows this name"),
        false => case.tls_profile,
    }
}

fn names(lists: &[&Vec<String>], name: &str) -> bool {
    lists.iter().any(|list| list.iter().any(|known| known == name))
}

/// Versions of the profile that the listener accepts; an unanswered hello leaves its version open.
fn versions<'a>(view: &'a TlsView, profile: &TlsProfile) -> Vec<(Version, Result<(), &'a str>)> {
    view.versions
        .iter()
        .filter(|(version, _)| profile.versions.iter().any(|name| name == version.name()))
        .filter_map(|(version, offer)| match offer.known() {
            Ok(Offer::Accepted { .. }) => Some((*version, Ok(()))),
            Ok(Offer::Refused(_)) => None,
            Err(why) => Some((*version, Err(why))),
        })
        .collect()
}

/// A part of the closer look at one version; what was not looked at is open.
fn part<T>(
    case: &Case,
    view: &TlsView,
    (version, accepted): (Version, Result<(), &str>),
    (what, expected): (&str, &str),
    look: Option<&Sighting<T>>,
    judge: impl Fn(&T, &Sighting<T>) -> Verdict,
) -> Verdict {
    let subject = format!("{} {} {what}", view.listening.subject, version.name());
    match (accepted, look.map(|seen| (seen, seen.known()))) {
        (Err(why), _) => Verdict::unverified(subject, expected, why, case.sighted(&view.listening)),
        (Ok(()), Some((seen, Ok(value)))) => judge(value, seen),
        (Ok(()), Some((seen, Err(why)))) => Verdict::unverified(&seen.subject, expected, why, case.sighted(seen)),
        (Ok(()), None) => Verdict::unverified(subject, expected, "it was not tried", case.sighted(&view.listening)),
    }
}

/// encryption/suites-in-profile.
pub(crate) fn suites_in_profile(case: &Case) -> Vec<Verdict> {
    let expected = "no suite but those of the profile";
    each_tls(case, expected, |view| {
        let profile = profile_for(case, view);
        versions(view, profile)
            .into_iter()
            .map(|(version, accepted)| {
                let look = view.survey.suites.get(&version);
                part(
                    case,
                    view,
                    (version, accepted),
                    ("suites", expected),
                    look,
                    |list, seen| suite_verdict(case, list, seen, profile, expected),
                )
            })
            .collect()
    })
}

fn suite_verdict(
    case: &Case,
    list: &SuiteList,
    seen: &Sighting<SuiteList>,
    profile: &TlsProfile,
    expected: &str,
) -> Verdict {
    // The weak ones have a control of their own.
    let foreign: Vec<String> = list
        .accepted
        .iter()
        .filter(|suite| !suite.weak())
        .map(|suite| suite.name())
        .filter(|name| !names(&[&profile.suites], name))
        .collect();
    if foreign.is_empty() && !list.undecided.is_empty() {
        let open: Vec<String> = list.undecided.iter().map(|suite| suite.name()).collect();
        let why = format!("the server answered neither yes nor no to {}", open.join(", "));
        return Verdict::unverified(&seen.subject, expected, &why, case.sighted(seen));
    }
    let observed = match foreign.is_empty() {
        true => format!("{} suites, none outside {}", list.accepted.len(), profile.name),
        false => format!("outside {}: {}", profile.name, foreign.join(", ")),
    };
    Verdict::holds(
        foreign.is_empty(),
        &seen.subject,
        expected,
        observed,
        case.sighted(seen),
    )
}

/// encryption/key-exchange.
pub(crate) fn key_exchange(case: &Case) -> Vec<Verdict> {
    let expected = "groups of the profile or stronger, primes of its length";
    each_tls(case, expected, |view| {
        let profile = profile_for(case, view);
        let mut verdicts = vec![primes(case, &view.survey.primes, profile, expected)];
        for (version, accepted) in versions(view, profile) {
            // Without elliptic curves there is nothing to ask in the older versions.
            let look = view.survey.groups.get(&version);
            let curves = version == Version::Tls13 || look.is_some() || accepted.is_err();
            if curves {
                verdicts.push(part(
                    case,
                    view,
                    (version, accepted),
                    ("groups", expected),
                    look,
                    |groups, seen| group_verdict(case, groups, seen, profile, expected),
                ));
            }
        }
        verdicts
    })
}

fn group_verdict(
    case: &Case,
    groups: &[Group],
    seen: &Sighting<Vec<Group>>,
    profile: &TlsProfile,
    expected: &str,
) -> Verdict {
    let all: Vec<String> = groups.iter().map(|group| group.name()).collect();
    let foreign = foreign_groups(groups, profile);
    let hybrid = match groups.iter().any(|group| group.post_quantum()) {
        true => "with a post-quantum hybrid",
        false => "no post-quantum hybrid",
    };
    let observed = match foreign.is_empty() {
        true => format!("{}; {hybrid}", all.join(", ")),
        false => format!("outside {}: {}; {hybrid}", profile.name, foreign.join(", ")),
    };
    Verdict::holds(
        foreign.is_empty(),
        &seen.subject,
        expected,
        observed,
        case.sighted(seen),
    )
}

/// Groups that are neither of the profile nor stronger.
pub(super) fn foreign_groups(groups: &[Group], profile: &TlsProfile) -> Vec<String> {
    let allowed = [&profile.groups, &profile.stronger_groups, &profile.hybrids];
    let all = groups.iter().map(|group| group.name());
    all.filter(|name| !names(&allowed, name)).collect()
}

fn primes(case: &Case, seen: &Sighting<Vec<Prime>>, profile: &TlsProfile, expected: &str) -> Verdict {
    let evidence = case.sighted(seen);
    match seen.known() {
        Err(why) => Verdict::unverified(&seen.subject, expected, why, evidence),
        Ok(primes) => {
            let told: Vec<String> = primes
                .iter()
                .map(|prime| {
                    let published = prime.published.map(|name| format!(", {name}")).unwrap_or_default();
                    format!("{} bits{published}", prime.bits)
                })
                .collect();
            let observed = match told.is_empty() {
                true => "no finite-field Diffie-Hellman before TLS 1.3".to_owned(),
                false => told.join("; "),
            };
            let holds = primes.iter().all(|prime| prime.bits >= profile.least_prime_bits);
            Verdict::holds(holds, &seen.subject, expected, observed, evidence)
        }
    }
}

/// encryption/handshake-signatures.
pub(crate) fn handshake_signatures(case: &Case) -> Vec<Verdict> {
    let expected = "no key exchange is signed by way of SHA-1 or MD5";
    each_tls(case, expected, |view| {
        let profile = profile_for(case, view);
        versions(view, profile)
            .into_iter()
            .filter(|(version, accepted)| {
                // A server without signed key exchanges has none to look at.
                *version == Version::Tls13 || accepted.is_err() || view.survey.schemes.contains_key(version)
            })
            .map(|(version, accepted)| {
                let look = view.survey.schemes.get(&version);
                part(
                    case,
                    view,
                    (version, accepted),
                    ("signatures", expected),
                    look,
                    |schemes, seen| {
                        let all: Vec<String> = schemes.iter().map(|scheme| scheme.name()).collect();
                        let sound = !schemes.iter().any(|scheme| scheme.forgeable());
                        Verdict::holds(sound, &seen.subject, expected, all.join(", "), case.sighted(seen))
                    },
                )
            })
            .collect()
    })
}

/// encryption/certificate-strength.
pub(crate) fn certificate_strength(case: &Case) -> Vec<Verdict> {
    let expected = "keys and signatures of the profile or stronger";
    each_tls(case, expected, |view| {
        let profile = profile_for(case, view);
        let chains = [Some(&view.chain), view.second_chain.as_ref()];
        chains
            .into_iter()
            .flatten()
            .map(|chain| one_chain(case, chain, profile, expected))
            .collect()
    })
}

fn one_chain(case: &Case, seen: &Sighting<Chain>, profile: &TlsProfile, expected: &str) -> Verdict {
    let subject = format!("{} strength", seen.subject);
    let evidence = case.sighted(seen);
    let chain = match seen.known() {
        Ok(chain) => chain,
        Err(why) => return Verdict::unverified(subject, expected, why, evidence),
    };
    let weak: Vec<String> = chain
        .certificates
        .iter()
        .enumerate()
        .flat_map(|(place, certificate)| weaknesses(place, certificate, profile))
        .collect();
    if weak.is_empty()
        && let Some(why) = chain.unread.first()
    {
        return Verdict::unverified(subject, expected, why, evidence);
    }
    let told: Vec<String> = chain
        .certificates
        .iter()
        .map(|one| format!("{} of {} bits, {}", one.key.algorithm, one.key.bits, one.signature))
        .collect();
    let observed = match weak.is_empty() {
        true => told.join("; "),
        false => format!("outside {}: {}", profile.name, weak.join("; ")),
    };
    Verdict::holds(weak.is_empty(), subject, expected, observed, evidence)
}

/// What is weak in the certificate at this place of a chain, the server's own being the first.
pub(super) fn weaknesses(place: usize, certificate: &Certificate, profile: &TlsProfile) -> Vec<String> {
    let rules = &profile.certificate;
    let key = &certificate.key;
    let mut weak = Vec::new();
    let known = names(&[&rules.keys, &rules.stronger_keys], &key.algorithm);
    let short = key.algorithm == "RSA" && key.bits < rules.least_rsa_bits;
    // An authority may have another kind of key than the profile wants of the server.
    if short || place == 0 && !known {
        weak.push(format!(
            "{} has a key of {} {} bits",
            certificate.subject, key.algorithm, key.bits
        ));
    }
    // Nobody verifies how a root in the middle of a chain signed itself.
    let root = place > 0 && certificate.signer == Signer::Itself;
    if !root && !names(&[&rules.signatures, &rules.stronger_signatures], &certificate.signature) {
        weak.push(format!(
            "{} is signed with {}",
            certificate.subject, certificate.signature
        ));
    }
    weak
}
