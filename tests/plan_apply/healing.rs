//! What a hand took away or opened is healed by one plan, even where the look itself went with it.

use anteroom::facts::AccountSeen;
use anteroom::facts::HostFacts;
use anteroom::facts::PasswordSeen;
use anteroom::facts::PathState;
use anteroom::facts::SECRETS_FILE;
use anteroom::plan::Change;
use anteroom::plan::DriftKind;
use anteroom::plan::Plan;
use anteroom::plan::build;
use anteroom::render::AptKey;
use anteroom::render::Entry;
use anteroom::render::Wanted;
use anteroom::seen::Seen;
use anteroom::spec::AptKeySource;
use std::cmp::Ordering;

use crate::deployment::access;
use crate::deployment::context;
use crate::deployment::package;
use crate::deployment::path;
use crate::deployment::text;
use crate::deployment::wanted;
use crate::deployment_facts::satisfied_facts;
use crate::plan_words::but;
use crate::plan_words::rows;
use crate::plan_words::words;

const CERTIFICATE: &str = "/etc/prosody/certs/auth.telemed.example.com.crt";
const KEYRING: &str = "/etc/apt/keyrings/jitsi.asc";

fn file(owner: &str, mode: u32) -> PathState {
    PathState::File {
        owner: owner.into(),
        group: owner.into(),
        mode,
        sha256: "a".repeat(64),
        content: None,
        modified: 0,
    }
}

/// A host on which one wanted package is gone, and with it what it tells.
fn without(name: &str, change: impl FnOnce(&mut HostFacts)) -> Plan {
    without_in(wanted(), name, change)
}

fn without_in(mut wanted: Wanted, name: &str, change: impl FnOnce(&mut HostFacts)) -> Plan {
    if !wanted.packages.iter().any(|package| package.name == name) {
        wanted.packages.push(package(name));
    }
    let mut facts = satisfied_facts(&wanted);
    if let Seen::Known(packages) = &mut facts.packages {
        packages.remove(name);
    }
    change(&mut facts);
    build(&wanted, &facts, &context()).unwrap()
}

fn with_keyring(change: impl FnOnce(&Wanted, &mut HostFacts)) -> Plan {
    let mut wanted = wanted();
    wanted.packages.push(package("gnupg"));
    wanted.apt_keys.push(AptKey {
        path: path(KEYRING),
        fingerprint: "A".repeat(40),
        source: AptKeySource::Url("https://download.example/key".into()),
    });
    let mut facts = satisfied_facts(&wanted);
    facts.files.insert(path(KEYRING), Seen::Known(file("root", 0o644)));
    change(&wanted, &mut facts);
    build(&wanted, &facts, &context()).unwrap()
}

#[test]
fn secrets_that_others_could_read_or_write_are_made_anew() {
    for state in [
        file("root", 0o644),
        file("nobody", 0o600),
        PathState::Link {
            target: "/tmp/x".into(),
        },
    ] {
        let plan = but(|facts| drop(facts.files.insert(path(SECRETS_FILE), Seen::Known(state))));
        assert_eq!(words(&plan)[0], "make the secret focus");
        assert!(words(&plan).contains(&"set the password of focus@auth.telemed.example.com".to_owned()));
        assert_eq!((rows(&plan)[0].0, rows(&plan)[0].1), (DriftKind::File, SECRETS_FILE));
    }
    let plan = but(|facts| drop(facts.files.insert(path(SECRETS_FILE), Seen::Known(file("root", 0o600)))));
    assert_eq!(plan.changes, []);
}

#[test]
fn a_keyring_that_others_could_change_or_that_is_none_is_put_in_place_anew() {
    assert_eq!(with_keyring(|_, _| {}).changes, []);
    let folder = PathState::Dir {
        owner: "root".into(),
        group: "root".into(),
        mode: 0o755,
    };
    for state in [file("nobody", 0o644), file("root", 0o666), folder] {
        let plan = with_keyring(|_, facts| drop(facts.files.insert(path(KEYRING), Seen::Known(state))));
        assert!(
            words(&plan).iter().any(|word| word.contains(KEYRING)),
            "{:?}",
            words(&plan)
        );
        assert_eq!(rows(&plan)[0].0, DriftKind::Key);
    }
    // What gpg cannot read holds no key that apt could use; whether that is a difference nobody knows.
    let plan = with_keyring(|_, facts| {
        let failed = Seen::Unknown("gpg: no valid OpenPGP data found".to_owned());
        facts.apt_keys.insert(path(KEYRING), failed);
    });
    assert!(words(&plan).iter().any(|word| word.contains(KEYRING)));
    assert_eq!((rows(&plan).len(), plan.unseen.len()), (0, 1));
}

#[test]
fn a_certificate_that_is_none_or_that_others_could_replace_is_made_anew() {
    let link = PathState::Link {
        target: "/root/other".into(),
    };
    for state in [link, file("nobody", 0o644), file("root", 0o666)] {
        let plan = but(|facts| drop(facts.files.insert(path(CERTIFICATE), Seen::Known(state))));
        assert!(
            words(&plan)[0].starts_with("make the certificate"),
            "{:?}",
            words(&plan)
        );
    }
    let plan = but(|facts| {
        for seen in facts.certificates.values_mut() {
            *seen = Seen::Known(Some(Default::default()));
        }
    });
    assert_eq!(rows(&plan)[0].3, "no certificate for any name");
}

