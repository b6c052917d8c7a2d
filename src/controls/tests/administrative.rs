//! Scenes of the administrative family.

use jiff::civil::date;

use crate::controls::Status;
use crate::spec::Baa;
use crate::spec::Environment;

use super::Row;
use super::Unverified::Never;
use super::Unverified::Scenes;
use super::build::Scene;
use super::build::good;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "administrative/baa-recorded",
        passes: &[(
            "production with an agreement",
            production,
            "BAA 7 with Hosting Inc., signed on 2026-01-02",
        )],
        fails: &[(
            "production without an agreement",
            |scene| {
                production(scene);
                scene.spec().baa = None;
            },
            "no [baa] section",
        )],
        unverified: Scenes(&[(
            "the day of its review is past",
            |scene| {
                production(scene);
                scene.spec().baa.as_mut().unwrap().review_on = Some(date(2026, 3, 31));
            },
            "no review is recorded",
        )]),
    },
    Row {
        id: "administrative/security-official-named",
        passes: &[("production with a name", production, "R. Okafor")],
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

fn production(scene: &mut Scene) {
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
fn papers_do_not_apply_where_there_are_no_patients() {
    for id in ["administrative/baa-recorded", "administrative/security-official-named"] {
        assert_eq!(good().word(id), Some(Status::NotApplicable), "{id}");
    }
}
