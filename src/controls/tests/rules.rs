//! What holds for every control: nothing passes unseen, every word has evidence, waivers and order.

use jiff::civil::date;

use crate::catalog;
use crate::catalog::Severity;
use crate::catalog::Stage;
use crate::controls::Finding;
use crate::controls::Status;
use crate::controls::View;
use crate::controls::drift_rows;
use crate::controls::simulated;
use crate::plan::Comparison;
use crate::plan::DriftKind;
use crate::plan::DriftRow;
use crate::plan::UnknownFact;
use crate::probe::Login;
use crate::probe::Version;
use crate::seen::Seen;

use super::build::Scene;
use super::build::good;
use super::build::internal;
use super::sightings::admitted;
use super::sightings::no;

/// What a probe without a spec has no say on.
const NEED_A_SPEC: [&str; 3] = [
    "access/wrong-passwords-refused",
    "exposure/relay-serves-bridge-only",
    "access/relay-credentials-end",
];

/// A name, and what happens to the scene.
type Change = (&'static str, fn(&mut Scene));

fn worst(findings: &[Finding]) -> Option<Status> {
    findings.iter().map(|finding| finding.status).max()
}

fn stranger_gets_in(scene: &mut Scene) {
    scene.seen().xmpp[0].doors[0].stranger.anonymous.result = Seen::Known(admitted());
}

#[test]
fn the_untouched_scenes_pass_whole_with_every_control() {
    for mut scene in [good(), internal()] {
        let findings = scene.judge();
        assert_eq!(worst(&findings), Some(Status::Pass), "{findings:#?}");
        for control in catalog::controls() {
            assert!(
                findings.iter().any(|finding| finding.control == control),
                "{}",
                control.id
            );
        }
    }
}

#[test]
fn every_finding_rests_on_evidence_with_a_time() {
    let mut down = good();
    down.host_is_down();
    down.outside = Seen::unknown("the probe could not start");
    let mut empty = good();
    empty.hosts.clear();
    for mut scene in [good(), internal(), down, empty] {
        for finding in scene.judge() {
            assert!(!finding.evidence().is_empty(), "{finding:?}");
            for evidence in finding.evidence() {
                assert!(!evidence.detail.is_empty() && !evidence.at.is_empty(), "{finding:?}");
            }
            assert!(
                !finding.subject.is_empty() && !finding.expected.is_empty(),
                "{finding:?}"
            );
        }
    }
}

#[test]
fn where_nothing_was_seen_nothing_passes() {
    let mut scene = good();
    scene.host_is_down();
    scene.outside = Seen::unknown("the probe could not start");
    for finding in scene.judge() {
        let mut stages = finding.control.stages.iter();
        // No cloud makes this scene's host.
        let paper = stages.all(|stage| matches!(stage, Stage::Spec | Stage::Document | Stage::Cloud));
        // There are no accounts where tokens rule.
        let expected = if paper || finding.control.id == "access/wrong-passwords-refused" {
            Status::NotApplicable
        } else {
            Status::Unverified
        };
        assert_eq!(finding.status, expected, "{finding:?}");
    }
}

#[test]
fn an_empty_case_passes_nothing_and_leaves_no_control_out() {
    let mut scene = good();
    scene.hosts.clear();
    let seen = scene.seen();
    seen.tls.clear();
    seen.web.clear();
    seen.tcp.clear();
    seen.udp.clear();
    seen.ssh.clear();
    seen.streams.clear();
    seen.xmpp.clear();
    seen.relays.clear();
    seen.inside.clear();
    seen.call = None;
    let findings = scene.judge();
    for control in catalog::controls() {
        let of_it: Vec<&Finding> = findings.iter().filter(|finding| finding.control == control).collect();
        assert!(!of_it.is_empty(), "{} is silent", control.id);
        assert!(of_it.iter().all(|finding| finding.status != Status::Pass), "{of_it:?}");
    }
}

#[test]
fn any_one_failed_look_at_the_host_leaves_something_open() {
    let looks: [Change; 13] = [
        ("manifest", |scene| scene.facts().manifest = Seen::unknown("x")),
        ("packages", |scene| scene.facts().packages = Seen::unknown("x")),
        ("listeners", |scene| scene.facts().listeners = Seen::unknown("x")),
        ("firewall", |scene| scene.facts().firewall = Seen::unknown("x")),
        ("sshd", |scene| scene.facts().sshd = Seen::unknown("x")),
        ("sshd as", |scene| scene.facts().sshd_as = Seen::unknown("x")),
        ("sshd blocks", |scene| scene.facts().sshd_blocks = Seen::unknown("x")),
        ("unfinished", |scene| scene.facts().unfinished = Seen::unknown("x")),
        ("access lists", |scene| scene.facts().access_lists = Seen::unknown("x")),
        ("accounts", |scene| scene.facts().accounts = Seen::unknown("x")),
        ("secrets", |scene| scene.facts().secrets = Seen::unknown("x")),
        ("lock", |scene| scene.facts().lock = Seen::unknown("x")),
        ("clock", |scene| scene.facts().at = "whenever".to_owned()),
    ];
    for (name, change) in looks {
        let mut scene = good();
        change(&mut scene);
        assert_eq!(worst(&scene.judge()), Some(Status::Unverified), "{name}");
    }
    for path in good().facts().files.keys() {
        let mut scene = good();
        scene.facts().files.insert(path.clone(), Seen::unknown("x"));
        assert_eq!(worst(&scene.judge()), Some(Status::Unverified), "{path}");
    }
    for folder in good().facts().folders.keys() {
        let mut scene = good();
        scene.facts().folders.insert(folder.clone(), Seen::unknown("x"));
        assert_eq!(worst(&scene.judge()), Some(Status::Unverified), "{folder}");
    }
    for name in good().facts().units.keys() {
        let mut scene = good();
        scene.facts().units.insert(name.clone(), Seen::unknown("x"));
        assert_eq!(worst(&scene.judge()), Some(Status::Unverified), "{name}");
    }
}

#[test]
fn a_failed_look_leaves_open_its_own_controls_and_no_others() {
    let open = |change: fn(&mut Scene)| {
        let mut scene = good();
        change(&mut scene);
        let mut ids: Vec<&str> = scene
            .judge()
            .iter()
            .filter(|finding| finding.status == Status::Unverified)
            .map(|finding| finding.control.id.as_str())
            .collect();
        ids.dedup();
        ids
    };
    assert_eq!(
        open(|scene| scene.facts().sshd = Seen::unknown("x")),
        ["access/ssh-keys-only", "integrity/policy-in-force"]
    );
    assert_eq!(
        open(|scene| scene.facts().listeners = Seen::unknown("x")),
        ["exposure/only-spec-listeners"]
    );
    assert_eq!(
        open(|scene| scene.facts().firewall = Seen::unknown("x")),
        ["exposure/firewall-in-force"]
    );
    assert_eq!(
        open(|scene| scene.facts().accounts = Seen::unknown("x")),
        ["integrity/accounts-as-rendered"]
    );
}

#[test]
fn a_failed_look_does_not_hide_a_failure_that_was_seen() {
    let mut scene = good();
    scene.facts().packages = Seen::unknown("dpkg-query: killed");
    scene.facts().sshd = Seen::Known(std::collections::BTreeMap::new());
    assert_eq!(scene.word("access/ssh-keys-only"), Some(Status::Fail));
    assert_eq!(scene.word("integrity/packages-as-pinned"), Some(Status::Unverified));
}

#[test]
fn every_kind_of_drift_of_a_host_fails_a_control_and_every_kind_of_gap_leaves_one_open() {
    for kind in DriftKind::OF_HOSTS {
        let host = good().wanted().host.clone();
        let mut scene = good();
        scene.compared(Comparison {
            host: host.clone(),
            drift: vec![DriftRow::new(kind, "a thing", "this", "that")],
            unseen: Vec::new(),
        });
        let failed = scene.judge();
        let failed: Vec<&Finding> = failed.iter().filter(|finding| finding.status == Status::Fail).collect();
        assert_eq!(failed.len(), 1, "{kind:?}: {failed:?}");
        assert_eq!(failed[0].subject, "core:a thing");
        scene.compared(Comparison {
            host,
            drift: Vec::new(),
            unseen: vec![UnknownFact {
                kind: Some(kind),
                what: "a thing".to_owned(),
                why: "it was dark".to_owned(),
            }],
        });
        assert_eq!(worst(&scene.judge()), Some(Status::Unverified), "{kind:?}");
    }
}

#[test]
fn every_row_of_drift_is_told_with_its_host() {
    let mut scene = good();
    scene.facts().sshd = Seen::Known(std::collections::BTreeMap::new());
    let settings = scene.wanted().sshd.len();
    let rows = scene.with_case(drift_rows);
    assert_eq!(rows.len(), settings);
    assert!(
        rows.iter()
            .all(|(host, row)| host == "core" && row.kind == DriftKind::Sshd)
    );
}

#[test]
fn a_waiver_accepts_a_failure_of_its_control_and_subject_within_its_dates() {
    let subject = "https://telemed.example.com/xmpp-websocket anonymous login";
    for (name, subject, from, until, expected) in [
        (
            "by its subject",
            subject,
            date(2026, 3, 1),
            date(2026, 5, 1),
            Status::Waived,
        ),
        ("by a star", "*", date(2026, 3, 1), date(2026, 5, 1), Status::Waived),
        (
            "on its first and last day",
            "*",
            date(2026, 4, 1),
            date(2026, 4, 1),
            Status::Waived,
        ),
        (
            "another subject",
            "elsewhere",
            date(2026, 3, 1),
            date(2026, 5, 1),
            Status::Fail,
        ),
        (
            "expired yesterday",
            "*",
            date(2026, 3, 1),
            date(2026, 3, 31),
            Status::Fail,
        ),
        ("begins tomorrow", "*", date(2026, 4, 2), date(2026, 5, 1), Status::Fail),
    ] {
        let mut scene = good();
        stranger_gets_in(&mut scene);
        scene.waive("access/stranger-refused", subject, from, until);
        assert_eq!(scene.word("access/stranger-refused"), Some(expected), "{name}");
    }
    let mut other = good();
    stranger_gets_in(&mut other);
    other.waive("access/brewery-closed", "*", date(2026, 3, 1), date(2026, 5, 1));
    assert_eq!(other.word("access/stranger-refused"), Some(Status::Fail));
}

#[test]
fn a_waived_finding_carries_its_waiver_and_an_expired_one_is_named() {
    let mut scene = good();
    stranger_gets_in(&mut scene);
    scene.waive("access/stranger-refused", "*", date(2026, 3, 1), date(2026, 3, 31));
    let expired = scene.findings("access/stranger-refused").remove(0);
    assert_eq!((expired.status, expired.waiver.as_ref()), (Status::Fail, None));
    assert!(
        expired
            .observed
            .ends_with("the waiver by A. Officer is in force from 2026-03-01 until 2026-03-31 only"),
        "{}",
        expired.observed
    );
    // A second one that is in force counts, whatever stands before it.
    scene.waive("access/stranger-refused", "*", date(2026, 4, 1), date(2026, 5, 1));
    let waived = scene.findings("access/stranger-refused").remove(0);
    assert_eq!(waived.status, Status::Waived);
    assert_eq!(waived.waiver.unwrap().expires, date(2026, 5, 1));
}

#[test]
fn what_was_not_seen_is_never_waived_away_and_what_holds_needs_no_waiver() {
    let mut scene = good();
    scene.host_is_down();
    for control in catalog::controls() {
        scene.waive(&control.id, "*", date(2026, 3, 1), date(2026, 5, 1));
    }
    for finding in scene.judge() {
        assert_eq!(finding.waiver, None);
        assert_ne!(finding.status, Status::Waived);
    }
    assert_eq!(scene.word("access/secrets-private"), Some(Status::Unverified));
}

#[test]
fn the_worst_comes_first_then_the_gravest_then_the_order_of_the_catalog() {
    let mut scene = good();
    stranger_gets_in(&mut scene);
    scene.waive("access/stranger-refused", "*", date(2026, 3, 1), date(2026, 5, 1));
    scene.seen().web[0].page.result = Seen::unknown("no response");
    let door = &mut scene.seen().xmpp[0].doors[0];
    door.stranger.registration.result = Seen::unknown("timed out");
    door.guest.brewery.result = Seen::Known(super::sightings::in_a_new_room());
    if let Seen::Known(packages) = &mut scene.facts().packages {
        packages.get_mut("jicofo").unwrap().held = false;
    }
    let findings = scene.judge();
    let order: Vec<(Status, Severity)> = findings.iter().map(|f| (f.status, f.control.severity)).collect();
    assert!(order.is_sorted_by(|left, right| left >= right), "{order:?}");
    let first: Vec<&str> = findings
        .iter()
        .take(5)
        .map(|finding| finding.control.id.as_str())
        .collect();
    assert_eq!(
        first,
        [
            "access/brewery-closed",
            "integrity/packages-as-pinned",
            "access/registration-not-offered",
            "leakage/config-own-origins",
            "leakage/config-hygiene",
        ]
    );
    let reviews = crate::controls::REVIEWS.iter().map(|(id, _)| *id);
    let judged: Vec<&str> = crate::controls::JUDGES
        .iter()
        .map(|(id, _, _)| *id)
        .chain(reviews)
        .collect();
    let catalogued: Vec<&str> = catalog::controls().iter().map(|control| control.id.as_str()).collect();
    assert_eq!(judged, catalogued);
}

#[test]
fn a_probe_without_a_spec_judges_the_outside_alone() {
    let mut scene = good();
    scene.probe_only();
    let findings = scene.judge();
    for (id, view, _) in crate::controls::JUDGES {
        let told = findings.iter().any(|finding| finding.control.id == *id);
        assert_eq!(told, *view == View::Outside && !NEED_A_SPEC.contains(id), "{id}");
    }
    // A stranger's self-signed certificate is nobody's.
    let failed: Vec<&str> = findings
        .iter()
        .filter(|finding| !matches!(finding.status, Status::Pass | Status::NotApplicable))
        .map(|finding| finding.control.id.as_str())
        .collect();
    assert_eq!(failed, ["encryption/certificate-valid"; 2]);
}

#[test]
fn a_deployment_with_accounts_takes_no_tokens_and_opens_rooms_to_guests_once_asked() {
    let mut scene = internal();
    let clinician = scene.seen().xmpp[0].clinician.as_mut().unwrap();
    clinician.guest_before_host.result = Seen::Known(super::sightings::in_a_new_room());
    assert_eq!(scene.word("access/forged-tokens-refused"), Some(Status::NotApplicable));
    assert_eq!(scene.word("access/guest-cannot-create-room"), Some(Status::Pass));
}

#[test]
fn software_signed_by_a_key_of_nobody_is_simulated() {
    assert_eq!(good().with_case(simulated), []);
    let mut scene = good();
    scene.wanted().apt_keys[0].fingerprint = "1".repeat(40);
    let rows = scene.with_case(simulated);
    let names: Vec<&str> = rows.iter().map(|row| row.what.as_str()).collect();
    assert!(
        names.contains(&"jicofo 9.0-1") && names.contains(&"jitsi-videobridge2 9.0-1"),
        "{names:?}"
    );
    assert!(rows.iter().all(|row| row.why.contains("1111") && row.host == "core"));
}

#[test]
fn a_keyring_that_holds_a_key_of_nobody_is_simulated_whatever_the_spec_says() {
    let mut scene = good();
    let path = scene.wanted().apt_keys[0].path.clone();
    let keys = Seen::Known(vec!["2".repeat(40)]);
    scene.facts().apt_keys.insert(path, keys);
    let rows = scene.with_case(simulated);
    assert!(
        rows.iter()
            .any(|row| row.what == "jicofo 9.0-1" && row.why.contains("2222")),
        "{rows:?}"
    );
}

#[test]
fn the_observation_of_a_login_is_told_in_words() {
    let mut scene = good();
    scene.seen().xmpp[0].doors[0].stranger.anonymous.result = Seen::Known(Login::Refused(no()));
    let finding = scene.findings("access/stranger-refused").remove(0);
    assert_eq!(finding.observed, "refused condition not-allowed");
    let tls = scene.findings("encryption/legacy-tls-refused").remove(0);
    assert_eq!(
        tls.subject,
        format!("tcp://telemed.example.com:443 {}", Version::Ssl2.name())
    );
}
