//! What the relay and the internal endpoints of a locked site show.

use std::net::IpAddr;
use std::net::SocketAddr;

use crate::probe::inside::InsideView;
use crate::probe::inside::Knock;
use crate::probe::inside::Likeness;
use crate::probe::inside::PathAnswer;
use crate::probe::inside::PortAnswer;
use crate::probe::inside::WebAnswer;
use crate::probe::turn::credential::Holder;
use crate::probe::turn::view::Allocation;
use crate::probe::turn::view::HolderView;
use crate::probe::turn::view::PeerAnswer;
use crate::probe::turn::view::Peers;
use crate::probe::turn::view::Reach;
use crate::probe::turn::view::RelayView;
use crate::probe::turn::view::TcpReach;
use crate::probe::turn::view::Tried;
use crate::probe::turn::wire::Door;
use crate::seen::Seen;

use super::build::ADDRESS;
use super::relay::forbidden;
use super::relay::given;
use super::relay::no;
use super::sightings::saw;

/// The doors of a relay that is locked, by UDP and TLS; nothing listens by TCP.
pub(super) fn views(name: &str) -> Vec<RelayView> {
    [(Door::Udp, 3478), (Door::Tcp, 3478), (Door::Tls, 5349)]
        .map(|(door, port)| view(name, door, port))
        .into()
}

fn view(name: &str, door: Door, port: u16) -> RelayView {
    let subject = |what: &str| format!("{}://{name}:{port} {what}", door.scheme());
    let refused = |what: &str| saw(subject(what), Allocation::Refused(no(401)));
    let absent = "connection refused".to_owned();
    RelayView {
        address: SocketAddr::new(ADDRESS, port),
        door,
        stranger: match door {
            Door::Tcp => saw(subject("without a credential"), Allocation::Absent(absent)),
            Door::Udp | Door::Tls => refused("without a credential"),
        },
        made_up: refused("made-up credential"),
        ended: refused("ended credential"),
        signed: saw(subject("signed credential"), given()),
        software: saw(subject("software name"), None),
        holder: Seen::Known(HolderView {
            holder: Holder::Guest,
            v4: saw(
                subject("IPv4 peers"),
                Reach::Peers(family(ADDRESS, "198.41.0.4", "127.0.0.1")),
            ),
            v6: saw(
                subject("IPv6 peers"),
                Reach::Peers(Peers {
                    own: Vec::new(),
                    ..family(ADDRESS, "2001:503:ba3e::", "::1")
                }),
            ),
            tcp: saw(subject("IPv4 TCP peers"), TcpReach::Refused(no(442))),
            tcp_v6: saw(subject("IPv6 TCP peers"), TcpReach::Refused(no(442))),
        }),
    }
}

fn family(own: IpAddr, elsewhere: &str, loopback: &str) -> Peers {
    let tried = |peer: IpAddr, what: &str, answer: Seen<PeerAnswer>| Tried {
        peer,
        what: what.to_owned(),
        permission: answer.clone(),
        channel: answer,
        sent: None,
    };
    Peers {
        relay: Some(SocketAddr::new(own, 49_152)),
        own: vec![tried(own, "the deployment's own", Seen::Known(PeerAnswer::Granted))],
        elsewhere: tried(elsewhere.parse().unwrap(), "a stranger", forbidden()),
        forbidden: vec![tried(loopback.parse().unwrap(), "loopback", forbidden())],
    }
}

/// A site that passes nothing on, and ports that take no connection.
pub(super) fn inside(name: &str) -> InsideView {
    InsideView {
        address: ADDRESS,
        through_site: saw(
            format!("https://{name} internal paths"),
            vec![PathAnswer {
                path: "/colibri/stats".to_owned(),
                answer: Seen::Known(WebAnswer {
                    status: 404,
                    kind: None,
                    length: 9,
                    likeness: Likeness::AsMadeUp,
                }),
            }],
        ),
        direct: saw(
            format!("tcp://{name} internal ports"),
            vec![PortAnswer {
                port: 8888,
                what: "the focus's REST".to_owned(),
                answer: Seen::Known(Knock::Shut),
            }],
        ),
    }
}
