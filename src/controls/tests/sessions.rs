//! Scenes of TLS sessions: attacks with a name, downgrades, further addresses, and XMPP's own port.

use crate::probe::Listening;
use crate::probe::Offer;
use crate::probe::StreamView;
use crate::probe::Version;
use crate::probe::certificate::Certificate;
use crate::probe::tls::Refusal;
use crate::probe::tls::group::Group;
use crate::probe::tls::group::Scheme;
use crate::probe::tls::nameless::Closer;
use crate::probe::tls::nameless::Nameless;
use crate::probe::tls::starttls::EarlyLogin;
use crate::probe::tls::starttls::StartTls;
use crate::probe::tls::starttls::StreamOffer;
use crate::probe::tls::suite::Suite;
use crate::probe::tls::survey::Fallback;
use crate::probe::tls::survey::Order;
use crate::probe::tls::survey::Prime;
use crate::probe::tls::survey::Session;
use crate::probe::tls::survey::SessionView;
use crate::probe::tls::survey::SuiteList;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::encryption::accepted;
use super::encryption::set_offer;
use super::encryption::tls;
use super::sightings::saw;
use super::transport::prime;
use super::transport::suites;
use super::transport::survey;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "encryption/tls-named-attacks",
        passes: &[(
            "an old suite of TLS 1.2 alone is no attack with a name",
            |scene| suites(scene, 0, Version::Tls12).accepted.push(Suite(0x009c)),
            "none of what they need",
        )],
        fails: &[
            (
                "SSL 2.0",
                |scene| set_offer(scene, 0, Version::Ssl2, accepted()),
                "DROWN",
            ),
            (
                "SSL 3.0 with CBC",
                |scene| old(scene, Version::Ssl3, 0x002f),
                "POODLE, BEAST",
            ),
            (
                "TLS 1.0 with CBC",
                |scene| old(scene, Version::Tls10, 0x002f),
                "BEAST, LUCKY13",
            ),
            (
                "CBC in TLS 1.2",
                |scene| suites(scene, 1, Version::Tls12).accepted.push(Suite(0xc013)),
                "LUCKY13",
            ),
            (
                "3DES",
                |scene| suites(scene, 0, Version::Tls12).accepted.push(Suite(0x000a)),
                "SWEET32",
            ),
            (
                "RC4",
                |scene| suites(scene, 0, Version::Tls12).accepted.push(Suite(0x0005)),
                "RC4 is accepted",
            ),
            (
                "export RSA",
                |scene| suites(scene, 0, Version::Tls12).accepted.push(Suite(0x0003)),
                "FREAK",
            ),
            (
                "export DHE",
                |scene| suites(scene, 0, Version::Tls12).accepted.push(Suite(0x0014)),
                "LOGJAM",
            ),
            ("a prime of 1024 bits", |scene| prime(scene, 1024, None), "LOGJAM"),
            ("compression", |scene| session(scene).compression = 1, "CRIME"),
        ],
        unverified: Scenes(&[
            (
                "SSL 2.0 was not answered",
                |scene| {
                    let looks = &mut tls(scene, 0).versions;
                    looks.get_mut(&Version::Ssl2).unwrap().result = Seen::unknown("the network broke");
                },
                "DROWN: the network broke",
            ),
            (
                "the session was not seen",
                |scene| survey(scene, 0).session.result = Seen::unknown("no answer"),
                "CRIME: no answer",
            ),
            (
                "RC4 is answered by an alert that says nothing of suites",
                |scene| suites(scene, 0, Version::Tls12).undecided.push(Suite(0x0005)),
                "RC4: in TLS 1.2 the server answered neither yes nor no to TLS_RSA_WITH_RC4_128_SHA",
            ),
        ]),
    },
    Row {
        id: "encryption/session-protected",
        passes: &[
            (
                "TLS 1.3 alone",
                |scene| {
                    survey(scene, 0).session.result = Seen::Known(SessionView::OnlyTls13);
                    survey(scene, 0).fallback.result = Seen::Known(Fallback::NoOlderVersion);
                },
                "nothing older than TLS 1.3",
            ),
            (
                "without extended master secret where the profile does not ask for it",
                |scene| session(scene).extended_master_secret = false,
                "extended master secret: no",
            ),
        ],
        fails: &[
            (
                "renegotiation is not bound",
                |scene| session(scene).secure_renegotiation = false,
                "renegotiation is not bound",
            ),
            (
                "heartbeats",
                |scene| session(scene).heartbeat = true,
                "heartbeats are answered",
            ),
            (
                "a downgrade is accepted",
                |scene| survey(scene, 0).fallback.result = Seen::Known(Fallback::Accepted),
                "second try in an older version is accepted",
            ),
        ],
        unverified: Scenes(&[(
            "the second try was not answered",
            |scene| survey(scene, 1).fallback.result = Seen::unknown("no answer"),
            "no answer",
        )]),
    },
    Row {
        id: "encryption/same-everywhere",
        passes: &[
            (
                "without a name nothing is accepted",
                |scene| {
                    let found = nameless(scene);
                    for offer in found.versions.values_mut() {
                        *offer = Seen::Known(Offer::Refused(Refusal::Alert(112)));
                    }
                    found.beyond.clear();
                    found.closer = None;
                    found.leaf = Seen::Known(None);
                },
                "it accepts nothing",
            ),
            (
                "the default server shows another certificate of the same strength",
                |scene| other_leaf(scene).key.bits = 256,
                "shows another certificate, which is no weaker",
            ),
            (
                "the default server takes another group of the profile",
                |scene| {
                    drop(
                        closer(scene)
                            .groups
                            .insert(Version::Tls12, Seen::Known(vec![Group(0x0019)])),
                    )
                },
                "nothing more, and shows the same certificate",
            ),
            ("two addresses that agree", another_address, "they accept the same"),
        ],
        fails: &[
            (
                "the default server accepts TLS 1.0",
                |scene| drop(nameless(scene).versions.insert(Version::Tls10, Seen::Known(accepted()))),
                "also accepts TLS 1.0",
            ),
            (
                "the default server accepts another suite",
                |scene| {
                    drop(
                        nameless(scene)
                            .beyond
                            .insert(Version::Tls12, Seen::Known(vec![Suite(0x000a)])),
                    )
                },
                "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
            ),
            (
                "the default server takes a weak curve",
                |scene| {
                    drop(
                        closer(scene)
                            .groups
                            .insert(Version::Tls12, Seen::Known(vec![Group(0x0013)])),
                    )
                },
                "also accepts secp192r1",
            ),
            (
                "the default server signs by way of SHA-1",
                |scene| {
                    drop(
                        closer(scene)
                            .schemes
                            .insert(Version::Tls12, Seen::Known(vec![Scheme(0x0201)])),
                    )
                },
                "also accepts rsa_pkcs1_sha1",
            ),
            (
                "the default server has a short prime",
                |scene| {
                    closer(scene).primes = Seen::Known(vec![Prime {
                        bits: 1024,
                        published: None,
                        suite: Suite(0x009e),
                    }]);
                },
                "also accepts a prime of 1024 bits",
            ),
            (
                "the default server answers heartbeats",
                |scene| nameless_session(scene).heartbeat = true,
                "without a name heartbeats are answered",
            ),
            (
                "the default server compresses",
                |scene| nameless_session(scene).compression = 1,
                "also accepts compression",
            ),
            (
                "the default server has a weak key",
                |scene| {
                    let leaf = other_leaf(scene);
                    leaf.key.algorithm = "RSA".to_owned();
                    leaf.key.bits = 1024;
                },
                "it shows another certificate: CN=telemed.example.com has a key of RSA 1024 bits",
            ),
            (
                "two addresses that differ",
                |scene| {
                    another_address(scene);
                    suites(scene, 2, Version::Tls12).accepted.push(Suite(0x009c));
                },
                "only one of them accepts TLS 1.2 TLS_RSA_WITH_AES_128_GCM_SHA256",
            ),
        ],
        unverified: Scenes(&[
            (
                "no look without a name",
                |scene| tls(scene, 0).nameless.result = Seen::unknown("no answer"),
                "no answer",
            ),
            (
                "the groups without a name were not seen",
                |scene| {
                    drop(
                        closer(scene)
                            .groups
                            .insert(Version::Tls13, Seen::unknown("left unanswered")),
                    )
                },
                "left unanswered",
            ),
            (
                "the session without a name was not seen",
                |scene| closer(scene).session = Seen::unknown("it was not answered"),
                "it was not answered",
            ),
            (
                "one address was not seen well",
                |scene| {
                    another_address(scene);
                    let looks = &mut survey(scene, 2).suites;
                    looks.get_mut(&Version::Tls12).unwrap().result = Seen::unknown("left unanswered");
                },
                "left unanswered",
            ),
        ]),
    },
    Row {
        id: "encryption/xmpp-starttls",
        passes: &[
            (
                "nothing listens",
                |scene| scene.seen().streams[0].result = Seen::Known(StreamView::Refused),
                "nothing listens",
            ),
            (
                "TLS is required",
                |scene| stream(scene, StartTls::Required, &[], EarlyLogin::Closed),
                "TLS is required",
            ),
        ],
        fails: &[
            (
                "TLS is a choice",
                |scene| stream(scene, StartTls::Optional, &[], EarlyLogin::Closed),
                "TLS is a choice",
            ),
            (
                "TLS is not offered",
                |scene| stream(scene, StartTls::Absent, &["PLAIN"], EarlyLogin::Closed),
                "TLS is not offered, logins before it: PLAIN",
            ),
            (
                "a login before TLS is admitted",
                |scene| stream(scene, StartTls::Required, &[], EarlyLogin::Admitted),
                "was admitted",
            ),
        ],
        unverified: Scenes(&[
            (
                "something else answers",
                |scene| scene.seen().streams[0].result = Seen::unknown("the port does not speak XMPP"),
                "does not speak XMPP",
            ),
            (
                "the host answers nowhere",
                |scene| {
                    for view in &mut scene.seen().tls {
                        view.listening.result = Seen::Known(Listening::Filtered);
                    }
                },
                "nowhere else either",
            ),
            (
                "the login was not answered",
                |scene| {
                    stream(scene, StartTls::Required, &[], EarlyLogin::Closed);
                    if let Seen::Known(StreamView::Speaks(offer)) = &mut scene.seen().streams[0].result {
                        offer.login = Seen::unknown("no complete answer");
                    }
                },
                "no complete answer",
            ),
            ("no port was looked at", |scene| scene.seen().streams.clear(), "XMPP"),
        ]),
    },
];

