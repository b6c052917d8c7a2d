//! `audit`: hosts compared with the spec, and an attempt to break in from outside; then the judgement.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::catalog::Severity;
use crate::commands::Format;
use crate::commands::cloud;
use crate::commands::error::CommandError;
use crate::commands::preflight;
use crate::commands::session;
use crate::commands::session::Site;
use crate::commands::spec_args::SpecArgs;
use crate::commands::ui::Ui;
use crate::commands::visitors;
use crate::commands::visitors::Credentials;
use crate::controls;
use crate::controls::Case;
use crate::controls::HostCase;
use crate::facts;
use crate::facts::Aftermath;
use crate::facts::Depth;
use crate::machines::Machine;
use crate::plan;
use crate::probe;
use crate::probe::Calling;
use crate::probe::Knocking;
use crate::probe::PortPlan;
use crate::probe::Sightings;
use crate::probe::Target;
use crate::probe::Trust;
use crate::report;
use crate::report::Report;
use crate::report::model::Outcome;
use crate::report::text::Detail;
use crate::seen::Seen;
use crate::spec::Machines;
use crate::spec::Spec;

/// Exit code: something could not be verified, nothing seen failed.
const INCOMPLETE: u8 = 3;
/// Exit code: a control failed.
const FAILED: u8 = 5;

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  anteroom audit\n  anteroom audit --format json > report.json\n  anteroom audit --fail-on high --out json=report.json"
)]
pub struct AuditArgs {
    #[command(flatten)]
    spec: SpecArgs,
    #[command(flatten)]
    report: ReportArgs,
    /// A room token to enter as a clinician with, where the host cannot make one
    #[arg(long, value_name = "FILE")]
    clinician_token_file: Option<PathBuf>,
    #[command(flatten)]
    call: CallArgs,
    #[command(flatten)]
    burst: BurstArgs,
}

/// Whether a call is made; shared with `apply`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct CallArgs {
    /// Make no call as a clinician and a patient; its controls are unverified
    #[arg(long)]
    no_call: bool,
}

impl CallArgs {
    /// What the probe is told.
    pub(crate) fn calling(self) -> Calling {
        if self.no_call { Calling::NotAsked } else { Calling::Once }
    }
}

/// Whether the rate limits are tried; shared with `probe`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct BurstArgs {
    /// Knock in one bounded burst at the end, to see whether the server limits it
    #[arg(long)]
    burst: bool,
}

impl BurstArgs {
    /// How the probe knocks.
    pub(crate) fn knocking(self) -> Knocking {
        if self.burst {
            Knocking::InABurst
        } else {
            Knocking::Politely
        }
    }
}

/// How a report is written and what it comes to; shared with `apply` and `probe`.
#[derive(Debug, Clone, clap::Args)]
pub struct ReportArgs {
    /// The least severity of a failed control that makes the exit code 5
    #[arg(long, value_enum, default_value_t = FailOn::Low, value_name = "SEVERITY")]
    fail_on: FailOn,
    /// Write the report to a file too, as often as wanted: text=FILE or json=FILE
    #[arg(long, value_name = "FORMAT=PATH", value_parser = parse_out)]
    out: Vec<(Format, PathBuf)>,
    /// Show every finding with its evidence
    #[arg(long)]
    full: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Low,
    Medium,
    High,
    Critical,
}

