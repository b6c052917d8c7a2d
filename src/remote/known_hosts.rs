//! What `known_hosts` files say of a host: which keys, from which line, and whether an offered key is one of them. Pure;
//! hashed names are compared by a function passed in, since libssh2 has the hash.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::remote::keys::fingerprint;
use crate::remote::keys::type_of;

/// The names a host may have in a `known_hosts` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// `host`, or `[host]:port` for other ports than 22.
    pub(super) exact: String,
    /// `host` for other ports than 22: OpenSSH accepts a key found there, but does not miss one.
    pub(super) without_port: Option<String>,
}

impl Names {
    /// Of a host and port, in lower case as OpenSSH compares them.
    pub(super) fn of(host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase();
        if port == 22 {
            Self {
                exact: host,
                without_port: None,
            }
        } else {
            Self {
                exact: format!("[{host}]:{port}"),
                without_port: Some(host),
            }
        }
    }
}

/// One key on file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    blob: Vec<u8>,
    place: String,
}

/// Everything the files say of one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    exact: Vec<Entry>,
    without_port: Vec<Entry>,
    revoked: Vec<Vec<u8>>,
    authority: Option<String>,
}

/// What is to be thought of an offered key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is on file.
    Trusted,
    /// The host is not on file.
    Unknown {
        /// A `@cert-authority` line speaks for the host; host certificates are not supported.
        authority: Option<String>,
    },
    /// The host is on file with other keys: fingerprint and place of each.
    Changed(Vec<(String, String)>),
    /// The key is marked `@revoked`.
    Revoked,
}

