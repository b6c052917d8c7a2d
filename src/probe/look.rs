//! One whole look from outside: everything that is independent at the same time, within bounds.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::SocketAddr;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;

use crate::seen::Seen;
use crate::spec::Domain;

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
use super::tls::TlsView;
use super::web;
use super::web::WebView;
use super::xmpp;
use super::xmpp::XmppView;
use super::xmpp::clinician::Visitors;

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
    /// UDP ports asked by STUN.
    pub udp: Vec<Sighting<UdpAnswer>>,
    /// SSH ports, by address.
    pub ssh: Vec<Sighting<SshView>>,
    /// XMPP, by address.
    pub xmpp: Vec<XmppView>,
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
    let (names, tls, web, udp, ssh, xmpp) = tokio::join!(
        names::look(&target.domain, &list),
        join_all(sockets(tls_ports).into_iter().map(|at| tls::look(at, name))),
        join_all(list.iter().map(|ip| web::look(target, *ip))),
        join_all(
            sockets(target.ports.stun.clone())
                .into_iter()
                .map(|at| stun::look(at, name))
        ),
        join_all(
            sockets(vec![target.ports.ssh])
                .into_iter()
                .map(|at| ssh::look(at, name))
        ),
        one_by_one(target, &list, visitors, progress),
    );
    // The scan comes last and alone: it may make a firewall shut us out, and its load would disturb the other looks.
    let mut tcp = Vec::new();
    for ip in &list {
        tcp.extend(ports::scan(*ip, name, plan, target.ports.https, progress).await);
    }
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
        xmpp,
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
