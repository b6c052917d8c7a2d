//! Whether the endpoint slows down who knocks too often. Only ever looked at when asked for: a bounded burst of plain
//! requests that open no session, over few connections, which stops itself at the first sign of a limit.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Client;
use serde::Serialize;
use tokio::time::Instant;
use tokio::time::timeout;

use crate::probe::sighting::Sighting;
use crate::probe::web;
use crate::seen::Seen;

use super::link::Endpoint;
use super::stranger::vantage;

/// Connections at a time; never more than 30.
const CONNECTIONS: usize = 20;

/// Most requests of one burst. A clinic behind one address makes a tenth of it in such a time.
const REQUESTS: usize = 120;

/// Longest burst.
const LIMIT: Duration = Duration::from_secs(5);

/// What became of the burst.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Burst {
    /// After so many requests one was turned away for their number (HTTP 429 or 503).
    Limited {
        /// Requests sent until then.
        after: usize,
        /// The status.
        status: u16,
    },
    /// All were taken.
    Unlimited {
        /// How many.
        requests: usize,
        /// In how long.
        milliseconds: u64,
    },
}

/// One burst.
pub(crate) async fn look(endpoint: &Endpoint) -> Sighting<Burst> {
    let look = vantage(endpoint, "burst of requests");
    let client = match web::client(&endpoint.domain, endpoint.address, &endpoint.tls) {
        Ok(client) => client,
        Err(why) => return look.saw(Vec::new(), Seen::Unknown(why)),
    };
    let url = format!("https://{}{}", endpoint.authority(), endpoint.path(None));
    let line = format!(
        ">> up to {REQUESTS} × GET {} over {CONNECTIONS} connections",
        endpoint.path(None)
    );
    let seen = knock(&client, &url).await;
    let said = match &seen {
        Ok(seen) => format!("<< {seen:?}"),
        Err(why) => format!("<< {why}"),
    };
    look.saw(vec![line, said], seen.into())
}

async fn knock(client: &Client, url: &str) -> Result<Burst, String> {
    let begun = Instant::now();
    let (sent, answered, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let one = || async {
        while stop.load(Ordering::Relaxed) == 0 && begun.elapsed() < LIMIT {
            if sent.fetch_add(1, Ordering::Relaxed) >= REQUESTS {
                return;
            }
            let left = LIMIT.saturating_sub(begun.elapsed());
            // What fails is no sign of a limit, and ends this connection's share.
            let Ok(Ok(response)) = timeout(left, client.get(url).send()).await else {
                return;
            };
            let status = response.status().as_u16();
            if matches!(status, 429 | 503) {
                stop.store(usize::from(status), Ordering::Relaxed);
                return;
            }
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    join_all((0..CONNECTIONS).map(|_| one())).await;
    let (sent, answered) = (sent.into_inner().min(REQUESTS), answered.into_inner());
    match u16::try_from(stop.into_inner()) {
        Ok(0) | Err(_) if answered < REQUESTS => Err(format!(
            "only {answered} of {REQUESTS} requests were answered within {} s, and none was turned away for their number",
            LIMIT.as_secs()
        )),
        Ok(0) | Err(_) => Ok(Burst::Unlimited {
            requests: answered,
            milliseconds: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        }),
        Ok(status) => Ok(Burst::Limited { after: sent, status }),
    }
}
