//! Which packages must be installed, mended, pinned or held.

use crate::facts::HostFacts;
use crate::facts::PackageState;
use crate::plan::Change;
use crate::plan::DriftKind;
use crate::plan::DriftRow;
use crate::plan::UnknownFact;
use crate::plan::drift::unknown;
use crate::render::PackageWanted;
use crate::render::Wanted;

/// Packages of the distribution whose programs later steps of a plan run. They come before any source of ours.
const TOOLS: [&str; 5] = ["ca-certificates", "gnupg", "iproute2", "nftables", "openssl"];

/// The decided package changes.
#[derive(Debug, Default)]
pub(crate) struct PackageChanges {
    /// Tools to install first: name, pinned version.
    pub(crate) tools: Vec<(String, Option<String>)>,
    /// All others.
    pub(crate) others: Vec<(String, Option<String>)>,
    /// Names to hold once they are installed.
    pub(crate) hold: Vec<String>,
    /// Names that were not there before; ours from now on.
    pub(crate) new: Vec<String>,
    /// Names that were there, not held, and will be.
    pub(crate) newly_held: Vec<String>,
}

impl PackageChanges {
    /// Whether a package's scripts will run.
    pub(crate) fn installs(&self) -> bool {
        !self.tools.is_empty() || !self.others.is_empty()
    }

    /// Whether this package is being installed or upgraded.
    pub(crate) fn touches(&self, name: &str) -> bool {
        self.tools
            .iter()
            .chain(&self.others)
            .any(|(package, _)| package == name)
    }
}

/// Whether a package that is wanted is known not to be there, so that what only it could answer is known to be absent.
pub(crate) fn missing(wanted: &Wanted, facts: &HostFacts, name: &str) -> bool {
    wanted.packages.iter().any(|package| package.name == name)
        && facts
            .packages
            .known()
            .is_ok_and(|packages| !packages.get(name).is_some_and(|state| state.installed))
}

/// Decides every wanted package.
pub(crate) fn decide(
    wanted: &Wanted,
    facts: &HostFacts,
    rows: &mut Vec<DriftRow>,
    looks: &mut Vec<UnknownFact>,
) -> PackageChanges {
    let mut changes = PackageChanges::default();
    if wanted.packages.is_empty() {
        return changes;
    }
    let seen = match facts.packages.known() {
        Ok(seen) => seen,
        Err(why) => {
            looks.push(unknown(DriftKind::Package, "installed packages", why));
            return changes;
        }
    };
    for package in &wanted.packages {
        let state = seen.get(&package.name);
        if state.is_none() {
            changes.new.push(package.name.clone());
        }
        if let Some(observed) = wrong(package, state) {
            rows.push(DriftRow::new(
                DriftKind::Package,
                &package.name,
                expected(package),
                observed,
            ));
            let install = (package.name.clone(), package.version.clone());
            if package.origin.is_none() && TOOLS.contains(&package.name.as_str()) {
                changes.tools.push(install);
            } else {
                changes.others.push(install);
            }
        } else if let Some(observed) = state.and_then(|state| foreign(package, state)) {
            // Which build of the same version is on disk cannot be mended by installing it again from sources that
            // may be the wrong ones: this is for people to see.
            rows.push(DriftRow::new(
                DriftKind::Package,
                &package.name,
                expected(package),
                observed,
            ));
        }
        let held = state.is_some_and(|state| state.held);
        if package.held && !held {
            if let Some(state) = state {
                changes.newly_held.push(package.name.clone());
                if state.installed {
                    rows.push(DriftRow::new(DriftKind::Package, &package.name, "held", "not held"));
                }
            }
            changes.hold.push(package.name.clone());
        }
    }
    changes
}

fn wrong(package: &PackageWanted, state: Option<&PackageState>) -> Option<String> {
    let Some(state) = state else {
        return Some("not installed".to_owned());
    };
    if !state.installed {
        return Some(format!("{} half installed", state.version));
    }
    match &package.version {
        Some(version) if *version != state.version => Some(format!("version {}", state.version)),
        _ => None,
    }
}

fn foreign(package: &PackageWanted, state: &PackageState) -> Option<String> {
    let wanted = package.origin.as_deref()?.trim_end_matches('/');
    if state
        .origins
        .iter()
        .any(|origin| origin.trim_end_matches('/') == wanted)
    {
        return None;
    }
    Some(match state.origins.as_slice() {
        [] => format!("version {}, which no source offers", state.version),
        origins => format!("version {} from {}", state.version, origins.join(", ")),
    })
}

fn expected(package: &PackageWanted) -> String {
    let version = package
        .version
        .as_ref()
        .map_or_else(|| "installed".to_owned(), |version| format!("version {version}"));
    match &package.origin {
        Some(origin) => format!("{version} from {origin}"),
        None => version,
    }
}

/// The changes that answer questions and install, in order.
pub(crate) fn install_changes(wanted: &Wanted, changes: &PackageChanges) -> Vec<Change> {
    let mut list = Vec::new();
    if changes.others.is_empty() {
        return list;
    }
    for preseed in wanted
        .preseeds
        .iter()
        .filter(|preseed| changes.touches(&preseed.package))
    {
        list.push(Change::Preseed(preseed.clone()));
    }
    list.push(Change::Install {
        packages: changes.others.clone(),
    });
    list
}
