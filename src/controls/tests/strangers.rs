//! Scenes of what strangers and guests must not do at either door.

use crate::probe::DoorView;
use crate::probe::Entry;
use crate::probe::FocusAnswer;
use crate::probe::HostOffer;
use crate::probe::Login;
use crate::probe::Registration;
use crate::probe::xmpp::clinician::ClinicianView;
use crate::probe::xmpp::stanza::Refused;
use crate::seen::Seen;
use crate::spec::Auth;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::sightings::admitted;
use super::sightings::in_a_new_room;
use super::sightings::no;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "access/stranger-refused",
        passes: &[(
            "accounts, and logins for them",
            |scene| {
                scene.spec().security.auth = Auth::Internal;
                door(scene, 0).stranger.mechanisms.result = Seen::Known(vec!["SCRAM-SHA-1".to_owned()]);
            },
            "refused",
        )],
        fails: &[
            (
                "one of the two doors lets a stranger in",
                |scene| door(scene, 1).stranger.anonymous.result = Seen::Known(admitted()),
                "http-bind",
            ),
            (
                "a stranger is let in and then given no address",
                |scene| door(scene, 0).stranger.anonymous.result = Seen::Known(Login::Unbound(away())),
                "unbound",
            ),
            (
                "passwords are taken beside tokens",
                |scene| {
                    let offered = vec!["ANONYMOUS".to_owned(), "PLAIN".to_owned()];
                    door(scene, 1).stranger.mechanisms.result = Seen::Known(offered);
                },
                "ANONYMOUS PLAIN",
            ),
        ],
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
        fails: &[
            (
                "registration is offered",
                |scene| door(scene, 0).stranger.registration.result = Seen::Known(Registration::Offered),
                "offered",
            ),
            (
                "guests may make themselves accounts",
                |scene| door(scene, 1).stranger.guest_registration.result = Seen::Known(Registration::Offered),
                "guests' host",
            ),
        ],
        unverified: Scenes(&[(
            "the question was not answered",
            |scene| door(scene, 0).stranger.registration.result = Seen::unknown("timed out"),
            "timed out",
        )]),
    },
    Row {
        id: "access/service-domain-closed",
        passes: &[
            ("the domain is not served there", not_served, "host-unknown"),
            (
                "nobody told of it but the focus, whose account is there",
                |scene| {
                    not_served(scene);
                    let focus = Some("focus@auth.telemed.example.com/focus".to_owned());
                    door(scene, 1).guest.focus.result = Seen::Known(FocusAnswer::Ready { focus });
                    scene.probe_only();
                },
                "host-unknown",
            ),
        ],
        fails: &[(
            "a login is offered",
            |scene| {
                door(scene, 0).stranger.accounts_host.result = Seen::Known(HostOffer::Answers {
                    mechanisms: vec!["SCRAM-SHA-1".to_owned(), "PLAIN".to_owned()],
                });
            },
            "SCRAM-SHA-1 PLAIN",
        )],
        unverified: Scenes(&[
            (
                "the stream broke",
                |scene| door(scene, 1).stranger.accounts_host.result = Seen::unknown("reset by peer"),
                "reset by peer",
            ),
            (
                "the focus of a stranger's server has its account elsewhere",
                |scene| {
                    not_served(scene);
                    let focus = Some("focus@auth.meet.jitsi".to_owned());
                    door(scene, 0).guest.focus.result = Seen::Known(FocusAnswer::Ready { focus });
                    scene.probe_only();
                },
                "nothing tells",
            ),
        ]),
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
            (
                "nobody gets in, a clinician no more than a guest",
                |scene| {
                    scene.spec().security.auth = Auth::Internal;
                    clinician(scene).entry.result = Seen::Known(Entry::Refused(no()));
                },
                "new room refused",
            ),
            (
                "the conference service is not there",
                |scene| door(scene, 0).guest.new_room.result = Seen::Known(Entry::Refused(away())),
                "nobody was refused",
            ),
        ]),
    },
    Row {
        id: "access/brewery-closed",
        passes: &[(
            "the bridges' room says no",
            |scene| door(scene, 0).guest.brewery.result = Seen::Known(Entry::Refused(no())),
            "refused",
        )],
        fails: &[(
            "a guest stands among the bridges",
            |scene| door(scene, 0).guest.brewery.result = Seen::Known(in_a_new_room()),
            "entered",
        )],
        unverified: Scenes(&[
            (
                "nobody answered",
                |scene| door(scene, 1).guest.brewery.result = Seen::unknown("timed out"),
                "timed out",
            ),
            (
                "the bridges meet elsewhere",
                |scene| door(scene, 1).guest.brewery.result = Seen::Known(Entry::Refused(elsewhere())),
                "nobody was refused",
            ),
            (
                "the server is in trouble",
                |scene| door(scene, 0).guest.brewery.result = Seen::Known(Entry::Refused(away())),
                "service-unavailable",
            ),
        ]),
    },
];

fn door(scene: &mut Scene, which: usize) -> &mut DoorView {
    &mut scene.seen().xmpp[0].doors[which]
}

fn clinician(scene: &mut Scene) -> &mut ClinicianView {
    scene.seen().xmpp[0].clinician.as_mut().unwrap()
}

/// Nobody is there.
fn away() -> Refused {
    Refused {
        condition: "service-unavailable".to_owned(),
        text: None,
    }
}

/// Prosody's no to an address of another server.
fn elsewhere() -> Refused {
    Refused {
        text: Some("Communication with remote domains is not enabled".to_owned()),
        ..no()
    }
}

fn not_served(scene: &mut Scene) {
    door(scene, 0).stranger.accounts_host.result = Seen::Known(HostOffer::NotServed {
        host: "auth.telemed.example.com".to_owned(),
        condition: "host-unknown".to_owned(),
    });
}
