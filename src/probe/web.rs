//! What the site's web server hands to a stranger: the redirect on the plain port, the page, its headers and the settings.
//! Any certificate is taken here; whether it is trusted is the TLS look's business.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use serde::Serialize;
use serde_json::Value;
use tokio::time::timeout;

use crate::digest;
use crate::seen::Seen;

use super::certificate::fingerprint;
use super::origins;
use super::origins::Mention;
use super::reach;
use super::sighting::Sighting;
use super::sighting::Vantage;
use super::target::Target;
use super::trust;

/// Most bytes of a body that are read.
const BODY: usize = 2 * 1024 * 1024;

/// The web server at one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebView {
    /// The address.
    pub address: IpAddr,
    /// `GET http://domain/`.
    pub plain_root: Sighting<PlainAnswer>,
    /// `GET http://domain/<random>`: a redirect of the front page alone does not pass for one of everything.
    pub plain_random: Sighting<PlainAnswer>,
    /// `GET https://domain/`.
    pub page: Sighting<Page>,
    /// `GET https://domain/config.js`.
    pub config: Sighting<ServedConfig>,
}

/// What the plain port does with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlainAnswer {
    /// It answers over plain HTTP.
    Answers(Response),
    /// The host says that nothing listens.
    Refused,
    /// Nobody answers.
    Filtered,
}

/// An HTTP response without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Response {
    /// What was asked for.
    pub url: String,
    /// Status code.
    pub status: u16,
    /// Headers by lower-case name, each value as sent.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Bytes of the body that were read.
    pub body_length: usize,
    /// SHA-256 of these bytes, in lower-case hexadecimal.
    pub body_sha256: String,
    /// Whether that was all of it.
    pub body: Body,
}

/// How much of a body was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// All of it.
    Whole,
    /// It was longer than we read.
    Cut,
}

impl Response {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.first().map(String::as_str)
    }

    /// Where it redirects to.
    pub fn location(&self) -> Option<&str> {
        self.header("location")
    }
}

/// The front page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// The response.
    pub response: Response,
    /// Hosts that the page names.
    pub mentions: BTreeSet<Mention>,
    /// Hosts that its content security policy allows; `None` where it has no policy.
    pub policy: Option<BTreeSet<Mention>>,
}

/// The client's settings as served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServedConfig {
    /// The response.
    pub response: Response,
    /// The settings, where they are plain data.
    pub value: Seen<Value>,
    /// Hosts that the settings name; unknown where they are not plain data.
    pub mentions: Seen<BTreeSet<Mention>>,
}

/// Looks at the web server at `address`.
pub(crate) async fn look(target: &Target, address: IpAddr) -> WebView {
    let plain = SocketAddr::new(address, target.ports.http);
    let https = target.https(address);
    let random = random_path();
    let (plain_root, plain_random, page, config) = tokio::join!(
        look_plain(target, plain, "/"),
        look_plain(target, plain, &random),
        look_page(target, https),
        look_config(target, https),
    );
    WebView {
        address,
        plain_root,
        plain_random,
        page,
        config,
    }
}

async fn look_plain(target: &Target, to: SocketAddr, path: &str) -> Sighting<PlainAnswer> {
    let url = url("http", target, to.port(), 80, path);
    let vantage = Vantage::now(url.clone(), Some(to));
    // A TCP connection first: the HTTP client does not tell refused from filtered.
    let result = match reach::connect(to, reach::CONNECT).await {
        Err(reach::ReachError::Refused(_)) => Ok(PlainAnswer::Refused),
        Err(reach::ReachError::Filtered(..)) => Ok(PlainAnswer::Filtered),
        Err(error) => Err(error.to_string()),
        Ok(_) => get(target, to, &url)
            .await
            .map(|(response, _)| PlainAnswer::Answers(response)),
    };
    let transcript = match &result {
        Ok(PlainAnswer::Answers(response)) => spoken(response),
        Ok(other) => vec![format!(">> GET {url}"), format!("<< {other:?}")],
        Err(why) => vec![format!(">> GET {url}"), format!("<< {why}")],
    };
    vantage.saw(transcript, result.into())
}

