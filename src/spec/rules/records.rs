//! What people sign: the agreement, attestations and waivers. An expired waiver still loads; the judge of the controls
//! ignores it and says so.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::catalog;
use crate::spec::docket::Refused;
use crate::spec::model::Attestation;
use crate::spec::model::Baa;
use crate::spec::model::Waiver;
use crate::spec::problem::Problem;
use crate::spec::raw::RawAttestation;
use crate::spec::raw::RawBaa;
use crate::spec::raw::RawSpec;
use crate::spec::raw::RawWaiver;
use crate::spec::reader::Must;
use crate::spec::reader::Spot;
use crate::spec::rules::Bench;
use crate::spec::rules::cloned;
use crate::spec::values::Prose;

/// Longest life of a waiver, in days: an accepted failure is looked at again every year (45 CFR 164.316(b)(2)(iii)).
const WAIVER_DAYS: i64 = 365;

/// Judges `[baa]`.
pub(crate) fn baa(raw: &RawSpec, bench: &mut Bench<'_>) -> Result<Option<Baa>, Refused> {
    match &raw.baa {
        Ok(Some(spot)) => agreement(&spot.value, bench).map(Some),
        Ok(None) => Ok(None),
        Err(refused) => Err(*refused),
    }
}

fn agreement(raw: &RawBaa, bench: &mut Bench<'_>) -> Result<Baa, Refused> {
    let vendor = text(&raw.vendor);
    let agreement = text(&raw.agreement);
    let signed_on = past("baa.signed_on", &raw.signed_on, bench);
    let review_on = match (&raw.review_on, &signed_on) {
        (Ok(Some(review)), Ok(signed)) if review.value <= *signed => {
            let message = "`baa.review_on` is not after `baa.signed_on`";
            let problem = Problem::new("spec/dates-reversed", review.place.clone(), message);
            Err(bench.refuse(problem.help("write the day of the next review")))
        }
        (review, _) => cloned(review),
    };
    let document_sha256 = match &raw.document_sha256 {
        Ok(Some(spot)) => sha256(spot, bench).map(Some),
        Ok(None) => Ok(None),
        Err(refused) => Err(*refused),
    };
    let reference = cloned(&raw.reference);
    let processors = cloned(&raw.processors).map(|list| list.unwrap_or_default());
    Ok(Baa {
        vendor: vendor?,
        agreement: agreement?,
        signed_on: signed_on?,
        reference: reference?,
        document_sha256: document_sha256?,
        review_on: review_on?,
        processors: processors?.into_iter().map(|spot| spot.value).collect(),
    })
}

fn sha256(spot: &Spot<String>, bench: &mut Bench<'_>) -> Result<String, Refused> {
    let text = spot.value.to_ascii_lowercase();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text);
    }
    let message = "`baa.document_sha256` is not a SHA-256 digest of 64 hexadecimal digits";
    let problem = Problem::new("spec/unusable-value", spot.place.clone(), message);
    Err(bench.refuse(problem.help("write the first word that `sha256sum FILE` prints")))
}

/// Judges every `[[attestation]]`.
pub(crate) fn attestations(raw: &RawSpec, bench: &mut Bench<'_>) -> Result<Vec<Attestation>, Refused> {
    let Some(list) = raw.attestation.as_ref().map_err(|refused| *refused)? else {
        return Ok(Vec::new());
    };
    let judged: Vec<_> = list.value.iter().map(|spot| attestation(&spot.value, bench)).collect();
    judged.into_iter().collect()
}

fn attestation(raw: &RawAttestation, bench: &mut Bench<'_>) -> Result<Attestation, Refused> {
    let control = control("attestation.control", &raw.control, bench);
    let on = past("attestation.on", &raw.on, bench);
    Ok(Attestation {
        control: control?,
        statement: prose(&raw.statement)?,
        by: text(&raw.by)?,
        on: on?,
    })
}

/// Judges every `[[waiver]]`.
pub(crate) fn waivers(raw: &RawSpec, bench: &mut Bench<'_>) -> Result<Vec<Waiver>, Refused> {
    let Some(list) = raw.waiver.as_ref().map_err(|refused| *refused)? else {
        return Ok(Vec::new());
    };
    let judged: Vec<_> = list.value.iter().map(|spot| waiver(&spot.value, bench)).collect();
    judged.into_iter().collect()
}

