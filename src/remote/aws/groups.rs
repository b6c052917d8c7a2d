//! Security groups, login keys and tags.

use std::collections::BTreeSet;

use aws_sdk_ec2::operation::create_security_group::builders::CreateSecurityGroupFluentBuilder;
use aws_sdk_ec2::operation::import_key_pair::builders::ImportKeyPairFluentBuilder;
use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types;
use aws_sdk_ec2::types::ResourceType;

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::convert::filter;
use crate::remote::aws::convert::permission_list;
use crate::remote::aws::convert::permissions;
use crate::remote::aws::convert::specification;
use crate::remote::aws::convert::tag_list;
use crate::remote::aws::convert::tags;
use crate::remote::aws::convert::text;
use crate::remote::aws::model::Group;
use crate::remote::aws::model::KeyPair;
use crate::remote::aws::model::Permission;
use crate::remote::aws::model::Tags;

/// Which way traffic goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Into the machine.
    In,
    /// Out of it.
    Out,
}

impl Aws {
    /// Security groups that a filter finds.
    pub async fn groups(&self, name: &str, value: &str) -> Result<Vec<Group>, AwsError> {
        let request = self.ec2.describe_security_groups().filters(filter(name, value));
        let mut pages = request.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(group) = pages.next().await {
            found.push(as_group(
                &group.map_err(|e| self.error("ec2:DescribeSecurityGroups", e))?,
            ));
        }
        Ok(found)
    }

    /// Makes a security group; asked once. Its name is taken when it is there already.
    pub async fn create_group(&self, vpc: &str, name: &str, about: &str, with: &Tags) -> Result<String, AwsError> {
        let call = "ec2:CreateSecurityGroup";
        let sent = self.group_request(vpc, name, about, with).send().await;
        let made = sent.map_err(|e| self.error(call, e))?;
        made.group_id().map(str::to_owned).ok_or_else(|| self.silent(call))
    }

    pub(super) fn group_request(
        &self,
        vpc: &str,
        name: &str,
        about: &str,
        with: &Tags,
    ) -> CreateSecurityGroupFluentBuilder {
        let request = self.ec2_once.create_security_group().vpc_id(vpc).group_name(name);
        let request = request.description(about);
        request.tag_specifications(specification(ResourceType::SecurityGroup, with))
    }

    /// Lets traffic through.
    pub async fn authorize(&self, group: &str, way: Way, open: &BTreeSet<Permission>) -> Result<(), AwsError> {
        let list = Some(permission_list(open));
        match way {
            Way::In => {
                let request = self
                    .ec2
                    .authorize_security_group_ingress()
                    .group_id(group)
                    .set_ip_permissions(list);
                let sent = request.send().await;
                sent.map(drop)
                    .map_err(|e| self.error("ec2:AuthorizeSecurityGroupIngress", e))
            }
            Way::Out => {
                let request = self
                    .ec2
                    .authorize_security_group_egress()
                    .group_id(group)
                    .set_ip_permissions(list);
                let sent = request.send().await;
                sent.map(drop)
                    .map_err(|e| self.error("ec2:AuthorizeSecurityGroupEgress", e))
            }
        }
    }

    /// Lets traffic through no longer.
    pub async fn revoke(&self, group: &str, way: Way, close: &BTreeSet<Permission>) -> Result<(), AwsError> {
        let list = Some(permission_list(close));
        match way {
            Way::In => {
                let request = self
                    .ec2
                    .revoke_security_group_ingress()
                    .group_id(group)
                    .set_ip_permissions(list);
                let sent = request.send().await;
                sent.map(drop)
                    .map_err(|e| self.error("ec2:RevokeSecurityGroupIngress", e))
            }
            Way::Out => {
                let request = self
                    .ec2
                    .revoke_security_group_egress()
                    .group_id(group)
                    .set_ip_permissions(list);
                let sent = request.send().await;
                sent.map(drop)
                    .map_err(|e| self.error("ec2:RevokeSecurityGroupEgress", e))
            }
        }
    }

    /// Removes a security group.
    pub async fn delete_group(&self, id: &str) -> Result<(), AwsError> {
        let sent = self.ec2.delete_security_group().group_id(id).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:DeleteSecurityGroup", e))
    }

    /// Login keys that a filter finds.
    pub async fn key_pairs(&self, name: &str, value: &str) -> Result<Vec<KeyPair>, AwsError> {
        let sent = self.ec2.describe_key_pairs().filters(filter(name, value)).send().await;
        let found = sent.map_err(|e| self.error("ec2:DescribeKeyPairs", e))?;
        let pair = |pair: &types::KeyPairInfo| KeyPair {
            id: text(pair.key_pair_id()),
            name: text(pair.key_name()),
            tags: tags(pair.tags()),
        };
        Ok(found.key_pairs().iter().map(pair).collect())
    }

    /// Imports the public half of a login key; asked once. Its name is taken when it is there already.
    pub async fn import_key_pair(&self, name: &str, public_key: &str, with: &Tags) -> Result<(), AwsError> {
        let sent = self.key_pair_request(name, public_key, with).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:ImportKeyPair", e))
    }

    pub(super) fn key_pair_request(&self, name: &str, public_key: &str, with: &Tags) -> ImportKeyPairFluentBuilder {
        let request = self.ec2_once.import_key_pair().key_name(name);
        let request = request.public_key_material(Blob::new(public_key.as_bytes()));
        request.tag_specifications(specification(ResourceType::KeyPair, with))
    }

    /// Removes a login key.
    pub async fn delete_key_pair(&self, name: &str) -> Result<(), AwsError> {
        let sent = self.ec2.delete_key_pair().key_name(name).send().await;
        sent.map(drop).map_err(|e| self.error("ec2:DeleteKeyPair", e))
    }

    /// Sets tags; others stay.
    pub async fn tag(&self, id: &str, with: &Tags) -> Result<(), AwsError> {
        let request = self.ec2.create_tags().resources(id).set_tags(Some(tag_list(with)));
        request
            .send()
            .await
            .map(drop)
            .map_err(|e| self.error("ec2:CreateTags", e))
    }

    /// Ids by kind of everything in the region that carries a tag, and the tag's value.
    pub async fn tagged(&self, name: &str, value: &str) -> Result<Vec<(String, String, String)>, AwsError> {
        let mut pages = self
            .ec2
            .describe_tags()
            .filters(filter(name, value))
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(tag) = pages.next().await {
            let tag = tag.map_err(|e| self.error("ec2:DescribeTags", e))?;
            let kind = tag.resource_type().map_or("", ResourceType::as_str).to_owned();
            found.push((kind, text(tag.resource_id()), text(tag.value())));
        }
        found.sort();
        Ok(found)
    }
}

fn as_group(group: &types::SecurityGroup) -> Group {
    Group {
        id: text(group.group_id()),
        name: text(group.group_name()),
        vpc: text(group.vpc_id()),
        ingress: permissions(group.ip_permissions()),
        egress: permissions(group.ip_permissions_egress()),
        tags: tags(group.tags()),
    }
}
