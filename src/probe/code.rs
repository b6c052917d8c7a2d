//! What scripts and styles of a site name: hosts they may contact, further files they load, and the list of settings that
//! a link may change. Text work, no parser: minified code is read by its string literals and a few well-known calls.

use std::collections::BTreeSet;

use serde::Serialize;

use super::origins;
use super::origins::Mention;

/// Calls whose first string is a file that a browser then loads.
const LOADS: [&str; 6] = [
    "import(",
    "importScripts(",
    "new Worker(",
    "new SharedWorker(",
    "serviceWorker.register(",
    "from",
];

/// Hosts in names that nothing is ever fetched from: XML namespaces.
const NAMESPACES: [&str; 5] = [
    "www.w3.org",
    "jabber.org",
    "etherx.jabber.org",
    "ns.adobe.com",
    "schemas.microsoft.com",
];

/// Two keys of jitsi-meet's list of what a link may change that have been in it for years (configWhitelist.ts). The list
/// is an array of strings, and minifiers leave it one.
const KNOWN_KEYS: [&str; 2] = ["disableThirdPartyRequests", "doNotStoreRoom"];

/// Most keys of such a list, and the longest text that one is looked for in before a known key.
const KEYS: usize = 1000;
const BEFORE: usize = 20_000;

/// The settings that a link may change, as far as a script lists them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkKeys {
    /// Those of the list.
    pub listed: BTreeSet<String>,
    /// Whether the script makes no longer list of it: `[…].concat(others)` takes more than is read here.
    pub whole: bool,
}

/// Hosts that a script names: in URLs, in strings that begin with `//`, and in `stun:` and its kin.
pub(crate) fn hosts_in_script(script: &str) -> BTreeSet<Mention> {
    let mut found = origins::in_code(script, "text");
    found.retain(|mention| match &mention.scheme {
        // A comment at the beginning.
        None => false,
        // A namespace is an http name; nobody is contacted by it.
        Some(scheme) => !(scheme == "http" && NAMESPACES.contains(&mention.host.as_str())),
    });
    for quote in ['"', '\'', '`'] {
        for (at, _) in script.match_indices(&format!("{quote}//")) {
            let hosts = literal(&script[at..]).map(|text| origins::in_code(text, "text"));
            found.extend(hosts.into_iter().flatten().filter(|mention| mention.host.contains('.')));
        }
    }
    found
}

/// Files that a script loads by a path of its own.
pub(crate) fn files_in_script(script: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for call in LOADS {
        for (at, _) in script.match_indices(call) {
            let after = script[at + call.len()..].trim_start();
            if let Some(literal) = literal(after)
                && is_path(literal)
            {
                found.insert(literal.to_owned());
            }
        }
    }
    found
}

/// Files and hosts in `url(…)` and `@import` of a style.
pub(crate) fn urls_in_style(style: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let lower = style.to_ascii_lowercase();
    for (at, _) in lower.match_indices("url(") {
        let after = style[at + 4..].trim_start();
        let value = literal(after).or_else(|| after.split(')').next().map(str::trim));
        found.extend(value.filter(|value| !value.is_empty()).map(str::to_owned));
    }
    for (at, _) in lower.match_indices("@import") {
        found.extend(literal(style[at + 7..].trim_start()).map(str::to_owned));
    }
    found.retain(|value| !value.starts_with("data:") && value.len() < 2000);
    found
}

/// The list of settings that a link may change, where the script holds one.
pub(crate) fn link_keys(script: &str) -> Option<LinkKeys> {
    for known in KNOWN_KEYS {
        for quote in ['"', '\'', '`'] {
            let needle = format!("{quote}{known}{quote}");
            for (at, _) in script.match_indices(&needle) {
                let window = floor(script, at.saturating_sub(BEFORE));
                let Some(open) = script[window..at].rfind('[').map(|open| window + open + 1) else {
                    continue;
                };
                if let Some((listed, after)) = strings(&script[open..])
                    && KNOWN_KEYS.iter().all(|key| listed.contains(*key))
                {
                    let whole = stands_alone(&script[..open - 1], after);
                    return Some(LinkKeys { listed, whole });
                }
            }
        }
    }
    None
}

/// Whether an array literal between these texts is no part of a longer list: `[…].concat(b)`, `a.concat([…])`, `[...[…]]`.
fn stands_alone(before: &str, after: &str) -> bool {
    let before = before.trim_end();
    !(before.ends_with("...") || before.ends_with("concat(") || after.trim_start().starts_with(['.', '?']))
}

