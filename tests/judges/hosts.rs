//! The real programs on a lab host judge whole trees and quoted values, all in one batch: `prosodyctl check config`,
//! `luac`, `nginx`, `sshd -t`, `nft -c`, `systemd-analyze verify`, logrotate, apt, coturn, and a second reader of HOCON.
//! Nothing is installed where the tests run. `ANTEROOM_TREES` asks for another number of trees.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;

use anteroom::render::Entry;
use anteroom::render::FileContent;
use anteroom::render::Wanted;
use anteroom::render::render;
use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use serde_json::Value;
use serde_json::json;

use crate::hostile;
use crate::keys;
use crate::language::Language;
use crate::machine::Machine;
use crate::quoting::quoted;
use crate::specs;
use crate::support;
use crate::trees;

/// How many trees are judged when nobody says.
const TREES: usize = 100;
/// How many values each program is asked about.
const VALUES: usize = 600;

/// What must be asked again only when one of these files differs from all before.
const CHECKS: &[(&str, &[Language])] = &[
    ("luac", &[Language::Prosody]),
    ("prosody", &[Language::Prosody]),
    ("nginx", &[Language::Nginx]),
    ("sshd", &[Language::Sshd]),
    ("nft", &[Language::Nft]),
    ("logrotate", &[Language::Logrotate]),
    ("systemd", &[Language::SystemdUnit]),
    ("apt", &[Language::AptSources]),
    ("pins", &[Language::AptPreferences]),
];

/// Every so many trees coturn is asked: it takes its time.
const COTURN_EACH: usize = 8;

/// A text with the host's secrets in their slots.
fn filled(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<secret:") {
        let (_, after) = after.split_once('>').unwrap();
        out.push_str(before);
        out.push_str(&"5".repeat(64));
        rest = after;
    }
    out + rest
}

/// Writes a tree's part below /etc into a folder.
fn write(dir: &Path, wanted: &Wanted, pair: &support::Made) {
    for (path, entry) in &wanted.tree {
        let at = dir.join(path.as_str().trim_start_matches('/'));
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        match entry {
            Entry::Dir(_) => fs::create_dir_all(at).unwrap(),
            Entry::Link { target } => symlink(target, at).unwrap(),
            Entry::File(file) => match &file.content {
                FileContent::Text(text) => fs::write(at, filled(text)).unwrap(),
                FileContent::Hidden(_) => fs::write(at, &pair.key).unwrap(),
            },
        }
    }
    for made in &wanted.certificates {
        for (path, text) in [(&made.certificate, &pair.leaf), (&made.key, &pair.key)] {
            let at = dir.join(path.as_str().trim_start_matches('/'));
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, text).unwrap();
        }
    }
    // The operator's own files need not fit the domain here; nginx only reads them.
    for (path, text) in keys::texts(wanted).filter(|(path, _)| Language::of(path) == Language::Certificate) {
        assert!(!text.is_empty());
        fs::write(dir.join(path.trim_start_matches('/')), &pair.leaf).unwrap();
    }
}

/// What must be asked about a tree that was not asked before.
struct Asked(BTreeMap<&'static str, BTreeSet<String>>);

impl Asked {
    fn checks(&mut self, wanted: &Wanted) -> Vec<&'static str> {
        let mut checks = Vec::new();
        for (check, languages) in CHECKS {
            let texts = keys::texts(wanted).filter(|(path, _)| languages.contains(&Language::of(path)));
            let all: String = texts.map(|(path, text)| format!("{path}\n{text}\n")).collect();
            if self.0.entry(check).or_default().insert(all) {
                checks.push(*check);
            }
        }
        checks
    }
}

/// Trees of specs that were accepted, as different as chance makes them, after the usual ones.
fn some(count: usize) -> Vec<Wanted> {
    let mut found: Vec<Wanted> = specs::cases()
        .iter()
        .map(|(_, spec)| render(spec, &spec.hosts[0]).unwrap())
        .collect();
    let mut runner = hostile::runner(1);
    let drafts = trees::accepted_drafts();
    while found.len() < count {
        let draft = drafts.new_tree(&mut runner).unwrap().current();
        found.extend(trees::tree(&draft).unwrap());
    }
    found
}

