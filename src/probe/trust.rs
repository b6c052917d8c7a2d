//! TLS connections for the looks: one that takes and keeps any certificate, one that insists on a trusted one before a
//! credential is sent. Whether a chain is trusted is also answered as data, for the certificate look.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use rustls::ClientConfig;
use rustls::DigitallySignedStruct;
use rustls::Error;
use rustls::RootCertStore;
use rustls::SignatureScheme;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::UnixTime;
use rustls::server::ParsedCertificate;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificate::fingerprint;
use super::reach;
use super::target::Trust;

/// Why there is no TLS connection.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TlsError {
    /// No TCP connection.
    #[error(transparent)]
    Reach(#[from] reach::ReachError),
    /// The handshake failed, or the certificate may not be shown a credential.
    #[error("{address} did not complete a TLS handshake: {why}")]
    Handshake {
        /// Whom we spoke to.
        address: SocketAddr,
        /// What went wrong.
        why: String,
    },
    /// This computer's trusted roots cannot be read.
    #[error("no trusted root certificates on this computer: {0}")]
    Roots(String),
}

/// The client configuration for looks that carry no credential: any certificate will do.
pub(crate) fn any_certificate() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    CONFIG
        .get_or_init(|| custom(Arc::new(AnyCertificate(provider()))))
        .clone()
}

/// The client configuration for looks that carry a credential.
pub(crate) fn credential_safe(trust: &Trust) -> Result<Arc<ClientConfig>, TlsError> {
    match trust {
        Trust::Anything => Ok(any_certificate()),
        Trust::Leaf(sha256) => Ok(custom(Arc::new(OneLeaf {
            sha256: sha256.clone(),
            provider: provider(),
        }))),
        Trust::Roots => {
            let verifier = WebPkiServerVerifier::builder_with_provider(roots()?, provider())
                .build()
                .map_err(|error| TlsError::Roots(error.to_string()))?;
            Ok(custom(verifier))
        }
    }
}

/// Opens TLS to `address`, asking for `name`.
pub(crate) async fn handshake(
    address: SocketAddr,
    name: &str,
    config: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, TlsError> {
    let fault = |why: String| TlsError::Handshake { address, why };
    let server = ServerName::try_from(name.to_owned()).map_err(|error| fault(error.to_string()))?;
    let stream = reach::connect(address, reach::CONNECT).await?;
    match timeout(reach::STEP, TlsConnector::from(config).connect(server, stream)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(fault(error.to_string())),
        Err(_) => Err(fault(format!("no end within {} s", reach::STEP.as_secs()))),
    }
}

/// Kinds of keys that a client would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Any.
    Any,
    /// RSA alone.
    Rsa,
    /// ECDSA and EdDSA alone.
    Ecdsa,
}

/// What a server sent to identify itself.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    /// Leaf first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// A status of the certificate came along.
    pub(crate) stapled: bool,
}

/// Shakes hands on `stream` to see what a server identifies itself with; any certificate will do.
pub(crate) async fn served(
    stream: TcpStream,
    address: SocketAddr,
    name: Option<&str>,
    keys: Keys,
) -> Result<Served, TlsError> {
    let fault = |why: String| TlsError::Handshake { address, why };
    let server = match name {
        Some(name) => ServerName::try_from(name.to_owned()).map_err(|error| fault(error.to_string()))?,
        // An address is never sent as a name.
        None => ServerName::IpAddress(address.ip().into()),
    };
    let keeper = Arc::new(Keeper {
        keys,
        any: AnyCertificate(provider()),
        stapled: AtomicBool::new(false),
    });
    let connector = TlsConnector::from(custom(keeper.clone()));
    let stream = match timeout(reach::STEP, connector.connect(server, stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(fault(error.to_string())),
        Err(_) => return Err(fault(format!("no end within {} s", reach::STEP.as_secs()))),
    };
    let (_, connection) = stream.get_ref();
    let chain = connection.peer_certificates().unwrap_or_default();
    Ok(Served {
        chain: chain.iter().map(|der| der.clone().into_owned()).collect(),
        stapled: keeper.stapled.load(Ordering::Relaxed),
    })
}

/// Whether this computer's roots vouch for the chain today; the reason where they do not.
pub(crate) fn vouched_for(chain: &[CertificateDer<'_>]) -> Result<Result<(), String>, TlsError> {
    let roots = roots()?;
    let Some((leaf, intermediates)) = chain.split_first() else {
        return Ok(Err("no certificate was served".to_owned()));
    };
    let parsed = match ParsedCertificate::try_from(leaf) {
        Ok(parsed) => parsed,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let verdict = verify_server_cert_signed_by_trust_anchor(
        &parsed,
        &roots,
        intermediates,
        UnixTime::now(),
        provider().signature_verification_algorithms.all,
    );
    Ok(verdict.map_err(|error| error.to_string()))
}

/// This computer's trusted roots, read once. `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured.
fn roots() -> Result<Arc<RootCertStore>, TlsError> {
    static ROOTS: OnceLock<Result<Arc<RootCertStore>, String>> = OnceLock::new();
    ROOTS
        .get_or_init(|| {
            let loaded = rustls_native_certs::load_native_certs();
            let mut store = RootCertStore::empty();
            let (taken, _) = store.add_parsable_certificates(loaded.certs);
            if taken == 0 {
                let reasons: Vec<String> = loaded.errors.iter().map(ToString::to_string).collect();
                return Err(if reasons.is_empty() {
                    "the store is empty".to_owned()
                } else {
                    reasons.join("; ")
                });
            }
            Ok(Arc::new(store))
        })
        .clone()
        .map_err(TlsError::Roots)
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(ring::default_provider())).clone()
}

fn custom(verifier: Arc<dyn ServerCertVerifier>) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has suites for TLS 1.2 and 1.3, the two default versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Arc::new(config)
}

/// Takes whatever is served: the probe looks at broken servers too. Never used where a credential is sent, except to
/// test deployments.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Takes whatever is served, asks for one kind of key, and remembers whether a status came along.
#[derive(Debug)]
struct Keeper {
    keys: Keys,
    any: AnyCertificate,
    stapled: AtomicBool,
}

impl ServerCertVerifier for Keeper {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        status: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.stapled.store(!status.is_empty(), Ordering::Relaxed);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.any.verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.any.verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let rsa = |scheme: &SignatureScheme| format!("{scheme:?}").starts_with("RSA");
        let mut schemes = self.any.supported_verify_schemes();
        schemes.retain(|scheme| match self.keys {
            Keys::Any => true,
            Keys::Rsa => rsa(scheme),
            Keys::Ecdsa => !rsa(scheme),
        });
        schemes
    }
}

/// Takes one leaf certificate, whoever signed it, and insists that the server holds its key.
#[derive(Debug)]
struct OneLeaf {
    sha256: String,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OneLeaf {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let served = fingerprint(leaf);
        if served == self.sha256 {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::General(format!(
            "the certificate has SHA-256 {served}, not {}",
            self.sha256
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, leaf, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, leaf, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
