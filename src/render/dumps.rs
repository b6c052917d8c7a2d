//! Core dumps: nobody writes one, neither a service nor a person's program, and a collector keeps none.

use serde_json::json;

use crate::catalog::policy::Component;
use crate::render::RenderError;
use crate::render::SettingWanted;
use crate::render::inputs::Inputs;
use crate::render::settings;
use crate::render::settings::Language;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;
use crate::render::tree::path;

/// A file, its folder where no package brings one, its text, and the rows that stand in it.
struct DumpFile {
    path: &'static str,
    folder: Option<&'static str>,
    text: Template,
    language: Language,
    section: &'static str,
}

const FILES: &[DumpFile] = &[
    DumpFile {
        path: "/etc/systemd/coredump.conf.d/anteroom.conf",
        folder: Some("/etc/systemd/coredump.conf.d"),
        text: template!("etc/systemd/coredump.conf.d/anteroom.conf.tera"),
        language: Language::Unit,
        section: "collector",
    },
    DumpFile {
        path: "/etc/systemd/system.conf.d/anteroom.conf",
        folder: Some("/etc/systemd/system.conf.d"),
        text: template!("etc/systemd/system.conf.d/anteroom.conf.tera"),
        language: Language::Unit,
        section: "services",
    },
    DumpFile {
        path: "/etc/security/limits.d/anteroom.conf",
        folder: None,
        text: template!("etc/security/limits.d/anteroom.conf.tera"),
        language: Language::Words,
        section: "logins",
    },
];

/// Puts the files. The system manager takes its own in with the next reload, which every change of a unit brings.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let view = json!({ "settings": inputs.sections(Component::CoreDumps)? });
    for file in FILES {
        if let Some(folder) = file.folder {
            tree.dir(folder, access("root:root", 0o755))?;
        }
        tree.file(file.path, access("root:root", 0o644), file.text, &view)?;
    }
    Ok(())
}

/// The rows, file by file.
pub(crate) fn rows(inputs: &Inputs<'_>) -> Result<Vec<SettingWanted>, RenderError> {
    let mut all = Vec::new();
    for file in FILES {
        let at = path(file.path)?;
        let sections = &[file.section];
        all.extend(settings::wanted(
            Component::CoreDumps,
            &inputs.given,
            file.language,
            &at,
            sections,
        )?);
    }
    Ok(all)
}
