//! Test deployments whose time has passed, found by the tags of their things and keys in every region. Production is never
//! one of them. A region that does not answer is noted, and the others are asked all the same.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::machines::aws::disk_keys;
use crate::machines::aws::hold::hold;
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
    /// Deployments of which that could not be seen.
    pub left: Vec<String>,
    /// Regions that were not looked at.
    pub unseen: Unseen,
}

/// Why a deployment does not go, a moment before it would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stays {
    /// It is no test any more, has not ended, or is protected.
    Since(String),
    /// It could not be looked at.
    Unknown(AwsError),
}

/// Finds them.
///
/// # Errors
/// Where the account cannot be asked at all.
pub async fn expired(aws: &Aws, now: Timestamp, skip: &BTreeSet<String>) -> Result<Found, AwsError> {
    let (regions, mut unseen) = regions(aws, skip).await?;
    let answers = ask(aws, regions, &mut unseen, async |there: Aws| marks(&there).await).await?;
    let mut deployments: BTreeMap<Owner, (Vec<Thing>, Vec<String>)> = BTreeMap::new();
    for (region, marks) in answers {
        for (owner, thing) in marks {
            let (things, places) = deployments.entry(owner).or_default();
            things.push(thing);
            if places.last() != Some(&region) {
                places.push(region.clone());
            }
        }
    }
    let mut found = Found {
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
    let unknown = |thing: &Thing| matches!(thing.protected, Some(Seen::Unknown(_)));
    match ended(&things, now) {
        Ok(at) => found.expired.push(Expired { owner, at }),
        Err(why) if things.iter().any(unknown) => found.left.push(format!("{name}: {why}")),
        Err(why) => found.kept.push(format!("{name}: {why}")),
    }
}

/// Looks again, in every region, right before a deployment goes: since it was found, hours may have passed.
///
/// # Errors
/// With the reason why it stays.
pub async fn still_expired(aws: &Aws, owner: &Owner, now: Timestamp, skip: &BTreeSet<String>) -> Result<Survey, Stays> {
    let survey = survey(aws, owner, skip).await.map_err(Stays::Unknown)?;
    match ended(&survey.things(), now) {
        Ok(_) => Ok(survey),
        Err(why) => Err(Stays::Since(why)),
    }
}

/// What everything in a region that carries a deployment's name says of it. A key whose end is scheduled is gone.
async fn marks(aws: &Aws) -> Result<Vec<(Owner, Thing)>, AwsError> {
    let mut things: BTreeMap<String, Tags> = BTreeMap::new();
    for name in [names::DEPLOYMENT, names::DOMAIN, names::ENVIRONMENT, names::EXPIRES] {
        for (_, id, value) in again(async || aws.tagged("key", name).await).await? {
            things.entry(id).or_default().insert(name.to_owned(), value);
        }
    }
    for (id, tags) in disk_keys::every(aws).await?.told {
        if tags.contains_key(names::DEPLOYMENT) && aws.disk_key(&id).await?.is_some_and(|key| !key.ending) {
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
    Ok(things.into_iter().filter_map(of).collect())
}
