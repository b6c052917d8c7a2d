//! Scenes of the leakage family.

use serde_json::Value;
use serde_json::json;

use crate::probe::Mention;
use crate::probe::origins;
use crate::probe::web::Page;
use crate::probe::web::ServedConfig;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;

pub(super) const ROWS: &[Row] = &[
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
            (
                "the page was not served",
                |scene| scene.seen().web[0].page.result = Seen::unknown("no response"),
                "no response",
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
        ]),
    },
];

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
