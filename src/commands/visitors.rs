//! Who the audit poses as: makes a short-lived clinician's credential on the host, and removes it again. An account that
//! a crashed run left behind is removed by the next one.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::apply::Operator;
use crate::commands::session::Site;
use crate::commands::ui::Ui;
use crate::people;
use crate::people::accounts;
use crate::probe::Clinician;
use crate::probe::Signing;
use crate::probe::TokenTerms;
use crate::probe::Visitors;
use crate::secret::Secret;
use crate::spec::Auth;
use crate::spec::Spec;
use crate::spec::TokenKey;

/// Where the clinician's credential comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// Made for this run, where the host allows it.
    Make,
    /// A token in a file.
    TokenFile(PathBuf),
}

/// The visitors of one run, and what has to be removed after it.
pub(crate) struct Prepared {
    /// What the probe is given.
    pub(crate) probe: Visitors,
    /// The account that was made.
    account: Option<String>,
}

/// Makes ready. What cannot be made is said, and leaves its controls unverified.
pub(crate) fn prepare(spec: &Spec, sites: &mut [Site], credentials: &Credentials, ui: &Ui) -> Prepared {
    let mut prepared = Prepared {
        probe: Visitors::default(),
        account: None,
    };
    prepared.probe.relay.bridges = bridges(spec);
    let Some(core) = sites.first_mut() else { return prepared };
    match host_secret(core, "turn") {
        Ok(secret) => prepared.probe.relay.secret = Some(secret),
        Err(why) => ui.say(&format!("no credential for the relay: {why}")),
    }
    match &spec.security.auth {
        Auth::Token(auth) => {
            let signing = match (&auth.key, credentials) {
                (TokenKey::SharedSecret, Credentials::Make) => match host_secret(core, "token") {
                    Ok(secret) => Signing::Shared(secret),
                    Err(why) => {
                        ui.say(&format!("no clinician's token: {why}"));
                        Signing::Elsewhere
                    }
                },
                (TokenKey::PublicKey { pem }, _) => Signing::Public { pem: pem.clone() },
                _ => Signing::Elsewhere,
            };
            let terms = TokenTerms {
                issuer: auth.issuer.clone(),
                audience: auth.audience.clone(),
                signing,
                longest_minutes: Some(spec.security.session_minutes),
            };
            prepared.probe.tokens = Some(terms);
        }
        Auth::Internal => {
            if *credentials == Credentials::Make {
                match make_account(spec, core) {
                    Ok((user, password)) => {
                        prepared.account = Some(user.clone());
                        prepared.probe.clinician = Some(Clinician::Account { user, password });
                    }
                    Err(why) => ui.say(&format!("no clinician's account: {why}")),
                }
            }
        }
    }
    if let Credentials::TokenFile(path) = credentials {
        match std::fs::read_to_string(path) {
            Ok(token) => prepared.probe.clinician = Some(Clinician::Token(Secret::new(token.trim()))),
            Err(error) => ui.say(&format!(
                "no clinician's token: failed to read {}: {error}",
                path.display()
            )),
        }
    }
    prepared
}

/// The addresses that the spec names; every host of today has a bridge.
fn bridges(spec: &Spec) -> Vec<IpAddr> {
    spec.hosts
        .iter()
        .flat_map(|host| [host.public_address, host.private_address])
        .flatten()
        .collect()
}

fn host_secret(core: &mut Site, name: &str) -> Result<Secret, String> {
    let host = core.link.as_mut().map_err(|error| error.to_string())?;
    people::host_secret::read(host.as_mut(), name, Duration::from_secs(60)).map_err(|error| error.to_string())
}

fn make_account(spec: &Spec, core: &mut Site) -> Result<(String, Secret), String> {
    let host = core.link.as_mut().map_err(|error| error.to_string())?;
    let domain = &spec.deployment.domain;
    let stale = core
        .facts
        .known()
        .map(|facts| accounts::stale(facts, domain))
        .unwrap_or_default();
    let user = accounts::probe_name().map_err(|error| error.to_string())?;
    let password = accounts::password().map_err(|error| error.to_string())?;
    accounts::add(host.as_mut(), domain, &user, &password, &stale, &operator("audit"))
        .map_err(|error| error.to_string())?;
    Ok((user, password))
}

impl Prepared {
    /// Removes what was made.
    pub(crate) fn remove(self, spec: &Spec, sites: &mut [Site], ui: &Ui) {
        let (Some(user), Some(core)) = (self.account, sites.first_mut()) else {
            return;
        };
        let Ok(host) = core.link.as_mut() else { return };
        if let Err(error) = accounts::remove(
            host.as_mut(),
            &spec.deployment.domain,
            std::slice::from_ref(&user),
            &operator("audit"),
        ) {
            ui.error(&format!(
                "failed to {error}; the next audit removes the probe's account {user}"
            ));
        }
    }
}

/// Who is at work, for the host's lock and the record.
pub(crate) fn operator(verb: &str) -> Operator {
    let user = std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_else(|_| "unknown".to_owned());
    let computer = std::fs::read_to_string("/etc/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default();
    Operator {
        user,
        computer,
        verb: verb.to_owned(),
    }
}
