//! Why a call of AWS's API did not bring what was asked for, sorted by what an operator does about it.

use std::fmt;

use crate::remote::aws::permissions;

/// A call that failed. A fragment that fits "failed to …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("call {call} in {region}: {why}{}", quoted(.code, .said))]
pub struct AwsError {
    /// The call, which is also the permission that it needs.
    pub call: &'static str,
    /// The region.
    pub region: String,
    /// What kind of failure it is.
    pub why: Why,
    /// The service's code; empty where no service answered.
    pub code: String,
    /// What was said.
    pub said: String,
}

fn quoted(code: &str, said: &str) -> String {
    let said = said.trim();
    match (code.is_empty(), said.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!(" ({said})"),
        (false, true) => format!(" ({code})"),
        (false, false) => format!(" ({code}: {said})"),
    }
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// These credentials lack the permission.
    Denied,
    /// There are no credentials, or they are not accepted.
    Credentials,
    /// This computer's clock is off.
    Clock,
    /// The account may not use the region.
    Region,
    /// Too many calls; nothing was done.
    Throttled,
    /// The account's quota is used up.
    Quota,
    /// AWS has none left of that kind.
    Capacity,
    /// There is no such thing.
    NotFound,
    /// Something else holds on to it.
    InUse,
    /// It is protected against that.
    Protected,
    /// There is one already.
    Conflict,
    /// An earlier change of it is still going on.
    Busy,
    /// A dry run that would have worked.
    WouldWork,
    /// No answer came that can be trusted: the work may be done or not.
    Lost,
    /// Anything else that AWS refused.
    Refused,
}

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Denied => "these credentials may not",
            Self::Credentials => "the credentials are missing or not accepted",
            Self::Clock => "this computer's clock is off",
            Self::Region => "the account has not enabled the region",
            Self::Throttled => "too many calls",
            Self::Quota => "the account's quota is used up",
            Self::Capacity => "AWS has no more of it there",
            Self::NotFound => "there is no such thing",
            Self::InUse => "something else still uses it",
            Self::Protected => "it is protected",
            Self::Conflict => "there is one already, or it overlaps one",
            Self::Busy => "an earlier change of it is still going on",
            Self::WouldWork => "it would have worked",
            Self::Lost => "no answer that can be trusted came",
            Self::Refused => "AWS refused",
        })
    }
}

impl AwsError {
    /// An error that no service sent.
    pub fn ours(call: &'static str, region: &str, why: Why, said: impl Into<String>) -> Self {
        Self {
            call,
            region: region.to_owned(),
            why,
            code: String::new(),
            said: said.into(),
        }
    }

    /// Whether the same call may succeed a moment later: AWS was busy, no answer came, or what it stands on does not show
    /// yet. An image was there before anything was made, so one that is not found is gone.
    pub fn passes(&self) -> bool {
        match self.why {
            Why::Lost | Why::Throttled => true,
            Why::NotFound => !self.code.starts_with("InvalidAMIID"),
            _ => false,
        }
    }

    /// Whether a client token was refused because its machine has ended.
    pub fn is_of_an_ended_machine(&self) -> bool {
        self.code == "IdempotentInstanceTerminated"
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        let Self { call, region, .. } = self;
        match self.why {
            Why::Denied => format!(
                "let these credentials call {}, then run this again; `anteroom catalog iam` prints the policy of each command",
                permissions::needed(call)
            ),
            Why::Credentials => {
                "sign in (`aws sso login`, `aws configure`, or a role), and see that `profile` in [machines.aws] or \
                 AWS_PROFILE names the right account"
                    .to_owned()
            }
            Why::Clock => {
                "set this computer's clock (`timedatectl set-ntp true`); AWS takes no request that is five minutes off"
                    .to_owned()
            }
            Why::Region => format!("enable {region} in the account's settings, or write another region"),
            Why::Throttled => "wait a minute, then run it again; it goes on where it stopped".to_owned(),
            Why::Quota => format!(
                "raise the quota in Service Quotas for {region}, or remove what is no longer needed; then run this again"
            ),
            Why::Capacity => "write another `zone` or `instance_type` in [machines.aws], or try again later".to_owned(),
            Why::NotFound => "see that the id in the spec is right and of this region and account".to_owned(),
            Why::InUse => "remove what is named above, or detach it, then run this again".to_owned(),
            Why::Protected => "turn the protection off in AWS, then run this again".to_owned(),
            Why::Conflict => "write another network or name, or remove the one that is there".to_owned(),
            Why::Busy => {
                "wait until that is done, which may take hours for a large disk; then run this again".to_owned()
            }
            Why::Lost => {
                "see that this computer reaches AWS, then run it again; it goes on where it stopped".to_owned()
            }
            Why::WouldWork | Why::Refused => "the words above are AWS's own; mend that, then run this again".to_owned(),
        }
    }
}

