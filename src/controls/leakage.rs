//! Leakage: what the browser is told to contact and to keep, judged from the page and config.js as served.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use crate::controls::Case;
use crate::controls::Evidence;
use crate::controls::Verdict;
use crate::probe::Mention;

/// Keys of config.js that must be there with exactly this value, since the client's own default is unsafe or has
/// changed between versions. Source: jitsi-meet's config.js and react/features/base/config, as of 2026.
const HYGIENE: &[(&str, Safe)] = &[
    ("/disableThirdPartyRequests", Safe::True),
    ("/gravatar/disabled", Safe::True),
    ("/analytics/disabled", Safe::True),
    ("/p2p/enabled", Safe::False),
    ("/localRecording/disable", Safe::True),
    ("/recordingService/enabled", Safe::False),
    ("/liveStreaming/enabled", Safe::False),
    ("/transcription/enabled", Safe::False),
    ("/fileSharing/enabled", Safe::False),
    ("/doNotStoreRoom", Safe::True),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Safe {
    True,
    False,
}

impl Safe {
    fn value(self) -> Value {
        match self {
            Self::True => json!(true),
            Self::False => json!(false),
        }
    }
}

/// leakage/config-hygiene.
pub(crate) fn config_hygiene(case: &Case) -> Vec<Verdict> {
    let expected = "every key of the policy has its safe value";
    case.each_site("config.js", expected, |view| {
        let subject = view.config.subject.clone();
        let evidence = case.sighted(&view.config);
        let value = view.config.known().and_then(|config| config.value.known());
        vec![match value {
            Err(why) => Verdict::unverified(subject, expected, why, evidence),
            Ok(config) => {
                let wrong = unsafe_keys(config);
                let observed = match wrong.is_empty() {
                    true => format!("{} keys as wanted", HYGIENE.len()),
                    false => wrong.join("; "),
                };
                Verdict::holds(wrong.is_empty(), subject, expected, observed, evidence)
            }
        }]
    })
}

fn unsafe_keys(config: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (pointer, safe) in HYGIENE {
        let key = pointer.trim_start_matches('/').replace('/', ".");
        match config.pointer(pointer) {
            None => wrong.push(format!("{key} is not set, {} is wanted", safe.value())),
            Some(value) if *value != safe.value() => {
                wrong.push(format!("{key} is {value}, {} is wanted", safe.value()));
            }
            Some(_) => {}
        }
    }
    wrong
}

/// leakage/config-own-origins.
pub(crate) fn config_own_origins(case: &Case) -> Vec<Verdict> {
    let expected = "no host but the domain's own";
    case.each_site("page and config.js", expected, |view| {
        let config = match view.config.known().and_then(|config| config.mentions.known()) {
            Err(why) => Verdict::unverified(&view.config.subject, expected, why, case.sighted(&view.config)),
            Ok(mentions) => named(
                case,
                &view.config.subject,
                expected,
                mentions,
                case.sighted(&view.config),
            ),
        };
        let page = match view.page.known() {
            Err(why) => Verdict::unverified(&view.page.subject, expected, why, case.sighted(&view.page)),
            Ok(page) => match &page.policy {
                None => {
                    let observed = "no content security policy, so a link could make the page contact anyone";
                    Verdict::fail(&view.page.subject, expected, observed, case.sighted(&view.page))
                }
                Some(policy) => {
                    let mentions: BTreeSet<Mention> = page.mentions.union(policy).cloned().collect();
                    named(case, &view.page.subject, expected, &mentions, case.sighted(&view.page))
                }
            },
        };
        vec![config, page]
    })
}

fn named(case: &Case, subject: &str, expected: &str, mentions: &BTreeSet<Mention>, evidence: Evidence) -> Verdict {
    let foreign: Vec<String> = mentions
        .iter()
        .filter(|mention| mention.is_foreign_to(case.domain.as_str()))
        .map(|mention| format!("{} ({})", mention.host, mention.place))
        .collect();
    let observed = if foreign.is_empty() {
        "none".to_owned()
    } else {
        foreign.join(", ")
    };
    Verdict::holds(foreign.is_empty(), subject, expected, observed, evidence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_is_as_bad_as_a_wrong_one() {
        let wrong = unsafe_keys(&json!({"disableThirdPartyRequests": false}));
        assert_eq!(wrong.len(), HYGIENE.len());
        assert!(wrong[0].starts_with("disableThirdPartyRequests is false"), "{wrong:?}");
        assert!(wrong[1].starts_with("gravatar.disabled is not set"), "{wrong:?}");
    }
}
