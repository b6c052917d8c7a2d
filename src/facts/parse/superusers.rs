//! Who may become root: accounts and groups as getent prints them, and sudo's rules as `cvtsudoers -f json` does.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::facts::Superusers;
use crate::facts::UID_0;

/// Groups whose members are root, or can be with one command: by the distributions' own sudo rules, or because the group
/// owns the disks or a daemon that runs containers or machines as root.
const GROUPS: &[&str] = &[
    "sudo",
    "wheel",
    "admin",
    "docker",
    "lxd",
    "incus-admin",
    "libvirt",
    "disk",
];

/// What the host answered.
pub(crate) struct Answers<'a> {
    /// The login that the look was made with.
    pub(crate) login: &'a str,
    /// `name:uid:gid` lines.
    pub(crate) users: &'a str,
    /// `name:gid:members` lines.
    pub(crate) groups: &'a str,
    /// `None`: there are no rules.
    pub(crate) sudoers: Option<&'a str>,
    /// `ssh-keygen -l`; `None`: there is no such file.
    pub(crate) root_keys: Option<&'a str>,
}

/// A user or group: name and numbers.
struct Entry<'a> {
    name: &'a str,
    id: &'a str,
    /// A user's first group, or a group's members.
    rest: &'a str,
}

/// Every account but root with a way to become root.
pub(crate) fn superusers(answers: &Answers<'_>) -> Result<Superusers, String> {
    let users = entries("users", answers.users)?;
    let groups = entries("groups", answers.groups)?;
    let mut found = Found::default();
    for user in users.iter().filter(|user| user.id == "0") {
        found.add(user.name, UID_0);
    }
    for group in groups.iter().filter(|group| GROUPS.contains(&group.name)) {
        for member in members(group, &users) {
            found.add(member, &format!("is in the group {}", group.name));
        }
    }
    if let Some(text) = answers.sudoers {
        let rules: Value = serde_json::from_str(text).map_err(|why| format!("sudoers: {why}"))?;
        for who in allowed(&rules)? {
            match who {
                Who::User(name) => found.add(&name, "has a sudo rule"),
                Who::UserId(id) => {
                    let named = users.iter().find(|user| user.id == id);
                    found.add(
                        named.map_or(format!("#{id}").as_str(), |user| user.name),
                        "has a sudo rule",
                    );
                }
                Who::Group(key) => {
                    let group = groups
                        .iter()
                        .find(|group| group.name == key || format!("#{}", group.id) == key);
                    for member in group.into_iter().flat_map(|group| members(group, &users)) {
                        found.add(member, &format!("has a sudo rule as one of {key}"));
                    }
                }
            }
        }
    }
    let keys = answers.root_keys.into_iter().flat_map(str::lines).map(str::to_owned);
    Ok(Superusers {
        login: answers.login.trim().to_owned(),
        accounts: found.0,
        root_keys: keys.collect(),
    })
}

#[derive(Default)]
struct Found(BTreeMap<String, BTreeSet<String>>);

impl Found {
    fn add(&mut self, name: &str, how: &str) {
        if name != "root" {
            self.0.entry(name.to_owned()).or_default().insert(how.to_owned());
        }
    }
}

fn entries<'a>(what: &str, text: &'a str) -> Result<Vec<Entry<'a>>, String> {
    let entry = |line: &'a str| {
        let mut fields = line.splitn(3, ':');
        Some(Entry {
            name: fields.next()?,
            id: fields.next()?,
            rest: fields.next()?,
        })
    };
    let all: Option<Vec<Entry<'_>>> = text.lines().map(entry).collect();
    match all {
        Some(all) if !all.is_empty() => Ok(all),
        Some(_) => Err(format!("{what}: getent named none")),
        None => Err(format!("{what}: getent printed something else")),
    }
}

