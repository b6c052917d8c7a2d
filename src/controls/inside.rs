//! What the judges of the inside view share: a look at every host, and one verdict for each thing that is wrong there.

use crate::controls::Case;
use crate::controls::HostCase;
use crate::controls::Verdict;
use crate::facts::HostFacts;
use crate::seen::Seen;

/// What a look at one host came to.
pub(crate) struct Word {
    /// Each thing that is wrong: a subject on the host, and what was observed.
    pub(crate) wrong: Vec<(String, String)>,
    /// What was looked at, for evidence, and for the observation where nothing is wrong.
    pub(crate) seen: String,
}

/// Judges every host. `noun`: what a verdict is about where nothing is wrong, or where it was not seen, and why.
pub(crate) fn each(
    case: &Case,
    noun: &str,
    expected: &str,
    judge: impl Fn(&HostCase, &HostFacts) -> Result<Word, String>,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for host in case.hosts {
        let word = match &host.facts {
            Seen::Unknown(why) => Err(why.clone()),
            Seen::Known(facts) => judge(host, facts),
        };
        match word {
            Err(why) => {
                let evidence = case.on_host(host, "not seen");
                verdicts.push(Verdict::unverified(host.subject(noun), expected, &why, evidence));
            }
            Ok(word) if word.wrong.is_empty() => {
                let evidence = case.on_host(host, word.seen.clone());
                verdicts.push(Verdict::pass(host.subject(noun), expected, word.seen, evidence));
            }
            Ok(word) => verdicts.extend(word.wrong.into_iter().map(|(thing, observed)| {
                let evidence = case.on_host(host, word.seen.clone());
                Verdict::fail(host.subject(&thing), expected, observed, evidence)
            })),
        }
    }
    verdicts
}

/// Days between a moment on the host and its own clock, both in seconds since 1970.
pub(crate) fn days_since(moment: i64, facts: &HostFacts) -> Result<i64, String> {
    let now: jiff::Timestamp = facts
        .at
        .parse()
        .map_err(|why| format!("the host's clock says {:?}: {why}", facts.at))?;
    Ok((now.as_second() - moment).div_euclid(86_400))
}
