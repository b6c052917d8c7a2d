//! What somebody else put where our services take it in: drop-ins, unit files, files in included folders, rules of sshd
//! for single connections, and what an unfinished run of ours left. None of it is ours to remove, so a person must look.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::facts::FolderItem;
use crate::facts::HostFacts;
use crate::facts::UnitFacts;
use crate::plan::DriftKind;
use crate::plan::DriftRow;
use crate::plan::UnknownFact;
use crate::plan::drift::SSHD_CONNECTIONS;
use crate::plan::drift::unknown;
use crate::plan::file::below;
use crate::render::Wanted;
use crate::render::included_folders;
use crate::spec::RemotePath;

/// Where packages put units, and where systemd's generators do (systemd.unit(5), "unit file load path").
const DISTRIBUTION: &[&str] = &[
    "/usr/lib/systemd/",
    "/lib/systemd/",
    "/run/systemd/generator/",
    "/run/systemd/generator.early/",
    "/run/systemd/generator.late/",
];
/// The one line of its kind in the distribution's sshd_config.
const SSHD_INCLUDE: &str = "Include /etc/ssh/sshd_config.d/*.conf";
/// Where systemd's administrator keeps units and drop-ins.
const SYSTEM_UNITS: &str = "/etc/systemd/system/";

/// Everything of somebody else's.
pub(crate) fn decide(wanted: &Wanted, facts: &HostFacts, rows: &mut Vec<DriftRow>, unseen: &mut Vec<UnknownFact>) {
    let mut told = BTreeSet::new();
    for unit in &wanted.units {
        // A unit that could not be seen has been told of already.
        if let Some(Ok(seen)) = facts.units.get(&unit.name).map(|seen| seen.known()) {
            unit_files(&unit.name, seen, wanted, &mut told, rows);
        }
    }
    for folder in included_folders(wanted) {
        let kind = kind_in(&folder);
        match facts.folders.get(&folder).map(|seen| seen.known()) {
            Some(Ok(items)) => folder_items(&folder, items, wanted, &told, rows),
            Some(Err(why)) => unseen.push(unknown(kind, format!("what lies in {folder}"), why)),
            None => unseen.push(unknown(kind, format!("what lies in {folder}"), "it was not looked at")),
        }
    }
    sshd_connections(wanted, facts, rows, unseen);
    match facts.unfinished.known() {
        Ok(left) => rows.extend(left.iter().map(|path| unfinished(path))),
        Err(why) => unseen.push(unknown(DriftKind::File, "whether a run was left unfinished", why)),
    }
}

fn kind_in(folder: &RemotePath) -> DriftKind {
    if folder.as_str().starts_with(SYSTEM_UNITS) {
        DriftKind::Unit
    } else {
        DriftKind::File
    }
}

fn ours(path: &str, wanted: &Wanted) -> bool {
    wanted.tree.keys().any(|own| own.as_str() == path)
}

fn unit_files(name: &str, seen: &UnitFacts, wanted: &Wanted, told: &mut BTreeSet<String>, rows: &mut Vec<DriftRow>) {
    // A masked or missing unit has no file that counts; that it is masked is another row.
    if seen.load != "loaded" {
        return;
    }
    let fine = |path: &str| {
        let distribution = DISTRIBUTION.iter().any(|folder| path.starts_with(folder));
        distribution || ours(path, wanted)
    };
    let runs = if seen.runs.is_empty() {
        String::new()
    } else {
        format!("; it runs {}", seen.runs.join(" and "))
    };
    let fragment = Some((&seen.fragment, "a unit file")).filter(|(path, _)| !path.is_empty());
    let drop_ins = seen.drop_ins.iter().map(|path| (path, "a drop-in"));
    for (path, what) in fragment.into_iter().chain(drop_ins) {
        if !fine(path) && told.insert(path.clone()) {
            let expected = format!("no part of {name}");
            let observed = format!("{what} that is not ours{runs}; a person must look");
            rows.push(DriftRow::new(DriftKind::Unit, path, expected, observed).for_a_person());
        }
    }
}

