//! Where a lab keeps its things and what it calls them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use super::error::LabError;
use crate::digest;
use crate::spec::HostName;

/// The folders a lab lives in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabDir {
    /// Hosts, snapshots, the client key. Two labs with different folders do not see each other.
    pub home: PathBuf,
    /// Base images; may be shared by several labs.
    pub base: PathBuf,
}

impl LabDir {
    /// The folder used when nothing else is said.
    pub const DEFAULT: &'static str = "/var/lib/anteroom-lab";

    /// A lab in `home` whose base images are in `home/base`.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        let home = home.into();
        let base = home.join("base");
        Self { home, base }
    }

    /// The same lab with base images shared from elsewhere.
    #[must_use]
    pub fn with_base(mut self, base: impl Into<PathBuf>) -> Self {
        self.base = base.into();
        self
    }
}

impl Default for LabDir {
    fn default() -> Self {
        Self::new(Self::DEFAULT)
    }
}

/// Every path and name of one lab.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) home: PathBuf,
    pub(super) base: PathBuf,
    /// Six hexadecimal digits made from the folder: they keep the names of two labs apart.
    pub(super) id: String,
}

impl Layout {
    /// Checks that the folders' names are plain: they are written into mount options, where `:` and `,` separate.
    pub(super) fn new(dir: &LabDir) -> Result<Self, LabError> {
        check_plain(&dir.home)?;
        check_plain(&dir.base)?;
        let id = digest::sha256(dir.home.as_os_str().as_encoded_bytes())[..6].to_owned();
        Ok(Self {
            home: dir.home.clone(),
            base: dir.base.clone(),
            id,
        })
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.home.join("lock")
    }

    pub(super) fn client_key(&self) -> PathBuf {
        self.home.join("id_ed25519")
    }

    pub(super) fn hosts(&self) -> PathBuf {
        self.home.join("hosts")
    }

    pub(super) fn snapshots(&self) -> PathBuf {
        self.home.join("snapshots")
    }

    pub(super) fn snapshot(&self, name: &HostName) -> PathBuf {
        self.snapshots().join(name.as_str())
    }

    pub(super) fn host(&self, name: &HostName) -> HostPaths {
        HostPaths {
            dir: self.hosts().join(name.as_str()),
        }
    }

    /// Bridge name; at most 15 bytes as the kernel wants (IFNAMSIZ).
    pub(super) fn bridge(&self) -> String {
        format!("anteroom-{}", self.id)
    }

    /// Name of the lab's nft table.
    pub(super) fn table(&self) -> String {
        format!("anteroom_lab_{}", self.id)
    }

    /// This computer's end of a host's cable.
    pub(super) fn link(&self, octet: u8) -> String {
        format!("ar{}-{octet}", self.id)
    }

    /// Hardware address of a host or, with 1, of the bridge; locally administered. It stays the same over reboots, or
    /// this computer would go on sending to the old one for some seconds.
    pub(super) fn hardware(&self, octet: u8) -> String {
        let id = &self.id;
        format!("02:4c:{}:{}:{}:{octet:02x}", &id[0..2], &id[2..4], &id[4..6])
    }

    /// Name of a host's network namespace, cgroup and nspawn machine.
    pub(super) fn unit(&self, octet: u8) -> String {
        format!("anteroom-{}-{octet}", self.id)
    }
}

/// The numbers of hosts whose unit or link is named in a text that some program printed.
pub(super) fn octets_in(layout: &Layout, text: &str) -> BTreeSet<u8> {
    let starts = [format!("anteroom-{}-", layout.id), format!("ar{}-", layout.id)];
    text.split([' ', '\n', '\t', '@', '/'])
        .filter_map(|word| starts.iter().find_map(|start| word.strip_prefix(start.as_str())))
        .filter_map(|octet| octet.parse().ok())
        .collect()
}

