//! Scenes of the access family.

use crate::facts::PathState;
use crate::facts::SECRETS_FILE;
use crate::facts::UID_0;
use crate::probe::DoorView;
use crate::probe::FocusAnswer;
use crate::probe::HostOffer;
use crate::probe::Login;
use crate::probe::Registration;
use crate::probe::xmpp::clinician::ClinicianView;
use crate::seen::Seen;
use crate::spec::Environment;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::sightings::admitted;
use super::sightings::in_a_new_room;
use super::sightings::no;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "access/stranger-refused",
        passes: &[],
        fails: &[(
            "one of the two doors lets a stranger in",
            |scene| door(scene, 1).stranger.anonymous.result = Seen::Known(admitted()),
            "http-bind",
        )],
        unverified: Scenes(&[
            (
                "an endpoint does not speak XMPP",
                |scene| door(scene, 0).stranger.anonymous.result = Seen::unknown("status 502"),
                "status 502",
            ),
            (
                "one of the two doors was not tried",
                |scene| drop(scene.seen().xmpp[0].doors.pop()),
                "/http-bind not seen",
            ),
            (
                "no address was looked at",
                |scene| scene.seen().xmpp.clear(),
                "no address",
            ),
        ]),
    },
    Row {
        id: "access/registration-not-offered",
        passes: &[],
        fails: &[(
            "registration is offered",
            |scene| door(scene, 0).stranger.registration.result = Seen::Known(Registration::Offered),
            "offered",
        )],
        unverified: Scenes(&[(
            "the question was not answered",
            |scene| door(scene, 0).stranger.registration.result = Seen::unknown("timed out"),
            "timed out",
        )]),
    },
    Row {
        id: "access/service-domain-closed",
        passes: &[(
            "the domain is not served there",
            |scene| {
                door(scene, 0).stranger.accounts_host.result = Seen::Known(HostOffer::NotServed {
                    condition: "host-unknown".to_owned(),
                });
            },
            "host-unknown",
        )],
        fails: &[(
            "a login is offered",
            |scene| {
                door(scene, 0).stranger.accounts_host.result = Seen::Known(HostOffer::Answers {
                    mechanisms: vec!["SCRAM-SHA-1".to_owned(), "PLAIN".to_owned()],
                });
            },
            "SCRAM-SHA-1 PLAIN",
        )],
        unverified: Scenes(&[(
            "the stream broke",
            |scene| door(scene, 1).stranger.accounts_host.result = Seen::unknown("reset by peer"),
            "reset by peer",
        )]),
    },
    Row {
        id: "access/guest-cannot-create-room",
        passes: &[(
            "the focus is ready, and the guest is held in the lobby",
            |scene| door(scene, 0).guest.focus.result = Seen::Known(FocusAnswer::Ready { focus: None }),
            "lobby",
        )],
        fails: &[
            (
                "a guest makes a room",
                |scene| door(scene, 0).guest.new_room.result = Seen::Known(in_a_new_room()),
                "owner",
            ),
            (
                "a guest enters the room that the focus opened",
                |scene| door(scene, 0).guest.before_host.result = Seen::Known(in_a_new_room()),
                "room without host",
            ),
            (
                "a made-up token opens a room",
                |scene| door(scene, 1).guest.made_up_token.result = Seen::Known(in_a_new_room()),
                "made-up token",
            ),
            (
                "a guest enters a clinician's room first",
                |scene| clinician(scene).guest_before_host.result = Seen::Known(in_a_new_room()),
                "guest before host",
            ),
        ],
        unverified: Scenes(&[
            (
                "no guest could log in",
                |scene| door(scene, 0).guest.new_room.result = Seen::unknown("the guest could not log in"),
                "the guest could not log in",
            ),
            (
                "the clinician did not get in either",
                |scene| clinician(scene).entry.result = Seen::unknown("timed out"),
                "proves nothing",
            ),
        ]),
    },
    Row {
        id: "access/brewery-closed",
        passes: &[],
        fails: &[(
            "a guest stands among the bridges",
            |scene| door(scene, 0).guest.brewery.result = Seen::Known(in_a_new_room()),
            "entered",
        )],
        unverified: Scenes(&[(
            "nobody answered",
            |scene| door(scene, 1).guest.brewery.result = Seen::unknown("timed out"),
            "timed out",
        )]),
    },
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
        passes: &[(
            "production",
            |scene| scene.spec().deployment.environment = Environment::Production,
            "no difference",
        )],
        fails: &[(
            "passwords are taken",
            |scene| {
                if let Seen::Known(settings) = &mut scene.facts().sshd {
                    settings.insert("passwordauthentication".to_owned(), "yes".to_owned());
                }
            },
            "passwordauthentication yes",
        )],
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

/// A file with a slot in it.
const TURN: &str = "/etc/turnserver.conf";

fn door(scene: &mut Scene, which: usize) -> &mut DoorView {
    &mut scene.seen().xmpp[0].doors[which]
}

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
