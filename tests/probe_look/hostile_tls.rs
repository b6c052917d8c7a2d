//! TLS and XMPP peers that mean harm: every look at them ends in time, and says nothing that was not seen.

use std::time::Duration;
use std::time::Instant;

use anteroom::probe::PortPlan;
use anteroom::probe::SshView;
use anteroom::probe::StreamView;
use anteroom::probe::Trust;
use anteroom::probe::Version;
use anteroom::probe::look;
use anteroom::probe::tls::Offer;
use anteroom::probe::tls::TlsView;
use anteroom::probe::xmpp::clinician::Visitors;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use super::target;

/// No look at one listener takes longer, whatever the peer does.
const BOUND: Duration = Duration::from_secs(300);

/// What a peer does with whoever connects.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// A byte of a ServerHello a second.
    Trickle,
    /// Handshake messages without an end, as fast as the line goes.
    Endless,
    /// Warnings without an end.
    Alerts,
    /// A web page.
    Http,
    /// A ServerHello, and then a certificate message whose lengths lie.
    LyingCertificate,
    /// A ServerHello and a certificate of random bytes.
    AbsurdCertificate,
    /// Picks a suite that was not offered.
    Unasked,
    /// Accepts the first suite that is offered, whatever it is, in whatever version.
    Agreeable,
}

async fn double(manner: Manner) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, manner));
        }
    });
    port
}

