//! What AWS offers for a host: an image, processors that run it, and a zone. What is unknown is in the way, never a default.

use std::collections::BTreeSet;

use crate::machines::aws::image::pinned;
use crate::machines::aws::inventory::Inventory;
use crate::machines::aws::wanted::HostWanted;
use crate::machines::aws::wanted::Wanted;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;
use crate::remote::aws::model::ImageSeen;
use crate::remote::aws::model::Instance;
use crate::spec::Image;

/// Debian's own account.
const DEBIAN: &str = "136693071363";
/// Architectures that Debian has images of, as AWS and as Debian name them, the one that is taken first first.
const ARCHITECTURES: [(&str, &str); 2] = [("arm64", "arm64"), ("x86_64", "amd64")];

fn missing(aws: &Aws, call: &'static str, said: String) -> AwsError {
    AwsError::ours(call, aws.region(), Why::NotFound, said)
}

/// The image that a host begins as: exactly the spec's, that of the machine that it replaces, or Debian's newest of the
/// release; always one that the instance type runs. The second is what has to be said of it.
pub(super) async fn image(
    aws: &Aws,
    host: &HostWanted,
    before: Option<&Instance>,
) -> Result<(ImageSeen, Option<String>), AwsError> {
    let call = "ec2:DescribeImages";
    let runs = aws.architectures(&host.instance_type).await?;
    let (found, note) = match &host.image {
        Image::Exactly(id) => {
            let found = aws.image(id).await?;
            let gone = || {
                missing(
                    aws,
                    call,
                    format!("the image {id} is gone or not shared with this account"),
                )
            };
            (found.ok_or_else(gone)?, None)
        }
        Image::Debian(release) => {
            let pinned = before.and_then(|machine| pinned(&host.image, machine));
            match pinned {
                Some(id) => match known(aws, id).await? {
                    Some(found) => (found, None),
                    None => (newest(aws, *release, &runs, host).await?, Some(id)),
                },
                None => (newest(aws, *release, &runs, host).await?, None),
            }
        }
    };
    fits(&found.architecture, &runs, &host.instance_type).map_err(|why| missing(aws, call, why))?;
    let note = note.map(|id| {
        let name = &host.name;
        format!(
            "{name}: the image {id} that it began as is gone; it begins as {}",
            found.id
        )
    });
    Ok((found, note))
}

/// An image, unless it is gone.
async fn known(aws: &Aws, id: &str) -> Result<Option<ImageSeen>, AwsError> {
    match aws.image(id).await {
        Err(error) if error.why == Why::NotFound => Ok(None),
        answer => answer,
    }
}

async fn newest(aws: &Aws, release: u8, runs: &BTreeSet<String>, host: &HostWanted) -> Result<ImageSeen, AwsError> {
    let call = "ec2:DescribeInstanceTypes";
    let architecture = debians(runs, &host.instance_type).map_err(|why| missing(aws, call, why))?;
    let name = format!("debian-{release}-{architecture}-*");
    let newest = aws.images(DEBIAN, &name).await?.pop();
    newest.ok_or_else(|| missing(aws, "ec2:DescribeImages", format!("no image {name} of {DEBIAN}")))
}

/// Debian's name of an architecture that a type runs.
fn debians(runs: &BTreeSet<String>, instance_type: &str) -> Result<&'static str, String> {
    let found = ARCHITECTURES.iter().find(|(of_aws, _)| runs.contains(*of_aws));
    found
        .map(|(_, of_debian)| *of_debian)
        .ok_or_else(|| match runs.is_empty() {
            true => format!("AWS does not say which architecture {instance_type} has"),
            false => format!("{instance_type} runs {} and no image of Debian", words(runs)),
        })
}

/// Whether a type runs an image, or a machine that began as one.
pub(super) fn fits(image: &str, runs: &BTreeSet<String>, instance_type: &str) -> Result<(), String> {
    if runs.is_empty() {
        return Err(format!("AWS does not say which architecture {instance_type} has"));
    }
    if image.is_empty() {
        return Err("AWS does not say which architecture the image has".to_owned());
    }
    if runs.contains(image) {
        return Ok(());
    }
    Err(format!(
        "the image is of {image}, and {instance_type} runs {}",
        words(runs)
    ))
}

fn words(set: &BTreeSet<String>) -> String {
    set.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The zone that a new machine goes to: where the subnet is, the spec's, or the first that offers the type.
pub(super) async fn zone(aws: &Aws, wanted: &Wanted, seen: &Inventory, host: &HostWanted) -> Result<String, AwsError> {
    let there = seen.subnet().map(|subnet| subnet.zone.as_str());
    let offering = aws.zones_with(&host.instance_type).await?;
    match wanted.zone.as_deref().or(there) {
        Some(zone) => offered(aws, &offering, zone, &host.instance_type).map(|()| zone.to_owned()),
        None => {
            let first = offering.first().cloned();
            first.ok_or_else(|| nowhere(aws, &offering, aws.region(), &host.instance_type))
        }
    }
}

fn offered(aws: &Aws, offering: &BTreeSet<String>, zone: &str, instance_type: &str) -> Result<(), AwsError> {
    match offering.contains(zone) {
        true => Ok(()),
        false => Err(nowhere(aws, offering, zone, instance_type)),
    }
}

fn nowhere(aws: &Aws, offering: &BTreeSet<String>, place: &str, instance_type: &str) -> AwsError {
    let call = "ec2:DescribeInstanceTypeOfferings";
    let said = match offering.is_empty() {
        true => format!("no zone of {} offers {instance_type}", aws.region()),
        false => format!("{place} does not offer {instance_type}; {} do", words(offering)),
    };
    AwsError::ours(call, aws.region(), Why::Capacity, said)
}

/// Whether a machine that exists can become another type: it runs the machine's architecture, and its zone offers it.
pub(super) async fn resize(aws: &Aws, machine: &Instance, to: &str) -> Result<(), AwsError> {
    let runs = aws.architectures(to).await?;
    let now = aws.runs("instance-id", &machine.id).await?.into_iter().next();
    let architecture = now.map(|now| now.architecture).unwrap_or_default();
    fits(&architecture, &runs, to).map_err(|why| {
        let call = "ec2:ModifyInstanceAttribute";
        AwsError::ours(call, aws.region(), Why::Refused, why)
    })?;
    offered(aws, &aws.zones_with(to).await?, &machine.zone, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn an_architecture_that_is_unknown_is_in_the_way_and_no_default() {
        assert_eq!(debians(&set(&["i386", "x86_64"]), "t2.large"), Ok("amd64"));
        assert_eq!(debians(&set(&["arm64"]), "c7g.large"), Ok("arm64"));
        assert_eq!(
            debians(&set(&["x86_64_mac"]), "mac1.metal"),
            Err("mac1.metal runs x86_64_mac and no image of Debian".to_owned())
        );
        assert!(debians(&set(&[]), "c9x.large").is_err_and(|why| why.contains("does not say")));
    }

    #[test]
    fn a_type_takes_an_image_of_its_own_architecture_only() {
        assert_eq!(fits("x86_64", &set(&["i386", "x86_64"]), "t2.large"), Ok(()));
        let why = fits("x86_64", &set(&["arm64"]), "c7g.large").unwrap_err();
        assert_eq!(why, "the image is of x86_64, and c7g.large runs arm64");
        assert!(fits("", &set(&["arm64"]), "c7g.large").is_err());
        assert!(fits("x86_64", &set(&[]), "c7g.large").is_err());
    }
}
