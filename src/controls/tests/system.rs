//! Scenes of the host below its services. The properties are a real host's, captured from `systemctl show`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::facts::ClockSeen;
use crate::facts::SwapMedium;
use crate::facts::SwapSeen;
use crate::facts::SystemFacts;
use crate::render::KERNEL_PATH;
use crate::render::UPGRADES_PATH;
use crate::render::UPGRADES_TIMER;
use crate::render::Wanted;
use crate::seen::Seen;
use crate::spec::Environment;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;

const PROPERTIES: &str = include_str!("../../../tests/fixtures/facts/properties");

type Properties = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// What a host holds on which a plan was carried out.
pub(super) fn as_wanted(wanted: &Wanted) -> SystemFacts {
    let of = |path: &str| {
        let settings = wanted.settings.clone().into_iter();
        let path = path.to_owned();
        settings.filter(move |setting| setting.path.as_str() == path)
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let kernel = of(KERNEL_PATH).map(|setting| {
        let file = format!("/proc/sys/{}", setting.key.replace('.', "/").replace('*', "all"));
        (setting.key, BTreeMap::from([(file, text(&setting.value))]))
    });
    let apt = of(UPGRADES_PATH).map(|setting| {
        let values = match &setting.value {
            Value::Array(items) => items.iter().map(text).collect(),
            value => vec![text(value)],
        };
        (setting.key.to_lowercase(), values)
    });
    SystemFacts {
        container: Seen::Known(None),
        kernel: Seen::Known(kernel.collect()),
        properties: Seen::Known(properties()),
        apt: Seen::Known(apt.collect()),
        clock: Seen::Known(Some(ClockSeen {
            follows: "203.0.113.15".to_owned(),
            leap: "Normal".to_owned(),
            off_by: -7,
        })),
        swap: Seen::Known(Vec::new()),
    }
}

fn properties() -> Properties {
    let mut all = Properties::new();
    let mut unit = String::new();
    for line in PROPERTIES.lines() {
        match (line.strip_prefix("unit "), line.split_once('=')) {
            (Some(name), _) => unit = name.to_owned(),
            (None, Some((name, value))) => {
                let values = all.entry(unit.clone()).or_default().entry(name.to_owned());
                values.or_default().push(value.to_owned());
            }
            (None, None) => {}
        }
    }
    all
}

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "integrity/sandboxes-in-force",
        passes: &[(
            "systemd prints words in an order of its own",
            |scene| {
                property(
                    scene,
                    "coturn.service",
                    "RestrictAddressFamilies",
                    "AF_UNIX AF_NETLINK AF_INET6 AF_INET",
                )
            },
            "all as wanted",
        )],
        fails: &[
            (
                "another drop-in opens the file system",
                |scene| property(scene, "nginx.service", "ProtectSystem", "no"),
                "ProtectSystem is \"no\"",
            ),
            (
                "another drop-in gives privileges back",
                |scene| property(scene, "prosody.service", "CapabilityBoundingSet", "cap_sys_admin"),
                "CapabilityBoundingSet is \"cap_sys_admin\"",
            ),
            (
                "every call is allowed again",
                |scene| property(scene, "jicofo.service", "SystemCallFilter", ""),
                "no list of allowed calls",
            ),
            (
                "a list of refused calls stands in the place of one of allowed calls",
                |scene| property(scene, "jicofo.service", "SystemCallFilter", "~mount reboot"),
                "no list of allowed calls",
            ),
            (
                "a call is allowed that no service needs",
                |scene| property(scene, "coturn.service", "SystemCallFilter", "read write ptrace"),
                "a list with ptrace",
            ),
            (
                "the focus may talk to anybody",
                |scene| property(scene, "jicofo.service", "IPAddressDeny", ""),
                "IPAddressDeny is not set",
            ),
            (
                "the focus runs as root",
                |scene| property(scene, "jicofo.service", "User", "root"),
                "User is \"root\"",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "systemd did not answer",
                |scene| system(scene).properties = Seen::unknown("Failed to connect to bus"),
                "connect to bus",
            ),
            (
                "a unit was left out",
                |scene| {
                    of_units(scene).remove("nginx.service");
                },
                "not looked at",
            ),
            (
                "systemd is too old for a setting",
                |scene| {
                    of_units(scene).get_mut("nginx.service").unwrap().remove("ProtectProc");
                },
                "knows no ProtectProc",
            ),
        ]),
    },
    Row {
        id: "integrity/kernel-settings",
        passes: &[(
            "a test in a container is not judged by its machine's kernel",
            |scene| {
                in_a_container(scene);
                kernel(scene, "kernel.kptr_restrict", "0");
            },
            "14 settings, all as wanted",
        )],
        fails: &[
            (
                "a program set a value again",
                |scene| kernel(scene, "kernel.core_pattern", "|/usr/share/apport/apport"),
                "kernel.core_pattern is \"|/usr/share/apport/apport\"",
            ),
            (
                "one interface takes redirects",
                |scene| {
                    let key = "net.ipv4.conf.*.accept_redirects";
                    let file = "/proc/sys/net/ipv4/conf/eth0/accept_redirects";
                    let files = of_kernel(scene).get_mut(key).unwrap();
                    files.insert(file.to_owned(), "1".to_owned());
                },
                "net.ipv4.conf.eth0.accept_redirects is \"1\"",
            ),
            (
                "the kernel has no such setting",
                |scene| of_kernel(scene).get_mut("kernel.yama.ptrace_scope").unwrap().clear(),
                "this kernel has no kernel.yama.ptrace_scope",
            ),
            (
                "a container has a network of its own, test or not",
                |scene| {
                    in_a_container(scene);
                    kernel(scene, "net.ipv4.tcp_syncookies", "0");
                },
                "tcp_syncookies is \"0\"",
            ),
            (
                "in production a container is judged by the kernel that it has",
                |scene| {
                    in_a_container(scene);
                    scene.spec().deployment.environment = Environment::Production;
                    kernel(scene, "kernel.kptr_restrict", "0");
                },
                "kptr_restrict is \"0\"",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "a value could not be read",
                |scene| system(scene).kernel = Seen::unknown("Permission denied"),
                "Permission denied",
            ),
            (
                "a setting was left out",
                |scene| {
                    of_kernel(scene).remove("kernel.sysrq");
                },
                "kernel.sysrq was not looked at",
            ),
        ]),
    },
    Row {
        id: "leakage/swap-encrypted",
        passes: &[(
            "swap is encrypted, or is memory",
            |scene| {
                swap(scene, "/dev/dm-1", SwapMedium::Encrypted);
                swap(scene, "/dev/zram0", SwapMedium::Memory);
            },
            "none of them plain",
        )],
        fails: &[(
            "memory is written to a plain file",
            |scene| swap(scene, "/swapfile", SwapMedium::Plain),
            "/swapfile is not encrypted",
        )],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "the device below a file is not known",
                |scene| system(scene).swap = Seen::unknown("lsblk: not a block device"),
                "not a block device",
            ),
        ]),
    },
    Row {
        id: "logging/clock-synchronised",
        passes: &[(
            "a leap second is announced",
            |scene| clock(scene, |seen| "Insert second".clone_into(&mut seen.leap)),
            "follows",
        )],
        fails: &[
            (
                "nobody answers chrony",
                |scene| clock(scene, |seen| "Not synchronised".clone_into(&mut seen.leap)),
                "follows nobody",
            ),
            (
                "chrony follows itself",
                |scene| clock(scene, |seen| "7F7F0101".clone_into(&mut seen.follows)),
                "the host's own clock",
            ),
            (
                "the clock is far off",
                |scene| clock(scene, |seen| seen.off_by = -3_600_000_000),
                "-3600000000 µs off",
            ),
            (
                "there is no chrony",
                |scene| system(scene).clock = Seen::Known(None),
                "not installed",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "chrony does not answer",
                |scene| system(scene).clock = Seen::unknown("506 Cannot talk to daemon"),
                "506 Cannot talk",
            ),
            (
                "chrony has only just started",
                |scene| {
                    let now: jiff::Timestamp = scene.facts().at.parse().unwrap();
                    match scene.facts().units.get_mut("chrony.service").unwrap() {
                        Seen::Known(unit) => unit.started = now.as_second() - 5,
                        Seen::Unknown(why) => panic!("{why}"),
                    }
                    clock(scene, |seen| "Not synchronised".clone_into(&mut seen.leap));
                },
                "only just started",
            ),
        ]),
    },
    Row {
        id: "availability/security-upgrades",
        passes: &[(
            "another file adds to dpkg's options",
            |scene| {
                apt(scene)
                    .get_mut("dpkg::options")
                    .unwrap()
                    .push("--no-triggers".to_owned())
            },
            "as wanted",
        )],
        fails: &[
            (
                "a later file switches upgrades off",
                |scene| {
                    apt(scene).insert("apt::periodic::unattended-upgrade".to_owned(), vec!["0".to_owned()]);
                },
                "APT::Periodic::Unattended-Upgrade is 0",
            ),
            (
                "a later file adds an origin",
                |scene| {
                    let origins = apt(scene).get_mut("unattended-upgrade::origins-pattern").unwrap();
                    origins.push("origin=*".to_owned());
                },
                "origin=*",
            ),
            (
                "upgrades come when a later drop-in says",
                |scene| {
                    let times = of_units(scene).get_mut(UPGRADES_TIMER).unwrap();
                    let more = "{ OnCalendar=*-*-* 16:00:00 ; next_elapse=n/a }";
                    times.get_mut("TimersCalendar").unwrap().push(more.to_owned());
                },
                "OnCalendar is",
            ),
            (
                "a missed upgrade is made up for at once",
                |scene| property(scene, UPGRADES_TIMER, "Persistent", "yes"),
                "Persistent is yes",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "apt did not answer",
                |scene| system(scene).apt = Seen::unknown("apt-config: Syntax error"),
                "Syntax error",
            ),
            (
                "the timer was left out",
                |scene| {
                    of_units(scene).remove(UPGRADES_TIMER);
                },
                "not looked at",
            ),
        ]),
    },
];

