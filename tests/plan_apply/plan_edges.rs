//! The rules of plans for what a host makes itself, for refusals, unknown facts, ownership and removal.

use crate::deployment::context;
use crate::deployment::path;
use crate::deployment::text;
use crate::deployment::wanted;
use crate::deployment_facts::as_wanted;
use crate::deployment_facts::fresh_facts;
use crate::deployment_facts::satisfied_facts;
use anteroom::facts::HostFacts;
use anteroom::facts::ListenerSeen;
use anteroom::facts::LockHolder;
use anteroom::facts::Manifest;
use anteroom::facts::Os;
use anteroom::facts::OwnedPath;
use anteroom::facts::PasswordSeen;
use anteroom::facts::PathState;
use anteroom::plan::Change;
use anteroom::plan::DriftKind;
use anteroom::plan::Hardening;
use anteroom::plan::PlanError;
use anteroom::plan::build;
use anteroom::plan::leftovers;
use anteroom::plan::remove;
use anteroom::render::Entry;
use anteroom::render::SecretName;
use anteroom::render::Transport;
use anteroom::seen::Seen;
use std::net::IpAddr;

use crate::plan_words::but;
use crate::plan_words::manifest;
use crate::plan_words::rows;
use crate::plan_words::words;

#[test]
fn accounts_that_are_missing_or_have_another_password_are_set() {
    let plan = but(|facts| facts.accounts = Seen::Known(Default::default()));
    assert_eq!(words(&plan), ["set the password of focus@auth.telemed.example.com"]);
    let plan = but(|facts| {
        if let Seen::Known(accounts) = &mut facts.accounts {
            for account in accounts.values_mut() {
                account.password = PasswordSeen::Differs;
            }
        }
    });
    assert_eq!(words(&plan), ["set the password of focus@auth.telemed.example.com"]);
    assert_eq!(rows(&plan)[0].3, "another password");
}

#[test]
fn a_new_secret_refills_every_file_and_account_that_uses_it() {
    let plan = but(|facts| facts.secrets = Seen::Known(Default::default()));
    let words = words(&plan);
    assert_eq!(words[0], "make the secret focus");
    let puts =
        |change: &Change| matches!(change, Change::Put { path: at, .. } if at.as_str().ends_with("prosody.cfg.lua"));
    assert!(plan.changes.iter().any(puts));
    assert!(words.contains(&"set the password of focus@auth.telemed.example.com".to_owned()));
    assert!(words.contains(&"restart prosody.service".to_owned()));
}

#[test]
fn certificates_are_made_anew_when_they_end_soon_or_their_key_was_open() {
    let plan = but(|facts| {
        for seen in facts.certificates.values_mut() {
            if let Seen::Known(Some(certificate)) = seen {
                certificate.not_after = 1_763_800_000 + 365 * 86_400;
            }
        }
    });
    assert!(
        words(&plan)[0].starts_with("make the certificate"),
        "{:?}",
        words(&plan)
    );
    assert!(words(&plan).contains(&"restart prosody.service".to_owned()));
    let plan = but(|facts| {
        let key = PathState::File {
            owner: "prosody".into(),
            group: "prosody".into(),
            mode: 0o644,
            sha256: String::new(),
            content: None,
            modified: 0,
        };
        facts.files.insert(
            path("/etc/prosody/certs/auth.telemed.example.com.key"),
            Seen::Known(key),
        );
    });
    assert!(words(&plan)[0].starts_with("make the certificate"));
}

/// What makes a certificate anew on its host, be it this program or a timer of the operator's, leaves another pair there
/// that is as good as the first.
#[test]
fn a_renewed_certificate_is_no_drift() {
    let renewed = |places: &[&str]| {
        but(|facts| {
            for place in places {
                let Some(Seen::Known(PathState::File { sha256, .. })) = facts.files.get_mut(&path(place)) else {
                    panic!("there is no {place}")
                };
                *sha256 = "9".repeat(64);
            }
        })
    };
    let made = "/etc/prosody/certs/auth.telemed.example.com";
    let [certificate, key] = [&*format!("{made}.crt"), &*format!("{made}.key")];
    let trusted = "/usr/local/share/ca-certificates/anteroom-auth.telemed.example.com.crt";
    let plan = renewed(&[certificate, key, trusted]);
    assert_eq!((words(&plan).len(), rows(&plan).len()), (0, 0), "{:?}", words(&plan));
    // Where the host goes on trusting the one before, its services turn each other away.
    let plan = renewed(&[certificate, key]);
    assert_eq!(rows(&plan)[0].3, "the host trusts another one");
}

