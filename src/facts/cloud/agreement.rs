//! Whether an account has a business associate agreement in force, by what Artifact lists for it.

use jiff::Timestamp;

use crate::remote::aws::model::Agreement;

/// What the list comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// An agreement is in force for this account.
    InForce {
        /// Its name.
        name: String,
        /// Since when, as AWS says.
        since: String,
    },
    /// There was one, and it has ended or is about to.
    Ended {
        /// Its name.
        name: String,
        /// How it stands.
        state: String,
        /// When it ended, as AWS says.
        until: String,
    },
    /// There is one, for another account.
    Elsewhere {
        /// Its name.
        name: String,
        /// The other account.
        account: String,
    },
    /// There is one, and AWS names neither an account nor an organization that it is of.
    OfNobody {
        /// Its name.
        name: String,
    },
    /// There is none.
    Absent,
}

impl Standing {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::InForce { name, since } => format!("{name} is in force since {since}"),
            Self::Ended { name, state, until } => format!("{name} is {state} and ends on {until}"),
            Self::Elsewhere { name, account } => format!("{name} is for the account {account}, not for this one"),
            Self::OfNobody { name } => {
                format!("AWS names neither the account nor the organization that {name} is of")
            }
            Self::Absent => "AWS lists no business associate agreement for this account".to_owned(),
        }
    }
}

/// Judges the list. AWS lists what applies to the caller; still, an agreement that names another account is not taken for
/// this one's. The best of several counts.
pub fn standing(agreements: &[Agreement], account: &str, now: Timestamp) -> Standing {
    let words = |agreement: &Agreement| agreement.name.to_lowercase().contains("business associate");
    let mut best = Standing::Absent;
    for agreement in agreements.iter().filter(|agreement| words(agreement)) {
        let standing = one(agreement, account, now);
        if rank(&standing) > rank(&best) {
            best = standing;
        }
    }
    best
}

fn rank(standing: &Standing) -> u8 {
    match standing {
        Standing::InForce { .. } => 3,
        Standing::Ended { .. } => 2,
        Standing::Elsewhere { .. } | Standing::OfNobody { .. } => 1,
        Standing::Absent => 0,
    }
}

fn one(agreement: &Agreement, account: &str, now: Timestamp) -> Standing {
    let name = agreement.name.clone();
    // One of an organization is listed for the accounts that it covers, whichever of them accepted it.
    match (agreement.account.as_deref(), &agreement.organization) {
        (None, None) => return Standing::OfNobody { name },
        (Some(other), None) if other != account => {
            return Standing::Elsewhere {
                name,
                account: other.to_owned(),
            };
        }
        _ => {}
    }
    let begun = agreement
        .from
        .as_deref()
        .is_some_and(|from| from.parse::<Timestamp>().is_ok_and(|from| from <= now));
    if agreement.state == "ACTIVE" && agreement.until.is_none() && begun {
        let since = agreement.from.clone().unwrap_or_default();
        return Standing::InForce { name, since };
    }
    Standing::Ended {
        name,
        state: agreement.state.clone(),
        until: agreement
            .until
            .clone()
            .unwrap_or_else(|| "a day that AWS does not name".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "111122223333";

    fn agreement(state: &str, account: &str, until: Option<&str>) -> Agreement {
        Agreement {
            name: "AWS Business Associate Addendum".to_owned(),
            account: Some(account.to_owned()),
            organization: None,
            state: state.to_owned(),
            from: Some("2025-01-02T00:00:00Z".to_owned()),
            until: until.map(str::to_owned),
        }
    }

    fn judged(list: &[Agreement]) -> u8 {
        rank(&standing(list, OURS, "2026-04-01T12:00:00Z".parse().unwrap()))
    }

    #[test]
    fn an_agreement_is_in_force_only_when_it_is_active_begun_without_an_end_and_of_this_account() {
        let good = agreement("ACTIVE", OURS, None);
        assert_eq!(judged(std::slice::from_ref(&good)), 3);
        assert_eq!(judged(&[]), 0);
        assert_eq!(judged(&[agreement("CUSTOMER_TERMINATED", OURS, None)]), 2);
        assert_eq!(judged(&[agreement("ACTIVE", OURS, Some("2027-01-01T00:00:00Z"))]), 2);
        assert_eq!(judged(&[agreement("ACTIVE", "999988887777", None)]), 1);
        let other = Agreement {
            name: "AWS Australian Notifiable Data Breach Addendum".to_owned(),
            ..good.clone()
        };
        assert_eq!(judged(std::slice::from_ref(&other)), 0);
        for from in [Some("2026-05-01T00:00:00Z"), Some("soon"), None] {
            let from = from.map(str::to_owned);
            assert_eq!(judged(&[Agreement { from, ..good.clone() }]), 2);
        }
        assert_eq!(judged(&[agreement("AWS_TERMINATED", OURS, None), other, good]), 3);
    }

    #[test]
    fn an_agreement_of_no_account_and_no_organization_is_not_this_ones() {
        let of_nobody = Agreement {
            account: None,
            ..agreement("ACTIVE", OURS, None)
        };
        let now = "2026-04-01T12:00:00Z".parse().unwrap();
        let judged = standing(std::slice::from_ref(&of_nobody), OURS, now);
        assert!(matches!(judged, Standing::OfNobody { .. }), "{judged:?}");
        assert!(judged.words().contains("neither the account nor the organization"));
        let good = agreement("ACTIVE", OURS, None);
        assert_eq!(rank(&standing(&[of_nobody, good], OURS, now)), 3);
    }

    #[test]
    fn an_agreement_of_the_whole_organization_covers_its_accounts() {
        let of_organization = Agreement {
            organization: Some("arn:aws:organizations::999988887777:organization/o-1".to_owned()),
            ..agreement("ACTIVE", "999988887777", None)
        };
        assert_eq!(judged(&[of_organization]), 3);
    }
}
