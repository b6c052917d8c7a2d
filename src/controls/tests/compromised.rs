//! What somebody hid on a host that is otherwise as rendered, and the control that must fail for it.

use std::collections::BTreeMap;

use super::access::sshd;
use super::build::Scene;
use super::build::good;
use super::build::internal;
use crate::controls::Status;
use crate::facts::AccountSeen;
use crate::facts::FolderItem;
use crate::facts::PasswordSeen;
use crate::seen::Seen;

fn put(scene: &mut Scene, folder: &str, name: &str) {
    let item = FolderItem {
        kind: "file".to_owned(),
        package: None,
    };
    let items = BTreeMap::from([(name.to_owned(), item)]);
    let asked = scene
        .facts()
        .folders
        .insert(folder.parse().unwrap(), Seen::Known(items));
    assert!(asked.is_some(), "{folder} is looked at");
}

fn add_account(scene: &mut Scene, jid: &str) {
    if let Seen::Known(accounts) = &mut scene.facts().accounts {
        let password = PasswordSeen::NotCompared;
        accounts.insert(jid.to_owned(), AccountSeen { password });
    }
}

#[test]
fn a_file_in_a_folder_that_a_service_includes_fails_the_files() {
    for folder in [
        "/etc/prosody/conf.d",
        "/etc/nginx/conf.d",
        "/etc/nginx/sites-enabled",
        "/etc/nginx/modules-enabled",
        "/etc/ssh/sshd_config.d",
        "/usr/share/anteroom/prosody-plugins",
    ] {
        let mut scene = good();
        put(&mut scene, folder, "99-x.conf");
        let word = scene.word("integrity/files-as-rendered");
        assert_eq!(word, Some(Status::Fail), "{folder}");
    }
}

#[test]
fn a_drop_in_fails_the_services_whether_systemd_has_read_it_or_not() {
    let mut scene = good();
    put(&mut scene, "/etc/systemd/system/coturn.service.d", "zz.conf");
    assert_eq!(scene.word("integrity/services-running"), Some(Status::Fail));
    let mut scene = good();
    if let Some(Seen::Known(unit)) = scene.facts().units.get_mut("coturn.service") {
        unit.drop_ins
            .push("/run/systemd/system/coturn.service.d/x.conf".to_owned());
    }
    assert_eq!(scene.word("integrity/services-running"), Some(Status::Fail));
}

#[test]
fn a_match_block_fails_keys_only_by_its_line_and_by_what_it_does() {
    let mut scene = good();
    let line = "/etc/ssh/sshd_config:Match User root".to_owned();
    scene.facts().sshd_blocks = Seen::Known(vec![line]);
    assert_eq!(scene.word("access/ssh-keys-only"), Some(Status::Fail));
    let mut scene = good();
    if let Seen::Known(connections) = &mut scene.facts().sshd_as {
        for settings in connections.values_mut() {
            settings.insert("passwordauthentication".to_owned(), "yes".to_owned());
        }
    }
    let findings = scene.findings("access/ssh-keys-only");
    assert_eq!(findings.len(), 1);
    assert!(findings[0].observed.starts_with("yes"), "{findings:?}");
}

#[test]
fn what_another_file_makes_of_sshd_is_the_policys_where_it_lets_nobody_in() {
    let mut scene = good();
    sshd(&mut scene, "loglevel", "QUIET");
    if let Seen::Known(connections) = &mut scene.facts().sshd_as {
        let settings = connections.values_mut().next().unwrap();
        settings.insert("ciphers".to_owned(), "aes128-cbc".to_owned());
    }
    assert_eq!(scene.word("access/ssh-keys-only"), Some(Status::Pass));
    let mut failed = scene.findings("integrity/policy-in-force");
    failed.retain(|finding| finding.status == Status::Fail);
    let subjects: Vec<&str> = failed.iter().map(|finding| finding.subject.as_str()).collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(subjects[0] == "core:loglevel" && subjects[1].starts_with("core:ciphers for user=root,"));
    sshd(&mut scene, "permitrootlogin", "yes");
    assert_eq!(scene.word("access/ssh-keys-only"), Some(Status::Fail));
}

#[test]
fn an_account_that_nobody_asked_for_fails_unless_it_is_a_clinicians() {
    let control = "integrity/accounts-as-rendered";
    for (scene, host, word) in [
        (good as fn() -> Scene, "auth.", Status::Fail),
        (good, "", Status::Fail),
        (internal, "auth.", Status::Fail),
        (internal, "", Status::Pass),
    ] {
        let mut scene = scene();
        let jid = format!("mallory@{host}{}", scene.domain);
        add_account(&mut scene, &jid);
        assert_eq!(scene.word(control), Some(word), "{jid}");
    }
}

#[test]
fn an_access_list_on_a_secret_file_is_not_private() {
    let mut scene = good();
    let list = ["/etc/turnserver.conf".parse().unwrap()];
    scene.facts().access_lists = Seen::Known(list.into());
    assert_eq!(scene.word("access/secrets-private"), Some(Status::Fail));
}

#[test]
fn a_run_that_never_ended_fails_the_files() {
    for left in ["/var/lib/anteroom/run/7", "/usr/sbin/policy-rc.d"] {
        let mut scene = good();
        scene.facts().unfinished = Seen::Known(vec![left.to_owned()]);
        assert_eq!(scene.word("integrity/files-as-rendered"), Some(Status::Fail), "{left}");
    }
}
