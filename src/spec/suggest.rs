//! What an unknown key was probably meant to be.

use crate::spec::raw;

/// Advice for a key that is unknown in the section `path`, whose keys are `known`.
pub(crate) fn for_key(key: &str, path: &str, known: &[&str]) -> String {
    if let Some(near) = nearest(key, known) {
        return format!("did you mean `{near}`?");
    }
    let owners: Vec<String> = raw::SECTIONS
        .iter()
        .filter(|(name, keys)| *name != path && keys.contains(&key))
        .map(|(name, _)| format!("`[{name}]`"))
        .collect();
    if !owners.is_empty() {
        return format!("`{key}` belongs in {}", owners.join(" or "));
    }
    let elsewhere = raw::SECTIONS
        .iter()
        .find_map(|(name, keys)| nearest(key, keys).map(|near| (name, near)));
    match elsewhere {
        Some((name, near)) => format!("did you mean `{near}` in `[{name}]`?"),
        None => {
            let list: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
            format!("known here: {}", list.join(", "))
        }
    }
}

/// The known key that the fewest slips away from `key`: one slip in a short word, one more for every five letters.
fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let key = key.to_lowercase().replace('-', "_");
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&key, name), *name))
        .filter(|(slips, name)| *slips <= 1 + name.len() / 5 && *slips < name.len().min(key.len()))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_gets_the_nearest_one() {
        assert_eq!(
            for_key("secure_domian", "security", &["secure_domain", "auth"]),
            "did you mean `secure_domain`?"
        );
        assert_eq!(for_key("hosts", "", &["host", "baa"]), "did you mean `host`?");
        assert_eq!(
            for_key("admin-cidr", "access", &["admin_cidrs"]),
            "did you mean `admin_cidrs`?"
        );
    }

    #[test]
    fn a_key_of_another_section_is_sent_home() {
        assert_eq!(
            for_key("domain", "", &["deployment"]),
            "`domain` belongs in `[deployment]`"
        );
        assert_eq!(
            for_key("issuer", "security", &["auth"]),
            "`issuer` belongs in `[security.token]`"
        );
        assert_eq!(
            for_key("domian", "", &["baa"]),
            "did you mean `domain` in `[deployment]`?"
        );
    }

    #[test]
    fn a_key_like_no_other_gets_the_list() {
        assert_eq!(for_key("zzzz", "access", &["admin_cidrs"]), "known here: `admin_cidrs`");
    }
}
