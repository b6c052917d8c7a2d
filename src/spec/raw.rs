//! The shapes of `anteroom.toml` as written. The documentation of a key is its help in problems and its description in
//! the JSON Schema; keep it to what an operator needs to fill the key in.

use jiff::civil::Date;

use crate::spec::raw_machines::RawAws;
use crate::spec::raw_machines::RawMachines;
use crate::spec::reader::May;
use crate::spec::reader::Spot;
use crate::spec::section::section;
use crate::spec::values::Count;
use crate::spec::values::Map;
use crate::spec::values::Prose;
use crate::spec::values::choice;

/// Most minutes a session may live: one day.
pub(crate) const SESSION_MAX: u32 = 1440;
/// Most people in one room; a limit of the product, not of the software.
pub(crate) const OCCUPANTS_MAX: u32 = 100;
/// Most days that logs are kept on the host: ten years.
pub(crate) const RETENTION_MAX: u32 = 3650;

section! {
    /// One self-hosted Jitsi Meet telehealth server.
    RawSpec("spec") {
        /// who and what this deployment is
        required deployment: RawDeployment,
        /// the business associate agreement with whoever owns the computers; required in production
        optional baa: RawBaa,
        /// where the hosts come from
        required machines: RawMachines,
        /// one host of the deployment; may be left out unless hosts exist already, and then one named "core" is made
        optional host: Vec<Spot<RawHost>>,
        /// encryption and access policy
        optional security: RawSecurity,
        /// what the page offers beyond a call; all off, since each would take a visit's content elsewhere
        optional features: RawFeatures,
        /// the TLS certificate of the public site; required in production
        optional certificate: RawCertificate,
        /// package sources and pinned versions
        optional packages: RawPackages,
        /// who may administer the hosts, from where
        optional access: RawAccess,
        /// whom the hosts may open connections to, besides what they need by themselves
        optional egress: RawEgress,
        /// what follows when the domain does not lead to this deployment
        optional dns: RawDns,
        /// log retention
        optional logging: RawLogging,
        /// when services may be restarted
        optional maintenance: RawMaintenance,
        /// a statement of a person about what no program can see
        optional attestation: Vec<Spot<RawAttestation>>,
        /// a failure of a control that someone accepted, for a time
        optional waiver: Vec<Spot<RawWaiver>>,
    }
}

section! {
    /// Who and what this deployment is.
    RawDeployment("deployment") {
        /// a name of one word (lower-case letters, digits, hyphens) that tags everything the deployment owns
        required name: String,
        /// the address patients type, such as "telemed.example.com"; needed here or as --domain
        optional domain: String,
        /// "production", or "test" for a server without patients, meant to end after its ttl
        required environment: RawEnvironment,
        /// how long a test may live, such as "4h" or "7d"; only in test, and required there
        optional ttl: String,
        /// whom to write to about this server, such as an e-mail address
        optional contact: String,
        /// the HIPAA security official responsible for this server (45 CFR 164.308(a)(2))
        optional security_official: String,
    }
}

choice! {
    /// Whether patients may be on the server.
    RawEnvironment { "production" => Production, "test" => Test, } later []
}

section! {
    /// The business associate agreement with whoever owns the computers (45 CFR 164.308(b)(3), 164.314(a)).
    RawBaa("baa") {
        /// the other party, such as the hosting company
        required vendor: String,
        /// title or number of the agreement
        required agreement: String,
        /// day of signature, such as 2026-01-31
        required signed_on: Date,
        /// where the document is filed
        optional reference: String,
        /// SHA-256 of the document, 64 hexadecimal digits (as `sha256sum` prints it)
        optional document_sha256: String,
        /// day of the next review, such as 2027-01-31
        optional review_on: Date,
        /// further processors of patients' data, each covered by an agreement of its own
        optional processors: Vec<Spot<String>>,
    }
}

section! {
    /// One host of the deployment.
    RawHost("host") {
        /// a name of one word (lower-case letters, digits, hyphens)
        required name: String,
        /// what the host does; ["core"] when left out
        optional roles: Vec<Spot<RawRole>>,
        /// host name or IP address for SSH, or an alias of ssh_config; required when machines.kind is "existing"
        optional address: String,
        /// SSH login, root or one with passwordless sudo; when left out as ssh_config says, else root
        optional user: String,
        /// SSH port; when left out as ssh_config says, else 22
        optional port: Count<1, 65535>,
        /// private key file for SSH; when left out the agent, then ssh_config's keys
        optional key: String,
        /// OpenSSH user certificate that belongs to `key`
        optional certificate: String,
        /// "known-hosts" (default), a fingerprint "SHA256:…", or "accept-new" in test
        optional host_key: String,
        /// jump host as `ssh -J` takes it, such as "admin@bastion.example.com:22"
        optional jump: String,
        /// the IP address clients reach, when it differs from the host's own (behind NAT)
        optional public_address: String,
        /// the host's own IP address, when it differs from the public one
        optional private_address: String,
    }
}

