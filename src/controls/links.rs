//! What the page's code could contact, and what a link could change in it.

use std::collections::BTreeSet;

use crate::catalog::policy::Component;
use crate::catalog::policy::policy;
use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::content_policy;
use crate::probe::HostileLink;
use crate::probe::LinkKeys;
use crate::probe::Mention;
use crate::probe::WebView;
use crate::probe::origins;

/// Most hosts or keys that one finding names.
const NAMED: usize = 8;

/// Schemes of servers that help media find its way; no content security policy holds these back.
const ICE: [&str; 4] = ["stun", "stuns", "turn", "turns"];

/// leakage/own-origins-only.
pub(crate) fn own_origins_only(case: &Case) -> Vec<Verdict> {
    let expected = "scripts and styles come from this server, and can contact no other";
    case.each_site("scripts and styles", expected, |view| {
        let subject = &view.crawl.subject;
        let evidence = case.sighted(&view.crawl);
        let crawl = match view.crawl.known() {
            Err(why) => return vec![Verdict::unverified(subject, expected, why, evidence)],
            Ok(crawl) => crawl,
        };
        let page = match view.served_page() {
            Err(why) => return vec![Verdict::unverified(subject, expected, &why, evidence)],
            Ok(page) => page,
        };
        let domain = case.domain.as_str();
        let confined = content_policy::confines(&page.response, domain);
        let own_ice = has_own_ice(view, domain);
        let mut reachable: BTreeSet<String> = BTreeSet::new();
        let mut held_back = 0;
        let mut unread = Vec::new();
        for resource in &crawl.resources {
            match resource.mentions.known() {
                Err(why) => unread.push(format!("{}: {why}", resource.url)),
                Ok(mentions) => {
                    for mention in mentions.iter().filter(|mention| mention.is_foreign_to(domain)) {
                        let ice = mention.scheme.as_deref().is_some_and(|scheme| ICE.contains(&scheme));
                        let out_of_reach = if ice { own_ice } else { confined };
                        if out_of_reach {
                            held_back += 1;
                        } else {
                            reachable.insert(named(mention, &resource.url));
                        }
                    }
                }
            }
        }
        if crawl.unvisited > 0 {
            unread.push(format!("{} files were not looked at", crawl.unvisited));
        }
        let count = crawl.resources.len();
        vec![if !reachable.is_empty() {
            Verdict::fail(subject, expected, shortened(reachable.into_iter().collect()), evidence)
        } else if !unread.is_empty() {
            Verdict::unverified(subject, expected, &shortened(unread), evidence)
        } else {
            let observed =
                format!("{count} files; of the hosts that they name, {held_back} are out of the page's reach");
            Verdict::pass(subject, expected, observed, evidence)
        }]
    })
}

/// Whether the settings name the servers that help media find its way, and only own ones: the library that is built in
/// asks a third party where they name none.
fn has_own_ice(view: &WebView, domain: &str) -> bool {
    let inline = view.page.known().ok().and_then(|page| page.config.as_ref());
    let config = inline.or(view.config.known().ok());
    let servers = config
        .and_then(|config| config.value.known().ok())
        .and_then(|value| value.pointer("/p2p/stunServers"));
    servers.is_some_and(|servers| {
        let foreign = origins::in_json(servers);
        servers.is_array() && foreign.iter().all(|mention| !mention.is_foreign_to(domain))
    })
}

fn named(mention: &Mention, url: &str) -> String {
    let file = url.rsplit('/').next().unwrap_or(url);
    format!("{} ({file})", mention.host)
}

fn shortened(mut names: Vec<String>) -> String {
    let count = names.len();
    names.truncate(NAMED);
    let more = if count > NAMED {
        format!(" and {} more", count - NAMED)
    } else {
        String::new()
    };
    format!("{}{more}", names.join(", "))
}

