//! Test deployments whose time has passed, found by the tags of their things and keys in every region. Production is never
//! one of them. A region that does not answer is noted, and the others are asked all the same.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::machines::aws::disk_keys;
use crate::machines::aws::hold::hold;
use crate::machines::aws::hold::unowned;
use crate::machines::aws::inventory::Kind;
use crate::machines::aws::look::seen;
use crate::machines::aws::names;
use crate::machines::aws::names::Owner;
use crate::machines::aws::patience::again;
use crate::machines::aws::stakes::Thing;
use crate::machines::aws::stakes::ended;
use crate::machines::aws::survey::Survey;
use crate::machines::aws::survey::Unseen;
use crate::machines::aws::survey::ask;
use crate::machines::aws::survey::regions;
use crate::machines::aws::survey::survey;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::model::Tags;
use crate::seen::Seen;

/// A test deployment whose time has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Whose it is.
    pub owner: Owner,
    /// When it ended.
    pub at: Timestamp,
}

/// What a look for them brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Those that may go.
    pub expired: Vec<Expired>,
    /// Deployments whose tags say that they have ended and that stay all the same, with the reason.
    pub kept: Vec<String>,
    /// Deployments of which that could not be seen, and things of no domain that may have ended.
    pub left: Vec<String>,
    /// Regions that were not looked at.
    pub unseen: Unseen,
}

/// Why a deployment does not go, a moment before it would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stays {
    /// It is no test any more, has not ended, or is protected.
    Since(String),
    /// It could not be looked at, or not whether it is protected.
    Unknown(String),
}

/// Finds them.
///
/// # Errors
/// Where the account cannot be asked at all.
pub async fn expired(aws: &Aws, now: Timestamp, skip: &BTreeSet<String>) -> Result<Found, AwsError> {
    let (regions, mut unseen) = regions(aws, skip).await?;
    let answers = ask(aws, regions, &mut unseen, async |there: Aws| marks(&there, now).await).await?;
    let mut left = Vec::new();
    let mut deployments: BTreeMap<Owner, (Vec<Thing>, Vec<String>)> = BTreeMap::new();
    for (region, marks) in answers {
        left.extend(marks.of_no_domain);
        for (owner, thing) in marks.owned {
            let (things, places) = deployments.entry(owner).or_default();
            things.push(thing);
            if places.last() != Some(&region) {
                places.push(region.clone());
            }
        }
    }
    let mut found = Found {
        left,
        unseen,
        ..Found::default()
    };
    for (owner, (things, places)) in deployments {
        if ended(&things, now).is_ok() {
            judge(aws, owner, places, now, &mut found).await;
        }
    }
    Ok(found)
}

/// Looks at what is really there: tags of a machine that has ended show for an hour, and protection is no tag.
async fn judge(aws: &Aws, owner: Owner, places: Vec<String>, now: Timestamp, found: &mut Found) {
    let name = format!("{} ({})", owner.deployment, owner.domain);
    let look = async |there: Aws| hold(&there, &owner).await;
    let mut unseen = Unseen::default();
    let held = match ask(aws, places, &mut unseen, look).await {
        Ok(held) => held,
        Err(error) => return found.left.push(format!("{name}: not known: failed to {error}")),
    };
    found.unseen.failed.extend(unseen.failed);
    let things: Vec<Thing> = held.values().flat_map(|held| held.things()).collect();
    if things.is_empty() {
        return;
    }
    match outcome(&things, now) {
        Ok(at) => found.expired.push(Expired { owner, at }),
        Err(Stays::Unknown(why)) => found.left.push(format!("{name}: {why}")),
        Err(Stays::Since(why)) => found.kept.push(format!("{name}: {why}")),
    }
}

/// When it ended; or why it stays. What is known goes first: a reason to stay is one whatever else is not known.
fn outcome(things: &[Thing], now: Timestamp) -> Result<Timestamp, Stays> {
    let mut known = things.to_vec();
    for thing in &mut known {
        thing.protected = thing.protected.take().filter(|seen| matches!(seen, Seen::Known(_)));
    }
    ended(&known, now).map_err(Stays::Since)?;
    ended(things, now).map_err(Stays::Unknown)
}

/// Looks again, in every region, right before a deployment goes: since it was found, hours may have passed.
///
/// # Errors
/// With the reason why it stays.
pub async fn still_expired(aws: &Aws, owner: &Owner, now: Timestamp, skip: &BTreeSet<String>) -> Result<Survey, Stays> {
    let survey = survey(aws, owner, skip).await;
    let survey = survey.map_err(|error| Stays::Unknown(format!("not known: failed to {error}")))?;
    outcome(&survey.things(), now).map(|_| survey)
}

