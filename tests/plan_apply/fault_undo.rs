//! Faults while a run is undone: an undo that fails says so and never passes for one that worked, and one that is killed
//! is done again. Whoever undoes: the run itself, the next boot, the dead man's switch. Then the next apply converges, and
//! a removal gives everything back that was there before.

use anteroom::apply::ApplyError;
use anteroom::apply::Restored;
use anteroom::apply::forget_kept;
use anteroom::plan::Change;

use crate::fake_host::FakeHost;
use crate::fake_world::World;
use crate::fault::Fault;
use crate::fault::FaultKind;
use crate::fault::UndoMode;
use crate::fault_ground::Ground;
use crate::fault_ground::act;
use crate::fault_ground::all;
use crate::fault_ground::converge;
use crate::fault_ground::expect_same;
use crate::fault_ground::finish_removal;
use crate::fault_ground::for_part;
use crate::fault_ground::go;
use crate::fault_ground::ground;
use crate::fault_ground::plan;

/// What a run says that was not undone by itself. Where it claims that it was, the host is as before.
fn expect_honest(error: &ApplyError, host: &FakeHost, ground: &Ground) {
    let restored = match error {
        ApplyError::StepFailed { restored, .. }
        | ApplyError::CutShort { restored, .. }
        | ApplyError::Unconfirmed { restored, .. }
        | ApplyError::Recovered { restored, .. } => restored,
        ApplyError::Died { .. } => return,
        _ => panic!("{error}"),
    };
    if *restored == Restored::Fully {
        expect_same(
            &ground.fresh,
            &World::of(host).without_record(),
            "although it is said to be as before",
        );
    }
}

/// A later look at the host, an apply and a removal: all of it works, and nothing is orphaned.
fn goes_on(host: &FakeHost, ground: &Ground) {
    converge(host, ground);
    finish_removal(host, ground);
}

#[test]
fn an_undo_that_is_killed_is_done_again_by_the_next_run() {
    let Some(ground) = ground() else { return };
    for_part(&ground.plan.changes, 0, &all(&ground.plan.changes), |at| {
        let host = ground.host(&format!("undo-killed-{at}"));
        let kind = FaultKind::Killed(act(at, 3) % 4);
        let fault = Fault::new(at, FaultKind::FailsAfter).with_undo(UndoMode::Run, kind);
        let error = go(&mut host.link(Some(fault)), &ground.plan).unwrap_err();
        expect_honest(&error, &host, ground);
        if let ApplyError::Died { .. } = error {
            let mut link = host.link(None);
            let next = plan(&mut link, &ground.wanted);
            let error = go(&mut link, &next).unwrap_err();
            let ApplyError::Recovered { restored, .. } = &error else {
                panic!("{error}")
            };
            assert_eq!(*restored, Restored::Fully, "{error}");
        }
        forget_kept(&mut host.link(None)).unwrap();
        expect_same(&ground.fresh, &World::of(&host), "after the next run undid it");
        if at % 4 == 0 {
            goes_on(&host, ground);
        }
    });
}

/// An engine that is killed, and a boot at which this happens to the undo.
fn at_boot(ground: &Ground, name: &str, part: usize, undo: impl Fn(usize) -> FaultKind + Sync) {
    for_part(&ground.plan.changes, part, &all(&ground.plan.changes), |at| {
        let mut host = ground.host(&format!("{name}-{at}"));
        let fault = Fault::new(at, FaultKind::Killed(8)).with_undo(UndoMode::Boot, undo(at));
        let error = go(&mut host.link(Some(fault)), &ground.plan).unwrap_err();
        expect_honest(&error, &host, ground);
        host.lose_power();
        let mut link = host.link(None);
        let next = plan(&mut link, &ground.wanted);
        if let Err(error) = go(&mut link, &next) {
            // The host may have been about to undo it by itself.
            let (ApplyError::Recovered { restored, .. } | ApplyError::CutShort { restored, .. }) = &error else {
                panic!("{error}")
            };
            assert_eq!(*restored, Restored::Fully, "{error}");
            expect_honest(&error, &host, ground);
        }
        goes_on(&host, ground);
    });
}

#[test]
fn an_undo_at_boot_that_is_killed_leaves_a_host_that_converges() {
    let Some(ground) = ground() else { return };
    at_boot(ground, "boot-killed", 1, |at| FaultKind::Killed(act(at, 5) % 4));
}

/// An engine that is killed while the dead man's switch is on, and this happens to the undo.
fn at_the_switch(ground: &Ground, name: &str, part: usize, undo: impl Fn(usize) -> FaultKind + Sync) {
    let place = |is: fn(&Change) -> bool| ground.plan.changes.iter().position(is).unwrap();
    let armed = place(|change| matches!(change, Change::Arm { .. })) + 1;
    let disarmed = place(|change| *change == Change::Disarm);
    let places: Vec<usize> = (armed..disarmed).collect();
    for_part(&ground.plan.changes, part, &places, |at| {
        let host = ground.host(&format!("{name}-{at}"));
        let fault = Fault::new(at, FaultKind::Killed(8)).with_undo(UndoMode::Rollback, undo(at));
        let error = go(&mut host.link(Some(fault)), &ground.plan).unwrap_err();
        expect_honest(&error, &host, ground);
        goes_on(&host, ground);
    });
}

#[test]
fn a_dead_mans_switch_whose_undo_is_killed_leaves_a_host_that_converges() {
    let Some(ground) = ground() else { return };
    at_the_switch(ground, "rollback-killed", 2, |at| FaultKind::Killed(act(at, 1) % 4));
}

/// Whether a change takes effect on the host, so that there is something to undo.
fn acts(change: &Change) -> bool {
    !matches!(change, Change::Check(_) | Change::Disarm | Change::AptUpdate { .. })
}

#[test]
fn an_undo_that_fails_is_told_and_the_next_run_and_a_removal_put_it_right() {
    let Some(ground) = ground() else { return };
    for_part(&ground.plan.changes, 1, &all(&ground.plan.changes), |at| {
        let host = ground.host(&format!("undo-fails-{at}"));
        let fault = Fault::new(at, FaultKind::FailsAfter).with_undo(UndoMode::Run, FaultKind::FailsBefore);
        let error = go(&mut host.link(Some(fault)), &ground.plan).unwrap_err();
        let ApplyError::StepFailed { restored, .. } = &error else {
            panic!("{error}")
        };
        let partly = matches!(restored, Restored::Partly(_));
        assert_eq!(partly, acts(&ground.plan.changes[at]), "{error}");
        expect_honest(&error, &host, ground);
        goes_on(&host, ground);
    });
}

#[test]
fn an_undo_at_boot_that_fails_leaves_a_host_that_converges() {
    let Some(ground) = ground() else { return };
    at_boot(ground, "boot-fails", 2, |_| FaultKind::FailsBefore);
}

#[test]
fn a_dead_mans_switch_whose_undo_fails_leaves_a_host_that_converges() {
    let Some(ground) = ground() else { return };
    at_the_switch(ground, "rollback-fails", 0, |_| FaultKind::FailsBefore);
}
