//! Scenes of the leakage family, but for those of what settings and scripts contact.

use crate::probe::xmpp::listing::RoomInfo;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::own_origins::error_page;
use super::own_origins::header;
use super::own_origins::no_page;
use super::own_origins::page;

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
                "scripts that may run may load any other",
                |scene| {
                    let policy = "default-src 'self'; script-src 'nonce-x' 'strict-dynamic'; base-uri 'self'; form-action 'self'";
                    header(scene, "content-security-policy", policy);
                },
                "script-src allows 'strict-dynamic'",
            ),
            (
                "another host for pictures",
                |scene| {
                    let policy =
                        "default-src 'self'; img-src https://web.example.net; base-uri 'self'; form-action 'self'";
                    header(scene, "content-security-policy", policy);
                },
                "img-src allows https://web.example.net",
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
        unverified: Scenes(&[
            ("the page was not served", no_page, "no response"),
            ("an error page came in its place", error_page, "status 503"),
        ]),
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
            (
                "whoever begins alike may read",
                |scene| allow(scene, "https://telemed.example.com.anteroom-probe.invalid"),
                "telemed.example.com.anteroom-probe.invalid",
            ),
            (
                "whoever ends alike may read",
                |scene| allow(scene, "https://xtelemed.example.com"),
                "https://xtelemed.example.com",
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
        unverified: Scenes(&[
            ("the page was not served", no_page, "no response"),
            ("an error page came in its place", error_page, "status 503"),
        ]),
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

fn allow(scene: &mut Scene, origin: &str) {
    match &mut scene.seen().web[0].foreign.reads[0].result {
        Seen::Known(response) => {
            let name = "access-control-allow-origin".to_owned();
            response.headers.insert(name, vec![origin.to_owned()]);
        }
        Seen::Unknown(why) => panic!("{why}"),
    }
}
