//! Scenes of the access family.

use crate::facts::PathState;
use crate::facts::SECRETS_FILE;
use crate::facts::UID_0;
use crate::probe::FocusAnswer;
use crate::probe::Login;
use crate::probe::xmpp::clinician::ClinicianView;
use crate::seen::Seen;
use crate::spec::Environment;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::sightings::no;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "access/clinician-can-open-room",
        passes: &[],
        fails: &[
            (
                "the focus is absent",
                |scene| clinician(scene).focus.result = Seen::Known(FocusAnswer::Absent(no())),
                "absent",
            ),
            (
                "the clinician is refused",
                |scene| clinician(scene).login.result = Seen::Known(Login::Refused(no())),
                "clinician login",
            ),
        ],
        unverified: Scenes(&[
            (
                "there are no credentials",
                |scene| scene.seen().xmpp[0].clinician = None,
                "no clinician's credentials",
            ),
            (
                "the entry was not answered",
                |scene| clinician(scene).entry.result = Seen::unknown("timed out"),
                "timed out",
            ),
        ]),
    },
    Row {
        id: "access/no-unknown-admins",
        passes: &[
            (
                "the login and an admin of the spec may become root",
                |scene| {
                    superuser(scene, "deploy", "has a sudo rule");
                    superuser(scene, "ann", "is in the group sudo");
                    if let Seen::Known(seen) = &mut scene.facts().superusers {
                        seen.login = "deploy".to_owned();
                    }
                    scene.spec().access.admins.insert("ann".to_owned());
                },
                "root, ann, deploy",
            ),
            ("root alone", |_| {}, "root alone"),
        ],
        fails: &[
            (
                "somebody has a sudo rule",
                |scene| superuser(scene, "mallory", "has a sudo rule"),
                "core:account mallory has a sudo rule",
            ),
            (
                "a second root has the name of an admin",
                |scene| {
                    superuser(scene, "ann", UID_0);
                    scene.spec().access.admins.insert("ann".to_owned());
                },
                "has user id 0",
            ),
        ],
        unverified: Scenes(&[
            (
                "sudo did not say",
                |scene| scene.facts().superusers = Seen::unknown("cvtsudoers: syntax error"),
                "syntax error",
            ),
            ("the host is down", Scene::host_is_down, "the host is down"),
        ]),
    },
    Row {
        id: "access/secrets-private",
        passes: &[(
            "a mode that grants less than it may",
            |scene| file(scene, TURN, |_, _, mode| *mode = 0o400),
            "0400",
        )],
        fails: &[
            (
                "others may read",
                |scene| file(scene, TURN, |_, _, mode| *mode |= 0o004),
                TURN,
            ),
            (
                "the group may write",
                |scene| file(scene, TURN, |_, _, mode| *mode |= 0o020),
                TURN,
            ),
            (
                "the group may read what is root's alone",
                |scene| file(scene, SECRETS_FILE, |_, _, mode| *mode = 0o640),
                SECRETS_FILE,
            ),
            (
                "it belongs to another group",
                |scene| file(scene, TURN, |_, group, _| *group = "www-data".to_owned()),
                "www-data",
            ),
            (
                "it belongs to another user",
                |scene| file(scene, TURN, |owner, _, _| *owner = "nobody".to_owned()),
                "nobody",
            ),
            (
                "it is a link",
                |scene| {
                    let link = PathState::Link {
                        target: "/tmp/x".to_owned(),
                    };
                    scene.facts().files.insert(TURN.parse().unwrap(), Seen::Known(link));
                },
                "a link to /tmp/x",
            ),
            (
                "a key made on the host is open",
                |scene| {
                    let key = scene.wanted().certificates[0].key.to_string();
                    file(scene, &key, |_, _, mode| *mode = 0o644);
                },
                ".key",
            ),
        ],
        unverified: Scenes(&[
            (
                "a file was not looked at",
                |scene| drop(scene.facts().files.remove(&TURN.parse().unwrap())),
                "it was not looked at",
            ),
            (
                "a look failed",
                |scene| {
                    let failed = Seen::unknown("stat: killed");
                    scene.facts().files.insert(TURN.parse().unwrap(), failed);
                },
                "stat: killed",
            ),
            ("the host is down", Scene::host_is_down, "the host is down"),
        ]),
    },
    Row {
        id: "access/ssh-keys-only",
        passes: &[
            (
                "production",
                |scene| scene.spec().deployment.environment = Environment::Production,
                "no difference",
            ),
            (
                "a cipher and a level of the log let nobody in",
                |scene| {
                    sshd(scene, "ciphers", "aes128-cbc");
                    sshd(scene, "loglevel", "QUIET");
                },
                "no difference",
            ),
        ],
        fails: &[
            (
                "passwords are taken",
                |scene| sshd(scene, "passwordauthentication", "yes"),
                "passwordauthentication yes",
            ),
            (
                "somebody is judged by other rules",
                |scene| {
                    let line = "/etc/ssh/sshd_config:Match User ann for once";
                    scene.facts().sshd_blocks = Seen::Known(vec![line.to_owned()]);
                },
                "Match User ann",
            ),
        ],
        unverified: Scenes(&[
            (
                "sshd did not say",
                |scene| scene.facts().sshd = Seen::unknown("sshd: killed"),
                "sshd: killed",
            ),
            (
                "nothing was wanted",
                |scene| scene.wanted().sshd.clear(),
                "nothing was compared",
            ),
            ("the host is down", Scene::host_is_down, "the host is down"),
        ]),
    },
];

/// sshd holds another value.
pub(super) fn sshd(scene: &mut Scene, keyword: &str, value: &str) {
    match &mut scene.facts().sshd {
        Seen::Known(settings) => {
            let known = settings.insert(keyword.to_owned(), value.to_owned());
            assert!(known.is_some(), "{keyword}");
        }
        Seen::Unknown(why) => panic!("{why}"),
    }
}

/// A file with a slot in it.
const TURN: &str = "/etc/turnserver.conf";

fn clinician(scene: &mut Scene) -> &mut ClinicianView {
    scene.seen().xmpp[0].clinician.as_mut().unwrap()
}

fn file(scene: &mut Scene, path: &str, change: impl FnOnce(&mut String, &mut String, &mut u32)) {
    match scene.facts().files.get_mut(&path.parse().unwrap()) {
        Some(Seen::Known(PathState::File { owner, group, mode, .. })) => change(owner, group, mode),
        other => panic!("{other:?}"),
    }
}

fn superuser(scene: &mut Scene, name: &str, way: &str) {
    match &mut scene.facts().superusers {
        Seen::Known(seen) => seen.accounts.entry(name.to_owned()).or_default().insert(way.to_owned()),
        Seen::Unknown(why) => panic!("{why}"),
    };
}
