//! jitsi-videobridge: it decrypts and forwards the media of a room.

use serde::Serialize;

use crate::render::RenderError;
use crate::render::inputs::Inputs;
use crate::render::inputs::MEDIA_PORT;
use crate::render::inputs::Names;
use crate::render::template::Template;
use crate::render::template::template;
use crate::render::tree::Tree;
use crate::render::tree::access;
use crate::spec::TlsProfile;

const CONF: Template = template!("etc/jitsi/videobridge/jvb.conf.tera");
const ENVIRONMENT: Template = template!("etc/jitsi/videobridge/config.tera");

#[derive(Serialize)]
struct View<'a> {
    names: &'a Names,
    nickname: &'a str,
    password: String,
    media_port: u16,
    /// True on a private network only: elsewhere private addresses tell strangers about the network behind.
    offers_private: bool,
    /// True where a bridge without a public address is a fault.
    needs_public: bool,
    translation: Option<Translation>,
    srtp_profiles: &'static [&'static str],
}

/// The host is behind NAT.
#[derive(Serialize)]
struct Translation {
    own: String,
    public: String,
}

/// Puts what the bridge reads, owned as its package leaves it.
pub(crate) fn put(inputs: &Inputs<'_>, tree: &mut Tree) -> Result<(), RenderError> {
    let private_only = inputs.addresses.is_private_only();
    let view = View {
        names: &inputs.names,
        nickname: inputs.host.name.as_str(),
        password: Inputs::slot("jvb"),
        media_port: MEDIA_PORT,
        offers_private: private_only,
        needs_public: !private_only,
        translation: inputs.addresses.translated().map(|(own, public)| Translation {
            own: own.to_string(),
            public: public.to_string(),
        }),
        srtp_profiles: match inputs.spec.security.tls_profile {
            // Older mobile clients have no AEAD profile for SRTP; both profiles encrypt and authenticate.
            TlsProfile::Intermediate => &["SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_HMAC_SHA1_80"],
            TlsProfile::Modern => &["SRTP_AEAD_AES_128_GCM"],
        },
    };
    let private = || access("jvb:jitsi", 0o640);
    tree.file("/etc/jitsi/videobridge/jvb.conf", private(), CONF, &view)?;
    tree.file("/etc/jitsi/videobridge/config", private(), ENVIRONMENT, &inputs.names)
}

/// The legacy file, some of whose keys still win over jvb.conf.
pub(crate) fn forbidden() -> Vec<&'static str> {
    vec!["/etc/jitsi/videobridge/sip-communicator.properties"]
}
