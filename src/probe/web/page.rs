//! The front page: fetched with the redirects within its own host, and read for hosts, policy and settings of its own.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use reqwest::Method;
use reqwest::Url;
use serde::Serialize;

use crate::probe::html;
use crate::probe::origins;
use crate::probe::origins::Mention;
use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::probe::target::Target;
use crate::seen::Seen;

use super::config;
use super::config::ServedConfig;
use super::fetch;
use super::fetch::Ask;
use super::fetch::Response;
use super::url;

/// Most redirects within the host that are followed to the page.
const REDIRECTS: usize = 5;

/// The front page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// The response.
    pub response: Response,
    /// Hosts that the page names.
    pub mentions: BTreeSet<Mention>,
    /// Hosts that its content security policy allows; `None` where it has no policy.
    pub policy: Option<BTreeSet<Mention>>,
    /// The settings that stand in the page itself, where they do: these are the ones that its scripts then use.
    pub config: Option<ServedConfig>,
}

/// The page as it came.
pub(super) struct Fetched {
    vantage: Vantage,
    transcript: Vec<String>,
    /// The response and its text.
    pub(super) result: Result<(Response, String), String>,
}

/// `GET https://domain/`, and where it leads within its host.
pub(super) async fn fetch(target: &Target, to: SocketAddr) -> Fetched {
    let mut at = url("https", target, to.port(), 443, "/");
    let vantage = Vantage::now(at.clone(), Some(to));
    let mut transcript = Vec::new();
    let client = match fetch::stranger(target, to) {
        Ok(client) => client,
        Err(why) => {
            return Fetched {
                vantage,
                transcript,
                result: Err(why),
            };
        }
    };
    let mut result = Err(format!("it redirects more than {REDIRECTS} times"));
    for _ in 0..=REDIRECTS {
        match Ask::get(&at).send(&client).await {
            Ok((response, body)) => {
                transcript.extend(response.spoken(&Method::GET));
                if let Some(next) = own_redirect(target, to, &response) {
                    at = next;
                    continue;
                }
                result = Ok((response, body));
            }
            Err(why) => {
                transcript.extend([format!(">> GET {at}"), format!("<< {why}")]);
                result = Err(why);
            }
        }
        break;
    }
    Fetched {
        vantage,
        transcript,
        result,
    }
}

/// Where a response redirects to, if that is on the same host and port.
fn own_redirect(target: &Target, to: SocketAddr, response: &Response) -> Option<String> {
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let next = Url::parse(&response.url).ok()?.join(response.location()?).ok()?;
    is_own(target, to, &next).then(|| next.to_string())
}

/// Whether a URL is on the target's own host, port and scheme.
pub(super) fn is_own(target: &Target, to: SocketAddr, url: &Url) -> bool {
    url.scheme() == "https"
        && url.host_str() == Some(target.domain.as_str())
        && url.port_or_known_default() == Some(to.port())
}

/// Reads the page that was fetched.
pub(super) async fn look(target: &Target, fetched: Fetched, keys: Option<&BTreeSet<String>>) -> Sighting<Page> {
    let (response, body) = match fetched.result {
        Ok(served) => served,
        Err(why) => return fetched.vantage.saw(fetched.transcript, Seen::Unknown(why)),
    };
    let mut mentions = origins::in_html(&body);
    if let Some(location) = response.location() {
        mentions.extend(origins::in_code(location, "location"));
    }
    let config = match own_settings(&body) {
        Some(script) => {
            let script = response.content().map(|()| script.to_owned());
            Some(config::served(target.domain.as_str(), response.clone(), script, "config", keys).await)
        }
        None => None,
    };
    let page = Page {
        mentions,
        policy: response
            .headers
            .get("content-security-policy")
            .map(|values| origins::in_policy(&values.join(","))),
        config,
        response,
    };
    fetched.vantage.saw(fetched.transcript, Seen::Known(page))
}

/// The page's own script that sets `config`: nginx puts config.js there (`<script><!--#include … --></script>`).
fn own_settings(page: &str) -> Option<&str> {
    html::tags(page)
        .into_iter()
        .filter(html::Tag::is_inline_script)
        .map(|tag| tag.text)
        .find(|text| sets_config(text))
}

/// Whether a script assigns to `config`, by its words. Comments may deceive, and then nothing is left in the engine.
fn sets_config(script: &str) -> bool {
    script.match_indices("config").any(|(at, word)| {
        let before = script[..at].chars().next_back();
        let after = script[at + word.len()..].trim_start();
        let free = before.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '_' | '$')));
        free && after.starts_with('=') && !after.starts_with("==")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_the_page_are_found_among_its_scripts() {
        let page = "<script>a = myconfig = 1; if (config == 2) {}</script><script>var interfaceConfig = {};</script>\
                    <script src=x>config = 1</script><script>// x\nvar config = {};</script>";
        assert_eq!(own_settings(page), Some("// x\nvar config = {};"));
        assert_eq!(own_settings("<p>config = 1</p>"), None);
    }
}
