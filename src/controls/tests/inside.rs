//! Scenes of what lies on a host beside the files of ours.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::civil::date;

use crate::controls::Case;
use crate::controls::Finding;
use crate::controls::Status;
use crate::controls::judge;
use crate::facts::Aftermath;
use crate::facts::DiskMedium;
use crate::facts::DiskSeen;
use crate::facts::Exposed;
use crate::facts::FixesSeen;
use crate::facts::InsideFacts;
use crate::facts::LogSeen;
use crate::facts::LoginSeen;
use crate::facts::Logins;
use crate::facts::LooseFile;
use crate::facts::Options;
use crate::facts::PasswordState;
use crate::facts::Place;
use crate::facts::PlaceKind;
use crate::facts::TrailSeen;
use crate::render::BRIDGE_PATH;
use crate::render::FOCUS_PATH;
use crate::render::JOURNAL_PATH;
use crate::render::PackageWanted;
use crate::render::Wanted;
use crate::seen::Seen;
use crate::spec::Environment;

use super::build::Scene;
use super::build::good;

/// The moment of the scene, seconds since 1970.
pub(super) const NOW: i64 = 1_775_044_740;
/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// What a host holds on which a plan was carried out.
pub(super) fn as_wanted(wanted: &Wanted) -> InsideFacts {
    let of = |path: &str| {
        let rows = wanted.settings.iter().filter(|row| row.path.as_str() == path);
        rows.map(|row| (row.key.clone(), row.text()))
            .collect::<BTreeMap<String, String>>()
    };
    let options = |path: &str| Options {
        file: Some(path.to_owned()),
        effective: Ok(of(path)),
        arguments: BTreeMap::new(),
        debug: BTreeSet::new(),
        legacy: BTreeSet::new(),
    };
    let root = LoginSeen {
        password: PasswordState::Locked,
        shell: "/bin/bash".to_owned(),
        keys: vec!["256 SHA256:abc ann (ED25519)".to_owned()],
    };
    InsideFacts {
        exposed: Seen::Known(Some(Exposed {
            places: Vec::new(),
            read: 900,
        })),
        open_keys: Seen::Known(Vec::new()),
        loose: Seen::Known(Vec::new()),
        setuid: Seen::Known([("/usr/bin/su".to_owned(), Some("util-linux".to_owned()))].into()),
        logins: Seen::Known(Logins {
            accounts: [("root".to_owned(), root)].into(),
            elsewhere: Vec::new(),
        }),
        journal: Seen::Known(of(JOURNAL_PATH)),
        journal_files: Seen::Known(Some(2)),
        trail: Seen::Known(TrailSeen {
            login: Some("Accepted publickey for root from 192.0.2.1 port 4711 ssh2".to_owned()),
            sudo: None,
        }),
        disks: Seen::Known(vec![disk("/", DiskMedium::Encrypted)]),
        machine: Seen::Known(Some("kvm".to_owned())),
        fixes: Seen::Known(FixesSeen {
            asked: Some(NOW - DAY / 2),
            upgraded: Some(NOW - DAY),
            ..FixesSeen::default()
        }),
        kept: Seen::Known(Some(
            [(("auth.telemed.example.com".to_owned(), "accounts".to_owned()), 2)].into(),
        )),
        log_ends: Seen::Known(BTreeMap::new()),
        upstream: Seen::Known(BTreeMap::new()),
        bridge: Seen::Known(Some(options(BRIDGE_PATH))),
        focus: Seen::Known(Some(options(FOCUS_PATH))),
    }
}

/// What it shows when the visit is over.
pub(super) fn after() -> Aftermath {
    let seen = LogSeen {
        lines: 40,
        ..LogSeen::default()
    };
    Aftermath {
        media_packets: Seen::Known(Some(10)),
        logs: Seen::Known(
            [
                ("journal".to_owned(), seen),
                ("/var/log/nginx/access.log".to_owned(), seen),
            ]
            .into(),
        ),
    }
}

fn disk(mount: &str, medium: DiskMedium) -> DiskSeen {
    DiskSeen {
        mount: mount.to_owned(),
        kind: "ext4".to_owned(),
        source: "/dev/vda".to_owned(),
        medium,
    }
}

pub(super) fn inside(scene: &mut Scene) -> &mut InsideFacts {
    &mut scene.facts().inside
}