#[test]
fn sockets_are_drift_without_a_change() {
    let socket = |address: &str, port| ListenerSeen {
        transport: Transport::Tcp,
        address: address.parse::<IpAddr>().unwrap(),
        port,
        processes: vec!["nc".into()],
        units: if port == 5222 {
            ["prosody.service".into()].into()
        } else {
            [].into()
        },
    };
    let plan = but(|facts| {
        if let Seen::Known(listeners) = &mut facts.listeners {
            listeners.push(socket("0.0.0.0", 8080));
            listeners.push(socket("127.0.0.1", 8081));
            listeners.retain(|listener| listener.port != 5222);
            listeners.push(socket("::", 5222));
            listeners.retain(|listener| listener.port != 80);
        }
    });
    assert_eq!(plan.changes, []);
    assert_eq!(
        rows(&plan),
        [
            (
                DriftKind::Listener,
                "tcp/80",
                "nginx.service listens to the internet",
                "nothing listens"
            ),
            (
                DriftKind::Listener,
                "tcp/5222",
                "prosody.service listens to the host itself only",
                "listens on ::"
            ),
            (
                DriftKind::Listener,
                "tcp/8080",
                "nothing listens",
                "listens on 0.0.0.0 by nc"
            ),
        ]
    );
}

#[test]
fn an_overridden_sshd_setting_is_drift() {
    let plan = but(|facts| {
        facts.sshd = Seen::Known([("passwordauthentication".to_owned(), "yes".to_owned())].into());
    });
    assert_eq!(rows(&plan), [(DriftKind::Sshd, "passwordauthentication", "no", "yes")]);
}

#[test]
fn a_path_that_the_spec_no_longer_wants_goes_or_becomes_what_it_was() {
    let plan = but(|facts| {
        for (at, before) in [
            ("/etc/old", None),
            ("/etc/older", Some(path("/var/lib/anteroom/before/etc/older"))),
        ] {
            manifest(facts).paths.push(OwnedPath {
                path: path(at),
                hardening: false,
                before,
            });
            facts
                .files
                .insert(path(at), Seen::Known(PathState::Link { target: "x".into() }));
        }
    });
    let words = words(&plan);
    assert!(words.contains(&"delete /etc/old".to_owned()), "{words:?}");
    assert!(words.contains(&"put back what stood at /etc/older".to_owned()));
    assert_eq!(words.last().unwrap(), "write the manifest");
}

#[test]
fn what_is_not_ours_is_kept_before_it_is_replaced() {
    let wanted = wanted();
    let mut facts = fresh_facts(&wanted);
    let link = PathState::Link {
        target: "../default".into(),
    };
    facts
        .files
        .insert(path("/etc/nginx/sites-enabled/default"), Seen::Known(link));
    facts.files.insert(
        path("/etc/jitsi/meet/config.js"),
        Seen::Known(as_wanted(&text("other\n", "root", 0o644))),
    );
    let plan = build(&wanted, &facts, &context()).unwrap();
    let keeps: Vec<String> = plan
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::Put { keep, .. } | Change::Delete { keep, .. } => keep.as_ref().map(ToString::to_string),
            _ => None,
        })
        .collect();
    assert_eq!(
        keeps,
        [
            "/var/lib/anteroom/before/etc/jitsi/meet/config.js",
            "/var/lib/anteroom/before/etc/nginx/sites-enabled/default"
        ]
    );
    let Some(Change::Manifest { content }) = plan.changes.last() else {
        panic!()
    };
    let manifest: Manifest = serde_json::from_str(content).unwrap();
    let own = manifest
        .paths
        .iter()
        .find(|own| own.path == path("/etc/nginx/sites-enabled/default"));
    assert!(own.unwrap().before.is_some());
}

