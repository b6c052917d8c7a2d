//! The shape that all clouds share, applied for real: the same ports as the host's own firewall and services, and never SSH
//! for everybody.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use anteroom::render::Scope;
use anteroom::render::Transport;
use anteroom::render::render;
use anteroom::spec::Switches;
use serde_json::Value;
use serde_json::json;

use crate::module::repository;
use crate::room::Ran;
use crate::room::Room;
use crate::room::terraform_is_here;

/// A deployment as anteroom tells it.
fn deployment() -> Value {
    json!({
        "deployment": "clinic", "domain": "telemed.example.com", "environment": "test", "protect": false,
        "ttl_seconds": 14400, "admin_cidrs": ["203.0.113.0/28", "2001:db8::/32"], "tcp_out": [8443],
        "egress": [{ "address": "192.0.2.10", "port": 3128 }],
        "hosts": {
            "core": { "roles": ["core"], "ssh_port": 22 },
            "bridge-1": { "roles": ["bridge"], "ssh_port": 2222 },
            "turn-1": { "roles": ["turn"], "ssh_port": 22 },
        },
    })
}

/// Applies the shape alone, in a room of its own.
fn apply(room: &Room, anteroom: &Value) -> Ran {
    let infra = room.path().join("infra");
    std::fs::create_dir_all(&infra).unwrap();
    let module = format!(
        "module \"shape\" {{\n  source = {:?}\n  anteroom = jsondecode({:?})\n}}\noutput \"shape\" {{\n  value = module.shape\n}}\n",
        repository("terraform/shape"),
        anteroom.to_string(),
    );
    room.write("infra/main.tf", &module);
    let ready = room.terraform(&["init", "-input=false"]);
    assert_eq!(ready.code, Some(0), "{ready:?}");
    room.terraform(&["apply", "-auto-approve", "-input=false", "-no-color"])
}

/// What the shape says.
fn shape(room: &Room, anteroom: &Value) -> Value {
    let applied = apply(room, anteroom);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let output = room.terraform(&["output", "-json", "shape"]);
    serde_json::from_str(&output.out).unwrap()
}

/// The open ports of a host by who may reach them: `tcp/443-443`.
fn open(shape: &Value, host: &str) -> BTreeMap<String, Vec<String>> {
    let rules = shape["ingress"][host].as_object().unwrap();
    let port = |rule: &Value| format!("{}/{}-{}", rule["protocol"].as_str().unwrap(), rule["from"], rule["to"]);
    let cidrs = |rule: &Value| {
        let list = rule["cidrs"].as_array().unwrap();
        list.iter().map(|cidr| cidr.as_str().unwrap().to_owned()).collect()
    };
    rules.values().map(|rule| (port(rule), cidrs(rule))).collect()
}

/// The public sockets of a core host, as rendered.
fn rendered() -> BTreeSet<String> {
    let text = std::fs::read_to_string(repository("examples/lab.toml")).unwrap();
    let files = anteroom::spec::Files {
        folder: Path::new(""),
        home: None,
        read: &|_| Err(std::io::ErrorKind::NotFound.into()),
    };
    let day = "2026-04-01".parse().unwrap();
    let spec = anteroom::spec::parse(
        Path::new("lab.toml"),
        text.as_bytes(),
        &Switches::default(),
        day,
        &files,
    )
    .unwrap();
    let wanted = render(&spec, &spec.hosts[0]).unwrap();
    let public = wanted
        .listeners
        .iter()
        .filter(|listener| listener.scope == Scope::Public);
    public
        .map(|listener| {
            let protocol = match listener.transport {
                Transport::Tcp => "tcp",
                Transport::Udp => "udp",
            };
            format!("{protocol}/{}-{}", listener.port, listener.last_port)
        })
        .collect()
}

