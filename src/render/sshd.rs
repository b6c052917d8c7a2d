//! sshd: keys only. A drop-in that is read before all others, so that its values win.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::render::RenderError;
use crate::render::inputs::Inputs;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;

const DROP_IN: Template = template!("etc/ssh/sshd_config.d/00-anteroom.conf.tera");

/// Where the drop-in is.
pub(crate) const DROP_IN_PATH: &str = "/etc/ssh/sshd_config.d/00-anteroom.conf";

/// The drop-in has no gaps.
#[derive(Serialize)]
struct View {}

/// Puts the drop-in.
pub(crate) fn put(_: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    tree.hardening(DROP_IN_PATH, access("root:root", 0o644), DROP_IN, &View {})
}

/// What `sshd -T` must print: the drop-in's own lines. sshd prints `prohibit-password` by its older name.
pub(crate) fn effective() -> BTreeMap<String, String> {
    DROP_IN
        .text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(keyword, value)| {
            let value = match value {
                "prohibit-password" => "without-password",
                _ => value,
            };
            (keyword.to_lowercase(), value.to_owned())
        })
        .collect()
}
