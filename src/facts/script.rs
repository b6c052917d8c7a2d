//! The one script and the input that goes with it. A request is data: it travels as tab-separated lines on standard
//! input and is never part of the script.

use std::fmt::Write;

use crate::facts::Depth;
use crate::facts::Request;

/// The shell function that frames an answer.
const SECTION: &str = include_str!("section.sh");

/// The shell function that reads the counter of datagrams; part of both looks.
const MEDIA: &str = include_str!("media.sh");

/// What is looked at beside the files of ours.
const INSIDE: &str = include_str!("inside.sh");

/// The Lua program that compares accounts, put into the script's here-document.
const ACCOUNTS_LUA: &str = include_str!("accounts.lua");

/// The script; the same for every host and request.
pub(super) fn script() -> String {
    include_str!("look.sh")
        .replace("@ACCOUNTS_LUA@", ACCOUNTS_LUA.trim_end())
        .replace("@SECTION_SH@", SECTION.trim_end())
        .replace("@INSIDE_SH@", INSIDE.trim_end())
        .replace("@MEDIA_SH@", MEDIA.trim_end())
}

/// The script of the second look.
pub(super) fn after() -> String {
    include_str!("after.sh")
        .replace("@SECTION_SH@", SECTION.trim_end())
        .replace("@MEDIA_SH@", MEDIA.trim_end())
}

/// The request as the script reads it. Names with control characters are left out, so that they come back unanswered,
/// which is unknown; no valid unit, package or account has one.
pub(super) fn input(request: &Request) -> Vec<u8> {
    let mut text = String::new();
    let mut line = |kind: &str, fields: &[&str]| {
        if !fields.iter().any(|field| field.chars().any(char::is_control)) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{kind}\t{}", fields.join("\t"));
        }
    };
    for path in &request.paths {
        let kind = if request.hash_only.contains(path) {
            "hash"
        } else {
            "path"
        };
        line(kind, &[path.as_str()]);
    }
    for path in &request.apt_keys {
        line("aptkey", &[path.as_str()]);
    }
    for unit in &request.units {
        line("unit", &[unit]);
    }
    for package in &request.packages {
        line("package", &[package]);
    }
    for (jid, secret) in &request.accounts {
        line("account", &[jid, &secret.0]);
    }
    for folder in &request.folders {
        line("folder", &[folder.as_str()]);
    }
    for key in &request.kernel {
        line("kernel", &[key]);
    }
    for (unit, names) in &request.properties {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        line("property", &[unit, &names.join(",")]);
    }
    if request.depth == Depth::Audit {
        line("depth", &["audit"]);
    }
    for (certificate, key) in &request.certificates {
        line("certificate", &[certificate.as_str(), key.as_str()]);
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_lines_and_a_hostile_name_is_left_out() {
        let path: crate::spec::RemotePath = "/etc/a $(x) b".parse().unwrap();
        let key: crate::spec::RemotePath = "/etc/key".parse().unwrap();
        let request = Request {
            paths: vec![path, key.clone()],
            hash_only: [key].into(),
            units: vec!["nginx.service".to_owned(), "x\nhash\t/etc/shadow".to_owned()],
            ..Request::default()
        };
        let text = String::from_utf8(input(&request)).unwrap();
        assert_eq!(text, "path\t/etc/a $(x) b\nhash\t/etc/key\nunit\tnginx.service\n");
    }

    /// What the script asks the journal for, where it runs below `before`.
    fn asked_of_the_journal(before: &str, connection: Option<&str>) -> std::process::Output {
        let dir = tempfile::tempdir().unwrap();
        let doubles = "timeout() { shift; \"$@\"; }; journalctl() { echo \"$*\" >&2; echo line; }";
        let look = format!("set -u; T=$1; {doubles}\n{INSIDE}\naudit_trail");
        let mut command = std::process::Command::new("sh");
        // A command behind it keeps the outer shell from becoming the inner one.
        command.args(["-c", &format!("{before} sh -c \"$2\" sh \"$1\" || exit $?; :"), "sh"]);
        command.arg(dir.path()).arg(look).env_remove("SSH_CONNECTION");
        if let Some(connection) = connection {
            command.env("SSH_CONNECTION", connection);
        }
        command.output().unwrap()
    }

    #[test]
    fn the_journal_is_asked_for_this_very_login_by_root_and_through_sudo() {
        let connection = Some("203.0.113.7 4711 192.0.2.10 22");
        let of = |before: &str| {
            let output = asked_of_the_journal(before, connection);
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stderr).unwrap()
        };
        let root = of("");
        assert!(
            root.contains("for root from .* port 4711 ") && !root.contains("-t sudo"),
            "{root}"
        );
        // sudo keeps neither the variable nor anything else of its caller's.
        let sudo = of("env -i SUDO_USER=ann PATH=/usr/bin:/bin");
        assert!(
            sudo.contains("for ann from .* port 4711 ") && sudo.contains("-t sudo"),
            "{sudo}"
        );
    }

    #[test]
    fn a_look_that_does_not_know_its_connection_asks_for_no_other() {
        if std::env::var_os("SSH_CONNECTION").is_some() {
            return;
        }
        let output = asked_of_the_journal("", None);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && said.contains("by which connection"),
            "{said}"
        );
    }

    #[test]
    fn the_script_has_its_lua_program_and_no_shell_ends_it_early() {
        let script = script();
        assert!(script.contains("pbkdf2_hmac_") && script.contains("media_packets()"));
        let holes = |script: &str| script.lines().any(|line| line.starts_with('@'));
        assert!(!holes(&script) && !holes(&after()));
        assert!(after().contains("log_marks()") && after().contains("media_packets()"));
        assert_eq!(script.lines().filter(|line| *line == "LUA").count(), 1);
    }
}
