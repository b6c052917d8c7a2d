//! Everything a judge may look at: the spec, what every host holds, and what was seen from outside.

use crate::catalog;
use crate::catalog::TlsProfile;
use crate::controls::Evidence;
use crate::controls::Source;
use crate::controls::Verdict;
use crate::facts::Aftermath;
use crate::facts::HostFacts;
use crate::facts::cloud::CloudCase;
use crate::plan::Comparison;
use crate::probe::Sighting;
use crate::probe::Sightings;
use crate::probe::WebView;
use crate::render::Scope;
use crate::render::Transport;
use crate::render::Wanted;
use crate::seen::Seen;
use crate::spec;
use crate::spec::Domain;
use crate::spec::Spec;

/// One run's material.
#[derive(Debug)]
pub struct Case<'a> {
    /// What was wanted; `None` for a probe of somebody's server.
    pub spec: Option<&'a Spec>,
    /// The domain.
    pub domain: &'a Domain,
    /// What TLS may offer: the spec's profile, or the one that a probe was asked to hold a server against.
    pub tls_profile: &'static TlsProfile,
    /// Today, for expiry and waivers.
    pub today: jiff::civil::Date,
    /// Now, RFC 3339.
    pub now: &'a str,
    /// The hosts; empty for a probe.
    pub hosts: &'a [HostCase],
    /// What was seen from outside.
    pub outside: &'a Seen<Sightings>,
    /// What the cloud says, where one makes the hosts.
    pub cloud: Option<&'a Seen<CloudCase>>,
}

/// One host's material.
#[derive(Debug, Clone)]
pub struct HostCase {
    /// What it must hold.
    pub wanted: Wanted,
    /// What it holds.
    pub facts: Seen<HostFacts>,
    /// What came through to the bridge and what the logs keep of the visit, when the outside look had ended.
    pub after: Aftermath,
    /// What differs, and what could not be seen of it.
    pub compared: Seen<Comparison>,
}

impl HostCase {
    /// The subject of a finding about a thing on this host.
    pub(crate) fn subject(&self, thing: &str) -> String {
        format!("{}:{thing}", self.wanted.host)
    }
}

impl Case<'_> {
    /// Evidence from a host, dated by the host's own clock where it answered.
    pub(crate) fn on_host(&self, host: &HostCase, detail: impl Into<String>) -> Evidence {
        let at = match &host.facts {
            Seen::Known(facts) => facts.at.clone(),
            Seen::Unknown(_) => self.now.to_owned(),
        };
        Evidence {
            source: Source::Host,
            at,
            detail: detail.into(),
        }
    }

    /// Evidence from the spec.
    pub(crate) fn in_spec(&self, detail: impl Into<String>) -> Evidence {
        Evidence {
            source: Source::Spec,
            at: self.now.to_owned(),
            detail: detail.into(),
        }
    }

    /// Evidence from outside that no single sighting carries.
    pub(crate) fn outside_evidence(&self, detail: impl Into<String>) -> Evidence {
        Evidence {
            source: Source::Probe,
            at: self.now.to_owned(),
            detail: detail.into(),
        }
    }

    /// The evidence of a sighting: from where, and the transcript.
    pub(crate) fn sighted<T>(&self, sighting: &Sighting<T>) -> Evidence {
        let from = sighting
            .from
            .map_or_else(|| "an unknown address".to_owned(), |ip| ip.to_string());
        let mut detail = format!("looked at {} from {from}", sighting.subject);
        for line in &sighting.transcript {
            detail.push_str("; ");
            detail.push_str(line);
        }
        Evidence {
            source: Source::Probe,
            at: sighting.at.to_string(),
            detail,
        }
    }

    /// A look from outside that did not come about at all.
    pub(crate) fn unseen_outside(&self, what: &str, expected: &str, why: &str) -> Verdict {
        let evidence = self.outside_evidence(format!("{what} of {} was not seen", self.domain));
        Verdict::unverified(format!("{} {what}", self.domain), expected, why, evidence)
    }

    /// Judges the site at every address.
    pub(crate) fn each_site(
        &self,
        what: &str,
        expected: &str,
        judge: impl Fn(&WebView) -> Vec<Verdict>,
    ) -> Vec<Verdict> {
        match self.outside {
            Seen::Unknown(why) => vec![self.unseen_outside(what, expected, why)],
            Seen::Known(sightings) if sightings.web.is_empty() => {
                vec![self.unseen_outside(what, expected, &no_address(sightings))]
            }
            Seen::Known(sightings) => sightings.web.iter().flat_map(judge).collect(),
        }
    }

    /// Whether the spec opens this TCP port to everybody; without a spec, whether it is https.
    pub(crate) fn expects_port(&self, port: u16) -> bool {
        if self.spec.is_none() {
            return port == 443;
        }
        self.hosts
            .iter()
            .flat_map(|host| &host.wanted.listeners)
            .any(|listener| {
                listener.scope == Scope::Public
                    && listener.transport == Transport::Tcp
                    && listener.always
                    && (listener.port..=listener.last_port).contains(&port)
            })
    }

    /// True for `environment = "test"`.
    pub(crate) fn is_test(&self) -> bool {
        self.spec.is_some_and(|spec| spec.deployment.environment.is_test())
    }
}

/// The catalog's profile that a spec names.
pub fn tls_profile_of(spec: &Spec) -> &'static TlsProfile {
    let name = match spec.security.tls_profile {
        spec::TlsProfile::Intermediate => "intermediate",
        spec::TlsProfile::Modern => "modern",
    };
    catalog::tls_profile(name).expect("a test of the catalog knows these names")
}

/// Why nothing was looked at from outside although the probe ran.
pub(crate) fn no_address(sightings: &Sightings) -> String {
    match &sightings.addresses {
        Seen::Unknown(why) => why.clone(),
        Seen::Known(_) => "the domain has no address".to_owned(),
    }
}
