//! The output `anteroom_hosts` in what `terraform output -json` prints. Pure, and every problem is told at once.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Map;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;

use crate::spec::HostName;

/// The output's name.
const OUTPUT: &str = "anteroom_hosts";
/// What one host may tell.
const KEYS: &[&str] = &[
    "name",
    "roles",
    "address",
    "public_address",
    "private_address",
    "user",
    "host_key",
];

/// A host, as the outputs tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    /// Its name in the spec.
    pub(super) name: HostName,
    /// Its roles in the spec's words; `None`: not told.
    pub(super) roles: Option<Vec<String>>,
    /// Where SSH reaches it.
    pub(super) address: String,
    /// Where clients reach it.
    pub(super) public_address: Option<IpAddr>,
    /// Its own address.
    pub(super) private_address: Option<IpAddr>,
    /// Who logs in.
    pub(super) user: Option<String>,
    /// The fingerprint of its key, `SHA256:…`.
    pub(super) host_key: Option<String>,
}

/// Reads what `terraform output -json` printed. Without the output there are no hosts yet: a run that failed in the middle
/// leaves only those outputs that it came to.
pub(super) fn read(text: &str) -> Result<Vec<Described>, Vec<String>> {
    let document: Value = serde_json::from_str(text).map_err(|error| vec![format!("not JSON: {error}")])?;
    let Value::Object(outputs) = document else {
        return Err(vec!["not an object, as `terraform output -json` prints it".to_owned()]);
    };
    let Some(output) = outputs.get(OUTPUT) else {
        return Ok(Vec::new());
    };
    let Some(Value::Array(rows)) = output.get("value") else {
        return Err(vec![format!("`{OUTPUT}` is not a list of hosts")]);
    };
    let mut problems = Vec::new();
    let mut hosts: Vec<Described> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let Value::Object(row) = row else {
            problems.push(format!("`{OUTPUT}[{index}]` is not an object"));
            continue;
        };
        if let Some(host) = host(index, row, &mut problems) {
            if hosts.iter().any(|other| other.name == host.name) {
                problems.push(format!("the host {} is listed twice", host.name));
            }
            hosts.push(host);
        }
    }
    if problems.is_empty() { Ok(hosts) } else { Err(problems) }
}

fn host(index: usize, row: &Map<String, Value>, problems: &mut Vec<String>) -> Option<Described> {
    let before = problems.len();
    for key in row.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        let known = KEYS.join(", ");
        problems.push(format!("`{OUTPUT}[{index}]` has the key {key:?}; known are {known}"));
    }
    let mut told = |key: &str, wrong: &str, good: &dyn Fn(&str) -> bool| match row.get(key) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if good(text) => Some(text.clone()),
        Some(_) => {
            problems.push(format!("`{OUTPUT}[{index}].{key}` is not {wrong}"));
            None
        }
    };
    let is_name = |text: &str| text.parse::<HostName>().is_ok();
    let name = told("name", "a word of lower-case letters, digits and hyphens", &is_name);
    let address = told("address", "a host name or an IP address", &|text| plain(text, ".-:"));
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
    let public = told("public_address", "an IP address", &is_address);
    let private = told("private_address", "an IP address", &is_address);
    let user = told("user", "the name of an account", &|text| plain(text, "._-"));
    let is_key = |text: &str| fingerprint(text).is_some();
    let key = told(
        "host_key",
        "an OpenSSH public key or its fingerprint \"SHA256:…\"",
        &is_key,
    );
    for missing in ["name", "address"] {
        if matches!(row.get(missing), None | Some(Value::Null)) {
            problems.push(format!("`{OUTPUT}[{index}].{missing}` is missing"));
        }
    }
    let roles = roles(index, row, problems);
    if problems.len() > before {
        return None;
    }
    Some(Described {
        name: name?.parse().ok()?,
        roles,
        address: address?,
        public_address: public.and_then(|text| text.parse().ok()),
        private_address: private.and_then(|text| text.parse().ok()),
        user,
        host_key: key.as_deref().and_then(fingerprint),
    })
}

