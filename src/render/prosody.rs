//! Prosody: its own configuration, the deployment's XMPP hosts, and a few small modules of ours.

use serde::Serialize;
use serde_json::json;

use crate::catalog::policy::Component;
use crate::render::AccountWanted;
use crate::render::GeneratedCertificate;
use crate::render::RenderError;
use crate::render::SecretName;
use crate::render::auth::AuthView;
use crate::render::inputs::Inputs;
use crate::render::inputs::Names;
use crate::render::settings::Sections;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;
use crate::render::tree::path;

const MAIN: Template = template!("etc/prosody/prosody.cfg.lua.tera");
const SITE: Template = template!("etc/prosody/conf.avail/site.cfg.lua.tera");
const GROUPS: Template = template!("etc/prosody/anteroom-groups.txt.tera");
const ENCRYPTED_LOGIN: Template = template!("usr/share/anteroom/prosody-plugins/mod_anteroom_encrypted_login.lua.tera");
const GUARD: Template = template!("usr/share/anteroom/prosody-plugins/mod_anteroom_guard.lua.tera");
const NO_TOKEN: Template = template!("usr/share/anteroom/prosody-plugins/mod_anteroom_no_token.lua.tera");
const TOKEN_LIMITS: Template = template!("usr/share/anteroom/prosody-plugins/mod_anteroom_token_limits.lua.tera");

/// Where our own Prosody modules are.
pub(crate) const PLUGINS: &str = "/usr/share/anteroom/prosody-plugins";

/// Where Prosody's own configuration is.
pub(crate) const MAIN_PATH: &str = "/etc/prosody/prosody.cfg.lua";

/// What the site's configuration is filled from.
#[derive(Serialize)]
struct SiteView<'a> {
    names: &'a Names,
    auth: &'a AuthView,
    /// Only in a comment: the package looks for the name.
    polls: String,
    settings: Sections,
}

/// Where the configuration of the deployment's XMPP hosts is.
pub(crate) fn site_path(names: &Names) -> String {
    format!("/etc/prosody/conf.avail/{}.cfg.lua", names.domain)
}

/// Puts everything that Prosody reads.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let names = &inputs.names;
    let domain = &names.domain;
    let private = || access("root:prosody", 0o640);
    let settings = inputs.sections(Component::Prosody)?;
    tree.file(MAIN_PATH, private(), MAIN, &json!({ "settings": settings }))?;
    let view = SiteView {
        names,
        auth: &inputs.auth,
        polls: format!("polls.{domain}"),
        settings: inputs.sections(Component::ProsodySite)?,
    };
    let site = site_path(names);
    tree.file(&site, private(), SITE, &view)?;
    tree.link(&format!("/etc/prosody/conf.d/{domain}.cfg.lua"), &site)?;
    tree.file("/etc/prosody/anteroom-groups.txt", private(), GROUPS, names)?;

    let open = || access("root:root", 0o644);
    tree.dir("/usr/share/anteroom", access("root:root", 0o755))?;
    tree.dir(PLUGINS, access("root:root", 0o755))?;
    for template in [ENCRYPTED_LOGIN, GUARD, NO_TOKEN, TOKEN_LIMITS] {
        let name = template.name.trim_end_matches(".tera");
        tree.file(&format!("/{name}"), open(), template, names)?;
    }
    lua_libraries(tree)
}

/// Debian 12 runs Prosody in Lua 5.4 and has two libraries that the token plugin needs for older versions of Lua only,
/// in plain Lua that 5.4 runs as well. Without them the plugin does not load.
fn lua_libraries(tree: &mut Tree) -> Result<(), RenderError> {
    for dir in ["/usr/local/share/lua", "/usr/local/share/lua/5.4"] {
        tree.dir(dir, access("root:root", 0o755))?;
    }
    for library in ["basexx", "inspect"] {
        tree.link(
            &format!("/usr/local/share/lua/5.4/{library}.lua"),
            &format!("/usr/share/lua/5.1/{library}.lua"),
        )?;
    }
    Ok(())
}

/// Configurations of other XMPP hosts that packages bring along.
pub(crate) fn forbidden() -> Vec<&'static str> {
    vec![
        "/etc/prosody/conf.d/localhost.cfg.lua",
        "/etc/prosody/conf.d/example.com.cfg.lua",
        "/etc/prosody/conf.d/jaas.cfg.lua",
    ]
}

/// Certificate and key of the services' XMPP host: where the package jitsi-meet-prosody expects them, so that it
/// neither makes its own nor edits the configuration.
pub(crate) fn auth_pair(names: &Names) -> (String, String) {
    let auth = &names.auth;
    (
        format!("/var/lib/prosody/{auth}.crt"),
        format!("/var/lib/prosody/{auth}.key"),
    )
}

/// The certificate by which the focus and the bridge know Prosody; self-signed, and trusted on this host only.
pub(crate) fn certificates(inputs: &Inputs<'_>) -> Result<Vec<GeneratedCertificate>, RenderError> {
    let (certificate, key) = auth_pair(&inputs.names);
    Ok(vec![GeneratedCertificate {
        certificate: path(&certificate)?,
        key: path(&key)?,
        key_access: access("prosody:prosody", 0o600),
        names: vec![inputs.names.auth.clone()],
        trusted: true,
    }])
}

/// Where clinicians have accounts: on the main host where accounts open rooms, nowhere where tokens do.
pub(crate) fn clinicians(inputs: &Inputs<'_>) -> Option<String> {
    match &inputs.auth {
        AuthView::Token { .. } => None,
        AuthView::Internal => Some(inputs.names.domain.clone()),
    }
}

/// The services' accounts.
pub(crate) fn accounts(inputs: &Inputs<'_>) -> Vec<AccountWanted> {
    [(&inputs.names.focus_jid, "focus"), (&inputs.names.bridge_jid, "jvb")]
        .into_iter()
        .map(|(jid, secret)| AccountWanted {
            jid: jid.clone(),
            password: SecretName(secret.to_owned()),
        })
        .collect()
}
