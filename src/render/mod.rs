//! Spec → what each host must hold. No clock, no randomness, no disk, no network, no secrets: only named slots.
//!
//! Who may enter is decided in one place, `auth`, and every file that depends on it takes the same view, so that a
//! mix of the two topologies that fails open cannot be rendered.

mod auth;
mod bridge;
mod dumps;
mod firewall;
mod focus;
mod given;
mod included;
mod inputs;
mod kernel;
mod logs;
mod page;
mod prosody;
mod quote;
mod sandbox;
mod settings;
mod software;
mod sshd;
mod system_language;
mod template;
mod time;
mod tree;
mod turn;
mod units;
mod upgrades;
pub mod wanted;
mod web;

pub use bridge::CONF_PATH as BRIDGE_PATH;
pub use focus::CONF_PATH as FOCUS_PATH;
pub use included::included_folders;
pub use kernel::PATH as KERNEL_PATH;
pub use logs::JOURNAL_PATH;
pub use sandbox::unit_of as sandboxed_unit;
pub use upgrades::APT_PATH as UPGRADES_PATH;
pub use upgrades::TIMER as UPGRADES_TIMER;
pub use upgrades::TIMER_PATH as UPGRADES_TIMER_PATH;
pub use wanted::*;
pub use web::script_settings;
pub use web::security_policy as page_policy;

use crate::catalog::policy::Component;
use crate::render::inputs::Inputs;
use crate::render::settings::Language;
use crate::render::tree::Tree;
use crate::spec::HostSpec;
use crate::spec::Spec;

/// Why nothing was rendered. A spec that passed the rules renders; what is left are values that a configuration
/// language cannot carry.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A value does not fit the language of the file, or a template is wrong.
    #[error("fill in the template {name}")]
    Template {
        /// Path below `templates/`.
        name: &'static str,
        /// What is wrong, down to the value.
        source: tera::Error,
    },
    /// A row of the policy does not fit the deployment or the language of its file.
    #[error("fill in the policy of {component:?}: {why}")]
    Policy {
        /// Whose rows.
        component: Component,
        /// The key, and what is wrong.
        why: String,
    },
    /// A path cannot be one.
    #[error("name a remote path: {0}")]
    Path(String),
}

/// Everything that a core host must hold, be and run. The same spec and host give the same bytes.
pub fn render(spec: &Spec, host: &HostSpec) -> Result<Wanted, RenderError> {
    let inputs = Inputs::of(spec, host);
    let mut tree = Tree::default();
    let mut forbidden = Tree::paths(&[])?;
    for part in [
        prosody::put,
        focus::put,
        bridge::put,
        web::put,
        turn::put,
        firewall::put,
        sshd::put,
        software::put,
        upgrades::put,
        logs::put,
        kernel::put,
        dumps::put,
        time::put,
        sandbox::put,
    ] {
        part(&inputs, &mut tree)?;
    }
    for part in [prosody::forbidden, focus::forbidden, bridge::forbidden, web::forbidden] {
        forbidden.extend(Tree::paths(&part())?);
    }
    let settings = settings(&inputs)?;
    Ok(Wanted {
        host: host.name.clone(),
        tree: tree.entries,
        forbidden,
        secrets: inputs.auth.secrets(),
        apt_keys: software::apt_keys(&inputs)?,
        packages: software::packages(&inputs),
        preseeds: software::preseeds(&inputs),
        certificates: prosody::certificates(&inputs)?
            .into_iter()
            .chain(web::certificates(&inputs)?)
            .collect(),
        accounts: prosody::accounts(&inputs),
        clinicians: prosody::clinicians(&inputs),
        units: units::units(&inputs)?,
        listeners: units::listeners(&inputs),
        checks: [
            Check::Nginx,
            Check::Prosody,
            Check::JicofoHocon,
            Check::VideobridgeHocon,
            Check::Sshd,
            Check::Nft,
        ]
        .into(),
        sshd: sshd::effective(&settings),
        settings,
    })
}

/// The policy's rows, file by file.
fn settings(inputs: &Inputs<'_>) -> Result<Vec<SettingWanted>, RenderError> {
    let names = &inputs.names;
    let mut all = Vec::new();
    for (component, language, file) in [
        (Component::Coturn, Language::Coturn, turn::CONF_PATH.to_owned()),
        (Component::Jicofo, Language::Hocon, focus::CONF_PATH.to_owned()),
        (Component::Journal, Language::Unit, logs::JOURNAL_PATH.to_owned()),
        (Component::Kernel, Language::Sysctl, kernel::PATH.to_owned()),
        (Component::Nginx, Language::Nginx, web::site_path(names)),
        (Component::Page, Language::Json, web::page_path(names)),
        (Component::PageInterface, Language::Json, web::interface_path(names)),
        (Component::Prosody, Language::Lua, prosody::MAIN_PATH.to_owned()),
        (Component::ProsodySite, Language::Lua, prosody::site_path(names)),
        (Component::Sshd, Language::Sshd, sshd::DROP_IN_PATH.to_owned()),
        (Component::Time, Language::Words, time::PATH.to_owned()),
        (Component::Videobridge, Language::Hocon, bridge::CONF_PATH.to_owned()),
    ] {
        let path = tree::path(&file)?;
        all.extend(settings::wanted(component, &inputs.given, language, &path, &[])?);
    }
    for part in [dumps::rows, sandbox::rows, upgrades::rows] {
        all.extend(part(inputs)?);
    }
    Ok(all)
}
