//! The facts script itself, run by dash against an `/etc/anteroom` full of traps, in a mount namespace of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail loudly")]

use std::fs;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use anteroom::facts::HostFacts;
use anteroom::facts::PathState;
use anteroom::facts::Request;
use anteroom::facts::collect;
use anteroom::remote::Host;
use anteroom::remote::Output;
use anteroom::remote::RemoteError;
use anteroom::render::SecretName;
use anteroom::seen::Seen;
use anteroom::spec::HostName;
use anteroom::spec::RemotePath;
use sha2::Digest;
use sha2::Sha256;

/// A host double that really runs scripts, with a folder laid over `/etc` and an empty `/run`.
struct NamespaceHost {
    name: HostName,
    dir: tempfile::TempDir,
    before: String,
}

impl NamespaceHost {
    fn new() -> Result<Self, String> {
        let dir = tempfile::Builder::new()
            .prefix("anteroom-facts-")
            .tempdir()
            .map_err(|error| error.to_string())?;
        fs::create_dir_all(dir.path().join("etc/anteroom")).map_err(|error| error.to_string())?;
        let mut host = Self {
            name: "core".parse()?,
            dir,
            before: String::new(),
        };
        let out = host.run("test -d /etc/anteroom && test -e /etc/passwd", b"", Duration::ZERO);
        match out {
            Ok(out) if out.status == 0 => Ok(host),
            Ok(out) => Err(format!("no namespace: {}", String::from_utf8_lossy(&out.stderr))),
            Err(error) => Err(error.to_string()),
        }
    }

