//! Scenes of controls of several families that judge how the web server treats strangers and pages of other sites.

use serde_json::json;

use crate::probe::PlainAnswer;
use crate::probe::Sighting;
use crate::probe::WebView;
use crate::probe::script;
use crate::probe::script::Visit;
use crate::probe::web::Crawl;
use crate::probe::web::Response;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::own_origins::error_page;
use super::own_origins::header;
use super::own_origins::no_page;
use super::own_origins::page;
use super::sightings::response;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "encryption/redirect-stays-home",
        passes: &[
            (
                "nothing listens",
                |scene| foreign_host(scene, PlainAnswer::Refused),
                "nothing listens",
            ),
            (
                "it is misdirected",
                |scene| foreign_host(scene, answered(421, "")),
                "status 421",
            ),
            (
                "it leads to us",
                |scene| foreign_host(scene, answered(301, "https://telemed.example.com/x")),
                "telemed.example.com",
            ),
        ],
        fails: &[
            (
                "it leads to the host that was named",
                |scene| foreign_host(scene, answered(301, "https://anteroom-probe.invalid/x")),
                "anteroom-probe.invalid",
            ),
            (
                "it is served",
                |scene| foreign_host(scene, answered(200, "")),
                "status 200",
            ),
        ],
        unverified: Scenes(&[
            (
                "nobody answers",
                |scene| foreign_host(scene, PlainAnswer::Filtered),
                "nobody answered",
            ),
            (
                "the connection broke",
                |scene| view(scene).plain_foreign.result = Seen::unknown("reset"),
                "reset",
            ),
        ]),
    },
    Row {
        id: "encryption/cookies-secure",
        passes: &[(
            "a cookie with all it needs",
            |scene| header(scene, "set-cookie", "a=b; Secure; HttpOnly; SameSite=Strict"),
            "1 cookies",
        )],
        fails: &[
            (
                "a cookie for scripts and other sites",
                |scene| header(scene, "set-cookie", "sid=0123456789; Secure; SameSite=None"),
                "sid is not HttpOnly, SameSite",
            ),
            (
                "the redirect of port 80 sets one",
                |scene| match &mut view(scene).plain_root.result {
                    Seen::Known(PlainAnswer::Answers(response)) => sets_cookie(response),
                    other => panic!("{other:?}"),
                },
                "sid is not Secure, HttpOnly, SameSite",
            ),
            (
                "a redirect on the way to the page sets one",
                |scene| {
                    let mut hop = response("https://telemed.example.com/", 302, &[("location", "/start")]);
                    sets_cookie(&mut hop);
                    page(scene).hops.push(hop);
                },
                "sid is not Secure",
            ),
            (
                "a script sets one, although another look failed",
                |scene| {
                    view(scene).plain_random.result = Seen::unknown("reset");
                    match &mut view(scene).crawl.result {
                        Seen::Known(Crawl { resources, .. }) => match &mut resources[0].response {
                            Seen::Known(response) => sets_cookie(response),
                            Seen::Unknown(why) => panic!("{why}"),
                        },
                        Seen::Unknown(why) => panic!("{why}"),
                    }
                },
                "sid is not Secure",
            ),
        ],
        unverified: Scenes(&[
            ("the page was not served", no_page, "no response"),
            (
                "one response did not come",
                |scene| view(scene).interface.result = Seen::unknown("reset"),
                "reset",
            ),
            (
                "the plain port gave none",
                |scene| view(scene).plain_others[0].result = Seen::unknown("reset"),
                "reset",
            ),
        ]),
    },
    Row {
        id: "access/foreign-pages-refused",
        passes: &[(
            "both are unauthorised",
            |scene| {
                set_status(&mut view(scene).foreign.bosh, 401);
                set_status(&mut view(scene).foreign.websocket, 401);
            },
            "status 401",
        )],
        fails: &[
            (
                "a WebSocket is opened",
                |scene| set_status(&mut view(scene).foreign.websocket, 101),
                "speaks XMPP here",
            ),
            (
                "a session is opened",
                |scene| set_status(&mut view(scene).foreign.bosh, 200),
                "speaks XMPP here",
            ),
        ],
        unverified: Scenes(&[
            (
                "nobody is let in",
                |scene| scene.seen().xmpp[0].doors[0].stranger.mechanisms.result = Seen::unknown("status 403"),
                "nobody is let in here",
            ),
            (
                "the endpoint was not looked at",
                |scene| scene.seen().xmpp.clear(),
                "it was not tried",
            ),
            (
                "the server is in trouble",
                |scene| set_status(&mut view(scene).foreign.bosh, 502),
                "status 502",
            ),
        ]),
    },
    Row {
        id: "access/framing-refused",
        passes: &[
            (
                "an older server's header",
                |scene| header(scene, "content-security-policy", "default-src 'self'"),
                "X-Frame-Options: DENY",
            ),
            (
                "own pages may frame it",
                |scene| {
                    header(
                        scene,
                        "content-security-policy",
                        "frame-ancestors 'self' https://a.telemed.example.com",
                    )
                },
                "frame-ancestors 'self'",
            ),
        ],
        fails: &[
            (
                "another site may frame it, whatever the older header says",
                |scene| {
                    header(
                        scene,
                        "content-security-policy",
                        "frame-ancestors 'self' https://ehr.example.net",
                    )
                },
                "ehr.example.net",
            ),
            (
                "neither is there",
                |scene| {
                    header(scene, "content-security-policy", "default-src 'self'");
                    page(scene).response.headers.remove("x-frame-options");
                },
                "neither",
            ),
        ],
        unverified: Scenes(&[
            ("the page was not served", no_page, "no response"),
            ("an error page came in its place", error_page, "status 503"),
        ]),
    },
    Row {
        id: "access/devices-own-page-only",
        passes: &[(
            "nobody gets the screen",
            |scene| {
                header(
                    scene,
                    "permissions-policy",
                    "camera=(self), microphone=(self), display-capture=()",
                )
            },
            "display-capture=()",
        )],
        fails: &[
            (
                "the camera is for everybody",
                |scene| {
                    header(
                        scene,
                        "permissions-policy",
                        "camera=*, microphone=(self), display-capture=(self)",
                    )
                },
                "camera is granted to *",
            ),
            (
                "another site gets the microphone",
                |scene| {
                    let policy = "camera=(self), microphone=(self \"https://x.example.net\"), display-capture=(self)";
                    header(scene, "permissions-policy", policy);
                },
                "microphone is granted to",
            ),
            (
                "no header",
                |scene| drop(page(scene).response.headers.remove("permissions-policy")),
                "no such header",
            ),
        ],
        unverified: Scenes(&[
            ("the page was not served", no_page, "no response"),
            ("an error page came in its place", error_page, "status 503"),
        ]),
    },
    Row {
        id: "exposure/methods-refused",
        passes: &[(
            "a method is redirected",
            |scene| method(scene, 1, 301, false),
            "none of them",
        )],
        fails: &[
            (
                "a file is taken",
                |scene| method(scene, 1, 201, false),
                "PUT is answered with status 201",
            ),
            (
                "a request is repeated",
                |scene| method(scene, 0, 405, true),
                "TRACE repeats",
            ),
        ],
        unverified: Scenes(&[
            (
                "a method was not answered",
                |scene| view(scene).methods[0].result = Seen::unknown("no response"),
                "no response",
            ),
            (
                "none was tried",
                |scene| view(scene).methods.clear(),
                "nothing was asked",
            ),
        ]),
    },
    Row {
        id: "integrity/content-types-fixed",
        passes: &[(
            "in capitals",
            |scene| header(scene, "x-content-type-options", "NOSNIFF"),
            "NOSNIFF",
        )],
        fails: &[(
            "no header",
            |scene| drop(page(scene).response.headers.remove("x-content-type-options")),
            "no such header",
        )],
        unverified: Scenes(&[
            ("the page was not served", no_page, "no response"),
            ("an error page came in its place", error_page, "status 503"),
        ]),
    },
];

