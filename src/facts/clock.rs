//! How far a host's clock is from the operator's, as well as one look can tell. Knows nothing of what is too far.

use jiff::Timestamp;

use crate::facts::HostFacts;
use crate::seen::Seen;

/// The operator's clock around a look: the host answered somewhere in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Before the question went out.
    pub began: Timestamp,
    /// After the answer was there.
    pub ended: Timestamp,
}

/// Bounds of what the host's clock is ahead of the operator's, in seconds; below zero: behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ahead {
    /// At least.
    pub least: i64,
    /// At most.
    pub most: i64,
}

/// What a host's clock is ahead of the operator's. The longer the look took, the wider apart the bounds.
pub fn ahead(facts: &HostFacts) -> Seen<Ahead> {
    match facts.at.parse::<Timestamp>() {
        Err(why) => Seen::unknown(format!("the host's clock says {:?}: {why}", facts.at)),
        // The host's answer is cut to whole seconds.
        Ok(at) => Seen::Known(Ahead {
            least: at.as_second() - facts.asked.ended.as_second() - 1,
            most: at.as_second() + 1 - facts.asked.began.as_second(),
        }),
    }
}

impl Ahead {
    /// Whether the difference is at most `seconds` whatever the truth between the bounds.
    pub fn surely_within(self, seconds: i64) -> bool {
        self.least >= -seconds && self.most <= seconds
    }

    /// Whether the difference is more than `seconds` whatever the truth between the bounds.
    pub fn surely_beyond(self, seconds: i64) -> bool {
        self.least > seconds || self.most < -seconds
    }

    /// In words: `60 min ahead of this computer's`, from the middle of the bounds.
    pub fn words(self) -> String {
        let middle = self.least.midpoint(self.most);
        let side = if middle < 0 { "behind" } else { "ahead of" };
        let minutes = (middle.abs() + 30) / 60;
        let size = match minutes {
            ..2 => format!("{} s", middle.abs()),
            2..120 => format!("{minutes} min"),
            _ => format!("{} h {} min", minutes / 60, minutes % 60),
        };
        let doubt = (self.most - self.least) / 2;
        format!("{size} {side} this computer's, give or take {doubt} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_bounds_hold_the_truth_and_widen_with_the_look() {
        let right = Ahead { least: -4, most: 2 };
        assert!(right.surely_within(300) && !right.surely_beyond(300));
        let hour = Ahead {
            least: 3597,
            most: 3603,
        };
        assert!(hour.surely_beyond(300) && !hour.surely_within(300));
        assert_eq!(hour.words(), "60 min ahead of this computer's, give or take 3 s");
        let behind = Ahead {
            least: -90_065,
            most: -90_055,
        };
        assert!(behind.surely_beyond(300));
        assert_eq!(behind.words(), "25 h 1 min behind this computer's, give or take 5 s");
        // A look of ten minutes cannot tell.
        let doubtful = Ahead { least: -600, most: 0 };
        assert!(!doubtful.surely_within(300) && !doubtful.surely_beyond(300));
    }

    #[test]
    fn a_real_answer_is_held_against_the_clock_around_it() {
        let reply = include_bytes!("../../tests/fixtures/facts/core.reply");
        let asked = |began: &str, ended: &str| Asked {
            began: at(began),
            ended: at(ended),
        };
        let any = asked("2026-11-22T10:00:00Z", "2026-11-22T10:00:03Z");
        let mut facts = crate::facts::facts(reply, &crate::facts::Request::default(), any).unwrap();
        facts.at = "2026-11-22T11:00:01Z".to_owned();
        let seen = Ahead {
            least: 3597,
            most: 3602,
        };
        assert_eq!(ahead(&facts), Seen::Known(seen));
        facts.at = "yesterday".to_owned();
        assert!(matches!(ahead(&facts), Seen::Unknown(_)));
    }
}
