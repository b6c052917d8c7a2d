//! What a served certificate says: names, dates, key. Pure: it reads bytes and knows no network and no trust.

use crate::digest;
use jiff::Timestamp;
use serde::Serialize;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;

/// One served certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// SHA-256 of the DER, in lower-case hexadecimal.
    pub sha256: String,
    /// Distinguished name of the holder.
    pub subject: String,
    /// Distinguished name of the signer.
    pub issuer: String,
    /// Serial number in hexadecimal.
    pub serial: String,
    /// DNS names and addresses it is good for (subjectAltName only; RFC 9525 forbids the common name).
    pub names: Vec<String>,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until; `None` where it has no end: the date that RFC 5280 4.1.2.5 keeps for that, or one beyond all calendars.
    pub not_after: Option<Timestamp>,
    /// Who signed it.
    pub signer: Signer,
    /// The holder's public key.
    pub key: Key,
    /// OID of the signature algorithm in dotted form, or its name where it is a usual one.
    pub signature: String,
    /// It may be served only together with a status (RFC 7633).
    pub must_staple: bool,
}

/// Who signed a certificate, by its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signer {
    /// Subject and issuer are the same.
    Itself,
    /// Another name.
    Another,
}

/// A public key's kind and size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// `RSA`, `EC P-256`, … or the algorithm's OID.
    pub algorithm: String,
    /// Size in bits; 0 where the format does not tell.
    pub bits: usize,
}

impl Certificate {
    /// Whether one of the names is the domain, exactly or by a wildcard in the leftmost label (RFC 9525 6.3).
    pub fn covers(&self, domain: &str) -> bool {
        self.names.iter().any(|name| name_matches(name, domain))
    }
}

fn name_matches(name: &str, domain: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix("*.") {
        Some(parent) => domain.split_once('.').is_some_and(|(_, rest)| rest == parent),
        None => name == domain,
    }
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn fingerprint(der: &[u8]) -> String {
    digest::sha256(der)
}

/// Reads one DER certificate.
pub(crate) fn read(der: &[u8]) -> Result<Certificate, String> {
    let (_, parsed) =
        X509Certificate::from_der(der).map_err(|error| format!("a served certificate is not X.509: {error}"))?;
    let names = match parsed.subject_alternative_name() {
        Ok(Some(extension)) => extension.value.general_names.iter().filter_map(name_of).collect(),
        Ok(None) => Vec::new(),
        Err(error) => return Err(format!("a served certificate has unreadable names: {error}")),
    };
    let signer = if parsed.subject().as_raw() == parsed.issuer().as_raw() {
        Signer::Itself
    } else {
        Signer::Another
    };
    Ok(Certificate {
        sha256: fingerprint(der),
        subject: parsed.subject().to_string(),
        issuer: parsed.issuer().to_string(),
        serial: parsed.raw_serial_as_string(),
        names,
        not_before: begin(parsed.validity().not_before),
        not_after: end(parsed.validity().not_after),
        signer,
        key: key(&parsed),
        signature: signature(&parsed.signature_algorithm.algorithm.to_id_string()),
        must_staple: parsed
            .extensions()
            .iter()
            .any(|found| found.oid.to_id_string() == TLS_FEATURE && promises_status(found.value)),
    })
}

/// The extension that names what a server has to agree to (RFC 7633 4).
const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";

/// Whether one of the features is the status of RFC 6066 or of RFC 6961: a sequence of small numbers in DER.
fn promises_status(der: &[u8]) -> bool {
    let Some(list) = der.strip_prefix(&[0x30]).and_then(|rest| rest.get(1..)) else {
        return false;
    };
    list.chunks_exact(3).any(|number| matches!(number, [2, 1, 5 | 17]))
}

fn name_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(dns) => Some((*dns).to_owned()),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(four) => Some(std::net::Ipv4Addr::from(four).to_string()),
            Err(_) => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|sixteen| std::net::Ipv6Addr::from(sixteen).to_string()),
        },
        _ => None,
    }
}

/// 9999-12-31 23:59:59, which stands for "no end".
const NO_END: i64 = 253_402_300_799;

/// A beginning beyond all calendars is put to the calendar's edge, where it says the same.
fn begin(at: ASN1Time) -> Timestamp {
    let edge = if at.timestamp() < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_second(at.timestamp()).unwrap_or(edge)
}

fn end(at: ASN1Time) -> Option<Timestamp> {
    match at.timestamp() {
        NO_END.. => None,
        second => {
            Some(Timestamp::from_second(second).unwrap_or(if second < 0 { Timestamp::MIN } else { Timestamp::MAX }))
        }
    }
}

