//! The kernel's settings, as systemd-sysctl writes them at boot.

use serde_json::json;

use crate::catalog::policy::Component;
use crate::render::RenderError;
use crate::render::inputs::Inputs;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;

const SETTINGS: Template = template!("etc/sysctl.d/zz-anteroom.conf.tera");

/// Where the settings are. Of several files that set the same key the last by name wins.
pub const PATH: &str = "/etc/sysctl.d/zz-anteroom.conf";

/// The unit that writes them into the kernel.
pub(crate) const UNIT: &str = "systemd-sysctl.service";

/// Puts the settings.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let view = json!({ "settings": inputs.sections(Component::Kernel)? });
    tree.file(PATH, access("root:root", 0o644), SETTINGS, &view)
}
