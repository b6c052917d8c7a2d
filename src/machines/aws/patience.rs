//! How long anything is waited for, and how often it is tried again. Every loop here ends.

use std::time::Duration;

use crate::remote::aws::AwsError;
use crate::remote::aws::Why;

/// How often a call that makes something is tried.
const TRIES: u32 = 6;
/// How often a thing whose answer was lost is looked for before it is made again.
const LOOKS: u32 = 3;
/// The first pause; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 500 });
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(15);

/// Waits before the next attempt.
pub(super) async fn pause(attempt: u32) {
    tokio::time::sleep(PAUSE.saturating_mul(1 << attempt.min(5)).min(LONGEST)).await;
}

/// Makes a thing that takes no token. Where the answer was lost, or the name is taken, it is looked for by its tags
/// before it is made again, so that no answer that is lost makes a second one.
pub(super) async fn once<T>(
    make: impl AsyncFn() -> Result<T, AwsError>,
    find: impl AsyncFn() -> Result<Option<T>, AwsError>,
) -> Result<T, AwsError> {
    let mut attempt = 0;
    loop {
        let error = match make().await {
            Ok(made) => return Ok(made),
            Err(error) => error,
        };
        attempt += 1;
        let looks = match error.why {
            Why::Lost => LOOKS,
            Why::Conflict => 1,
            Why::Throttled | Why::NotFound => 0,
            _ => return Err(error),
        };
        for look in 0..looks {
            if let Some(found) = find().await? {
                return Ok(found);
            }
            if look + 1 < looks {
                pause(look).await;
            }
        }
        if error.why == Why::Conflict || attempt >= TRIES {
            return Err(error);
        }
        pause(attempt).await;
    }
}

/// Tries again what may be repeated: because AWS was busy, no answer came, or what it stands on does not show yet.
pub(super) async fn again<T>(attempt: impl AsyncFn() -> Result<T, AwsError>) -> Result<T, AwsError> {
    let mut count = 0;
    loop {
        match attempt().await {
            Err(error) if count + 1 < TRIES && error.passes() => {
                count += 1;
                pause(count).await;
            }
            outcome => return outcome,
        }
    }
}

/// Gone already is success.
pub(super) fn gone(outcome: Result<(), AwsError>) -> Result<(), AwsError> {
    match outcome {
        Err(error) if error.why == Why::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// There already is success.
pub(super) fn there(outcome: Result<(), AwsError>) -> Result<(), AwsError> {
    match outcome {
        Err(error) if error.why == Why::Conflict => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn lost() -> AwsError {
        AwsError::ours("ec2:CreateVpc", "us-east-1", Why::Lost, "reset")
    }

    fn run<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.unwrap().block_on(future)
    }

    #[test]
    fn a_thing_whose_answer_was_lost_is_adopted_and_not_made_again() {
        let made = Cell::new(0);
        let outcome = run(once(
            async || {
                made.set(made.get() + 1);
                Err(lost())
            },
            async || Ok(Some("vpc-1")),
        ));
        assert_eq!((outcome, made.get()), (Ok("vpc-1"), 1));
    }

    #[test]
    fn a_thing_that_was_never_made_is_made_again_a_bounded_number_of_times() {
        let made = Cell::new(0);
        let outcome: Result<&str, AwsError> = run(once(
            async || {
                made.set(made.get() + 1);
                Err(lost())
            },
            async || Ok(None),
        ));
        assert_eq!((outcome, made.get()), (Err(lost()), TRIES));
    }

    #[test]
    fn a_refusal_is_not_repeated() {
        let made = Cell::new(0);
        let denied = || AwsError::ours("ec2:CreateVpc", "us-east-1", Why::Denied, "no");
        let outcome: Result<(), AwsError> = run(again(async || {
            made.set(made.get() + 1);
            Err(denied())
        }));
        assert_eq!((outcome, made.get()), (Err(denied()), 1));
    }

    #[test]
    fn an_id_that_is_malformed_or_an_image_that_is_gone_is_asked_for_once() {
        for (why, code) in [
            (Why::Refused, "InvalidAMIID.Malformed"),
            (Why::NotFound, "InvalidAMIID.NotFound"),
        ] {
            let made = Cell::new(0);
            let wrong = || AwsError {
                code: code.to_owned(),
                ..AwsError::ours("ec2:RunInstances", "us-east-1", why, "")
            };
            let outcome: Result<(), AwsError> = run(again(async || {
                made.set(made.get() + 1);
                Err(wrong())
            }));
            assert_eq!((outcome, made.get()), (Err(wrong()), 1), "{code}");
        }
    }
}
