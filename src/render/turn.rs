//! coturn: relays media for clients whose network lets nothing else through, to the bridge and nowhere else.

use serde_json::json;

use crate::catalog::policy::Component;
use crate::render::RenderError;
use crate::render::inputs::Inputs;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;

const CONF: Template = template!("etc/turnserver.conf.tera");
const DEFAULT: Template = template!("etc/default/coturn.tera");

/// Where the configuration is.
pub(crate) const CONF_PATH: &str = "/etc/turnserver.conf";

/// Puts what coturn reads.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let settings = json!({ "settings": inputs.sections(Component::Coturn)? });
    tree.file(CONF_PATH, access("root:turnserver", 0o640), CONF, &settings)?;
    tree.file("/etc/default/coturn", access("root:root", 0o644), DEFAULT, &settings)
}
