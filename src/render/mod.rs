//! Spec → what each host must hold. No clock, no randomness, no disk, no network, no secrets: only named slots.
//!
//! Who may enter is decided in one place, `auth`, and every file that depends on it takes the same view, so that a
//! mix of the two topologies that fails open cannot be rendered.

mod auth;
mod bridge;
mod firewall;
mod focus;
mod included;
mod inputs;
mod logs;
mod prosody;
mod quote;
mod software;
mod sshd;
mod template;
mod tree;
mod turn;
mod units;
pub mod wanted;
mod web;

pub use included::included_folders;
pub use wanted::*;

use crate::render::inputs::Inputs;
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
        logs::put,
        units::put,
    ] {
        part(&inputs, &mut tree)?;
    }
    for part in [prosody::forbidden, focus::forbidden, bridge::forbidden, web::forbidden] {
        forbidden.extend(Tree::paths(&part())?);
    }
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
        sshd: sshd::effective(),
    })
}