/// The strings of an array literal that holds nothing else, and what follows it.
fn strings(mut rest: &str) -> Option<(BTreeSet<String>, &str)> {
    let mut keys = BTreeSet::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(']') {
            return Some((keys, after));
        }
        let text = literal(rest)?;
        keys.insert(text.to_owned());
        if keys.len() > KEYS {
            return None;
        }
        rest = rest[text.len() + 2..].trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with(']') => {}
            None => return None,
        }
    }
}

/// The string literal that a text begins with, where it is a plain one.
fn literal(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let inside = text[1..].split(quote).next()?;
    let ended = text.len() > inside.len() + 1;
    (ended && inside.len() < 2000 && !inside.contains(['\\', '\n', '$'])).then_some(inside)
}

fn is_path(text: &str) -> bool {
    let plain = text.split(['?', '#']).next().unwrap_or_default();
    [".js", ".mjs", ".css", ".wasm"]
        .iter()
        .any(|ending| plain.ends_with(ending))
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn minified_code_names_its_files_and_hosts() {
        let script = r#"const n="http://www.w3.org/2000/svg";fetch("https://api.example.net/x");navigator.serviceWorker.register("pwa-worker.js?v=1");
            import("./libs/chunk.mjs");import(`./lang/${l}.js`);new Worker('/libs/a.js');var s=[{urls:"stun:stun.example.org:443"}];new WebSocket("wss://ws.example.com/x");i.src="//img.example.net/x"// no.example.net"#;
        let files: Vec<String> = files_in_script(script).into_iter().collect();
        assert_eq!(files, ["./libs/chunk.mjs", "/libs/a.js", "pwa-worker.js?v=1"]);
        let hosts = hosts_in_script(script);
        let hosts: Vec<&str> = hosts.iter().map(|mention| mention.host.as_str()).collect();
        assert_eq!(
            hosts,
            [
                "img.example.net",
                "api.example.net",
                "stun.example.org",
                "ws.example.com"
            ]
        );
    }

    #[test]
    fn styles_name_fonts_pictures_and_further_styles() {
        let style = "@import 'more.css';@font-face{src:url(../fonts/a.woff2) format('woff2'),URL( \"//cdn.example.net/b.ttf\" )}\
                     a{background:url(data:image/png;base64,AA)}";
        let urls: Vec<String> = urls_in_style(style).into_iter().collect();
        assert_eq!(urls, ["../fonts/a.woff2", "//cdn.example.net/b.ttf", "more.css"]);
    }

    #[test]
    fn the_list_of_what_links_may_change_is_found_in_minified_code() {
        // As webpack leaves configWhitelist.ts (github.com/jitsi/jitsi-meet, commit 02a8f1a4665d), shortened.
        let script = r#"a=["x"];const o=["_desktopSharingSourceDevice","analytics.disabled","disableThirdPartyRequests","doNotStoreRoom","p2p.enabled","whiteboard.enabled"].concat(i.A).concat((0,r.d)()?s.A:[])"#;
        let keys = link_keys(script).unwrap();
        assert_eq!((keys.listed.len(), keys.whole), (6, false));
        assert!(keys.listed.contains("p2p.enabled"));
        let list = "['disableThirdPartyRequests','doNotStoreRoom']";
        for (script, whole) in [
            (format!("var o={list};o.map(f)"), true),
            (format!("var o=a.concat({list})"), false),
            (format!("var o=f(...{list})"), false),
        ] {
            assert_eq!(link_keys(&script).unwrap().whole, whole, "{script}");
        }
        for none in [
            "",
            "var o=[\"disableThirdPartyRequests\"];",
            "t.disableThirdPartyRequests&&\"doNotStoreRoom\"",
            "[\"disableThirdPartyRequests\",f(),\"doNotStoreRoom\"]",
        ] {
            assert_eq!(link_keys(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_readers(text in "\\PC{0,200}|(import\\(|url\\(|[\"'`\\[\\],a.:/]|é|stun:|//){0,60}") {
            let _ = (hosts_in_script(&text), files_in_script(&text), urls_in_style(&text), link_keys(&text));
            let _ = strings(&text);
            let _ = link_keys(&format!("é[{text}\"disableThirdPartyRequests\",\"doNotStoreRoom\"{text}"));
        }
    }
}
