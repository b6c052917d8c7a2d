//! Scenes of what lies on a host where it should not, of logins, disks and logs.

use crate::facts::DiskMedium;
use crate::facts::LogSeen;
use crate::facts::PasswordState;
use crate::facts::PlaceKind;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::inside::account;
use super::inside::disks;
use super::inside::inside;
use super::inside::keeps;
use super::inside::known;
use super::inside::leak;
use super::inside::loose;
use super::inside::marked;
use super::inside::named;
use super::inside::production;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "access/no-secrets-out-of-place",
        passes: &[(
            "a file that holds a secret on purpose is judged by its mode elsewhere",
            |scene| leak(scene, PlaceKind::File, "/etc/turnserver.conf"),
            "900 files",
        )],
        fails: &[
            (
                "a process has it among its arguments",
                |scene| leak(scene, PlaceKind::Arguments, "turnutils_uclien (process 7)"),
                "turnutils_uclien (process 7) the secret turn stands in the arguments",
            ),
            (
                "a log has it",
                |scene| leak(scene, PlaceKind::Log, "/var/log/turnserver.log"),
                "stands in a log",
            ),
            (
                "somebody typed it",
                |scene| leak(scene, PlaceKind::History, "/root/.bash_history"),
                "a history",
            ),
            (
                "debconf remembers it",
                |scene| leak(scene, PlaceKind::Debconf, "/var/cache/debconf/passwords.dat"),
                "debconf",
            ),
            (
                "a copy is open",
                |scene| leak(scene, PlaceKind::File, "/etc/turnserver.conf.bak"),
                "everybody may read",
            ),
            (
                "a process inherits it",
                |scene| leak(scene, PlaceKind::Environment, "java (process 9)"),
                "the environment",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "the search took too long",
                |scene| inside(scene).exposed = Seen::unknown("open-files: the host took too long"),
                "took too long",
            ),
            (
                "there is no secret yet",
                |scene| inside(scene).exposed = Seen::Known(None),
                "has no secrets",
            ),
        ]),
    },
    Row {
        id: "access/files-private",
        passes: &[(
            "the mode of a file with a secret is judged elsewhere",
            |scene| loose(scene, 0o666, "root", "/etc/turnserver.conf"),
            "no such file",
        )],
        fails: &[
            (
                "everybody may write",
                |scene| loose(scene, 0o666, "root", "/etc/jitsi/videobridge/logging.properties"),
                "0666 root:root: everybody may write it",
            ),
            (
                "it belongs to a person",
                |scene| loose(scene, 0o644, "ann", "/etc/nginx/nginx.conf"),
                "belongs to a person's account",
            ),
            (
                "a key is open",
                |scene| known(&mut inside(scene).open_keys).push("/root/site.key.bak".to_owned()),
                "/root/site.key.bak a private key",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "keys were not searched for",
                |scene| inside(scene).open_keys = Seen::unknown("open-files: killed"),
                "killed",
            ),
            (
                "the folders were not searched",
                |scene| inside(scene).loose = Seen::unknown("loose-files: killed"),
                "killed",
            ),
        ]),
    },
    Row {
        id: "access/setuid-programs",
        passes: &[],
        fails: &[(
            "a shell lies about that makes root of everybody",
            |scene| {
                let programs = known(&mut inside(scene).setuid);
                programs.insert("/var/tmp/.sh".to_owned(), None);
            },
            "/var/tmp/.sh it runs as root",
        )],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "the search took too long",
                |scene| inside(scene).setuid = Seen::unknown("the host took too long"),
                "took too long",
            ),
        ]),
    },
    Row {
        id: "access/no-unknown-logins",
        passes: &[
            (
                "an admin of the spec has a password",
                |scene| {
                    account(scene, "ann", PasswordState::Set, "/bin/bash", &[]);
                    scene.spec().access.admins.insert("ann".to_owned());
                },
                "ann by a password",
            ),
            (
                "a service's account does not open",
                |scene| account(scene, "coturn", PasswordState::Set, "/usr/sbin/nologin", &[]),
                "root by the key",
            ),
            (
                "a person's account is locked and has no key",
                |scene| account(scene, "bob", PasswordState::Locked, "/bin/bash", &[]),
                "root by the key",
            ),
        ],
        fails: &[
            (
                "somebody has a password",
                |scene| account(scene, "mallory", PasswordState::Set, "/bin/sh", &[]),
                "account mallory it opens by a password",
            ),
            (
                "a service's account has a key",
                |scene| {
                    account(
                        scene,
                        "jvb",
                        PasswordState::Locked,
                        "/bin/false",
                        &["256 SHA256:x y (ED25519)"],
                    )
                },
                "SHA256:x",
            ),
            (
                "an admin's password is empty",
                |scene| {
                    account(scene, "ann", PasswordState::Empty, "/bin/bash", &[]);
                    scene.spec().access.admins.insert("ann".to_owned());
                },
                "empty",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "getent did not answer",
                |scene| inside(scene).logins = Seen::unknown("getent: killed"),
                "getent: killed",
            ),
            (
                "keys come from a command",
                |scene| {
                    let command = "authorizedkeyscommand /usr/bin/keys".to_owned();
                    known(&mut inside(scene).logins).elsewhere.push(command);
                },
                "/usr/bin/keys",
            ),
        ]),
    },
    Row {
        id: "encryption/disks-encrypted",
        passes: &[(
            "what is in memory needs no cipher",
            |scene| disks(scene, &[("/", DiskMedium::Encrypted), ("/tmp", DiskMedium::Memory)]),
            "encrypted: /",
        )],
        fails: &[
            (
                "a machine of one's own has plain disks",
                |scene| {
                    production(scene);
                    disks(scene, &[("/", DiskMedium::Plain)]);
                    inside(scene).machine = Seen::Known(None);
                },
                "not encrypted: /",
            ),
            (
                "one disk was left out",
                |scene| {
                    production(scene);
                    disks(scene, &[("/", DiskMedium::Encrypted), ("/var", DiskMedium::Plain)]);
                },
                "not encrypted: /var",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "a provider may encrypt below",
                |scene| {
                    production(scene);
                    disks(scene, &[("/", DiskMedium::Plain)]);
                },
                "A provider may encrypt",
            ),
            (
                "a container does not see its disk",
                |scene| {
                    production(scene);
                    disks(scene, &[("/", DiskMedium::Unknown)]);
                    inside(scene).machine = Seen::Known(None);
                },
                "not seen to be encrypted",
            ),
            (
                "nobody says what machine it is",
                |scene| inside(scene).machine = Seen::unknown("no word"),
                "no word",
            ),
        ]),
    },
    Row {
        id: "leakage/log-hygiene",
        passes: &[],
        fails: &[
            (
                "the web server writes queries down",
                |scene| {
                    marked(
                        scene,
                        "/var/log/nginx/access.log",
                        LogSeen {
                            lines: 4,
                            names: 0,
                            tokens: 2,
                        },
                    )
                },
                "2 with a token",
            ),
            (
                "the focus writes names down",
                |scene| {
                    marked(
                        scene,
                        "/var/log/jitsi/jicofo.log",
                        LogSeen {
                            lines: 4,
                            names: 1,
                            tokens: 0,
                        },
                    )
                },
                "1 lines with the name",
            ),
            (
                "a clinician's own token stands in a log, though nobody of ours was let in",
                |scene| {
                    scene.seen().xmpp.clear();
                    let seen = LogSeen {
                        lines: 4,
                        names: 0,
                        tokens: 1,
                    };
                    marked(scene, "/var/log/nginx/access.log", seen);
                },
                "1 with a token",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "the logs were not read",
                |scene| scene.hosts[0].after.logs = Seen::unknown("journalctl: killed"),
                "journalctl: killed",
            ),
            (
                "nobody visited",
                |scene| scene.seen().xmpp.clear(),
                "nobody of ours was let in",
            ),
            (
                "both doors are broken, and a log has a line of something else",
                |scene| {
                    let view = &mut scene.seen().xmpp[0];
                    for door in &mut view.doors {
                        door.guest.login.result = Seen::unknown("502 Bad Gateway");
                    }
                    view.clinician.as_mut().unwrap().login.result = Seen::unknown("502 Bad Gateway");
                    for honest in &mut view.honest {
                        honest.login.result = Seen::unknown("502 Bad Gateway");
                    }
                },
                "nobody of ours was let in",
            ),
            (
                "nothing was written at all",
                |scene| {
                    known(&mut scene.hosts[0].after.logs)
                        .values_mut()
                        .for_each(|seen| seen.lines = 0)
                },
                "nothing was written",
            ),
        ]),
    },
    Row {
        id: "leakage/no-upstream-hosts",
        passes: &[(
            "the page is judged from outside, and the domain is one's own",
            |scene| {
                named(scene, "/etc/jitsi/meet/x-config.js", "www.gravatar.com");
                named(scene, "/etc/nginx/conf.d/x.conf", "telemed.example.com");
            },
            "were searched",
        )],
        fails: &[(
            "the bridge asks upstream's STUN server",
            |scene| {
                named(
                    scene,
                    "/etc/jitsi/videobridge/jvb.conf",
                    "meet-jit-si-turnrelay.jitsi.net",
                )
            },
            "it names meet-jit-si-turnrelay.jitsi.net",
        )],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "the settings were not read",
                |scene| inside(scene).upstream = Seen::unknown("grep: killed"),
                "grep: killed",
            ),
        ]),
    },
    Row {
        id: "disposal/rooms-leave-nothing",
        passes: &[],
        fails: &[
            (
                "rooms are kept",
                |scene| keeps(scene, "conference.telemed.example.com", "config"),
                "conference.telemed.example.com/config",
            ),
            (
                "messages are kept",
                |scene| keeps(scene, "telemed.example.com", "archive-list"),
                "3 files",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "there is no storage",
                |scene| inside(scene).kept = Seen::Known(None),
                "no storage",
            ),
            (
                "the storage was not read",
                |scene| inside(scene).kept = Seen::unknown("find: killed"),
                "find: killed",
            ),
        ]),
    },
];
