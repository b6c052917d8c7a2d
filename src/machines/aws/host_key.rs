//! A machine's SSH host key, as cloud-init prints it on the console: known before the first login, over a way that nobody
//! between this computer and the machine can change.

/// The line that opens cloud-init's list of fingerprints.
const BEGIN: &str = "-----BEGIN SSH HOST KEY FINGERPRINTS-----";
/// The line that ends it.
const END: &str = "-----END SSH HOST KEY FINGERPRINTS-----";

/// The fingerprint of the Ed25519 key, `SHA256:…`, of the last list that the console shows.
pub fn fingerprint(console: &str) -> Option<String> {
    let (_, list) = console.rsplit_once(BEGIN)?;
    let (list, _) = list.split_once(END)?;
    let line = list.lines().find(|line| line.contains("(ED25519)"))?;
    let word = line.split_whitespace().find(|word| word.starts_with("SHA256:"))?;
    let digest = word.strip_prefix("SHA256:")?;
    let plain = digest
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
    (digest.len() == 43 && plain).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "\
[   14.1] cloud-init[612]: Generating public/private rsa key pair.
<14>Nov 22 10:00:00 cloud-init: #############################################################
<14>Nov 22 10:00:00 cloud-init: -----BEGIN SSH HOST KEY FINGERPRINTS-----
<14>Nov 22 10:00:00 cloud-init: 256 SHA256:1yN2dYxYw5gAYPbFRC0mCWzJ0bqFk8m5oO0dYJq3B0A root@ip-10-77-0-4 (ECDSA)
<14>Nov 22 10:00:00 cloud-init: 256 SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU root@ip-10-77-0-4 (ED25519)
<14>Nov 22 10:00:00 cloud-init: 3072 SHA256:9yN2dYxYw5gAYPbFRC0mCWzJ0bqFk8m5oO0dYJq3B0A root@ip-10-77-0-4 (RSA)
<14>Nov 22 10:00:00 cloud-init: -----END SSH HOST KEY FINGERPRINTS-----
";

    #[test]
    fn the_ed25519_fingerprint_is_taken_from_the_whole_list_only() {
        let expected = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
        assert_eq!(fingerprint(CONSOLE).as_deref(), Some(expected));
        assert_eq!(fingerprint(&CONSOLE[..CONSOLE.len() - 60]), None);
        assert_eq!(
            fingerprint("256 SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU x (ED25519)"),
            None
        );
        assert_eq!(fingerprint(""), None);
    }

    #[test]
    fn a_second_boot_counts_and_nonsense_does_not() {
        let other = CONSOLE.replace("47DEQpj8HBSa", "00DEQpj8HBSa");
        let both = format!("{CONSOLE}{other}");
        assert!(fingerprint(&both).is_some_and(|found| found.starts_with("SHA256:00DEQpj8HBSa")));
        assert_eq!(fingerprint(&CONSOLE.replace("47DEQpj8HBSa", "short")), None);
    }
}
