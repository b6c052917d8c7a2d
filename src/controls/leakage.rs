//! Leakage: what the browser is told to contact and to keep, judged from the page and config.js as served, and what
//! XMPP tells of rooms to who is not in them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::catalog::policy::Component;
use crate::catalog::policy::policy;
use crate::controls::Case;
use crate::controls::Evidence;
use crate::controls::Verdict;
use crate::controls::access::one;
use crate::controls::doors::each_door;
use crate::controls::doors::each_view;
use crate::probe::Mention;
use crate::probe::origins;
use crate::probe::web::ServedConfig;
use crate::probe::xmpp::listing::RoomInfo;

/// A setting of the page that a deployment must have, by dotted key.
struct Hygiene {
    key: String,
    want: Want,
}

/// What is wanted of a setting.
#[derive(Clone)]
enum Want {
    /// It is set, to this.
    Set(Value),
    /// If it is set, then to this: the client's own default is safe.
    Unless(Value),
    /// It is set, to an address of the server's own.
    Own,
}

/// The policy's rows for the page: the deployment's own where a spec tells, else those that hold for every server.
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
                want: Want::Set(setting.value.clone()),
            })
            .collect();
    }
    let always = page.groups.iter().filter(|group| group.when.is_empty());
    let rows = always.flat_map(|group| {
        let dangerous = |key: &str| group.upstream.contains_key(key);
        group.set.iter().filter_map(move |(key, value)| {
            let want = match value.as_str() {
                Some(text) if text.contains("<domain>") && dangerous(key) => Want::Own,
                // Names of hosts are the server's to choose; whose they are is judged apart.
                Some(text) if text.contains('<') => return None,
                _ if dangerous(key) => Want::Set(value.clone()),
                _ => Want::Unless(value.clone()),
            };
            Some(Hygiene { key: key.clone(), want })
        })
    });
    rows.collect()
}

/// leakage/config-hygiene.
pub(crate) fn config_hygiene(case: &Case) -> Vec<Verdict> {
    let expected = "every key of the policy has its safe value";
    let wanted = hygiene(case);
    case.each_site("config.js", expected, |view| {
        let mut verdicts = vec![match view.config.known() {
            Err(why) => Verdict::unverified(&view.config.subject, expected, why, case.sighted(&view.config)),
            Ok(config) => values(
                case,
                view.config.subject.clone(),
                config,
                &wanted,
                case.sighted(&view.config),
            ),
        }];
        // What stands in the page is what its scripts use.
        if let Ok(page) = view.page.known()
            && let Some(config) = &page.config
        {
            let subject = format!("{} settings in the page", view.page.subject);
            verdicts.push(values(case, subject, config, &wanted, case.sighted(&view.page)));
        }
        verdicts
    })
}

fn values(case: &Case, subject: String, config: &ServedConfig, wanted: &[Hygiene], evidence: Evidence) -> Verdict {
    let expected = "every key of the policy has its safe value";
    let value = match config.value.known() {
        Err(why) => return Verdict::unverified(subject, expected, why, evidence),
        Ok(value) => value,
    };
    let (wrong, open) = unsafe_keys(value, &config.opaque, wanted, case.domain.as_str());
    match (wrong.is_empty(), open.is_empty()) {
        (false, _) => Verdict::fail(subject, expected, wrong.join("; "), evidence),
        (true, false) => Verdict::unverified(subject, expected, &open.join("; "), evidence),
        (true, true) => Verdict::pass(subject, expected, format!("{} keys as wanted", wanted.len()), evidence),
    }
}

/// The keys with another value than the wanted one, and those whose value cannot be told.
fn unsafe_keys(
    config: &Value,
    opaque: &BTreeMap<String, String>,
    wanted: &[Hygiene],
    domain: &str,
) -> (Vec<String>, Vec<String>) {
    let (mut wrong, mut open) = (Vec::new(), Vec::new());
    for Hygiene { key, want } in wanted {
        let pointer = format!("/{}", key.replace('.', "/"));
        let hidden = opaque.iter().find(|(path, _)| {
            *path == key || key.starts_with(&format!("{path}.")) || path.starts_with(&format!("{key}."))
        });
        if let Some((path, kind)) = hidden {
            open.push(format!("{path} is a {kind}"));
            continue;
        }
        match (config.pointer(&pointer), want) {
            (None, Want::Unless(_)) => {}
            (None, Want::Set(value)) => wrong.push(format!("{key} is not set, {value} is wanted")),
            (None, Want::Own) => wrong.push(format!("{key} is not set, a page of this server is wanted")),
            (Some(seen), Want::Set(value) | Want::Unless(value)) if seen != value => {
                wrong.push(format!("{key} is {seen}, {value} is wanted"));
            }
            (Some(seen), Want::Own) if !is_own(seen, domain) => {
                wrong.push(format!("{key} is {seen}, a page of this server is wanted"));
            }
            (Some(_), _) => {}
        }
    }
    (wrong, open)
}