#[test]
fn every_unknown_fact_that_decides_something_is_named_at_once() {
    let wanted = wanted();
    let mut facts = satisfied_facts(&wanted);
    facts.packages = Seen::unknown("dpkg-query: killed");
    facts.firewall = Seen::unknown("nft: killed");
    facts.files.remove(&path("/etc/jitsi/meet"));
    facts
        .units
        .insert("nginx.service".into(), Seen::unknown("systemctl: killed"));
    facts.listeners = Seen::unknown("ss: killed");
    let PlanError::Unknown { looks, .. } = build(&wanted, &facts, &context()).unwrap_err() else {
        panic!()
    };
    let what: Vec<&str> = looks.iter().map(|look| look.what.as_str()).collect();
    assert_eq!(
        what,
        [
            "installed packages",
            "/etc/jitsi/meet",
            "the running firewall",
            "nginx.service"
        ]
    );
}

#[test]
fn an_unknown_fact_that_only_drift_needs_is_told_and_stops_nothing() {
    let plan = but(|facts| facts.listeners = Seen::unknown("ss: killed"));
    assert_eq!(plan.changes, []);
    assert_eq!(plan.unseen[0].what, "listening sockets");
}

#[test]
fn hosts_that_must_not_be_touched_are_refused() {
    let wanted = wanted();
    let refuse = |change: fn(&mut HostFacts)| {
        let mut facts = satisfied_facts(&wanted);
        change(&mut facts);
        build(&wanted, &facts, &context()).unwrap_err().to_string()
    };
    let os = refuse(|facts| {
        facts.os = Seen::Known(Os {
            id: "fedora".into(),
            version: "41".into(),
            pretty: "Fedora Linux 41".into(),
        });
    });
    assert!(os.contains("it runs Fedora Linux 41"), "{os}");
    let init = refuse(|facts| facts.init = Seen::Known("runit".into()));
    assert!(init.contains("process 1 is runit"), "{init}");
    let other = refuse(|facts| manifest(facts).deployment = "clinic-west".into());
    assert!(
        other.contains("belongs to deployment clinic-west (telemed.example.com)"),
        "{other}"
    );
    let locked = refuse(|facts| {
        facts.lock = Seen::Known(Some(LockHolder {
            who: "ann@desk".into(),
            since: "2026-11-22T09:59:00Z".into(),
            verb: "apply".into(),
        }));
    });
    assert!(
        locked.contains("ann@desk is running apply there since 2026-11-22T09:59:00Z"),
        "{locked}"
    );
}

#[test]
fn a_host_that_only_kept_its_hardening_is_free_for_another_deployment() {
    let wanted = wanted();
    let mut facts = satisfied_facts(&wanted);
    let kept = manifest(&mut facts);
    kept.deployment = "clinic-west".into();
    kept.paths.retain(|own| own.hardening);
    kept.accounts.clear();
    assert!(build(&wanted, &facts, &context()).is_ok());
}

