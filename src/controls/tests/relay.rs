//! A relay that is locked, and the scenes in which it is not.

use std::net::IpAddr;
use std::net::SocketAddr;

use crate::probe::stun::UdpAnswer;
use crate::probe::turn::client::Denial;
use crate::probe::turn::view::Allocation;
use crate::probe::turn::view::Connects;
use crate::probe::turn::view::Echo;
use crate::probe::turn::view::HolderView;
use crate::probe::turn::view::PeerAnswer;
use crate::probe::turn::view::Peers;
use crate::probe::turn::view::Reach;
use crate::probe::turn::view::RelayView;
use crate::probe::turn::view::TcpReach;
use crate::probe::xmpp::relays::RelayService;
use crate::render::SettingWanted;
use crate::secret::Secret;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::ADDRESS;
use super::build::NOW;
use super::build::Scene;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "exposure/relay-needs-credentials",
        passes: &[],
        fails: &[
            (
                "it is open to everybody",
                |scene| udp(scene).stranger.result = Seen::Known(given()),
                "it was given a relay at 192.0.2.10:49152",
            ),
            (
                "it takes any password",
                |scene| udp(scene).made_up.result = Seen::Known(given()),
                "made-up credential",
            ),
        ],
        unverified: Scenes(&[
            (
                "it is silent",
                |scene| udp(scene).stranger.result = Seen::unknown("no answer"),
                "no answer",
            ),
            (
                "it refused for another reason",
                |scene| udp(scene).stranger.result = Seen::Known(Allocation::Refused(no(486))),
                "another reason (486)",
            ),
            (
                "the honest credential was refused too",
                |scene| holder(scene).v4.result = Seen::Known(Reach::Refused(no(401))),
                "may mean that nothing works",
            ),
            (
                "a stranger's refusal alone shows nothing",
                |scene| holder(scene).v4.result = Seen::Known(Reach::Refused(no(401))),
                "without a credential refused: 401; no honest credential",
            ),
            (
                "there was no honest credential",
                |scene| udp(scene).holder = Seen::unknown("none was handed out"),
                "none was handed out",
            ),
            (
                "nothing listens where the spec has it",
                |scene| udp(scene).stranger.result = Seen::Known(Allocation::Absent("refused".to_owned())),
                "turn+udp://192.0.2.10:3478",
            ),
            ("no door was looked at", |scene| scene.seen().relays.clear(), "no door"),
        ]),
    },
    Row {
        id: "exposure/relay-peers-closed",
        passes: &[
            (
                "there is no relay of IPv6",
                |scene| holder(scene).v6.result = Seen::Known(Reach::Refused(no(440))),
                "no relay of IPv6 (440",
            ),
            (
                "a stranger's address stands for the deployment's own",
                |scene| {
                    let peers = peers(scene);
                    peers.own[0].permission = forbidden();
                    peers.own[0].channel = forbidden();
                    peers.elsewhere.permission = Seen::Known(PeerAnswer::Granted);
                },
                "198.41.0.4 is permitted",
            ),
            (
                "TCP connections are refused one by one",
                |scene| {
                    holder(scene).tcp.result = connects(Some(no(447)), no(403));
                    holder(scene).tcp_v6.result = connects(None, no(443));
                },
                "1 connections of TCP are refused, one to 192.0.2.10 is not",
            ),
            (
                "there is no relay of TCP by IPv6",
                |scene| holder(scene).tcp_v6.result = Seen::Known(TcpReach::Refused(no(440))),
                "no relay of TCP by IPv6 (440",
            ),
            (
                "what is sent to the own address is answered",
                |scene| peers(scene).own[0].sent = Some(Seen::Known(Echo::Answer)),
                "only what goes there is answered",
            ),
        ],
        fails: &[
            (
                "it permits loopback",
                |scene| peers(scene).forbidden[0].permission = Seen::Known(PeerAnswer::Granted),
                "127.0.0.1 (loopback; CreatePermission)",
            ),
            (
                "it binds channels to loopback",
                |scene| peers(scene).forbidden[0].channel = Seen::Known(PeerAnswer::Granted),
                "127.0.0.1 (loopback; ChannelBind)",
            ),
            (
                "it sends to loopback without a permission",
                |scene| peers(scene).forbidden[0].sent = Some(Seen::Known(Echo::Answer)),
                "127.0.0.1 (loopback; Send)",
            ),
            (
                "it tried to connect",
                |scene| holder(scene).tcp.result = connects(Some(no(447)), no(447)),
                "10.0.0.1 (Connect)",
            ),
            (
                "it tried to connect by IPv6",
                |scene| holder(scene).tcp_v6.result = connects(None, no(447)),
                "10.0.0.1 (Connect)",
            ),
            (
                "a failure is not hidden by what was not seen",
                |scene| {
                    peers(scene).forbidden[0].permission = Seen::Known(PeerAnswer::Granted);
                    holder(scene).v6.result = Seen::unknown("no answer");
                },
                "127.0.0.1",
            ),
        ],
        unverified: Scenes(&[
            (
                "no peer at all is permitted",
                |scene| {
                    let peers = peers(scene);
                    peers.own[0].permission = forbidden();
                    peers.own[0].channel = forbidden();
                },
                "may mean that nothing works",
            ),
            (
                "there was no credential",
                |scene| udp(scene).holder = Seen::unknown("none was handed out"),
                "none was handed out",
            ),
            (
                "no relay was given",
                |scene| holder(scene).v4.result = Seen::Known(Reach::Refused(no(486))),
                "no relay was given: 486",
            ),
            (
                "no relay of IPv6 was given, for another reason",
                |scene| holder(scene).v6.result = Seen::Known(Reach::Refused(no(486))),
                "IPv6: no relay was given: 486",
            ),
            (
                "a peer was refused for another reason",
                |scene| peers(scene).forbidden[0].permission = Seen::Known(PeerAnswer::Refused(no(437))),
                "another reason: 437",
            ),
            (
                "a peer got no answer",
                |scene| peers(scene).forbidden[0].channel = Seen::unknown("no answer"),
                "ChannelBind 127.0.0.1: no answer",
            ),
            (
                "no TCP connection at all is permitted",
                |scene| holder(scene).tcp.result = connects(Some(no(403)), no(403)),
                "TCP: no connection at all is permitted",
            ),
            (
                "TCP by IPv6 has no control",
                |scene| holder(scene).tcp_v6.result = connects(None, no(403)),
                "TCP by IPv6: no connection at all is permitted",
            ),
            (
                "TCP got no answer",
                |scene| holder(scene).tcp.result = Seen::unknown("late"),
                "TCP: late",
            ),
        ]),
    },
    Row {
        id: "exposure/relay-serves-bridge-only",
        passes: &[("the spec names the bridge", known_peers, "192.0.2.10 is permitted")],
        fails: &[(
            "it carries to strangers",
            |scene| {
                known_peers(scene);
                peers(scene).elsewhere.permission = Seen::Known(PeerAnswer::Granted);
            },
            "198.41.0.4",
        )],
        unverified: Scenes(&[
            (
                "the bridge is refused too",
                |scene| {
                    known_peers(scene);
                    for address in [0, 2] {
                        let peers = peers_at(scene, address);
                        peers.own[0].permission = forbidden();
                        peers.own[0].channel = forbidden();
                    }
                },
                "none of the deployment's own addresses",
            ),
            (
                "its word on strangers is not known",
                |scene| {
                    known_peers(scene);
                    peers(scene).elsewhere.channel = Seen::unknown("no answer");
                },
                "not known",
            ),
            (
                "there was no credential",
                |scene| {
                    known_peers(scene);
                    udp(scene).holder = Seen::unknown("none was handed out");
                },
                "none was handed out",
            ),
        ]),
    },
    Row {
        id: "access/relay-credentials-short-lived",
        passes: &[],
        fails: &[
            (
                "a guest's lasts a day",
                |scene| handed_to_guest(scene, Some("1775131200".to_owned())),
                "turns:telemed.example.com has one for 1440 minutes",
            ),
            (
                "a guest's names no end",
                |scene| handed_to_guest(scene, Some("guest".to_owned())),
                "names no end",
            ),
        ],
        unverified: Scenes(&[
            (
                "none is handed out",
                |scene| handed_to_guest(scene, None),
                "none is handed out",
            ),
            (
                "nobody could log in",
                |scene| scene.seen().xmpp[0].doors[0].guest.relays.result = Seen::unknown("no guest could log in"),
                "no guest could log in",
            ),
        ]),
    },
    Row {
        id: "access/relay-credentials-end",
        passes: &[],
        fails: &[(
            "the ended one is taken",
            |scene| udp(scene).ended.result = Seen::Known(given()),
            "it was given a relay",
        )],
        unverified: Scenes(&[
            (
                "the secret was not read",
                |scene| udp(scene).ended.result = Seen::unknown("the relay's secret is not known here"),
                "secret is not known",
            ),
            (
                "the lasting one is refused too",
                |scene| udp(scene).signed.result = Seen::Known(Allocation::Refused(no(401))),
                "nor is the lasting one taken",
            ),
            (
                "the lasting one was not tried",
                |scene| udp(scene).signed.result = Seen::unknown("no answer"),
                "not seen to be taken: no answer",
            ),
        ]),
    },
    Row {
        id: "leakage/relay-version-hidden",
        passes: &[],
        fails: &[
            (
                "the relay names itself",
                |scene| udp(scene).software.result = Seen::Known(Some("Coturn-4.6.1".to_owned())),
                "Coturn-4.6.1",
            ),
            (
                "the STUN server names itself",
                |scene| {
                    scene.seen().udp[0].result = Seen::Known(UdpAnswer::Stun {
                        kind: 0x0101,
                        software: Some("restund".to_owned()),
                    });
                },
                "restund",
            ),
        ],
        unverified: Scenes(&[(
            "the relay did not answer",
            |scene| udp(scene).software.result = Seen::unknown("no answer"),
            "no answer",
        )]),
    },
];

