//! Throwaway hosts on this computer: Debian 12 with systemd under systemd-nspawn, each a thin clone of one base image
//! in a network namespace of its own. Knows nothing of what is deployed on them, and prints nothing.
//!
//! A lab is a folder. Everything it makes outside that folder (a bridge, namespaces, cgroups, an nft table) carries an
//! id made from the folder's path, so that labs do not meet and what is left can be found without any record.

mod base;
mod cgroup;
mod error;
mod gone;
mod guest;
mod host;
mod layout;
mod leftovers;
mod locked;
mod machine;
mod network;
mod overlay;
mod power;
mod preflight;
mod program;
mod record;
mod snapshot;
mod sources;
mod sweep;
mod trial;
mod wiring;

use std::fs;
use std::path::PathBuf;
use std::thread;

use jiff::Timestamp;

pub use self::error::LabError;
pub use self::error::Missing;
pub use self::host::HostRequest;
pub use self::host::HostState;
pub use self::host::LabHost;
pub use self::host::Removal;
pub use self::layout::LabDir;

use self::layout::HostPaths;
use self::layout::Layout;
use self::network::Network;
use self::power::Plug;
use self::record::HostRecord;
use self::record::Stage;
use crate::spec::HostName;

/// A lab: hosts that share a folder, a network and a login key.
#[derive(Debug, Clone)]
pub struct Lab {
    layout: Layout,
    downloads: Vec<String>,
}

impl Lab {
    /// The lab in a folder, which need not exist yet.
    ///
    /// # Errors
    /// Where the folder's path cannot be written into mount options.
    pub fn open(dir: &LabDir) -> Result<Self, LabError> {
        Ok(Self {
            layout: Layout::new(dir)?,
            downloads: Vec::new(),
        })
    }

