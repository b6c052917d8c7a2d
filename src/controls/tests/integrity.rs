//! Scenes of the integrity family.

use crate::facts::PackageState;
use crate::facts::PasswordSeen;
use crate::facts::PathState;
use crate::facts::UnitFacts;
use crate::plan::FIREWALL;
use crate::seen::Seen;
use crate::spec::Environment;

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;

const PROSODY: &str = "/etc/prosody/prosody.cfg.lua";
const SITE: &str = "/etc/prosody/conf.avail/telemed.example.com.cfg.lua";
const PAGE: &str = "/etc/jitsi/meet/telemed.example.com-config.js";

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "integrity/files-as-rendered",
        passes: &[],
        fails: &[
            (
                "a file has other content",
                |scene| prosody_file(scene, |sha256, _, _| *sha256 = "0".repeat(64)),
                "sha256 000000000000",
            ),
            (
                "a file has another mode",
                |scene| prosody_file(scene, |_, mode, _| *mode = 0o777),
                "0777",
            ),
            (
                "the table of the firewall is another one, on disk and so in the kernel",
                |scene| file(scene, FIREWALL, |sha256, _, _| *sha256 = "0".repeat(64)),
                "core:/etc/anteroom/firewall.nft",
            ),
            (
                "a forbidden file is back",
                |scene| {
                    let path = scene.wanted().forbidden.first().unwrap().clone();
                    let link = PathState::Link { target: "x".to_owned() };
                    scene.facts().files.insert(path, Seen::Known(link));
                },
                "sip-communicator.properties",
            ),
            (
                "a certificate made on the host is gone",
                |scene| {
                    let path = scene.wanted().certificates[0].certificate.clone();
                    scene.facts().certificates.insert(path, Seen::Known(None));
                },
                "absent",
            ),
            (
                "a keyring holds a further key",
                |scene| {
                    let path = scene.wanted().apt_keys[0].path.clone();
                    if let Some(Seen::Known(keys)) = scene.facts().apt_keys.get_mut(&path) {
                        keys.push("F".repeat(40));
                    }
                },
                "FFFF",
            ),
            (
                "the list of what is ours is gone",
                |scene| scene.facts().manifest = Seen::Known(None),
                "manifest.json",
            ),
        ],
        unverified: Scenes(&[
            (
                "one file was not seen",
                |scene| drop(scene.facts().files.remove(&PROSODY.parse().unwrap())),
                "it was not looked at",
            ),
            (
                "gnupg did not say",
                |scene| {
                    let path = scene.wanted().apt_keys[0].path.clone();
                    scene.facts().apt_keys.insert(path, Seen::unknown("gpg: killed"));
                },
                "gpg: killed",
            ),
            (
                "the manifest was not seen",
                |scene| scene.facts().manifest = Seen::unknown("cat: killed"),
                "cat: killed",
            ),
            ("the host is down", Scene::host_is_down, "the host is down"),
        ]),
    },
    Row {
        id: "integrity/policy-in-force",
        passes: &[],
        fails: &[
            (
                "a setting was changed",
                |scene| {
                    rewritten(scene, PROSODY, |text| {
                        text.replace("allow_registration = false", "allow_registration = true")
                    })
                },
                "allow_registration is not as wanted: Nothing here talks to other servers",
            ),
            (
                "a module was taken out of one of several rooms",
                |scene| rewritten(scene, SITE, |text| text.replacen("\"anteroom_guard\";", "", 1)),
                "modules_enabled (conference) is not as wanted",
            ),
            (
                "a setting of the page was changed",
                |scene| {
                    rewritten(scene, PAGE, |text| {
                        text.replace("\"doNotStoreRoom\": true", "\"doNotStoreRoom\": false")
                    })
                },
                "doNotStoreRoom is not as wanted: A shared computer",
            ),
            (
                "the file is gone",
                |scene| {
                    drop(
                        scene
                            .facts()
                            .files
                            .insert(PROSODY.parse().unwrap(), Seen::Known(PathState::Absent)),
                    )
                },
                "there is no such file",
            ),
        ],
        unverified: Scenes(&[
            (
                "a line was added",
                |scene| rewritten(scene, PROSODY, |text| format!("{text}allow_registration = true\n")),
                "which may overrule them",
            ),
            (
                "the page is a program",
                |scene| rewritten(scene, PAGE, |text| format!("{text}config.p2p.enabled = true;\n")),
                "no plain data any more",
            ),
            (
                "the file was not seen",
                |scene| drop(scene.facts().files.remove(&PROSODY.parse().unwrap())),
                "it was not looked at",
            ),
        ]),
    },
    Row {
        id: "integrity/packages-as-pinned",
        passes: &[],
        fails: &[
            (
                "a package is gone",
                |scene| {
                    if let Seen::Known(packages) = &mut scene.facts().packages {
                        packages.remove("prosody");
                    }
                },
                "not installed",
            ),
            (
                "a package is half installed",
                |scene| package(scene, "prosody", |state| state.installed = false),
                "half installed",
            ),
            (
                "a package is not held",
                |scene| package(scene, "jicofo", |state| state.held = false),
                "not held",
            ),
            (
                "a package has another version than the pinned one",
                |scene| {
                    let jicofo = scene
                        .wanted()
                        .packages
                        .iter_mut()
                        .find(|package| package.name == "jicofo");
                    jicofo.unwrap().version = Some("2.0".to_owned());
                },
                "version 9.0-1",
            ),
        ],
        unverified: Scenes(&[
            (
                "dpkg did not say",
                |scene| scene.facts().packages = Seen::unknown("dpkg-query: killed"),
                "dpkg-query: killed",
            ),
            ("the host is down", Scene::host_is_down, "the host is down"),
        ]),
    },
    Row {
        id: "integrity/package-origin",
        passes: &[
            (
                "the repository's address ends in a slash",
                |scene| {
                    package(scene, "jicofo", |state| {
                        state.origins = vec!["https://download.jitsi.org/".to_owned()];
                    });
                },
                "download.jitsi.org/",
            ),
            (
                "a test takes a key of nobody",
                |scene| {
                    let key = "1".repeat(40);
                    scene.wanted().apt_keys[0].fingerprint.clone_from(&key);
                    keyring(scene, vec![key]);
                },
                "no key that the catalog knows",
            ),
        ],
        fails: &[
            (
                "it comes from an address that begins like the real one",
                |scene| {
                    package(scene, "jicofo", |state| {
                        state.origins = vec!["https://download.jitsi.org.evil.example".to_owned()];
                    });
                },
                "evil.example",
            ),
            (
                "another source offers the same version too",
                |scene| {
                    package(scene, "jicofo", |state| {
                        state.origins.push("http://mirror.example".to_owned());
                    });
                },
                "mirror.example",
            ),
            (
                "no source offers what is installed",
                |scene| package(scene, "jicofo", |state| state.origins.clear()),
                "offered by nothing",
            ),
            (
                "it is only half installed",
                |scene| package(scene, "jicofo", |state| state.installed = false),
                "not installed whole",
            ),
            (
                "the keyring is empty",
                |scene| keyring(scene, Vec::new()),
                "holds nothing",
            ),
            (
                "production with a key of nobody",
                |scene| {
                    scene.spec().deployment.environment = Environment::Production;
                    let key = "1".repeat(40);
                    scene.wanted().apt_keys[0].fingerprint.clone_from(&key);
                    keyring(scene, vec![key]);
                },
                "no key that the catalog knows",
            ),
        ],
        unverified: Scenes(&[
            (
                "apt did not say",
                |scene| scene.facts().packages = Seen::unknown("apt-cache: killed"),
                "apt-cache: killed",
            ),
            (
                "the keyring was not looked at",
                |scene| scene.facts().apt_keys.clear(),
                "was not looked at",
            ),
            (
                "no package of Jitsi is wanted",
                |scene| scene.wanted().packages.retain(|package| package.origin.is_none()),
                "nothing to look at",
            ),
            ("the host is down", Scene::host_is_down, "the host is down"),
        ]),
    },
    Row {
        id: "integrity/services-running",
        passes: &[],
        fails: &[
            (
                "a service is stopped",
                |scene| unit(scene, "prosody.service", |unit| unit.active = "failed".to_owned()),
                "prosody.service enabled and failed",
            ),
            (
                "a service would not start again",
                |scene| unit(scene, "prosody.service", |unit| unit.enabled = "disabled".to_owned()),
                "disabled and active",
            ),
            (
                "a service runs with an older file than the one on disk",
                |scene| prosody_file(scene, |_, _, modified| *modified = 2000),
                "runs with an older one",
            ),
            (
                "it does so too where the file is not the rendered one",
                |scene| {
                    prosody_file(scene, |sha256, _, modified| {
                        *sha256 = "0".repeat(64);
                        *modified = 2000;
                    });
                },
                "runs with an older one",
            ),
        ],
        unverified: Scenes(&[
            (
                "systemd did not say",
                |scene| {
                    let failed = Seen::unknown("systemctl: killed");
                    scene.facts().units.insert("nginx.service".to_owned(), failed);
                },
                "systemctl: killed",
            ),
            (
                "a file that a service reads was not seen",
                |scene| {
                    let failed = Seen::unknown("stat: killed");
                    scene.facts().files.insert(PROSODY.parse().unwrap(), failed);
                },
                "whether prosody.service runs with",
            ),
            ("the host is down", Scene::host_is_down, "the host is down"),
        ]),
    },
    Row {
        id: "integrity/accounts-as-rendered",
        passes: &[],
        fails: &[
            (
                "an account is gone",
                |scene| {
                    if let Seen::Known(accounts) = &mut scene.facts().accounts {
                        accounts.pop_first();
                    }
                },
                "absent",
            ),
            (
                "an account has another password",
                |scene| {
                    if let Seen::Known(accounts) = &mut scene.facts().accounts {
                        accounts.first_entry().unwrap().get_mut().password = PasswordSeen::Differs;
                    }
                },
                "another password",
            ),
            (
                "a secret is short enough to guess",
                |scene| {
                    if let Seen::Known(secrets) = &mut scene.facts().secrets {
                        *secrets.first_entry().unwrap().get_mut() = 8;
                    }
                },
                "8 characters",
            ),
        ],
        unverified: Scenes(&[
            (
                "Prosody's storage was not read",
                |scene| scene.facts().accounts = Seen::unknown("lua: killed"),
                "lua: killed",
            ),
            (
                "a password was not compared",
                |scene| {
                    if let Seen::Known(accounts) = &mut scene.facts().accounts {
                        accounts.first_entry().unwrap().get_mut().password = PasswordSeen::NotCompared;
                    }
                },
                "it was not compared",
            ),
            (
                "the secrets were not seen",
                |scene| scene.facts().secrets = Seen::unknown("awk: killed"),
                "awk: killed",
            ),
            ("the host is down", Scene::host_is_down, "the host is down"),
        ]),
    },
];

