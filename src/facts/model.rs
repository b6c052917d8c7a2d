//! The shapes of what was seen on a host. Knows nothing of what is wanted.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::facts::Asked;
use crate::facts::InsideFacts;
use crate::render::SecretName;
use crate::render::Transport;
use crate::seen::Seen;
use crate::spec::RemotePath;

/// Where the host keeps the secrets that it made: root only, one `name=value` a line.
pub const SECRETS_FILE: &str = "/etc/anteroom/secrets";

/// One look at one host. Every field that a command fills is `Seen`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// When the host answered, by its own clock, RFC 3339.
    pub at: String,
    /// When it was asked, by the operator's.
    pub asked: Asked,
    /// /etc/os-release.
    pub os: Seen<Os>,
    /// Name of process 1, such as `systemd`.
    pub init: Seen<String>,
    /// What we own here, by our manifest; `None`: no manifest.
    pub manifest: Seen<Option<Manifest>>,
    /// Who is changing this host right now.
    pub lock: Seen<Option<LockHolder>>,
    /// Paths that were asked for or that the manifest lists.
    pub files: BTreeMap<RemotePath, Seen<PathState>>,
    /// Every installed or half-installed package.
    pub packages: Seen<BTreeMap<String, PackageState>>,
    /// Fingerprints in each apt keyring that was asked for; an absent file is an empty list.
    pub apt_keys: BTreeMap<RemotePath, Seen<Vec<String>>>,
    /// Units that were asked for.
    pub units: BTreeMap<String, Seen<UnitFacts>>,
    /// Listening sockets.
    pub listeners: Seen<Vec<ListenerSeen>>,
    /// Our table as the kernel holds it (`nft -s list table inet anteroom`), and as the kernel would print the file on
    /// disk; `None`: no such table.
    pub firewall: Seen<FirewallFacts>,
    /// Datagrams that our firewall let through to the bridge since it was loaded; `None`: it does not count them.
    pub media_packets: Seen<Option<u64>>,
    /// `sshd -T`: lower-case keyword → value; repeated keywords are joined by spaces.
    pub sshd: Seen<BTreeMap<String, String>>,
    /// The same for connections (`user=…,host=…,addr=…`) that a `Match` block may judge by other rules.
    pub sshd_as: Seen<BTreeMap<String, BTreeMap<String, String>>>,
    /// `Match` and `Include` lines of sshd's configuration, as `file:line`.
    pub sshd_blocks: Seen<Vec<String>>,
    /// What lies in each folder that was asked for, by name; an absent folder holds nothing.
    pub folders: BTreeMap<RemotePath, Seen<BTreeMap<String, FolderItem>>>,
    /// Who may become root.
    pub superusers: Seen<Superusers>,
    /// Runs of ours that did not end, and what such a run left to keep services from starting: paths.
    pub unfinished: Seen<Vec<String>>,
    /// Those of `files` with an access list, which may grant more than owner, group and mode tell.
    pub access_lists: Seen<BTreeSet<RemotePath>>,
    /// XMPP accounts by bare JID.
    pub accounts: Seen<BTreeMap<String, AccountSeen>>,
    /// Names of secrets that the host holds, and the length of each in bytes.
    pub secrets: Seen<BTreeMap<SecretName, usize>>,
    /// Certificates that were asked for; `None`: no such file.
    pub certificates: BTreeMap<RemotePath, Seen<Option<CertificateFacts>>>,
    /// The host's own addresses, loopback and link-local left out.
    pub addresses: Seen<Vec<std::net::IpAddr>>,
    /// The host below its services.
    pub system: SystemFacts,
    /// What lies beside the files of ours.
    pub inside: InsideFacts,
}

/// The host below its services: kernel, units as systemd understood them, upgrades, clock, swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemFacts {
    /// What kind of container the host is, such as `systemd-nspawn`; `None`: it has a kernel of its own.
    pub container: Seen<Option<String>>,
    /// The kernel's settings that were asked for, by key: file below /proc/sys → value. Empty: this kernel has none.
    pub kernel: Seen<BTreeMap<String, BTreeMap<String, String>>>,
    /// Properties of units that were asked for, as `systemctl show` prints them; a repeated one has several values.
    pub properties: Seen<BTreeMap<String, BTreeMap<String, Vec<String>>>>,
    /// apt's effective settings about upgrades, by lower-case key; a list has several values.
    pub apt: Seen<BTreeMap<String, Vec<String>>>,
    /// What chrony says of the clock; `None`: there is no chrony.
    pub clock: Seen<Option<ClockSeen>>,
    /// Where memory may be written to.
    pub swap: Seen<Vec<SwapSeen>>,
}

