//! `probe DOMAIN`: the outside view of any Jitsi Meet server that one is allowed to test. Needs no spec.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::catalog;
use crate::catalog::TlsProfile;
use crate::commands::Format;
use crate::commands::audit;
use crate::commands::audit::BurstArgs;
use crate::commands::audit::ReportArgs;
use crate::commands::error::CommandError;
use crate::commands::ui::Ui;
use crate::controls;
use crate::controls::Case;
use crate::probe::Calling;
use crate::probe::Clinician;
use crate::probe::Naming;
use crate::probe::PortPlan;
use crate::probe::Target;
use crate::probe::Visitors;
use crate::report::Report;
use crate::secret::Secret;
use crate::spec::Domain;

/// Arguments of `probe`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  anteroom probe telemed.example.com\n\nOnly probe servers that you own or have written permission to test: it knocks on every port."
)]
pub struct ProbeArgs {
    /// The server's domain
    domain: String,
    /// Connect here in place of what DNS says; as often as wanted
    #[arg(long, value_name = "IP")]
    address: Vec<IpAddr>,
    /// A room token to enter as a clinician with; without one, what needs a clinician is unverified
    #[arg(long, value_name = "FILE")]
    clinician_token_file: Option<PathBuf>,
    /// What TLS may offer: Mozilla's intermediate or modern configuration, or NIST SP 800-52r2
    #[arg(long, value_enum, default_value_t = TlsProfileName::Intermediate, value_name = "NAME")]
    tls_profile: TlsProfileName,
    #[command(flatten)]
    burst: BurstArgs,
    /// Make a call too, as that clinician and a patient
    #[arg(long, requires = "clinician_token_file")]
    call: bool,
    #[command(flatten)]
    report: ReportArgs,
}

/// The catalog's TLS profiles by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TlsProfileName {
    Intermediate,
    Modern,
    Fips,
}

impl TlsProfileName {
    fn profile(self) -> &'static TlsProfile {
        let name = match self {
            Self::Intermediate => "intermediate",
            Self::Modern => "modern",
            Self::Fips => "fips",
        };
        catalog::tls_profile(name).expect("a test of the catalog knows these names")
    }
}

/// Looks from outside and judges what can be judged without a spec.
pub(crate) fn run(args: &ProbeArgs, format: Format, ui: &Ui) -> Result<u8, CommandError> {
    let domain: Domain = args
        .domain
        .parse()
        .map_err(|why| CommandError::usage(format!("the domain {:?} {why}", args.domain)))?;
    let started = audit::now();
    let mut target = Target::of(domain.clone());
    target.addresses.clone_from(&args.address);
    let mut visitors = Visitors {
        knocking: args.burst.knocking(),
        naming: Naming::AsServed,
        ..Visitors::default()
    };
    if let Some(path) = &args.clinician_token_file {
        let token = std::fs::read_to_string(path)
            .map_err(|error| CommandError::usage(format!("failed to read {}: {error}", path.display())))?;
        visitors.clinician = Some(Clinician::Token(Secret::new(token.trim())));
    }
    if args.call {
        visitors.call = Calling::Once;
    }
    ui.doing(&format!("trying to break into {domain}"));
    let outside = audit::look_outside(&target, &visitors, &PortPlan::Everything, ui);
    let finished = audit::now();
    let case = Case {
        spec: None,
        domain: &domain,
        tls_profile: args.tls_profile.profile(),
        today: jiff::Zoned::now().date(),
        now: &finished,
        hosts: &[],
        outside: &outside,
        cloud: None,
    };
    let report = Report {
        deployment: None,
        domain: domain.to_string(),
        test: false,
        vantage: audit::vantage(&outside),
        started,
        simulated: Vec::new(),
        findings: controls::judge(&case),
        drift: Vec::new(),
        finished,
    };
    audit::finish(&report, &args.report, format, ui)
}
