//! Scenes of the administrative family.

use jiff::civil::date;

use crate::controls::Status;
use crate::spec::Baa;
use crate::spec::Environment;

use super::Row;
use super::Unverified::Never;
use super::build::Scene;
use super::build::good;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "administrative/baa-recorded",
        passes: &[],
        fails: &[
            (
                "production without an agreement",
                |scene| {
                    production(scene);
                    scene.spec().baa = None;
                },
                "no [baa] section",
            ),
            (
                "the day of its review is past",
                |scene| {
                    production(scene);
                    scene.spec().baa.as_mut().unwrap().review_on = Some(date(2026, 3, 31));
                },
                "no review is recorded",
            ),
        ],
        unverified: Never("the spec is all that it rests on, and there is no run of it without a spec"),
    },
    Row {
        id: "administrative/security-official-named",
        passes: &[],
        fails: &[(
            "production without a name",
            |scene| {
                production(scene);
                scene.spec().deployment.security_official = None;
            },
            "not set",
        )],
        unverified: Never("the spec is all that it rests on, and there is no run of it without a spec"),
    },
];

pub(super) fn production(scene: &mut Scene) {
    let spec = scene.spec();
    spec.deployment.environment = Environment::Production;
    spec.deployment.security_official = Some("R. Okafor".to_owned());
    spec.baa = Some(Baa {
        vendor: "Hosting Inc.".to_owned(),
        agreement: "BAA 7".to_owned(),
        signed_on: date(2026, 1, 2),
        reference: None,
        document_sha256: None,
        review_on: Some(date(2026, 4, 1)),
        processors: Vec::new(),
    });
}

#[test]
fn an_agreement_and_an_official_on_record_are_attested_and_never_pass() {
    let mut scene = good();
    production(&mut scene);
    for (id, observed) in [
        (
            "administrative/baa-recorded",
            "BAA 7 with Hosting Inc., signed on 2026-01-02",
        ),
        ("administrative/security-official-named", "R. Okafor"),
    ] {
        let finding = scene.findings(id).remove(0);
        assert_eq!(
            (finding.status, finding.observed.as_str()),
            (Status::Attested, observed)
        );
    }
}

#[test]
fn papers_do_not_apply_where_there_are_no_patients() {
    for id in ["administrative/baa-recorded", "administrative/security-official-named"] {
        assert_eq!(good().word(id), Some(Status::NotApplicable), "{id}");
    }
}
