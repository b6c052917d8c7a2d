//! apply on real hosts with systemd: a lab host for each test, which the test leaves as it found it. Skipped with the
//! reason where this computer has no lab, failed where ANTEROOM_TESTS=require.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use anteroom::apply::Applied;
use anteroom::apply::ApplyError;
use anteroom::apply::Event;
use anteroom::apply::Operator;
use anteroom::apply::Outcome;
use anteroom::apply::Restored;
use anteroom::apply::carry_out;
use anteroom::apply::forget_kept;
use anteroom::commands::lab::CORE_DOWNLOADS;
use anteroom::facts::HostFacts;
use anteroom::facts::PackageState;
use anteroom::facts::PathState;
use anteroom::machines::lab::HostRequest;
use anteroom::machines::lab::Lab;
use anteroom::machines::lab::LabDir;
use anteroom::plan::Change;
use anteroom::plan::Hardening;
use anteroom::plan::Plan;
use anteroom::plan::UnitAction;
use anteroom::plan::build;
use anteroom::plan::leftovers;
use anteroom::plan::remove;
use anteroom::plan::request_after;
use anteroom::render::Wanted;
use anteroom::secret::Secret;
use anteroom::seen::Seen;
use anteroom::spec::RemotePath;
use tempfile::TempDir;

use crate::deployment::context;
use crate::deployment::fresh_facts;
use crate::deployment::path;
use crate::deployment::text;
use crate::deployment::wanted;
use crate::ssh_client_host::Reconnect;
use crate::ssh_client_host::SshClientHost;

/// At most this many hosts at once: each installs packages.
const AT_ONCE: usize = 4;
static RUNNING: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// A lab host for one test, gone with it.
struct Throwaway {
    lab: Lab,
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

fn host() -> Option<(SshClientHost, Throwaway)> {
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
    };
    Some((host, throwaway))
}

fn me() -> Operator {
    Operator {
        user: "tester".into(),
        computer: "bench".into(),
        verb: "apply".into(),
    }
}

fn go(host: &mut SshClientHost, plan: &Plan) -> Result<Applied, ApplyError> {
    let start = std::time::Instant::now();
    carry_out(host, plan, &me(), &mut |event: Event| {
        eprintln!("{:6.1} {event:?}", start.elapsed().as_secs_f32());
    })
}

fn good_plan() -> Plan {
    let wanted = wanted();
    build(&wanted, &fresh_facts(&wanted), &context()).unwrap()
}

/// Everything that a failed, interrupted or removed run must leave as it was. Backups of the user database and logs
/// are no part of it.
fn snapshot(host: &mut SshClientHost) -> BTreeSet<String> {
    let text = host.must(
        "find /etc /usr/local /usr/sbin /root /var/lib/anteroom /var/lib/prosody /var/log/nginx -xdev \
           ! -name '*-' ! -path /etc ! -name ld.so.cache ! -name '.pwd.lock' -printf '%p %y %u %g %m %l\\n' 2>/dev/null; \
         find /etc -xdev -type f ! -name ld.so.cache ! -name '*-' -exec sha256sum {} +; \
         dpkg-query -W -f '${Package} ${Status}\\n'; nft list ruleset; \
         systemctl list-unit-files --state=enabled,masked --no-legend; ls /run/anteroom 2>/dev/null | grep -v lock; true",
    );
    text.lines().map(str::to_owned).collect()
}

fn assert_same(before: &BTreeSet<String>, after: &BTreeSet<String>) {
    let gone: Vec<_> = before.difference(after).collect();
    let new: Vec<_> = after.difference(before).collect();
    assert!(gone.is_empty() && new.is_empty(), "gone: {gone:#?}\nnew: {new:#?}");
}

/// What a removal needs to know, seen by a look of the test's own.
fn look(host: &mut SshClientHost, paths: &[RemotePath]) -> HostFacts {
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
            Seen::Known(crate::deployment::unit_facts("loaded", active, "enabled")),
        );
    }
    facts
}

