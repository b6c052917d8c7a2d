//! What the site's responses tell browsers and strangers in their headers: where a visitor came from, which devices a page
//! may use, cookies, types, and versions.

use std::collections::BTreeSet;

use crate::controls::Case;
use crate::controls::Verdict;
use crate::probe::web::Response;

/// Referrer policies that tell another site nothing at all.
const SILENT_REFERRERS: [&str; 2] = ["no-referrer", "same-origin"];

/// Referrer policies that browsers know (W3C Referrer Policy, 3); others are skipped by them.
const REFERRERS: [&str; 8] = [
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
];

/// What a visit needs.
const DEVICES: [&str; 3] = ["camera", "microphone", "display-capture"];

/// Headers that name software.
const BANNERS: [&str; 7] = [
    "server",
    "x-powered-by",
    "via",
    "x-generator",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-runtime",
];

/// Software whose name before a number makes the number a version.
const SOFTWARE: [&str; 22] = [
    "nginx",
    "openresty",
    "apache",
    "prosody",
    "jetty",
    "tomcat",
    "caddy",
    "lighttpd",
    "microsoft-iis",
    "php",
    "openssl",
    "express",
    "node",
    "envoy",
    "haproxy",
    "varnish",
    "jitsi",
    "ubuntu",
    "debian",
    "python",
    "werkzeug",
    "lua",
];

/// leakage/referrer.
pub(crate) fn referrer(case: &Case) -> Vec<Verdict> {
    let expected = "Referrer-Policy: no-referrer or same-origin";
    on_page(case, "Referrer-Policy", expected, |response| {
        let values = response.all("referrer-policy").join(",").to_ascii_lowercase();
        // The last value that a browser knows is the one in force.
        let known = values
            .split(',')
            .map(str::trim)
            .rfind(|value| REFERRERS.contains(value));
        let silent = known.is_some_and(|value| SILENT_REFERRERS.contains(&value));
        (silent, known.unwrap_or("no such header").to_owned())
    })
}

/// access/devices-own-page-only.
pub(crate) fn devices_own_page_only(case: &Case) -> Vec<Verdict> {
    let expected = "Permissions-Policy grants camera, microphone and screen to the page itself and nobody else";
    on_page(case, "Permissions-Policy", expected, |response| {
        let value = response.all("permissions-policy").join(",");
        if value.is_empty() {
            return (false, "no such header".to_owned());
        }
        let wrong: Vec<String> = DEVICES
            .iter()
            .filter_map(|device| match granted(&value, device) {
                None => Some(format!("{device} is not named")),
                Some(list) if is_own_grant(&list, case.domain.as_str()) => None,
                Some(list) => Some(format!("{device} is granted to {list}")),
            })
            .collect();
        let others = value.split(',').filter_map(|part| part.split_once('='));
        let starred: Vec<&str> = others
            .filter(|(_, list)| list.contains('*'))
            .map(|(name, _)| name.trim())
            .filter(|name| !DEVICES.contains(name))
            .collect();
        let mut told = wrong;
        told.extend(starred.iter().map(|name| format!("{name} is granted to everybody")));
        let holds = told.is_empty();
        (holds, if holds { value } else { told.join("; ") })
    })
}

/// The list of a feature in the header (a structured dictionary, RFC 9651); the last one of a name counts.
fn granted(header: &str, feature: &str) -> Option<String> {
    let parts = header.split(',').filter_map(|part| part.split_once('='));
    parts
        .filter(|(name, _)| name.trim() == feature)
        .map(|(_, list)| list.split(';').next().unwrap_or_default().trim().to_owned())
        .next_back()
}

fn is_own_grant(list: &str, domain: &str) -> bool {
    let inside = list.trim_start_matches('(').trim_end_matches(')');
    inside
        .split_ascii_whitespace()
        .all(|word| word == "self" || word.trim_matches('"') == format!("https://{domain}"))
}

/// integrity/content-types-fixed.
pub(crate) fn content_types_fixed(case: &Case) -> Vec<Verdict> {
    let expected = "X-Content-Type-Options: nosniff";
    on_page(case, "X-Content-Type-Options", expected, |response| {
        let value = response.header("x-content-type-options").unwrap_or("no such header");
        // Browsers read the first of several values.
        let first = value.split(',').next().unwrap_or_default().trim();
        (first.eq_ignore_ascii_case("nosniff"), value.to_owned())
    })
}

fn on_page(case: &Case, what: &str, expected: &str, judge: impl Fn(&Response) -> (bool, String)) -> Vec<Verdict> {
    case.each_site(what, expected, |view| {
        let subject = &view.page.subject;
        let evidence = case.sighted(&view.page);
        vec![match view.served_page() {
            Err(why) => Verdict::unverified(subject, expected, &why, evidence),
            Ok(page) => {
                let (holds, observed) = judge(&page.response);
                Verdict::holds(holds, subject, expected, observed, evidence)
            }
        }]
    })
}

/// encryption/cookies-secure.
pub(crate) fn cookies_secure(case: &Case) -> Vec<Verdict> {
    let expected = "every cookie is Secure, HttpOnly and SameSite";
    case.each_site("cookies", expected, |view| {
        let subject = format!("https://{} cookies", case.domain);
        let evidence = case.sighted(&view.page);
        let answers = view.answers();
        let responses = answers.iter().filter_map(|answer| answer.ok());
        let cookies: Vec<&String> = responses.flat_map(|response| response.all("set-cookie")).collect();
        let weak: BTreeSet<String> = cookies.iter().filter_map(|cookie| weakness(cookie)).collect();
        let unseen = answers.iter().find_map(|answer| answer.err());
        let verdict = match (weak.is_empty(), unseen) {
            (false, _) => {
                let weak: Vec<String> = weak.into_iter().collect();
                Verdict::fail(subject, expected, weak.join("; "), evidence)
            }
            (true, Some(why)) => Verdict::unverified(subject, expected, why, evidence),
            (true, None) => {
                let observed = format!("{} cookies in {} responses", cookies.len(), answers.len());
                Verdict::pass(subject, expected, observed, evidence)
            }
        };
        vec![
            verdict
                .and(case.sighted(&view.plain_root))
                .and(case.sighted(&view.crawl)),
        ]
    })
}

