//! One whole look from outside: everything that is independent at the same time, within bounds.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::SocketAddr;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;

use crate::seen::Seen;
use crate::spec::Domain;

use super::call;
use super::call::CallView;
use super::inside;
use super::inside::InsideView;
use super::names;
use super::names::Names;
use super::ports;
use super::ports::PortScan;
use super::sighting;
use super::sighting::Sighting;
use super::ssh;
use super::ssh::SshView;
use super::stun;
use super::stun::UdpAnswer;
use super::target::Addresses;
use super::target::PortPlan;
use super::target::Target;
use super::tls;
use super::tls::Listening;
use super::tls::TlsView;
use super::tls::line::Entrance;
use super::tls::starttls;
use super::tls::starttls::StartTls;
use super::tls::starttls::StreamView;
use super::turn;
use super::turn::credential::Credential;
use super::turn::credential::Holder;
use super::turn::view::RelayView;
use super::udp;
use super::web;
use super::web::WebView;
use super::xmpp;
use super::xmpp::XmppView;
use super::xmpp::clinician::Visitors;
use super::xmpp::relays;

/// Most ports that are asked for TLS because the scan found them open.
const MOST_FURTHER_PORTS: usize = 32;

/// All that was seen of a server from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sightings {
    /// The domain that was asked for.
    pub domain: Domain,
    /// When the look began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// The addresses that were looked at. Unknown means that nothing below was.
    pub addresses: Seen<Addresses>,
    /// Where the domain leads, and the names of the addresses.
    pub names: Names,
    /// The local address that each of them was looked at from, where known.
    pub vantage: BTreeMap<IpAddr, IpAddr>,
    /// TLS listeners: the site's, then the further ones.
    pub tls: Vec<TlsView>,
    /// Web servers, by address.
    pub web: Vec<WebView>,
    /// TCP scans, by address; empty where none was planned.
    pub tcp: Vec<Sighting<PortScan>>,
    /// UDP ports asked by STUN, then the known UDP services, each in its own protocol.
    pub udp: Vec<Sighting<UdpAnswer>>,
    /// SSH ports, by address.
    pub ssh: Vec<Sighting<SshView>>,
    /// XMPP's own port for clients, by address.
    pub streams: Vec<Sighting<StreamView>>,
    /// XMPP, by address.
    pub xmpp: Vec<XmppView>,
    /// The relay's doors, by address.
    pub relays: Vec<RelayView>,
    /// What is nobody's business outside, by address.
    pub inside: Vec<InsideView>,
    /// A call of a clinician and a patient; `None` where none was asked for.
    pub call: Option<CallView>,
}

/// Looks at a server from outside: at all its addresses at once, each as a stranger, a guest, and, as far as `visitors`
/// allows, a clinician. `progress` is told what begins.
pub async fn look(
    target: &Target,
    visitors: &Visitors,
    plan: &PortPlan,
    progress: &(dyn Fn(&str) + Sync),
) -> Sightings {
    let started = Timestamp::now();
    let addresses = target.resolve().await;
    let list: Vec<IpAddr> = addresses.known().map(|found| found.list().to_vec()).unwrap_or_default();
    let name = target.domain.as_str();
    let sockets = |ports: Vec<u16>| -> Vec<SocketAddr> {
        list.iter()
            .flat_map(|ip| ports.iter().map(|port| SocketAddr::new(*ip, *port)))
            .collect()
    };
    let mut tls_ports = vec![target.ports.https];
    tls_ports.extend(target.ports.tls.iter().filter(|port| **port != target.ports.https));

    progress(&format!("looking at {name} from outside"));
    let (names, mut tls, (streams, behind), web, stun, services, inside, ssh, xmpp) = tokio::join!(
        names::look(&target.domain, &list),
        join_all(
            sockets(tls_ports)
                .into_iter()
                .map(|at| tls::look(at, name, Entrance::Direct))
        ),
        streams(sockets(vec![target.ports.xmpp]), name),
        join_all(list.iter().map(|ip| web::look(target, *ip))),
        join_all(
            sockets(target.ports.stun.clone())
                .into_iter()
                .map(|at| stun::look(at, name))
        ),
        join_all(list.iter().map(|ip| udp::look(*ip, name))),
        join_all(list.iter().map(|ip| inside::look(target, *ip))),
        join_all(
            sockets(vec![target.ports.ssh])
                .into_iter()
                .map(|at| ssh::look(at, name))
        ),
        one_by_one(target, &list, visitors, progress),
    );
    let udp = stun.into_iter().chain(services.into_iter().flatten()).collect();
    // The relay comes after XMPP, which hands out the credentials for it.
    progress(&format!("asking the relay of {name} for more than it may give"));
    let handed = handed(&xmpp);
    let relays = list
        .iter()
        .map(|ip| turn::look(target, *ip, &list, &visitors.relay, handed.as_ref()));
    let relays = join_all(relays).await.into_iter().flatten().collect();
    let call = call::look(target, list.first().copied(), visitors, progress).await;
    // The scan comes last and alone: it may make a firewall shut us out, and its load would disturb the other looks.
    let mut tcp = Vec::new();
    for ip in &list {
        let before = listening(&tls, *ip);
        tcp.extend(ports::scan(*ip, name, plan, target.ports.https, &before, progress).await);
    }
    tls.extend(behind);
    let others = further(&tcp, target);
    tls.extend(
        join_all(others.into_iter().map(|at| at_another_port(at, name)))
            .await
            .into_iter()
            .flatten(),
    );
    let vantage = list
        .iter()
        .filter_map(|ip| Some((*ip, sighting::local_address(*ip)?)))
        .collect();
    Sightings {
        domain: target.domain.clone(),
        started,
        finished: Timestamp::now(),
        addresses,
        names,
        vantage,
        tls,
        web,
        tcp,
        udp,
        ssh,
        streams,
        xmpp,
        relays,
        inside,
        call,
    }
}

