//! The shapes of a valid spec. Only `spec::rules` builds them from a file.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::spec::AwsMachines;
use crate::spec::Domain;
use crate::spec::HostName;
use crate::spec::Terraform;

/// Everything the operator asked for, already judged by the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Where the spec came from.
    pub source: Source,
    /// Who and what this deployment is.
    pub deployment: Deployment,
    /// The business associate agreement with the host's owner, when one is recorded.
    pub baa: Option<Baa>,
    /// Where the hosts come from.
    pub machines: Machines,
    /// The hosts, in the order of the file; at least one has the core role.
    pub hosts: Vec<HostSpec>,
    /// Encryption and access policy.
    pub security: Security,
    /// The TLS certificate of the public site.
    pub certificate: Certificate,
    /// Package sources, their keys, and pinned versions.
    pub packages: Packages,
    /// Who may administer the hosts, from where.
    pub access: Access,
    /// What follows when the domain does not lead here.
    pub dns: Dns,
    /// Log retention.
    pub logging: Logging,
    /// Whom the hosts may talk to, besides what they need by themselves.
    pub egress: Egress,
    /// When services may be restarted.
    pub maintenance: Maintenance,
    /// Statements of people about what no program can see.
    pub attestations: Vec<Attestation>,
    /// Accepted failures.
    pub waivers: Vec<Waiver>,
}

/// The file a spec was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Path as given by the operator.
    pub path: PathBuf,
    /// SHA-256 of the file's bytes, in lower-case hexadecimal.
    pub sha256: String,
}

/// `[deployment]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// One DNS label; tags everything that the deployment owns.
    pub name: HostName,
    /// The address patients type.
    pub domain: Domain,
    /// Production, or a test with an end.
    pub environment: Environment,
    /// Whom to write to about this server.
    pub contact: Option<String>,
    /// The HIPAA security official (45 CFR 164.308(a)(2)).
    pub security_official: Option<String>,
}

/// Whether patients may be on this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Environment {
    /// Patients.
    Production,
    /// No patients; meant to end after its time to live.
    Test {
        /// Seconds from creation until `reap` may destroy it.
        ttl_seconds: u64,
    },
}

impl Environment {
    /// Whether patients must stay away.
    pub fn is_test(&self) -> bool {
        matches!(self, Self::Test { .. })
    }
}

/// `[baa]`: the agreement with whoever owns the computers (45 CFR 164.308(b)(3), 164.314(a)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baa {
    /// The other party.
    pub vendor: String,
    /// Title or number of the agreement.
    pub agreement: String,
    /// Day of signature.
    pub signed_on: jiff::civil::Date,
    /// Where the document is filed.
    pub reference: Option<String>,
    /// SHA-256 of the document.
    pub document_sha256: Option<String>,
    /// Day of the next review.
    pub review_on: Option<jiff::civil::Date>,
    /// Further processors covered by agreements of their own.
    pub processors: Vec<String>,
}

/// `[machines]`: where hosts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Machines {
    /// Hosts that exist; each `[[host]]` has an address or an `ssh_config` alias.
    Existing,
    /// Throwaway hosts on this computer.
    Lab,
    /// Hosts that Terraform makes.
    Terraform(Terraform),
    /// Machines in AWS, made for the deployment.
    Aws(Box<AwsMachines>),
}

/// `[[host]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSpec {
    /// Name within the spec.
    pub name: HostName,
    /// What the host does.
    pub roles: Vec<Role>,
    /// How to reach it; `None` for hosts that the machines section creates.
    pub ssh: Option<SshTarget>,
    /// The address clients reach, when it differs from the host's own (behind NAT).
    pub public_address: Option<std::net::IpAddr>,
    /// The host's own address, when it differs from the public one.
    pub private_address: Option<std::net::IpAddr>,
}

/// What a host does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Prosody, jicofo, nginx, one bridge and coturn.
    Core,
}

/// How to reach a host over SSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshTarget {
    /// Host name, IP address, or an alias of the operator's `ssh_config`.
    pub address: String,
    /// Login user; root, or one with passwordless sudo. `None`: as `ssh_config` says, else root.
    pub user: Option<String>,
    /// Port; `None`: as `ssh_config` says, else 22.
    pub port: Option<u16>,
    /// Private key file; `None`: agent, then `ssh_config`'s identity files.
    pub key: Option<PathBuf>,
    /// OpenSSH user certificate belonging to `key`.
    pub certificate: Option<PathBuf>,
    /// What the host's key must be.
    pub host_key: HostKeyPolicy,
    /// Jump host in the form `ssh -J` takes.
    pub jump: Option<String>,
}

/// How a host's key is judged. An unknown or changed key is always refused, except by `AcceptNew`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKeyPolicy {
    /// The operator's `known_hosts` files.
    KnownHosts,
    /// Exactly this `SHA256:…` fingerprint.
    Fingerprint(String),
    /// Test only: remember a key that was never seen, refuse a changed one.
    AcceptNew,
}

/// `[security]`. `secure_domain` and `require_encryption` are not fields: a spec that turns them off is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Security {
    /// TLS versions and suites.
    pub tls_profile: TlsProfile,
    /// Who may open a room. One type, so that a mix that fails open cannot be written down.
    pub auth: Auth,
    /// Minutes a clinician's session may live.
    pub session_minutes: u32,
    /// Most people in one room.
    pub max_occupants: u32,
}

/// Mozilla's server side TLS profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsProfile {
    /// TLS 1.2 with forward secrecy and AEAD, and TLS 1.3.
    Intermediate,
    /// TLS 1.3 only.
    Modern,
}