pub(super) fn known<T>(seen: &mut Seen<T>) -> &mut T {
    match seen {
        Seen::Known(value) => value,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

pub(super) fn leak(scene: &mut Scene, kind: PlaceKind, place: &str) {
    known(&mut inside(scene).exposed).as_mut().unwrap().places.push(Place {
        kind,
        place: place.to_owned(),
        secrets: "turn".to_owned(),
    });
}

pub(super) fn loose(scene: &mut Scene, mode: u32, owner: &str, path: &str) {
    known(&mut inside(scene).loose).push(LooseFile {
        mode,
        owner: owner.to_owned(),
        group: owner.to_owned(),
        path: path.to_owned(),
    });
}

pub(super) fn account(scene: &mut Scene, name: &str, password: PasswordState, shell: &str, keys: &[&str]) {
    let login = LoginSeen {
        password,
        shell: shell.to_owned(),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
    };
    known(&mut inside(scene).logins).accounts.insert(name.to_owned(), login);
}

pub(super) fn disks(scene: &mut Scene, all: &[(&str, DiskMedium)]) {
    let all = all.iter().map(|(mount, medium)| disk(mount, *medium)).collect();
    inside(scene).disks = Seen::Known(all);
}

pub(super) fn production(scene: &mut Scene) {
    scene.spec().deployment.environment = Environment::Production;
}

pub(super) fn marked(scene: &mut Scene, log: &str, seen: LogSeen) {
    known(&mut scene.hosts[0].after.logs).insert(log.to_owned(), seen);
}

pub(super) fn named(scene: &mut Scene, file: &str, host: &str) {
    let hosts = BTreeSet::from([host.to_owned()]);
    known(&mut inside(scene).upstream).insert(file.to_owned(), hosts);
}

pub(super) fn bridge(scene: &mut Scene) -> &mut Options {
    known(&mut inside(scene).bridge).as_mut().unwrap()
}

pub(super) fn option(scene: &mut Scene, key: &str, value: &str) {
    let all = bridge(scene).effective.as_mut().unwrap();
    assert!(all.insert(key.to_owned(), value.to_owned()).is_some(), "{key}");
}

pub(super) fn version(scene: &mut Scene, package: &str, version: &str) {
    let packages = known(&mut scene.facts().packages);
    version.clone_into(&mut packages.get_mut(package).unwrap().version);
}

pub(super) fn fixes(scene: &mut Scene) -> &mut FixesSeen {
    known(&mut inside(scene).fixes)
}

/// A fix that waits, known since so many days, and the last upgrade so many days ago.
pub(super) fn waits(scene: &mut Scene, asked: i64, upgraded: i64) {
    let seen = fixes(scene);
    seen.security
        .insert("libssl3".to_owned(), "3.0.22-1~deb12u2".to_owned());
    seen.asked = Some(NOW - asked * DAY - 60);
    seen.upgraded = Some(NOW - upgraded * DAY - 120);
}

pub(super) fn system(scene: &mut Scene, id: &str, version: &str) {
    let os = known(&mut scene.facts().os);
    id.clone_into(&mut os.id);
    version.clone_into(&mut os.version);
}

pub(super) fn keeps(scene: &mut Scene, host: &str, kind: &str) {
    let kept = known(&mut inside(scene).kept).as_mut().unwrap();
    kept.insert((host.to_owned(), kind.to_owned()), 3);
}

/// Versions of which no weakness is known.
pub(super) fn plain_version(package: &PackageWanted) -> &'static str {
    match (package.name.as_str(), &package.origin) {
        ("jitsi-meet-prosody", _) => "1.0.9000-1",
        ("jicofo" | "jitsi-videobridge2", _) => "9.0-1",
        (_, Some(_)) => "1.0",
        (_, None) => "9:1.0",
    }
}

impl Scene {
    /// The findings of one control on another day.
    pub(super) fn with_day(&mut self, today: Date, control: &str) -> Vec<Finding> {
        let mut findings = self.with_case(|case| {
            judge(&Case {
                spec: case.spec,
                domain: case.domain,
                today,
                now: case.now,
                hosts: case.hosts,
                outside: case.outside,
                cloud: case.cloud,
                tls_profile: case.tls_profile,
            })
        });
        findings.retain(|finding| finding.control.id == control);
        findings
    }
}

#[test]
fn a_test_is_not_judged_by_its_machines_disks_and_packages() {
    let mut scene = good();
    disks(&mut scene, &[("/", DiskMedium::Plain), ("/etc", DiskMedium::Unknown)]);
    assert_eq!(scene.word("encryption/disks-encrypted"), Some(Status::NotApplicable));
    waits(&mut scene, 60, 90);
    assert_eq!(scene.word("availability/fixes-applied"), Some(Status::Fail));
    scene.facts().system.container = Seen::Known(Some("systemd-nspawn".to_owned()));
    assert_eq!(scene.word("availability/fixes-applied"), Some(Status::NotApplicable));
    fixes(&mut scene).asked = None;
    assert_eq!(scene.word("availability/fixes-applied"), Some(Status::NotApplicable));
}

#[test]
fn an_end_that_is_near_is_told_and_a_stale_list_is_no_pass() {
    let mut scene = good();
    let finding = scene.findings("availability/system-supported").remove(0);
    assert_eq!(finding.observed, "Debian 12 (bookworm) is mended until 2028-06-30");
    let near = scene
        .with_day(date(2028, 3, 1), "availability/system-supported")
        .remove(0);
    assert_eq!(near.status, Status::Pass);
    assert!(near.observed.contains("in 121 days"), "{}", near.observed);
    let late = scene
        .with_day(date(2028, 3, 1), "integrity/no-known-vulnerabilities")
        .remove(0);
    assert_eq!(late.status, Status::Unverified);
    assert!(
        late.observed.contains("days ago; a later Anteroom"),
        "{}",
        late.observed
    );
}
