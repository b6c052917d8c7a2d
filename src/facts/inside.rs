//! The shapes of what lies on a host beside the files that were asked for. Knows nothing of what is wanted.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::seen::Seen;

/// What lies on a host beside the files of ours: things out of place, logins, records, disks, fixes, running options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsideFacts {
    /// Where values of the host's secrets stand beside their own files; `None`: the host has no secrets.
    pub exposed: Seen<Option<Exposed>>,
    /// Private keys that everybody may read.
    pub open_keys: Seen<Vec<String>>,
    /// What everybody or a person's account may write below folders of ours.
    pub loose: Seen<Vec<LooseFile>>,
    /// Programs that run as root whoever starts them, and the package that brought each.
    pub setuid: Seen<BTreeMap<String, Option<String>>>,
    /// Who can log in.
    pub logins: Seen<Logins>,
    /// journald's effective settings.
    pub journal: Seen<BTreeMap<String, String>>,
    /// How many files the journal has on the disk; `None`: it has no folder there.
    pub journal_files: Seen<Option<usize>>,
    /// What the journal says of this very look.
    pub trail: Seen<TrailSeen>,
    /// The device below each folder that holds something of ours.
    pub disks: Seen<Vec<DiskSeen>>,
    /// The machine below the host, such as `kvm`; `None`: none.
    pub machine: Seen<Option<String>>,
    /// Upgrades that wait.
    pub fixes: Seen<FixesSeen>,
    /// What Prosody keeps: virtual host and kind → how many files; `None`: there is no Prosody.
    pub kept: Seen<Option<BTreeMap<(String, String), usize>>>,
    /// How far each log had got: inode and path → bytes.
    pub log_ends: Seen<BTreeMap<(u64, String), u64>>,
    /// Hosts of Jitsi's makers and their partners that the services' settings name, by file.
    pub upstream: Seen<BTreeMap<String, BTreeSet<String>>>,
    /// The options that the bridge runs with; `None`: it does not run.
    pub bridge: Seen<Option<Options>>,
    /// The options that the focus runs with; `None`: it does not run.
    pub focus: Seen<Option<Options>>,
}

impl Default for InsideFacts {
    /// Nothing was looked at.
    fn default() -> Self {
        const WHY: &str = "it was not looked at";
        Self {
            exposed: Seen::unknown(WHY),
            open_keys: Seen::unknown(WHY),
            loose: Seen::unknown(WHY),
            setuid: Seen::unknown(WHY),
            logins: Seen::unknown(WHY),
            journal: Seen::unknown(WHY),
            journal_files: Seen::unknown(WHY),
            trail: Seen::unknown(WHY),
            disks: Seen::unknown(WHY),
            machine: Seen::unknown(WHY),
            fixes: Seen::unknown(WHY),
            kept: Seen::unknown(WHY),
            log_ends: Seen::unknown(WHY),
            upstream: Seen::unknown(WHY),
            bridge: Seen::unknown(WHY),
            focus: Seen::unknown(WHY),
        }
    }
}

/// Where values of secrets stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exposed {
    /// The places.
    pub places: Vec<Place>,
    /// How many files that everybody may read were read.
    pub read: usize,
}

/// A place with the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What kind of place.
    pub kind: PlaceKind,
    /// A path, or a process.
    pub place: String,
    /// The secrets' names, spaces between; empty: not told.
    pub secrets: String,
}

/// What kind of place a secret was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceKind {
    /// A file that everybody may read.
    File,
    /// A log.
    Log,
    /// What debconf remembers.
    Debconf,
    /// A history of commands.
    History,
    /// The arguments of a process, which everybody may read.
    Arguments,
    /// The environment of a process, which its children inherit and crash reports show.
    Environment,
}

/// A file or folder that somebody may write who should not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LooseFile {
    /// Permission bits.
    pub mode: u32,
    /// Owner's name, or number where it has none.
    pub owner: String,
    /// Group's name, or number where it has none.
    pub group: String,
    /// Where.
    pub path: String,
}

/// Who can log in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logins {
    /// Accounts by name.
    pub accounts: BTreeMap<String, LoginSeen>,
    /// Where sshd takes keys from beside the accounts' files.
    pub elsewhere: Vec<String>,
}

/// What opens an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginSeen {
    /// What its password is worth.
    pub password: PasswordState,
    /// The program that a login starts.
    pub shell: String,
    /// Keys that let somebody in, as `ssh-keygen -l` prints them.
    pub keys: Vec<String>,
}

/// What a password is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordState {
    /// No password opens it.
    Locked,
    /// One does.
    Set,
    /// The empty one does.
    Empty,
}

impl LoginSeen {
    /// Whether somebody can log in to it at all: a key needs no shell, since a connection can be forwarded without one.
    pub fn opens(&self) -> bool {
        let shell = ["nologin", "false", "sync", "shutdown", "halt"];
        let name = self.shell.rsplit('/').next().unwrap_or_default();
        !self.keys.is_empty() || (self.password != PasswordState::Locked && !shell.contains(&name))
    }
}

/// What the journal says of the look itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailSeen {
    /// sshd's line on the login; `None`: there is none.
    pub login: Option<String>,
    /// sudo's line; `None`: the look needed no sudo.
    pub sudo: Option<SudoTrail>,
}

/// What the journal says of the right that the look was made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SudoTrail {
    /// sudo's line.
    Told(String),
    /// There is none.
    Silent,
}

/// What is below a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskSeen {
    /// Where it is mounted.
    pub mount: String,
    /// Kind of file system.
    pub kind: String,
    /// What it is made of.
    pub source: String,
    /// What is below.
    pub medium: DiskMedium,
}

/// What a file system lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskMedium {
    /// An encrypted device.
    Encrypted,
    /// Memory.
    Memory,
    /// A device that this host does not encrypt.
    Plain,
    /// The host cannot say.
    Unknown,
}

/// Upgrades that wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FixesSeen {
    /// Security fixes: package and version.
    pub security: BTreeMap<String, String>,
    /// How many other upgrades wait.
    pub others: usize,
    /// When apt last asked what there is, seconds since 1970.
    pub asked: Option<i64>,
    /// When upgrades were last made by themselves.
    pub upgraded: Option<i64>,
    /// Since when the host waits to be started anew.
    pub reboot: Option<i64>,
}

/// The options that a Java service runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The file it was told to read; `None`: it was told of none.
    pub file: Option<String>,
    /// Every option as the running process has it: from the file and what it includes, the process's arguments winning.
    /// Or why that cannot be told.
    pub effective: Result<BTreeMap<String, String>, String>,
    /// Options among the process's arguments, which overrule the file.
    pub arguments: BTreeMap<String, String>,
    /// Arguments that let a debugger or a manager attach.
    pub debug: BTreeSet<String>,
    /// Keys of the old file of properties, which overrules all else.
    pub legacy: BTreeSet<String>,
}
