//! The plan that takes away everything that is ours and puts back what stood there before us.

use std::fmt;

use std::collections::BTreeSet;

use crate::facts::HostFacts;
use crate::facts::Manifest;
use crate::facts::OwnedPath;
use crate::facts::PathState;
use crate::facts::UnitFacts;
use crate::plan::Change;
use crate::plan::Extent;
use crate::plan::Plan;
use crate::plan::PlanError;
use crate::plan::Purpose;
use crate::plan::UnitAction;
use crate::plan::drift::FIREWALL;
use crate::plan::drift::unknown;
use crate::plan::file::seen;
use crate::plan::manifest;
use crate::plan::residue::RESIDUE;
use crate::spec::HostName;
use crate::spec::RemotePath;

/// What happens to the hardening of sshd and the firewall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hardening {
    /// It stays, and is listed.
    Keep,
    /// It goes too.
    Remove,
}

/// Something that stays on purpose.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Kept {
    /// What.
    pub subject: String,
    /// Why.
    pub why: String,
}

impl fmt::Display for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.subject, self.why)
    }
}

/// Services that go on running after we left, and the folder whose restored files they must take in.
const READERS: &[(&str, &str, UnitAction)] = &[
    ("/etc/ssh/", "ssh.service", UnitAction::Reload),
    ("/etc/nginx/", "nginx.service", UnitAction::Reload),
    ("/etc/prosody/", "prosody.service", UnitAction::Restart),
    (
        "/etc/systemd/journald.conf.d/",
        "systemd-journald.service",
        UnitAction::Restart,
    ),
    ("/etc/turnserver.conf", "coturn.service", UnitAction::Restart),
];

/// The package that the firewall needs.
const FIREWALL_PACKAGE: &str = "nftables";

/// Everything that takes us off a host, and what stays. Nothing to do where there is no manifest.
///
/// # Errors
/// Where someone is changing the host, or where the manifest or the lock could not be seen.
pub fn remove(facts: &HostFacts, host: &HostName, hardening: Hardening) -> Result<(Plan, Vec<Kept>), PlanError> {
    let mut looks = Vec::new();
    match facts.lock.known() {
        Ok(Some(holder)) => {
            return Err(PlanError::Locked {
                host: host.clone(),
                holder: holder.clone(),
            });
        }
        Ok(None) => {}
        Err(why) => looks.push(unknown(None, "who is changing the host", why)),
    }
    let mut plan = Plan {
        host: host.clone(),
        purpose: Purpose::Remove,
        changes: Vec::new(),
        drift: Vec::new(),
        unseen: Vec::new(),
    };
    let manifest = match facts.manifest.known() {
        Ok(Some(manifest)) => Some(manifest),
        Ok(None) => None,
        Err(why) => {
            looks.push(unknown(None, "the host's manifest", why));
            None
        }
    };
    for own in manifest.iter().flat_map(|manifest| &manifest.paths) {
        looks.extend(seen(&own.path, facts).err());
    }
    if !looks.is_empty() {
        return Err(PlanError::Unknown {
            host: host.clone(),
            looks,
        });
    }
    let Some(manifest) = manifest else {
        return Ok((plan, Vec::new()));
    };
    let leaving = Leaving::new(manifest, hardening);
    if leaving.is_nothing() {
        return Ok((plan, leaving.kept()));
    }
    plan.changes = leaving.changes(facts);
    Ok((plan, leaving.kept()))
}

/// A manifest, split into what goes and what stays.
struct Leaving<'a> {
    manifest: &'a Manifest,
    going: Vec<&'a OwnedPath>,
    staying: Vec<&'a OwnedPath>,
    packages: Vec<String>,
    staying_packages: Vec<String>,
    units: Vec<String>,
    staying_units: Vec<String>,
}

impl<'a> Leaving<'a> {
    fn new(manifest: &'a Manifest, hardening: Hardening) -> Self {
        let stays = |own: &&OwnedPath| own.hardening && hardening == Hardening::Keep;
        let staying: Vec<&OwnedPath> = manifest.paths.iter().filter(stays).collect();
        let going: Vec<&OwnedPath> = manifest.paths.iter().filter(|own| !stays(own)).collect();
        let firewall_stays = staying.iter().any(|own| own.path.as_str() == FIREWALL);
        let (staying_packages, packages) = split(&manifest.packages, |name| firewall_stays && name == FIREWALL_PACKAGE);
        let (staying_units, units) = split(&manifest.units, |name| {
            staying
                .iter()
                .any(|own| own.path.as_str() == format!("/etc/systemd/system/{name}"))
        });
        Self {
            manifest,
            going,
            staying,
            packages,
            staying_packages,
            units,
            staying_units,
        }
    }

    /// A second removal finds only what the first left on purpose.
    fn is_nothing(&self) -> bool {
        let nothing_else = self.packages.is_empty() && self.units.is_empty() && self.manifest.accounts.is_empty();
        self.going.is_empty() && nothing_else && self.manifest.secrets.is_empty() && !self.staying.is_empty()
    }

