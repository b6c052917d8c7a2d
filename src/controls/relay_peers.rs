//! Whether a relay carries to peers that it must refuse, judged from what its holder tried.

use std::net::IpAddr;

use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::relay::subject;
use crate::probe::Sighting;
use crate::probe::turn::view::Connects;
use crate::probe::turn::view::Echo;
use crate::probe::turn::view::HolderView;
use crate::probe::turn::view::PeerAnswer;
use crate::probe::turn::view::Peers;
use crate::probe::turn::view::Reach;
use crate::probe::turn::view::RelayView;
use crate::probe::turn::view::TcpReach;
use crate::probe::turn::view::Tried;
use crate::seen::Seen;

/// RFC 8656 16: the peer is forbidden. Any other no may have another reason.
const FORBIDDEN: u16 = 403;
/// It is of another family than the relay, as a server says that takes IPv4 inside of IPv6 for what it is.
const OTHER_FAMILY: u16 = 443;
/// The server relays no addresses of this family.
const NO_SUCH_FAMILY: u16 = 440;
/// It relays nothing of this transport.
const NO_SUCH_TRANSPORT: u16 = 442;

/// Whether a peer was permitted.
pub(super) fn granted(tried: &Tried) -> bool {
    [&tried.permission, &tried.channel]
        .iter()
        .any(|answer| matches!(answer, Seen::Known(PeerAnswer::Granted)))
}

/// Whether a peer was refused, both ways, as a forbidden one.
pub(super) fn denied(tried: &Tried) -> bool {
    [&tried.permission, &tried.channel]
        .iter()
        .all(|answer| is_forbidden(answer))
}

/// Whether any peer was permitted: the control of all that were not.
fn controlled(peers: &Peers) -> bool {
    peers.own.iter().any(granted) || granted(&peers.elsewhere)
}

fn is_forbidden(answer: &Seen<PeerAnswer>) -> bool {
    matches!(answer, Seen::Known(PeerAnswer::Refused(denial)) if [FORBIDDEN, OTHER_FAMILY].contains(&denial.code))
}

/// What was found, for one door.
#[derive(Default)]
struct Found {
    /// Carried to where it must not.
    open: Vec<String>,
    /// What keeps the rest from being shown.
    doubts: Vec<String>,
    /// What holds.
    words: Vec<String>,
}

/// Judges one door.
pub(super) fn peers_closed(case: &Case, view: &RelayView, holder: &HolderView, expected: &str) -> Verdict {
    let mut found = Found::default();
    let works = matches!(holder.v4.known(), Ok(Reach::Peers(peers)) if controlled(peers));
    family(&mut found, "IPv4", &holder.v4, false, works);
    family(&mut found, "IPv6", &holder.v6, true, works);
    let tcp_works = matches!(holder.tcp.known(), Ok(TcpReach::Connects(connects)) if tried(connects).is_some());
    connections(&mut found, "TCP", &holder.tcp, tcp_works);
    connections(&mut found, "TCP by IPv6", &holder.tcp_v6, tcp_works);
    let subject = subject(view, "peers");
    let evidence = case.sighted(&holder.v4);
    let as_whom = holder.holder.words();
    let verdict = match (found.open.is_empty(), found.doubts.is_empty()) {
        (false, _) => {
            let observed = format!("with {as_whom} it carries to {}", found.open.join(", "));
            Verdict::fail(subject, expected, observed, evidence)
        }
        (true, false) => Verdict::unverified(subject, expected, &found.doubts.join("; "), evidence),
        (true, true) => {
            let observed = format!("with {as_whom}: {}", found.words.join("; "));
            Verdict::pass(subject, expected, observed, evidence)
        }
    };
    let further = verdict.and(case.sighted(&holder.v6)).and(case.sighted(&holder.tcp));
    further.and(case.sighted(&holder.tcp_v6))
}

fn family(found: &mut Found, name: &str, seen: &Sighting<Reach>, optional: bool, works: bool) {
    let peers = match &seen.result {
        Seen::Unknown(why) => return found.doubts.push(format!("{name}: {why}")),
        Seen::Known(Reach::Refused(denial)) if optional && denial.code == NO_SUCH_FAMILY => {
            return found.words.push(format!("no relay of {name} ({})", denial.words()));
        }
        Seen::Known(Reach::Refused(denial)) => {
            return found
                .doubts
                .push(format!("{name}: no relay was given: {}", denial.words()));
        }
        Seen::Known(Reach::Peers(peers)) => peers,
    };
    for tried in &peers.forbidden {
        forbidden(found, tried);
    }
    // Where the deployment has no address of this family, the other family's control stands for it: the relay was given,
    // and its refusals name the peer as the reason.
    let control = peers.own.iter().chain([&peers.elsewhere]).find(|tried| granted(tried));
    match control {
        Some(control) => found.words.push(format!(
            "{} {name} peers are refused by CreatePermission and ChannelBind, {} is permitted{}",
            peers.forbidden.len(),
            control.peer,
            echo(peers),
        )),
        None if peers.own.is_empty() && works => {
            found
                .words
                .push(format!("{} {name} peers are refused", peers.forbidden.len()));
        }
        None => found.doubts.push(format!(
            "{name}: no peer at all is permitted, so that a refusal may mean that nothing works"
        )),
    }
}

