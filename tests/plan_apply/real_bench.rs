//! Real hosts with systemd: a lab host for each test, which the test leaves as it found it. Skipped with the reason where
//! this computer has no lab, failed where ANTEROOM_TESTS=require.

use crate::deployment::context;
use crate::deployment::wanted;
use crate::deployment_facts::fresh_facts;
use crate::ssh_client_host::Reconnect;
use crate::ssh_client_host::SshClientHost;
use anteroom::apply::Applied;
use anteroom::apply::ApplyError;
use anteroom::apply::Event;
use anteroom::apply::Operator;
use anteroom::apply::carry_out;
use anteroom::apply::forget_kept;
use anteroom::commands::lab::CORE_DOWNLOADS;
use anteroom::facts::HostFacts;
use anteroom::facts::PackageState;
use anteroom::facts::PathState;
use anteroom::machines::lab::HostRequest;
use anteroom::machines::lab::Lab;
use anteroom::machines::lab::LabDir;
use anteroom::plan::Hardening;
use anteroom::plan::Plan;
use anteroom::plan::build;
use anteroom::plan::leftovers;
use anteroom::plan::remove;
use anteroom::plan::request_after;
use anteroom::seen::Seen;
use anteroom::spec::RemotePath;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use tempfile::TempDir;

/// At most this many hosts at once: each installs packages.
const AT_ONCE: usize = 4;
static RUNNING: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// A lab host for one test, gone with it.
pub(crate) struct Throwaway {
    pub(crate) lab: Lab,
    home: TempDir,
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        let gone = self.lab.down_all();
        let left = self.lab.leftovers();
        let mut running = RUNNING.0.lock().unwrap_or_else(PoisonError::into_inner);
        *running -= 1;
        RUNNING.1.notify_one();
        // A second panic would hide why the test failed.
        if !std::thread::panicking() {
            gone.unwrap();
            assert!(left.is_empty(), "{} leaves {left:?}", self.home.path().display());
        }
    }
}

pub(crate) fn host() -> Option<(SshClientHost, Throwaway)> {
    let mut running = RUNNING.0.lock().unwrap_or_else(PoisonError::into_inner);
    while *running >= AT_ONCE {
        running = RUNNING.1.wait(running).unwrap_or_else(PoisonError::into_inner);
    }
    let home = TempDir::new().unwrap();
    let base = std::env::var_os("ANTEROOM_LAB_BASE");
    let base = base.map_or_else(|| Path::new(LabDir::DEFAULT).join("base"), PathBuf::from);
    let lab = Lab::open(&LabDir::new(home.path()).with_base(base))
        .unwrap()
        .carrying(&CORE_DOWNLOADS);
    let missing = lab.preflight();
    if !missing.is_empty() {
        let needs: Vec<String> = missing.iter().map(ToString::to_string).collect();
        let required = std::env::var("ANTEROOM_TESTS").is_ok_and(|tests| tests == "require");
        assert!(!required, "no lab here: {}", needs.join("; "));
        eprintln!("skipped: no lab here: {}", needs.join("; "));
        return None;
    }
    *running += 1;
    drop(running);
    let throwaway = Throwaway { lab, home };
    let request = HostRequest {
        name: "core".parse().unwrap(),
        from: None,
    };
    let made = throwaway.lab.up(&request, &mut |_| {}).unwrap();
    let host = SshClientHost {
        name: "core".parse().unwrap(),
        address: made.address.to_string(),
        key: made.ssh_key,
        reconnect: Reconnect::Works,
        cut_after: None,
        fault: None,
    };
    Some((host, throwaway))
}

pub(crate) fn me() -> Operator {
    Operator {
        user: "tester".into(),
        computer: "bench".into(),
        verb: "apply".into(),
    }
}

pub(crate) fn go(host: &mut SshClientHost, plan: &Plan) -> Result<Applied, ApplyError> {
    let start = std::time::Instant::now();
    carry_out(host, plan, &me(), &mut |event: Event| {
        eprintln!("{:6.1} {event:?}", start.elapsed().as_secs_f32());
    })
}

