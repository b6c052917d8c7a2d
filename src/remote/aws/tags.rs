//! Tags of things that exist.

use aws_sdk_ec2::types;
use aws_sdk_kms::types::Tag;

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;
use crate::remote::aws::convert::text;
use crate::remote::aws::model::Tags;

impl Aws {
    /// Takes a tag away, whatever it says.
    pub async fn untag(&self, id: &str, name: &str) -> Result<(), AwsError> {
        let tag = types::Tag::builder().key(name).build();
        let sent = self.ec2.delete_tags().resources(id).tags(tag).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:DeleteTags", e))
    }

    /// The tags of a key.
    pub async fn key_tags(&self, arn: &str) -> Result<Tags, AwsError> {
        let listed = self.kms.list_resource_tags().key_id(key_id(arn)).send().await;
        let answer = listed.map_err(|e| self.error("kms:ListResourceTags", e))?;
        let pair = |tag: &Tag| (text(Some(tag.tag_key())), text(Some(tag.tag_value())));
        Ok(answer.tags().iter().map(pair).collect())
    }

    /// Gives a key tags.
    pub async fn tag_key(&self, arn: &str, with: &Tags) -> Result<(), AwsError> {
        let call = "kms:TagResource";
        let mut request = self.kms.tag_resource().key_id(key_id(arn));
        for (name, value) in with {
            let tag = Tag::builder().tag_key(name).tag_value(value).build();
            let tag = tag.map_err(|e| AwsError::ours(call, self.region(), Why::Refused, e.to_string()))?;
            request = request.tags(tag);
        }
        request.send().await.map(drop).map_err(|e| self.error(call, e))
    }

    /// Takes a key's tag away.
    pub async fn untag_key(&self, arn: &str, name: &str) -> Result<(), AwsError> {
        let request = self.kms.untag_resource().key_id(key_id(arn)).tag_keys(name);
        request
            .send()
            .await
            .map(drop)
            .map_err(|e| self.error("kms:UntagResource", e))
    }
}

fn key_id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
