//! The plan that makes a host what is wanted.

use std::collections::BTreeSet;

use crate::facts::HostFacts;
use crate::facts::Manifest;
use crate::facts::Os;
use crate::plan::Change;
use crate::plan::Comparison;
use crate::plan::DriftKind;
use crate::plan::DriftRow;
use crate::plan::Mend;
use crate::plan::Plan;
use crate::plan::PlanError;
use crate::plan::Purpose;
use crate::plan::UnknownFact;
use crate::plan::drift;
use crate::plan::drift::unknown;
use crate::plan::file;
use crate::plan::file::FileChanges;
use crate::plan::file::is_guard;
use crate::plan::foreign;
use crate::plan::made;
use crate::plan::manifest;
use crate::plan::manifest::Manifests;
use crate::plan::package;
use crate::plan::package::PackageChanges;
use crate::plan::unit;
use crate::plan::unit::UnitChanges;
use crate::plan::way;
use crate::render::Check;
use crate::render::SecretName;
use crate::render::Wanted;
use crate::seen::Seen;
use crate::spec::Domain;
use crate::spec::HostName;

/// How long a new connection has to confirm that firewall and sshd still let the operator in.
const CONFIRM_SECONDS: u32 = 60;

/// What a build is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildContext {
    /// `[deployment] name`.
    pub deployment: HostName,
    /// The deployment's domain.
    pub domain: Domain,
    /// Version of this program.
    pub tool_version: String,
}

/// All parts of a build, decided but not yet in order.
struct Parts {
    manifests: Manifests,
    manifest_seen: Option<Manifest>,
    secrets: Vec<SecretName>,
    apt_keys: Vec<Change>,
    packages: PackageChanges,
    certificates: Vec<Change>,
    /// Whether they are made before packages come.
    certificates_first: bool,
    files: FileChanges,
    units: UnitChanges,
    accounts: Vec<Change>,
    past: Past,
}

/// How the host's last run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Past {
    /// By itself, or there was none.
    Ended,
    /// Not at all. Any further run undoes it first, so there must be one.
    Unfinished,
}

/// Everything that makes the host what is wanted, in order; no changes where it is that already.
///
/// # Errors
/// Where the host must not be changed, and where a fact that decides something is unknown.
pub fn build(wanted: &Wanted, facts: &HostFacts, context: &BuildContext) -> Result<Plan, PlanError> {
    let decided = decide(wanted, facts, context)?;
    if !decided.looks.is_empty() {
        return Err(PlanError::Unknown {
            host: wanted.host.clone(),
            looks: decided.looks,
        });
    }
    Ok(Plan {
        host: wanted.host.clone(),
        purpose: Purpose::Build,
        changes: in_order(wanted, decided.parts),
        drift: decided.rows,
        unseen: decided.unseen,
    })
}

/// How the host differs from what is wanted, as far as it was seen: one failed look hides no difference elsewhere.
///
/// # Errors
/// Where the host is not this deployment's to judge, or is being changed right now.
pub fn compare(wanted: &Wanted, facts: &HostFacts, context: &BuildContext) -> Result<Comparison, PlanError> {
    let decided = decide(wanted, facts, context)?;
    let mut unseen = decided.looks;
    for look in decided.unseen {
        if !unseen.contains(&look) {
            unseen.push(look);
        }
    }
    Ok(Comparison {
        host: wanted.host.clone(),
        drift: decided.rows,
        unseen,
    })
}

/// What every part of a build comes to, and what could not be seen for it.
struct Decided {
    parts: Parts,
    rows: Vec<DriftRow>,
    /// Looks that failed and that a change depends on.
    looks: Vec<UnknownFact>,
    /// Looks that failed and that only drift depends on.
    unseen: Vec<UnknownFact>,
}

