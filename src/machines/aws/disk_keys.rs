//! The deployment's keys in KMS, by their alias and by their tags. A key whose tags may not be listed is never taken for
//! another's: the one that the alias names is an error, the others are told.

use futures_util::StreamExt;

use crate::machines::aws::names;
use crate::machines::aws::names::Owner;
use crate::machines::aws::patience::again;
use crate::machines::aws::patience::gone;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;
use crate::remote::aws::model::DiskKeySeen;
use crate::remote::aws::model::Tags;

/// How many keys are asked for their tags at once.
const WIDTH: usize = 8;

/// A key of the deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnKey {
    pub(super) seen: DiskKeySeen,
    pub(super) tags: Tags,
}

/// What KMS holds of a deployment in a region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DiskKeys {
    /// Keys whose end is not scheduled.
    pub(super) alive: Vec<OwnKey>,
    /// Whether the alias names a key of the deployment, be it one whose end is scheduled.
    pub(super) named: bool,
    /// Keys that do not show these credentials whose they are.
    pub(super) untold: Vec<String>,
    /// Keys with the deployment's name and no domain whose end is not scheduled.
    pub(super) of_no_domain: Vec<String>,
}

/// What an apply goes by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Usable {
    /// Keys of the deployment.
    pub(super) keys: Vec<DiskKeySeen>,
    /// Keys that may be anybody's, as far as they were looked for.
    pub(super) of_no_domain: Vec<String>,
}

/// Every key of a region with its tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tagged {
    /// Ids with their tags.
    pub(super) told: Vec<(String, Tags)>,
    /// Ids of those whose tags may not be listed.
    pub(super) untold: Vec<String>,
}

/// Asks every key of the region.
///
/// # Errors
/// Where a call fails, or not one key says whose it is.
pub(super) async fn every(aws: &Aws) -> Result<Tagged, AwsError> {
    let ids = aws.all_keys().await?;
    let asked = ids.iter().map(async |id| (id, aws.key_tags(id).await));
    let mut answers = futures_util::stream::iter(asked).buffer_unordered(WIDTH);
    let (mut all, mut denied) = (Tagged::default(), None);
    while let Some((id, answer)) = answers.next().await {
        match answer {
            Ok(tags) => all.told.push((id.clone(), tags)),
            Err(error) if error.why == Why::Denied => {
                all.untold.push(id.clone());
                denied = Some(error);
            }
            Err(error) if error.why == Why::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    if let Some(error) = denied.filter(|_| all.told.is_empty()) {
        return Err(error);
    }
    all.told.sort();
    all.untold.sort();
    Ok(all)
}

/// The key that the alias names, where it is the deployment's.
async fn named(aws: &Aws, owner: &Owner) -> Result<Option<OwnKey>, AwsError> {
    let Some(seen) = aws.disk_key(&owner.alias()).await? else {
        return Ok(None);
    };
    let tags = aws.key_tags(&seen.arn).await?;
    Ok(owner.owns(&tags).then_some(OwnKey { seen, tags }))
}

/// All that is there, by the alias and by the tags.
pub(super) async fn find(aws: &Aws, owner: &Owner) -> Result<DiskKeys, AwsError> {
    let (named, every) = (named(aws, owner).await?, every(aws).await?);
    let mut found = DiskKeys {
        named: named.is_some(),
        untold: every.untold,
        ..DiskKeys::default()
    };
    for id in of_no_domain(&every.told, &owner.deployment) {
        if lives(aws, id).await? {
            found.of_no_domain.push(id.clone());
        }
    }
    for (id, tags) in every.told.into_iter().filter(|(_, tags)| owner.owns(tags)) {
        if let Some(mut seen) = aws.disk_key(&id).await? {
            seen.named = named.as_ref().is_some_and(|named| named.seen.arn == seen.arn);
            found.alive.push(OwnKey { seen, tags });
        }
    }
    // A key that was made a moment ago may be missing from the list.
    if let Some(named) = named
        && found.alive.iter().all(|key| key.seen.arn != named.seen.arn)
    {
        found.alive.push(named);
    }
    found.alive.retain(|key| !key.seen.ending);
    Ok(found)
}

/// Those of a deployment's name without a domain.
fn of_no_domain<'a>(told: &'a [(String, Tags)], deployment: &str) -> Vec<&'a String> {
    let is_ours = |tags: &Tags| tags.get(names::DEPLOYMENT).is_some_and(|name| name == deployment);
    let lacks = |tags: &Tags| is_ours(tags) && !tags.contains_key(names::DOMAIN);
    told.iter().filter(|(_, tags)| lacks(tags)).map(|(id, _)| id).collect()
}

/// Whether a key's end is not scheduled, as far as these credentials may look.
async fn lives(aws: &Aws, id: &str) -> Result<bool, AwsError> {
    match aws.disk_key(id).await {
        Err(error) if error.why == Why::Denied => Ok(true),
        answer => Ok(answer?.is_some_and(|key| !key.ending)),
    }
}

/// Keys whose end is not scheduled: the one that the alias names; without it, whatever carries the deployment's tags.
pub(super) async fn usable(aws: &Aws, owner: &Owner) -> Result<Usable, AwsError> {
    if let Some(named) = named(aws, owner).await?
        && !named.seen.ending
    {
        return Ok(Usable {
            keys: vec![named.seen],
            ..Usable::default()
        });
    }
    let found = find(aws, owner).await?;
    let mut keys: Vec<DiskKeySeen> = found.alive.into_iter().map(|key| key.seen).collect();
    keys.sort_by(|one, other| one.arn.cmp(&other.arn));
    Ok(Usable {
        keys,
        of_no_domain: found.of_no_domain,
    })
}

/// Gives a key the deployment's alias, which a run that was killed may have left on a key that ends.
pub(super) async fn name(aws: &Aws, owner: &Owner, key: &str) -> Result<(), AwsError> {
    let alias = owner.alias();
    let error = match again(async || aws.name_disk_key(&alias, key).await).await {
        Err(error) if error.why == Why::Conflict => error,
        outcome => return outcome,
    };
    match named(aws, owner).await? {
        Some(there) if there.seen.arn == key => Ok(()),
        Some(there) if there.seen.ending => again(async || aws.rename_disk_key(&alias, key).await).await,
        _ => Err(error),
    }
}

/// Schedules a key's end; the moment of it, as AWS says.
pub(super) async fn end(aws: &Aws, key: &str) -> Result<Option<String>, AwsError> {
    match aws.end_disk_key(key).await {
        Err(error) if error.why == Why::NotFound => Ok(None),
        outcome => outcome,
    }
}

/// Takes the alias away; gone already is success.
pub(super) async fn unname(aws: &Aws, owner: &Owner) -> Result<(), AwsError> {
    gone(aws.unname_disk_key(&owner.alias()).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_the_name_without_a_domain_may_be_anybodys() {
        let key = |id: &str, pairs: &[(&str, &str)]| {
            let tags = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            (id.to_owned(), tags.collect::<Tags>())
        };
        let told = [
            key(
                "ours",
                &[(names::DEPLOYMENT, "clinic"), (names::DOMAIN, "telemed.example.com")],
            ),
            key("bare", &[(names::DEPLOYMENT, "clinic")]),
            key("another", &[(names::DEPLOYMENT, "other")]),
            key("plain", &[]),
        ];
        assert_eq!(of_no_domain(&told, "clinic"), ["bare"]);
    }
}
