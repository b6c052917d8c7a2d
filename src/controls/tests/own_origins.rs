//! Scenes of what the page may contact and keep: its settings, scripts and links.

use serde_json::Value;
use serde_json::json;

use crate::probe::LinkKeys;
use crate::probe::origins;
use crate::probe::web::Crawl;
use crate::probe::web::Page;
use crate::probe::web::ServedConfig;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::sightings::resource;
use super::sightings::served_config;

/// A config.js that takes settings of the interface out of a link, and no others.
const KEEPS_CONFIG: &str = "var config = {}; location.hash = location.hash.replace(/&?interfaceConfig[^&]*/g, '');";

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "leakage/config-own-origins",
        passes: &[
            (
                "a host below the domain is named",
                |scene| page_names(scene, "static.telemed.example.com"),
                "none",
            ),
            (
                "no interface_config.js is there",
                |scene| interface(scene).response.status = 404,
                "none",
            ),
        ],
        fails: &[
            (
                "config.js names another host",
                |scene| {
                    config(scene, |value| {
                        value["callStatsID"] = json!("https://api.callstats.example/x")
                    })
                },
                "api.callstats.example (callStatsID)",
            ),
            (
                "the page names another host",
                |scene| page_names(scene, "cdn.example.net"),
                "cdn.example.net (src)",
            ),
            (
                "the copy in the page puts another host together",
                |scene| {
                    let script = "var config = { bosh: 'https://' + ['evil', 'example'].join('.') + '/x' };";
                    page(scene).config = Some(served_config("telemed.example.com", "", script, "config"));
                },
                "evil.example (bosh)",
            ),
            (
                "interface_config.js names another host",
                |scene| interface(scene).mentions = Seen::Known(origins::in_json(&json!({ "A": "https://jitsi.org" }))),
                "jitsi.org (A)",
            ),
        ],
        unverified: Scenes(&[
            (
                "config.js is no plain data",
                |scene| served(scene).mentions = Seen::unknown("config.js is a program"),
                "config.js is a program",
            ),
            (
                "the copy in the page cannot be run",
                |scene| page(scene).config.as_mut().unwrap().mentions = Seen::unknown("it asks for document"),
                "settings in the page not seen: it asks for document",
            ),
            (
                "interface_config.js cannot be run",
                |scene| interface(scene).mentions = Seen::unknown("it asks for navigator"),
                "navigator",
            ),
            (
                "the page was not read whole",
                |scene| page(scene).mentions = Seen::unknown("it has more than 20000 tags"),
                "20000 tags",
            ),
            ("the page was not served", no_page, "no response"),
            ("an error page came in its place", error_page, "status 503"),
            (
                "no address was looked at",
                |scene| scene.seen().web.clear(),
                "no address",
            ),
        ]),
    },
    Row {
        id: "leakage/config-hygiene",
        passes: &[(
            "a key that the policy does not name differs",
            |scene| config(scene, |value| value["defaultLanguage"] = json!("de")),
            "keys as wanted",
        )],
        fails: &[
            (
                "media goes from browser to browser",
                |scene| config(scene, |value| value["p2p"]["enabled"] = json!(true)),
                "p2p.enabled is true",
            ),
            (
                "recording is not turned off",
                |scene| {
                    config(scene, |value| {
                        value.as_object_mut().unwrap().remove("recordingService");
                    });
                },
                "recordingService.enabled is not set",
            ),
            (
                "the copy in the page, which its scripts use, is another one",
                |scene| {
                    let copy = page(scene).config.as_mut().unwrap();
                    copy.value = Seen::Known(json!({}));
                },
                "settings in the page",
            ),
            (
                "a stock config.js",
                |scene| settings(scene, include_str!("../../../tests/fixtures/probe/config-upstream.js")),
                "p2p.enabled is true",
            ),
        ],
        unverified: Scenes(&[
            (
                "config.js is no plain data",
                |scene| served(scene).value = Seen::unknown("config.js is a program"),
                "config.js is a program",
            ),
            (
                "config.js was not served",
                |scene| scene.seen().web[0].config.result = Seen::unknown("no response"),
                "no response",
            ),
            (
                "the copy in the page cannot be run",
                |scene| page(scene).config.as_mut().unwrap().value = Seen::unknown("it asks for document"),
                "settings in the page",
            ),
            ("an error page came in its place", error_page, "status 503"),
            (
                "a key of the policy is a function",
                |scene| drop(served(scene).opaque.insert("p2p".to_owned(), "function".to_owned())),
                "p2p is a function",
            ),
        ]),
    },
    Row {
        id: "leakage/own-origins-only",
        passes: &[(
            "STUN servers are named that the settings put own ones in the place of",
            |scene| script_names(scene, "'stun:stun.example.net:443'"),
            "2 are out of the page's reach",
        )],
        fails: &[
            (
                "a script names a foreign host, and no policy holds it back",
                |scene| drop(page(scene).response.headers.remove("content-security-policy")),
                "api.example.net (app.bundle.min.js)",
            ),
            (
                "a policy that holds scripts back and pictures not",
                |scene| {
                    header(
                        scene,
                        "content-security-policy",
                        "default-src 'self'; img-src *; form-action 'self'",
                    )
                },
                "api.example.net",
            ),
            (
                "a policy whose scripts may load others from anywhere",
                |scene| {
                    let policy = "default-src 'self'; script-src 'nonce-x' 'strict-dynamic'; form-action 'self'";
                    header(scene, "content-security-policy", policy);
                },
                "api.example.net",
            ),
            (
                "a policy that holds scripts back and their elements not",
                |scene| {
                    let policy = "default-src 'self'; script-src-elem https:; form-action 'self'";
                    header(scene, "content-security-policy", policy);
                },
                "api.example.net",
            ),
            (
                "the library's own STUN servers are asked, since the settings name none",
                |scene| {
                    settings(scene, "var config = { p2p: { enabled: false } };");
                    script_names(scene, "'stun:stun.example.net:443'");
                },
                "stun.example.net (lib.min.js)",
            ),
        ],
        unverified: Scenes(&[
            (
                "a script is too long",
                |scene| crawl(scene).resources[0].mentions = Seen::unknown("it is too long to read whole"),
                "too long",
            ),
            ("there are too many", |scene| crawl(scene).unvisited = 3, "3 files"),
            (
                "the page was not served",
                |scene| scene.seen().web[0].crawl.result = Seen::unknown("no response"),
                "no response",
            ),
        ]),
    },
    Row {
        id: "leakage/link-overrides",
        passes: &[
            (
                "no script shows a list, and nothing of the link is left",
                |scene| crawl(scene).link_keys = None,
                "are dropped before the app reads them",
            ),
            (
                "the app takes harmless settings only",
                |scene| {
                    settings(scene, KEEPS_CONFIG);
                    takes(scene, "startSilent", true);
                },
                "none of the 1 settings",
            ),
        ],
        fails: &[
            (
                "config.js leaves the link as it is",
                |scene| settings(scene, "var config = {};"),
                "a link may change p2p.enabled",
            ),
            (
                "so it is whatever else the app takes",
                |scene| {
                    settings(scene, "var config = {};");
                    takes(scene, "p2p.enabled", false);
                },
                "a link may change p2p.enabled",
            ),
        ],
        unverified: Scenes(&[
            (
                "the link is left as it is, and no script shows a list",
                |scene| {
                    settings(scene, "var config = {};");
                    crawl(scene).link_keys = None;
                },
                "no script shows",
            ),
            (
                "a script shows a part of the list",
                |scene| {
                    settings(scene, KEEPS_CONFIG);
                    takes(scene, "startSilent", false);
                },
                "goes on with one that is not read",
            ),
            (
                "settings of the interface are left in the link",
                |scene| {
                    settings(scene, "var config = {};");
                    takes(scene, "startSilent", true);
                },
                "interfaceConfig",
            ),
            ("an error page came in the page's place", error_page, "status 503"),
            (
                "the script cannot be run",
                |scene| {
                    page(scene).config = None;
                    served(scene).link = Seen::unknown("it asks for navigator");
                },
                "navigator",
            ),
        ]),
    },
];

