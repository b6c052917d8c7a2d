//! Switches a host on and off: starts the supervisor that runs it, waits for its sshd, shuts it down.

use std::fs;
use std::io::Read;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use super::cgroup;
use super::cgroup::Part;
use super::error::LabError;
use super::gone;
use super::layout;
use super::layout::HostPaths;
use super::layout::Layout;
use super::network::Network;
use super::program;
use super::wiring::Wiring;
use crate::spec::HostName;

const SUPERVISOR: &str = include_str!("supervise.sh");

/// How long a host may take until its sshd answers: about a second where nothing else runs.
const BOOT_PATIENCE: Duration = Duration::from_secs(120);

/// How long an orderly shutdown may take: two seconds is usual, twelve have been seen with a lingering user.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// Everything about one host that switching it needs.
#[derive(Debug, Clone)]
pub(super) struct Plug {
    pub(super) name: HostName,
    pub(super) paths: HostPaths,
    wiring: Wiring,
    hardware: String,
    bridge: String,
    pub(super) address: Ipv4Addr,
    gateway: Ipv4Addr,
}

impl Plug {
    pub(super) fn new(layout: &Layout, network: Network, name: &HostName, octet: u8) -> Result<Self, LabError> {
        Ok(Self {
            name: name.clone(),
            paths: layout.host(name),
            wiring: Wiring::of(layout, octet)?,
            hardware: layout.hardware(octet),
            bridge: layout.bridge(),
            address: layout::address(network.subnet, octet),
            gateway: layout::address(network.subnet, 1),
        })
    }

    /// Whether any process of the host or its supervisor lives.
    pub(super) fn is_on(&self) -> bool {
        !self.wiring.group.pids(Part::All).is_empty()
    }

    /// Starts the supervisor in a session of its own, so that neither Ctrl-C nor the end of this program reaches it.
    pub(super) fn switch_on(&self) -> Result<(), LabError> {
        for path in [self.paths.stopping(), self.paths.ended()] {
            gone::file(&path)?;
        }
        self.wiring.group.make()?;
        let script = self.paths.supervisor();
        fs::write(&script, SUPERVISOR).map_err(LabError::file("write", &script))?;
        let console = self.paths.console();
        let console = fs::File::options()
            .create(true)
            .append(true)
            .open(&console)
            .map_err(LabError::file("open", &console))?;
        let errors = console
            .try_clone()
            .map_err(LabError::file("open", &self.paths.console()))?;
        // --fork: the supervisor becomes a child of PID 1, which reaps it.
        let mut command = program::command("setsid", &[&"--fork", &"sh", &script]);
        command
            .env_clear()
            .env("PATH", program::PATH)
            .env("HOST_DIR", &self.paths.dir)
            .env("UNIT", &self.wiring.unit)
            .env("HOST_NAME", self.name.as_str())
            .env("LINK", &self.wiring.link)
            .env("BRIDGE", &self.bridge)
            .env("HARDWARE", &self.hardware)
            .env("ADDRESS", self.address.to_string())
            .env("GATEWAY", self.gateway.to_string())
            .env("KEEPER_GROUPS", self.groups(Part::Keeper))
            .env("GUEST_GROUPS", self.groups(Part::Guest))
            // Network settings become writable inside, and stay inside.
            .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
            // Debian 12 keeps /tmp on disk.
            .env("SYSTEMD_NSPAWN_TMPFS_TMP", "0")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(console)
            .stderr(errors);
        if cgroup::has_v2(&fs::read_to_string("/proc/self/mounts").unwrap_or_default()) {
            // Debian 12 hosts have cgroup v2 only, also where this computer still has both layouts.
            command.env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1");
        }
        let failed = |said: String| LabError::Program {
            command: "setsid --fork sh supervise.sh".to_owned(),
            said,
        };
        let status = command.status().map_err(|error| failed(error.to_string()))?;
        if status.success() {
            Ok(())
        } else {
            Err(failed(status.to_string()))
        }
    }

    /// Waits until the host's sshd sends its banner.
    pub(super) fn wait_for_ssh(&self) -> Result<(), LabError> {
        let until = Instant::now() + BOOT_PATIENCE;
        let failed = |why: String| LabError::Boot {
            name: self.name.clone(),
            why,
            console: self.console_tail(),
        };
        loop {
            if let Ok(status) = fs::read_to_string(self.paths.ended()) {
                return Err(failed(format!("it ended with status {}", status.trim())));
            }
            if banner(self.address) {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(failed(format!(
                    "sshd did not answer at {}:22 within {} seconds",
                    self.address,
                    BOOT_PATIENCE.as_secs()
                )));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Shuts the host down in order, then by force, and unplugs it. Off already is success.
    pub(super) fn switch_off(&self) -> Result<(), LabError> {
        if self.is_on() {
            fs::write(self.paths.stopping(), "").map_err(LabError::file("write", &self.paths.stopping()))?;
            // nspawn passes SIGTERM on as an order to shut down. Where someone killed nspawn, nothing is left that
            // would understand it, and force follows at once.
            let nspawn = self.wiring.group.nspawn();
            if !nspawn.is_empty() {
                cgroup::signal("TERM", &nspawn);
                self.wiring.group.wait_empty(Part::Guest, STOP_PATIENCE);
                self.wiring.group.wait_empty(Part::Keeper, Duration::from_secs(5));
            }
        }
        self.cut()
    }

    /// Cuts the power: every process ends at once, in no order. The file system stays as it is.
    pub(super) fn cut(&self) -> Result<(), LabError> {
        self.wiring.cut()
    }

    fn groups(&self, part: Part) -> String {
        let dirs: Vec<String> = self
            .wiring
            .group
            .dirs(part)
            .iter()
            .map(|dir| dir.display().to_string())
            .collect();
        dirs.join(" ")
    }

    fn console_tail(&self) -> String {
        let console = fs::read(self.paths.console()).unwrap_or_default();
        program::tail(&String::from_utf8_lossy(&console), 15)
    }
}

fn banner(address: Ipv4Addr) -> bool {
    let target = SocketAddr::from((address, 22));
    let patience = Duration::from_millis(500);
    let Ok(mut stream) = TcpStream::connect_timeout(&target, patience) else {
        return false;
    };
    let mut start = [0_u8; 4];
    let read = stream
        .set_read_timeout(Some(patience))
        .and_then(|()| stream.read_exact(&mut start));
    read.is_ok() && start == *b"SSH-"
}
