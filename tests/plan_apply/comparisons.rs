//! What a comparison tells of a host that no plan can be made for, and that no plan is without a row of drift.

use anteroom::facts::FirewallFacts;
use anteroom::facts::HostFacts;
use anteroom::facts::PathState;
use anteroom::plan::Change;
use anteroom::plan::Comparison;
use anteroom::plan::DriftKind;
use anteroom::plan::Mend;
use anteroom::plan::build;
use anteroom::plan::compare;
use anteroom::seen::Seen;

use crate::deployment::context;
use crate::deployment::path;
use crate::deployment::wanted;
use crate::deployment_facts::as_wanted;
use crate::deployment_facts::satisfied_facts;
use crate::deployment_facts::unit_facts;

fn but(change: impl FnOnce(&mut HostFacts)) -> Comparison {
    let wanted = wanted();
    let mut facts = satisfied_facts(&wanted);
    change(&mut facts);
    compare(&wanted, &facts, &context()).unwrap()
}

fn unseen(comparison: &Comparison) -> Vec<(Option<DriftKind>, &str)> {
    comparison
        .unseen
        .iter()
        .map(|look| (look.kind, look.what.as_str()))
        .collect()
}

fn rows(comparison: &Comparison) -> Vec<(DriftKind, &str)> {
    comparison
        .drift
        .iter()
        .map(|row| (row.kind, row.subject.as_str()))
        .collect()
}

#[test]
fn one_failed_look_hides_no_difference_elsewhere() {
    let seen = but(|facts| {
        facts.packages = Seen::unknown("dpkg-query: killed");
        facts
            .files
            .insert(path("/etc/jitsi/meet/config.js"), Seen::Known(PathState::Absent));
    });
    assert_eq!(rows(&seen), [(DriftKind::File, "/etc/jitsi/meet/config.js")]);
    assert_eq!(unseen(&seen), [(Some(DriftKind::Package), "installed packages")]);
}

#[test]
fn a_failed_look_is_told_once_with_what_it_is_about() {
    let seen = but(|facts| {
        facts.firewall = Seen::unknown("nft: killed");
        facts.sshd = Seen::unknown("sshd: killed");
        facts.listeners = Seen::unknown("ss: killed");
        facts.accounts = Seen::unknown("lua: killed");
        facts.secrets = Seen::unknown("awk: killed");
    });
    assert_eq!(
        unseen(&seen),
        [
            (Some(DriftKind::Secret), "names of the host's secrets"),
            (Some(DriftKind::Firewall), "the running firewall"),
            (Some(DriftKind::Account), "XMPP accounts"),
            (Some(DriftKind::Listener), "listening sockets"),
            (Some(DriftKind::Sshd), "sshd's effective settings"),
        ]
    );
    assert_eq!(rows(&seen), []);
}

#[test]
fn an_unseen_file_leaves_open_what_the_service_that_reads_it_runs_with() {
    let seen = but(|facts| {
        let file = path("/etc/prosody/prosody.cfg.lua");
        facts.files.insert(file, Seen::unknown("stat: killed"));
    });
    assert_eq!(
        unseen(&seen),
        [
            (Some(DriftKind::File), "/etc/prosody/prosody.cfg.lua"),
            (
                Some(DriftKind::Unit),
                "whether prosody.service runs with the /etc/prosody/prosody.cfg.lua of now"
            ),
        ]
    );
}

#[test]
fn an_unseen_manifest_is_about_everything() {
    let seen = but(|facts| facts.manifest = Seen::unknown("cat: killed"));
    assert_eq!(unseen(&seen), [(None, "the host's manifest")]);
}

#[test]
fn an_unseen_key_or_trust_store_leaves_the_certificate_open() {
    let key = "/etc/prosody/certs/auth.telemed.example.com.key";
    let seen = but(|facts| {
        facts.files.remove(&path(key));
    });
    assert_eq!(unseen(&seen), [(Some(DriftKind::Certificate), key)]);
}

