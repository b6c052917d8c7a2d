//! Scenes of the encryption family.

use crate::probe::Listening;
use crate::probe::Offer;
use crate::probe::PlainAnswer;
use crate::probe::TlsView;
use crate::probe::Version;
use crate::probe::Vouched;
use crate::probe::certificate::Signer;
use crate::probe::tls::Chain;
use crate::probe::tls::Refusal;
use crate::seen::Seen;
use crate::spec::Environment;
use crate::spec::TlsProfile;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::own_origins::error_page;
use super::own_origins::no_page;
use super::sightings::at;
use super::sightings::response;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "encryption/weak-suites-refused",
        passes: &[(
            "the server hangs up",
            |scene| tls(scene, 0).weak_suites.result = Seen::Known(Offer::Refused(Refusal::HungUp)),
            "hung up",
        )],
        fails: &[(
            "TURN takes a weak suite",
            |scene| tls(scene, 1).weak_suites.result = Seen::Known(accepted()),
            "accepted with",
        )],
        unverified: Scenes(&[(
            "the hello was not answered and neither was any other",
            |scene| tls(scene, 0).weak_suites.result = Seen::unknown("the server answered no hello at all"),
            "no hello at all",
        )]),
    },
    Row {
        id: "encryption/legacy-tls-refused",
        passes: &[(
            "old versions are refused without a word",
            |scene| set_offer(scene, 1, Version::Tls10, Offer::Refused(Refusal::Silence)),
            "refused, silence",
        )],
        fails: &[
            (
                "the site accepts TLS 1.0",
                |scene| set_offer(scene, 0, Version::Tls10, accepted()),
                "accepted with",
            ),
            (
                "TURN accepts SSL 3.0",
                |scene| set_offer(scene, 1, Version::Ssl3, accepted()),
                ":5349 SSL 3.0",
            ),
        ],
        unverified: Scenes(&[
            (
                "a hello was not answered",
                |scene| {
                    let looks = &mut tls(scene, 0).versions;
                    looks.get_mut(&Version::Tls11).unwrap().result = Seen::unknown("the network broke");
                },
                "the network broke",
            ),
            (
                "a version was not tried",
                |scene| drop(tls(scene, 0).versions.remove(&Version::Ssl3)),
                "it was not tried",
            ),
            (
                "the site's port does not answer",
                |scene| tls(scene, 0).listening.result = Seen::Known(Listening::Filtered),
                "nothing listens there",
            ),
            (
                "nothing newer is accepted either",
                |scene| {
                    for version in [Version::Tls12, Version::Tls13] {
                        set_offer(scene, 0, version, Offer::Refused(Refusal::Alert(40)));
                    }
                },
                "no hello of TLS 1.2 or 1.3 was accepted either",
            ),
            (
                "only another listener was looked at",
                |scene| drop(scene.seen().tls.remove(0)),
                "TLS on port 443",
            ),
        ]),
    },
    Row {
        id: "encryption/modern-tls-offered",
        passes: &[
            (
                "TURN speaks TLS 1.2 alone",
                |scene| set_offer(scene, 1, Version::Tls13, Offer::Refused(Refusal::Alert(70))),
                "accepted with",
            ),
            (
                "a modern site refuses TLS 1.2",
                |scene| {
                    scene.spec().security.tls_profile = TlsProfile::Modern;
                    set_offer(scene, 0, Version::Tls12, Offer::Refused(Refusal::Alert(70)));
                },
                "refused, alert 70",
            ),
        ],
        fails: &[
            (
                "the site refuses TLS 1.3",
                |scene| set_offer(scene, 0, Version::Tls13, Offer::Refused(Refusal::Alert(70))),
                "refused",
            ),
            (
                "a modern site accepts TLS 1.2",
                |scene| scene.spec().security.tls_profile = TlsProfile::Modern,
                "accepted with",
            ),
        ],
        unverified: Scenes(&[(
            "the hello of TLS 1.3 was not answered",
            |scene| {
                let looks = &mut tls(scene, 0).versions;
                looks.get_mut(&Version::Tls13).unwrap().result = Seen::unknown("the network broke");
            },
            "the network broke",
        )]),
    },
    Row {
        id: "encryption/certificate-valid",
        passes: &[
            (
                "production with a trusted certificate",
                |scene| {
                    production(scene);
                    scene
                        .seen()
                        .tls
                        .iter_mut()
                        .for_each(|view| chain(view).vouched = Seen::Known(Vouched::Yes));
                },
                "trusted",
            ),
            (
                "exactly 21 days are left",
                |scene| leaf(scene).not_after = Some(at("2026-04-22T12:00:00Z")),
                "21 days left",
            ),
            (
                "a status is stapled, as the certificate says",
                |scene| {
                    leaf(scene).must_staple = true;
                    chain(tls(scene, 0)).stapled = true;
                },
                "a status is stapled",
            ),
            (
                "a certificate that ends in the year 9999",
                |scene| leaf(scene).not_after = Some(at("9999-12-30T00:00:00Z")),
                "days left",
            ),
        ],
        fails: &[
            (
                "it names another domain",
                |scene| leaf(scene).names = vec!["other.example.com".to_owned()],
                "names other.example.com",
            ),
            (
                "it ends in 20 days",
                |scene| leaf(scene).not_after = Some(at("2026-04-22T11:59:59Z")),
                "20 days left",
            ),
            (
                "its time has not begun",
                |scene| leaf(scene).not_before = at("2026-04-01T12:00:01Z"),
                "valid from 2026-04-01T12:00:01Z",
            ),
            (
                "production with a certificate that nobody vouches for",
                production,
                "not trusted (it signed itself)",
            ),
            (
                "a test with a certificate of an unknown authority",
                |scene| leaf(scene).signer = Signer::Another,
                "not trusted",
            ),
            ("it has no end", |scene| leaf(scene).not_after = None, "without an end"),
            (
                "a second certificate names another domain",
                |scene| {
                    let view = tls(scene, 0);
                    let mut second = view.chain.clone();
                    if let Seen::Known(chain) = &mut second.result {
                        chain.certificates[0].names = vec!["other.example.com".to_owned()];
                    }
                    view.second_chain = Some(second);
                },
                "names other.example.com",
            ),
            (
                "a status has to be stapled and is not",
                |scene| leaf(scene).must_staple = true,
                "no status is stapled, and the certificate says that one has to be",
            ),
            (
                "an empty chain",
                |scene| chain(tls(scene, 0)).certificates.clear(),
                "an empty chain",
            ),
        ],
        unverified: Scenes(&[
            (
                "no handshake came about",
                |scene| tls(scene, 0).chain.result = Seen::unknown("the handshake broke"),
                "the handshake broke",
            ),
            (
                "production, and this computer has no roots",
                |scene| {
                    production(scene);
                    let views = scene.seen().tls.iter_mut();
                    views.for_each(|view| chain(view).vouched = Seen::unknown("no roots here"));
                },
                "no roots here",
            ),
        ]),
    },
    Row {
        id: "encryption/http-redirects-only",
        passes: &[(
            "nothing is served on port 80",
            |scene| {
                let web = &mut scene.seen().web[0];
                web.plain_root.result = Seen::Known(PlainAnswer::Refused);
                web.plain_random.result = Seen::Known(PlainAnswer::Refused);
                for look in &mut web.plain_others {
                    look.result = Seen::Known(PlainAnswer::Refused);
                }
            },
            "nothing listens",
        )],
        fails: &[
            ("a page is served", |scene| answer(scene, 200, &[]), "status 200"),
            (
                "it leads to the front page whatever was asked for",
                |scene| {
                    let look = &mut scene.seen().web[0].plain_others[0];
                    let home = [("location", "https://telemed.example.com/")];
                    let url = "http://telemed.example.com/config.js";
                    look.result = Seen::Known(PlainAnswer::Answers(response(url, 301, &home)));
                },
                "config.js",
            ),
            (
                "it leads to a domain that begins like ours",
                |scene| answer(scene, 301, &[("location", "https://telemed.example.com.evil.example/")]),
                "evil.example",
            ),
            (
                "it leads to plain HTTP",
                |scene| answer(scene, 301, &[("location", "http://telemed.example.com/")]),
                "http://telemed",
            ),
        ],
        unverified: Scenes(&[
            (
                "the connection broke",
                |scene| scene.seen().web[0].plain_random.result = Seen::unknown("reset by peer"),
                "reset by peer",
            ),
            ("no address was looked at", |scene| scene.seen().web.clear(), "port 80"),
        ]),
    },
    Row {
        id: "encryption/hsts",
        passes: &[(
            "a year exactly",
            |scene| hsts(scene, "max-age=31536000; includeSubDomains"),
            "31536000",
        )],
        fails: &[
            ("an hour", |scene| hsts(scene, "max-age=3600"), "max-age=3600"),
            (
                "no header",
                |scene| page(scene, |headers| drop(headers.remove("strict-transport-security"))),
                "no such header",
            ),
        ],
        unverified: Scenes(&[
            ("the page was not served", no_page, "no response"),
            ("an error page came in its place", error_page, "status 503"),
        ]),
    },
];

