//! The spec that `init` writes: commented, and for a test valid as it stands. A production spec has empty values where
//! only the operator knows the answer; validation names each of them. It asks nothing itself: `QUESTIONS` are data.

use crate::spec::name::Domain;
use crate::spec::name::HostName;

/// What the operator said so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitAnswers {
    /// What tags everything the deployment owns.
    pub name: HostName,
    /// The address patients type.
    pub domain: Domain,
    /// Where it will run, and for whom.
    pub place: InitPlace,
    /// How to reach the host; `None` leaves it empty. Unused in the lab.
    pub address: Option<String>,
    /// Who may open rooms.
    pub auth: InitAuth,
}

/// Where the deployment will run, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitPlace {
    /// A throwaway host on this computer, without patients.
    Lab,
    /// An existing host, without patients.
    Test,
    /// An existing host, for patients.
    Production,
}

/// Who may open rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitAuth {
    /// Whoever holds a signed room link.
    Token,
    /// Clinicians with an account on the server.
    Internal,
}

/// A question of `init`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// What it asks for.
    pub topic: Topic,
    /// The words to show.
    pub prompt: &'static str,
    /// The answers there are; empty where any text may do.
    pub choices: &'static [&'static str],
}

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// `InitAnswers::place`.
    Place,
    /// `InitAnswers::name`.
    Name,
    /// `InitAnswers::domain`.
    Domain,
    /// `InitAnswers::address`.
    Address,
    /// `InitAnswers::auth`.
    Auth,
}

/// The questions, in the order in which they are asked.
pub const QUESTIONS: &[Question] = &[
    Question {
        topic: Topic::Place,
        prompt: "Where will it run: lab (throwaway host on this computer), test (existing host, no patients), production",
        choices: &["lab", "test", "production"],
    },
    Question {
        topic: Topic::Name,
        prompt: "Name of the deployment (one word)",
        choices: &[],
    },
    Question {
        topic: Topic::Domain,
        prompt: "Domain that patients type",
        choices: &[],
    },
    Question {
        topic: Topic::Address,
        prompt: "Host name, IP address or ssh_config alias of the host",
        choices: &[],
    },
    Question {
        topic: Topic::Auth,
        prompt: "Who opens rooms: token (signed links from your portal), internal (clinicians' accounts on the server)",
        choices: &["token", "internal"],
    },
];

impl InitAnswers {
    /// Everything as it is when nobody is asked: a test in the lab.
    pub fn new(domain: Domain, name: HostName) -> Self {
        Self {
            name,
            domain,
            place: InitPlace::Lab,
            address: None,
            auth: InitAuth::Token,
        }
    }

    /// Whether the question still matters after the answers so far.
    pub fn concerns(&self, topic: Topic) -> bool {
        topic != Topic::Address || self.place != InitPlace::Lab
    }

    /// The answer that an empty line stands for.
    pub fn current(&self, topic: Topic) -> String {
        match topic {
            Topic::Place => match self.place {
                InitPlace::Lab => "lab".to_owned(),
                InitPlace::Test => "test".to_owned(),
                InitPlace::Production => "production".to_owned(),
            },
            Topic::Name => self.name.to_string(),
            Topic::Domain => self.domain.to_string(),
            Topic::Address => self.address.clone().unwrap_or_default(),
            Topic::Auth => self.auth.as_str().to_owned(),
        }
    }

