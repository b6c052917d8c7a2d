//! What the probe sees of a site that is locked: TLS on two ports, redirects, XMPP behind both doors, one clinician, and
//! every forgery refused.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::SocketAddr;

use jiff::Timestamp;

use crate::probe::Entry;
use crate::probe::LinkKeys;
use crate::probe::Login;
use crate::probe::Names;
use crate::probe::PlainAnswer;
use crate::probe::Sighting;
use crate::probe::Sightings;
use crate::probe::SshView;
use crate::probe::StreamView;
use crate::probe::WebView;
use crate::probe::XmppView;
use crate::probe::link;
use crate::probe::link::HostileLink;
use crate::probe::origins;
use crate::probe::ports::PortRange;
use crate::probe::ports::PortScan;
use crate::probe::script;
use crate::probe::script::Visit;
use crate::probe::ssh::SshOffer;
use crate::probe::stun::UdpAnswer;
use crate::probe::target::Addresses;
use crate::probe::web;
use crate::probe::web::Body;
use crate::probe::web::Crawl;
use crate::probe::web::FOREIGN_ORIGIN;
use crate::probe::web::ForeignPages;
use crate::probe::web::MethodAnswer;
use crate::probe::web::Page;
use crate::probe::web::Resource;
use crate::probe::web::Response;
use crate::probe::web::ServedConfig;
use crate::probe::xmpp::forgery::Forgery;
use crate::probe::xmpp::impostor::Wrong;
use crate::probe::xmpp::link::Transport;
use crate::probe::xmpp::session::Room;
use crate::probe::xmpp::stanza::Refused;
use crate::render;
use crate::render::Entry as TreeEntry;
use crate::render::FileContent;
use crate::render::Wanted;
use crate::seen::Seen;
use crate::spec::Domain;

use super::build::ADDRESS;
use super::build::NOW;
use super::listener::tls;
use super::relay_views;
use super::visitors::clinician;
use super::visitors::door;
use super::visitors::forged;
use super::visitors::guess;
use super::visitors::honest;

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
            udp(name, 161, UdpAnswer::Silent),
        ],
        ssh: vec![ssh(name, wanted)],
        streams: vec![saw(format!("tcp://{name}:5222 XMPP"), StreamView::Filtered)],
        xmpp: vec![XmppView {
            address: ADDRESS,
            doors: Transport::ALL.map(|transport| door(name, transport)).into(),
            clinician: Some(clinician(name)),
            honest: Transport::ALL.map(|transport| honest(name, transport)).into(),
            forgeries: Transport::ALL
                .into_iter()
                .flat_map(|transport| Forgery::ALL.map(|forgery| forged(name, transport, forgery)))
                .collect(),
            guesses: Transport::ALL
                .into_iter()
                .flat_map(|transport| Wrong::ALL.map(|wrong| guess(name, transport, wrong)))
                .collect(),
            burst: None,
        }],
        relays: relay_views::views(name),
        inside: vec![relay_views::inside(name)],
        call: Some(super::call::good_call(name)),
    }
}

