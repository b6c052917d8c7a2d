//! What all labs of this computer share: which of the 10.77.x networks are taken, and two kernel settings that are
//! raised for the first lab and put back after the last. Kept in /run, since a reboot undoes all of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use super::error::LabError;
use super::gone;
use super::locked;
use super::locked::Locked;
use super::program::Args;
use super::record;

const RUN: &str = "/run/anteroom-lab";
const FORWARD: &str = "net/ipv4/ip_forward";
const INOTIFY: &str = "fs/inotify/max_user_instances";

/// A booted host takes about ten inotify instances, and the usual limit of 128 breaks `user@0.service` from the
/// fifteenth host on.
const INOTIFY_WANTED: u64 = 8192;

/// One lab that has its network up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Registration {
    /// The lab's folder.
    pub(super) home: PathBuf,
    /// Third number of its addresses.
    pub(super) subnet: u8,
}

/// The register of labs, locked until dropped.
pub(super) struct Machine {
    run: PathBuf,
    sys: PathBuf,
    locked: Locked,
}

impl Machine {
    /// Waits for the register.
    pub(super) fn open() -> Result<Self, LabError> {
        Self::open_at(Path::new(RUN), Path::new("/proc/sys"))
    }

    fn open_at(run: &Path, sys: &Path) -> Result<Self, LabError> {
        let locked = locked::lock(&run.join("lock"))?;
        let labs = run.join("labs");
        fs::create_dir_all(&labs).map_err(LabError::file("make", &labs))?;
        Ok(Self {
            run: run.to_owned(),
            sys: sys.to_owned(),
            locked,
        })
    }

    /// Runs a program that changes the computer's network, under the register's lock.
    pub(super) fn run(&self, program: &str, args: Args<'_>) -> Result<String, LabError> {
        self.locked.run(program, args)
    }

    /// All registered labs by id.
    pub(super) fn labs(&self) -> Result<BTreeMap<String, Registration>, LabError> {
        let folder = self.run.join("labs");
        let mut labs = BTreeMap::new();
        for entry in fs::read_dir(&folder).map_err(LabError::file("read", &folder))? {
            let path = entry.map_err(LabError::file("read", &folder))?.path();
            let (Some(id), Some("json")) = (
                path.file_stem().and_then(|stem| stem.to_str()),
                path.extension().and_then(|end| end.to_str()),
            ) else {
                continue;
            };
            if let Some(registration) = record::read(&path)? {
                labs.insert(id.to_owned(), registration);
            }
        }
        Ok(labs)
    }

    /// Registers a lab and raises the settings, remembering what they were.
    pub(super) fn register(&self, id: &str, registration: &Registration) -> Result<(), LabError> {
        record::write(&self.lab(id), registration)?;
        self.raise()
    }

    /// Forgets a lab, and puts the settings back when it was the last.
    pub(super) fn forget(&self, id: &str) -> Result<(), LabError> {
        gone::file(&self.lab(id))?;
        if self.labs()?.is_empty() {
            self.put_back()
        } else {
            Ok(())
        }
    }

    /// Whether this computer forwarded packets before the first lab came.
    pub(super) fn forwarded_before(&self) -> Result<bool, LabError> {
        let now = self.setting(FORWARD)?;
        Ok(self.remembered()?.get(FORWARD).copied().unwrap_or(now) != 0)
    }

    fn lab(&self, id: &str) -> PathBuf {
        self.run.join("labs").join(format!("{id}.json"))
    }

    fn remembered(&self) -> Result<BTreeMap<String, u64>, LabError> {
        Ok(record::read(&self.run.join("settings.json"))?.unwrap_or_default())
    }

    fn raise(&self) -> Result<(), LabError> {
        let mut remembered = self.remembered()?;
        for (name, wanted) in [(FORWARD, 1), (INOTIFY, INOTIFY_WANTED)] {
            let now = self.setting(name)?;
            if now >= wanted {
                continue;
            }
            // Remembered first: a crash between the two lines still finds the way back.
            remembered.entry(name.to_owned()).or_insert(now);
            record::write(&self.run.join("settings.json"), &remembered)?;
            match self.set(name, wanted) {
                // In a container this one cannot be written. A dozen hosts run without it.
                Err(_) if name == INOTIFY => {
                    remembered.remove(name);
                    record::write(&self.run.join("settings.json"), &remembered)?;
                }
                done => done?,
            }
        }
        Ok(())
    }

    fn put_back(&self) -> Result<(), LabError> {
        for (name, value) in self.remembered()? {
            self.set(&name, value)?;
        }
        gone::file(&self.run.join("settings.json"))
    }

    fn setting(&self, name: &str) -> Result<u64, LabError> {
        let path = self.sys.join(name);
        let text = fs::read_to_string(&path).map_err(LabError::file("read", &path))?;
        text.trim().parse().map_err(|_| LabError::Record {
            path,
            why: format!("{:?} is not a number", text.trim()),
        })
    }

    fn set(&self, name: &str, value: u64) -> Result<(), LabError> {
        let path = self.sys.join(name);
        fs::write(&path, value.to_string()).map_err(LabError::file("set", &path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(sys: &Path) -> (String, String) {
        let read = |name| fs::read_to_string(sys.join(name)).expect("setting");
        (read(FORWARD), read(INOTIFY))
    }

    #[test]
    fn settings_are_raised_for_the_first_lab_and_put_back_after_the_last() {
        let folder = tempfile::tempdir().expect("temp folder");
        let sys = folder.path().join("sys");
        fs::create_dir_all(sys.join("net/ipv4")).expect("folder");
        fs::create_dir_all(sys.join("fs/inotify")).expect("folder");
        fs::write(sys.join(FORWARD), "0\n").expect("setting");
        fs::write(sys.join(INOTIFY), "128\n").expect("setting");
        let machine = Machine::open_at(&folder.path().join("run"), &sys).expect("opens");
        let lab = |subnet| Registration {
            home: PathBuf::from("/lab"),
            subnet,
        };

        machine.register("aaaaaa", &lab(1)).expect("registers");
        machine.register("bbbbbb", &lab(2)).expect("registers");
        assert_eq!(settings(&sys), ("1".to_owned(), "8192".to_owned()));
        assert!(!machine.forwarded_before().expect("reads"));

        machine.forget("aaaaaa").expect("forgets");
        assert_eq!(settings(&sys).0, "1");
        machine.forget("bbbbbb").expect("forgets");
        machine.forget("bbbbbb").expect("gone already is success");
        assert_eq!(settings(&sys), ("0".to_owned(), "128".to_owned()));
    }
}
