//! What is at stake when a deployment goes: production or a test, by the spec and by what everything that was seen says of
//! itself. Pure. What says nothing of itself counts as production.

use jiff::Timestamp;

use crate::machines::aws::names;
use crate::remote::aws::model::Tags;
use crate::seen::Seen;
use crate::spec::Environment;

/// What `anteroom:environment` says of a test.
const TEST: &str = "test";

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Kind, id and region.
    pub what: String,
    /// Its tags.
    pub tags: Tags,
    /// Of a machine: whether it cannot be terminated.
    pub protected: Option<Seen<bool>>,
}

/// Why a deployment is treated as production; none of it is a test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stakes {
    /// The reasons, in whole sentences.
    pub reasons: Vec<String>,
}

impl Stakes {
    /// Weighs the spec and what was seen.
    pub fn of(environment: &Environment, things: &[Thing]) -> Self {
        let spec = (!environment.is_test()).then(|| "the spec says production".to_owned());
        Self {
            reasons: spec.into_iter().chain(things.iter().filter_map(no_test)).collect(),
        }
    }
}

/// Who agreed that a deployment goes, and to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Somebody typed the domain: whatever is the deployment's may go.
    Domain,
    /// Somebody said yes to the end of a test: nothing that is no test may go.
    Test,
    /// Nobody but the test's own end, which is before this moment.
    Expired(Timestamp),
}

impl Consent {
    /// Why these things may not go.
    pub fn objection(&self, things: &[Thing]) -> Option<String> {
        match self {
            Self::Domain => None,
            Self::Test => things.iter().find_map(no_test),
            Self::Expired(_) if things.is_empty() => None,
            Self::Expired(now) => ended(things, *now).err(),
        }
    }

    /// Whether a machine's protection is turned off.
    pub fn unprotects(self) -> bool {
        !matches!(self, Self::Expired(_))
    }
}

fn no_test(thing: &Thing) -> Option<String> {
    match thing.tags.get(names::ENVIRONMENT).map(String::as_str) {
        Some(TEST) => None,
        Some(other) => Some(format!("{} says {other}", thing.what)),
        None => Some(format!("{} does not say what it is for", thing.what)),
    }
}

/// When a test ended: the latest end that anything says. It has not where anything is no test, says no end or one to
/// come, or is a machine that is protected or not known to be unprotected.
///
/// # Errors
/// With the reason.
pub fn ended(things: &[Thing], now: Timestamp) -> Result<Timestamp, String> {
    let mut last = None;
    for thing in things {
        if let Some(why) = no_test(thing) {
            return Err(why);
        }
        let says = thing.tags.get(names::EXPIRES).map_or("nothing", String::as_str);
        let end: Option<Timestamp> = says.parse().ok();
        let end = end.ok_or_else(|| format!("{} says {says} of its end", thing.what))?;
        if end >= now {
            return Err(format!("{} ends at {end}", thing.what));
        }
        match &thing.protected {
            None | Some(Seen::Known(false)) => {}
            Some(Seen::Known(true)) => return Err(format!("{} is protected against being terminated", thing.what)),
            Some(Seen::Unknown(why)) => {
                return Err(format!("it is not known whether {} is protected: {why}", thing.what));
            }
        }
        last = last.max(Some(end));
    }
    last.ok_or_else(|| "there is nothing of it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(environment: &str, expires: &str) -> Thing {
        let pairs = [(names::ENVIRONMENT, environment), (names::EXPIRES, expires)];
        let said = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        Thing {
            what: "VPC vpc-1 in us-east-1".to_owned(),
            tags: said.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            protected: None,
        }
    }

    fn machine(protected: Seen<bool>) -> Thing {
        Thing {
            protected: Some(protected),
            ..thing("test", PAST)
        }
    }

    const PAST: &str = "2026-04-01T11:00:00Z";
    const LATER: &str = "2026-04-01T13:00:00Z";

    fn now() -> Timestamp {
        "2026-04-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn only_a_test_of_which_everything_has_ended_is_over() {
        let earlier = "2026-04-01T08:00:00Z";
        let over = [thing("test", PAST), thing("test", earlier), machine(Seen::Known(false))];
        assert_eq!(ended(&over, now()), Ok(PAST.parse().unwrap()));
        for (kept, why) in [
            (thing("production", PAST), "says production"),
            (thing("", PAST), "does not say what it is for"),
            (thing("test", LATER), "ends at 2026-04-01T13:00:00Z"),
            (thing("test", ""), "says nothing of its end"),
            (thing("test", "soon"), "says soon of its end"),
            (machine(Seen::Known(true)), "is protected"),
            (machine(Seen::unknown("denied")), "not known whether"),
        ] {
            let said = ended(&[thing("test", PAST), kept], now()).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
        assert!(ended(&[], now()).is_err());
    }

    #[test]
    fn a_spec_that_says_test_does_not_make_a_test_of_what_says_otherwise() {
        let test = Environment::Test { ttl_seconds: 60 };
        let reasons = |environment: &Environment, things: &[Thing]| Stakes::of(environment, things).reasons;
        assert_eq!(reasons(&test, &[thing("test", LATER)]), Vec::<String>::new());
        assert_eq!(reasons(&test, &[]), Vec::<String>::new());
        assert_eq!(reasons(&Environment::Production, &[]), ["the spec says production"]);
        assert_eq!(
            reasons(&test, &[thing("test", ""), thing("production", ""), thing("", "")]),
            [
                "VPC vpc-1 in us-east-1 says production",
                "VPC vpc-1 in us-east-1 does not say what it is for"
            ]
        );
    }

    #[test]
    fn consent_reaches_as_far_as_what_was_agreed_to() {
        let production = [thing("test", PAST), thing("production", "")];
        let running = [thing("test", LATER)];
        assert_eq!(Consent::Domain.objection(&production), None);
        assert!(Consent::Test.objection(&production).is_some());
        assert_eq!(Consent::Test.objection(&running), None);
        assert!(Consent::Expired(now()).objection(&running).is_some());
        assert!(
            Consent::Expired(now())
                .objection(&[machine(Seen::Known(true))])
                .is_some()
        );
        assert_eq!(Consent::Expired(now()).objection(&[thing("test", PAST)]), None);
    }
}
