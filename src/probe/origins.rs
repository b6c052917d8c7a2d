//! Finds the hosts that a page and its settings name. Pure text work: it fetches nothing and does not say which host is
//! allowed.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::code;
use super::html;

/// Schemes whose next part is a host without `//` before it (RFC 7064, RFC 7065).
const BARE_SCHEMES: [&str; 4] = ["stun", "stuns", "turn", "turns"];

/// Endings of file names, which look like domains.
const FILES: [&str; 18] = [
    "html", "htm", "js", "mjs", "json", "css", "png", "svg", "jpg", "jpeg", "gif", "webp", "ico", "mp3", "wav", "wasm",
    "txt", "map",
];

/// Attributes that hold a URL, or text with one, such as `content` of a refresh.
const ATTRIBUTES: [&str; 12] = [
    "src",
    "href",
    "xlink:href",
    "action",
    "formaction",
    "data",
    "poster",
    "content",
    "ping",
    "manifest",
    "background",
    "style",
];

/// Attributes that hold several, each with a size.
const LISTS: [&str; 2] = ["srcset", "imagesrcset"];

/// A host that is named somewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mention {
    /// Where it is named: a path of keys such as `p2p.stunServers[0].urls`, an attribute such as `src`, or `text`.
    pub place: String,
    /// The scheme, where one is written.
    pub scheme: Option<String>,
    /// The host, in lower case, without a port.
    pub host: String,
}

impl Mention {
    /// Whether the host is neither `domain` nor below it.
    pub fn is_foreign_to(&self, domain: &str) -> bool {
        !is_within(&self.host, domain)
    }
}

/// Whether a host is the domain or below it.
pub(crate) fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// All hosts that the strings of a JSON value name, as URLs or as bare domains.
pub(crate) fn in_json(value: &Value) -> BTreeSet<Mention> {
    let mut found = BTreeSet::new();
    walk(value, "", &mut found);
    found
}

