//! Scenes of the controls that rest on documents, and of the spec's own records: attestations and waivers.

use jiff::civil::Date;
use jiff::civil::date;

use crate::catalog;
use crate::catalog::Stage;
use crate::controls::Status;
use crate::spec::Attestation;
use crate::spec::WaiverBasis;

use super::Row;
use super::Unverified::Never;
use super::Unverified::Scenes;
use super::administrative::production;
use super::build::Scene;
use super::build::good;

/// A control that nothing but a document shows. It never passes; a test below holds that it is attested.
macro_rules! document {
    ($id:literal) => {
        Row {
            id: $id,
            passes: &[],
            fails: &[(
                "the day of its review is past",
                |scene| attested(scene, $id, date(2026, 3, 31)),
                "was to be reviewed by 2026-03-31",
            )],
            unverified: Scenes(&[
                (
                    "nobody attested it",
                    production,
                    "no [[attestation]] of the spec is about it",
                ),
                (
                    "the document was replaced",
                    |scene| {
                        attested(scene, $id, date(2026, 4, 1));
                        scene.spec().attestations[0].found_sha256 = Some("9".repeat(64));
                    },
                    "is no longer the document that the CISO attested",
                ),
            ]),
        }
    };
}

pub(super) const ROWS: &[Row] = &[
    document!("access/mfa-at-identity-provider"),
    document!("access/break-glass"),
    document!("disposal/media-procedure"),
    document!("administrative/risk-analysis"),
    document!("administrative/risk-management"),
    document!("administrative/sanction-policy"),
    document!("administrative/activity-review"),
    document!("administrative/workforce-clearance"),
    document!("administrative/leavers-lose-access"),
    document!("administrative/access-roster"),
    document!("administrative/workforce-training"),
    document!("administrative/incident-response-plan"),
    document!("administrative/alerts-reach-a-person"),
    document!("administrative/contingency-plan"),
    document!("administrative/emergency-channel"),
    document!("administrative/recovery-rehearsed"),
    document!("administrative/evaluation"),
    document!("administrative/processors-covered"),
    document!("administrative/agreement-terms"),
    document!("administrative/policies-and-procedures"),
    document!("administrative/records-kept"),
    document!("administrative/workstations"),
    document!("administrative/facility-access"),
    Row {
        id: "administrative/attestations-in-order",
        passes: &[
            (
                "one that is filed elsewhere",
                |scene| attested(scene, "administrative/risk-analysis", date(2026, 4, 1)),
                "was not compared",
            ),
            (
                "one beside the spec",
                |scene| {
                    attested(scene, "administrative/risk-analysis", date(2026, 4, 1));
                    scene.spec().attestations[0].found_sha256 = Some("d".repeat(64));
                },
                "is the one that was attested",
            ),
        ],
        fails: &[
            (
                "one of no control",
                |scene| attested(scene, "administrative/nothing", date(2026, 4, 1)),
                "there is no control of this name",
            ),
            (
                "one in place of a look",
                |scene| attested(scene, "access/brewery-closed", date(2026, 4, 1)),
                "is judged by a look",
            ),
            (
                "one whose document was replaced",
                |scene| {
                    attested(scene, "administrative/risk-analysis", date(2026, 4, 1));
                    scene.spec().attestations[0].found_sha256 = Some("9".repeat(64));
                },
                "another document than was attested",
            ),
        ],
        unverified: Never("the spec and the files beside it are all that it rests on"),
    },
    Row {
        id: "administrative/waivers-in-order",
        passes: &[
            (
                "one that accepts a failure",
                |scene| {
                    clock_is_wrong(scene);
                    scene.waive("logging/clock-right", "core:clock", date(2026, 3, 1), date(2026, 5, 1));
                },
                "accepted by A. Officer until 2026-05-01",
            ),
            (
                "one of every subject",
                |scene| {
                    clock_is_wrong(scene);
                    scene.waive("logging/clock-right", "*", date(2026, 4, 1), date(2026, 4, 1));
                },
                "accepted by A. Officer",
            ),
            (
                "one that begins tomorrow",
                |scene| scene.waive("logging/clock-right", "*", date(2026, 4, 2), date(2026, 5, 1)),
                "accepted by A. Officer",
            ),
            (
                "one of what this run did not look at",
                |scene| scene.waive("availability/rate-limited", "*", date(2026, 3, 1), date(2026, 5, 1)),
                "accepted by A. Officer",
            ),
        ],
        fails: &[
            (
                "one of a subject that holds again",
                |scene| scene.waive("logging/clock-right", "core:clock", date(2026, 3, 1), date(2026, 5, 1)),
                "what it accepts is mended",
            ),
            (
                "one of every subject, all of which hold",
                |scene| scene.waive("logging/clock-right", "*", date(2026, 3, 1), date(2026, 5, 1)),
                "what it accepts is mended",
            ),
            (
                "one that has expired",
                |scene| scene.waive("logging/clock-right", "*", date(2026, 3, 1), date(2026, 3, 31)),
                "it expired on 2026-03-31",
            ),
            (
                "one of no control",
                |scene| scene.waive("logging/nothing", "*", date(2026, 3, 1), date(2026, 5, 1)),
                "there is no control of this name",
            ),
            (
                "one of nothing that was judged",
                |scene| scene.waive("logging/clock-right", "old:clock", date(2026, 3, 1), date(2026, 5, 1)),
                "nothing of this name was judged",
            ),
            (
                "one that accepted something else",
                |scene| {
                    scene.waive("logging/clock-right", "core:clock", date(2026, 3, 1), date(2026, 5, 1));
                    clock_is_wrong(scene);
                },
                "it accepted other evidence than there is now",
            ),
            (
                "one with the rule's basis where the rule has none",
                |scene| {
                    scene.waive("logging/clock-right", "*", date(2026, 3, 1), date(2026, 5, 1));
                    scene.spec().waivers[0].basis = WaiverBasis::Addressable;
                },
                "no specification that the control cites is addressable",
            ),
            (
                "one of itself",
                |scene| {
                    scene.waive(
                        "administrative/waivers-in-order",
                        "*",
                        date(2026, 3, 1),
                        date(2026, 5, 1),
                    )
                },
                "none can stand for",
            ),
        ],
        unverified: Scenes(&[
            (
                "its subject may not have been seen",
                |scene| {
                    scene.waive("logging/clock-right", "old:clock", date(2026, 3, 1), date(2026, 5, 1));
                    scene.host_is_down();
                },
                "not everything that the control is about was seen",
            ),
            (
                "its subject was not seen",
                |scene| {
                    scene.waive("logging/clock-right", "core:clock", date(2026, 3, 1), date(2026, 5, 1));
                    scene.host_is_down();
                },
                "not everything that the control is about was seen",
            ),
            (
                "nothing of its control was seen",
                |scene| {
                    scene.waive("logging/clock-right", "*", date(2026, 3, 1), date(2026, 5, 1));
                    scene.host_is_down();
                },
                "not everything that the control is about was seen",
            ),
        ]),
    },
];

