//! What a browser gets: nginx, and the settings of the page.

use serde::Serialize;
use serde_json::json;

use crate::catalog::policy::Component;
use crate::render::GeneratedCertificate;
use crate::render::RenderError;
use crate::render::inputs::Inputs;
use crate::render::inputs::Names;
use crate::render::page;
use crate::render::settings::Sections;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Kind;
use crate::render::tree::Tree;
use crate::render::tree::access;
use crate::render::tree::path;
use crate::spec::Certificate;

const HTTP: Template = template!("etc/nginx/conf.d/anteroom.conf.tera");
const SITE: Template = template!("etc/nginx/sites-available/site.conf.tera");
const PAGE: Template = template!("etc/jitsi/meet/config.js.tera");
const INTERFACE: Template = template!("etc/jitsi/meet/interface_config.js.tera");

/// The settings in one of the page's two scripts, as JSON, when the rest of the text is the template's.
pub fn script_settings(script: &str) -> Option<&str> {
    [PAGE, INTERFACE].into_iter().find_map(|template| {
        let (before, after) = template.text.split_once("{{ config | js }}")?;
        script.strip_prefix(before)?.strip_suffix(after)
    })
}

/// nginx reads the key as root, coturn as a member of its group: one key to guard, and no copy to forget.
const KEY_OWNER: &str = "root:turnserver";

#[derive(Serialize)]
struct SiteView<'a> {
    domain: &'a str,
    config_js: &'a str,
    interface_config_js: &'a str,
    origin: String,
    settings: Sections,
}

/// Certificate and key of the site. TURN uses them too.
pub(crate) struct Pair {
    /// PEM chain.
    pub(crate) certificate: String,
    /// PEM key.
    pub(crate) key: String,
}

/// Where the site's certificate and key are.
pub(crate) fn pair(names: &Names) -> Pair {
    let domain = &names.domain;
    Pair {
        certificate: format!("/etc/jitsi/meet/{domain}.crt"),
        key: format!("/etc/jitsi/meet/{domain}.key"),
    }
}

/// Where the page's settings are.
pub(crate) fn page_path(names: &Names) -> String {
    format!("/etc/jitsi/meet/{}-config.js", names.domain)
}

/// Where the page's older settings are.
pub(crate) fn interface_path(names: &Names) -> String {
    format!("/etc/jitsi/meet/{}-interface_config.js", names.domain)
}

/// Where nginx' configuration of the site is.
pub(crate) fn site_path(names: &Names) -> String {
    format!("/etc/nginx/sites-available/{}.conf", names.domain)
}

/// Puts the site, the page's settings, and the operator's certificate.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let domain = inputs.names.domain.as_str();
    let open = || access("root:root", 0o644);
    let pair = pair(&inputs.names);
    let config_js = page_path(&inputs.names);
    let interface_config_js = interface_path(&inputs.names);

    tree.dir("/etc/jitsi/meet", access("root:root", 0o755))?;
    for (path, template, component) in [
        (&config_js, PAGE, Component::Page),
        (&interface_config_js, INTERFACE, Component::PageInterface),
    ] {
        let settings = page::object(&inputs.sections(component)?);
        tree.file(path, open(), template, &json!({ "config": settings }))?;
    }
    if let Certificate::Files { chain_pem, key_pem } = &inputs.spec.certificate {
        tree.text(&pair.certificate, open(), Kind::Service, chain_pem.clone())?;
        tree.hidden(&pair.key, access(KEY_OWNER, 0o640), key_pem.clone())?;
    }

    let view = SiteView {
        domain,
        config_js: &config_js,
        interface_config_js: &interface_config_js,
        origin: format!("https://{domain}"),
        settings: inputs.sections(Component::Nginx)?,
    };
    tree.file("/etc/nginx/conf.d/anteroom.conf", open(), HTTP, &view)?;
    let site = site_path(&inputs.names);
    tree.file(&site, open(), SITE, &view)?;
    tree.link(&format!("/etc/nginx/sites-enabled/{domain}.conf"), &site)
}

/// The distribution's own site, and the port multiplexer of old Jitsi packages.
pub(crate) fn forbidden() -> Vec<&'static str> {
    vec![
        "/etc/nginx/sites-enabled/default",
        "/etc/nginx/modules-enabled/60-jitsi-meet.conf",
    ]
}

/// The site's certificate, where the host makes it itself.
pub(crate) fn certificates(inputs: &Inputs<'_>) -> Result<Vec<GeneratedCertificate>, RenderError> {
    match inputs.spec.certificate {
        Certificate::Files { .. } => Ok(Vec::new()),
        Certificate::SelfSigned => {
            let pair = pair(&inputs.names);
            Ok(vec![GeneratedCertificate {
                certificate: path(&pair.certificate)?,
                key: path(&pair.key)?,
                key_access: access(KEY_OWNER, 0o640),
                names: vec![inputs.names.domain.clone()],
                trusted: false,
            }])
        }
    }
}

/// The page may talk to its own origin only, whatever a link's `#config.…` asks for. `unsafe-inline` is needed
/// because index.html has its settings inlined; WebAssembly does noise suppression and virtual backgrounds.
pub fn security_policy(domain: &str) -> String {
    [
        "default-src 'self'",
        "base-uri 'self'",
        &format!("connect-src 'self' wss://{domain}"),
        "font-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "worker-src 'self' blob:",
    ]
    .join("; ")
}
