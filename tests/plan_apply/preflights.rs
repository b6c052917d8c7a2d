//! What is in the way of a build: ports that others hold, clocks that differ, domains that lead elsewhere.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use anteroom::facts::HostFacts;
use anteroom::facts::ListenerSeen;
use anteroom::plan::Obstacle;
use anteroom::plan::Weight;
use anteroom::plan::preflight;
use anteroom::render::Transport;
use anteroom::render::Wanted;
use anteroom::render::render;
use anteroom::seen::Seen;
use anteroom::spec::DnsCheck;
use anteroom::spec::Files;
use anteroom::spec::Spec;
use anteroom::spec::Switches;

use crate::deployment_facts::fresh_facts;
use crate::deployment_facts::satisfied_facts;

const HOST: &str = "192.0.2.10";

/// A spec that wants DNS to be right, its host, and the domain's addresses.
struct Scene {
    spec: Spec,
    wanted: Wanted,
    facts: HostFacts,
    resolved: Seen<Vec<IpAddr>>,
}

impl Scene {
    fn bare() -> Self {
        let mut spec = example();
        spec.dns.check = DnsCheck::Refuse;
        let wanted = render(&spec, &spec.hosts[0]).unwrap();
        let mut facts = fresh_facts(&wanted);
        facts.addresses = Seen::Known(vec![address(HOST)]);
        Self {
            spec,
            wanted,
            facts,
            resolved: Seen::Known(vec![address(HOST)]),
        }
    }

    fn holds(&mut self, transport: Transport, at: &str, port: u16, process: &str, unit: Option<&str>) {
        let socket = ListenerSeen {
            transport,
            address: address(at),
            port,
            processes: vec![process.to_owned()],
            units: unit.into_iter().map(str::to_owned).collect(),
        };
        match &mut self.facts.listeners {
            Seen::Known(sockets) => sockets.push(socket),
            Seen::Unknown(why) => panic!("{why}"),
        }
    }

    fn obstacles(&self) -> Vec<Obstacle> {
        preflight(&self.spec, &self.wanted, &self.facts, &self.resolved)
    }

    #[track_caller]
    fn one(&self) -> Obstacle {
        let mut all = self.obstacles();
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
    }
}