fn prosody_file(scene: &mut Scene, change: impl FnOnce(&mut String, &mut u32, &mut i64)) {
    file(scene, PROSODY, change);
}

fn file(scene: &mut Scene, path: &str, change: impl FnOnce(&mut String, &mut u32, &mut i64)) {
    match scene.facts().files.get_mut(&path.parse().unwrap()) {
        Some(Seen::Known(PathState::File {
            sha256, mode, modified, ..
        })) => change(sha256, mode, modified),
        other => panic!("{other:?}"),
    }
}

fn package(scene: &mut Scene, name: &str, change: impl FnOnce(&mut PackageState)) {
    match &mut scene.facts().packages {
        Seen::Known(packages) => change(packages.get_mut(name).unwrap()),
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn keyring(scene: &mut Scene, keys: Vec<String>) {
    let path = scene.wanted().apt_keys[0].path.clone();
    scene.facts().apt_keys.insert(path, Seen::Known(keys));
}

fn unit(scene: &mut Scene, name: &str, change: impl FnOnce(&mut UnitFacts)) {
    match scene.facts().units.get_mut(name) {
        Some(Seen::Known(unit)) => change(unit),
        other => panic!("{other:?}"),
    }
}

/// A file with other text.
fn rewritten(scene: &mut Scene, path: &str, change: fn(&str) -> String) {
    let state = scene.facts().files.get_mut(&path.parse().unwrap());
    if let Some(Seen::Known(PathState::File {
        content: Some(text), ..
    })) = state
    {
        let changed = change(text);
        assert_ne!(changed, *text, "{path} is as before");
        *text = changed;
    }
}
