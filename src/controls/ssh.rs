//! SSH: as a stranger meets it, what it would agree on keys with and how it would let one in; and what sshd says of itself.

use std::collections::BTreeSet;

use crate::catalog;
use crate::controls::Case;
use crate::controls::Evidence;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::controls::drift::from_drift;
use crate::controls::drift::listed;
use crate::plan::DriftKind;
use crate::plan::EFFECTIVE_SSHD;
use crate::plan::SSHD_CONNECTIONS;
use crate::probe::Sighting;
use crate::probe::SshView;
use crate::probe::ssh::SshOffer;
use crate::seen::Seen;

/// Names in a key exchange list that are no algorithms: extension negotiation (RFC 8308) and strict key exchange
/// (OpenSSH's PROTOCOL, 1.10).
const MARKERS: [&str; 2] = ["ext-info-s", "kex-strict-s-v00@openssh.com"];

/// Login methods that no password opens.
const BY_KEY: [&str; 3] = ["publickey", "hostbased", "gssapi-with-mic"];

/// sshd's keywords about who gets in, and by what; as `sshd -T` spells them.
const LOGINS: [&str; 7] = [
    "hostbasedauthentication",
    "ignorerhosts",
    "kbdinteractiveauthentication",
    "passwordauthentication",
    "permitemptypasswords",
    "permitrootlogin",
    "pubkeyauthentication",
];

/// Judges each SSH port. One that does not answer here is open where a spec says that it should, and else does not apply;
/// where another address answers, it is the same server's, which is open to admins of one kind of address.
fn each(case: &Case, expected: &str, judge: impl Fn(&str, &SshOffer, Evidence) -> Verdict) -> Vec<Verdict> {
    let sightings = match case.outside {
        Seen::Known(sightings) => sightings,
        Seen::Unknown(why) => return vec![case.unseen_outside("SSH", expected, why)],
    };
    let speaks = |sighting: &Sighting<SshView>| matches!(sighting.known(), Ok(SshView::Speaks(_)));
    let heard = sightings.ssh.iter().any(speaks);
    let mut verdicts = Vec::new();
    for sighting in &sightings.ssh {
        let evidence = case.sighted(sighting);
        let subject = &sighting.subject;
        match &sighting.result {
            Seen::Unknown(why) => verdicts.push(Verdict::unverified(subject, expected, why, evidence)),
            Seen::Known(SshView::Refused | SshView::Filtered) if case.spec.is_none() || heard => {}
            Seen::Known(SshView::Refused | SshView::Filtered) => {
                let why = "SSH does not answer this address";
                verdicts.push(Verdict::unverified(subject, expected, why, evidence));
            }
            Seen::Known(SshView::Speaks(offer)) => verdicts.push(judge(subject, offer, evidence)),
        }
    }
    if sightings.ssh.is_empty() {
        verdicts.push(case.unseen_outside("SSH", expected, "no port was looked at"));
    }
    verdicts
}

/// encryption/ssh-algorithms.
pub(crate) fn algorithms(case: &Case) -> Vec<Verdict> {
    let known = catalog::ssh_algorithms();
    let rendered: BTreeSet<&str> = case
        .hosts
        .iter()
        .flat_map(|host| ["kexalgorithms", "ciphers", "macs"].map(|keyword| host.wanted.sshd.get(keyword)))
        .flatten()
        .flat_map(|list| list.split(','))
        .collect();
    let (expected, from) = match case.spec {
        Some(_) => (
            "no key exchange, cipher or MAC but those of the rendered sshd settings, no weak host key",
            "what was rendered",
        ),
        None => ("no weak key exchange, host key, cipher or MAC", "nothing weak"),
    };
    let catalogued = [&known.key_exchange, &known.ciphers, &known.macs];
    let wanted: BTreeSet<&str> = match case.spec {
        Some(_) => rendered,
        None => catalogued.into_iter().flatten().map(String::as_str).collect(),
    };
    each(case, expected, |subject, offer, evidence| {
        let mut foreign: Vec<&str> = [&offer.key_exchange, &offer.ciphers, &offer.macs]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(|name| !wanted.contains(name) && !MARKERS.contains(name))
            .collect();
        let keys = offer.host_keys.iter().filter(|name| !known.host_keys.contains(name));
        foreign.extend(keys.map(String::as_str));
        let observed = match foreign.is_empty() {
            true => format!("{} offers {from}", offer.banner),
            false => format!("{} also offers {}", offer.banner, foreign.join(", ")),
        };
        Verdict::holds(foreign.is_empty(), subject, expected, observed, evidence)
    })
}

/// encryption/ssh-terrapin.
pub(crate) fn terrapin(case: &Case) -> Vec<Verdict> {
    let expected = "a strict key exchange, or no cipher that needs one";
    each(case, expected, |subject, offer, evidence| {
        let open = offer.cut_short_by_terrapin();
        let subject = format!("{subject} Terrapin");
        let observed = match open.is_empty() {
            true => format!("{} cannot be cut short", offer.banner),
            false => format!(
                "{} offers {} without strict key exchange",
                offer.banner,
                open.join(", ")
            ),
        };
        Verdict::holds(open.is_empty(), subject, expected, observed, evidence)
    })
}

/// access/ssh-offers-keys-only.
pub(crate) fn offers_keys_only(case: &Case) -> Vec<Verdict> {
    let expected = "a stranger is offered a login by key, and no other";
    each(case, expected, |subject, offer, evidence| {
        let subject = format!("{subject} logins");
        match offer.logins.known() {
            Err(why) => Verdict::unverified(subject, expected, why, evidence),
            Ok(methods) => {
                let keys_only = methods.iter().all(|method| BY_KEY.contains(&method.as_str()));
                Verdict::holds(keys_only, subject, expected, methods.join(", "), evidence)
            }
        }
    })
}

/// access/ssh-keys-only. What is about sshd as a whole, such as a `Match` block, may let in anybody.
pub(crate) fn keys_only(case: &Case) -> Vec<Verdict> {
    let expected = "`sshd -T` shows every rendered setting of logins in force, for everybody";
    from_drift(
        case,
        "sshd",
        expected,
        |kind, subject| kind == DriftKind::Sshd && !lets_nobody_in(subject),
        |host| rendered(host, |keyword| LOGINS.contains(&keyword)),
    )
}

/// A part of integrity/policy-in-force: the settings that let nobody in.
pub(crate) fn other_settings(case: &Case) -> Vec<Verdict> {
    let expected = "`sshd -T` shows every other rendered setting in force, for everybody";
    let concerns = |kind: DriftKind, subject: &str| {
        kind == DriftKind::Sshd && (lets_nobody_in(subject) || [EFFECTIVE_SSHD, SSHD_CONNECTIONS].contains(&subject))
    };
    from_drift(case, "sshd", expected, concerns, |host| {
        rendered(host, |keyword| !LOGINS.contains(&keyword))
    })
}

/// Those of a host's rendered settings, in one line.
fn rendered(host: &HostCase, concerns: impl Fn(&str) -> bool) -> Option<String> {
    let settings = host.wanted.sshd.iter().filter(|(keyword, _)| concerns(keyword));
    listed(settings.map(|(keyword, value)| format!("{keyword} {value}")), "; ")
}

/// Whether a difference is about one keyword (`ciphers`, `ciphers for user=…`) that says nothing of logins.
fn lets_nobody_in(subject: &str) -> bool {
    let keyword = subject.split_once(" for ").map_or(subject, |(keyword, _)| keyword);
    keyword.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !LOGINS.contains(&keyword)
}
