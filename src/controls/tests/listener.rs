//! What the probe sees of a TLS listener that is locked.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::probe::Listening;
use crate::probe::Offer;
use crate::probe::TlsView;
use crate::probe::Version;
use crate::probe::Vouched;
use crate::probe::certificate::Certificate;
use crate::probe::certificate::Key;
use crate::probe::certificate::Signer;
use crate::probe::tls::Chain;
use crate::probe::tls::Refusal;
use crate::probe::tls::group::Group;
use crate::probe::tls::group::Scheme;
use crate::probe::tls::line::Entrance;
use crate::probe::tls::nameless::Closer;
use crate::probe::tls::nameless::Nameless;
use crate::probe::tls::suite::Suite;
use crate::probe::tls::survey::Fallback;
use crate::probe::tls::survey::Order;
use crate::probe::tls::survey::Session;
use crate::probe::tls::survey::SessionView;
use crate::probe::tls::survey::SuiteList;
use crate::probe::tls::survey::Survey;
use crate::seen::Seen;

use super::build::ADDRESS;
use super::sightings::at;
use super::sightings::saw;

/// A listener that speaks TLS 1.2 and 1.3 as `intermediate` asks.
pub(super) fn tls(name: &str, port: u16) -> TlsView {
    let subject = format!("tcp://{name}:{port}");
    let answer = |version: Version| match version {
        Version::Tls12 | Version::Tls13 => Offer::Accepted {
            suite: "TLS_AES_128_GCM_SHA256".to_owned(),
        },
        _ => Offer::Refused(Refusal::Alert(70)),
    };
    let offer = |version: Version| {
        let seen = saw(format!("{subject} {}", version.name()), answer(version));
        (version, seen)
    };
    let named = [Version::Tls10, Version::Tls11, Version::Tls12, Version::Tls13];
    TlsView {
        address: SocketAddr::new(ADDRESS, port),
        entrance: Entrance::Direct,
        listening: saw(&subject, Listening::Yes),
        versions: Version::ALL.map(offer).into(),
        weak_suites: saw(&subject, Offer::Refused(Refusal::Alert(40))),
        chain: saw(
            &subject,
            Chain {
                certificates: vec![self_signed(name)],
                unread: Vec::new(),
                stapled: false,
                vouched: Seen::Known(Vouched::No("it signed itself".to_owned())),
            },
        ),
        second_chain: None,
        survey: survey(&subject),
        nameless: saw(
            format!("{subject} without a name"),
            Nameless {
                versions: named.map(|version| (version, Seen::Known(answer(version)))).into(),
                beyond: [Version::Tls12, Version::Tls13]
                    .map(|version| (version, Seen::Known(Vec::new())))
                    .into(),
                closer: Some(closer()),
                leaf: Seen::Known(Some(self_signed(name))),
            },
        ),
    }
}

/// Without a name there is nothing more.
fn closer() -> Closer {
    let modern = [Version::Tls12, Version::Tls13];
    Closer {
        groups: modern.map(|version| (version, Seen::Known(Vec::new()))).into(),
        schemes: modern.map(|version| (version, Seen::Known(Vec::new()))).into(),
        primes: Seen::Known(Vec::new()),
        session: Seen::Known(SessionView::Older(session())),
    }
}

fn survey(subject: &str) -> Survey {
    let list = |version: Version, suites: &[u16]| {
        let list = SuiteList {
            accepted: suites.iter().copied().map(Suite).collect(),
            undecided: Vec::new(),
            order: Order::Client,
        };
        (version, saw(format!("{subject} {} suites", version.name()), list))
    };
    let groups = |version: Version| {
        let groups = vec![Group(0x001d), Group(0x0017), Group(0x0018)];
        (version, saw(format!("{subject} {} groups", version.name()), groups))
    };
    let schemes = |version: Version| {
        let schemes = vec![Scheme(0x0403)];
        (
            version,
            saw(format!("{subject} {} signatures", version.name()), schemes),
        )
    };
    let modern = [Version::Tls12, Version::Tls13];
    Survey {
        suites: BTreeMap::from([
            list(Version::Tls12, &[0xc02b, 0xc02c, 0xcca9]),
            list(Version::Tls13, &[0x1301, 0x1302, 0x1303]),
        ]),
        groups: modern.map(groups).into(),
        primes: saw(format!("{subject} Diffie-Hellman primes"), Vec::new()),
        schemes: modern.map(schemes).into(),
        session: saw(format!("{subject} session"), SessionView::Older(session())),
        fallback: saw(format!("{subject} fallback"), Fallback::Refused),
    }
}

fn session() -> Session {
    Session {
        version: Version::Tls12,
        secure_renegotiation: true,
        extended_master_secret: true,
        encrypt_then_mac: None,
        compression: 0,
        heartbeat: false,
        tickets: false,
        stapled: false,
    }
}

fn self_signed(name: &str) -> Certificate {
    Certificate {
        sha256: "a".repeat(64),
        subject: format!("CN={name}"),
        issuer: format!("CN={name}"),
        serial: "01".to_owned(),
        names: vec![name.to_owned()],
        not_before: at("2026-01-01T00:00:00Z"),
        not_after: Some(at("2026-12-31T00:00:00Z")),
        signer: Signer::Itself,
        key: Key {
            algorithm: "EC P-256".to_owned(),
            bits: 256,
        },
        signature: "ecdsa-with-SHA256".to_owned(),
        must_staple: false,
    }
}
