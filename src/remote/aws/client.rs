//! Clients for the services, made from the operator's own configuration: profiles, SSO, roles, `AWS_ENDPOINT_URL`. Calls
//! that may be repeated are repeated by the SDK a bounded number of times; what makes a thing without a token is asked
//! for once, since a lost answer would double it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::Region;
use aws_config::SdkConfig;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::service_config::ServiceConfigKey;
use tokio::runtime::Runtime;

use crate::remote::aws::AwsError;
use crate::remote::aws::Endpoint;
use crate::remote::aws::Why;
use crate::remote::aws::error::classify;

/// Most attempts of a call that may be repeated.
const ATTEMPTS: u32 = 6;
/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest wait for one answer.
const ANSWER: Duration = Duration::from_secs(30);
/// The longest wait for a call with all its attempts.
const CALL: Duration = Duration::from_secs(120);
/// Where to begin when nobody says: every account has it.
const ANY_REGION: &str = "us-east-1";
/// Where Artifact's API is, whatever the region.
const ARTIFACT_REGION: &str = "us-east-1";

/// The variable that sends calls elsewhere than to AWS's own endpoints; with a service's name behind it, that service's.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";
/// The same in the AWS configuration.
const ENDPOINT_IN_FILE: &str = "endpoint_url";
/// The services that are called, by the names that the SDK knows them by.
const SERVICES: [&str; 6] = ["Artifact", "CloudTrail", "EC2", "KMS", "Route 53", "STS"];

/// Which account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The region; `None`: as the configuration says.
    pub region: Option<String>,
    /// The profile; `None`: as the environment says.
    pub profile: Option<String>,
}

/// The API of one account in one region.
#[derive(Debug, Clone)]
pub struct Aws {
    runtime: Arc<Runtime>,
    config: SdkConfig,
    region: String,
    /// Repeats what fails.
    pub(super) ec2: aws_sdk_ec2::Client,
    /// Asks once.
    pub(super) ec2_once: aws_sdk_ec2::Client,
    pub(super) kms: aws_sdk_kms::Client,
    pub(super) kms_once: aws_sdk_kms::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) artifact: aws_sdk_artifact::Client,
    pub(super) trails: aws_sdk_cloudtrail::Client,
    pub(super) names: aws_sdk_route53::Client,
}

impl Aws {
    /// Finds credentials and region; asks nothing yet.
    ///
    /// # Errors
    /// Where no runtime can be had.
    pub fn open(place: &Place) -> Result<Self, AwsError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| AwsError::ours("sts:GetCallerIdentity", "any region", Why::Lost, error.to_string()))?;
        let http = Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT)
                    .operation_attempt_timeout(ANSWER)
                    .operation_timeout(CALL)
                    .build(),
            );
        if let Some(profile) = &place.profile {
            // A profile that the spec names is meant, whatever keys stand in the environment.
            let named = ProfileFileCredentialsProvider::builder()
                .configure(
                    &ProviderConfig::without_region()
                        .with_http_client(http)
                        .with_region(place.region.clone().map(Region::new)),
                )
                .profile_name(profile)
                .build();
            loader = loader.profile_name(profile).credentials_provider(named);
        }
        if let Some(region) = &place.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let config = runtime.block_on(loader.load());
        let region = config.region().map_or(ANY_REGION, |region| region.as_ref()).to_owned();
        let config = config.to_builder().region(Region::new(region.clone())).build();
        Ok(Self::new(Arc::new(runtime), config, region))
    }

    fn new(runtime: Arc<Runtime>, config: SdkConfig, region: String) -> Self {
        let once = config.to_builder().retry_config(RetryConfig::disabled()).build();
        let artifact = config.to_builder().region(Region::new(ARTIFACT_REGION)).build();
        Self {
            ec2: aws_sdk_ec2::Client::new(&config),
            ec2_once: aws_sdk_ec2::Client::new(&once),
            kms: aws_sdk_kms::Client::new(&config),
            kms_once: aws_sdk_kms::Client::new(&once),
            sts: aws_sdk_sts::Client::new(&config),
            artifact: aws_sdk_artifact::Client::new(&artifact),
            trails: aws_sdk_cloudtrail::Client::new(&config),
            names: aws_sdk_route53::Client::new(&config),
            runtime,
            config,
            region,
        }
    }

    /// The same account in another region.
    #[must_use]
    pub fn at(&self, region: &str) -> Self {
        let config = self.config.to_builder().region(Region::new(region.to_owned())).build();
        Self::new(Arc::clone(&self.runtime), config, region.to_owned())
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The services whose calls are sent elsewhere than to AWS's own endpoints, and what says so. The clients find them in
    /// the same way.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let configured = |service: &'static str| {
            let key = ServiceConfigKey::builder();
            let key = key.service_id(service).env(ENDPOINT).profile(ENDPOINT_IN_FILE).build();
            let of_service = self.config.service_config().zip(key.ok());
            let of_service = of_service.and_then(|(config, key)| config.load_config(key));
            let url = of_service.or_else(|| self.config.endpoint_url().map(str::to_owned))?;
            Some(Endpoint {
                service,
                named_by: named_by(service, &url),
                url,
            })
        };
        SERVICES.into_iter().filter_map(configured).collect()
    }

    /// Waits for what was asked.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// The error of a call, sorted.
    pub(super) fn error<E, R>(&self, call: &'static str, error: SdkError<E, R>) -> AwsError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Status,
    {
        let ours = |why, said: String| AwsError::ours(call, &self.region, why, said);
        match &error {
            SdkError::ServiceError(answer) => {
                let code = answer.err().code().unwrap_or_default();
                let said = answer.err().message().unwrap_or_default();
                AwsError {
                    call,
                    region: self.region.clone(),
                    why: classify(code, said, answer.raw().status()),
                    code: code.to_owned(),
                    said: said.to_owned(),
                }
            }
            _ => {
                let said = DisplayErrorContext(&error).to_string();
                let said = said.split(" (").next().unwrap_or(&said).to_owned() + &last_cause(&error);
                let credentials = ["credential", "token", "sso", "profile"];
                let lower = said.to_lowercase();
                let why = if credentials.iter().any(|word| lower.contains(word)) {
                    Why::Credentials
                } else {
                    Why::Lost
                };
                ours(why, said)
            }
        }
    }
}

/// What names an endpoint: the service's own variable, the one for all, or a file.
fn named_by(service: &str, url: &str) -> String {
    let own = format!("{ENDPOINT}_{}", service.to_uppercase().replace(' ', "_"));
    let variables = [own, ENDPOINT.to_owned()];
    let holds = |name: &String| std::env::var(name).is_ok_and(|value| value == url);
    let found = variables.into_iter().find(holds);
    found.unwrap_or_else(|| format!("{ENDPOINT_IN_FILE} in the AWS configuration"))
}

/// The innermost cause, which says what happened.
fn last_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error.source();
    let mut words = String::new();
    while let Some(inner) = cause {
        words = format!(": {inner}");
        cause = inner.source();
    }
    words
}

/// The status of an answer, whatever the crate calls it.
pub(super) trait Status {
    /// The number.
    fn status(&self) -> u16;
}

impl Status for aws_smithy_runtime_api::client::orchestrator::HttpResponse {
    fn status(&self) -> u16 {
        self.status().as_u16()
    }
}
