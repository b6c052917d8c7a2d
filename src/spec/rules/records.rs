//! What people sign: the agreement, attestations and waivers. An expired waiver still loads; the judge of the controls
//! ignores it and says so.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::catalog;
use crate::catalog::clouds;
use crate::digest;
use crate::spec::docket::Refused;
use crate::spec::model::Attestation;
use crate::spec::model::Baa;
use crate::spec::model::Waiver;
use crate::spec::model::WaiverBasis;
use crate::spec::problem::Problem;
use crate::spec::raw::RawAttestation;
use crate::spec::raw::RawBaa;
use crate::spec::raw::RawSpec;
use crate::spec::raw::RawWaiver;
use crate::spec::raw::RawWaiverBasis;
use crate::spec::raw_machines::RawMachinesKind;
use crate::spec::reader::Must;
use crate::spec::reader::Spot;
use crate::spec::rules::Bench;
use crate::spec::rules::cloned;
use crate::spec::rules::machines_kind;
use crate::spec::rules::optional;
use crate::spec::rules::policy::BAA_LAW;
use crate::spec::values::Prose;

/// Longest life of a waiver, in days: an accepted failure is looked at again every year (45 CFR 164.316(b)(2)(iii)).
const WAIVER_DAYS: i64 = 365;
/// Longest time between two looks at a document, in days: the same day of the next year, over a leap day too.
const REVIEW_DAYS: i64 = 366;
/// Judges the waivers themselves, so that none can stand for it.
const WAIVERS_IN_ORDER: &str = "administrative/waivers-in-order";

/// Judges `[baa]`.
pub(crate) fn baa(raw: &RawSpec, bench: &mut Bench<'_>) -> Result<Option<Baa>, Refused> {
    match &raw.baa {
        Ok(Some(spot)) => {
            let signer = signer(raw, &spot.value, bench);
            let baa = agreement(&spot.value, bench)?;
            signer.map(|()| Some(baa))
        }
        Ok(None) => Ok(None),
        Err(refused) => Err(*refused),
    }
}

/// Refuses the paper of somebody who does not own the computers, where the spec says who does.
fn signer(raw: &RawSpec, baa: &RawBaa, bench: &mut Bench<'_>) -> Result<(), Refused> {
    let in_aws = machines_kind(raw).is_some_and(|kind| kind.value == RawMachinesKind::Aws);
    let Ok(vendor) = &baa.vendor else { return Ok(()) };
    if !in_aws || clouds::is_called(clouds::AWS, &vendor.value) {
        return Ok(());
    }
    let message = format!(
        "`baa.vendor` is {:?}, and the machines are in AWS: whoever owns the computers has to have signed",
        vendor.value
    );
    let problem = Problem::new("spec/baa-of-another", vendor.place.clone(), message);
    let help = format!(
        "record the agreement with \"{}\"; others who handle visits stand in `processors`",
        clouds::AWS
    );
    Err(bench.refuse(problem.help(help).cite(BAA_LAW)))
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
    let help = "write the first word that `sha256sum FILE` prints";
    let document_sha256 = optional(&raw.document_sha256, |spot| {
        sha256("baa.document_sha256", spot, help, bench)
    });
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

fn sha256(key: &str, spot: &Spot<String>, help: &str, bench: &mut Bench<'_>) -> Result<String, Refused> {
    let text = spot.value.to_ascii_lowercase();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text);
    }
    let message = format!("`{key}` is not a SHA-256 digest of 64 hexadecimal digits");
    let problem = Problem::new("spec/unusable-value", spot.place.clone(), message);
    Err(bench.refuse(problem.help(help)))
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
    let document = text(&raw.document);
    let help = "write the first word that `sha256sum FILE` prints";
    let document_sha256 = match &raw.document_sha256 {
        Ok(spot) => sha256("attestation.document_sha256", spot, help, bench),
        Err(refused) => Err(*refused),
    };
    let on = past("attestation.on", &raw.on, bench);
    let review_on = review(raw, bench);
    let statement = cloned(&raw.statement);
    let document = document?;
    // What is filed elsewhere is not found here; the recorded digest then stands alone.
    let found = (bench.files.read)(&bench.files.resolve(&document));
    Ok(Attestation {
        control: control?,
        document,
        document_sha256: document_sha256?,
        found_sha256: found.ok().map(digest::sha256),
        owner: text(&raw.owner)?,
        on: on?,
        review_on: review_on?,
        statement: statement?.map(|prose| prose.0),
    })
}