choice! {
    /// What a host does.
    RawRole { "core" => Core, } later ["bridge", "turn"]
}

section! {
    /// Encryption and access policy.
    RawSecurity("security") {
        /// only authenticated people open rooms; always true, may be written down for the record
        optional secure_domain: bool,
        /// everything that crosses a network is encrypted; always true, may be written down for the record
        optional require_encryption: bool,
        /// "intermediate" (TLS 1.2 and 1.3, default) or "modern" (TLS 1.3 only)
        optional tls_profile: RawTlsProfile,
        /// "token" (room links signed by the clinic, default) or "internal" (clinicians' accounts on the server)
        optional auth: RawAuth,
        /// how tokens are judged; only with auth = "token"
        optional token: RawToken,
        /// minutes a clinician's session may live; 480 when left out
        optional session_minutes: Count<5, SESSION_MAX>,
        /// most people in one room; 6 when left out
        optional max_occupants: Count<2, OCCUPANTS_MAX>,
    }
}

choice! {
    /// TLS versions and suites.
    RawTlsProfile { "intermediate" => Intermediate, "modern" => Modern, } later ["fips"]
}

choice! {
    /// Who may open a room.
    RawAuth { "token" => Token, "internal" => Internal, } later []
}

section! {
    /// How room tokens are judged.
    RawToken("token") {
        /// "shared-secret" (made on the host, default), "public-key" (with public_key_file) or "jwks" (with jwks_url)
        optional key: RawTokenKey,
        /// the clinic's RSA public key, a PEM file
        optional public_key_file: String,
        /// https URL of the keys that the identity provider publishes
        optional jwks_url: String,
        /// the only accepted `iss`; "anteroom" when left out with a shared secret, else required
        optional issuer: String,
        /// the only accepted `aud`; the domain when left out with a shared secret, else required
        optional audience: String,
    }
}

choice! {
    /// What token signatures are checked with.
    RawTokenKey { "shared-secret" => SharedSecret, "public-key" => PublicKey, "jwks" => Jwks, } later []
}

section! {
    /// What the page offers beyond a call. All of it is off, may be written down for the record, and cannot be turned on.
    RawFeatures("features") {
        /// recording, on the server or by a participant
        optional recording: bool,
        /// broadcasting a visit
        optional live_streaming: bool,
        /// turning speech into text
        optional transcription: bool,
        /// handing files over
        optional file_sharing: bool,
        /// drawing together
        optional whiteboard: bool,
        /// asking everybody a question
        optional polls: bool,
    }
}

