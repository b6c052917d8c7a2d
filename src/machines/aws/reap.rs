//! Test deployments whose time has passed, found by their tags in every region. Production is never one of them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::machines::aws::look::seen;
use crate::machines::aws::names;
use crate::machines::aws::names::Owner;
use crate::machines::aws::patience::again;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;

/// A test deployment whose time has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Whose it is.
    pub owner: Owner,
    /// When it ended.
    pub at: String,
}

/// Finds them.
///
/// # Errors
/// Where the account or a region cannot be asked.
pub async fn expired(aws: &Aws, now: Timestamp) -> Result<Vec<Expired>, AwsError> {
    let mut deployments: BTreeMap<Owner, Vec<Marks>> = BTreeMap::new();
    let mut places: BTreeMap<Owner, BTreeSet<String>> = BTreeMap::new();
    for region in again(async || aws.regions().await).await? {
        let at = if region == aws.region() {
            aws.clone()
        } else {
            aws.at(&region)
        };
        match marks(&at).await {
            Ok(found) => {
                for (owner, marks) in found {
                    places.entry(owner.clone()).or_default().insert(region.clone());
                    deployments.entry(owner).or_default().push(marks);
                }
            }
            Err(error) if error.why == Why::Region => {}
            Err(error) => return Err(error),
        }
    }
    let mut ended = Vec::new();
    for (owner, marks) in deployments {
        let regions = places.remove(&owner).unwrap_or_default();
        if let Some(at) = end(&marks, now)
            && is_there(aws, &owner, &regions).await?
        {
            ended.push(Expired { owner, at });
        }
    }
    Ok(ended)
}

/// Whether anything is left of a deployment. Tags of a machine that has ended show for an hour.
async fn is_there(aws: &Aws, owner: &Owner, regions: &BTreeSet<String>) -> Result<bool, AwsError> {
    for region in regions {
        let at = if region == aws.region() {
            aws.clone()
        } else {
            aws.at(region)
        };
        if !seen(&at, &owner.deployment).await?.only(owner).is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What one thing says of its deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Marks {
    environment: String,
    expires: String,
}

async fn marks(aws: &Aws) -> Result<Vec<(Owner, Marks)>, AwsError> {
    let mut things: BTreeMap<String, BTreeMap<&str, String>> = BTreeMap::new();
    for name in [names::DEPLOYMENT, names::DOMAIN, names::ENVIRONMENT, names::EXPIRES] {
        for (_, id, value) in aws.tagged("key", name).await? {
            things.entry(id).or_default().insert(name, value);
        }
    }
    let of = |tags: BTreeMap<&str, String>| {
        let text = |name: &str| tags.get(name).cloned();
        let owner = Owner {
            deployment: text(names::DEPLOYMENT)?,
            domain: text(names::DOMAIN)?,
        };
        let marks = Marks {
            environment: text(names::ENVIRONMENT).unwrap_or_default(),
            expires: text(names::EXPIRES).unwrap_or_default(),
        };
        Some((owner, marks))
    };
    Ok(things.into_values().filter_map(of).collect())
}

/// The end that has passed; `None` where anything of the deployment is not a test, says no end, or one to come.
fn end(marks: &[Marks], now: Timestamp) -> Option<String> {
    let mut ends = BTreeSet::new();
    for mark in marks {
        let at: Timestamp = mark.expires.parse().ok().filter(|_| mark.environment == "test")?;
        ends.insert(at);
    }
    ends.last().filter(|last| **last < now).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(environment: &str, expires: &str) -> Marks {
        Marks {
            environment: environment.to_owned(),
            expires: expires.to_owned(),
        }
    }

    #[test]
    fn only_a_test_of_which_everything_has_ended_is_reaped() {
        let now: Timestamp = "2026-04-01T12:00:00Z".parse().unwrap();
        let (past, earlier, later) = ("2026-04-01T11:00:00Z", "2026-04-01T08:00:00Z", "2026-04-01T13:00:00Z");
        assert_eq!(
            end(&[marks("test", past), marks("test", earlier)], now).as_deref(),
            Some(past)
        );
        for kept in [
            vec![marks("test", past), marks("production", past)],
            vec![marks("test", past), marks("test", later)],
            vec![marks("test", past), marks("test", "")],
            vec![marks("test", past), marks("", past)],
            vec![marks("test", "soon")],
            vec![],
        ] {
            assert_eq!(end(&kept, now), None, "{kept:?}");
        }
    }
}
