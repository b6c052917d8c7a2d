//! TLS looks at OpenSSL's own server in legacy and modern settings, and at doubles of servers that misbehave.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::io::BufReader;
use std::net::SocketAddr;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use anteroom::probe::PortPlan;
use anteroom::probe::Version;
use anteroom::probe::look;
use anteroom::probe::tls::Offer;
use anteroom::probe::tls::Refusal;
use anteroom::probe::tls::TlsView;
use anteroom::probe::tls::Vouched;
use anteroom::probe::tls::group::Group;
use anteroom::probe::tls::group::Scheme;
use anteroom::probe::tls::survey::Fallback;
use anteroom::probe::tls::survey::Order;
use anteroom::probe::tls::survey::SessionView;
use anteroom::probe::xmpp::clinician::Visitors;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::target;
use anteroom::probe::Trust;

/// `openssl s_server` on a free port; ended when dropped.
struct Server {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["t.example.com".to_owned()]).unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let mut child = Command::new("openssl")
            .args(["s_server", "-4", "-accept", "127.0.0.1:0", "-www", "-cert"])
            .arg(&cert)
            .arg("-key")
            .arg(&key)
            .args(settings)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let mut port = 0;
        let mut lines = BufReader::new(stdout);
        while port == 0 {
            let mut line = String::new();
            assert!(
                lines.read_line(&mut line).unwrap() > 0,
                "openssl s_server did not start"
            );
            if let Some(rest) = line.strip_prefix("ACCEPT 127.0.0.1:") {
                port = rest.trim().parse().unwrap();
            }
        }
        // The server dies of a broken pipe otherwise.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self {
            child,
            port,
            _folder: folder,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn view(port: u16) -> TlsView {
    let mut target = target(1, Trust::Anything);
    target.ports.tls = vec![port];
    let seen = look(&target, &Visitors::default(), &PortPlan::Nothing, &|_| ()).await;
    let address: SocketAddr = ([127, 0, 0, 1], port).into();
    seen.tls.into_iter().find(|view| view.address == address).unwrap()
}

fn accepted(view: &TlsView) -> BTreeMap<Version, bool> {
    view.versions
        .iter()
        .map(|(version, offer)| (*version, matches!(offer.known().unwrap(), Offer::Accepted { .. })))
        .collect()
}

#[tokio::test]
async fn a_modern_server_speaks_tls_1_3_alone() {
    let server = Server::start(&["-tls1_3"]);
    let view = view(server.port).await;
    let offered: Vec<Version> = accepted(&view)
        .into_iter()
        .filter(|(_, yes)| *yes)
        .map(|(version, _)| version)
        .collect();
    assert_eq!(offered, [Version::Tls13]);
    assert!(matches!(view.weak_suites.known().unwrap(), Offer::Refused(_)));
    let chain = view.chain.known().unwrap();
    assert_eq!(chain.certificates.len(), 1);
    if let Ok(vouched) = chain.vouched.known() {
        assert!(
            matches!(vouched, Vouched::No(_)),
            "nobody vouches for a certificate made a moment ago"
        );
    }
}

#[tokio::test]
async fn an_intermediate_server_speaks_tls_1_2_and_1_3() {
    let server = Server::start(&["-no_tls1", "-no_tls1_1"]);
    let view = view(server.port).await;
    let offered: Vec<Version> = accepted(&view)
        .into_iter()
        .filter(|(_, yes)| *yes)
        .map(|(version, _)| version)
        .collect();
    assert_eq!(offered, [Version::Tls12, Version::Tls13]);
    let groups = view.survey.groups[&Version::Tls13].known().unwrap();
    assert!(
        groups.contains(&Group(0x001d)) && groups.contains(&Group(0x0017)),
        "{groups:?}"
    );
    let schemes = view.survey.schemes[&Version::Tls13].known().unwrap();
    assert_eq!(schemes, &[Scheme(0x0403)], "the key is of P-256");
    assert_eq!(view.survey.fallback.known().unwrap(), &Fallback::Refused);
    let SessionView::Older(session) = view.survey.session.known().unwrap() else {
        panic!("{:?}", view.survey.session);
    };
    assert!(session.secure_renegotiation && session.extended_master_secret);
    assert!(!session.heartbeat && session.compression == 0);
    let nameless = view.nameless.known().unwrap();
    assert!(nameless.beyond.values().all(|more| more.known().unwrap().is_empty()));
}

