//! jicofo, the focus: it opens rooms, judges who may, and hands media to the bridge.

use serde_json::json;

use crate::catalog::policy::Component;
use crate::render::RenderError;
use crate::render::inputs::Inputs;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;

const CONF: Template = template!("etc/jitsi/jicofo/jicofo.conf.tera");
const ENVIRONMENT: Template = template!("etc/jitsi/jicofo/config.tera");

/// Where the configuration is.
pub const CONF_PATH: &str = "/etc/jitsi/jicofo/jicofo.conf";

/// Puts what jicofo reads, owned as its package leaves it.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let private = || access("jicofo:jitsi", 0o640);
    let settings = inputs.sections(Component::Jicofo)?;
    tree.file(CONF_PATH, private(), CONF, &json!({ "settings": settings }))?;
    tree.file("/etc/jitsi/jicofo/config", private(), ENVIRONMENT, &inputs.names)
}

/// The legacy file, some of whose keys still win over jicofo.conf.
pub(crate) fn forbidden() -> Vec<&'static str> {
    vec!["/etc/jitsi/jicofo/sip-communicator.properties"]
}