fn system(scene: &mut Scene) -> &mut SystemFacts {
    &mut scene.facts().system
}

fn known<T>(seen: &mut Seen<T>) -> &mut T {
    match seen {
        Seen::Known(value) => value,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn of_units(scene: &mut Scene) -> &mut Properties {
    known(&mut system(scene).properties)
}

fn of_kernel(scene: &mut Scene) -> &mut BTreeMap<String, BTreeMap<String, String>> {
    known(&mut system(scene).kernel)
}

fn apt(scene: &mut Scene) -> &mut BTreeMap<String, Vec<String>> {
    known(&mut system(scene).apt)
}

fn property(scene: &mut Scene, unit: &str, name: &str, value: &str) {
    let unit = of_units(scene).get_mut(unit).unwrap();
    unit.insert(name.to_owned(), vec![value.to_owned()]);
}

fn kernel(scene: &mut Scene, key: &str, value: &str) {
    for held in of_kernel(scene).get_mut(key).unwrap().values_mut() {
        value.clone_into(held);
    }
}

fn swap(scene: &mut Scene, area: &str, medium: SwapMedium) {
    let area = area.to_owned();
    known(&mut system(scene).swap).push(SwapSeen { area, medium });
}

fn clock(scene: &mut Scene, change: fn(&mut ClockSeen)) {
    change(known(&mut system(scene).clock).as_mut().unwrap());
}

fn in_a_container(scene: &mut Scene) {
    system(scene).container = Seen::Known(Some("systemd-nspawn".to_owned()));
}

#[test]
fn what_is_the_machines_does_not_apply_to_a_test_in_a_container() {
    use crate::controls::Status;

    let mut scene = super::build::good();
    in_a_container(&mut scene);
    kernel(&mut scene, "kernel.kptr_restrict", "0");
    swap(&mut scene, "/swapfile", SwapMedium::Plain);
    clock(&mut scene, |seen| "Not synchronised".clone_into(&mut seen.leap));
    for (id, subject) in [
        ("integrity/kernel-settings", "core:settings of the kernel"),
        ("leakage/swap-encrypted", "core:swap"),
        ("logging/clock-synchronised", "core:clock"),
    ] {
        let findings = scene.findings(id);
        let found = findings.iter().find(|finding| finding.subject == subject).unwrap();
        assert_eq!(found.status, Status::NotApplicable, "{id}");
        assert!(
            found.observed.contains("a test in a container (systemd-nspawn)"),
            "{}",
            found.observed
        );
    }
}
