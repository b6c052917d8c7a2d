//! Logging: whether what is written down can be relied on.

use crate::controls::Case;
use crate::controls::Verdict;
use crate::facts::ahead;
use crate::plan::CLOCK_TOLERANCE;
use crate::seen::Seen;

/// logging/clock-right. The clock also decides which tokens, certificates and TURN credentials are in force.
pub(crate) fn clock_right(case: &Case) -> Vec<Verdict> {
    let expected = "within 5 minutes of this computer's clock";
    let mut verdicts = Vec::new();
    for host in case.hosts {
        let subject = host.subject("clock");
        let ahead = match &host.facts {
            Seen::Known(facts) => ahead(facts),
            Seen::Unknown(why) => Seen::Unknown(why.clone()),
        };
        verdicts.push(match ahead {
            Seen::Unknown(why) => {
                let evidence = case.on_host(host, "the host's clock was not read");
                Verdict::unverified(subject, expected, &why, evidence)
            }
            Seen::Known(ahead) => {
                let evidence = case.on_host(host, format!("`date -u` on the host is {}", ahead.words()));
                if ahead.surely_within(CLOCK_TOLERANCE) {
                    Verdict::pass(subject, expected, ahead.words(), evidence)
                } else if ahead.surely_beyond(CLOCK_TOLERANCE) {
                    Verdict::fail(subject, expected, ahead.words(), evidence)
                } else {
                    let why = format!("{}: the look took too long to tell", ahead.words());
                    Verdict::unverified(subject, expected, &why, evidence)
                }
            }
        });
    }
    verdicts
}
