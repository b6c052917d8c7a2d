//! Certificates and keys in PEM: what they hold, whether they fit the domain, the day and each other. Whatever leaves
//! here is written anew from its bytes, so that nothing beside the blocks travels on. Reads no files.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SigningKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::spec::name::Domain;

/// Fewest bits of an RSA key (NIST SP 800-57 part 1).
const RSA_BITS: usize = 2048;

/// What is wrong with a file; the message goes on after the file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// What is wrong.
    pub(crate) message: String,
    /// How to mend it.
    pub(crate) help: String,
}

fn flaw(message: impl Into<String>, help: impl Into<String>) -> Flaw {
    Flaw {
        message: message.into(),
        help: help.into(),
    }
}

/// A certificate chain, the site's own certificate first; never empty, every certificate parses.
#[derive(Debug)]
pub(crate) struct Chain {
    leaf: Vec<u8>,
    issuers: Vec<Vec<u8>>,
}

impl Chain {
    /// Reads the blocks of a PEM file.
    pub(crate) fn read(text: &str) -> Result<Self, Flaw> {
        let mut certificates = Vec::new();
        for block in blocks(text)? {
            match block.label.as_str() {
                "CERTIFICATE" => certificates.push(block.contents),
                label if label.contains("PRIVATE KEY") => {
                    return Err(flaw(
                        "holds a private key beside the certificates, and this file becomes readable on the host",
                        "keep certificates and key in two files, `chain` and `key`",
                    ));
                }
                label => {
                    return Err(flaw(
                        format!("holds a block {label:?}, which is not a certificate"),
                        "keep CERTIFICATE blocks only",
                    ));
                }
            }
        }
        for (index, der) in certificates.iter().enumerate() {
            if !matches!(X509Certificate::from_der(der), Ok(([], _))) {
                return Err(flaw(
                    format!("holds a damaged certificate, number {}", index + 1),
                    "copy the file again from whoever issued it",
                ));
            }
        }
        let mut certificates = certificates.into_iter();
        match certificates.next() {
            Some(leaf) => Ok(Self {
                leaf,
                issuers: certificates.collect(),
            }),
            None => Err(flaw(
                "holds no certificate",
                "name a PEM file that begins with -----BEGIN CERTIFICATE-----",
            )),
        }
    }

    /// Everything that would make browsers or auditors refuse the chain.
    pub(crate) fn flaws(&self, domain: Option<&Domain>, today: Date) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let Some(leaf) = parsed(&self.leaf) else { return flaws };
        if let Some(domain) = domain {
            let names = names(&leaf);
            if !names.iter().any(|name| covers(name, domain.as_str())) {
                let list = if names.is_empty() {
                    "nothing".to_owned()
                } else {
                    names.join(", ").escape_debug().to_string()
                };
                let message = format!("does not cover {domain}; it covers {list}");
                let help = format!(
                    "get a certificate for {domain}; if this one is right, put the site's own certificate first"
                );
                flaws.push(flaw(message, help));
            }
        }
        flaws.extend(dates(&leaf, today));
        flaws.extend(weak_key(&leaf.tbs_certificate.subject_pki));
        if let Ok(Some(usage)) = leaf.extended_key_usage()
            && !(usage.value.server_auth || usage.value.any)
        {
            flaws.push(flaw(
                "is not a certificate for servers",
                "get one with the usage serverAuth",
            ));
        }
        flaws.extend(self.order());
        flaws
    }

    /// The flaw of a certificate that nobody else vouches for.
    pub(crate) fn signed_by_itself(&self) -> Option<Flaw> {
        let leaf = parsed(&self.leaf)?;
        (leaf.issuer().as_raw() == leaf.subject().as_raw()).then(|| {
            flaw(
                "is signed by itself, which production cannot use",
                "get a certificate of an authority that patients' browsers trust, with its intermediates",
            )
        })
    }

    /// Whether the key is the one that the site's certificate speaks of.
    pub(crate) fn belongs_to(&self, key: &PrivateKey) -> Result<(), Flaw> {
        let public = key.signing.public_key();
        match (parsed(&self.leaf), public) {
            (Some(leaf), Some(public)) if leaf.tbs_certificate.subject_pki.raw == public.as_ref() => Ok(()),
            _ => Err(flaw(
                "is not the key of the certificate",
                "name the key that the first certificate of `chain` was requested with",
            )),
        }
    }

    /// The chain, written anew.
    pub(crate) fn pem(&self) -> String {
        std::iter::once(&self.leaf)
            .chain(&self.issuers)
            .map(|der| encoded("CERTIFICATE", der))
            .collect()
    }

    /// Each certificate must name the next one as its issuer (RFC 8446 section 4.4.2 lets servers do otherwise, but
    /// older clients then build no path).
    fn order(&self) -> Option<Flaw> {
        let chain: Vec<X509Certificate<'_>> = std::iter::once(&self.leaf)
            .chain(&self.issuers)
            .filter_map(|der| parsed(der))
            .collect();
        let broken = chain
            .windows(2)
            .position(|pair| pair[0].issuer().as_raw() != pair[1].subject().as_raw())?;
        Some(flaw(
            format!(
                "is out of order: certificate {} is not the issuer of certificate {}",
                broken + 2,
                broken + 1
            ),
            "put the site's own certificate first, then each one's issuer",
        ))
    }
}

