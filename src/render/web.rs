//! What a browser gets: nginx, and the settings of the page.

use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::render::GeneratedCertificate;
use crate::render::RenderError;
use crate::render::auth::AuthView;
use crate::render::inputs::Inputs;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Kind;
use crate::render::tree::Tree;
use crate::render::tree::access;
use crate::render::tree::path;
use crate::spec::Certificate;
use crate::spec::TlsProfile;

const HTTP: Template = template!("etc/nginx/conf.d/anteroom.conf.tera");
const SITE: Template = template!("etc/nginx/sites-available/site.conf.tera");
const PAGE: Template = template!("etc/jitsi/meet/config.js.tera");

/// nginx reads the key as root, coturn as a member of its group: one key to guard, and no copy to forget.
const KEY_OWNER: &str = "root:turnserver";

#[derive(Serialize)]
struct SiteView<'a> {
    domain: &'a str,
    certificate: &'a str,
    key: &'a str,
    config_js: &'a str,
    origin: String,
    tls: TlsView,
    security_policy: String,
}

/// Mozilla's server side TLS recommendations 5.7, without the DHE suites, for which nginx has no parameters.
#[derive(Serialize)]
#[serde(tag = "profile", rename_all = "snake_case")]
enum TlsView {
    Intermediate,
    Modern,
}

/// Certificate and key of the site. TURN uses them too.
pub(crate) struct Pair {
    /// PEM chain.
    pub(crate) certificate: String,
    /// PEM key.
    pub(crate) key: String,
}

/// Where the site's certificate and key are.
pub(crate) fn pair(inputs: &Inputs<'_>) -> Pair {
    let domain = &inputs.names.domain;
    Pair {
        certificate: format!("/etc/jitsi/meet/{domain}.crt"),
        key: format!("/etc/jitsi/meet/{domain}.key"),
    }
}

/// Puts the site, the page's settings, and the operator's certificate.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let domain = inputs.names.domain.as_str();
    let open = || access("root:root", 0o644);
    let pair = pair(inputs);
    let config_js = format!("/etc/jitsi/meet/{domain}-config.js");

    tree.dir("/etc/jitsi/meet", access("root:root", 0o755))?;
    tree.file(&config_js, open(), PAGE, &json!({ "config": page(inputs) }))?;
    if let Certificate::Files { chain_pem, key_pem } = &inputs.spec.certificate {
        tree.text(&pair.certificate, open(), Kind::Service, chain_pem.clone())?;
        tree.hidden(&pair.key, access(KEY_OWNER, 0o640), key_pem.clone())?;
    }

    let view = SiteView {
        domain,
        certificate: &pair.certificate,
        key: &pair.key,
        config_js: &config_js,
        origin: format!("https://{domain}"),
        tls: match inputs.spec.security.tls_profile {
            TlsProfile::Intermediate => TlsView::Intermediate,
            TlsProfile::Modern => TlsView::Modern,
        },
        security_policy: security_policy(domain),
    };
    tree.file("/etc/nginx/conf.d/anteroom.conf", open(), HTTP, &view)?;
    let site = format!("/etc/nginx/sites-available/{domain}.conf");
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
            let pair = pair(inputs);
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
fn security_policy(domain: &str) -> String {
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

/// The page's settings. A key that is missing here has the client's default, and several of those leak: every key
/// below is one whose default is unsafe, or that says where this server is.
fn page(inputs: &Inputs<'_>) -> Value {
    let names = &inputs.names;
    let domain = &names.domain;
    let mut page = json!({
        "hosts": {
            "domain": domain,
            "anonymousdomain": names.guest,
            "muc": names.conference,
            "focus": names.focus,
        },
        "bosh": format!("https://{domain}/http-bind"),
        "websocket": format!("wss://{domain}/xmpp-websocket"),

        "disableThirdPartyRequests": true,
        "gravatar": { "disabled": true },
        "analytics": { "disabled": true, "rtcstatsEnabled": false },
        "giphy": { "enabled": false },
        "deploymentUrls": {},
        "legalUrls": {},
        "sharedVideoAllowedURLDomains": [],
        "enableCalendarIntegration": false,

        // Media goes through the bridge, and peers do not learn each other's address. An absent list of STUN servers
        // means a third party's.
        "p2p": { "enabled": false, "stunServers": [] },

        "localRecording": { "disable": true },
        "recordingService": { "enabled": false, "sharingEnabled": false },
        "liveStreaming": { "enabled": false },
        "transcription": { "enabled": false, "disableClosedCaptions": true },
        "fileSharing": { "enabled": false },
        "whiteboard": { "enabled": false },
        "screenshotCapture": { "enabled": false },
        "faceLandmarks": { "enableFaceCentering": false, "enableFaceExpressionsDetection": false },
        "disablePolls": true,
        "enableSaveLogs": false,
        "logging": { "disableLogCollector": true },
        "enableDisplayNameInStats": false,
        "enableEmailInStats": false,
        "feedbackPercentage": 0,
        "doNotStoreRoom": true,

        "welcomePage": { "disabled": true },
        "prejoinConfig": { "enabled": true, "preCallTestEnabled": false },
        "lobby": { "autoKnock": true, "enableChat": false },
        "securityUi": { "hideLobbyButton": false, "disableLobbyPassword": true },
        "enableInsecureRoomNameWarning": true,
        "roomPasswordNumberOfDigits": false,
        "requireDisplayName": true,
        "disableInviteFunctions": true,
        "remoteVideoMenu": { "disableGrantModerator": true },
        "e2ee": { "disabled": false },
    });
    if let AuthView::Internal { login_domain, .. } = &inputs.auth {
        page["hosts"]["authdomain"] = json!(login_domain);
    }
    if let Some(notice) = inputs.notice() {
        page["noticeMessage"] = json!(notice);
    }
    page
}
