//! The relay's look against a double that speaks the real protocol, and against servers that lie.

use std::net::IpAddr;
use std::net::SocketAddr;

use anteroom::probe::PortPlan;
use anteroom::probe::Ports;
use anteroom::probe::Target;
use anteroom::probe::Trust;
use anteroom::probe::look;
use anteroom::probe::turn::RelayTerms;
use anteroom::probe::turn::view::Allocation;
use anteroom::probe::turn::view::Echo;
use anteroom::probe::turn::view::HolderView;
use anteroom::probe::turn::view::PeerAnswer;
use anteroom::probe::turn::view::Reach;
use anteroom::probe::turn::view::RelayView;
use anteroom::probe::turn::view::TcpReach;
use anteroom::probe::turn::view::Tried;
use anteroom::probe::turn::wire::Door;
use anteroom::probe::xmpp::clinician::Visitors;
use anteroom::secret::Secret;
use anteroom::seen::Seen;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::UdpSocket;

use super::turn_double;
use super::turn_double::Rules;

const SECRET: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";

fn locked() -> Rules {
    Rules {
        secret: Some(SECRET.to_owned()),
        ends: true,
        denied: is_special,
        everything: true,
        software: None,
    }
}

/// All but public addresses, and the one address at which the tests happen.
fn is_special(address: IpAddr) -> bool {
    let own: IpAddr = "127.0.0.1".parse().unwrap();
    let public = ["198.41.0.4", "2001:503:ba3e::"].map(|text| text.parse::<IpAddr>().unwrap());
    address != own && !public.contains(&address)
}

async fn look_at(relay: SocketAddr, secret: Option<&str>) -> Vec<RelayView> {
    let target = Target {
        domain: "t.example.com".parse().unwrap(),
        addresses: vec![relay.ip()],
        ports: Ports {
            https: 1,
            http: 1,
            tls: Vec::new(),
            ssh: 1,
            xmpp: 1,
            stun: vec![relay.port()],
        },
        trust: Trust::Anything,
    };
    let visitors = Visitors {
        relay: RelayTerms {
            secret: secret.map(Secret::new),
            bridges: Vec::new(),
        },
        ..Visitors::default()
    };
    let seen = look(&target, &visitors, &PortPlan::Nothing, &|_| ()).await;
    let evidence = serde_json::to_string(&seen).unwrap();
    assert!(!evidence.contains(SECRET));
    seen.relays
}

fn code(allocation: &Allocation) -> Option<u16> {
    match allocation {
        Allocation::Refused(denial) => Some(denial.code),
        Allocation::Granted { .. } | Allocation::Absent(_) => None,
    }
}

fn holder(view: &RelayView) -> &HolderView {
    view.holder.known().unwrap()
}

fn forbidden(reach: &Reach) -> &[Tried] {
    match reach {
        Reach::Peers(peers) => &peers.forbidden,
        Reach::Refused(denial) => panic!("{denial:?}"),
    }
}

#[tokio::test]
async fn a_locked_relay_refuses_what_it_must_and_serves_who_may() {
    let relays = look_at(turn_double::start(locked()).await, Some(SECRET)).await;
    let doors: Vec<Door> = relays.iter().map(|view| view.door).collect();
    assert_eq!(doors, [Door::Udp, Door::Tcp]);
    for view in &relays {
        for refused in [&view.stranger, &view.made_up, &view.ended] {
            assert_eq!(code(refused.known().unwrap()), Some(401), "{refused:?}");
        }
        let given = view.signed.known().unwrap();
        assert!(
            matches!(given, Allocation::Granted { relay: Some(relay), lifetime: Some(600) } if relay.to_string() == "127.0.0.1:49152"),
            "{given:?}"
        );
        assert_eq!(view.software.known().unwrap(), &None);
        for family in [&holder(view).v4, &holder(view).v6] {
            let reach = family.known().unwrap();
            assert!(forbidden(reach).len() >= 12);
            for tried in forbidden(reach) {
                for answer in [&tried.permission, &tried.channel] {
                    assert!(
                        matches!(answer, Seen::Known(PeerAnswer::Refused(no)) if no.code == 403),
                        "{tried:?}"
                    );
                }
                assert_ne!(tried.sent, Some(Seen::Known(Echo::Answer)), "{tried:?}");
            }
        }
        let Reach::Peers(peers) = holder(view).v4.known().unwrap() else {
            panic!("no relay")
        };
        assert_eq!(peers.own[0].permission, Seen::Known(PeerAnswer::Granted));
        assert_eq!(peers.own[0].sent, Some(Seen::Known(Echo::Answer)));
    }
    assert_eq!(holder(&relays[0]).tcp.known().unwrap(), &TcpReach::NotHere);
    let TcpReach::Connects(connects) = holder(&relays[1]).tcp.known().unwrap() else {
        panic!("no relay of TCP")
    };
    assert_eq!(connects.forbidden.len(), 6, "the tested address itself is left out");
    assert!(
        matches!(connects.own.as_slice(), [(_, Seen::Known(PeerAnswer::Refused(no)))] if no.code == 447),
        "{connects:?}"
    );
    let TcpReach::Connects(connects) = holder(&relays[1]).tcp_v6.known().unwrap() else {
        panic!("no relay of TCP by IPv6")
    };
    assert_eq!((connects.own.len(), connects.forbidden.len()), (0, 5));
}

