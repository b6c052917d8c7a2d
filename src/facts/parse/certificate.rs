//! A certificate file and the public half of the key beside it.

use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer;
use x509_parser::prelude::GeneralName;
use x509_parser::prelude::X509Certificate;

use crate::facts::CertificateFacts;

/// The first certificate of a PEM file, and whether `public_key` (PEM, SubjectPublicKeyInfo; `None`: no key file) is its
/// key.
pub(crate) fn certificate(pem: &[u8], public_key: Option<&[u8]>) -> Result<CertificateFacts, String> {
    let (_, pem) = parse_x509_pem(pem).map_err(|error| format!("certificate: {error}"))?;
    let (_, certificate) = X509Certificate::from_der(&pem.contents).map_err(|error| format!("certificate: {error}"))?;
    let names = match certificate.subject_alternative_name() {
        Ok(Some(extension)) => extension
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                _ => None,
            })
            .collect(),
        // Clients look at no other field for names (RFC 9525).
        Ok(None) => Vec::new(),
        Err(error) => return Err(format!("certificate: {error}")),
    };
    let key_matches = match public_key {
        None => false,
        Some(text) => {
            let (_, key) = parse_x509_pem(text).map_err(|error| format!("public key: {error}"))?;
            key.contents == certificate.public_key().raw
        }
    };
    Ok(CertificateFacts {
        names,
        not_after: certificate.validity().not_after.timestamp(),
        key_matches,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PEM: &[u8] = include_bytes!("../../../tests/fixtures/facts/certificate.pem");
    const KEY: &[u8] = include_bytes!("../../../tests/fixtures/facts/public-key.pem");

    #[test]
    fn a_certificate_and_its_key() {
        let seen = certificate(PEM, Some(KEY)).unwrap();
        assert_eq!(seen.names, ["telemed.example.com", "auth.telemed.example.com"]);
        assert!(seen.key_matches && seen.not_after > 1_700_000_000);
        assert!(!certificate(PEM, None).unwrap().key_matches);
        assert!(!certificate(PEM, Some(PEM)).unwrap().key_matches);
        assert!(certificate(b"", None).is_err());
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(
            at in any::<proptest::sample::Index>(),
            with in proptest::collection::vec(any::<u8>(), 1..40),
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut spoiled = PEM.to_vec();
            let at = at.index(spoiled.len());
            let end = spoiled.len().min(at + with.len());
            spoiled[at..end].copy_from_slice(&with[..end - at]);
            let _ = (certificate(&spoiled, Some(&bytes)), certificate(&bytes, None), certificate(PEM, Some(&spoiled)));
        }
    }
}