fn roles(index: usize, row: &Map<String, Value>, problems: &mut Vec<String>) -> Option<Vec<String>> {
    let texts = match row.get("roles") {
        None | Some(Value::Null) => return None,
        Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    if texts.is_none() {
        problems.push(format!("`{OUTPUT}[{index}].roles` is not a list of words"));
    }
    texts
}

/// Whether text can be an argument of `ssh`.
fn plain(text: &str, more: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(allowed)
}

/// The fingerprint that a text gives: itself, or that of the public key it is.
fn fingerprint(text: &str) -> Option<String> {
    if let Some(digest) = text.strip_prefix("SHA256:") {
        let digest = digest.trim_end_matches('=');
        let bytes = STANDARD_NO_PAD.decode(digest).ok()?;
        return (bytes.len() == 32).then(|| format!("SHA256:{digest}"));
    }
    let mut words = text.split_whitespace();
    let (kind, blob) = (words.next()?, words.next()?);
    let blob = STANDARD.decode(blob).ok()?;
    // A key begins with its kind, and the length of that before it (RFC 4253 6.6).
    let length = usize::try_from(u32::from_be_bytes(*blob.first_chunk()?)).ok()?;
    let named = blob.get(4..4 + length)?;
    (named == kind.as_bytes()).then(|| format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&blob))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `ssh-keygen -t ed25519`; the fingerprint is what `ssh-keygen -lf` prints of it.
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGkwa5hM93ST9YRxhSVJcAxyt6j5nzpjlygCrOtZpxM3 root@core";
    const FINGERPRINT: &str = "SHA256:TZCRArkWLlk9qMEVjgCoBQnn6VwTUcJEdti8Q0sf04I";

    fn wrap(hosts: &str) -> String {
        format!(
            "{{\"anteroom_hosts\":{{\"sensitive\":false,\"type\":\"dynamic\",\"value\":{hosts}}},\"other\":{{\"value\":1}}}}"
        )
    }

    #[test]
    fn real_output_is_read() {
        let text = include_str!("../../../tests/fixtures/terraform/captured/output.json");
        assert!(
            text.contains("swordfish"),
            "the fixture holds another, sensitive output"
        );
        let expected = Described {
            name: "core".parse().unwrap(),
            roles: Some(vec!["core".to_owned()]),
            address: "203.0.113.7".to_owned(),
            public_address: Some("203.0.113.7".parse().unwrap()),
            private_address: Some("10.77.0.7".parse().unwrap()),
            user: Some("admin".to_owned()),
            host_key: None,
        };
        assert_eq!(read(text).unwrap(), [expected]);
        let nothing = include_str!("../../../tests/fixtures/terraform/captured/output-nothing-built.json");
        assert_eq!(read(nothing).unwrap(), []);
        assert_eq!(read("{\"secret\":{\"sensitive\":true,\"value\":\"x\"}}").unwrap(), []);
    }

    #[test]
    fn a_public_key_and_its_fingerprint_say_the_same() {
        for text in [KEY, FINGERPRINT] {
            let hosts = wrap(&format!(
                "[{{\"name\":\"core\",\"address\":\"a.example\",\"host_key\":\"{text}\"}}]"
            ));
            assert_eq!(read(&hosts).unwrap()[0].host_key.as_deref(), Some(FINGERPRINT));
        }
        let other_kind = KEY.replace("ssh-ed25519 ", "ssh-rsa ");
        for text in [
            other_kind.as_str(),
            "SHA256:abc",
            "ssh-ed25519",
            "ssh-ed25519 AAAA",
            "ssh-ed25519 ////////",
        ] {
            assert_eq!(fingerprint(text), None, "{text}");
        }
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let hosts = "[{\"name\":\"Core\",\"address\":\"-oProxyCommand=x\",\"hostkey\":\"\"},\
                      {\"roles\":\"core\",\"user\":\"a b\",\"host_key\":\"x\",\"private_address\":\"10.0.0\"},7]";
        assert_eq!(
            read(&wrap(hosts)).unwrap_err(),
            [
                "`anteroom_hosts[0]` has the key \"hostkey\"; known are name, roles, address, public_address, \
                 private_address, user, host_key",
                "`anteroom_hosts[0].name` is not a word of lower-case letters, digits and hyphens",
                "`anteroom_hosts[0].address` is not a host name or an IP address",
                "`anteroom_hosts[1].private_address` is not an IP address",
                "`anteroom_hosts[1].user` is not the name of an account",
                "`anteroom_hosts[1].host_key` is not an OpenSSH public key or its fingerprint \"SHA256:…\"",
                "`anteroom_hosts[1].name` is missing",
                "`anteroom_hosts[1].address` is missing",
                "`anteroom_hosts[1].roles` is not a list of words",
                "`anteroom_hosts[2]` is not an object",
            ]
        );
    }

    #[test]
    fn what_is_no_output_of_terraform_is_refused() {
        for (text, why) in [
            ("[]", "not an object"),
            ("Warning: No outputs found", "not JSON"),
            ("{\"anteroom_hosts\":{\"value\":\"core\"}}", "not a list of hosts"),
        ] {
            let problems = read(text).unwrap_err();
            assert!(problems[0].contains(why), "{problems:?}");
        }
        let twice = wrap("[{\"name\":\"core\",\"address\":\"a\"},{\"name\":\"core\",\"address\":\"b\"}]");
        assert_eq!(read(&twice).unwrap_err(), ["the host core is listed twice"]);
    }
}
