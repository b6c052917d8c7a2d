//! What a host makes for itself, or fetches and checks: secrets, apt keys, certificates, accounts.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::facts::HostFacts;
use crate::facts::PasswordSeen;
use crate::facts::PathState;
use crate::facts::SECRETS_FILE;
use crate::plan::Change;
use crate::plan::DriftKind;
use crate::plan::DriftRow;
use crate::plan::UnknownFact;
use crate::plan::diff::describe;
use crate::plan::drift::unknown;
use crate::plan::file;
use crate::plan::package;
use crate::render::Access;
use crate::render::AccountWanted;
use crate::render::GeneratedCertificate;
use crate::render::SecretName;
use crate::render::Wanted;
use crate::render::trust_place;
use crate::spec::RemotePath;

/// A secret of ours is 256 bit in hexadecimal.
const SECRET_LENGTH: usize = 64;
/// Certificates made on the host live for 397 days; a new one is made this many seconds before the end.
const RENEW_BEFORE: i64 = 30 * 24 * 3600;

/// The paths that a certificate made on the host takes up.
pub(crate) fn certificate_paths(made: &GeneratedCertificate) -> Vec<RemotePath> {
    let mut paths = vec![made.certificate.clone(), made.key.clone()];
    paths.extend(trust_place(made));
    paths
}

/// Secrets that are missing or too short to be ours.
pub(crate) fn secrets(
    wanted: &Wanted,
    facts: &HostFacts,
    rows: &mut Vec<DriftRow>,
    missing: &mut Vec<UnknownFact>,
) -> Vec<SecretName> {
    if wanted.secrets.is_empty() {
        return Vec::new();
    }
    let held = match facts.secrets.known() {
        Ok(held) => held,
        Err(why) => {
            missing.push(unknown(DriftKind::Secret, "names of the host's secrets", why));
            return Vec::new();
        }
    };
    let mut made = Vec::new();
    // What others could read or write is no secret any more, whatever it is set to now.
    let open = secrets_file(facts).filter(|state| !is_root_file(state, 0o600));
    if let Some(state) = open {
        rows.push(DriftRow::new(
            DriftKind::File,
            SECRETS_FILE,
            "file root:root 0600",
            describe(state),
        ));
        made.extend(wanted.secrets.iter().cloned());
        return made;
    }
    for name in &wanted.secrets {
        let length = held.get(name).copied().unwrap_or(0);
        if length < SECRET_LENGTH {
            let expected = format!("{SECRET_LENGTH} characters");
            rows.push(DriftRow::new(
                DriftKind::Secret,
                &name.0,
                expected,
                format!("{length} characters"),
            ));
            made.push(name.clone());
        }
    }
    made
}

/// The file of the host's secrets, where there is something and it was seen.
fn secrets_file(facts: &HostFacts) -> Option<&PathState> {
    let path = SECRETS_FILE.parse().expect("a constant path is valid");
    let state = facts.files.get(&path)?.known().ok()?;
    Some(state).filter(|state| **state != PathState::Absent)
}

/// Whether it is a regular file of root with exactly this mode.
fn is_root_file(state: &PathState, wanted: u32) -> bool {
    matches!(state, PathState::File { owner, group, mode, .. } if owner == "root" && group == "root" && *mode == wanted)
}

