//! The firewall: one nftables table of our own, and the unit that loads it before the network is up.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde::Serialize;
use serde_json::json;

use crate::render::RenderError;
use crate::render::auth::AuthView;
use crate::render::auth::KeyView;
use crate::render::inputs::Inputs;
use crate::render::inputs::MEDIA_PORT;
use crate::render::inputs::RELAY_PORTS;
use crate::render::sandbox;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;
use crate::spec::AptKeySource;

const TABLE: Template = template!("etc/anteroom/firewall.nft.tera");
const UNIT_FILE: Template = template!("etc/systemd/system/anteroom-firewall.service.tera");
const AFTER_FLUSH: Template = template!("etc/systemd/system/nftables.service.d/anteroom.conf.tera");

/// Where the table is.
pub(crate) const TABLE_PATH: &str = "/etc/anteroom/firewall.nft";

/// The unit that loads it.
pub(crate) const UNIT: &str = "anteroom-firewall.service";

/// Where its unit is.
pub(crate) const UNIT_PATH: &str = "/etc/systemd/system/anteroom-firewall.service";

/// Where the distribution's unit, which flushes all tables, is told to load ours again.
pub(crate) const AFTER_FLUSH_PATH: &str = "/etc/systemd/system/nftables.service.d/anteroom.conf";

#[derive(Serialize)]
struct View {
    admins_v4: Vec<String>,
    admins_v6: Vec<String>,
    /// 22 and the spec's port, which may be one that a router forwards to 22.
    ssh_ports: BTreeSet<u16>,
    media_port: u16,
    relay_ports: String,
    /// TCP ports of ours. Of a connection that is older than the table the kernel may see the answer first.
    served_ports: BTreeSet<u16>,
    /// TCP ports that root and apt may fetch packages from: the web's, and those of the spec's repository.
    fetch_ports: BTreeSet<u16>,
    /// Where Prosody fetches the keys of tokens.
    keys_port: Option<u16>,
    /// What else the spec allows, IPv4.
    allowed_v4: Vec<To>,
    /// IPv6.
    allowed_v6: Vec<To>,
}

/// Somebody whom the host may talk to.
#[derive(Serialize)]
struct To {
    address: String,
    port: u16,
}

/// Puts the table and its unit.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let networks: BTreeSet<ipnet::IpNet> = ipnet::IpNet::aggregate(&inputs.spec.access.admin_cidrs)
        .into_iter()
        .collect();
    let of_family = |v4: bool| {
        networks
            .iter()
            .filter(|net| net.addr().is_ipv4() == v4)
            .map(|net| net.trunc().to_string())
            .collect()
    };
    let ssh_ports = BTreeSet::from([22, inputs.ssh_port()]);
    let allowed = |v4: bool| {
        let of_family = |to: &&SocketAddr| to.is_ipv4() == v4;
        let to = |to: &SocketAddr| To {
            address: to.ip().to_string(),
            port: to.port(),
        };
        inputs.spec.egress.allow.iter().filter(of_family).map(to).collect()
    };
    let view = View {
        admins_v4: of_family(true),
        admins_v6: of_family(false),
        served_ports: ssh_ports.iter().copied().chain([80, 443, 5349]).collect(),
        ssh_ports,
        fetch_ports: fetch_ports(inputs),
        keys_port: keys_port(inputs),
        allowed_v4: allowed(true),
        allowed_v6: allowed(false),
        media_port: MEDIA_PORT,
        relay_ports: format!("{}-{}", RELAY_PORTS.0, RELAY_PORTS.1),
    };
    tree.hardening(TABLE_PATH, access("root:root", 0o600), TABLE, &view)?;
    let unit = json!({ "sandbox": sandbox::of_firewall(inputs)? });
    tree.hardening(UNIT_PATH, access("root:root", 0o644), UNIT_FILE, &unit)?;
    tree.hardening(AFTER_FLUSH_PATH, access("root:root", 0o644), AFTER_FLUSH, &view)
}

fn fetch_ports(inputs: &Inputs<'_>) -> BTreeSet<u16> {
    let source = &inputs.spec.packages.jitsi;
    let key = match &source.key {
        AptKeySource::Url(url) => Some(url.as_str()),
        AptKeySource::Armored(_) => None,
    };
    let urls = [Some(source.uri.as_str()), key].into_iter().flatten();
    urls.filter_map(port).chain([80, 443]).collect()
}

fn keys_port(inputs: &Inputs<'_>) -> Option<u16> {
    match &inputs.auth {
        AuthView::Token {
            key: KeyView::Jwks { url },
            ..
        } => port(url),
        AuthView::Token { .. } | AuthView::Internal => None,
    }
}

/// The port of a URL that goes over the network.
fn port(url: &str) -> Option<u16> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let named = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    match scheme {
        "http" => named.or(Some(80)),
        "https" => named.or(Some(443)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_urls_port_is_named_or_its_schemes() {
        for (url, expected) in [
            ("https://download.jitsi.org", Some(443)),
            ("http://10.77.0.1:8088/x:9", Some(8088)),
            ("https://user:1@mirror.example:8443/", Some(8443)),
            ("http://[fd00::1]/", Some(80)),
            ("https://[fd00::1]:444", Some(444)),
            ("file:///srv/repository", None),
            ("cdrom:x", None),
        ] {
            assert_eq!(port(url), expected, "{url}");
        }
    }
}
