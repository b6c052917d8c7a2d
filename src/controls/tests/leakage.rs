//! Scenes of the leakage family.

use serde_json::Value;
use serde_json::json;

use crate::probe::Mention;
use crate::probe::origins;
use crate::probe::web::Crawl;
use crate::probe::web::Page;
use crate::probe::web::Resource;
use crate::probe::web::ServedConfig;
use crate::probe::xmpp::listing::RoomInfo;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::sightings::served_config;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "leakage/rooms-not-listed",
        passes: &[],
        fails: &[
            (
                "a guest sees a room in the list",
                |scene| {
                    let rooms = vec!["visit-7@conference.telemed.example.com".to_owned()];
                    scene.seen().xmpp[0].doors[1].guest.rooms.result = Seen::Known(rooms);
                },
                "visit-7",
            ),
            (
                "a stranger sees one",
                |scene| {
                    let rooms = vec!["visit-7@conference.telemed.example.com".to_owned()];
                    scene.seen().xmpp[0].doors[0].stranger.rooms.result = Seen::Known(rooms);
                },
                "without a login",
            ),
            (
                "the bridges' component is listed",
                |scene| {
                    let parts = vec!["internal.auth.telemed.example.com".to_owned()];
                    scene.seen().xmpp[0].doors[0].guest.parts[0].result = Seen::Known(parts);
                },
                "internal.auth",
            ),
            (
                "an open room tells who is in it",
                |scene| {
                    let fields = vec!["muc#roominfo_occupants".to_owned()];
                    let seen = scene.seen().xmpp[0].clinician.as_mut().unwrap();
                    seen.live.room_info.result = Seen::Known(RoomInfo::Told { fields });
                },
                "muc#roominfo_occupants",
            ),
        ],
        unverified: Scenes(&[
            (
                "no room was open",
                |scene| scene.seen().xmpp[0].clinician = None,
                "proves nothing",
            ),
            (
                "the list was not answered",
                |scene| scene.seen().xmpp[0].doors[0].guest.rooms.result = Seen::unknown("timed out"),
                "timed out",
            ),
        ]),
    },
    Row {
        id: "leakage/config-own-origins",
        passes: &[(
            "a host below the domain is named",
            |scene| page(scene).mentions.extend([mention("static.telemed.example.com")]),
            "none",
        )],
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
                |scene| page(scene).mentions.extend([mention("cdn.example.net")]),
                "cdn.example.net (src)",
            ),
            (
                "the policy allows another host",
                |scene| page(scene).policy = Some(origins::in_policy("connect-src https://web.example.net")),
                "web.example.net (connect-src)",
            ),
            (
                "there is no policy",
                |scene| page(scene).policy = None,
                "no content security policy",
            ),
        ],
        unverified: Scenes(&[
            (
                "config.js is no plain data",
                |scene| served(scene).mentions = Seen::unknown("config.js is a program"),
                "config.js is a program",
            ),
            ("the page was not served", no_page, "no response"),
            (
                "the page is an error page",
                |scene| page(scene).response.status = 502,
                "status 502",
            ),
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
                    settings(scene, "var config = {};");
                    crawl(scene).link_keys = Some(["startSilent".to_owned()].into());
                },
                "none of the 1 settings",
            ),
        ],
        fails: &[(
            "config.js leaves the link as it is",
            |scene| settings(scene, "var config = {};"),
            "a link may change p2p.enabled",
        )],
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
                "the script cannot be run",
                |scene| {
                    page(scene).config = None;
                    served(scene).link = Seen::unknown("it asks for navigator");
                },
                "navigator",
            ),
        ]),
    },
    Row {
        id: "leakage/content-policy",
        passes: &[(
            "a narrower policy",
            |scene| {
                let policy = "default-src 'none'; base-uri 'none'; form-action 'none'; connect-src 'self'";
                header(scene, "content-security-policy", policy);
            },
            "none wider",
        )],
        fails: &[
            (
                "scripts from data: URLs",
                |scene| {
                    header(
                        scene,
                        "content-security-policy",
                        "default-src 'self'; script-src 'self' data:",
                    )
                },
                "script-src allows data:",
            ),
            (
                "a report-only policy is none",
                |scene| {
                    let headers = &mut page(scene).response.headers;
                    let policy = headers.remove("content-security-policy").unwrap();
                    headers.insert("content-security-policy-report-only".to_owned(), policy);
                },
                "no content security policy",
            ),
        ],
        unverified: Scenes(&[("the page was not served", no_page, "no response")]),
    },
    Row {
        id: "leakage/cross-origin-reads",
        passes: &[(
            "another site of the clinic's may read",
            |scene| allow(scene, "https://ehr.example.com"),
            "none of them",
        )],
        fails: &[
            ("everybody may read", |scene| allow(scene, "*"), "Origin: *"),
            (
                "whoever asks may read",
                |scene| allow(scene, "https://anteroom-probe.invalid"),
                "anteroom-probe.invalid",
            ),
        ],
        unverified: Scenes(&[(
            "a request was not answered",
            |scene| scene.seen().web[0].foreign.reads[1].result = Seen::unknown("no response"),
            "no response",
        )]),
    },
    Row {
        id: "leakage/referrer",
        passes: &[(
            "the last value that browsers know counts",
            |scene| header(scene, "referrer-policy", "unsafe-url, same-origin, newer-than-all"),
            "same-origin",
        )],
        fails: &[
            (
                "the browsers' default",
                |scene| header(scene, "referrer-policy", "strict-origin-when-cross-origin"),
                "strict-origin-when-cross-origin",
            ),
            (
                "no header",
                |scene| drop(page(scene).response.headers.remove("referrer-policy")),
                "no such header",
            ),
        ],
        unverified: Scenes(&[("the page was not served", no_page, "no response")]),
    },
    Row {
        id: "leakage/versions-hidden",
        passes: &[(
            "a banner without a number",
            |scene| header(scene, "server", "Apache"),
            "none",
        )],
        fails: &[
            (
                "a banner with a version",
                |scene| header(scene, "server", "nginx/1.22.1"),
                "server: nginx/1.22.1",
            ),
            (
                "an error page with a version",
                |scene| match &mut scene.seen().web[0].errors[0].result {
                    Seen::Known(page) => page.text = "<hr><center>nginx/1.22.1</center>".to_owned(),
                    Seen::Unknown(why) => panic!("{why}"),
                },
                "nginx 1.22.1",
            ),
        ],
        unverified: Scenes(&[(
            "no error page was served",
            |scene| scene.seen().web[0].errors[0].result = Seen::unknown("no response"),
            "no response",
        )]),
    },
];

