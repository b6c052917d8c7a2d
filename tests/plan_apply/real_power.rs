//! Real hosts that lose their power in the middle of a run: the next boot takes everything back before services start.

use crate::real_bench::assert_same;
use crate::real_bench::good_plan;
use crate::real_bench::host;
use crate::real_bench::me;
use crate::real_bench::snapshot;
use crate::ssh_client_host::SshClientHost;
use anteroom::apply::Applied;
use anteroom::apply::ApplyError;
use anteroom::apply::Event;
use anteroom::apply::Restored;
use anteroom::apply::carry_out;
use anteroom::apply::forget_kept;
use anteroom::machines::lab::Lab;
use anteroom::plan::Change;
use anteroom::plan::Plan;

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