fn parsed(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate)
}

/// The DNS names of a certificate; its common name counts for nothing since RFC 6125.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

/// Whether a name of a certificate covers a domain; a star stands for exactly one label (RFC 6125 section 6.4.3).
fn covers(name: &str, domain: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(parent) => domain.split_once('.').is_some_and(|(_, rest)| rest == parent),
        None => name == domain,
    }
}

fn dates(certificate: &X509Certificate<'_>, today: Date) -> Option<Flaw> {
    let midnight = today.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
    let validity = certificate.validity();
    let (begin, end) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    if end <= midnight {
        return Some(flaw(format!("expired on {}", day(end)), "renew the certificate"));
    }
    // Issued at any time of today is fine.
    if begin >= midnight + 86_400 {
        let help = "wait until then, or name the certificate that is valid now";
        return Some(flaw(format!("is not valid before {}", day(begin)), help));
    }
    None
}

fn day(second: i64) -> String {
    match jiff::Timestamp::from_second(second) {
        Ok(time) => time.to_zoned(TimeZone::UTC).date().to_string(),
        Err(_) => "an impossible date".to_owned(),
    }
}

/// RSA keys that are too short, and kinds of keys that browsers do not accept.
fn weak_key(key: &SubjectPublicKeyInfo<'_>) -> Option<Flaw> {
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) if rsa.key_size() < RSA_BITS => Some(flaw(
            format!("has an RSA key of {} bits", rsa.key_size()),
            format!("make a key of at least {RSA_BITS} bits, or an EC key on P-256"),
        )),
        Ok(PublicKey::RSA(_) | PublicKey::EC(_)) => None,
        _ => Some(flaw(
            "has a kind of key that browsers do not accept",
            "use RSA or EC (P-256 or P-384)",
        )),
    }
}

/// A private key that TLS can sign with.
pub(crate) struct PrivateKey {
    label: &'static str,
    der: PrivateKeyDer<'static>,
    signing: Arc<dyn SigningKey>,
}

impl PrivateKey {
    /// Reads the first private key of a PEM file.
    pub(crate) fn read(text: &str) -> Result<Self, Flaw> {
        if text.contains("ENCRYPTED") {
            return Err(flaw(
                "is protected by a passphrase, which nobody can type when the server starts",
                "write it without one: `openssl pkey -in KEY -out KEY.plain` (umask 077)",
            ));
        }
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
            flaw(
                "holds no private key in PEM",
                "name a PEM file with a PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY block",
            )
        })?;
        let signing = any_supported_type(&der).map_err(|_| {
            flaw(
                "is not a key that TLS servers use everywhere",
                format!("use RSA with at least {RSA_BITS} bits, or EC on P-256 or P-384"),
            )
        })?;
        let label = match der {
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            _ => "PRIVATE KEY",
        };
        Ok(Self { label, der, signing })
    }

    /// The key, written anew.
    pub(crate) fn into_pem(self) -> Secret {
        Secret::new(encoded(self.label, self.der.secret_der()))
    }
}

/// A public key that room tokens can be checked with, written anew. The server checks RS256 only.
pub(crate) fn public_key(text: &str) -> Result<String, Flaw> {
    const MAKE: &str = "make it with `openssl pkey -in PRIVATE -pubout`";
    let blocks = blocks(text)?;
    let [block] = blocks.as_slice() else {
        let message = format!("holds {} PEM blocks, not one public key", blocks.len());
        return Err(flaw(message, MAKE));
    };
    match block.label.as_str() {
        "PUBLIC KEY" => {}
        label if label.contains("PRIVATE KEY") => {
            return Err(flaw("is a private key, which must never leave the issuer", MAKE));
        }
        "RSA PUBLIC KEY" => {
            return Err(flaw(
                "is an RSA PUBLIC KEY in PKCS #1; SubjectPublicKeyInfo is needed",
                "convert it: `openssl rsa -RSAPublicKey_in -in KEY -pubout`",
            ));
        }
        "CERTIFICATE" => {
            return Err(flaw(
                "is a certificate, not a public key",
                "take the key out: `openssl x509 -in CERTIFICATE -noout -pubkey`",
            ));
        }
        label => return Err(flaw(format!("holds a block {label:?}, not a public key"), MAKE)),
    }
    let Ok(([], key)) = SubjectPublicKeyInfo::from_der(&block.contents) else {
        return Err(flaw("is damaged", MAKE));
    };
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) if rsa.key_size() >= RSA_BITS => Ok(encoded("PUBLIC KEY", &block.contents)),
        Ok(PublicKey::RSA(rsa)) => Err(flaw(
            format!("has an RSA key of {} bits", rsa.key_size()),
            format!("sign tokens with a key of at least {RSA_BITS} bits"),
        )),
        _ => Err(flaw(
            "is not an RSA key, and the server checks tokens by RS256 only",
            format!("sign tokens with an RSA key of at least {RSA_BITS} bits"),
        )),
    }
}

fn blocks(text: &str) -> Result<Vec<Pem>, Flaw> {
    Pem::iter_from_buffer(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| {
            flaw(
                "is damaged: a PEM block does not end or is not base64",
                "copy the file again",
            )
        })
}

fn encoded(label: &str, der: &[u8]) -> String {
    let text = Zeroizing::new(STANDARD.encode(der));
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
    pem
}
