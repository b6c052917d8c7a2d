//! The rules of plans for files, packages and units, one a test, on facts that differ from a satisfied host in one
//! respect.

use crate::deployment::context;
use crate::deployment::package;
use crate::deployment::path;
use crate::deployment::wanted;
use crate::deployment_facts::fresh_facts;
use crate::deployment_facts::satisfied_facts;
use crate::deployment_facts::unit_facts;
use anteroom::facts::HostFacts;
use anteroom::facts::PathState;
use anteroom::plan::Change;
use anteroom::plan::DriftKind;
use anteroom::plan::build;
use anteroom::plan::drift;
use anteroom::plan::is_guard;
use anteroom::render::AptKey;
use anteroom::render::UnitState;
use anteroom::seen::Seen;
use anteroom::spec::AptKeySource;

use crate::plan_words::but;
use crate::plan_words::file_state;
use crate::plan_words::manifest;
use crate::plan_words::rows;
use crate::plan_words::words;

#[test]
fn a_satisfied_host_needs_nothing_and_has_no_drift() {
    let plan = but(|_| {});
    assert_eq!(plan.changes, []);
    assert_eq!(drift(&plan), []);
    assert_eq!(plan.unseen, []);
}

#[test]
fn packages_that_came_along_are_kept_in_the_manifest_and_are_no_change() {
    let plan = but(|facts| manifest(facts).packages.push("lua-socket".into()));
    assert_eq!(plan.changes, []);
}

#[test]
fn a_newer_tool_alone_is_no_change() {
    let plan = but(|facts| manifest(facts).tool = "0.0.9".into());
    assert_eq!(plan.changes, []);
}

