//! Keys that disks are encrypted with.

use aws_sdk_kms::types::KeyManagerType;
use aws_sdk_kms::types::KeyMetadata;
use aws_sdk_kms::types::KeyState;
use aws_sdk_kms::types::Tag;

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;
use crate::remote::aws::model::DiskKeySeen;
use crate::remote::aws::model::Tags;
use crate::seen::Seen;

/// Days until a key that was given up is gone; AWS allows no fewer.
const DAYS: i32 = 7;
/// Most keys that are looked through.
const KEYS: usize = 10_000;

impl Aws {
    /// A key by id, ARN or alias; `None` where there is none.
    pub async fn disk_key(&self, name: &str) -> Result<Option<DiskKeySeen>, AwsError> {
        let described = self.kms.describe_key().key_id(name).send().await;
        let answer = match described.map_err(|e| self.error("kms:DescribeKey", e)) {
            Ok(answer) => answer,
            Err(error) if error.why == Why::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(metadata) = answer.key_metadata() else {
            return Ok(None);
        };
        let mut key = as_key(metadata);
        key.named = name.starts_with("alias/");
        if !key.ending {
            let status = self
                .kms
                .get_key_rotation_status()
                .key_id(metadata.key_id())
                .send()
                .await;
            let status = status.map_err(|e| self.error("kms:GetKeyRotationStatus", e));
            key.rotated = Seen::from(status.map(|status| status.key_rotation_enabled()));
        }
        Ok(Some(key))
    }

    /// The ids of all keys of the region.
    pub async fn all_keys(&self) -> Result<Vec<String>, AwsError> {
        let call = "kms:ListKeys";
        let mut pages = self.kms.list_keys().into_paginator().items().send();
        let mut ids = Vec::new();
        while let Some(key) = pages.next().await {
            let key = key.map_err(|e| self.error(call, e))?;
            ids.extend(key.key_id().map(str::to_owned));
            if ids.len() > KEYS {
                let said = format!("there are more than {KEYS} keys, and no more are looked through");
                return Err(AwsError::ours(call, self.region(), Why::Refused, said));
            }
        }
        Ok(ids)
    }

    /// A key's tags.
    pub async fn key_tags(&self, arn: &str) -> Result<Tags, AwsError> {
        let id = arn.rsplit('/').next().unwrap_or(arn);
        let mut pages = self.kms.list_resource_tags().key_id(id).into_paginator().items().send();
        let mut tags = Tags::new();
        while let Some(tag) = pages.next().await {
            let tag = tag.map_err(|e| self.error("kms:ListResourceTags", e))?;
            tags.insert(tag.tag_key().to_owned(), tag.tag_value().to_owned());
        }
        Ok(tags)
    }

    /// Makes a key; asked once.
    pub async fn create_disk_key(&self, about: &str, with: &Tags) -> Result<DiskKeySeen, AwsError> {
        let call = "kms:CreateKey";
        let mut request = self.kms_once.create_key().description(about);
        for (key, value) in with {
            let tag = Tag::builder().tag_key(key).tag_value(value).build();
            let tag = tag.map_err(|e| AwsError::ours(call, self.region(), Why::Refused, e.to_string()))?;
            request = request.tags(tag);
        }
        let made = request.send().await.map_err(|e| self.error(call, e))?;
        made.key_metadata().map(as_key).ok_or_else(|| self.silent(call))
    }

    /// Names a key.
    pub async fn name_disk_key(&self, alias: &str, key: &str) -> Result<(), AwsError> {
        let sent = self
            .kms
            .create_alias()
            .alias_name(alias)
            .target_key_id(key)
            .send()
            .await;
        sent.map(drop).map_err(|e| self.error("kms:CreateAlias", e))
    }

    /// Leads a name that is there to another key.
    pub async fn rename_disk_key(&self, alias: &str, key: &str) -> Result<(), AwsError> {
        let request = self.kms.update_alias().alias_name(alias).target_key_id(key);
        let sent = request.send().await;
        sent.map(drop).map_err(|e| self.error("kms:UpdateAlias", e))
    }

    /// Has a key rotated every year.
    pub async fn rotate_disk_key(&self, key: &str) -> Result<(), AwsError> {
        let sent = self.kms.enable_key_rotation().key_id(key).send().await;
        sent.map(drop).map_err(|e| self.error("kms:EnableKeyRotation", e))
    }

    /// Schedules a key's end, without which whatever it encrypted cannot be read again; the moment of the end.
    pub async fn end_disk_key(&self, arn: &str) -> Result<Option<String>, AwsError> {
        let id = arn.rsplit('/').next().unwrap_or(arn);
        let request = self.kms.schedule_key_deletion().key_id(id);
        let sent = request.pending_window_in_days(DAYS).send().await;
        let answer = sent.map_err(|e| self.error("kms:ScheduleKeyDeletion", e))?;
        Ok(answer.deletion_date().map(ToString::to_string))
    }

    /// Takes a key's name away.
    pub async fn unname_disk_key(&self, alias: &str) -> Result<(), AwsError> {
        let sent = self.kms.delete_alias().alias_name(alias).send().await;
        sent.map(drop).map_err(|e| self.error("kms:DeleteAlias", e))
    }
}

fn as_key(metadata: &KeyMetadata) -> DiskKeySeen {
    let state = metadata.key_state();
    DiskKeySeen {
        arn: metadata.arn().unwrap_or(metadata.key_id()).to_owned(),
        enabled: metadata.enabled() || state == Some(&KeyState::Enabled),
        ending: matches!(
            state,
            Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)
        ),
        aws_managed: metadata.key_manager() == Some(&KeyManagerType::Aws),
        rotated: Seen::unknown("not asked"),
        named: false,
    }
}