/// The files of one host.
#[derive(Debug, Clone)]
pub(super) struct HostPaths {
    pub(super) dir: PathBuf,
}

impl HostPaths {
    /// What the host changed, as an overlay's upper layer.
    pub(super) fn upper(&self) -> PathBuf {
        self.dir.join("upper")
    }

    pub(super) fn work(&self) -> PathBuf {
        self.dir.join("work")
    }

    /// The host's whole file system, where the overlay is mounted.
    pub(super) fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    pub(super) fn record(&self) -> PathBuf {
        self.dir.join("host.json")
    }

    pub(super) fn console(&self) -> PathBuf {
        self.dir.join("console.log")
    }

    pub(super) fn supervisor(&self) -> PathBuf {
        self.dir.join("supervise.sh")
    }

    /// Exists while the host must not boot again.
    pub(super) fn stopping(&self) -> PathBuf {
        self.dir.join("stopping")
    }

    /// Written by the supervisor when it ends, with the reason.
    pub(super) fn ended(&self) -> PathBuf {
        self.dir.join("ended")
    }
}

/// The first two numbers of every lab's addresses.
const NET: [u8; 2] = [10, 77];

/// All lab networks as one, in CIDR notation.
pub(super) const ALL_LABS: &str = "10.77.0.0/16";

/// Last numbers that hosts get; the gateway is 1.
pub(super) const OCTETS: std::ops::RangeInclusive<u8> = 10..=250;

/// The address of a host (or, with 1, of the gateway) in one lab's network.
pub(super) fn address(subnet: u8, octet: u8) -> Ipv4Addr {
    Ipv4Addr::new(NET[0], NET[1], subnet, octet)
}

/// The hosts or snapshots whose folders are in a folder, in order. A folder that is not there holds none.
pub(super) fn names_in(folder: &Path) -> Result<Vec<HostName>, LabError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(LabError::file("read", folder)(source)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(LabError::file("read", folder))?;
        names.extend(entry.file_name().to_str().and_then(|name| name.parse().ok()));
    }
    names.sort();
    Ok(names)
}

fn check_plain(path: &Path) -> Result<(), LabError> {
    let bad = |why: &str| {
        Err(LabError::Folder {
            path: path.to_owned(),
            why: why.to_owned(),
        })
    };
    if !path.is_absolute() {
        return bad("the path must begin with a slash");
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return bad("the path must not contain `..`");
    }
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    if !path.as_os_str().as_encoded_bytes().iter().all(plain) {
        return bad(
            "only letters, digits, dots, hyphens and underscores are allowed, since mount options cannot quote",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_the_kernels_limit_and_differ_between_labs() {
        let one = Layout::new(&LabDir::default()).expect("plain");
        let other = Layout::new(&LabDir::new("/tmp/other")).expect("plain");
        assert!(one.bridge().len() <= 15);
        assert!(one.link(250).len() <= 15);
        assert_ne!(one.bridge(), other.bridge());
    }

    #[test]
    fn a_folder_that_mount_options_cannot_name_is_refused() {
        for path in ["relative", "/with space", "/a:b", "/a,b", "/a/../b"] {
            Layout::new(&LabDir::new(path)).expect_err(path);
        }
    }

    #[test]
    fn hosts_are_found_in_what_ip_prints() {
        let layout = Layout::new(&LabDir::new("/var/lib/anteroom-lab-lab")).expect("plain");
        let links = include_str!("../../../tests/fixtures/lab/ip-br-link");
        let namespaces = include_str!("../../../tests/fixtures/lab/ip-netns");
        assert_eq!(octets_in(&layout, links), BTreeSet::from([10, 11]));
        assert_eq!(octets_in(&layout, namespaces), BTreeSet::from([10, 11]));
    }

    #[test]
    fn base_images_can_be_shared() {
        let dir = LabDir::new("/a").with_base("/b");
        assert_eq!(dir.base, Path::new("/b"));
    }
}
