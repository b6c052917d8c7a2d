//! Where calls go when the operator's environment or configuration sends them elsewhere than to AWS's own endpoints. Reads
//! text; whether that is allowed is decided elsewhere.

use std::net::IpAddr;

/// Domains whose names only AWS gives out.
const OF_AWS: [&str; 2] = ["amazonaws.com", "api.aws"];

/// An endpoint that was configured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// The service whose calls go there.
    pub service: &'static str,
    /// Where they go.
    pub url: String,
    /// What names it: an environment variable, or the AWS configuration.
    pub named_by: String,
}

impl Endpoint {
    /// The scheme and the host.
    fn parts(&self) -> (&str, &str) {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = match host.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        (scheme, host)
    }

    /// Whether calls go there without TLS.
    pub fn is_plain(&self) -> bool {
        !self.parts().0.eq_ignore_ascii_case("https")
    }

    /// Whether it is this computer itself.
    pub fn is_loopback(&self) -> bool {
        let host = self.parts().1.trim_end_matches('.').to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        let loopback = |ip: IpAddr| ip.to_canonical().is_loopback() || ip.is_unspecified();
        address.is_some_and(loopback) || host == "localhost" || host.ends_with(".localhost")
    }

    /// Whether TLS and the name make sure that AWS answers: an endpoint of another kind, such as FIPS or of a VPC.
    pub fn is_of_aws(&self) -> bool {
        let host = self.parts().1.trim_end_matches('.').to_ascii_lowercase();
        let below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        !self.is_plain() && OF_AWS.into_iter().any(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Endpoint {
        Endpoint {
            service: "EC2",
            url: url.to_owned(),
            named_by: "AWS_ENDPOINT_URL".to_owned(),
        }
    }

    #[test]
    fn this_computer_is_told_from_others_however_it_is_written() {
        for url in [
            "http://127.0.0.1:5000",
            "https://127.77.0.1/",
            "https://localhost",
            "https://aws.localhost.:1",
            "https://[::1]:5000/x",
            "https://[::ffff:127.0.0.1]",
            "https://user@127.0.0.1",
            "https://0.0.0.0:1",
        ] {
            assert!(at(url).is_loopback(), "{url}");
        }
        for url in [
            "https://192.0.2.2:5000",
            "https://127.0.0.1.example.com",
            "https://localhost.example.com",
            "https://[2001:db8::1]",
        ] {
            assert!(!at(url).is_loopback(), "{url}");
        }
    }

    #[test]
    fn only_names_below_aws_domains_over_tls_are_of_aws() {
        for url in [
            "https://ec2-fips.us-east-1.amazonaws.com",
            "https://vpce-1-a.ec2.us-east-1.vpce.amazonaws.com:443/",
            "HTTPS://ec2.us-east-1.api.aws",
        ] {
            assert!(at(url).is_of_aws() && !at(url).is_plain(), "{url}");
        }
        for url in [
            "http://ec2.us-east-1.amazonaws.com",
            "https://amazonaws.com.example.com",
            "https://notamazonaws.com",
            "https://amazonaws.com@192.0.2.2",
            "https://192.0.2.2",
            "ec2.us-east-1.amazonaws.com",
        ] {
            assert!(!at(url).is_of_aws(), "{url}");
        }
    }
}
