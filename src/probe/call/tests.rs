//! Calls of two participants over loopback with a bridge that is sound or has one fault.

use super::double::Bridge;
use super::double::Fault;
use super::leg::Leg;
use super::media;
use super::media::Outcome;
use super::media::Party;
use super::view::Flow;
use super::view::IceAnswer;
use super::view::IceView;
use super::view::Vouching;

async fn call(fault: Fault) -> Outcome {
    let mut bridge = Bridge::with(fault).await;
    let (one, two) = (bridge.offer(0), bridge.offer(1));
    let (mine, theirs) = ([1; 16], [2; 16]);
    let mut parties = [
        Party {
            leg: Leg::prepare(&one, mine, theirs).await.unwrap(),
            offer: one,
        },
        Party {
            leg: Leg::prepare(&two, theirs, mine).await.unwrap(),
            offer: two,
        },
    ];
    for (which, party) in parties.iter().enumerate() {
        bridge.accepted(which, &party.leg.own);
    }
    let running = bridge.run();
    let [clinician, patient] = &mut parties;
    let outcome = media::run(clinician, patient).await;
    running.abort();
    outcome
}

fn flows(outcome: &Outcome) -> [Flow; 2] {
    let media = outcome.media.as_ref().unwrap();
    [media.to_patient, media.to_clinician]
}

#[tokio::test]
async fn a_sound_bridge_carries_media_both_ways_and_takes_nothing_else() {
    let outcome = call(Fault::Nothing).await;
    for secured in [&outcome.clinician, &outcome.patient] {
        let secured = secured.as_ref().unwrap();
        assert_eq!(secured.profile.as_deref(), Some("SRTP_AEAD_AES_128_GCM"));
        assert_eq!(
            (secured.version.as_str(), secured.certificate),
            ("DTLSv1.2", Vouching::AsAnnounced)
        );
    }
    for flow in flows(&outcome) {
        assert!(flow.arrived * 10 >= flow.sent * 9, "{flow:?}");
        assert!(flow.plain_sent >= 10, "{flow:?}");
        assert_eq!((flow.readable, flow.plain_arrived), (0, 0));
    }
    let expected = IceView {
        unknown_user: IceAnswer::Silent,
        wrong_password: IceAnswer::Silent,
        honest_answered: true,
    };
    assert_eq!(outcome.ice, Ok(expected));
}

#[tokio::test]
async fn plain_packets_are_seen_to_pass_in_whatever_shape() {
    for fault in [Fault::ForwardsPlain, Fault::SealsPlain] {
        for flow in flows(&call(fault).await) {
            assert!(flow.arrived > 0 && flow.plain_arrived >= 10, "{fault:?} {flow:?}");
        }
    }
}

#[tokio::test]
async fn media_that_leaves_the_bridge_unprotected_is_seen() {
    for flow in flows(&call(Fault::SendsReadable).await) {
        assert!(flow.arrived == 0 && flow.readable >= 20, "{flow:?}");
    }
}

#[tokio::test]
async fn media_that_is_swallowed_or_sent_back_does_not_arrive() {
    for fault in [Fault::Swallows, Fault::Echoes] {
        for flow in flows(&call(fault).await) {
            assert_eq!((flow.arrived, flow.plain_arrived), (0, 0), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_yes_to_anyone_is_told_from_a_refusal() {
    let answers = call(Fault::AnswersAnyone).await.ice.unwrap();
    assert_eq!(
        (answers.unknown_user, answers.wrong_password),
        (IceAnswer::Accepted, IceAnswer::Accepted)
    );
    let answers = call(Fault::RefusesLoudly).await.ice.unwrap();
    assert_eq!(
        (answers.unknown_user, answers.wrong_password),
        (IceAnswer::Silent, IceAnswer::Refused(401))
    );
}

#[tokio::test]
async fn a_bridge_that_answers_nobody_leaves_everything_open() {
    let outcome = call(Fault::AnswersNobody).await;
    let why = outcome.clinician.unwrap_err();
    assert!(why.contains("no ICE check was answered at 127.0.0.1:"), "{why}");
    assert!(outcome.ice.is_err() && outcome.media.is_err());
}

#[tokio::test]
async fn what_was_agreed_on_is_told() {
    let old = call(Fault::OldProfile).await;
    assert_eq!(
        old.patient.as_ref().unwrap().profile.as_deref(),
        Some("SRTP_AES128_CM_SHA1_80")
    );
    assert!(flows(&old)[0].arrived > 0);
    let weak = call(Fault::WeakFingerprint).await;
    assert_eq!(weak.patient.unwrap().certificate, Vouching::AsAnnounced);
    let other = call(Fault::OtherFingerprint).await;
    assert_eq!(other.patient.unwrap().certificate, Vouching::Another);
}

#[tokio::test]
async fn an_address_that_is_not_reached_does_not_stop_the_call() {
    let outcome = call(Fault::PrivateCandidate).await;
    assert!(outcome.patient.unwrap().path.ip().is_loopback());
}
