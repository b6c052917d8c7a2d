//! Security upgrades: what is installed by itself, and that it happens within the maintenance window, restarts included.

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

const APT: Template = template!("etc/apt/apt.conf.d/zz-anteroom.tera");
const WHEN: Template = template!("etc/systemd/system/apt-daily-upgrade.timer.d/anteroom.conf.tera");
const RESTARTS: Template = template!("etc/systemd/system/apt-daily-upgrade.service.d/anteroom.conf.tera");
const NEEDRESTART: Template = template!("etc/needrestart/conf.d/anteroom.conf.tera");

/// What apt and unattended-upgrades read. Of several files that set the same key the last by name wins.
pub const APT_PATH: &str = "/etc/apt/apt.conf.d/zz-anteroom";

/// The timer that starts the upgrades.
pub const TIMER: &str = "apt-daily-upgrade.timer";

/// When the timer is told to.
pub const TIMER_PATH: &str = "/etc/systemd/system/apt-daily-upgrade.timer.d/anteroom.conf";

/// Puts what is upgraded, when, and what is restarted then.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let view = json!({ "settings": inputs.sections(Component::Upgrades)? });
    let open = || access("root:root", 0o644);
    let folder = || access("root:root", 0o755);
    tree.file(APT_PATH, open(), APT, &view)?;
    tree.dir("/etc/systemd/system/apt-daily-upgrade.timer.d", folder())?;
    tree.file(TIMER_PATH, open(), WHEN, &view)?;
    tree.dir("/etc/systemd/system/apt-daily-upgrade.service.d", folder())?;
    let restarts = "/etc/systemd/system/apt-daily-upgrade.service.d/anteroom.conf";
    tree.file(restarts, open(), RESTARTS, &view)?;
    tree.dir("/etc/needrestart", folder())?;
    tree.dir("/etc/needrestart/conf.d", folder())?;
    tree.file("/etc/needrestart/conf.d/anteroom.conf", open(), NEEDRESTART, &view)
}

/// The rows, file by file.
pub(crate) fn rows(inputs: &Inputs<'_>) -> Result<Vec<SettingWanted>, RenderError> {
    let mut all = Vec::new();
    for (file, language, section) in [(APT_PATH, Language::Apt, "apt"), (TIMER_PATH, Language::Unit, "timer")] {
        let at = path(file)?;
        all.extend(settings::wanted(
            Component::Upgrades,
            &inputs.given,
            language,
            &at,
            &[section],
        )?);
    }
    Ok(all)
}
