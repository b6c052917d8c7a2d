//! Leakage: what the browser is told to contact and to keep, judged from the page and config.js as served.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::catalog::policy::Component;
use crate::catalog::policy::policy;
use crate::controls::Case;
use crate::controls::Evidence;
use crate::controls::Verdict;
use crate::probe::Mention;

/// Settings of the page that a deployment must have, by dotted key.
struct Hygiene {
    key: String,
    value: Value,
}

/// The policy's rows for the page: the deployment's own where a spec tells, else those that hold for every server and
/// whose default in the client is unsafe.
fn hygiene(case: &Case) -> Vec<Hygiene> {
    let page = policy(Component::Page);
    if let Some(host) = case.hosts.first() {
        let file = page.file.replace("<domain>", case.domain.as_str());
        let own = host
            .wanted
            .settings
            .iter()
            .filter(|setting| setting.path.as_str() == file);
        return own
            .map(|setting| Hygiene {
                key: setting.key.clone(),
                value: setting.value.clone(),
            })
            .collect();
    }
    let always = page.groups.iter().filter(|group| group.when.is_empty());
    let rows = always.flat_map(|group| group.set.iter().filter(|(key, _)| group.upstream.contains_key(*key)));
    rows.map(|(key, value)| Hygiene {
        key: key.clone(),
        value: match value.as_str() {
            Some(text) => text.replace("<domain>", case.domain.as_str()).into(),
            None => value.clone(),
        },
    })
    .collect()
}

/// leakage/config-hygiene.
pub(crate) fn config_hygiene(case: &Case) -> Vec<Verdict> {
    let expected = "every key of the policy has its safe value";
    let wanted = hygiene(case);
    case.each_site("config.js", expected, |view| {
        let subject = view.config.subject.clone();
        let evidence = case.sighted(&view.config);
        let value = view.config.known().and_then(|config| config.value.known());
        vec![match value {
            Err(why) => Verdict::unverified(subject, expected, why, evidence),
            Ok(config) => {
                let wrong = unsafe_keys(config, &wanted);
                let observed = match wrong.is_empty() {
                    true => format!("{} keys as wanted", wanted.len()),
                    false => wrong.join("; "),
                };
                Verdict::holds(wrong.is_empty(), subject, expected, observed, evidence)
            }
        }]
    })
}

fn unsafe_keys(config: &Value, wanted: &[Hygiene]) -> Vec<String> {
    let mut wrong = Vec::new();
    for Hygiene { key, value } in wanted {
        let pointer = format!("/{}", key.replace('.', "/"));
        match config.pointer(&pointer) {
            None => wrong.push(format!("{key} is not set, {value} is wanted")),
            Some(seen) if seen != value => wrong.push(format!("{key} is {seen}, {value} is wanted")),
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_missing_key_is_as_bad_as_a_wrong_one() {
        let wanted = [("a.b", json!(true)), ("c", json!(false))].map(|(key, value)| Hygiene {
            key: key.to_owned(),
            value,
        });
        let wrong = unsafe_keys(&json!({ "c": true }), &wanted);
        assert_eq!(wrong, ["a.b is not set, true is wanted", "c is true, false is wanted"]);
    }
}