fn waiver(raw: &RawWaiver, bench: &mut Bench<'_>) -> Result<Waiver, Refused> {
    let control = control("waiver.control", &raw.control, bench);
    let created = past("waiver.created", &raw.created, bench);
    let expires = expiry(raw, bench);
    let compensating_control = cloned(&raw.compensating_control);
    Ok(Waiver {
        control: control?,
        subject: text(&raw.subject)?,
        justification: prose(&raw.justification)?,
        approver: text(&raw.approver)?,
        created: created?,
        expires: expires?,
        compensating_control: compensating_control?.map(|prose| prose.0),
    })
}

fn expiry(raw: &RawWaiver, bench: &mut Bench<'_>) -> Result<Date, Refused> {
    let expires = raw.expires.as_ref().map_err(|refused| *refused)?;
    let created = raw.created.as_ref().map_err(|refused| *refused)?.value;
    let latest = created.saturating_add(WAIVER_DAYS.days());
    if expires.value <= created {
        let message = "`waiver.expires` is not after `waiver.created`";
        let problem = Problem::new("spec/dates-reversed", expires.place.clone(), message);
        return Err(bench.refuse(problem.help(format!("write a day from {created} on, at the latest {latest}"))));
    }
    if expires.value > latest {
        let message = format!("`waiver.expires` is more than {WAIVER_DAYS} days after `waiver.created`");
        let problem = Problem::new("spec/waiver-too-long", expires.place.clone(), message);
        let help = format!("write {latest} or earlier; a failure that stays accepted is accepted anew every year");
        return Err(bench.refuse(problem.help(help).cite("45 CFR 164.306(d)(3), 164.316(b)(2)(iii)")));
    }
    Ok(expires.value)
}

/// A control id: a family of the contract, a slash, a name of lower-case words with hyphens.
fn control(key: &str, spot: &Must<String>, bench: &mut Bench<'_>) -> Result<String, Refused> {
    let spot = spot.as_ref().map_err(|refused| *refused)?;
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let (problem, help) = match spot.value.split_once('/') {
        Some((family, name)) if catalog::FAMILIES.contains(&family) => {
            if name.split('-').all(word) {
                return Ok(spot.value.clone());
            }
            let help = format!("write the id as the audit prints it, such as \"{family}/some-name\"");
            ("has a name that is not lower-case words with hyphens".to_owned(), help)
        }
        Some((family, _)) => {
            let help = format!("families are {}", catalog::FAMILIES.join(", "));
            (format!("names the unknown family {family:?}"), help)
        }
        None => {
            let help = "write the id as the audit prints it, such as \"encryption/legacy-tls-refused\"";
            (
                "is not a control id of the form family/name".to_owned(),
                help.to_owned(),
            )
        }
    };
    let problem = Problem::new("spec/unknown-control", spot.place.clone(), format!("`{key}` {problem}"));
    Err(bench.refuse(problem.help(help)))
}

/// A day on which something happened. One day of grace, since `today` may be of another time zone.
fn past(key: &str, spot: &Must<Date>, bench: &mut Bench<'_>) -> Result<Date, Refused> {
    let spot = spot.as_ref().map_err(|refused| *refused)?;
    if spot.value <= bench.today.saturating_add(1.day()) {
        return Ok(spot.value);
    }
    let message = format!("`{key}` is {}, which has not come yet", spot.value);
    let problem = Problem::new("spec/date-in-future", spot.place.clone(), message);
    Err(bench.refuse(problem.help(format!("today is {}; write the day on which it happened", bench.today))))
}

fn text(spot: &Must<String>) -> Result<String, Refused> {
    spot.as_ref().map(|spot| spot.value.clone()).map_err(|refused| *refused)
}

fn prose(spot: &Must<Prose>) -> Result<String, Refused> {
    spot.as_ref()
        .map(|spot| spot.value.0.clone())
        .map_err(|refused| *refused)
}
