//! For every change of a whole core host's plan: it fails there, the engine is killed there, the power goes there, the
//! connection breaks there, the tool dies there. What was there before is back or kept, and the next run gets to exactly
//! the state that an undisturbed one gets to. The same for a removal.

use std::sync::Barrier;

use anteroom::apply::ApplyError;
use anteroom::apply::Restored;
use anteroom::apply::forget_kept;
use anteroom::plan::Change;

use crate::fake_host::Cut;
use crate::fake_world::World;
use crate::fault::Fault;
use crate::fault::FaultKind;
use crate::fault::ToolKilled;
use crate::fault_ground::act;
use crate::fault_ground::converge;
use crate::fault_ground::expect_same;
use crate::fault_ground::finish_removal;
use crate::fault_ground::for_every;
use crate::fault_ground::go;
use crate::fault_ground::go_killed;
use crate::fault_ground::ground;
use crate::fault_ground::plan;

#[test]
fn an_undisturbed_run_converges_and_its_removal_leaves_nothing() {
    let Some(ground) = ground() else { return };
    assert!(ground.plan.changes.len() > 70, "{}", ground.plan.changes.len());
    assert_eq!(ground.left, [], "{:#?}", ground.left);
    expect_same(&ground.fresh, &ground.removed, "after the removal");
    let host = ground.host("undisturbed");
    converge(&host, ground);
}