#[test]
fn the_ports_are_those_that_the_host_itself_serves() {
    if !terraform_is_here() {
        return;
    }
    let room = Room::new("folder = \"infra\"");
    let shape = shape(&room, &deployment());
    let everybody = vec!["0.0.0.0/0".to_owned()];
    let public = |host: &str| -> BTreeSet<String> {
        let open = open(&shape, host).into_iter();
        open.filter(|(_, cidrs)| *cidrs == everybody)
            .map(|(port, _)| port)
            .collect()
    };
    assert_eq!(public("core"), rendered());
    assert_eq!(public("bridge-1"), BTreeSet::from(["udp/10000-10000".to_owned()]));
    let relay = rendered()
        .into_iter()
        .filter(|port| port.starts_with("udp/49"))
        .chain(["udp/3478-3478".to_owned(), "tcp/5349-5349".to_owned()]);
    assert_eq!(public("turn-1"), relay.collect());
    let inside = &shape["inside"];
    assert_eq!(inside["core"]["xmpp"]["peers"], json!(["bridge-1"]));
    assert_eq!((&inside["bridge-1"], &inside["turn-1"]), (&json!({}), &json!({})));
}

#[test]
fn ssh_is_open_to_the_admins_networks_and_to_nobody_else() {
    if !terraform_is_here() {
        return;
    }
    let room = Room::new("folder = \"infra\"");
    let shape = shape(&room, &deployment());
    for (host, port) in [("core", 22), ("bridge-1", 2222), ("turn-1", 22)] {
        let open = open(&shape, host);
        assert_eq!(open[&format!("tcp/{port}-{port}")], ["203.0.113.0/28"], "{host}");
        for (ports, cidrs) in open.iter().filter(|(ports, _)| ports.starts_with("tcp/")) {
            let (from, to) = ports["tcp/".len()..].split_once('-').unwrap();
            let holds = (from.parse::<u16>().unwrap()..=to.parse().unwrap()).contains(&port);
            assert!(!holds || cidrs == &["203.0.113.0/28"], "{host}: {ports} {cidrs:?}");
        }
    }
    for cidr in ["0.0.0.0/0", "::/0", "0.0.0.0/1", "203.0.113.0", "anywhere"] {
        let mut wide = deployment();
        wide["admin_cidrs"] = json!([cidr, "203.0.113.0/28"]);
        let refused = apply(&room, &wide);
        assert_eq!(refused.code, Some(1), "{cidr}: {refused:?}");
        refused.says(&["admin_cidrs must name"]);
    }
}

#[test]
fn a_test_ends_when_it_was_said_to_and_production_is_protected() {
    if !terraform_is_here() {
        return;
    }
    let room = Room::new("folder = \"infra\"");
    let before = jiff::Timestamp::now();
    let first = shape(&room, &deployment());
    let ends: jiff::Timestamp = first["facts"]["expires"].as_str().unwrap().parse().unwrap();
    let lives = ends.duration_since(before).as_secs();
    assert!((14390..=14460).contains(&lives), "{lives}");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(
        shape(&room, &deployment())["facts"],
        first["facts"],
        "the end does not move with every run"
    );
    let mut production = deployment();
    production["environment"] = json!("production");
    production["protect"] = json!(true);
    production["ttl_seconds"] = Value::Null;
    let production = shape(&room, &production);
    assert_eq!(
        (&production["protect"], production["facts"].get("expires")),
        (&json!(true), None)
    );
}

#[test]
fn a_deployment_that_cannot_be_is_refused_with_the_reason() {
    if !terraform_is_here() {
        return;
    }
    let room = Room::new("folder = \"infra\"");
    for (key, value, why) in [
        ("environment", json!("staging"), "environment must be"),
        ("ttl_seconds", Value::Null, "a test has ttl_seconds"),
        ("deployment", json!("Clinic East"), "deployment must be a word"),
        ("hosts", json!({ "a": { "roles": ["bridge"] } }), "exactly one of hosts"),
        (
            "hosts",
            json!({ "a": { "roles": ["core", "jibri"] } }),
            "the roles of hosts are",
        ),
        ("admin_cidrs", json!([]), "admin_cidrs must name"),
    ] {
        let mut wrong = deployment();
        wrong[key] = value;
        let refused = apply(&room, &wrong);
        assert_eq!(refused.code, Some(1), "{key}: {refused:?}");
        refused.says(&[why]);
    }
}
