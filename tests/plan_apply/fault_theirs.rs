//! The fault loop where the host is not fresh: what somebody has there already, of the very kinds that we bring, comes
//! through every fault, every apply and every removal. And the loops together have a change of every kind.

use std::collections::BTreeSet;

use anteroom::apply::ApplyError;
use anteroom::apply::Restored;
use anteroom::apply::forget_kept;
use anteroom::plan::Change;
use anteroom::plan::Hardening;
use anteroom::plan::UnitAction;

use crate::fake_world::World;
use crate::fault::Fault;
use crate::fault::FaultKind;
use crate::fault_ground::Ground;
use crate::fault_ground::act;
use crate::fault_ground::converge;
use crate::fault_ground::for_every;
use crate::fault_ground::go;
use crate::fault_ground::go_killed;
use crate::fault_ground::ground;
use crate::fault_ground::ground_of_theirs;
use crate::fault_ground::ground_without_turn;
use crate::fault_ground::plan;
use crate::fault_ground::removal;

/// As before, but for what packages wrote into folders of somebody else's, which are nobody's to remove.
#[track_caller]
fn expect_theirs(before: &World, after: &World, when: &str) {
    let mut lines = before.differences(after);
    // Nor does a package of theirs that is newer now go back.
    let newer = "changed: /var/lib/double/packages/jitsi-meet-prosody";
    // Nor are its answers given back, once it has asked its new version's. A folder of a package stays where the one above
    // it was there before; and the lock's folder stays as long as there is a deployment.
    let answers = "changed: /var/cache/debconf/config.dat";
    let left = [newer, answers, "new: /etc/prosody/conf.avail: ", "new: /run/anteroom: "];
    lines.retain(|line| !left.iter().any(|start| line.starts_with(start)));
    lines.retain(|line| !(line.starts_with(newer) || line.starts_with("new: ") && line.contains("/made-by-")));
    assert!(lines.is_empty(), "{when}: {lines:#?}");
}

