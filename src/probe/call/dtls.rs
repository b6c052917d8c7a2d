//! DTLS for SRTP (RFC 5764) without sockets: datagrams in, datagrams out, keys in the end. OpenSSL does the work, which
//! the SSH library brings along. Whether the other side's certificate is the announced one is answered as data.

use std::collections::VecDeque;
use std::io;
use std::io::Read;
use std::io::Write;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::bn::MsbOption;
use openssl::ec::EcGroup;
use openssl::ec::EcKey;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::pkey::Private;
use openssl::ssl::ErrorCode;
use openssl::ssl::Ssl;
use openssl::ssl::SslContext;
use openssl::ssl::SslMethod;
use openssl::ssl::SslOptions;
use openssl::ssl::SslStream;
use openssl::ssl::SslVerifyMode;
use openssl::ssl::SslVersion;
use openssl::x509::X509;
use openssl::x509::X509NameBuilder;
use zeroize::Zeroizing;

use super::srtp::Keys;
use super::srtp::Profile;

/// Largest datagram of a handshake; no path is expected to carry less.
const MTU: u32 = 1200;
/// Datagrams that are kept before the handshake reads them.
const QUEUE: usize = 64;

/// A certificate made for one call.
pub(crate) struct Identity {
    key: PKey<Private>,
    certificate: X509,
}

impl Identity {
    /// P-256, signed by itself, good for a day, named after nobody.
    pub(crate) fn made() -> Result<Self, ErrorStack> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
        let mut name = X509NameBuilder::new()?;
        name.append_entry_by_text("CN", "probe")?;
        let name = name.build();
        let mut serial = BigNum::new()?;
        serial.rand(63, MsbOption::MAYBE_ZERO, false)?;
        let mut made = X509::builder()?;
        made.set_version(2)?;
        let serial = serial.to_asn1_integer()?;
        made.set_serial_number(&serial)?;
        made.set_subject_name(&name)?;
        made.set_issuer_name(&name)?;
        let (begin, end) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(1)?);
        made.set_not_before(&begin)?;
        made.set_not_after(&end)?;
        made.set_pubkey(&key)?;
        made.sign(&key, MessageDigest::sha256())?;
        Ok(Self {
            key,
            certificate: made.build(),
        })
    }

    /// As the signalling announces it, by SHA-256.
    pub(crate) fn fingerprint(&self) -> Result<String, ErrorStack> {
        fingerprint(&self.certificate, MessageDigest::sha256())
    }

    /// As a weaker digest shows it.
    #[cfg(test)]
    pub(crate) fn fingerprint_by(&self, digest: MessageDigest) -> String {
        fingerprint(&self.certificate, digest).unwrap()
    }
}

fn fingerprint(certificate: &X509, digest: MessageDigest) -> Result<String, ErrorStack> {
    let digest = certificate.digest(digest)?;
    let bytes: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(bytes.join(":"))
}

/// Which side begins the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// We do.
    Client,
    /// The other does.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests' bridge is a server"))]
    Server,
}

/// One handshake, and what came of it.
pub(crate) struct Dtls {
    stream: SslStream<Wire>,
    side: Side,
}

/// The datagrams of one handshake.
#[derive(Debug, Default)]
struct Wire {
    inbound: VecDeque<Vec<u8>>,
    outbound: Vec<Vec<u8>>,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let datagram = self.inbound.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        let size = datagram.len().min(buffer.len());
        buffer[..size].copy_from_slice(&datagram[..size]);
        Ok(size)
    }
}

impl Write for Wire {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.outbound.push(datagram.to_vec());
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a finished handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Agreed {
    /// Such as `DTLSv1.2`.
    pub(crate) version: String,
    /// OpenSSL's name of the suite.
    pub(crate) suite: String,
    /// OpenSSL's name of the SRTP profile; `None` where the other side wants no SRTP.
    pub(crate) profile: Option<String>,
}

impl Dtls {
    /// A handshake that offers `profiles` (OpenSSL's names, separated by colons).
    pub(crate) fn new(identity: &Identity, side: Side, profiles: &str) -> Result<Self, ErrorStack> {
        let mut context = SslContext::builder(SslMethod::dtls())?;
        context.set_min_proto_version(Some(SslVersion::DTLS1_2))?;
        context.set_options(SslOptions::NO_QUERY_MTU);
        context.set_private_key(&identity.key)?;
        context.set_certificate(&identity.certificate)?;
        // Certificates of calls are vouched for by the signalling and by nobody else; see `announced_as`.
        let both = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
        context.set_verify_callback(both, |_, _| true);
        context.set_tlsext_use_srtp(profiles)?;
        let mut ssl = Ssl::new(&context.build())?;
        ssl.set_mtu(MTU)?;
        match side {
            Side::Client => ssl.set_connect_state(),
            Side::Server => ssl.set_accept_state(),
        }
        Ok(Self {
            stream: SslStream::new(ssl, Wire::default())?,
            side,
        })
    }

    /// Takes a datagram in.
    pub(crate) fn take(&mut self, datagram: &[u8]) {
        let queue = &mut self.stream.get_mut().inbound;
        if queue.len() < QUEUE {
            queue.push_back(datagram.to_vec());
        }
    }

