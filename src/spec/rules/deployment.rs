//! `[deployment]`: name, domain, environment and its end.

use crate::spec::docket::Refused;
use crate::spec::model::Deployment;
use crate::spec::model::Environment;
use crate::spec::name::Domain;
use crate::spec::problem::Problem;
use crate::spec::raw::RawDeployment;
use crate::spec::raw::RawEnvironment;
use crate::spec::raw::RawSpec;
use crate::spec::reader::Spot;
use crate::spec::rules::Bench;
use crate::spec::rules::cloned;

/// The domain is TURN's realm, which has fewer than 128 characters (RFC 8489, 14.9); coturn cuts a longer one off. DNS would
/// allow 253 bytes.
const DOMAIN_MAX: usize = 127;
/// Shortest and longest life of a test, in seconds: a minute and 30 days.
const TTL_BOUNDS: std::ops::RangeInclusive<u64> = 60..=30 * 86_400;

/// Judges `[deployment]`.
pub(crate) fn deployment(raw: &RawSpec, bench: &mut Bench<'_>) -> Result<Deployment, Refused> {
    let section = raw.deployment.as_ref().map_err(|refused| *refused)?;
    let deployment = &section.value;
    let name = match &deployment.name {
        Ok(name) => bench.parse("deployment.name", name, "write one word such as \"clinic-east\""),
        Err(refused) => Err(*refused),
    };
    let domain = domain(section, bench);
    let environment = environment(deployment, bench);
    let contact = cloned(&deployment.contact);
    let security_official = cloned(&deployment.security_official);
    Ok(Deployment {
        name: name?,
        domain: domain?,
        environment: environment?,
        contact: contact?,
        security_official: security_official?,
    })
}

fn domain(section: &Spot<RawDeployment>, bench: &mut Bench<'_>) -> Result<Domain, Refused> {
    let Some(spot) = section.value.domain.as_ref().map_err(|refused| *refused)? else {
        let problem = Problem::new(
            "spec/missing-key",
            section.place.clone(),
            "the key `domain` is missing in `[deployment]`",
        );
        let help = "add `domain = \"telemed.example.com\"`, the address patients type, or give `--domain`";
        return Err(bench.refuse(problem.help(help)));
    };
    let help = match repaired(&spot.value) {
        Some(repaired) => format!("write \"{repaired}\""),
        None => "write the address patients type, such as \"telemed.example.com\"".to_owned(),
    };
    let domain: Domain = bench.parse("deployment.domain", spot, &help)?;
    if domain.as_str().len() > DOMAIN_MAX {
        let message = format!(
            "`deployment.domain` has {} bytes, and TURN, whose realm it is, takes {DOMAIN_MAX} at most",
            domain.as_str().len()
        );
        return Err(bench.refuse(Problem::new("spec/unusable-value", spot.place.clone(), message).help(help)));
    }
    Ok(domain)
}

/// What the operator most likely meant: without scheme, port, path and trailing dot, in lower case.
fn repaired(text: &str) -> Option<Domain> {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = text.split(['/', ':', '?', '#']).next().unwrap_or_default();
    host.trim().trim_end_matches('.').to_ascii_lowercase().parse().ok()
}

fn environment(raw: &RawDeployment, bench: &mut Bench<'_>) -> Result<Environment, Refused> {
    let ttl = match &raw.ttl {
        Ok(Some(ttl)) => ttl_seconds(ttl, bench).map(|seconds| Some((ttl.place.clone(), seconds))),
        Ok(None) => Ok(None),
        Err(refused) => Err(*refused),
    };
    let environment = raw.environment.as_ref().map_err(|refused| *refused)?;
    match (environment.value, ttl?) {
        (RawEnvironment::Production, None) => Ok(Environment::Production),
        (RawEnvironment::Production, Some((place, _))) => {
            let message = "production has no `ttl`: it would be destroyed while patients use it";
            let problem = Problem::new("spec/ttl-in-production", place, message);
            Err(bench.refuse(problem.help("remove `ttl`, or set `environment = \"test\"`")))
        }
        (RawEnvironment::Test, Some((_, ttl_seconds))) => Ok(Environment::Test { ttl_seconds }),
        (RawEnvironment::Test, None) => {
            let message = "a test needs `deployment.ttl`, so that it cannot be forgotten and turn into production";
            let problem = Problem::new("spec/ttl-missing", environment.place.clone(), message);
            Err(bench.refuse(problem.help("add `ttl = \"4h\"` (or \"7d\") to `[deployment]`")))
        }
    }
}

fn ttl_seconds(spot: &Spot<String>, bench: &mut Bench<'_>) -> Result<u64, Refused> {
    let text = &spot.value;
    let seconds = text.char_indices().next_back().and_then(|(at, unit)| {
        let unit = match unit {
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        let digits = text
            .get(..at)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<u64>().ok()?.checked_mul(unit)
    });
    if let Some(seconds) = seconds.filter(|seconds| TTL_BOUNDS.contains(seconds)) {
        return Ok(seconds);
    }
    let message = match seconds {
        Some(_) => format!("`deployment.ttl` is {text:?}, outside of one minute to 30 days"),
        None => format!("`deployment.ttl` is {text:?}, which is not a length of time"),
    };
    let problem = Problem::new("spec/unusable-value", spot.place.clone(), message);
    Err(bench.refuse(problem.help("write minutes, hours or days, such as \"90m\", \"4h\" or \"7d\"")))
}