    fn kept(&self) -> Vec<Kept> {
        let hardening = self.staying.iter().map(|own| (own.path.to_string(), "hardening"));
        let packages = self
            .staying_packages
            .iter()
            .map(|name| (format!("package {name}"), "the firewall needs it"));
        let units = self
            .staying_units
            .iter()
            .map(|name| (format!("unit {name}"), "hardening"));
        hardening
            .chain(packages)
            .chain(units)
            .map(|(subject, why)| Kept {
                subject,
                why: why.to_owned(),
            })
            .collect()
    }

    fn changes(&self, facts: &HostFacts) -> Vec<Change> {
        let mut changes = Vec::new();
        // Where Prosody goes, its data may still be somebody else's and stay.
        let accounts = self.manifest.accounts.iter();
        changes.extend(accounts.map(|jid| Change::RemoveAccount { jid: jid.clone() }));
        changes.extend(self.units.iter().rev().map(|name| stop(name, facts)));
        self.packages(facts, &mut changes);
        self.paths(facts, &mut changes);
        for residue in RESIDUE
            .iter()
            .filter(|residue| self.packages.iter().any(|name| name == residue.package))
        {
            changes.push(Change::Residue {
                package: residue.package.to_owned(),
                paths: residue.paths.iter().filter_map(|path| path.parse().ok()).collect(),
                folders: residue.folders.iter().filter_map(|path| path.parse().ok()).collect(),
                users: residue.users.iter().map(|user| (*user).to_owned()).collect(),
            });
        }
        changes.extend(self.readers(facts));
        if self.staying.is_empty() {
            changes.push(Change::Forget(Extent::All));
        } else {
            changes.push(Change::Manifest {
                content: manifest::canonical(&self.remainder()),
            });
            changes.push(Change::Forget(Extent::ButHardening));
        }
        changes
    }

    fn packages(&self, facts: &HostFacts, changes: &mut Vec<Change>) {
        if !self.manifest.held.is_empty() {
            changes.push(Change::Hold {
                packages: self.manifest.held.clone(),
                hold: false,
            });
        }
        // Packages that are known to be gone need no purge; where nobody knows, dpkg decides.
        let packages: Vec<String> = match facts.packages.known() {
            Ok(seen) => self
                .packages
                .iter()
                .filter(|name| seen.contains_key(*name))
                .cloned()
                .collect(),
            Err(_) => self.packages.clone(),
        };
        if !packages.is_empty() {
            changes.push(Change::Purge {
                packages,
                spare: self.staying_packages.clone(),
            });
        }
    }

    /// The table first: the file that made it goes with the others.
    fn paths(&self, facts: &HostFacts, changes: &mut Vec<Change>) {
        if self.going.iter().any(|own| own.path.as_str() == FIREWALL) {
            changes.push(Change::DropTable);
        }
        let mut going = self.going.clone();
        going.sort_by(|left, right| right.path.cmp(&left.path));
        for own in going {
            let Ok(before) = seen(&own.path, facts) else { continue };
            // A root that is gone may still be trusted, where a removal was cut short.
            let root = own.path.as_str().starts_with("/usr/local/share/ca-certificates/");
            if *before == PathState::Absent && own.before.is_none() && !root {
                continue;
            }
            changes.push(Change::Delete {
                path: own.path.clone(),
                before: before.clone(),
                keep: None,
                restore: own.before.clone(),
            });
        }
    }

    fn readers(&self, facts: &HostFacts) -> Vec<Change> {
        let purged: BTreeSet<&String> = self.packages.iter().collect();
        let mut changes = Vec::new();
        for (folder, unit, action) in READERS {
            let touched: Option<&RemotePath> = self
                .going
                .iter()
                .map(|own| &own.path)
                .find(|path| path.as_str().starts_with(folder));
            let stem = unit.trim_end_matches(".service").to_owned();
            let stopped = self.units.iter().any(|name| name == unit);
            let Some(path) = touched.filter(|_| !purged.contains(&stem) && !stopped) else {
                continue;
            };
            let runs = facts.units.get(*unit).and_then(|seen| seen.known().ok());
            if runs.is_none_or(|seen| seen.active == "active") {
                changes.push(Change::Unit {
                    name: (*unit).to_owned(),
                    action: *action,
                    why: format!("{path} goes"),
                    listens: Vec::new(),
                });
            }
        }
        changes
    }

    fn remainder(&self) -> Manifest {
        Manifest {
            paths: self.staying.iter().map(|own| (*own).clone()).collect(),
            packages: self.staying_packages.clone(),
            held: Vec::new(),
            units: self.staying_units.clone(),
            accounts: Vec::new(),
            secrets: Vec::new(),
            ..self.manifest.clone()
        }
    }
}

fn stop(name: &str, facts: &HostFacts) -> Change {
    let masked = facts
        .units
        .get(name)
        .and_then(|seen| seen.known().ok())
        .is_some_and(UnitFacts::is_masked);
    Change::Unit {
        name: name.to_owned(),
        action: if masked { UnitAction::Unmask } else { UnitAction::Stop },
        why: "it is ours".to_owned(),
        listens: Vec::new(),
    }
}

fn split(names: &[String], stays: impl Fn(&str) -> bool) -> (Vec<String>, Vec<String>) {
    names.iter().cloned().partition(|name| stays(name))
}