/// Sorts a service's answer.
#[cfg(any(feature = "aws", test))]
pub(super) fn classify(code: &str, said: &str, status: u16) -> Why {
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    let skewed = ["not yet current", "Signature expired", "clock"];
    match code {
        "DryRunOperation" => Why::WouldWork,
        "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" => Why::Denied,
        "RequestTimeTooSkewed" | "RequestExpired" => Why::Clock,
        "SignatureDoesNotMatch" | "InvalidSignatureException" if skewed.iter().any(|word| said.contains(word)) => {
            Why::Clock
        }
        "AuthFailure" | "InvalidClientTokenId" | "UnrecognizedClientException" | "SignatureDoesNotMatch" => {
            Why::Credentials
        }
        "InvalidSignatureException" | "MissingAuthenticationToken" => Why::Credentials,
        "OptInRequired" | "RegionDisabledException" => Why::Region,
        "RequestLimitExceeded" | "PriorRequestNotComplete" | "SlowDown" => Why::Throttled,
        "DependencyViolation" => Why::InUse,
        "OperationNotPermitted" => Why::Protected,
        "InvalidAMIID.Unavailable" | "NoSuchHostedZone" => Why::NotFound,
        "IncorrectModificationState" => Why::Busy,
        _ if has(&["ExpiredToken", "TokenRefreshRequired"]) => Why::Credentials,
        _ if has(&["Throttl", "TooManyRequests"]) => Why::Throttled,
        _ if has(&["LimitExceeded"]) => Why::Quota,
        _ if code.starts_with("Insufficient") => Why::Capacity,
        _ if has(&["Malformed"]) => Why::Refused,
        _ if has(&["NotFound"]) => Why::NotFound,
        _ if has(&["InUse"]) => Why::InUse,
        _ if has(&["Duplicate", "AlreadyExists", ".Conflict", "AlreadyAssociated"]) => Why::Conflict,
        _ if status >= 500 => Why::Lost,
        _ => Why::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_sorted_by_what_an_operator_does_about_it() {
        for (code, said, status, why) in [
            ("DryRunOperation", "", 412, Why::WouldWork),
            ("UnauthorizedOperation", "", 403, Why::Denied),
            ("AccessDeniedException", "", 403, Why::Denied),
            ("AuthFailure", "", 401, Why::Credentials),
            ("ExpiredTokenException", "", 403, Why::Credentials),
            ("RequestExpired", "", 400, Why::Clock),
            (
                "InvalidSignatureException",
                "Signature not yet current: 2026",
                403,
                Why::Clock,
            ),
            ("SignatureDoesNotMatch", "check your key", 403, Why::Credentials),
            ("OptInRequired", "", 401, Why::Region),
            ("RequestLimitExceeded", "", 503, Why::Throttled),
            ("ThrottlingException", "", 400, Why::Throttled),
            ("VpcLimitExceeded", "", 400, Why::Quota),
            ("VcpuLimitExceeded", "", 400, Why::Quota),
            ("InsufficientInstanceCapacity", "", 500, Why::Capacity),
            ("InvalidAMIID.NotFound", "", 400, Why::NotFound),
            ("InvalidAMIID.Malformed", "", 400, Why::Refused),
            ("IncorrectModificationState", "", 400, Why::Busy),
            ("DependencyViolation", "", 400, Why::InUse),
            ("InvalidIPAddress.InUse", "", 400, Why::InUse),
            ("OperationNotPermitted", "", 400, Why::Protected),
            ("InvalidGroup.Duplicate", "", 400, Why::Conflict),
            ("InvalidSubnet.Conflict", "", 400, Why::Conflict),
            ("InternalError", "", 500, Why::Lost),
            ("Unavailable", "", 503, Why::Lost),
            ("InvalidParameterValue", "", 400, Why::Refused),
        ] {
            assert_eq!(classify(code, said, status), why, "{code}");
        }
    }

    #[test]
    fn an_error_names_the_call_the_region_and_what_to_do() {
        let error = AwsError {
            call: "ec2:RunInstances",
            region: "us-east-1".to_owned(),
            why: Why::Denied,
            code: "UnauthorizedOperation".to_owned(),
            said: "no".to_owned(),
        };
        assert_eq!(
            error.to_string(),
            "call ec2:RunInstances in us-east-1: these credentials may not (UnauthorizedOperation: no)"
        );
        let hint = error.hint();
        for action in ["ec2:RunInstances", "ec2:CreateTags", "kms:CreateGrant"] {
            assert!(hint.contains(action), "{action} is not in {hint}");
        }
    }

    #[test]
    fn only_what_may_pass_by_itself_is_asked_again() {
        for (why, code, passes) in [
            (Why::Lost, "", true),
            (Why::Throttled, "", true),
            (Why::NotFound, "InvalidSubnetID.NotFound", true),
            (Why::NotFound, "InvalidAMIID.NotFound", false),
            (Why::Refused, "InvalidAMIID.Malformed", false),
            (Why::Denied, "", false),
        ] {
            let error = AwsError {
                code: code.to_owned(),
                ..AwsError::ours("ec2:RunInstances", "us-east-1", why, "")
            };
            assert_eq!(error.passes(), passes, "{code}");
        }
    }
}
