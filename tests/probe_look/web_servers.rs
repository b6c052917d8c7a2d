//! Whole looks at web servers: one as upstream installs it, and hostile ones, which cost a bounded time and prove nothing.

use std::time::Duration;
use std::time::Instant;

use anteroom::probe::PortPlan;
use anteroom::probe::Sightings;
use anteroom::probe::Trust;
use anteroom::probe::WebView;
use anteroom::probe::look;
use anteroom::probe::xmpp::clinician::Visitors;
use serde_json::json;

use crate::target;
use crate::web_double;
use crate::web_double::Serve;
use crate::web_double::Site;

const PAGE: &str = "<html><head><base href=\"/\"><link rel=\"stylesheet\" href=\"css/all.css\">\
                    <script>var config = { p2p: { enabled: true } };</script>\
                    <script src=\"libs/app.bundle.min.js?v=1\"></script></head></html>";
const BUNDLE: &str = "const k=[\"disableThirdPartyRequests\",\"doNotStoreRoom\",\"p2p.enabled\"].concat(i.A);\
                      fetch(\"https://api.example.net/\");import(\"./chunk.js\");navigator.serviceWorker.register(\"/pwa-worker.js\")";
const NOT_HERE: Serve = Serve::Page(404, "Server: nginx/1.22.1\r\n", "<hr><center>nginx/1.22.1</center>");

/// As jitsi-meet's packages set it up, in its shape: no headers, and everybody may read everything.
fn stock(path: &str, head: &str) -> Serve {
    match path.split('?').next().unwrap_or_default() {
        "/" => Serve::Page(302, "Location: /start\r\n", ""),
        "/start" => Serve::Page(200, "Server: nginx/1.22.1\r\nSet-Cookie: sid=secret; Path=/\r\n", PAGE),
        "/config.js" => Serve::Page(
            200,
            "Access-Control-Allow-Origin: *\r\n",
            "var config = { bosh: '//' + location.host };",
        ),
        "/interface_config.js" => Serve::Page(200, "", "var interfaceConfig = { APP_NAME: 'x' };"),
        "/libs/app.bundle.min.js" => Serve::Page(200, "", BUNDLE),
        "/libs/chunk.js" => Serve::Page(200, "", "new WebSocket('wss://ws.example.org/')"),
        "/css/all.css" => Serve::Page(200, "", "a{background:url(//pics.example.net/a.png)}"),
        "/http-bind" if head.starts_with("POST") => Serve::Page(200, "Access-Control-Allow-Origin: *\r\n", "<body/>"),
        _ if head.starts_with("TRACE") => Serve::Page(200, "", "x-anteroom-probe: anteroom-probe-mark"),
        _ => NOT_HERE,
    }
}

fn endless(path: &str, _: &str) -> Serve {
    match path {
        "/" | "/config.js" => Serve::Endless,
        _ => NOT_HERE,
    }
}

fn trickle(path: &str, _: &str) -> Serve {
    match path {
        "/" | "/config.js" => Serve::Trickle,
        _ => NOT_HERE,
    }
}

fn in_circles(path: &str, _: &str) -> Serve {
    match path {
        "/" => Serve::Page(302, "Location: /again\r\n", ""),
        "/again" => Serve::Page(302, "Location: /\r\n", ""),
        "/config.js" => Serve::Page(200, "Content-Encoding: gzip\r\n", "\u{1f}\u{8b}"),
        _ => NOT_HERE,
    }
}

fn headers(path: &str, _: &str) -> Serve {
    match path {
        "/" => Serve::Headers,
        "/config.js" => Serve::Page(200, "", "for (;;) { var a = [a, a]; }"),
        "/interface_config.js" => Serve::Page(200, "", "for (;;) {}"),
        _ => NOT_HERE,
    }
}

async fn look_at(site: Site) -> WebView {
    let address = web_double::start(site).await;
    let target = target(address.port(), Trust::Anything);
    let seen: Sightings = look(&target, &Visitors::default(), &PortPlan::Nothing, &|_| ()).await;
    seen.web[0].clone()
}