impl FailOn {
    fn severity(self) -> Severity {
        match self {
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }
}

fn parse_out(text: &str) -> Result<(Format, PathBuf), String> {
    match text.split_once('=') {
        Some(("text", path)) if !path.is_empty() => Ok((Format::Text, path.into())),
        Some(("json", path)) if !path.is_empty() => Ok((Format::Json, path.into())),
        _ => Err("is not text=FILE or json=FILE".to_owned()),
    }
}

/// Looks, judges and reports.
pub(crate) fn run(args: &AuditArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let spec = args.spec.load()?;
    let machines = machines(&spec, ui)?;
    let spec = session::told(spec, &machines);
    let mut sites = session::look(&spec, machines, Depth::Audit, ui)?;
    let credentials = match &args.clinician_token_file {
        Some(path) => Credentials::TokenFile(path.clone()),
        None => Credentials::Make,
    };
    let asked = Asked {
        knocking: args.burst.knocking(),
        calling: args.call.calling(),
    };
    let report = audit(&spec, &mut sites, &credentials, asked, ui)?;
    let code = finish(&report, &args.report, format, ui)?;
    if args.report.looks_passed(&report) {
        forget_kept(&mut sites, ui);
    }
    Ok(code)
}

/// The machines that are looked at. A cloud's account is audited whether or not a machine is left in it.
fn machines(spec: &Spec, ui: &Ui) -> Result<Vec<Machine>, CommandError> {
    if let Machines::Aws(settings) = &spec.machines {
        return cloud::to_audit(spec, settings, ui);
    }
    let (machines, absent) = session::find_machines(spec, ui)?;
    match absent.first() {
        None => Ok(machines),
        Some(host) => Err(CommandError::refused(format!(
            "{} does not exist, so there is nothing to audit",
            host.machine_name
        ))
        .hint("`anteroom apply` makes it")),
    }
}

impl ReportArgs {
    /// Whether everything that rests on a look has passed. A document that nobody attested yet is no reason to keep what
    /// a change of a host replaced.
    pub(crate) fn looks_passed(&self, report: &Report) -> bool {
        report.outcome_of_looks(self.fail_on.severity()) == Outcome::Passed
    }
}

/// What a change replaced is kept until an audit has passed; this one has.
pub(crate) fn forget_kept(sites: &mut [Site], ui: &Ui) {
    for site in sites {
        let Ok(host) = &mut site.link else { continue };
        if let Err(error) = crate::apply::forget_kept(host.as_mut()) {
            let name = &site.machine.host.name;
            ui.say(&format!(
                "failed to {error}; what the last change replaced stays on {name}"
            ));
        }
    }
}

/// What an audit does or leaves out where it is asked to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// Whether the rate limits are tried.
    pub(crate) knocking: Knocking,
    /// Whether a clinician and a patient call each other.
    pub(crate) calling: Calling,
}

/// Looks from outside as well, and judges everything.
///
/// # Errors
/// Where the probe cannot start at all; what it could not see is in the report.
pub(crate) fn audit(
    spec: &Spec,
    sites: &mut [Site],
    credentials: &Credentials,
    asked: Asked,
    ui: &Ui,
) -> Result<Report, CommandError> {
    let started = now();
    let mut visitors = visitors::prepare(spec, sites, credentials, ui);
    visitors.probe.knocking = asked.knocking;
    visitors.probe.call = asked.calling;
    let outside = if sites.is_empty() {
        Seen::unknown("no machine of the deployment was found, and whoever the domain leads to may be a stranger")
    } else {
        ui.doing(&format!("trying to break into {}", spec.deployment.domain));
        let target = target(spec, sites);
        look_outside(&target, &visitors.probe, &PortPlan::Everything, ui)
    };
    visitors.remove(spec, sites, ui);
    let cloud = cloud::facts(spec, ui);
    let hosts: Vec<HostCase> = sites
        .iter_mut()
        .map(|site| HostCase {
            wanted: site.wanted.clone(),
            facts: site.facts.clone(),
            after: match &mut site.link {
                Ok(host) => facts::aftermath(host.as_mut(), &site.facts, probe::marker()),
                Err(error) => Aftermath::unknown(error),
            },
            compared: match &site.facts {
                Seen::Known(facts) => plan::compare(&site.wanted, facts, &session::context(spec)).into(),
                Seen::Unknown(why) => Seen::Unknown(why.clone()),
            },
        })
        .collect();
    let finished = now();
    let case = Case {
        spec: Some(spec),
        domain: &spec.deployment.domain,
        tls_profile: controls::tls_profile_of(spec),
        today: jiff::Zoned::now().date(),
        now: &finished,
        hosts: &hosts,
        outside: &outside,
        cloud: cloud.as_ref(),
    };
    Ok(Report {
        deployment: Some(spec.deployment.name.to_string()),
        domain: spec.deployment.domain.to_string(),
        test: spec.deployment.environment.is_test(),
        vantage: vantage(&outside),
        started,
        simulated: controls::simulated(&case),
        findings: controls::judge(&case),
        drift: controls::drift_rows(&case),
        finished,
    })
}

