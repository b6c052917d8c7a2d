//! Specs for the render tests.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;

use anteroom::secret::Secret;
use anteroom::spec::Access;
use anteroom::spec::AptKeySource;
use anteroom::spec::AptSource;
use anteroom::spec::Auth;
use anteroom::spec::Certificate;
use anteroom::spec::Deployment;
use anteroom::spec::Dns;
use anteroom::spec::DnsCheck;
use anteroom::spec::Egress;
use anteroom::spec::Environment;
use anteroom::spec::HostKeyPolicy;
use anteroom::spec::HostSpec;
use anteroom::spec::Logging;
use anteroom::spec::Machines;
use anteroom::spec::Maintenance;
use anteroom::spec::Packages;
use anteroom::spec::Role;
use anteroom::spec::Security;
use anteroom::spec::Source;
use anteroom::spec::Spec;
use anteroom::spec::SshTarget;
use anteroom::spec::TlsProfile;
use anteroom::spec::TokenAuth;
use anteroom::spec::TokenKey;

/// A public key that belongs to nobody.
pub(crate) const PEM: &str =
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----\n";

/// The four ways to open a room.
pub(crate) fn auths() -> Vec<(&'static str, Auth)> {
    let token = |key| {
        Auth::Token(TokenAuth {
            issuer: "clinic".to_owned(),
            audience: "telemed".to_owned(),
            key,
        })
    };
    vec![
        ("token-shared-secret", token(TokenKey::SharedSecret)),
        ("token-public-key", token(TokenKey::PublicKey { pem: PEM.to_owned() })),
        (
            "token-jwks",
            token(TokenKey::Jwks {
                url: "https://idp.example.com/realms/clinic/protocol/openid-connect/certs".to_owned(),
            }),
        ),
        ("internal", Auth::Internal),
    ]
}

/// A test deployment with a certificate of its own on a host that tells no address.
pub(crate) fn test_spec(auth: Auth) -> Spec {
    Spec {
        source: Source {
            path: PathBuf::from("anteroom.toml"),
            sha256: "0".repeat(64),
        },
        deployment: Deployment {
            name: "clinic-east".parse().unwrap(),
            domain: "telemed.example.com".parse().unwrap(),
            environment: Environment::Test { ttl_seconds: 14400 },
            contact: None,
            security_official: None,
        },
        baa: None,
        machines: Machines::Lab,
        hosts: vec![HostSpec {
            name: "core".parse().unwrap(),
            roles: vec![Role::Core],
            ssh: None,
            public_address: None,
            private_address: None,
        }],
        security: Security {
            tls_profile: TlsProfile::Intermediate,
            auth,
            session_minutes: 30,
            max_occupants: 6,
        },
        certificate: Certificate::SelfSigned,
        packages: Packages {
            jitsi: AptSource {
                uri: "https://download.jitsi.org".to_owned(),
                suite: "stable/".to_owned(),
                components: Vec::new(),
                key: AptKeySource::Url("https://download.jitsi.org/jitsi-key.gpg.key".to_owned()),
                fingerprint: "66A9CD0595D6AFA247290D3BEF8B479E2DC1389C".to_owned(),
            },
            versions: BTreeMap::new(),
        },
        access: Access {
            admin_cidrs: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
            admins: BTreeSet::new(),
        },
        egress: Egress {
            allow: vec![
                "192.0.2.30:3128".parse().unwrap(),
                "[2001:db8::30]:3128".parse().unwrap(),
            ],
        },
        dns: Dns { check: DnsCheck::Warn },
        logging: Logging { retention_days: 30 },
        maintenance: Maintenance {
            start: (7, 30),
            minutes: 90,
        },
        attestations: Vec::new(),
        waivers: Vec::new(),
    }
}

/// A production deployment behind NAT with the operator's certificate, pinned versions and TLS 1.3 only.
pub(crate) fn production_spec(auth: Auth) -> Spec {
    let mut spec = test_spec(auth);
    spec.deployment.environment = Environment::Production;
    spec.machines = Machines::Existing;
    spec.hosts[0].ssh = Some(SshTarget {
        address: "admin.telemed.example.com".to_owned(),
        user: None,
        port: Some(2222),
        key: None,
        certificate: None,
        host_key: HostKeyPolicy::KnownHosts,
        jump: None,
    });
    spec.hosts[0].public_address = Some("192.0.2.10".parse().unwrap());
    spec.hosts[0].private_address = Some("10.1.2.3".parse().unwrap());
    spec.security.tls_profile = TlsProfile::Modern;
    spec.certificate = Certificate::Files {
        chain_pem: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".to_owned(),
        key_pem: Secret::new("-----BEGIN PRIVATE KEY-----\nnever shown\n-----END PRIVATE KEY-----\n"),
    };
    spec.packages.versions = [("jicofo".to_owned(), "1.0-1180-1".to_owned())].into();
    spec.packages.jitsi.components = vec!["main".to_owned(), "extra".to_owned()];
    spec.packages.jitsi.suite = "lab".to_owned();
    spec
}

/// Every case with its name.
pub(crate) fn cases() -> Vec<(String, Spec)> {
    let mut cases = Vec::new();
    for (name, auth) in auths() {
        cases.push((name.to_owned(), test_spec(auth)));
    }
    for (name, auth) in auths() {
        if name == "token-jwks" || name == "internal" {
            cases.push((format!("{name}-production"), production_spec(auth)));
        }
    }
    cases
}