/// apt keys that are missing, hold anything but the pinned key, or could be changed by others than root. A keyring that
/// cannot be read is put in place anew: what it should hold is known.
pub(crate) fn apt_keys(
    wanted: &Wanted,
    facts: &HostFacts,
    rows: &mut Vec<DriftRow>,
    missing: &mut Vec<UnknownFact>,
    unseen: &mut Vec<UnknownFact>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for key in &wanted.apt_keys {
        let state = facts.files.get(&key.path).and_then(|state| state.known().ok());
        let there = state.filter(|state| **state != PathState::Absent);
        if let Some(state) = there.filter(|state| !is_root_file(state, 0o644)) {
            let expected = "file root:root 0644";
            rows.push(DriftRow::new(DriftKind::Key, &key.path, expected, describe(state)));
            changes.push(Change::AptKey(key.clone()));
            continue;
        }
        let seen = match facts.apt_keys.get(&key.path).map(|seen| seen.known()) {
            Some(Ok(seen)) => seen.clone(),
            // Without gnupg nobody can look into a keyring; the plan installs it and then puts the key in place anew.
            _ if package::missing(wanted, facts, "gnupg") => Vec::new(),
            Some(Err(why)) => {
                let look = unknown(DriftKind::Key, format!("keys in {}", key.path), why);
                if there.is_some() {
                    unseen.push(look);
                    changes.push(Change::AptKey(key.clone()));
                } else {
                    missing.push(look);
                }
                continue;
            }
            None => {
                missing.push(unknown(
                    DriftKind::Key,
                    format!("keys in {}", key.path),
                    "it was not looked at",
                ));
                continue;
            }
        };
        if seen != [key.fingerprint.clone()] {
            let observed = if seen.is_empty() {
                "no key".to_owned()
            } else {
                seen.join(", ")
            };
            rows.push(DriftRow::new(DriftKind::Key, &key.path, &key.fingerprint, observed));
            changes.push(Change::AptKey(key.clone()));
        }
    }
    changes
}

/// Certificates that are missing, end soon, name other names, or whose key is not theirs or not private.
pub(crate) fn certificates(
    wanted: &Wanted,
    facts: &HostFacts,
    rows: &mut Vec<DriftRow>,
    missing: &mut Vec<UnknownFact>,
    unseen: &mut Vec<UnknownFact>,
) -> Vec<Change> {
    let now = match facts.at.parse::<jiff::Timestamp>() {
        Ok(now) => now.as_second(),
        Err(why) if wanted.certificates.is_empty() => {
            drop(why);
            0
        }
        Err(why) => {
            missing.push(unknown(DriftKind::Certificate, "the host's clock", &why.to_string()));
            return Vec::new();
        }
    };
    let mut changes = Vec::new();
    for made in &wanted.certificates {
        let observed = match facts.certificates.get(&made.certificate).map(|seen| seen.known()) {
            Some(Ok(None)) => Some("absent".to_owned()),
            Some(Ok(Some(seen))) => {
                let names: BTreeSet<&String> = seen.names.iter().collect();
                let expected: BTreeSet<&String> = made.names.iter().collect();
                if seen.names.is_empty() {
                    Some("no certificate for any name".to_owned())
                } else if names != expected {
                    Some(format!("names {}", seen.names.join(", ")))
                } else if !seen.key_matches {
                    Some("the key beside it is another one's".to_owned())
                } else if seen.not_after - now < RENEW_BEFORE {
                    Some(format!("ends {}", day(seen.not_after)))
                } else {
                    places(made, facts, unseen)
                }
            }
            // Without openssl nobody can look at a key; the plan installs it and then makes the pair anew.
            Some(Err(_)) if package::missing(wanted, facts, "openssl") => {
                Some("its key cannot be read without openssl".to_owned())
            }
            Some(Err(why)) => {
                missing.push(unknown(DriftKind::Certificate, made.certificate.as_str(), why));
                continue;
            }
            None => {
                missing.push(unknown(
                    DriftKind::Certificate,
                    made.certificate.as_str(),
                    "it was not looked at",
                ));
                continue;
            }
        };
        if let Some(observed) = observed {
            let expected = format!("a certificate for {}", made.names.join(", "));
            rows.push(DriftRow::new(
                DriftKind::Certificate,
                &made.certificate,
                expected,
                observed,
            ));
            changes.push(Change::Certificate(made.clone()));
        }
    }
    changes
}