    /// Names packages whose files the base image carries, not installed, so that hosts need not download them.
    /// Another list means another base image.
    #[must_use]
    pub fn carrying(mut self, packages: &[&str]) -> Self {
        self.downloads = packages.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// What this computer lacks for running hosts, all of it; empty when it is ready.
    pub fn preflight(&self) -> Vec<Missing> {
        preflight::look(&self.layout)
    }

    /// Builds the base image unless it is there; returns its root folder.
    ///
    /// # Errors
    /// Where this computer is not ready, or mmdebstrap fails.
    pub fn build_base(&self, say: &mut dyn FnMut(&str)) -> Result<PathBuf, LabError> {
        self.refuse_unless_ready()?;
        base::ensure(&self.layout, &self.downloads, say)
    }

    /// Makes a host and returns when its sshd answers. What a failed attempt made is removed again.
    ///
    /// # Errors
    /// Where this computer is not ready, the name is taken, or the host does not boot.
    pub fn up(&self, request: &HostRequest, say: &mut dyn FnMut(&str)) -> Result<LabHost, LabError> {
        self.refuse_unless_ready()?;
        let name = &request.name;
        let layers = match &request.from {
            None => vec![base::ensure(&self.layout, &self.downloads, say)?],
            Some(snapshot) => snapshot::layers(&self.layout, snapshot)?,
        };
        let (plug, record) = self.reserve(name, layers)?;
        say(&format!("starting {name}"));
        let made = self.make(&plug, record);
        if made.is_err() {
            // The first error says what went wrong; `leftovers` shows whatever this could not remove.
            let _second_error = self.down(name);
        }
        made
    }

    /// Starts a host that is switched off, and returns when its sshd answers.
    ///
    /// # Errors
    /// Where there is no such host, it runs, or it does not boot.
    pub fn start(&self, name: &HostName) -> Result<LabHost, LabError> {
        let record = self.record(name)?.ok_or_else(|| LabError::NoHost(name.clone()))?;
        if record.stage == Stage::Making {
            return Err(LabError::Unfinished(name.clone()));
        }
        let plug = {
            let locked = locked::lock(&self.layout.lock())?;
            let network = network::ensure(&self.layout)?;
            let plug = Plug::new(&self.layout, network, name, record.octet)?;
            if plug.is_on() {
                return Err(LabError::Running(name.clone()));
            }
            overlay::mount(&locked, &plug.paths, &record.layers)?;
            plug.switch_on()?;
            plug
        };
        if let Err(error) = plug.wait_for_ssh() {
            plug.cut()?;
            return Err(error);
        }
        self.describe(name)
    }

    /// Shuts a host down in order; its file system stays. Off already is success.
    ///
    /// # Errors
    /// Where there is no such host, or something of it does not end.
    pub fn stop(&self, name: &HostName) -> Result<(), LabError> {
        self.plug(name)?.switch_off()
    }

    /// Cuts a host's power: all processes end at once; its file system stays as it is, and `start` boots it again.
    ///
    /// # Errors
    /// Where there is no such host, or something of it does not end.
    pub fn kill(&self, name: &HostName) -> Result<(), LabError> {
        self.plug(name)?.cut()
    }

    /// Removes a host, whatever state it is in, and the lab's network with the last one.
    ///
    /// # Errors
    /// Where something of it does not go.
    pub fn down(&self, name: &HostName) -> Result<Removal, LabError> {
        let paths = self.layout.host(name);
        let there = paths.dir.exists();
        // Without a record nothing outside its folder was made yet.
        if let Some(record) = self.record(name)?
            && network::current(&self.layout)?.is_some()
        {
            let plug = self.plug(name)?;
            match record.stage {
                Stage::Made => plug.switch_off()?,
                // Early in its boot a host is deaf to orders, and it has nothing to lose.
                Stage::Making => plug.cut()?,
            }
        }
        let _locked = match self.layout.home.exists() {
            true => Some(locked::lock(&self.layout.lock())?),
            false => None,
        };
        self.erase(&paths)?;
        if self.names()?.is_empty() {
            trial::clear_abandoned(&self.layout)?;
            network::remove(&self.layout)?;
        }
        Ok(if there { Removal::Removed } else { Removal::WasNotThere })
    }

    /// Removes all hosts and snapshots, and whatever else carries this lab's id: also what no record names any more.
    ///
    /// # Errors
    /// Where something does not go.
    pub fn down_all(&self) -> Result<(), LabError> {
        let names = self.names()?;
        thread::scope(|scope| {
            for name in &names {
                // What this cannot remove, the sweep below does, or says why it cannot.
                scope.spawn(|| self.down(name));
            }
        });
        if !self.layout.home.exists() {
            return sweep::all(&self.layout);
        }
        let _locked = locked::lock(&self.layout.lock())?;
        sweep::all(&self.layout)?;
        for name in self.names()? {
            self.erase(&self.layout.host(&name))?;
        }
        for name in snapshot::names(&self.layout)? {
            snapshot::erase(&self.layout, &name)?;
        }
        Ok(())
    }

    /// All hosts of the lab, by name.
    ///
    /// # Errors
    /// Where the lab's records cannot be read.
    pub fn list(&self) -> Result<Vec<LabHost>, LabError> {
        let mut hosts = Vec::new();
        for name in self.names()? {
            match self.describe(&name) {
                Ok(host) => hosts.push(host),
                // Taken down between the two looks.
                Err(LabError::NoHost(_)) if !self.layout.host(&name).dir.exists() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(hosts)
    }

    /// Stops a host and keeps all it has become as a snapshot that further hosts may begin as. The host itself stands
    /// on the snapshot from then on; it is left switched off.
    ///
    /// # Errors
    /// Where there is no such host, the snapshot's name is taken, or something does not move.
    pub fn snapshot(&self, name: &HostName, snapshot: &HostName) -> Result<(), LabError> {
        let plug = self.plug(name)?;
        snapshot::refuse_taken(&self.layout, snapshot)?;
        plug.switch_off()?;
        let locked = locked::lock(&self.layout.lock())?;
        snapshot::take(&locked, &self.layout, name, snapshot)
    }

    /// Removes a snapshot that nothing stands on.
    ///
    /// # Errors
    /// Where a host or another snapshot stands on it.
    pub fn remove_snapshot(&self, snapshot: &HostName) -> Result<Removal, LabError> {
        let _locked = locked::lock(&self.layout.lock())?;
        snapshot::remove(&self.layout, snapshot)
    }

    /// All snapshots of the lab.
    ///
    /// # Errors
    /// Where the lab's folder cannot be read.
    pub fn snapshots(&self) -> Result<Vec<HostName>, LabError> {
        snapshot::names(&self.layout)
    }

    /// What a host changed since the base image or snapshot it began as, as the upper layer of an overlay.
    pub fn upper_dir(&self, name: &HostName) -> PathBuf {
        self.layout.host(name).upper()
    }

    /// A host's whole file system as this computer sees it, from `up` to `down`.
    pub fn root_dir(&self, name: &HostName) -> PathBuf {
        self.layout.host(name).root()
    }

    /// What a host's console said so far.
    pub fn console_log(&self, name: &HostName) -> PathBuf {
        self.layout.host(name).console()
    }

    /// Everything of this lab that this computer still has, found by looking at the computer and not at the lab's
    /// records; a look that failed is listed too. The base images and the login key are not counted.
    pub fn leftovers(&self) -> Vec<String> {
        leftovers::look(&self.layout)
    }

    /// Refuses whom the lab's folders, mounts and namespaces do not belong to.
    ///
    /// # Errors
    /// Without root rights.
    pub fn refuse_unless_root(&self) -> Result<(), LabError> {
        preflight::rights().map_or(Ok(()), |rights| Err(LabError::NotReady(vec![rights])))
    }

    fn refuse_unless_ready(&self) -> Result<(), LabError> {
        let missing = self.preflight();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(LabError::NotReady(missing))
        }
    }

    /// Takes a name and an address.
    fn reserve(&self, name: &HostName, layers: Vec<PathBuf>) -> Result<(Plug, HostRecord), LabError> {
        let _locked = locked::lock(&self.layout.lock())?;
        let paths = self.layout.host(name);
        if paths.dir.exists() {
            return Err(LabError::Exists(name.clone()));
        }
        guest::ensure_client_key(&self.layout.client_key())?;
        let octet = self.free_octet()?;
        fs::create_dir_all(&paths.dir).map_err(LabError::file("make", &paths.dir))?;
        let record = HostRecord {
            octet,
            layers,
            host_key_fingerprint: String::new(),
            created: Timestamp::now(),
            stage: Stage::Making,
        };
        // Before anything else is made, so that `down` finds all of it after a crash at any later point.
        record::write(&paths.record(), &record)?;
        let network = network::ensure(&self.layout)?;
        Ok((Plug::new(&self.layout, network, name, octet)?, record))
    }

    fn make(&self, plug: &Plug, mut record: HostRecord) -> Result<LabHost, LabError> {
        {
            let locked = locked::lock(&self.layout.lock())?;
            overlay::mount(&locked, &plug.paths, &record.layers)?;
        }
        let key = self.layout.client_key();
        record.host_key_fingerprint = guest::write(&plug.paths.root(), &plug.name, plug.address, &key)?;
        record::write(&plug.paths.record(), &record)?;
        plug.switch_on()?;
        plug.wait_for_ssh()?;
        record.stage = Stage::Made;
        record::write(&plug.paths.record(), &record)?;
        self.describe(&plug.name)
    }

    fn describe(&self, name: &HostName) -> Result<LabHost, LabError> {
        let record = self.record(name)?.ok_or_else(|| LabError::NoHost(name.clone()))?;
        let network = self.network(name)?;
        let on = Plug::new(&self.layout, network, name, record.octet)?.is_on();
        Ok(LabHost {
            name: name.clone(),
            address: layout::address(network.subnet, record.octet),
            gateway: layout::address(network.subnet, 1),
            ssh_key: self.layout.client_key(),
            host_key_fingerprint: record.host_key_fingerprint,
            created: record.created,
            state: match (record.stage, on) {
                (Stage::Making, true) => HostState::Starting,
                (Stage::Making, false) => HostState::Unfinished,
                (Stage::Made, true) => HostState::Running,
                (Stage::Made, false) => HostState::Stopped,
            },
        })
    }

    fn plug(&self, name: &HostName) -> Result<Plug, LabError> {
        let record = self.record(name)?.ok_or_else(|| LabError::NoHost(name.clone()))?;
        Plug::new(&self.layout, self.network(name)?, name, record.octet)
    }

    fn network(&self, name: &HostName) -> Result<Network, LabError> {
        network::current(&self.layout)?.ok_or_else(|| LabError::NoHost(name.clone()))
    }

    fn record(&self, name: &HostName) -> Result<Option<HostRecord>, LabError> {
        record::read(&self.layout.host(name).record())
    }

    fn erase(&self, paths: &HostPaths) -> Result<(), LabError> {
        // Never remove what a mount shows: below it lie the base image's files.
        overlay::unmount(&paths.dir)?;
        gone::tree(&paths.dir)
    }

    fn names(&self) -> Result<Vec<HostName>, LabError> {
        layout::names_in(&self.layout.hosts())
    }

    fn free_octet(&self) -> Result<u8, LabError> {
        let mut taken = Vec::new();
        for name in self.names()? {
            taken.extend(self.record(&name)?.map(|record| record.octet));
        }
        layout::OCTETS
            .into_iter()
            .find(|octet| !taken.contains(octet))
            .ok_or(LabError::Full("address: the lab is full"))
    }
}
