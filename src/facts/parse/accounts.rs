//! The lines of accounts.lua.

use std::collections::BTreeMap;

use crate::facts::AccountSeen;
use crate::facts::PasswordSeen;

/// `JID<tab>verdict` lines.
pub(crate) fn accounts(text: &str) -> Result<BTreeMap<String, AccountSeen>, String> {
    text.lines()
        .map(|line| {
            let (jid, verdict) = line
                .split_once('\t')
                .ok_or_else(|| format!("accounts: a line {line:?}"))?;
            let password = match verdict {
                "matches" => PasswordSeen::Matches,
                "differs" => PasswordSeen::Differs,
                "not-compared" => PasswordSeen::NotCompared,
                _ => return Err(format!("accounts: the verdict {verdict:?}")),
            };
            Ok((jid.to_owned(), AccountSeen { password }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn verdicts_are_read_and_unknown_ones_refused() {
        let all = accounts("focus@auth.x.y\tmatches\ndr.house@x.y\tnot-compared\n").unwrap();
        assert_eq!(all["focus@auth.x.y"].password, PasswordSeen::Matches);
        assert_eq!(all.len(), 2);
        assert!(accounts("a@b\tperhaps\n").is_err());
        assert!(accounts("Lua: error\n").is_err());
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in "((matches|differs)?(.|\t|\n)){0,80}") {
            if let Ok(all) = accounts(&text) {
                prop_assert!(all.len() <= text.lines().count());
            }
        }
    }
}
