//! What names lead to: the addresses of a domain as this computer's resolver finds them, and the names of addresses.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;

use futures_util::future::join_all;
use serde::Serialize;

use crate::seen::Seen;
use crate::spec::Domain;

use super::dns;
use super::dns::Kind;
use super::dns::Record;
use super::reach;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Names {
    /// The domain's addresses (A and AAAA), sorted; empty: it has none.
    pub domain: Seen<Vec<IpAddr>>,
    /// The names (PTR) of each address that is looked at.
    pub reverse: BTreeMap<IpAddr, Seen<Vec<String>>>,
}

/// Looks a domain up, and the names of these addresses.
pub async fn look(domain: &Domain, addresses: &[IpAddr]) -> Names {
    let reverse = addresses.iter().map(|address| async {
        let found = dns::ask(&dns::reverse_name(*address), Kind::Ptr).await;
        let names = found.map(|records| {
            let name = |record| match record {
                Record::Name(name) => Some(name),
                Record::Address(_) => None,
            };
            records.into_iter().filter_map(name).collect()
        });
        (*address, names.into())
    });
    let (domain, reverse) = tokio::join!(resolve(domain), join_all(reverse));
    Names {
        domain,
        reverse: reverse.into_iter().collect(),
    }
}

/// The addresses as programs on this computer find them. The resolver does not tell a name that does not exist from a
/// server that does not answer, so that DNS is asked for the difference.
pub async fn resolve(domain: &Domain) -> Seen<Vec<IpAddr>> {
    let lookup = tokio::net::lookup_host((domain.as_str(), 443));
    let why = match tokio::time::timeout(reach::STEP, lookup).await {
        Err(_) => return Seen::unknown(format!("the resolver did not answer for {domain} in time")),
        Ok(Ok(found)) => {
            let sorted: BTreeSet<IpAddr> = found.map(|address| address.ip()).collect();
            return Seen::Known(sorted.into_iter().collect());
        }
        Ok(Err(error)) => format!("the resolver knows no address of {domain}: {error}"),
    };
    let (v4, v6) = tokio::join!(
        dns::ask(domain.as_str(), Kind::A),
        dns::ask(domain.as_str(), Kind::Aaaa)
    );
    match (v4, v6) {
        (Ok(v4), Ok(v6)) if v4.is_empty() && v6.is_empty() => Seen::Known(Vec::new()),
        (Err(error), _) | (_, Err(error)) => Seen::unknown(format!("{why}; {error}")),
        _ => Seen::Unknown(why),
    }
}