    /// Takes an answer.
    ///
    /// # Errors
    /// With the reason why the answer cannot be used; the question can be asked again.
    pub fn answer(&mut self, topic: Topic, text: &str) -> Result<(), String> {
        let text = text.trim();
        match topic {
            Topic::Place => {
                self.place = match text {
                    "lab" => InitPlace::Lab,
                    "test" => InitPlace::Test,
                    "production" => InitPlace::Production,
                    _ => return Err("answer lab, test or production".to_owned()),
                };
            }
            Topic::Name => self.name = text.parse()?,
            Topic::Domain => self.domain = text.parse()?,
            Topic::Address => {
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '%');
                if text.starts_with('-') || !text.chars().all(plain) {
                    return Err("answer a host name, an IP address or an alias of ssh_config".to_owned());
                }
                self.address = (!text.is_empty()).then(|| text.to_owned());
            }
            Topic::Auth => {
                self.auth = match text {
                    "token" => InitAuth::Token,
                    "internal" => InitAuth::Internal,
                    _ => return Err("answer token or internal".to_owned()),
                };
            }
        }
        Ok(())
    }
}

impl InitAuth {
    fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Internal => "internal",
        }
    }
}

/// The text of a spec.
pub fn text(answers: &InitAnswers) -> String {
    let machines = match answers.place {
        InitPlace::Lab => LAB.to_owned(),
        InitPlace::Test | InitPlace::Production => existing(answers),
    };
    let (environment, documents, statements) = match answers.place {
        InitPlace::Lab | InitPlace::Test => (TEST, "", ""),
        InitPlace::Production => (PRODUCTION, BAA, ATTESTATION),
    };
    let (certificate, access) = match answers.place {
        InitPlace::Lab => (SELF_SIGNED, ACCESS_LAB),
        InitPlace::Test => (SELF_SIGNED, ACCESS_EXISTING),
        InitPlace::Production => (CERTIFICATE_FILES, ACCESS_EXISTING),
    };
    let token = match answers.auth {
        InitAuth::Token => TOKEN,
        InitAuth::Internal => "",
    };
    format!(
        "{HEAD}
[deployment]
# One word; it tags everything that the deployment owns.
name = \"{name}\"
# The address patients type.
domain = \"{domain}\"
{environment}{documents}{machines}
[security]
# Both are always on; they are written down for the record. `false` is refused.
secure_domain = true
require_encryption = true
# \"intermediate\" (TLS 1.2 and 1.3) or \"modern\" (TLS 1.3 only).
tls_profile = \"intermediate\"
# Who opens rooms: \"token\" (signed room links) or \"internal\" (clinicians' accounts on the server).
auth = \"{auth}\"
# Automatic logoff of clinicians, and the most people in one room.
session_minutes = 480
max_occupants = 6
{token}{certificate}{access}{TAIL}{statements}",
        name = answers.name,
        domain = answers.domain,
        auth = answers.auth.as_str(),
    )
}

