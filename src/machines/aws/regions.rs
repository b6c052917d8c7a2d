//! Whether a deployment of which nothing is in the spec's region is in another one: made there too, it would be twice, and
//! the first would be seen by nobody.

use crate::machines::aws::error::CloudError;
use crate::machines::aws::error::Obstacle;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::look::seen;
use crate::machines::aws::names;
use crate::machines::aws::names::Owner;
use crate::machines::aws::patience::again;
use crate::machines::aws::wanted::Wanted;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;

/// Refuses a deployment that is in another region; of one that is here, no other region is asked. Returns what could not be
/// seen, a line each: regions where these credentials may not look.
///
/// # Errors
/// With every region that holds something of it, or where one does not answer.
pub async fn refuse_elsewhere(aws: &Aws, wanted: &Wanted, here: &Inventory) -> Result<Vec<String>, CloudError> {
    if !here.is_empty() {
        return Ok(Vec::new());
    }
    let mut looks = tokio::task::JoinSet::new();
    for region in again(async || aws.regions().await).await? {
        if region != aws.region() {
            let (at, owner) = (aws.at(&region), wanted.owner.clone());
            looks.spawn(async move { (held(&at, &owner).await, region) });
        }
    }
    let (mut obstacles, mut unseen) = (Vec::new(), Vec::new());
    for (held, region) in looks.join_all().await {
        match held {
            Ok(held) => obstacles.extend(held.map(|thing| obstacle(&region, &thing))),
            Err(error) if error.why == Why::Region => {}
            Err(error) if error.why == Why::Denied => {
                unseen.push(format!(
                    "whether the deployment is in {region} already is not known: failed to {error}"
                ));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if obstacles.is_empty() {
        unseen.sort();
        return Ok(unseen);
    }
    Err(CloudError::Obstacles(obstacles))
}

/// One thing of a deployment in a region.
async fn held(aws: &Aws, owner: &Owner) -> Result<Option<String>, AwsError> {
    let tagged = aws.tagged("key", names::DEPLOYMENT).await?;
    if tagged.iter().all(|(_, _, value)| *value != owner.deployment) {
        return Ok(None);
    }
    // Tags of a machine that has ended show for an hour.
    let there = seen(aws, &owner.deployment).await?.only(owner);
    let thing = there.things().first().map(|(kind, id, _)| format!("{kind} {id}"));
    Ok(thing)
}

fn obstacle(region: &str, thing: &str) -> Obstacle {
    Obstacle {
        what: format!("the deployment is in {region}, where it has the {thing}"),
        remedy: format!(
            "the region of a deployment cannot be changed: write `region = {region:?}`; or `anteroom destroy` it, which \
             looks in every region, and apply again"
        ),
    }
}
