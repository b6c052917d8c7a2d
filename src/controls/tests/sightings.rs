//! What the probe sees of a site that is locked: TLS on two ports, redirects, XMPP behind both doors, one clinician, and
//! every forgery refused.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::SocketAddr;

use jiff::Timestamp;

use crate::probe::DoorView;
use crate::probe::Entry;
use crate::probe::FocusAnswer;
use crate::probe::HostOffer;
use crate::probe::Listening;
use crate::probe::Login;
use crate::probe::Names;
use crate::probe::Offer;
use crate::probe::PlainAnswer;
use crate::probe::Registration;
use crate::probe::Sighting;
use crate::probe::Sightings;
use crate::probe::SshView;
use crate::probe::TlsView;
use crate::probe::Version;
use crate::probe::Vouched;
use crate::probe::WebView;
use crate::probe::XmppView;
use crate::probe::certificate::Certificate;
use crate::probe::certificate::Key;
use crate::probe::certificate::Signer;
use crate::probe::origins;
use crate::probe::ports::PortRange;
use crate::probe::ports::PortScan;
use crate::probe::ssh::SshOffer;
use crate::probe::stun::UdpAnswer;
use crate::probe::target::Addresses;
use crate::probe::tls::Chain;
use crate::probe::tls::Refusal;
use crate::probe::web::Body;
use crate::probe::web::Page;
use crate::probe::web::Response;
use crate::probe::web::ServedConfig;
use crate::probe::xmpp::clinician::ClinicianView;
use crate::probe::xmpp::clinician::ForgedLogin;
use crate::probe::xmpp::forge::Forgery;
use crate::probe::xmpp::guest::Guest;
use crate::probe::xmpp::link::Transport;
use crate::probe::xmpp::session::Room;
use crate::probe::xmpp::stanza::Refused;
use crate::probe::xmpp::stranger::Stranger;
use crate::render::Entry as TreeEntry;
use crate::render::FileContent;
use crate::render::Wanted;
use crate::seen::Seen;
use crate::spec::Domain;

use super::build::ADDRESS;
use super::build::NOW;

/// One year and more.
pub(super) const HSTS: &str = "max-age=63072000";

/// The whole site.
pub(super) fn locked(domain: &Domain, wanted: &Wanted) -> Sightings {
    let name = domain.as_str();
    Sightings {
        domain: domain.clone(),
        started: at(NOW),
        finished: at(NOW),
        addresses: Seen::Known(Addresses::Given(vec![ADDRESS])),
        names: Names {
            domain: Seen::Known(vec![ADDRESS]),
            reverse: BTreeMap::from([(ADDRESS, Seen::Known(vec!["host.example.net".to_owned()]))]),
        },
        vantage: BTreeMap::from([(ADDRESS, "198.51.100.7".parse().unwrap())]),
        tls: vec![tls(name, 443), tls(name, 5349)],
        web: vec![web(name, wanted)],
        tcp: vec![scan(name, wanted)],
        udp: vec![
            udp(
                name,
                3478,
                UdpAnswer::Stun {
                    kind: 0x0101,
                    software: None,
                },
            ),
            udp(name, 10_000, UdpAnswer::Silent),
        ],
        ssh: vec![ssh(name, wanted)],
        xmpp: vec![XmppView {
            address: ADDRESS,
            doors: Transport::ALL.map(|transport| door(name, transport)).into(),
            clinician: Some(clinician(name)),
            forgeries: Forgery::ALL.map(|forgery| forged(name, forgery)).into(),
        }],
    }
}

fn ssh(name: &str, wanted: &Wanted) -> Sighting<SshView> {
    let list = |keyword: &str| wanted.sshd[keyword].split(',').map(str::to_owned).collect();
    let offer = SshOffer {
        banner: "SSH-2.0-OpenSSH_9.2p1".to_owned(),
        key_exchange: list("kexalgorithms"),
        host_keys: vec!["ssh-ed25519".to_owned()],
        ciphers: list("ciphers"),
        macs: list("macs"),
    };
    saw(format!("tcp://{name}:22 ssh"), SshView::Speaks(offer))
}

/// A moment.
pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A look that brought something back.
pub(super) fn saw<T>(subject: impl Into<String>, value: T) -> Sighting<T> {
    Sighting {
        subject: subject.into(),
        at: at(NOW),
        from: Some("198.51.100.7".parse().unwrap()),
        to: Some(SocketAddr::new(ADDRESS, 443)),
        transcript: vec![">> asked".to_owned(), "<< answered".to_owned()],
        result: Seen::Known(value),
    }
}

/// Somebody's no.
pub(super) fn no() -> Refused {
    Refused {
        condition: "not-allowed".to_owned(),
        text: None,
    }
}

/// In a room that was made by entering it.
pub(super) fn in_a_new_room() -> Entry {
    Entry::Entered {
        room: Room::Created,
        affiliation: "owner".to_owned(),
        role: "moderator".to_owned(),
    }
}

/// A successful login.
pub(super) fn admitted() -> Login {
    Login::Admitted {
        jid: "someone@telemed.example.com/1".to_owned(),
    }
}

fn tls(name: &str, port: u16) -> TlsView {
    let subject = format!("tcp://{name}:{port}");
    let offer = |version: Version| {
        let answer = match version {
            Version::Ssl3 | Version::Tls10 | Version::Tls11 => Offer::Refused(Refusal::Alert(70)),
            Version::Tls12 | Version::Tls13 => Offer::Accepted {
                suite: "TLS_AES_128_GCM_SHA256".to_owned(),
            },
        };
        (version, saw(format!("{subject} {}", version.name()), answer))
    };
    TlsView {
        address: SocketAddr::new(ADDRESS, port),
        listening: saw(&subject, Listening::Yes),
        versions: Version::ALL.map(offer).into(),
        weak_suites: saw(&subject, Offer::Refused(Refusal::Alert(40))),
        chain: saw(
            &subject,
            Chain {
                certificates: vec![self_signed(name)],
                vouched: Seen::Known(Vouched::No("it signed itself".to_owned())),
            },
        ),
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
        not_after: at("2026-12-31T00:00:00Z"),
        signer: Signer::Itself,
        key: Key {
            algorithm: "EC P-256".to_owned(),
            bits: 256,
        },
        signature: "ecdsa-with-SHA256".to_owned(),
    }
}

