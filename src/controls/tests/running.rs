//! Scenes of what a host runs: options, versions, fixes, the journal.

use crate::facts::PathState;
use crate::facts::SudoTrail;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::inside::DAY;
use super::inside::NOW;
use super::inside::bridge;
use super::inside::fixes;
use super::inside::inside;
use super::inside::known;
use super::inside::option;
use super::inside::system;
use super::inside::version;
use super::inside::waits;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "integrity/bridge-options",
        passes: &[],
        fails: &[
            (
                "an argument opens the REST interface",
                |scene| option(scene, "videobridge.http-servers.private.host", "0.0.0.0"),
                "videobridge.http-servers.private.host is 0.0.0.0 and not 127.0.0.1",
            ),
            (
                "old properties overrule all",
                |scene| {
                    let key = "org.jitsi.videobridge.rest.private.jetty.host".to_owned();
                    bridge(scene).legacy.insert(key);
                },
                "old properties overrule the file",
            ),
            (
                "it reads another file, whatever that says",
                |scene| {
                    bridge(scene).file = Some("/tmp/x.conf".to_owned());
                    bridge(scene).effective = Err("a value that has to be computed".to_owned());
                },
                "it reads /tmp/x.conf",
            ),
            (
                "a debugger may attach",
                |scene| {
                    bridge(scene).debug.insert("-agentlib:jdwp=server=y".to_owned());
                },
                "a debugger or manager",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "it does not run",
                |scene| inside(scene).bridge = Seen::Known(None),
                "does not run",
            ),
            (
                "an option has to be computed",
                |scene| bridge(scene).effective = Err("a value that has to be computed".to_owned()),
                "has to be computed",
            ),
        ]),
    },
    Row {
        id: "integrity/focus-options",
        passes: &[],
        fails: &[(
            "an included file opens rooms to all",
            |scene| {
                let focus = known(&mut inside(scene).focus).as_mut().unwrap();
                let all = focus.effective.as_mut().unwrap();
                all.insert("jicofo.conference.enable-auto-owner".to_owned(), "true".to_owned());
            },
            "jicofo.conference.enable-auto-owner is true and not false",
        )],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "it does not run",
                |scene| inside(scene).focus = Seen::Known(None),
                "does not run",
            ),
        ]),
    },
    Row {
        id: "integrity/no-known-vulnerabilities",
        passes: &[(
            "a setting keeps the weakness of coturn out",
            |scene| version(scene, "coturn", "4.6.1-1"),
            "kept out by a setting: CVE-2026-27624",
        )],
        fails: &[
            (
                "a version is from before the fix",
                |scene| version(scene, "nginx", "1.22.1-9+deb12u9"),
                "nginx 1.22.1-9+deb12u9 CVE-2026-42533",
            ),
            (
                "the setting that kept a weakness out is gone",
                |scene| {
                    version(scene, "coturn", "4.6.1-1");
                    let file = scene.facts().files.get_mut(&"/etc/turnserver.conf".parse().unwrap());
                    if let Some(Seen::Known(PathState::File {
                        content: Some(text), ..
                    })) = file
                    {
                        *text = text.replace("denied-peer-ip=::ffff:", "#");
                    }
                },
                "CVE-2026-27624",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "dpkg did not say",
                |scene| scene.facts().packages = Seen::unknown("dpkg-query: killed"),
                "dpkg-query: killed",
            ),
            (
                "the file with the setting was not seen",
                |scene| {
                    version(scene, "coturn", "4.6.1-1");
                    scene.facts().files.remove(&"/etc/turnserver.conf".parse().unwrap());
                },
                "was not looked at",
            ),
            (
                "a package is not the distribution's",
                |scene| version(scene, "nginx", "1.30.4-1~bookworm"),
                "nginx 1.30.4-1~bookworm is not the distribution's",
            ),
            (
                "the list was not looked through for the release",
                |scene| known(&mut scene.facts().os).version = "26.04".to_owned(),
                "no row about nginx of debian 26.04",
            ),
            (
                "no row is about what is installed",
                |scene| known(&mut scene.facts().packages).clear(),
                "no row",
            ),
        ]),
    },
    Row {
        id: "availability/fixes-applied",
        passes: &[
            (
                "a fix of today waits for the night",
                |scene| waits(scene, 0, 1),
                "1 security fixes",
            ),
            (
                "a restart of yesterday",
                |scene| fixes(scene).reboot = Some(NOW - DAY),
                "0 security fixes",
            ),
        ],
        fails: &[
            (
                "a fix has been known for long",
                |scene| waits(scene, 9, 30),
                "known for 9 days",
            ),
            (
                "the last upgrade left it out",
                |scene| {
                    waits(scene, 0, 0);
                    fixes(scene).upgraded = Some(NOW - 5);
                },
                "left 1 fixes out",
            ),
            (
                "upgrades stopped",
                |scene| waits(scene, 0, 40),
                "the last upgrade was 40 days ago",
            ),
            (
                "a restart waits",
                |scene| fixes(scene).reboot = Some(NOW - 15 * DAY),
                "waited for 15 days",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "apt has not asked for long",
                |scene| fixes(scene).asked = Some(NOW - 20 * DAY),
                "apt was last asked 20 days ago",
            ),
            ("apt never asked", |scene| fixes(scene).asked = None, "never asked"),
            (
                "apt did not answer",
                |scene| inside(scene).fixes = Seen::unknown("apt-get: locked"),
                "locked",
            ),
        ]),
    },
    Row {
        id: "availability/system-supported",
        passes: &[(
            "its end is near",
            |scene| system(scene, "ubuntu", "22.04"),
            "mended until 2027-06-01",
        )],
        fails: &[(
            "its end is past",
            |scene| system(scene, "ubuntu", "20.04"),
            "no fixes since 2025-05-29",
        )],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "nobody knows it",
                |scene| system(scene, "arch", ""),
                "is not on the list",
            ),
        ]),
    },
    Row {
        id: "logging/journal-settings-in-force",
        passes: &[],
        fails: &[
            (
                "a later file keeps it in memory",
                |scene| {
                    let held = known(&mut inside(scene).journal);
                    held.insert("Storage".to_owned(), "volatile".to_owned());
                },
                "Storage is volatile and not persistent",
            ),
            (
                "nothing limits its age",
                |scene| drop(known(&mut inside(scene).journal).remove("MaxRetentionSec")),
                "MaxRetentionSec is not set",
            ),
            (
                "its folder is gone",
                |scene| inside(scene).journal_files = Seen::Known(None),
                "no file on the disk",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "systemd did not say",
                |scene| inside(scene).journal = Seen::unknown("systemd-analyze: killed"),
                "killed",
            ),
        ]),
    },
    Row {
        id: "logging/audit-trail",
        passes: &[(
            "sudo told of it",
            |scene| known(&mut inside(scene).trail).sudo = Some(SudoTrail::Told("ann : USER=root ;".to_owned())),
            "ann : USER=root",
        )],
        fails: &[
            (
                "the login left no trace",
                |scene| known(&mut inside(scene).trail).login = None,
                "is not in the journal",
            ),
            (
                "sudo left no trace",
                |scene| known(&mut inside(scene).trail).sudo = Some(SudoTrail::Silent),
                "root's rights is not",
            ),
        ],
        unverified: Scenes(&[
            ("the host is down", Scene::host_is_down, "the host is down"),
            (
                "the journal was not read",
                |scene| inside(scene).trail = Seen::unknown("journalctl: killed"),
                "journalctl: killed",
            ),
        ]),
    },
];