#[test]
fn a_fresh_host_is_built_in_the_order_of_the_house() {
    let wanted = wanted();
    let plan = build(&wanted, &fresh_facts(&wanted), &context()).unwrap();
    insta::assert_snapshot!(words(&plan).join("\n"), @r"
    write the manifest
    put /etc/apt/preferences.d/anteroom in place
    judge the staged files with nft -c
    judge the staged files with sshd -t
    arm the rollback
    put /etc/anteroom/firewall.nft in place
    put /etc/ssh/sshd_config.d/00-anteroom.conf in place
    put /etc/systemd/system/anteroom-firewall.service in place
    start anteroom-firewall.service
    reload ssh.service
    disarm the rollback
    read the package lists
    make the secret focus
    answer prosody/anteroom-test
    install nginx, prosody
    hold prosody
    make the certificate /etc/prosody/certs/auth.telemed.example.com.crt
    judge the staged files with nginx -t
    judge the staged files with prosodyctl check config
    put /etc/jitsi/meet in place
    put /etc/jitsi/meet/config.js in place
    put /etc/nginx/sites-available/telemed.conf in place
    put /etc/nginx/sites-enabled/telemed.conf in place
    put /etc/prosody/prosody.cfg.lua in place
    set the password of focus@auth.telemed.example.com
    start prosody.service
    start nginx.service
    write the manifest
    ");
}

#[test]
fn tools_come_before_the_keys_they_check() {
    let mut wanted = wanted();
    wanted.packages.extend([package("gnupg"), package("jicofo")]);
    wanted.apt_keys.push(AptKey {
        path: path("/etc/apt/keyrings/anteroom-jitsi.asc"),
        fingerprint: "A".repeat(40),
        source: AptKeySource::Url("https://download.jitsi.org/jitsi-key.gpg.key".into()),
    });
    let mut facts = fresh_facts(&wanted);
    facts.apt_keys.insert(
        path("/etc/apt/keyrings/anteroom-jitsi.asc"),
        Seen::unknown("gpg: not found"),
    );
    let plan = build(&wanted, &facts, &context()).unwrap();
    let words = words(&plan);
    let at = |text: &str| words.iter().position(|word| word.contains(text)).unwrap();
    assert!(
        at("install gnupg") < at("put the apt key") && at("put the apt key") < at("install nginx, prosody, jicofo")
    );
    let updates: Vec<usize> = (0..words.len())
        .filter(|at| words[*at].contains("package lists"))
        .collect();
    assert!(updates[0] < at("install gnupg") && at("put the apt key") < updates[1]);
}

#[test]
fn a_hand_changed_file_is_put_back_judged_first_and_taken_in_by_its_unit() {
    let wanted = wanted();
    let site = "/etc/nginx/sites-available/telemed.conf";
    let plan = but(|facts| {
        let state = file_state(&wanted, site, |state| {
            if let PathState::File { sha256, .. } = state {
                *sha256 = "0".repeat(64);
            }
        });
        facts.files.insert(path(site), state);
    });
    assert_eq!(
        words(&plan),
        [
            "judge the staged files with nginx -t",
            "judge the staged files with prosodyctl check config",
            "put /etc/nginx/sites-available/telemed.conf in place",
            "reload nginx.service"
        ]
    );
    let rows = rows(&plan);
    assert_eq!((rows.len(), rows[0].0, rows[0].1), (1, DriftKind::File, site));
    assert!(rows[0].3.contains("sha256 000000000000"), "{rows:?}");
}

#[test]
fn a_changed_mode_is_put_right() {
    let wanted = wanted();
    let config = "/etc/prosody/prosody.cfg.lua";
    let plan = but(|facts| {
        let state = file_state(&wanted, config, |state| {
            if let PathState::File { mode, .. } = state {
                *mode = 0o644;
            }
        });
        facts.files.insert(path(config), state);
    });
    assert!(words(&plan).contains(&format!("put {config} in place")));
    assert_eq!(rows(&plan)[0].2, "file root:prosody 0640");
    assert_eq!(rows(&plan)[0].3, "file root:prosody 0644");
}

#[test]
fn changes_of_firewall_and_sshd_are_judged_and_armed() {
    let plan = but(|facts| {
        facts.files.insert(
            path("/etc/ssh/sshd_config.d/00-anteroom.conf"),
            Seen::Known(PathState::Absent),
        );
    });
    assert_eq!(
        words(&plan),
        [
            "judge the staged files with nft -c",
            "judge the staged files with sshd -t",
            "arm the rollback",
            "put /etc/ssh/sshd_config.d/00-anteroom.conf in place",
            "reload ssh.service",
            "disarm the rollback"
        ]
    );
}

#[test]
fn a_running_firewall_that_differs_from_the_disk_is_reloaded_under_the_switch() {
    let plan = but(|facts| {
        if let Seen::Known(firewall) = &mut facts.firewall {
            firewall.running = Some("table inet anteroom { chain input { accept } }".into());
        }
    });
    assert!(words(&plan).contains(&"reload anteroom-firewall.service".to_owned()));
    assert!(words(&plan).contains(&"arm the rollback".to_owned()));
    assert_eq!(rows(&plan)[0].0, DriftKind::Firewall);

    let plan = but(|facts| {
        if let Seen::Known(firewall) = &mut facts.firewall {
            firewall.running = None;
        }
    });
    assert!(words(&plan).contains(&"restart anteroom-firewall.service".to_owned()));
}

#[test]
fn a_service_older_than_what_it_reads_takes_it_in() {
    let wanted = wanted();
    let config = "/etc/prosody/prosody.cfg.lua";
    let plan = but(|facts| {
        let state = file_state(&wanted, config, |state| {
            if let PathState::File { modified, .. } = state {
                *modified = 1001;
            }
        });
        facts.files.insert(path(config), state);
    });
    assert_eq!(words(&plan), ["restart prosody.service"]);
    assert_eq!(rows(&plan)[0].3, "runs with an older one");
}

#[test]
fn stopped_disabled_and_masked_services_are_started() {
    for (load, active, enabled, expected) in [
        ("loaded", "failed", "enabled", &["start nginx.service"][..]),
        ("loaded", "active", "disabled", &["enable nginx.service"]),
        (
            "masked",
            "inactive",
            "masked",
            &["unmask nginx.service", "start nginx.service"],
        ),
    ] {
        let plan = but(|facts| {
            facts
                .units
                .insert("nginx.service".into(), Seen::Known(unit_facts(load, active, enabled)));
        });
        let words: Vec<String> = words(&plan).into_iter().filter(|word| word.contains("nginx")).collect();
        assert_eq!(words, expected);
        assert_eq!(rows(&plan)[0].0, DriftKind::Unit);
    }
}

#[test]
fn a_unit_that_must_not_run_is_masked() {
    let mut wanted = wanted();
    wanted.units[3].state = UnitState::Masked;
    let plan = build(&wanted, &satisfied_facts(&crate::deployment::wanted()), &context()).unwrap();
    assert!(words(&plan).contains(&"mask nginx.service".to_owned()));
}

#[test]
fn missing_half_installed_pinned_and_unheld_packages_are_mended() {
    let packages = |facts: &mut HostFacts, change: fn(&mut anteroom::facts::PackageState)| {
        if let Seen::Known(packages) = &mut facts.packages {
            change(packages.get_mut("prosody").unwrap());
        }
    };
    let plan = but(|facts| packages(facts, |state| state.installed = false));
    assert!(words(&plan).contains(&"install prosody".to_owned()));
    assert!(words(&plan).contains(&"restart prosody.service".to_owned()));
    // Package scripts may rewrite what is right now, so every other file is put in place again.
    assert!(plan.changes.iter().any(is_guard));

    let plan = but(|facts| packages(facts, |state| state.held = false));
    assert_eq!(words(&plan)[1], "hold prosody");

    let mut pinned = wanted();
    pinned.packages[2].version = Some("0.12.3-1".into());
    let plan = build(&pinned, &satisfied_facts(&wanted()), &context()).unwrap();
    let install = plan.changes.iter().find_map(|change| match change {
        Change::Install { packages } => Some(packages.clone()),
        _ => None,
    });
    assert_eq!(install, Some(vec![("prosody".into(), Some("0.12.3-1".into()))]));
}

#[test]
fn a_package_of_another_origin_is_drift_that_people_must_mend() {
    let mut wanted = wanted();
    wanted.packages[2].origin = Some("https://download.jitsi.org/".into());
    let mut facts = satisfied_facts(&wanted);
    if let Seen::Known(packages) = &mut facts.packages {
        packages.get_mut("prosody").unwrap().origins = vec!["http://deb.debian.org/debian".into()];
    }
    let plan = build(&wanted, &facts, &context()).unwrap();
    assert_eq!(plan.changes, []);
    assert_eq!(rows(&plan)[0].3, "version 1.0 from http://deb.debian.org/debian");
}