fn decide(wanted: &Wanted, facts: &HostFacts, context: &BuildContext) -> Result<Decided, PlanError> {
    let mut looks = Vec::new();
    refuse(wanted, facts, context, &mut looks)?;
    let manifest_seen = facts.manifest.known().ok().and_then(Option::as_ref);
    let owned = manifest_seen.map_or_else(Vec::new, |manifest| manifest.paths.clone());
    let owned_units = manifest_seen.map_or_else(Vec::new, |manifest| manifest.units.clone());
    let owned_accounts = manifest_seen.map_or_else(Vec::new, |manifest| manifest.accounts.clone());

    let mut rows = Vec::new();
    let mut unseen = Vec::new();
    let packages = package::decide(wanted, facts, &mut rows, &mut looks);
    let secrets = made::secrets(wanted, facts, &mut rows, &mut looks);
    let apt_keys = made::apt_keys(wanted, facts, &mut rows, &mut looks, &mut unseen);
    let certificates = made::certificates(wanted, facts, &mut rows, &mut looks, &mut unseen);
    let slots: BTreeSet<String> = secrets.iter().map(SecretName::slot).collect();
    let mut files = file::decide(
        wanted,
        facts,
        &owned,
        &slots,
        packages.installs(),
        &mut rows,
        &mut looks,
    );
    for change in &certificates {
        if let Change::Certificate(made) = change {
            files.changed.extend(made::certificate_paths(made));
        }
    }
    let causes = unit::Causes {
        changed: &files.changed,
        packages: &packages,
    };
    let units = unit::decide(wanted, facts, &owned_units, &causes, &mut rows, &mut looks);
    let accounts = made::accounts(wanted, facts, &owned_accounts, &secrets, &mut rows, &mut looks);
    drift::listeners(wanted, facts, &mut rows, &mut unseen);
    drift::sshd(wanted, facts, &mut rows, &mut unseen);
    drift::firewall(wanted, facts, &mut rows, &mut unseen);
    drift::units(wanted, facts, &owned_units, &mut unseen);
    foreign::decide(wanted, facts, &mut rows, &mut unseen);
    let manifests = manifest::of_build(wanted, facts, manifest_seen, context, &packages, &units.new);
    // A host without a manifest could never be taken down again. Where it lists something else, that follows from a
    // difference told above, but for what nobody sees otherwise.
    let observed = match &facts.manifest {
        Seen::Known(None) => Some("absent"),
        Seen::Known(Some(seen))
            if rows.iter().all(|row| row.mend == Mend::Person) && !manifest::same(seen, &manifests.narrow) =>
        {
            Some("lists something else")
        }
        Seen::Known(Some(_)) | Seen::Unknown(_) => None,
    };
    if let Some(observed) = observed {
        let expected = "lists what is ours here";
        rows.push(DriftRow::new(DriftKind::File, manifest::PATH, expected, observed));
    }
    let parts = Parts {
        manifests,
        manifest_seen: manifest_seen.cloned(),
        secrets,
        apt_keys,
        packages,
        certificates_first: way::certificates_first(&certificates, wanted, facts),
        certificates,
        files,
        units,
        accounts,
        past: if foreign::run_to_undo(facts) {
            Past::Unfinished
        } else {
            Past::Ended
        },
    };
    Ok(Decided {
        parts,
        rows,
        looks,
        unseen,
    })
}

fn in_order(wanted: &Wanted, parts: Parts) -> Vec<Change> {
    let Parts {
        manifests,
        manifest_seen,
        secrets,
        apt_keys,
        packages,
        certificates,
        certificates_first,
        files,
        units,
        accounts,
        past,
    } = parts;
    // What apt cannot read stops everything else that it does.
    let sources_change = !files.apt.is_empty() || !apt_keys.is_empty();
    let mut changes = files.apt;
    if !packages.tools.is_empty() {
        let without = if sources_change {
            way::own_sources(wanted)
        } else {
            Vec::new()
        };
        changes.push(Change::AptUpdate { without });
        changes.push(Change::Install {
            packages: packages.tools.clone(),
        });
    }
    changes.extend(guarded(wanted, files.guarded, units.guarded));
    changes.extend(apt_keys);
    if sources_change || !packages.others.is_empty() {
        changes.push(Change::AptUpdate { without: Vec::new() });
    }
    changes.extend(secrets.into_iter().map(Change::MakeSecret));
    if !packages.others.is_empty() {
        changes.extend(way::make_way(&files.rest));
    }
    let new_certificates = !certificates.is_empty();
    let (folders, rest): (Vec<_>, Vec<_>) = files
        .rest
        .into_iter()
        .partition(|change| way::holds_one_of(change, &certificates));
    let mut made = [folders, certificates].concat();
    if certificates_first {
        changes.append(&mut made);
    }
    changes.extend(package::install_changes(wanted, &packages));
    if !packages.hold.is_empty() {
        changes.push(Change::Hold {
            packages: packages.hold.clone(),
            hold: true,
        });
    }
    changes.extend(made);
    if !rest.is_empty() || new_certificates {
        let guards = [Check::Nft, Check::Sshd];
        let checks = wanted.checks.iter().filter(|check| !guards.contains(check));
        changes.extend(checks.copied().map(Change::Check));
    }
    changes.extend(programs_first(rest));
    changes.extend(units.stop);
    changes.extend(accounts);
    changes.extend(units.start);
    with_manifests(changes, &manifests, manifest_seen.as_ref(), past)
}

