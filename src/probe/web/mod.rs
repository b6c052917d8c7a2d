//! What the site's web server hands to a stranger: the redirects of the plain port, the page, its headers, settings,
//! scripts and styles, and what foreign pages and odd methods get. Any certificate is taken here; whether it is trusted is
//! the TLS look's business.

mod config;
mod crawl;
mod fetch;
mod foreign;
mod methods;
mod page;
mod plain;

pub use config::ServedConfig;
pub use crawl::Crawl;
pub use crawl::Resource;
pub use fetch::Body;
pub use fetch::Response;
pub(crate) use fetch::chain_of;
pub(crate) use fetch::client;
pub use foreign::FOREIGN_ORIGIN;
pub use foreign::ForeignPages;
pub(crate) use foreign::foreign_origins;
pub use methods::Answer;
pub use methods::MethodAnswer;
pub use page::Page;
pub(crate) use plain::FOREIGN_HOST;
pub use plain::PlainAnswer;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::SocketAddr;

use serde::Serialize;

use crate::digest;

use super::sighting::Sighting;
use super::target::Target;

/// The web server at one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebView {
    /// The address.
    pub address: IpAddr,
    /// `GET http://domain/`.
    pub plain_root: Sighting<PlainAnswer>,
    /// `GET http://domain/<random>?…`: a redirect of the front page alone does not pass for one of everything.
    pub plain_random: Sighting<PlainAnswer>,
    /// The settings and XMPP, asked for on the plain port.
    pub plain_others: Vec<Sighting<PlainAnswer>>,
    /// `GET /` on the plain port for a host that is not ours.
    pub plain_foreign: Sighting<PlainAnswer>,
    /// `GET https://domain/`.
    pub page: Sighting<Page>,
    /// `GET https://domain/config.js`.
    pub config: Sighting<ServedConfig>,
    /// `GET https://domain/interface_config.js`.
    pub interface: Sighting<ServedConfig>,
    /// The scripts and styles that the page loads from its own origin.
    pub crawl: Sighting<Crawl>,
    /// What pages of other sites get.
    pub foreign: ForeignPages,
    /// Methods that no page needs.
    pub methods: Vec<Sighting<MethodAnswer>>,
    /// Pages that servers make themselves.
    pub errors: Vec<Sighting<Answer>>,
}

impl WebView {
    /// The page, where it was served and no error in its place.
    pub(crate) fn served_page(&self) -> Result<&Page, String> {
        let page = self.page.known()?;
        page.response.served().map_err(|why| format!("the page: {why}"))?;
        Ok(page)
    }

    /// What every request brought: its response, or why there is none. Ports that answer nobody sent none.
    pub(crate) fn answers(&self) -> Vec<Result<&Response, &str>> {
        let plain = [&self.plain_root, &self.plain_random, &self.plain_foreign];
        let plain = plain.into_iter().chain(&self.plain_others);
        let plain = plain.filter_map(|look| match look.known() {
            Ok(PlainAnswer::Answers(response)) => Some(Ok(response)),
            Ok(PlainAnswer::HangsUp | PlainAnswer::Refused | PlainAnswer::Filtered) => None,
            Err(why) => Some(Err(why)),
        });
        let mut found: Vec<Result<&Response, &str>> = plain.collect();
        match self.page.known() {
            Ok(page) => found.extend(page.hops.iter().chain([&page.response]).map(Ok)),
            Err(why) => found.push(Err(why)),
        }
        for look in [&self.config, &self.interface] {
            found.push(look.known().map(|config| &config.response));
        }
        match self.crawl.known() {
            Ok(crawl) => found.extend(crawl.resources.iter().map(|resource| resource.response.known())),
            Err(why) => found.push(Err(why)),
        }
        let reads = self.foreign.reads.iter();
        found.extend(
            reads
                .chain([&self.foreign.bosh, &self.foreign.websocket])
                .map(Sighting::known),
        );
        found.extend(
            self.methods
                .iter()
                .map(|look| look.known().map(|seen| &seen.answer.response)),
        );
        found.extend(self.errors.iter().map(|look| look.known().map(|seen| &seen.response)));
        found
    }
}

/// The client's settings alone, as the server at `address` serves them.
pub(crate) async fn settings(target: &Target, address: IpAddr) -> Sighting<ServedConfig> {
    config::look(target, target.https(address), "/config.js", "config", None).await
}

/// Looks at the web server at `address`.
pub(crate) async fn look(target: &Target, address: IpAddr) -> WebView {
    let plain = SocketAddr::new(address, target.ports.http);
    let https = target.https(address);
    let random = random_path();
    let with_query = format!("{random}?probe=1&x=y");
    let (plain_root, plain_random, plain_config, plain_xmpp, plain_foreign) = tokio::join!(
        plain::look(target, plain, "/", None),
        plain::look(target, plain, &with_query, None),
        plain::look(target, plain, "/config.js", None),
        plain::look(target, plain, "/http-bind", None),
        plain::look(target, plain, &random, Some(FOREIGN_HOST)),
    );
    let (fetched, foreign, methods, errors) = tokio::join!(
        page::fetch(target, https),
        foreign::look(target, https),
        methods::look(target, https, &random),
        methods::errors(target, https, &random),
    );
    let crawl = crawl::look(target, https, &fetched).await;
    let keys: Option<BTreeSet<String>> = crawl
        .known()
        .ok()
        .and_then(|crawl| crawl.link_keys.clone())
        .map(|keys| keys.listed);
    let (page, config, interface) = tokio::join!(
        page::look(target, fetched, keys.as_ref()),
        config::look(target, https, "/config.js", "config", keys.as_ref()),
        config::look(target, https, "/interface_config.js", "interfaceConfig", keys.as_ref()),
    );
    WebView {
        address,
        plain_root,
        plain_random,
        plain_others: vec![plain_config, plain_xmpp],
        plain_foreign,
        page,
        config,
        interface,
        crawl,
        foreign,
        methods,
        errors,
    }
}

pub(crate) fn url(scheme: &str, target: &Target, port: u16, usual: u16, path: &str) -> String {
    if port == usual {
        format!("{scheme}://{}{path}", target.domain)
    } else {
        format!("{scheme}://{}:{port}{path}", target.domain)
    }
}

/// A path nobody made a rule for. Without random bytes any fixed path does nearly as well.
fn random_path() -> String {
    let mut bytes = [0; 12];
    let _ = getrandom::fill(&mut bytes);
    format!("/probe-{}", digest::hex(&bytes))
}