/// Whether a setting names no host but the domain's own.
fn is_own(value: &Value, domain: &str) -> bool {
    let mentions = origins::in_json(value);
    value.is_string() && mentions.iter().all(|mention| !mention.is_foreign_to(domain))
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
                    if let Err(why) = page.response.content() {
                        let why = format!("the page: {why}");
                        return vec![
                            config,
                            Verdict::unverified(&view.page.subject, expected, &why, case.sighted(&view.page)),
                        ];
                    }
                    let mentions: BTreeSet<Mention> = page.mentions.union(policy).cloned().collect();
                    named(case, &view.page.subject, expected, &mentions, case.sighted(&view.page))
                }
            },
        };
        vec![config, page]
    })
}

/// leakage/rooms-not-listed. An empty list shows something only while a room is open.
pub(crate) fn rooms_not_listed(case: &Case) -> Vec<Verdict> {
    let expected = "no room, no occupant and no service of the bridges is listed";
    let telling = |item: &String| item.contains('@') || item.starts_with("internal.") || item.contains(".internal.");
    let quiet = |items: &Vec<String>| !items.iter().any(telling);
    let mut verdicts = each_door(case, expected, |door| {
        let lists = [&door.stranger.rooms, &door.guest.rooms].into_iter();
        let judged = lists
            .chain(&door.guest.parts)
            .flat_map(|list| one(case, list, expected, quiet));
        judged.collect()
    });
    verdicts.extend(each_view(case, "an open room", expected, |view| {
        let Some(seen) = &view.clinician else {
            let why = "no clinician opened a room, and the empty list of a server without rooms proves nothing";
            return vec![case.unseen_outside("an open room", expected, why)];
        };
        let mut verdicts = one(case, &seen.live.rooms, expected, quiet);
        let refused = |info: &RoomInfo| matches!(info, RoomInfo::Refused(_));
        verdicts.extend(one(case, &seen.live.room_info, expected, refused));
        verdicts
    }));
    verdicts
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

    fn row(key: &str, want: Want) -> Hygiene {
        Hygiene {
            key: key.to_owned(),
            want,
        }
    }

    #[test]
    fn a_missing_key_is_as_bad_as_a_wrong_one_unless_its_default_is_safe() {
        let wanted = [
            row("a.b", Want::Set(json!(true))),
            row("c", Want::Set(json!(false))),
            row("d", Want::Unless(json!(false))),
            row("e", Want::Unless(json!(false))),
            row("f", Want::Own),
            row("g", Want::Own),
        ];
        let seen = json!({ "c": true, "e": true, "f": "https://t.example.com/privacy", "g": "https://jitsi.org/" });
        let (wrong, open) = unsafe_keys(&seen, &BTreeMap::new(), &wanted, "t.example.com");
        let told = [
            "a.b is not set, true is wanted",
            "c is true, false is wanted",
            "e is true, false is wanted",
            "g is \"https://jitsi.org/\", a page of this server is wanted",
        ];
        assert_eq!((wrong, open), (told.map(str::to_owned).to_vec(), Vec::new()));
    }

    #[test]
    fn a_key_that_is_no_plain_value_stays_open() {
        let wanted = [row("a.b", Want::Set(json!(true)))];
        for path in ["a", "a.b", "a.b.c"] {
            let opaque = BTreeMap::from([(path.to_owned(), "function".to_owned())]);
            let (wrong, open) = unsafe_keys(&json!({}), &opaque, &wanted, "t.example.com");
            assert_eq!((wrong.len(), open), (0, vec![format!("{path} is a function")]));
        }
    }

    #[test]
    fn a_stock_server_fails_on_what_its_client_would_do_by_itself() {
        let groups = policy(Component::Page).groups.iter();
        assert!(groups.filter(|group| !group.upstream.is_empty()).count() > 5);
    }
}
