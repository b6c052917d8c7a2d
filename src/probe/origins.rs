//! Finds the hosts that a page, its settings and its content security policy name. Pure text work: it fetches nothing
//! and does not say which host is allowed.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

/// Schemes whose next part is a host without `//` before it (RFC 7064, RFC 7065).
const BARE_SCHEMES: [&str; 4] = ["stun", "stuns", "turn", "turns"];

/// Endings of file names, which look like domains.
const FILES: [&str; 18] = [
    "html", "htm", "js", "mjs", "json", "css", "png", "svg", "jpg", "jpeg", "gif", "webp", "ico", "mp3", "wav", "wasm",
    "txt", "map",
];

/// A host that is named somewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mention {
    /// Where it is named: a path of keys such as `p2p.stunServers[0].urls`, an attribute such as `src`, a directive of
    /// the content security policy such as `connect-src`, or `text`.
    pub place: String,
    /// The scheme, where one is written.
    pub scheme: Option<String>,
    /// The host, in lower case, without a port.
    pub host: String,
}

impl Mention {
    /// Whether the host is neither `domain` nor below it.
    pub fn is_foreign_to(&self, domain: &str) -> bool {
        self.host != domain
            && !self
                .host
                .strip_suffix(domain)
                .is_some_and(|before| before.ends_with('.'))
    }
}

/// Reads `var config = <JSON>;`, the form Anteroom serves. Anything cleverer is not understood, rather than guessed at.
pub(crate) fn parse_config(script: &str) -> Result<Value, String> {
    let mut rest = script.trim_start_matches('\u{feff}').trim_start();
    while let Some(comment) = rest.strip_prefix("//") {
        rest = comment.split_once('\n').map_or("", |(_, after)| after).trim_start();
    }
    let object = rest
        .strip_prefix("var config")
        .map(str::trim_start)
        .and_then(|after| after.strip_prefix('='))
        .map(str::trim);
    let Some(object) = object else {
        return Err("config.js is not of the form `var config = {…};`".to_owned());
    };
    let object = object.strip_suffix(';').unwrap_or(object);
    serde_json::from_str(object).map_err(|error| format!("config.js is not a plain object literal: {error}"))
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

/// All hosts that a page names: what it loads or links to (by attribute), and URLs in its text and scripts.
pub(crate) fn in_html(page: &str) -> BTreeSet<Mention> {
    let mut found = BTreeSet::new();
    let mut attributed: BTreeSet<String> = BTreeSet::new();
    let lower = page.to_ascii_lowercase();
    for attribute in ["src", "href", "action", "data", "poster", "srcset", "content"] {
        for value in attribute_values(&lower, attribute) {
            let mut inside = BTreeSet::new();
            in_text(value, attribute, &mut inside);
            attributed.extend(inside.iter().map(|mention| mention.host.clone()));
            found.extend(inside);
        }
    }
    let mut text = BTreeSet::new();
    in_text(&lower, "text", &mut text);
    found.extend(text.into_iter().filter(|mention| !attributed.contains(&mention.host)));
    found
}

/// The values of one attribute, quoted or not.
fn attribute_values<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let mut values = Vec::new();
    for (at, _) in page.match_indices(name) {
        let free = at == 0 || page.as_bytes()[at - 1].is_ascii_whitespace() || page.as_bytes()[at - 1] == b'"';
        let Some(value) = page[at + name.len()..].trim_start().strip_prefix('=').filter(|_| free) else {
            continue;
        };
        let value = value.trim_start();
        let end = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).map(|(inside, _)| inside),
            _ => value.split(|c: char| c.is_whitespace() || c == '>').next(),
        };
        values.extend(end);
    }
    values
}

/// All hosts that a content security policy allows, by directive.
pub(crate) fn in_policy(policy: &str) -> BTreeSet<Mention> {
    let mut found = BTreeSet::new();
    for directive in policy.split([';', ',']) {
        let mut words = directive.split_whitespace();
        let Some(name) = words.next() else { continue };
        let name = name.to_ascii_lowercase();
        for source in words.filter(|source| !source.starts_with('\'')) {
            let before = found.len();
            in_text(source, &name, &mut found);
            if found.len() > before || source.ends_with(':') {
                continue;
            }
            if source == "*" {
                insert(&mut found, &name, None, "*");
            } else if let Some(host) = bare_host(source.trim_start_matches("*.")) {
                insert(&mut found, &name, None, &host);
            }
        }
    }
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
    use serde_json::json;

    fn hosts(found: &BTreeSet<Mention>) -> Vec<(&str, &str)> {
        found.iter().map(|m| (m.place.as_str(), m.host.as_str())).collect()
    }

    #[test]
    fn only_a_plain_object_literal_is_understood() {
        let good = "// Managed.\nvar config = {\"a\": 1};\n";
        assert_eq!(parse_config(good), Ok(json!({"a": 1})));
        for bad in [
            "var config = { a: 1 };",
            "var config = {\"a\": 1}; config.b = 2;",
            "let x = 1;",
            "var config = {\"a\": 1};\nvar subdomain = '';",
            "",
        ] {
            assert!(parse_config(bad).is_err(), "{bad}");
        }
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
            </script><meta content='https://t.example.com/x.png'></head></html>"#;
        let all = in_html(page);
        assert_eq!(
            hosts(&all),
            [
                ("content", "t.example.com"),
                ("src", "cdn.example.net"),
                ("text", "log.example.org")
            ]
        );
    }

    #[test]
    fn a_policy_names_hosts_wildcards_and_schemes_apart() {
        let all =
            in_policy("default-src 'self'; connect-src 'self' wss://t.example.com *.example.net data:; img-src *");
        assert_eq!(
            hosts(&all),
            [
                ("connect-src", "example.net"),
                ("connect-src", "t.example.com"),
                ("img-src", "*")
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
}