#[test]
fn a_change_that_fails_is_undone_with_all_before_it_wherever_it_is() {
    let Some(ground) = ground() else { return };
    for_every(&ground.plan.changes, |at| {
        let host = ground.host(&format!("fails-{at}"));
        let kind = FaultKind::FailsAfter;
        let error = go(&mut host.link(Some(Fault::new(at, kind))), &ground.plan).unwrap_err();
        let ApplyError::StepFailed { index, restored, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!((*index, restored), (at, &Restored::Fully), "{error}");
        forget_kept(&mut host.link(None)).unwrap();
        expect_same(&ground.fresh, &World::of(&host), "after the failure");
    });
}

#[test]
fn an_engine_killed_in_any_change_is_undone_by_the_next_run() {
    let Some(ground) = ground() else { return };
    for_every(&ground.plan.changes, |at| {
        let host = ground.host(&format!("killed-{at}"));
        let killed = go_killed(&host, &ground.plan, at, act(at, 0));
        let mut link = host.link(None);
        if let ApplyError::Died { .. } = killed {
            let next = plan(&mut link, &ground.wanted);
            let error = go(&mut link, &next).unwrap_err();
            let ApplyError::Recovered { restored, .. } = &error else {
                panic!("{error}")
            };
            assert_eq!(*restored, Restored::Fully, "{error}");
        }
        forget_kept(&mut link).unwrap();
        expect_same(&ground.fresh, &World::of(&host), "after the next run undid it");
    });
}

#[test]
fn a_host_that_loses_its_power_in_any_change_undoes_it_at_boot() {
    let Some(ground) = ground() else { return };
    for_every(&ground.plan.changes, |at| {
        let mut host = ground.host(&format!("power-{at}"));
        go_killed(&host, &ground.plan, at, act(at, 4));
        host.lose_power();
        forget_kept(&mut host.link(None)).unwrap();
        expect_same(&ground.fresh, &World::of(&host), "after the boot");
        if at % 10 == 0 {
            converge(&host, ground);
        }
    });
}

/// What a run, an undo or a removal says that it did is on the disk when it says so.
#[test]
fn what_a_run_says_that_it_did_outlives_a_loss_of_power_right_after_it() {
    let Some(ground) = ground() else { return };
    let mut host = ground.host("power-after");
    let at = ground.plan.changes.len() - 1;
    let fault = Fault::new(at, FaultKind::FailsAfter);
    go(&mut host.link(Some(fault)), &ground.plan).unwrap_err();
    host.lose_power();
    forget_kept(&mut host.link(None)).unwrap();
    expect_same(&ground.fresh, &World::of(&host), "after a run that was undone");
    go(&mut host.link(None), &ground.plan).unwrap();
    host.lose_power();
    forget_kept(&mut host.link(None)).unwrap();
    let booted = World::of(&ground.deployed_host("power-booted")).without_chance();
    expect_same(&booted, &World::of(&host).without_chance(), "after a run");
    go(&mut host.link(None), &ground.removal).unwrap();
    host.lose_power();
    forget_kept(&mut host.link(None)).unwrap();
    expect_same(&ground.fresh, &World::of(&host), "after a removal");
}

#[test]
fn a_connection_that_breaks_at_every_change_changes_nothing_about_the_run() {
    let Some(ground) = ground() else { return };
    let host = ground.host("cut");
    let mut link = host.link(None);
    link.cut = Cut::Always;
    go(&mut link, &ground.plan).unwrap();
    link.cut = Cut::Never;
    forget_kept(&mut link).unwrap();
    expect_same(&ground.deployed, &World::of(&host).without_chance(), "after the run");
}

/// Whoever comes second is refused, and takes neither the first one's run for one that was cut short nor his own for done.
#[test]
fn of_two_operators_at_the_same_instant_one_wins_and_the_other_is_told() {
    let Some(ground) = ground() else { return };
    for round in 0..6 {
        let host = ground.host(&format!("race-{round}"));
        let line = Barrier::new(2);
        let run = || {
            let mut link = host.link(None);
            line.wait();
            go(&mut link, &ground.plan)
        };
        let ends = std::thread::scope(|scope| [scope.spawn(run), scope.spawn(run)].map(|end| end.join().unwrap()));
        let lost: Vec<&ApplyError> = ends.iter().filter_map(|end| end.as_ref().err()).collect();
        // One that waited for the lock until the other was done finds another host than it planned for.
        assert!(
            matches!(lost[..], [ApplyError::Locked { .. } | ApplyError::Stale { .. }]),
            "{lost:?}"
        );
        forget_kept(&mut host.link(None)).unwrap();
        expect_same(&ground.deployed, &World::of(&host).without_chance(), "after the race");
    }
}

#[test]
fn a_tool_that_dies_at_any_change_leaves_a_run_that_ends_by_itself() {
    let Some(ground) = ground() else { return };
    let disarm = ground
        .plan
        .changes
        .iter()
        .position(|change| *change == Change::Disarm)
        .unwrap();
    for_every(&ground.plan.changes, |at| {
        // The host waits for its tool only until then, and cannot tell one death from another after it.
        if at > disarm && at % 6 != 0 {
            return;
        }
        let host = ground.host(&format!("tool-{at}"));
        let mut link = host.link(None);
        link.cut = Cut::Killed(at);
        let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| go(&mut link, &ground.plan)));
        assert!(died.is_err_and(|why| why.is::<ToolKilled>()), "it lived");
        host.wait();
        forget_kept(&mut host.link(None)).unwrap();
        if at <= disarm {
            // Nobody could say that the operator is still let in.
            expect_same(&ground.fresh, &World::of(&host), "after the host undid it by itself");
        } else {
            expect_same(
                &ground.deployed,
                &World::of(&host).without_chance(),
                "after the run went on",
            );
        }
    });
}

#[test]
fn a_removal_that_fails_in_any_change_goes_on_and_the_next_one_finishes_it() {
    let Some(ground) = ground() else { return };
    for_every(&ground.removal.changes, |at| {
        let host = ground.deployed_host(&format!("left-{at}"));
        let kind = FaultKind::FailsBefore;
        let gone = go(&mut host.link(Some(Fault::new(at, kind))), &ground.removal).unwrap();
        assert!(gone.left.iter().any(|left| left.index == at), "{:#?}", gone.left);
        finish_removal(&host, ground);
    });
}

#[test]
fn a_removal_killed_in_any_change_is_finished_by_the_next_one() {
    let Some(ground) = ground() else { return };
    for_every(&ground.removal.changes, |at| {
        let mut host = ground.deployed_host(&format!("cut-short-{at}"));
        go_killed(&host, &ground.removal, at, act(at, 2));
        if at % 2 == 0 {
            host.lose_power();
        }
        finish_removal(&host, ground);
    });
}
