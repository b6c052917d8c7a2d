//! Scenes of the controls that rest on a call.

use crate::controls::Status;
use crate::probe::CallView;
use crate::probe::Entry;
use crate::probe::call::jingle::Candidate;
use crate::probe::call::jingle::Fingerprint;
use crate::probe::call::jingle::Offered;
use crate::probe::call::view::Flow;
use crate::probe::call::view::IceAnswer;
use crate::probe::call::view::IceView;
use crate::probe::call::view::LegView;
use crate::probe::call::view::MediaView;
use crate::probe::call::view::Secured;
use crate::probe::call::view::Vouching;
use crate::probe::call::view::Waiting;
use crate::seen::Seen;

use super::Row;
use super::Unverified::Scenes;
use super::build::ADDRESS;
use super::build::Scene;
use super::sightings::in_a_new_room;
use super::sightings::no;
use super::sightings::saw;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "access/patient-waits",
        passes: &[(
            "the patient is refused before",
            |scene| waiting(scene).before = Entry::Refused(no()),
            "refused",
        )],
        fails: &[(
            "the patient gets in before the clinician",
            |scene| waiting(scene).before = in_a_new_room(),
            "before: entered",
        )],
        unverified: Scenes(&[
            (
                "the patient never gets in",
                |scene| waiting(scene).after = Entry::Refused(no()),
                "proves nothing",
            ),
            (
                "there were no credentials",
                |scene| call(scene).waiting.result = Seen::unknown("there were no clinician's credentials"),
                "no clinician's credentials",
            ),
        ]),
    },
    Row {
        id: "encryption/media-fingerprints",
        passes: &[(
            "a longer digest announces it",
            |scene| offer(scene).fingerprints[0].hash = "SHA-512".to_owned(),
            "SHA-512",
        )],
        fails: &[
            (
                "a weak digest announces it too",
                |scene| {
                    offer(scene).fingerprints.push(Fingerprint {
                        hash: "sha-1".to_owned(),
                        value: "00".to_owned(),
                    });
                },
                "sha-1",
            ),
            (
                "nothing announces it",
                |scene| offer(scene).fingerprints.clear(),
                "no certificate was announced",
            ),
            (
                "another certificate is shown",
                |scene| secured(scene).certificate = Vouching::Another,
                "another certificate",
            ),
        ],
        unverified: Scenes(&[
            (
                "no handshake came about",
                |scene| call(scene).patient.secured.result = Seen::unknown("did not end the DTLS handshake"),
                "did not end",
            ),
            (
                "the digest is not known",
                |scene| secured(scene).certificate = Vouching::Nothing,
                "known digest",
            ),
        ]),
    },
    Row {
        id: "encryption/media-aead",
        passes: &[],
        fails: &[
            (
                "the old profile is agreed on",
                |scene| secured(scene).profile = Some("SRTP_AES128_CM_SHA1_80".to_owned()),
                "SRTP_AES128_CM_SHA1_80",
            ),
            (
                "no profile is agreed on",
                |scene| secured(scene).profile = None,
                "no profile",
            ),
            (
                "the invitation carries keys",
                |scene| offer(scene).keys.push("AES_CM_128_HMAC_SHA1_80".to_owned()),
                "carries keys of SRTP: AES_CM_128_HMAC_SHA1_80",
            ),
        ],
        unverified: Scenes(&[(
            "no handshake came about",
            |scene| call(scene).clinician.secured.result = Seen::unknown("no ICE check was answered"),
            "no ICE check",
        )]),
    },
    Row {
        id: "encryption/plain-media-refused",
        passes: &[],
        fails: &[
            (
                "plain packets pass",
                |scene| media(scene).to_clinician.plain_arrived = 1,
                "to the clinician: 1 of 13 plain",
            ),
            (
                "media leaves the bridge readable",
                |scene| media(scene).to_patient.readable = 2,
                "2 readable",
            ),
        ],
        unverified: Scenes(&[
            (
                "nothing passes at all",
                |scene| media(scene).to_patient.arrived = 0,
                "silence proves nothing",
            ),
            (
                "nothing was sent",
                |scene| call(scene).media.result = Seen::unknown("no path"),
                "no path",
            ),
        ]),
    },
    Row {
        id: "access/ice-credentials-checked",
        passes: &[(
            "a wrong password is refused by a word",
            |scene| checks(scene).wrong_password = IceAnswer::Refused(401),
            "wrong password: refused 401",
        )],
        fails: &[
            (
                "a wrong password is taken",
                |scene| checks(scene).wrong_password = IceAnswer::Accepted,
                "wrong password: accepted",
            ),
            (
                "anybody is taken",
                |scene| checks(scene).unknown_user = IceAnswer::Accepted,
                "unknown user: accepted",
            ),
        ],
        unverified: Scenes(&[
            (
                "a right check is not answered either",
                |scene| checks(scene).honest_answered = false,
                "silence proves nothing",
            ),
            (
                "something else answers",
                |scene| checks(scene).unknown_user = IceAnswer::Other,
                "no answer to a check",
            ),
        ]),
    },
    Row {
        id: "leakage/candidate-addresses",
        passes: &[
            (
                "the deployment is reached at an internal address",
                |scene| {
                    let addresses = crate::probe::target::Addresses::Given(vec!["10.77.0.11".parse().unwrap()]);
                    scene.seen().addresses = Seen::Known(addresses);
                    candidate(scene).address = "10.77.0.11".to_owned();
                },
                "10.77.0.11",
            ),
            (
                "the address behind is not told",
                |scene| candidate(scene).related = Some("0.0.0.0".to_owned()),
                "",
            ),
        ],
        fails: &[
            (
                "an internal address is told",
                |scene| candidate(scene).address = "192.168.7.7".to_owned(),
                "internal: 192.168.7.7",
            ),
            (
                "an internal address stands behind",
                |scene| candidate(scene).related = Some("fd00::7".to_owned()),
                "internal: fd00::7",
            ),
        ],
        unverified: Scenes(&[
            (
                "nothing is told",
                |scene| offer(scene).candidates.clear(),
                "no address was told",
            ),
            (
                "what is told is no address",
                |scene| candidate(scene).address = "bridge.local".to_owned(),
                "bridge.local",
            ),
            (
                "nobody was invited",
                |scene| call(scene).patient.offer.result = Seen::unknown("no answer to waiting"),
                "no answer to waiting",
            ),
        ]),
    },
    Row {
        id: "availability/media-end-to-end",
        passes: &[(
            "a few packets are lost",
            |scene| media(scene).to_patient.arrived = 27,
            "27 of 30",
        )],
        fails: &[(
            "media arrives at one side alone",
            |scene| media(scene).to_clinician.arrived = 0,
            "to the clinician: 0 of 30",
        )],
        unverified: Scenes(&[(
            "the bridge is not reached",
            |scene| call(scene).media.result = Seen::unknown("no ICE check was answered"),
            "no ICE check",
        )]),
    },
];

