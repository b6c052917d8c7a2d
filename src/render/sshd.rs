//! sshd: keys only. A drop-in that is read before all others, so that its values win.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::catalog::policy::Component;
use crate::render::RenderError;
use crate::render::SettingWanted;
use crate::render::inputs::Inputs;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;

const DROP_IN: Template = template!("etc/ssh/sshd_config.d/00-anteroom.conf.tera");

/// Where the drop-in is.
pub(crate) const DROP_IN_PATH: &str = "/etc/ssh/sshd_config.d/00-anteroom.conf";

/// Puts the drop-in.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let settings = inputs.sections(Component::Sshd)?;
    let view = json!({ "settings": settings });
    tree.hardening(DROP_IN_PATH, access("root:root", 0o644), DROP_IN, &view)
}

/// What `sshd -T` must print. sshd prints `prohibit-password` by its older name.
pub(crate) fn effective(settings: &[SettingWanted]) -> BTreeMap<String, String> {
    settings
        .iter()
        .filter(|setting| setting.path.as_str() == DROP_IN_PATH)
        .map(|setting| {
            let value = match &setting.value {
                Value::String(text) if text == "prohibit-password" => "without-password".to_owned(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (setting.key.to_lowercase(), value)
        })
        .collect()
}
