//! Fifty hand edits, drawn from a seed, then one `apply`, and nothing is left that an audit or a plan would name. Only
//! such edits are drawn as `apply` says it heals: what is somebody else's, or would cut the operator off, is not.
//!
//! `ANTEROOM_SEED=7,8` runs these seeds one after the other, and `ANTEROOM_SEED=clock` one that nobody has tried yet;
//! without it, it is always the same one, so that a failure comes from the change that is being tested. A failure prints
//! its seed and its edits.

use std::env;
use std::fmt::Write;
use std::thread;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::bench::Bench;
use crate::host::TestHost;
use crate::spec_file::SpecFile;

/// Edits of one run.
const EDITS: usize = 50;
/// Packages taken away in one run: each costs seconds to bring back.
const REMOVALS: usize = 3;

const SERVICES: &[&str] = &[
    "anteroom-firewall",
    "coturn",
    "jicofo",
    "jitsi-videobridge2",
    "nginx",
    "prosody",
];
const JITSI: &[&str] = &["jicofo", "jitsi-meet-prosody", "jitsi-meet-web", "jitsi-videobridge2"];
const PACKAGES: &[&str] = &[
    "coturn",
    "gnupg",
    "iproute2",
    "jicofo",
    "jitsi-meet-web",
    "jitsi-videobridge2",
    "jq",
    "logrotate",
    "lua-basexx",
    "lua-luaossl",
    "lua5.4",
    "nftables",
    "nginx",
    "openssl",
    "prosody",
    "ruby-hocon",
];
/// What must not exist, by the templates of the packages or by ours.
const FORBIDDEN: &[&str] = &[
    "/etc/jitsi/jicofo/sip-communicator.properties",
    "/etc/jitsi/videobridge/sip-communicator.properties",
    "/etc/nginx/modules-enabled/60-jitsi-meet.conf",
    "/etc/nginx/sites-enabled/default",
    "/etc/prosody/conf.d/jaas.cfg.lua",
    "/etc/prosody/conf.d/localhost.cfg.lua",
];
const OWNERS: &[&str] = &["nobody:nogroup", "www-data:www-data", "root:daemon", "root:root"];
const MODES: &[&str] = &["0000", "0600", "0644", "0666", "0777", "4755"];

/// A splitmix64 sequence: the same seed draws the same edits on every computer.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    fn one<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

/// What is at one of our paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Dir,
    Link,
}

/// The edits of one run; told when the run fails.
struct Journal {
    seed: u64,
    edits: Vec<String>,
}

impl Drop for Journal {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut text = format!("ANTEROOM_SEED={}, whose edits were\n", self.seed);
            for edit in &self.edits {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "  {edit}");
            }
            eprint!("{text}");
        }
    }
}

/// Every seed on a host of its own.
pub(crate) fn fifty_hand_edits_are_healed_by_one_apply(bench: &Bench) {
    let seeds: Vec<u64> = match env::var("ANTEROOM_SEED").as_deref() {
        Ok("clock") => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            vec![now.as_secs()]
        }
        Ok(list) => list.split(',').map(|seed| seed.trim().parse().unwrap()).collect(),
        // The last one that found something.
        Err(_) => vec![1_795_614_895],
    };
    let mut failed: Vec<u64> = Vec::new();
    for seed in seeds {
        println!("fifty hand edits from ANTEROOM_SEED={seed}");
        let ended = thread::scope(|scope| scope.spawn(|| converges(bench, seed)).join());
        failed.extend(ended.is_err().then_some(seed));
    }
    assert!(failed.is_empty(), "one apply did not heal the seeds {failed:?}");
}

fn converges(bench: &Bench, seed: u64) {
    let host = bench.deployed("edited");
    let spec = host.write("anteroom.toml", &SpecFile::token());
    let paths = ours(&host);
    let mut journal = Journal {
        seed,
        edits: draw(seed, &paths),
    };
    // What an earlier edit took away, a later one cannot change: each may fail, but most must not.
    let mut script = String::from("mkdir -p /root/elsewhere; echo elsewhere >/root/elsewhere/file\n");
    for (number, edit) in journal.edits.iter().enumerate() {
        writeln!(
            script,
            "end=0; ( {edit} ) >/dev/null 2>&1 </dev/null || end=$?; echo \"edit {number} $end\""
        )
        .unwrap();
    }
    let told = host.run(&script);
    let ends: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("edit ")).collect();
    assert_eq!(ends.len(), EDITS, "{told}");
    let mut done = 0;
    for (edit, end) in journal.edits.iter_mut().zip(&ends) {
        if end.ends_with(" 0") {
            done += 1;
        } else {
            edit.push_str("   # failed");
        }
    }
    assert!(done >= EDITS / 2, "only {done} edits came about");
    host.anteroom(&["plan", "-f", &spec]).expect(4);
    host.apply(&spec).clean();
    host.anteroom(&["plan", "-f", &spec]).expect(0);
}

/// Every path that our manifest names.
fn ours(host: &TestHost<'_>) -> Vec<(String, Kind)> {
    let list = host.run(
        "sed -n 's/^ *\"path\": \"\\([^\"]*\\)\",*$/\\1/p' /etc/anteroom/manifest.json | xargs stat -c '%F:%n' --",
    );
    let mut paths = Vec::new();
    for line in list.lines() {
        let (kind, path) = line.split_once(':').unwrap();
        let kind = match kind {
            "directory" => Kind::Dir,
            "symbolic link" => Kind::Link,
            _ => Kind::File,
        };
        paths.push((path.to_owned(), kind));
    }
    assert!(paths.len() > 30, "{list}");
    paths
}