fn ssh(name: &str, wanted: &Wanted) -> Sighting<SshView> {
    let list = |keyword: &str| -> Vec<String> { wanted.sshd[keyword].split(',').map(str::to_owned).collect() };
    let offer = SshOffer {
        banner: "SSH-2.0-OpenSSH_9.2p1".to_owned(),
        key_exchange: [list("kexalgorithms"), vec!["kex-strict-s-v00@openssh.com".to_owned()]].concat(),
        host_keys: vec!["ssh-ed25519".to_owned()],
        ciphers: list("ciphers"),
        macs: list("macs"),
        logins: Seen::Known(vec!["publickey".to_owned()]),
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

fn web(name: &str, wanted: &Wanted) -> WebView {
    let redirect = |path: &str| {
        let url = format!("http://{name}{path}");
        let home = format!("https://{name}{path}");
        saw(&url, PlainAnswer::Answers(response(&url, 301, &[("location", &home)])))
    };
    let refused = |url: &str, status: u16| response(url, status, &[("server", "nginx")]);
    let page = page_of(name);
    let settings = served_config(name, "config.js", rendered_config(name, wanted), "config");
    WebView {
        address: ADDRESS,
        plain_root: redirect("/"),
        plain_random: redirect("/probe-1?probe=1&x=y"),
        plain_others: vec![redirect("/config.js"), redirect("/http-bind")],
        plain_foreign: saw(
            format!("http://{name}/ as anteroom-probe.invalid"),
            PlainAnswer::HangsUp,
        ),
        page: saw(
            page.url.clone(),
            Page {
                hops: Vec::new(),
                response: page.clone(),
                mentions: origins::in_html("<script src=\"/libs/app.bundle.min.js\"></script>").into(),
                config: Some(ServedConfig {
                    response: page,
                    ..settings.clone()
                }),
            },
        ),
        config: saw(format!("https://{name}/config.js"), settings),
        interface: saw(
            format!("https://{name}/interface_config.js"),
            served_config(
                name,
                "interface_config.js",
                "var interfaceConfig = {};",
                "interfaceConfig",
            ),
        ),
        crawl: saw(
            format!("https://{name} scripts and styles"),
            Crawl {
                resources: vec![resource(name, "app.bundle.min.js", "fetch('https://api.example.net/')")],
                unvisited: 0,
                link_keys: Some(LinkKeys {
                    listed: ["p2p.enabled".to_owned()].into(),
                    whole: true,
                }),
            },
        ),
        foreign: ForeignPages {
            reads: ["/", "/config.js"]
                .map(|path| {
                    let url = format!("https://{name}{path}");
                    saw(format!("GET {url} from {FOREIGN_ORIGIN}"), refused(&url, 200))
                })
                .into(),
            bosh: saw(
                format!("POST https://{name}/http-bind session from {FOREIGN_ORIGIN}"),
                refused("https://x/http-bind", 403),
            ),
            websocket: saw(
                format!("GET https://{name}/xmpp-websocket WebSocket from {FOREIGN_ORIGIN}"),
                refused("https://x/xmpp-websocket", 403),
            ),
        },
        methods: ["TRACE", "PUT"]
            .map(|method| {
                let answer = MethodAnswer {
                    method: method.to_owned(),
                    echoes: false,
                    answer: error_page(&refused("https://x/probe-1", 405)),
                };
                saw(format!("{method} https://{name}/probe-1"), answer)
            })
            .into(),
        errors: vec![saw(
            format!("https://{name}/probe-1/below/it"),
            error_page(&refused("https://x/probe-1/below/it", 404)),
        )],
    }
}

/// A script of the site's with this text.
pub(super) fn resource(name: &str, file: &str, text: &str) -> Resource {
    let url = format!("https://{name}/libs/{file}");
    Resource {
        response: Seen::Known(response(&url, 200, &[("server", "nginx")])),
        url,
        mentions: Seen::Known(origins::in_code(text, "text")),
    }
}

fn page_of(name: &str) -> Response {
    response(
        &format!("https://{name}/"),
        200,
        &[
            ("server", "nginx"),
            ("strict-transport-security", HSTS),
            ("content-security-policy", &render::page_policy(name)),
            (
                "permissions-policy",
                "camera=(self), microphone=(self), display-capture=(self), usb=()",
            ),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ],
    )
}

fn error_page(response: &Response) -> web::Answer {
    web::Answer {
        response: response.clone(),
        text: "<hr><center>nginx</center>".to_owned(),
    }
}

/// What the probe makes of a script that a server sends.
pub(super) fn served_config(name: &str, file: &str, script: &str, object: &str) -> ServedConfig {
    let visit = |hash: &str| Visit {
        domain: name.to_owned(),
        search: String::new(),
        hash: hash.to_owned(),
    };
    let run = |hash: &str| script::run(&[script.to_owned()], &visit(hash)).unwrap();
    let settings = run("").objects.remove(object).unwrap();
    let hash = link::hostile(None);
    let left = run(&hash).link;
    ServedConfig {
        response: response(&format!("https://{name}/{file}"), 200, &[]),
        mentions: Seen::Known(origins::in_json(&settings.value)),
        value: Seen::Known(settings.value),
        opaque: settings.opaque,
        link: Seen::Known(HostileLink {
            sent: link::overriding(&hash),
            left: link::overriding(&left),
        }),
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
