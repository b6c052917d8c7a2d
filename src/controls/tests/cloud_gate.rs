//! Whether production may be made, by what was seen of its agreement and what somebody accepted.

use jiff::civil::Date;
use jiff::civil::date;

use crate::controls::Admission;
use crate::controls::Refusal;
use crate::controls::admits_production;
use crate::facts::cloud::Standing;
use crate::seen::Seen;

use super::build::Scene;
use super::build::good;
use super::cloud_scene::DENIED;
use super::cloud_scene::denied;
use super::cloud_scene::in_cloud;

const CONTROL: &str = "administrative/baa-in-force";
const SUBJECT: &str = "cloud:agreement";
const TODAY: Date = date(2026, 4, 1);

fn in_production() -> Scene {
    let mut scene = good();
    in_cloud(&mut scene).agreement = denied();
    scene
}

fn waive(scene: &mut Scene, control: &str, subject: &str) {
    scene.waive(control, subject, date(2026, 3, 1), date(2026, 5, 1));
}

fn words(scene: &mut Scene, agreement: &Seen<Standing>) -> Result<String, Refusal> {
    admits_production(agreement, scene.spec(), TODAY).map(|admission| match admission {
        Admission::InForce(standing) => standing.words(),
        Admission::Waived { why, waiver } => format!("{} accepted: {why}", waiver.approver),
    })
}

#[test]
fn an_agreement_in_force_admits() {
    let in_force = Seen::Known(Standing::InForce {
        name: "BAA".to_owned(),
        since: "2025-01-02T00:00:00Z".to_owned(),
    });
    let said = words(&mut in_production(), &in_force).unwrap();
    assert_eq!(said, "BAA is in force since 2025-01-02T00:00:00Z");
}

#[test]
fn an_agreement_that_was_seen_not_to_be_in_force_refuses_whatever_is_waived() {
    let name = || "BAA".to_owned();
    for standing in [
        Standing::Absent,
        Standing::Ended {
            name: name(),
            state: "CUSTOMER_TERMINATED".to_owned(),
            until: "2026-02-01T00:00:00Z".to_owned(),
        },
        Standing::Elsewhere {
            name: name(),
            account: "999988887777".to_owned(),
        },
        Standing::OfNobody { name: name() },
    ] {
        let mut scene = in_production();
        waive(&mut scene, CONTROL, "*");
        waive(&mut scene, CONTROL, SUBJECT);
        let refused = words(&mut scene, &Seen::Known(standing.clone())).unwrap_err();
        assert_eq!(refused, Refusal::NotInForce(standing.words()));
        assert!(
            refused.hints().iter().any(|hint| hint.contains("no [[waiver]]")),
            "{refused:?}"
        );
    }
}

#[test]
fn an_agreement_that_was_not_seen_refuses_and_says_what_a_waiver_of_it_accepts() {
    let mut scene = in_production();
    let reported = scene.findings(CONTROL)[0].evidence_sha256.clone();
    let refused = words(&mut scene, &denied()).unwrap_err();
    assert!(refused.to_string().contains(DENIED), "{refused}");
    let hints = refused.hints().join("\n");
    for word in [reported.as_str(), SUBJECT, CONTROL, "artifact:ListCustomerAgreements"] {
        assert!(hints.contains(word), "{word}: {hints}");
    }
}

#[test]
fn only_a_waiver_of_this_control_subject_and_look_that_is_in_force_stands_for_one_that_was_not_seen() {
    for subject in ["*", SUBJECT] {
        let mut scene = in_production();
        waive(&mut scene, CONTROL, subject);
        let said = words(&mut scene, &denied()).unwrap();
        assert_eq!(said, format!("A. Officer accepted: {DENIED}"), "{subject}");
    }
    let refused = |change: fn(&mut Scene)| {
        let mut scene = in_production();
        change(&mut scene);
        let refused = words(&mut scene, &denied());
        assert!(matches!(refused, Err(Refusal::NotSeen { .. })), "{refused:?}");
    };
    refused(|scene| waive(scene, "administrative/baa-recorded", "*"));
    refused(|scene| waive(scene, CONTROL, "cloud:another"));
    refused(|scene| scene.waive(CONTROL, "*", date(2026, 1, 1), date(2026, 3, 31)));
    refused(|scene| scene.waive(CONTROL, "*", date(2026, 4, 2), date(2026, 5, 1)));
    // What was accepted is that another call failed, and not this one.
    refused(|scene| {
        waive(scene, CONTROL, SUBJECT);
        scene.spec().waivers[0].evidence_sha256 = Some("0".repeat(64));
    });
}
