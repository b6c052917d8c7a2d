//! The outside look as a whole, against doubles that play back real servers, and against OpenSSL's own TLS server.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail loudly")]

mod hostile_tls;
mod openssl;
mod relay;
mod replay_double;
mod turn_double;
mod web_double;
mod web_servers;

use anteroom::probe::PortPlan;
use anteroom::probe::Ports;
use anteroom::probe::Sightings;
use anteroom::probe::Target;
use anteroom::probe::Trust;
use anteroom::probe::look;
use anteroom::probe::xmpp::clinician::Clinician;
use anteroom::probe::xmpp::clinician::Visitors;
use anteroom::probe::xmpp::forge::Signing;
use anteroom::probe::xmpp::forge::TokenTerms;
use anteroom::probe::xmpp::forgery::Forgery;
use anteroom::probe::xmpp::guest::FocusAnswer;
use anteroom::probe::xmpp::hosts::Naming;
use anteroom::probe::xmpp::link::Transport;
use anteroom::probe::xmpp::session::Entry;
use anteroom::probe::xmpp::session::Login;
use anteroom::probe::xmpp::stanza::Refused;
use anteroom::probe::xmpp::stranger::HostOffer;
use anteroom::probe::xmpp::stranger::Registration;
use anteroom::secret::Secret;

const TOKEN_SITE: &str = include_str!("../fixtures/probe/xmpp-token.txt");
const LOCKED_SITE: &str = include_str!("../fixtures/probe/xmpp-locked.txt");
const WEAK_SITE: &str = include_str!("../fixtures/probe/xmpp-weak.txt");

const SIGNING_SECRET: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const PASSWORD: &str = "a-password-that-must-not-show";

fn target(https: u16, trust: Trust) -> Target {
    Target {
        domain: "t.example.com".parse().unwrap(),
        addresses: vec![std::net::Ipv4Addr::LOCALHOST.into()],
        ports: Ports {
            https,
            http: 1,
            tls: Vec::new(),
            ssh: 1,
            xmpp: 1,
            stun: Vec::new(),
        },
        trust,
    }
}

fn token_visitors() -> Visitors {
    Visitors {
        clinician: None,
        tokens: Some(TokenTerms {
            issuer: "clinic".to_owned(),
            audience: "jitsi".to_owned(),
            signing: Signing::Shared(Secret::new(SIGNING_SECRET)),
            longest_minutes: Some(30),
        }),
        ..Visitors::default()
    }
}

async fn look_at(recording: &str, visitors: &Visitors) -> Sightings {
    let (address, played) = replay_double::start(recording).await;
    let seen = look(
        &target(address.port(), Trust::Anything),
        visitors,
        &PortPlan::Nothing,
        &|_| (),
    )
    .await;
    let played = played.lock().unwrap();
    assert_eq!(played.surprises, Vec::<String>::new());
    assert_eq!(played.left(), 0, "the probe asked less than was recorded");
    seen
}

fn refused(login: &Login) -> Option<&Refused> {
    match login {
        Login::Refused(refused) => Some(refused),
        Login::Admitted { .. } | Login::Unbound(_) => None,
    }
}