/// What a cookie lacks, with its name and without its value.
fn weakness(cookie: &str) -> Option<String> {
    let mut parts = cookie.split(';');
    let name = parts.next()?.split('=').next()?.trim().to_owned();
    let attributes: Vec<String> = parts.map(|part| part.trim().to_ascii_lowercase()).collect();
    let has = |wanted: &str| attributes.iter().any(|attribute| attribute == wanted);
    let mut lacks = Vec::new();
    if !has("secure") {
        lacks.push("Secure");
    }
    if !has("httponly") {
        lacks.push("HttpOnly");
    }
    if !has("samesite=lax") && !has("samesite=strict") {
        lacks.push("SameSite");
    }
    (!lacks.is_empty()).then(|| format!("{name} is not {}", lacks.join(", ")))
}

/// leakage/versions-hidden.
pub(crate) fn versions_hidden(case: &Case) -> Vec<Verdict> {
    let expected = "no header and no error page names a version";
    case.each_site("versions", expected, |view| {
        let subject = format!("https://{} versions", case.domain);
        let mut told: Vec<String> = Vec::new();
        for response in view.answers().into_iter().filter_map(Result::ok) {
            for banner in BANNERS {
                told.extend(
                    response
                        .all(banner)
                        .iter()
                        .filter(|value| has_number(value))
                        .map(|value| format!("{banner}: {value}")),
                );
            }
        }
        let texts = view
            .methods
            .iter()
            .filter_map(|look| Some(look.known().ok()?.answer.text.as_str()));
        let errors = view
            .errors
            .iter()
            .filter_map(|look| Some(look.known().ok()?.text.as_str()));
        for text in texts.chain(errors) {
            told.extend(versions(text));
        }
        told.sort();
        told.dedup();
        let evidence = view
            .errors
            .first()
            .map_or_else(|| case.sighted(&view.page), |look| case.sighted(look));
        let unseen = view
            .errors
            .iter()
            .find_map(|look| look.known().err())
            .or(view.page.known().err());
        vec![match (told.is_empty(), unseen) {
            (false, _) => Verdict::fail(subject, expected, told.join("; "), evidence),
            (true, Some(why)) => Verdict::unverified(subject, expected, why, evidence),
            (true, None) => Verdict::pass(subject, expected, "none", evidence),
        }]
    })
}

/// Whether a banner has a number with a dot in it. `1.1 proxy` of Via names the protocol.
fn has_number(value: &str) -> bool {
    value
        .split_ascii_whitespace()
        .filter(|word| !matches!(*word, "1.0" | "1.1" | "2.0" | "HTTP/1.1" | "HTTP/2.0"))
        .any(|word| number_at(word.trim_start_matches(|c: char| !c.is_ascii_digit())).is_some())
}

/// Versions that a page names: a known program followed by a dotted number.
fn versions(text: &str) -> Vec<String> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for software in SOFTWARE {
        for (at, _) in lower.match_indices(software) {
            let after = &lower[at + software.len()..];
            let after = after
                .trim_start_matches([' ', '/', '-', '('])
                .trim_start_matches("version ");
            let after = after.strip_prefix('v').unwrap_or(after);
            if let Some(number) = number_at(after) {
                found.push(format!("a page says {software} {number}"));
            }
        }
    }
    found
}

/// The dotted number that a text begins with.
fn number_at(text: &str) -> Option<&str> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let number = text[..end].trim_end_matches('.');
    (number.starts_with(|c: char| c.is_ascii_digit()) && number.contains('.')).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_banners_and_pages() {
        assert!(has_number("nginx/1.22.1") && has_number("Apache/2.4.57 (Debian)") && has_number("PHP/8.2"));
        assert!(!has_number("nginx") && !has_number("1.1 varnish") && !has_number("cloudflare"));
        assert_eq!(
            versions("<hr><center>nginx/1.22.1</center>"),
            ["a page says nginx 1.22.1"]
        );
        assert_eq!(versions("Prosody 0.12.3 says"), ["a page says prosody 0.12.3"]);
        assert!(versions("<hr><center>nginx</center> 2026.11.30").is_empty());
    }

    #[test]
    fn a_cookie_lacks_what_it_does_not_say() {
        assert_eq!(weakness("a=b; Secure; httponly; SameSite=Lax; Path=/"), None);
        let weak = weakness("sid=secret; Path=/; SameSite=None").unwrap();
        assert_eq!(weak, "sid is not Secure, HttpOnly, SameSite");
    }

    #[test]
    fn grants_are_read_by_feature() {
        let header = "camera=(self), microphone=*, display-capture=(self \"https://t.example.com\"), usb=()";
        assert!(is_own_grant(&granted(header, "camera").unwrap(), "t.example.com"));
        assert!(!is_own_grant(&granted(header, "microphone").unwrap(), "t.example.com"));
        assert!(is_own_grant(
            &granted(header, "display-capture").unwrap(),
            "t.example.com"
        ));
        assert_eq!(granted(header, "geolocation"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_header_breaks_a_judge(text in "\\PC{0,80}|(nginx|[ /v0-9.=();,\"*-]){0,40}") {
            let _ = (versions(&text), has_number(&text), weakness(&text), granted(&text, "camera"));
        }
    }
}
