//! Names in Route 53: one address record.

use std::net::Ipv4Addr;

use aws_sdk_route53::types;

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;

/// Seconds that others may remember the record.
const TTL: i64 = 300;

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// It is there, with exactly this address.
    Put,
    /// It is not there.
    Remove,
}

impl Aws {
    /// The addresses of a name in a zone; `None` without a record.
    pub async fn record(&self, zone: &str, name: &str) -> Result<Option<Vec<String>>, AwsError> {
        let request = self.names.list_resource_record_sets().hosted_zone_id(zone);
        let request = request
            .start_record_name(name)
            .start_record_type(types::RrType::A)
            .max_items(1);
        let answer = request
            .send()
            .await
            .map_err(|e| self.error("route53:ListResourceRecordSets", e))?;
        let ours = |set: &&types::ResourceRecordSet| {
            set.name().trim_end_matches('.').eq_ignore_ascii_case(name) && *set.r#type() == types::RrType::A
        };
        let found = answer.resource_record_sets().iter().find(ours);
        Ok(found.map(|set| {
            set.resource_records()
                .iter()
                .map(|record| record.value().to_owned())
                .collect()
        }))
    }

    /// Puts or removes the address of a name.
    pub async fn change_record(&self, zone: &str, name: &str, ip: Ipv4Addr, what: Record) -> Result<(), AwsError> {
        let call = "route53:ChangeResourceRecordSets";
        let built = |error: aws_sdk_route53::error::BuildError| {
            AwsError::ours(call, self.region(), Why::Refused, error.to_string())
        };
        let record = types::ResourceRecord::builder()
            .value(ip.to_string())
            .build()
            .map_err(built)?;
        let set = types::ResourceRecordSet::builder()
            .name(name)
            .r#type(types::RrType::A)
            .ttl(TTL);
        let set = set.resource_records(record).build().map_err(built)?;
        let action = match what {
            Record::Put => types::ChangeAction::Upsert,
            Record::Remove => types::ChangeAction::Delete,
        };
        let change = types::Change::builder()
            .action(action)
            .resource_record_set(set)
            .build()
            .map_err(built)?;
        let batch = types::ChangeBatch::builder().changes(change).build().map_err(built)?;
        let sent = self
            .names
            .change_resource_record_sets()
            .hosted_zone_id(zone)
            .change_batch(batch)
            .send()
            .await;
        sent.map(drop).map_err(|e| self.error(call, e))
    }
}