fn folder_items(
    folder: &RemotePath,
    items: &BTreeMap<String, FolderItem>,
    wanted: &Wanted,
    told: &BTreeSet<String>,
    rows: &mut Vec<DriftRow>,
) {
    for (name, item) in items {
        let place = format!("{folder}/{name}");
        let path: Option<RemotePath> = place.parse().ok();
        let known = path.as_ref().is_some_and(|path| {
            // What is forbidden is a row of its own, and goes.
            wanted.forbidden.contains(path) || wanted.tree.keys().any(|own| below(own, path))
        });
        if known || item.package.is_some() || told.contains(&place) {
            continue;
        }
        let observed = format!("a {} that is not ours; a person must look", item.kind);
        rows.push(DriftRow::new(kind_in(folder), place, "absent", observed).for_a_person());
    }
}

/// sshd asked for single connections: a `Match` block may say otherwise there than for all.
fn sshd_connections(wanted: &Wanted, facts: &HostFacts, rows: &mut Vec<DriftRow>, unseen: &mut Vec<UnknownFact>) {
    if wanted.sshd.is_empty() {
        return;
    }
    match facts.sshd_blocks.known() {
        Ok(lines) => rows.extend(lines.iter().filter(|line| !plain(line)).map(|line| {
            let expected = "the same settings for everybody, from the known files";
            DriftRow::new(DriftKind::Sshd, line, expected, "present; a person must look").for_a_person()
        })),
        Err(why) => unseen.push(unknown(DriftKind::Sshd, "blocks in sshd's configuration", why)),
    }
    let seen = match facts.sshd_as.known() {
        Ok(seen) => seen,
        Err(why) => return unseen.push(unknown(DriftKind::Sshd, SSHD_CONNECTIONS, why)),
    };
    for (keyword, expected) in &wanted.sshd {
        // What differs for everybody is a row already.
        let general = facts.sshd.known().ok().and_then(|all| all.get(keyword));
        let mut differing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (connection, settings) in seen {
            let value = settings.get(keyword);
            if value != Some(expected) && value != general {
                let value = value.map_or("not set", String::as_str);
                differing.entry(value).or_default().push(connection);
            }
        }
        for (value, connections) in differing {
            let subject = format!("{keyword} for {}", connections[0]);
            let more = match connections.len() - 1 {
                0 => String::new(),
                more => format!(", and for {more} more connections"),
            };
            let row = DriftRow::new(
                DriftKind::Sshd,
                subject,
                expected,
                format!("{value}{more}; a person must look"),
            );
            rows.push(row.for_a_person());
        }
    }
}

/// The distribution's own `Include`, as `path:line`.
fn plain(line: &str) -> bool {
    line.split_once(':')
        .is_some_and(|(path, text)| path == "/etc/ssh/sshd_config" && text.trim() == SSHD_INCLUDE)
}

fn unfinished(path: &str) -> DriftRow {
    if path.starts_with("/var/lib/anteroom/run/") {
        let observed = "a run that did not end; the next one undoes it first";
        DriftRow::new(DriftKind::File, path, "ended", observed)
    } else {
        let observed = "left by a run that did not end; services do not start with it";
        DriftRow::new(DriftKind::File, path, "absent", observed).for_a_person()
    }
}

