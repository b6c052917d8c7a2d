//! Scenes of the exposure family.

use std::collections::BTreeSet;

use crate::facts::FirewallFacts;
use crate::facts::ListenerSeen;
use crate::facts::PathState;
use crate::plan::FIREWALL;
use crate::probe::inside::Knock;
use crate::probe::inside::Likeness;
use crate::probe::inside::WebAnswer;
use crate::probe::ports::PortScan;
use crate::probe::stun::UdpAnswer;
use crate::probe::xmpp::foreign::Foreign;
use crate::render::Transport;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::sightings::closed_but;
use super::sightings::no;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "exposure/no-federation",
        passes: &[],
        fails: &[
            (
                "a port for other servers answers",
                |scene| also_open(scene, 5269),
                "open: 5269",
            ),
            (
                "the server looked the foreign name up",
                |scene| {
                    let seen = scene.seen().xmpp[0].clinician.as_mut().unwrap();
                    seen.foreign.result = Seen::Known(Foreign::Tried(no()));
                },
                "tried",
            ),
            (
                "the server kept a guest's question",
                |scene| scene.seen().xmpp[0].doors[0].guest.foreign.result = Seen::Known(Foreign::Waited),
                "waited",
            ),
        ],
        unverified: Scenes(&[
            (
                "no clinician could ask",
                |scene| scene.seen().xmpp[0].clinician = None,
                "no clinician's credentials",
            ),
            (
                "no port was scanned",
                |scene| scene.seen().tcp.clear(),
                "no port was scanned",
            ),
            (
                "the ports were left out",
                |scene| scan(scene).filtered.clear(),
                "not both ports",
            ),
        ]),
    },
    Row {
        id: "exposure/only-spec-ports",
        passes: &[(
            "an admin's address sees SSH",
            |scene| {
                also_open(scene, 22);
                let admins = scene.spec().access.admin_cidrs[0];
                scene.seen().tcp[0].from = Some(admins.addr());
            },
            "open: 22, 80, 443",
        )],
        fails: &[
            (
                "a further port answers",
                |scene| also_open(scene, 6379),
                "not in the spec for who is no admin: 6379",
            ),
            (
                "a stranger's address sees SSH",
                |scene| also_open(scene, 22),
                "not in the spec for who is no admin: 22",
            ),
            (
                "the site does not answer",
                |scene| open(scene, |ports| ports.retain(|port| *port != 443)),
                "does not answer: 443",
            ),
            (
                "a port that answers fails also where others were left out",
                |scene| {
                    also_open(scene, 6379);
                    scan(scene).filtered.clear();
                },
                "no admin: 6379",
            ),
        ],
        unverified: Scenes(&[
            (
                "the scan broke off",
                |scene| scene.seen().tcp[0].result = Seen::unknown("too many open files"),
                "too many open files",
            ),
            (
                "most ports were left out",
                |scene| scan(scene).filtered.truncate(1),
                "ports were not scanned",
            ),
            ("TCP was not scanned", |scene| scene.seen().tcp.clear(), "TCP ports"),
        ]),
    },
    Row {
        id: "exposure/only-spec-udp",
        passes: &[
            (
                "the host says that nothing listens",
                |scene| answers(scene, 2, UdpAnswer::Closed),
                "nothing listens: 161",
            ),
            (
                "silence is told as no answer",
                |_| (),
                "answers STUN: 3478; no answer: 10000, 161",
            ),
        ],
        fails: &[
            (
                "the bridge answers strangers",
                |scene| answers(scene, 1, STUN),
                ":10000",
            ),
            (
                "SNMP answers",
                |scene| answers(scene, 2, UdpAnswer::Other { length: 120 }),
                "answers 120 bytes",
            ),
            (
                "something else answers on the relay's port",
                |scene| answers(scene, 0, UdpAnswer::Other { length: 12 }),
                "answers 12 bytes",
            ),
            (
                "the relay's port is closed",
                |scene| answers(scene, 0, UdpAnswer::Closed),
                "where the spec has the relay",
            ),
        ],
        unverified: Scenes(&[
            (
                "nothing at all came back",
                |scene| answers(scene, 0, UdpAnswer::Silent),
                "nothing at all came back by UDP",
            ),
            (
                "one could not be asked",
                |scene| scene.seen().udp[2].result = Seen::unknown("no buffer space"),
                "no buffer space",
            ),
            ("none was asked", |scene| scene.seen().udp.clear(), "none was asked"),
        ]),
    },
    Row {
        id: "exposure/internal-endpoints-closed",
        passes: &[(
            "a path is refused in its own words",
            |scene| path(scene, 403, Likeness::ItsOwn),
            "or a no",
        )],
        fails: &[
            (
                "the bridge's statistics go through the site",
                |scene| path(scene, 200, Likeness::ItsOwn),
                "/colibri/stats (200)",
            ),
            (
                "a program behind the site wants another method",
                |scene| path(scene, 405, Likeness::ItsOwn),
                "/colibri/stats (405)",
            ),
            (
                "the focus answers directly",
                |scene| knock(scene, Seen::Known(Knock::Answered("HTTP/1.1 200 OK".to_owned()))),
                "8888, the focus's REST",
            ),
        ],
        unverified: Scenes(&[
            (
                "a path is passed on to who is away",
                |scene| path(scene, 502, Likeness::ItsOwn),
                "answered by 502",
            ),
            (
                "a port takes connections and says nothing",
                |scene| knock(scene, Seen::Known(Knock::Mute)),
                "says nothing",
            ),
            (
                "a port could not be asked",
                |scene| knock(scene, Seen::unknown("too many open files")),
                "too many open files",
            ),
            (
                "the site did not answer",
                |scene| scene.seen().inside[0].through_site.result = Seen::unknown("no response"),
                "no response",
            ),
            (
                "nothing was looked at",
                |scene| scene.seen().inside.clear(),
                "no address",
            ),
        ]),
    },
    Row {
        id: "exposure/only-spec-listeners",
        passes: &[(
            "a program listens to the host itself",
            |scene| listen(scene, "127.0.0.1", 6379),
            "no difference",
        )],
        fails: &[
            (
                "somebody else holds the port of a service",
                |scene| somebody_holds(scene, 443),
                "held on 0.0.0.0 by caddy (caddy.service)",
            ),
            (
                "a program listens to everybody",
                |scene| listen(scene, "0.0.0.0", 6379),
                "tcp/6379 listens on 0.0.0.0 by redis-server",
            ),
            (
                "Prosody listens to more than the host itself",
                |scene| listen(scene, "192.0.2.10", 5222),
                "tcp/5222 listens on 192.0.2.10",
            ),
            (
                "nginx does not listen",
                |scene| {
                    if let Seen::Known(sockets) = &mut scene.facts().listeners {
                        sockets.retain(|socket| socket.port != 443);
                    }
                },
                "tcp/443 nothing listens",
            ),
        ],
        unverified: Scenes(&[
            (
                "the host did not say what listens",
                |scene| scene.facts().listeners = Seen::unknown("ss: killed"),
                "ss: killed",
            ),
            ("the host is down", Scene::host_is_down, "the host is down"),
        ]),
    },
    Row {
        id: "exposure/firewall-in-force",
        passes: &[(
            "kernel and disk agree on other rules than the rendered ones, which is the files' own control's",
            |scene| {
                let file = scene.facts().files.get_mut(&FIREWALL.parse().unwrap());
                if let Some(Seen::Known(PathState::File { sha256, .. })) = file {
                    *sha256 = "0".repeat(64);
                }
            },
            "no difference",
        )],
        fails: &[
            (
                "the kernel holds no table",
                |scene| firewall(scene, None),
                "no such table",
            ),
            (
                "the kernel holds other rules",
                |scene| firewall(scene, Some("table inet anteroom { accept }")),
                "other rules",
            ),
            (
                "the firewall's unit is stopped and its table gone",
                |scene| {
                    firewall(scene, None);
                    if let Some(Seen::Known(unit)) = scene.facts().units.get_mut("anteroom-firewall.service") {
                        unit.active = "inactive".to_owned();
                    }
                },
                "no such table",
            ),
        ],
        unverified: Scenes(&[
            (
                "nft did not say",
                |scene| scene.facts().firewall = Seen::unknown("nft: killed"),
                "nft: killed",
            ),
            (
                "none is wanted",
                |scene| {
                    let path = FIREWALL.parse().unwrap();
                    scene.wanted().tree.remove(&path);
                    scene.facts().files.insert(path, Seen::Known(PathState::Absent));
                },
                "nothing was compared",
            ),
            ("the host is down", Scene::host_is_down, "the host is down"),
        ]),
    },
];

