//! The rendered files before the programs that will read them, as far as these are installed where the tests run.
//! `ANTEROOM_TESTS=require` makes a missing program a failure.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::Output;

use anteroom::render::Entry;
use anteroom::render::FileContent;
use anteroom::render::RenderedFile;
use anteroom::render::Wanted;
use anteroom::render::render;
use anteroom::spec::Auth;
use anteroom::spec::TokenAuth;
use anteroom::spec::TokenKey;

use crate::specs;

/// Whether a program answers; says so where it does not.
fn installed(program: &str, args: &[&str]) -> bool {
    let found = Command::new(program).args(args).output().is_ok();
    if !found {
        assert!(
            env::var("ANTEROOM_TESTS").as_deref() != Ok("require"),
            "{program} is needed here"
        );
        let _ = writeln!(std::io::stderr(), "skipped: {program} is not installed");
    }
    found
}

fn accepted(output: &Output, what: &str) {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {complaint}");
}

fn texts(wanted: &Wanted) -> impl Iterator<Item = (&str, &str)> {
    wanted.tree.iter().filter_map(|(path, entry)| match entry {
        Entry::File(RenderedFile {
            content: FileContent::Text(text),
            ..
        }) => Some((path.as_str(), text.as_str())),
        _ => None,
    })
}

/// Runs a program over a rendered file, put below `dir`.
fn judge(dir: &Path, program: &str, args: &[&str], text: &str) -> Output {
    let file = dir.join("file");
    fs::write(&file, text).unwrap();
    Command::new(program).args(args).arg(&file).output().unwrap()
}

#[test]
fn the_lua_compiler_accepts_every_lua_file() {
    if !installed("luac5.4", &["-v"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, spec) in specs::cases() {
        let wanted = render(&spec, &spec.hosts[0]).unwrap();
        let mut seen = 0;
        for (path, text) in texts(&wanted).filter(|(path, _)| path.ends_with(".lua")) {
            accepted(&judge(dir.path(), "luac5.4", &["-p"], text), &format!("{name}: {path}"));
            seen += 1;
        }
        assert_eq!(seen, 6, "{name}");
    }
}

#[test]
fn lua_itself_reads_hostile_strings_back() {
    if !installed("lua5.4", &["-v"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for hostile in [
        "\"; os.execute('x'); --",
        "]]\n\\",
        "line\u{2028}two\r\n\u{0}\u{7f}",
        "ü€\u{1F600}1\u{1}23",
        "'\"\\",
    ] {
        let auth = Auth::Token(TokenAuth {
            issuer: hostile.to_owned(),
            audience: "x".to_owned(),
            key: TokenKey::SharedSecret,
        });
        let spec = specs::test_spec(auth);
        let wanted = render(&spec, &spec.hosts[0]).unwrap();
        let (_, site) = texts(&wanted)
            .find(|(path, _)| path.ends_with("/telemed.example.com.cfg.lua"))
            .unwrap();
        let line = site.lines().find(|line| line.trim().starts_with("app_id = ")).unwrap();
        let output = judge(dir.path(), "lua5.4", &[], &format!("{line} io.write(app_id)"));
        accepted(&output, line);
        assert_eq!(String::from_utf8_lossy(&output.stdout), hostile, "{line}");
    }
}

#[test]
fn sshd_prints_the_settings_that_are_expected_of_it() {
    let sshd = "/usr/sbin/sshd";
    if !installed(sshd, &["-V"]) || !installed("ssh-keygen", &["-V"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .output()
        .unwrap();
    accepted(&made, "ssh-keygen");
    let (_, spec) = specs::cases().remove(0);
    let wanted = render(&spec, &spec.hosts[0]).unwrap();
    let (_, drop_in) = texts(&wanted)
        .find(|(path, _)| path.ends_with("00-anteroom.conf"))
        .unwrap();
    let file = dir.path().join("config");
    fs::write(&file, format!("{drop_in}HostKey {}\n", key.display())).unwrap();
    // sshd insists on this folder, which a server that never ran here has not made; without root there is no making it.
    let _ = fs::create_dir_all("/run/sshd");
    let output = Command::new(sshd).arg("-T").arg("-f").arg(&file).output().unwrap();
    accepted(&output, "sshd -T");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(wanted.sshd.len() > 10);
    for (keyword, value) in &wanted.sshd {
        let line = format!("{keyword} {value}");
        assert!(
            printed.lines().any(|printed| printed == line),
            "{line} is not in:\n{printed}"
        );
    }
}

#[test]
fn nft_accepts_the_table_in_a_network_of_its_own() {
    if !installed("nft", &["-v"]) || !installed("unshare", &["-V"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, spec) in specs::cases() {
        let wanted = render(&spec, &spec.hosts[0]).unwrap();
        let (_, table) = texts(&wanted).find(|(path, _)| path.ends_with("firewall.nft")).unwrap();
        let output = judge(dir.path(), "unshare", &["-rn", "nft", "-f"], table);
        accepted(&output, &name);
    }
}