#[test]
fn the_real_programs_accept_every_tree_and_read_every_value_back() {
    let Some(machine) = Machine::up() else { return };
    let count = env::var("ANTEROOM_TREES").map_or(TREES, |count| count.parse().unwrap());
    let pair = support::certificate(&["telemed.example.com"], (2026, 1, 1), (2030, 1, 1));
    let wanted = some(count);
    let folder = machine.folder("trees");
    let mut asked = Asked(BTreeMap::new());
    let mut expected: BTreeMap<PathBuf, Vec<&str>> = BTreeMap::new();
    for (at, wanted) in wanted.iter().enumerate() {
        let dir = folder.join(format!("{at:04}"));
        write(&dir, wanted, &pair);
        let mut checks = asked.checks(wanted);
        if at % COTURN_EACH == 0 {
            checks.push("coturn");
        }
        accompany(&dir, wanted, &checks);
        expected.insert(dir, checks);
    }
    let wrong = misspelt(&folder, &wanted[0], &pair);
    // Jitsi's packages would make these; logrotate looks names up.
    machine.run("groupadd jitsi && useradd -r -g jitsi jvb && useradd -r -g jitsi jicofo");
    let judged = machine.run("ls -d /srv/judge/trees/* | xargs -P 2 -n 1 sh /srv/judge/judge.sh");
    assert!(judged.status.success(), "{judged:?}");

    let mut complaints = Vec::new();
    let mut answers: BTreeMap<&str, usize> = BTreeMap::new();
    for (dir, checks) in &expected {
        let verdict = fs::read_to_string(dir.join("verdict")).unwrap();
        let lines: Vec<Vec<&str>> = verdict.lines().map(|line| line.splitn(3, '\t').collect()).collect();
        for check in checks {
            match lines.iter().find(|line| line[0] == *check) {
                Some(line) if line[1] == "0" => *answers.entry(check).or_default() += 1,
                other => complaints.push(format!("{}: {check}: {other:?}", dir.display())),
            }
        }
    }
    for (dir, check) in wrong {
        let verdict = fs::read_to_string(dir.join("verdict")).unwrap();
        let refused = verdict
            .lines()
            .any(|line| line.starts_with(&format!("{check}\t")) && !line.contains("\t0\t"));
        if !refused {
            complaints.push(format!("{check} accepted what is misspelt: {verdict}"));
        }
    }
    println!("accepted: {answers:?} of {} trees", wanted.len());
    assert!(
        complaints.is_empty(),
        "{} complaints: {:#?}",
        complaints.len(),
        &complaints[..complaints.len().min(8)]
    );

    hocon_twice(&machine, &wanted);
    nginx_values(&machine);
    environment_values(&machine);
    machine.finish();
}

/// What the judge needs beside the tree.
fn accompany(dir: &Path, wanted: &Wanted, checks: &[&str]) {
    let units: BTreeSet<String> = wanted
        .tree
        .keys()
        .filter_map(|path| path.as_str().strip_prefix("/etc/systemd/system/"))
        .filter_map(|path| path.split('/').next())
        .map(|name| name.trim_end_matches(".d").to_owned())
        .filter(|name| name.ends_with(".service"))
        .collect();
    let units: Vec<String> = units.into_iter().collect();
    fs::write(dir.join("units"), units.join(" ")).unwrap();
    fs::write(dir.join("checks"), checks.join(" ")).unwrap();
    let realm = keys::texts(wanted)
        .find(|(path, _)| Language::of(path) == Language::Coturn)
        .and_then(|(_, text)| text.lines().find_map(|line| line.strip_prefix("realm=")))
        .unwrap();
    fs::write(dir.join("realm"), realm).unwrap();
}

/// Trees with one thing misspelt, each with the check that must refuse it: otherwise the checks would show nothing.
fn misspelt(folder: &Path, wanted: &Wanted, pair: &support::Made) -> Vec<(PathBuf, &'static str)> {
    const WRONG: &[(&str, Language, &str, &str)] = &[
        ("nginx", Language::Nginx, "server_tokens", "server_token"),
        ("nft", Language::Nft, "policy drop", "police drop"),
        ("sshd", Language::Sshd, "MaxAuthTries", "MaxAuthTry"),
        ("luac", Language::Prosody, "VirtualHost \"", "VirtualHost (\""),
        ("prosody", Language::Prosody, "VirtualHost \"", "VirtualHosts \""),
        ("logrotate", Language::Logrotate, "missingok", "missing-ok"),
        ("systemd", Language::SystemdUnit, "NoNewPrivileges", "NoNewPrivilege"),
        ("apt", Language::AptSources, "Types: deb", "Types: debs"),
        ("coturn", Language::Coturn, "stale-nonce", "stale-nonces"),
    ];
    WRONG
        .iter()
        .map(|(check, language, right, wrong)| {
            let dir = folder.join(format!("bad-{check}"));
            write(&dir, wanted, pair);
            accompany(&dir, wanted, &[check]);
            let mut changed = 0;
            for (path, text) in keys::texts(wanted).filter(|(path, _)| Language::of(path) == *language) {
                changed += text.matches(right).count();
                fs::write(
                    dir.join(path.trim_start_matches('/')),
                    filled(text).replace(right, wrong),
                )
                .unwrap();
            }
            assert!(changed > 0, "{right} is in no file; choose another word");
            (dir, *check)
        })
        .collect()
}