const STUN: UdpAnswer = UdpAnswer::Stun {
    kind: 0x0101,
    software: None,
};

/// The answer of one of the UDP ports that were asked: the relay's, the bridge's, SNMP's.
fn answers(scene: &mut Scene, which: usize, answer: UdpAnswer) {
    scene.seen().udp[which].result = Seen::Known(answer);
}

fn path(scene: &mut Scene, status: u16, likeness: Likeness) {
    if let Seen::Known(paths) = &mut scene.seen().inside[0].through_site.result {
        paths[0].answer = Seen::Known(WebAnswer {
            status,
            kind: None,
            length: 2,
            likeness,
        });
    }
}

fn knock(scene: &mut Scene, answer: Seen<Knock>) {
    if let Seen::Known(ports) = &mut scene.seen().inside[0].direct.result {
        ports[0].answer = answer;
    }
}

fn scan(scene: &mut Scene) -> &mut PortScan {
    match &mut scene.seen().tcp[0].result {
        Seen::Known(scan) => scan,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn open(scene: &mut Scene, change: impl FnOnce(&mut BTreeSet<u16>)) {
    let scan = scan(scene);
    change(&mut scan.open);
    scan.filtered = closed_but(&scan.open);
}

fn also_open(scene: &mut Scene, port: u16) {
    open(scene, |ports| ports.extend([port]));
}

fn somebody_holds(scene: &mut Scene, port: u16) {
    if let Seen::Known(sockets) = &mut scene.facts().listeners {
        let socket = sockets.iter_mut().find(|socket| socket.port == port).unwrap();
        socket.processes = vec!["caddy".to_owned()];
        socket.units = BTreeSet::from(["caddy.service".to_owned()]);
    }
}

fn listen(scene: &mut Scene, address: &str, port: u16) {
    if let Seen::Known(sockets) = &mut scene.facts().listeners {
        sockets.push(ListenerSeen {
            transport: Transport::Tcp,
            address: address.parse().unwrap(),
            port,
            processes: vec!["redis-server".to_owned()],
            units: BTreeSet::from(["redis-server.service".to_owned()]),
        });
    }
}

fn firewall(scene: &mut Scene, running: Option<&str>) {
    scene.facts().firewall = Seen::Known(FirewallFacts {
        running: running.map(str::to_owned),
        on_disk: Some("table inet anteroom {}".to_owned()),
    });
}