/// What the Send indications showed. Silence shows something only where a permitted peer was heard.
fn echo(peers: &Peers) -> &'static str {
    let heard = |tried: &&Tried| matches!(tried.sent, Some(Seen::Known(Echo::Answer)));
    match peers.own.iter().find(heard) {
        Some(_) => ", and of what is sent only what goes there is answered",
        None => "; what is sent is not answered from anywhere, which proves nothing",
    }
}

fn forbidden(found: &mut Found, tried: &Tried) {
    let mut ways = Vec::new();
    for (way, answer) in [("CreatePermission", &tried.permission), ("ChannelBind", &tried.channel)] {
        match answer {
            Seen::Known(PeerAnswer::Granted) => ways.push(way),
            Seen::Known(PeerAnswer::Refused(_)) if is_forbidden(answer) => {}
            Seen::Known(PeerAnswer::Refused(denial)) => {
                let doubt = format!(
                    "{way} {} was refused for another reason: {}",
                    tried.peer,
                    denial.words()
                );
                found.doubts.push(doubt);
            }
            Seen::Unknown(why) => found.doubts.push(format!("{way} {}: {why}", tried.peer)),
        }
    }
    match &tried.sent {
        Some(Seen::Known(Echo::Answer)) => ways.push("Send"),
        Some(Seen::Unknown(why)) => found.doubts.push(format!("Send {}: {why}", tried.peer)),
        Some(Seen::Known(Echo::Nothing)) | None => {}
    }
    if !ways.is_empty() {
        found
            .open
            .push(format!("{} ({}; {})", tried.peer, tried.what, ways.join(", ")));
    }
}

fn connections(found: &mut Found, name: &str, seen: &Sighting<TcpReach>, works: bool) {
    let connects = match &seen.result {
        Seen::Unknown(why) => return found.doubts.push(format!("{name}: {why}")),
        Seen::Known(TcpReach::NotHere) => return,
        Seen::Known(TcpReach::Refused(denial))
            if [NO_SUCH_TRANSPORT, NO_SUCH_FAMILY, FORBIDDEN, 400].contains(&denial.code) =>
        {
            return found.words.push(format!("no relay of {name} ({})", denial.words()));
        }
        Seen::Known(TcpReach::Refused(denial)) => {
            return found
                .doubts
                .push(format!("{name}: no relay was given: {}", denial.words()));
        }
        Seen::Known(TcpReach::Connects(connects)) => connects,
    };
    for (peer, answer) in &connects.forbidden {
        match answer {
            Seen::Unknown(why) => found.doubts.push(format!("Connect {peer}: {why}")),
            answer if is_forbidden(answer) => {}
            Seen::Known(PeerAnswer::Refused(denial)) if !denial.is_failure_to_connect() => {
                let doubt = format!("Connect {peer} was refused for another reason: {}", denial.words());
                found.doubts.push(doubt);
            }
            Seen::Known(_) => found.open.push(format!("{peer} (Connect)")),
        }
    }
    let count = connects.forbidden.len();
    match tried(connects) {
        Some(own) => found.words.push(format!(
            "{count} connections of {name} are refused, one to {own} is not"
        )),
        // As with datagrams, the other family's control stands for one in which the deployment has no address.
        None if connects.own.is_empty() && works => {
            found.words.push(format!("{count} connections of {name} are refused"));
        }
        None => found.doubts.push(format!(
            "{name}: no connection at all is permitted, so that a refusal may mean that nothing works"
        )),
    }
}

/// The deployment's own address that the relay connected to, or tried to.
fn tried(connects: &Connects) -> Option<IpAddr> {
    let mut own = connects.own.iter();
    let found = own.find(|(_, answer)| match answer {
        Seen::Known(PeerAnswer::Granted) => true,
        Seen::Known(PeerAnswer::Refused(denial)) => denial.is_failure_to_connect(),
        Seen::Unknown(_) => false,
    });
    found.map(|(own, _)| *own)
}
