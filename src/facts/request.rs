//! Which looks a plan, an audit or a removal needs, from what is wanted.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::facts::Depth;
use crate::facts::Request;
use crate::facts::SECRETS_FILE;
use crate::render::Entry;
use crate::render::FileContent;
use crate::render::KERNEL_PATH;
use crate::render::UPGRADES_TIMER;
use crate::render::UPGRADES_TIMER_PATH;
use crate::render::Wanted;
use crate::render::included_folders;
use crate::render::sandboxed_unit;
use crate::render::trust_place;
use crate::spec::RemotePath;

/// Everything of `wanted` that can be looked at. Content is asked for only where the plan may show it: never of keys, of
/// files the operator hid, or of what is to go.
pub fn request(wanted: &Wanted) -> Request {
    let mut shown = BTreeSet::new();
    let mut hash_only: BTreeSet<RemotePath> = wanted.forbidden.clone();
    for (path, entry) in &wanted.tree {
        match entry {
            Entry::File(file) if matches!(file.content, FileContent::Hidden(_)) => hash_only.insert(path.clone()),
            Entry::File(_) | Entry::Dir(_) | Entry::Link { .. } => shown.insert(path.clone()),
        };
    }
    for certificate in &wanted.certificates {
        hash_only.insert(certificate.certificate.clone());
        hash_only.insert(certificate.key.clone());
        hash_only.extend(trust_place(certificate));
    }
    hash_only.insert(SECRETS_FILE.parse().expect("a constant path is valid"));
    hash_only.extend(wanted.apt_keys.iter().map(|key| key.path.clone()));
    Request {
        paths: shown
            .iter()
            .chain(&hash_only)
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        hash_only,
        apt_keys: wanted.apt_keys.iter().map(|key| key.path.clone()).collect(),
        units: wanted.units.iter().map(|unit| unit.name.clone()).collect(),
        packages: wanted.packages.iter().map(|package| package.name.clone()).collect(),
        accounts: wanted
            .accounts
            .iter()
            .map(|account| (account.jid.clone(), account.password.clone()))
            .collect(),
        certificates: wanted
            .certificates
            .iter()
            .map(|certificate| (certificate.certificate.clone(), certificate.key.clone()))
            .collect(),
        folders: included_folders(wanted),
        kernel: wanted
            .settings
            .iter()
            .filter(|setting| setting.path.as_str() == KERNEL_PATH)
            .map(|setting| setting.key.clone())
            .collect(),
        properties: properties(wanted),
        depth: Depth::Plan,
    }
}

/// What is asked of systemd: the sandboxes as it understood them, and when the upgrades come.
fn properties(wanted: &Wanted) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for setting in &wanted.settings {
        let path = setting.path.as_str();
        if let Some(unit) = sandboxed_unit(path) {
            all.entry(unit.to_owned()).or_default().insert(setting.key.clone());
        } else if path == UPGRADES_TIMER_PATH {
            let names = ["TimersCalendar", "RandomizedDelayUSec", "Persistent"];
            all.insert(UPGRADES_TIMER.to_owned(), names.map(str::to_owned).into());
        }
    }
    all
}
