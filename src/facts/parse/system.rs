//! The operating system, the lock, the manifest, our secrets' lengths and sshd's effective settings.

use std::collections::BTreeMap;

use crate::facts::LockHolder;
use crate::facts::Manifest;
use crate::facts::Os;
use crate::render::SecretName;

/// /etc/os-release (os-release(5): shell-like assignments, quotes optional).
pub(crate) fn os(text: &str) -> Result<Os, String> {
    let fields: BTreeMap<&str, String> = text
        .lines()
        .filter_map(|line| line.trim().split_once('='))
        .map(|(key, value)| (key, unquote(value)))
        .collect();
    let field = |key: &str| fields.get(key).cloned();
    Ok(Os {
        id: field("ID").ok_or("/etc/os-release has no ID")?,
        // Rolling releases have none; no such release is supported, but it is seen and not unknown.
        version: field("VERSION_ID").unwrap_or_default(),
        pretty: field("PRETTY_NAME").unwrap_or_default(),
    })
}

fn unquote(value: &str) -> String {
    let value = value.trim();
    let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    match quoted('"').or_else(|| quoted('\'')) {
        Some(inner) => inner
            .replace("\\\"", "\"")
            .replace("\\$", "$")
            .replace("\\`", "`")
            .replace("\\\\", "\\"),
        None => value.to_owned(),
    }
}

/// /run/anteroom/holder: `who=`, `since=` and `verb=` lines. A holder that left none is still one.
pub(crate) fn lock_holder(text: &str) -> LockHolder {
    let field = |key: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        value.unwrap_or("unknown").to_owned()
    };
    LockHolder {
        who: field("who"),
        since: field("since"),
        verb: field("verb"),
    }
}

/// /etc/anteroom/manifest.json.
pub(crate) fn manifest(text: &str) -> Result<Manifest, String> {
    let manifest: Manifest = serde_json::from_str(text).map_err(|error| format!("manifest: {error}"))?;
    if manifest.schema != "anteroom/manifest/v1" {
        return Err(format!(
            "manifest: its schema is {:?}; a newer anteroom wrote it",
            manifest.schema
        ));
    }
    Ok(manifest)
}

/// `name<tab>length` lines.
pub(crate) fn secret_lengths(text: &str) -> Result<BTreeMap<SecretName, usize>, String> {
    text.lines()
        .map(|line| {
            let (name, length) = line.split_once('\t').ok_or("secrets: a line without a length")?;
            let length = length.parse().map_err(|_| format!("secrets: a length of {length:?}"))?;
            Ok((SecretName(name.to_owned()), length))
        })
        .collect()
}

/// `sshd -T`: one keyword and its value a line; repeated keywords are joined by spaces.
pub(crate) fn sshd(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut settings: BTreeMap<String, String> = BTreeMap::new();
    for line in text.lines() {
        let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
        settings
            .entry(keyword.to_ascii_lowercase())
            .and_modify(|all| {
                all.push(' ');
                all.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    if settings.contains_key("port") {
        Ok(settings)
    } else {
        Err("sshd: `sshd -T` named no port".to_owned())
    }
}

/// Several `sshd -T -C …`, each behind a line `connection …`.
pub(crate) fn sshd_as(text: &str) -> Result<BTreeMap<String, BTreeMap<String, String>>, String> {
    let mut blocks: BTreeMap<String, String> = BTreeMap::new();
    let mut current = None;
    for line in text.lines() {
        if let Some(connection) = line.strip_prefix("connection ") {
            current = Some(blocks.entry(connection.to_owned()).or_default());
            continue;
        }
        let block = current.as_mut().ok_or("sshd: the answer begins without a connection")?;
        block.push_str(line);
        block.push('\n');
    }
    if blocks.is_empty() {
        return Err("sshd: it was asked for no connection".to_owned());
    }
    blocks
        .into_iter()
        .map(|(connection, block)| Ok((connection, sshd(&block)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn os_release_of_debian_and_ubuntu() {
        let debian = os(include_str!("../../../tests/fixtures/facts/os-release-debian-12")).unwrap();
        assert_eq!((debian.id.as_str(), debian.version.as_str()), ("debian", "12"));
        assert_eq!(debian.pretty, "Debian GNU/Linux 12 (bookworm)");
        let odd = os("ID=arch\nPRETTY_NAME='A \"quoted\" name'\n").unwrap();
        assert_eq!((odd.version.as_str(), odd.pretty.as_str()), ("", "A \"quoted\" name"));
        assert!(os("").is_err());
    }

    #[test]
    fn a_holder_without_a_name_is_still_a_holder() {
        let holder = lock_holder("who=ann@laptop\nsince=2026-11-22T10:00:00Z\nverb=apply\n");
        assert_eq!(holder.who, "ann@laptop");
        assert_eq!(lock_holder("").verb, "unknown");
    }

    #[test]
    fn a_manifest_of_another_schema_is_refused() {
        let text = r#"{"schema": "anteroom/manifest/v1", "deployment": "d", "domain": "a.b", "host": "core", "tool": "0",
            "paths": [], "packages": [], "held": [], "units": [], "accounts": [], "secrets": ["turn"]}"#;
        assert_eq!(manifest(text).unwrap().secrets, [SecretName("turn".to_owned())]);
        assert!(manifest(&text.replace("/v1", "/v9")).unwrap_err().contains("newer"));
        assert!(manifest("{}").is_err());
    }

    #[test]
    fn repeated_sshd_keywords_are_joined() {
        let settings = sshd(include_str!("../../../tests/fixtures/facts/sshd-T")).unwrap();
        assert_eq!(settings["port"], "22");
        assert_eq!(settings["permitrootlogin"], "without-password");
        assert!(settings["acceptenv"].contains(' '), "{:?}", settings["acceptenv"]);
        assert!(sshd("").is_err());
    }

    #[test]
    fn connections_are_kept_apart() {
        let one = include_str!("../../../tests/fixtures/facts/sshd-T");
        let two = one.replace("passwordauthentication no", "passwordauthentication yes");
        let text = format!("connection user=a,addr=b\n{one}connection user=root,addr=b\n{two}");
        let all = sshd_as(&text).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all["user=root,addr=b"], sshd(&two).unwrap());
        assert!(sshd_as("").is_err() && sshd_as(one).is_err());
        assert!(sshd_as(&format!("{text}connection user=c,addr=d\n")).is_err());
    }

    proptest! {
        #[test]
        fn no_answer_makes_them_panic(text in "((ID=|who=|connection |port |[0-9]{1,20}|\"|')?(.|\t|\n)){0,80}") {
            let _ = (os(&text), lock_holder(&text), manifest(&text), secret_lengths(&text), sshd_as(&text));
            if let Ok(settings) = sshd(&text) {
                prop_assert!(settings.len() <= text.lines().count());
            }
        }
    }
}
