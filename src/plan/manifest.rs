//! Our manifest before and after a build: the union of what was and will be ours, then only what is.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::facts::HostFacts;
use crate::facts::Manifest;
use crate::facts::OwnedPath;
use crate::plan::BuildContext;
use crate::plan::file::keep_place;
use crate::plan::file::seen;
use crate::plan::file::still_owned;
use crate::plan::package::PackageChanges;
use crate::render::SecretName;
use crate::render::Wanted;
use crate::spec::RemotePath;

/// Where a host keeps its manifest.
pub(crate) const PATH: &str = "/etc/anteroom/manifest.json";
/// The first line of every manifest.
pub(crate) const SCHEMA: &str = "anteroom/manifest/v1";

/// Both manifests of a build.
pub(crate) struct Manifests {
    pub(crate) wide: Manifest,
    pub(crate) narrow: Manifest,
}

/// What is ours after a build, and what may be ours during it.
pub(crate) fn of_build(
    wanted: &Wanted,
    facts: &HostFacts,
    old: Option<&Manifest>,
    context: &BuildContext,
    packages: &PackageChanges,
    new_units: &[String],
) -> Manifests {
    let old_paths: &[OwnedPath] = old.map_or(&[], |manifest| &manifest.paths);
    let mut paths: BTreeMap<RemotePath, OwnedPath> = BTreeMap::new();
    for (path, hardening) in still_owned(wanted) {
        let before = before_of(&path, facts, old_paths);
        let own = OwnedPath {
            path: path.clone(),
            hardening,
            before,
        };
        paths.insert(path, own);
    }
    // A forbidden path is ours only where something of somebody else's made way for us.
    for path in &wanted.forbidden {
        if let Some(before) = before_of(path, facts, old_paths) {
            let own = OwnedPath {
                path: path.clone(),
                hardening: false,
                before: Some(before),
            };
            paths.insert(path.clone(), own);
        }
    }
    let mut narrow = Manifest {
        schema: SCHEMA.to_owned(),
        deployment: context.deployment.to_string(),
        domain: context.domain.to_string(),
        host: wanted.host.to_string(),
        tool: context.tool_version.clone(),
        paths: paths.into_values().collect(),
        packages: union(old.map(|m| &m.packages), &packages.new),
        held: union(old.map(|m| &m.held), &packages.newly_held),
        units: union(None, new_units),
        accounts: wanted.accounts.iter().map(|account| account.jid.clone()).collect(),
        secrets: wanted.secrets.iter().cloned().collect(),
    };
    let mut wide = narrow.clone();
    if let Some(old) = old {
        for own in &old.paths {
            if !wide.paths.iter().any(|kept| kept.path == own.path) {
                wide.paths.push(own.clone());
            }
        }
        wide.paths.sort();
        wide.units = union(Some(&old.units), new_units);
        let still: Vec<String> = old
            .units
            .iter()
            .filter(|name| wanted.units.iter().any(|unit| unit.name == **name))
            .cloned()
            .collect();
        narrow.units = union(Some(&still), new_units);
        wide.accounts = union(Some(&old.accounts), &wide.accounts);
        // A secret is kept until the host is destroyed: what it opened may still exist somewhere.
        let secrets: BTreeSet<SecretName> = old.secrets.iter().chain(&wide.secrets).cloned().collect();
        wide.secrets = secrets.into_iter().collect();
        narrow.secrets.clone_from(&wide.secrets);
    }
    narrow.accounts.sort();
    wide.accounts.sort();
    Manifests { wide, narrow }
}

fn before_of(path: &RemotePath, facts: &HostFacts, owned: &[OwnedPath]) -> Option<RemotePath> {
    if let Some(own) = owned.iter().find(|own| own.path == *path) {
        return own.before.clone();
    }
    seen(path, facts).ok().and_then(|state| keep_place(path, state, owned))
}

fn union(old: Option<&Vec<String>>, new: &[String]) -> Vec<String> {
    let all: BTreeSet<String> = old.into_iter().flatten().chain(new).cloned().collect();
    all.into_iter().collect()
}

/// The manifest as it is written: one field or list item a line.
pub(crate) fn canonical(manifest: &Manifest) -> String {
    let mut text = serde_json::to_string_pretty(manifest)
        .expect("a manifest is made of strings, lists and booleans, which JSON can always hold");
    text.push('\n');
    text
}

/// Whether two manifests own the same things. The version of the tool that wrote them does not count, nor does order.
pub(crate) fn same(left: &Manifest, right: &Manifest) -> bool {
    let plain = |manifest: &Manifest| {
        let mut plain = manifest.clone();
        plain.tool.clear();
        plain.paths.sort();
        plain.secrets.sort();
        for list in [
            &mut plain.packages,
            &mut plain.held,
            &mut plain.units,
            &mut plain.accounts,
        ] {
            list.sort();
        }
        plain
    };
    plain(left) == plain(right)
}
