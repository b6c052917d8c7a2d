//! Whether credentials and the way to the API are those that a spec means. Pure; whoever opens an account asks first.

use crate::remote::aws::Endpoint;
use crate::remote::aws::model::Identity;
use crate::spec::AwsMachines;
use crate::spec::Environment;

/// The services that make machines, say whose the account is, and say whether it has an agreement.
const DECIDING: [&str; 3] = ["EC2", "STS", "Artifact"];

/// Why an account is not used. Whole sentences.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The credentials are another account's.
    #[error(
        "these credentials are of the AWS account {seen} ({arn}), and the spec is of {pinned}; nothing was looked at or changed"
    )]
    Account {
        /// The account of the credentials.
        seen: String,
        /// Who they say to be.
        arn: String,
        /// The spec's account.
        pinned: String,
    },
    /// The API is not reached as production has to.
    #[error(
        "{named_by} sends calls of {service} to {url}, {why}; production asks nobody but AWS, and nothing was asked"
    )]
    Endpoint {
        /// The service.
        service: &'static str,
        /// Where its calls would go.
        url: String,
        /// What says so.
        named_by: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl Refused {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Account { .. } => "name the right profile by `profile` in [machines.aws] or AWS_PROFILE, or sign in to the \
                                     other account; if the deployment is meant to be in this one, write its number as `account`"
                .to_owned(),
            Self::Endpoint { named_by, .. } => format!("unset {named_by}, or set `environment = \"test\"`"),
        }
    }
}

/// Refuses a way to the API on which anybody on this computer or between could answer for AWS.
///
/// # Errors
/// In production, where an endpoint is this computer or without TLS.
pub fn reaches_aws(environment: &Environment, endpoints: &[Endpoint]) -> Result<(), Refused> {
    if environment.is_test() {
        return Ok(());
    }
    let wrong = endpoints.iter().find_map(|endpoint| {
        let why = match (endpoint.is_loopback(), endpoint.is_plain()) {
            (true, _) => "which is this computer",
            (false, true) => "without TLS",
            (false, false) => return None,
        };
        Some(Refused::Endpoint {
            service: endpoint.service,
            url: endpoint.url.clone(),
            named_by: endpoint.named_by.clone(),
            why,
        })
    });
    wrong.map_or_else(|| in_one_place(endpoints), Err)
}

/// Who answers for the account and its agreement has to be who makes the machines.
fn in_one_place(endpoints: &[Endpoint]) -> Result<(), Refused> {
    let foreign = |service: &&str| {
        let mut of_service = endpoints.iter().filter(|endpoint| endpoint.service == *service);
        of_service.find(|endpoint| !endpoint.is_of_aws())
    };
    let told: Vec<&Endpoint> = DECIDING.iter().filter_map(foreign).collect();
    match told.first() {
        Some(endpoint) if told.len() < DECIDING.len() => Err(Refused::Endpoint {
            service: endpoint.service,
            url: endpoint.url.clone(),
            named_by: endpoint.named_by.clone(),
            why: "which is not AWS, while others of its services are asked there",
        }),
        _ => Ok(()),
    }
}

/// Refuses another account than the spec's. Without one in the spec, as only a test can be, any is used.
///
/// # Errors
/// Where the accounts differ.
pub fn is_pinned(settings: &AwsMachines, seen: &Identity) -> Result<(), Refused> {
    match &settings.account {
        Some(pinned) if *pinned != seen.account => Err(Refused::Account {
            seen: seen.account.clone(),
            arn: seen.arn.clone(),
            pinned: pinned.clone(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::DiskKey;
    use crate::spec::Image;
    use crate::spec::Network;

    fn settings(account: Option<&str>) -> AwsMachines {
        AwsMachines {
            account: account.map(str::to_owned),
            region: "us-east-1".to_owned(),
            zone: None,
            instance_type: "c6i.xlarge".to_owned(),
            image: Image::Debian(12),
            public_key: "ssh-ed25519 AAAA".to_owned(),
            key: None,
            network: Network::Subnet("subnet-1".to_owned()),
            volume_gib: 40,
            disk_key: DiskKey::Account,
            flow_logs: None,
            profile: None,
            dns_zone: None,
        }
    }

    fn endpoint(url: &str) -> Endpoint {
        Endpoint {
            service: "EC2",
            url: url.to_owned(),
            named_by: "AWS_ENDPOINT_URL_EC2".to_owned(),
        }
    }

    #[test]
    fn credentials_of_another_account_are_refused_by_both_numbers() {
        let seen = Identity {
            account: "999988887777".to_owned(),
            arn: "arn:aws:iam::999988887777:user/ann".to_owned(),
        };
        assert_eq!(is_pinned(&settings(None), &seen), Ok(()));
        assert_eq!(is_pinned(&settings(Some("999988887777")), &seen), Ok(()));
        let refused = is_pinned(&settings(Some("123456789012")), &seen).unwrap_err();
        for word in ["999988887777", "user/ann", "of 123456789012", "nothing was"] {
            assert!(refused.to_string().contains(word), "{word}: {refused}");
        }
        assert!(refused.hint().contains("profile"));
        // An answer without an account is no answer for this one.
        let nobody = Identity {
            account: String::new(),
            ..seen
        };
        assert!(is_pinned(&settings(Some("123456789012")), &nobody).is_err());
    }

    #[test]
    fn production_is_asked_of_nobody_on_this_computer_and_of_nobody_without_tls() {
        let test = Environment::Test { ttl_seconds: 60 };
        for (url, why) in [
            ("http://127.0.0.1:5000", "this computer"),
            ("https://localhost:5000", "this computer"),
            ("http://192.0.2.2", "without TLS"),
            ("http://ec2.us-east-1.amazonaws.com", "without TLS"),
        ] {
            let endpoints = [endpoint("https://ec2-fips.us-east-1.amazonaws.com"), endpoint(url)];
            assert_eq!(reaches_aws(&test, &endpoints), Ok(()), "{url}");
            let refused = reaches_aws(&Environment::Production, &endpoints).unwrap_err();
            let text = refused.to_string();
            assert!(
                text.contains("AWS_ENDPOINT_URL_EC2") && text.contains(url) && text.contains(why),
                "{text}"
            );
            assert!(
                refused.hint().contains("unset AWS_ENDPOINT_URL_EC2"),
                "{}",
                refused.hint()
            );
        }
        assert_eq!(reaches_aws(&Environment::Production, &[]), Ok(()));
        let everywhere = DECIDING.map(|service| Endpoint {
            service,
            ..endpoint("https://192.0.2.2:5000")
        });
        assert_eq!(reaches_aws(&Environment::Production, &everywhere), Ok(()));
    }

    #[test]
    fn nobody_else_answers_for_the_agreement_of_machines_that_aws_makes() {
        for service in DECIDING {
            let stranger = Endpoint {
                service,
                ..endpoint("https://mock.example.com")
            };
            let refused = reaches_aws(&Environment::Production, &[stranger]).unwrap_err();
            assert!(refused.to_string().contains("which is not AWS"), "{refused}");
        }
        let private = endpoint("https://vpce-1.ec2.us-east-1.vpce.amazonaws.com");
        assert_eq!(reaches_aws(&Environment::Production, &[private]), Ok(()));
    }
}
