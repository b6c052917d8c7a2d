//! Every control's passing, failing and unverified scenes, one file a family, and the rules that hold for all of them.

mod access;
mod administrative;
mod availability;
mod build;
mod call;
mod cloud;
mod cloud_gate;
mod cloud_rules;
mod cloud_scene;
mod compromised;
mod documents;
mod encryption;
mod exposure;
mod inside;
mod integrity;
mod leakage;
mod listener;
mod live;
mod logging;
mod out_of_place;
mod own_origins;
mod relay;
mod relay_views;
mod rules;
mod running;
mod sessions;
mod sightings;
mod ssh;
mod strangers;
mod system;
mod transport;
mod visitors;
mod web;

use std::collections::BTreeSet;

use crate::catalog;
use crate::controls::Status;

use build::Scene;
use build::good;

/// A control's scenes. In the untouched scene of `build::good` every control passes or does not apply.
struct Row {
    /// The control.
    id: &'static str,
    /// Scenes in which it passes although something differs from the untouched one.
    passes: &'static [Spoiled],
    /// Scenes in which it fails; at least one.
    fails: &'static [Spoiled],
    /// Scenes in which nothing is seen to fail and it does not pass.
    unverified: Unverified,
}

/// What happens in the scene, how, and what the finding then says in subject or observation.
type Spoiled = (&'static str, fn(&mut Scene), &'static str);

/// Whether a control can stay open.
enum Unverified {
    /// In these scenes; at least one.
    Scenes(&'static [Spoiled]),
    /// Never, and why.
    Never(&'static str),
}

fn rows() -> impl Iterator<Item = &'static Row> {
    [
        encryption::ROWS,
        transport::ROWS,
        sessions::ROWS,
        ssh::ROWS,
        access::ROWS,
        strangers::ROWS,
        live::ROWS,
        leakage::ROWS,
        own_origins::ROWS,
        exposure::ROWS,
        relay::ROWS,
        integrity::ROWS,
        system::ROWS,
        out_of_place::ROWS,
        running::ROWS,
        web::ROWS,
        logging::ROWS,
        availability::ROWS,
        call::ROWS,
        cloud::ROWS,
        administrative::ROWS,
        documents::ROWS,
    ]
    .into_iter()
    .flatten()
}

#[test]
fn every_control_of_the_catalog_has_its_failing_and_its_unverified_scene() {
    let catalogued: BTreeSet<&str> = catalog::controls().iter().map(|control| control.id.as_str()).collect();
    let tested: Vec<&str> = rows().map(|row| row.id).collect();
    assert_eq!(tested.iter().copied().collect::<BTreeSet<_>>(), catalogued);
    assert_eq!(tested.len(), catalogued.len(), "a control stands twice");
    for row in rows() {
        assert!(!row.fails.is_empty(), "{} is never seen to fail", row.id);
        match row.unverified {
            Unverified::Scenes(scenes) => assert!(!scenes.is_empty(), "{} is never left open", row.id),
            Unverified::Never(why) => assert!(!why.is_empty()),
        }
    }
}

#[test]
fn every_control_passes_in_its_passing_scenes() {
    for row in rows() {
        for (name, change, says) in row.passes {
            expect(row.id, name, *change, says, Status::Pass);
        }
    }
}

#[test]
fn every_control_fails_in_its_failing_scenes() {
    for row in rows() {
        for (name, change, says) in row.fails {
            expect(row.id, name, *change, says, Status::Fail);
        }
    }
}

#[test]
fn every_control_is_unverified_where_it_did_not_see() {
    for row in rows() {
        if let Unverified::Scenes(scenes) = row.unverified {
            for (name, change, says) in scenes {
                expect(row.id, name, *change, says, Status::Unverified);
            }
        }
    }
}

/// The control's worst word is this one, and a finding with it says so.
fn expect(id: &str, name: &str, change: fn(&mut Scene), says: &str, status: Status) {
    let mut scene = good();
    change(&mut scene);
    let findings = scene.findings(id);
    let worst = findings.iter().map(|finding| finding.status).max();
    assert_eq!(worst, Some(status), "{id}: {name}: {findings:#?}");
    let told = findings
        .iter()
        .any(|finding| finding.status == status && format!("{} {}", finding.subject, finding.observed).contains(says));
    assert!(told, "{id}: {name}: nothing says {says:?}: {findings:#?}");
}
