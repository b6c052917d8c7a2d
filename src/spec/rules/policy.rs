//! Rules that span several sections: what production demands and what only a test may do.

use crate::catalog::policy::Group;
use crate::catalog::policy::against_feature;
use crate::spec::problem::Problem;
use crate::spec::raw::RawCertificateKind;
use crate::spec::raw::RawSpec;
use crate::spec::raw_machines::RawMachinesKind;
use crate::spec::rules::Bench;
use crate::spec::rules::given;
use crate::spec::rules::machines_kind;
use crate::spec::rules::production;

/// The law behind the agreement with the host's owner.
pub(crate) const BAA_LAW: &str = "45 CFR 164.308(b)(3), 164.314(a), 164.504(e)";
/// The law behind the secure domain: access control, and authentication of persons.
pub(crate) const ACCESS_LAW: &str = "45 CFR 164.312(a)(1), 164.312(d)";
/// The law behind encryption in transit.
pub(crate) const TRANSMISSION_LAW: &str = "45 CFR 164.312(e)(1), 164.312(e)(2)(ii)";

/// A rule that looks at the whole spec.
type Rule = fn(&RawSpec, &mut Bench<'_>);

/// All of them.
pub(crate) const RULES: &[Rule] = &[
    secure_domain_stays_on,
    encryption_stays_on,
    features_stay_off,
    production_has_an_agreement,
    production_has_a_certificate_of_its_own,
    production_knows_its_host_keys,
    the_lab_is_for_tests,
];

fn secure_domain_stays_on(raw: &RawSpec, bench: &mut Bench<'_>) {
    let security = given(&raw.security).map(|spot| &spot.value);
    for place in bench.switches.open_domain(security) {
        let message =
            "`secure_domain` cannot be false: anyone on the internet could open rooms and meet patients in them";
        let problem = Problem::new("spec/secure-domain-off", place, message);
        bench.refuse(problem.help("set it to true or leave it out").cite(ACCESS_LAW));
    }
}

fn encryption_stays_on(raw: &RawSpec, bench: &mut Bench<'_>) {
    let security = given(&raw.security).map(|spot| &spot.value);
    for place in bench.switches.plain_text(security) {
        let message = "`require_encryption` cannot be false: visits would cross networks that others can read";
        let problem = Problem::new("spec/encryption-off", place, message);
        bench.refuse(problem.help("set it to true or leave it out").cite(TRANSMISSION_LAW));
    }
}

/// The policy's rows that speak against a feature give the reason and the law.
fn features_stay_off(raw: &RawSpec, bench: &mut Bench<'_>) {
    let Some(features) = given(&raw.features) else { return };
    for (name, key) in features.value.each() {
        let Some(on) = given(key).filter(|spot| spot.value) else {
            continue;
        };
        let rows: Vec<&Group> = against_feature(name).collect();
        let reasons: Vec<&str> = rows.iter().map(|row| row.reason.trim_end_matches('.')).collect();
        let mut laws: Vec<&str> = rows
            .iter()
            .flat_map(|row| row.citations.iter().map(String::as_str))
            .collect();
        laws.sort_unstable();
        laws.dedup();
        let message = format!("`features.{name}` cannot be true: {}", reasons.join("; "));
        let problem = Problem::new("spec/feature-refused", on.place.clone(), message);
        bench.refuse(problem.help("set it to false or leave it out").cite(laws.join(", ")));
    }
}

fn production_has_an_agreement(raw: &RawSpec, bench: &mut Bench<'_>) {
    let (Some(place), Ok(None)) = (production(raw), &raw.baa) else {
        return;
    };
    let message = "production needs `[baa]`: an encrypted server without a business associate agreement with whoever \
                   owns the computer it runs on is still a violation";
    let help = "add `[baa]` with vendor, agreement and signed_on; on computers of your own write yourself as the vendor \
                and how you hold them as the agreement; without patients set `environment = \"test\"`";
    bench.refuse(
        Problem::new("spec/baa-missing", place, message)
            .help(help)
            .cite(BAA_LAW),
    );
}

fn production_has_a_certificate_of_its_own(raw: &RawSpec, bench: &mut Bench<'_>) {
    let Some(place) = production(raw) else { return };
    let (place, message) = match &raw.certificate {
        Ok(None) => (place, "production needs `[certificate]`"),
        Ok(Some(certificate)) => match &certificate.value.kind {
            Ok(kind) if kind.value == RawCertificateKind::SelfSigned => {
                let message =
                    "production cannot use a self-signed certificate: patients would learn to click warnings away";
                (kind.place.clone(), message)
            }
            _ => return,
        },
        Err(_) => return,
    };
    let problem = Problem::new("spec/certificate-in-production", place, message);
    let help = "set `kind = \"files\"` with `chain` and `key` in `[certificate]`";
    bench.refuse(problem.help(help).cite(TRANSMISSION_LAW));
}

fn production_knows_its_host_keys(raw: &RawSpec, bench: &mut Bench<'_>) {
    if production(raw).is_none() {
        return;
    }
    let hosts = given(&raw.host).map(|spot| spot.value.as_slice()).unwrap_or_default();
    for host in hosts {
        let Some(host_key) = given(&host.value.host_key).filter(|spot| spot.value == "accept-new") else {
            continue;
        };
        let message = "production cannot accept a host key that was never seen: whoever answers first would be trusted";
        let problem = Problem::new("spec/accept-new-in-production", host_key.place.clone(), message);
        let help = "write the fingerprint (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the host's console), \
                    or \"known-hosts\"";
        bench.refuse(problem.help(help).cite("45 CFR 164.312(d)"));
    }
}

fn the_lab_is_for_tests(raw: &RawSpec, bench: &mut Bench<'_>) {
    let Some(kind) = machines_kind(raw).filter(|spot| spot.value == RawMachinesKind::Lab) else {
        return;
    };
    if production(raw).is_some() {
        let message = "the lab makes throwaway hosts; it cannot be production";
        let problem = Problem::new("spec/lab-in-production", kind.place.clone(), message);
        bench.refuse(problem.help("set `environment = \"test\"`, or `kind = \"existing\"`"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::raw::RawFeatures;

    #[test]
    fn a_row_of_the_policy_speaks_against_every_feature() {
        for feature in RawFeatures::KEYS {
            assert!(against_feature(feature).next().is_some(), "{feature}");
        }
    }
}
