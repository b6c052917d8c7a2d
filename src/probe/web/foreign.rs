//! What a page of somebody else's site, open in a visitor's browser, may read of this server and do with its XMPP.

use std::net::SocketAddr;

use reqwest::Client;
use reqwest::Method;
use serde::Serialize;

use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::probe::target::Target;
use crate::seen::Seen;
use crate::spec::Domain;

use super::fetch;
use super::fetch::Ask;
use super::fetch::Response;
use super::url;

/// The foreign page's origin. `.invalid` belongs to nobody (RFC 6761 6.4).
pub const FOREIGN_ORIGIN: &str = "https://anteroom-probe.invalid";

/// Foreign origins that look like the site's own to a rule that compares only the beginning or only the end. They are
/// named and never asked.
fn lookalikes(domain: &Domain) -> [String; 2] {
    [
        format!("https://{domain}.anteroom-probe.invalid"),
        format!("https://x{domain}"),
    ]
}

/// All origins of other sites that reads are tried with.
pub(crate) fn foreign_origins(domain: &Domain) -> Vec<String> {
    let mut origins = vec![FOREIGN_ORIGIN.to_owned()];
    origins.extend(lookalikes(domain));
    origins
}

/// What pages and settings are asked for on a foreign page's behalf.
const PATHS: [&str; 4] = ["/", "/config.js", "/http-bind", "/xmpp-websocket"];

/// What is asked for on behalf of pages whose origin looks like the site's own: what nginx and what Prosody answers.
const LOOKALIKE_PATHS: [&str; 2] = ["/config.js", "/http-bind"];

/// A WebSocket key (RFC 6455 4.1): any sixteen bytes will do, since no frame is ever sent.
const KEY: &str = "YW50ZXJvb20tcHJvYmUtMQ==";

/// The server as foreign pages meet it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForeignPages {
    /// Simple requests with foreign origins, one preflight, and one with `Origin: null` as a sandboxed frame sends.
    pub reads: Vec<Sighting<Response>>,
    /// A BOSH session opened by a foreign page.
    pub bosh: Sighting<Response>,
    /// A WebSocket opened by a foreign page.
    pub websocket: Sighting<Response>,
}

/// Looks at the server at `to` as a page of somebody else's.
pub(super) async fn look(target: &Target, to: SocketAddr) -> ForeignPages {
    let client = fetch::stranger(target, to);
    let mut reads = Vec::new();
    for path in PATHS {
        reads.push(one(target, to, &client, Method::GET, path, FOREIGN_ORIGIN, Extra::None).await);
    }
    let preflight = one(
        target,
        to,
        &client,
        Method::OPTIONS,
        "/http-bind",
        FOREIGN_ORIGIN,
        Extra::Preflight,
    );
    reads.push(preflight.await);
    for origin in lookalikes(&target.domain) {
        for path in LOOKALIKE_PATHS {
            reads.push(one(target, to, &client, Method::GET, path, &origin, Extra::None).await);
        }
    }
    reads.push(one(target, to, &client, Method::GET, "/config.js", "null", Extra::None).await);
    ForeignPages {
        reads,
        bosh: one(
            target,
            to,
            &client,
            Method::POST,
            "/http-bind",
            FOREIGN_ORIGIN,
            Extra::Bosh,
        )
        .await,
        websocket: one(
            target,
            to,
            &client,
            Method::GET,
            "/xmpp-websocket",
            FOREIGN_ORIGIN,
            Extra::Upgrade,
        )
        .await,
    }
}

/// What a request carries besides its origin.
#[derive(Clone, Copy)]
enum Extra {
    None,
    Preflight,
    Bosh,
    Upgrade,
}

async fn one(
    target: &Target,
    to: SocketAddr,
    client: &Result<Client, String>,
    method: Method,
    path: &str,
    origin: &str,
    extra: Extra,
) -> Sighting<Response> {
    let url = url("https", target, to.port(), 443, path);
    let session = match extra {
        Extra::Bosh => "session ",
        Extra::Upgrade => "WebSocket ",
        Extra::None | Extra::Preflight => "",
    };
    let vantage = Vantage::now(format!("{method} {url} {session}from {origin}"), Some(to));
    let opening = format!(
        "<body xmlns='http://jabber.org/protocol/httpbind' rid='1' to='{}' wait='1' hold='1' ver='1.6' xml:lang='en' \
         xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'/>",
        target.domain
    );
    let request = Ask::with(method.clone(), &url).header("origin", origin);
    let request = match extra {
        Extra::None => request,
        Extra::Preflight => request
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type"),
        // As a form or a script without a preflight may send it.
        Extra::Bosh => request.header("content-type", "text/plain").body(&opening),
        Extra::Upgrade => request
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", KEY)
            .header("sec-websocket-protocol", "xmpp"),
    };
    let result = match client {
        Ok(client) => request.send(client).await.map(|(response, _)| response),
        Err(why) => Err(why.clone()),
    };
    let mut transcript = vec![format!(">> Origin: {origin}")];
    match &result {
        Ok(response) => transcript.extend(response.spoken(&method)),
        Err(why) => transcript.extend([format!(">> {method} {url}"), format!("<< {why}")]),
    }
    vantage.saw(transcript, Seen::from(result))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_that_only_look_like_the_own_one_are_among_the_foreign_ones() {
        let origins = foreign_origins(&"t.example.com".parse().unwrap());
        assert_eq!(
            origins,
            [
                FOREIGN_ORIGIN,
                "https://t.example.com.anteroom-probe.invalid",
                "https://xt.example.com"
            ]
        );
    }
}
