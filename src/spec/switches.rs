//! The spec's security switches as people write them on a command line. They are put into the raw spec before the
//! rules run, so a flag is judged like the key it stands for.

use crate::spec::problem::Place;
use crate::spec::raw::RawSecurity;
use crate::spec::raw::RawSpec;
use crate::spec::reader::Spot;

/// What the command line says about the spec; `None` leaves the file's word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switches {
    /// `--domain`.
    pub domain: Option<String>,
    /// `--secure-domain`.
    pub secure_domain: Option<bool>,
    /// `--require-encryption`.
    pub require_encryption: Option<bool>,
}

impl Switches {
    /// Puts the domain in place of the file's.
    pub(crate) fn apply(&self, raw: &mut RawSpec) {
        let (Some(domain), Ok(deployment)) = (&self.domain, &mut raw.deployment) else {
            return;
        };
        deployment.value.domain = Ok(Some(Spot {
            value: domain.clone(),
            place: Place::Flag("--domain"),
        }));
    }

    /// Where something turns the secure domain off.
    pub(crate) fn open_domain(&self, security: Option<&RawSecurity>) -> Vec<Place> {
        let file = security.and_then(|security| security.secure_domain.as_ref().ok()?.as_ref());
        refusals(self.secure_domain, "--secure-domain=false", file)
    }

    /// Where something turns encryption off.
    pub(crate) fn plain_text(&self, security: Option<&RawSecurity>) -> Vec<Place> {
        let file = security.and_then(|security| security.require_encryption.as_ref().ok()?.as_ref());
        refusals(self.require_encryption, "--require-encryption=false", file)
    }
}

fn refusals(flag: Option<bool>, name: &'static str, file: Option<&Spot<bool>>) -> Vec<Place> {
    let flag = (flag == Some(false)).then_some(Place::Flag(name));
    let file = file.filter(|spot| !spot.value).map(|spot| spot.place.clone());
    flag.into_iter().chain(file).collect()
}
