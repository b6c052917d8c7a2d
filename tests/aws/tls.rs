//! Where the mock of AWS answers for production: at an address of this computer that is not loopback, with a certificate of
//! an authority made for the test.

use std::ffi::OsString;
use std::fs;
use std::net::IpAddr;
use std::net::UdpSocket;
use std::path::Path;
use std::path::PathBuf;

/// A place to listen.
pub(crate) struct Listener {
    address: IpAddr,
    /// The port, once the mock has told it.
    pub(crate) port: u16,
    /// Certificate of the authority.
    pub(crate) authority: PathBuf,
    chain: PathBuf,
    key: PathBuf,
}

/// The address from which this computer would reach another network; nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("198.51.100.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

impl Listener {
    /// Makes the certificates; `None` where this computer has loopback alone.
    pub(crate) fn prepare(folder: &Path) -> Option<Self> {
        let address = own_address()?;
        let mut authority = rcgen::CertificateParams::default();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority
            .distinguished_name
            .push(rcgen::DnType::CommonName, "Authority of the mock");
        let authority = rcgen::CertifiedIssuer::self_signed(authority, rcgen::KeyPair::generate().unwrap()).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let leaf = rcgen::CertificateParams::new(vec![address.to_string()]).unwrap();
        let leaf = leaf.signed_by(&key, &authority).unwrap();
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            path
        };
        Some(Self {
            address,
            port: 0,
            authority: write("mock-authority.pem", authority.pem()),
            chain: write("mock-chain.pem", leaf.pem()),
            key: write("mock-key.pem", key.serialize_pem()),
        })
    }

    /// What the mock is told.
    pub(crate) fn arguments(&self) -> [OsString; 3] {
        [
            self.address.to_string().into(),
            self.chain.clone().into(),
            self.key.clone().into(),
        ]
    }

    /// Where the program asks.
    pub(crate) fn url(&self) -> String {
        format!("https://{}:{}", self.address, self.port)
    }
}