#[tokio::test]
async fn every_suite_of_a_server_is_found_in_its_own_order() {
    let suites = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA";
    let server = Server::start(&[
        "-tls1_2",
        "-serverpref",
        "-cipher",
        suites,
        "-curves",
        "X25519:P-384:P-256",
    ]);
    let view = view(server.port).await;
    let list = view.survey.suites[&Version::Tls12].known().unwrap();
    let numbers: Vec<u16> = list.accepted.iter().map(|suite| suite.0).collect();
    assert_eq!(numbers, [0xcca9, 0xc02c, 0xc009]);
    assert_eq!(list.order, Order::Server);
    let mut groups = view.survey.groups[&Version::Tls12].known().unwrap().clone();
    groups.sort();
    assert_eq!(groups, [Group(0x0017), Group(0x0018), Group(0x001d)]);
    assert_eq!(view.survey.fallback.known().unwrap(), &Fallback::NoOlderVersion);
}

#[tokio::test]
async fn a_legacy_server_is_found_out() {
    let server = Server::start(&["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-no_tls1_3"]);
    let view = view(server.port).await;
    let offered: Vec<Version> = accepted(&view)
        .into_iter()
        .filter(|(_, yes)| *yes)
        .map(|(version, _)| version)
        .collect();
    assert_eq!(offered, [Version::Tls10, Version::Tls11, Version::Tls12]);
    assert!(matches!(view.weak_suites.known().unwrap(), Offer::Accepted { .. }));
    for version in offered {
        let list = view.survey.suites[&version].known().unwrap();
        assert!(list.accepted.iter().any(|suite| suite.anonymous()), "{version:?}");
        assert!(list.accepted.iter().any(|suite| suite.chained_blocks()), "{version:?}");
    }
    // OpenSSL takes one for ciphers of 128 bits and one for those of 256, where nobody signs.
    let primes = view.survey.primes.known().unwrap();
    let bits: BTreeSet<usize> = primes.iter().map(|prime| prime.bits).collect();
    assert_eq!(bits, BTreeSet::from([1024, 3072]), "{primes:?}");
}

/// What a double does with a hello of a given legacy version number and record version.
#[derive(Clone, Copy)]
enum Manner {
    /// Answers SSL 3.0 in kind, as no OpenSSL of today does, and hangs up on all else.
    OnlySsl3,
    /// Hangs up on everything.
    HangsUp,
    /// Says something that is not TLS.
    Http,
}

/// A test double of a TLS server, made of raw bytes.
async fn raw_double(manner: Manner) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 4096];
            let count = stream.read(&mut hello).await.unwrap_or(0);
            let ssl3 = count > 10 && hello[1..3] == [3, 0] && hello[9..11] == [3, 0];
            let answer = match manner {
                Manner::OnlySsl3 if ssl3 => {
                    let mut body = vec![3, 0];
                    body.extend([9; 32]);
                    body.extend([0, 0x00, 0x05, 0]);
                    let mut record = vec![22, 3, 0, 0, 42, 2, 0, 0, 38];
                    record.extend(body);
                    record
                }
                Manner::Http => b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
                Manner::OnlySsl3 | Manner::HangsUp => continue,
            };
            // The probe may have hung up already.
            let _ = stream.write_all(&answer).await;
        }
    });
    port
}

#[tokio::test]
async fn ssl_3_is_found_and_hanging_up_on_the_rest_is_a_refusal() {
    let view = view(raw_double(Manner::OnlySsl3).await).await;
    let rc4 = Offer::Accepted {
        suite: "TLS_RSA_WITH_RC4_128_SHA".to_owned(),
    };
    let ssl3 = view.versions[&Version::Ssl3].known().unwrap();
    assert!(*ssl3 == rc4 || matches!(ssl3, Offer::Accepted { suite } if suite == "0x0005"));
    for version in [
        Version::Ssl2,
        Version::Tls10,
        Version::Tls11,
        Version::Tls12,
        Version::Tls13,
    ] {
        assert_eq!(
            view.versions[&version].known().unwrap(),
            &Offer::Refused(Refusal::HungUp)
        );
    }
}

#[tokio::test]
async fn a_server_that_always_hangs_up_or_speaks_http_is_unknown() {
    for manner in [Manner::HangsUp, Manner::Http] {
        let view = view(raw_double(manner).await).await;
        assert!(view.versions.values().all(|offer| offer.known().is_err()));
        assert!(view.weak_suites.known().is_err());
        assert!(view.chain.known().is_err());
    }
}