fn review(raw: &RawAttestation, bench: &mut Bench<'_>) -> Result<Date, Refused> {
    let review = raw.review_on.as_ref().map_err(|refused| *refused)?;
    let on = raw.on.as_ref().map_err(|refused| *refused)?.value;
    let latest = on.saturating_add(REVIEW_DAYS.days());
    let problem = |code, message: String| Problem::new(code, review.place.clone(), message);
    if review.value <= on {
        let message = "`attestation.review_on` is not after `attestation.on`".to_owned();
        let help = format!("write the day of the next review, at the latest {latest}");
        return Err(bench.refuse(problem("spec/dates-reversed", message).help(help)));
    }
    if review.value > latest {
        let message = format!("`attestation.review_on` is more than {REVIEW_DAYS} days after `attestation.on`");
        let help = format!("write {latest} or earlier; documents are looked at every year");
        let problem = problem("spec/review-too-late", message).help(help);
        return Err(bench.refuse(problem.cite("45 CFR 164.316(b)(2)(iii)")));
    }
    Ok(review.value)
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
    let control = waivable(raw, bench);
    let created = past("waiver.created", &raw.created, bench);
    let expires = expiry(raw, bench);
    let basis = basis(raw);
    let compensating_control = compensation(raw, bench);
    let evidence_sha256 = pin(raw, bench);
    Ok(Waiver {
        control: control?,
        subject: text(&raw.subject)?,
        justification: prose(&raw.justification)?,
        approver: text(&raw.approver)?,
        created: created?,
        expires: expires?,
        basis: basis?,
        compensating_control: compensating_control?,
        evidence_sha256: evidence_sha256?,
    })
}

/// The control, unless it is the one that judges waivers.
fn waivable(raw: &RawWaiver, bench: &mut Bench<'_>) -> Result<String, Refused> {
    let id = control("waiver.control", &raw.control, bench)?;
    let place = raw.control.as_ref().map_err(|refused| *refused)?.place.clone();
    if id != WAIVERS_IN_ORDER {
        return Ok(id);
    }
    let message = format!("`waiver.control` cannot be {WAIVERS_IN_ORDER}: it judges the waivers themselves");
    let problem = Problem::new("spec/unusable-value", place, message);
    Err(bench.refuse(problem.help("mend or remove the waiver that it names")))
}

fn basis(raw: &RawWaiver) -> Result<WaiverBasis, Refused> {
    let spot = raw.basis.as_ref().map_err(|refused| *refused)?;
    Ok(match spot.value {
        RawWaiverBasis::Addressable => WaiverBasis::Addressable,
        RawWaiverBasis::RiskAccepted => WaiverBasis::RiskAccepted,
        RawWaiverBasis::FalsePositive => WaiverBasis::FalsePositive,
    })
}

/// What is done instead; only a control that is wrong needs nothing instead.
fn compensation(raw: &RawWaiver, bench: &mut Bench<'_>) -> Result<Option<String>, Refused> {
    let given = cloned(&raw.compensating_control)?;
    let Ok(basis) = &raw.basis else { return Ok(None) };
    if given.is_none() && basis.value != RawWaiverBasis::FalsePositive {
        let message = "the key `compensating_control` is missing in `[[waiver]]`: a failure that is accepted needs \
                       something in its place";
        let problem = Problem::new("spec/missing-key", basis.place.clone(), message);
        let help = "write what is done instead; only `basis = \"false-positive\"` does without";
        return Err(bench.refuse(problem.help(help).cite("45 CFR 164.306(d)(3), 164.308(a)(1)(ii)(B)")));
    }
    Ok(given.map(|prose| prose.0))
}

/// The digest of what was accepted: with a subject, and only there.
fn pin(raw: &RawWaiver, bench: &mut Bench<'_>) -> Result<Option<String>, Refused> {
    let subject = raw.subject.as_ref().map_err(|refused| *refused)?;
    let help = "copy `evidence_sha256` of the finding from the report (`anteroom audit`)";
    let pin = optional(&raw.evidence_sha256, |spot| {
        sha256("waiver.evidence_sha256", spot, help, bench)
    })?;
    let (message, help) = match (subject.value == "*", &pin) {
        (true, None) | (false, Some(_)) => return Ok(pin),
        (false, None) => (
            "the key `evidence_sha256` is missing in `[[waiver]]`: a waiver of one subject accepts what was seen there, \
             and nothing else that may come",
            help,
        ),
        (true, Some(_)) => (
            "`waiver.evidence_sha256` belongs to one finding, and the subject `*` is about all of them",
            "name the finding's subject, or leave the digest out",
        ),
    };
    let problem = Problem::new("spec/waiver-pin", subject.place.clone(), message);
    Err(bench.refuse(problem.help(help)))
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
