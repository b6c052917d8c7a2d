//! The content security policy that the page is served with, judged directive by directive against the one that Anteroom
//! renders, and whether other sites may frame the page.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::controls::Case;
use crate::controls::Verdict;
use crate::probe::origins::is_within;
use crate::probe::web::Response;
use crate::render;

/// Sources that are the page's own, that only narrow, or that name one script by its content.
const NARROW: [&str; 5] = ["'none'", "'self'", "'report-sample'", "'nonce-", "'sha"];

/// Lets every script that may run load further ones from any host; hosts in the list then count for nothing.
const LOADS_ANY: &str = "'strict-dynamic'";

/// Directives that fall back to nothing where they are absent.
const ALONE: [&str; 3] = ["base-uri", "form-action", "frame-ancestors"];

/// One policy: directives in lower case with their sources.
type Directives = BTreeMap<String, Vec<String>>;

/// leakage/content-policy.
pub(crate) fn content_policy(case: &Case) -> Vec<Verdict> {
    let expected =
        "every directive as narrow as the rendered policy: own origins, no star, no data: or eval for scripts";
    case.each_site("Content-Security-Policy", expected, |view| {
        let subject = &view.page.subject;
        let evidence = case.sighted(&view.page);
        vec![match view.served_page() {
            Err(why) => Verdict::unverified(subject, expected, &why, evidence),
            Ok(page) => {
                let policies = policies(&page.response);
                if policies.is_empty() {
                    return vec![Verdict::fail(subject, expected, "no content security policy", evidence)];
                }
                let mut wide = too_wide(&policies, case.domain.as_str());
                wide.extend(reported_elsewhere(&policies, case.domain.as_str()));
                let observed = match wide.is_empty() {
                    true => format!("{} directives, none wider", policies[0].len()),
                    false => wide.join("; "),
                };
                Verdict::holds(wide.is_empty(), subject, expected, observed, evidence)
            }
        }]
    })
}

/// access/framing-refused.
pub(crate) fn framing_refused(case: &Case) -> Vec<Verdict> {
    let expected = "frame-ancestors 'none' or own origins, or X-Frame-Options where there is no such directive";
    case.each_site("framing", expected, |view| {
        let subject = &view.page.subject;
        let evidence = case.sighted(&view.page);
        vec![match view.served_page() {
            Err(why) => Verdict::unverified(subject, expected, &why, evidence),
            Ok(page) => {
                let (refused, observed) = framing(&page.response, case.domain.as_str());
                Verdict::holds(refused, subject, expected, observed, evidence)
            }
        }]
    })
}

fn framing(response: &Response, domain: &str) -> (bool, String) {
    let policies = policies(response);
    let named: Vec<&Vec<String>> = policies
        .iter()
        .filter_map(|policy| policy.get("frame-ancestors"))
        .collect();
    // Browsers ignore X-Frame-Options where the directive is there.
    if !named.is_empty() {
        let refused = named
            .iter()
            .any(|sources| sources.iter().all(|source| is_narrow(source) || is_own(source, domain)));
        let told: Vec<String> = named.iter().map(|sources| sources.join(" ")).collect();
        return (refused, format!("frame-ancestors {}", told.join(", ")));
    }
    match response.header("x-frame-options") {
        None => (false, "neither frame-ancestors nor X-Frame-Options".to_owned()),
        Some(value) => {
            let refused = matches!(value.trim().to_ascii_lowercase().as_str(), "deny" | "sameorigin");
            (refused, format!("X-Frame-Options: {value}"))
        }
    }
}

/// Whether the policies keep the page from contacting any host but its own, whatever its scripts try.
pub(crate) fn confines(response: &Response, domain: &str) -> bool {
    let kept = |directive: &str| {
        policies(response).iter().any(|policy| {
            effective(policy, directive).is_some_and(|sources| {
                sources.iter().all(|source| {
                    let no_host = source.starts_with('\'') && source != LOADS_ANY;
                    no_host || is_own(source, domain) || matches!(source.as_str(), "data:" | "blob:")
                })
            })
        })
    };
    [
        "connect-src",
        "script-src",
        "script-src-elem",
        "style-src",
        "style-src-elem",
        "img-src",
        "font-src",
        "media-src",
        "object-src",
        "worker-src",
        "frame-src",
        "manifest-src",
        "form-action",
    ]
    .into_iter()
    .all(kept)
}

/// The policies in force; all of them have to allow a source. `Report-Only` ones are not.
fn policies(response: &Response) -> Vec<Directives> {
    let values = response.all("content-security-policy").iter();
    values
        .flat_map(|value| value.split(','))
        .map(parse)
        .filter(|policy| !policy.is_empty())
        .collect()
}

/// The first directive of a name counts (CSP level 3, 2.2.1).
fn parse(policy: &str) -> Directives {
    let mut directives = Directives::new();
    for directive in policy.split(';') {
        let mut words = directive.split_ascii_whitespace().map(str::to_ascii_lowercase);
        if let Some(name) = words.next() {
            directives.entry(name).or_insert_with(|| words.collect());
        }
    }
    directives
}

/// What a directive allows, with its fallbacks; `None`: everything.
fn effective<'a>(policy: &'a Directives, directive: &str) -> Option<&'a Vec<String>> {
    let fallbacks: &[&str] = match directive {
        name if ALONE.contains(&name) => &[],
        "script-src-elem" | "script-src-attr" => &["script-src", "default-src"],
        "style-src-elem" | "style-src-attr" => &["style-src", "default-src"],
        "worker-src" => &["child-src", "script-src", "default-src"],
        "frame-src" => &["child-src", "default-src"],
        _ => &["default-src"],
    };
    policy
        .get(directive)
        .or_else(|| fallbacks.iter().find_map(|name| policy.get(*name)))
}