#[tokio::test]
async fn a_relay_without_ipv6_and_tcp_says_so_by_its_codes() {
    let rules = Rules {
        everything: false,
        ..locked()
    };
    let relays = look_at(turn_double::start(rules).await, Some(SECRET)).await;
    let by_tcp = holder(&relays[1]);
    assert!(matches!(by_tcp.v6.known().unwrap(), Reach::Refused(no) if no.code == 440));
    assert!(matches!(by_tcp.tcp.known().unwrap(), TcpReach::Refused(no) if no.code == 442));
}

#[tokio::test]
async fn a_relay_that_carries_anywhere_is_seen_to_and_stops_at_one_connection() {
    let rules = Rules {
        ends: false,
        denied: |_| false,
        software: Some("Coturn-4.6.1 'Gorst'"),
        ..locked()
    };
    let relays = look_at(turn_double::start(rules).await, Some(SECRET)).await;
    for view in &relays {
        assert!(matches!(view.ended.known().unwrap(), Allocation::Granted { .. }));
        assert_eq!(code(view.made_up.known().unwrap()), Some(401));
        assert_eq!(view.software.known().unwrap().as_deref(), Some("Coturn-4.6.1 'Gorst'"));
        for tried in forbidden(holder(view).v4.known().unwrap()) {
            assert_eq!(tried.permission, Seen::Known(PeerAnswer::Granted), "{tried:?}");
        }
    }
    let TcpReach::Connects(connects) = holder(&relays[1]).tcp.known().unwrap() else {
        panic!("no relay of TCP")
    };
    assert!(matches!(connects.forbidden.as_slice(), [(_, Seen::Known(PeerAnswer::Refused(no)))] if no.code == 447));
}

#[tokio::test]
async fn an_open_relay_serves_strangers_and_a_probe_without_a_credential_says_so() {
    let rules = Rules {
        secret: None,
        ..locked()
    };
    let relays = look_at(turn_double::start(rules).await, None).await;
    for view in &relays {
        assert!(matches!(view.stranger.known().unwrap(), Allocation::Granted { .. }));
        assert_eq!(
            view.holder.known().unwrap_err(),
            "no credential was handed out or given"
        );
        assert!(view.ended.known().unwrap_err().contains("secret"));
    }
}

/// A port on which whatever is sent by UDP and TCP gets this answer.
async fn liar(answer: &'static [u8]) -> SocketAddr {
    loop {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let Ok(listener) = TcpListener::bind(address).await else {
            continue;
        };
        tokio::spawn(async move {
            let mut buffer = [0; 2048];
            while let Ok((_, from)) = socket.recv_from(&mut buffer).await {
                socket.send_to(answer, from).await.unwrap();
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = [0; 2048];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(answer).await;
                // Held open, so that the probe has to give up by itself.
                tokio::spawn(async move { stream.read(&mut [0; 1]).await });
            }
        });
        return address;
    }
}

#[tokio::test]
async fn who_lies_about_lengths_or_speaks_otherwise_is_unknown_within_bounds() {
    for answer in [
        &b"\x01\x13\xff\xfc\x21\x12\xa4\x42aaaaaaaaaaaa"[..],
        b"\x01\x13\x00\x08\x21\x12\xa4\x42aaaaaaaaaaaa\x00\x09\x00\xff",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x01",
    ] {
        let begun = std::time::Instant::now();
        for view in look_at(liar(answer).await, Some(SECRET)).await {
            assert!(view.stranger.known().is_err(), "{view:?}");
            assert!(view.made_up.known().is_err() && view.holder.known().is_err());
        }
        assert!(begun.elapsed().as_secs() < 300);
    }
}