fn target(spec: &Spec, sites: &[Site]) -> Target {
    let mut target = Target::of(spec.deployment.domain.clone());
    let given = sites.iter().flat_map(|site| site.machine.outside.iter().copied());
    target.addresses = given.collect();
    if spec.deployment.environment.is_test() {
        target.trust = Trust::Anything;
    } else if !target.addresses.is_empty()
        && let Seen::Known(resolved) = preflight::resolve(spec)
    {
        target.addresses.extend(also_ours(&resolved, &own_addresses(sites)));
    }
    target
}

/// What the hosts are reached at, by their own word and the spec's.
fn own_addresses(sites: &[Site]) -> BTreeSet<IpAddr> {
    let of = |site: &Site| match &site.facts {
        Seen::Known(facts) => plan::ours(&site.machine.host, facts).addresses,
        Seen::Unknown(_) => BTreeSet::new(),
    };
    sites.iter().flat_map(of).collect()
}

/// Of the addresses that a domain leads to, the hosts' own, such as the IPv6 one of a host that is reached by IPv4. A
/// stranger's is not broken into: `availability/domain-points-here` tells of it.
fn also_ours(resolved: &[IpAddr], own: &BTreeSet<IpAddr>) -> Vec<IpAddr> {
    let resolved = resolved.iter().map(IpAddr::to_canonical);
    resolved.filter(|address| own.contains(address)).collect()
}

/// Runs the probe to its end on a runtime of its own.
pub(crate) fn look_outside(target: &Target, visitors: &probe::Visitors, ports: &PortPlan, ui: &Ui) -> Seen<Sightings> {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Seen::unknown(format!("the probe could not start: {error}")),
    };
    Seen::Known(runtime.block_on(probe::look(target, visitors, ports, &|text: &str| {
        if ui.verbose() {
            ui.say(text);
        }
    })))
}

pub(crate) fn vantage(outside: &Seen<Sightings>) -> String {
    match outside {
        Seen::Known(sightings) if !sightings.vantage.is_empty() => {
            let list: Vec<String> = sightings.vantage.values().map(ToString::to_string).collect();
            list.join(", ")
        }
        _ => "nowhere".to_owned(),
    }
}

/// Writes the report and says what it comes to.
pub(crate) fn finish(report: &Report, args: &ReportArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    ui.done();
    let detail = if args.full { Detail::Full } else { Detail::Brief };
    let written = |format| match format {
        Format::Json => report::json::render(report),
        Format::Text => report::text::render(report, detail),
    };
    for (format, path) in &args.out {
        let text = anstream::adapter::strip_str(&written(*format)).to_string();
        std::fs::write(path, text).map_err(|e| CommandError::failed(format!("write {}: {e}", path.display())))?;
    }
    ui.data(&written(format));
    Ok(match report.outcome(args.fail_on.severity()) {
        Outcome::Passed => 0,
        Outcome::Incomplete => INCOMPLETE,
        Outcome::Failed => FAILED,
    })
}

pub(crate) fn now() -> String {
    jiff::Timestamp::now()
        .round(jiff::Unit::Second)
        .unwrap_or_else(|_| jiff::Timestamp::now())
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dual_stack_host_is_looked_at_by_both_and_a_stranger_by_none() {
        let all = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        let resolved = all(&["192.0.2.10", "::ffff:192.0.2.11", "2001:db8::10", "198.51.100.9"]);
        let own = all(&["192.0.2.10", "192.0.2.11", "2001:db8::10", "10.0.0.4"]);
        let found = also_ours(&resolved, &own.into_iter().collect());
        assert_eq!(found, all(&["192.0.2.10", "192.0.2.11", "2001:db8::10"]));
    }
}