/// One more script that names this.
fn script_names(scene: &mut Scene, text: &str) {
    crawl(scene).resources.push(Resource {
        url: "https://telemed.example.com/libs/lib.min.js".to_owned(),
        sha256: "d".repeat(64),
        mentions: Seen::Known(origins::in_code(text, "text")),
    });
}

fn allow(scene: &mut Scene, origin: &str) {
    match &mut scene.seen().web[0].foreign.reads[0].result {
        Seen::Known(response) => {
            let name = "access-control-allow-origin".to_owned();
            response.headers.insert(name, vec![origin.to_owned()]);
        }
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn mention(host: &str) -> Mention {
    Mention {
        place: "src".to_owned(),
        scheme: Some("https".to_owned()),
        host: host.to_owned(),
    }
}

fn page(scene: &mut Scene) -> &mut Page {
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
fn header(scene: &mut Scene, name: &str, value: &str) {
    let headers = &mut page(scene).response.headers;
    headers.insert(name.to_owned(), vec![value.to_owned()]);
}

/// The page and config.js as a server sends them whose config.js is this.
fn settings(scene: &mut Scene, script: &str) {
    let seen = served_config("telemed.example.com", "config.js", script, "config");
    page(scene).config = Some(seen.clone());
    *served(scene) = seen;
}

fn no_page(scene: &mut Scene) {
    scene.seen().web[0].page.result = Seen::unknown("no response");
}
