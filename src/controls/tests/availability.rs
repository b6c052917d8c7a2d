//! Scenes of the availability family.

use std::net::IpAddr;

use crate::probe::stun::UdpAnswer;
use crate::probe::xmpp::burst::Burst;
use crate::seen::Seen;
use crate::spec::Environment;

use super::Row;
use super::Unverified::Scenes;
use super::build::ADDRESS;
use super::build::Scene;
use super::sightings::saw;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "availability/rate-limited",
        passes: &[(
            "a burst is cut short",
            |scene| burst(scene, Seen::Known(Burst::Limited { after: 41, status: 429 })),
            "429",
        )],
        fails: &[(
            "everything is taken",
            |scene| {
                let seen = Burst::Unlimited {
                    requests: 120,
                    milliseconds: 900,
                };
                burst(scene, Seen::Known(seen));
            },
            "unlimited",
        )],
        unverified: Scenes(&[(
            "the burst broke off",
            |scene| burst(scene, Seen::unknown("only 3 of 120 requests were answered")),
            "only 3 of 120",
        )]),
    },
    Row {
        id: "availability/domain-points-here",
        passes: &[
            ("production at its own address", production, "192.0.2.10"),
            (
                "the address is the public one of the spec",
                |scene| {
                    leads_to(scene, &["203.0.113.9"]);
                    scene.spec().hosts[0].public_address = Some("203.0.113.9".parse().unwrap());
                },
                "203.0.113.9",
            ),
        ],
        fails: &[
            (
                "it leads elsewhere",
                |scene| leads_to(scene, &["203.0.113.9"]),
                "203.0.113.9 is not this deployment's",
            ),
            (
                "one of two addresses leads elsewhere",
                |scene| leads_to(scene, &["192.0.2.10", "2001:db8::9"]),
                "2001:db8::9 is not",
            ),
            ("it has no address", |scene| leads_to(scene, &[]), "no address"),
        ],
        unverified: Scenes(&[
            (
                "the resolver does not answer",
                |scene| {
                    production(scene);
                    scene.seen().names.domain = Seen::unknown("no answer in time");
                },
                "no answer in time",
            ),
            (
                "the host's addresses are not known and there may be more",
                |scene| {
                    leads_to(scene, &["203.0.113.9"]);
                    scene.facts().addresses = Seen::unknown("ip: killed");
                },
                "ip: killed",
            ),
            (
                "the probe did not start",
                |scene| {
                    production(scene);
                    scene.outside = Seen::unknown("the probe could not start");
                },
                "could not start",
            ),
        ]),
    },
    Row {
        id: "availability/media-path",
        passes: &[(
            "calls go on meanwhile",
            |scene| scene.hosts[0].after.media_packets = Seen::Known(Some(12_000)),
            "11993 new datagrams",
        )],
        fails: &[
            (
                "nothing comes in though UDP reaches TURN",
                nothing_arrives,
                "a firewall or security group",
            ),
            (
                "the port is refused",
                |scene| answers(scene, 10_000, UdpAnswer::Closed),
                "nothing listens",
            ),
        ],
        unverified: Scenes(&[
            (
                "UDP does not reach TURN either",
                |scene| {
                    nothing_arrives(scene);
                    answers(scene, 3478, UdpAnswer::Silent);
                },
                "this computer's own network",
            ),
            (
                "the counter began anew",
                |scene| scene.hosts[0].after.media_packets = Seen::Known(Some(1)),
                "began anew",
            ),
            (
                "the firewall counts nothing",
                |scene| scene.facts().media_packets = Seen::Known(None),
                "does not count",
            ),
            (
                "the host did not say afterwards",
                |scene| scene.hosts[0].after.media_packets = Seen::unknown("nft: killed"),
                "nft: killed",
            ),
            ("nothing was sent", |scene| scene.seen().udp.clear(), "nothing was sent"),
            ("the host is down", Scene::host_is_down, "the host is down"),
        ]),
    },
];

fn production(scene: &mut Scene) {
    scene.spec().deployment.environment = Environment::Production;
}

fn leads_to(scene: &mut Scene, addresses: &[&str]) {
    production(scene);
    scene.facts().addresses = Seen::Known(vec![ADDRESS]);
    let list: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    scene.seen().names.domain = Seen::Known(list);
}

fn nothing_arrives(scene: &mut Scene) {
    scene.hosts[0].after.media_packets = Seen::Known(Some(7));
}

fn answers(scene: &mut Scene, port: u16, answer: UdpAnswer) {
    let sightings = &mut scene.seen().udp;
    let sighting = sightings
        .iter_mut()
        .find(|seen| seen.to.is_some_and(|to| to.port() == port));
    sighting.unwrap().result = Seen::Known(answer);
}

fn burst(scene: &mut Scene, seen: Seen<Burst>) {
    let mut sighting = saw(
        "wss://telemed.example.com/xmpp-websocket burst of requests",
        Burst::Limited { after: 0, status: 0 },
    );
    sighting.result = seen;
    scene.seen().xmpp[0].burst = Some(sighting);
}
