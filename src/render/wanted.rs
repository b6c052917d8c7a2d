//! The shapes of what a host must hold: files, packages, accounts, units and listeners. Knows nothing of any real host.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::secret::Secret;
use crate::spec::AptKeySource;
use crate::spec::HostName;
use crate::spec::RemotePath;

/// Everything one host must hold, be and run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The host's name in the spec.
    pub host: HostName,
    /// Files, folders and links.
    pub tree: RenderedTree,
    /// Paths that must not exist.
    pub forbidden: BTreeSet<RemotePath>,
    /// Secrets that the host makes for itself: 256 bit, hexadecimal.
    pub secrets: BTreeSet<SecretName>,
    /// apt signing keys.
    pub apt_keys: Vec<AptKey>,
    /// Packages, all installed without their recommendations.
    pub packages: Vec<PackageWanted>,
    /// Answers for packages that ask.
    pub preseeds: Vec<Preseed>,
    /// Certificates that the host makes for itself.
    pub certificates: Vec<GeneratedCertificate>,
    /// XMPP accounts of the services.
    pub accounts: Vec<AccountWanted>,
    /// The XMPP host on which clinicians have accounts of their own; `None`: nobody but the services has one.
    pub clinicians: Option<String>,
    /// systemd units, in the order in which they start.
    pub units: Vec<UnitWanted>,
    /// Every socket that may listen, and must.
    pub listeners: Vec<Listener>,
    /// What judges the files before they take effect.
    pub checks: BTreeSet<Check>,
    /// Effective sshd settings, as `sshd -T` prints them (lower-case keyword, value).
    pub sshd: BTreeMap<String, String>,
    /// The policy's rows that the files carry, in the order of each file.
    pub settings: Vec<SettingWanted>,
}

/// One row of the policy as a host's file must carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingWanted {
    /// The file.
    pub path: RemotePath,
    /// The part of the file.
    pub section: String,
    /// The key.
    pub key: String,
    /// The safe value. Slots stand for secrets.
    pub value: serde_json::Value,
    /// The lines that say so, without indentation.
    pub lines: Vec<String>,
    /// Why.
    pub reason: String,
    /// The duties behind it.
    pub citations: Vec<String>,
}

impl SettingWanted {
    /// The value as programs print it.
    pub fn text(&self) -> String {
        match &self.value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// Whether a setting of the kernel belongs to the network, of which a container can have one of its own.
    pub fn is_of_the_network(&self) -> bool {
        self.key.starts_with("net.ipv4.") || self.key.starts_with("net.ipv6.")
    }
}

/// Path → entry, ordered, so that plans and golden trees are stable.
pub type RenderedTree = BTreeMap<RemotePath, Entry>;

/// One thing in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A regular file.
    File(RenderedFile),
    /// A folder.
    Dir(Access),
    /// A symbolic link and its target text.
    Link {
        /// Where it points.
        target: String,
    },
}

/// Owner, group and mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// User name.
    pub owner: String,
    /// Group name.
    pub group: String,
    /// Permission bits, such as `0o640`.
    pub mode: u32,
}

/// A file as rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// Owner, group and mode.
    pub access: Access,
    /// The text, with `<secret:name>` where the host fills a secret in.
    pub content: FileContent,
    /// When destroyed, stays unless asked otherwise (sshd and firewall hardening).
    pub hardening: bool,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// Text that anyone who may see the plan may see. May hold slots; the host fills them.
    Text(String),
    /// Text that is never shown: a private key from the operator's disk.
    Hidden(Secret),
}

/// A secret's name: lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SecretName(pub String);

impl SecretName {
    /// The text that stands for the secret in rendered files.
    pub fn slot(&self) -> String {
        format!("<secret:{}>", self.0)
    }
}

/// An apt signing key and where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptKey {
    /// The armored keyring, below /etc/apt/keyrings.
    pub path: RemotePath,
    /// The only fingerprint that the keyring may hold.
    pub fingerprint: String,
    /// Where the host gets it.
    pub source: AptKeySource,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageWanted {
    /// Name.
    pub name: String,
    /// Exact version, when the spec pins one.
    pub version: Option<String>,
    /// Held back from `apt upgrade`, since Jitsi's packages rewrite configuration and drop calls.
    pub held: bool,
    /// Must come from this apt URI (Jitsi's packages); `None`: the distribution.
    pub origin: Option<String>,
}

/// A debconf answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preseed {
    /// The package that asks.
    pub package: String,
    /// The question.
    pub question: String,
    /// `string`, `password`, `boolean` or `select`.
    pub kind: String,
    /// The answer; may hold a slot.
    pub value: String,
}

/// A certificate made on the host with a new key, self-signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedCertificate {
    /// Where the certificate goes, mode 0644, root.
    pub certificate: RemotePath,
    /// Where the key goes.
    pub key: RemotePath,
    /// Owner, group and mode of the key.
    pub key_access: Access,
    /// DNS names; the first is the subject too.
    pub names: Vec<String>,
    /// Whether the host's own trust store takes it in (internal TLS verified by the bridge and the focus).
    pub trusted: bool,
}

/// An XMPP account whose password is a secret of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountWanted {
    /// Bare JID.
    pub jid: String,
    /// The password.
    pub password: SecretName,
}

/// A systemd unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitWanted {
    /// Full name, such as `nginx.service`.
    pub name: String,
    /// What it must be.
    pub state: UnitState,
    /// A change of one of these paths (or of anything below) takes effect by `effect`.
    pub inputs: Vec<RemotePath>,
    /// How a change takes effect.
    pub effect: Effect,
}

/// What a unit must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitState {
    /// Enabled and active.
    Running,
    /// Masked and inactive.
    Masked,
}

/// How a changed input takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// `systemctl restart`.
    Restart,
    /// `systemctl reload`.
    Reload,
}

/// A socket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// TCP or UDP.
    pub transport: Transport,
    /// First port.
    pub port: u16,
    /// Last port; equal to `port` but for relay ranges.
    pub last_port: u16,
    /// Who may reach it.
    pub scope: Scope,
    /// The unit that holds it.
    pub unit: String,
    /// False for sockets that only exist while used (TURN relays).
    pub always: bool,
}

/// TCP or UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// Who may reach a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The internet.
    Public,
    /// The admin networks.
    Admins,
    /// The host itself.
    Loopback,
}

/// A program that judges configuration before it takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// `nginx -t`.
    Nginx,
    /// `prosodyctl check config` and the Lua compiler.
    Prosody,
    /// `hocon` over jicofo.conf.
    JicofoHocon,
    /// `hocon` over jvb.conf.
    VideobridgeHocon,
    /// `sshd -t`.
    Sshd,
    /// `nft -c -f`.
    Nft,
}

/// Where the host's own trust store takes a certificate in; `None`: it does not.
pub fn trust_place(made: &GeneratedCertificate) -> Option<RemotePath> {
    let name = made.names.first().filter(|_| made.trusted)?;
    format!("/usr/local/share/ca-certificates/anteroom-{name}.crt")
        .parse()
        .ok()
}