/// A configuration never names a module of ours that is not there yet: what lies in /usr is put in place first.
fn programs_first(files: Vec<Change>) -> Vec<Change> {
    let is_program = |change: &Change| matches!(change, Change::Put { path, .. } if path.as_str().starts_with("/usr/"));
    let (mut ordered, others): (Vec<_>, Vec<_>) = files.into_iter().partition(is_program);
    ordered.extend(others);
    ordered
}

/// The two checks, then everything that could lock the operator out, between arming and disarming.
fn guarded(wanted: &Wanted, files: Vec<Change>, units: Vec<Change>) -> Vec<Change> {
    let mut changes = Vec::new();
    if files.is_empty() && units.is_empty() {
        return changes;
    }
    for check in [Check::Nft, Check::Sshd] {
        if wanted.checks.contains(&check) {
            changes.push(Change::Check(check));
        }
    }
    changes.push(Change::Arm {
        seconds: CONFIRM_SECONDS,
    });
    changes.extend(files);
    changes.extend(units);
    changes.push(Change::Disarm);
    changes
}

/// Nothing to do and nothing to write down: an empty plan. Otherwise the manifest is widened first and narrowed last.
fn with_manifests(mut changes: Vec<Change>, manifests: &Manifests, seen: Option<&Manifest>, past: Past) -> Vec<Change> {
    let right = past == Past::Ended && seen.is_some_and(|seen| manifest::same(seen, &manifests.narrow));
    if changes.iter().all(is_guard) && right {
        return Vec::new();
    }
    if !seen.is_some_and(|seen| manifest::same(seen, &manifests.wide)) {
        let content = manifest::canonical(&manifests.wide);
        changes.insert(0, Change::Manifest { content });
    }
    // Which packages come along is known only afterwards.
    let installs = changes.iter().any(|change| matches!(change, Change::Install { .. }));
    if !right || installs {
        let content = manifest::canonical(&manifests.narrow);
        if changes.first()
            != Some(&Change::Manifest {
                content: content.clone(),
            })
            || changes.len() > 1
        {
            changes.push(Change::Manifest { content });
        }
    }
    changes
}

/// Hosts that must not be touched. Unknown facts are collected, not returned: they are shown all at once.
fn refuse(
    wanted: &Wanted,
    facts: &HostFacts,
    context: &BuildContext,
    looks: &mut Vec<UnknownFact>,
) -> Result<(), PlanError> {
    let host = || wanted.host.clone();
    match facts.os.known() {
        Ok(os) if !supported(os) => {
            return Err(PlanError::UnsupportedOs {
                host: host(),
                pretty: os.pretty.clone(),
            });
        }
        Ok(_) => {}
        Err(why) => looks.push(unknown(None, "the operating system", why)),
    }
    match facts.init.known() {
        Ok(init) if init != "systemd" => {
            return Err(PlanError::NotSystemd {
                host: host(),
                init: init.clone(),
            });
        }
        Ok(_) => {}
        Err(why) => looks.push(unknown(None, "process 1", why)),
    }
    match facts.lock.known() {
        Ok(Some(holder)) => {
            return Err(PlanError::Locked {
                host: host(),
                holder: holder.clone(),
            });
        }
        Ok(None) => {}
        Err(why) => looks.push(unknown(None, "who is changing the host", why)),
    }
    match facts.manifest.known() {
        Ok(Some(manifest)) if another(manifest, context) => Err(PlanError::BelongsToAnother {
            host: host(),
            deployment: manifest.deployment.clone(),
            domain: manifest.domain.clone(),
        }),
        Ok(_) => Ok(()),
        Err(why) => {
            looks.push(unknown(None, "the host's manifest", why));
            Ok(())
        }
    }
}

/// A manifest that holds nothing but hardening is what a removal leaves on purpose; whoever comes next takes it over.
fn another(manifest: &Manifest, context: &BuildContext) -> bool {
    let named = manifest.deployment == context.deployment.as_str() && manifest.domain == context.domain.as_str();
    let only_hardening = manifest.paths.iter().all(|own| own.hardening) && manifest.accounts.is_empty();
    !named && !only_hardening
}

fn supported(os: &Os) -> bool {
    matches!(
        (os.id.as_str(), os.version.as_str()),
        ("debian", "12" | "13") | ("ubuntu", "22.04" | "24.04")
    )
}