impl RawFeatures {
    /// Every feature by its key.
    pub(crate) fn each(&self) -> [(&'static str, &May<bool>); 6] {
        [
            ("recording", &self.recording),
            ("live_streaming", &self.live_streaming),
            ("transcription", &self.transcription),
            ("file_sharing", &self.file_sharing),
            ("whiteboard", &self.whiteboard),
            ("polls", &self.polls),
        ]
    }
}

section! {
    /// The TLS certificate of the public site.
    RawCertificate("certificate") {
        /// "files" for your own certificate, "self-signed" in test
        required kind: RawCertificateKind,
        /// certificate chain, a PEM file, the site's own certificate first; only with kind = "files"
        optional chain: String,
        /// private key, a PEM file without a passphrase; only with kind = "files"
        optional key: String,
    }
}

choice! {
    /// Where the certificate comes from.
    RawCertificateKind { "files" => Files, "self-signed" => SelfSigned, } later ["acme"]
}

section! {
    /// Package sources and pinned versions.
    RawPackages("packages") {
        /// Jitsi's apt repository or your mirror of it
        optional jitsi: RawAptSource,
        /// exact versions by package name, such as jicofo = "1.0-1124-1"
        optional versions: Map,
    }
}

section! {
    /// An apt repository and the only key it may be signed with.
    RawAptSource("apt-source") {
        /// base URI; "https://download.jitsi.org" when left out
        optional uri: String,
        /// suite; "stable/" when left out; a suite that ends in a slash has no components
        optional suite: String,
        /// components; none when left out
        optional components: Vec<Spot<String>>,
        /// where the host downloads the signing key; not together with key_file
        optional key_url: String,
        /// the armored signing key, a file on this computer
        optional key_file: String,
        /// OpenPGP fingerprint of the signing key, 40 or 64 hexadecimal digits
        optional fingerprint: String,
    }
}

section! {
    /// Who may administer the hosts, from where.
    RawAccess("access") {
        /// networks that may reach SSH, such as ["203.0.113.0/28"]; never the whole internet
        optional admin_cidrs: Vec<Spot<String>>,
        /// accounts on the hosts that may become root, such as ["ann"], beside root and the login of [[host]]
        optional admins: Vec<Spot<String>>,
    }
}

section! {
    /// Whom the hosts may open connections to. Packages, names, time and media are allowed by themselves.
    RawEgress("egress") {
        /// further addresses with their TCP ports, such as an apt proxy: ["192.0.2.10:3128", "[2001:db8::1]:3128"]
        optional allow: Vec<Spot<String>>,
    }
}

section! {
    /// What follows when the domain does not lead to this deployment.
    RawDns("dns") {
        /// "refuse" (nothing is changed; default in production) or "warn" (default in test)
        optional check: RawDnsCheck,
    }
}

choice! {
    /// What a domain that leads elsewhere means for `apply`.
    RawDnsCheck { "refuse" => Refuse, "warn" => Warn, } later []
}

section! {
    /// Log retention.
    RawLogging("logging") {
        /// days that logs stay on the host; 90 when left out
        optional retention_days: Count<1, RETENTION_MAX>,
    }
}

section! {
    /// When services may be restarted.
    RawMaintenance("maintenance") {
        /// the hours of each day, in UTC, in which security fixes are installed and services restarted, which drops
        /// calls; "08:00-10:00" when left out, which is night in America
        optional window: String,
    }
}

section! {
    /// A statement of a person about what no program can see.
    RawAttestation("attestation") {
        /// the control it speaks to, such as "administrative/risk-analysis"
        required control: String,
        /// the document that shows it: a path that counts from the spec's folder, or where it is filed
        required document: String,
        /// SHA-256 of the document, as `sha256sum FILE` prints it
        required document_sha256: String,
        /// who answers for it
        required owner: String,
        /// when it was stated, such as 2026-01-31
        required on: Date,
        /// when it is looked at again, at most 366 days after `on`; from the day after, the control fails
        required review_on: Date,
        /// what is stated, where the document's name does not say it
        optional statement: Prose,
    }
}

section! {
    /// A failure of a control that someone accepted, for a time.
    RawWaiver("waiver") {
        /// the control, such as "encryption/legacy-tls-refused"
        required control: String,
        /// the subject named in the finding, or "*" for all
        required subject: String,
        /// why it is acceptable
        required justification: Prose,
        /// who accepted it
        required approver: String,
        /// from when, such as 2026-01-31
        required created: Date,
        /// until when; at most 365 days after `created`
        required expires: Date,
        /// "addressable-306d3" (an addressable specification that something else takes the place of),
        /// "risk-accepted", or "false-positive"
        required basis: RawWaiverBasis,
        /// what is done instead; needed unless the basis is "false-positive"
        optional compensating_control: Prose,
        /// the finding's evidence_sha256 as the report prints it; needed unless the subject is "*". Where anything else is
        /// observed, the waiver is void
        optional evidence_sha256: String,
    }
}

choice! {
    /// Why a failure may be accepted.
    RawWaiverBasis {
        "addressable-306d3" => Addressable,
        "risk-accepted" => RiskAccepted,
        "false-positive" => FalsePositive,
    } later []
}

/// Every section with its keys, to tell where a key belongs.
pub(crate) const SECTIONS: &[(&str, &[&str])] = &[
    ("deployment", RawDeployment::KEYS),
    ("baa", RawBaa::KEYS),
    ("machines", RawMachines::KEYS),
    ("machines.aws", RawAws::KEYS),
    ("host", RawHost::KEYS),
    ("security", RawSecurity::KEYS),
    ("security.token", RawToken::KEYS),
    ("features", RawFeatures::KEYS),
    ("certificate", RawCertificate::KEYS),
    ("packages", RawPackages::KEYS),
    ("packages.jitsi", RawAptSource::KEYS),
    ("access", RawAccess::KEYS),
    ("egress", RawEgress::KEYS),
    ("dns", RawDns::KEYS),
    ("logging", RawLogging::KEYS),
    ("maintenance", RawMaintenance::KEYS),
    ("attestation", RawAttestation::KEYS),
    ("waiver", RawWaiver::KEYS),
];