/// Two readers of HOCON agree on every file and on every quoted value.
fn hocon_twice(machine: &Machine, wanted: &[Wanted]) {
    let mut documents: BTreeSet<String> = BTreeSet::new();
    for wanted in wanted {
        let texts = keys::texts(wanted).filter(|(path, _)| Language::of(path) == Language::Hocon);
        documents.extend(texts.map(|(_, text)| text.to_owned()));
    }
    let mut texts = values();
    texts.truncate(VALUES);
    for text in &texts {
        documents.insert(format!(
            "v {{ x = {}\n y = 1 }}",
            quoted("hocon", &json!(text)).unwrap()
        ));
    }
    let documents: Vec<String> = documents.into_iter().collect();
    let folder = machine.folder("hocon");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("documents"), serde_json::to_string(&documents).unwrap()).unwrap();
    let script = "require \"json\"\nrequire \"hocon\"\n\
        print JSON.generate(JSON.parse(File.read(\"/srv/judge/hocon/documents\")).map { |text| Hocon.parse(text) })\n";
    fs::write(folder.join("read.rb"), script).unwrap();
    let output = machine.run("LANG=C.UTF-8 ruby /srv/judge/hocon/read.rb");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen.len(), documents.len());
    for (document, seen) in documents.iter().zip(seen) {
        assert_eq!(keys::hocon(document).unwrap(), seen, "{document}");
    }
}

/// Many texts, the well-known ones first.
fn values() -> Vec<String> {
    let mut runner = hostile::runner(1);
    let mut texts: Vec<String> = hostile::ONCE.iter().map(|text| (*text).to_owned()).collect();
    while texts.len() < 3 * VALUES {
        texts.push(hostile::text().new_tree(&mut runner).unwrap().current());
    }
    texts
}

/// nginx serves every quoted value as it is.
fn nginx_values(machine: &Machine) {
    // One token of nginx's configuration has at most 4096 bytes; the values that we render are names and paths.
    let texts: Vec<String> = values()
        .into_iter()
        .filter(|text| !text.is_empty() && text.len() < 1000 && quoted("nginx", &json!(text)).is_some())
        .take(VALUES)
        .collect();
    assert!(texts.len() > 100);
    let mut config = String::from(
        "error_log stderr;\npid /srv/judge/nginx/pid;\nevents {}\nhttp { server { listen 127.0.0.1:8099;\n",
    );
    for (at, text) in texts.iter().enumerate() {
        writeln!(
            config,
            "location = /{at} {{ return 200 {}; }}",
            quoted("nginx", &json!(text)).unwrap()
        )
        .unwrap();
    }
    config.push_str("} }\n");
    let folder = machine.folder("nginx");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("conf"), config).unwrap();
    let last = texts.len() - 1;
    let output = machine.run(&format!(
        "cd /srv/judge/nginx && nginx -c /srv/judge/nginx/conf && \
         curl -sf 'http://127.0.0.1:8099/[0-{last}]' -o '#1.out'; result=$?; kill $(cat pid); exit $result"
    ));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (at, text) in texts.iter().enumerate() {
        let seen = fs::read(folder.join(format!("{at}.out"))).unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&seen), *text);
    }
}

/// systemd puts every quoted value into an environment as it is.
fn environment_values(machine: &Machine) {
    let texts: Vec<String> = values()
        .into_iter()
        .filter(|text| text.len() < 200 && quoted("env", &json!(text)).is_some())
        .take(VALUES / 2)
        .collect();
    assert!(texts.len() > 100, "{}", texts.len());
    let mut file = String::new();
    for (at, text) in texts.iter().enumerate() {
        writeln!(file, "V{at}={}", quoted("env", &json!(text)).unwrap()).unwrap();
    }
    fs::write(machine.folder("environment"), file).unwrap();
    let output = machine.run("systemd-run -q --wait --pipe -p EnvironmentFile=/srv/judge/environment env -0");
    if !output.status.success() {
        let journal = machine.run("journalctl --no-pager -u 'run-*'");
        panic!("{output:?} {}", String::from_utf8_lossy(&journal.stdout));
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let seen: BTreeMap<&str, &str> = said.split('\0').filter_map(|pair| pair.split_once('=')).collect();
    for (at, text) in texts.iter().enumerate() {
        assert_eq!(seen.get(format!("V{at}").as_str()), Some(&text.as_str()), "V{at}");
    }
}
