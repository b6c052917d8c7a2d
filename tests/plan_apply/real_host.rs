//! apply on real hosts with systemd.

use crate::deployment::context;
use crate::deployment::path;
use crate::deployment::text;
use crate::deployment::wanted;
use crate::deployment_facts::fresh_facts;
use crate::real_bench::assert_same;
use crate::real_bench::go;
use crate::real_bench::good_plan;
use crate::real_bench::host;
use crate::real_bench::look;
use crate::real_bench::snapshot;
use crate::real_bench::take_away;
use crate::ssh_client_host::Reconnect;
use anteroom::apply::ApplyError;
use anteroom::apply::Outcome;
use anteroom::apply::Restored;
use anteroom::apply::forget_kept;
use anteroom::facts::PathState;
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
use std::time::Duration;

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
            *seconds = 40;
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
