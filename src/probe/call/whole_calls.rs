//! Whole calls against a site in this process: signalling and media.

use std::time::Duration;

use tokio::time::Instant;

use crate::probe::Clinician;
use crate::probe::Entry;
use crate::probe::Visitors;
use crate::probe::trust;
use crate::probe::xmpp::clinician;
use crate::probe::xmpp::clinician::Credential;
use crate::probe::xmpp::hosts::Hosts;
use crate::probe::xmpp::link::Endpoint;
use crate::probe::xmpp::link::Transport;
use crate::secret::Secret;
use crate::seen::Seen;

use super::Calling;
use super::double::Bridge;
use super::double::Fault;
use super::participant;
use super::site::DOMAIN;
use super::site::Door;
use super::site::Focus;
use super::site::Site;
use super::view::CallView;

fn endpoint(site: &Site) -> Endpoint {
    Endpoint {
        domain: DOMAIN.to_owned(),
        hosts: Hosts::usual(DOMAIN),
        address: site.address,
        transport: Transport::WebSocket,
        tls: trust::any_certificate(),
        until: Instant::now() + Duration::from_secs(60),
    }
}

async fn call(door: Door, focus: Focus) -> CallView {
    let site = Site::serve(door, focus, Bridge::with(Fault::Nothing).await).await;
    let endpoint = endpoint(&site);
    let visitors = Visitors {
        clinician: Some(Clinician::Account {
            user: "probe".to_owned(),
            password: Secret::new("a password"),
        }),
        call: Calling::Once,
        ..Visitors::default()
    };
    participant::call(&endpoint, &endpoint, &visitors).await
}

#[tokio::test]
async fn a_whole_call_shows_the_wait_the_ways_and_the_media() {
    let view = call(Door::WaitsForHost, Focus::Invites).await;
    let waiting = view.waiting.known().unwrap();
    assert!(matches!(waiting.before, Entry::Lobby { .. }), "{waiting:?}");
    assert!(matches!(waiting.after, Entry::Entered { .. }), "{waiting:?}");
    for leg in [&view.clinician, &view.patient] {
        assert_eq!(leg.offer.known().unwrap().candidates.len(), 1);
        let profile = leg.secured.known().unwrap().profile.as_deref();
        assert_eq!(profile, Some("SRTP_AEAD_AES_128_GCM"));
    }
    assert!(view.ice.known().unwrap().honest_answered);
    let media = view.media.known().unwrap();
    assert!(
        media.to_patient.arrived >= 27 && media.to_clinician.arrived >= 27,
        "{media:?}"
    );
    let told = serde_json::to_string(&view).unwrap();
    assert!(!told.contains("a-password-of-the-bridge"), "{told}");
}

#[tokio::test]
async fn a_focus_that_was_leaving_is_asked_back_until_the_clinician_owns_the_room() {
    let site = Site::serve(Door::WaitsForHost, Focus::Leaves, Bridge::with(Fault::Nothing).await).await;
    let endpoint = endpoint(&site);
    let account = Credential::Account {
        user: "probe".to_owned(),
        password: Secret::new("a password"),
    };
    let (mut session, _) = clinician::log_in(&endpoint, &account).await.unwrap();
    let room = format!("visit@{}", endpoint.hosts.rooms);
    let entry = clinician::enter_opened(&mut session, &endpoint.hosts.focus, &room).await;
    assert!(matches!(entry, Ok(Entry::Entered { .. })), "{entry:?}");
    assert!(session.becomes_owner(Duration::ZERO).await.unwrap());
}

#[tokio::test]
async fn an_open_door_is_seen_and_the_call_goes_on() {
    let view = call(Door::Open, Focus::Invites).await;
    let waiting = view.waiting.known().unwrap();
    assert!(matches!(waiting.before, Entry::Entered { .. }), "{waiting:?}");
    assert!(view.media.result.known().is_ok());
}

#[tokio::test]
async fn a_patient_who_never_gets_in_leaves_the_call_unseen() {
    let view = call(Door::Shut, Focus::Invites).await;
    assert!(matches!(view.waiting.known().unwrap().after, Entry::Lobby { .. }));
    let why = view.media.known().unwrap_err();
    assert!(why.contains("did not get into the room"), "{why}");
}

#[tokio::test]
async fn a_focus_that_does_not_invite_leaves_the_media_unseen() {
    let view = call(Door::WaitsForHost, Focus::Sleeps).await;
    let why = view.patient.offer.known().unwrap_err();
    assert!(why.contains("invitation to a call"), "{why}");
    assert!(matches!(view.media.result, Seen::Unknown(_)));
}

#[tokio::test]
async fn a_focus_that_takes_no_acceptance_leaves_the_media_unseen() {
    let view = call(Door::WaitsForHost, Focus::Refuses).await;
    assert!(view.patient.offer.known().is_ok());
    let why = view.media.known().unwrap_err();
    assert!(why.contains("bad-request"), "{why}");
}