/// leakage/link-overrides.
pub(crate) fn link_overrides(case: &Case) -> Vec<Verdict> {
    let expected = "a link cannot change what the policy sets";
    case.each_site("hostile links", expected, |view| {
        // Where the settings stand in the page, that copy is the one that the app uses.
        let inline = match view.served_page() {
            Ok(page) => page.config.as_ref(),
            Err(why) => {
                let evidence = case.sighted(&view.page);
                return vec![Verdict::unverified(&view.page.subject, expected, &why, evidence)];
            }
        };
        let (subject, evidence) = match inline {
            Some(_) => (&view.page.subject, case.sighted(&view.page)),
            None => (&view.config.subject, case.sighted(&view.config)),
        };
        let subject = format!("{subject} #config.…");
        let link = match inline.map_or_else(|| view.config.known(), Ok) {
            Err(why) => return vec![Verdict::unverified(subject, expected, why, evidence)],
            Ok(config) => match config.link.known() {
                Err(why) => return vec![Verdict::unverified(subject, expected, why, evidence)],
                Ok(link) => link,
            },
        };
        if link.left.is_empty() {
            let observed = format!(
                "{} settings of a link are dropped before the app reads them",
                link.sent.len()
            );
            return vec![Verdict::pass(subject, expected, observed, evidence)];
        }
        let keys = view.crawl.known().map(|crawl| crawl.link_keys.as_ref());
        let evidence_of_list = case.sighted(&view.crawl);
        vec![
            match keys {
                Err(why) => Verdict::unverified(subject, expected, why, evidence),
                Ok(None) => {
                    let why = "the settings leave the link as it is, and no script shows which of it the app takes";
                    Verdict::unverified(subject, expected, why, evidence)
                }
                Ok(Some(keys)) => {
                    let open = open_keys(&keys.listed, link);
                    match (open.is_empty(), unknown_part(keys, link)) {
                        (false, _) => {
                            let observed = format!("a link may change {}", shortened(open));
                            Verdict::fail(subject, expected, observed, evidence)
                        }
                        (true, Some(why)) => Verdict::unverified(subject, expected, why, evidence),
                        (true, None) => {
                            let observed = format!("none of the {} settings that a link may change", keys.listed.len());
                            Verdict::pass(subject, expected, observed, evidence)
                        }
                    }
                }
            }
            .and(evidence_of_list),
        ]
    })
}

/// What of the link is left of which no list shows whether the app takes it.
fn unknown_part(keys: &LinkKeys, link: &HostileLink) -> Option<&'static str> {
    let of = |root: &str| link.left.iter().any(|part| part.split('.').next() == Some(root));
    if !keys.whole && of("config") {
        return Some("the list of what the app takes from a link goes on with one that is not read");
    }
    of("interfaceConfig")
        .then_some("the settings leave interfaceConfig in a link, and no list shows what the app takes of it")
}

/// Keys of the policy that the app takes from what is left of a link.
fn open_keys(listed: &BTreeSet<String>, link: &HostileLink) -> Vec<String> {
    let groups = policy(Component::Page).groups.iter();
    let rows = groups.flat_map(|group| group.set.keys());
    let open = rows.filter(|key| {
        listed.iter().any(|entry| {
            let covers =
                entry == *key || key.starts_with(&format!("{entry}.")) || entry.starts_with(&format!("{key}."));
            let left = ["config".to_owned(), format!("config.{entry}")];
            covers && left.iter().any(|part| link.left.contains(part))
        })
    });
    let open: BTreeSet<String> = open.cloned().collect();
    open.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_open_where_the_list_covers_them_and_the_link_still_has_them() {
        let listed: BTreeSet<String> = ["p2p.enabled", "lobby", "startSilent"].map(str::to_owned).into();
        let mut link = HostileLink {
            sent: BTreeSet::new(),
            left: listed.iter().map(|key| format!("config.{key}")).collect(),
        };
        assert_eq!(
            open_keys(&listed, &link),
            ["lobby.autoKnock", "lobby.enableChat", "p2p.enabled"]
        );
        link.left = BTreeSet::from(["config.startSilent".to_owned()]);
        assert_eq!(open_keys(&listed, &link), Vec::<String>::new());
        link.left = BTreeSet::from(["config".to_owned()]);
        assert_eq!(open_keys(&listed, &link).len(), 3);
    }

    #[test]
    fn what_no_list_covers_is_unknown() {
        for (whole, left, unknown) in [
            (true, "config.startSilent", false),
            (false, "config.startSilent", true),
            (true, "interfaceConfig.APP_NAME", true),
            (true, "interfaceConfig", true),
        ] {
            let keys = LinkKeys {
                listed: ["startSilent".to_owned()].into(),
                whole,
            };
            let link = HostileLink {
                sent: BTreeSet::new(),
                left: [left.to_owned()].into(),
            };
            assert_eq!(unknown_part(&keys, &link).is_some(), unknown, "{whole} {left}");
        }
    }
}
