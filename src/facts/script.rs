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