async fn look_page(target: &Target, to: SocketAddr) -> Sighting<Page> {
    let url = url("https", target, to.port(), 443, "/");
    let vantage = Vantage::now(url.clone(), Some(to));
    match get(target, to, &url).await {
        Ok((response, body)) => {
            let page = Page {
                mentions: origins::in_html(&body),
                policy: response
                    .headers
                    .get("content-security-policy")
                    .map(|values| origins::in_policy(&values.join(","))),
                response,
            };
            vantage.saw(spoken(&page.response), Seen::Known(page))
        }
        Err(why) => vantage.saw(vec![format!(">> GET {url}")], Seen::Unknown(why)),
    }
}

async fn look_config(target: &Target, to: SocketAddr) -> Sighting<ServedConfig> {
    let url = url("https", target, to.port(), 443, "/config.js");
    let vantage = Vantage::now(url.clone(), Some(to));
    match get(target, to, &url).await {
        Ok((response, body)) => vantage.saw(spoken(&response), Seen::Known(served_config(response, &body))),
        Err(why) => vantage.saw(vec![format!(">> GET {url}")], Seen::Unknown(why)),
    }
}

fn served_config(response: Response, body: &str) -> ServedConfig {
    let value = match (response.status, response.body) {
        (200, Body::Whole) => Seen::from(origins::parse_config(body)),
        (200, Body::Cut) => Seen::unknown("config.js is too long to read whole"),
        (status, _) => Seen::unknown(format!("config.js was answered with status {status}")),
    };
    let mentions = value.clone().map(|value| origins::in_json(&value));
    ServedConfig {
        response,
        value,
        mentions,
    }
}

/// One GET without following redirects.
async fn get(target: &Target, to: SocketAddr, url: &str) -> Result<(Response, String), String> {
    let client = client(target.domain.as_str(), to, &trust::any_certificate())?;
    timeout(reach::STEP, fetch(&client, url))
        .await
        .map_err(|_| format!("{url} did not answer within {} s", reach::STEP.as_secs()))?
        .map_err(|error| format!("{url} gave no response: {}", chain_of(&error)))
}

async fn fetch(client: &Client, url: &str) -> Result<(Response, String), reqwest::Error> {
    let mut answer = client.get(url).send().await?;
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in answer.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.entry(name.as_str().to_owned()).or_default().push(value);
    }
    let status = answer.status().as_u16();
    let mut bytes = Vec::new();
    let mut body = Body::Whole;
    while let Some(chunk) = answer.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > BODY {
            bytes.truncate(BODY);
            body = Body::Cut;
            break;
        }
    }
    let response = Response {
        url: url.to_owned(),
        status,
        headers,
        body_length: bytes.len(),
        body_sha256: fingerprint(&bytes),
        body,
    };
    Ok((response, String::from_utf8_lossy(&bytes).into_owned()))
}

/// An HTTP client that speaks to `to` whatever DNS says, follows nothing and uses no proxy.
pub(crate) fn client(domain: &str, to: SocketAddr, tls: &Arc<ClientConfig>) -> Result<Client, String> {
    Client::builder()
        .tls_backend_preconfigured(ClientConfig::clone(tls))
        .resolve(domain, to)
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(reach::CONNECT)
        .build()
        .map_err(|error| format!("this computer could not make an HTTP client: {}", chain_of(&error)))
}

/// An error with its causes: the HTTP client keeps the telling part at the end.
pub(crate) fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

fn spoken(response: &Response) -> Vec<String> {
    let mut lines = vec![
        format!(">> GET {}", response.url),
        format!("<< {} ({} bytes)", response.status, response.body_length),
    ];
    for (name, values) in &response.headers {
        lines.extend(values.iter().map(|value| {
            let shown = if name == "set-cookie" { "…" } else { value.as_str() };
            format!("<< {name}: {shown}")
        }));
    }
    lines
}

fn url(scheme: &str, target: &Target, port: u16, usual: u16, path: &str) -> String {
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