/// Takes the deployment away and proves that nothing is left of it.
fn take_away(host: &mut SshClientHost, before: &BTreeSet<String>) {
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

#[test]
fn a_plan_takes_effect_and_its_removal_leaves_nothing() {
    let Some((mut host, _alone)) = host() else { return };
    let before = snapshot(&mut host);
    let applied = go(&mut host, &good_plan()).unwrap();
    assert!(!applied.outcomes.contains(&Outcome::Failed));
    let seen = host.must(
        "systemctl is-active nginx prosody anteroom-firewall; apt-mark showhold; ls -A /usr/sbin/policy-rc.d 2>&1; \
         s=$(sed -n 's/^focus=//p' /etc/anteroom/secrets); echo ${#s}; grep -c \"$s\" /etc/prosody/prosody.cfg.lua; \
         grep -rl \"$s\" /var/cache/debconf /var/log /var/lib/dpkg /run/anteroom /var/lib/anteroom 2>/dev/null; \
         journalctl --no-pager -q | grep -c \"$s\"; stat -c '%U:%G %a' /etc/prosody/prosody.cfg.lua /etc/anteroom/secrets; \
         ls /run/anteroom; true",
    );
    assert_eq!(
        seen,
        "active\nactive\nactive\nprosody\nls: cannot access '/usr/sbin/policy-rc.d': No such file or directory\n64\n1\n\
         0\nroot:prosody 640\nroot:root 600\nlock\n"
    );
    take_away(&mut host, &before);
}

#[test]
fn hardening_that_stays_is_still_in_force_and_goes_on_request() {
    let Some((mut host, _alone)) = host() else { return };
    let before = snapshot(&mut host);
    go(&mut host, &good_plan()).unwrap();
    let facts = look(&mut host, &[]);
    let (plan, kept) = remove(&facts, &"core".parse().unwrap(), Hardening::Keep).unwrap();
    assert_eq!(kept.len(), 4, "{kept:?}");
    let applied = go(&mut host, &plan).unwrap();
    assert_eq!(applied.left, [], "{:#?}", applied.left);
    let after = look(&mut host, &request_after(&plan).paths);
    assert_eq!(leftovers(&plan, &after), []);
    let seen = host.must("systemctl is-active anteroom-firewall; nft list table inet anteroom | grep -c 'policy drop'; ls /etc/anteroom /etc/ssh/sshd_config.d");
    assert_eq!(
        seen,
        "active\n1\n/etc/anteroom:\nfirewall.nft\nmanifest.json\n\n/etc/ssh/sshd_config.d:\n00-anteroom.conf\n"
    );
    take_away(&mut host, &before);
}

#[test]
fn a_site_that_nginx_refuses_takes_no_effect_and_everything_is_undone() {
    let Some((mut host, _alone)) = host() else { return };
    let before = snapshot(&mut host);
    let mut bad = wanted();
    bad.tree.insert(
        path("/etc/nginx/sites-available/telemed.conf"),
        text("server { listen 80 default_server; nonsense; }\n", "root", 0o644),
    );
    let plan = build(&bad, &fresh_facts(&bad), &context()).unwrap();
    let error = go(&mut host, &plan).unwrap_err();
    let ApplyError::StepFailed { output, restored, .. } = &error else {
        panic!("{error}")
    };
    assert!(output.iter().any(|line| line.contains("nonsense")), "{output:?}");
    assert_eq!(*restored, Restored::Fully, "{error}");
    forget_kept(&mut host).unwrap();
    assert_same(&before, &snapshot(&mut host));
}

#[test]
fn a_service_that_does_not_come_up_is_reported_with_its_own_words_and_undone() {
    let Some((mut host, _alone)) = host() else { return };
    let before = snapshot(&mut host);
    // The port is taken, which no check of the configuration can know.
    host.must(
        "systemd-run --quiet --unit=anteroom-test-squatter perl -MIO::Socket::INET -e \
         'push @ARGV, IO::Socket::INET->new(LocalPort => 80, Listen => 1); sleep 600'; \
         until ss -Hltn 'sport = :80' | grep -q .; do sleep 0.1; done",
    );
    let result = go(&mut host, &good_plan());
    host.must("systemctl stop anteroom-test-squatter; true");
    let error = result.unwrap_err();
    let ApplyError::StepFailed {
        change,
        output,
        restored,
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert!(matches!(&**change, Change::Unit { name, action: UnitAction::Start, .. } if name == "nginx.service"));
    assert!(
        output.iter().any(|line| line.contains("Address already in use")),
        "{output:?}"
    );
    assert_eq!(*restored, Restored::Fully, "{error}");
    forget_kept(&mut host).unwrap();
    assert_same(&before, &snapshot(&mut host));
}

#[test]
fn an_operator_who_cannot_connect_anew_finds_the_host_as_it_was() {
    let Some((mut host, _alone)) = host() else { return };
    let before = snapshot(&mut host);
    host.reconnect = Reconnect::Fails;
    let mut plan = good_plan();
    for change in &mut plan.changes {
        if let Change::Arm { seconds } = change {
            *seconds = 9;
        }
    }
    let error = go(&mut host, &plan).unwrap_err();
    let ApplyError::Unconfirmed { restored, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*restored, Restored::Fully);
    forget_kept(&mut host).unwrap();
    assert_same(&before, &snapshot(&mut host));
}

#[test]
fn a_cut_connection_changes_nothing_about_the_run() {
    let Some((mut host, _alone)) = host() else { return };
    let before = snapshot(&mut host);
    host.cut_after = Some(9);
    let applied = go(&mut host, &good_plan()).unwrap();
    assert!(host.cut_after.is_none() && !applied.outcomes.contains(&Outcome::Failed));
    take_away(&mut host, &before);
}

#[test]
fn a_second_operator_is_refused_with_the_first_ones_name() {
    let Some((mut host, _alone)) = host() else { return };
    let before = snapshot(&mut host);
    let mut first = host.clone();
    let running = std::thread::spawn(move || go(&mut first, &good_plan()).map(|_| ()));
    std::thread::sleep(Duration::from_secs(3));
    let error = go(&mut host, &good_plan()).unwrap_err();
    let ApplyError::Locked { who, verb, since, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        (who.as_str(), verb.as_str(), since.len()),
        ("tester@bench", "apply", 20)
    );
    running.join().unwrap().unwrap();
    take_away(&mut host, &before);
}

#[test]
fn a_killed_run_is_undone_by_the_next_one() {
    let Some((mut host, _alone)) = host() else { return };
    let before = snapshot(&mut host);
    let mut killer = host.clone();
    let killing = std::thread::spawn(move || {
        killer.must(
            "until pgrep -f 'apt-get.*install' >/dev/null && ls /var/lib/dpkg/info/nginx-common.list >/dev/null 2>&1; do sleep 0.05; done; \
             systemctl kill --signal=KILL 'anteroom-apply-*.service'; dpkg --audit | head -3",
        )
    });
    let error = go(&mut host, &good_plan()).unwrap_err();
    assert!(matches!(error, ApplyError::Died { .. }), "{error}");
    eprintln!("{}", killing.join().unwrap());
    let error = go(&mut host, &good_plan()).unwrap_err();
    let ApplyError::Recovered { restored, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*restored, Restored::Fully, "{error}");
    forget_kept(&mut host).unwrap();
    assert_same(&before, &snapshot(&mut host));
}

#[test]
fn a_host_that_changed_since_the_plan_is_not_touched() {
    let Some((mut host, _alone)) = host() else { return };
    let plan = good_plan();
    host.must("echo '# mine' >/etc/apt/preferences.d/anteroom");
    let before = snapshot(&mut host);
    let error = go(&mut host, &plan).unwrap_err();
    let ApplyError::Stale { paths, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*paths, [path("/etc/apt/preferences.d/anteroom")]);
    forget_kept(&mut host).unwrap();
    assert_same(&before, &snapshot(&mut host));
    host.must("rm /etc/apt/preferences.d/anteroom");
}

#[test]
fn what_stood_there_before_comes_back() {
    let Some((mut host, _alone)) = host() else { return };
    host.must("mkdir -m 0750 -p /etc/jitsi/meet; echo 'mine' >/etc/jitsi/meet/config.js; chmod 0600 /etc/jitsi/meet/config.js");
    let before = snapshot(&mut host);
    let wanted: Wanted = wanted();
    let mut facts = fresh_facts(&wanted);
    let dir = PathState::Dir {
        owner: "root".into(),
        group: "root".into(),
        mode: 0o750,
    };
    let file = PathState::File {
        owner: "root".into(),
        group: "root".into(),
        mode: 0o600,
        sha256: host
            .must("sha256sum /etc/jitsi/meet/config.js | cut -c 1-64")
            .trim()
            .to_owned(),
        content: Some("mine\n".into()),
        modified: 0,
    };
    facts.files.insert(path("/etc/jitsi/meet"), Seen::Known(dir));
    facts.files.insert(path("/etc/jitsi/meet/config.js"), Seen::Known(file));
    go(&mut host, &build(&wanted, &facts, &context()).unwrap()).unwrap();
    assert_eq!(host.must("cat /etc/jitsi/meet/config.js"), "var config = {};\n");
    take_away(&mut host, &before);
    host.must("rm -r /etc/jitsi");
}

#[test]
fn accounts_are_made_changed_and_removed() {
    let Some((mut host, _alone)) = host() else { return };
    let before = snapshot(&mut host);
    go(&mut host, &good_plan()).unwrap();
    let jid = "dr.house@auth.telemed.example.com";
    let stored =
        "cat '/var/lib/prosody/auth%2etelemed%2eexample%2ecom/accounts/dr%2ehouse.dat' 2>/dev/null || echo none";
    let small = |changes: Vec<Change>| Plan {
        changes,
        drift: Vec::new(),
        ..good_plan()
    };
    let clinician = |password: &str| Change::Clinician {
        jid: jid.into(),
        password: Secret::new(password),
    };
    go(&mut host, &small(vec![clinician("first pass phrase")])).unwrap();
    let first = host.must(stored);
    assert!(first.contains("stored_key"), "{first}");
    go(&mut host, &small(vec![clinician("second 'pass' $phrase")])).unwrap();
    let second = host.must(stored);
    assert!(second.contains("stored_key") && second != first);
    // A step that fails after it puts the old password back.
    let nowhere = Change::Unit {
        name: "anteroom-no-such.service".into(),
        action: UnitAction::Restart,
        why: String::new(),
        listens: Vec::new(),
    };
    go(&mut host, &small(vec![clinician("third pass phrase"), nowhere])).unwrap_err();
    assert_eq!(host.must(stored), second);
    assert_eq!(
        host.must(
            "journalctl --no-pager -q | grep -c 'pass phrase' || true; grep -r 'pass phrase' /var/lib/anteroom || true"
        ),
        "0\n"
    );
    go(&mut host, &small(vec![Change::RemoveAccount { jid: jid.into() }])).unwrap();
    assert_eq!(host.must(stored), "none\n");
    take_away(&mut host, &before);
}

/// At which change the power goes, and what the host must show first.
type Cut<'a> = (&'a dyn Fn(&Change) -> bool, &'a str);

/// Carries a plan out on a host that loses its power when a change begins, and follows what the next boot makes of it.
fn go_with_power_cut(
    host: &mut SshClientHost,
    lab: &Lab,
    plan: &Plan,
    at: impl Fn(&Change) -> bool,
    ripe: &str,
) -> Result<Applied, ApplyError> {
    let cut = plan.changes.iter().position(at).unwrap();
    let name = "core".parse().unwrap();
    let mut watcher = host.clone();
    let mut is_cut = false;
    carry_out(host, plan, &me(), &mut |event: Event| {
        eprintln!("{event:?}");
        if event == Event::Begin(cut) && !is_cut {
            is_cut = true;
            watcher.must(&format!("until {ripe}; do sleep 0.1; done"));
            lab.kill(&name).unwrap();
            lab.start(&name).unwrap();
        }
    })
}

/// What must be so once the boot after a power cut is through: it took everything back before any service ran.
fn assert_nothing_was_served(host: &mut SshClientHost) {
    let seen = host.must(
        "systemctl is-system-running --wait >/dev/null; journalctl -b -q --no-pager -o cat _PID=1 | \
         grep -E '^Started (nginx|prosody)' | wc -l; \
         ls /etc/systemd/system/anteroom-recover.service /run/systemd/system/nginx.service 2>/dev/null; \
         ls -d /run/anteroom/inputs-* /run/anteroom/stage-* 2>/dev/null; true",
    );
    assert_eq!(seen, "0\n");
}

#[test]
fn a_power_cut_at_any_stage_is_undone_by_the_next_boot_before_services_start() {
    let Some((mut host, alone)) = host() else { return };
    let before = snapshot(&mut host);
    let is_install = |change: &Change| matches!(change, Change::Install { packages } if packages.len() > 1);
    let is_site = |change: &Change| matches!(change, Change::Put { path, .. } if path.as_str().contains("/nginx/"));
    let is_start = |change: &Change| matches!(change, Change::Unit { name, .. } if name == "nginx.service");
    let is_armed = |change: &Change| matches!(change, Change::Disarm);
    let unpacked = "test -e /lib/systemd/system/nginx.service -a -e /lib/systemd/system/prosody.service";
    let cuts: [Cut; 4] = [
        (&is_install, unpacked),
        (&is_site, "true"),
        (&is_start, "systemctl is-active -q prosody"),
        (&is_armed, "true"),
    ];
    for (at, ripe) in cuts {
        let error = go_with_power_cut(&mut host, &alone.lab, &good_plan(), at, ripe).unwrap_err();
        let ApplyError::CutShort { restored, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(*restored, Restored::Fully, "{error}");
        assert_nothing_was_served(&mut host);
        forget_kept(&mut host).unwrap();
        assert_same(&before, &snapshot(&mut host));
    }
}