#[test]
fn a_stopped_firewall_unit_does_not_hide_that_the_table_is_gone() {
    let seen = but(|facts| {
        let stopped = unit_facts("loaded", "inactive", "enabled");
        facts
            .units
            .insert("anteroom-firewall.service".into(), Seen::Known(stopped));
        facts.firewall = Seen::Known(FirewallFacts {
            running: None,
            on_disk: Some("table inet anteroom {}".into()),
        });
    });
    assert_eq!(
        rows(&seen),
        [
            (DriftKind::Unit, "anteroom-firewall.service"),
            (DriftKind::Firewall, "table inet anteroom"),
        ]
    );
}

#[test]
fn a_service_older_than_its_changed_file_is_told_beside_the_change() {
    let seen = but(|facts| {
        let file = path("/etc/prosody/prosody.cfg.lua");
        let mut state = as_wanted(&wanted().tree[&file]);
        if let PathState::File { sha256, modified, .. } = &mut state {
            *sha256 = "0".repeat(64);
            *modified = 2000;
        }
        facts.files.insert(file, Seen::Known(state));
    });
    assert_eq!(
        rows(&seen),
        [
            (DriftKind::File, "/etc/prosody/prosody.cfg.lua"),
            (DriftKind::Unit, "prosody.service"),
        ]
    );
}

#[test]
fn a_unit_of_an_earlier_spec_that_nobody_looked_at_is_told() {
    let seen = but(|facts| {
        if let Seen::Known(Some(manifest)) = &mut facts.manifest {
            manifest.units.push("former.service".into());
        }
    });
    assert_eq!(unseen(&seen), [(Some(DriftKind::Unit), "former.service")]);
}

#[test]
fn a_lost_or_widened_manifest_is_drift_since_the_plan_writes_it() {
    let wanted = wanted();
    let mut facts = satisfied_facts(&wanted);
    facts.manifest = Seen::Known(None);
    let plan = build(&wanted, &facts, &context()).unwrap();
    assert!(!plan.changes.is_empty());
    let row = &plan.drift[0];
    assert_eq!(
        (row.subject.as_str(), row.observed.as_str()),
        ("/etc/anteroom/manifest.json", "absent")
    );
}

#[test]
fn what_a_stranger_left_is_removed_only_where_everything_is_ours() {
    let wanted = wanted();
    let mut facts = satisfied_facts(&wanted);
    let Seen::Known(accounts) = &mut facts.accounts else {
        panic!("the accounts were seen")
    };
    let focus = accounts["focus@auth.telemed.example.com"].clone();
    accounts.insert("eve@telemed.example.com".to_owned(), focus.clone());
    accounts.insert("mallory@auth.telemed.example.com".to_owned(), focus);
    let plan = build(&wanted, &facts, &context()).unwrap();
    let removed: Vec<&Change> = plan
        .changes
        .iter()
        .filter(|change| matches!(change, Change::RemoveAccount { .. }))
        .collect();
    let jid = "mallory@auth.telemed.example.com".to_owned();
    assert_eq!(removed, [&Change::RemoveAccount { jid }]);
    let mends: Vec<Mend> = plan.drift.iter().map(|row| row.mend).collect();
    assert_eq!(mends, [Mend::Person, Mend::Apply]);
}

#[test]
fn an_unfinished_run_needs_another_run_and_a_foreign_file_needs_none() {
    let wanted = wanted();
    let mut facts = satisfied_facts(&wanted);
    facts.unfinished = Seen::Known(vec!["/var/lib/anteroom/run/7".to_owned()]);
    let plan = build(&wanted, &facts, &context()).unwrap();
    assert!(
        matches!(plan.changes.as_slice(), [Change::Manifest { .. }]),
        "{:?}",
        plan.changes
    );
    facts.unfinished = Seen::Known(vec!["/usr/sbin/policy-rc.d".to_owned()]);
    let plan = build(&wanted, &facts, &context()).unwrap();
    assert!(plan.changes.is_empty() && plan.drift.len() == 1);
}
