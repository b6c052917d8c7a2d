//! Has everything say the environment and the end that it has.

use crate::machines::aws::carry_out::Site;
use crate::machines::aws::error::CloudError;
use crate::machines::aws::inventory::Kind;
use crate::machines::aws::names;
use crate::machines::aws::patience::again;
use crate::machines::aws::patience::gone;
use crate::remote::aws::AwsError;
use crate::remote::aws::model::Tags;

impl Site<'_> {
    /// Environment first: as long as anything says production, nothing is reaped.
    pub(super) async fn retag(&mut self, things: &[(Kind, String)], end: Option<&String>) -> Result<(), CloudError> {
        let environment = self.wanted.environment_word().to_owned();
        let mut tags = Tags::from([(names::ENVIRONMENT.to_owned(), environment)]);
        tags.extend(end.map(|end| (names::EXPIRES.to_owned(), end.clone())));
        for (kind, id) in things {
            // What went since it was seen says nothing any more.
            gone(again(async || self.tag(*kind, id, &tags).await).await)?;
        }
        if end.is_none() {
            for (kind, id) in things {
                gone(again(async || self.endless(*kind, id).await).await)?;
            }
        }
        self.expires = end.cloned();
        Ok(())
    }

    async fn tag(&self, kind: Kind, id: &str, tags: &Tags) -> Result<(), AwsError> {
        match kind {
            Kind::DiskKey => self.aws.tag_key(id, tags).await,
            _ => self.aws.tag(self.tagged_as(kind, id), tags).await,
        }
    }

    async fn endless(&self, kind: Kind, id: &str) -> Result<(), AwsError> {
        match kind {
            Kind::DiskKey => self.aws.untag_key(id, names::EXPIRES).await,
            _ => self.aws.untag(self.tagged_as(kind, id), names::EXPIRES).await,
        }
    }

    /// The id that tags go by: a login key is known by its name, and tagged by its id.
    fn tagged_as<'a>(&'a self, kind: Kind, id: &'a str) -> &'a str {
        let mut pairs = self.seen.key_pairs.iter();
        match kind {
            Kind::KeyPair => pairs.find(|pair| pair.name == id).map_or(id, |pair| &pair.id),
            _ => id,
        }
    }
}
