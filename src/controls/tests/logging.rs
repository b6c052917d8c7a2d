//! Scenes of the logging family.

use super::Row;
use super::Unverified::Scenes;
use super::build::Scene;

pub(super) const ROWS: &[Row] = &[Row {
    id: "logging/clock-right",
    passes: &[(
        "four minutes apart",
        |scene| scene.facts().at = "2026-04-01T12:03:00Z".to_owned(),
        "4 min ahead",
    )],
    fails: &[
        (
            "an hour ahead",
            |scene| scene.facts().at = "2026-04-01T12:59:00Z".to_owned(),
            "60 min ahead",
        ),
        (
            "ten minutes behind",
            |scene| scene.facts().at = "2026-04-01T11:49:00Z".to_owned(),
            "10 min behind",
        ),
    ],
    unverified: Scenes(&[
        (
            "the look took ten minutes",
            |scene| scene.facts().asked.ended = "2026-04-01T12:09:00Z".parse().unwrap(),
            "took too long",
        ),
        (
            "the host names no time",
            |scene| scene.facts().at = "soon".to_owned(),
            "the host's clock says",
        ),
        ("the host is down", Scene::host_is_down, "the host is down"),
    ]),
}];