fn web(name: &str, wanted: &Wanted) -> WebView {
    let redirect = |path: &str| {
        let url = format!("http://{name}{path}");
        let home = format!("https://{name}{path}");
        saw(&url, PlainAnswer::Answers(response(&url, 301, &[("location", &home)])))
    };
    let page = response(&format!("https://{name}/"), 200, &[("strict-transport-security", HSTS)]);
    let value = origins::parse_config(rendered_config(name, wanted)).unwrap();
    WebView {
        address: ADDRESS,
        plain_root: redirect("/"),
        plain_random: redirect("/probe-1"),
        page: saw(
            page.url.clone(),
            Page {
                response: page,
                mentions: origins::in_html("<script src=\"/libs/app.bundle.min.js\"></script>"),
                policy: Some(origins::in_policy(
                    "default-src 'self'; connect-src 'self' wss://telemed.example.com",
                )),
            },
        ),
        config: saw(
            format!("https://{name}/config.js"),
            ServedConfig {
                response: response(&format!("https://{name}/config.js"), 200, &[]),
                mentions: Seen::Known(origins::in_json(&value)),
                value: Seen::Known(value),
            },
        ),
    }
}

/// The very file that would be served.
fn rendered_config<'a>(name: &str, wanted: &'a Wanted) -> &'a str {
    let path = format!("/etc/jitsi/meet/{name}-config.js").parse().unwrap();
    match &wanted.tree[&path] {
        TreeEntry::File(file) => match &file.content {
            FileContent::Text(text) => text,
            FileContent::Hidden(_) => panic!("config.js is public"),
        },
        other => panic!("{other:?}"),
    }
}

/// A response.
pub(super) fn response(url: &str, status: u16, headers: &[(&str, &str)]) -> Response {
    Response {
        url: url.to_owned(),
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]))
            .collect(),
        body_length: 10,
        body_sha256: "b".repeat(64),
        body: Body::Whole,
    }
}

fn scan(name: &str, wanted: &Wanted) -> Sighting<PortScan> {
    let open: BTreeSet<u16> = wanted
        .listeners
        .iter()
        .filter(|listener| listener.transport == crate::render::Transport::Tcp)
        .filter(|listener| listener.always && listener.scope == crate::render::Scope::Public)
        .map(|listener| listener.port)
        .collect();
    saw(
        format!("tcp://{name} ports"),
        PortScan {
            filtered: closed_but(&open),
            open,
            closed: Vec::new(),
            patience_ms: 1000,
        },
    )
}

/// Every port but these.
pub(super) fn closed_but(open: &BTreeSet<u16>) -> Vec<PortRange> {
    let mut ranges = Vec::new();
    let mut first = 1;
    for port in open {
        if first < *port {
            ranges.push(PortRange { first, last: port - 1 });
        }
        first = port + 1;
    }
    ranges.push(PortRange { first, last: u16::MAX });
    ranges
}

fn udp(name: &str, port: u16, answer: UdpAnswer) -> Sighting<UdpAnswer> {
    Sighting {
        to: Some(SocketAddr::new(ADDRESS, port)),
        ..saw(format!("udp://{name}:{port}"), answer)
    }
}

fn door(name: &str, transport: Transport) -> DoorView {
    let subject = |what: &str| format!("https://{name}/{} {what}", transport.path());
    DoorView {
        transport,
        stranger: Stranger {
            mechanisms: saw(subject("login methods"), vec!["ANONYMOUS".to_owned()]),
            anonymous: saw(subject("anonymous login"), Login::Refused(no())),
            registration: saw(subject("registration"), Registration::Refused(no())),
            accounts_host: saw(subject("accounts host"), HostOffer::Answers { mechanisms: Vec::new() }),
        },
        guest: Guest {
            login: saw(subject("guest login"), admitted()),
            rooms: saw(subject("room list"), Vec::new()),
            new_room: saw(subject("new room"), Entry::Refused(no())),
            focus: saw(subject("conference request"), FocusAnswer::NotReady),
            before_host: saw(subject("room without host"), Entry::Lobby { lobby: None }),
            made_up_token: saw(subject("guest with a made-up token"), Entry::Lobby { lobby: None }),
            brewery: saw(subject("bridges' room"), Entry::Ignored(no())),
        },
    }
}

fn clinician(name: &str) -> ClinicianView {
    let subject = |what: &str| format!("wss://{name}/xmpp-websocket {what}");
    ClinicianView {
        login: saw(subject("clinician login"), admitted()),
        focus: saw(
            subject("clinician conference request"),
            FocusAnswer::Ready { focus: None },
        ),
        guest_before_host: saw(subject("guest before host"), Entry::Lobby { lobby: None }),
        wrong_room: Some(saw(subject("token for another room"), Entry::Refused(no()))),
        entry: saw(subject("clinician entry"), in_a_new_room()),
    }
}

fn forged(name: &str, forgery: Forgery) -> ForgedLogin {
    let subject = format!("wss://{name}/xmpp-websocket forged token ({forgery:?})");
    ForgedLogin {
        forgery,
        login: saw(subject, Login::Refused(no())),
    }
}