impl Default for SystemFacts {
    /// Nothing was looked at.
    fn default() -> Self {
        Self {
            container: Seen::unknown("it was not looked at"),
            kernel: Seen::unknown("it was not looked at"),
            properties: Seen::unknown("it was not looked at"),
            apt: Seen::unknown("it was not looked at"),
            clock: Seen::unknown("it was not looked at"),
            swap: Seen::unknown("it was not looked at"),
        }
    }
}

/// The clock as chrony sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockSeen {
    /// Whom it follows: an address, a name, or the empty text.
    pub follows: String,
    /// `Normal` and two announcements of leap seconds, or `Not synchronised`.
    pub leap: String,
    /// How far the clock is from the true time, in microseconds.
    pub off_by: i64,
}

/// An area that memory is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapSeen {
    /// The device or file.
    pub area: String,
    /// What memory that is written there ends up in.
    pub medium: SwapMedium,
}

/// What an area for memory is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwapMedium {
    /// An encrypted device, or a file on one.
    Encrypted,
    /// Compressed memory.
    Memory,
    /// Neither.
    Plain,
}

/// Operating system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Os {
    /// `ID`, such as `debian`.
    pub id: String,
    /// `VERSION_ID`, such as `12`.
    pub version: String,
    /// `PRETTY_NAME`.
    pub pretty: String,
}

/// Who holds the host's lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    /// `user@computer`.
    pub who: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// What it does, such as `apply`.
    pub verb: String,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathState {
    /// Nothing.
    Absent,
    /// A regular file.
    File {
        /// Owner's name.
        owner: String,
        /// Group's name.
        group: String,
        /// Permission bits.
        mode: u32,
        /// SHA-256 of the content with every secret that the host knows replaced by its slot.
        sha256: String,
        /// That content, when the file was asked for with content and is text of at most 256 KiB.
        content: Option<String>,
        /// Last change of the content, seconds since 1970.
        modified: i64,
    },
    /// A folder.
    Dir {
        /// Owner's name.
        owner: String,
        /// Group's name.
        group: String,
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link.
    Link {
        /// Target text.
        target: String,
    },
    /// Something else: a device, a socket, a pipe.
    Other,
}

/// A package as dpkg and apt know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageState {
    /// Installed version.
    pub version: String,
    /// True when fully installed (`ii` or `hi`); false when half-done or only configured.
    pub installed: bool,
    /// Held by `apt-mark`.
    pub held: bool,
    /// URIs of the sources that offer exactly this version (asked for our packages only); empty: none does.
    pub origins: Vec<String>,
}

/// A unit as systemd knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFacts {
    /// `LoadState`: loaded, not-found, masked.
    pub load: String,
    /// `ActiveState`: active, inactive, failed, activating.
    pub active: String,
    /// `SubState`.
    pub sub: String,
    /// `UnitFileState`: enabled, disabled, masked, generated, static.
    pub enabled: String,
    /// Start of the main process, or of the last (re)load where that is later, seconds since 1970; 0: not running.
    pub started: i64,
    /// `NRestarts`.
    pub restarts: u32,
    /// `FragmentPath`: the unit file; empty: none.
    pub fragment: String,
    /// `DropInPaths`.
    pub drop_ins: Vec<String>,
    /// What `ExecStart` runs, with its arguments, one a command.
    pub runs: Vec<String>,
}

impl UnitFacts {
    /// Whether nothing can start it.
    pub fn is_masked(&self) -> bool {
        self.load == "masked" || self.enabled == "masked"
    }
}

/// One thing in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderItem {
    /// `file`, `dir`, `link` or `other`.
    pub kind: String,
    /// The package that brought the file, or the file that a link points to; `None`: none did, or it was changed since.
    pub package: Option<String>,
}