/// A production deployment with one attestation.
fn attested(scene: &mut Scene, control: &str, review_on: Date) {
    production(scene);
    scene.spec().attestations.push(Attestation {
        control: control.to_owned(),
        document: "documents/one.pdf".to_owned(),
        document_sha256: "d".repeat(64),
        found_sha256: None,
        owner: "the CISO".to_owned(),
        on: date(2026, 1, 1),
        review_on,
        statement: Some("it was done".to_owned()),
    });
}

fn clock_is_wrong(scene: &mut Scene) {
    scene.facts().at = "2026-04-01T09:00:00Z".to_owned();
}

#[test]
fn a_document_is_attested_on_its_last_day_and_never_passes() {
    let documents: Vec<&str> = catalog::controls()
        .iter()
        .filter(|control| control.rests_on_documents())
        .map(|control| control.id.as_str())
        .collect();
    assert!(documents.len() > 20, "{documents:?}");
    for id in documents {
        assert_eq!(good().word(id), Some(Status::NotApplicable), "{id} in a test");
        let mut scene = good();
        attested(&mut scene, id, date(2026, 4, 1));
        let finding = scene.findings(id).remove(0);
        assert_eq!(finding.status, Status::Attested, "{id}");
        assert_eq!(
            finding.observed,
            "documents/one.pdf, attested by the CISO on 2026-01-01, to be reviewed by 2026-04-01: it was done"
        );
        let told = &finding.evidence()[1].detail;
        assert!(told.contains(&"d".repeat(64)), "{told}");
    }
}

#[test]
fn the_worst_of_several_documents_decides() {
    let mut scene = good();
    attested(&mut scene, "administrative/risk-analysis", date(2026, 6, 1));
    attested(&mut scene, "administrative/risk-analysis", date(2026, 3, 1));
    assert_eq!(scene.word("administrative/risk-analysis"), Some(Status::Fail));
    scene.waive("administrative/risk-analysis", "*", date(2026, 3, 1), date(2026, 5, 1));
    assert_eq!(scene.word("administrative/risk-analysis"), Some(Status::Waived));
}

/// A control that looks and may be attested: where the look came about, it decides.
#[test]
fn a_document_stands_for_a_look_that_did_not_come_about_and_for_no_other() {
    let control = catalog::Control {
        stages: vec![Stage::Host, Stage::Document],
        ..catalog::control("leakage/swap-encrypted").unwrap().clone()
    };
    let mut scene = good();
    attested(&mut scene, "leakage/swap-encrypted", date(2026, 4, 1));
    scene.with_case(|case| {
        let evidence = || case.in_spec("looked");
        let judged = |verdict| crate::controls::documents::attest(case, &control, verdict);
        let seen = judged(crate::controls::Verdict::fail(
            "core:swap",
            "none",
            "swap on sda",
            evidence(),
        ));
        assert_eq!(seen.status(), Status::Fail);
        let unseen = judged(crate::controls::Verdict::unverified(
            "core:swap",
            "none",
            "no such file",
            evidence(),
        ));
        assert_eq!(unseen.status(), Status::Attested);
        assert!(
            unseen.observed().ends_with("; not seen: no such file"),
            "{}",
            unseen.observed()
        );
    });
    // As the catalog stands, nothing but a look shows it.
    scene.host_is_down();
    assert_eq!(scene.word("leakage/swap-encrypted"), Some(Status::Unverified));
}

#[test]
fn a_failure_that_is_not_what_was_accepted_fails_and_says_so() {
    let mut scene = good();
    clock_is_wrong(&mut scene);
    scene.waive("logging/clock-right", "core:clock", date(2026, 3, 1), date(2026, 5, 1));
    assert_eq!(scene.word("logging/clock-right"), Some(Status::Waived));
    scene.facts().at = "2026-04-01T06:00:00Z".to_owned();
    let finding = scene.findings("logging/clock-right").remove(0);
    assert_eq!(finding.status, Status::Fail);
    assert!(
        finding
            .observed
            .ends_with("the waiver by A. Officer accepted other evidence than this"),
        "{}",
        finding.observed
    );
    // The report's digest is of what was seen, without that word, so that it can be accepted anew.
    scene.spec().waivers.clear();
    let bare = scene.findings("logging/clock-right").remove(0);
    assert_eq!(bare.evidence_sha256, finding.evidence_sha256);
}
