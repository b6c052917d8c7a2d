//! The firewall: one nftables table of our own, and the unit that loads it before the network is up.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::render::RenderError;
use crate::render::inputs::Inputs;
use crate::render::inputs::MEDIA_PORT;
use crate::render::inputs::RELAY_PORTS;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;

const TABLE: Template = template!("etc/anteroom/firewall.nft.tera");
const UNIT: Template = template!("etc/systemd/system/anteroom-firewall.service.tera");
const AFTER_FLUSH: Template = template!("etc/systemd/system/nftables.service.d/anteroom.conf.tera");

/// Where the table is.
pub(crate) const TABLE_PATH: &str = "/etc/anteroom/firewall.nft";

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
    let view = View {
        admins_v4: of_family(true),
        admins_v6: of_family(false),
        ssh_ports: [22, inputs.ssh_port()].into(),
        media_port: MEDIA_PORT,
        relay_ports: format!("{}-{}", RELAY_PORTS.0, RELAY_PORTS.1),
    };
    tree.hardening(TABLE_PATH, access("root:root", 0o600), TABLE, &view)?;
    tree.hardening(UNIT_PATH, access("root:root", 0o644), UNIT, &view)?;
    tree.hardening(AFTER_FLUSH_PATH, access("root:root", 0o644), AFTER_FLUSH, &view)
}
