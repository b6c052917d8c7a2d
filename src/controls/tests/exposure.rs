//! Scenes of the exposure family.

use std::collections::BTreeSet;

use crate::facts::FirewallFacts;
use crate::facts::ListenerSeen;
use crate::facts::PathState;
use crate::plan::FIREWALL;
use crate::probe::ports::PortScan;
use crate::probe::stun::UdpAnswer;
use crate::render::Transport;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::sightings::closed_but;

pub(super) const ROWS: &[Row] = &[
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
            (
                "the bridge answers strangers",
                |scene| {
                    let stun = UdpAnswer::Stun {
                        kind: 0x0101,
                        software: None,
                    };
                    scene.seen().udp[1].result = Seen::Known(stun);
                },
                ":10000",
            ),
            (
                "TURN names its software",
                |scene| {
                    let stun = UdpAnswer::Stun {
                        kind: 0x0101,
                        software: Some("Coturn-4.6.1".to_owned()),
                    };
                    scene.seen().udp[0].result = Seen::Known(stun);
                },
                "Coturn-4.6.1",
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
            (
                "TCP was not scanned, while UDP was asked",
                |scene| scene.seen().tcp.clear(),
                "TCP ports",
            ),
            (
                "UDP was not asked, while TCP was scanned",
                |scene| scene.seen().udp.clear(),
                "UDP ports",
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
        passes: &[],
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
            (
                "kernel and disk agree on other rules than the rendered ones",
                |scene| {
                    let file = scene.facts().files.get_mut(&FIREWALL.parse().unwrap());
                    if let Some(Seen::Known(PathState::File { sha256, .. })) = file {
                        *sha256 = "0".repeat(64);
                    }
                },
                FIREWALL,
            ),
        ],
        unverified: Scenes(&[
            (
                "nft did not say",
                |scene| scene.facts().firewall = Seen::unknown("nft: killed"),
                "nft: killed",
            ),
            (
                "the file was not seen",
                |scene| {
                    let failed = Seen::unknown("stat: killed");
                    scene.facts().files.insert(FIREWALL.parse().unwrap(), failed);
                },
                "stat: killed",
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
