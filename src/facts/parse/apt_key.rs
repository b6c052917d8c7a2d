//! `gpg --show-keys --with-colons`: the primary keys' fingerprints.

/// Fingerprints of the primary keys, in order. Subkeys have some of their own, which do not count.
pub(crate) fn fingerprints(text: &str) -> Result<Vec<String>, String> {
    let mut primary = false;
    let mut found = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.first() {
            Some(&"pub") => primary = true,
            Some(&"sub" | &"sec" | &"ssb") => primary = false,
            Some(&"fpr") if primary => {
                primary = false;
                let fingerprint = fields.get(9).filter(|text| !text.is_empty());
                found.push((*fingerprint.ok_or("apt key: gpg named no fingerprint")?).to_owned());
            }
            _ => {}
        }
    }
    if found.is_empty() {
        return Err("apt key: the file holds no key".to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_primary_key_counts_and_no_subkey() {
        let found = fingerprints(include_str!("../../../tests/fixtures/facts/gpg-show-keys")).unwrap();
        // Debian's archive keys of bookworm, as the project publishes them.
        assert!(
            found.contains(&"B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8".to_owned()),
            "{found:?}"
        );
        let text = include_str!("../../../tests/fixtures/facts/gpg-show-keys");
        assert_eq!(
            found.len(),
            text.lines().filter(|line| line.starts_with("pub:")).count()
        );
        assert!(text.contains("\nsub:"));
        assert!(fingerprints("").is_err());
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in "((pub|sub|fpr:::::::::)?(:|.|\n)){0,80}") {
            if let Ok(found) = fingerprints(&text) {
                prop_assert!(found.len() <= text.lines().count());
            }
        }
    }
}