#[tokio::test]
async fn a_site_with_tokens_keeps_strangers_guests_and_forgers_out() {
    let seen = look_at(TOKEN_SITE, &token_visitors()).await;
    assert_eq!(seen.xmpp[0].doors.len(), 2);
    for door in &seen.xmpp[0].doors {
        let stranger = &door.stranger;
        assert_eq!(stranger.mechanisms.known().unwrap(), &["ANONYMOUS"]);
        let no = refused(stranger.anonymous.known().unwrap()).unwrap();
        assert_eq!(no.text.as_deref(), Some("token required"));
        assert!(matches!(
            stranger.registration.known().unwrap(),
            Registration::Refused(_)
        ));
        assert!(matches!(
            stranger.guest_registration.known().unwrap(),
            Registration::Refused(_)
        ));
        assert!(
            matches!(stranger.accounts_host.known().unwrap(), HostOffer::Answers { mechanisms } if mechanisms.len() == 2)
        );
        let guest = &door.guest;
        let handed = guest.relays.known().unwrap();
        assert!(handed[1].kind == "turns" && handed[1].end().is_some());
        assert!(matches!(guest.login.known().unwrap(), Login::Admitted { .. }));
        assert!(guest.rooms.known().unwrap().is_empty());
        let mut parts = guest.parts.iter();
        let lobby = parts
            .find(|part| part.subject.ends_with("lobby.t.example.com"))
            .unwrap();
        assert_eq!(
            lobby.known(),
            Ok(&Vec::new()),
            "a dropped question is no list, and no trouble"
        );
        assert!(lobby.transcript.concat().contains("urn:xmpp:ping"));
        assert!(matches!(guest.new_room.known().unwrap(), Entry::Refused(no) if no.condition == "not-allowed"));
        assert!(matches!(guest.focus.known().unwrap(), FocusAnswer::Ready { .. }));
        assert!(matches!(
            guest.before_host.known().unwrap(),
            Entry::Lobby { lobby: Some(_) }
        ));
        // The packages' modules alone take any text for a token, once the session is a guest's.
        assert!(matches!(guest.made_up_token.known().unwrap(), Entry::Entered { .. }));
        assert!(matches!(guest.brewery.known().unwrap(), Entry::Ignored(no) if no.condition == "item-not-found"));
    }
    let clinician = seen.xmpp[0].clinician.as_ref().unwrap();
    assert!(matches!(clinician.login.known().unwrap(), Login::Admitted { .. }));
    assert!(matches!(clinician.focus.known().unwrap(), FocusAnswer::Ready { .. }));
    assert!(matches!(
        clinician.guest_before_host.known().unwrap(),
        Entry::Lobby { .. }
    ));
    let wrong = clinician.wrong_room.as_ref().unwrap();
    assert!(matches!(wrong.known().unwrap(), Entry::Refused(_)));
    assert!(matches!(clinician.entry.known().unwrap(), Entry::Entered { .. }));
    // Forged tokens were recorded at the first door only, and an honest one before them.
    let honest = seen.xmpp[0].honest[0].login.known().unwrap();
    assert!(matches!(honest, Login::Admitted { .. }));
    // After them nothing was recorded, and the double says no to everybody.
    let again = seen.xmpp[0].honest[0].again.as_ref().unwrap();
    assert!(refused(again.known().unwrap()).is_some());
    for forged in &seen.xmpp[0].forgeries {
        // Jitsi's own check takes tokens without an end; the recorded server does too.
        let expected = forged.forgery != Forgery::WithoutExpiry || forged.transport == Transport::Bosh;
        assert_eq!(
            refused(forged.login.known().unwrap()).is_some(),
            expected,
            "{:?}",
            forged.forgery
        );
    }
    // All but those that need a public key, at both doors.
    assert_eq!(seen.xmpp[0].forgeries.len(), 2 * (Forgery::ALL.len() - 3));

    let web = &seen.web[0];
    let config = web.config.known().unwrap();
    assert!(
        config
            .mentions
            .known()
            .unwrap()
            .iter()
            .all(|m| !m.is_foreign_to("t.example.com"))
    );
    let page = web.page.known().unwrap();
    assert!(
        page.mentions
            .known()
            .unwrap()
            .iter()
            .any(|m| m.host == "cdn.example.net" && m.place == "src")
    );
    assert_eq!(
        page.response.header("strict-transport-security"),
        Some("max-age=63072000")
    );
    let chain = seen.tls[0].chain.known().unwrap();
    assert!(chain.certificates[0].covers("t.example.com"));

    let evidence = serde_json::to_string(&seen).unwrap();
    assert!(!evidence.contains("eyJ"), "no token may show in evidence");
    assert!(!evidence.contains(SIGNING_SECRET) && !evidence.contains(replay_double::RELAY_PASSWORD));
}

#[tokio::test]
async fn a_locked_site_offers_no_login_to_services_and_drops_made_up_tokens() {
    let locked = look_at(LOCKED_SITE, &token_visitors()).await;
    for door in &locked.xmpp[0].doors {
        let entry = door.guest.made_up_token.known().unwrap();
        assert!(matches!(entry, Entry::Lobby { .. }));
        let offer = door.stranger.accounts_host.known().unwrap();
        assert!(matches!(offer, HostOffer::Answers { mechanisms } if mechanisms.is_empty()));
    }
}

