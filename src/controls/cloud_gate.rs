//! Whether production may be made in a cloud's account, by its agreement. Pure; `commands/` asks, and carries out the
//! answer.

use jiff::civil::Date;

use crate::catalog;
use crate::controls::Evidence;
use crate::controls::Source;
use crate::controls::Verdict;
use crate::controls::cloud::AGREEMENT;
use crate::controls::cloud::AGREEMENT_IN_FORCE;
use crate::controls::is_about;
use crate::facts::cloud::Standing;
use crate::seen::Seen;
use crate::spec::Spec;
use crate::spec::Waiver;

/// The control that judges the agreement.
const CONTROL: &str = "administrative/baa-in-force";

/// On what ground production may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission<'a> {
    /// The agreement was seen to be in force.
    InForce(&'a Standing),
    /// It could not be seen, and somebody accepted that for a time.
    Waived {
        /// Why it could not be seen.
        why: &'a str,
        /// Who accepted it, and until when.
        waiver: &'a Waiver,
    },
}

/// Why production may not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The agreement was seen, and is not in force.
    #[error("{0}; production is not deployed without it, and nothing was changed")]
    NotInForce(String),
    /// It could not be seen.
    #[error(
        "the agreement could not be seen: failed to {why}; production is not deployed without it, and nothing was changed"
    )]
    NotSeen {
        /// Why.
        why: String,
        /// What a waiver of this subject accepts.
        evidence_sha256: String,
    },
}

impl Refusal {
    /// What to do next.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NotInForce(_) => vec![
                "accept the business associate addendum in AWS Artifact, for this account or its organization; no \
                 [[waiver]] stands for an agreement that is not in force"
                    .to_owned(),
            ],
            Self::NotSeen { evidence_sha256, .. } => vec![
                "let these credentials call artifact:ListCustomerAgreements and sts:GetCallerIdentity".to_owned(),
                format!(
                    "or accept it for a time with a [[waiver]] of {CONTROL} for the subject {AGREEMENT}, with \
                     evidence_sha256 = \"{evidence_sha256}\""
                ),
            ],
        }
    }
}

/// Whether production may be made. An agreement that was seen not to be in force refuses, whatever is waived; one that
/// could not be seen does, unless a waiver of today accepts exactly that.
///
/// # Errors
/// Where it may not.
pub fn admits_production<'a>(
    agreement: &'a Seen<Standing>,
    spec: &'a Spec,
    today: Date,
) -> Result<Admission<'a>, Refusal> {
    let why = match agreement {
        Seen::Known(standing @ Standing::InForce { .. }) => return Ok(Admission::InForce(standing)),
        Seen::Known(other) => return Err(Refusal::NotInForce(other.words())),
        Seen::Unknown(why) => why,
    };
    let seen = digest_of_unseen(why);
    let accepts = |waiver: &&Waiver| {
        is_about(waiver, CONTROL, AGREEMENT)
            && waiver.is_in_force(today)
            && waiver.evidence_sha256.as_ref().is_none_or(|pin| *pin == seen)
    };
    match spec.waivers.iter().find(accepts) {
        Some(waiver) => Ok(Admission::Waived { why, waiver }),
        None => Err(Refusal::NotSeen {
            why: why.clone(),
            evidence_sha256: seen,
        }),
    }
}

/// The digest that the report's finding has.
fn digest_of_unseen(why: &str) -> String {
    let evidence = Evidence {
        source: Source::Cloud,
        at: String::new(),
        detail: String::new(),
    };
    let control = catalog::control(CONTROL).expect("a test holds the judges and the catalog together");
    Verdict::unverified(AGREEMENT, AGREEMENT_IN_FORCE, why, evidence).evidence_sha256(control)
}
