//! The folders out of which a service reads whatever lies there. Knows their names; does not look into any.

use std::collections::BTreeSet;

use crate::render::Wanted;
use crate::spec::RemotePath;

/// The folders of each unit, as the files that we render or the distribution's own configuration include them.
const FOLDERS: &[(&str, &[&str])] = &[
    ("anteroom-firewall.service", &["/etc/systemd/system/nftables.service.d"]),
    ("ssh.service", &["/etc/ssh/sshd_config.d"]),
    ("systemd-journald.service", &["/etc/systemd/journald.conf.d"]),
    (
        "prosody.service",
        &["/etc/prosody/conf.d", "/usr/share/anteroom/prosody-plugins"],
    ),
    (
        "nginx.service",
        &[
            "/etc/nginx/conf.d",
            "/etc/nginx/sites-enabled",
            "/etc/nginx/modules-enabled",
        ],
    ),
];

/// Every folder of a wanted unit out of which something is read by whatever name it has, the unit's own drop-ins too.
pub fn included_folders(wanted: &Wanted) -> BTreeSet<RemotePath> {
    let mut folders = BTreeSet::new();
    for unit in &wanted.units {
        let known = FOLDERS.iter().filter(|(name, _)| *name == unit.name);
        let known = known.flat_map(|(_, folders)| folders.iter().map(|folder| (*folder).to_owned()));
        let drop_ins = format!("/etc/systemd/system/{}.d", unit.name);
        folders.extend(known.chain([drop_ins]).filter_map(|folder| folder.parse().ok()));
    }
    folders
}
