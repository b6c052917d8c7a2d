//! What a running host has of this computer: processes in a control group, a cable, a network namespace. Known by the
//! last number of the host's address alone, so that it can be taken away without any record.

use std::path::Path;
use std::time::Duration;

use super::cgroup::Group;
use super::cgroup::Part;
use super::error::LabError;
use super::gone;
use super::layout::Layout;
use super::overlay;
use super::program;
use super::program::Args;

/// How long killed processes may take to be gone.
const KILL_PATIENCE: Duration = Duration::from_secs(60);

/// Names of what one host has.
#[derive(Debug, Clone)]
pub(super) struct Wiring {
    /// Name of its namespace, cgroup and nspawn machine.
    pub(super) unit: String,
    /// This computer's end of its cable.
    pub(super) link: String,
    pub(super) group: Group,
}

impl Wiring {
    /// The wiring of the host with that number, whether it is there or not.
    pub(super) fn of(layout: &Layout, octet: u8) -> Result<Self, LabError> {
        let unit = layout.unit(octet);
        Ok(Self {
            group: Group::of(&unit)?,
            unit,
            link: layout.link(octet),
        })
    }

    /// Ends every process at once and takes the rest away. Gone already is success.
    pub(super) fn cut(&self) -> Result<(), LabError> {
        // The supervisor first, or it would see nspawn end.
        let gone = self.group.kill(Part::Keeper, KILL_PATIENCE) && self.group.kill(Part::All, KILL_PATIENCE);
        if !gone {
            let pids = self.group.pids(Part::All);
            return Err(LabError::Left {
                unit: self.unit.clone(),
                left: pids.iter().map(|pid| format!("process {pid}")).collect(),
            });
        }
        let link = || program::succeeds("ip", &[&"link", &"show", &"dev", &self.link]);
        take_away(link, &[&"link", &"del", &"dev", &self.link])?;
        let namespace = || Path::new("/run/netns").join(&self.unit).exists();
        take_away(namespace, &[&"netns", &"del", &self.unit])?;
        // nspawn leaves these behind when it is killed.
        let nspawn = Path::new("/run/systemd/nspawn");
        let propagate = nspawn.join("propagate").join(&self.unit);
        overlay::unmount(&propagate)?;
        gone::folder(&propagate)?;
        gone::folder(&nspawn.join("unix-export").join(&self.unit))?;
        self.group.remove()
    }
}

/// Runs `ip` where there is something to remove. Another run, or the kernel, may be faster: that is success too.
fn take_away(there: impl Fn() -> bool, args: Args<'_>) -> Result<(), LabError> {
    if !there() {
        return Ok(());
    }
    match program::run("ip", args) {
        Err(error) if there() => Err(error),
        _ => Ok(()),
    }
}
