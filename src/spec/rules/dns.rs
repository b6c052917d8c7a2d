//! `[dns]`: what follows when the domain does not lead to this deployment.

use crate::spec::docket::Refused;
use crate::spec::model::Dns;
use crate::spec::model::DnsCheck;
use crate::spec::raw::RawDnsCheck;
use crate::spec::raw::RawSpec;
use crate::spec::rules::cloned;
use crate::spec::rules::production;

/// Judges `[dns]`. Names of tests rarely resolve, so there it is a warning unless the spec wants more.
pub(crate) fn dns(raw: &RawSpec) -> Result<Dns, Refused> {
    let section = raw.dns.as_ref().map_err(|refused| *refused)?;
    let check = match section {
        Some(section) => cloned(&section.value.check)?,
        None => None,
    };
    let standard = if production(raw).is_some() {
        DnsCheck::Refuse
    } else {
        DnsCheck::Warn
    };
    Ok(Dns {
        check: check.map_or(standard, |check| match check {
            RawDnsCheck::Refuse => DnsCheck::Refuse,
            RawDnsCheck::Warn => DnsCheck::Warn,
        }),
    })
}