fn draw(seed: u64, paths: &[(String, Kind)]) -> Vec<String> {
    let mut dice = Dice(seed);
    let mut edits = Vec::new();
    let mut removals = 0;
    while edits.len() < EDITS {
        let edit = match dice.below(20) {
            0..10 => {
                let (path, kind) = &paths[dice.below(paths.len())];
                match kind {
                    Kind::File => file(&mut dice, path),
                    Kind::Dir => dir(&mut dice, path),
                    Kind::Link => link(&mut dice, path),
                }
            }
            10..13 => unit(&mut dice),
            13 if removals < REMOVALS => {
                removals += 1;
                remove(&mut dice)
            }
            13 | 14 => format!("apt-mark unhold {}", dice.one(JITSI)),
            15 | 16 => account(&mut dice),
            17 => firewall(&mut dice),
            18 => secret(&mut dice),
            _ => other(&mut dice),
        };
        edits.push(edit);
    }
    edits
}

/// Content, kind and access of a file.
fn file(dice: &mut Dice, path: &str) -> String {
    match dice.below(13) {
        0 => format!("echo '# by hand' >>{path}"),
        1 => format!(": >{path}"),
        2 => format!("rm -f {path}"),
        3 => format!("rm -f {path}; ln -s /root/elsewhere/file {path}"),
        4 => format!("rm -f {path}; ln -s /nowhere {path}"),
        5 => format!("rm -f {path}; mkdir {path}"),
        6 | 7 => format!("chmod {} {path}", dice.one(MODES)),
        8 | 9 => format!("chown {} {path}", dice.one(OWNERS)),
        10 => format!("sed -i '{}d' {path}", 1 + dice.below(30)),
        11 => format!("touch {path}"),
        _ => format!("head -c 300 /dev/urandom >{path}"),
    }
}

fn dir(dice: &mut Dice, path: &str) -> String {
    match dice.below(5) {
        0 => format!("chmod {} {path}", dice.one(MODES)),
        1 => format!("chown {} {path}", dice.one(OWNERS)),
        2 => format!("rm -rf {path}"),
        3 => format!("rm -rf {path}; echo x >{path}"),
        _ => format!("rm -rf {path}; ln -s /root/elsewhere {path}"),
    }
}

/// Never through the link: what it points to is a package's.
fn link(dice: &mut Dice, path: &str) -> String {
    match dice.below(4) {
        0 => format!("rm -f {path}"),
        1 => format!("rm -rf {path}; ln -s /nowhere {path}"),
        2 => format!("rm -rf {path}; echo x >{path}"),
        _ => format!("rm -rf {path}; mkdir {path}"),
    }
}

/// The operator comes in by ssh, so that it is not stopped.
fn unit(dice: &mut Dice) -> String {
    let service = dice.one(SERVICES);
    match dice.below(8) {
        0 => format!("systemctl stop {service}"),
        1 => format!("systemctl disable {service}"),
        2 => format!("systemctl disable --now {service}"),
        3 => format!("systemctl mask {service}"),
        4 => format!("systemctl mask --now {service}"),
        5 => format!("systemctl kill -s KILL {service}"),
        6 => "systemctl disable ssh".to_owned(),
        _ => "systemctl mask ssh".to_owned(),
    }
}

fn remove(dice: &mut Dice) -> String {
    let verb = dice.one(&["remove", "purge"]);
    format!(
        "apt-mark unhold {}; DEBIAN_FRONTEND=noninteractive apt-get -q -y {verb} {}",
        JITSI.join(" "),
        dice.one(PACKAGES)
    )
}

fn account(dice: &mut Dice) -> String {
    let user = dice.one(&["focus", "jvb"]);
    match dice.below(4) {
        0 => format!("printf 'by-hand\\nby-hand\\n' | prosodyctl passwd {user}@auth.telemed.example.test"),
        1 => format!("prosodyctl deluser {user}@auth.telemed.example.test"),
        2 => format!("rm /var/lib/prosody/auth*/accounts/{user}.dat"),
        _ => "prosodyctl register evil auth.telemed.example.test by-hand".to_owned(),
    }
}

/// Nothing that drops the operator's packets.
fn firewall(dice: &mut Dice) -> String {
    match dice.below(5) {
        0 => "nft delete table inet anteroom".to_owned(),
        1 => format!(
            "nft insert rule inet anteroom input tcp dport {} accept",
            2000 + dice.below(9)
        ),
        2 => "nft add chain inet anteroom by_hand".to_owned(),
        3 => "nft 'add chain inet anteroom input { policy accept; }'".to_owned(),
        _ => "nft insert rule inet anteroom input accept".to_owned(),
    }
}

fn secret(dice: &mut Dice) -> String {
    let file = "/etc/anteroom/secrets";
    let name = dice.one(&["focus", "jvb", "token", "turn"]);
    match dice.below(6) {
        0 => format!("sed -i '/^{name}=/d' {file}"),
        1 => format!("sed -i 's/^{name}=.*/{name}=by-hand/' {file}"),
        2 => {
            format!("sed -i \"s/^{name}=.*/{name}=$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \\n')/\" {file}")
        }
        3 => format!("chmod {} {file}", dice.one(MODES)),
        4 => format!("chown {} {file}", dice.one(OWNERS)),
        _ => format!("rm -f {file}"),
    }
}

fn other(dice: &mut Dice) -> String {
    let path = dice.one(FORBIDDEN);
    match dice.below(8) {
        0 | 1 => format!("echo x >{path}"),
        2 => format!("ln -s /nowhere {path}"),
        3 => format!("mkdir {path}"),
        4 => format!("useradd -m -s /bin/bash visitor{}", dice.below(100)),
        5 => "rm -f /etc/anteroom/manifest.json".to_owned(),
        6 => "rm -rf /var/lib/apt/lists/*; apt-get clean".to_owned(),
        _ => "pkill -KILL java".to_owned(),
    }
}
