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
use crate::probe::Sighting;
use crate::probe::WebView;
use crate::probe::origins;
use crate::probe::web::ServedConfig;
use crate::probe::xmpp::listing::RoomInfo;

/// What is expected of hosts in settings and page.
const OWN_HOSTS: &str = "no host but the domain's own";

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
        let evidence = case.sighted(&view.page);
        match view.served_page().map(|page| page.config.as_ref()) {
            Err(why) => verdicts.push(Verdict::unverified(in_the_page(view), expected, &why, evidence)),
            Ok(Some(config)) => verdicts.push(values(case, in_the_page(view), config, &wanted, evidence)),
            Ok(None) => {}
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
    let expected = OWN_HOSTS;
    case.each_site("page and config.js", expected, |view| {
        let mut verdicts = vec![hosts_of_file(case, &view.config)];
        if !is_gone(&view.interface) {
            verdicts.push(hosts_of_file(case, &view.interface));
        }
        let subject = &view.page.subject;
        let evidence = || case.sighted(&view.page);
        match view.served_page() {
            Err(why) => verdicts.push(Verdict::unverified(subject, expected, &why, evidence())),
            Ok(page) => {
                let whole = page.response.content().map_err(|why| format!("the page: {why}"));
                verdicts.push(
                    match whole.as_ref().map_err(String::as_str).and(page.mentions.known()) {
                        Err(why) => Verdict::unverified(subject, expected, why, evidence()),
                        Ok(mentions) => named(case, subject, mentions, evidence()),
                    },
                );
                // A script may put a host together that no text of it names.
                if let Some(config) = &page.config {
                    verdicts.push(hosts_of(case, &in_the_page(view), config, evidence()));
                }
            }
        }
        verdicts
    })
}

/// The subject of the settings that stand in the page.
fn in_the_page(view: &WebView) -> String {
    format!("{} settings in the page", view.page.subject)
}

/// Whether the server says that there is no such file: then nobody is told anything by it.
fn is_gone(look: &Sighting<ServedConfig>) -> bool {
    look.known()
        .is_ok_and(|served| matches!(served.response.status, 404 | 410))
}

fn hosts_of_file(case: &Case, look: &Sighting<ServedConfig>) -> Verdict {
    let evidence = case.sighted(look);
    match look.known() {
        Err(why) => Verdict::unverified(&look.subject, OWN_HOSTS, why, evidence),
        Ok(config) => hosts_of(case, &look.subject, config, evidence),
    }
}

fn hosts_of(case: &Case, subject: &str, config: &ServedConfig, evidence: Evidence) -> Verdict {
    match config.mentions.known() {
        Err(why) => Verdict::unverified(subject, OWN_HOSTS, why, evidence),
        Ok(mentions) => named(case, subject, mentions, evidence),
    }
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

fn named(case: &Case, subject: &str, mentions: &BTreeSet<Mention>, evidence: Evidence) -> Verdict {
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
    Verdict::holds(foreign.is_empty(), subject, OWN_HOSTS, observed, evidence)
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