/// What one region says.
struct Marks {
    /// Things with their owners.
    owned: Vec<(Owner, Thing)>,
    /// Things without a domain that may have ended, a line each.
    of_no_domain: Vec<String>,
}

/// Whether a thing of no domain may be a test that has ended: `ended` asks for more than that, and this for less.
fn may_have_ended(tags: &Tags, now: Timestamp) -> bool {
    let is_production = tags.get(names::ENVIRONMENT).is_some_and(|word| word != "test");
    let end: Option<Timestamp> = tags.get(names::EXPIRES).and_then(|end| end.parse().ok());
    !is_production && end.is_none_or(|end| end < now)
}

/// What everything in a region that carries a deployment's name says of it. A key whose end is scheduled is gone.
async fn marks(aws: &Aws, now: Timestamp) -> Result<Marks, AwsError> {
    let mut things: BTreeMap<String, Tags> = BTreeMap::new();
    for name in [names::DEPLOYMENT, names::DOMAIN, names::ENVIRONMENT, names::EXPIRES] {
        for (_, id, value) in again(async || aws.tagged("key", name).await).await? {
            things.entry(id).or_default().insert(name.to_owned(), value);
        }
    }
    let lacks = |tags: &Tags| !tags.contains_key(names::DOMAIN) && may_have_ended(tags, now);
    let mut of_no_domain = Vec::new();
    let bare = things.values().filter(|tags| lacks(tags));
    let deployments: BTreeSet<&String> = bare.filter_map(|tags| tags.get(names::DEPLOYMENT)).collect();
    for deployment in deployments {
        // Tags of what has gone show for an hour.
        let there = again(async || seen(aws, deployment).await).await?;
        let bare = there.of_no_domain().into_iter().filter(|(_, _, tags)| lacks(tags));
        of_no_domain.extend(bare.map(|(kind, id, _)| unowned(kind, id, aws.region())));
    }
    for (id, tags) in disk_keys::every(aws).await?.told {
        if tags.contains_key(names::DEPLOYMENT) && aws.disk_key(&id).await?.is_some_and(|key| !key.ending) {
            if lacks(&tags) {
                of_no_domain.push(unowned(Kind::DiskKey, &id, aws.region()));
            }
            things.insert(id, tags);
        }
    }
    let of = |(id, tags): (String, Tags)| {
        let owner = Owner {
            deployment: tags.get(names::DEPLOYMENT)?.clone(),
            domain: tags.get(names::DOMAIN)?.clone(),
        };
        let thing = Thing {
            what: format!("{id} in {}", aws.region()),
            tags,
            protected: None,
        };
        Some((owner, thing))
    };
    Ok(Marks {
        owned: things.into_iter().filter_map(of).collect(),
        of_no_domain,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAST: &str = "2026-04-01T11:00:00Z";
    const LATER: &str = "2026-04-01T13:00:00Z";

    fn now() -> Timestamp {
        "2026-04-01T12:00:00Z".parse().unwrap()
    }

    fn tags(environment: &str, expires: &str) -> Tags {
        let pairs = [(names::ENVIRONMENT, environment), (names::EXPIRES, expires)];
        let said = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        said.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn machine(environment: &str, protected: Seen<bool>) -> Thing {
        Thing {
            what: "instance i-1 in us-east-1".to_owned(),
            tags: tags(environment, PAST),
            protected: Some(protected),
        }
    }

    #[test]
    fn what_is_not_known_leaves_it_and_what_is_known_keeps_it_first() {
        let (open, unknown) = (
            machine("test", Seen::Known(false)),
            machine("test", Seen::unknown("denied")),
        );
        let kept = machine("production", Seen::Known(false));
        let shut = machine("test", Seen::Known(true));
        assert!(outcome(std::slice::from_ref(&open), now()).is_ok());
        let left = outcome(&[open, unknown.clone()], now());
        assert!(
            matches!(&left, Err(Stays::Unknown(why)) if why.contains("not known whether")),
            "{left:?}"
        );
        for known in [kept, shut] {
            let stays = outcome(&[unknown.clone(), known], now());
            assert!(matches!(stays, Err(Stays::Since(_))), "{stays:?}");
        }
    }

    #[test]
    fn a_thing_of_no_domain_is_told_unless_it_says_production_or_an_end_to_come() {
        for (environment, expires, told) in [
            ("test", PAST, true),
            ("", PAST, true),
            ("test", "", true),
            ("", "soon", true),
            ("test", LATER, false),
            ("production", "", false),
            ("production", PAST, false),
        ] {
            let said = tags(environment, expires);
            assert_eq!(may_have_ended(&said, now()), told, "{said:?}");
        }
    }
}