/// A key that others could read is no secret any more, and a trust store that holds another certificate would turn
/// the services away: both need a new pair. The paths are in the manifest, so the facts have them once they are ours.
fn places(made: &GeneratedCertificate, facts: &HostFacts, unseen: &mut Vec<UnknownFact>) -> Option<String> {
    let mut state = |path: &RemotePath| match file::seen(path, facts) {
        Ok(state) => Some(state),
        Err(look) => {
            unseen.push(UnknownFact {
                kind: Some(DriftKind::Certificate),
                ..look
            });
            None
        }
    };
    let open = Access {
        owner: "root".to_owned(),
        group: "root".to_owned(),
        mode: 0o644,
    };
    let parts = [
        ("its key", Some(&made.key), &made.key_access),
        ("it", Some(&made.certificate), &open),
        ("what the host trusts", trust_place(made).as_ref(), &open),
    ]
    .map(|(what, path, access)| (what, path.cloned(), access));
    for (what, path, access) in parts {
        let Some(seen) = path.as_ref().and_then(&mut state) else {
            continue;
        };
        let right = match seen {
            PathState::File { owner, group, mode, .. } => {
                (owner, group, *mode) == (&access.owner, &access.group, access.mode)
            }
            // That the host does not trust it is told below.
            PathState::Absent => true,
            PathState::Dir { .. } | PathState::Link { .. } | PathState::Other => false,
        };
        if !right {
            return Some(format!("{what} is a {}", describe(seen)));
        }
    }
    let trusted = trust_place(made)?;
    match (state(&made.certificate), state(&trusted)) {
        (_, Some(PathState::Absent)) => Some("the host does not trust it".to_owned()),
        (Some(PathState::File { sha256: ours, .. }), Some(PathState::File { sha256: trusted, .. }))
            if ours != trusted =>
        {
            Some("the host trusts another one".to_owned())
        }
        _ => None,
    }
}

fn day(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.strftime("%F").to_string())
}

fn host_of(jid: &str) -> Option<&str> {
    jid.rsplit_once('@').map(|(_, host)| host)
}

/// Accounts to make or to give the secret as password, and accounts of an earlier spec or of a stranger to remove.
pub(crate) fn accounts(
    wanted: &Wanted,
    facts: &HostFacts,
    owned: &[String],
    new_secrets: &[SecretName],
    rows: &mut Vec<DriftRow>,
    missing: &mut Vec<UnknownFact>,
) -> Vec<Change> {
    let gone: Vec<&String> = owned
        .iter()
        .filter(|jid| !wanted.accounts.iter().any(|account| account.jid == **jid))
        .collect();
    if wanted.accounts.is_empty() && gone.is_empty() {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let account_row = |account: &AccountWanted, observed: &str| {
        let expected = format!("password is the secret {:?}", account.password.0);
        DriftRow::new(DriftKind::Account, &account.jid, expected, observed)
    };
    // With either of these gone, passwords are set without being looked at; who is there may still be seen.
    let blind = package::missing(wanted, facts, "prosody") || package::missing(wanted, facts, "lua5.4");
    let nobody = BTreeMap::new();
    let seen = match facts.accounts.known() {
        Ok(seen) => seen,
        Err(_) if blind => &nobody,
        Err(why) => {
            missing.push(unknown(DriftKind::Account, "XMPP accounts", why));
            return Vec::new();
        }
    };
    for account in &wanted.accounts {
        let observed = match seen.get(&account.jid).map(|account| account.password) {
            None => "absent",
            Some(PasswordSeen::Differs) => "another password",
            Some(_) if new_secrets.contains(&account.password) => "a password that is being replaced",
            Some(_) if blind => "a password that nothing can compare",
            Some(PasswordSeen::Matches) => continue,
            Some(PasswordSeen::NotCompared) => {
                missing.push(unknown(
                    DriftKind::Account,
                    format!("password of {}", account.jid),
                    "it was not compared",
                ));
                continue;
            }
        };
        rows.push(account_row(account, observed));
        changes.push(Change::Account(account.clone()));
    }
    // Every account but a clinician's opens a door that only the services have the key to.
    for jid in seen.keys() {
        let host = host_of(jid);
        if wanted.accounts.iter().any(|account| account.jid == *jid) {
            continue;
        }
        let service_host = wanted.accounts.iter().any(|account| host_of(&account.jid) == host);
        let row = DriftRow::new(DriftKind::Account, jid, "absent", "present");
        if service_host || gone.contains(&jid) {
            rows.push(row);
            changes.push(Change::RemoveAccount { jid: jid.clone() });
        } else if host != wanted.clinicians.as_deref() {
            // Prosody deletes no account on a host that has none by its configuration, or that it does not serve.
            rows.push(row.for_a_person());
        }
    }
    changes
}
