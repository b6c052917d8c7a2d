//! The account: who asks, its regions, agreements, quotas, and what it sets for all disks.

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::convert::text;
use crate::remote::aws::model::AccountSettings;
use crate::remote::aws::model::Agreement;
use crate::remote::aws::model::Identity;
use crate::remote::aws::model::Trail;
use crate::seen::Seen;

/// EC2's name for how many Elastic IP addresses an account may have.
const ADDRESS_QUOTA: &str = "vpc-max-elastic-ips";

impl Aws {
    /// Who asks.
    pub async fn identity(&self) -> Result<Identity, AwsError> {
        let sent = self.sts.get_caller_identity().send().await;
        let answer = sent.map_err(|e| self.error("sts:GetCallerIdentity", e))?;
        Ok(Identity {
            account: text(answer.account()),
            arn: text(answer.arn()),
        })
    }

    /// Every region that the account may use.
    pub async fn regions(&self) -> Result<Vec<String>, AwsError> {
        let sent = self.ec2.describe_regions().send().await;
        let answer = sent.map_err(|e| self.error("ec2:DescribeRegions", e))?;
        let mut names: Vec<String> = answer
            .regions()
            .iter()
            .map(|region| text(region.region_name()))
            .collect();
        names.sort();
        Ok(names)
    }

    /// How many Elastic IP addresses the account may have, when AWS says.
    pub async fn address_quota(&self) -> Result<Option<usize>, AwsError> {
        let request = self.ec2.describe_account_attributes();
        let sent = request.attribute_names(ADDRESS_QUOTA.into()).send().await;
        let answer = sent.map_err(|e| self.error("ec2:DescribeAccountAttributes", e))?;
        let mut found = answer.account_attributes().iter();
        let quota = found.find(|attribute| attribute.attribute_name() == Some(ADDRESS_QUOTA));
        Ok(quota.and_then(|quota| quota.attribute_values().first()?.attribute_value()?.parse().ok()))
    }

    /// Every agreement of the account. The details of one are never asked for, since that hands out a token that ends it.
    pub async fn agreements(&self) -> Result<Vec<Agreement>, AwsError> {
        let mut pages = self.artifact.list_customer_agreements().into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(agreement) = pages.next().await {
            let agreement = agreement.map_err(|e| self.error("artifact:ListCustomerAgreements", e))?;
            found.push(Agreement {
                name: text(agreement.name()),
                account: agreement.aws_account_id().map(str::to_owned),
                organization: agreement.organization_arn().map(str::to_owned),
                state: agreement.state().map_or("", |state| state.as_str()).to_owned(),
                from: agreement.effective_start().map(ToString::to_string),
                until: agreement.effective_end().map(ToString::to_string),
            });
        }
        Ok(found)
    }

    /// What the account sets for all its disks, and whether a trail records what is done.
    pub async fn settings(&self) -> AccountSettings {
        let (disks, snapshots, trails) = tokio::join!(
            self.encrypts_by_default(),
            self.blocks_public_snapshots(),
            self.trails()
        );
        AccountSettings {
            disks_encrypted: disks.into(),
            snapshots_blocked: snapshots.into(),
            trails: trails.into(),
        }
    }

    async fn encrypts_by_default(&self) -> Result<bool, AwsError> {
        let sent = self.ec2.get_ebs_encryption_by_default().send().await;
        let answer = sent.map_err(|e| self.error("ec2:GetEbsEncryptionByDefault", e))?;
        Ok(answer.ebs_encryption_by_default().unwrap_or(false))
    }

    async fn blocks_public_snapshots(&self) -> Result<bool, AwsError> {
        let sent = self.ec2.get_snapshot_block_public_access_state().send().await;
        let answer = sent.map_err(|e| self.error("ec2:GetSnapshotBlockPublicAccessState", e))?;
        let state = answer.state().map_or("", |state| state.as_str());
        Ok(state == "block-all-sharing")
    }

    async fn trails(&self) -> Result<Vec<Trail>, AwsError> {
        let sent = self.trails.describe_trails().send().await;
        let answer = sent.map_err(|e| self.error("cloudtrail:DescribeTrails", e))?;
        let mut found = Vec::new();
        for trail in answer.trail_list() {
            let status = self
                .trails
                .get_trail_status()
                .name(text(trail.trail_arn()))
                .send()
                .await;
            let recording = status.map(|status| status.is_logging().unwrap_or(false));
            found.push(Trail {
                name: text(trail.name()),
                everywhere: trail.is_multi_region_trail().unwrap_or(false),
                validated: trail.log_file_validation_enabled().unwrap_or(false),
                recording: Seen::from(recording.map_err(|e| self.error("cloudtrail:GetTrailStatus", e))),
            });
        }
        Ok(found)
    }
}