/// A socket that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerSeen {
    /// TCP or UDP.
    pub transport: Transport,
    /// Address; unspecified for all.
    pub address: std::net::IpAddr,
    /// Port.
    pub port: u16,
    /// Names of the processes that hold it; empty where the kernel does not say.
    pub processes: Vec<String>,
    /// Units that these processes belong to; empty where they are part of none.
    pub units: BTreeSet<String>,
}

/// The way of an account that is root by its number.
pub const UID_0: &str = "has user id 0";

/// Who may become root on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superusers {
    /// The account that the look was made with.
    pub login: String,
    /// Every account but root with a way to become root, and its ways, in words.
    pub accounts: BTreeMap<String, BTreeSet<String>>,
    /// The keys that let somebody in as root, as `ssh-keygen -l` prints them.
    pub root_keys: Vec<String>,
}

/// Our nft table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallFacts {
    /// As the kernel holds it, without counters; `None`: no such table.
    pub running: Option<String>,
    /// As a fresh kernel would print the file on disk; `None`: no such file.
    pub on_disk: Option<String>,
}

/// An XMPP account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSeen {
    /// Whether the stored key belongs to the secret it was asked to be compared with.
    pub password: PasswordSeen,
}

/// Whether an account's stored key belongs to a known secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordSeen {
    /// It does.
    Matches,
    /// It does not.
    Differs,
    /// Nobody asked (a clinician's account).
    NotCompared,
}

/// A certificate on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateFacts {
    /// DNS names.
    pub names: Vec<String>,
    /// End of validity, seconds since 1970.
    pub not_after: i64,
    /// Whether the key beside it belongs to it.
    pub key_matches: bool,
}

/// `/etc/anteroom/manifest.json`: what we own on a host.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `anteroom/manifest/v1`.
    pub schema: String,
    /// `[deployment] name`.
    pub deployment: String,
    /// Domain.
    pub domain: String,
    /// The host's name in the spec.
    pub host: String,
    /// Version of the tool that wrote this.
    pub tool: String,
    /// Files, folders and links of ours, one a line.
    pub paths: Vec<OwnedPath>,
    /// Packages that were not there before us.
    pub packages: Vec<String>,
    /// Packages that were there but not held before us.
    pub held: Vec<String>,
    /// Units that we enabled or masked.
    pub units: Vec<String>,
    /// Service accounts (bare JIDs).
    pub accounts: Vec<String>,
    /// Secrets by name.
    pub secrets: Vec<SecretName>,
}

/// A path of ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnedPath {
    /// Where.
    pub path: RemotePath,
    /// Sshd or firewall hardening, which stays on destroy unless asked otherwise.
    pub hardening: bool,
    /// Where what stood there before us is kept, below /var/lib/anteroom/before; `None`: nothing did.
    pub before: Option<RemotePath>,
}

/// How far a look goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Depth {
    /// What a plan needs.
    #[default]
    Plan,
    /// What an audit judges as well: searches, which take a second or two longer.
    Audit,
}

/// What to look at on one host; built by `facts::request` from what is wanted there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Paths to stat and hash; the manifest's are added on the host.
    pub paths: Vec<RemotePath>,
    /// Those of `paths` whose content must stay on the host: private keys, and files nobody needs to read. The manifest's
    /// paths that were not asked for are always among them.
    pub hash_only: BTreeSet<RemotePath>,
    /// apt keyrings.
    pub apt_keys: Vec<RemotePath>,
    /// Units.
    pub units: Vec<String>,
    /// Packages whose origin is wanted.
    pub packages: Vec<String>,
    /// Service accounts and the secret each password is compared with.
    pub accounts: BTreeMap<String, SecretName>,
    /// Certificate → key.
    pub certificates: BTreeMap<RemotePath, RemotePath>,
    /// Folders whose every name is wanted, because services read whatever lies in them.
    pub folders: BTreeSet<RemotePath>,
    /// Keys of the kernel's settings; a star stands for every name there.
    pub kernel: Vec<String>,
    /// Units and the properties of each that are wanted.
    pub properties: BTreeMap<String, BTreeSet<String>>,
    /// How far the look goes.
    pub depth: Depth,
}
