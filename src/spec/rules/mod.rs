//! The rules: raw shapes in, a `Spec` or problems out. One file a subject; `policy` holds what spans several sections.

mod access;
mod aws;
mod certificate;
mod deployment;
mod dns;
mod hosts;
mod operation;
mod packages;
mod pem;
mod policy;
mod records;
mod security;
mod terraform;

use std::str::FromStr;

use jiff::civil::Date;

use crate::spec::docket::Docket;
use crate::spec::docket::Refused;
use crate::spec::files::Files;
use crate::spec::model::Source;
use crate::spec::model::Spec;
use crate::spec::problem::Place;
use crate::spec::problem::Problem;
use crate::spec::raw::RawEnvironment;
use crate::spec::raw::RawSpec;
use crate::spec::raw_machines::RawMachinesKind;
use crate::spec::reader::May;
use crate::spec::reader::Spot;
use crate::spec::switches::Switches;

/// What the rules have at hand.
pub(crate) struct Bench<'a> {
    /// Where problems are written down.
    pub(crate) docket: Docket,
    /// Decides what has expired.
    pub(crate) today: Date,
    /// What the command line said.
    pub(crate) switches: &'a Switches,
    /// The files that the spec names.
    pub(crate) files: &'a Files<'a>,
}

/// Judges a whole spec. Every rule runs, whatever the others found.
pub(crate) fn judge(raw: &RawSpec, source: Source, bench: &mut Bench<'_>) -> Result<Spec, Refused> {
    for rule in policy::RULES {
        rule(raw, bench);
    }
    let deployment = deployment::deployment(raw, bench);
    let domain = deployment.as_ref().ok().map(|deployment| &deployment.domain);
    let baa = records::baa(raw, bench);
    let machines = hosts::machines(raw, bench);
    let hosts = hosts::hosts(raw, bench);
    let security = security::security(raw, domain, bench);
    let certificate = certificate::certificate(raw, domain, bench);
    let packages = packages::packages(raw, bench);
    let access = access::access(raw, bench);
    let egress = operation::egress(raw, bench);
    let dns = dns::dns(raw);
    let logging = access::logging(raw);
    let maintenance = operation::maintenance(raw, bench);
    let attestations = records::attestations(raw, bench);
    let waivers = records::waivers(raw, bench);
    Ok(Spec {
        source,
        deployment: deployment?,
        baa: baa?,
        machines: machines?,
        hosts: hosts?,
        security: security?,
        certificate: certificate?,
        packages: packages?,
        access: access?,
        egress: egress?,
        dns: dns?,
        logging: logging?,
        maintenance: maintenance?,
        attestations: attestations?,
        waivers: waivers?,
    })
}

impl Bench<'_> {
    /// Writes a problem down.
    fn refuse(&mut self, problem: Problem) -> Refused {
        self.docket.refuse(problem)
    }

    /// Reads a value from text; `key` and the type's own complaint make the message.
    fn parse<T: FromStr<Err = String>>(&mut self, key: &str, spot: &Spot<String>, help: &str) -> Result<T, Refused> {
        spot.value.parse().map_err(|why: String| {
            let problem = Problem::new("spec/unusable-value", spot.place.clone(), format!("`{key}` {why}"));
            self.refuse(problem.help(help))
        })
    }

    /// Refuses text with characters outside of `allowed`, or with a hyphen in front, which programs take for an option.
    fn plain(
        &mut self,
        key: &str,
        spot: &Spot<String>,
        allowed: fn(char) -> bool,
        help: &str,
    ) -> Result<String, Refused> {
        let text = &spot.value;
        let why = match text.chars().find(|&c| !allowed(c)) {
            Some(c) => format!("holds {c:?}, which cannot be part of it"),
            None if text.starts_with('-') => "begins with a hyphen".to_owned(),
            None => return Ok(text.clone()),
        };
        let problem = Problem::new("spec/unusable-value", spot.place.clone(), format!("`{key}` {why}"));
        Err(self.refuse(problem.help(help)))
    }

    /// Refuses what is not a plain http or https URL with a host.
    fn url(&mut self, key: &str, spot: &Spot<String>) -> Result<String, Refused> {
        // No quotes, spaces, brackets, backslashes or user information: the URL reaches configs of several languages.
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/?&=%+,:".contains(c);
        if is_url(&spot.value, allowed) {
            return Ok(spot.value.clone());
        }
        let message = format!("`{key}` is not a plain URL");
        let problem = Problem::new("spec/unusable-value", spot.place.clone(), message);
        let help = "write \"https://host/path\" without user, fragment, quotes or spaces";
        Err(self.refuse(problem.help(help)))
    }

    /// Refuses what is not the base of an apt repository: apt adds to it, so it has no query.
    fn repository(&mut self, key: &str, spot: &Spot<String>) -> Result<String, Refused> {
        if is_url(&spot.value, |c| c.is_ascii_alphanumeric() || "-._~/%+:".contains(c)) {
            return Ok(spot.value.clone());
        }
        let message = format!("`{key}` is not the plain URL of an apt repository");
        let problem = Problem::new("spec/unusable-value", spot.place.clone(), message);
        let help = "write \"https://host/path\" without user, query, quotes, commas or spaces";
        Err(self.refuse(problem.help(help)))
    }

    /// Reads a text file that the spec names.
    fn text_file(&mut self, key: &str, spot: &Spot<String>) -> Result<String, Refused> {
        let path = self.files.resolve(&spot.value);
        let why = match (self.files.read)(&path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => return Ok(text),
                Err(_) => "it is not text; PEM and armored files are".to_owned(),
            },
            Err(error) => error.to_string(),
        };
        let message = format!("`{key}` names {}, which cannot be used: {why}", path.display());
        let problem = Problem::new("spec/unreadable-file", spot.place.clone(), message);
        Err(self
            .refuse(problem.help("paths count from the folder of the spec; put the file there or correct the path")))
    }
}

/// Whether text is an http or https URL with a host, perhaps a port, and a path of allowed characters.
fn is_url(text: &str, allowed: impl Fn(char) -> bool) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    let label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let number = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    host.split('.').all(label) && number && path.chars().all(allowed)
}

/// A copy of an optional value.
fn cloned<T: Clone>(key: &May<T>) -> Result<Option<T>, Refused> {
    key.as_ref()
        .map(|spot| spot.as_ref().map(|spot| spot.value.clone()))
        .map_err(|refused| *refused)
}

/// An optional key, when it was given and readable.
fn given<T>(key: &May<T>) -> Option<&Spot<T>> {
    key.as_ref().ok()?.as_ref()
}

/// Judges an optional key when it was given.
fn optional<T, U>(spot: &May<T>, judge: impl FnOnce(&Spot<T>) -> Result<U, Refused>) -> Result<Option<U>, Refused> {
    match spot {
        Ok(Some(spot)) => judge(spot).map(Some),
        Ok(None) => Ok(None),
        Err(refused) => Err(*refused),
    }
}

/// The environment and where it stands, when known.
fn environment(raw: &RawSpec) -> Option<&Spot<RawEnvironment>> {
    raw.deployment.as_ref().ok()?.value.environment.as_ref().ok()
}

/// Where the spec says that this is production, when it does.
fn production(raw: &RawSpec) -> Option<Place> {
    environment(raw)
        .filter(|spot| spot.value == RawEnvironment::Production)
        .map(|spot| spot.place.clone())
}

/// What makes the hosts and where that stands, when known.
fn machines_kind(raw: &RawSpec) -> Option<&Spot<RawMachinesKind>> {
    raw.machines.as_ref().ok()?.value.kind.as_ref().ok()
}
