//! What says which environment and end, and what becomes of it.

use super::lines;
use super::made;
use super::of_spec;
use crate::machines::aws::Change;
use crate::machines::aws::Inventory;
use crate::machines::aws::Wanted;
use crate::machines::aws::change::By;
use crate::machines::aws::change::Crossing;
use crate::machines::aws::diff;
use crate::machines::aws::inventory::Kind;
use crate::machines::aws::names;
use crate::remote::aws::model::Tags;
use crate::spec::Environment;

fn production() -> Wanted {
    Wanted {
        environment: Environment::Production,
        expires: None,
        ..of_spec()
    }
}

/// Things, their end, and what becomes of the deployment.
type Retag = (Vec<(Kind, String)>, Option<String>, Crossing);

fn retag(wanted: &Wanted, seen: &Inventory) -> Option<Retag> {
    match diff(wanted, seen).into_iter().next() {
        Some(Change::Retag { things, end, crossing }) => Some((things, end, crossing)),
        _ => None,
    }
}

/// The tags of everything that has any.
fn every_tag(seen: &mut Inventory) -> Vec<&mut Tags> {
    let mut all: Vec<&mut Tags> = Vec::new();
    all.extend(seen.vpcs.iter_mut().map(|thing| &mut thing.tags));
    all.extend(seen.gateways.iter_mut().map(|thing| &mut thing.tags));
    all.extend(seen.subnets.iter_mut().map(|thing| &mut thing.tags));
    all.extend(seen.route_tables.iter_mut().map(|thing| &mut thing.tags));
    all.extend(seen.groups.iter_mut().map(|thing| &mut thing.tags));
    all.extend(seen.key_pairs.iter_mut().map(|thing| &mut thing.tags));
    all.extend(seen.instances.iter_mut().map(|thing| &mut thing.tags));
    all.extend(seen.volumes.iter_mut().map(|thing| &mut thing.tags));
    all.extend(seen.addresses.iter_mut().map(|thing| &mut thing.tags));
    all.extend(seen.key_tags.values_mut());
    all
}

#[test]
fn a_test_that_becomes_production_is_retagged_first_whole_and_with_its_key() {
    let mut seen = made(&of_spec());
    let count = every_tag(&mut seen).len();
    let (things, end, crossing) = retag(&production(), &seen).unwrap();
    assert_eq!((things.len(), end, crossing), (count, None, Crossing::IntoProduction));
    assert!(things.contains(&(Kind::DiskKey, "arn:k".to_owned())), "{things:?}");
    let shown = lines(&diff(&production(), &seen));
    assert!(
        shown.starts_with("~ A TEST BECOMES PRODUCTION, which no `reap` destroys: "),
        "{shown}"
    );
    // The protection that comes with it is nobody else's doing.
    assert!(shown.contains("core: protected against being terminated"), "{shown}");
    assert!(!shown.contains("somebody else"), "{shown}");
}

#[test]
fn every_thing_that_says_something_else_is_found_by_itself() {
    for wanted in [of_spec(), production()] {
        let right = made(&wanted);
        assert_eq!(retag(&wanted, &right), None);
        let count = every_tag(&mut right.clone()).len();
        for index in 0..count {
            for (name, value) in [
                (names::ENVIRONMENT, None),
                (names::EXPIRES, Some("2027-01-01T00:00:00Z")),
                (names::EXPIRES, Some("never")),
            ] {
                let mut seen = right.clone();
                let tags = every_tag(&mut seen).remove(index);
                match value {
                    None => drop(tags.remove(name)),
                    Some(value) => drop(tags.insert(name.to_owned(), value.to_owned())),
                }
                let found = retag(&wanted, &seen).map(|(things, _, _)| things.len());
                assert_eq!(found, Some(1), "{index} {name} {value:?}");
            }
        }
    }
}

#[test]
fn a_tag_that_somebody_changed_is_theirs() {
    let wanted = of_spec();
    let mut seen = made(&wanted);
    seen.volumes[0].tags.remove(names::EXPIRES);
    let changes = diff(&wanted, &seen);
    assert_eq!(changes[0].by(), By::Someone);
    assert_eq!(
        lines(&changes),
        "~ the tags of environment and end of volume vol-1 (somebody else changed this)"
    );
}

#[test]
fn production_that_becomes_a_test_has_its_whole_time_whatever_an_old_tag_says() {
    let mut seen = made(&production());
    let old = "2020-01-01T00:00:00Z".to_owned();
    seen.vpcs[0].tags.insert(names::EXPIRES.to_owned(), old);
    let wanted = of_spec();
    let (_, end, crossing) = retag(&wanted, &seen).unwrap();
    assert_eq!((&end, crossing), (&wanted.expires, Crossing::OutOfProduction));
    let shown = lines(&diff(&wanted, &seen));
    let words = "~ PRODUCTION BECOMES A TEST, which `reap` destroys after 2026-04-01T16:00:01Z: ";
    assert!(shown.starts_with(words), "{shown}");
}

#[test]
fn a_machine_that_ends_is_left_alone_and_its_word_counts_no_more() {
    let wanted = of_spec();
    let mut seen = made(&wanted);
    let mut ended = seen.instances[0].clone();
    (ended.id, ended.state) = ("i-0".to_owned(), "shutting-down".to_owned());
    ended
        .tags
        .insert(names::ENVIRONMENT.to_owned(), "production".to_owned());
    seen.instances.push(ended);
    assert_eq!(diff(&wanted, &seen), []);
    assert_eq!(seen.production(), []);
}
