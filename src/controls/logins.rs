//! Access: who can log in at all. What a login may do then is the business of access/no-unknown-admins.

use crate::controls::Case;
use crate::controls::Verdict;
use crate::controls::inside::Word;
use crate::controls::inside::each;
use crate::facts::LoginSeen;
use crate::facts::PasswordState;

/// access/no-unknown-logins.
pub(crate) fn no_unknown_logins(case: &Case) -> Vec<Verdict> {
    let expected = "nobody but root, the login of the spec and `[access] admins` can log in, and nobody without a word";
    let admins = case.spec.map(|spec| &spec.access.admins);
    each(case, "logins", expected, |_, facts| {
        let seen = facts.inside.logins.known().map_err(str::to_owned)?;
        let login = &facts.superusers.known().map_err(str::to_owned)?.login;
        let known =
            |name: &String| name == "root" || name == login || admins.is_some_and(|admins| admins.contains(name));
        let mut wrong = Vec::new();
        let mut open = Vec::new();
        for (name, account) in seen.accounts.iter().filter(|(_, account)| account.opens()) {
            if account.password == PasswordState::Empty {
                wrong.push((format!("account {name}"), "its password is empty".to_owned()));
            } else if !known(name) {
                wrong.push((format!("account {name}"), format!("it opens by {}", ways(account))));
            } else {
                open.push(format!("{name} by {}", ways(account)));
            }
        }
        if wrong.is_empty() && !seen.elsewhere.is_empty() {
            return Err(format!("sshd takes keys from {}, too", seen.elsewhere.join(" and ")));
        }
        let seen = if open.is_empty() {
            "no account opens".to_owned()
        } else {
            open.join("; ")
        };
        Ok(Word { wrong, seen })
    })
}

fn ways(account: &LoginSeen) -> String {
    let password = (account.password == PasswordState::Set).then(|| format!("a password into {}", account.shell));
    let keys = account.keys.iter().map(|key| format!("the key {key}"));
    let all: Vec<String> = password.into_iter().chain(keys).collect();
    all.join(", ")
}