fn session(scene: &mut Scene) -> &mut Session {
    match &mut survey(scene, 0).session.result {
        Seen::Known(SessionView::Older(session)) => session,
        other => panic!("{other:?}"),
    }
}

fn nameless(scene: &mut Scene) -> &mut Nameless {
    match &mut tls(scene, 0).nameless.result {
        Seen::Known(found) => found,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn closer(scene: &mut Scene) -> &mut Closer {
    nameless(scene).closer.as_mut().unwrap()
}

fn nameless_session(scene: &mut Scene) -> &mut Session {
    match &mut closer(scene).session {
        Seen::Known(SessionView::Older(session)) => session,
        other => panic!("{other:?}"),
    }
}

/// The certificate that is shown without a name, made another one.
fn other_leaf(scene: &mut Scene) -> &mut Certificate {
    match &mut nameless(scene).leaf {
        Seen::Known(Some(leaf)) => {
            leaf.sha256 = "b".repeat(64);
            leaf
        }
        other => panic!("{other:?}"),
    }
}

/// The site accepts an old version with one suite.
fn old(scene: &mut Scene, version: Version, suite: u16) {
    set_offer(scene, 0, version, accepted());
    let list = SuiteList {
        accepted: vec![Suite(suite)],
        undecided: Vec::new(),
        order: Order::Open,
    };
    survey(scene, 0)
        .suites
        .insert(version, saw("tcp://telemed.example.com:443", list));
}

fn another_address(scene: &mut Scene) {
    let mut view = tls(scene, 0).clone();
    view.address.set_ip("2001:db8::10".parse().unwrap());
    scene.seen().tls.push(view);
}

fn stream(scene: &mut Scene, starttls: StartTls, mechanisms: &[&str], login: EarlyLogin) {
    let offer = StreamOffer {
        starttls,
        mechanisms: mechanisms.iter().map(|name| (*name).to_owned()).collect(),
        login: Seen::Known(login),
    };
    scene.seen().streams[0].result = Seen::Known(StreamView::Speaks(offer));
}