fn existing(answers: &InitAnswers) -> String {
    let address = answers.address.as_deref().unwrap_or_default();
    format!(
        "
[machines]
# Hosts that exist and are reached over SSH. \"lab\" makes throwaway hosts on this computer instead, and \"aws\" makes
# machines in AWS by `[machines.aws]`, whose keys `anteroom schema` and examples/aws.toml explain. In any cloud,
# \"terraform\" takes them from `folder`, a root module that anteroom runs, or `outputs`, a file that a pipeline left.
kind = \"existing\"

[[host]]
name = \"core\"
roles = [\"core\"]
# Host name, IP address or alias of ssh_config. `user`, `port`, `key`, `certificate` and `jump` may be added;
# without them ssh_config and the agent decide.
address = \"{address}\"
# \"known-hosts\", or the fingerprint \"SHA256:…\" of the host's key.
host_key = \"known-hosts\"
# Behind NAT:
# public_address = \"203.0.113.7\"
# private_address = \"10.0.0.7\"
"
    )
}

const HEAD: &str = "\
# What this telehealth server must be. `anteroom validate` checks it, `anteroom apply` makes it so,
# `anteroom audit` proves it. Keep this file in version control; it holds no secrets.
";

const TEST: &str = "\
# \"test\": no patients, and an end by its `ttl`. \"production\" needs a BAA and a certificate of its own.
environment = \"test\"
ttl = \"4h\"
";

const PRODUCTION: &str = "\
# \"production\": patients. \"test\" may be removed by anyone after its `ttl`.
environment = \"production\"
# Whom to write to about this server, and who is responsible for its security (45 CFR 164.308(a)(2)):
# contact = \"it@example.com\"
# security_official = \"\"
";

const BAA: &str = "
# The business associate agreement with whoever owns the computer (45 CFR 164.308(b)(3), 164.314(a)).
# An encrypted server without one is still a violation.
[baa]
# Fill in: the hosting company, the agreement's title or number, the day of signature (such as 2026-01-31).
vendor = \"\"
agreement = \"\"
signed_on = \"\"
# reference = \"where the document is filed\"
# document_sha256 = \"as sha256sum prints it\"
# review_on = 2027-01-31
# processors = [\"further processors, each with an agreement of its own\"]
";

const LAB: &str = "
[machines]
# Throwaway hosts on this computer. \"existing\" reaches hosts of yours over SSH instead.
kind = \"lab\"

[[host]]
name = \"core\"
roles = [\"core\"]
";

const TOKEN: &str = "
[security.token]
# \"shared-secret\": made on the host, `anteroom token` signs with it. Or \"public-key\" with `public_key_file`, or
# \"jwks\" with `jwks_url`; both need the `issuer` and `audience` that your identity provider writes into its tokens.
key = \"shared-secret\"
";

const SELF_SIGNED: &str = "
[certificate]
# Made on the host; test only. \"files\" takes `chain` and `key`.
kind = \"self-signed\"
";

const CERTIFICATE_FILES: &str = "
[certificate]
# PEM files; paths count from this file's folder.
kind = \"files\"
chain = \"fullchain.pem\"
key = \"privkey.pem\"
";

const ACCESS_LAB: &str = "
# Networks that may reach SSH. Left out, a test at private addresses is open to the private ranges
# (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7).
# [access]
# admin_cidrs = [\"10.0.0.0/8\"]
";

const ACCESS_EXISTING: &str = "
[access]
# Fill in: the networks that you administer from, such as \"203.0.113.0/28\". Nobody else reaches SSH.
admin_cidrs = []
# Accounts on the host that may become root, beside root and the login above; any other fails the audit.
# admins = [\"ann\"]

# `apply` refuses while the domain leads elsewhere in DNS. To deploy before DNS is set:
# [dns]
# check = \"warn\"
";

const ATTESTATION: &str = "
# What no program can see, people attest: each document that `anteroom catalog controls` lists with the stage `document`.
# Until all of them are attested, an audit of production is incomplete (exit code 3).
# [[attestation]]
# control = \"administrative/risk-analysis\"
# document = \"documents/risk-analysis.pdf\"
# document_sha256 = \"as sha256sum prints it\"
# owner = \"who answers for it\"
# on = 2026-01-31
# review_on = 2027-01-31
";

const TAIL: &str = "
# What the page offers beyond a call (recording, live_streaming, transcription, file_sharing, whiteboard, polls) is off and
# cannot be turned on; `anteroom catalog policy` says why.

[logging]
# Days that logs stay on the host.
retention_days = 90

# The hours of each day, in UTC, in which security fixes are installed; they restart services, which drops calls.
# [maintenance]
# window = \"08:00-10:00\"

# The hosts open connections for packages, names, time and media, and no other. An apt proxy is one more:
# [egress]
# allow = [\"192.0.2.10:3128\"]

# Package versions, to stay on what was tested:
# [packages.versions]
# jicofo = \"1.0-1124-1\"

# A failure that someone accepts, for at most 365 days. With a subject of its own in place of \"*\" it needs the finding's
# evidence_sha256 from the report:
# [[waiver]]
# control = \"encryption/legacy-tls-refused\"
# subject = \"*\"
# justification = \"why it is acceptable\"
# approver = \"who accepted it\"
# created = 2026-01-31
# expires = 2026-07-31
# basis = \"risk-accepted\"
# compensating_control = \"what is done instead\"
";