#[tokio::test]
async fn a_stock_site_is_read_with_its_scripts_settings_and_links() {
    let web = look_at(stock).await;
    let page = web.page.known().unwrap();
    assert!(page.response.url.ends_with("/start"), "{}", page.response.url);
    assert_eq!(page.hops.len(), 1);
    let own = page.config.as_ref().unwrap();
    assert_eq!(own.value.known().unwrap(), &json!({ "p2p": { "enabled": true } }));
    let link = own.link.known().unwrap();
    assert_eq!(link.sent, link.left);
    assert!(link.left.contains("config.p2p.enabled"));
    let config = web.config.known().unwrap();
    assert_eq!(config.value.known().unwrap(), &json!({ "bosh": "//t.example.com" }));
    assert!(web.interface.known().unwrap().value.known().is_ok());

    let crawl = web.crawl.known().unwrap();
    let files: Vec<&str> = crawl
        .resources
        .iter()
        .map(|resource| resource.url.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(files, ["all.css", "app.bundle.min.js?v=1", "chunk.js", "pwa-worker.js"]);
    let hosts: Vec<&str> = crawl
        .resources
        .iter()
        .flat_map(|resource| resource.mentions.known().unwrap())
        .map(|mention| mention.host.as_str())
        .collect();
    assert_eq!(hosts, ["pics.example.net", "api.example.net", "ws.example.org"]);
    let keys = crawl.link_keys.as_ref().unwrap();
    assert_eq!((keys.listed.len(), keys.whole), (3, false));

    assert_eq!(web.foreign.bosh.known().unwrap().status, 200);
    assert_eq!(web.foreign.websocket.known().unwrap().status, 404);
    assert_eq!(
        web.foreign.reads[1]
            .known()
            .unwrap()
            .header("access-control-allow-origin"),
        Some("*")
    );
    let trace = web.methods[0].known().unwrap();
    assert!(trace.echoes && trace.method == "TRACE");
    assert!(web.errors[0].known().unwrap().text.contains("nginx/1.22.1"));
    assert!(web.errors[2].known().is_ok());
    let told = serde_json::to_string(&web.page.transcript).unwrap();
    assert!(!told.contains("secret"), "no cookie may show: {told}");
}

#[tokio::test]
async fn hostile_servers_cost_a_bounded_time_and_prove_nothing() {
    let begun = Instant::now();
    let (endless, trickle, in_circles, headers) = tokio::join!(
        look_at(endless),
        look_at(trickle),
        look_at(in_circles),
        look_at(headers)
    );
    assert!(begun.elapsed() < Duration::from_secs(600), "{:?}", begun.elapsed());

    let why = |web: &WebView| web.config.known().unwrap().value.known().unwrap_err().to_owned();
    assert!(why(&endless).contains("too long"), "{}", why(&endless));
    // On a slow computer the time is over before the size is.
    let crawl = endless.crawl.known();
    let bounded = |why: &str| why.contains("too long") || why.contains("did not answer within");
    assert!(crawl.is_err_and(bounded), "{crawl:?}");
    for look in [trickle.page.known().err(), trickle.config.known().err()] {
        assert!(look.unwrap().contains("did not answer within"), "{look:?}");
    }
    assert!(in_circles.page.known().unwrap_err().contains("redirects more than"));
    assert!(why(&in_circles).contains("compressed"), "{}", why(&in_circles));
    assert!(headers.page.known().is_err());
    // Where no room is left even for the complaint, a bare value is thrown.
    let stopped = ["memory", "did not end", "a value was thrown"];
    assert!(
        stopped.iter().any(|word| why(&headers).contains(word)),
        "{}",
        why(&headers)
    );
    let interface = headers.interface.known().unwrap().value.known().unwrap_err();
    assert!(interface.contains("did not end"), "{interface}");
}
