//! jicofo, the focus: it opens rooms, judges who may, and hands media to the bridge.

use serde::Serialize;

use crate::render::RenderError;
use crate::render::auth::AuthView;
use crate::render::inputs::Inputs;
use crate::render::inputs::Names;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;

const CONF: Template = template!("etc/jitsi/jicofo/jicofo.conf.tera");
const ENVIRONMENT: Template = template!("etc/jitsi/jicofo/config.tera");

#[derive(Serialize)]
struct View<'a> {
    names: &'a Names,
    auth: &'a AuthView,
    password: String,
    lifetime: Option<String>,
}

/// Puts what jicofo reads, owned as its package leaves it.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let view = View {
        names: &inputs.names,
        auth: &inputs.auth,
        password: Inputs::slot("focus"),
        lifetime: match &inputs.auth {
            AuthView::Token { .. } => None,
            AuthView::Internal { session_minutes, .. } => Some(format!("{session_minutes} minutes")),
        },
    };
    let private = || access("jicofo:jitsi", 0o640);
    tree.file("/etc/jitsi/jicofo/jicofo.conf", private(), CONF, &view)?;
    tree.file("/etc/jitsi/jicofo/config", private(), ENVIRONMENT, &inputs.names)
}

/// The legacy file, some of whose keys still win over jicofo.conf.
pub(crate) fn forbidden() -> Vec<&'static str> {
    vec!["/etc/jitsi/jicofo/sip-communicator.properties"]
}
