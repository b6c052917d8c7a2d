//! Public keys as SSH writes them: types, fingerprints, and whether a private key file can be used without a passphrase.
//! Knows nothing of connections.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::Digest;
use sha2::Sha256;

/// Host key types, in the order in which they are preferred, and the signature algorithms that prove each. SHA-1
/// (`ssh-rsa` as an algorithm) is left out, as OpenSSH does since 8.8.
pub(super) const KEY_TYPES: [(&str, &str); 5] = [
    ("ssh-ed25519", "ssh-ed25519"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
    ("ssh-rsa", "rsa-sha2-512,rsa-sha2-256"),
];

/// The algorithms to offer in negotiation, those that prove a known key type first: a host known by its ed25519 key must
/// not look unknown because the negotiation fell on another.
pub(super) fn preference(known: &[String]) -> String {
    let (first, rest): (Vec<_>, Vec<_>) = KEY_TYPES
        .iter()
        .partition(|(key_type, _)| known.iter().any(|known| known == key_type));
    let all: Vec<&str> = first.iter().chain(&rest).map(|(_, algorithms)| *algorithms).collect();
    all.join(",")
}

/// `SHA256:…` without padding, as `ssh-keygen -l` prints it.
pub(super) fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob)))
}

/// The type a public key blob names at its beginning.
pub(super) fn type_of(blob: &[u8]) -> &str {
    blob.split_first_chunk::<4>()
        .and_then(|(length, rest)| rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?))
        .and_then(|name| std::str::from_utf8(name).ok())
        .unwrap_or("unknown")
}

/// The key of a `type base64 comment` line.
pub(super) fn blob_of_line(line: &str) -> Option<Vec<u8>> {
    STANDARD.decode(line.split_whitespace().nth(1)?).ok()
}

/// Whether a private key file can be used as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PrivateKey {
    /// Yes.
    Plain,
    /// Only with its passphrase.
    Encrypted,
    /// It is no private key.
    Other,
}

/// Judges the text of a private key file (OpenSSH's own format, PEM, PKCS #8).
pub(super) fn judge_private(text: &str) -> PrivateKey {
    let Some(begin) = text.lines().map(str::trim).find(|line| line.starts_with("-----BEGIN ")) else {
        return PrivateKey::Other;
    };
    if !begin.ends_with("PRIVATE KEY-----") {
        return PrivateKey::Other;
    }
    if begin.contains("OPENSSH") {
        let body: String = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("-----"))
            .collect();
        // "openssh-key-v1\0", then the cipher's name with its length: PROTOCOL.key in OpenSSH's sources. The first 32
        // characters hold 24 bytes, enough for "none".
        let plain = body
            .get(..32)
            .and_then(|head| STANDARD.decode(head).ok())
            .is_some_and(|raw| raw.starts_with(b"openssh-key-v1\0\0\0\0\x04none"));
        return if plain {
            PrivateKey::Plain
        } else {
            PrivateKey::Encrypted
        };
    }
    if begin.contains("ENCRYPTED") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return PrivateKey::Encrypted;
    }
    PrivateKey::Plain
}

/// The type of an unencrypted key in OpenSSH's own format. Its public half comes first, after `MAGIC`, two names, no
/// options and the number one.
pub(super) fn type_of_private(text: &str) -> Option<String> {
    const BEFORE: &[u8] = b"openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none\0\0\0\0\0\0\0\x01";
    if judge_private(text) != PrivateKey::Plain {
        return None;
    }
    let body: String = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("-----"))
        .collect();
    // 128 characters are 96 bytes: enough for the longest name, and too few for any secret number to be read as well.
    let head = STANDARD.decode(body.get(..128)?).ok()?;
    // The public half's own length comes before its type.
    let public = head.strip_prefix(BEFORE)?.get(4..)?;
    Some(type_of(public).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = include_str!("../../tests/fixtures/remote/id_ed25519.pub");

    #[test]
    fn a_fingerprint_is_what_ssh_keygen_prints() {
        let blob = blob_of_line(ED25519).unwrap();
        let printed = include_str!("../../tests/fixtures/remote/id_ed25519.fingerprint");
        assert_eq!(Some(fingerprint(&blob).as_str()), printed.split_whitespace().nth(1));
        assert_eq!(type_of(&blob), "ssh-ed25519");
    }

    #[test]
    fn a_known_type_is_asked_for_first() {
        let preference = preference(&["ssh-rsa".to_owned()]);
        assert!(
            preference.starts_with("rsa-sha2-512,rsa-sha2-256,ssh-ed25519,"),
            "{preference}"
        );
    }

    #[test]
    fn an_encrypted_key_is_told_from_a_plain_one() {
        let of = |text| judge_private(text);
        assert_eq!(
            of(include_str!("../../tests/fixtures/remote/encrypted.key")),
            PrivateKey::Encrypted
        );
        assert_eq!(
            of(include_str!("../../tests/fixtures/remote/encrypted-pem.key")),
            PrivateKey::Encrypted
        );
        assert_eq!(
            of(include_str!("../../tests/fixtures/remote/encrypted-pkcs8.key")),
            PrivateKey::Encrypted
        );
        assert_eq!(
            of(include_str!("../../tests/fixtures/remote/plain.key")),
            PrivateKey::Plain
        );
        assert_eq!(of(ED25519), PrivateKey::Other);
    }

    #[test]
    fn a_private_key_names_its_type() {
        let of = |text| type_of_private(text);
        // The first lines of keys that ssh-keygen made; what follows is of no interest, and was thrown away.
        for (head, key_type) in [
            (
                include_str!("../../tests/fixtures/remote/head-of-ed25519.key"),
                "ssh-ed25519",
            ),
            (include_str!("../../tests/fixtures/remote/head-of-rsa.key"), "ssh-rsa"),
            (
                include_str!("../../tests/fixtures/remote/head-of-ecdsa.key"),
                "ecdsa-sha2-nistp256",
            ),
        ] {
            assert_eq!(of(head).as_deref(), Some(key_type));
        }
        assert_eq!(of(include_str!("../../tests/fixtures/remote/encrypted.key")), None);
        assert_eq!(of(include_str!("../../tests/fixtures/remote/encrypted-pem.key")), None);
        assert_eq!(of(ED25519), None);
    }

    #[test]
    fn a_short_blob_has_an_unknown_type() {
        assert_eq!(type_of(&[0, 0, 0, 200, b'x']), "unknown");
        assert_eq!(type_of(&[]), "unknown");
    }
}