/// One more script that names this.
fn script_names(scene: &mut Scene, text: &str) {
    crawl(scene)
        .resources
        .push(resource("telemed.example.com", "lib.min.js", text));
}

/// The app takes this from a link, and more where the list is not whole.
fn takes(scene: &mut Scene, key: &str, whole: bool) {
    crawl(scene).link_keys = Some(LinkKeys {
        listed: [key.to_owned()].into(),
        whole,
    });
}

/// The page names this host.
fn page_names(scene: &mut Scene, host: &str) {
    let mentions = origins::in_html(&format!("<script src=https://{host}/a.js>"));
    page(scene).mentions = mentions.into();
}

pub(super) fn page(scene: &mut Scene) -> &mut Page {
    match &mut scene.seen().web[0].page.result {
        Seen::Known(page) => page,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn served(scene: &mut Scene) -> &mut ServedConfig {
    match &mut scene.seen().web[0].config.result {
        Seen::Known(config) => config,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn interface(scene: &mut Scene) -> &mut ServedConfig {
    match &mut scene.seen().web[0].interface.result {
        Seen::Known(config) => config,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn config(scene: &mut Scene, change: impl FnOnce(&mut Value)) {
    let served = served(scene);
    let Seen::Known(value) = &mut served.value else {
        panic!("the rendered config.js is plain data")
    };
    change(value);
    served.mentions = Seen::Known(origins::in_json(value));
}

fn crawl(scene: &mut Scene) -> &mut Crawl {
    match &mut scene.seen().web[0].crawl.result {
        Seen::Known(crawl) => crawl,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

/// The page with another value of a header.
pub(super) fn header(scene: &mut Scene, name: &str, value: &str) {
    let headers = &mut page(scene).response.headers;
    headers.insert(name.to_owned(), vec![value.to_owned()]);
}

/// The page and config.js as a server sends them whose config.js is this.
fn settings(scene: &mut Scene, script: &str) {
    let seen = served_config("telemed.example.com", "config.js", script, "config");
    page(scene).config = Some(seen.clone());
    *served(scene) = seen;
}

pub(super) fn no_page(scene: &mut Scene) {
    scene.seen().web[0].page.result = Seen::unknown("no response");
}

/// An error page with the page's own headers.
pub(super) fn error_page(scene: &mut Scene) {
    page(scene).response.status = 503;
}
