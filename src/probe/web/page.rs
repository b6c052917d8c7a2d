//! The front page: fetched with the redirects within its own host, and read for hosts and settings of its own.

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
    /// The redirects that led to it.
    pub hops: Vec<Response>,
    /// The response.
    pub response: Response,
    /// Hosts that the page names; unknown where it was not read whole.
    pub mentions: Seen<BTreeSet<Mention>>,
    /// The settings that stand in the page itself, where they do: these are the ones that its scripts then use.
    pub config: Option<ServedConfig>,
}

/// The page as it came.
pub(super) struct Fetched {
    vantage: Vantage,
    transcript: Vec<String>,
    hops: Vec<Response>,
    /// The response and its text.
    pub(super) result: Result<(Response, String), String>,
}

/// `GET https://domain/`, and where it leads within its host.
pub(super) async fn fetch(target: &Target, to: SocketAddr) -> Fetched {
    let mut at = url("https", target, to.port(), 443, "/");
    let vantage = Vantage::now(at.clone(), Some(to));
    let mut transcript = Vec::new();
    let mut hops = Vec::new();
    let client = match fetch::stranger(target, to) {
        Ok(client) => client,
        Err(why) => {
            return Fetched {
                vantage,
                transcript,
                hops,
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
                    hops.push(response);
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
        hops,
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
    if let (Ok(mentions), Some(location)) = (&mut mentions, response.location()) {
        mentions.extend(origins::in_code(location, "location"));
    }
    let config = match own_settings(&body) {
        Ok(none) if none.is_empty() => None,
        scripts => {
            let scripts = response.content().and(scripts);
            let scripts = scripts.map_err(|why| format!("the page: {why}"));
            Some(config::served(target.domain.as_str(), response.clone(), scripts, "config", keys).await)
        }
    };
    let page = Page {
        hops: fetched.hops,
        mentions: Seen::from(mentions),
        config,
        response,
    };
    fetched.vantage.saw(fetched.transcript, Seen::Known(page))
}

/// The page's own scripts that name `config`, in their order: nginx puts config.js there
/// (`<script><!--#include … --></script>`), and what comes later may change what it left.
fn own_settings(page: &str) -> Result<Vec<String>, String> {
    let tags = html::tags(page)?;
    let inline = tags.iter().filter(|tag| tag.is_inline_script()).map(|tag| tag.text);
    Ok(inline.filter(|text| names_config(text)).map(str::to_owned).collect())
}

/// Whether a script names `config`, by its words; the name of the file config.js is another.
fn names_config(script: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    script.match_indices("config").any(|(at, word)| {
        let before = script[..at].chars().next_back();
        let after = &script[at + word.len()..];
        let is_file = after.strip_prefix(".js").is_some_and(|rest| !rest.starts_with(goes_on));
        !(before.is_some_and(goes_on) || after.starts_with(goes_on) || is_file)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_the_page_are_all_its_scripts_that_name_them() {
        let page = "<script>a = myconfig = 1</script><script>var interfaceConfig = {}; needed = ['config.js'];</script>\
                    <script src=x>config = 1</script><script>// x\nvar config = {};</script><p>config = 1</p>\
                    <script>window.config.p2p.enabled = true</script><script type=text/template>config</script>";
        assert_eq!(
            own_settings(page).unwrap(),
            ["// x\nvar config = {};", "window.config.p2p.enabled = true"]
        );
        for named in ["config=1", "/**/config.json = 1", "window['config'].a = 1"] {
            assert!(names_config(named), "{named}");
        }
    }

    #[test]
    fn the_settings_of_a_page_that_was_cut_are_unknown() {
        let page = format!("<script>var config = {{}};</script>{}", "<b>".repeat(30_000));
        assert!(own_settings(&page).unwrap_err().contains("tags"));
    }
}
