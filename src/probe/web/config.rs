//! The client's settings as served: fetched, run in an engine as a visitor's browser would, and run again as if the
//! visitor had followed a hostile link.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::SocketAddr;

use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use crate::probe::link;
use crate::probe::link::HostileLink;
use crate::probe::origins;
use crate::probe::origins::Mention;
use crate::probe::script;
use crate::probe::script::Visit;
use crate::probe::sighting::Sighting;
use crate::probe::sighting::Vantage;
use crate::probe::target::Target;
use crate::seen::Seen;

use super::fetch;
use super::fetch::Ask;
use super::fetch::Response;
use super::url;

/// The client's settings as served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServedConfig {
    /// The response.
    pub response: Response,
    /// The settings as the script leaves them; unknown where they depend on what only a browser has.
    pub value: Seen<Value>,
    /// Settings that are no plain values, by path, with what they are.
    pub opaque: BTreeMap<String, String>,
    /// Hosts that the settings name.
    pub mentions: Seen<BTreeSet<Mention>>,
    /// What a hostile link may still change after the script.
    pub link: Seen<HostileLink>,
}

/// `GET https://domain<path>`, and what it leaves in `object`.
pub(super) async fn look(
    target: &Target,
    to: SocketAddr,
    path: &str,
    object: &'static str,
    keys: Option<&BTreeSet<String>>,
) -> Sighting<ServedConfig> {
    let url = url("https", target, to.port(), 443, path);
    let vantage = Vantage::now(url.clone(), Some(to));
    let fetched = match fetch::stranger(target, to) {
        Ok(client) => Ask::get(&url).send(&client).await,
        Err(why) => Err(why),
    };
    match fetched {
        Ok((response, body)) => {
            let scripts = match response.content() {
                Ok(()) => Ok(vec![body]),
                Err(why) => Err(format!("{}: {why}", &path[1..])),
            };
            let transcript = response.spoken(&Method::GET);
            let served = served(target.domain.as_str(), response, scripts, object, keys).await;
            vantage.saw(transcript, Seen::Known(served))
        }
        Err(why) => vantage.saw(vec![format!(">> GET {url}"), format!("<< {why}")], Seen::Unknown(why)),
    }
}

/// Runs scripts of settings twice: for a plain visitor, and for one who followed a hostile link.
pub(super) async fn served(
    domain: &str,
    response: Response,
    scripts: Result<Vec<String>, String>,
    object: &'static str,
    keys: Option<&BTreeSet<String>>,
) -> ServedConfig {
    let hash = link::hostile(keys);
    let domain = domain.to_owned();
    let work = move || run(&domain, scripts, object, hash);
    // The engine bounds itself; a thread of its own keeps the other looks going meanwhile.
    let (settings, link) = tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        let why = "the engine broke down";
        (Err(why.to_owned()), Err(why.to_owned()))
    });
    let (value, opaque) = match settings {
        Ok(settings) => (Seen::Known(settings.value), settings.opaque),
        Err(why) => (Seen::Unknown(why), BTreeMap::new()),
    };
    ServedConfig {
        response,
        mentions: value.clone().map(|value| origins::in_json(&value)),
        value,
        opaque,
        link: Seen::from(link),
    }
}

type Outcome = (Result<script::Settings, String>, Result<HostileLink, String>);

fn run(domain: &str, scripts: Result<Vec<String>, String>, object: &'static str, hash: String) -> Outcome {
    let scripts = match scripts {
        Ok(scripts) => scripts,
        Err(why) => return (Err(why.clone()), Err(why)),
    };
    let visit = |hash: &str| Visit {
        domain: domain.to_owned(),
        search: String::new(),
        hash: hash.to_owned(),
    };
    let plain = script::run(&scripts, &visit(""));
    let sent = link::overriding(&hash);
    let link = script::run(&scripts, &visit(&hash)).map(|hostile| {
        // Settings that follow the link are the link's, whatever is left of it.
        let same = plain.as_ref().is_ok_and(|plain| plain.objects == hostile.objects);
        let left = if same {
            link::overriding(&hostile.link)
        } else {
            sent.clone()
        };
        HostileLink { sent, left }
    });
    let settings = plain.and_then(|mut ran| {
        let left = ran.objects.remove(object);
        left.ok_or_else(|| format!("the script leaves no object `{object}`"))
    });
    (settings, link)
}
