//! What an operator agreed to covers no more than that.

use super::made;
use super::of_spec;
use crate::machines::aws::Change;
use crate::machines::aws::CloudError;
use crate::machines::aws::Inventory;
use crate::machines::aws::change::By;
use crate::machines::aws::change::Crossing;
use crate::machines::aws::confirmed::Confirmed;
use crate::machines::aws::diff;
use crate::machines::aws::inventory::Kind;
use crate::seen::Seen;

fn refused(agreed: &[Change], before: &Inventory, later: &[Change]) -> Option<String> {
    match Confirmed::new(agreed, before).refuse_others(later) {
        Ok(()) => None,
        Err(CloudError::Changed(lines)) => Some(lines),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn what_was_agreed_to_may_be_done_again_and_less_of_it_too() {
    let wanted = of_spec();
    let all = diff(&wanted, &Inventory::default());
    assert_eq!(refused(&all, &Inventory::default(), &all), None);
    for change in &all {
        let alone = std::slice::from_ref(change);
        assert_eq!(refused(&all, &Inventory::default(), alone), None);
    }
    assert_eq!(refused(&[], &Inventory::default(), &[]), None);
}

#[test]
fn what_nobody_agreed_to_is_refused_with_its_line() {
    let wanted = of_spec();
    let seen = made(&wanted);
    let mut other = seen.clone();
    other.instances[0].hop_limit = 2;
    other.instances[0].protected = Seen::Known(true);
    let later = diff(&wanted, &other);
    let lines = refused(&[Change::RequireTokens("core".parse().unwrap())], &seen, &later).unwrap();
    assert_eq!(
        lines,
        "~ core: no longer protected against being terminated (somebody else changed this)"
    );
    // Another host's is another change.
    let of_other = Change::RequireTokens("video".parse().unwrap());
    let of_host = Change::RequireTokens("core".parse().unwrap());
    assert!(refused(&[of_other], &seen, &[of_host]).is_some());
}

#[test]
fn a_new_machine_covers_what_every_machine_is_set_to_and_not_what_ends_it() {
    let core = || "core".parse().unwrap();
    let made = [Change::MakeMachine(core())];
    let before = Inventory::default();
    for later in [
        Change::Protect(core(), true, By::Someone),
        Change::RequireTokens(core()),
        Change::Regroup(core()),
    ] {
        assert_eq!(refused(&made, &before, &[later]), None);
    }
    let grow = Change::Grow {
        host: core(),
        from: 8,
        to: 40,
    };
    assert!(refused(&made, &before, &[grow]).is_some());
    assert!(
        refused(
            &made,
            &before,
            &[Change::Protect("video".parse().unwrap(), true, By::Spec)]
        )
        .is_some()
    );
}

#[test]
fn a_replacement_is_agreed_to_once_for_one_machine() {
    let replace = |machine: &str| Change::Replace {
        host: "core".parse().unwrap(),
        machine: machine.to_owned(),
        why: "its disk is not encrypted".to_owned(),
    };
    let seen = made(&of_spec());
    assert_eq!(refused(&[replace("i-1")], &seen, &[replace("i-1")]), None);
    assert!(refused(&[replace("i-1")], &seen, &[replace("i-2")]).is_some());
}

#[test]
fn a_new_type_covers_that_the_machine_is_started_and_a_retag_only_its_own_direction() {
    let seen = Inventory::default();
    let resize = Change::Resize {
        host: "core".parse().unwrap(),
        from: "c6i.large".to_owned(),
        to: "c6i.xlarge".to_owned(),
        by: By::Spec,
    };
    let start = Change::Start("core".parse().unwrap());
    assert_eq!(refused(&[resize], &seen, std::slice::from_ref(&start)), None);
    assert!(refused(&[], &seen, &[start]).is_some());
    let retag = |crossing| Change::Retag {
        things: vec![(Kind::Vpc, "vpc-1".to_owned())],
        end: None,
        crossing,
    };
    let stays = [retag(Crossing::Stays)];
    assert_eq!(refused(&stays, &seen, &stays), None);
    assert!(refused(&stays, &seen, &[retag(Crossing::OutOfProduction)]).is_some());
}

#[test]
fn a_second_one_that_this_run_made_goes_and_one_that_was_there_does_not() {
    let seen = made(&of_spec());
    let extra = |kind, id: &str| [Change::RemoveExtra(kind, id.to_owned())];
    assert_eq!(refused(&[], &seen, &extra(Kind::Vpc, "vpc-2")), None);
    assert!(refused(&[], &seen, &extra(Kind::Vpc, "vpc-1")).is_some());
    assert!(refused(&[], &seen, &extra(Kind::DiskKey, "arn:k")).is_some());
    assert!(refused(&[], &seen, &extra(Kind::Instance, "i-2")).is_some());
}