fn udp(scene: &mut Scene) -> &mut RelayView {
    &mut scene.seen().relays[0]
}

pub(super) fn holder(scene: &mut Scene) -> &mut HolderView {
    holder_at(scene, 0)
}

fn holder_at(scene: &mut Scene, which: usize) -> &mut HolderView {
    match &mut scene.seen().relays[which].holder {
        Seen::Known(holder) => holder,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

pub(super) fn peers(scene: &mut Scene) -> &mut Peers {
    peers_at(scene, 0)
}

fn peers_at(scene: &mut Scene, which: usize) -> &mut Peers {
    match &mut holder_at(scene, which).v4.result {
        Seen::Known(Reach::Peers(peers)) => peers,
        other => panic!("{other:?}"),
    }
}

/// The spec names the bridge's address.
fn known_peers(scene: &mut Scene) {
    scene.wanted().settings.push(SettingWanted {
        path: "/etc/turnserver.conf".parse().unwrap(),
        section: String::new(),
        key: "allowed-peer-ip".to_owned(),
        value: serde_json::json!([ADDRESS.to_string()]),
        lines: Vec::new(),
        reason: String::new(),
        citations: Vec::new(),
    });
}

pub(super) fn no(code: u16) -> Denial {
    Denial {
        code,
        reason: String::new(),
    }
}

pub(super) fn given() -> Allocation {
    Allocation::Granted {
        relay: Some(SocketAddr::new(ADDRESS, 49_152)),
        lifetime: Some(600),
    }
}

pub(super) fn forbidden() -> Seen<PeerAnswer> {
    Seen::Known(PeerAnswer::Refused(no(403)))
}

/// A relay of TCP, with its word on the deployment's own address where it was asked, and on a private one.
fn connects(own: Option<Denial>, denial: Denial) -> Seen<TcpReach> {
    let peer: IpAddr = "10.0.0.1".parse().unwrap();
    let refused = |peer: IpAddr, denial: Denial| (peer, Seen::Known(PeerAnswer::Refused(denial)));
    Seen::Known(TcpReach::Connects(Connects {
        own: own.map(|own| refused(ADDRESS, own)).into_iter().collect(),
        forbidden: vec![refused(peer, denial)],
    }))
}

/// What the guest at the first door is handed: a service whose user has this name, or one without a credential.
fn handed_to_guest(scene: &mut Scene, user: Option<String>) {
    if let Seen::Known(services) = &mut scene.seen().xmpp[0].doors[0].guest.relays.result {
        services[0].user = user;
        services[0].expires = None;
    }
}

/// One relay with a credential that ends within two hours of `NOW`.
pub(super) fn handed() -> Vec<RelayService> {
    let now: jiff::Timestamp = NOW.parse().unwrap();
    vec![RelayService {
        kind: "turns".to_owned(),
        host: "telemed.example.com".to_owned(),
        port: Some(5349),
        transport: Some("tcp".to_owned()),
        user: Some((now.as_second() + 7200).to_string()),
        password: Some(Secret::new("hidden")),
        expires: None,
    }]
}