fn walk(value: &Value, place: &str, found: &mut BTreeSet<Mention>) {
    match value {
        Value::String(text) => {
            let before = found.len();
            in_text(text, place, found);
            if found.len() == before
                && let Some(host) = bare_host(text)
            {
                insert(found, place, None, &host);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{place}[{index}]"), found);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                let inner = if place.is_empty() {
                    key.clone()
                } else {
                    format!("{place}.{key}")
                };
                walk(field, &inner, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// All hosts that a page names: what it loads or links to (by attribute), and URLs in its scripts and styles. The reason
/// where it was not read whole.
pub(crate) fn in_html(page: &str) -> Result<BTreeSet<Mention>, String> {
    let mut found = BTreeSet::new();
    for tag in html::tags(page)? {
        for (name, value) in &tag.attributes {
            if LISTS.contains(&name.as_str()) {
                for candidate in value.split(',') {
                    in_text(candidate.trim_start(), name, &mut found);
                }
            } else if ATTRIBUTES.contains(&name.as_str()) {
                in_text(value.trim_start(), name, &mut found);
            }
        }
        if tag.name == "style" {
            for url in code::urls_in_style(tag.text) {
                in_text(&url, "url()", &mut found);
            }
        } else {
            found.extend(code::hosts_in_script(tag.text));
        }
    }
    Ok(found)
}

/// All hosts that code names, by URL.
pub(crate) fn in_code(text: &str, place: &str) -> BTreeSet<Mention> {
    let mut found = BTreeSet::new();
    in_text(text, place, &mut found);
    found
}

/// All URLs in a text: `scheme://host`, `//host` at its beginning, and `stun:host` and its kin.
fn in_text(text: &str, place: &str, found: &mut BTreeSet<Mention>) {
    for (at, _) in text.match_indices("//") {
        let scheme = scheme_before(&text[..at]);
        if scheme.is_none() && at != 0 {
            continue;
        }
        if let Some(host) = host_at(&text[at + 2..]) {
            insert(found, place, scheme, &host);
        }
    }
    for scheme in BARE_SCHEMES {
        for (at, _) in text.match_indices(&format!("{scheme}:")) {
            let begins = at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric();
            let after = &text[at + scheme.len() + 1..];
            if begins
                && !after.starts_with("//")
                && let Some(host) = host_at(after)
            {
                insert(found, place, Some(scheme.to_owned()), &host);
            }
        }
    }
}

/// The scheme that ends right before `//`.
fn scheme_before(text: &str) -> Option<String> {
    let text = text.strip_suffix(':')?;
    let begin = text
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let scheme = text[begin..].to_ascii_lowercase();
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()).then_some(scheme)
}

/// The host at the beginning of `text`: after user information, before port and path. `None` where none is written,
/// as in a template `https://${host}`.
fn host_at(text: &str) -> Option<String> {
    let end = text
        .find(|c: char| {
            c.is_whitespace()
                || matches!(
                    c,
                    '/' | '?' | '#' | '"' | '\'' | '`' | '<' | '>' | '\\' | ',' | ';' | ')'
                )
        })
        .unwrap_or(text.len());
    let authority = &text[..end];
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_start_matches("*.").to_ascii_lowercase();
    let plausible = !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    plausible.then_some(host)
}

/// A whole text that is a domain name or an IPv4 address, with an optional port or path.
fn bare_host(text: &str) -> Option<String> {
    let host = text.split(['/', ':']).next()?.to_ascii_lowercase();
    if host.parse::<std::net::Ipv4Addr>().is_ok() {
        return Some(host);
    }
    let last = host.rsplit_once('.')?.1;
    let shaped = host.split('.').all(|label| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    });
    let top = last.len() >= 2 && last.chars().all(|c| c.is_ascii_alphabetic()) && !FILES.contains(&last);
    (shaped && top).then_some(host)
}

fn insert(found: &mut BTreeSet<Mention>, place: &str, scheme: Option<String>, host: &str) {
    found.insert(Mention {
        place: place.to_owned(),
        scheme,
        host: host.to_owned(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn hosts(found: &BTreeSet<Mention>) -> Vec<(&str, &str)> {
        found.iter().map(|m| (m.place.as_str(), m.host.as_str())).collect()
    }

    #[test]
    fn third_parties_in_a_config_are_found_with_their_keys() {
        let config = json!({
            "hosts": {"domain": "t.example.com", "muc": "conference.t.example.com"},
            "p2p": {"stunServers": [{"urls": "stun:meet-jit-si-turnrelay.jitsi.net:443"}]},
            "analytics": {"scriptURLs": ["https://www.google-analytics.com/analytics.js", "libs/analytics-ga.min.js"]},
            "bosh": "//t.example.com/http-bind",
            "gravatarBaseURL": "https://www.gravatar.com/avatar/",
            "defaultLogoUrl": "images/watermark.svg", "language": "en", "version": "1.2.3"
        });
        let all = in_json(&config);
        let foreign: Vec<_> = all
            .iter()
            .filter(|m| m.is_foreign_to("t.example.com"))
            .cloned()
            .collect();
        assert_eq!(
            hosts(&foreign.into_iter().collect()),
            [
                ("analytics.scriptURLs[0]", "www.google-analytics.com"),
                ("gravatarBaseURL", "www.gravatar.com"),
                ("p2p.stunServers[0].urls", "meet-jit-si-turnrelay.jitsi.net"),
            ]
        );
        assert!(all.iter().any(|m| m.place == "hosts.muc"));
    }

    #[test]
    fn a_page_names_what_it_loads() {
        let page = r#"<html><head><link rel="stylesheet" href="/css/all.css"><script src="//cdn.example.net/a.js"></script>
            <script>var x = "https://log.example.org/p?x=${y}"; var z = `https://${host}/a`; // comment
            </script><meta content='https://t.example.com/x.png'><link rel=preconnect href=https://dns.example.net>
            <img srcset="/a.png 1x, //pics.example.net/b.png 2x"><style>a{background:url(//css.example.net/c.png)}</style>
            </head></html>"#;
        let all = in_html(page).unwrap();
        assert_eq!(
            hosts(&all),
            [
                ("content", "t.example.com"),
                ("href", "dns.example.net"),
                ("src", "cdn.example.net"),
                ("srcset", "pics.example.net"),
                ("text", "log.example.org"),
                ("url()", "css.example.net")
            ]
        );
    }

    #[test]
    fn a_name_that_only_ends_alike_is_foreign() {
        let mention = |host: &str| Mention {
            place: String::new(),
            scheme: None,
            host: host.to_owned(),
        };
        assert!(mention("evilexample.com").is_foreign_to("example.com"));
        assert!(!mention("a.example.com").is_foreign_to("example.com"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_readers(text in "\\PC{0,200}|(https?:|//|stun:|@|\\[|[<>\"'=é./ :;*,]|src){0,60}") {
            let _ = (in_html(&text), in_code(&text, "x"), in_json(&json!([text])));
        }
    }
}
