//! How the tests of plans ask for a plan and read it.

use crate::deployment::context;
use crate::deployment::path;
use crate::deployment::wanted;
use crate::deployment_facts::as_wanted;
use crate::deployment_facts::satisfied_facts;
use anteroom::apply::describe;
use anteroom::facts::HostFacts;
use anteroom::facts::Manifest;
use anteroom::facts::PathState;
use anteroom::plan::DriftKind;
use anteroom::plan::Plan;
use anteroom::plan::build;
use anteroom::plan::drift;
use anteroom::plan::is_guard;
use anteroom::render::Wanted;
use anteroom::seen::Seen;

/// The real changes of a plan in words; what only stands guard is left out.
pub(crate) fn words(plan: &Plan) -> Vec<String> {
    plan.changes
        .iter()
        .filter(|change| !is_guard(change))
        .map(describe)
        .collect()
}

/// The plan for a satisfied host but for one thing.
pub(crate) fn but(change: impl FnOnce(&mut HostFacts)) -> Plan {
    let wanted = wanted();
    let mut facts = satisfied_facts(&wanted);
    change(&mut facts);
    build(&wanted, &facts, &context()).unwrap()
}

pub(crate) fn rows(plan: &Plan) -> Vec<(DriftKind, &str, &str, &str)> {
    drift(plan)
        .iter()
        .map(|row| {
            (
                row.kind,
                row.subject.as_str(),
                row.expected.as_str(),
                row.observed.as_str(),
            )
        })
        .collect()
}

pub(crate) fn file_state(wanted: &Wanted, at: &str, change: impl FnOnce(&mut PathState)) -> Seen<PathState> {
    let mut state = as_wanted(&wanted.tree[&path(at)]);
    change(&mut state);
    Seen::Known(state)
}

pub(crate) fn manifest(facts: &mut HostFacts) -> &mut Manifest {
    match &mut facts.manifest {
        Seen::Known(Some(manifest)) => manifest,
        other => panic!("{other:?}"),
    }
}
