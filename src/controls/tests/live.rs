//! Scenes of the controls that rest on a host's open room or on an impostor beside an honest login.

use crate::probe::Entry;
use crate::probe::Login;
use crate::probe::xmpp::clinician::ClinicianView;
use crate::probe::xmpp::deeds::Answer;
use crate::probe::xmpp::live::Live;
use crate::probe::xmpp::stanza::Refused;
use crate::seen::Seen;
use crate::spec::Auth;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;
use super::sightings::admitted;
use super::sightings::in_a_new_room;
use super::sightings::no;
use super::visitors::beside_the_host;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "access/forged-tokens-refused",
        passes: &[(
            "without a spec, where an honest token was given",
            Scene::probe_only,
            "refused",
        )],
        fails: &[
            (
                "a forged token is accepted at the first door",
                |scene| scene.seen().xmpp[0].forgeries[7].login.result = Seen::Known(admitted()),
                "xmpp-websocket forged token (Unsigned)",
            ),
            (
                "a forged token is accepted at the second door",
                |scene| scene.seen().xmpp[0].forgeries.last_mut().unwrap().login.result = Seen::Known(admitted()),
                "http-bind forged token (Garbage)",
            ),
            (
                "a forged token is taken, whatever came of the session",
                |scene| scene.seen().xmpp[0].forgeries[7].login.result = Seen::Known(Login::Unbound(no())),
                "unbound",
            ),
            (
                "a token for another room opens this one",
                |scene| clinician(scene).wrong_room.as_mut().unwrap().result = Seen::Known(in_a_new_room()),
                "token for another room",
            ),
        ],
        unverified: Scenes(&[
            (
                "the honest token is refused at one door too",
                |scene| scene.seen().xmpp[0].honest[1].login.result = Seen::Known(Login::Refused(no())),
                "proves nothing",
            ),
            (
                "after the forged ones, the honest token is refused too",
                |scene| {
                    let again = scene.seen().xmpp[0].honest[0].again.as_mut().unwrap();
                    again.result = Seen::Known(Login::Refused(no()));
                },
                "once the forged tokens had been shown",
            ),
            (
                "the door was closed to everybody afterwards",
                |scene| {
                    let again = scene.seen().xmpp[0].honest[1].again.as_mut().unwrap();
                    again.result = Seen::unknown("the server ended the stream: policy-violation");
                },
                "policy-violation",
            ),
            (
                "there is no honest token",
                |scene| scene.seen().xmpp[0].honest.clear(),
                "no honest clinician",
            ),
            (
                "one forgery was not answered",
                |scene| scene.seen().xmpp[0].forgeries[0].login.result = Seen::unknown("timed out"),
                "timed out",
            ),
            (
                "no forgery was shown at one door",
                |scene| {
                    let half = scene.seen().xmpp[0].forgeries.len() / 2;
                    scene.seen().xmpp[0].forgeries.truncate(half);
                },
                "forged tokens at /http-bind",
            ),
            (
                "no forgery was shown",
                |scene| scene.seen().xmpp[0].forgeries.clear(),
                "none were shown",
            ),
        ]),
    },
    Row {
        id: "access/wrong-passwords-refused",
        passes: &[(
            "accounts and no tokens",
            |scene| scene.spec().security.auth = Auth::Internal,
            "refused",
        )],
        fails: &[(
            "a wrong password is accepted at the second door",
            |scene| {
                scene.spec().security.auth = Auth::Internal;
                scene.seen().xmpp[0].guesses[4].login.result = Seen::Known(admitted());
            },
            "http-bind login (Password wrong)",
        )],
        unverified: Scenes(&[
            (
                "the right password is refused too",
                |scene| {
                    scene.spec().security.auth = Auth::Internal;
                    scene.seen().xmpp[0].honest[0].login.result = Seen::Known(Login::Refused(no()));
                },
                "proves nothing",
            ),
            (
                "nothing was tried",
                |scene| {
                    scene.spec().security.auth = Auth::Internal;
                    scene.seen().xmpp[0].guesses.clear();
                },
                "none were tried",
            ),
        ]),
    },
    Row {
        id: "access/moderators-are-hosts",
        passes: &[],
        fails: &[
            (
                "a guest kicks the host",
                |scene| live(scene).attempts[10].answer.result = Seen::Known(Answer::Granted),
                "KickHost",
            ),
            (
                "a guest comes in as a moderator",
                |scene| live(scene).guest_entry.result = Seen::Known(in_a_new_room()),
                "moderator",
            ),
        ],
        unverified: Scenes(&[
            (
                "the host is granted nothing either",
                |scene| live(scene).lobby.switched.result = Seen::Known(Answer::Refused(no())),
                "the host was refused too",
            ),
            (
                "no guest got in",
                |scene| {
                    live(scene).guest_entry.result = Seen::Known(Entry::Refused(no()));
                    live(scene).attempts.clear();
                },
                "no guest got into the host's room",
            ),
            (
                "the focus did not answer",
                |scene| live(scene).attempts[5].answer.result = Seen::unknown("timed out"),
                "timed out",
            ),
            (
                "there was no clinician",
                |scene| scene.seen().xmpp[0].clinician = None,
                "no clinician's credentials",
            ),
        ]),
    },
    Row {
        id: "access/lobby-holds-guests",
        passes: &[(
            "the guest is refused and not sent to wait",
            |scene| live(scene).lobby.self_invited.result = Seen::Known(Entry::Refused(no())),
            "refused",
        )],
        fails: &[
            (
                "a guest lets himself in",
                |scene| live(scene).lobby.self_invited.result = Seen::Known(beside_the_host()),
                "invites himself",
            ),
            (
                "a guest walks past the lobby",
                |scene| live(scene).lobby.knock.result = Seen::Known(beside_the_host()),
                "knock",
            ),
        ],
        unverified: Scenes(&[
            (
                "the room is gone",
                |scene| {
                    let gone = Refused {
                        condition: "item-not-found".to_owned(),
                        text: None,
                    };
                    live(scene).lobby.knock.result = Seen::Known(Entry::Refused(gone));
                },
                "nobody was refused",
            ),
            (
                "nobody gets in by the host's word",
                |scene| live(scene).lobby.admitted.result = Seen::Known(Entry::Refused(no())),
                "proves nothing",
            ),
            (
                "there was no clinician",
                |scene| scene.seen().xmpp[0].clinician = None,
                "no clinician's credentials",
            ),
        ]),
    },
];

fn clinician(scene: &mut Scene) -> &mut ClinicianView {
    scene.seen().xmpp[0].clinician.as_mut().unwrap()
}

fn live(scene: &mut Scene) -> &mut Live {
    &mut clinician(scene).live
}
