//! The services' sandboxes: which rows of the policy each one gets, as a drop-in of its unit. What loads the firewall has
//! a unit of our own, whose rows are in the unit itself.

use serde_json::json;

use crate::catalog::policy::Component;
use crate::render::RenderError;
use crate::render::SettingWanted;
use crate::render::firewall;
use crate::render::inputs::Inputs;
use crate::render::settings;
use crate::render::settings::Block;
use crate::render::settings::Language;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;
use crate::render::tree::path;

const DROP_IN: Template = template!("etc/systemd/system/service.d/anteroom.conf.tera");

/// Each sandboxed unit and the sections of rows that make its sandbox.
const UNITS: &[(&str, &[&str])] = &[
    (
        "coturn.service",
        &[
            "every",
            "walled",
            "service",
            "closed-proc",
            "closed-run",
            "unprivileged",
            "compiled",
            "coturn",
        ],
    ),
    (
        "jicofo.service",
        &[
            "every",
            "walled",
            "service",
            "closed-proc",
            "closed-run",
            "unprivileged",
            "sockets",
            "loopback",
            "jicofo",
        ],
    ),
    (
        "jitsi-videobridge2.service",
        &[
            "every",
            "walled",
            "service",
            "closed-run",
            "unprivileged",
            "sockets",
            "videobridge",
        ],
    ),
    (
        "nginx.service",
        &[
            "every",
            "walled",
            "service",
            "closed-proc",
            "compiled",
            "sockets",
            "nginx",
        ],
    ),
    (
        "prosody.service",
        &[
            "every",
            "walled",
            "service",
            "closed-proc",
            "closed-run",
            "unprivileged",
            "compiled",
            "sockets",
            "prosody",
        ],
    ),
];

/// The sections in the unit that loads the firewall. It runs while the first file systems are being mounted: one with a
/// file system of its own would now and then fail for want of it, and leave the host open.
const FIREWALL: &[&str] = &["every", "compiled", "firewall"];

/// Puts the drop-ins.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    for (unit, sections) in UNITS {
        let folder = format!("/etc/systemd/system/{unit}.d");
        tree.dir(&folder, access("root:root", 0o755))?;
        let view = json!({ "settings": blocks(inputs, sections)? });
        tree.file(&drop_in(unit), access("root:root", 0o644), DROP_IN, &view)?;
    }
    Ok(())
}

/// What the unit that loads the firewall has in it.
pub(crate) fn of_firewall(inputs: &Inputs<'_>) -> Result<Vec<Block>, RenderError> {
    blocks(inputs, FIREWALL)
}

/// The rows, file by file.
pub(crate) fn rows(inputs: &Inputs<'_>) -> Result<Vec<SettingWanted>, RenderError> {
    let mut all = Vec::new();
    let drop_ins = UNITS.iter().map(|(unit, sections)| (drop_in(unit), *sections));
    for (file, sections) in drop_ins.chain([(firewall::UNIT_PATH.to_owned(), FIREWALL)]) {
        let at = path(&file)?;
        all.extend(settings::wanted(
            Component::Sandbox,
            &inputs.given,
            Language::Unit,
            &at,
            sections,
        )?);
    }
    Ok(all)
}

/// Where a unit's sandbox is; `None`: it has none, or it is in the unit itself.
pub(crate) fn drop_in_of(unit: &str) -> Option<String> {
    UNITS.iter().any(|(name, _)| *name == unit).then(|| drop_in(unit))
}

/// The unit whose sandbox a rendered file holds.
pub fn unit_of(file: &str) -> Option<&'static str> {
    if file == firewall::UNIT_PATH {
        return Some(firewall::UNIT);
    }
    UNITS.iter().map(|(unit, _)| *unit).find(|unit| drop_in(unit) == file)
}

fn drop_in(unit: &str) -> String {
    format!("/etc/systemd/system/{unit}.d/anteroom.conf")
}

/// The blocks of these sections, in this order.
fn blocks(inputs: &Inputs<'_>, sections: &[&str]) -> Result<Vec<Block>, RenderError> {
    let mut all = inputs.sections(Component::Sandbox)?;
    Ok(sections
        .iter()
        .flat_map(|section| all.remove(*section).unwrap_or_default())
        .collect())
}