fn example() -> Spec {
    let read = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    let files = Files {
        folder: Path::new(""),
        home: None,
        read: &read,
    };
    let text = include_str!("../../examples/lab.toml");
    let day = jiff::civil::date(2026, 4, 1);
    anteroom::spec::parse(
        Path::new("lab.toml"),
        text.as_bytes(),
        &Switches::default(),
        day,
        &files,
    )
    .unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn nothing_is_in_the_way_on_a_bare_host_or_a_deployed_one() {
    let mut scene = Scene::bare();
    scene.holds(Transport::Tcp, "0.0.0.0", 22, "sshd", Some("ssh.service"));
    assert_eq!(scene.obstacles(), []);
    scene.facts = satisfied_facts(&scene.wanted);
    scene.facts.addresses = Seen::Known(vec![address(HOST)]);
    assert_eq!(scene.obstacles(), []);
}

#[test]
fn a_service_that_was_there_before_us_is_its_own() {
    let mut scene = Scene::bare();
    scene.holds(Transport::Tcp, "0.0.0.0", 80, "nginx", Some("nginx.service"));
    scene.holds(Transport::Tcp, "::", 5222, "lua5.4", Some("prosody.service"));
    scene.holds(Transport::Udp, HOST, 3478, "turnserver", Some("coturn.service"));
    // Where ssh is started by its socket, systemd holds the port.
    scene.holds(Transport::Tcp, "::", 22, "systemd", Some("init.scope"));
    assert_eq!(scene.obstacles(), []);
}

#[test]
fn a_port_that_somebody_else_holds_is_refused_with_port_process_and_remedy() {
    let mut scene = Scene::bare();
    scene.holds(Transport::Tcp, "0.0.0.0", 443, "apache2", Some("apache2.service"));
    scene.holds(Transport::Tcp, "::", 443, "apache2", Some("apache2.service"));
    let obstacle = scene.one();
    assert_eq!(
        obstacle.what,
        "tcp/443 on core, which nginx.service needs, is held by apache2 (apache2.service)"
    );
    assert!(
        obstacle.remedy.contains("systemctl disable --now apache2.service"),
        "{}",
        obstacle.remedy
    );
    assert_eq!(obstacle.weight, Weight::Refuses);

    // Whatever it calls itself, and out of any unit.
    let mut scene = Scene::bare();
    scene.holds(Transport::Udp, HOST, 10_000, "java", None);
    scene.holds(Transport::Tcp, "127.0.0.1", 8080, "java", Some("tomcat.service"));
    scene.holds(Transport::Tcp, "::", 8888, "nginx", Some("nginx.service"));
    let whats: Vec<String> = scene.obstacles().into_iter().map(|obstacle| obstacle.what).collect();
    assert_eq!(whats.len(), 3, "{whats:#?}");
    assert!(
        whats
            .iter()
            .any(|what| what.starts_with("udp/10000") && what.ends_with("is held by java"))
    );
}

#[test]
fn a_socket_at_another_address_or_of_a_relay_is_in_nobodys_way() {
    let mut scene = Scene::bare();
    // We want 8080 on loopback only, and relays come and go.
    scene.holds(Transport::Tcp, "10.0.0.5", 8080, "proxy", Some("proxy.service"));
    scene.holds(Transport::Udp, "0.0.0.0", 49_200, "named", Some("named.service"));
    scene.holds(Transport::Udp, "0.0.0.0", 443, "quic", Some("quic.service"));
    assert_eq!(scene.obstacles(), []);
}

#[test]
fn sockets_that_were_not_seen_are_no_free_ports() {
    let mut scene = Scene::bare();
    scene.facts = satisfied_facts(&scene.wanted);
    scene.facts.addresses = Seen::Known(vec![address(HOST)]);
    scene.facts.listeners = Seen::Unknown("ss: killed".to_owned());
    let obstacle = scene.one();
    assert!(obstacle.what.contains("ss: killed") && obstacle.weight == Weight::Refuses);
    // The build itself brings `ss`.
    if let Seen::Known(packages) = &mut scene.facts.packages {
        packages.remove("iproute2");
    }
    assert_eq!(scene.one().weight, Weight::Warns);
}

#[test]
fn a_clock_that_is_off_is_refused_with_how_far() {
    let mut scene = Scene::bare();
    for (at, words) in [
        ("2026-11-22T11:00:00Z", "60 min ahead of"),
        ("2026-11-22T09:54:30Z", "6 min behind"),
        ("2026-11-24T10:00:00Z", "48 h 0 min ahead of"),
    ] {
        scene.facts.at = at.to_owned();
        let obstacle = scene.one();
        assert!(obstacle.what.contains(words), "{}", obstacle.what);
        assert!(obstacle.what.contains("tokens") && obstacle.remedy.contains("timedatectl"));
        assert_eq!(obstacle.weight, Weight::Refuses);
    }
    scene.facts.at = "2026-11-22T10:04:00Z".to_owned();
    assert_eq!(scene.obstacles(), []);
    // A look of ten minutes cannot tell, which is worth a word and no more.
    scene.facts.asked.ended = "2026-11-22T10:12:00Z".parse().unwrap();
    assert_eq!(scene.one().weight, Weight::Warns);
    scene.facts.at = "soon".to_owned();
    assert_eq!(scene.one().weight, Weight::Refuses);
}

#[test]
fn a_domain_that_leads_elsewhere_or_nowhere_is_refused_unless_the_spec_says_otherwise() {
    let mut scene = Scene::bare();
    let cases = [
        (
            Seen::Known(vec![address("203.0.113.9")]),
            "leads to 203.0.113.9, and core is at 192.0.2.10",
        ),
        (
            Seen::Known(vec![address(HOST), address("2001:db8::9")]),
            "leads to 2001:db8::9",
        ),
        (Seen::Known(Vec::new()), "has no address in DNS"),
        (
            Seen::Unknown("no answer in time".to_owned()),
            "could not be seen (no answer in time)",
        ),
    ];
    for (resolved, words) in cases {
        scene.resolved = resolved;
        scene.spec.dns.check = DnsCheck::Refuse;
        let obstacle = scene.one();
        assert!(obstacle.what.contains(words), "{}", obstacle.what);
        assert!(obstacle.remedy.contains(HOST) && obstacle.remedy.contains("check = \"warn\""));
        assert_eq!(obstacle.weight, Weight::Refuses);
        scene.spec.dns.check = DnsCheck::Warn;
        assert_eq!(scene.one().weight, Weight::Warns);
    }
}

#[test]
fn behind_nat_the_public_address_is_the_hosts_own() {
    let mut scene = Scene::bare();
    scene.facts.addresses = Seen::Known(vec![address("10.0.0.7")]);
    scene.resolved = Seen::Known(vec![address("203.0.113.7")]);
    assert!(scene.one().remedy.contains("public_address"));
    scene.spec.hosts[0].public_address = Some(address("203.0.113.7"));
    assert_eq!(scene.obstacles(), []);
    // From inside, DNS may name the private one.
    scene.resolved = Seen::Known(vec![address("10.0.0.7")]);
    assert_eq!(scene.obstacles(), []);
}

#[test]
fn what_is_in_the_way_is_told_all_at_once() {
    let mut scene = Scene::bare();
    scene.holds(Transport::Tcp, "0.0.0.0", 80, "caddy", Some("caddy.service"));
    scene.facts.at = "2026-11-22T11:00:00Z".to_owned();
    scene.resolved = Seen::Known(Vec::new());
    let whats: BTreeSet<String> = scene.obstacles().into_iter().map(|obstacle| obstacle.what).collect();
    assert_eq!(whats.len(), 3, "{whats:#?}");
}