/// The two ways to secure the domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Room tokens; guests wait in the lobby until a host comes; jicofo's own authentication is off.
    Token(TokenAuth),
    /// Accounts on the server ("secure domain"); jicofo refuses rooms to guests until a clinician opens them.
    Internal,
}

/// How tokens are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenAuth {
    /// `app_id` and the only accepted `iss`.
    pub issuer: String,
    /// The only accepted `aud`.
    pub audience: String,
    /// What signatures are checked with.
    pub key: TokenKey,
}

/// What token signatures are checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenKey {
    /// HS256 with a secret made on the host.
    SharedSecret,
    /// RS256 with the clinic's public key (PEM, SubjectPublicKeyInfo).
    PublicKey {
        /// The PEM text.
        pem: String,
    },
    /// RS256 with keys that the clinic's identity provider publishes.
    Jwks {
        /// An https URL.
        url: String,
    },
}

/// `[certificate]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// The operator's own files, already read and matched to the domain.
    Files {
        /// The chain, PEM, leaf first.
        chain_pem: String,
        /// The private key, PEM.
        key_pem: crate::secret::Secret,
    },
    /// Made on the host; test only.
    SelfSigned,
}

/// `[packages]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// Jitsi's repository.
    pub jitsi: AptSource,
    /// Exact versions, by package name.
    pub versions: BTreeMap<String, String>,
}

/// One apt repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptSource {
    /// Base URI.
    pub uri: String,
    /// Suite; flat repositories end in a slash.
    pub suite: String,
    /// Components; empty for a flat repository.
    pub components: Vec<String>,
    /// Where the signing key comes from.
    pub key: AptKeySource,
    /// OpenPGP fingerprint of the only accepted signing key, 40 or 64 upper-case hexadecimal digits.
    pub fingerprint: String,
}

/// Where an apt signing key comes from; the fingerprint decides either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AptKeySource {
    /// Downloaded by the host.
    Url(String),
    /// The armored key, read from the operator's file.
    Armored(String),
}

/// `[access]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Networks that may reach SSH.
    pub admin_cidrs: Vec<IpNet>,
    /// Accounts that may become root on the hosts, beside root itself and the login that the hosts are reached with.
    pub admins: BTreeSet<String>,
}

/// `[dns]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    /// What follows when the domain does not lead to this deployment.
    pub check: DnsCheck,
}

/// What a domain that leads elsewhere, or nowhere, means for `apply`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsCheck {
    /// Nothing is changed.
    Refuse,
    /// It is said, and `apply` goes on.
    Warn,
}

/// `[logging]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// Days that logs stay on the host.
    pub retention_days: u32,
}

/// `[egress]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Egress {
    /// Whom the hosts may open TCP connections to, besides what they need by themselves.
    pub allow: Vec<std::net::SocketAddr>,
}

/// `[maintenance]`: the time of each day, in UTC, in which services may be restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maintenance {
    /// Hour and minute at which it begins.
    pub start: (u8, u8),
    /// How long it lasts.
    pub minutes: u16,
}

impl Maintenance {
    /// Its beginning, `HH:MM`.
    pub fn starts(self) -> String {
        format!("{:02}:{:02}", self.start.0, self.start.1)
    }
}

/// `[[attestation]]`: a statement of a person, and the document behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// The control it speaks to.
    pub control: String,
    /// A path, or where the document is filed.
    pub document: String,
    /// SHA-256 of the document, as recorded.
    pub document_sha256: String,
    /// SHA-256 of the file of that name, where there is one beside the spec.
    pub found_sha256: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// When it was stated.
    pub on: jiff::civil::Date,
    /// The last day on which it stands without another look.
    pub review_on: jiff::civil::Date,
    /// What is stated, where the document's name does not say it.
    pub statement: Option<String>,
}

impl Attestation {
    /// Whether the document is another one than was recorded.
    pub fn document_differs(&self) -> bool {
        self.found_sha256
            .as_ref()
            .is_some_and(|found| *found != self.document_sha256)
    }
}

/// `[[waiver]]`: a failure that someone accepted, for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The control.
    pub control: String,
    /// The subject, or `*`.
    pub subject: String,
    /// Why.
    pub justification: String,
    /// Who accepted it.
    pub approver: String,
    /// From when.
    pub created: jiff::civil::Date,
    /// Until when; at most 365 days after `created`.
    pub expires: jiff::civil::Date,
    /// Why it may be accepted.
    pub basis: WaiverBasis,
    /// What is done instead.
    pub compensating_control: Option<String>,
    /// Digest of what was accepted, unless the subject is `*`.
    pub evidence_sha256: Option<String>,
}

impl Waiver {
    /// Whether the day is one of those that it accepts a failure on.
    pub fn is_in_force(&self, today: jiff::civil::Date) -> bool {
        (self.created..=self.expires).contains(&today)
    }
}

/// Why a failure may be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaiverBasis {
    /// The specification is addressable, and something else takes its place (45 CFR 164.306(d)(3)).
    Addressable,
    /// The risk is known and borne.
    RiskAccepted,
    /// The control is wrong about this subject.
    FalsePositive,
}

impl WaiverBasis {
    /// The word of the spec.
    pub fn word(self) -> &'static str {
        match self {
            Self::Addressable => "addressable-306d3",
            Self::RiskAccepted => "risk-accepted",
            Self::FalsePositive => "false-positive",
        }
    }
}
