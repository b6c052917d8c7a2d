//! Scenes of the closer look at TLS: suites, groups, signatures and certificates against a profile.

use crate::catalog;
use crate::controls::Case;
use crate::controls::Status;
use crate::controls::judge;
use crate::probe::Offer;
use crate::probe::Version;
use crate::probe::tls::Refusal;
use crate::probe::tls::group::Group;
use crate::probe::tls::group::Scheme;
use crate::probe::tls::suite::Suite;
use crate::probe::tls::survey::Prime;
use crate::probe::tls::survey::SuiteList;
use crate::probe::tls::survey::Survey;
use crate::seen::Seen;
use crate::spec::TlsProfile;

use super::Row;
use super::Unverified::Scenes;
use super::build::NOW;
use super::build::Scene;
use super::build::TODAY;
use super::build::good;
use super::encryption::chain;
use super::encryption::leaf;
use super::encryption::set_offer;
use super::encryption::tls;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "encryption/suites-in-profile",
        passes: &[
            (
                "a weak suite is another control's",
                |scene| suites(scene, 0, Version::Tls12).accepted.push(Suite(0x000a)),
                "none outside intermediate",
            ),
            (
                "coturn under modern is held against intermediate",
                |scene| {
                    scene.spec().security.tls_profile = TlsProfile::Modern;
                    set_offer(scene, 0, Version::Tls12, Offer::Refused(Refusal::Alert(70)));
                },
                ":5349 TLS 1.2",
            ),
        ],
        fails: &[
            (
                "a suite without forward secrecy",
                |scene| suites(scene, 0, Version::Tls12).accepted.push(Suite(0x009c)),
                "outside intermediate: TLS_RSA_WITH_AES_128_GCM_SHA256",
            ),
            (
                "TURN takes CBC",
                |scene| suites(scene, 1, Version::Tls12).accepted.push(Suite(0xc013)),
                ":5349",
            ),
        ],
        unverified: Scenes(&[
            (
                "the hellos were left unanswered",
                |scene| {
                    let looks = &mut survey(scene, 0).suites;
                    looks.get_mut(&Version::Tls12).unwrap().result = Seen::unknown("left unanswered");
                },
                "left unanswered",
            ),
            (
                "an alert says nothing",
                |scene| suites(scene, 0, Version::Tls13).undecided.push(Suite(0x1304)),
                "neither yes nor no to TLS_AES_128_CCM_SHA256",
            ),
            (
                "nobody asked",
                |scene| drop(survey(scene, 0).suites.remove(&Version::Tls13)),
                "it was not tried",
            ),
        ]),
    },
    Row {
        id: "encryption/key-exchange",
        passes: &[
            (
                "a post-quantum hybrid",
                |scene| groups(scene, Version::Tls13).push(Group(0x11ec)),
                "with a post-quantum hybrid",
            ),
            (
                "a published prime of 2048 bits",
                |scene| prime(scene, 2048, Some("RFC 7919 ffdhe2048")),
                "2048 bits, RFC 7919 ffdhe2048",
            ),
        ],
        fails: &[
            (
                "a weak curve",
                |scene| groups(scene, Version::Tls12).push(Group(0x0013)),
                "outside intermediate: secp192r1",
            ),
            (
                "a short prime",
                |scene| prime(scene, 1024, Some("RFC 2409 group 2")),
                "1024 bits, RFC 2409 group 2",
            ),
        ],
        unverified: Scenes(&[
            (
                "the prime was not shown",
                |scene| survey(scene, 0).primes.result = Seen::unknown("did not show its prime"),
                "did not show",
            ),
            (
                "groups of TLS 1.3 were not asked for",
                |scene| drop(survey(scene, 0).groups.remove(&Version::Tls13)),
                "it was not tried",
            ),
        ]),
    },
    Row {
        id: "encryption/handshake-signatures",
        passes: &[(
            "RSA-PSS beside ECDSA",
            |scene| schemes(scene).push(Scheme(0x0804)),
            "rsa_pss_rsae_sha256",
        )],
        fails: &[("SHA-1", |scene| schemes(scene).push(Scheme(0x0201)), "rsa_pkcs1_sha1")],
        unverified: Scenes(&[(
            "no group to ask in",
            |scene| {
                let looks = &mut survey(scene, 0).schemes;
                looks.get_mut(&Version::Tls13).unwrap().result = Seen::unknown("takes no group");
            },
            "takes no group",
        )]),
    },
    Row {
        id: "encryption/certificate-strength",
        passes: &[(
            "RSA of 2048 bits",
            |scene| {
                let leaf = leaf(scene);
                leaf.key.algorithm = "RSA".to_owned();
                leaf.key.bits = 2048;
                leaf.signature = "sha384WithRSAEncryption".to_owned();
            },
            "RSA of 2048 bits",
        )],
        fails: &[
            (
                "RSA of 1024 bits",
                |scene| {
                    leaf(scene).key.algorithm = "RSA".to_owned();
                    leaf(scene).key.bits = 1024;
                },
                "has a key of RSA 1024 bits",
            ),
            (
                "signed with SHA-1",
                |scene| leaf(scene).signature = "sha1WithRSAEncryption".to_owned(),
                "signed with sha1WithRSAEncryption",
            ),
            (
                "a curve that nobody names",
                |scene| leaf(scene).key.algorithm = "EC secp256k1".to_owned(),
                "secp256k1",
            ),
            (
                "a weak authority",
                |scene| {
                    let mut authority = leaf(scene).clone();
                    authority.key.algorithm = "RSA".to_owned();
                    authority.key.bits = 1024;
                    chain(tls(scene, 0)).certificates.push(authority);
                },
                "RSA 1024",
            ),
        ],
        unverified: Scenes(&[
            (
                "no chain",
                |scene| tls(scene, 0).chain.result = Seen::unknown("the handshake broke"),
                "the handshake broke",
            ),
            (
                "an authority that cannot be read",
                |scene| chain(tls(scene, 0)).unread.push("not X.509".to_owned()),
                "not X.509",
            ),
        ]),
    },
];