/// A change that fails, at every change: the host is as it was.
fn fails_everywhere(ground: &Ground, name: &str) {
    for_every(&ground.plan.changes, |at| {
        let host = ground.host(&format!("{name}-fails-{at}"));
        let fault = Fault::new(at, FaultKind::FailsAfter);
        let error = go(&mut host.link(Some(fault)), &ground.plan).unwrap_err();
        let ApplyError::StepFailed { index, restored, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!((*index, restored), (at, &Restored::Fully), "{error}");
        forget_kept(&mut host.link(None)).unwrap();
        expect_theirs(&ground.fresh, &World::of(&host), "after the failure");
    });
}

/// An engine that is killed, at every change: by the next run or by the next boot, the host is as it was.
fn killed_everywhere(ground: &Ground, name: &str) {
    for_every(&ground.plan.changes, |at| {
        let mut host = ground.host(&format!("{name}-killed-{at}"));
        let killed = go_killed(&host, &ground.plan, at, act(at, 6));
        if at % 2 == 0 {
            host.lose_power();
        } else if let ApplyError::Died { .. } = killed {
            let mut link = host.link(None);
            let next = plan(&mut link, &ground.wanted);
            let error = go(&mut link, &next).unwrap_err();
            let ApplyError::Recovered { restored, .. } = &error else {
                panic!("{error}")
            };
            assert_eq!(*restored, Restored::Fully, "{error}");
        }
        forget_kept(&mut host.link(None)).unwrap();
        expect_theirs(&ground.fresh, &World::of(&host), "after it was undone");
        if at % 10 == 0 {
            converge(&host, ground);
        }
    });
}

#[test]
fn a_change_that_fails_takes_nothing_of_somebody_elses_along() {
    let Some(ground) = ground_of_theirs() else { return };
    fails_everywhere(ground, "theirs");
}

#[test]
fn an_engine_that_is_killed_takes_nothing_of_somebody_elses_along() {
    let Some(ground) = ground_of_theirs() else { return };
    killed_everywhere(ground, "theirs");
}

#[test]
fn what_is_somebody_elses_outlives_a_deployment_and_its_removal() {
    let Some(ground) = ground_of_theirs() else { return };
    assert_eq!(ground.left, [], "{:#?}", ground.left);
    expect_theirs(&ground.fresh, &ground.removed, "after the removal");
    let host = ground.host("theirs-undisturbed");
    converge(&host, ground);
}

#[test]
fn a_service_that_the_spec_drops_stops_or_goes_on_as_a_whole() {
    let Some(ground) = ground_without_turn() else { return };
    let stops = |change: &Change| matches!(change, Change::Unit { name, action: UnitAction::Stop, .. } if name == "coturn.service");
    assert!(ground.plan.changes.iter().any(stops), "{:#?}", ground.plan.changes);
    fails_everywhere(ground, "dropped");
    killed_everywhere(ground, "dropped");
    let before = &ground_of_theirs().unwrap().fresh;
    assert_eq!(ground.left, [], "{:#?}", ground.left);
    expect_theirs(before, &ground.removed, "after the removal");
}

#[test]
fn a_removal_killed_in_any_change_leaves_what_is_somebody_elses() {
    let Some(ground) = ground_of_theirs() else { return };
    for_every(&ground.removal.changes, |at| {
        let host = ground.deployed_host(&format!("theirs-removal-{at}"));
        go_killed(&host, &ground.removal, at, act(at, 1));
        let mut link = host.link(None);
        let rest = removal(&mut link, &ground.wanted, Hardening::Remove);
        assert_eq!(go(&mut link, &rest).unwrap().left, []);
        forget_kept(&mut link).unwrap();
        expect_theirs(&ground.fresh, &World::of(&host), "after the next removal");
    });
}

/// The kind of a change. Whoever adds one has to say here where its faults are tried.
pub(crate) fn kind(change: &Change) -> &'static str {
    match change {
        Change::Manifest { .. } => "manifest",
        Change::MakeSecret(_) => "secret",
        Change::AptKey(_) => "apt key",
        Change::AptUpdate { .. } => "package lists",
        Change::Preseed(_) => "preseed",
        Change::Install { .. } => "install",
        Change::Purge { .. } => "purge",
        Change::Residue { .. } => "residue",
        Change::Hold { hold: true, .. } => "hold",
        Change::Hold { hold: false, .. } => "unhold",
        Change::Certificate(_) => "certificate",
        Change::Put { keep: None, .. } => "put",
        Change::Put { keep: Some(_), .. } => "put over somebody else's",
        Change::Delete {
            restore: None,
            keep: None,
            ..
        } => "delete",
        Change::Delete {
            restore: None,
            keep: Some(_),
            ..
        } => "delete somebody else's",
        Change::Delete { restore: Some(_), .. } => "give back",
        Change::Check(_) => "check",
        Change::Arm { .. } => "arm",
        Change::Disarm => "disarm",
        Change::Unit { action, .. } => match action {
            UnitAction::Start => "start",
            UnitAction::Enable => "enable",
            UnitAction::Restart => "restart",
            UnitAction::Reload => "reload",
            UnitAction::Stop => "stop",
            UnitAction::Mask => "mask",
            UnitAction::Unmask => "unmask",
        },
        Change::DropTable => "drop table",
        Change::Account(_) => "account",
        Change::Clinician { .. } => "clinician",
        Change::RemoveAccount { .. } => "remove account",
        Change::Forget(_) => "forget",
    }
}

/// Every kind there is.
pub(crate) const KINDS: &[&str] = &[
    "manifest",
    "secret",
    "apt key",
    "package lists",
    "preseed",
    "install",
    "purge",
    "residue",
    "hold",
    "unhold",
    "certificate",
    "put",
    "put over somebody else's",
    "delete",
    "delete somebody else's",
    "give back",
    "check",
    "arm",
    "disarm",
    "start",
    "restart",
    "reload",
    "stop",
    "mask",
    "unmask",
    "drop table",
    "account",
    "clinician",
    "remove account",
    "forget",
];

#[test]
fn the_loops_have_a_change_of_every_kind() {
    let grounds = [ground(), ground_of_theirs()];
    let grounds: Vec<&Ground> = grounds.into_iter().flatten().collect();
    if grounds.len() < 2 {
        return;
    }
    let changes = |ground: &&'static Ground| ground.plan.changes.iter().chain(&ground.removal.changes);
    let tried: BTreeSet<&str> = grounds.iter().flat_map(changes).map(kind).collect();
    // No deployment of the fake host has clinicians; these are tried on a real host, as is an account that goes.
    let elsewhere: BTreeSet<&str> = crate::real_faults::kinds();
    let missing: Vec<&&str> = KINDS
        .iter()
        .filter(|kind| !tried.contains(**kind) && !elsewhere.contains(**kind))
        .collect();
    assert!(
        missing.is_empty(),
        "no loop tries {missing:?}; the fake host: {tried:?}"
    );
}