/// A credential for the relay as a guest gets it, else as a clinician does.
fn handed(xmpp: &[XmppView]) -> Option<Credential> {
    let doors = xmpp.iter().flat_map(|view| &view.doors);
    let guests = doors.map(|door| (&door.guest.relays, Holder::Guest));
    let clinicians = xmpp.iter().filter_map(|view| view.clinician.as_ref());
    let clinicians = clinicians.map(|view| (&view.relays, Holder::Clinician));
    guests
        .chain(clinicians)
        .find_map(|(handed, holder)| relays::credential(handed.known().ok()?, holder))
}

/// XMPP's own ports, and the TLS behind those that offer it.
async fn streams(ports: Vec<SocketAddr>, name: &str) -> (Vec<Sighting<StreamView>>, Vec<TlsView>) {
    let streams = join_all(ports.iter().map(|at| starttls::look(*at, name))).await;
    let offered = ports.iter().zip(&streams).filter(
        |(_, stream)| matches!(stream.known(), Ok(StreamView::Speaks(offer)) if offer.starttls != StartTls::Absent),
    );
    let behind = join_all(offered.map(|(at, _)| tls::look(*at, name, Entrance::Xmpp))).await;
    (streams, behind)
}

/// The ports of an address that took a connection when their TLS was looked at.
fn listening(tls: &[TlsView], ip: IpAddr) -> BTreeSet<u16> {
    tls.iter()
        .filter(|view| view.address.ip() == ip && view.listening.known() == Ok(&Listening::Yes))
        .map(|view| view.address.port())
        .collect()
}

/// Ports that the scan found and nobody has looked at by name.
fn further(tcp: &[Sighting<PortScan>], target: &Target) -> Vec<SocketAddr> {
    let ports = &target.ports;
    let known =
        |port: u16| [ports.https, ports.http, ports.ssh, ports.xmpp].contains(&port) || ports.tls.contains(&port);
    tcp.iter()
        .filter_map(|scan| Some((scan.to?.ip(), scan.known().ok()?)))
        .flat_map(|(ip, scan)| scan.open.iter().map(move |port| SocketAddr::new(ip, *port)))
        .filter(|at| !known(at.port()))
        .take(MOST_FURTHER_PORTS)
        .collect()
}

/// The TLS of a port that was found by the scan, where it speaks TLS or cannot be asked any more.
async fn at_another_port(at: SocketAddr, name: &str) -> Option<TlsView> {
    match tls::speaks(at, name).await {
        Ok(true) => Some(tls::look(at, name, Entrance::Direct).await),
        Ok(false) => None,
        Err(why) => Some(tls::unseen(at, name, &why)),
    }
}

/// The addresses usually lead to one server, whose rate limit counts logins.
async fn one_by_one(
    target: &Target,
    list: &[IpAddr],
    visitors: &Visitors,
    progress: &(dyn Fn(&str) + Sync),
) -> Vec<XmppView> {
    let mut views = Vec::new();
    for ip in list {
        views.push(xmpp::look(target, *ip, visitors, progress).await);
    }
    views
}
