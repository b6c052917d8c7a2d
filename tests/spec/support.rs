//! What the tests of the spec share: a fixed day, files from memory, certificates made on the spot.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use anteroom::spec::Files;
use anteroom::spec::Problems;
use anteroom::spec::Spec;
use anteroom::spec::Switches;
use anteroom::spec::parse;
use jiff::civil::Date;
use jiff::civil::date;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::DnType;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::date_time_ymd;

/// The day on which all tests happen.
pub(crate) const TODAY: Date = date(2026, 4, 1);

/// A folder of this repository.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Judges text; the files it names come from `files`, else from the fixtures.
pub(crate) fn judge(text: &str, switches: &Switches, files: &BTreeMap<&str, String>) -> Result<Spec, Problems> {
    let read = |path: &Path| -> io::Result<Vec<u8>> {
        let name = path.to_str().expect("test paths are text");
        match files.get(name) {
            Some(text) => Ok(text.clone().into_bytes()),
            None if name.starts_with("keys/") => std::fs::read(folder("tests/fixtures/spec").join(path)),
            None if name.starts_with("files/") => std::fs::read(folder("examples").join(path)),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        }
    };
    let files = Files {
        folder: Path::new(""),
        home: Some(Path::new("/home/operator")),
        read: &read,
    };
    parse(Path::new("anteroom.toml"), text.as_bytes(), switches, TODAY, &files)
}

/// A certificate, its key and its issuer's certificate, as PEM.
pub(crate) struct Made {
    pub(crate) leaf: String,
    pub(crate) issuer: String,
    pub(crate) key: String,
}

/// Makes a certificate for `names`, valid from and until the given days, by an authority of its own.
pub(crate) fn certificate(names: &[&str], from: (i32, u8, u8), until: (i32, u8, u8)) -> Made {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "Test Authority");
    let authority_key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(authority, authority_key).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut leaf = CertificateParams::new(names).expect("names");
    leaf.distinguished_name.push(DnType::CommonName, "Test Leaf");
    leaf.not_before = date_time_ymd(from.0, from.1, from.2);
    leaf.not_after = date_time_ymd(until.0, until.1, until.2);
    let leaf = leaf.signed_by(&key, &authority).expect("a certificate");
    Made {
        leaf: leaf.pem(),
        issuer: authority.pem(),
        key: key.serialize_pem(),
    }
}

/// A good certificate for telemed.example.com under the names that fixtures and examples use.
pub(crate) fn good_files() -> BTreeMap<&'static str, String> {
    let made = certificate(&["telemed.example.com"], (2026, 1, 1), (2027, 1, 1));
    let chain = format!("{}{}", made.leaf, made.issuer);
    BTreeMap::from([
        ("chain.pem", chain.clone()),
        ("key.pem", made.key.clone()),
        ("files/fullchain.pem", chain),
        ("files/privkey.pem", made.key),
    ])
}