/// Whether a run of ours is to be undone, which the next run does before anything else.
pub(crate) fn run_to_undo(facts: &HostFacts) -> bool {
    let left = facts.unfinished.known();
    left.is_ok_and(|left| left.iter().any(|path| path.starts_with("/var/lib/anteroom/run/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RemotePath {
        text.parse().unwrap()
    }

    fn item(kind: &str, package: Option<&str>) -> FolderItem {
        FolderItem {
            kind: kind.to_owned(),
            package: package.map(str::to_owned),
        }
    }

    fn wanted() -> Wanted {
        let spec = include_str!("../../examples/lab.toml");
        let read = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
        let files = crate::spec::Files {
            folder: std::path::Path::new(""),
            home: None,
            read: &read,
        };
        let day = jiff::civil::date(2026, 4, 1);
        let name = std::path::Path::new("lab.toml");
        let spec = crate::spec::parse(name, spec.as_bytes(), &crate::spec::Switches::default(), day, &files).unwrap();
        crate::render::render(&spec, &spec.hosts[0]).unwrap()
    }

    fn in_folder(folder: &str, items: &[(&str, FolderItem)]) -> Vec<DriftRow> {
        let mut rows = Vec::new();
        let items = items.iter().map(|(name, item)| ((*name).to_owned(), item.clone()));
        folder_items(&path(folder), &items.collect(), &wanted(), &BTreeSet::new(), &mut rows);
        rows
    }

    #[test]
    fn a_name_in_an_included_folder_is_ours_a_packages_forbidden_or_a_row() {
        let rows = in_folder(
            "/etc/nginx/modules-enabled",
            &[
                ("50-mod-http.conf", item("link", Some("libnginx-mod-http"))),
                ("60-jitsi-meet.conf", item("link", None)),
                ("99-evil.conf", item("file", None)),
            ],
        );
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].subject, "/etc/nginx/modules-enabled/99-evil.conf");
        assert_eq!(
            (rows[0].kind, rows[0].mend),
            (DriftKind::File, crate::plan::Mend::Person)
        );
        let ours = [("00-anteroom.conf", item("file", None))];
        assert!(in_folder("/etc/ssh/sshd_config.d", &ours).is_empty());
        let drop_in = [("zz.conf", item("file", None)), ("anteroom.conf", item("file", None))];
        let rows = in_folder("/etc/systemd/system/coturn.service.d", &drop_in);
        assert_eq!((rows.len(), rows[0].kind), (1, DriftKind::Unit));
    }

    #[test]
    fn a_drop_in_or_a_unit_file_of_somebody_elses_is_a_row() {
        let mut seen = UnitFacts {
            load: "loaded".into(),
            active: "active".into(),
            sub: "running".into(),
            enabled: "enabled".into(),
            started: 1,
            restarts: 0,
            fragment: "/lib/systemd/system/coturn.service".into(),
            drop_ins: vec!["/etc/systemd/system/coturn.service.d/anteroom.conf".into()],
            runs: vec!["/usr/bin/turnserver".into()],
        };
        let rows = |seen: &UnitFacts| {
            let mut rows = Vec::new();
            unit_files("coturn.service", seen, &wanted(), &mut BTreeSet::new(), &mut rows);
            rows
        };
        assert!(rows(&seen).is_empty());
        seen.drop_ins
            .push("/run/systemd/system.control/coturn.service.d/50-x.conf".into());
        seen.fragment = "/etc/systemd/system/coturn.service".into();
        let found = rows(&seen);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].subject, "/etc/systemd/system/coturn.service");
        assert!(found[0].observed.contains("it runs /usr/bin/turnserver"));
    }

    #[test]
    fn only_the_distributions_own_include_is_plain() {
        assert!(plain("/etc/ssh/sshd_config:Include /etc/ssh/sshd_config.d/*.conf"));
        assert!(!plain("/etc/ssh/sshd_config:Include /root/x.conf"));
        assert!(!plain("/etc/ssh/sshd_config:Match User root"));
        assert!(!plain(
            "/etc/ssh/sshd_config.d/99-x.conf:Include /etc/ssh/sshd_config.d/*.conf"
        ));
    }

    #[test]
    fn an_unfinished_run_is_undone_by_the_next_and_a_policy_needs_a_person() {
        assert_eq!(unfinished("/var/lib/anteroom/run/1").mend, crate::plan::Mend::Apply);
        assert_eq!(unfinished("/usr/sbin/policy-rc.d").mend, crate::plan::Mend::Person);
    }
}
