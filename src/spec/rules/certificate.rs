//! `[certificate]`: the operator's own files are read, matched to the domain and to each other.

use zeroize::Zeroizing;

use crate::spec::docket::Refused;
use crate::spec::model::Certificate;
use crate::spec::name::Domain;
use crate::spec::problem::Place;
use crate::spec::problem::Problem;
use crate::spec::raw::RawCertificate;
use crate::spec::raw::RawCertificateKind;
use crate::spec::raw::RawSpec;
use crate::spec::reader::May;
use crate::spec::reader::Spot;
use crate::spec::rules::Bench;
use crate::spec::rules::pem::Chain;
use crate::spec::rules::pem::Flaw;
use crate::spec::rules::pem::PrivateKey;
use crate::spec::rules::policy::TRANSMISSION_LAW;
use crate::spec::rules::production;

/// Judges `[certificate]`. Without one a test signs its own; production is refused by the policy.
pub(crate) fn certificate(
    raw: &RawSpec,
    domain: Option<&Domain>,
    bench: &mut Bench<'_>,
) -> Result<Certificate, Refused> {
    let Some(section) = raw.certificate.as_ref().map_err(|refused| *refused)? else {
        return Ok(Certificate::SelfSigned);
    };
    let kind = section.value.kind.as_ref().map_err(|refused| *refused)?;
    match kind.value {
        RawCertificateKind::Files => files(raw, section, domain, bench),
        RawCertificateKind::SelfSigned => self_signed(&section.value, bench),
    }
}

fn self_signed(raw: &RawCertificate, bench: &mut Bench<'_>) -> Result<Certificate, Refused> {
    let mut outcome = Ok(Certificate::SelfSigned);
    for (key, spot) in [("chain", &raw.chain), ("key", &raw.key)] {
        match spot {
            Ok(None) => {}
            Ok(Some(spot)) => {
                let message = format!("`certificate.{key}` is only used with `kind = \"files\"`");
                let problem = Problem::new("spec/mixed-certificate", spot.place.clone(), message);
                outcome = Err(bench.refuse(problem.help(format!("remove `{key}`, or set `kind = \"files\"`"))));
            }
            Err(refused) => outcome = Err(*refused),
        }
    }
    outcome
}

fn files(
    raw: &RawSpec,
    section: &Spot<RawCertificate>,
    domain: Option<&Domain>,
    bench: &mut Bench<'_>,
) -> Result<Certificate, Refused> {
    let chain = file("chain", &section.value.chain, &section.place, bench).and_then(|(spot, text)| {
        let chain = Chain::read(&text).map_err(|flaw| refuse("certificate.chain", spot, flaw, bench))?;
        let mut flaws = chain.flaws(domain, bench.today);
        if production(raw).is_some() {
            flaws.extend(chain.signed_by_itself());
        }
        let refusals: Vec<Refused> = flaws
            .into_iter()
            .map(|flaw| refuse("certificate.chain", spot, flaw, bench))
            .collect();
        match refusals.first() {
            None => Ok(chain),
            Some(refused) => Err(*refused),
        }
    });
    let key = file("key", &section.value.key, &section.place, bench).and_then(|(spot, text)| {
        let key = PrivateKey::read(&text).map_err(|flaw| refuse("certificate.key", spot, flaw, bench))?;
        Ok((spot, key))
    });
    let (chain, (spot, key)) = (chain?, key?);
    if let Err(flaw) = chain.belongs_to(&key) {
        return Err(refuse("certificate.key", spot, flaw, bench));
    }
    Ok(Certificate::Files {
        chain_pem: chain.pem(),
        key_pem: key.into_pem(),
    })
}

/// A file that `kind = "files"` needs, and its text.
fn file<'r>(
    key: &str,
    spot: &'r May<String>,
    section: &Place,
    bench: &mut Bench<'_>,
) -> Result<(&'r Spot<String>, Zeroizing<String>), Refused> {
    let Some(spot) = spot.as_ref().map_err(|refused| *refused)? else {
        let message = format!("`kind = \"files\"` needs `{key}` in `[certificate]`");
        let problem = Problem::new("spec/missing-key", section.clone(), message);
        return Err(bench.refuse(problem.help(format!("add `{key} = \"{key}.pem\"`, the path of a PEM file"))));
    };
    let text = bench.text_file(&format!("certificate.{key}"), spot)?;
    Ok((spot, Zeroizing::new(text)))
}

fn refuse(key: &str, spot: &Spot<String>, flaw: Flaw, bench: &mut Bench<'_>) -> Refused {
    let message = format!("`{key}`: {} {}", spot.value, flaw.message);
    let problem = Problem::new("spec/unusable-certificate", spot.place.clone(), message);
    bench.refuse(problem.help(flaw.help).cite(TRANSMISSION_LAW))
}
