//! coturn: relays media for clients whose network lets nothing else through, to the bridge and nowhere else.

use std::net::IpAddr;

use serde::Serialize;

use crate::render::RenderError;
use crate::render::inputs::Inputs;
use crate::render::inputs::RELAY_PORTS;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;
use crate::render::web;
use crate::spec::TlsProfile;

const CONF: Template = template!("etc/turnserver.conf.tera");
const DEFAULT: Template = template!("etc/default/coturn.tera");

#[derive(Serialize)]
struct View<'a> {
    realm: &'a str,
    secret: String,
    certificate: &'a str,
    key: &'a str,
    first_port: u16,
    last_port: u16,
    /// `public/own`, behind NAT.
    external: Option<String>,
    /// The bridge's addresses: where relayed media may go. When they are known, all others are denied.
    peers: Vec<IpAddr>,
    only_tls13: bool,
}

/// Puts what coturn reads.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let pair = web::pair(inputs);
    let view = View {
        realm: &inputs.names.domain,
        secret: Inputs::slot("turn"),
        certificate: &pair.certificate,
        key: &pair.key,
        first_port: RELAY_PORTS.0,
        last_port: RELAY_PORTS.1,
        external: inputs
            .addresses
            .translated()
            .map(|(own, public)| format!("{public}/{own}")),
        peers: inputs.addresses.all().into_iter().collect(),
        only_tls13: inputs.spec.security.tls_profile == TlsProfile::Modern,
    };
    tree.file("/etc/turnserver.conf", access("root:turnserver", 0o640), CONF, &view)?;
    tree.file("/etc/default/coturn", access("root:root", 0o644), DEFAULT, &view)
}