pub(super) fn survey(scene: &mut Scene, which: usize) -> &mut Survey {
    &mut tls(scene, which).survey
}

pub(super) fn suites(scene: &mut Scene, which: usize, version: Version) -> &mut SuiteList {
    match &mut survey(scene, which).suites.get_mut(&version).unwrap().result {
        Seen::Known(list) => list,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn groups(scene: &mut Scene, version: Version) -> &mut Vec<Group> {
    match &mut survey(scene, 0).groups.get_mut(&version).unwrap().result {
        Seen::Known(list) => list,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn schemes(scene: &mut Scene) -> &mut Vec<Scheme> {
    match &mut survey(scene, 0).schemes.get_mut(&Version::Tls12).unwrap().result {
        Seen::Known(list) => list,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

pub(super) fn prime(scene: &mut Scene, bits: usize, published: Option<&'static str>) {
    let suite = Suite(0x009e);
    survey(scene, 0).primes.result = Seen::Known(vec![Prime { bits, published, suite }]);
}

#[test]
fn a_probe_may_hold_a_server_against_nist() {
    let mut scene = good();
    scene.probe_only();
    let fips = catalog::tls_profile("fips").unwrap();
    let words = |scene: &Scene, profile| {
        let case = Case {
            spec: None,
            domain: &scene.domain,
            tls_profile: profile,
            today: TODAY,
            now: NOW,
            hosts: &[],
            outside: &scene.outside,
            cloud: None,
        };
        let failed = judge(&case)
            .into_iter()
            .filter(|finding| finding.status == Status::Fail);
        failed
            .map(|finding| finding.control.id.clone())
            .collect::<std::collections::BTreeSet<_>>()
    };
    let intermediate = catalog::tls_profile("intermediate").unwrap();
    assert!(!words(&scene, intermediate).contains("encryption/suites-in-profile"));
    let failed = words(&scene, fips);
    assert!(
        failed.contains("encryption/suites-in-profile"),
        "ChaCha20 is not approved: {failed:?}"
    );
    assert!(
        failed.contains("encryption/key-exchange"),
        "x25519 is not approved: {failed:?}"
    );
}