pub(crate) fn good_plan() -> Plan {
    let wanted = wanted();
    build(&wanted, &fresh_facts(&wanted), &context()).unwrap()
}

/// Everything that a failed, interrupted or removed run must leave as it was. Backups of the user database and logs
/// are no part of it.
pub(crate) fn snapshot(host: &mut SshClientHost) -> BTreeSet<String> {
    let text = host.must(
        "find /etc /usr/local /usr/sbin /root /var/lib/anteroom /var/lib/prosody /var/log/nginx -xdev \
           ! -name '*-' ! -path /etc ! -name ld.so.cache ! -name '.pwd.lock' -printf '%p %y %u %g %m %l\\n' 2>/dev/null; \
         find /etc -xdev -type f ! -name ld.so.cache ! -name '*-' -exec sha256sum {} +; \
         dpkg-query -W -f '${Package} ${Status}\\n'; nft list ruleset; \
         systemctl list-unit-files --state=enabled,masked --no-legend; ls /run/anteroom 2>/dev/null | grep -v lock; true",
    );
    text.lines().map(str::to_owned).collect()
}

pub(crate) fn assert_same(before: &BTreeSet<String>, after: &BTreeSet<String>) {
    let gone: Vec<_> = before.difference(after).collect();
    let new: Vec<_> = after.difference(before).collect();
    assert!(gone.is_empty() && new.is_empty(), "gone: {gone:#?}\nnew: {new:#?}");
}

/// What a removal needs to know, seen by a look of the test's own.
pub(crate) fn look(host: &mut SshClientHost, paths: &[RemotePath]) -> HostFacts {
    let mut facts = fresh_facts(&wanted());
    let manifest = host.must("cat /etc/anteroom/manifest.json 2>/dev/null || true");
    let manifest: Option<anteroom::facts::Manifest> =
        (!manifest.is_empty()).then(|| serde_json::from_str(&manifest).unwrap());
    let owned = manifest
        .iter()
        .flat_map(|manifest| manifest.paths.iter().map(|own| own.path.clone()));
    for path in owned.chain(paths.iter().cloned()).collect::<BTreeSet<_>>() {
        let stat = host.must(&format!("stat -c '%F|%U|%G|%a' '{path}' 2>/dev/null || echo absent"));
        let fields: Vec<&str> = stat.trim().split('|').collect();
        let state = match fields[..] {
            ["absent"] => PathState::Absent,
            ["directory", owner, group, mode] => PathState::Dir {
                owner: owner.into(),
                group: group.into(),
                mode: u32::from_str_radix(mode, 8).unwrap(),
            },
            _ => PathState::Other,
        };
        facts.files.insert(path, Seen::Known(state));
    }
    let packages = host.must("dpkg-query -W -f '${Package}\\n'");
    let packages: BTreeMap<String, PackageState> = packages
        .lines()
        .map(|name| {
            let state = PackageState {
                version: String::new(),
                installed: true,
                held: false,
                origins: Vec::new(),
            };
            (name.to_owned(), state)
        })
        .collect();
    facts.packages = Seen::Known(packages);
    facts.manifest = Seen::Known(manifest);
    facts.units.clear();
    for unit in ["nginx.service", "prosody.service", "anteroom-firewall.service"] {
        let active = host.must(&format!("systemctl is-active {unit} || true"));
        let active = active.trim();
        facts.units.insert(
            unit.into(),
            Seen::Known(crate::deployment_facts::unit_facts("loaded", active, "enabled")),
        );
    }
    facts
}

/// Takes the deployment away and proves that nothing is left of it.
pub(crate) fn take_away(host: &mut SshClientHost, before: &BTreeSet<String>) {
    let facts = look(host, &[]);
    let (plan, kept) = remove(&facts, &"core".parse().unwrap(), Hardening::Remove).unwrap();
    assert!(kept.is_empty());
    let applied = go(host, &plan).unwrap();
    assert_eq!(applied.left, [], "{:#?}", applied.left);
    let after = look(host, &request_after(&plan).paths);
    assert_eq!(leftovers(&plan, &after), []);
    forget_kept(host).unwrap();
    assert_same(before, &snapshot(host));
}