async fn serve(mut stream: TcpStream, manner: Manner) {
    let mut hello = vec![0; 8192];
    let Ok(count) = stream.read(&mut hello).await else {
        return;
    };
    let (version, suite) = offered(&hello[..count]).unwrap_or(([3, 3], [0xc0, 0x2f]));
    match manner {
        Manner::Trickle => {
            for byte in server_hello(version, suite) {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        Manner::Endless => {
            let mut record = server_hello(version, suite);
            loop {
                if stream.write_all(&record).await.is_err() {
                    return;
                }
                // HelloRequests, which clients have to ignore.
                record = [vec![22, version[0], version[1], 0x40, 0], [0; 0x4000].to_vec()].concat();
            }
        }
        Manner::Alerts => while stream.write_all(&[21, 3, 3, 0, 2, 1, 112]).await.is_ok() {},
        Manner::Http => drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\nno").await),
        Manner::LyingCertificate => {
            let lie = [
                22, version[0], version[1], 0, 10, 11, 0, 0, 6, 0xff, 0xff, 0xff, 1, 2, 3,
            ];
            drop(
                stream
                    .write_all(&[server_hello(version, suite), lie.to_vec()].concat())
                    .await,
            );
        }
        Manner::AbsurdCertificate => {
            let der: Vec<u8> = (0..200).collect();
            let inner = [&[0, 0, 203, 0, 0, 200], der.as_slice()].concat();
            let message = [&[22, version[0], version[1], 0, 210, 11, 0, 0, 206], inner.as_slice()].concat();
            let done = [22, version[0], version[1], 0, 4, 14, 0, 0, 0];
            let all = [server_hello(version, suite), message, done.to_vec()].concat();
            drop(stream.write_all(&all).await);
        }
        Manner::Unasked => drop(stream.write_all(&server_hello(version, [0xfa, 0xfa])).await),
        Manner::Agreeable => drop(stream.write_all(&server_hello(version, suite)).await),
    }
    // The peer keeps the line open for as long as the other end does.
    while let Ok(1..) = stream.read(&mut hello).await {}
}

/// Version and first suite of a hello.
fn offered(hello: &[u8]) -> Option<([u8; 2], [u8; 2])> {
    if *hello.first()? != 22 {
        return None;
    }
    let version = [*hello.get(9)?, *hello.get(10)?];
    let session = usize::from(*hello.get(43)?);
    let suite = hello.get(46 + session..48 + session)?;
    Some((version, [suite[0], suite[1]]))
}

fn server_hello(version: [u8; 2], suite: [u8; 2]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([9; 32]);
    body.extend([0, suite[0], suite[1], 0]);
    [vec![22, version[0], version[1], 0, 42, 2, 0, 0, 38], body].concat()
}

async fn view(manner: Manner) -> TlsView {
    let port = double(manner).await;
    let mut target = target(1, Trust::Anything);
    target.ports.tls = vec![port];
    let began = Instant::now();
    let seen = look(&target, &Visitors::default(), &PortPlan::Nothing, &|_| ()).await;
    assert!(began.elapsed() < BOUND, "{manner:?} took {:?}", began.elapsed());
    let text = serde_json::to_string(&seen.tls).unwrap();
    assert!(text.len() < 400_000, "{manner:?} left {} bytes of evidence", text.len());
    seen.tls.into_iter().find(|view| view.address.port() == port).unwrap()
}

fn accepts(view: &TlsView, version: Version) -> bool {
    matches!(view.versions[&version].known(), Ok(Offer::Accepted { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_comes_to_an_answer_is_unknown() {
    let views = tokio::join!(view(Manner::Trickle), view(Manner::Alerts), view(Manner::Http));
    for view in [views.0, views.1, views.2] {
        assert!(
            view.versions.values().all(|offer| offer.known().is_err()),
            "{:?}",
            view.versions
        );
        assert!(view.weak_suites.known().is_err());
        assert!(view.chain.known().is_err());
        assert!(view.survey.suites.is_empty() && view.survey.session.known().is_err());
        assert!(view.nameless.known().is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_flight_is_cut_off_after_the_hello() {
    let view = view(Manner::Endless).await;
    assert!(accepts(&view, Version::Tls12));
    assert!(view.chain.known().is_err(), "no certificate was in it");
    // Nothing is known of a key exchange that never comes.
    assert!(
        view.survey
            .groups
            .values()
            .all(|seen| seen.known().map_or(true, Vec::is_empty))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_read_is_unknown() {
    let (lying, absurd) = tokio::join!(view(Manner::LyingCertificate), view(Manner::AbsurdCertificate));
    assert!(lying.chain.known().is_err());
    let why = absurd.chain.known().unwrap_err();
    assert!(why.contains("not X.509"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suite_that_was_not_offered_makes_the_list_unknown() {
    let view = view(Manner::Unasked).await;
    for (version, seen) in &view.survey.suites {
        let why = seen.known().unwrap_err();
        assert!(why.contains("was not offered"), "{version:?}: {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_accepts_everything_comes_to_an_end() {
    let view = view(Manner::Agreeable).await;
    let list = view.survey.suites[&Version::Tls12].known().unwrap();
    assert!(list.accepted.len() > 300, "{}", list.accepted.len());
}

#[tokio::test]
async fn an_xmpp_port_that_never_ends_its_features_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.write_all(b"<stream:stream><stream:features>").await;
                while stream.write_all(b"<mechanism>PLAIN</mechanism>").await.is_ok() {}
            });
        }
    });
    let mut target = target(1, Trust::Anything);
    target.ports.xmpp = port;
    let seen = look(&target, &Visitors::default(), &PortPlan::Nothing, &|_| ()).await;
    let why = seen.streams[0].known().unwrap_err();
    assert!(why.contains("more than XMPP would"), "{why}");
}

#[tokio::test]
async fn an_xmpp_port_that_wants_tls_first_is_seen_to_and_its_tls_is_looked_at() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(xmpp(stream));
        }
    });
    let mut target = target(1, Trust::Anything);
    target.ports.xmpp = port;
    let seen = look(&target, &Visitors::default(), &PortPlan::Nothing, &|_| ()).await;
    let StreamView::Speaks(offer) = seen.streams[0].known().unwrap() else {
        panic!("{:?}", seen.streams[0]);
    };
    assert_eq!(format!("{:?}", offer.login), "Known(Refused(\"encryption-required\"))");
    let view = seen.tls.iter().find(|view| view.address.port() == port).unwrap();
    assert!(accepts(view, Version::Tls12) && !accepts(view, Version::Tls10));
}

/// A test double of an XMPP server that speaks TLS 1.2 with one suite.
async fn xmpp(mut stream: TcpStream) {
    let mut heard = vec![0; 8192];
    let features = "<stream:stream xmlns:stream='x'><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>\
                    <required/></starttls></stream:features>";
    if stream.read(&mut heard).await.is_err() || stream.write_all(features.as_bytes()).await.is_err() {
        return;
    }
    let count = stream.read(&mut heard).await.unwrap_or(0);
    let asked = String::from_utf8_lossy(&heard[..count]).into_owned();
    if asked.contains("<auth") {
        let no = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><encryption-required/></failure>";
        drop(stream.write_all(no.as_bytes()).await);
        return;
    }
    drop(
        stream
            .write_all(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            .await,
    );
    let count = stream.read(&mut heard).await.unwrap_or(0);
    let hello = &heard[..count];
    let takes = hello.windows(2).any(|pair| pair == [0xc0, 0x2f]);
    let answer = match offered(hello) {
        Some(([3, 3], _)) if takes && !hello.windows(4).any(|four| four == [0, 43, 0, 3]) => {
            server_hello([3, 3], [0xc0, 0x2f])
        }
        _ => vec![21, 3, 3, 0, 2, 2, 70],
    };
    drop(stream.write_all(&answer).await);
}

#[tokio::test]
async fn an_ssh_port_that_falls_silent_after_its_greeting_says_nothing_of_logins() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream
                    .write_all(include_bytes!("../fixtures/probe/ssh-debian12.bin"))
                    .await;
                tokio::time::sleep(Duration::from_secs(60)).await;
            });
        }
    });
    let mut target = target(1, Trust::Anything);
    target.ports.ssh = port;
    let began = Instant::now();
    let seen = look(&target, &Visitors::default(), &PortPlan::Nothing, &|_| ()).await;
    assert!(began.elapsed() < BOUND);
    let SshView::Speaks(offer) = seen.ssh[0].known().unwrap() else {
        panic!("{:?}", seen.ssh[0]);
    };
    assert!(offer.logins.known().is_err(), "{:?}", offer.logins);
    assert!(offer.cut_short_by_terrapin().is_empty());
}