    fn etc(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join("etc").join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.etc(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

impl Host for NamespaceHost {
    fn name(&self) -> &HostName {
        &self.name
    }

    fn run(&mut self, script: &str, input: &[u8], _: Duration) -> Result<Output, RemoteError> {
        let broken = |error: std::io::Error| RemoteError::Broken {
            address: "namespace".to_owned(),
            why: error.to_string(),
        };
        // What is big on a computer that builds software is not the host's: searches would take long.
        let setup = format!(
            "mount -t overlay overlay -o lowerdir=\"$1\":/etc /etc && mount -t tmpfs none /mnt && cp \"$2\" /mnt/script || exit 99\n\
             for big in /tmp /root /home /opt /srv /usr/local /var/lib/anteroom-lab /var/cache/anteroom '{}'; do [ ! -d $big ] || mount -t tmpfs none $big; done\n\
             set -- \"$1\" /mnt/script; cd /\nmount -t tmpfs none /run || exit 99\n{}\n\
             PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C exec dash \"$2\"",
            env!("CARGO_MANIFEST_DIR"),
            self.before
        );
        let file = self.dir.path().join("script");
        fs::write(&file, script).map_err(broken)?;
        let mut child = Command::new("unshare")
            .args(["-m", "sh", "-c", &setup, "sh"])
            .arg(self.dir.path().join("etc"))
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(broken)?;
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let out = child.wait_with_output().map_err(broken)?;
        writer.join().unwrap().ok();
        Ok(Output {
            status: out.status.code().unwrap_or(255),
            stdout: out.stdout,
            stderr: out.stderr,
        })
    }

    fn follow(&mut self, _: &str, _: Duration, _: &mut dyn FnMut(&str)) -> Result<Output, RemoteError> {
        unreachable!("facts follow nothing")
    }

    fn reconnect(&self) -> Result<Box<dyn Host>, RemoteError> {
        unreachable!("facts need one connection")
    }
}

macro_rules! host {
    () => {
        match NamespaceHost::new() {
            Ok(host) => host,
            Err(why) => {
                assert!(
                    std::env::var("ANTEROOM_TESTS").as_deref() != Ok("require"),
                    "skipped: {why}"
                );
                let _ = std::io::stderr().write_fmt(format_args!("skipped: {why}\n"));
                return;
            }
        }
    };
}

fn path(text: &str) -> RemotePath {
    text.parse().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file(facts: &HostFacts, name: &str) -> (String, Option<String>) {
    match &facts.files[&path(name)] {
        Seen::Known(PathState::File { sha256, content, .. }) => (sha256.clone(), content.clone()),
        other => panic!("{name}: {other:?}"),
    }
}

const TURN: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const FOCUS: &str = "a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4";

fn secrets() -> String {
    format!("turn={TURN}\nfocus={FOCUS}\n")
}

#[test]
fn secrets_are_masked_wherever_they_stand_and_all_else_stays_byte_for_byte() {
    let mut host = host!();
    host.write("anteroom/secrets", secrets().as_bytes());
    let cases: Vec<(String, Vec<u8>, Vec<u8>)> = [
        ("plain", format!("a={TURN}\n"), "a=<secret:turn>\n".to_owned()),
        ("no-line-end", format!("a={TURN}"), "a=<secret:turn>".to_owned()),
        (
            "twice",
            format!("{TURN}{TURN} {FOCUS}\n\n\n"),
            "<secret:turn><secret:turn> <secret:focus>\n\n\n".to_owned(),
        ),
        (
            "crlf",
            format!("{FOCUS}\r\nx\r\n"),
            "<secret:focus>\r\nx\r\n".to_owned(),
        ),
        ("one more 1", format!("{TURN}1\n"), "<secret:turn>1\n".to_owned()),
        (
            "slot written out by hand",
            format!("<secret:turn> {TURN}\n"),
            "<literal-secret:turn> <secret:turn>\n".to_owned(),
        ),
        (
            "slot alone",
            "a=<secret:turn>\n".to_owned(),
            "a=<literal-secret:turn>\n".to_owned(),
        ),
        ("empty", String::new(), String::new()),
        ("only-ends", "\n\n".to_owned(), "\n\n".to_owned()),
        (
            "back\\slash $(x) 'q' \"d\" *",
            format!("%s \\n & {TURN}\n"),
            "%s \\n & <secret:turn>\n".to_owned(),
        ),
        ("x=y", format!("{TURN}\n"), "<secret:turn>\n".to_owned()),
        ("utf-8-ä", format!("ä {TURN} ß\n"), "ä <secret:turn> ß\n".to_owned()),
        (
            "frames",
            "section time 0 3 0\nend 1\n".to_owned(),
            "section time 0 3 0\nend 1\n".to_owned(),
        ),
        (
            "long",
            format!("{}{TURN}{}", "x".repeat(100_000), "y".repeat(100_000)),
            format!("{}<secret:turn>{}", "x".repeat(100_000), "y".repeat(100_000)),
        ),
    ]
    .map(|(name, before, after)| (name.to_owned(), before.into_bytes(), after.into_bytes()))
    .to_vec();
    let mut request = Request::default();
    for (name, before, _) in &cases {
        host.write(&format!("trap/{name}"), before);
        request.paths.push(path(&format!("/etc/trap/{name}")));
    }
    let facts = collect(&mut host, &request).unwrap();
    for (name, _, after) in &cases {
        let (digest, content) = file(&facts, &format!("/etc/trap/{name}"));
        assert_eq!(content.map(String::into_bytes).as_ref(), Some(after), "{name}");
        assert_eq!(digest, sha256(after), "{name}");
    }
    let text = format!("{facts:?}");
    assert!(!text.contains(TURN) && !text.contains(FOCUS));
    let names: Vec<_> = facts
        .secrets
        .known()
        .unwrap()
        .iter()
        .map(|(name, length)| (name.0.as_str(), *length))
        .collect();
    assert_eq!(names, [("focus", 64), ("turn", 64)]);
}

#[test]
fn content_stays_on_the_host_where_it_is_big_binary_or_not_to_be_read() {
    let mut host = host!();
    let big = vec![b'x'; 262_145];
    host.write("trap/big", &big);
    host.write("trap/edge", &big[1..]);
    host.write("trap/binary", b"a\0b\xff");
    host.write("trap/key", b"-----BEGIN PRIVATE KEY-----\n");
    host.write("trap/listed", b"listed");
    let manifest = r#"{
  "schema": "anteroom/manifest/v1", "deployment": "d", "domain": "a.b", "host": "core", "tool": "0",
  "paths": [
    {
      "path": "/etc/trap/listed",
      "hardening": false,
      "before": null
    },
    {
      "path": "/etc/trap/gone",
      "hardening": false,
      "before": null
    }
  ],
  "packages": [], "held": [], "units": [], "accounts": [], "secrets": []
}"#;
    host.write("anteroom/manifest.json", manifest.as_bytes());
    std::os::unix::fs::symlink("/etc/trap/key", host.etc("trap/link")).unwrap();
    let names = ["big", "edge", "binary", "key", "link"].map(|name| path(&format!("/etc/trap/{name}")));
    let request = Request {
        paths: names.to_vec(),
        hash_only: [path("/etc/trap/key")].into(),
        ..Request::default()
    };
    let facts = collect(&mut host, &request).unwrap();
    assert_eq!(file(&facts, "/etc/trap/big"), (sha256(&big), None));
    assert_eq!(file(&facts, "/etc/trap/edge").1.map(|text| text.len()), Some(262_144));
    assert_eq!(file(&facts, "/etc/trap/binary"), (sha256(b"a\0b\xff"), None));
    assert_eq!(file(&facts, "/etc/trap/key").1, None);
    assert_eq!(file(&facts, "/etc/trap/listed"), (sha256(b"listed"), None));
    assert_eq!(facts.files[&path("/etc/trap/gone")], Seen::Known(PathState::Absent));
    let target = "/etc/trap/key".to_owned();
    assert_eq!(
        facts.files[&path("/etc/trap/link")],
        Seen::Known(PathState::Link { target })
    );
    assert_eq!(facts.manifest.known().unwrap().as_ref().unwrap().paths.len(), 2);
}

#[test]
fn what_cannot_be_looked_at_is_unknown_with_the_reason() {
    let mut host = host!();
    // Tools that fail in their own ways.
    host.write(
        "trap/bin/apt-cache",
        b"#!/bin/sh\necho the database is locked >&2\nexit 100\n",
    );
    host.write("trap/bin/ss", b"#!/bin/sh\nexit 3\n");
    host.write(
        "trap/bin/systemctl",
        b"#!/bin/sh\necho 'System has not been booted with systemd' >&2\nexit 1\n",
    );
    for tool in ["apt-cache", "ss", "systemctl"] {
        Command::new("chmod")
            .arg("755")
            .arg(host.etc(&format!("trap/bin/{tool}")))
            .status()
            .unwrap();
    }
    host.write("anteroom/manifest.json", b"{ broken");
    host.write("trap/cert.pem", b"no certificate");
    // The script's own search path is set by the bootstrap, so the doubles go before the real tools.
    host.before = "for t in apt-cache ss systemctl; do for d in /usr/bin /usr/sbin /bin /sbin; do \
                   [ -e $d/$t ] && mount --bind /etc/trap/bin/$t $d/$t; done; done; :"
        .to_owned();
    let request = Request {
        units: vec!["nginx.service".to_owned()],
        packages: vec!["nginx".to_owned()],
        paths: vec![path("/etc/trap/none")],
        apt_keys: vec![path("/etc/passwd"), path("/etc/trap/none.asc")],
        certificates: [(path("/etc/trap/cert.pem"), path("/etc/trap/none.key"))].into(),
        ..Request::default()
    };
    let facts = collect(&mut host, &request).unwrap();
    let why = |text: Result<(), &str>, part: &str| match text {
        Err(why) => assert!(why.contains(part), "{why}"),
        Ok(()) => panic!("known, in place of {part}"),
    };
    why(
        facts.packages.known().map(drop),
        "the database is locked (exit status 123)",
    );
    why(facts.listeners.known().map(drop), "exit status 3");
    why(facts.units["nginx.service"].known().map(drop), "not been booted");
    why(facts.manifest.known().map(drop), "manifest: ");
    // This one was seen, and is no certificate.
    assert_eq!(
        facts.certificates[&path("/etc/trap/cert.pem")],
        Seen::Known(Some(Default::default()))
    );
    why(facts.apt_keys[&path("/etc/passwd")].known().map(drop), "apt-key/0: ");
    assert_eq!(facts.apt_keys[&path("/etc/trap/none.asc")], Seen::Known(Vec::new()));
    assert_eq!(
        facts.secrets,
        Seen::Known(std::collections::BTreeMap::<SecretName, usize>::new())
    );
    assert_eq!(facts.files[&path("/etc/trap/none")], Seen::Known(PathState::Absent));
}

#[test]
fn a_held_lock_names_its_holder_and_a_left_one_nobody() {
    let mut host = host!();
    host.before = "mkdir /run/anteroom; : >/run/anteroom/lock; printf 'who=ann@laptop\\nsince=now\\nverb=apply\\n' \
                   >/run/anteroom/holder"
        .to_owned();
    let facts = collect(&mut host, &Request::default()).unwrap();
    assert_eq!(facts.lock, Seen::Known(None));
    host.before.push_str("; exec 9>/run/anteroom/lock; flock 9");
    let facts = collect(&mut host, &Request::default()).unwrap();
    let holder = facts.lock.known().unwrap().clone().unwrap();
    assert_eq!((holder.who.as_str(), holder.verb.as_str()), ("ann@laptop", "apply"));
}

#[test]
fn the_look_leaves_nothing_behind() {
    let mut host = host!();
    host.write("anteroom/secrets", secrets().as_bytes());
    host.write("trap/file", TURN.as_bytes());
    // The shell around the script outlives it and says what lies in /run then.
    host.before = "dash \"$2\"; ls -A /run >&2; exit 0".to_owned();
    let request = Request {
        paths: vec![path("/etc/trap/file")],
        ..Request::default()
    };
    struct Spy<'a>(&'a mut NamespaceHost, Vec<u8>);
    impl Host for Spy<'_> {
        fn name(&self) -> &HostName {
            self.0.name()
        }
        fn run(&mut self, script: &str, input: &[u8], patience: Duration) -> Result<Output, RemoteError> {
            let out = self.0.run(script, input, patience)?;
            self.1.clone_from(&out.stderr);
            Ok(out)
        }
        fn follow(&mut self, _: &str, _: Duration, _: &mut dyn FnMut(&str)) -> Result<Output, RemoteError> {
            unreachable!("facts follow nothing")
        }
        fn reconnect(&self) -> Result<Box<dyn Host>, RemoteError> {
            unreachable!("facts need one connection")
        }
    }
    let mut spy = Spy(&mut host, Vec::new());
    collect(&mut spy, &request).unwrap();
    assert_eq!(String::from_utf8_lossy(&spy.1), "");
}

#[test]
fn without_lua_accounts_are_seen_and_not_compared() {
    let mut host = host!();
    host.before = "mount -t tmpfs none /var/lib && mkdir -p /var/lib/prosody/auth%2ea%2eexample/accounts && \
                   : >/var/lib/prosody/auth%2ea%2eexample/accounts/dr%2eo%27hara.dat; \
                   for lua in /usr/bin/lua5.?; do [ ! -e $lua ] || mount --bind /dev/null $lua; done; :"
        .to_owned();
    let facts = collect(&mut host, &Request::default()).unwrap();
    let seen = facts.accounts.known().unwrap();
    assert_eq!(Vec::from_iter(seen.keys()), ["dr.o'hara@auth.a.example"]);
    assert_eq!(
        seen["dr.o'hara@auth.a.example"].password,
        anteroom::facts::PasswordSeen::NotCompared
    );
}

#[test]
fn what_lies_out_of_place_is_found_and_no_value_leaves_the_host() {
    let mut host = host!();
    host.write("anteroom/secrets", secrets().as_bytes());
    host.write("trap/open", format!("x {TURN}\n").as_bytes());
    host.write("trap/closed", format!("x {FOCUS}\n").as_bytes());
    host.write("trap/key", b"-----BEGIN RSA PRIVATE KEY-----\n");
    host.write("trap/loose", b"x");
    let modes = [
        ("trap/open", "644"),
        ("trap/closed", "600"),
        ("trap/key", "644"),
        ("trap/loose", "666"),
    ];
    for (name, mode) in modes {
        Command::new("chmod").arg(mode).arg(host.etc(name)).status().unwrap();
    }
    host.before = format!("sh -c 'sleep 600; :' {FOCUS} >/dev/null 2>&1 & :");
    let request = Request {
        depth: anteroom::facts::Depth::Audit,
        ..Request::default()
    };
    let facts = collect(&mut host, &request).unwrap();
    let exposed = facts.inside.exposed.known().unwrap().as_ref().unwrap();
    let found = |part: &str| exposed.places.iter().any(|place| place.place.contains(part));
    assert!(found("/etc/trap/open") && !found("/etc/trap/closed"), "{exposed:?}");
    let arguments = exposed
        .places
        .iter()
        .find(|place| place.kind == anteroom::facts::PlaceKind::Arguments);
    assert_eq!(
        arguments.map(|place| place.secrets.as_str()),
        Some("focus"),
        "{exposed:?}"
    );
    assert!(
        facts
            .inside
            .open_keys
            .known()
            .unwrap()
            .contains(&"/etc/trap/key".to_owned())
    );
    assert!(
        facts
            .inside
            .loose
            .known()
            .unwrap()
            .iter()
            .any(|file| file.path == "/etc/trap/loose")
    );
    assert!(facts.inside.logins.known().unwrap().accounts.contains_key("root"));
    let text = format!("{facts:?}");
    assert!(!text.contains(TURN) && !text.contains(FOCUS));
}