fn view(scene: &mut Scene) -> &mut WebView {
    &mut scene.seen().web[0]
}

fn sets_cookie(response: &mut Response) {
    let cookies = response.headers.entry("set-cookie".to_owned()).or_default();
    cookies.push("sid=1".to_owned());
}

fn foreign_host(scene: &mut Scene, answer: PlainAnswer) {
    view(scene).plain_foreign.result = Seen::Known(answer);
}

fn answered(status: u16, location: &str) -> PlainAnswer {
    let headers: &[(&str, &str)] = if location.is_empty() {
        &[]
    } else {
        &[("location", location)]
    };
    PlainAnswer::Answers(response("http://telemed.example.com/x", status, headers))
}

fn set_status(look: &mut Sighting<Response>, status: u16) {
    match &mut look.result {
        Seen::Known(response) => response.status = status,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn method(scene: &mut Scene, which: usize, status: u16, echoes: bool) {
    match &mut view(scene).methods[which].result {
        Seen::Known(seen) => {
            seen.answer.response.status = status;
            seen.echoes = echoes;
        }
        Seen::Unknown(why) => panic!("{why}"),
    }
}

#[test]
fn the_rendered_settings_take_their_own_out_of_a_link_and_leave_the_rest() {
    let rendered = include_str!("../../../tests/golden/token-jwks/etc/jitsi/meet/telemed.example.com-config.js");
    for (search, hash, left) in [
        (
            "?jwt=x.y.z",
            "#userInfo.displayName=%22A%22",
            "?jwt=x.y.z#userInfo.displayName=%22A%22",
        ),
        (
            "?jwt=x&config.a=1",
            "#config.p2p.enabled=true&x=1&config=%7B%7D",
            "?jwt=x#x=1",
        ),
        ("", "#interfaceConfig.A=1", ""),
        ("", "#configured=1&config.a", "#configured=1"),
        ("", "", ""),
    ] {
        let visit = Visit {
            domain: "telemed.example.com".to_owned(),
            search: search.to_owned(),
            hash: hash.to_owned(),
        };
        let ran = script::run(&[rendered.to_owned()], &visit).unwrap();
        assert_eq!(ran.link, left, "{search}{hash}");
        assert_eq!(ran.objects["config"].value["p2p"]["enabled"], json!(false));
    }
}