    /// Goes on as far as possible, and sends again what was lost; `true` when it is over.
    pub(crate) fn step(&mut self) -> Result<bool, String> {
        match self.stream.do_handshake() {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.code(), ErrorCode::WANT_READ | ErrorCode::WANT_WRITE) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What is to be sent.
    pub(crate) fn outbound(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.stream.get_mut().outbound)
    }

    /// What was agreed on.
    pub(crate) fn agreed(&self) -> Agreed {
        let ssl = self.stream.ssl();
        let suite = ssl.current_cipher().map_or("none", |cipher| cipher.name());
        Agreed {
            version: ssl.version_str().to_owned(),
            suite: suite.to_owned(),
            profile: ssl.selected_srtp_profile().map(|profile| profile.name().to_owned()),
        }
    }

    /// Whether the other side's certificate is the announced one; `None` where the digest is not known here.
    pub(crate) fn announced_as(&self, hash: &str, value: &str) -> Option<bool> {
        let digest = match hash.to_ascii_lowercase().as_str() {
            "sha-256" => MessageDigest::sha256(),
            "sha-384" => MessageDigest::sha384(),
            "sha-512" => MessageDigest::sha512(),
            "sha-224" => MessageDigest::sha224(),
            "sha-1" => MessageDigest::sha1(),
            _ => return None,
        };
        let served = self.stream.ssl().peer_certificate();
        Some(served.is_some_and(|served| {
            fingerprint(&served, digest).is_ok_and(|shown| shown.eq_ignore_ascii_case(value.trim()))
        }))
    }

    /// The keys for what we send and for what we receive.
    pub(crate) fn keys(&self, profile: Profile) -> Result<(Keys, Keys), ErrorStack> {
        let (key, salt) = (profile.key_size(), profile.salt_size());
        let mut material = Zeroizing::new(vec![0; 2 * (key + salt)]);
        self.stream
            .ssl()
            .export_keying_material(&mut material, "EXTRACTOR-dtls_srtp", None)?;
        let (keys, salts) = material.split_at(2 * key);
        let client = Keys::derive(profile, &keys[..key], &salts[..salt])?;
        let server = Keys::derive(profile, &keys[key..], &salts[salt..])?;
        Ok(match self.side {
            Side::Client => (client, server),
            Side::Server => (server, client),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Carries datagrams to and fro until both are done.
    fn shaken(client: &mut Dtls, server: &mut Dtls) -> Result<(), String> {
        for _ in 0..20 {
            let done = client.step()?;
            client.outbound().iter().for_each(|datagram| server.take(datagram));
            let over = server.step()?;
            server.outbound().iter().for_each(|datagram| client.take(datagram));
            if done && over {
                return Ok(());
            }
        }
        Err("no end".to_owned())
    }

    #[test]
    fn two_ends_agree_on_keys_and_know_each_other() {
        let (ours, theirs) = (Identity::made().unwrap(), Identity::made().unwrap());
        let mut client = Dtls::new(&ours, Side::Client, Profile::OFFERED).unwrap();
        let mut server = Dtls::new(&theirs, Side::Server, "SRTP_AEAD_AES_128_GCM").unwrap();
        shaken(&mut client, &mut server).unwrap();
        let agreed = client.agreed();
        assert_eq!(agreed.version, "DTLSv1.2");
        assert_eq!(agreed.profile.as_deref(), Some("SRTP_AEAD_AES_128_GCM"));
        assert_eq!(
            client.announced_as("sha-256", &theirs.fingerprint().unwrap()),
            Some(true)
        );
        assert_eq!(
            client.announced_as("sha-256", &ours.fingerprint().unwrap()),
            Some(false)
        );
        assert_eq!(client.announced_as("md2", "00"), None);
        let packet = [&[0x80, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3][..], b"hello"].concat();
        let (send, _) = client.keys(Profile::Aes128Gcm).unwrap();
        let (_, receive) = server.keys(Profile::Aes128Gcm).unwrap();
        assert_eq!(
            receive.open(&send.seal(&packet).unwrap()).as_deref(),
            Some(&b"hello"[..])
        );
    }

    /// Where the handshake begins, a JVB of today insists on signalled renegotiation (RFC 5746) and says nothing else.
    #[test]
    fn the_first_message_signals_secure_renegotiation() {
        let mut client = Dtls::new(&Identity::made().unwrap(), Side::Client, Profile::OFFERED).unwrap();
        client.step().unwrap();
        let hello = client.outbound().concat();
        assert!(
            hello
                .windows(2)
                .any(|pair| pair == [0x00, 0xff] || pair == [0xff, 0x01])
        );
    }

    #[test]
    fn a_datagram_of_noise_ends_no_handshake() {
        let mut client = Dtls::new(&Identity::made().unwrap(), Side::Client, Profile::OFFERED).unwrap();
        client.take(&[22, 1, 2, 3]);
        client.take(&[0x80; 40]);
        assert_eq!(client.step(), Ok(false));
    }
}
