//! A look at a deployment in every region of the account, before anybody is asked whether it may go. What could not be
//! looked at is not touched afterwards either.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use futures_util::StreamExt;

use crate::machines::aws::dns;
use crate::machines::aws::hold::Held;
use crate::machines::aws::hold::hold;
use crate::machines::aws::media::Media;
use crate::machines::aws::names::Owner;
use crate::machines::aws::patience::again;
use crate::machines::aws::stakes::Thing;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;

/// How many regions are asked at once.
const WIDTH: usize = 8;

/// Regions that were not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Those that did not answer, with the reason.
    pub failed: BTreeMap<String, String>,
    /// Those that the operator left out.
    pub skipped: BTreeSet<String>,
}

impl Unseen {
    /// A line each of what was not swept though it should have been.
    pub fn lines(&self) -> Vec<String> {
        let line = |(region, why): (&String, &String)| format!("not swept: {region}: failed to {why}");
        self.failed.iter().map(line).collect()
    }
}

/// What was seen of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// By region.
    pub(super) held: BTreeMap<String, Held>,
    /// What was not.
    pub unseen: Unseen,
}

/// The same account in another region, or the same one.
pub(super) fn at(aws: &Aws, region: &str) -> Aws {
    if region == aws.region() {
        aws.clone()
    } else {
        aws.at(region)
    }
}

/// Every region that the account may use, without those left out; these are noted.
pub(super) async fn regions(aws: &Aws, skip: &BTreeSet<String>) -> Result<(Vec<String>, Unseen), AwsError> {
    let all = again(async || aws.regions().await).await?;
    let (skipped, asked): (Vec<_>, Vec<_>) = all.into_iter().partition(|region| skip.contains(region));
    let unseen = Unseen {
        skipped: skipped.into_iter().collect(),
        ..Unseen::default()
    };
    Ok((asked, unseen))
}

/// Asks regions the same, a few at once. One that does not answer is noted; one that the account has not enabled holds
/// nothing.
///
/// # Errors
/// Where the credentials or the clock are wrong, or no region answers at all.
pub(super) async fn ask<T>(
    aws: &Aws,
    regions: Vec<String>,
    unseen: &mut Unseen,
    question: impl AsyncFn(Aws) -> Result<T, AwsError>,
) -> Result<BTreeMap<String, T>, AwsError> {
    let question = &question;
    let asked = regions.into_iter().map(async |region| {
        let answer = question(at(aws, &region)).await;
        (region, answer)
    });
    let mut answers = futures_util::stream::iter(asked).buffer_unordered(WIDTH);
    let (mut found, mut last) = (BTreeMap::new(), None);
    while let Some((region, answer)) = answers.next().await {
        match answer {
            Ok(answer) => drop(found.insert(region, answer)),
            Err(error) if error.why == Why::Region => {}
            Err(error) if matches!(error.why, Why::Credentials | Why::Clock) => return Err(error),
            Err(error) => {
                unseen.failed.insert(region, error.to_string());
                last = Some(error);
            }
        }
    }
    match last.filter(|_| found.is_empty()) {
        Some(error) => Err(error),
        None => Ok(found),
    }
}

/// Looks at a deployment in every region but those left out.
///
/// # Errors
/// Where the account does not say which regions there are, or nothing can be asked at all.
pub async fn survey(aws: &Aws, owner: &Owner, skip: &BTreeSet<String>) -> Result<Survey, AwsError> {
    let (regions, mut unseen) = regions(aws, skip).await?;
    let look = async |there: Aws| hold(&there, owner).await;
    let held = ask(aws, regions, &mut unseen, look).await?;
    Ok(Survey { held, unseen })
}

impl Survey {
    /// Everything of the deployment.
    pub fn things(&self) -> Vec<Thing> {
        self.held.values().flat_map(Held::things).collect()
    }

    /// What is to go, a line each; then what stays.
    pub fn lines(&self) -> Vec<String> {
        let media = self.media().with_keys_ending("its end, 7 days after this");
        let goes = self.things().into_iter().map(|thing| format!("- {}", thing.what));
        let stays = self.held.values().flat_map(|held| {
            let (region, media) = (&held.region, &media);
            let unowned = held.of_no_domain.iter().map(|line| format!("  stays: {line}"));
            let loose = held.loose.iter().map(move |disk| {
                let readable = media.readable(disk.encrypted, disk.key.as_ref());
                format!(
                    "  stays: volume {} in {region}, attached to a machine and without the deployment's tags, unless it \
                     is set to go with that machine: {readable}",
                    disk.id
                )
            });
            let copies = held.copies.iter().map(move |copy| {
                let readable = media.readable(copy.encrypted, copy.key.as_ref());
                format!(
                    "  stays: {} {} of {} in {region}: {readable}",
                    copy.kind, copy.id, copy.of
                )
            });
            unowned.chain(loose).chain(copies)
        });
        goes.chain(stays).collect()
    }

    /// What holds data.
    pub fn media(&self) -> Media {
        let mut media = Media::default();
        let all = self.held.values().flat_map(Held::media);
        all.for_each(|medium| media.see(medium));
        media
    }

    /// Every address of the deployment.
    pub(super) fn ips(&self) -> BTreeSet<Ipv4Addr> {
        dns::ips(self.held.values().flat_map(|held| &held.ours.addresses))
    }

    /// Every zone of Route 53 in which a record may lead to one of them.
    pub(super) fn zones(&self, of_spec: Option<&str>) -> BTreeSet<String> {
        let addresses = self.held.values().flat_map(|held| &held.ours.addresses);
        let named = addresses.flat_map(|address| dns::zones(&address.tags));
        named.chain(of_spec.map(str::to_owned)).collect()
    }
}