#[test]
fn a_removal_takes_ours_and_spares_what_hardening_needs() {
    let wanted = wanted();
    let mut facts = satisfied_facts(&wanted);
    manifest(&mut facts).packages = vec!["nftables".into(), "nginx".into(), "prosody".into()];
    let host = "core".parse().unwrap();
    let manifest = manifest(&mut facts).clone();
    for own in &manifest.paths {
        facts
            .files
            .entry(own.path.clone())
            .or_insert(Seen::Known(PathState::Link { target: "x".into() }));
    }
    let (plan, kept) = remove(&facts, &host, Hardening::Keep).unwrap();
    insta::assert_snapshot!(words(&plan).join("\n"), @r"
    remove the account focus@auth.telemed.example.com
    stop prosody.service
    stop nginx.service
    purge nginx, prosody
    delete /usr/local/share/ca-certificates/anteroom-auth.telemed.example.com.crt
    delete /etc/prosody/prosody.cfg.lua
    delete /etc/prosody/certs/auth.telemed.example.com.key
    delete /etc/prosody/certs/auth.telemed.example.com.crt
    delete /etc/nginx/sites-enabled/telemed.conf
    delete /etc/nginx/sites-available/telemed.conf
    delete /etc/jitsi/meet/config.js
    delete /etc/jitsi/meet
    delete /etc/apt/preferences.d/anteroom
    remove what prosody leaves behind
    remove what nginx leaves behind
    write the manifest
    forget what anteroom keeps
    ");
    assert!(kept.iter().any(|kept| kept.subject == "package nftables"));
    let (plan, kept) = remove(&facts, &host, Hardening::Remove).unwrap();
    assert_eq!(kept, []);
    assert!(words(&plan).contains(&"delete the nft table".to_owned()));
    assert!(words(&plan).contains(&"reload ssh.service".to_owned()));
    // Looked at again, a host on which nothing was done still has everything.
    let left: Vec<String> = leftovers(&plan, &facts).into_iter().map(|left| left.subject).collect();
    assert!(left.contains(&"/etc/jitsi/meet/config.js".to_owned()) && left.contains(&"package nginx".to_owned()));
}

#[test]
fn a_host_without_a_manifest_has_nothing_to_remove() {
    let (plan, kept) = remove(&fresh_facts(&wanted()), &"core".parse().unwrap(), Hardening::Remove).unwrap();
    assert_eq!((plan.changes, kept), (Vec::new(), Vec::new()));
}

#[test]
fn a_secret_name_is_all_that_a_plan_holds_of_a_secret() {
    let wanted = wanted();
    let plan = build(&wanted, &fresh_facts(&wanted), &context()).unwrap();
    assert!(plan.changes.contains(&Change::MakeSecret(SecretName("focus".into()))));
    let entry = plan.changes.iter().find_map(|change| match change {
        Change::Put {
            path: at,
            entry: Entry::File(file),
            ..
        } if at.as_str().ends_with("prosody.cfg.lua") => Some(file),
        _ => None,
    });
    assert!(format!("{entry:?}").contains("<secret:focus>"));
}

#[test]
fn a_kernel_setting_that_was_changed_is_written_again_but_for_a_machines_own() {
    let kernel = path(anteroom::render::KERNEL_PATH);
    let mut wanted = wanted();
    wanted.units.push(anteroom::render::UnitWanted {
        name: "systemd-sysctl.service".to_owned(),
        state: anteroom::render::UnitState::Running,
        inputs: vec![kernel.clone()],
        effect: anteroom::render::Effect::Restart,
    });
    for key in ["net.ipv4.conf.*.rp_filter", "kernel.sysrq"] {
        wanted.settings.push(anteroom::render::SettingWanted {
            path: kernel.clone(),
            section: "whole".to_owned(),
            key: key.to_owned(),
            value: 1.into(),
            lines: Vec::new(),
            reason: "Because.".to_owned(),
            citations: Vec::new(),
        });
    }
    let mut facts = satisfied_facts(&wanted);
    let file = |key: &str| format!("/proc/sys/{}", key.replace('.', "/").replace('*', "eth0"));
    let held = |facts: &mut HostFacts, key: &str, value: &str| {
        if let Seen::Known(all) = &mut facts.system.kernel {
            all.insert(key.to_owned(), [(file(key), value.to_owned())].into());
        }
        words(&build(&wanted, facts, &context()).unwrap())
    };
    assert!(held(&mut facts, "kernel.sysrq", "1").is_empty());
    assert!(held(&mut facts, "net.ipv4.conf.*.rp_filter", "1").is_empty());
    let restart = ["restart systemd-sysctl.service"];
    assert_eq!(held(&mut facts, "kernel.sysrq", "438"), restart);
    facts.system.container = Seen::Known(Some("lxc".to_owned()));
    assert!(held(&mut facts, "kernel.sysrq", "438").is_empty());
    assert_eq!(held(&mut facts, "net.ipv4.conf.*.rp_filter", "0"), restart);
    facts.system.kernel = Seen::unknown("Permission denied");
    let Err(PlanError::Unknown { .. }) = build(&wanted, &facts, &context()) else {
        panic!("a plan from what nobody saw")
    };
}