#[test]
fn a_call_that_was_left_out_is_no_pass() {
    let mut scene = super::build::good();
    scene.seen().call = None;
    for row in ROWS {
        assert_eq!(scene.word(row.id), Some(Status::Unverified), "{}", row.id);
    }
    scene.probe_only();
    for row in ROWS {
        assert_eq!(scene.word(row.id), None, "{}", row.id);
    }
}

/// A call that went as it must.
pub(super) fn good_call(name: &str) -> CallView {
    let subject = |what: &str| format!("call {name} {what}");
    let leg = |who: &str| LegView {
        offer: saw(
            subject(&format!("{who}'s invitation")),
            Offered {
                fingerprints: vec![Fingerprint {
                    hash: "sha-256".to_owned(),
                    value: "AA".to_owned(),
                }],
                candidates: vec![Candidate {
                    kind: "host".to_owned(),
                    protocol: "udp".to_owned(),
                    address: ADDRESS.to_string(),
                    port: 10_000,
                    related: None,
                }],
                keys: Vec::new(),
            },
        ),
        secured: saw(
            subject(&format!("{who}'s path to the bridge")),
            Secured {
                path: (ADDRESS, 10_000).into(),
                version: "DTLSv1.2".to_owned(),
                suite: "ECDHE-ECDSA-AES128-GCM-SHA256".to_owned(),
                profile: Some("SRTP_AEAD_AES_128_GCM".to_owned()),
                certificate: Vouching::AsAnnounced,
            },
        ),
    };
    let flow = Flow {
        sent: 30,
        arrived: 30,
        readable: 0,
        plain_sent: 13,
        plain_arrived: 0,
    };
    CallView {
        waiting: saw(
            subject("patient at the door"),
            Waiting {
                before: Entry::Lobby { lobby: None },
                after: in_a_new_room(),
            },
        ),
        clinician: leg("clinician"),
        patient: leg("patient"),
        ice: saw(
            subject("wrong ICE credentials"),
            IceView {
                unknown_user: IceAnswer::Silent,
                wrong_password: IceAnswer::Silent,
                honest_answered: true,
            },
        ),
        media: saw(
            subject("media"),
            MediaView {
                to_patient: flow,
                to_clinician: flow,
            },
        ),
    }
}

fn call(scene: &mut Scene) -> &mut CallView {
    scene.seen().call.as_mut().unwrap()
}

fn known<T>(result: &mut Seen<T>) -> &mut T {
    match result {
        Seen::Known(value) => value,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn waiting(scene: &mut Scene) -> &mut Waiting {
    known(&mut call(scene).waiting.result)
}

fn offer(scene: &mut Scene) -> &mut Offered {
    known(&mut call(scene).patient.offer.result)
}

fn candidate(scene: &mut Scene) -> &mut Candidate {
    &mut offer(scene).candidates[0]
}

fn secured(scene: &mut Scene) -> &mut Secured {
    known(&mut call(scene).patient.secured.result)
}

fn media(scene: &mut Scene) -> &mut MediaView {
    known(&mut call(scene).media.result)
}

fn checks(scene: &mut Scene) -> &mut IceView {
    known(&mut call(scene).ice.result)
}
