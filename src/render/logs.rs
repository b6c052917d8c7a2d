//! How long logs stay on the host.

use serde::Serialize;
use serde_json::json;

use crate::catalog::policy::Component;
use crate::render::RenderError;
use crate::render::inputs::Inputs;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;

const JICOFO: Template = template!("etc/logrotate.d/jicofo.tera");
const NGINX: Template = template!("etc/logrotate.d/nginx.tera");
const PROSODY: Template = template!("etc/logrotate.d/prosody.tera");
const VIDEOBRIDGE: Template = template!("etc/logrotate.d/jitsi-videobridge.tera");
const JOURNAL: Template = template!("etc/systemd/journald.conf.d/anteroom.conf.tera");

/// Where the journal's drop-in is.
pub const JOURNAL_PATH: &str = "/etc/systemd/journald.conf.d/anteroom.conf";

#[derive(Serialize)]
struct View {
    days: u32,
}

/// Puts the rotation of the services' files, in place of the packages' own, and of the journal.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let view = View {
        days: inputs.spec.logging.retention_days,
    };
    let open = || access("root:root", 0o644);
    tree.file("/etc/logrotate.d/jicofo", open(), JICOFO, &view)?;
    tree.file("/etc/logrotate.d/jitsi-videobridge", open(), VIDEOBRIDGE, &view)?;
    tree.file("/etc/logrotate.d/nginx", open(), NGINX, &view)?;
    tree.file("/etc/logrotate.d/prosody", open(), PROSODY, &view)?;
    tree.dir("/etc/systemd/journald.conf.d", access("root:root", 0o755))?;
    let settings = json!({ "settings": inputs.sections(Component::Journal)? });
    tree.file(JOURNAL_PATH, open(), JOURNAL, &settings)
}