/// What is wider than the rendered policy, in words.
fn too_wide(served: &[Directives], domain: &str) -> Vec<String> {
    let rendered = parse(&render::page_policy(domain));
    let sources = served
        .iter()
        .flat_map(|policy| policy.keys())
        .filter(|name| name.contains("-src"));
    let names: BTreeSet<&String> = rendered.keys().chain(sources).collect();
    let judged = names.into_iter().filter(|name| *name != "frame-ancestors");
    judged
        .filter_map(|name| {
            let allowed = effective(&rendered, name)?;
            let mut excess: Option<Vec<String>> = None;
            for policy in served {
                let sources = match effective(policy, name) {
                    None => vec!["everything".to_owned()],
                    Some(sources) => {
                        let wide = |source: &&String| {
                            !(allowed.contains(source) || is_narrow(source) || is_own(source, domain))
                        };
                        sources.iter().filter(wide).cloned().collect()
                    }
                };
                if sources.is_empty() {
                    return None;
                }
                excess.get_or_insert(sources);
            }
            excess.map(|sources| format!("{name} allows {}", sources.join(" ")))
        })
        .collect()
}

/// Where browsers would send what the policies stopped, if that is another host.
fn reported_elsewhere(served: &[Directives], domain: &str) -> Vec<String> {
    let reports = served.iter().filter_map(|policy| policy.get("report-uri")).flatten();
    let foreign = reports.filter(|target| target.contains("//") && !is_own(target.trim_start_matches("//"), domain));
    foreign.map(|target| format!("report-uri tells {target}")).collect()
}

fn is_narrow(source: &str) -> bool {
    NARROW.iter().any(|narrow| source.starts_with(narrow))
}

/// A host of the domain, by an encrypted scheme or by the page's own.
fn is_own(source: &str, domain: &str) -> bool {
    let rest = match source.split_once("://") {
        None => source,
        Some(("https" | "wss", rest)) => rest,
        Some(_) => return false,
    };
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    let host = host.strip_prefix("*.").unwrap_or(host);
    is_within(host, domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(policy: &str) -> Vec<String> {
        let served: Vec<Directives> = policy.split(',').map(parse).collect();
        too_wide(&served, "t.example.com")
    }

    #[test]
    fn the_rendered_policy_and_narrower_ones_are_narrow_enough() {
        for policy in [
            render::page_policy("t.example.com"),
            "default-src 'none'; base-uri 'none'; form-action 'none'".to_owned(),
            "default-src 'self'; base-uri 'self'; form-action 'self'; connect-src wss://t.example.com:443 https://a.t.example.com"
                .to_owned(),
            "default-src 'self' 'nonce-abc' 'sha256-x'; base-uri 'self'; form-action 'self'; upgrade-insecure-requests".to_owned(),
            "default-src *, default-src 'self'; base-uri 'self'; form-action 'self'".to_owned(),
        ] {
            assert_eq!(wide(&policy), Vec::<String>::new(), "{policy}");
        }
    }

    #[test]
    fn what_is_wider_is_named_with_its_directive() {
        let rest = "default-src 'self'; base-uri 'self'; form-action 'self'";
        for (policy, told) in [
            (format!("{rest}; script-src 'self' data:"), "script-src allows data:"),
            (format!("{rest}; script-src *"), "script-src allows *"),
            (
                format!("{rest}; script-src 'nonce-x' 'strict-dynamic'"),
                "script-src allows 'strict-dynamic'",
            ),
            (
                format!("{rest}; script-src 'self' 'unsafe-eval'"),
                "script-src allows 'unsafe-eval'",
            ),
            (
                format!("{rest}; script-src-elem https:"),
                "script-src-elem allows https:",
            ),
            (format!("{rest}; connect-src 'self' wss:"), "connect-src allows wss:"),
            (
                format!("{rest}; connect-src http://t.example.com"),
                "connect-src allows http://t.example.com",
            ),
            (
                format!("{rest}; img-src https://cdn.example.net"),
                "img-src allows https://cdn.example.net",
            ),
            (format!("{rest}; frame-src *"), "frame-src allows *"),
            (
                format!("{rest}; connect-src evilt.example.com"),
                "connect-src allows evilt.example.com",
            ),
            (
                "default-src 'self'; form-action 'self'".to_owned(),
                "base-uri allows everything",
            ),
        ] {
            assert!(
                wide(&policy).iter().any(|wide| wide == told),
                "{policy}: {:?}",
                wide(&policy)
            );
        }
        assert!(
            wide("script-src 'self'")
                .iter()
                .any(|wide| wide == "connect-src allows everything")
        );
    }

    #[test]
    fn reports_go_to_own_hosts() {
        let told = |policy: &str| reported_elsewhere(&[parse(policy)], "t.example.com");
        assert_eq!(
            told("report-uri https://r.example.net/x"),
            ["report-uri tells https://r.example.net/x"]
        );
        assert!(told("report-uri /x https://t.example.com/x //t.example.com/x; img-src 'self'").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn no_policy_breaks_the_judge(policy in "\\PC{0,100}|([a-z-]{0,12}|[;,*' :/.]){0,60}") {
            let _ = wide(&policy);
        }
    }
}
