//! The plain port: what it does with requests for pages, settings and XMPP, and with one for somebody else's host.

use std::net::SocketAddr;

use reqwest::Method;
use serde::Serialize;

use crate::probe::reach;
use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::probe::target::Target;

use super::fetch;
use super::fetch::Ask;
use super::fetch::Response;
use super::url;

/// A host that belongs to nobody (RFC 6761 6.4).
pub(crate) const FOREIGN_HOST: &str = "anteroom-probe.invalid";

/// What the plain port does with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlainAnswer {
    /// It answers over plain HTTP.
    Answers(Response),
    /// It takes the connection and ends it without an answer.
    HangsUp,
    /// The host says that nothing listens.
    Refused,
    /// Nobody answers.
    Filtered,
}

/// `GET http://domain<path>`, with another `Host` where one is given.
pub(super) async fn look(target: &Target, to: SocketAddr, path: &str, host: Option<&str>) -> Sighting<PlainAnswer> {
    let url = url("http", target, to.port(), 80, path);
    let subject = match host {
        None => url.clone(),
        Some(host) => format!("{url} as {host}"),
    };
    let vantage = Vantage::now(subject, Some(to));
    // A TCP connection first: the HTTP client does not tell refused from filtered.
    let result = match reach::connect(to, reach::CONNECT).await {
        Err(reach::ReachError::Refused(_)) => Ok(PlainAnswer::Refused),
        Err(reach::ReachError::Filtered(..)) => Ok(PlainAnswer::Filtered),
        Err(error) => Err(error.to_string()),
        Ok(_) => ask(target, to, &url, host).await,
    };
    let transcript = match &result {
        Ok(PlainAnswer::Answers(response)) => response.spoken(&Method::GET),
        Ok(other) => vec![format!(">> GET {url}"), format!("<< {other:?}")],
        Err(why) => vec![format!(">> GET {url}"), format!("<< {why}")],
    };
    let transcript = host
        .map(|host| format!(">> Host: {host}"))
        .into_iter()
        .chain(transcript)
        .collect();
    vantage.saw(transcript, result.into())
}

async fn ask(target: &Target, to: SocketAddr, url: &str, host: Option<&str>) -> Result<PlainAnswer, String> {
    let client = fetch::stranger(target, to)?;
    let mut request = Ask::get(url);
    if let Some(host) = host {
        request = request.header("host", host);
    }
    match request.send(&client).await {
        Ok((response, _)) => Ok(PlainAnswer::Answers(response)),
        // nginx' 444: the connection ends where an answer would begin.
        Err(why) if host.is_some() && hung_up(&why) => Ok(PlainAnswer::HangsUp),
        Err(why) => Err(why),
    }
}

/// Whether the client's error says that the server ended the connection.
fn hung_up(why: &str) -> bool {
    [
        "connection closed before message completed",
        "connection reset",
        "Connection reset",
    ]
    .iter()
    .any(|text| why.contains(text))
}