#[tokio::test]
async fn a_site_as_it_was_installed_lets_guests_into_the_bridges_room() {
    let visitors = Visitors {
        clinician: Some(Clinician::Account {
            user: "dr.jones".to_owned(),
            password: Secret::new(PASSWORD),
        }),
        ..Visitors::default()
    };
    let seen = look_at(WEAK_SITE, &visitors).await;
    for door in &seen.xmpp[0].doors {
        assert_eq!(door.stranger.registration.known().unwrap(), &Registration::Offered);
        for entry in [&door.guest.new_room, &door.guest.brewery] {
            assert!(matches!(entry.known().unwrap(), Entry::Entered { affiliation, .. } if affiliation == "owner"));
        }
        assert!(
            matches!(door.guest.focus.known().unwrap(), FocusAnswer::Refused(no) if no.condition == "not-authorized")
        );
    }
    let clinician = seen.xmpp[0].clinician.as_ref().unwrap();
    assert!(matches!(clinician.login.known().unwrap(), Login::Admitted { jid } if jid.starts_with("dr.jones@")));
    assert!(matches!(clinician.entry.known().unwrap(), Entry::Entered { .. }));
    assert!(clinician.wrong_room.is_none());
    assert!(!serde_json::to_string(&seen).unwrap().contains(PASSWORD));
}

#[tokio::test]
async fn a_given_token_is_forged_without_a_key_and_a_site_is_asked_by_its_own_names() {
    let visitors = Visitors {
        clinician: Some(Clinician::Token(Secret::new(
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb29tIjoidmlzaXQtNyJ9.c2lnbmF0dXJl",
        ))),
        naming: Naming::AsServed,
        ..Visitors::default()
    };
    let seen = look_at("", &visitors).await;
    let shown: Vec<Forgery> = seen.xmpp[0].forgeries.iter().map(|forged| forged.forgery).collect();
    assert_eq!(shown.len(), 2 * 12);
    assert!(shown.contains(&Forgery::Tampered) && !shown.contains(&Forgery::Expired));
    let asked = seen.xmpp[0].doors[0].stranger.rooms.transcript.concat();
    assert!(asked.contains("to='rooms.t.example.com'"), "{asked}");
    assert!(!serde_json::to_string(&seen).unwrap().contains("eyJ"));
}

#[tokio::test]
async fn no_credential_is_sent_to_a_server_that_nobody_vouches_for() {
    let (address, played) = replay_double::start(TOKEN_SITE).await;
    let wrong_leaf = Trust::Leaf("00".repeat(32));
    let seen = look(
        &target(address.port(), wrong_leaf),
        &token_visitors(),
        &PortPlan::Nothing,
        &|_| (),
    )
    .await;
    let clinician = seen.xmpp[0].clinician.as_ref().unwrap();
    let why = clinician.login.known().unwrap_err();
    assert!(why.contains("SHA-256"), "{why}");
    assert!(
        seen.xmpp[0]
            .forgeries
            .iter()
            .all(|forged| forged.login.known().is_err())
    );
    let said = played.lock().unwrap().surprises.concat();
    assert!(!said.contains("PLAIN") && !said.contains("eyJ"));
}

#[tokio::test]
async fn a_server_that_is_down_is_unknown_and_never_strict() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let seen = look(
        &target(port, Trust::Anything),
        &token_visitors(),
        &PortPlan::Nothing,
        &|_| (),
    )
    .await;
    assert!(seen.tls[0].versions.values().all(|offer| offer.known().is_err()));
    for door in &seen.xmpp[0].doors {
        assert!(door.stranger.anonymous.known().is_err());
        assert!(door.guest.brewery.known().is_err());
    }
    assert!(
        seen.xmpp[0]
            .forgeries
            .iter()
            .all(|forged| forged.login.known().is_err())
    );
    assert!(seen.web[0].page.known().is_err());
}