impl Known {
    /// Adds the lines of one file. `hashed(field, name)` tells whether a `|1|salt|hash` field stands for a name.
    /// Lines that nobody could read are skipped, as OpenSSH skips them.
    pub(super) fn read(&mut self, file: &str, text: &str, names: &Names, hashed: &mut dyn FnMut(&str, &str) -> bool) {
        for (number, line) in (1..).zip(text.lines()) {
            let mut fields = line.split_whitespace().peekable();
            let marker = fields.next_if(|field| field.starts_with('@'));
            let (Some(hosts), Some(_), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            if hosts.starts_with('#') {
                continue;
            }
            let Ok(blob) = STANDARD.decode(key) else { continue };
            let entry = Entry {
                blob,
                place: format!("{file}:{number}"),
            };
            let mut speaks_for = |name: &str| matches(hosts, name, hashed);
            match marker {
                // A revoked key is refused whichever host the line names: nobody revokes a key for one host only.
                Some("@revoked") => self.revoked.push(entry.blob),
                Some("@cert-authority") if speaks_for(&names.exact) => self.authority = Some(entry.place),
                Some(_) => {}
                None if speaks_for(&names.exact) => self.exact.push(entry),
                None if names.without_port.as_deref().is_some_and(speaks_for) => self.without_port.push(entry),
                None => {}
            }
        }
    }

    /// The key types on file, for the negotiation.
    pub(super) fn types(&self) -> Vec<String> {
        let entries = if self.exact.is_empty() {
            &self.without_port
        } else {
            &self.exact
        };
        entries.iter().map(|entry| type_of(&entry.blob).to_owned()).collect()
    }

    /// Judges the key that the host offers.
    pub(super) fn judge(&self, offered: &[u8]) -> Verdict {
        let holds = |entries: &[Entry]| entries.iter().any(|entry| entry.blob == offered);
        if self.revoked.iter().any(|blob| blob == offered) {
            return Verdict::Revoked;
        }
        if holds(&self.exact) || self.exact.is_empty() && holds(&self.without_port) {
            return Verdict::Trusted;
        }
        if self.exact.is_empty() {
            return Verdict::Unknown {
                authority: self.authority.clone(),
            };
        }
        Verdict::Changed(
            self.exact
                .iter()
                .map(|entry| (fingerprint(&entry.blob), entry.place.clone()))
                .collect(),
        )
    }
}

/// Whether a line's first field stands for a name: patterns with `*`, `?` and `!`, separated by commas, or one hash.
fn matches(hosts: &str, name: &str, hashed: &mut dyn FnMut(&str, &str) -> bool) -> bool {
    if hosts.starts_with('|') {
        return hashed(hosts, name);
    }
    let mut any = false;
    for pattern in hosts.split(',') {
        let pattern = pattern.to_ascii_lowercase();
        match pattern.strip_prefix('!') {
            Some(not) if wild(not.as_bytes(), name.as_bytes()) => return false,
            Some(_) => {}
            None => any |= wild(pattern.as_bytes(), name.as_bytes()),
        }
    }
    any
}

/// Shell-like matching of `*` and `?`, in time proportional to the product of both lengths.
fn wild(pattern: &[u8], name: &[u8]) -> bool {
    let mut reach = vec![false; name.len() + 1];
    reach[0] = true;
    for &p in pattern {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match p {
                b'*' => reach[at] || at > 0 && next[at - 1],
                b'?' => at > 0 && reach[at - 1],
                _ => at > 0 && reach[at - 1] && name[at - 1] == p,
            };
        }
        reach = next;
    }
    reach[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIPlKuIY44034chsHg7w1HUpfghCo1pf7J9e3MFXKrYTN";

    fn blob() -> Vec<u8> {
        STANDARD.decode(KEY).unwrap()
    }

    fn judge(text: &str, host: &str, port: u16, offered: &[u8]) -> Verdict {
        let mut known = Known::default();
        known.read("known_hosts", text, &Names::of(host, port), &mut |_, _| false);
        known.judge(offered)
    }

    #[test]
    fn a_listed_key_is_trusted_under_names_patterns_and_ports() {
        for (line, host, port) in [
            ("web.example.com", "web.example.com", 22),
            ("other,WEB.example.com", "Web.Example.com", 22),
            ("*.example.com", "web.example.com", 22),
            ("w?b.example.*", "web.example.com", 22),
            ("[web.example.com]:2222", "web.example.com", 2222),
            ("web.example.com", "web.example.com", 2222),
            ("::1", "::1", 22),
        ] {
            let text = format!("# comment\n\n{line} ssh-ed25519 {KEY} me\n");
            assert_eq!(judge(&text, host, port, &blob()), Verdict::Trusted, "{line}");
        }
    }

    #[test]
    fn another_host_is_unknown() {
        for line in [
            "web.example.org",
            "!web.example.com,*.example.com",
            "[web.example.com]:2222",
            "*.com.",
            "-",
        ] {
            let text = format!("{line} ssh-ed25519 {KEY}\n");
            let verdict = judge(&text, "web.example.com", 22, &blob());
            assert_eq!(verdict, Verdict::Unknown { authority: None }, "{line}");
        }
    }

    #[test]
    fn a_changed_key_names_the_line_that_expected_another() {
        let text = format!("\nweb ssh-ed25519 {KEY}\n");
        let Verdict::Changed(expected) = judge(&text, "web", 22, b"another") else {
            panic!("not changed");
        };
        assert_eq!(expected, [(fingerprint(&blob()), "known_hosts:2".to_owned())]);
    }

    #[test]
    fn a_key_of_the_plain_name_does_not_make_another_port_changed() {
        let text = format!("web ssh-ed25519 {KEY}\n");
        assert_eq!(
            judge(&text, "web", 2222, b"another"),
            Verdict::Unknown { authority: None }
        );
    }

    #[test]
    fn a_revoked_key_is_refused_though_it_is_listed() {
        let text = format!("web ssh-ed25519 {KEY}\n@revoked * ssh-ed25519 {KEY}\n");
        assert_eq!(judge(&text, "web", 22, &blob()), Verdict::Revoked);
    }

    #[test]
    fn a_certificate_authority_is_named_but_not_followed() {
        let text = format!("@cert-authority *.example.com ssh-ed25519 {KEY}\n");
        let authority = Some("known_hosts:1".to_owned());
        assert_eq!(
            judge(&text, "a.example.com", 22, &blob()),
            Verdict::Unknown { authority }
        );
    }

    #[test]
    fn hashed_names_are_asked_for_both_names() {
        let mut known = Known::default();
        let mut asked = Vec::new();
        let text = format!("|1|salt|hash ssh-ed25519 {KEY}\n");
        known.read("f", &text, &Names::of("web", 2222), &mut |field, name| {
            asked.push(format!("{field} {name}"));
            name == "web"
        });
        assert_eq!(asked, ["|1|salt|hash [web]:2222", "|1|salt|hash web"]);
        assert_eq!(known.judge(&blob()), Verdict::Trusted);
        assert_eq!(known.types(), ["ssh-ed25519"]);
    }
}
