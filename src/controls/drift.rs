//! Judges what a comparison told: a failure for each difference, unverified for each look that failed, and a pass only
//! where something was compared and nothing differed.

use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::plan::DriftKind;
use crate::seen::Seen;

/// Judges every host. `concerns` says which differences and looks, by kind and subject, are this control's business;
/// `compared` puts in words what was compared on a host, or says that nothing was.
pub(crate) fn from_drift(
    case: &Case,
    noun: &str,
    expected: &str,
    concerns: impl Fn(DriftKind, &str) -> bool,
    compared: impl Fn(&HostCase) -> Option<String>,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for host in case.hosts {
        let seen = match &host.compared {
            Seen::Known(seen) => seen,
            Seen::Unknown(why) => {
                let evidence = case.on_host(host, "the comparison did not come about");
                verdicts.push(Verdict::unverified(host.subject(noun), expected, why, evidence));
                continue;
            }
        };
        let before = verdicts.len();
        for row in seen.drift.iter().filter(|row| concerns(row.kind, &row.subject)) {
            let evidence = case.on_host(host, format!("{}: {}", row.subject, row.observed));
            verdicts.push(Verdict::fail(
                host.subject(&row.subject),
                &row.expected,
                row.observed.clone(),
                evidence,
            ));
        }
        let open = seen
            .unseen
            .iter()
            .filter(|look| look.kind.is_none_or(|kind| concerns(kind, &look.what)));
        for look in open {
            let evidence = case.on_host(host, look.to_string());
            let subject = host.subject(&look.what);
            verdicts.push(Verdict::unverified(subject, expected, &look.why, evidence));
        }
        if verdicts.len() == before {
            verdicts.push(match compared(host) {
                Some(what) => {
                    let evidence = case.on_host(host, what);
                    Verdict::pass(host.subject(noun), expected, "no difference", evidence)
                }
                None => {
                    let why = "the spec wants none here, so nothing was compared";
                    Verdict::unverified(host.subject(noun), expected, why, case.on_host(host, why))
                }
            });
        }
    }
    verdicts
}

/// The items in words; `None` where there are none.
pub(crate) fn listed(items: impl Iterator<Item = String>, between: &str) -> Option<String> {
    let items: Vec<String> = items.collect();
    (!items.is_empty()).then(|| items.join(between))
}