pub(super) fn tls(scene: &mut Scene, which: usize) -> &mut TlsView {
    &mut scene.seen().tls[which]
}

pub(super) fn accepted() -> Offer {
    Offer::Accepted {
        suite: "TLS_RSA_WITH_AES_128_CBC_SHA".to_owned(),
    }
}

pub(super) fn set_offer(scene: &mut Scene, which: usize, version: Version, offer: Offer) {
    tls(scene, which).versions.get_mut(&version).unwrap().result = Seen::Known(offer);
}

pub(super) fn chain(view: &mut TlsView) -> &mut Chain {
    match &mut view.chain.result {
        Seen::Known(chain) => chain,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

pub(super) fn leaf(scene: &mut Scene) -> &mut crate::probe::certificate::Certificate {
    &mut chain(tls(scene, 0)).certificates[0]
}

fn production(scene: &mut Scene) {
    scene.spec().deployment.environment = Environment::Production;
}

fn answer(scene: &mut Scene, status: u16, headers: &[(&str, &str)]) {
    let answer = PlainAnswer::Answers(response("http://telemed.example.com/", status, headers));
    scene.seen().web[0].plain_random.result = Seen::Known(answer);
}

fn page(scene: &mut Scene, change: impl FnOnce(&mut std::collections::BTreeMap<String, Vec<String>>)) {
    match &mut scene.seen().web[0].page.result {
        Seen::Known(page) => change(&mut page.response.headers),
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn hsts(scene: &mut Scene, value: &str) {
    page(scene, |headers| {
        headers.insert("strict-transport-security".to_owned(), vec![value.to_owned()]);
    });
}
