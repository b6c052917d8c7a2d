//! The units of a core host in the order in which they start, and every socket they hold.

use crate::render::Effect;
use crate::render::Listener;
use crate::render::RenderError;
use crate::render::Scope;
use crate::render::Transport;
use crate::render::UnitState;
use crate::render::UnitWanted;
use crate::render::firewall;
use crate::render::inputs::Inputs;
use crate::render::inputs::MEDIA_PORT;
use crate::render::inputs::RELAY_PORTS;
use crate::render::kernel;
use crate::render::logs;
use crate::render::prosody;
use crate::render::sandbox;
use crate::render::sshd;
use crate::render::time;
use crate::render::tree::path;
use crate::render::upgrades;
use crate::render::web;

/// The units, in the order in which they start.
pub(crate) fn units(inputs: &Inputs<'_>) -> Result<Vec<UnitWanted>, RenderError> {
    let domain = &inputs.names.domain;
    let (auth_certificate, auth_key) = prosody::auth_pair(&inputs.names);
    let pair = web::pair(&inputs.names);
    Ok(vec![
        running(
            firewall::UNIT,
            Effect::Reload,
            &[firewall::TABLE_PATH, firewall::UNIT_PATH, firewall::AFTER_FLUSH_PATH],
        )?,
        running("ssh.service", Effect::Reload, &[sshd::DROP_IN_PATH])?,
        running(kernel::UNIT, Effect::Restart, &[kernel::PATH])?,
        running("systemd-journald.service", Effect::Restart, &[logs::JOURNAL_PATH])?,
        running("chrony.service", Effect::Restart, &[time::PATH])?,
        running(upgrades::TIMER, Effect::Restart, &[upgrades::TIMER_PATH])?,
        running("apt-daily.timer", Effect::Restart, &[])?,
        running(
            "prosody.service",
            Effect::Restart,
            &[
                "/etc/prosody/prosody.cfg.lua",
                "/etc/prosody/anteroom-groups.txt",
                &format!("/etc/prosody/conf.avail/{domain}.cfg.lua"),
                &format!("/etc/prosody/conf.d/{domain}.cfg.lua"),
                prosody::PLUGINS,
                &auth_certificate,
                &auth_key,
            ],
        )?,
        running(
            "jicofo.service",
            Effect::Restart,
            &[
                "/etc/jitsi/jicofo/config",
                "/etc/jitsi/jicofo/jicofo.conf",
                &auth_certificate,
            ],
        )?,
        running(
            "jitsi-videobridge2.service",
            Effect::Restart,
            &[
                "/etc/jitsi/videobridge/config",
                "/etc/jitsi/videobridge/jvb.conf",
                &auth_certificate,
            ],
        )?,
        running(
            "nginx.service",
            Effect::Reload,
            &[
                "/etc/nginx/conf.d/anteroom.conf",
                &format!("/etc/nginx/sites-available/{domain}.conf"),
                &format!("/etc/nginx/sites-enabled/{domain}.conf"),
                &pair.certificate,
                &pair.key,
            ],
        )?,
        running(
            "coturn.service",
            Effect::Restart,
            &[
                "/etc/turnserver.conf",
                "/etc/default/coturn",
                &pair.certificate,
                &pair.key,
            ],
        )?,
    ])
}

/// A unit that runs, with its sandbox among its inputs where it has one.
fn running(name: &str, effect: Effect, inputs: &[&str]) -> Result<UnitWanted, RenderError> {
    let mut inputs: Vec<_> = inputs.iter().map(|text| path(text)).collect::<Result<_, _>>()?;
    if let Some(drop_in) = sandbox::drop_in_of(name) {
        inputs.push(path(&drop_in)?);
    }
    Ok(UnitWanted {
        name: name.to_owned(),
        state: UnitState::Running,
        inputs,
        effect,
    })
}

/// Every socket that may listen, and must.
pub(crate) fn listeners(inputs: &Inputs<'_>) -> Vec<Listener> {
    let one = |transport, port, scope, unit: &str| Listener {
        transport,
        port,
        last_port: port,
        scope,
        unit: unit.to_owned(),
        always: true,
    };
    vec![
        one(Transport::Tcp, inputs.ssh_port(), Scope::Admins, "ssh.service"),
        one(Transport::Tcp, 5222, Scope::Loopback, "prosody.service"),
        one(Transport::Tcp, 5280, Scope::Loopback, "prosody.service"),
        one(Transport::Tcp, 8888, Scope::Loopback, "jicofo.service"),
        one(Transport::Tcp, 8080, Scope::Loopback, "jitsi-videobridge2.service"),
        one(Transport::Udp, MEDIA_PORT, Scope::Public, "jitsi-videobridge2.service"),
        one(Transport::Tcp, 80, Scope::Public, "nginx.service"),
        one(Transport::Tcp, 443, Scope::Public, "nginx.service"),
        one(Transport::Udp, 3478, Scope::Public, "coturn.service"),
        one(Transport::Tcp, 5349, Scope::Public, "coturn.service"),
        Listener {
            transport: Transport::Udp,
            port: RELAY_PORTS.0,
            last_port: RELAY_PORTS.1,
            scope: Scope::Public,
            unit: "coturn.service".to_owned(),
            always: false,
        },
    ]
}