fn key(certificate: &X509Certificate<'_>) -> Key {
    let info = certificate.public_key();
    let oid = info.algorithm.algorithm.to_id_string();
    match info.parsed() {
        Ok(PublicKey::RSA(rsa)) => Key {
            algorithm: "RSA".to_owned(),
            bits: rsa.key_size(),
        },
        Ok(PublicKey::EC(_)) => {
            let curve = info
                .algorithm
                .parameters
                .as_ref()
                .and_then(|parameters| parameters.as_oid().ok())
                .map(|oid| oid.to_id_string());
            curve_key(curve.as_deref())
        }
        _ if oid == "1.3.101.112" => Key {
            algorithm: "Ed25519".to_owned(),
            bits: 256,
        },
        _ => Key {
            algorithm: oid,
            bits: 0,
        },
    }
}

/// SEC 2 curve numbers.
fn curve_key(oid: Option<&str>) -> Key {
    let (name, bits) = match oid {
        Some("1.2.840.10045.3.1.7") => ("EC P-256", 256),
        Some("1.3.132.0.34") => ("EC P-384", 384),
        Some("1.3.132.0.35") => ("EC P-521", 521),
        Some("1.3.132.0.10") => ("EC secp256k1", 256),
        _ => ("EC on another curve", 0),
    };
    Key {
        algorithm: name.to_owned(),
        bits,
    }
}

/// Names of the usual signature algorithms (RFC 8017, RFC 5758, RFC 8410).
fn signature(oid: &str) -> String {
    let name = match oid {
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.10" => "rsassaPss",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.3.101.112" => "Ed25519",
        other => other,
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_tells_its_names_dates_and_key() {
        let made =
            rcgen::generate_simple_self_signed(vec!["telemed.example.com".to_owned(), "10.1.2.3".to_owned()]).unwrap();
        let read = read(made.cert.der()).unwrap();
        assert_eq!(read.names, ["telemed.example.com", "10.1.2.3"]);
        assert_eq!(read.signer, Signer::Itself);
        assert_eq!(
            read.key,
            Key {
                algorithm: "EC P-256".to_owned(),
                bits: 256
            }
        );
        assert_eq!(read.signature, "ecdsa-with-SHA256");
        assert!(read.not_after.is_some_and(|end| read.not_before < end));
        assert_eq!(read.sha256.len(), 64);
    }

    #[test]
    fn a_certificate_may_promise_a_status() {
        let mut asked = rcgen::CertificateParams::new(vec!["t.example.com".to_owned()]).unwrap();
        let oid = [1, 3, 6, 1, 5, 5, 7, 1, 24];
        let key = rcgen::KeyPair::generate().unwrap();
        for (value, promised) in [
            (vec![0x30, 3, 2, 1, 5], true),
            (vec![0x30, 6, 2, 1, 16, 2, 1, 17], true),
            (vec![0x30, 3, 2, 1, 16], false),
            (vec![0x30, 0], false),
            (vec![5], false),
        ] {
            asked.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(&oid, value)];
            let made = asked.self_signed(&key).unwrap();
            assert_eq!(read(made.der()).unwrap().must_staple, promised);
        }
    }

    #[test]
    fn a_wildcard_covers_one_label_and_never_the_parent() {
        assert!(name_matches("*.example.com", "telemed.example.com"));
        assert!(!name_matches("*.example.com", "a.telemed.example.com"));
        assert!(!name_matches("*.example.com", "example.com"));
        assert!(name_matches("Telemed.Example.com", "telemed.example.com"));
    }

    #[test]
    fn bytes_that_are_no_certificate_are_an_error() {
        assert!(read(b"not a certificate").is_err());
    }

    #[test]
    fn a_certificate_without_an_end_is_read_and_has_none() {
        let mut asked = rcgen::CertificateParams::new(vec!["t.example.com".to_owned()]).unwrap();
        asked.not_after = rcgen::date_time_ymd(9999, 12, 31) + std::time::Duration::from_secs(86_399);
        let key = rcgen::KeyPair::generate().unwrap();
        let made = asked.self_signed(&key).unwrap();
        assert_eq!(read(made.der()).unwrap().not_after, None);
    }

    proptest::proptest! {
        #[test]
        fn a_spoiled_certificate_is_read_without_a_panic(
            at in proptest::prelude::any::<proptest::sample::Index>(),
            with in proptest::collection::vec(proptest::prelude::any::<u8>(), 1..6),
        ) {
            static DER: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
                let names = vec!["t.example.com".to_owned(), "*.example.com".to_owned(), "10.1.2.3".to_owned()];
                rcgen::generate_simple_self_signed(names).unwrap().cert.der().to_vec()
            });
            let mut der = DER.clone();
            let at = at.index(der.len());
            for (place, byte) in der[at..].iter_mut().zip(with) {
                *place = byte;
            }
            let _ = read(&der);
        }
    }
}
