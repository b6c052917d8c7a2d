//! Names in Route 53: one address record.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use aws_sdk_route53::types;

use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;
use crate::remote::aws::model::DnsRecord;

/// Seconds that others may remember the record.
const TTL: i64 = 300;
/// The permission that a change needs.
const CHANGE: &str = "route53:ChangeResourceRecordSets";

impl Aws {
    /// The name of a zone, without the dot at its end.
    pub async fn zone_name(&self, zone: &str) -> Result<String, AwsError> {
        let call = "route53:GetHostedZone";
        let sent = self.names.get_hosted_zone().id(zone).send().await;
        let answer = sent.map_err(|e| self.error(call, e))?;
        let name = answer.hosted_zone().map(types::HostedZone::name);
        let name = name.ok_or_else(|| self.silent(call))?;
        Ok(name.trim_end_matches('.').to_owned())
    }

    /// The address record of a name in a zone; `None` without one.
    pub async fn record(&self, zone: &str, name: &str) -> Result<Option<DnsRecord>, AwsError> {
        let is_name = |other: &str| other.trim_end_matches('.').eq_ignore_ascii_case(name);
        let (mut sets, mut after) = (Vec::new(), None);
        loop {
            let request = self.names.list_resource_record_sets().hosted_zone_id(zone);
            let request = request.start_record_name(name).start_record_type(types::RrType::A);
            let sent = request.set_start_record_identifier(after).send().await;
            let answer = sent.map_err(|e| self.error("route53:ListResourceRecordSets", e))?;
            let page = answer.resource_record_sets().iter();
            sets.extend(
                page.filter(|set| is_name(set.name()) && *set.r#type() == types::RrType::A)
                    .cloned(),
            );
            let same =
                answer.next_record_name().is_some_and(is_name) && answer.next_record_type() == Some(&types::RrType::A);
            after = answer.next_record_identifier().map(str::to_owned);
            if !answer.is_truncated() || !same || after.is_none() {
                return Ok(as_record(&sets));
            }
        }
    }

    /// Leads a name to one address, whatever it led to before.
    pub async fn put_record(&self, zone: &str, name: &str, ip: Ipv4Addr) -> Result<(), AwsError> {
        let addresses = BTreeSet::from([ip.to_string()]);
        self.change_record(zone, name, types::ChangeAction::Upsert, &addresses, TTL)
            .await
    }

    /// Removes a record. Route 53 does so only where addresses and TTL are those of the record.
    pub async fn remove_record(
        &self,
        zone: &str,
        name: &str,
        addresses: &BTreeSet<String>,
        ttl: i64,
    ) -> Result<(), AwsError> {
        self.change_record(zone, name, types::ChangeAction::Delete, addresses, ttl)
            .await
    }

    async fn change_record(
        &self,
        zone: &str,
        name: &str,
        action: types::ChangeAction,
        addresses: &BTreeSet<String>,
        ttl: i64,
    ) -> Result<(), AwsError> {
        let built = |error: aws_sdk_route53::error::BuildError| {
            AwsError::ours(CHANGE, self.region(), Why::Refused, error.to_string())
        };
        let mut set = types::ResourceRecordSet::builder()
            .name(name)
            .r#type(types::RrType::A)
            .ttl(ttl);
        for address in addresses {
            let record = types::ResourceRecord::builder().value(address).build();
            set = set.resource_records(record.map_err(built)?);
        }
        let set = set.build().map_err(built)?;
        let change = types::Change::builder().action(action).resource_record_set(set);
        let change = change.build().map_err(built)?;
        let batch = types::ChangeBatch::builder().changes(change).build().map_err(built)?;
        let request = self.names.change_resource_record_sets().hosted_zone_id(zone);
        let sent = request.change_batch(batch).send().await;
        sent.map(drop).map_err(|e| self.error(CHANGE, e))
    }
}

fn as_record(sets: &[types::ResourceRecordSet]) -> Option<DnsRecord> {
    let values = sets.iter().flat_map(types::ResourceRecordSet::resource_records);
    let addresses = values.map(|record| record.value().to_owned()).collect();
    let first = sets.first()?;
    if sets.len() > 1 || first.set_identifier().is_some() {
        return Some(DnsRecord::Routed(addresses));
    }
    Some(match first.alias_target() {
        Some(target) => DnsRecord::Alias(target.dns_name().trim_end_matches('.').to_owned()),
        None => DnsRecord::Plain {
            addresses,
            ttl: first.ttl().unwrap_or(TTL),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(addresses: &[&str]) -> types::builders::ResourceRecordSetBuilder {
        let record = |ip: &&str| types::ResourceRecord::builder().value(*ip).build().unwrap();
        types::ResourceRecordSet::builder()
            .name("telemed.example.com.")
            .r#type(types::RrType::A)
            .set_resource_records(Some(addresses.iter().map(record).collect()))
    }

    #[test]
    fn plain_alias_and_routed_records_are_told_apart() {
        let texts = |list: &[&str]| list.iter().map(|ip| (*ip).to_owned()).collect::<BTreeSet<_>>();
        let (one, two) = ("203.0.113.7", "203.0.113.8");
        assert_eq!(as_record(&[]), None);
        let plain = DnsRecord::Plain {
            addresses: texts(&[one, two]),
            ttl: 60,
        };
        assert_eq!(as_record(&[set(&[one, two]).ttl(60).build().unwrap()]), Some(plain));
        let target = types::AliasTarget::builder()
            .hosted_zone_id("Z2FDTNDATAQYW2")
            .dns_name("d1.cloudfront.net.")
            .evaluate_target_health(false);
        let alias = set(&[]).alias_target(target.build().unwrap()).build().unwrap();
        assert_eq!(
            as_record(&[alias]),
            Some(DnsRecord::Alias("d1.cloudfront.net".to_owned()))
        );
        let weighted = |ip: &str| set(&[ip]).ttl(60).set_identifier(ip).weight(1).build().unwrap();
        assert_eq!(as_record(&[weighted(one)]), Some(DnsRecord::Routed(texts(&[one]))));
        assert_eq!(
            as_record(&[weighted(one), weighted(two)]),
            Some(DnsRecord::Routed(texts(&[one, two])))
        );
    }
}
