//! Which accounts open, and by what.

use crate::facts::LoginSeen;
use crate::facts::Logins;
use crate::facts::PasswordState;
use crate::facts::parse::out_of_place::fields;
use crate::facts::parse::out_of_place::odd;

/// `account<tab>name<tab>password<tab>shell`, `password<tab>name<tab>state`, `key<tab>name<tab>fingerprint` and
/// `elsewhere<tab>place` lines.
pub(crate) fn logins(text: &str) -> Result<Logins, String> {
    let mut seen = Logins::default();
    let all = &mut seen.accounts;
    for line in text.lines() {
        let strange = || odd("logins", line);
        match line.split('\t').next() {
            Some("account") => {
                let [_, name, password, shell] = fields(line).ok_or_else(strange)?;
                let login = LoginSeen {
                    // Without a line in shadow(5) no password opens it.
                    password: if password == "shadow" {
                        PasswordState::Locked
                    } else {
                        state(password).ok_or_else(strange)?
                    },
                    // Without a shell sh is started, see passwd(5).
                    shell: if shell.is_empty() { "/bin/sh" } else { shell }.to_owned(),
                    keys: Vec::new(),
                };
                // The first line of a name counts.
                all.entry(name.to_owned()).or_insert(login);
            }
            Some("password") => {
                let [_, name, password] = fields(line).ok_or_else(strange)?;
                let password = state(password).ok_or_else(strange)?;
                if let Some(login) = all.get_mut(name)
                    && login.password == PasswordState::Locked
                {
                    login.password = password;
                }
            }
            Some("key") => {
                let [_, name, key] = fields(line).ok_or_else(strange)?;
                all.get_mut(name).ok_or_else(strange)?.keys.push(key.to_owned());
            }
            Some("elsewhere") => {
                let [_, place] = fields(line).ok_or_else(strange)?;
                seen.elsewhere.push(place.to_owned());
            }
            _ => return Err(strange()),
        }
    }
    if seen.accounts.contains_key("root") {
        Ok(seen)
    } else {
        Err("logins: nobody named root".to_owned())
    }
}

fn state(word: &str) -> Option<PasswordState> {
    Some(match word {
        "locked" => PasswordState::Locked,
        "set" => PasswordState::Set,
        "empty" => PasswordState::Empty,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOGINS: &str = include_str!("../../../tests/fixtures/facts/logins");

    #[test]
    fn an_account_opens_by_a_password_or_a_key() {
        let all = logins(LOGINS).unwrap().accounts;
        assert!(all["root"].opens() && all["root"].keys.len() == 1, "{:?}", all["root"]);
        assert!(!all["nobody"].opens() && !all["www-data"].opens());
        let more = format!("{LOGINS}account\tann\tshadow\t/bin/bash\npassword\tann\tset\naccount\tbob\tempty\t\n");
        let all = logins(&more).unwrap().accounts;
        assert!(all["ann"].opens() && all["bob"].opens());
        assert_eq!(all["bob"].password, PasswordState::Empty);
        // A key opens an account whatever its shell.
        let keyed = logins(&format!("{LOGINS}key\tnobody\t256 SHA256:abc x (ED25519)\n")).unwrap();
        assert!(keyed.accounts["nobody"].opens());
        // A password is worth nothing where the shell refuses.
        let shell = logins(&format!("{LOGINS}password\tnobody\tset\n")).unwrap();
        assert!(!shell.accounts["nobody"].opens());
        let more = logins(&format!("{LOGINS}elsewhere\tauthorizedkeyscommand /usr/bin/keys\n")).unwrap();
        assert_eq!(more.elsewhere, ["authorizedkeyscommand /usr/bin/keys"]);
    }

    #[test]
    fn an_odd_answer_is_no_answer() {
        for text in [
            "",
            "account\ta\tlocked\t/bin/sh\n",
            "account\troot\tx\t/bin/sh\n",
            "elsewhere\n",
            "key\tx\ty\n",
            "root\n",
        ] {
            assert!(logins(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in "((account|password|key)?(.|\t|\n)){0,80}") {
            let _ = logins(&text);
        }
    }
}
