//! Gives addresses back. AWS gives a released address to its next customer, so one to which a record of ours may still
//! lead is kept.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use crate::machines::aws::dns;
use crate::machines::aws::dns::Leads;
use crate::machines::aws::error::CloudError;
use crate::machines::aws::error::Obstacle;
use crate::machines::aws::patience::gone;
use crate::remote::aws::Aws;
use crate::remote::aws::AwsError;
use crate::remote::aws::Why;
use crate::remote::aws::model::Address;
use crate::remote::aws::model::DnsRecord;

/// Removes the records of a domain that lead to these addresses and nowhere else; what was removed, a line each.
///
/// # Errors
/// With the reason why a record may still lead to one of them.
pub(super) async fn records(
    aws: &Aws,
    domain: &str,
    zones: &BTreeSet<String>,
    ours: &BTreeSet<Ipv4Addr>,
) -> Result<Vec<String>, String> {
    let mut removed = Vec::new();
    for zone in zones {
        let record = record(aws, zone, domain).await;
        let record = record.map_err(|error| format!("a record in {zone} may still lead to it: failed to {error}"))?;
        let Some(record) = record else { continue };
        match (dns::leads(&record, ours), &record) {
            (Leads::Here, DnsRecord::Plain { addresses, ttl }) => {
                let sent = aws.remove_record(zone, domain, addresses, *ttl).await;
                removal(aws, zone, domain, sent).await?;
                removed.push(format!("{domain} A {record} ({zone})"));
            }
            (Leads::Elsewhere, _) => {}
            _ => return Err(format!("{domain} in {zone} still leads to it, beside others: {record}")),
        }
    }
    Ok(removed)
}

/// The record of a domain; a zone that is gone has none.
pub(super) async fn record(aws: &Aws, zone: &str, domain: &str) -> Result<Option<DnsRecord>, AwsError> {
    match aws.record(zone, domain).await {
        Err(error) if error.why == Why::NotFound => Ok(None),
        outcome => outcome,
    }
}

/// A removal whose answer was lost is refused when it is asked for again; what is there decides.
async fn removal(aws: &Aws, zone: &str, domain: &str, sent: Result<(), AwsError>) -> Result<(), String> {
    let Err(error) = sent else { return Ok(()) };
    match record(aws, zone, domain).await {
        Ok(None) => Ok(()),
        _ => Err(format!("{domain} in {zone} still leads to it: failed to {error}")),
    }
}

/// Removes the records that lead to one address and nowhere else, in every zone that it was ever put into.
///
/// # Errors
/// Where a record may still lead to it.
pub(super) async fn unlead(aws: &Aws, domain: &str, address: &Address) -> Result<(), CloudError> {
    let removed = records(aws, domain, &dns::zones(&address.tags), &BTreeSet::from([address.ip])).await;
    removed.map(drop).map_err(|why| {
        CloudError::Obstacles(vec![Obstacle {
            what: format!("the address {} is kept, since {why}", address.ip),
            remedy: "take the address out of that record, or let these credentials see and change the zone; then run it again"
                .to_owned(),
        }])
    })
}

/// Gives an address back.
pub(super) async fn address(aws: &Aws, address: &Address) -> Result<(), AwsError> {
    if let Some(association) = &address.association {
        gone(aws.disassociate(association).await)?;
    }
    gone(aws.release(&address.id).await)
}
