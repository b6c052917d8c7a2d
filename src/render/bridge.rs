//! jitsi-videobridge: it decrypts and forwards the media of a room.

use serde_json::json;

use crate::catalog::policy::Component;
use crate::render::RenderError;
use crate::render::inputs::Inputs;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;

const CONF: Template = template!("etc/jitsi/videobridge/jvb.conf.tera");
const ENVIRONMENT: Template = template!("etc/jitsi/videobridge/config.tera");

/// Where the configuration is.
pub const CONF_PATH: &str = "/etc/jitsi/videobridge/jvb.conf";

/// Puts what the bridge reads, owned as its package leaves it.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let private = || access("jvb:jitsi", 0o640);
    let settings = inputs.sections(Component::Videobridge)?;
    tree.file(CONF_PATH, private(), CONF, &json!({ "settings": settings }))?;
    tree.file("/etc/jitsi/videobridge/config", private(), ENVIRONMENT, &inputs.names)
}

/// The legacy file, some of whose keys still win over jvb.conf.
pub(crate) fn forbidden() -> Vec<&'static str> {
    vec!["/etc/jitsi/videobridge/sip-communicator.properties"]
}
