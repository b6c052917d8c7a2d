//! A disk that fills up in the middle of a run: that on which the engine keeps its record, or all of it. Nothing that was
//! there goes, the run never says that it was undone where it was not, and with room again the next one converges.

use anteroom::apply::ApplyError;
use anteroom::apply::Restored;

use crate::fake_host::FakeHost;
use crate::fake_world::World;
use crate::fault::Fault;
use crate::fault::FaultKind;
use crate::fault_ground::Ground;
use crate::fault_ground::all;
use crate::fault_ground::converge;
use crate::fault_ground::expect_same;
use crate::fault_ground::finish_removal;
use crate::fault_ground::for_part;
use crate::fault_ground::go;
use crate::fault_ground::ground;

/// Fails unless everything that was there before is there, as it was.
fn nothing_is_lost(ground: &Ground, host: &FakeHost) {
    let now = World::of(host);
    let lost: Vec<String> = ground.fresh.differences(&now);
    let lost: Vec<&String> = lost.iter().filter(|line| line.starts_with("gone: ")).collect();
    // What made way for ours is kept.
    let kept = |line: &&&String| now.holds(&format!("/var/lib/anteroom/before{}", &line["gone: ".len()..]));
    let lost: Vec<&&String> = lost.iter().filter(|line| !kept(line)).collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

fn fills(ground: &Ground, name: &str, part: usize, prepare: &str, room: &str) {
    for_part(&ground.plan.changes, part, &all(&ground.plan.changes), |at| {
        let host = ground.host(&format!("{name}-{at}"));
        let mut link = host.link(None);
        link.must(prepare);
        let fault = Fault::new(at, FaultKind::DiskFills);
        let ended = go(&mut host.link(Some(fault)), &ground.plan);
        nothing_is_lost(ground, &host);
        link.must(room);
        match ended {
            // Where all that was left to do fits into what was there.
            Ok(_) => assert!(at + 3 > ground.plan.changes.len(), "the disk was not full"),
            // On a slow computer the host may be quicker to undo the run than the run is to fail.
            Err(ApplyError::StepFailed { restored, .. } | ApplyError::CutShort { restored, .. }) => {
                if restored == Restored::Fully {
                    let after = World::of(&host).without_record();
                    expect_same(&ground.fresh, &after, "although it is said to be as before");
                }
            }
            Err(error) => panic!("{error}"),
        }
        converge(&host, ground);
        if at % 2 == 0 {
            finish_removal(&host, ground);
        }
    });
}

#[test]
fn a_disk_of_the_record_that_fills_up_costs_nothing() {
    let Some(ground) = ground() else { return };
    let prepare = "mkdir -m 0700 -p /var/lib/anteroom && mount -t tmpfs -o mode=0700,size=2m record /var/lib/anteroom && \
                   : >/var/lib/anteroom/.own";
    fills(
        ground,
        "record",
        0,
        prepare,
        "rm -f /var/lib/anteroom/.own; mkdir /tmp/record; cp -a /var/lib/anteroom/. /tmp/record; umount /var/lib/anteroom; \
         cp -a /tmp/record/. /var/lib/anteroom; rm -r /tmp/record; rmdir --ignore-fail-on-non-empty /var/lib/anteroom",
    );
}

#[test]
fn a_whole_disk_that_fills_up_costs_nothing() {
    let Some(ground) = ground() else { return };
    fills(ground, "disk", 1, "true", "mount -o remount,size=1g /");
}