/// prosodyctl, which a package's script calls, dies of such a file.
#[test]
fn a_certificate_that_is_none_is_made_anew_before_packages_come() {
    let order = |spoiled: bool| {
        let plan = without("lua-basexx", |facts| {
            for seen in facts.certificates.values_mut() {
                match seen {
                    Seen::Known(Some(seen)) if !spoiled => seen.key_matches = false,
                    seen => *seen = Seen::Known(Some(Default::default())),
                }
            }
        });
        let words = words(&plan);
        let place = |what: &str| words.iter().position(|word| word.starts_with(what)).unwrap();
        place("make the certificate").cmp(&place("install lua-basexx"))
    };
    assert_eq!(order(true), Ordering::Less);
    assert_eq!(order(false), Ordering::Greater);
}

#[test]
fn what_only_a_missing_tool_could_tell_does_not_stop_the_plan_that_brings_it() {
    let plan = without("openssl", |facts| {
        for seen in facts.certificates.values_mut() {
            *seen = Seen::Unknown("openssl: not found".to_owned());
        }
    });
    assert!(words(&plan).iter().any(|word| word.starts_with("make the certificate")));

    let plan = without("nftables", |facts| {
        facts.firewall = Seen::Unknown("nft: not found".to_owned());
    });
    assert!(
        words(&plan).contains(&"restart anteroom-firewall.service".to_owned()),
        "{:?}",
        words(&plan)
    );

    let plan = without("lua5.4", |facts| {
        facts.accounts = Seen::Unknown("no Lua interpreter".to_owned());
    });
    let password = "set the password of focus@auth.telemed.example.com".to_owned();
    assert!(words(&plan).contains(&password), "{:?}", words(&plan));
}

#[test]
fn a_unit_that_is_to_be_restarted_and_enabled_is_restarted_first() {
    let plan = but(|facts| {
        if let Some(Seen::Known(unit)) = facts.units.get_mut("prosody.service") {
            unit.load = "masked".into();
            unit.enabled = "masked".into();
            // Older than what it reads.
            unit.started = 1;
        }
    });
    let expected = [
        "unmask prosody.service",
        "restart prosody.service",
        "enable prosody.service",
    ];
    assert_eq!(words(&plan), expected);
}

#[test]
fn an_account_that_nobody_asked_for_goes_even_while_prosody_is_gone() {
    let plan = without("prosody", |facts| {
        if let Seen::Known(accounts) = &mut facts.accounts {
            let stray = AccountSeen {
                password: PasswordSeen::NotCompared,
            };
            accounts.insert("evil@auth.telemed.example.com".to_owned(), stray);
        }
    });
    let words = words(&plan);
    assert!(
        words.iter().any(|word| word.contains("evil@auth.telemed.example.com")),
        "{words:?}"
    );
}

/// Sources and settings of apt are right before apt is asked for anything; while our key is not, our source is left out.
#[test]
fn apt_is_asked_for_tools_with_right_settings_and_without_our_source() {
    let sources = "/etc/apt/sources.list.d/anteroom-jitsi.sources";
    let mut wanted = wanted();
    wanted.tree.insert(path(sources), text("Types: deb\n", "root", 0o644));
    let plan = without_in(wanted, "gnupg", |facts| {
        facts.files.insert(path(sources), Seen::Known(file("root", 0o600)));
    });
    let all = words(&plan);
    let found: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|word| word.contains("apt") || word.contains("lists"))
        .collect();
    assert_eq!(
        found[..2],
        [&*format!("put {sources} in place"), "read the package lists"],
        "{all:?}"
    );
    let without: Vec<usize> = plan
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::AptUpdate { without } => Some(without.len()),
            _ => None,
        })
        .collect();
    assert_eq!(without, [1, 0]);
}

#[test]
fn a_folder_that_is_none_any_more_is_one_before_a_certificate_is_made_in_it() {
    let folder = "/etc/prosody/certs";
    let mut wanted = wanted();
    wanted
        .tree
        .insert(path(folder), Entry::Dir(access("root", "root", 0o755)));
    let mut facts = satisfied_facts(&wanted);
    facts.files.insert(path(folder), Seen::Known(file("root", 0o644)));
    facts.files.insert(path(CERTIFICATE), Seen::Known(file("root", 0o666)));
    let words = words(&build(&wanted, &facts, &context()).unwrap());
    let place = |what: &str| words.iter().position(|word| word.contains(what)).unwrap();
    assert!(
        place(&format!("put {folder} in place")) < place("make the certificate"),
        "{words:?}"
    );
}

#[test]
fn what_is_of_another_kind_makes_way_before_packages_come() {
    let config = "/etc/prosody/prosody.cfg.lua";
    let plan = without("prosody", |facts| {
        let link = PathState::Link {
            target: "/nowhere".into(),
        };
        facts.files.insert(path(config), Seen::Known(link));
    });
    let words = words(&plan);
    let place = |what: &str| words.iter().position(|word| word.contains(what)).unwrap();
    let (deleted, installed) = (place(&format!("delete {config}")), place("install prosody"));
    assert!(
        deleted < installed && installed < place(&format!("put {config} in place")),
        "{words:?}"
    );
}
