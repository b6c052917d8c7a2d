//! Time: chrony's drop-in.

use serde_json::json;

use crate::catalog::policy::Component;
use crate::render::RenderError;
use crate::render::inputs::Inputs;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;

const DROP_IN: Template = template!("etc/chrony/conf.d/anteroom.conf.tera");

/// Where the drop-in is.
pub(crate) const PATH: &str = "/etc/chrony/conf.d/anteroom.conf";

/// Puts the drop-in.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let view = json!({ "settings": inputs.sections(Component::Time)? });
    tree.file(PATH, access("root:root", 0o644), DROP_IN, &view)
}