fn members<'a>(group: &Entry<'a>, users: &[Entry<'a>]) -> Vec<&'a str> {
    let first = users.iter().filter(|user| user.rest == group.id).map(|user| user.name);
    let listed = group.rest.split(',').filter(|name| !name.is_empty());
    first.chain(listed).collect()
}

/// Whom a rule names.
enum Who {
    User(String),
    UserId(String),
    Group(String),
}

/// Everybody whom a rule lets run something as root. An exception (`!eve`) takes nothing away here: it narrows one rule.
fn allowed(rules: &Value) -> Result<Vec<Who>, String> {
    let mut all = Vec::new();
    let Some(specs) = rules.get("User_Specs") else {
        return Ok(all);
    };
    for spec in list(specs)? {
        let commands = list(&spec["Cmnd_Specs"])?;
        if !commands.iter().any(runs_as_root) {
            continue;
        }
        for user in list(&spec["User_List"])? {
            if user["negated"] == true {
                continue;
            }
            let fields = user.as_object().ok_or("sudoers: a user that is no object")?;
            let (kind, name) = fields
                .iter()
                .find(|(kind, _)| *kind != "negated")
                .ok_or("sudoers: an empty user")?;
            let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
            all.push(match kind.as_str() {
                "username" => Who::User(name),
                "userid" => Who::UserId(name),
                "usergroup" => Who::Group(name),
                "usergid" => Who::Group(format!("#{name}")),
                // A net group, or a kind that a later sudo invents: nobody here can say who is in it.
                _ => Who::User(format!("{kind} {name}")),
            });
        }
    }
    Ok(all)
}

fn list(value: &Value) -> Result<&Vec<Value>, String> {
    value
        .as_array()
        .ok_or_else(|| format!("sudoers: {value} where a list was due"))
}

/// Without a user to run as, sudo runs as root.
fn runs_as_root(command: &Value) -> bool {
    let Some(users) = command.get("runasusers").and_then(Value::as_array) else {
        return command.get("runasgroups").is_none();
    };
    users
        .iter()
        .any(|user| match (user["username"].as_str(), user["userid"].as_i64()) {
            (Some(name), _) => name == "root" || name == "ALL",
            (None, Some(id)) => id == 0,
            // Groups and aliases may hold root.
            (None, None) => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Real, from a Debian 12 host with some rules of each kind added.
    const SUDOERS: &str = include_str!("../../../tests/fixtures/facts/cvtsudoers.json");
    const USERS: &str = include_str!("../../../tests/fixtures/facts/users");
    const GROUPS: &str = include_str!("../../../tests/fixtures/facts/groups");

    fn seen(users: &str, groups: &str, sudoers: Option<&str>) -> Result<Superusers, String> {
        superusers(&Answers {
            login: "root\n",
            users,
            groups,
            sudoers,
            root_keys: Some("256 SHA256:6AjjF4ac7ofOdXRFvpdE69mAVa4CwLEX4COuo/aFWd8 one (ED25519)\n"),
        })
    }

    #[test]
    fn a_fresh_host_has_none_but_root() {
        let plain = seen(USERS, GROUPS, None).unwrap();
        assert_eq!(
            (plain.login.as_str(), plain.accounts.len(), plain.root_keys.len()),
            ("root", 0, 1)
        );
    }

    #[test]
    fn twins_members_and_rules_of_every_kind_are_told() {
        let users = format!("{USERS}toor:0:0\nbob:1000:1000\ncleo:1007:1007\ndora:1008:27\n");
        let groups = GROUPS.replace("disk:6:", "disk:6:bob") + "ops:1000:ola,bob\n";
        let accounts = seen(&users, &groups, Some(SUDOERS)).unwrap().accounts;
        let how = |name: &str| {
            accounts
                .get(name)
                .map(|all| all.iter().cloned().collect::<Vec<_>>().join("; "))
        };
        assert_eq!(how("toor").unwrap(), "has user id 0");
        assert_eq!(
            how("bob").unwrap(),
            "has a sudo rule; has a sudo rule as one of ops; is in the group disk"
        );
        assert_eq!(how("ann").unwrap(), "has a sudo rule");
        assert_eq!(how("cleo").unwrap(), "has a sudo rule");
        assert_eq!(
            how("dora").unwrap(),
            "has a sudo rule as one of #27; has a sudo rule as one of sudo; is in the group sudo"
        );
        assert_eq!(how("ALL").unwrap(), "has a sudo rule");
        assert!(how("ola").is_some() && how("eve").is_none() && how("root").is_none());
        // A rule that never runs anything as root.
        assert_eq!(how("backup"), None);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(seen("", GROUPS, None).is_err());
        assert!(seen(USERS, "disk\n", None).is_err());
        assert!(seen(USERS, GROUPS, Some("")).is_err());
        assert!(seen(USERS, GROUPS, Some(r#"{"User_Specs": 1}"#)).is_err());
        assert!(seen(USERS, GROUPS, Some("{}")).unwrap().accounts.is_empty());
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            text in "((root|sudo|disk)?([0-9:,]|.|\n)){0,80}",
            at in any::<proptest::sample::Index>(),
            with in "(null|1|\\[\\]|\\{\\}|\"|,|\\PC){1,3}",
        ) {
            let (before, after) = SUDOERS.as_bytes().split_at(at.index(SUDOERS.len()));
            let spoiled = [before, with.as_bytes(), after].concat();
            let spoiled = String::from_utf8_lossy(&spoiled);
            let _ = (seen(USERS, GROUPS, Some(&spoiled)), seen(USERS, GROUPS, Some(&text)));
            let _ = (seen(&text, &text, None), seen(&text, GROUPS, Some(SUDOERS)));
        }
    }
}
